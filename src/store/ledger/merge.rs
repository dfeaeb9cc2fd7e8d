//! Takes over what could be read of an older store that was put aside.

use std::collections::BTreeSet;

use super::super::medium::{Changes, Entry};
use super::super::record::payload;
use super::super::trouble::Trouble;
use super::{Ledger, after, numbered, read_alert, state_name};
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
    pub(in super::super) fn merge(&mut self, entries: &[Entry], merged: &mut Merged) -> Result<(), Trouble> {
        if self.is_ahead() {
            self.absorb(&[], &[])?;
        }
        let (mut changes, mut meta, mut first) = (Changes::default(), self.meta, self.journal_first);
        let (mut states, mut journal) = (0, 0);
        for (key, record) in entries {
            match key.first() {
                Some(b'a') if changes.decides(key).is_none() => {
                    let Some(missed) = self.missed(key, record, merged)? else { continue };
                    self.log_alert(missed.sequence, &missed.record)?;
                    // Counted by now: where what comes next fails, the next opening has it from the log.
                    merged.alerts += 1;
                    merged.renumbered.extend(missed.renumbered);
                    meta.undelivered += 1;
                    changes.put(numbered(b'a', missed.sequence), &missed.record);
                }
                Some(b's') if payload(record).is_ok() && !self.medium.holds(key)? => {
                    states += u64::from(changes.decides(key).is_none() && !state_name(key).is_empty());
                    changes.put(key.clone(), record);
                }
                Some(b'j') if payload(record).is_ok() && self.journal_next - first < super::JOURNAL_MAX => {
                    first -= 1;
                    journal += 1;
                    changes.put(numbered(b'j', first), record);
                }
                Some(_) | None => {}
            }
        }
        self.log.sync()?;
        self.write(changes, meta)?;
        self.journal_first = first;
        merged.states += states;
        merged.journal += journal;
        Ok(())
    }

    /// Forgets what was needed for merging only.
    pub(in super::super) fn merged_all(&mut self) {
        if self.unread.is_empty() {
            self.done = None;
        }
    }

    /// Returns how an alert is taken over; nothing where it is known, done or unreadable.
    fn missed(&self, key: &[u8], record: &[u8], merged: &Merged) -> Result<Option<Missed>, Trouble> {
        let Ok(alert) = read_alert(key, record) else { return Ok(None) };
        let (id, sequence) = (alert.id, alert.sequence.0);
        if self.is_done(sequence) || merged.renumbered.contains(&id) {
            return Ok(None);
        }
        let stored = self.medium.scan(key, &after(key), 1)?;
        let Some((_, stored)) = stored.first() else {
            return Ok(Some(Missed { sequence, record: record.to_vec(), renumbered: None }));
        };
        // One that cannot be read is the same, as far as anybody can tell.
        if read_alert(key, stored).map_or(true, |stored| stored.id == id) {
            return Ok(None);
        }
        let renumbered = self.renumbered(alert);
        Ok(renumbered.map(|(sequence, record)| {
            let (sequence, record) = (sequence.0, record.as_bytes().to_vec());
            Missed { sequence, record, renumbered: Some(id) }
        }))
    }
}

/// An alert that is taken over.
struct Missed {
    sequence: u64,
    record: Vec<u8>,
    /// Its id, where its own number has been used again.
    renumbered: Option<AlertId>,
}
