//! When a bed is watched: always, or in a window of local time that may cross midnight.
//!
//! All arithmetic is on civil time, so a night keeps its hours of the wall on both days when the clocks change:
//! a bound that falls into the missing hour counts from its end, one in the doubled hour opens at its first pass and
//! closes at its second.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// When a rise is an alarm.
#[derive(Debug, Clone, PartialEq)]
pub enum Watch {
    /// At every hour.
    Always,
    /// Every night between two times of the wall clock.
    Window(Window),
}

/// A night window: opens at `from`, closes at `to`, in the home's time zone. Never of zero length.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    from: Time,
    to: Time,
    zone: TimeZone,
}

impl Window {
    /// Makes a window; `None` where it would have no length.
    #[must_use]
    pub fn new(from: Time, to: Time, zone: TimeZone) -> Option<Self> {
        (from != to).then_some(Self { from, to, zone })
    }

    /// Returns when it opens, by the wall clock.
    #[must_use]
    pub const fn from(&self) -> Time {
        self.from
    }

    /// Returns when it closes, by the wall clock.
    #[must_use]
    pub const fn to(&self) -> Time {
        self.to
    }

    /// Returns how long it is on a night without a change of the clocks: more than zero, less than a day.
    #[must_use]
    pub fn length(&self) -> SignedDuration {
        let length = self.to.duration_since(self.from);
        if length.is_negative() { length + SignedDuration::from_hours(24) } else { length }
    }

    /// The window that opens on a date: its first and last instant.
    fn of(&self, date: Date) -> Option<(Timestamp, Timestamp)> {
        let last = if self.to > self.from { date } else { date.tomorrow().ok()? };
        let opens = self.zone.to_ambiguous_timestamp(date.to_datetime(self.from)).compatible().ok()?;
        let closes = self.zone.to_ambiguous_timestamp(last.to_datetime(self.to)).later().ok()?;
        (opens < closes).then_some((opens, closes))
    }

    /// The windows that opened or open from `days_back` days before `at` to the day after it, in order.
    fn around(&self, at: Timestamp, days_back: i32) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        let today = self.zone.to_datetime(at).date();
        (-days_back..=2).filter_map(move |day| self.of(today.checked_add(jiff::Span::new().days(day)).ok()?))
    }
}

impl Watch {
    /// Tells whether the watch is on at `at`.
    #[must_use]
    pub fn is_on(&self, at: Timestamp) -> bool {
        self.is_on_between(at, at)
    }

    /// Tells whether the watch was on at any moment from `first` to `last`.
    #[must_use]
    pub fn is_on_between(&self, first: Timestamp, last: Timestamp) -> bool {
        match self {
            Self::Always => true,
            Self::Window(window) => {
                // No night is further than a day away, so a longer span needs no look at its beginning.
                let first = first.max(last.saturating_sub(SignedDuration::from_hours(48)).unwrap_or(last));
                window.around(last, 4).any(|(opens, closes)| opens <= last && first < closes)
            }
        }
    }

    /// Returns the opening that is next after `at`; `None` where the watch is always on.
    #[must_use]
    pub fn next_opening(&self, at: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Always => None,
            Self::Window(window) => window.around(at, 1).map(|(opens, _)| opens).find(|opens| *opens > at),
        }
    }

    /// Returns when the window that is open at `at` closes; `None` where it is not open or never closes.
    #[must_use]
    pub fn closing(&self, at: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Always => None,
            Self::Window(window) => {
                window.around(at, 1).find(|(opens, closes)| *opens <= at && at < *closes).map(|(_, closes)| closes)
            }
        }
    }
}

/// Returns the next time after `at` when the wall clock of `zone` shows `time`.
#[must_use]
pub fn next_time_of_day(time: Time, zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
    let today = zone.to_datetime(at).date();
    (-1..=2).find_map(|day| {
        let date = today.checked_add(jiff::Span::new().days(day)).ok()?;
        let moment = zone.to_ambiguous_timestamp(date.to_datetime(time)).compatible().ok()?;
        (moment > at).then_some(moment)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn night() -> Watch {
        let zone = TimeZone::get("Europe/Stockholm").unwrap();
        Watch::Window(Window::new("22:00".parse().unwrap(), "07:00".parse().unwrap(), zone).unwrap())
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_over_midnight_is_open_from_evening_to_morning() {
        let watch = night();
        assert!(!watch.is_on(at("2026-01-15T20:59:59Z")));
        assert!(watch.is_on(at("2026-01-15T21:00:00Z")));
        assert!(watch.is_on(at("2026-01-16T05:59:59Z")));
        assert!(!watch.is_on(at("2026-01-16T06:00:00Z")));
    }

    #[test]
    fn the_night_of_winter_time_has_ten_hours_and_of_summer_time_eight() {
        let watch = night();
        let hours = |opens: &str| {
            let opens = at(opens);
            watch.closing(opens).unwrap().duration_since(opens).as_hours()
        };
        assert_eq!(hours("2026-10-24T20:00:00Z"), 10);
        assert_eq!(hours("2027-03-27T21:00:00Z"), 8);
    }

    #[test]
    fn a_bound_in_the_doubled_hour_keeps_the_watch_on_through_both_passes() {
        let zone = TimeZone::get("Europe/Stockholm").unwrap();
        let window = Window::new("22:00".parse().unwrap(), "02:30".parse().unwrap(), zone).unwrap();
        let watch = Watch::Window(window);
        // 02:30 comes at 00:30Z in summer time and again at 01:30Z in winter time.
        assert!(watch.is_on(at("2026-10-25T01:29:59Z")));
        assert!(!watch.is_on(at("2026-10-25T01:30:00Z")));
    }

    #[test]
    fn an_event_that_touches_the_window_is_watched() {
        let watch = night();
        assert!(watch.is_on_between(at("2026-01-15T20:00:00Z"), at("2026-01-15T21:00:00Z")));
        assert!(!watch.is_on_between(at("2026-01-15T08:00:00Z"), at("2026-01-15T20:59:00Z")));
        assert!(watch.is_on_between(at("2026-01-01T08:00:00Z"), at("2026-01-15T12:00:00Z")));
    }

    #[test]
    fn openings_and_closings_follow_each_other() {
        let watch = night();
        assert_eq!(watch.next_opening(at("2026-01-15T12:00:00Z")), Some(at("2026-01-15T21:00:00Z")));
        assert_eq!(watch.next_opening(at("2026-01-15T21:00:00Z")), Some(at("2026-01-16T21:00:00Z")));
        assert_eq!(watch.closing(at("2026-01-15T22:00:00Z")), Some(at("2026-01-16T06:00:00Z")));
        assert_eq!(watch.closing(at("2026-01-15T12:00:00Z")), None);
        assert_eq!(Watch::Always.closing(at("2026-01-15T12:00:00Z")), None);
    }

    #[test]
    fn a_time_of_day_in_the_missing_hour_still_comes_once() {
        let zone = TimeZone::get("Europe/Stockholm").unwrap();
        let next = next_time_of_day("02:30".parse().unwrap(), &zone, at("2027-03-27T12:00:00Z"));
        assert_eq!(next, Some(at("2027-03-28T01:30:00Z")));
    }
}
