//! Two alerts of one number: so it comes where the disk gave its mark too late, and a clock that is behind counted where an
//! earlier life of the program has counted before. Neither may take the other's place.

use super::super::record::Record;
use super::super::trouble::Trouble;
use super::{Ledger, PAGE, after, numbered, read_alert};
use crate::model::{Alert, Sequence};

impl Ledger {
    /// Gives other numbers to stored alerts whose own were handed out again before the store was open. Theirs change, for
    /// nobody has them in hand yet; those that were handed out are on their way to dispatch.
    pub(super) fn make_way(&mut self) -> Result<(), Trouble> {
        let again = self.numbers.unsure();
        let (mut from, below) = (numbered(b'a', again.start), numbered(b'a', again.end));
        while from < below {
            let entries = self.medium.scan(&from, &below, PAGE)?;
            let Some((last, _)) = entries.last() else { break };
            from = after(last);
            let mut moved = Vec::new();
            for (key, record) in entries {
                if let Ok(alert) = read_alert(&key, &record) {
                    let before = alert.sequence;
                    let Some((sequence, record)) = self.renumbered(alert) else { continue };
                    moved.push(before);
                    self.log_alert(sequence.0, record.as_bytes())?;
                    self.pending.alert(sequence.0, record.as_bytes().to_vec());
                }
            }
            tracing::warn!(count = moved.len(), "Alerts that wait got other numbers, for theirs were used again");
            self.absorb(&moved, &[])?;
        }
        self.numbers.settled();
        Ok(())
    }

    /// Gives an alert a number that nobody has; nothing where it does not fit into a record, as an earlier version may
    /// have written it.
    pub(super) fn renumbered(&self, alert: Alert) -> Option<(Sequence, Record)> {
        let alert = Alert { sequence: self.numbers.draw(), ..alert };
        Some((alert.sequence, Record::of_json(&alert).ok()?))
    }
}
