//! Given levels that do not fit who lies there: who measured lay in the middle of the mat, and she lies at its rim; or the
//! mat has aged, or its empty level has moved, since.
//!
//! By such levels she looks like a bag in an empty bed, or an empty bed like her, and her rises are never seen. So until
//! somebody has proven them, a mat with a known range is looked at as if nobody had measured it. A load that would be a
//! person there is one, once it has stayed for longer than a carer or a cat does; a swing of her size to a mat that moves
//! less is her leaving, and one to a mat that moves more, or that had lain still for longer than a sleeper does, is her
//! coming to a bed that was never occupied. Never looks at a sensor without a range: a scale feels who lies there wherever
//! she lies, and zeros that move are the matter of `again.rs`.

use std::time::Duration;

use super::Detector;
use super::again::LARGE_SHARE;
use super::evidence::Because;
use super::following::CAT_OF_RANGE;
use super::learning::{Learning, Learnt, PERSON_OF_SPAN};
use super::levels::Pair;
use super::occupancy::{ENTER_SHARE, Phase};
use super::signal::Frame;
use crate::model::Moment;

/// Levels are proven once somebody who was seen to come has been followed in bed for this long, or has left.
const PROVEN_AFTER: Duration = Duration::from_secs(600);

/// So long a load must stay that is less than the levels say: longer than a carer sits there, than sheets are changed.
const LESS_STAYS: Duration = Duration::from_secs(600);

/// A load of less than this share of the given one is a cat, wherever she lies.
const LESS_SHARE_MIN: f64 = 0.1;

/// So many readings in a row by which she lies there as measured are no glitch, on a mat that sends steadily.
const WHOLE_READINGS: u32 = 2;

/// Levels that are tried out in place of the measured ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trial {
    /// The levels that stand if what lies there is nobody.
    pub measured: Pair,
    /// How many readings in a row have shown somebody by these.
    whole: u32,
}

impl Detector {
    /// Tells whether the levels have been proven by somebody; once they have, they are.
    pub(super) fn are_levels_proven(&mut self) -> bool {
        self.proven |= self.occupancy.was_seen_to_come() && self.levels.lain() >= PROVEN_AFTER;
        self.proven && self.levels.pair().is_some()
    }

    /// Whoever lies there as the measured levels say is not looked for any longer: less was her sitting on the edge, or a
    /// bag that lay there before she came.
    pub(super) fn end_trial(&mut self, at: Moment, frame: &Frame) {
        if !self.occupancy.is_unsure() {
            return;
        }
        let least = if self.period.is_steady() { WHOLE_READINGS } else { 1 };
        let Some(trial) = &mut self.trial else { return };
        trial.whole = if trial.measured.share(frame) >= ENTER_SHARE { trial.whole + 1 } else { 0 };
        if trial.whole < least {
            return;
        }
        self.levels.set(Some(&trial.measured), at);
        self.trial = None;
        self.occupancy.set_unsure(None);
        self.occupancy.set_phase(Phase::settling(at, false));
    }

    /// A swing has come to rest that would be a person if nobody had measured the mat. `Learning` goes on.
    pub(super) fn feels_less(&mut self, at: Moment, learnt: &Learnt) {
        let Some(known) = self.levels.pair().copied().filter(|_| !learnt.falls) else { return };
        let pair =
            Pair { empty: self.signal.loads_of(&learnt.empty), occupied: self.signal.loads_of(&learnt.occupied) };
        let swing = learnt.swing();
        let zones = f64::from(u32::try_from(self.signal.zones()).unwrap_or(1));
        let of_person = swing / (self.signal.span(&known) * zones);
        let of_range = self.signal.of_range(swing).unwrap_or_default();
        let of_load = pair.span() / known.span();
        let comes = of_person >= PERSON_OF_SPAN.0 || (of_range >= CAT_OF_RANGE && of_load >= LESS_SHARE_MIN);
        let lasted = learnt.sure && learnt.swing_at.since(learnt.before_since) >= LESS_STAYS;
        let never_occupied =
            (lasted && of_person >= LARGE_SHARE) || (learnt.nobody_before && of_person >= PERSON_OF_SPAN.0);
        match (self.occupancy.phase(), learnt.is_occupied) {
            (Phase::Empty, true) if comes => {
                self.trial = Some(Trial { measured: known, whole: 0 });
                self.occupancy.set_unsure(Some(LESS_STAYS));
                self.comes(at, learnt, &pair);
            }
            (Phase::Empty, false) if lasted && of_person >= PERSON_OF_SPAN.0 => self.has_left_unseen(at, learnt, &pair),
            (Phase::InBed { .. }, false) if lasted && of_person >= LARGE_SHARE => {
                self.has_left_unseen(at, learnt, &pair);
            }
            // Nobody had lain there, and now she does.
            (Phase::InBed { .. }, true) if never_occupied && !self.occupancy.was_seen_to_come() => {
                self.learning = Some(Learning::new(None));
                self.comes(at, learnt, &pair);
            }
            (
                Phase::Unknown | Phase::Empty | Phase::Settling { .. } | Phase::InBed { .. } | Phase::Leaving { .. },
                _,
            ) => {}
        }
    }

    fn comes(&mut self, at: Moment, learnt: &Learnt, pair: &Pair) {
        self.take_levels(at, learnt, pair);
        let (since, readings) = (learnt.swing_at, 2);
        self.occupancy.set_phase(Phase::Settling { since, readings, dip: None, from_unknown: false });
    }

    fn has_left_unseen(&mut self, at: Moment, learnt: &Learnt, pair: &Pair) {
        self.learning = Some(Learning::new(None));
        self.take_levels(at, learnt, pair);
        self.has_left(learnt);
    }

    fn take_levels(&mut self, at: Moment, learnt: &Learnt, pair: &Pair) {
        self.levels.set(Some(pair), at);
        self.changed = true;
        let (empty, occupied) = (learnt.empty.iter().sum(), learnt.occupied.iter().sum());
        self.remark(Because::Learnt { empty, occupied });
    }
}
