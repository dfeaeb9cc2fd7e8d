//! Where empty and occupied lie on this mat: given by the technician or learnt, and followed as they age.
//!
//! Works on loads ([`super::signal`]), a level a zone, so that a zone that stops working can be left out. Never decides
//! who is in bed; it is told, and follows the level that belongs to it.

use std::time::Duration;

use super::signal::{Frame, Zones};
use crate::model::Moment;
use crate::model::reading::ZONES_MAX;

/// How quickly the empty level follows a still, empty bed upwards: a duvet or a bag that was left, weather, temperature.
const EMPTY_RISES: Duration = Duration::from_secs(60);

/// How quickly it follows downwards: nobody makes a mat lighter than empty.
const EMPTY_FALLS: Duration = Duration::from_secs(15);

/// How quickly the occupied level follows who lies there: creep and posture, not movement.
const OCCUPIED_FOLLOWS: Duration = Duration::from_secs(600);

/// How quickly it follows somebody whom the mat has not known for long.
const OCCUPIED_FOLLOWS_FIRST: Duration = Duration::from_secs(5);

/// How quickly it follows upwards: what was learnt from a cat, or from somebody lighter, must not hide a person.
const OCCUPIED_RISES: Duration = Duration::from_secs(15);

/// Load above this share is more than posture makes: the largest posture of one person is 1.3 of her usual one.
const HEAVIER_SHARE: f64 = 1.3;

/// Load above this share is no person, and none that lies beside her, but a glitch.
const GLITCH_SHARE: f64 = 4.0;

/// But if it stays, what lay there first was a cat, or a husband at the far side.
const HEAVY_STAYS: Duration = Duration::from_secs(30);

/// The load that an empty bed may show and still be followed, as a share of a lying person: a duvet or a bag.
const EMPTY_SHARE_MAX: f64 = 0.33;

/// A bed emptier than empty by this share was not empty when its level was learnt.
const EMPTY_WRONG_SHARE: f64 = -0.3;

/// On a sensor whose zero moves, a load this near to the usual one, as a share of a lying person, that moves slowly is
/// zero moving: postures differ by more, and creep is less than the weather.
const DRIFTS_SHARE: f64 = 0.12;

/// Both levels of each zone, as loads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair {
    /// With nobody on the mat.
    pub empty: Zones,
    /// With somebody lying on it; in sum above `empty`.
    pub occupied: Zones,
}

impl Pair {
    /// Returns the load as a share of a lying person, over the zones that work: 0 empty, 1 lying.
    pub(super) fn share(&self, frame: &Frame) -> f64 {
        let span = frame.sum_of(&self.occupied) - frame.sum_of(&self.empty);
        let load = frame.total() - frame.sum_of(&self.empty);
        if span > 0.0 { load / span } else { 0.0 }
    }

    /// Returns what a lying person adds to the load, summed over the zones.
    pub(super) fn span(&self) -> f64 {
        self.occupied.iter().sum::<f64>() - self.empty.iter().sum::<f64>()
    }
}

/// What is known of the levels.
#[derive(Debug, Clone)]
pub(super) struct Levels {
    pair: Option<Pair>,
    followed: Moment,
    /// For how long somebody has been followed in bed: what is new is followed quickly.
    lain: Duration,
    /// Since when the load has been too heavy for a person.
    heavy: Option<Moment>,
    /// Whether the sensor's zero may move.
    moves: bool,
    /// Whether somebody has been seen to come or leave with these levels.
    confirmed: bool,
}

impl Levels {
    /// Starts with levels that are known, or without. `lain`: for how long the occupied level has been followed.
    pub(super) fn new(known: Option<&Pair>, lain: Duration, now: Moment) -> Self {
        let pair = known.filter(|pair| pair.span() > 0.0).copied();
        Self { pair, followed: now, lain, heavy: None, moves: false, confirmed: false }
    }

    /// Says whether the sensor's zero may move, as that of a pressure does with the weather.
    pub(super) fn set_moving(&mut self, moves: bool) {
        self.moves = moves;
    }

    /// Notes that somebody has been seen to come or leave with these levels.
    pub(super) fn confirm(&mut self) {
        self.confirmed = true;
    }

    /// Tells whether somebody has been seen to come or leave with these levels.
    pub(super) fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// Returns the levels where they are known.
    pub(super) fn pair(&self) -> Option<&Pair> {
        self.pair.as_ref()
    }

    /// Returns the load as a share of a lying person, where the levels are known.
    pub(super) fn share(&self, frame: &Frame) -> Option<f64> {
        self.pair.map(|pair| pair.share(frame))
    }

    /// Returns for how long the occupied level has been followed.
    pub(super) fn lain(&self) -> Duration {
        self.lain
    }

    /// Takes levels that were learnt.
    pub(super) fn set(&mut self, pair: Option<&Pair>, at: Moment) {
        *self = Self { moves: self.moves, ..Self::new(pair, Duration::ZERO, at) };
    }

    /// Follows the level of a bed that is surely empty.
    pub(super) fn follow_empty(&mut self, at: Moment, frame: &Frame) {
        let since = std::mem::replace(&mut self.followed, at);
        let Some(pair) = &mut self.pair else { return };
        let share = pair.share(frame);
        if share >= EMPTY_SHARE_MAX {
            return;
        }
        let part = part(at.since(since), if share < 0.0 { EMPTY_FALLS } else { EMPTY_RISES });
        for zone in 0..ZONES_MAX {
            let (Some(true), Some(load)) = (frame.working.get(zone), frame.loads.get(zone)) else { continue };
            let (Some(empty), Some(occupied)) = (pair.empty.get_mut(zone), pair.occupied.get_mut(zone)) else {
                continue;
            };
            let step = (load - *empty) * part;
            *empty += step;
            // The person keeps her weight when the baseline moves, but for an empty level that was never right.
            if share > EMPTY_WRONG_SHARE || (self.moves && self.confirmed) {
                *occupied += step;
            }
        }
    }

    /// Follows the level of a bed in which somebody surely lies.
    pub(super) fn follow_occupied(&mut self, at: Moment, frame: &Frame, noise: f64) {
        let since = std::mem::replace(&mut self.followed, at);
        let Some(pair) = &self.pair else { return };
        let passed = at.since(since);
        let share = pair.share(frame);
        if self.is_glitch(at, share) {
            return;
        }
        let Some(pair) = &mut self.pair else { return };
        self.lain = self.lain.saturating_add(passed);
        let usual = (self.lain / 2).clamp(OCCUPIED_FOLLOWS_FIRST, OCCUPIED_FOLLOWS);
        let over = if share > HEAVIER_SHARE { usual.min(OCCUPIED_RISES) } else { usual };
        let part = part(passed, over);
        let mut followed = *pair;
        let drifts = self.moves && self.confirmed && (share - 1.0).abs() < DRIFTS_SHARE;
        for zone in 0..ZONES_MAX {
            let (Some(true), Some(load)) = (frame.working.get(zone), frame.loads.get(zone)) else { continue };
            if let (Some(occupied), Some(empty)) = (followed.occupied.get_mut(zone), followed.empty.get_mut(zone)) {
                let step = (load - *occupied) * part;
                *occupied += step;
                *empty += if drifts { step } else { 0.0 };
            }
        }
        if followed.span() > noise * super::learning::SWING_NOISES_MIN {
            *pair = followed;
        }
    }

    /// Tells whether a load is too heavy to be followed, unless it stays.
    fn is_glitch(&mut self, at: Moment, share: f64) -> bool {
        if share <= GLITCH_SHARE {
            self.heavy = None;
            return false;
        }
        at.since(*self.heavy.get_or_insert(at)) < HEAVY_STAYS
    }

    /// Takes other levels for the same mat: its zero has moved, or somebody else lies there as well.
    pub(super) fn replace(&mut self, pair: Pair) {
        if pair.span() > 0.0 {
            self.pair = Some(pair);
        }
    }

    /// Passes over a time in which neither level can be told.
    pub(super) fn pass(&mut self, at: Moment) {
        self.followed = at;
    }
}

/// The part of the way that a level goes in `step`, for a first-order lag of `over`.
fn part(step: Duration, over: Duration) -> f64 {
    (step.as_secs_f64() / over.as_secs_f64()).min(1.0)
}
