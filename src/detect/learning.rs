//! How the levels of a mat are learnt that nobody has measured: from swings between plateaus.
//!
//! A swing up to a plateau is somebody who lay down; a swing down to a plateau that is quieter, or leaves little, is
//! somebody who left. Whatever lies there first may be a cat: what it teaches is sure only once it has stayed.

use std::time::Duration;

use super::levels::Pair;
use super::plateau::Plateau;
use super::signal::{Frame, Zones};
use crate::model::Moment;

/// A swing must be this many times the noise to be a person: a sheet under the mattress shows about 50 (`PoPu` data set).
pub(super) const SWING_NOISES_MIN: f64 = 12.0;

/// And at least this share of the value itself: a real sheet shows a heavy man as 0.8 % (`PoPu`), and a third of him
/// is a light woman.
const SWING_SHARE_MIN: f64 = 0.002;

/// A fall to a level is empty when the plateau is quieter than the one before by this factor: breathing moves an
/// occupied mat by 0.2 to 0.6 % of the load (`PhysioNet` pmd pressure maps), an empty one only by its noise.
const QUIETER: f64 = 0.6;

/// Or when less than this share of the value is left.
const LEFT_SHARE_MAX: f64 = 0.4;

/// What learning says about the present load, once it can tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Learnt {
    /// The levels.
    pub pair: Pair,
    /// When the plateau before the swing began.
    pub before_since: Moment,
    /// When the swing ended that told.
    pub swing_at: Moment,
    /// Whether the present plateau is the occupied one.
    pub occupied: bool,
}

/// Learning from swings between plateaus.
#[derive(Debug, Clone, Default)]
pub(super) struct Learning {
    empty: Option<Zones>,
    plateau: Option<Plateau>,
    last: Option<Plateau>,
}

impl Learning {
    /// Starts knowing where empty is, or nothing.
    pub(super) fn new(empty: Option<Zones>) -> Self {
        Self { empty, plateau: None, last: None }
    }

    /// Takes the loads at `at`; tells once when both levels are known.
    pub(super) fn take(&mut self, at: Moment, frame: &Frame, noise: f64) -> Option<Learnt> {
        let Some(plateau) = &mut self.plateau else {
            self.plateau = Some(Plateau::new(at, frame));
            return None;
        };
        if !plateau.take(at, frame, noise) {
            if plateau.is_settled() {
                self.last = Some(*plateau);
            }
            *plateau = Plateau::new(at, frame);
            return None;
        }
        if !plateau.is_settled() {
            return None;
        }
        match (&self.last, &self.empty) {
            (Some(before), _) => told_by_swing(before, plateau, noise),
            (None, Some(empty)) => told_by_given(empty, plateau, noise),
            (None, None) => None,
        }
    }

    /// The readings before a gap and after it are not of one plateau.
    pub(super) fn interrupted(&mut self) {
        if let Some(plateau) = self.plateau.take().filter(Plateau::is_settled) {
            self.last = Some(plateau);
        }
    }
}

/// Returns how large a swing of this value must be to be a person.
pub(super) fn swing_min(value: f64, noise: f64) -> f64 {
    (SWING_NOISES_MIN * noise).max(SWING_SHARE_MIN * value.abs())
}

fn told_by_swing(before: &Plateau, now: &Plateau, noise: f64) -> Option<Learnt> {
    let (old, new) = (before.total(), now.total());
    if (new - old).abs() <= swing_min(old.abs().max(new.abs()), noise) {
        return None;
    }
    let occupied = new > old;
    let surely_empty = new.abs() < old.abs() * LEFT_SHARE_MAX || now.spread() < before.spread() * QUIETER;
    if !occupied && !surely_empty {
        return None;
    }
    let (low, high) = if occupied { (before, now) } else { (now, before) };
    let pair = Pair { empty: low.levels(), occupied: high.levels() };
    Some(Learnt { pair, before_since: before.since(), swing_at: now.since(), occupied })
}

fn told_by_given(empty: &Zones, now: &Plateau, noise: f64) -> Option<Learnt> {
    let (level, occupied) = (empty.iter().sum::<f64>(), now.total());
    let pair = Pair { empty: *empty, occupied: now.levels() };
    let learnt = Learnt { pair, before_since: now.since(), swing_at: now.since(), occupied: true };
    (occupied - level > swing_min(level, noise)).then_some(learnt)
}
