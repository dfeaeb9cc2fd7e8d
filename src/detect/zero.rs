//! A sensor that starts again and takes what lies on it for nothing, as scales do that tare themselves when they get power.
//!
//! With her in bed it then reads like an empty bed, and when she leaves, less than nothing. Two signs tell: something
//! lives where nothing seems to lie after a silence, and nobody makes an empty bed lighter by a person's weight. Never
//! says who lies there; it moves the levels, and occupancy goes on from there. Only where the sensor has no known range:
//! an end of a range stays where it is.

use std::time::Duration;

use super::Detector;
use super::evidence::Because;
use super::levels::Pair;
use super::occupancy::{Change, Phase};
use super::signal::{Frame, Zones};
use crate::model::Moment;

/// A silence this long may have been a start of the electronics: an ESP32 with an HX711 takes longer to be back on air.
const START_MIN: Duration = Duration::from_secs(5);

/// And this many of the mat's periods: some rows get lost.
const START_PERIODS: u32 = 3;

/// A sensor takes zero anew at zero: one whose empty bed reads further from it than this share of a person has never done
/// so, and what it says after a silence is what it has always said of that.
const AT_ZERO: f64 = 0.1;

/// What lies there is smoothed over this long: a step in a turn is not what she weighs.
const SMOOTH: Duration = Duration::from_secs(5);

/// Where a bed that was taken for empty keeps no more than this share of whom its load may be, she has begun to leave.
const LEAVES_BELOW: f64 = 0.5;

/// And when so many readings in a row have shown it: a single one is a glitch.
const LEAVES_READINGS: u32 = 2;

/// Readings in a row that are exactly zero are no chance, in nats: 3000 to 1.
const NO_CHANCE: f64 = 8.0;

/// How often a sensor that never says less than zero says zero with her weight just on it, before that was seen: noise
/// is below it half of the time.
const USUAL_FIRST: f64 = 0.5;

/// At the least.
const USUAL_MIN: f64 = 0.05;

/// How quickly that is followed: about the last 200 readings.
const USUAL_FOLLOWS: f64 = 1.0 / 200.0;

/// What is known about where zero is.
#[derive(Debug, Clone, Default)]
pub(super) struct Zero {
    /// The loads with her in bed, as they were last seen.
    lain: Option<(Moment, Zones)>,
    /// How many readings in a row have shown less than an empty bed.
    below: u32,
    /// Whether she leaves a bed that was taken for empty.
    leaves: bool,
    /// Whether zero was taken anew with her in bed, so that an empty bed is less than nothing.
    has_moved: bool,
    /// How many readings in a row have been exactly zero.
    nothings: u32,
    /// How often they are with her in bed, as a share of all.
    usual: Option<f64>,
    /// Whether it may have started again since the empty bed was last seen left.
    started: bool,
}

impl Zero {
    /// Tells whether the latest reading has shown less than an empty bed, so that it is no level to be followed.
    pub(super) fn is_below(&self) -> bool {
        self.below > 0
    }

    /// Tells whether it says nothing but zero. A sensor that never says less than that says it of a bed that is lighter
    /// than its zero, and with her weight just on it half of what it says is noise above.
    pub(super) fn says_nothing(&self) -> bool {
        let usual = self.usual.unwrap_or(USUAL_FIRST).max(USUAL_MIN);
        self.has_moved && f64::from(self.nothings) * -usual.ln() >= NO_CHANCE
    }

    /// Counts how often it has said nothing but zero.
    pub(super) fn count(&mut self, frame: &Frame, in_bed: bool) {
        let nothing = frame.is_zero();
        self.nothings = if nothing { self.nothings.saturating_add(1) } else { 0 };
        if self.has_moved && in_bed {
            let usual = self.usual.get_or_insert(USUAL_FIRST);
            *usual += (f64::from(u8::from(nothing)) - *usual) * USUAL_FOLLOWS;
        }
    }

    fn follow(&mut self, at: Moment, loads: &Zones) {
        let (seen, lain) = self.lain.get_or_insert((at, *loads));
        let part = (at.since(*seen).as_secs_f64() / SMOOTH.as_secs_f64()).min(1.0);
        *seen = at;
        for (level, load) in lain.iter_mut().zip(loads) {
            *level += (load - *level) * part;
        }
    }
}

impl Detector {
    /// Tells whether the silence before a reading at `at` may have been a start that has moved the zero.
    pub(super) fn may_have_started(&self, at: Moment) -> bool {
        let least = START_MIN.max(self.period.mean() * START_PERIODS);
        let silent = self.latest.is_none_or(|latest| at.since(latest.at) >= least);
        silent && !self.settings.contact && !self.signal.has_end() && self.levels.pair().is_some()
    }

    /// Tells whether this is a sensor that takes zero anew when it starts.
    pub(super) fn takes_zero_anew(&self) -> bool {
        self.zero.has_moved || self.levels.pair().is_some_and(is_at_zero)
    }

    /// What lies there after a silence, and reads as nothing, lives: zero was taken anew with her in bed.
    pub(super) fn watch_zero(&mut self, at: Moment, frame: &Frame) {
        match self.occupancy.phase() {
            Phase::InBed { .. } if !self.occupancy.is_part() => self.zero.follow(at, &frame.loads),
            Phase::Leaving { since, leaving, .. } if leaving.is_moved_zero() => {
                let (Some((_, lain)), Some(pair)) = (self.zero.lain.take(), self.levels.pair()) else { return };
                let by = std::array::from_fn(|zone| of(&frame.loads, zone) - of(&lain, zone));
                let moved = |level: &Zones| std::array::from_fn(|zone| of(level, zone) + of(&by, zone));
                let pair = Pair { empty: moved(&pair.empty), occupied: moved(&pair.occupied) };
                self.bedfellow.moved(&by);
                self.zero_is(pair);
                self.occupancy.set_phase(Phase::InBed { since, seen: at });
                self.remark(Because::ZeroMoved);
            }
            Phase::Leaving { leaving, .. } if self.zero.leaves || leaving.is_below_empty() => {
                // A cable says the same again and again.
                if self.plausible.repeats() == 0 {
                    self.follow_down(frame);
                }
            }
            Phase::Empty | Phase::Unknown | Phase::Settling { .. } => {
                (self.zero.lain, self.zero.leaves) = (None, false);
            }
            Phase::InBed { .. } | Phase::Leaving { .. } => {}
        }
    }

    /// An empty bed that becomes lighter by a person's weight was not empty. To be told of each reading before it is
    /// judged. `unseen`: nothing was seen before it, so that the zero may have moved instead.
    pub(super) fn watch_below_empty(&mut self, at: Moment, frame: &Frame, unseen: bool) {
        self.zero.started |= unseen;
        let watched = matches!(self.occupancy.phase(), Phase::Empty) && !self.signal.has_end();
        let Some(pair) = self.levels.pair().filter(|_| watched) else {
            self.zero.below = 0;
            return;
        };
        let remaining = self.bedfellow.remaining(pair);
        // Without a start, or one of two who was left behind, it is the weather that makes a bed lighter.
        let possible = self.zero.started || remaining.is_some();
        let lies = remaining.unwrap_or_else(|| as_she_weighs(pair));
        if !possible || lies.share(frame) > LEAVES_BELOW || (unseen && self.zero.below == 0) {
            self.zero.below = 0;
            return;
        }
        // A cable says the same again and again.
        self.zero.below += u32::from(self.zero.below == 0 || self.plausible.repeats() == 0);
        if self.zero.below < LEAVES_READINGS {
            return;
        }
        self.zero.below = 0;
        self.zero.leaves = true;
        self.bedfellow.clear();
        self.zero_is(lies);
        self.remark(Because::ZeroMoved);
        self.occupancy.set_phase(Phase::InBed { since: at, seen: at });
        self.on_change(Change::Settled { at });
    }

    /// She may be heavier than was known: what is lighter still is the empty bed.
    fn follow_down(&mut self, frame: &Frame) {
        if let Some(pair) = self.levels.pair().filter(|pair| pair.share(frame) < 0.0) {
            let pair = Pair { empty: frame.loads, occupied: pair.occupied };
            self.levels.replace(pair);
        }
    }

    /// She has left: where that was `seen`, what is there now is the empty bed.
    pub(super) fn zero_is_seen(&mut self, seen: bool) {
        self.zero.started &= !seen;
    }

    fn zero_is(&mut self, pair: Pair) {
        self.levels.replace(pair);
        self.zero.has_moved = true;
        self.drift.forget();
        self.changed = true;
    }
}

/// What an empty bed was taken for that is hers: with her it reads as it did, and without her less by what she weighs.
fn as_she_weighs(pair: &Pair) -> Pair {
    let empty = std::array::from_fn(|zone| 2.0 * of(&pair.empty, zone) - of(&pair.occupied, zone));
    Pair { empty, occupied: pair.empty }
}

/// Tells whether the empty bed reads as nothing, or somebody in it does, because zero was taken anew with her there.
fn is_at_zero(pair: &Pair) -> bool {
    let away = |levels: &Zones| levels.iter().map(|level| level.abs()).sum::<f64>();
    away(&pair.empty).min(away(&pair.occupied)) <= AT_ZERO * pair.span()
}

fn of(zones: &Zones, zone: usize) -> f64 {
    zones.get(zone).copied().unwrap_or_default()
}
