//! An air mat: the pressure in a flat cushion or tube under the mattress.
//!
//! The pressure rises with the load, less and less as the cushion comes to rest on the slats; it drifts with the
//! room's temperature and the warmth of the body, leaks, and on an absolute sensor the weather comes through in full.

use super::drift::{Drift, relaxed};
use super::night::Difficulty;
use super::pose::Load;
use super::rng::Rng;
use crate::model::Channels;

/// What an air mat is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AirMat {
    /// Whether the sensor shows the weather too: it measures against nothing instead of against the room.
    pub absolute: bool,
    /// Pressure of the empty mat, in hPa; of an absolute one with the day's weather in it.
    pub empty_hpa: f64,
    /// How much a kilogram adds, in hPa, to a mat that carries little.
    pub gain: f64,
    /// The load at which it has half its greatest pressure, in kilograms.
    pub half_kg: f64,
    /// Noise: a deviation in hPa.
    pub noise: f64,
    /// How far weather (of an absolute one) and room move it in eight hours, in hPa.
    pub drift: f64,
    /// How far weather and room have moved it since installation day, in hPa.
    pub since_hpa: f64,
    /// How far the warmth of a body moves it in the end, in hPa. A closed volume gains 3.5 hPa a degree.
    pub warmth: f64,
    /// Which share of its overpressure leaks away an hour.
    pub leak_an_hour: f64,
    /// Share of a load that the mattress keeps pressing with when it has gone, for minutes.
    pub residual: f64,
    /// How far the pump of an alternating mattress moves it, in hPa.
    pub pump: f64,
}

/// Half of a pump's turn; alternating mattresses change over some ten minutes.
const PUMP_S: f64 = 600.0;

/// How fast a body warms the cushion, and a mattress springs back. No measurement known.
const WARMS_S: f64 = 1500.0;
const SPRINGS_BACK_S: f64 = 200.0;

/// How fast a tube passes a change on.
const TUBE_S: f64 = 0.15;

impl AirMat {
    /// A tight mat against the room's pressure: 2 hPa empty, some 19 with 75 kg on it.
    #[must_use]
    pub const fn tight() -> Self {
        Self {
            absolute: false,
            empty_hpa: 2.0,
            gain: 0.3,
            half_kg: 250.0,
            noise: 0.01,
            drift: 0.0,
            since_hpa: 0.0,
            warmth: 0.0,
            leak_an_hour: 0.0,
            residual: 0.0,
            pump: 0.0,
        }
    }

    /// Draws a mat as homes of this difficulty have them.
    #[must_use]
    pub fn drawn(difficulty: Difficulty, rng: &mut Rng) -> Self {
        // Weather moves an absolute sensor as far as a light person does.
        let absolute = rng.chance(0.4) && difficulty != Difficulty::Easy;
        let (span, noise, drift, leak) = match difficulty {
            Difficulty::Easy => (rng.between(10.0, 20.0), 0.001, 0.3, 0.01),
            Difficulty::Realistic => (rng.between(6.0, 18.0), 0.003, 0.8, 0.04),
            Difficulty::Nasty => (rng.between(3.0, 10.0), 0.006, 1.2, 0.06),
        };
        let nasty = difficulty == Difficulty::Nasty;
        let half_kg = if nasty { rng.between(40.0, 200.0) } else { rng.between(150.0, 500.0) };
        // Weather at one place: 2 to 6 hPa in eight hours are usual, 10 no rarity in autumn.
        let weather = if absolute { rng.between(1.0, 4.0) * if nasty { 1.5 } else { 1.0 } } else { 0.0 };
        // Days lie some 10 hPa apart where the weather is that of the North.
        let since = match difficulty {
            Difficulty::Easy => 0.0,
            Difficulty::Realistic => drift + if absolute { 5.0 } else { 0.0 },
            Difficulty::Nasty => drift + if absolute { 11.0 } else { 0.0 },
        };
        Self {
            absolute,
            empty_hpa: if absolute { rng.between(985.0, 1035.0) } else { rng.between(0.0, 6.0) },
            gain: span / 75.0 * (1.0 + 75.0 / half_kg),
            half_kg,
            noise: span * noise * rng.between(0.5, 1.5),
            drift: drift + weather,
            since_hpa: since * rng.normal(),
            warmth: drift * rng.between(0.0, 1.0),
            leak_an_hour: leak * rng.uniform(),
            residual: leak * rng.between(0.0, 0.5),
            pump: if nasty && rng.chance(0.15) { span * rng.between(0.02, 0.10) } else { 0.0 },
        }
    }

    /// Returns the end of its scale, in hPa.
    #[must_use]
    pub const fn full_scale(&self) -> f64 {
        if self.absolute { 1100.0 } else { 100.0 }
    }

    fn overpressure(&self, load_kg: f64) -> f64 {
        self.gain * load_kg / (1.0 + load_kg / self.half_kg)
    }
}

/// One air mat with its memory.
#[derive(Debug, Clone)]
pub struct Air {
    mat: AirMat,
    /// What came through the tube.
    felt_kg: f64,
    dent_kg: f64,
    warm: f64,
    lost_hpa: f64,
    seconds: f64,
    drift: Drift,
    rng: Rng,
}

impl Air {
    pub(super) fn new(mat: AirMat, mut rng: Rng) -> Self {
        let drift = Drift::new(mat.drift, &mut rng);
        let seconds = rng.between(0.0, 2.0 * PUMP_S);
        Self { mat, felt_kg: 0.0, dent_kg: 0.0, warm: 0.0, lost_hpa: 0.0, seconds, drift, rng }
    }

    pub(super) fn read(&mut self, loads: &[Load], elapsed_s: f64) -> Channels {
        let load_kg: f64 = loads.iter().map(Load::felt_kg).sum();
        self.felt_kg += (load_kg - self.felt_kg) * relaxed(elapsed_s, TUBE_S);
        self.dent_kg = (self.dent_kg * (1.0 - relaxed(elapsed_s, SPRINGS_BACK_S))).max(self.mat.residual * load_kg);
        let under = self.felt_kg / (self.felt_kg + 5.0);
        self.warm += (under - self.warm) * relaxed(elapsed_s, WARMS_S);
        self.seconds += elapsed_s;
        let over = self.mat.overpressure(self.felt_kg.max(self.dent_kg));
        let stored = if self.mat.absolute { 0.0 } else { self.mat.empty_hpa };
        self.lost_hpa += (over + stored - self.lost_hpa).max(0.0) * self.mat.leak_an_hour * elapsed_s / 3600.0;
        let ripple = self.mat.pump * (std::f64::consts::PI * self.seconds / PUMP_S).sin();
        let moved = self.drift.after(elapsed_s) + self.mat.warmth * self.warm + ripple - self.lost_hpa;
        let exact = self.mat.empty_hpa + self.mat.since_hpa + over + moved + self.mat.noise * self.rng.normal();
        let lowest = if self.mat.absolute { 300.0 } else { -self.mat.full_scale() };
        Channels::new([hundredths(exact.clamp(lowest, self.mat.full_scale()))]).expect("one channel")
    }

    /// Returns what a fresh mat says under this load, without noise.
    pub(super) fn settled(&self, loads: &[Load]) -> Vec<f64> {
        let load_kg = loads.iter().map(Load::felt_kg).sum();
        vec![self.mat.empty_hpa + self.mat.overpressure(load_kg)]
    }
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::pose::{Pose, Posture};

    const LYING: Load = Load { pose: Pose::lying(Posture::Back), weight_kg: 75.0 };

    fn after(air: &mut Air, loads: &[Load], seconds: u32) -> f64 {
        (0..seconds).map(|_| air.read(loads, 1.0).zones()[0]).last().unwrap()
    }

    fn quiet(mat: AirMat) -> Air {
        Air::new(AirMat { noise: 0.0, ..mat }, Rng::new(1))
    }

    #[test]
    fn swings_by_what_a_technician_notes_and_less_and_less_a_kilogram() {
        let mut air = quiet(AirMat::tight());
        assert!((after(&mut air, &[], 5) - 2.0).abs() < 0.01);
        let one = after(&mut air, &[LYING], 5) - 2.0;
        assert!((one - 17.3).abs() < 0.1, "{one}");
        assert!((air.settled(&[LYING])[0] - 2.0 - one).abs() < 0.01);
        let two = after(&mut air, &[LYING, LYING], 5) - 2.0;
        assert!(two < 1.9 * one, "{one} and {two}");
    }

    #[test]
    fn leaks_under_a_sleeper_and_never_below_the_room() {
        let mut air = quiet(AirMat { leak_an_hour: 0.05, ..AirMat::tight() });
        let fresh = after(&mut air, &[LYING], 10);
        let lost = fresh - after(&mut air, &[LYING], 3600);
        assert!((0.7..1.1).contains(&lost), "{lost} hPa of {fresh}");
        let mut burst = quiet(AirMat { leak_an_hour: 50.0, ..AirMat::tight() });
        assert!(after(&mut burst, &[], 7200).abs() < 0.02);
    }

    #[test]
    fn the_weather_comes_through_and_the_mattress_springs_back() {
        let absolute = AirMat { absolute: true, empty_hpa: 1013.0, drift: 4.0, ..AirMat::tight() };
        let moves = |seed| {
            let mut air = Air::new(absolute, Rng::new(seed));
            let levels: Vec<f64> = (0..480).map(|_| air.read(&[], 60.0).zones()[0]).collect();
            levels.iter().copied().fold(0.0, f64::max) - levels.iter().copied().fold(2000.0, f64::min)
        };
        let mean = (0..40).map(moves).sum::<f64>() / 40.0;
        assert!((1.5..8.0).contains(&mean), "{mean} hPa in a night");
        let mut air = quiet(AirMat { residual: 0.1, ..AirMat::tight() });
        after(&mut air, &[LYING], 600);
        let left = after(&mut air, &[], 3) - 2.0;
        assert!((1.8..2.4).contains(&left), "{left}");
        assert!(after(&mut air, &[], 1200) - 2.0 < 0.02);
    }

    #[test]
    fn noise_is_what_it_says() {
        let mut air = Air::new(AirMat { noise: 0.05, ..AirMat::tight() }, Rng::new(2));
        let squares: f64 = (0..5000).map(|_| (air.read(&[], 0.1).zones()[0] - 2.0).powi(2)).sum();
        assert!(((squares / 5000.0).sqrt() - 0.05).abs() < 0.004);
    }
}
