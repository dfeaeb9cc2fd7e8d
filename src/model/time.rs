//! Time as the core sees it: handed in, never read.
//!
//! Durations are measured on the monotonic clock ([`Moment`]); UTC is for schedules and for what people are told.

use std::ops::{Add, Sub};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A point on the gateway's monotonic clock, in nanoseconds from an arbitrary origin.
///
/// Only differences mean anything. Wall-clock jumps do not move it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(i64);

impl Moment {
    /// Makes a moment from nanoseconds since the origin.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Returns the nanoseconds since the origin.
    #[must_use]
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Returns how long ago `earlier` was; zero where it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Moment {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)))
    }
}

/// What time it is: the three things that every decision is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock: for every duration.
    pub moment: Moment,
    /// The wall clock: for schedules and for what is told.
    pub utc: Timestamp,
    /// Whether the wall clock can be trusted.
    pub trusted: bool,
}

impl Now {
    /// Makes the time of a recording: UTC is the monotonic clock, and it is trusted as it is.
    #[must_use]
    pub fn recorded(utc: Timestamp) -> Self {
        let nanos = i64::try_from(utc.as_nanosecond()).unwrap_or(i64::MAX);
        Self { moment: Moment::from_nanos(nanos), utc, trusted: true }
    }

    /// Returns the UTC of another moment, counted from now.
    #[must_use]
    pub fn utc_of(&self, moment: Moment) -> Timestamp {
        let away = SignedDuration::from_nanos(moment.0.saturating_sub(self.moment.0));
        self.utc.saturating_add(away).unwrap_or(self.utc)
    }

    /// Returns the moment of another UTC, counted from now.
    #[must_use]
    pub fn moment_of(&self, utc: Timestamp) -> Moment {
        let away = utc.duration_since(self.utc).as_nanos();
        Moment(self.moment.0.saturating_add(i64::try_from(away).unwrap_or(i64::MAX)))
    }
}

/// Writes a time as the contract has it: RFC 3339 in UTC with milliseconds.
#[must_use]
pub fn rfc3339(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// Serde form of a time: RFC 3339 in UTC with milliseconds. For `#[serde(with = "…")]`.
pub mod millis {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the time with milliseconds.
    ///
    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{time:.3}"))
    }

    /// Reads any RFC 3339 time.
    ///
    /// # Errors
    ///
    /// Fails where the text is no RFC 3339 time.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Timestamp::deserialize(deserializer)
    }
}

/// As [`millis`], for a time that may be missing.
pub mod millis_option {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the time with milliseconds, or nothing.
    ///
    /// # Errors
    ///
    /// Those of the serializer.
    #[expect(clippy::ref_option, reason = "the signature that serde calls")]
    pub fn serialize<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => super::millis::serialize(time, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads any RFC 3339 time, or nothing.
    ///
    /// # Errors
    ///
    /// Fails where the text is no RFC 3339 time.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        Option::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utc_and_moment_convert_both_ways() {
        let now = Now::recorded("2026-01-15T23:12:05Z".parse().unwrap());
        let earlier = now.moment - Duration::from_millis(880);
        assert_eq!(rfc3339(now.utc_of(earlier)), "2026-01-15T23:12:04.120Z");
        assert_eq!(now.moment_of(now.utc_of(earlier)), earlier);
        assert_eq!(earlier.since(now.moment), Duration::ZERO);
    }
}
