//! How the levels of a mat are learnt that nobody has measured: from swings between plateaus.
//!
//! A swing up to a plateau is somebody who lay down; a swing down to a plateau that is quieter, or leaves little, is
//! somebody who left. Whatever lies there first may be a cat: what it teaches is sure only once it has stayed.

use std::time::Duration;

use super::levels::Pair;
use super::life::Step;
use super::plateau::Plateau;
use super::signal::{Frame, Zones};
use crate::model::Moment;

/// A swing must be this many times the noise to be a person: a sheet under the mattress shows about 50 (`PoPu` data set).
pub(super) const SWING_NOISES_MIN: f64 = 12.0;

/// And at least this share of the value itself: a real sheet shows a heavy man as 0.8 % (`PoPu`), and a third of him
/// is a light woman.
const SWING_SHARE_MIN: f64 = 0.002;

/// Somebody moves the mat this much more than nobody, as a ratio of mean squares, where the mat can show it: breathing
/// moves an occupied mat by 0.2 to 0.6 % of the load (`PhysioNet` pmd pressure maps), an empty one only by its noise.
const LIVELIER: f64 = 2.5;

/// Above this multiple of white noise something moves; below it the mat is too coarse to show breathing.
const MOVES_OVER_NOISE: f64 = 1.8;

/// So many steps must have been seen of a plateau to compare it.
const STEPS_MIN: u32 = 20;

/// Nobody lies there where less than this share of the load is left.
const LEFT_SHARE_MAX: f64 = 0.4;

/// Somebody who gets into bed sits down and lies back; a cat is there within a jump.
const AT_ONCE: Duration = Duration::from_millis(1_500);

/// Where the mat moves before and after a swing up, the lower level is taken for an empty one only once the higher has
/// stayed this long: most such swings are somebody who turns over.
const ALIKE_STAYS: Duration = Duration::from_secs(240);

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
    /// Whether it is sure that the lower plateau is empty, because the mat moves less there or hardly shows any load.
    pub sure: bool,
    /// Whether the load came all at once, as a cat does and somebody who gets into bed does not.
    pub at_once: bool,
    /// Whether the mat moves on the lower plateau too: that may be somebody as well.
    pub alike: bool,
    /// How the mat moves with nobody there (mean square of steps); 0 where that is not known.
    pub still: f64,
    /// How much more with somebody.
    pub lively: f64,
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
    pub(super) fn take(&mut self, at: Moment, frame: &Frame, step: Option<&Step>, noise: f64) -> Option<Learnt> {
        let swing = self.last.map_or(0.0, |last| (frame.total() - last.total()).abs());
        let plateau = self.plateau.get_or_insert_with(|| Plateau::new(at, frame, swing));
        if !plateau.take(at, frame, noise) {
            let ended = std::mem::replace(plateau, Plateau::new(at, frame, swing));
            self.keep(&ended);
            return None;
        }
        if let Some(step) = step {
            plateau.moved(step);
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
        if let Some(plateau) = self.plateau.take() {
            self.keep(&plateau);
        }
    }

    /// Keeps what the next plateau is compared with: not the edge on which she sat while she came to bed.
    fn keep(&mut self, ended: &Plateau) {
        let better = |last: &Plateau| ended.total() < last.total() || ended.lasted() > last.lasted();
        if ended.is_settled() && self.last.as_ref().is_none_or(better) {
            self.last = Some(*ended);
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
    let (low, high) = if occupied { (before, now) } else { (now, before) };
    let little_left = low.total().abs() < high.total().abs() * LEFT_SHARE_MAX;
    let Livelier { sure, none, against, still, lively } = compare(low, high);
    if now.movement().1 < STEPS_MIN && !little_left {
        return None;
    }
    if against {
        return None;
    }
    if occupied && none && now.lasted() < ALIKE_STAYS {
        return None;
    }
    // A swing down that leaves the mat as lively as before is a turn.
    if !occupied && !little_left && !sure {
        return None;
    }
    let pair = Pair { empty: low.levels(), occupied: high.levels() };
    let sure = sure || (little_left && !none);
    let at_once = now.since().since(before.last()) <= AT_ONCE;
    Some(Learnt { at_once, pair, before_since: before.since(), swing_at: now.since(), occupied, sure, alike: none, still, lively })
}

/// How two plateaus compare in movement.
struct Livelier {
    /// The higher one moves more.
    sure: bool,
    /// The lower one moves too.
    none: bool,
    /// The lower one moves even more.
    against: bool,
    still: f64,
    lively: f64,
}

fn compare(low: &Plateau, high: &Plateau) -> Livelier {
    let ((calm, calm_steps), (busy, busy_steps)) = (low.movement(), high.movement());
    let known = calm_steps >= STEPS_MIN && busy_steps >= STEPS_MIN;
    if !known {
        return Livelier { sure: false, none: false, against: false, still: 0.0, lively: 1.0 };
    }
    let lively = busy / calm;
    // Breathing on the lower plateau: perhaps nobody has ever been away.
    let none = low.over_noise() > MOVES_OVER_NOISE;
    let against = none && lively < 1.0 / LIVELIER;
    let sure = !none && lively >= LIVELIER;
    let (still, lively) = if none { (calm / low.over_noise(), high.over_noise()) } else { (calm, lively) };
    Livelier { sure, none, against, still, lively }
}

fn told_by_given(empty: &Zones, now: &Plateau, noise: f64) -> Option<Learnt> {
    let (level, occupied) = (empty.iter().sum::<f64>(), now.total());
    let pair = Pair { empty: *empty, occupied: now.levels() };
    let (before_since, swing_at) = (now.since(), now.since());
    let learnt = Learnt { at_once: true, pair, before_since, swing_at, occupied: true, sure: true, alike: false, still: 0.0, lively: 1.0 };
    (occupied - level > swing_min(level, noise)).then_some(learnt)
}
