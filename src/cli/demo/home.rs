//! The home of a demonstration: a folder with secrets and a configuration, gone when it is over.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::cli::Failure;
use crate::config::{self, Config, Looks};

/// The configuration, with braces where something is filled in.
const CONFIGURATION: &str = include_str!("demo.toml");

/// A folder that is removed when it is dropped.
pub(super) struct Home {
    folder: PathBuf,
    token: String,
    key: String,
}

impl Home {
    /// Makes the folder and draws the secrets.
    pub(super) fn new() -> io::Result<Self> {
        let mut random = [0; 40];
        getrandom::getrandom(&mut random)?;
        let (name, key) = random.split_at(8);
        let name = name.iter().fold(0_u64, |name, byte| name << 8 | u64::from(*byte));
        let folder = std::env::temp_dir().join(format!("nattvakt-demo-{name:016x}"));
        DirBuilder::new().mode(0o700).create(&folder)?;
        let key = STANDARD.encode(key);
        let home = Self { folder, token: format!("demo-{name:016x}"), key: format!("whsec_{key}") };
        home.write("dispatch.token", &home.token)?;
        home.write("dispatch.key", &home.key)?;
        Ok(home)
    }

    fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.folder.join(name))?;
        file.write_all(text.as_bytes())
    }

    /// Returns the token that dispatch wants.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Returns the key that signs.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Writes the configuration and reads it as the daemon does.
    pub(super) fn configure(&self, port: &Path, dispatch: SocketAddr) -> Result<Config, Failure> {
        let text = CONFIGURATION
            .replace("{folder}", &self.folder.display().to_string())
            .replace("{port}", &port.display().to_string())
            .replace("{url}", &format!("http://{dispatch}/alerts"));
        self.write("nattvakt.toml", &text).map_err(Failure::failed)?;
        let sound = config::load(&self.folder.join("nattvakt.toml"), Looks::Here).map_err(Failure::failed)?;
        Ok(sound.config)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What cannot be removed lies in the folder for temporary files, which is cleaned by others.
        drop(fs::remove_dir_all(&self.folder));
    }
}
