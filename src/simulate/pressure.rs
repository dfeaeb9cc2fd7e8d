//! A pressure mat: from kilograms to counts.
//!
//! The load spreads over the zones by where the body is, each zone has its own gain and rest level, creeps under a
//! load that stays, keeps a dent for a while when it leaves, adds noise, and the ADC rounds and saturates.

use super::pose::{Load, Pose};
use super::rng::Rng;
use crate::model::Channels;
use crate::model::reading::ZONES_MAX;

/// How the zones of a mat lie: so many beside each other across the bed, so many along it. At most 16 in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    across: u8,
    along: u8,
}

impl Layout {
    /// One zone.
    pub const ONE: Self = Self { across: 1, along: 1 };

    /// Four strips beside each other across the bed.
    pub const FOUR: Self = Self { across: 4, along: 1 };

    /// Takes the number of zones each way; `None` where there are none or more than 16 in all.
    #[must_use]
    pub fn new(across: u8, along: u8) -> Option<Self> {
        let zones = usize::from(across) * usize::from(along);
        (1..=ZONES_MAX).contains(&zones).then_some(Self { across, along })
    }

    /// Returns how many zones there are.
    #[must_use]
    pub const fn zones(self) -> u8 {
        self.across * self.along
    }

    /// Returns the kilograms on each zone, row by row from the feet.
    pub(super) fn weigh(self, loads: &[Load]) -> [f64; ZONES_MAX] {
        let mut kilograms = [0.0; ZONES_MAX];
        for load in loads.iter().filter(|load| load.felt_kg() > 0.0) {
            for (zone, share) in kilograms.iter_mut().zip(self.spread(&load.pose)) {
                *zone += share * load.felt_kg();
            }
        }
        kilograms
    }

    /// Returns each zone's share of a load, row by row from the feet.
    fn spread(self, pose: &Pose) -> [f64; ZONES_MAX] {
        let across = shares(self.across, pose.across, pose.across_spread);
        let along = shares(self.along, pose.along, pose.along_spread);
        let mut cells = along
            .iter()
            .take(usize::from(self.along))
            .flat_map(|row| across.iter().take(usize::from(self.across)).map(move |column| row * column));
        std::array::from_fn(|_| cells.next().unwrap_or_default())
    }
}

/// Splits a load with this centre and spread over zones of equal width; the shares add up to 1.
fn shares(zones: u8, centre: f64, spread: f64) -> [f64; ZONES_MAX] {
    let mut shares = [0.0; ZONES_MAX];
    for (zone, share) in (0..zones).zip(&mut shares) {
        let away = ((f64::from(zone) + 0.5) / f64::from(zones) - centre) / spread.max(0.05);
        *share = (-0.5 * away * away).exp();
    }
    let total: f64 = shares.iter().sum();
    shares.map(|share| if total > 0.0 { share / total } else { 0.0 })
}

/// What a pressure mat is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PressureMat {
    /// How its zones lie.
    pub layout: Layout,
    /// Counts of the empty mat, of each zone.
    pub empty: f64,
    /// Counts a kilogram.
    pub gain: f64,
    /// How much zones differ in gain and rest level: a deviation as a share. Data sheets say 0.06.
    pub difference: f64,
    /// How much the signal grows by with each tenfold of the time under load, as a share.
    pub creep: f64,
    /// Share of the load that a long lain-in mat still shows when it has left.
    pub residual: f64,
    /// Noise of each zone: a deviation in counts.
    pub noise: f64,
    /// Noise that grows with the signal: a deviation as a share of it. 0.005 was measured.
    pub signal_noise: f64,
    /// Where the ADC ends, in counts.
    pub full_scale: f64,
}

impl PressureMat {
    /// A mat with one zone of force-sensitive resistors and a 12-bit ADC: 110 empty, some 650 with 58 kg on it.
    #[must_use]
    pub const fn fsr() -> Self {
        Self {
            layout: Layout::ONE,
            empty: 110.0,
            gain: 8.0,
            difference: 0.0,
            creep: 0.10,
            residual: 0.04,
            noise: 1.5,
            signal_noise: 0.002,
            full_scale: 4095.0,
        }
    }

    /// The same with several zones, each on an ADC of its own.
    #[must_use]
    pub const fn zones(layout: Layout) -> Self {
        Self { layout, gain: 30.0, difference: 0.06, ..Self::fsr() }
    }

    /// Draws a mat as homes have them.
    #[must_use]
    pub fn drawn(layout: Layout, rng: &mut Rng) -> Self {
        let usual = if layout.zones() == 1 { Self::fsr() } else { Self::zones(layout) };
        Self {
            empty: rng.between(0.0, 300.0),
            gain: usual.gain * rng.between(0.5, 2.0),
            difference: 0.06,
            // 220 constant loads on a piezoresistive mat: 5 % of them under 0.043, 5 % over 0.151.
            creep: rng.quantile(&[(0.05, 0.043), (0.25, 0.080), (0.5, 0.098), (0.75, 0.117), (0.95, 0.151)]),
            residual: rng.between(0.01, 0.06),
            noise: rng.between(0.5, 4.0),
            signal_noise: rng.between(0.001, 0.005),
            ..usual
        }
    }
}

/// Creep is a sum of relaxations a decade apart: together they grow with the logarithm of time, as was measured from
/// 1 s to 150 s, and end after some 20 min.
const CREEP_S: [f64; 4] = [1.0, 10.0, 100.0, 1000.0];

/// The load at which a zone has half its creep ahead of it: creep is a share of the load, but of a load worth the name.
const CREEP_KG: f64 = 1.0;

/// A dent takes minutes to form and goes faster; no measurement known.
const DENT_FORMS_S: f64 = 300.0;
const DENT_GOES_S: f64 = 90.0;

/// One pressure mat with its memory.
#[derive(Debug, Clone)]
pub struct Pressure {
    mat: PressureMat,
    zones: Vec<Zone>,
    rng: Rng,
}

#[derive(Debug, Clone, Copy)]
struct Zone {
    empty: f64,
    gain: f64,
    creep: [f64; CREEP_S.len()],
    dent_kg: f64,
}

impl Pressure {
    pub(super) fn new(mat: &PressureMat, mut rng: Rng) -> Self {
        let mut differs = || (1.0 + mat.difference * rng.normal()).clamp(0.7, 1.3);
        let zones = (0..mat.layout.zones())
            .map(|_| Zone {
                empty: mat.empty * differs(),
                gain: mat.gain * differs(),
                creep: [0.0; CREEP_S.len()],
                dent_kg: 0.0,
            })
            .collect();
        Self { mat: *mat, zones, rng }
    }

    pub(super) fn read(&mut self, loads: &[Load], elapsed_s: f64) -> Channels {
        let weights = self.mat.layout.weigh(loads);
        self.press(&weights, elapsed_s);
        let (mat, rng) = (&self.mat, &mut self.rng);
        let counts = self.zones.iter().zip(weights).map(|(zone, load_kg)| {
            let signal = zone.signal(mat, load_kg);
            let noise = mat.noise * rng.normal() + mat.signal_noise * signal * rng.normal();
            (zone.empty + signal + noise).round().clamp(0.0, mat.full_scale)
        });
        Channels::new(counts).expect("a layout has 1 to 16 zones")
    }

    /// Returns what a fresh mat of these zones says after a minute with this load, without noise.
    pub(super) fn settled(&self, loads: &[Load]) -> Vec<f64> {
        let mut fresh = self.clone();
        for zone in &mut fresh.zones {
            zone.creep = [0.0; CREEP_S.len()];
            zone.dent_kg = 0.0;
        }
        let weights = self.mat.layout.weigh(loads);
        for _ in 0..60 {
            fresh.press(&weights, 1.0);
        }
        let level = |(zone, load_kg): (&Zone, f64)| {
            let signal = zone.signal(&self.mat, load_kg);
            (zone.empty + signal).clamp(0.0, self.mat.full_scale)
        };
        fresh.zones.iter().zip(weights).map(level).collect()
    }

    /// Lets the load work on the mat for a while.
    fn press(&mut self, weights: &[f64; ZONES_MAX], elapsed_s: f64) {
        let nearer = CREEP_S.map(|constant| relaxed(elapsed_s, constant));
        let (forms, goes) = (relaxed(elapsed_s, DENT_FORMS_S), relaxed(elapsed_s, DENT_GOES_S));
        for (zone, &load_kg) in self.zones.iter_mut().zip(weights) {
            let under = load_kg / (load_kg + CREEP_KG);
            for (creep, part) in zone.creep.iter_mut().zip(nearer) {
                *creep += (under - *creep) * part;
            }
            let dent_kg = self.mat.residual * load_kg;
            zone.dent_kg += (dent_kg - zone.dent_kg) * if dent_kg > zone.dent_kg { forms } else { goes };
        }
    }
}

impl Zone {
    /// Returns the counts above the rest level. The dent shows only where no load hides it.
    fn signal(&self, mat: &PressureMat, load_kg: f64) -> f64 {
        let crept = load_kg * (1.0 + mat.creep * self.creep.iter().sum::<f64>());
        self.gain * crept.max(self.dent_kg)
    }
}

/// Returns which part of the way to its goal a relaxation covers in a time.
fn relaxed(elapsed_s: f64, constant_s: f64) -> f64 {
    -(-elapsed_s.max(0.0) / constant_s).exp_m1()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::pose::Posture;

    const LYING: Pose = Pose::lying(Posture::Back);

    fn quiet(layout: Layout) -> Pressure {
        let mat = PressureMat { noise: 0.0, signal_noise: 0.0, difference: 0.0, ..PressureMat::zones(layout) };
        Pressure::new(&mat, Rng::new(1))
    }

    const fn on(pose: Pose) -> Load {
        Load { pose, weight_kg: 70.0 }
    }

    fn sum_after(mat: &mut Pressure, pose: &Pose, seconds: u32) -> f64 {
        (0..seconds).map(|_| mat.read(&[on(*pose)], 1.0).zones().iter().sum::<f64>()).last().unwrap()
    }

    #[test]
    fn the_signal_creeps_by_a_tenth_a_decade_of_time() {
        let mut mat = quiet(Layout::ONE);
        let at_10 = sum_after(&mut mat, &LYING, 10) - 110.0;
        let at_100 = sum_after(&mut mat, &LYING, 90) - 110.0;
        let growth = (at_100 - at_10) / (70.0 * 30.0);
        assert!((0.09..0.11).contains(&growth), "{growth}");
    }

    #[test]
    fn a_dent_stays_when_the_load_has_left_and_goes() {
        let mut mat = quiet(Layout::ONE);
        sum_after(&mut mat, &LYING, 3600);
        let left = sum_after(&mut mat, &Pose::AWAY, 1) - 110.0;
        assert!((0.03..0.05).contains(&(left / (70.0 * 30.0))), "{left} counts just after leaving");
        assert!(sum_after(&mut mat, &Pose::AWAY, 900) - 110.0 < 1.0);
    }

    #[test]
    fn the_load_goes_where_the_body_is_and_none_is_lost() {
        let mut mat = quiet(Layout::FOUR);
        let edge = mat.read(&[on(Pose::edge(1.0))], 0.0);
        let zones = edge.zones();
        assert!(zones[0] > zones[1] && zones[1] > zones[2], "{zones:?}");
        let lying = quiet(Layout::FOUR).read(&[on(LYING)], 0.0);
        let sum = |channels: &Channels| channels.zones().iter().sum::<f64>() - 4.0 * 110.0;
        assert!((sum(&edge) - 2100.0).abs() < 4.0 && (sum(&lying) - 2100.0).abs() < 4.0);
        let grid = quiet(Layout::new(4, 4).unwrap()).read(&[on(LYING)], 0.0);
        assert_eq!(grid.len(), 16);
        assert!((grid.zones().iter().sum::<f64>() - 16.0 * 110.0 - 2100.0).abs() < 16.0);
    }

    #[test]
    fn the_adc_saturates_at_both_ends() {
        let mat = PressureMat { gain: 1000.0, empty: 0.0, ..PressureMat::fsr() };
        let mut mat = Pressure::new(&mat, Rng::new(2));
        assert!((mat.read(&[on(LYING)], 0.1).zones()[0] - 4095.0).abs() < f64::EPSILON);
        assert!((0..100).all(|_| mat.read(&[], 0.1).zones()[0] >= 0.0));
    }

    #[test]
    fn layouts_hold_one_to_sixteen_zones() {
        assert!(Layout::new(0, 4).is_none() && Layout::new(5, 4).is_none() && Layout::new(255, 255).is_none());
        assert_eq!(Layout::new(8, 2).unwrap().zones(), 16);
    }
}
