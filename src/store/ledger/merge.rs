//! Takes over what could be read of an older store that was put aside.

use super::super::frames;
use super::super::medium::{Changes, Entry};
use super::super::record::payload;
use super::super::trouble::Trouble;
use super::{Ledger, Meta, number, numbered, read_alert, state_name};

/// What was taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in super::super) struct Merged {
    /// Alerts that wait and were not known.
    pub(in super::super) alerts: u64,
    /// States of keys that had none.
    pub(in super::super) states: u64,
    /// Journal entries.
    pub(in super::super) journal: u64,
}

impl Ledger {
    /// Takes over entries of an older store where nothing newer is known; journal entries come newest first.
    pub(in super::super) fn merge(&mut self, entries: Vec<Entry>, merged: &mut Merged) -> Result<(), Trouble> {
        if self.is_ahead() {
            self.absorb(&[], &[])?;
        }
        let (mut changes, mut taken, mut meta, mut first) =
            (Changes::default(), *merged, self.meta, self.journal_first);
        for (key, record) in entries {
            match key.first() {
                Some(b'a') if self.misses_alert(&key, &record)? && changes.decides(&key).is_none() => {
                    let mut frame = Vec::new();
                    frames::alert(&mut frame, number(&key).unwrap_or(0), &record, None);
                    self.append(&frame)?;
                    meta = Meta { undelivered: meta.undelivered + 1, ..meta };
                    taken.alerts += 1;
                    changes.put(key, &record);
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
        self.done_before.clear();
    }

    fn misses_alert(&self, key: &[u8], record: &[u8]) -> Result<bool, Trouble> {
        let done = number(key).is_some_and(|sequence| self.done_before.contains_key(&sequence));
        Ok(!done && read_alert(key, record).is_ok() && !self.medium.holds(key)?)
    }
}
