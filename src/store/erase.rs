//! The end of use: removes what was learnt and stored about residents. For commands, never while a daemon runs.
//!
//! Nothing is left in a file of ours, freed pages of the engine and old segments of the log included: what stays is
//! written anew, then the old files go. What a card's own controller keeps of them is beyond any program.
//!
//! Broken off at any point, by a power cut too, nothing that was to stay is lost, and the same call ends the work.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Settings;
use super::folder::Folder;
use super::frames;
use super::log::Log;
use super::medium::{Changes, Medium};
use super::record::{Record, parse, payload};
use super::trouble::Trouble;
use super::visit::{NotVisited, PAGE, Visit};
use super::waiting::State;
use crate::clock::Clock;
use crate::model::{Alert, BedId};

/// What lies in the folder of a store, and is removed with it: all but the sequence mark, which says nothing of anybody.
const OURS: [&str; 8] =
    ["outbox", "store", "store.new", "salvage", "store.corrupt-1", "store.corrupt-2", "sequence.new", "format"];

/// Damaged stores that were put aside hold what their beds held.
const ASIDE: [&str; 3] = ["store.corrupt-1", "store.corrupt-2", "salvage"];

/// What has not been delivered, and would be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Undelivered {
    /// Alerts that wait.
    pub alerts: u64,
    /// Whether there may be more in a damaged store that has not been read to its end.
    pub unread: bool,
}

/// What was removed of one bed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// Whether what was learnt of the bed was known.
    pub learnt: bool,
    /// Events in the journal.
    pub events: u64,
    /// Alerts that had not been delivered.
    pub alerts: u64,
    /// Damaged stores that had been put aside, and records that could not be read: of whichever bed.
    pub unreadable: u64,
}

/// Why nothing was removed, or not all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotErased {
    /// The daemon holds the lock.
    #[error("{} is in use, so the watch runs: stop it first, with `sudo systemctl stop nattvakt`", .0.display())]
    InUse(PathBuf),
    /// The disk, or what lies on it.
    #[error("{0}")]
    Failed(String),
}

impl From<NotVisited> for NotErased {
    fn from(why: NotVisited) -> Self {
        match why {
            NotVisited::InUse(path) => Self::InUse(path),
            NotVisited::Failed(words) => Self::Failed(words),
        }
    }
}

impl From<Trouble> for NotErased {
    fn from(trouble: Trouble) -> Self {
        if let Trouble::Taken(path) = trouble { Self::InUse(path) } else { Self::Failed(trouble.to_string()) }
    }
}

/// Tells whether anything of a store lies there.
#[must_use]
pub fn is_there(path: &Path) -> bool {
    OURS.iter().any(|name| path.join(name).exists())
}

/// Opens the store as the daemon does, and counts what waits, of one bed or of all.
///
/// # Errors
///
/// Fails where a daemon runs, and where the store cannot be used now.
pub async fn undelivered(settings: Settings, clock: Clock, bed: Option<&BedId>) -> Result<Undelivered, NotErased> {
    let path = settings.path.clone();
    let store = Visit::begin(settings, clock).await?;
    let mut alerts = 0;
    let is_meant = |alert: &Alert| bed.is_none_or(|bed| alert.event.bed.as_ref() == Some(bed));
    store.waiting(|alert| alerts += u64::from(is_meant(&alert))).await?;
    store.end().await?;
    Ok(Undelivered { alerts, unread: has_unread(&path) })
}

/// Tells whether a damaged store was put aside that has not been read to its end.
fn has_unread(path: &Path) -> bool {
    path.join("salvage").exists() || ASIDE.iter().any(|name| path.join(name).join("unread").exists())
}

/// Removes everything that is stored, whatever it is in, and returns the names of what lay there and is none of ours.
///
/// The sequence mark stays: to dispatch, the numbers of a gateway never go back. The next start is a first start.
///
/// # Errors
///
/// Fails where a daemon runs, and where something cannot be removed.
pub fn wipe(path: &Path) -> Result<Vec<String>, NotErased> {
    let folder = Folder::lock(path)?;
    let failed = |error: io::Error| NotErased::from(Trouble::of_io(path, &error));
    // First of all: a wipe that is broken off ends as a first start too.
    folder.note_wiped()?;
    for name in OURS {
        remove(&path.join(name)).map_err(failed)?;
    }
    File::open(path).and_then(|folder| folder.sync_all()).map_err(failed)?;
    let left =
        fs::read_dir(path).map_err(failed)?.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    Ok(left.filter(|name| !Folder::stays(name)).collect())
}

/// Removes all that is stored of one bed, and of what does not say of which bed it is.
///
/// States of a bed are those whose keys end in `/` and its id.
///
/// # Errors
///
/// Fails where a daemon runs, and where the disk fails.
pub fn forget(path: &Path, bed: &BedId) -> Result<Forgotten, NotErased> {
    let folder = Folder::take(path)?;
    let failed = |error: io::Error| NotErased::from(Trouble::of_io(path, &error));
    let outbox = folder.outbox();
    let old = files_of(&outbox).map_err(failed)?;
    let mut log = Log::open(outbox.clone())?;
    let medium = Medium::open(&folder.store())?;

    let mut kept = Kept::new(bed);
    let gone = kept.waiting_of_bed(&medium)?;
    // Before the engine forgets them: what the log does not say is done would be taken for lost.
    let mut frame = Vec::new();
    frames::done(&mut frame, &gone);
    log.append(&frame)?;
    log.sync()?;

    let copy = Medium::open(&folder.begin_copy()?)?;
    kept.copy(&medium, &copy)?;
    copy.sync()?;
    log_all(&copy, &mut log)?;
    log.sync()?;
    drop(copy);
    folder.sync_copy()?;
    drop(medium);
    folder.swap_copy()?;
    folder.remove_copy();

    for file in old {
        remove(&file).map_err(failed)?;
    }
    for name in ASIDE {
        kept.forgotten.unreadable += u64::from(remove(&path.join(name)).map_err(failed)?);
    }
    for folder in [&outbox, path] {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    }
    Ok(kept.forgotten)
}

/// What stays of a store without one bed.
struct Kept<'a> {
    bed: &'a BedId,
    /// How the keys of its states end.
    end: String,
    forgotten: Forgotten,
    /// The number of the next journal entry: they have no gap.
    journal: Option<u64>,
    waiting: u64,
}

/// What tells the bed of a journal entry.
#[derive(Deserialize)]
struct Entry {
    event: EntryEvent,
}

#[derive(Deserialize)]
struct EntryEvent {
    bed: Option<String>,
}

impl<'a> Kept<'a> {
    fn new(bed: &'a BedId) -> Self {
        Self { bed, end: format!("/{bed}\0"), forgotten: Forgotten::default(), journal: None, waiting: 0 }
    }

    /// Returns the numbers of the bed's alerts that wait, and of those that cannot be read.
    fn waiting_of_bed(&self, medium: &Medium) -> Result<Vec<u64>, Trouble> {
        let mut found = Vec::new();
        each(medium, b"a", b"b", |key, record| {
            if !self.is_others(record) {
                found.extend(number(key));
            }
            Ok(())
        })?;
        Ok(found)
    }

    fn is_others(&self, alert: &[u8]) -> bool {
        parse::<Alert>(alert).is_ok_and(|alert| alert.event.bed.as_ref() != Some(self.bed))
    }

    /// Copies what stays. The counters come last: only what is whole is told.
    fn copy(&mut self, from: &Medium, to: &Medium) -> Result<(), Trouble> {
        let mut changes = Changes::default();
        let mut written = 0;
        let mut meta = None;
        each(from, b"", b"\xff", |key, record| {
            if key == b"m" {
                meta = Some(record.to_vec());
            } else if let Some(key) = self.keeps(key, record) {
                changes.put(key, record);
                written += 1;
            }
            if written == PAGE {
                written = 0;
                return to.write_unsynced(&std::mem::take(&mut changes));
            }
            Ok(())
        })?;
        if let Some(meta) = meta.and_then(|meta| self.counted(&meta)) {
            changes.put(b"m".to_vec(), meta.as_bytes());
        }
        to.write_unsynced(&changes)
    }

    /// Returns under which key something stays, and counts what does not.
    fn keeps(&mut self, key: &[u8], record: &[u8]) -> Option<Vec<u8>> {
        match key.first() {
            Some(b'a') if self.is_others(record) => self.waiting += 1,
            Some(b'a') => {
                self.forgotten.alerts += 1;
                return None;
            }
            Some(b'j') => return self.keeps_entry(key, record),
            Some(b's') if key.ends_with(self.end.as_bytes()) => {
                self.forgotten.learnt = true;
                return None;
            }
            Some(b'x') => {
                self.forgotten.unreadable += 1;
                return None;
            }
            Some(_) | None => {}
        }
        Some(key.to_vec())
    }

    fn keeps_entry(&mut self, key: &[u8], record: &[u8]) -> Option<Vec<u8>> {
        let next = *self.journal.get_or_insert(number(key)?);
        match parse::<Entry>(record) {
            Ok(Entry { event }) if event.bed.as_deref() == Some(self.bed.as_str()) => self.forgotten.events += 1,
            Ok(_) => {
                self.journal = Some(next + 1);
                return Some([b"j".as_slice(), &next.to_be_bytes()].concat());
            }
            Err(_) => self.forgotten.unreadable += 1,
        }
        None
    }

    /// Returns the counters with the alerts that wait now. Without them they are counted anew at the next opening.
    fn counted(&self, meta: &[u8]) -> Option<Record> {
        let mut meta: serde_json::Value = parse(meta).ok()?;
        *meta.get_mut("undelivered")? = self.waiting.into();
        Record::of_json(&meta).ok()
    }
}

/// Writes what waits and the states into the log, which must know both by itself.
fn log_all(medium: &Medium, log: &mut Log) -> Result<(), Trouble> {
    let mut frame = Vec::new();
    each(medium, b"s", b"t", |key, record| {
        let name = key.get(1..key.len().saturating_sub(1)).unwrap_or_default();
        let state = payload(record).ok().and_then(|payload| Record::of_bytes(payload).ok());
        let (Ok(name), Some(record)) = (String::from_utf8(name.to_vec()), state) else { return Ok(()) };
        frame.clear();
        frames::state(&mut frame, &State { key: name, record });
        log.append(&frame)
    })?;
    each(medium, b"a", b"b", |key, record| {
        let Some(sequence) = number(key) else { return Ok(()) };
        frame.clear();
        frames::alert(&mut frame, sequence, record, None);
        log.append(&frame)
    })
}

/// Hands on all records from one key on and below another.
fn each(
    medium: &Medium,
    from: &[u8],
    below: &[u8],
    mut hand_on: impl FnMut(&[u8], &[u8]) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut from = from.to_vec();
    loop {
        let entries = medium.scan(&from, below, PAGE)?;
        let Some((last, _)) = entries.last() else { return Ok(()) };
        // Behind all parts of the last key.
        from = [last.as_slice(), &[u8::MAX]].concat();
        for (key, record) in &entries {
            hand_on(key, record)?;
        }
    }
}

fn number(key: &[u8]) -> Option<u64> {
    key.get(1..).and_then(|number| number.try_into().ok()).map(u64::from_be_bytes)
}

fn files_of(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?,
    };
    files.sort();
    Ok(files)
}

/// Removes a file or a folder with all it holds; tells whether it was there.
fn remove(path: &Path) -> io::Result<bool> {
    let kind = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        meta => meta?,
    };
    if kind.is_dir() {
        fs::remove_dir_all(path)?;
    } else {
        fs::remove_file(path)?;
    }
    Ok(true)
}
