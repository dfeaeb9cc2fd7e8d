//! Somebody of whom the mat feels far less than the given levels say: who measured lay in the middle of it, and she lies at
//! its rim; or it has aged since.
//!
//! By the given levels she would look like a bag in an empty bed, be followed as one, and never be seen to rise. So until
//! somebody has lain there as the levels say, a mat with a known range is looked at as if nobody had measured it, and a
//! load that would be a person there is one, once it has stayed for longer than a carer or a cat does. Never looks at a
//! sensor without a range: a scale feels who lies there wherever she lies.

use std::time::Duration;

use super::Detector;
use super::evidence::Because;
use super::following::CAT_OF_RANGE;
use super::learning::{Learning, Learnt};
use super::levels::Pair;
use super::occupancy::Phase;
use crate::model::Moment;

/// Levels are proven once somebody has been followed in bed for this long.
const PROVEN_AFTER: Duration = Duration::from_secs(600);

/// So long a load must stay that is less than the levels say: longer than a carer sits there, than sheets are changed.
const LESS_STAYS: Duration = Duration::from_secs(600);

/// A load of less than this share of the given one is a cat, wherever she lies.
const LESS_SHARE_MIN: f64 = 0.1;

impl Detector {
    /// Tells whether levels are known that nobody has proven yet.
    pub(super) fn are_levels_proven(&self) -> bool {
        self.levels.lain() >= PROVEN_AFTER
    }

    /// A swing has come to rest that would be a person if nobody had measured the mat. `Learning` goes on.
    pub(super) fn feels_less(&mut self, at: Moment, learnt: &Learnt) {
        let Some(known) = self.levels.pair().copied() else { return };
        let pair =
            Pair { empty: self.signal.loads_of(&learnt.empty), occupied: self.signal.loads_of(&learnt.occupied) };
        let swing = learnt.occupied.iter().sum::<f64>() - learnt.empty.iter().sum::<f64>();
        let small = self.signal.of_range(swing).is_none_or(|part| part < CAT_OF_RANGE);
        let is_empty = matches!(self.occupancy.phase(), Phase::Empty);
        let less = pair.span() < LESS_SHARE_MIN * known.span();
        if !learnt.is_occupied || learnt.falls || small || less || !is_empty {
            return;
        }
        self.measured = Some(known);
        self.learning = Some(Learning::new(None));
        self.levels.set(Some(&pair), at);
        self.changed = true;
        let (empty, occupied) = (learnt.empty.iter().sum(), learnt.occupied.iter().sum());
        self.remark(Because::Learnt { empty, occupied });
        self.occupancy.set_unsure(Some(LESS_STAYS));
        let (since, readings) = (learnt.swing_at, 2);
        self.occupancy.set_phase(Phase::Settling { since, readings, dip: None, from_unknown: false });
    }
}
