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

/// How quickly what is usual is followed: about the last 128 blocks, a minute at full pace.
const FOLLOWS: f64 = 1.0 / 128.0;

/// A step above this many standard deviations, squared, counts no more than this: one jolt proves no more than life.
const SURPRISE_MAX: f64 = 16.0;

/// How much more than noise a sleeper may move the mat and still be learnt as usual, as a ratio of variances.
const LIVELY_MAX: f64 = 36.0;

/// Blocks that must have been seen of an empty bed before anything is said.
const STILL_BLOCKS_MIN: u32 = 20;

/// The smallest noise that is believed, as a share of a lying person: a mat that reads exactly zero when empty has
/// none, and the first count above it must not be proof of everything.
const STILL_SHARE_MIN: f64 = 0.0005;

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
    before: Option<Zones>,
    /// Variance of a step between blocks with nobody there, of each zone.
    still: Zones,
    still_blocks: u32,
    /// Variance of a step with somebody lying quietly, as a multiple of `still`.
    lively: f64,
}

/// The step from one block to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    change: Zones,
    /// Evidence of life in nats, 0 where the mat cannot show any.
    pub evidence: f64,
}

impl Life {
    pub(super) fn new(zones: usize) -> Self {
        Self { zones, block: None, before: None, still: [0.0; ZONES_MAX], still_blocks: 0, lively: 1.0 }
    }

    /// Takes the loads at `at`, with what a lying person makes of them; tells a step where a block has ended.
    pub(super) fn take(&mut self, at: Moment, frame: &Frame, span: Option<f64>) -> Option<Step> {
        let ended = self.block.filter(|block| at.since(block.since) >= BLOCK || at < block.since);
        let step = ended.and_then(|block| self.end(&block, span));
        if ended.is_some() || self.block.is_none() {
            self.block = Some(Block { since: at, sums: [0.0; ZONES_MAX], readings: 0 });
        }
        if let Some(block) = &mut self.block {
            block.readings += 1;
            for (sum, value) in block.sums.iter_mut().zip(&frame.values) {
                *sum += value;
            }
        }
        step
    }

    fn end(&mut self, block: &Block, span: Option<f64>) -> Option<Step> {
        let count = f64::from(block.readings.max(1));
        let mean = block.sums.map(|sum| sum / count);
        let before = self.before.replace(mean)?;
        let mut change = [0.0; ZONES_MAX];
        for ((change, mean), before) in change.iter_mut().zip(&mean).zip(&before) {
            *change = mean - before;
        }
        Some(Step { change, evidence: span.map_or(0.0, |span| self.evidence(&change, span)) })
    }

    /// The likelihood ratio of two normal distributions with equal means (Wald, Sequential Analysis, 1947, ch. 7),
    /// with one change: a step down is never evidence of life, because creep and foam make such steps when she has left.
    fn evidence(&self, change: &Zones, span: f64) -> f64 {
        if self.still_blocks < STILL_BLOCKS_MIN || self.lively <= 1.0 {
            return 0.0;
        }
        let (shrink, cost) = (0.5 * (1.0 - 1.0 / self.lively), 0.5 * self.lively.ln());
        let least = (span * STILL_SHARE_MIN).powi(2);
        let of_zone = |(change, still): (&f64, &f64)| {
            let nats = shrink * (change * change / still.max(least)).min(SURPRISE_MAX) - cost;
            if *change > 0.0 { nats } else { nats.min(0.0) }
        };
        let sum: f64 = change.iter().zip(&self.still).take(self.zones).map(of_zone).sum();
        // Zones feel the same breath: they are not as many witnesses as they are zones.
        sum / count(self.zones).sqrt()
    }

    /// Learns how the mat moves with nobody there.
    pub(super) fn learn_still(&mut self, step: &Step, span: f64) {
        let least = (span * STILL_SHARE_MIN).powi(2);
        let part = (1.0 / f64::from(self.still_blocks + 1)).max(FOLLOWS);
        let settled = self.still_blocks >= STILL_BLOCKS_MIN;
        for (still, change) in self.still.iter_mut().zip(&step.change).take(self.zones) {
            // A jolt says little about noise; a mat that has become noisy is known in the end.
            let most = if settled { SURPRISE_MAX * still.max(least) } else { f64::INFINITY };
            *still += ((change * change).min(most) - *still) * part;
        }
        self.still_blocks = self.still_blocks.saturating_add(1);
    }

    /// Learns how the mat moves with somebody lying there quietly.
    pub(super) fn learn_lively(&mut self, step: &Step, span: f64) {
        if self.still_blocks < STILL_BLOCKS_MIN {
            return;
        }
        let least = (span * STILL_SHARE_MIN).powi(2);
        let ratio = |(change, still): (&f64, &f64)| (change * change / still.max(least)).min(LIVELY_MAX);
        let sum: f64 = step.change.iter().zip(&self.still).take(self.zones).map(ratio).sum();
        self.lively += (sum / count(self.zones) - self.lively) * FOLLOWS;
        self.lively = self.lively.clamp(1.0, LIVELY_MAX);
    }

    /// Begins afresh after a gap: the step over it says nothing.
    pub(super) fn interrupted(&mut self) {
        self.block = None;
        self.before = None;
    }

    /// Returns how much more the mat moves with a sleeper than without one, as a ratio of deviations; 1: not at all.
    pub(super) fn visibility(&self) -> f64 {
        self.lively.sqrt()
    }
}

/// A number of zones as a float: at most 16.
fn count(zones: usize) -> f64 {
    u32::try_from(zones).map_or(1.0, f64::from)
}
