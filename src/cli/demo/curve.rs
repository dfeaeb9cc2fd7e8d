//! Picks the few of many readings that tell how the load changed.
//!
//! A timeline with twenty bars a second can be read by nobody, and one with a bar every second misses the dips.

use std::time::Duration;

/// Readings are judged together for this long.
const WINDOW: Duration = Duration::from_millis(400);

/// A change of the load that is worth a line, as a share of the usual load.
const CHANGE_MIN: f64 = 0.12;

/// Follows the load, and remembers what of it was told.
#[derive(Debug, Clone, Default)]
pub(super) struct Curve {
    told: f64,
    opened: Option<Duration>,
    farthest: (Duration, f64),
}

impl Curve {
    /// Takes a reading; at the end of a window gives the one farthest from what was told last, if it is far.
    pub(super) fn follow(&mut self, at: Duration, share: f64) -> Option<(Duration, f64)> {
        let due = self.opened.is_some_and(|opened| at >= opened + WINDOW);
        let told = if due { self.close() } else { None };
        if self.opened.is_none() {
            self.opened = Some(at);
            self.farthest = (at, share);
        } else if (share - self.told).abs() > (self.farthest.1 - self.told).abs() {
            self.farthest = (at, share);
        }
        told
    }

    /// Ends the window early, so that what comes next is told after it.
    pub(super) fn close(&mut self) -> Option<(Duration, f64)> {
        self.opened.take()?;
        let far = (self.farthest.1 - self.told).abs() >= CHANGE_MIN;
        far.then(|| {
            self.told = self.farthest.1;
            self.farthest
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(shares: &[f64]) -> Vec<f64> {
        let mut curve = Curve::default();
        let mut at = Duration::ZERO;
        let mut told = Vec::new();
        for share in shares {
            told.extend(curve.follow(at, *share).map(|(_, share)| share));
            at += Duration::from_millis(50);
        }
        told.extend(curve.close().map(|(_, share)| share));
        told
    }

    #[test]
    fn a_short_dip_is_told_by_its_deepest_reading() {
        let mut shares = vec![1.0; 12];
        shares.extend([0.9, 0.5, 0.1, 0.5, 0.9]);
        shares.extend([1.0; 12]);
        assert_eq!(told(&shares), [1.0, 0.1, 1.0]);
    }

    #[test]
    fn breathing_and_creep_are_not_worth_a_line() {
        let shares: Vec<f64> = (0..100).map(|tick| 1.0 + 0.01 * f64::from(tick % 7)).collect();
        assert_eq!(told(&shares).len(), 1);
    }
}
