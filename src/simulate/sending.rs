//! When a mat sends what it reads: each time, or only at a change and now and then.
//!
//! Decides only that; what befalls the rows on their way is in [`super::faults`].

use std::time::Duration;

use crate::model::Channels;

/// When a mat sends.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Sending {
    /// Each reading.
    #[default]
    Always,
    /// A reading that differs by so much from the last one sent, and one after so much silence.
    OnChange {
        /// The least difference of a channel, in units of the reading.
        by: f64,
        /// The longest silence, in seconds.
        heartbeat_s: f64,
    },
}

impl Sending {
    /// As the stock firmware of Elevated Sensors: a change of 1 point, or 180 s.
    pub const ESPHOME: Self = Self::OnChange { by: 1.0, heartbeat_s: 180.0 };

    /// As battery contacts on Zigbee: each change, and hourly.
    pub const ZIGBEE: Self = Self::OnChange { by: 0.5, heartbeat_s: 3600.0 };

    /// Returns the longest silence while nothing changes, in seconds, where not every reading is sent.
    #[must_use]
    pub const fn heartbeat_s(self) -> Option<f64> {
        match self {
            Self::Always => None,
            Self::OnChange { heartbeat_s, .. } => Some(heartbeat_s),
        }
    }

    /// Tells whether a reading is sent, given the last one that was.
    pub(super) fn sends(self, at: Duration, channels: &Channels, last: Option<&(Duration, Channels)>) -> bool {
        let (Self::OnChange { by, heartbeat_s }, Some((sent_at, sent))) = (self, last) else { return true };
        let silent = at.saturating_sub(*sent_at).as_secs_f64() >= heartbeat_s;
        let mut pairs = channels.zones().iter().zip(sent.zones());
        silent || pairs.any(|(new, old)| new.is_nan() != old.is_nan() || (new - old).abs() >= by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_a_change_and_a_heartbeat_and_nothing_else() {
        let reading = |value| Channels::new([50.0, value]).unwrap();
        let last = (Duration::from_secs(100), reading(20.0));
        let sends = |second, value| Sending::ESPHOME.sends(Duration::from_secs(second), &reading(value), Some(&last));
        assert!(!sends(101, 20.0) && !sends(279, 20.9));
        assert!(sends(101, 21.0) && sends(101, 19.0) && sends(101, f64::NAN) && sends(280, 20.0));
        assert!(Sending::ESPHOME.sends(Duration::ZERO, &reading(20.0), None));
        assert!(Sending::Always.sends(Duration::from_secs(101), &reading(20.0), Some(&last)));
    }
}
