//! A rule at a time of the wall clock, day by day: `not-in-bed` and `not-up`.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::model::schedule::next_time_of_day;
use crate::model::{Moment, Now};

/// How often the wall clock is looked at while the time is far, so that a step of it is noticed.
const LOOK_AGAIN: Duration = Duration::from_secs(600);

/// A time of day that comes again and again.
#[derive(Debug, Clone)]
pub(super) struct Daily {
    time: Time,
    next: Option<Timestamp>,
    look: Moment,
    /// A time that has come and waits for the bed to settle down.
    held: Option<Timestamp>,
}

impl Daily {
    /// Plans the next time after `since` (what a restart remembers), else after now: one that was missed by less than
    /// an hour is made up for.
    pub(super) fn new(time: Time, zone: &TimeZone, since: Option<Timestamp>, now: &Now) -> Self {
        let since = since.filter(|since| now.trusted && *since < now.utc).unwrap_or(now.utc);
        let next = next_time_of_day(time, zone, since);
        let mut daily = Self { time, next, look: now.moment, held: None };
        daily.look_again(now);
        daily
    }

    /// Puts off what a time means until the bed has settled down.
    pub(super) fn hold(&mut self, time: Timestamp, until: Moment) {
        self.held = Some(time);
        self.look = until;
    }

    /// What was put off means something at `until` now, be it sooner or later than before.
    pub(super) fn release(&mut self, until: Moment) {
        if self.held.is_some() {
            self.look = until;
        }
    }

    fn plan(&mut self, zone: &TimeZone, now: &Now) {
        self.next = next_time_of_day(self.time, zone, now.utc);
        self.look_again(now);
    }

    fn look_again(&mut self, now: &Now) {
        let next = self.next.map_or(now.moment + LOOK_AGAIN, |next| now.moment_of(next));
        self.look = next.min(now.moment + LOOK_AGAIN);
    }

    /// Returns when to look at the wall clock next.
    pub(super) fn due(&self) -> Moment {
        self.look
    }

    /// Looks at the wall clock; returns the time of the rule where it has come. An untrusted clock tells nothing.
    pub(super) fn pass(&mut self, zone: &TimeZone, now: &Now) -> Option<Timestamp> {
        if now.moment < self.look {
            return None;
        }
        if let Some(held) = self.held.take() {
            self.look_again(now);
            return Some(held);
        }
        // A clock that cannot be trusted tells nothing; once it can, the time may still be near enough.
        let come = self.next.filter(|next| now.trusted && *next <= now.utc);
        match come {
            Some(_) => self.plan(zone, now),
            None if self.next.is_some_and(|next| now.utc < next - jiff::SignedDuration::from_hours(25)) => {
                // The wall clock has gone back by more than a day.
                self.plan(zone, now);
            }
            None => self.look_again(now),
        }
        // A clock that was set ahead over the time is not late by hours: the rule is then for another day.
        come.filter(|time| now.utc.duration_since(*time).as_hours() < 1)
    }
}
