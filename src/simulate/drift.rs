//! What moves a level without anybody: weather, a room that cools at night, electronics that age.
//!
//! Slow and smooth, from 0 at the start; the same whatever the rate of the readings.

use std::f64::consts::TAU;

use super::rng::Rng;

/// A night's wander around 0: a slope, a slow wave and a smaller quick one, as of a heating that goes on and off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drift {
    slope_per_s: f64,
    waves: [Wave; 2],
    seconds: f64,
}

#[derive(Debug, Clone, Copy)]
struct Wave {
    swing: f64,
    turn_per_s: f64,
    phase: f64,
}

impl Drift {
    /// Draws one that is typically this far from its start after eight hours.
    pub(super) fn new(typical: f64, rng: &mut Rng) -> Self {
        Self {
            slope_per_s: typical * rng.between(-1.0, 1.0) / 28_800.0,
            waves: [
                Wave::new(0.6 * typical, (6_000.0, 40_000.0), rng),
                Wave::new(0.15 * typical, (700.0, 3_000.0), rng),
            ],
            seconds: 0.0,
        }
    }

    /// Lets time pass and returns how far the level is from its start.
    pub(super) fn after(&mut self, elapsed_s: f64) -> f64 {
        self.seconds += elapsed_s.max(0.0);
        self.slope_per_s * self.seconds + self.waves.iter().map(|wave| wave.at(self.seconds)).sum::<f64>()
    }
}

impl Wave {
    fn new(swing: f64, period_s: (f64, f64), rng: &mut Rng) -> Self {
        let turn_per_s = TAU / rng.between(period_s.0, period_s.1);
        Self { swing: swing * rng.between(-1.0, 1.0), turn_per_s, phase: TAU * rng.uniform() }
    }

    fn at(&self, seconds: f64) -> f64 {
        if self.swing == 0.0 {
            return 0.0;
        }
        self.swing * ((self.phase + self.turn_per_s * seconds).sin() - self.phase.sin())
    }
}

/// Returns which part of the way to its goal a relaxation covers in a time.
pub(super) fn relaxed(elapsed_s: f64, constant_s: f64) -> f64 {
    let part = elapsed_s.max(0.0) / constant_s;
    // Most ways are long beside the time between readings; a series is as exact there and far cheaper.
    if part < 0.01 { part * (1.0 - part / 2.0 * (1.0 - part / 3.0)) } else { -(-part).exp_m1() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_at_nothing_and_goes_as_far_as_it_is_told() {
        let mut rng = Rng::new(3);
        let ends: Vec<f64> = (0..500).map(|_| Drift::new(2.0, &mut rng).after(28_800.0)).collect();
        let deviation = (ends.iter().map(|end| end * end).sum::<f64>() / 500.0).sqrt();
        assert!((1.0..3.0).contains(&deviation), "{deviation}");
        assert!(Drift::new(2.0, &mut rng).after(0.0).abs() < 1e-12);
    }

    #[test]
    fn short_ways_are_as_exact_as_long_ones() {
        for part in [0.0, 0.001, 0.009_999, 0.010_001, 0.5, 30.0] {
            assert!((relaxed(part, 1.0) - (1.0 - f64::exp(-part))).abs() < 1e-9, "{part}");
        }
    }

    #[test]
    fn is_the_same_at_any_rate() {
        let mut often = Drift::new(5.0, &mut Rng::new(4));
        let mut seldom = often;
        let fine = (0..36_000).map(|_| often.after(0.1)).last().unwrap();
        assert!((fine - seldom.after(3600.0)).abs() < 1e-6);
    }
}
