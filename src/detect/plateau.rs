//! A stretch in which the value stays where it is, and how two of them compare in movement.

use std::time::Duration;

use super::life::Step;
use super::signal::{Frame, Zones};
use crate::model::Moment;

/// A stretch counts once it has lasted this long: longer than any swing of a person who sits up or turns over.
const SETTLED_AFTER: Duration = Duration::from_secs(5);

/// And once it has this many readings.
const SETTLED_READINGS: u32 = 4;

/// How far a value may lie from the level and still belong to it: in noises …
const BELONGS_NOISES: f64 = 10.0;

/// … or as a share of the level, for a mat without noise; far below the 0.8 % that a person is on a bad one (`PoPu`).
const BELONGS_SHARE: f64 = 0.001;

/// … or as a share of the swing that led to it: a foam settles and somebody who has lain down moves on.
const BELONGS_SWING: f64 = 0.12;

/// How many values in a row must lie elsewhere to end it: one is a glitch.
const ENDS_AFTER: u32 = 2;

/// A step whose square is this many times the usual one is a jolt: somebody has moved. Noise alone, on one zone, reaches
/// 40 times the geometric mean of its squares once in 800 steps and 100 times once in 10 million.
const JOLT: f64 = 100.0;

/// And it moves the value by this many noises at least: what mostly rests is not jolted by one count of its converter.
/// Where a step is between single readings, and so both its ends are noisy; and where it is between means of several.
const JOLT_NOISES: (f64, f64) = (4.0, 3.0);

/// Steps that tell what is usual.
const JOLT_BLOCKS_MIN: u32 = 20;

/// Somebody moves the mat this much more than nobody, as a ratio of mean squares, where the mat can show it: breathing
/// moves an occupied mat by 0.2 to 0.6 % of the load (`PhysioNet` pmd pressure maps), an empty one only by its noise.
const LIVELIER: f64 = 2.5;

/// And by this many standard deviations of what chance makes of two plateaus without a difference.
const CHANCE: f64 = 3.3;

/// Above this multiple of white noise something moves; below it the mat is too coarse to show breathing.
const MOVES_OVER_NOISE: f64 = 1.4;

/// So many steps must have been seen of a plateau to compare it.
pub(super) const STEPS_MIN: u32 = 12;

/// Stands for no movement at all where a logarithm is taken.
const MOVED_MIN: f64 = 1e-12;

/// A stretch of steady values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plateau {
    since: Moment,
    last: Moment,
    levels: Zones,
    level: f64,
    readings: u32,
    strays: u32,
    swing: f64,
    moved: f64,
    over_noise: f64,
    blocks: u32,
    jolts: u32,
    /// When the last jolt was, and the longest while without any before it.
    jolted: Moment,
    unmoved: Duration,
    zones: u8,
}

impl Plateau {
    /// Begins with one value, `swing` away from the plateau before.
    pub(super) fn new(at: Moment, frame: &Frame, swing: f64) -> Self {
        Self {
            since: at,
            last: at,
            levels: frame.values,
            level: frame.sum_of(&frame.values),
            readings: 1,
            strays: 0,
            swing,
            moved: 0.0,
            over_noise: 0.0,
            blocks: 0,
            jolts: 0,
            jolted: at,
            unmoved: Duration::ZERO,
            zones: frame.zones(),
        }
    }

    /// Takes a value; false where it ends the plateau, because the value has moved elsewhere.
    pub(super) fn take(&mut self, at: Moment, frame: &Frame, noise: f64) -> bool {
        let value = frame.sum_of(&frame.values);
        let away = (value - self.level).abs();
        if away > (BELONGS_NOISES * noise).max(BELONGS_SHARE * self.level.abs()).max(BELONGS_SWING * self.swing) {
            self.strays += 1;
            return self.strays < ENDS_AFTER;
        }
        self.strays = 0;
        self.last = at;
        self.readings = self.readings.saturating_add(1);
        // The mean of all, then of about the last hundred: an old plateau still follows creep.
        let part = 1.0 / f64::from(self.readings.min(100));
        self.level += (value - self.level) * part;
        for (level, value) in self.levels.iter_mut().zip(&frame.values) {
            *level += (value - *level) * part;
        }
        true
    }

    /// Takes how the mat has moved within it. The mean is of logarithms: a jolt must not outweigh a minute of breathing.
    /// `noise` is how much the value moves by itself: a mat that mostly says the same is not jolted by one count.
    pub(super) fn moved(&mut self, step: &Step, noise: f64) {
        self.blocks = self.blocks.saturating_add(1);
        let part = 1.0 / f64::from(self.blocks.min(200));
        let noises = if self.readings < 2 * self.blocks { JOLT_NOISES.0 } else { JOLT_NOISES.1 };
        if self.blocks > JOLT_BLOCKS_MIN && step.moved > (self.moved.exp() * JOLT).max((noises * noise).powi(2)) {
            self.jolts = self.jolts.saturating_add(1);
            self.unmoved = self.longest_unmoved();
            self.jolted = self.last;
        }
        self.moved += (step.moved.max(MOVED_MIN).ln() - self.moved) * part;
        self.over_noise += (step.over_noise.unwrap_or(0.0).max(MOVED_MIN).ln() - self.over_noise) * part;
    }

    /// Returns the usual square of the steps between blocks, and how many there were.
    pub(super) fn movement(&self) -> (f64, u32) {
        (self.moved.exp(), self.blocks)
    }

    /// Returns how far chance moves the logarithm of the usual square: a standard deviation. That of the logarithm of a
    /// chi-squared variable with n degrees of freedom is 2.2 for one and 0.8 for four; neighbouring steps overlap.
    fn doubt(&self) -> f64 {
        let steps = f64::from(self.blocks.min(200)) / 2.0;
        2.2 / (f64::from(self.zones).powf(0.73) * steps.max(1.0).sqrt())
    }

    /// Returns how often something jolted the mat.
    pub(super) fn jolts(&self) -> u32 {
        self.jolts
    }

    /// Tells whether the movement goes beyond white noise, as a breath does.
    pub(super) fn breathes(&self) -> bool {
        self.over_noise.exp() > MOVES_OVER_NOISE
    }

    /// Returns the longest while in which nothing jolted the mat.
    pub(super) fn longest_unmoved(&self) -> Duration {
        self.unmoved.max(self.last.since(self.jolted))
    }

    /// Tells whether it has lasted long enough to count.
    pub(super) fn is_settled(&self) -> bool {
        self.readings >= SETTLED_READINGS && self.last.since(self.since) >= SETTLED_AFTER
    }

    /// The last moment that belonged to it.
    pub(super) fn last(&self) -> Moment {
        self.last
    }

    /// Returns how long it has lasted.
    pub(super) fn lasted(&self) -> Duration {
        self.last.since(self.since)
    }

    /// When it began.
    pub(super) fn since(&self) -> Moment {
        self.since
    }

    /// Its mean value, summed over the zones.
    pub(super) fn total(&self) -> f64 {
        self.level
    }

    /// Its mean value, a zone each.
    pub(super) fn levels(&self) -> Zones {
        self.levels
    }
}

/// How two plateaus compare in movement.
pub(super) struct Moves {
    /// Whether the mat moves more on the second one, or less; none where that cannot be told.
    pub more: Option<bool>,
    /// Both move.
    pub both: bool,
    /// The second one moves less, be it that both move.
    pub less: bool,
    /// The usual square of steps on the calmer one, and how much more they are on the other.
    pub still: Option<(f64, f64)>,
}

/// Compares two plateaus in movement.
pub(super) fn compare(before: &Plateau, now: &Plateau) -> Moves {
    let ((old, old_steps), (new, new_steps)) = (before.movement(), now.movement());
    if old_steps < STEPS_MIN || new_steps < STEPS_MIN {
        return Moves { more: None, both: false, less: false, still: None };
    }
    let ratio = new / old;
    let (calm, calmer, other) = if ratio >= 1.0 { (old, before, now) } else { (new, now, before) };
    let differ = ratio.ln().abs() >= LIVELIER.ln().max(CHANCE * before.doubt().hypot(now.doubt()));
    // Breathing on the calmer plateau, or on one that moves no more: perhaps nobody has ever been away.
    let both = calmer.breathes() || (!differ && other.breathes());
    let more = (differ && !both).then_some(ratio > 1.0);
    Moves { more, both, less: differ && ratio < 1.0, still: (!both).then_some((calm, ratio.max(1.0 / ratio))) }
}
