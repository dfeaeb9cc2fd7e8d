//! Where empty and occupied lie on this mat: given by the technician or learnt, and followed as they age.
//!
//! Works on one number, the sum of the zones with load counted upwards ([`super::signal`]). Never decides who is in
//! bed; it is told, and follows the level that belongs to it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::plateau::Plateau;
use crate::model::Moment;

/// How quickly the empty level follows a quiet, empty bed: weather and temperature take hours, so minutes are quick
/// enough, and slow enough that somebody who lies down does not become the baseline.
const EMPTY_FOLLOWS: Duration = Duration::from_secs(120);

/// How quickly the empty level follows downwards: nobody makes a mat lighter than empty.
const EMPTY_FALLS: Duration = Duration::from_secs(20);

/// How quickly the occupied level follows who lies there: creep and posture, not movement.
const OCCUPIED_FOLLOWS: Duration = Duration::from_secs(600);

/// How quickly it follows upwards: what was learnt from a cat, or from somebody lighter, must not hide a person.
const OCCUPIED_RISES: Duration = Duration::from_secs(30);

/// Load above this share is more than posture makes: the largest posture of one person is 1.3 of her usual one.
const HEAVIER_SHARE: f64 = 1.3;

/// The load that an empty bed may show and still be followed, as a share of a lying person: a duvet, not a cat.
const EMPTY_SHARE_MAX: f64 = 0.2;

/// A swing must be this many times the noise to be a person: a sheet under the mattress shows about 50 (PoPu data set).
const SWING_NOISES_MIN: f64 = 12.0;

/// And at least this share of the value itself: the smallest swing of a real sheet is 0.8 % (PoPu).
const SWING_SHARE_MIN: f64 = 0.004;

/// A fall to a level is empty when the plateau is quieter than the one before by this factor: breathing moves an
/// occupied mat by 0.2 to 0.6 % of the load (PhysioNet pmd pressure maps), an empty one only by its noise.
const QUIETER: f64 = 0.6;

/// Or when less than this share of the value is left.
const LEFT_SHARE_MAX: f64 = 0.4;

/// The two levels, in the sensor's own unit, summed over the zones, load counted upwards.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// With nobody on the mat.
    pub empty: f64,
    /// With somebody lying on it; above `empty`.
    pub occupied: f64,
}

impl Pair {
    /// Returns the load as a share of a lying person: 0 empty, 1 lying.
    fn share(&self, value: f64) -> f64 {
        (value - self.empty) / (self.occupied - self.empty)
    }
}

/// What is known of the levels.
#[derive(Debug, Clone)]
pub(super) enum Levels {
    /// Both are known.
    Known {
        /// The levels as they are now.
        pair: Pair,
        /// When they were last followed.
        followed: Moment,
    },
    /// Not yet; the plateaus seen so far tell.
    Learning(Learning),
}

/// What learning says about the present value, once it can tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Learnt {
    /// When the plateau before the swing began.
    pub before_since: Moment,
    /// When the swing ended that told.
    pub swing_at: Moment,
    /// Whether the present plateau is the occupied one.
    pub occupied: bool,
}

impl Levels {
    /// Starts with levels that are known, or without.
    pub(super) fn new(known: Option<Pair>, given_empty: Option<f64>, now: Moment) -> Self {
        match known.filter(|pair| pair.occupied > pair.empty) {
            Some(pair) => Self::Known { pair, followed: now },
            None => Self::Learning(Learning { empty: given_empty, plateau: None, last: None }),
        }
    }

    /// Returns the levels where they are known.
    pub(super) fn pair(&self) -> Option<Pair> {
        match self {
            Self::Known { pair, .. } => Some(*pair),
            Self::Learning(_) => None,
        }
    }

    /// Returns the load as a share of a lying person, where the levels are known.
    pub(super) fn share(&self, value: f64) -> Option<f64> {
        self.pair().map(|pair| pair.share(value))
    }

    /// Learns from a value while the levels are unknown; tells once when they become known.
    pub(super) fn learn(&mut self, at: Moment, value: f64, noise: f64) -> Option<Learnt> {
        let Self::Learning(learning) = self else { return None };
        let (pair, learnt) = learning.take(at, value, noise)?;
        *self = Self::Known { pair, followed: at };
        Some(learnt)
    }

    /// Follows the level of a bed that is surely empty.
    pub(super) fn follow_empty(&mut self, at: Moment, value: f64) {
        let Self::Known { pair, followed } = self else { return };
        let share = pair.share(value);
        if share < EMPTY_SHARE_MAX {
            let over = if share < 0.0 { EMPTY_FALLS } else { EMPTY_FOLLOWS };
            let step = (value - pair.empty) * part(at.since(*followed), over);
            // The person keeps her weight when the baseline moves.
            pair.empty += step;
            pair.occupied += step;
        }
        *followed = at;
    }

    /// Follows the level of a bed in which somebody surely lies.
    pub(super) fn follow_occupied(&mut self, at: Moment, value: f64) {
        let Self::Known { pair, followed } = self else { return };
        let over = if pair.share(value) > HEAVIER_SHARE { OCCUPIED_RISES } else { OCCUPIED_FOLLOWS };
        let step = (value - pair.occupied) * part(at.since(*followed), over);
        if pair.occupied + step > pair.empty {
            pair.occupied += step;
        }
        *followed = at;
    }

    /// Passes over a time in which neither level can be told.
    pub(super) fn pass(&mut self, at: Moment) {
        if let Self::Known { followed, .. } = self {
            *followed = at;
        }
    }
}

/// The part of the way that a level goes in `step`, for a first-order lag of `over`.
fn part(step: Duration, over: Duration) -> f64 {
    (step.as_secs_f64() / over.as_secs_f64()).min(1.0)
}

/// Learning from swings between plateaus.
#[derive(Debug, Clone)]
pub(super) struct Learning {
    empty: Option<f64>,
    plateau: Option<Plateau>,
    last: Option<Plateau>,
}

impl Learning {
    fn take(&mut self, at: Moment, value: f64, noise: f64) -> Option<(Pair, Learnt)> {
        let Some(plateau) = &mut self.plateau else {
            self.plateau = Some(Plateau::new(at, value));
            return None;
        };
        if !plateau.take(at, value, noise) {
            if plateau.is_settled() {
                self.last = Some(*plateau);
            }
            *plateau = Plateau::new(at, value);
            return None;
        }
        if !plateau.is_settled() {
            return None;
        }
        let now = *plateau;
        match (self.last, self.empty) {
            (Some(before), _) => told_by_swing(&before, &now, noise),
            (None, Some(empty)) => told_by_given(empty, &now, noise),
            (None, None) => None,
        }
    }
}

fn swing_min(value: f64, noise: f64) -> f64 {
    (SWING_NOISES_MIN * noise).max(SWING_SHARE_MIN * value.abs())
}

fn told_by_swing(before: &Plateau, now: &Plateau, noise: f64) -> Option<(Pair, Learnt)> {
    let (old, new) = (before.level(), now.level());
    if (new - old).abs() <= swing_min(old.abs().max(new.abs()), noise) {
        return None;
    }
    let occupied = new > old;
    let surely_empty = new.abs() < old.abs() * LEFT_SHARE_MAX || now.spread() < before.spread() * QUIETER;
    if !occupied && !surely_empty {
        return None;
    }
    let pair = Pair { empty: old.min(new), occupied: old.max(new) };
    Some((pair, Learnt { before_since: before.since(), swing_at: now.since(), occupied }))
}

fn told_by_given(empty: f64, now: &Plateau, noise: f64) -> Option<(Pair, Learnt)> {
    let occupied = now.level();
    let learnt = Learnt { before_since: now.since(), swing_at: now.since(), occupied: true };
    (occupied - empty > swing_min(empty, noise)).then_some((Pair { empty, occupied }, learnt))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tenths: i64) -> Moment {
        Moment::from_nanos(tenths * 100_000_000)
    }

    /// Plays levels with a little breathing on the high ones.
    fn learn(levels: &[(f64, i64)]) -> (Levels, Option<Learnt>) {
        let mut known = Levels::new(None, None, at(0));
        let (mut tenths, mut learnt) = (0, None);
        for (level, count) in levels {
            for step in 0..*count {
                let breath =
                    if *level > 300.0 { 3.0 * (f64::from(i32::try_from(step).unwrap()) * 0.15).sin() } else { 0.0 };
                learnt = known.learn(at(tenths), level + breath, 1.0).or(learnt);
                tenths += 1;
            }
        }
        (known, learnt)
    }

    #[test]
    fn somebody_who_lies_down_tells_both_levels() {
        let (levels, learnt) = learn(&[(100.0, 100), (600.0, 100)]);
        assert!(learnt.unwrap().occupied);
        let pair = levels.pair().unwrap();
        assert!((pair.empty - 100.0).abs() < 5.0 && (pair.occupied - 600.0).abs() < 10.0, "{pair:?}");
    }

    #[test]
    fn somebody_who_leaves_tells_both_levels_too() {
        let (_, learnt) = learn(&[(600.0, 100), (100.0, 100)]);
        assert!(!learnt.unwrap().occupied);
    }

    #[test]
    fn a_turn_in_bed_is_not_taken_for_leaving() {
        let (levels, learnt) = learn(&[(600.0, 100), (420.0, 100)]);
        assert_eq!((learnt, levels.pair()), (None, None));
    }

    #[test]
    fn an_empty_bed_is_followed_and_the_span_kept() {
        let mut levels = Levels::new(Some(Pair { empty: 100.0, occupied: 600.0 }), None, at(0));
        for tenths in 0..20_000 {
            levels.follow_empty(at(tenths), 140.0);
        }
        let pair = levels.pair().unwrap();
        assert!((pair.empty - 140.0).abs() < 1.0 && (pair.occupied - 640.0).abs() < 1.0, "{pair:?}");
    }
}
