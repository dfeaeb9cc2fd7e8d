//! A pressure mat: from kilograms to counts.
//!
//! The load spreads over the zones by where the body is. Each zone has its own gain and rest level, gives less and less
//! a kilogram, creeps under a load that stays, remembers a heavier one, keeps a dent for a while, warms up, drifts, and
//! adds noise; the ADC rounds and saturates, and some devices average or say per cent.

mod drawn;

use std::collections::VecDeque;

use super::drift::{Drift, relaxed};
pub use super::layout::Layout;
use super::pose::Load;
use super::rng::Rng;
use super::sending::Sending;
use crate::model::Channels;
use crate::model::reading::ZONES_MAX;

/// What a pressure mat is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PressureMat {
    /// How its zones lie.
    pub layout: Layout,
    /// What the empty mat reads, of each zone.
    pub empty: f64,
    /// Counts a kilogram, at small loads.
    pub gain: f64,
    /// The load of a zone at which it has half its greatest signal: a resistor that falls with force, in a divider.
    /// Infinite: straight.
    pub half_kg: f64,
    /// The load below which a zone feels nothing.
    pub dead_kg: f64,
    /// How much zones differ in gain, and four times as much in rest level: a deviation as a share. Data sheets say
    /// 0.06.
    pub difference: f64,
    /// How much the signal grows by with each tenfold of the time under load, as a share.
    pub creep: f64,
    /// How much more it shows on the way down than on the way up, halfway, as a share. A data sheet says 0.10.
    pub hysteresis: f64,
    /// Share of the load that a long lain-in mat still shows when it has left.
    pub residual: f64,
    /// How fast that dent goes, in seconds.
    pub springs_back_s: f64,
    /// How much a warm body changes the gain in the end, as a share. A data sheet says -0.15 in the heat.
    pub warmth: f64,
    /// How far the rest level of a zone drifts in eight hours, in counts.
    pub drift: f64,
    /// How far a start moves the rest level of a zone: a deviation in counts.
    pub jump: f64,
    /// How far each zone's rest level has moved since installation day, in counts; `PoPu`'s jumped by 20 % of a person.
    pub since: f64,
    /// Noise of each zone: a deviation in counts.
    pub noise: f64,
    /// Noise that grows with the signal: a deviation as a share of it. 0.005 was measured.
    pub signal_noise: f64,
    /// Where the scale ends.
    pub full_scale: f64,
    /// Whether a load makes the value fall, as with a resistor to the supply.
    pub inverted: bool,
    /// What is counted.
    pub unit: Unit,
    /// How many readings it averages.
    pub averages: u8,
    /// When it sends.
    pub sending: Sending,
}

/// What a pressure mat counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Steps of an ADC.
    Counts,
    /// Points of a hundred, in tenths; more than 100 is possible.
    Percent,
}

impl Unit {
    /// Rounds as the device does.
    fn round(self, value: f64) -> f64 {
        match self {
            Self::Counts => value.round(),
            Self::Percent => (value * 10.0).round() / 10.0,
        }
    }
}

impl PressureMat {
    /// A mat with one zone of force-sensitive resistors and a 12-bit ADC: 110 empty, some 650 with 58 kg on it.
    #[must_use]
    pub const fn fsr() -> Self {
        Self {
            layout: Layout::ONE,
            empty: 110.0,
            gain: 8.0,
            half_kg: f64::INFINITY,
            dead_kg: 0.0,
            difference: 0.0,
            creep: 0.10,
            hysteresis: 0.0,
            residual: 0.04,
            springs_back_s: 90.0,
            warmth: 0.0,
            drift: 0.0,
            jump: 0.0,
            since: 0.0,
            noise: 1.5,
            signal_noise: 0.002,
            full_scale: 4095.0,
            inverted: false,
            unit: Unit::Counts,
            averages: 1,
            sending: Sending::Always,
        }
    }

    /// The same with several zones, each on an ADC of its own.
    #[must_use]
    pub const fn zones(layout: Layout) -> Self {
        Self { layout, gain: 30.0, difference: 0.06, ..Self::fsr() }
    }

    /// A sheet under the mattress whose sum rises by a hundredth: 96 kg made 280 counts of 34,700, with a noise of 5.6
    /// (measured on `PoPu` data).
    #[must_use]
    pub const fn sheet() -> Self {
        Self { empty: 34_700.0, gain: 2.9, noise: 5.6, signal_noise: 0.0, full_scale: 65_535.0, ..Self::fsr() }
    }

    /// A strip on `ESPHome` that says per cent: a mean of five, sent at a change of 1 or every 180 s.
    #[must_use]
    pub const fn percent() -> Self {
        Self {
            empty: 10.0,
            gain: 1.0,
            noise: 0.2,
            full_scale: 120.0,
            unit: Unit::Percent,
            averages: 5,
            sending: Sending::ESPHOME,
            ..Self::fsr()
        }
    }

    /// Returns the load of one zone under somebody of 75 kg, when it is spread evenly.
    pub(super) fn usual_kg(&self) -> f64 {
        75.0 / f64::from(self.layout.zones())
    }

    /// Returns the counts that kilograms on a zone make.
    pub(super) fn counts(&self, load_kg: f64) -> f64 {
        let felt_kg = (load_kg - self.dead_kg).max(0.0);
        self.gain * felt_kg / (1.0 + felt_kg / self.half_kg)
    }

    /// Turns counts above the rest level into what the ADC says.
    fn level(&self, counts: f64) -> f64 {
        let inside = counts.clamp(0.0, self.full_scale);
        if self.inverted { self.full_scale - inside } else { inside }
    }
}

/// Creep is a sum of relaxations a decade apart: together they grow with the logarithm of time, as was measured from
/// 1 s to 150 s, and end after some 20 min.
const CREEP_S: [f64; 4] = [1.0, 10.0, 100.0, 1000.0];

/// The load at which a zone has half its creep ahead of it: creep is a share of the load, but of a load worth the name.
const CREEP_KG: f64 = 1.0;

/// A dent takes minutes to form, a body warms a mattress in half an hour, a heavier load is forgotten in between; no
/// measurement known.
const DENT_FORMS_S: f64 = 300.0;
const WARMS_S: f64 = 1500.0;
const FORGETS_S: f64 = 600.0;

/// One pressure mat with its memory.
#[derive(Debug, Clone)]
pub struct Pressure {
    mat: PressureMat,
    zones: Vec<Zone>,
    averaged: VecDeque<[f64; ZONES_MAX]>,
    rng: Rng,
}

#[derive(Debug, Clone, Copy)]
struct Zone {
    empty: f64,
    gain: f64,
    drift: Drift,
    moved: f64,
    memory: Memory,
}

/// What a zone remembers of its load.
#[derive(Debug, Clone, Copy, Default)]
struct Memory {
    creep: [f64; CREEP_S.len()],
    dent_kg: f64,
    peak_kg: f64,
    warm: f64,
}

impl Pressure {
    pub(super) fn new(mat: &PressureMat, mut rng: Rng) -> Self {
        let zones = (0..mat.layout.zones()).map(|_| Zone::new(mat, &mut rng)).collect();
        Self { mat: *mat, zones, averaged: VecDeque::new(), rng }
    }

    pub(super) fn read(&mut self, loads: &[Load], elapsed_s: f64) -> Channels {
        let weights = self.mat.layout.weigh(loads);
        self.press(&weights, elapsed_s);
        let (mat, rng) = (&self.mat, &mut self.rng);
        let mut levels = [0.0; ZONES_MAX];
        for ((zone, load_kg), level) in self.zones.iter_mut().zip(weights).zip(&mut levels) {
            let signal = zone.signal(mat, load_kg);
            let noise = mat.noise.hypot(mat.signal_noise * signal) * rng.normal();
            *level = mat.level(zone.empty + zone.moved + zone.drift.after(elapsed_s) + signal + noise);
        }
        self.tell(levels)
    }

    /// Starts the electronics again: each rest level jumps, and averages begin anew.
    pub(super) fn restart(&mut self) {
        self.averaged.clear();
        for zone in &mut self.zones {
            zone.moved += self.mat.jump * self.rng.normal();
        }
    }

    /// Returns what a fresh mat of these zones says after a minute with this load, without noise.
    pub(super) fn settled(&self, loads: &[Load]) -> Vec<f64> {
        let mut fresh = self.clone();
        for zone in &mut fresh.zones {
            zone.memory = Memory::default();
        }
        let weights = self.mat.layout.weigh(loads);
        for _ in 0..60 {
            fresh.press(&weights, 1.0);
        }
        let level = |(zone, load_kg): (&Zone, f64)| self.mat.level(zone.empty + zone.signal(&self.mat, load_kg));
        fresh.zones.iter().zip(weights).map(level).collect()
    }

    /// Lets the load work on the mat for a while.
    fn press(&mut self, weights: &[f64; ZONES_MAX], elapsed_s: f64) {
        let passed = Passed::over(&self.mat, elapsed_s);
        for (zone, &load_kg) in self.zones.iter_mut().zip(weights) {
            zone.memory.press(load_kg, self.mat.residual * load_kg, &passed);
        }
    }

    /// Averages and rounds as the device does.
    fn tell(&mut self, mut levels: [f64; ZONES_MAX]) -> Channels {
        if self.mat.averages > 1 {
            self.averaged.truncate(usize::from(self.mat.averages) - 1);
            self.averaged.push_front(levels);
            let share = 1.0 / f64::from(u32::try_from(self.averaged.len()).unwrap_or(1));
            levels = [0.0; ZONES_MAX];
            for past in &self.averaged {
                levels.iter_mut().zip(past).for_each(|(mean, level)| *mean += share * level);
            }
        }
        let told = levels.into_iter().take(self.zones.len()).map(|level| self.mat.unit.round(level));
        Channels::new(told).expect("a layout has 1 to 16 zones")
    }
}

/// Which part of their ways the slow things of a mat go in a time.
struct Passed {
    creep: [f64; CREEP_S.len()],
    forms: f64,
    springs_back: f64,
    forgets: f64,
    warms: f64,
}

impl Passed {
    fn over(mat: &PressureMat, elapsed_s: f64) -> Self {
        Self {
            creep: CREEP_S.map(|constant_s| relaxed(elapsed_s, constant_s)),
            forms: relaxed(elapsed_s, DENT_FORMS_S),
            springs_back: relaxed(elapsed_s, mat.springs_back_s),
            forgets: relaxed(elapsed_s, FORGETS_S),
            warms: relaxed(elapsed_s, WARMS_S),
        }
    }
}

impl Memory {
    fn press(&mut self, load_kg: f64, dent_kg: f64, passed: &Passed) {
        let under = load_kg / (load_kg + CREEP_KG);
        for (creep, part) in self.creep.iter_mut().zip(passed.creep) {
            *creep += (under - *creep) * part;
        }
        self.warm += (under - self.warm) * passed.warms;
        self.peak_kg = load_kg.max(self.peak_kg + (load_kg - self.peak_kg) * passed.forgets);
        self.dent_kg +=
            (dent_kg - self.dent_kg) * if dent_kg > self.dent_kg { passed.forms } else { passed.springs_back };
    }

    /// Returns the kilograms that a zone seems to carry. The dent shows only where no load hides it.
    fn seems_kg(&self, mat: &PressureMat, load_kg: f64) -> f64 {
        let falling = if self.peak_kg > 0.0 { 2.0 * (self.peak_kg - load_kg) / self.peak_kg } else { 0.0 };
        let crept = load_kg * (1.0 + mat.creep * self.creep.iter().sum::<f64>() + mat.hysteresis * falling.min(1.0));
        crept.max(self.dent_kg)
    }
}

impl Zone {
    fn new(mat: &PressureMat, rng: &mut Rng) -> Self {
        let gain = (1.0 + mat.difference * rng.normal()).clamp(0.7, 1.3);
        // Rest levels hang on how the strip is clamped and covered: they differ far more.
        let empty = mat.empty * (1.0 + 4.0 * mat.difference * rng.normal()).clamp(0.3, 2.5);
        Self { empty, gain, drift: Drift::new(mat.drift, rng), moved: mat.since, memory: Memory::default() }
    }

    /// Returns the counts above the rest level.
    fn signal(&self, mat: &PressureMat, load_kg: f64) -> f64 {
        let warmth = 1.0 + mat.warmth * self.memory.warm;
        self.gain * warmth * mat.counts(self.memory.seems_kg(mat, load_kg))
    }
}

#[cfg(test)]
mod tests;
