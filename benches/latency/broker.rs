//! A real mosquitto on a free loopback port. It stops with its value.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::Result;
use crate::process::Process;

/// How long the broker may take to answer: in all, and between looks.
const LOOKS: u32 = 500;
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A broker that runs.
pub(crate) struct Broker {
    port: u16,
    _process: Process,
    _folder: TempDir,
}

impl Broker {
    /// Starts a broker and waits until it answers.
    pub(crate) fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let file = folder.path().join("mosquitto.conf");
        // Its own delays are switched off: Nagle's algorithm holds a small message until the one before it is
        // acknowledged, up to 40 ms, and would hide what is measured. A broker started by root gives its rights up.
        let text = format!(
            "persistence false\nset_tcp_nodelay true\nuser root\nallow_anonymous true\nlistener {port} 127.0.0.1\n"
        );
        fs::write(&file, text)?;
        let log = folder.path().join("log");
        let mut command = Command::new(program()?);
        command.arg("-c").arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?);
        let broker = Self { port, _process: Process::spawn(command)?, _folder: folder };
        for _ in 0..LOOKS {
            if broker.connect().is_ok() {
                return Ok(broker);
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Err(format!("mosquitto does not answer; it says:\n{}", fs::read_to_string(log)?).into())
    }

    /// Returns the port that it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Connects as a client that only publishes and is never asked whether it still lives.
    pub(crate) fn connect(&self) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        // CONNECT of MQTT 3.1.1: clean session, no keep-alive, no name.
        stream.write_all(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00")?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer)?;
        if answer == [0x20, 2, 0, 0] { Ok(stream) } else { Err(io::Error::other("the broker refused the connection")) }
    }
}

/// Finds Debian's mosquitto; `/usr/sbin` is in the path of root only.
fn program() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders
        .map(|folder| folder.join("mosquitto"))
        .find(|file| file.is_file())
        .ok_or_else(|| "mosquitto is missing, and the MQTT cases need it: apt-get install mosquitto".into())
}
