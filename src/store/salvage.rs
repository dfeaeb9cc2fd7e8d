//! What can be read of a store that was put aside comes into the new one, beside the daily work.
//!
//! A thread of its own, `salvage`, lets a child process read a copy, so that the damaged store stays as it was found; the
//! owner merges what comes, batch by batch, between the alerts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::child::{self, Verdict};
use super::desk::Desk;
use super::medium::Entry;
use super::reader::Wanted;

/// Entries that are merged at a time.
const BATCH: usize = 128;

/// A batch of more bytes is handed on as it is.
const BATCH_BYTES: usize = 256 * 1024;

/// Batches that wait for the owner; beyond it the reading waits.
const BATCHES_MAX: usize = 2;

/// What comes from the old store.
#[derive(Debug)]
pub(super) enum Salvaged {
    /// Keys and records; of the journal the newest first.
    Entries(Vec<Entry>),
    /// That was all; in words, whether it was everything.
    End(String),
}

/// A salvage that goes on.
pub(super) struct Salvage(Receiver<Salvaged>);

impl Salvage {
    /// Begins to read what was put aside in `aside`; `scratch` is a folder for the copy, made and removed here.
    pub(super) fn begin(aside: PathBuf, scratch: PathBuf, desk: Arc<Desk>) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(BATCHES_MAX);
        let mut reading = Reading { sender, desk, batch: Vec::new(), bytes: 0, has_journal: false };
        std::thread::Builder::new().name("salvage".to_owned()).spawn(move || {
            let words = reading.read(&aside, &scratch);
            reading.hand_on();
            reading.send(Salvaged::End(words));
        })?;
        Ok(Self(receiver))
    }

    /// Returns what has come; the end where the thread is gone without a word.
    pub(super) fn take(&self) -> Salvaged {
        self.0.recv().unwrap_or_else(|_| Salvaged::End("its reading failed inside the program".to_owned()))
    }
}

struct Reading {
    sender: SyncSender<Salvaged>,
    desk: Arc<Desk>,
    batch: Vec<Entry>,
    bytes: usize,
    has_journal: bool,
}

impl Reading {
    /// Reads the store as it is; where that fails, once more without the engine's summary, which it makes anew from its
    /// log.
    fn read(&mut self, aside: &Path, scratch: &Path) -> String {
        let verdict = match self.read_copy(aside, scratch, true) {
            Ok(Verdict::Whole) => Ok(Verdict::Whole),
            Ok(first) => self.read_copy(aside, scratch, false).map(|_| first),
            Err(error) => Err(error),
        };
        drop(fs::remove_dir_all(scratch));
        match verdict {
            Ok(Verdict::Whole) => "all of it could be read".to_owned(),
            Ok(Verdict::Broken(what)) => format!("the rest cannot be read ({what})"),
            Ok(Verdict::TooSlow) => "the rest cannot be read in reasonable time".to_owned(),
            Ok(Verdict::Unknown(what)) => format!("the rest was not read ({what})"),
            Err(error) => format!("it was not read, for it cannot be copied ({error})"),
        }
    }

    fn read_copy(&mut self, aside: &Path, scratch: &Path, with_summary: bool) -> io::Result<Verdict> {
        copy(aside, scratch, with_summary)?;
        let (before, mut has_journal) = (self.has_journal, self.has_journal);
        let verdict = child::read(scratch, Wanted::Entries, |entry| {
            let is_journal = entry.0.first() == Some(&b'j');
            has_journal |= is_journal;
            // Its entries are numbered anew: they must not come twice.
            (is_journal && before) || self.take(entry)
        });
        self.has_journal = has_journal;
        Ok(verdict)
    }

    fn take(&mut self, entry: Entry) -> bool {
        self.bytes += entry.1.len();
        self.batch.push(entry);
        if self.batch.len() < BATCH && self.bytes < BATCH_BYTES { true } else { self.hand_on() }
    }

    fn hand_on(&mut self) -> bool {
        self.bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        self.send(Salvaged::Entries(batch))
    }

    fn send(&mut self, salvaged: Salvaged) -> bool {
        let sent = self.sender.send(salvaged).is_ok();
        self.desk.with(super::waiting::Waiting::salvaged);
        sent
    }
}

fn copy(from: &Path, to: &Path, with_summary: bool) -> io::Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let is_summary = entry.file_name().to_string_lossy().starts_with("snap.");
        if entry.file_type()?.is_file() && (with_summary || !is_summary) {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
