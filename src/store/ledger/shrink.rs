//! Gives the disk back what a backlog took: the engine never makes its file smaller.
//!
//! Everything is copied into a new store beside the old one, a step at a time between the alerts, and what is written
//! meanwhile goes to both. Then the two change places in one move of the file system: at any instant a whole store lies
//! under its name. What is left over is removed at the next opening.

use super::super::medium::{Changes, Medium};
use super::super::trouble::Trouble;
use super::{Ledger, PAGE, after};

/// What a record takes in the engine's file as a rule, in bytes.
const RECORD_BYTES: u64 = 700;

/// A file may be twice as large as what it holds, and this much larger, in bytes.
const SLACK_BYTES: u64 = 8 << 20;

/// A copy that is being made.
pub(super) struct Copying {
    medium: Medium,
    /// The next key to copy.
    from: Vec<u8>,
}

impl Ledger {
    /// Tells whether the file is far larger than what it holds. Where a copy became no smaller, for the records are large,
    /// only one that is twice as large again is.
    pub(in super::super) fn wants_shrinking(&self) -> bool {
        let records = self.meta.undelivered + (self.journal_next - self.journal_first);
        let large = (2 * RECORD_BYTES * records + SLACK_BYTES).max(2 * self.shrunk_to);
        !self.cannot_shrink && self.medium.bytes() > large
    }

    /// Makes the next step of shrinking; tells whether there is more to do.
    pub(in super::super) fn shrink_step(&mut self) -> Result<bool, Trouble> {
        if self.copying.is_none() {
            match self.folder.begin_copy().and_then(|path| Medium::open(&path)) {
                Ok(medium) => self.copying = Some(Copying { medium, from: Vec::new() }),
                Err(trouble) => return Ok(self.give_up_shrinking(&trouble)),
            }
        }
        let Some(from) = self.copying.as_ref().map(|copying| copying.from.clone()) else { return Ok(false) };
        let entries = self.medium.scan(&from, b"\xff", PAGE)?;
        let Some((last, _)) = entries.last() else { return self.change_places() };
        let next = after(last);
        let mut changes = Changes::default();
        for (key, record) in &entries {
            changes.put(key.clone(), record);
        }
        self.write_copy(&changes);
        if let Some(copying) = &mut self.copying {
            copying.from = next;
        }
        Ok(self.copying.is_some())
    }

    /// Writes to the copy as well, where one is being made. It is given up where that fails.
    pub(super) fn write_copy(&mut self, changes: &Changes) {
        let written = self.copying.as_ref().map_or(Ok(()), |copying| copying.medium.write_unsynced(changes));
        if let Err(trouble) = written {
            self.give_up_shrinking(&trouble);
        }
    }

    fn change_places(&mut self) -> Result<bool, Trouble> {
        let Some(mut copying) = self.copying.take() else { return Ok(false) };
        let before = self.medium.bytes();
        let synced = copying.medium.sync().and_then(|()| self.folder.sync_copy());
        copying.medium.close();
        if let Err(trouble) = synced {
            return Ok(self.give_up_shrinking(&trouble));
        }
        self.medium.close();
        let swapped = self.folder.swap_copy();
        self.medium = Medium::open(&self.folder.store())?;
        match swapped {
            Ok(()) => {
                self.shrunk_to = self.medium.bytes();
                tracing::info!(before, after = self.shrunk_to, "Store was copied to give space back");
            }
            Err(trouble) => drop(self.give_up_shrinking(&trouble)),
        }
        self.folder.remove_copy();
        Ok(false)
    }

    /// Not again until the next opening: the store works as it is.
    fn give_up_shrinking(&mut self, trouble: &Trouble) -> bool {
        tracing::warn!(error = %trouble, "Store cannot be copied to give space back");
        self.copying = None;
        self.cannot_shrink = true;
        self.folder.remove_copy();
        false
    }
}
