//! Given levels that do not fit who lies there: who measured lay in the middle of the mat, and she lies at its rim; or the
//! mat has aged, or its empty level has moved, since.
//!
//! By such levels she looks like a bag in an empty bed, or an empty bed like her, and her rises are never seen. So until
//! somebody has proven them, a mat with a known range is looked at as if nobody had measured it. A load that would be a
//! person there is one, once it has stayed for longer than a carer or a cat does; and a swing of her size to a mat that
//! moves less is her leaving. Never looks at a sensor without a range: a scale feels who lies there wherever she lies, and
//! zeros that move are the matter of `again.rs`.

use std::time::Duration;

use super::Detector;
use super::again::LARGE_SHARE;
use super::evidence::Because;
use super::following::CAT_OF_RANGE;
use super::learning::{Learning, Learnt, PERSON_OF_SPAN};
use super::levels::Pair;
use super::occupancy::Phase;
use crate::model::Moment;

/// Levels are proven once somebody who was seen to come has been followed in bed for this long, or has left.
const PROVEN_AFTER: Duration = Duration::from_secs(600);

/// So long a load must stay that is less than the levels say: longer than a carer sits there, than sheets are changed.
const LESS_STAYS: Duration = Duration::from_secs(600);

/// A load of less than this share of the given one is a cat, wherever she lies.
const LESS_SHARE_MIN: f64 = 0.1;

impl Detector {
    /// Tells whether the levels have been proven by somebody.
    pub(super) fn are_levels_proven(&self) -> bool {
        self.levels.is_confirmed() || (self.occupancy.was_seen_to_come() && self.levels.lain() >= PROVEN_AFTER)
    }

    /// A swing has come to rest that would be a person if nobody had measured the mat. `Learning` goes on.
    pub(super) fn feels_less(&mut self, at: Moment, learnt: &Learnt) {
        let Some(known) = self.levels.pair().copied().filter(|_| !learnt.falls) else { return };
        let pair =
            Pair { empty: self.signal.loads_of(&learnt.empty), occupied: self.signal.loads_of(&learnt.occupied) };
        let swing = learnt.occupied.iter().sum::<f64>() - learnt.empty.iter().sum::<f64>();
        let zones = f64::from(u32::try_from(self.signal.zones()).unwrap_or(1));
        let of_person = swing / (self.signal.span(&known) * zones);
        let of_range = self.signal.of_range(swing).unwrap_or_default();
        let of_load = pair.span() / known.span();
        let comes = of_person >= PERSON_OF_SPAN.0 || (of_range >= CAT_OF_RANGE && of_load >= LESS_SHARE_MIN);
        let lay = learnt.sure && learnt.swing_at.since(learnt.before_since) >= LESS_STAYS;
        match (self.occupancy.phase(), learnt.is_occupied) {
            (Phase::Empty, true) if comes => {
                self.measured = Some(known);
                self.take_levels(at, learnt, &pair);
                self.occupancy.set_unsure(Some(LESS_STAYS));
                let (since, readings) = (learnt.swing_at, 2);
                self.occupancy.set_phase(Phase::Settling { since, readings, dip: None, from_unknown: false });
            }
            (Phase::Empty, false) if lay && of_person >= PERSON_OF_SPAN.0 => {
                self.take_levels(at, learnt, &pair);
                self.has_left(learnt);
            }
            (Phase::InBed { .. }, false) if lay && of_person >= LARGE_SHARE => {
                self.take_levels(at, learnt, &pair);
                self.has_left(learnt);
            }
            (
                Phase::Unknown | Phase::Empty | Phase::Settling { .. } | Phase::InBed { .. } | Phase::Leaving { .. },
                _,
            ) => {}
        }
    }

    fn take_levels(&mut self, at: Moment, learnt: &Learnt, pair: &Pair) {
        self.learning = Some(Learning::new(None));
        self.levels.set(Some(pair), at);
        self.changed = true;
        let (empty, occupied) = (learnt.empty.iter().sum(), learnt.occupied.iter().sum());
        self.remark(Because::Learnt { empty, occupied });
    }
}
