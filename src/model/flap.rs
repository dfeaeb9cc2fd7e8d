//! When the beginning and the end of a fault are told, so that one that comes and goes wakes nobody twice an hour. PURE.

use std::time::Duration;

use super::time::Moment;

/// A fault that is back within this time is the same one; from then on its end must last this long to be told.
pub const SAME_FAULT_WITHIN: Duration = Duration::from_secs(10 * 60);

/// The telling of one fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flap {
    /// It has not been there, or not for long.
    #[default]
    Clear,
    /// It is there and told.
    Open,
    /// It has ended at this moment, which was told.
    Ended(Moment),
    /// It is there again, and told; it flaps.
    OpenAgain,
    /// It flaps and is away since this moment, which is not told yet.
    Waiting(Moment),
}

impl Flap {
    /// The fault is there; returns whether to tell it.
    #[must_use]
    pub fn begin(&mut self, now: Moment) -> bool {
        let (next, tell) = match *self {
            Self::Clear => (Self::Open, true),
            Self::Ended(at) if now.since(at) < SAME_FAULT_WITHIN => (Self::OpenAgain, true),
            Self::Ended(_) => (Self::Open, true),
            Self::Open => (Self::Open, false),
            Self::OpenAgain => (Self::OpenAgain, false),
            Self::Waiting(_) => (Self::OpenAgain, false),
        };
        *self = next;
        tell
    }

    /// The fault is away; returns whether to tell it at once.
    #[must_use]
    pub fn end(&mut self, now: Moment) -> bool {
        let (next, tell) = match *self {
            Self::Open => (Self::Ended(now), true),
            Self::OpenAgain => (Self::Waiting(now), false),
            Self::Clear => (Self::Clear, false),
            Self::Ended(at) => (Self::Ended(at), false),
            Self::Waiting(since) => (Self::Waiting(since), false),
        };
        *self = next;
        tell
    }

    /// Returns when an end that was held back becomes due.
    #[must_use]
    pub fn due(&self) -> Option<Moment> {
        match self {
            Self::Waiting(since) => Some(*since + SAME_FAULT_WITHIN),
            Self::Clear | Self::Open | Self::Ended(_) | Self::OpenAgain => None,
        }
    }

    /// Time passes; returns since when the fault is away, where that is to be told now.
    #[must_use]
    pub fn pass(&mut self, now: Moment) -> Option<Moment> {
        match *self {
            Self::Waiting(since) if now >= since + SAME_FAULT_WITHIN => {
                *self = Self::Clear;
                Some(since)
            }
            Self::Clear | Self::Open | Self::Ended(_) | Self::OpenAgain | Self::Waiting(_) => None,
        }
    }

    /// Tells whether the fault is there, or told and its end not told yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open | Self::OpenAgain | Self::Waiting(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Moment {
        Moment::from_nanos(minutes * 60_000_000_000)
    }

    #[test]
    fn the_first_end_is_told_at_once_and_that_of_a_flapping_fault_after_ten_minutes() {
        let mut flap = Flap::default();
        assert!(flap.begin(at(0)) && !flap.begin(at(1)));
        assert!(flap.end(at(2)) && !flap.is_open());
        assert!(flap.begin(at(5)), "back within ten minutes: told again");
        assert!(!flap.end(at(6)) && flap.is_open());
        assert!(!flap.begin(at(10)), "its end was never told");
        assert!(!flap.end(at(11)));
        assert_eq!(flap.pass(at(20)), None);
        assert_eq!((flap.due(), flap.pass(at(21))), (Some(at(21)), Some(at(11))));
        assert!(flap.begin(at(22)));
    }

    #[test]
    fn a_fault_that_is_back_later_is_a_new_one() {
        let mut flap = Flap::default();
        assert!(flap.begin(at(0)) && flap.end(at(1)) && flap.begin(at(20)) && flap.end(at(21)));
    }
}
