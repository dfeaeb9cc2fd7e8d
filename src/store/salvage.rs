//! What can be read of a store that was put aside comes into the new one, beside the daily work.
//!
//! A thread of its own, `salvage`, lets a child process read a copy, so that the damaged store stays as it was found; the
//! owner merges what comes, batch by batch, between the alerts. What was merged is on the medium before the next batch is
//! taken, and only then, at the end, the store counts as read: whatever breaks it off, it is made again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

use super::aside::Aside;
use super::child::{self, Verdict};
use super::desk::Desk;
use super::ledger::Merged;
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
    /// That was all.
    End(End),
}

/// How the reading has ended.
#[derive(Debug)]
pub(super) struct End {
    /// In words, whether it was everything.
    pub(super) words: String,
    /// Whether another try may bring more.
    pub(super) again: bool,
}

impl End {
    fn for_good(words: impl Into<String>) -> Self {
        Self { words: words.into(), again: false }
    }

    fn for_now(words: &str) -> Self {
        Self { words: format!("{words}; it is tried again later"), again: true }
    }
}

/// A salvage that goes on.
pub(super) struct Salvage {
    receiver: Receiver<Salvaged>,
    /// What has come and is not merged yet.
    at_hand: Option<Salvaged>,
    aside: Arc<Aside>,
    scratch: PathBuf,
    /// What was merged so far.
    pub(super) merged: Merged,
}

impl Salvage {
    /// Begins to read what was put aside; `scratch` is where a copy may lie meanwhile.
    pub(super) fn begin(aside: Aside, scratch: PathBuf, desk: Arc<Desk>) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(BATCHES_MAX);
        let aside = Arc::new(aside);
        let mut reading = Reading { sender, desk, batch: Vec::new(), bytes: 0, has_journal: false, is_heard: true };
        let (from, copy) = (Arc::clone(&aside), scratch.clone());
        std::thread::Builder::new().name("salvage".to_owned()).spawn(move || {
            let end = reading.read(&from, &copy);
            reading.hand_on();
            reading.send(Salvaged::End(end));
        })?;
        Ok(Self { receiver, at_hand: None, aside, scratch, merged: Merged::default() })
    }

    /// Returns what has come, the same until it is taken; nothing where nothing has.
    pub(super) fn come(&mut self) -> Option<(&Salvaged, &mut Merged)> {
        if self.at_hand.is_none() {
            self.at_hand = match self.receiver.try_recv() {
                Ok(come) => Some(come),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => {
                    Some(Salvaged::End(End::for_now("its reading failed inside the program")))
                }
            };
        }
        self.at_hand.as_ref().map(|come| (come, &mut self.merged))
    }

    /// Takes the news that what has come is on the medium.
    pub(super) fn taken(&mut self) {
        self.at_hand = None;
    }

    /// Ends it: all that has come is on the medium.
    pub(super) fn end(self, again: bool) {
        let removed = if self.scratch.exists() { fs::remove_dir_all(&self.scratch) } else { Ok(()) };
        let ended = if again { removed } else { removed.and(self.aside.is_read()) };
        if let Err(error) = ended {
            tracing::warn!(error = %error, "Salvage of a damaged store leaves something behind");
        }
    }
}

struct Reading {
    sender: SyncSender<Salvaged>,
    desk: Arc<Desk>,
    batch: Vec<Entry>,
    bytes: usize,
    has_journal: bool,
    /// Whether the owner is there still.
    is_heard: bool,
}

impl Drop for Reading {
    /// However it ends, the owner hears of it.
    fn drop(&mut self) {
        self.desk.with(super::waiting::Waiting::salvaged);
    }
}

impl Reading {
    /// Reads the store as it is; where that fails, once more without the engine's summary, which it makes anew from its
    /// log.
    fn read(&mut self, aside: &Aside, scratch: &Path) -> End {
        if let Err(error) = aside.copy(scratch, true) {
            return End::for_now(&format!("it was not read, for it cannot be copied ({error})"));
        }
        match aside.may_try() {
            Ok(true) => {}
            Ok(false) => return End::for_good("it was tried often enough: it is left for a technician"),
            Err(error) => return End::for_now(&format!("it was not read, for the disk fails ({error})")),
        }
        let mut verdict = self.read_copy(scratch);
        if verdict != Verdict::Whole && self.is_heard {
            match aside.copy(scratch, false) {
                Ok(()) => drop(self.read_copy(scratch)),
                Err(error) => verdict = Verdict::Unknown(format!("it cannot be copied: {error}")),
            }
        }
        match verdict {
            Verdict::Whole => End::for_good("all of it could be read"),
            Verdict::Broken(what) => End::for_good(format!("the rest cannot be read ({what})")),
            Verdict::TooSlow => End::for_good("the rest cannot be read in reasonable time"),
            Verdict::Killed => End::for_now("the rest was not read (the memory does not suffice)"),
            Verdict::Unknown(what) => End::for_now(&format!("the rest was not read ({what})")),
        }
    }

    fn read_copy(&mut self, scratch: &Path) -> Verdict {
        let (before, mut has_journal) = (self.has_journal, self.has_journal);
        let verdict = child::read(scratch, Wanted::Entries, |entry| {
            let is_journal = entry.0.first() == Some(&b'j');
            has_journal |= is_journal;
            // Its entries are numbered anew: they must not come twice.
            (is_journal && before) || self.take(entry)
        });
        self.has_journal = has_journal;
        verdict
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
        self.is_heard &= self.sender.send(salvaged).is_ok();
        self.desk.with(super::waiting::Waiting::salvaged);
        self.is_heard
    }
}
