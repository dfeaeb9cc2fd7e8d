//! Signs of life: does anything on the mat move that noise, creep and a recovering foam do not explain?
//!
//! Compares the load from one moment to the next with how it moves when nobody is there (learnt while the bed is empty)
//! and when somebody lies there (learnt while one does). Answers in nats, the natural logarithm of a likelihood ratio:
//! above zero somebody, below zero nobody. A mat too coarse to show life answers zero. Never decides anything.

use std::time::Duration;

use super::signal::{Frame, Zones};
use crate::model::Moment;
use crate::model::reading::ZONES_MAX;

/// Readings are averaged over this long: shorter than a breath (2.5 to 5 s), long enough to lower the noise.
const BLOCK: Duration = Duration::from_millis(500);

/// Blocks are compared over this long, a quarter of a slow breath: much shorter, and breathing hides in the noise.
const APART: Duration = Duration::from_millis(900);

/// Blocks that are kept to compare with.
const BLOCKS_KEPT: usize = 3;

/// How quickly what is usual is followed: about the last 128 blocks, a minute at full pace.
const FOLLOWS: f64 = 1.0 / 128.0;

/// A step above this many standard deviations, squared, counts no more than this: one jolt proves no more than life.
const SURPRISE_MAX: f64 = 16.0;

/// How much more than noise a sleeper may move the mat and still be learnt as usual, as a ratio of variances.
const LIVELY_MAX: f64 = 36.0;

/// Blocks of an empty bed after which it is known how the mat moves with nobody there: a minute.
const PROVEN_BLOCKS: u32 = 120;

/// Until then the noise from reading to reading has to do, and a little more: steps are at least so many times what
/// white noise makes.
const OVER_WHITE: f64 = 1.5;

/// Readings after which that noise is known.
const JITTER_READINGS: u32 = 128;

/// How much slower the noise of the empty bed is followed up than down. Where the steps are normal, two thirds of the
/// squares lie below their mean, by half of it, so that the balance of both lies at 0.6 of the mean.
const STILL_RISES: f64 = 4.0;

/// The smallest noise that is believed, as a share of a lying person: a mat that reads exactly zero when empty has
/// none, and the first count above it must not be proof of everything.
const STILL_SHARE_MIN: f64 = 0.0005;

/// How quickly the noise from reading to reading is followed.
const JITTER_FOLLOWS: f64 = 1.0 / 64.0;

/// A block of this many readings tells noise from movement by itself.
const READINGS_TO_TELL: f64 = 2.5;

/// A sleeper who moves the mat this much more than nobody does shows on it, as a ratio of deviations.
const VISIBLE: f64 = 1.15;

/// Whether a mat shows life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shows {
    /// It is too coarse.
    Nothing,
    /// By its noise it does; how it moves with nobody there has not been seen yet.
    Perhaps,
    /// It does.
    Life,
}

/// The mean load over a short while.
#[derive(Debug, Clone, Copy)]
struct Block {
    since: Moment,
    sums: Zones,
    readings: u32,
}

/// What is known about how this mat moves.
#[derive(Debug, Clone)]
pub(super) struct Life {
    zones: usize,
    block: Option<Block>,
    /// The means of the blocks before, the latest last, with their times.
    before: [Option<(Moment, Zones)>; BLOCKS_KEPT],
    /// Variance of a step between blocks with nobody there, of each zone.
    still: Zones,
    still_blocks: u32,
    /// Variance of a step with somebody lying quietly, as a multiple of `still`.
    lively: f64,
    /// Mean square of the steps from reading to reading, of each zone, and the values of the last reading.
    jitter: Zones,
    last: Option<Zones>,
    /// Readings in a block, on average.
    per_block: f64,
    readings: u32,
}

/// The step from one block to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    change: Zones,
    /// Which zones something rests on.
    bearing: [bool; ZONES_MAX],
    /// Evidence of life in nats, 0 where the mat cannot show any.
    pub evidence: f64,
    /// Mean square of the change over the zones.
    pub moved: f64,
    /// The same as a multiple of what white noise would make of it; none where readings are too few to tell.
    pub over_noise: Option<f64>,
}

impl Life {
    pub(super) fn new(zones: usize) -> Self {
        Self {
            zones,
            block: None,
            before: [None; BLOCKS_KEPT],
            still: [0.0; ZONES_MAX],
            still_blocks: 0,
            lively: 1.0,
            jitter: [0.0; ZONES_MAX],
            last: None,
            per_block: 1.0,
            readings: 0,
        }
    }

    /// Takes the loads at `at`, with what a lying person makes of them; tells a step where a block has ended. Zones that
    /// are not `bearing` have no part in what is still there, and say nothing about whether it lives.
    pub(super) fn take(
        &mut self,
        at: Moment,
        frame: &Frame,
        span: Option<f64>,
        bearing: [bool; ZONES_MAX],
    ) -> Option<Step> {
        let ended = self.block.filter(|block| at.since(block.since) >= BLOCK || at < block.since);
        let step = ended.and_then(|block| self.end(&block, span, bearing));
        if ended.is_some() || self.block.is_none() {
            self.block = Some(Block { since: at, sums: [0.0; ZONES_MAX], readings: 0 });
        }
        self.follow_jitter(&frame.values);
        if let Some(block) = &mut self.block {
            block.readings += 1;
            for (sum, value) in block.sums.iter_mut().zip(&frame.values) {
                *sum += value;
            }
        }
        step
    }

    fn end(&mut self, block: &Block, span: Option<f64>, bearing: [bool; ZONES_MAX]) -> Option<Step> {
        let count = f64::from(block.readings.max(1));
        let mean = block.sums.map(|sum| sum / count);
        let compared = self.before.iter().rev().flatten().find(|(at, _)| block.since.since(*at) >= APART).copied();
        self.before.rotate_left(1);
        if let Some(latest) = self.before.last_mut() {
            *latest = Some((block.since, mean));
        }
        let (_, before) = compared?;
        let mut change = [0.0; ZONES_MAX];
        for ((change, mean), before) in change.iter_mut().zip(&mean).zip(&before) {
            *change = mean - before;
        }
        self.per_block += (count - self.per_block) * FOLLOWS.sqrt();
        if self.still_blocks == 0 && self.readings >= JITTER_READINGS && self.per_block >= READINGS_TO_TELL {
            self.still = self.jitter.map(|jitter| OVER_WHITE * jitter / self.per_block);
        }
        let moved = change.iter().map(|change| change * change).sum::<f64>() / count_of(self.zones);
        let evidence = span.map_or(0.0, |span| self.evidence(&change, &bearing, span));
        Some(Step { change, bearing, evidence, moved, over_noise: self.over_noise(&change) })
    }

    fn follow_jitter(&mut self, values: &Zones) {
        let Some(last) = self.last.replace(*values) else { return };
        self.readings = self.readings.saturating_add(1);
        for ((jitter, value), last) in self.jitter.iter_mut().zip(values).zip(&last) {
            let square = (value - last).powi(2);
            let most = if *jitter > 0.0 { *jitter * SURPRISE_MAX } else { square };
            *jitter += (square.min(most) - *jitter) * JITTER_FOLLOWS;
        }
    }

    /// White noise of variance s² makes steps of 2 s² between readings, and of 2 s²/n between means of n.
    fn over_noise(&self, change: &Zones) -> Option<f64> {
        if self.per_block < READINGS_TO_TELL {
            return None;
        }
        let ratio = |(change, jitter): (&f64, &f64)| {
            if *change == 0.0 { 0.0 } else { (change * change * self.per_block / jitter).min(LIVELY_MAX) }
        };
        let sum: f64 = change.iter().zip(&self.jitter).take(self.zones).map(ratio).sum();
        Some(sum / count_of(self.zones))
    }

    /// Takes what plateaus have taught: the usual square of steps with nobody there, and how much more with somebody.
    pub(super) fn set(&mut self, still: f64, lively: f64) {
        self.still = [still * mean_of_usual(self.zones); ZONES_MAX];
        self.still_blocks = PROVEN_BLOCKS;
        self.lively = lively.clamp(1.0, LIVELY_MAX);
    }

    /// The likelihood ratio of two normal distributions with equal means (Wald, Sequential Analysis, 1947, ch. 7),
    /// with one change: a step down is never evidence of life, because creep and foam make such steps when she has left.
    fn evidence(&self, change: &Zones, bearing: &[bool; ZONES_MAX], span: f64) -> f64 {
        if self.lively <= 1.0 || !self.is_known() {
            return 0.0;
        }
        let (shrink, cost) = (0.5 * (1.0 - 1.0 / self.lively), 0.5 * self.lively.ln());
        let of_zone = |(zone, change): (usize, &f64)| {
            let nats = shrink * (change * change / self.still_of(zone, span)).min(SURPRISE_MAX) - cost;
            if *change > 0.0 { nats } else { nats.min(0.0) }
        };
        let zones = || change.iter().enumerate().zip(bearing).take(self.zones).filter(|(_, bears)| **bears);
        let sum: f64 = zones().map(|(change, _)| of_zone(change)).sum();
        // Zones feel the same breath: they are not as many witnesses as they are zones.
        sum / count_of(zones().count().max(1)).sqrt()
    }

    /// Returns the usual square of a step of a zone with nobody there. A zone that rests when nothing lies on it, at the
    /// end of what it can say, has never shown its noise: what it is now must do.
    fn still_of(&self, zone: usize, span: f64) -> f64 {
        let (still, jitter) = (self.still.get(zone).copied(), self.jitter.get(zone).copied());
        let (still, least) = (still.unwrap_or_default(), (span * STILL_SHARE_MIN).powi(2));
        if still > least || self.per_block < READINGS_TO_TELL {
            return still.max(least);
        }
        (OVER_WHITE * jitter.unwrap_or_default() / self.per_block).max(least)
    }

    /// Learns how the mat moves with nobody there.
    pub(super) fn learn_still(&mut self, step: &Step, span: f64) {
        let least = (span * STILL_SHARE_MIN).powi(2);
        let settled = self.is_known();
        let first = if settled { 0.0 } else { 1.0 / f64::from(self.still_blocks + 1) };
        for (still, change) in self.still.iter_mut().zip(&step.change).take(self.zones) {
            // A jolt says little about noise; a mat that has become noisy is known in the end.
            let most = if settled { SURPRISE_MAX * still.max(least) } else { f64::INFINITY };
            let square = (change * change).min(most);
            // Quickly down and slowly up: an empty bed that moves may not be empty.
            let follows = if square < *still { FOLLOWS } else { FOLLOWS / STILL_RISES };
            *still += (square - *still) * first.max(follows);
        }
        self.still_blocks = self.still_blocks.saturating_add(1);
    }

    /// Learns how the mat moves with somebody lying there quietly.
    pub(super) fn learn_lively(&mut self, step: &Step, span: f64) {
        if !self.is_known() {
            return;
        }
        let ratio = |(zone, change): (usize, &f64)| (change * change / self.still_of(zone, span)).min(LIVELY_MAX);
        let zones = || step.change.iter().enumerate().zip(&step.bearing).take(self.zones).filter(|(_, bears)| **bears);
        let sum: f64 = zones().map(|(change, _)| ratio(change)).sum();
        self.lively += (sum / count_of(zones().count().max(1)) - self.lively) * FOLLOWS;
        self.lively = self.lively.clamp(1.0, LIVELY_MAX);
    }

    /// Says whether this mat shows life at all, and how sure that is.
    pub(super) fn shows(&self) -> Shows {
        match (self.visibility() >= VISIBLE, self.is_proven()) {
            (false, _) => Shows::Nothing,
            (true, false) => Shows::Perhaps,
            (true, true) => Shows::Life,
        }
    }

    /// Tells whether it has been seen how the mat moves with nobody there.
    fn is_proven(&self) -> bool {
        self.still_blocks >= PROVEN_BLOCKS
    }

    /// Tells whether it can be told, be it from noise alone.
    fn is_known(&self) -> bool {
        self.is_proven() || self.still.iter().any(|still| *still > 0.0)
    }

    /// Begins afresh after a gap: the step over it says nothing.
    pub(super) fn interrupted(&mut self) {
        self.block = None;
        self.before = [None; BLOCKS_KEPT];
        self.last = None;
    }

    /// Returns how much more the mat moves with a sleeper than without one, as a ratio of deviations; 1: not at all.
    fn visibility(&self) -> f64 {
        self.lively.sqrt()
    }
}

/// A number of zones as a float: at most 16.
fn count_of(zones: usize) -> f64 {
    u32::try_from(zones).map_or(1.0, f64::from)
}

/// The mean of squares as a multiple of their geometric mean, for normal noise on so many zones: `exp(-E ln(x/n))` of a
/// chi-squared distribution with n degrees of freedom, 3.56 for one, 1.31 for four.
fn mean_of_usual(zones: usize) -> f64 {
    if zones <= 1 { 3.56 } else { 1.0 + 1.25 / count_of(zones) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_plateaus_have_taught_is_how_each_zone_rests_and_that_the_mat_shows_life() {
        for (zones, mean) in [(1, 3.56), (4, 1.3125)] {
            let mut life = Life::new(zones);
            assert_eq!(life.shows(), Shows::Nothing);
            life.set(2.0, 9.0);
            assert!(life.still.iter().all(|still| (still - 2.0 * mean).abs() < 1e-9), "{:?}", life.still);
            assert!((life.visibility() - 3.0).abs() < 1e-9);
            assert_eq!(life.shows(), Shows::Life);
        }
    }

    #[test]
    fn a_difference_that_plateaus_cannot_have_had_is_none_and_too_large_a_one_is_held() {
        let mut life = Life::new(1);
        life.set(2.0, 0.5);
        assert_eq!((life.visibility().to_bits(), life.shows()), (1.0_f64.to_bits(), Shows::Nothing));
        life.set(2.0, 1e6);
        assert!((life.visibility() - LIVELY_MAX.sqrt()).abs() < 1e-9);
    }
}
