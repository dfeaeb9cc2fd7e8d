//! What lies where: alerts, journal, states and counters, as keys of the medium; and what of it lies in the log.
//!
//! What is given is appended to the log and synced; the engine *absorbs* it with the next batch.
//!
//! | key | record |
//! | --- | --- |
//! | `a` + sequence (8, big-endian) | an undelivered [`Alert`], JSON |
//! | `j` + number (8, big-endian) | a journal entry, JSON; numbers without a gap, oldest first |
//! | `m` | [`Meta`], JSON |
//! | `s` + key + NUL | a state, the caller's bytes |
//! | `x` + key | a record that could not be read, as it was found; only a technician looks at it |

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

mod clean;
mod fold;
mod make_way;
mod merge;
mod pending;
mod prune;
mod replay;
mod shrink;

use super::JournalPage;
use super::folder::Folder;
use super::frames;
use super::log::{Log, Position};
use super::medium::{Changes, Medium};
use super::record::{BadRecord, Record, parse, payload};
use super::sequence::Numbers;
use super::trouble::Trouble;
use super::waiting::Write;
use crate::model::{Alert, Sequence};
pub(super) use merge::Merged;
use pending::Pending;

/// The most undelivered alerts; beyond them the oldest are folded.
const UNDELIVERED_MAX: u64 = 200_000;

/// Where folding does not help, for all are open, only alarms are taken from so many more on.
const UNFOLDED_MAX: u64 = 10_000;

/// The most journal entries; beyond them the oldest go, however young.
const JOURNAL_MAX: u64 = 100_000;

/// The number of the first journal entry: what is found of an older store later goes before it.
const JOURNAL_BEGINS: u64 = 1 << 40;

/// The most states that are read back.
const STATES_MAX: usize = 4_096;

/// Entries read at a time.
const PAGE: usize = 256;

const META: &[u8] = b"m";

/// Counters, written with every batch so that they need no walk through the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Meta {
    /// Every sequence number that may have been used is below this.
    mark: u64,
    /// Alerts under `a`.
    undelivered: u64,
    /// All of the log up to here has been absorbed.
    #[serde(default)]
    position: Position,
}

impl Meta {
    fn record(&self) -> Record {
        Record::of_json(self).expect("a few numbers fit into a record")
    }
}

/// The open store.
pub(super) struct Ledger {
    // Dropped before the lock of the folder is.
    medium: Medium,
    log: Log,
    folder: Folder,
    numbers: Arc<Numbers>,
    meta: Meta,
    pending: Pending,
    /// Up to where of the log `pending` goes.
    position: Position,
    journal_first: u64,
    journal_next: u64,
    /// Keys and bytes of records that could not be read, to be put aside with the next batch.
    unreadable: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Where something older is still to be read, a store that was put aside or a part of the log: what is done. It must
    /// not be brought back.
    done: Option<BTreeSet<u64>>,
    /// Segments of the log that could not be read as a whole.
    unread: BTreeSet<u64>,
    /// Alerts that were found in them later.
    found_late: u64,
    /// Beyond so many the oldest are folded, but for so many of them.
    undelivered_max: u64,
    oldest_left: usize,
    fold_from: fold::Cursor,
    folded: u64,
    /// A smaller copy that is being made.
    copying: Option<shrink::Copying>,
    cannot_shrink: bool,
    /// How large the engine's file was when it had been made smaller, and the log, in bytes.
    shrunk_to: u64,
    cleaned_to: u64,
    /// Where the log is large: the segment up to which what waits is being written anew.
    clean_below: Option<u64>,
}

/// What a store is opened with.
pub(super) struct Begun {
    pub(super) ledger: Ledger,
    /// Whether the store has held something before.
    pub(super) known: bool,
}

impl Ledger {
    /// Takes up what the medium holds, and reserves the next sequence numbers.
    ///
    /// `existed` tells whether there was anything of a store before the medium was opened.
    pub(super) fn begin(
        medium: Medium,
        folder: Folder,
        existed: bool,
        utc: Timestamp,
        numbers: Arc<Numbers>,
        notes: &mut Vec<String>,
    ) -> Result<Begun, Trouble> {
        let meta = read_meta(&medium)?;
        let last = last_number(&medium, b'a')?;
        let journal_last = last_number(&medium, b'j')?;
        let known = meta.is_some() || last.is_some() || journal_last.is_some();
        if !known && existed && folder.mark().is_some() {
            // So does the engine open a log whose beginning it cannot read. Nothing must be written over it.
            return Err(medium.damaged("it holds nothing although it has been in use"));
        }
        let mut log = Log::open(folder.outbox())?;
        log.go_on_behind(meta.map_or_else(Position::default, |meta| meta.position));
        let survey = log.survey();
        numbers.begin_at_mark(meta.map_or(0, |meta| meta.mark));
        numbers.begin_by_clock(utc);
        [last, survey.last].into_iter().flatten().for_each(|last| numbers.used(Sequence(last)));
        let journal_first = medium.scan(b"j", b"k", 1)?.first().and_then(|(key, _)| number(key));
        let mut ledger = Self {
            medium,
            log,
            folder,
            numbers,
            meta: meta.unwrap_or_default(),
            pending: Pending::default(),
            position: meta.unwrap_or_default().position,
            journal_first: journal_first.unwrap_or(JOURNAL_BEGINS),
            journal_next: journal_last.map_or(JOURNAL_BEGINS, |last| last.saturating_add(1)),
            unreadable: BTreeMap::new(),
            done: None,
            unread: survey.unread.keys().copied().collect(),
            found_late: 0,
            undelivered_max: UNDELIVERED_MAX,
            oldest_left: fold::OLDEST_LEFT,
            fold_from: fold::Cursor::default(),
            folded: 0,
            copying: None,
            cannot_shrink: false,
            shrunk_to: 0,
            cleaned_to: 0,
            clean_below: None,
        };
        if meta.is_none() && known {
            notes.push("the counters were missing or could not be read, and were counted anew".to_owned());
            ledger.meta.undelivered = ledger.count(b"a", b"b")?;
        }
        let mark = ledger.numbers.due_mark().unwrap_or_else(|| ledger.numbers.mark());
        ledger.write(Changes::default(), Meta { mark, ..ledger.meta })?;
        ledger.folder.sync_all()?;
        // Behind the engine: a mark beside an engine that holds nothing means that this has lost something.
        ledger.raise_mark()?;
        ledger.replay(&survey, notes)?;
        ledger.make_way()?;
        if ledger.folder.unread().is_some() || !ledger.unread.is_empty() {
            ledger.done = Some(survey.done.into_keys().collect());
        }
        Ok(Begun { ledger, known })
    }

    /// Tells whether it is known that an alert needs no sending any more.
    fn is_done(&self, sequence: u64) -> bool {
        self.done.as_ref().is_some_and(|done| done.contains(&sequence))
    }

    /// Appends to the log, with the news that others are done; on return all of it is on the medium, or none of it counts.
    pub(super) fn keep(&mut self, writes: &[Write], done: &[Sequence]) -> Result<(), Trouble> {
        if writes.is_empty() {
            return Ok(());
        }
        self.raise_mark()?;
        self.log_done(done)?;
        let mut frame = Vec::new();
        for write in writes {
            frame.clear();
            match write {
                Write::Alert(held) => {
                    frames::alert(&mut frame, held.sequence.0, held.record.as_bytes(), held.state.as_ref());
                }
                Write::State { state, .. } => frames::state(&mut frame, state),
            }
            self.pending.write(write);
            self.append(&frame)?;
        }
        self.log.sync()?;
        self.position = self.log.position();
        Ok(())
    }

    /// Tells whether the engine should absorb what the log has, without waiting longer.
    pub(super) fn is_full(&self) -> bool {
        self.pending.is_full()
    }

    /// Tells whether the log has something that the engine has not.
    pub(super) fn is_ahead(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Gives the engine what only the log has, takes out what was delivered, and writes journal entries, in one batch;
    /// on return it is on the medium, or none of it counts.
    pub(super) fn absorb(&mut self, gone: &[Sequence], notes: &[Record]) -> Result<(), Trouble> {
        if !gone.is_empty() {
            self.log_done(gone)?;
            self.position = self.log.position();
        }
        // Before the engine forgets them: what the log does not say is done is taken for lost.
        self.log.sync()?;
        let gone: BTreeSet<u64> = gone.iter().map(|sequence| sequence.0).chain(self.pending.done.clone()).collect();
        let (mut changes, mut meta) = (Changes::default(), self.meta);
        (meta.position, meta.mark) = (self.position, self.numbers.mark());
        for (sequence, record) in self.pending.alerts.iter().filter(|(sequence, _)| !gone.contains(sequence)) {
            let key = numbered(b'a', *sequence);
            meta.undelivered += u64::from(!self.medium.holds(&key)?);
            changes.put(key, record);
        }
        for (key, record) in &self.pending.states {
            changes.put(state_key(key), record);
        }
        for sequence in gone {
            let key = numbered(b'a', sequence);
            if self.medium.holds(&key)? {
                meta.undelivered = meta.undelivered.saturating_sub(1);
                changes.remove(key);
            }
        }
        let (mut first, mut next) = (self.journal_first, self.journal_next);
        for note in notes {
            changes.put(numbered(b'j', next), note.as_bytes());
            next += 1;
        }
        while next - first > JOURNAL_MAX {
            changes.remove(numbered(b'j', first));
            first += 1;
        }
        self.write(changes, meta)?;
        (self.journal_first, self.journal_next) = (first, next);
        self.pending = Pending::default();
        self.fold()?;
        self.clean()
    }

    fn log_alert(&mut self, sequence: u64, record: &[u8]) -> Result<(), Trouble> {
        let mut frame = Vec::new();
        frames::alert(&mut frame, sequence, record, None);
        self.append(&frame)
    }

    fn log_done(&mut self, done: &[Sequence]) -> Result<(), Trouble> {
        if done.is_empty() {
            return Ok(());
        }
        let done: Vec<u64> = done.iter().map(|sequence| sequence.0).collect();
        if let Some(all) = &mut self.done {
            all.extend(&done);
        }
        let mut frame = Vec::new();
        frames::done(&mut frame, &done);
        self.append(&frame)
    }

    /// Raises the mark of the sequence numbers where that is due. The engine gets it with the next batch.
    pub(super) fn raise_mark(&self) -> Result<(), Trouble> {
        self.folder.raise_mark(&self.numbers)
    }

    /// Returns undelivered alerts in order of sequence, at most `limit`, fewer where they are large; none only at the
    /// end. A record that cannot be read is skipped, noted, and put aside.
    pub(super) fn page(
        &mut self,
        beyond: Option<Sequence>,
        limit: usize,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Alert>, Trouble> {
        if self.is_ahead() {
            self.absorb(&[], &[])?;
        }
        let mut alerts = Vec::new();
        let mut from = beyond.map_or_else(|| b"a".to_vec(), |Sequence(number)| after(&numbered(b'a', number)));
        while alerts.is_empty() {
            let entries = self.medium.scan(&from, b"b", limit.max(1))?;
            let Some((last, _)) = entries.last() else { return Ok(alerts) };
            from = after(last);
            for (key, record) in entries {
                match read_alert(&key, &record) {
                    Ok(alert) => alerts.push(alert),
                    Err(bad) => self.skip(key, record, &bad, notes),
                }
            }
        }
        Ok(alerts)
    }

    /// Returns journal entries, oldest first, at most `limit`, fewer where they are large; no number only at the end. An
    /// entry that cannot be read is skipped.
    pub(super) fn entries(&mut self, beyond: Option<u64>, limit: usize) -> Result<JournalPage, Trouble> {
        let from = beyond.map_or_else(|| b"j".to_vec(), |beyond| after(&numbered(b'j', beyond)));
        let found = self.medium.scan(&from, b"k", limit.max(1))?;
        let last = found.last().and_then(|(key, _)| number(key));
        Ok(JournalPage { entries: found.iter().filter_map(|(_, record)| parse(record).ok()).collect(), last })
    }

    /// Reads all alerts and the whole journal, to find damage now.
    pub(super) fn verify(&mut self, notes: &mut Vec<String>) -> Result<(), Trouble> {
        let mut last = None;
        loop {
            let page = self.page(last, PAGE, notes)?;
            match page.last() {
                Some(alert) => last = Some(alert.sequence),
                None => break,
            }
        }
        self.count(b"j", b"k").map(drop)
    }

    /// Returns all states; one that cannot be read is skipped and noted.
    pub(super) fn states(&self, notes: &mut Vec<String>) -> Result<BTreeMap<String, Vec<u8>>, Trouble> {
        let mut states = BTreeMap::new();
        let mut from = b"s".to_vec();
        loop {
            let entries = self.medium.scan(&from, b"t", PAGE)?;
            let Some((last, _)) = entries.last() else { return Ok(states) };
            from = after(last);
            for (key, record) in entries {
                let name = state_name(&key);
                match payload(&record) {
                    Ok(_) if states.len() >= STATES_MAX => {
                        notes.push(format!("there are more than {STATES_MAX} states; the rest is not read"));
                        return Ok(states);
                    }
                    Ok(bytes) => drop(states.insert(name, bytes.to_vec())),
                    Err(bad) => notes.push(format!("the state {name:?} could not be read and is not known: {bad}")),
                }
            }
        }
    }

    /// Returns how many alerts more the outbox takes that are no alarms.
    pub(super) fn room(&self) -> u64 {
        (self.undelivered_max + UNFOLDED_MAX).saturating_sub(self.undelivered())
    }

    /// Returns the number of undelivered alerts.
    pub(super) fn undelivered(&self) -> u64 {
        self.meta.undelivered + self.pending.alerts.len() as u64
    }

    /// Returns the size of the data file and of the log, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.medium.bytes() + self.log.bytes()
    }

    /// Returns the folder around it.
    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Writes changes with the counters, and puts aside what could not be read.
    fn write(&mut self, mut changes: Changes, mut meta: Meta) -> Result<(), Trouble> {
        for (key, record) in &self.unreadable {
            if changes.decides(key).is_none() {
                meta.undelivered = meta.undelivered.saturating_sub(1);
                changes.remove(key.clone());
            }
            changes.put([b"x", key.as_slice()].concat(), record);
        }
        if meta != self.meta {
            changes.put(META.to_vec(), meta.record().as_bytes());
        }
        self.write_copy(&changes);
        self.medium.write(&changes)?;
        self.meta = meta;
        self.unreadable.clear();
        Ok(())
    }

    fn skip(&mut self, key: Vec<u8>, record: Vec<u8>, bad: &BadRecord, notes: &mut Vec<String>) {
        let sequence = Sequence(number(&key).unwrap_or(0));
        if matches!(bad, BadRecord::Newer(_)) {
            notes.push(format!("alert {sequence} is left for a newer version of the program: {bad}"));
        } else if self.unreadable.insert(key, record).is_none() {
            notes.push(format!("alert {sequence} could not be read and was put aside, it is not sent: {bad}"));
        }
    }

    fn count(&self, from: &[u8], below: &[u8]) -> Result<u64, Trouble> {
        let mut from = from.to_vec();
        let mut count = 0;
        loop {
            let entries = self.medium.scan(&from, below, PAGE)?;
            let Some((last, _)) = entries.last() else { return Ok(count) };
            from = after(last);
            count += entries.len() as u64;
        }
    }
}

/// Reads the counters; bad ones count as missing, for they can be counted anew.
fn read_meta(medium: &Medium) -> Result<Option<Meta>, Trouble> {
    let entries = medium.scan(META, b"n", 1)?;
    Ok(entries.first().and_then(|(_, record)| parse(record).ok()))
}

fn read_alert(key: &[u8], record: &[u8]) -> Result<Alert, BadRecord> {
    let alert: Alert = parse(record)?;
    if Some(alert.sequence.0) == number(key) {
        Ok(alert)
    } else {
        Err(BadRecord::Malformed(format!("says it is alert {}", alert.sequence)))
    }
}

fn last_number(medium: &Medium, kind: u8) -> Result<Option<u64>, Trouble> {
    Ok(medium.last_key(&[kind], &[kind + 1])?.and_then(|key| number(&key)))
}

/// Returns what lies behind all parts of a key, and before the next key.
fn after(key: &[u8]) -> Vec<u8> {
    [key, &[u8::MAX]].concat()
}

fn numbered(kind: u8, number: u64) -> Vec<u8> {
    [&[kind], number.to_be_bytes().as_slice()].concat()
}

fn number(key: &[u8]) -> Option<u64> {
    key.get(1..).and_then(|number| number.try_into().ok()).map(u64::from_be_bytes)
}

fn state_key(name: &str) -> Vec<u8> {
    [b"s", name.as_bytes(), b"\0"].concat()
}

fn state_name(key: &[u8]) -> String {
    let name = key.get(1..key.len().saturating_sub(1)).unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}
