//! What was proven at a bed when it was set up: kept with the gateway's state, printed by `handover`.
//!
//! Levels and times only: no reading, and no name of who was there.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How far a mat can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// As it should be.
    Good,
    /// It works, but something is to be looked at.
    Weak,
    /// Nobody should sleep on it and be taken for watched.
    Unfit,
}

/// What a walk through the postures has shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Calibrated {
    /// When.
    pub time: Timestamp,
    /// How good the mat is.
    pub grade: Grade,
    /// Level of each zone of the empty bed, in the sensor's own unit.
    pub empty: Vec<f64>,
    /// Level of each zone with somebody lying.
    pub occupied: Vec<f64>,
    /// By how many times its noise lying moves the mat; `None` where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noises: Option<f64>,
}

/// A test alert that dispatch has accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tested {
    /// When it was raised.
    pub time: Timestamp,
    /// When a channel had accepted it.
    pub accepted: Timestamp,
    /// Which one.
    pub channel: String,
}

/// All that was proven of one bed, the latest of each.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Proof {
    /// The mat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrated: Option<Calibrated>,
    /// The way to dispatch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tested: Option<Tested>,
}

impl Proof {
    /// Tells whether the way to dispatch should be tested: it never was, or last longer than `every` ago.
    #[must_use]
    pub fn is_test_due(&self, every: Duration, now: Timestamp) -> bool {
        let age = |tested: &Tested| now.duration_since(tested.accepted).unsigned_abs();
        let older = |tested: &Tested| tested.accepted < now && age(tested) > every;
        self.tested.as_ref().is_none_or(older)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_due_where_none_was_accepted_or_the_last_one_is_too_old() {
        let (day, now) = (Duration::from_secs(24 * 3600), "2026-04-10T12:00:00Z".parse().unwrap());
        let tested = |accepted: &str| {
            let accepted = accepted.parse().unwrap();
            Proof { calibrated: None, tested: Some(Tested { time: accepted, accepted, channel: "c".to_owned() }) }
        };
        assert!(Proof::default().is_test_due(90 * day, now));
        assert!(!tested("2026-01-10T12:00:00Z").is_test_due(90 * day, now));
        assert!(tested("2026-01-10T11:59:59Z").is_test_due(90 * day, now));
        // A clock that was wrong then proves nothing against it.
        assert!(!tested("2027-01-01T00:00:00Z").is_test_due(day, now));
    }
}
