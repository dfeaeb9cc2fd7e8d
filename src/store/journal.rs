//! The journal: what happened and what was delivered, for the days that it is kept. PURE.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::Delivered;
use super::answer::NotKept;
use super::record::{Record, parse};
use crate::model::journal::SafeBy;
use crate::model::time::millis_option;
use crate::model::{Entry, Event, Now};

/// What retention reads of an entry.
#[derive(Deserialize)]
struct Kept {
    #[serde(with = "millis_option", default)]
    kept: Option<Timestamp>,
}

/// Writes an event down that nobody is told of.
pub(super) fn event(event: &Event, now: &Now) -> Result<Record, NotKept> {
    Record::of_json(&Entry::of_event(event.clone(), known(now)))
}

/// Writes a delivered alert's event down, and what had made the alert safe before its delivery or by it.
pub(super) fn delivered(delivered: Delivered, safe_by: SafeBy, now: &Now) -> Result<Record, NotKept> {
    let Delivered { id, event, accepted, .. } = delivered;
    let (id, accepted, safe_by) = (Some(id), Some(accepted), Some(safe_by));
    Record::of_json(&Entry { id, accepted, safe_by, ..Entry::of_event(event, known(now)) })
}

fn known(now: &Now) -> Option<Timestamp> {
    now.trusted.then_some(now.utc)
}

/// Returns when an entry was written, where that is known; a bad record's time is not.
pub(super) fn kept(record: &[u8]) -> Option<Timestamp> {
    parse::<Kept>(record).ok().and_then(|entry| entry.kept)
}

/// Returns how many of these entries, oldest first, are older than `keep`.
///
/// An entry without a time that can be believed is as old as the next one that has one.
pub(super) fn expired(entries: &[Option<Timestamp>], now: Timestamp, keep: Duration) -> usize {
    let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
    let Ok(horizon) = now.checked_sub(keep) else { return 0 };
    let young = entries.iter().position(|kept| is_believed(*kept, now) && *kept >= Some(horizon));
    let old = entries.get(..young.unwrap_or(entries.len())).unwrap_or_default();
    old.iter().rposition(|kept| is_believed(*kept, now)).map_or(0, |last| last + 1)
}

/// Tells whether an entry's time says something: one that lies ahead was written by a clock that was wrong.
pub(super) fn is_believed(kept: Option<Timestamp>, now: Timestamp) -> bool {
    kept.is_some_and(|kept| kept <= now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Acceptance;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn day(number: i64) -> Option<Timestamp> {
        let start: Timestamp = "2026-12-01T00:00:00Z".parse().ok()?;
        Some(start + SignedDuration::from_hours(24 * number))
    }

    fn expired_of(entries: &[Option<Timestamp>]) -> usize {
        expired(entries, day(40).unwrap(), DAY * 35)
    }

    #[test]
    fn only_what_is_older_than_kept_goes() {
        assert_eq!(expired_of(&[day(1), day(4), day(5), day(6)]), 2);
        assert_eq!(expired_of(&[day(30)]), 0);
        assert_eq!(expired_of(&[]), 0);
    }

    #[test]
    fn an_entry_without_a_believable_time_goes_with_the_next_that_has_one() {
        assert_eq!(expired_of(&[None, day(1), None]), 2);
        assert_eq!(expired_of(&[None, None]), 0);
        assert_eq!(expired_of(&[None, day(30)]), 0);
        assert_eq!(expired_of(&[day(9_000), day(1), day(30)]), 2);
    }

    #[test]
    fn a_delivery_says_what_happened_and_what_made_the_alert_safe() {
        let now = Now::recorded(day(1).unwrap());
        let given = Delivered {
            id: crate::model::AlertId::from_entropy(1),
            sequence: crate::model::Sequence(1),
            event: Event::of_gateway(crate::model::Kind::Test, &now),
            accepted: Acceptance { channel: "larmcentral".to_owned(), reference: None, at: now.utc },
        };
        for (safe_by, word) in [(SafeBy::Medium, "medium"), (SafeBy::Acceptance, "acceptance")] {
            let entry = delivered(given.clone(), safe_by, &now).unwrap();
            assert_eq!(parse::<serde_json::Value>(entry.as_bytes()).unwrap()["safe-by"], word);
            let entry: Entry = parse(entry.as_bytes()).unwrap();
            assert_eq!((entry.id, entry.event), (Some(given.id), given.event.clone()));
            assert_eq!(entry.accepted, Some(given.accepted.clone()));
        }
    }

    #[test]
    fn an_entry_says_when_it_was_written_if_the_clock_was_trusted() {
        let trusted = Now::recorded(day(1).unwrap());
        let what = Event::of_gateway(crate::model::Kind::Test, &trusted);
        assert_eq!(kept(event(&what, &trusted).unwrap().as_bytes()), day(1));
        assert_eq!(kept(event(&what, &Now { trusted: false, ..trusted }).unwrap().as_bytes()), None);
        assert_eq!(kept(b"no record"), None);
    }
}
