//! Takes over what could be read of an older store that was put aside.

use std::collections::BTreeSet;

use super::super::medium::{Changes, Entry};
use super::super::record::payload;
use super::super::trouble::Trouble;
use super::{Ledger, Meta, after, numbered, read_alert, state_name};
use crate::model::AlertId;

/// What was taken over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in super::super) struct Merged {
    /// Alerts that wait and were not known.
    pub(in super::super) alerts: u64,
    /// States of keys that had none.
    pub(in super::super) states: u64,
    /// Journal entries.
    pub(in super::super) journal: u64,
    /// Alerts that got another number, for their own has been used again.
    renumbered: BTreeSet<AlertId>,
}

impl Ledger {
    /// Takes over entries of an older store where nothing newer is known; journal entries come newest first.
    pub(in super::super) fn merge(&mut self, entries: Vec<Entry>, merged: &mut Merged) -> Result<(), Trouble> {
        if self.is_ahead() {
            self.absorb(&[], &[])?;
        }
        let (mut changes, mut taken, mut meta, mut first) =
            (Changes::default(), merged.clone(), self.meta, self.journal_first);
        for (key, record) in entries {
            match key.first() {
                Some(b'a') if changes.decides(&key).is_none() => {
                    let Some((sequence, record)) = self.missed(&key, record, &mut taken)? else { continue };
                    self.log_alert(sequence, &record)?;
                    meta = Meta { undelivered: meta.undelivered + 1, ..meta };
                    taken.alerts += 1;
                    changes.put(numbered(b'a', sequence), &record);
                }
                Some(b's') if payload(&record).is_ok() && !self.medium.holds(&key)? => {
                    taken.states += u64::from(changes.decides(&key).is_none() && !state_name(&key).is_empty());
                    changes.put(key, &record);
                }
                Some(b'j') if payload(&record).is_ok() && self.journal_next - first < super::JOURNAL_MAX => {
                    first -= 1;
                    taken.journal += 1;
                    changes.put(numbered(b'j', first), &record);
                }
                Some(_) | None => {}
            }
        }
        self.log.sync()?;
        self.write(changes, meta)?;
        (self.journal_first, *merged) = (first, taken);
        Ok(())
    }

    /// Forgets what was needed for merging only.
    pub(in super::super) fn merged_all(&mut self) {
        if self.unread.is_empty() {
            self.done = None;
        }
    }

    /// Returns the number and record under which an alert is taken over; nothing where it is known, done or unreadable.
    fn missed(&self, key: &[u8], record: Vec<u8>, taken: &mut Merged) -> Result<Option<(u64, Vec<u8>)>, Trouble> {
        let Ok(alert) = read_alert(key, &record) else { return Ok(None) };
        if self.is_done(alert.sequence.0) {
            return Ok(None);
        }
        let stored = self.medium.scan(key, &after(key), 1)?;
        let Some((_, stored)) = stored.first() else { return Ok(Some((alert.sequence.0, record))) };
        // One that cannot be read is the same, as far as anybody can tell.
        let is_other = read_alert(key, stored).is_ok_and(|stored| stored.id != alert.id);
        if !is_other || !taken.renumbered.insert(alert.id) {
            return Ok(None);
        }
        let renumbered = self.renumbered(alert);
        Ok(renumbered.map(|(sequence, record)| (sequence.0, record.as_bytes().to_vec())))
    }
}
