//! Load cells under the legs of the bed: true kilograms of all that rests on it, whoever it is.
//!
//! One value a leg or their sum; with the weight of the frame or tared; zero points that creep under the load and
//! drift, and that some electronics take anew at each start, even with somebody in bed.

use super::drift::{Drift, relaxed};
use super::night::Difficulty;
use super::pose::Load;
use super::rng::Rng;
use crate::model::Channels;

/// What a bed on load cells is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CellsMat {
    /// Whether each leg has a channel of its own: side she gets out on and other side, feet first. Else their sum.
    pub each: bool,
    /// What the empty bed reads, in kilograms: 0 where it is tared, else its own weight.
    pub frame_kg: f64,
    /// Width of the bed in metres. The resident's place is the first 0.9 m of it.
    pub width_m: f64,
    /// Noise of a leg: a deviation in kilograms.
    pub noise: f64,
    /// How far each zero point drifts in eight hours, in kilograms.
    pub drift: f64,
    /// How much a load that stays grows in the end, as a share of it; cells of class C3 keep within 0.0003.
    pub creep: f64,
    /// How far a start moves each zero point, in kilograms.
    pub jump: f64,
    /// How much more the empty bed weighs than on installation day, in kilograms: another mattress, a box under it.
    pub since_kg: f64,
    /// Whether a start takes what is there as the empty bed.
    pub retares: bool,
    /// Whether what is less than nothing is told as 0.
    pub clamps: bool,
}

/// Width of a place in bed, in metres: what poses are shares of.
const PLACE_M: f64 = 0.9;

/// How fast a cell creeps: data sheets give the value after 30 minutes.
const CREEPS_S: f64 = 600.0;

const LEGS: usize = 4;

impl CellsMat {
    /// A narrow bed on good cells, tared, each leg by itself.
    #[must_use]
    pub const fn good() -> Self {
        Self {
            each: true,
            frame_kg: 0.0,
            width_m: PLACE_M,
            noise: 0.02,
            drift: 0.0,
            creep: 0.0,
            jump: 0.0,
            since_kg: 0.0,
            retares: false,
            clamps: false,
        }
    }

    /// Draws a bed as homes of this difficulty have them.
    #[must_use]
    pub fn drawn(difficulty: Difficulty, rng: &mut Rng) -> Self {
        let (noise, drift, creep, jump, since) = match difficulty {
            Difficulty::Easy => (0.02, 0.03, 0.0005, 0.1, 0.0),
            Difficulty::Realistic => (0.05, 0.4, 0.003, 0.8, 12.0),
            Difficulty::Nasty => (0.12, 1.5, 0.01, 2.0, 30.0),
        };
        let tared = rng.chance(0.6);
        Self {
            each: rng.chance(0.5),
            frame_kg: if tared { 0.0 } else { rng.between(35.0, 110.0) },
            width_m: if rng.chance(0.3) { 1.6 } else { PLACE_M },
            noise: noise * rng.between(0.5, 1.5),
            drift: drift * rng.between(0.3, 1.0),
            creep: creep * rng.uniform(),
            jump: jump * rng.uniform(),
            since_kg: since * rng.normal(),
            // What takes zero anew says nothing of its own weight.
            retares: difficulty != Difficulty::Easy && rng.chance(0.5) && tared,
            clamps: tared && rng.chance(0.3),
        }
    }

    /// Returns how many channels it has.
    #[must_use]
    pub const fn channels(&self) -> u8 {
        if self.each { 4 } else { 1 }
    }

    /// Returns the kilograms that loads put on each leg.
    fn weigh(&self, loads: &[Load]) -> [f64; LEGS] {
        let mut legs = [0.0; LEGS];
        for load in loads {
            let across = (load.pose.across * PLACE_M / self.width_m.max(PLACE_M)).clamp(0.0, 1.0);
            let along = load.pose.along.clamp(0.0, 1.0);
            let rows = [(1.0 - along) * load.weight_kg, along * load.weight_kg];
            let shares = rows.into_iter().flat_map(|row| [(1.0 - across) * row, across * row]);
            legs.iter_mut().zip(shares).for_each(|(leg, share)| *leg += share);
        }
        legs
    }
}

/// One bed on load cells with its memory.
#[derive(Debug, Clone)]
pub struct Cells {
    mat: CellsMat,
    legs: [Leg; LEGS],
    rng: Rng,
}

#[derive(Debug, Clone, Copy)]
struct Leg {
    /// What the empty bed is meant to read.
    empty_kg: f64,
    /// What the electronics took the zero point to be; 0 on the day of installation.
    zero_kg: f64,
    crept_kg: f64,
    drifted_kg: f64,
    drift: Drift,
}

impl Cells {
    pub(super) fn new(mat: CellsMat, mut rng: Rng) -> Self {
        let parts = [(); LEGS].map(|()| 1.0 + 0.15 * rng.normal().clamp(-3.0, 3.0));
        let whole: f64 = parts.iter().sum();
        let legs = parts.map(|part| Leg {
            empty_kg: mat.frame_kg * part / whole,
            zero_kg: -mat.since_kg * part / whole,
            crept_kg: 0.0,
            drifted_kg: 0.0,
            drift: Drift::new(mat.drift, &mut rng),
        });
        Self { mat, legs, rng }
    }

    pub(super) fn read(&mut self, loads: &[Load], elapsed_s: f64) -> Channels {
        let (mat, rng) = (&self.mat, &mut self.rng);
        let creeps = relaxed(elapsed_s, CREEPS_S);
        let mut said = [0.0; LEGS];
        for ((leg, load_kg), said) in self.legs.iter_mut().zip(mat.weigh(loads)).zip(&mut said) {
            leg.crept_kg += (mat.creep * load_kg - leg.crept_kg) * creeps;
            leg.drifted_kg = leg.drift.after(elapsed_s);
            *said = leg.reads(load_kg) + mat.noise * rng.normal();
        }
        self.tell(said)
    }

    /// Starts the electronics again: a step of each zero point, or a new one with all that lies there.
    pub(super) fn restart(&mut self, loads: &[Load]) {
        for (leg, load_kg) in self.legs.iter_mut().zip(self.mat.weigh(loads)) {
            let step = self.mat.jump * self.rng.normal();
            leg.zero_kg =
                if self.mat.retares { leg.reads(load_kg) + leg.zero_kg - leg.empty_kg } else { leg.zero_kg + step };
        }
    }

    /// Returns what it says on installation day under these loads, without noise.
    pub(super) fn settled(&self, loads: &[Load]) -> Vec<f64> {
        let weights = self.mat.weigh(loads);
        let legs = self.legs.iter().zip(weights).map(|(leg, load_kg)| leg.empty_kg + load_kg);
        if self.mat.each { legs.collect() } else { vec![legs.sum()] }
    }

    fn tell(&self, legs: [f64; LEGS]) -> Channels {
        let lowest = if self.mat.clamps { 0.0 } else { -FULL_SCALE_KG };
        let tidy = |value: f64| (value.clamp(lowest, FULL_SCALE_KG) * 100.0).round() / 100.0;
        let told = if self.mat.each { Channels::new(legs.map(tidy)) } else { Channels::new([tidy(legs.iter().sum())]) };
        told.expect("one channel or four")
    }
}

impl Leg {
    fn reads(&self, load_kg: f64) -> f64 {
        self.empty_kg + load_kg + self.crept_kg + self.drifted_kg - self.zero_kg
    }
}

/// The highest weight that it says, in kilograms.
pub(super) const FULL_SCALE_KG: f64 = 500.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::pose::{Pose, Posture};

    const LYING: Load = Load { pose: Pose::lying(Posture::Left), weight_kg: 75.0 };

    fn quiet(mat: CellsMat) -> Cells {
        Cells::new(CellsMat { noise: 0.0, ..mat }, Rng::new(1))
    }

    fn sum(channels: &Channels) -> f64 {
        channels.zones().iter().sum()
    }

    #[test]
    fn all_the_weight_is_felt_wherever_it_rests() {
        for width_m in [0.9, 1.6] {
            let mut bed = quiet(CellsMat { width_m, ..CellsMat::good() });
            for (share, across) in [(0.86, 0.5), (1.0, 0.06), (0.0, 1.3)] {
                let load = Load { pose: Pose { share, across, ..LYING.pose }, weight_kg: 75.0 };
                assert!((sum(&bed.read(&[load], 1.0)) - 75.0).abs() < 0.03, "{across} of {width_m} m");
            }
        }
        let wide = quiet(CellsMat { width_m: 1.6, ..CellsMat::good() }).settled(&[LYING]);
        assert!(wide[0] > 2.0 * wide[1] && wide[2] > wide[0], "{wide:?}");
    }

    #[test]
    fn without_tare_it_shows_the_frame_and_its_sum_is_that_of_the_legs() {
        let mat = CellsMat { frame_kg: 60.0, ..CellsMat::good() };
        let (each, one) = (quiet(mat), quiet(CellsMat { each: false, ..mat }));
        assert!((each.settled(&[]).iter().sum::<f64>() - 60.0).abs() < 1e-9);
        assert!((each.settled(&[LYING]).iter().sum::<f64>() - one.settled(&[LYING])[0]).abs() < 1e-9);
        assert_eq!((each.settled(&[]).len(), one.settled(&[]).len()), (4, 1));
    }

    #[test]
    fn a_start_in_bed_takes_her_for_the_bed() {
        let mut bed = quiet(CellsMat { retares: true, ..CellsMat::good() });
        let empty = sum(&bed.read(&[], 1.0));
        bed.restart(&[LYING]);
        assert!((sum(&bed.read(&[LYING], 1.0)) - empty).abs() < 0.03);
        assert!((sum(&bed.read(&[], 1.0)) - empty + 75.0).abs() < 0.03);
        bed.restart(&[]);
        assert!((sum(&bed.read(&[], 1.0)) - empty).abs() < 0.03);
        let mut clamping = quiet(CellsMat { retares: true, clamps: true, ..CellsMat::good() });
        clamping.restart(&[LYING]);
        assert!(sum(&clamping.read(&[], 1.0)).abs() < 0.01);
    }

    #[test]
    fn zero_points_jump_creep_and_drift_by_what_they_are_told() {
        let mut jumps = quiet(CellsMat { jump: 1.0, ..CellsMat::good() });
        jumps.restart(&[]);
        let jumped = jumps.read(&[], 1.0);
        assert!(jumped.zones().iter().any(|leg| leg.abs() > 0.2) && jumped.zones().iter().all(|leg| leg.abs() < 4.0));
        let mut creeps = quiet(CellsMat { creep: 0.01, ..CellsMat::good() });
        let fresh = sum(&creeps.read(&[LYING], 0.1));
        let grown = (0..3600).map(|_| sum(&creeps.read(&[LYING], 1.0))).last().unwrap() - fresh;
        assert!((grown - 0.75).abs() < 0.05, "{grown} kg");
        let noisy: Vec<f64> = {
            let mut bed = Cells::new(CellsMat { noise: 0.1, ..CellsMat::good() }, Rng::new(2));
            (0..5000).map(|_| bed.read(&[], 0.1).zones()[2]).collect()
        };
        let deviation = (noisy.iter().map(|value| value * value).sum::<f64>() / 5000.0).sqrt();
        assert!((deviation - 0.1).abs() < 0.005, "{deviation}");
    }
}
