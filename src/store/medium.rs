//! sled, made durable: the only file that names it.
//!
//! What is known of sled 0.34.7, and what is done about it:
//!
//! - `flush()` never calls `fsync`: a handle of our own on `db` is synced after every flush.
//! - Any page of its tree, up to 17 entries, that is larger than a quarter of a segment becomes a file in `blobs/`,
//!   which is never synced. So values are cut into parts of [`PART_BYTES`], each under the key and its number: a page
//!   of them is always smaller.
//! - Errors stick to the handle, and opening, reading and dropping can panic: every call is guarded, and after any
//!   failure the medium is dropped and opened anew.
//! - The default flusher syncs twice a second for ever (off), the default cache is 1 GiB (2 MiB here).

use std::collections::BTreeMap;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::trouble::Trouble;

/// The segment size: fixed for the life of a store, and given at every opening. 512 KiB, the default, doubles what one
/// synced record costs at the device.
const SEGMENT_BYTES: usize = 64 * 1024;

/// The largest part of a value: 20 entries of it with their keys stay below a quarter of a segment.
const PART_BYTES: usize = 600;

const CACHE_BYTES: u64 = 2 << 20;

/// Stop a scan at this many bytes, so that no page of large records fills the memory.
const SCAN_BYTES_MAX: usize = 1 << 20;

/// A handle that was dropped a moment ago keeps its lock until the engine's threads have let go of it.
const LOCK_TRIES: u32 = 25;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// What one atomic write changes: a record, or its absence, for each key.
#[derive(Debug, Default)]
pub(super) struct Changes(BTreeMap<Vec<u8>, Option<Vec<u8>>>);

impl Changes {
    pub(super) fn put(&mut self, key: Vec<u8>, record: &[u8]) {
        self.0.insert(key, Some(record.to_vec()));
    }

    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.0.insert(key, None);
    }

    /// Tells whether the key will hold something, where this decides it.
    pub(super) fn decides(&self, key: &[u8]) -> Option<bool> {
        self.0.get(key).map(Option::is_some)
    }
}

/// Which way a walk goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the first key on.
    Forward,
    /// From the last key on.
    Backward,
}

/// A key and its record.
pub(super) type Entry = (Vec<u8>, Vec<u8>);

/// An open store of keys and records.
pub(super) struct Medium {
    /// `None` only once it was closed.
    db: Option<sled::Db>,
    data: File,
    folder: PathBuf,
}

impl Medium {
    /// Opens what lies in the folder, or begins anew.
    pub(super) fn open(folder: &Path) -> Result<Self, Trouble> {
        let config = sled::Config::new()
            .path(folder)
            .cache_capacity(CACHE_BYTES)
            .segment_size(SEGMENT_BYTES)
            .flush_every_ms(None);
        let mut db = guarded(folder, || config.open());
        for _ in 0..LOCK_TRIES {
            if !matches!(db, Err(Trouble::Taken(_))) {
                break;
            }
            std::thread::sleep(LOCK_PAUSE);
            db = guarded(folder, || config.open());
        }
        let db = db?;
        let data = File::options().read(true).write(true).open(folder.join("db"));
        let data = data.map_err(|error| Trouble::of_io(folder, &error))?;
        Ok(Self { db: Some(db), data, folder: folder.to_owned() })
    }

    /// Writes all changes or none, and returns once they are on the medium.
    pub(super) fn write(&self, changes: &Changes) -> Result<(), Trouble> {
        self.write_unsynced(changes)?;
        self.sync()
    }

    /// Returns once all that was written is on the medium.
    pub(super) fn sync(&self) -> Result<(), Trouble> {
        self.guarded(|db| db.flush().map(drop))?;
        self.data.sync_data().map_err(|error| Trouble::of_io(&self.folder, &error))
    }

    /// Lets go of the files; nothing else may be asked of it afterwards.
    pub(super) fn close(&mut self) {
        let db = self.db.take();
        let close = || {
            drop(db);
            Ok(())
        };
        if let Err(trouble) = guarded(&self.folder, close) {
            tracing::debug!(error = %trouble, "Storage engine failed while closing");
        }
    }

    /// Writes all changes or none; a power cut may undo them until the next [`Medium::sync`].
    pub(super) fn write_unsynced(&self, changes: &Changes) -> Result<(), Trouble> {
        self.guarded(|db| {
            let mut batch = sled::Batch::default();
            for (key, record) in &changes.0 {
                let parts = record.as_deref().unwrap_or_default().chunks(PART_BYTES);
                let mut number = 0;
                for part in parts {
                    batch.insert(part_key(key, number), part);
                    number += 1;
                }
                // What a longer record left behind.
                while db.contains_key(part_key(key, number))? {
                    batch.remove(part_key(key, number));
                    number += 1;
                }
            }
            db.apply_batch(batch)
        })
    }

    /// Tells whether there is a record under the key.
    pub(super) fn holds(&self, key: &[u8]) -> Result<bool, Trouble> {
        self.guarded(|db| db.contains_key(part_key(key, 0)))
    }

    /// Returns records from the key `from` on and below the key `below`, at most `limit`, fewer where they are large; at
    /// least one where there is one.
    pub(super) fn scan(&self, from: &[u8], below: &[u8], limit: usize) -> Result<Vec<Entry>, Trouble> {
        self.guarded(|db| {
            let mut found: Vec<Entry> = Vec::new();
            let mut bytes = 0;
            for item in db.range(from..below) {
                let (key, part) = item?;
                let Some((_number, key)) = key.split_last() else { continue };
                let is_full = found.len() >= limit || bytes >= SCAN_BYTES_MAX;
                bytes += part.len();
                match found.last_mut() {
                    Some((last, record)) if last.as_slice() == key => record.extend_from_slice(&part),
                    Some(_) if is_full => break,
                    Some(_) | None => found.push((key.to_vec(), part.to_vec())),
                }
            }
            Ok(found)
        })
    }

    /// Hands on all records from the key `from` on and below the key `below`, until `each` has enough.
    ///
    /// What comes before damage has been handed on when that is told; a record of several parts may lack some then.
    pub(super) fn walk(
        &self,
        from: &[u8],
        below: &[u8],
        direction: Direction,
        mut each: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), Trouble> {
        self.guarded(|db| {
            let range = db.range(from..below);
            let mut items: Box<dyn Iterator<Item = sled::Result<_>>> = match direction {
                Direction::Forward => Box::new(range),
                Direction::Backward => Box::new(range.rev()),
            };
            let mut record: Option<Entry> = None;
            while let Some((key, part)) = items.next().transpose()? {
                let Some((_number, key)) = key.split_last() else { continue };
                match (&mut record, direction) {
                    (Some((last, bytes)), Direction::Forward) if last == key => bytes.extend_from_slice(&part),
                    (Some((last, bytes)), Direction::Backward) if last == key => {
                        drop(bytes.splice(..0, part.iter().copied()));
                    }
                    _ => {
                        let before = record.replace((key.to_vec(), part.to_vec()));
                        if before.is_some_and(|(key, bytes)| !each(&key, &bytes)) {
                            return Ok(());
                        }
                    }
                }
            }
            if let Some((key, bytes)) = record {
                each(&key, &bytes);
            }
            Ok(())
        })
    }

    /// Returns the last key from `from` on and below `below`.
    pub(super) fn last_key(&self, from: &[u8], below: &[u8]) -> Result<Option<Vec<u8>>, Trouble> {
        let last = self.guarded(|db| db.range(from..below).next_back().transpose())?;
        Ok(last.and_then(|(key, _)| key.split_last().map(|(_number, key)| key.to_vec())))
    }

    /// Returns the size of the data file, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.data.metadata().map_or(0, |data| data.len())
    }

    /// Says that what was read makes no sense.
    pub(super) fn damaged(&self, what: &str) -> Trouble {
        damaged(&self.folder, what.to_owned())
    }

    fn guarded<T>(&self, act: impl FnOnce(&sled::Db) -> sled::Result<T>) -> Result<T, Trouble> {
        guarded(&self.folder, || act(self.db.as_ref().expect("nothing is asked of a closed one")))
    }
}

impl Drop for Medium {
    fn drop(&mut self) {
        self.close();
    }
}

fn part_key(key: &[u8], number: u8) -> Vec<u8> {
    let mut part = Vec::with_capacity(key.len() + 1);
    part.extend_from_slice(key);
    part.push(number);
    part
}

/// Calls sled, and takes its errors and panics for what they mean.
fn guarded<T>(folder: &Path, act: impl FnOnce() -> sled::Result<T>) -> Result<T, Trouble> {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(result) => result.map_err(|error| trouble(folder, error)),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words");
            Err(damaged(folder, format!("the storage engine gave up: {text}")))
        }
    }
}

fn trouble(folder: &Path, error: sled::Error) -> Trouble {
    match error {
        sled::Error::Io(error) if error.to_string().contains("could not acquire lock") => {
            Trouble::Taken(folder.to_owned())
        }
        // What sled itself says of its log; the system's own errors carry a number, or its trace in a copy.
        sled::Error::Io(error) if is_own_word(&error) => damaged(folder, error.to_string()),
        sled::Error::Io(error) => Trouble::of_io(folder, &error),
        sled::Error::ReportableBug(text) if text.contains("IO thread") => Trouble::Engine(text),
        sled::Error::ReportableBug(text) | sled::Error::Unsupported(text) => damaged(folder, text),
        sled::Error::Corruption { at, .. } => damaged(folder, format!("its content is corrupt at {at:?}")),
        sled::Error::CollectionNotFound(_) => damaged(folder, "its tree is missing".to_owned()),
    }
}

fn is_own_word(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::Other && error.raw_os_error().is_none() && !error.to_string().contains("Os {")
}

fn damaged(folder: &Path, what: String) -> Trouble {
    Trouble::Damaged { path: folder.to_owned(), what }
}
