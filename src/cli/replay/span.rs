//! The part of a recording that a picture is to show: `--from` and `--to`, as people write times.

use std::str::FromStr;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::model::schedule::next_time_of_day;

/// A time as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// RFC 3339, with its offset.
    Exact(Timestamp),
    /// A date and a time of the home's wall clock.
    Local(DateTime),
    /// A time of the wall clock: the first one in the recording.
    OfDay(Time),
}

impl FromStr for Written {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A civil time would parse with an offset, and without it: the exact forms come first.
        let exact = || text.parse().ok().map(Self::Exact);
        let of_day = || text.parse().ok().filter(|_| !text.contains('-')).map(Self::OfDay);
        let local = || text.parse().ok().filter(|_| text.contains(':')).map(Self::Local);
        exact()
            .or_else(of_day)
            .or_else(local)
            .ok_or("expected is a time of day such as 23:10, a local time such as 2026-01-15T23:10, or RFC 3339")
    }
}

impl Written {
    fn resolve(self, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Exact(time) => Some(time),
            Self::Local(local) => zone.to_ambiguous_timestamp(local).compatible().ok(),
            Self::OfDay(time) => next_time_of_day(time, zone, after),
        }
    }
}

/// Finds the two times in a recording that begins at `start`; all of it where neither is given.
///
/// # Errors
///
/// Fails where nothing lies between them.
pub(super) fn resolve(
    from: Option<Written>,
    to: Option<Written>,
    zone: &TimeZone,
    start: Timestamp,
) -> Result<(Timestamp, Timestamp), &'static str> {
    let just_before = |time: Timestamp| time.saturating_sub(SignedDuration::from_nanos(1)).unwrap_or(time);
    let beyond = "lies beyond what a clock can show";
    let from = match from {
        Some(from) => from.resolve(zone, just_before(start)).ok_or(beyond)?,
        None => Timestamp::MIN,
    };
    let to = match to {
        Some(to) => to.resolve(zone, from.max(start)).ok_or(beyond)?,
        None => Timestamp::MAX,
    };
    if from < to { Ok((from, to)) } else { Err("--from must lie before --to") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (TimeZone, Timestamp) {
        (TimeZone::get("Europe/Stockholm").unwrap(), "2026-01-15T20:00:00Z".parse().unwrap())
    }

    fn resolved(from: Option<&str>, to: Option<&str>) -> Result<(String, String), &'static str> {
        let (zone, start) = home();
        let [from, to] = [from, to].map(|text| text.map(|text| text.parse().unwrap()));
        resolve(from, to, &zone, start).map(|(from, to)| (from.to_string(), to.to_string()))
    }

    #[test]
    fn times_of_day_are_the_first_in_the_recording_and_after_each_other() {
        let between = Ok(("2026-01-16T01:30:00Z".to_owned(), "2026-01-16T01:45:00Z".to_owned()));
        assert_eq!(resolved(Some("02:30"), Some("02:45")), between);
        assert_eq!(resolved(Some("2026-01-16T02:30"), Some("02:45")), between);
        assert_eq!(resolved(Some("2026-01-16T01:30:00Z"), Some("2026-01-16 02:45:00")), between);
        assert_eq!(resolved(Some("02:30"), Some("02:15")).unwrap().1, "2026-01-17T01:15:00Z");
        assert_eq!(resolved(Some("21:00"), None).unwrap().0, "2026-01-15T20:00:00Z");
    }

    #[test]
    fn what_is_no_time_and_what_lies_the_wrong_way_round_is_refused() {
        for wrong in ["", "noon", "25:00", "2026-01-16", "2026-13-01T02:00", "2"] {
            assert!(wrong.parse::<Written>().is_err(), "{wrong:?}");
        }
        assert!(resolved(Some("2026-01-16T02:30"), Some("2026-01-15T23:00")).is_err());
    }
}
