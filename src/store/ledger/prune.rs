//! What of the journal is too old goes, in bounded steps.

use jiff::Timestamp;

use super::super::medium::{Changes, Entry};
use super::super::trouble::Trouble;
use super::super::{Settings, journal};
use super::{Ledger, PAGE, after, number};
use crate::model::Now;

/// The most journal entries that one step removes.
const PRUNE_MAX: usize = 500;

impl Ledger {
    /// Removes journal entries older than the settings say, a bounded number; tells whether there may be more.
    pub(in super::super) fn prune(&mut self, now: &Now, settings: &Settings) -> Result<bool, Trouble> {
        let entries = self.medium.scan(b"j", b"k", PRUNE_MAX)?;
        let expired = journal::expired(&self.ages(&entries, now)?, now.utc, settings.keep).min(entries.len());
        let Some((last, _)) = expired.checked_sub(1).and_then(|last| entries.get(last)) else { return Ok(false) };
        let first = number(last).map_or(self.journal_first, |last| last + 1);
        let mut changes = Changes::default();
        for (key, _) in entries.iter().take(expired) {
            changes.remove(key.clone());
        }
        self.write(changes, self.meta)?;
        self.journal_first = first;
        tracing::info!(count = expired, "Old journal entries removed");
        Ok(expired == entries.len())
    }

    /// Returns when these oldest entries were written, and the ones after them up to the first that tells.
    fn ages(&self, entries: &[Entry], now: &Now) -> Result<Vec<Option<Timestamp>>, Trouble> {
        let of = |entries: &[Entry]| entries.iter().map(|(_, record)| journal::kept(record)).collect::<Vec<_>>();
        let mut ages = of(entries);
        let mut last = entries.last().map(|(key, _)| key.clone());
        let mut tells = ages.iter().any(|kept| journal::is_believed(*kept, now.utc));
        while let (false, Some(key)) = (tells, last) {
            let more = self.medium.scan(&after(&key), b"k", PAGE)?;
            let more_ages = of(&more);
            tells = more_ages.iter().any(|kept| journal::is_believed(*kept, now.utc));
            ages.extend(more_ages);
            last = more.last().map(|(key, _)| key.clone());
        }
        Ok(ages)
    }
}
