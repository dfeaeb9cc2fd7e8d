//! The folder of one home: configuration, secrets, store. Gone with its value.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::dispatch::write_secret;

/// One home.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    /// Makes an empty one.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("tmp")).unwrap();
        Self { folder }
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The configuration file.
    pub(crate) fn configuration(&self) -> PathBuf {
        self.path("nattvakt.toml")
    }

    /// Writes a secret that only its owner may read.
    pub(crate) fn secret(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        write_secret(&path, text);
        path
    }

    /// Writes the configuration: these beds, and what else the test needs ([`channel`], [`broker`]).
    pub(crate) fn configure(&self, beds: &[Bed], rest: &[String]) {
        let store = self.path("store");
        let mut text = format!(
            "[gateway]\nid = \"4601234567\"\ntime-zone = \"Europe/Stockholm\"\nclock = \"rtc\"\n\
             [store]\npath = {store:?}\n"
        );
        text.extend(rest.iter().map(String::as_str));
        text.extend(beds.iter().map(Bed::text));
        fs::write(self.configuration(), text).unwrap();
    }

    /// Tells whether these words lie in the store's files by now: what the kernel has survives the program.
    pub(crate) fn store_holds(&self, words: &str) -> bool {
        let log = fs::read_dir(self.path("store/outbox")).into_iter().flatten().flatten().map(|entry| entry.path());
        let files = log.chain([self.path("store/store/db")]).filter_map(|file| fs::read(file).ok());
        files.into_iter().any(|data| data.windows(words.len()).any(|window| window == words.as_bytes()))
    }

    /// Everything in the home, as paths from its root, without the inside of the storage engine.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        walk(self.folder.path(), self.folder.path(), &mut found);
        found.sort();
        found
    }
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && name != "store/store" && name != "store/outbox" {
            walk(root, &path, found);
        }
        found.push(name);
    }
}

/// A bed in the configuration. Its levels are given, and every reading decides unless a test says otherwise.
pub(crate) struct Bed {
    pub(crate) id: String,
    /// Its sensor's table.
    pub(crate) sensor: String,
    /// The value of `watch`.
    pub(crate) watch: &'static str,
    /// The value of `confirm`.
    pub(crate) confirm: &'static str,
    /// The value of `settle`.
    pub(crate) settle: &'static str,
    /// What its zones say with nobody on the mat, and with somebody.
    pub(crate) levels: (&'static [f64], &'static [f64]),
    /// More lines of its table `detect`.
    pub(crate) detect: &'static str,
    /// The lines of its table `alarm`.
    pub(crate) alarm: &'static str,
}

impl Bed {
    /// A bed whose mat writes one number a line to a port.
    pub(crate) fn serial(id: &str, port: &Path) -> Self {
        Self::new(id, format!("[bed.serial]\nport = {port:?}\n"))
    }

    /// A bed whose mat publishes plain numbers.
    pub(crate) fn mqtt(id: &str, topic: &str) -> Self {
        Self::new(id, format!("[bed.mqtt]\ntopic = \"{topic}\"\n"))
    }

    fn new(id: &str, sensor: String) -> Self {
        let id = id.to_owned();
        let levels = (&[100.0][..], &[600.0][..]);
        Self { id, sensor, watch: "\"always\"", confirm: "0s", settle: "0s", levels, detect: "", alarm: "" }
    }

    fn text(&self) -> String {
        let Self { id, sensor, watch, confirm, settle, levels: (empty, occupied), detect, alarm } = self;
        format!(
            "[[bed]]\nid = \"{id}\"\nwatch = {watch}\n{sensor}\
             [bed.detect]\nempty = {empty:?}\noccupied = {occupied:?}\nconfirm = \"{confirm}\"\nsettle = \"{settle}\"\n{detect}\n\
             [bed.alarm]\n{alarm}\n"
        )
    }
}

/// A channel to dispatch; `more` are lines of its table `https`.
pub(crate) fn channel(url: &str, more: &str) -> String {
    format!("[[dispatch]]\nname = \"larmcentral\"\nheartbeat = \"off\"\n[dispatch.https]\nurl = \"{url}\"\n{more}\n")
}

/// The broker on a loopback port.
pub(crate) fn broker(port: u16) -> String {
    format!("[mqtt]\nurl = \"mqtt://127.0.0.1:{port}\"\n")
}
