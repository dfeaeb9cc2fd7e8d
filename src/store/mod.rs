//! Outbox, journal of events, and state kept over restarts, on an SD card that may lose its power at any moment.
//!
//! One thread, `store`, owns the disk; another, `salvage`, hears what a child process can read of a damaged store. A
//! [`Store`] is a handle: its calls leave a wish in memory and return at once; what comes of it is told by a future.
//! Nothing here ever blocks or delays an alert, and no failure of the disk ends the program. sled is named in one file,
//! `medium.rs`.
//!
//! Everything lies twice where it matters: what is given is appended to a log and synced (`log.rs`); the storage engine
//! gets it within a minute, in one batch. At the opening each completes the other (`ledger/replay.rs`).
//!
//! # When what is safe
//!
//! | instant | a power cut from now on |
//! | --- | --- |
//! | [`Store::append`] has returned | may lose the alert: it is in memory. Its first attempt to dispatch runs meanwhile |
//! | its [`Receipt`] is `Ok` | keeps the alert and the state that went with it, both or (before) neither: it is synced, or dispatch has it |
//! | [`Store::delivered`] has returned | may send the alert again, under its own id, for up to 60 s: that is harmless |
//! | [`Store::journal`] has returned | may lose the entry for up to 60 s |
//! | the receipt of [`Store::keep`] is `Ok` | keeps the state |
//! | [`Store::next_sequence`] has returned | uses no number again: they are reserved ahead, once the mark has been read |
//!
//! All alerts and states that wait (at most 256) are appended with one sync. A receipt that is open after ten seconds
//! means a disk that hangs; whoever awaits it sets that limit. What made each alert safe first, the medium or dispatch's
//! acceptance, stands with its delivery in the journal.
//!
//! # Format
//!
//! ```text
//! <path>/                  [store] path, mode 0700 where we make it; locked with flock while in use
//!   outbox/0000000001 …    the log: what was given, in frames with a checksum each; whole segments go when they are done
//!   outbox/0000000001.unread   a segment that the disk did not give, put aside; the newest two
//!   store/                 the storage engine's files
//!   store.new/             a smaller copy of it, while it is being made
//!   store.corrupt-1, -2    damaged stores that were put aside, the newest first; with a file `unread` until they have
//!                          been read to their end
//!   salvage/               a copy of one of them, while it is being read
//!   sequence               a copy of the sequence mark, for when the store is lost
//!   format                 the version of all this: what a later program wrote is refused and not touched
//!   wiped                  from `nattvakt wipe` to the next opening, which is a first start
//! ```
//!
//! The log's form is in `frames.rs`, keys are in `ledger/`, records (version, checksum, JSON) in `record.rs`. A record that
//! is malformed, has a wrong checksum, or is of a newer version is skipped, counted and told; it never stops the rest.
//!
//! # Limits
//!
//! | what | bound | at the bound |
//! | --- | --- | --- |
//! | a record | 64 KiB | refused with [`NotKept::TooLarge`] |
//! | undelivered alerts on disk | 200,000 | the oldest that are not open become one a bed and kind (`ledger/fold.rs`); 10,000 beyond it, for all are open, only alarms are taken, the rest is refused with [`NotKept::Full`] |
//! | the engine's file | twice what it holds and 8 MiB | copied into a smaller one, step by step (`ledger/shrink.rs`) |
//! | the log | 2 MiB beside twice of what waits | what waits is written behind the rest and the oldest segment goes |
//! | journal entries on disk | 100,000 and `keep` | the oldest go; by age in steps of 500, a day late at most, and only with a trusted clock |
//! | what waits in memory | 10,000 alerts or 16 MiB, 1,000 journal entries | see `waiting.rs` |
//! | what the engine has not got yet | 512 alerts or about 1 MiB | it gets it without waiting longer |
//! | a page of the backlog or the journal | the limit asked for, and about 1 MiB | shorter; empty only at the end |
//! | the storage engine's cache | 2 MiB | |
//!
//! # Invariants
//!
//! - An alert that waits lies in the log, and in the engine a minute later. The log says that it is done before the engine
//!   forgets it; segments go oldest first. So the log alone knows what waits.
//! - Appending the same sequence again replaces the record: a write whose outcome is unknown can be repeated.
//! - The mark is on the medium before any number of its block is given out, and it never goes back. A number that was
//!   given out before the mark could be read replaces no other alert that has it.
//! - While nothing is given to the store and no number is drawn from it, nothing is written; once a day it looks for
//!   journal entries that are too old.

mod answer;
mod aside;
mod child;
mod desk;
pub mod erase;
mod folder;
mod frames;
mod health;
mod journal;
mod ledger;
mod log;
mod medium;
mod opening;
mod owner;
mod reader;
mod record;
mod salvage;
mod sequence;
pub mod settings;
#[cfg(test)]
mod tests;
mod trouble;
mod visit;
mod waiting;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{oneshot, watch};

pub use answer::{Answer, NotKept, Receipt};
pub use health::{Condition, Health};
pub use reader::{Wanted, read};
pub use settings::Settings;
#[cfg(test)]
pub(crate) use tests::by_hand::ByHand;
pub use visit::{NotVisited, Visit};

use crate::clock::Clock;
use crate::model::{Acceptance, Alert, AlertId, Entry, Event, Now, Sequence};
use answer::answer;
use desk::Desk;
use owner::Owner;
use record::Record;
use sequence::Numbers;
use waiting::{Closing, Held, PageRequest, State};

/// The longest key of a state, in bytes.
const KEY_BYTES_MAX: usize = 64;

/// The most characters that are kept of a receiver's own reference.
const REFERENCE_CHARS_MAX: usize = 200;

/// What was found at the first opening.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovered {
    /// The first undelivered alerts in order of sequence, at most 256; [`Store::backlog`] has the rest.
    pub alerts: Vec<Alert>,
    /// All states that were kept, by key.
    pub states: BTreeMap<String, Vec<u8>>,
    /// The sequence number that came next when it was open.
    pub sequence: Sequence,
    /// What the store was found as.
    pub found: Found,
    /// Each step at opening that lost or mended something, in words.
    pub notes: Vec<String>,
}

/// What a store was found as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It has been in use; this is what it held.
    Known,
    /// Nothing was there: the very first start, as far as can be seen.
    New,
    /// There has been a store, and what it held is not known any more.
    Lost,
}

/// The news that dispatch has accepted an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    /// The alert's id.
    pub id: AlertId,
    /// The alert's number.
    pub sequence: Sequence,
    /// What it told of.
    pub event: Event,
    /// Who accepted it and when; the first 200 characters of the receiver's reference are kept.
    pub accepted: Acceptance,
}

/// A part of the journal.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JournalPage {
    /// Its entries that can be read.
    pub entries: Vec<Entry>,
    /// The number of the last one; none: the journal has ended.
    pub last: Option<u64>,
}

/// Says what did not reach the disk when the store was closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unwritten {
    /// The disk could not be used.
    #[error("the disk could not be used: {records} records, {alerts} of them alerts, were in memory only and are gone")]
    Gone {
        /// Everything that is gone, alerts too.
        records: usize,
        /// Alerts that are gone.
        alerts: usize,
    },
    /// The disk did not answer in time; the thread may still be writing.
    #[error("the disk did not answer in time: what was given to the store last may be gone")]
    TooSlow,
    /// The store had ended before.
    #[error("the store had been closed before")]
    Closed,
}

/// A handle on the store. Cheap to clone; when the last one is dropped the store writes what waits, and ends.
#[derive(Clone)]
pub struct Store(Arc<Handle>);

struct Handle {
    desk: Arc<Desk>,
    clock: Clock,
    health: watch::Receiver<Health>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.desk.with(|waiting| waiting.close(Closing::Abandoned));
    }
}

/// Returns a number for an alert that is sent past the store while no daemon runs: one that no alert has, and that the
/// next start passes over. Reads one small file below `path`, the `[store] path`.
#[must_use]
pub fn number_beside(path: &Path, utc: Timestamp) -> Sequence {
    let below_mark = folder::mark(path).map_or(0, |mark| mark.saturating_sub(1));
    Sequence(below_mark.max(sequence::first_by_clock(utc)))
}

impl Store {
    /// Starts the owner thread, which opens the store, and tries again for ever where it cannot.
    ///
    /// The receiver gets what was found, once. Until then, and while it cannot be opened, wishes wait in memory.
    #[must_use]
    pub fn start(settings: Settings, clock: Clock) -> (Self, oneshot::Receiver<Recovered>) {
        let desk = Arc::new(Desk::new(Numbers::by_clock(clock.now().utc)));
        let (health, health_seen) = watch::channel(Health::default());
        let (recovered, found) = oneshot::channel();
        let fault = health.clone();
        let owner = Owner::new(Arc::clone(&desk), settings, clock.clone(), health, recovered);
        if let Err(error) = std::thread::Builder::new().name("store".to_owned()).spawn(move || owner.run()) {
            let words = format!("no thread can be started for the store: restart nattvakt ({error})");
            tracing::error!(error = %error, "Store cannot be started");
            fault.send_modify(|health| health.condition = Condition::Faulty(words));
            desk.with(waiting::Waiting::end);
        }
        (Self(Arc::new(Handle { desk, clock, health: health_seen })), found)
    }

    /// Hands out the next sequence number; never waits for the disk.
    ///
    /// It is above every number that was ever handed out, once the mark that says so has been read: that is the first that
    /// an opening does. Where the disk does not give it, numbers go by the clock until it does.
    #[must_use]
    pub fn next_sequence(&self) -> Sequence {
        self.0.desk.number()
    }

    /// Keeps an alert until it is delivered, and with it a state, by key, of whatever it came from: both or neither, but
    /// for a state that does not fit, without which it is kept.
    ///
    /// Alerts of one caller lie on disk in the order in which they were given.
    pub fn append(&self, alert: &Alert, state: Option<(&str, Vec<u8>)>) -> Receipt {
        let (reply, receipt) = Answer::pair();
        // What does not fit must not keep the alert from its place.
        let state = state.and_then(|state| {
            state_of(state)
                .inspect_err(|error| tracing::error!(error = %error, "State is not kept with its alert"))
                .ok()
        });
        match Record::of_json(alert) {
            Ok(record) => {
                let (sequence, priority) = (alert.sequence, alert.priority);
                self.0.desk.numbers.used(sequence);
                self.0.desk.with(|waiting| waiting.alert(Held { sequence, priority, record, state, reply }));
            }
            Err(error) => answer(reply, Err(error)),
        }
        receipt
    }

    /// Takes an alert out of the outbox, and writes its event and delivery into the journal, at the latest 60 s from now.
    pub fn delivered(&self, mut delivered: Delivered) {
        let reference = delivered.accepted.reference.take();
        delivered.accepted.reference = reference.map(|text| text.chars().take(REFERENCE_CHARS_MAX).collect());
        let now = self.0.clock.now();
        let safe_by = self.0.desk.with(|waiting| waiting.delivered(delivered.sequence, now.moment));
        self.note(journal::delivered(delivered, safe_by, &now), &now);
    }

    /// Writes an event into the journal, at the latest 60 s from now.
    pub fn journal(&self, event: &Event) {
        let now = self.0.clock.now();
        self.note(journal::event(event, &now), &now);
    }

    fn note(&self, note: Result<Record, NotKept>, now: &Now) {
        match note {
            Ok(note) => self.0.desk.with(|waiting| waiting.note(note, now.moment)),
            Err(error) => tracing::warn!(error = %error, "Event does not fit into the journal"),
        }
    }

    /// Keeps a state over restarts, in place of the one under the same key. A key has 1 to 64 bytes and no NUL.
    pub fn keep(&self, key: &str, value: Vec<u8>) -> Receipt {
        let (reply, receipt) = Answer::pair();
        match state_of((key, value)) {
            Ok(state) => self.0.desk.with(|waiting| waiting.state(state, reply)),
            Err(error) => answer(reply, Err(error)),
        }
        receipt
    }

    /// Reads undelivered alerts in order of sequence, at most `limit`, from after the given one on.
    ///
    /// A page may be shorter than asked for; an empty one is the end. While the disk is away the answer waits for it.
    pub fn backlog(&self, after: Option<Sequence>, limit: usize) -> Answer<Vec<Alert>> {
        let (reply, page) = Answer::pair();
        self.0.desk.with(|waiting| waiting.page(PageRequest::Backlog { after, limit, reply }));
        page
    }

    /// Reads the journal, oldest first, at most `limit` entries, from after the given number on. What was given before
    /// this is part of it.
    ///
    /// While the disk is away the answer waits for it.
    pub fn entries(&self, after: Option<u64>, limit: usize) -> Answer<JournalPage> {
        let (reply, page) = Answer::pair();
        self.0.desk.with(|waiting| waiting.page(PageRequest::Journal { after, limit, reply }));
        page
    }

    /// Returns for how long the disk has not answered; nothing where it owes no answer. From some seconds on it hangs.
    #[must_use]
    pub fn unanswered_for(&self) -> Duration {
        let since = self.0.desk.with(|waiting| waiting.busy_since);
        since.map_or(Duration::ZERO, |since| self.0.clock.now().moment.since(since))
    }

    /// Returns how the store is; the receiver tells every change, and closes if the owner thread should die.
    #[must_use]
    pub fn health(&self) -> watch::Receiver<Health> {
        self.0.health.clone()
    }

    /// Writes and syncs what waits, and ends the store. Other handles are answered [`NotKept::Closed`] from then on.
    ///
    /// # Errors
    ///
    /// Fails where something did not reach the disk, or not within the limit.
    pub async fn close(self, limit: Duration) -> Result<(), Unwritten> {
        let (reply, left) = oneshot::channel();
        self.0.desk.with(|waiting| waiting.close(Closing::Asked(reply)));
        match tokio::time::timeout(limit, left).await {
            Ok(Ok(left)) if left.records == 0 => Ok(()),
            Ok(Ok(left)) => Err(Unwritten::Gone { records: left.records, alerts: left.alerts }),
            Ok(Err(_)) => Err(Unwritten::Closed),
            Err(_) => Err(Unwritten::TooSlow),
        }
    }
}

fn state_of((key, value): (&str, Vec<u8>)) -> Result<State, NotKept> {
    if key.is_empty() || key.len() > KEY_BYTES_MAX || key.contains('\0') {
        return Err(NotKept::Key(key.chars().take(KEY_BYTES_MAX).collect()));
    }
    Ok(State { key: key.to_owned(), record: Record::of_bytes(&value)? })
}
