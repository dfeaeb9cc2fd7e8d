//! Learns the levels of a mat that nobody has measured, and follows those that are known.
//!
//! Levels are followed only where it is sure who lies there. Knows nothing of rules and events.

use std::time::Duration;

use super::Detector;
use super::evidence::Because;
use super::learning::{Learning, Learnt};
use super::levels::{Levels, Pair};
use super::life::{self, Life};
use super::memory::Memory;
use super::occupancy::Phase;
use super::settings::Settings;
use super::signal::{self, Frame, Signal};
use crate::model::Moment;

/// Readings that repeat themselves more often than this are not followed.
const REPEATS_MAX: u32 = 3;

/// A swing of this share of what the sensor can say is a person: mats are made for her weight.
const PERSON_OF_RANGE: f64 = 0.3;

/// One of this share is too, if it did not come with a jump, as a cat does.
pub(super) const CAT_OF_RANGE: f64 = 0.1;

/// If it did, it must stay this long …
const LARGE_STAYS: Duration = Duration::from_secs(45);

/// … and what is smaller, or on a sensor of unknown range, this long: half of the cats jump down again before.
const SMALL_STAYS: Duration = Duration::from_secs(240);

/// Where she moves the value by less than this share of what an empty bed says, most of it is the sensor's own.
const OWN_SHARE: f64 = 0.1;

impl Detector {
    pub(super) fn learn(&mut self, at: Moment, frame: &Frame, step: Option<&life::Step>) {
        let in_bed = matches!(self.occupancy.phase(), Phase::InBed { .. } | Phase::Leaving { .. });
        let proven = self.are_levels_proven();
        let Some(learning) = &mut self.learning else { return };
        if proven && learning.span().is_none() {
            self.learning = None;
            return;
        }
        if self.plausible.is_stuck() {
            learning.interrupted(&self.signal);
            return;
        }
        // What may be stuck is calmer than any empty bed.
        let step = step.filter(|_| !self.plausible.rests_unusually(in_bed));
        let learnt = if self.period.sends_on_change() {
            let stood = learning.stood(at, &self.signal);
            stood.or_else(|| learning.take_change(at, frame, step, &self.signal))
        } else {
            learning.take(at, frame, step, &self.signal)
        };
        if let Some(learnt) = learnt {
            self.has_learnt(at, &learnt);
        }
    }

    /// What a mat that sends only on change has said has stood for a while.
    pub(super) fn learn_by_time(&mut self) {
        let at = self.now.moment;
        let due = |learning: &&mut Learning| learning.due().is_some_and(|due| due <= at);
        let learnt = self.learning.as_mut().filter(due).and_then(|learning| learning.stood(at, &self.signal));
        if let Some(learnt) = learnt {
            self.has_learnt(at, &learnt);
        }
    }

    fn has_learnt(&mut self, at: Moment, learnt: &Learnt) {
        if self.learning.as_ref().is_some_and(|learning| learning.span().is_some()) {
            return self.look_again(at, learnt);
        }
        if self.levels.pair().is_some() {
            return self.feels_less(at, learnt);
        }
        self.doubted = self.learning.take().map(|learning| learning.if_nobody(learnt));
        self.changed = true;
        let (mut empty, mut occupied) = (learnt.empty, learnt.occupied);
        if learnt.falls {
            self.signal.turn_round();
            self.turned_round = true;
            (empty, occupied) = (empty.map(|value| -value), occupied.map(|value| -value));
        }
        let pair = Pair { empty: self.signal.loads_of(&empty), occupied: self.signal.loads_of(&occupied) };
        self.levels.set(Some(&pair), at);
        self.levels.set_moving(zero_moves(&self.settings, &self.signal, &pair));
        self.drift.forget();
        self.plausible.learnt_empty();
        if let Some((still, lively)) = learnt.still {
            self.life.set(still, lively);
        }
        self.remark(Because::Learnt { empty: empty.iter().sum(), occupied: occupied.iter().sum() });
        if learnt.is_occupied {
            self.occupancy.set_unsure(self.stays_if_person(learnt));
            // A plateau is many readings.
            let (since, readings) = (learnt.swing_at, 2);
            self.occupancy.set_phase(Phase::Settling { since, readings, dip: None, from_unknown: false });
            return;
        }
        // She was in bed before the levels were known: the fall that made them known is her leaving.
        self.has_left(learnt);
    }

    /// Returns how long the first thing that ever lay on a mat must stay to be a person; none where that is sure.
    fn stays_if_person(&self, learnt: &Learnt) -> Option<Duration> {
        let of_range = self.signal.of_range(learnt.swing()).unwrap_or_default();
        if of_range >= PERSON_OF_RANGE || (of_range >= CAT_OF_RANGE && !learnt.at_once) {
            return None;
        }
        Some(if of_range >= CAT_OF_RANGE { LARGE_STAYS } else { SMALL_STAYS })
    }

    /// What lay there first did not stay: it may have been a cat, so what it taught is forgotten.
    pub(super) fn forget_unsure(&mut self) {
        if !self.occupancy.is_unsure() || !matches!(self.occupancy.phase(), Phase::Empty) {
            return;
        }
        self.occupancy.set_unsure(None);
        if let Some(trial) = self.trial.take() {
            self.levels.set(Some(&trial.measured), self.now.moment);
            return;
        }
        if std::mem::take(&mut self.turned_round) {
            self.signal.turn_round();
        }
        self.learning = Some(self.doubted.take().unwrap_or_default());
        self.levels.set(None, self.now.moment);
    }

    /// Levels are followed only where it is sure who lies there.
    pub(super) fn follow(&mut self, at: Moment, frame: &Frame, step: Option<life::Step>) {
        let occupied = matches!(self.occupancy.phase(), Phase::InBed { .. });
        if self.settings.contact || self.plausible.rests_unusually(occupied) {
            return self.levels.pass(at);
        }
        let span = self.span();
        match self.occupancy.phase() {
            // What lies in an empty bed beside a couple is one of the two, and what is lighter than empty is no level.
            Phase::Empty if !self.zero.is_below() && !self.bedfellow.is_couple() => {
                self.plausible.follow_empty(frame, self.whole_span(), self.signal.quiet_noise());
                if let (Some(step), Some(span)) = (step, span) {
                    self.life.learn_still(&step, span);
                }
                self.levels.follow_empty(at, frame);
                self.watch_drift(at);
                self.bedfellow.clear();
            }
            // A cable at the end of the scale says the same again and again.
            Phase::InBed { .. } if !self.occupancy.is_part() && self.plausible.repeats() <= REPEATS_MAX => {
                if let (Some(step), Some(span)) = (step, span) {
                    self.life.learn_lively(&step, span);
                }
                self.follow_who_lies(at, frame);
            }
            Phase::Unknown | Phase::Empty | Phase::Settling { .. } | Phase::InBed { .. } | Phase::Leaving { .. } => {
                self.levels.pass(at);
            }
        }
    }

    fn follow_who_lies(&mut self, at: Moment, frame: &Frame) {
        let Some(pair) = self.levels.pair().copied() else { return };
        if self.signal.has_end() {
            return self.levels.follow_occupied(at, frame, self.signal.noise());
        }
        if self.bedfellow.holds(pair.share(frame)) {
            self.levels.pass(at);
        } else {
            self.levels.follow_occupied(at, frame, self.signal.noise());
        }
        if let Some(pair) = self.bedfellow.take(at, frame, &pair, self.levels.lain()) {
            self.levels.replace(pair);
            self.changed = true;
        }
    }

    /// Returns how much a lying person moves a zone, in the sensor's own unit, where that is known.
    pub(super) fn span(&self) -> Option<f64> {
        self.levels.pair().map(|pair| self.signal.span(pair))
    }
}

/// Returns the levels to start with, how they are learnt where they are unknown, and what is known of signs of life.
pub(super) fn starting_levels(
    settings: &Settings,
    signal: &Signal,
    memory: Option<&Memory>,
    now: Moment,
) -> (Levels, Option<Learning>, Life) {
    let life = Life::new(signal.zones());
    if settings.contact {
        return (Levels::new(None, Duration::ZERO, now), None, life);
    }
    // Levels that were followed since count more than those of the installation, as long as both are of the same mat.
    if let Some(learnt) = memory.and_then(|memory| memory.learnt_of(settings)) {
        let pair = learnt.pair();
        let mut levels = Levels::new(Some(&pair), learnt.lain(), now);
        levels.set_moving(zero_moves(settings, signal, &pair));
        return (levels, Some(beside(signal, &pair)), life);
    }
    let empty = settings.empty.as_deref().map(|given| signal.levels(given));
    let lying = settings.empty.as_deref().zip(settings.occupied.as_deref());
    let occupied = lying.map(|(empty, lying)| signal.lying(empty, lying));
    let given = empty.zip(occupied).map(|(empty, occupied)| Pair { empty, occupied });
    let mut levels = Levels::new(given.as_ref(), Duration::ZERO, now);
    levels.set_moving(given.is_some_and(|pair| zero_moves(settings, signal, &pair)));
    let upwards = |empty: signal::Zones| empty.map(|load| signal.upwards(load));
    let learning = match levels.pair() {
        None => Some(Learning::new(empty.map(upwards))),
        Some(pair) => Some(beside(signal, pair)),
    };
    (levels, learning, life)
}

/// Returns the learning that goes on beside known levels: where empty lies, on a sensor whose zero moves; else whether the
/// mat feels as much of her as they say.
fn beside(signal: &Signal, pair: &Pair) -> Learning {
    if signal.has_end() { Learning::new(None) } else { Learning::with_span(pair.span()) }
}

/// Tells whether the sensor's zero may move, as that of an absolute pressure does with the weather: it has no end where it
/// would stay, and was measured long ago, or most of the value is its own.
fn zero_moves(settings: &Settings, signal: &Signal, pair: &Pair) -> bool {
    let measured = settings.empty.is_some() && settings.occupied.is_some();
    let own = pair.empty.iter().sum::<f64>().abs();
    !signal.has_end() && (measured || pair.span() < OWN_SHARE * own)
}
