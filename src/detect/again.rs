//! Looks again at where empty lies on a sensor whose zero moves by itself: a pressure with the weather.
//!
//! How much a person moves the value is known there, and only that. Where the value at the first look is none that a
//! person or an empty bed could make, nothing is believed until a swing as large as a person tells; and a swing that the
//! levels contradict corrects them. Never looks at a sensor with a fixed end, whose zero stays.

use super::Detector;
use super::evidence::Because;
use super::learning::{Learning, Learnt};
use super::leaving::Leaving;
use super::levels::Pair;
use super::occupancy::{Change, Phase};
use crate::model::Moment;

/// Shares of a lying person that are believed at the first look. Nobody makes a mat lighter than empty, and the heaviest
/// resident (130 kg) makes 1.7 times of what the technician (75 kg) made; foam and weather of a day are in it.
const BELIEVED: (f64, f64) = (-0.35, 1.6);

/// A swing of this share of a lying person is no posture and no bag: the lightest resident (35 kg) makes 0.47 of what the
/// technician made.
pub(super) const LARGE_SHARE: f64 = 0.5;

impl Detector {
    /// Tells whether a share means nothing, because zero has moved since the levels became known.
    pub(super) fn is_unbelievable(&self, share: f64) -> bool {
        let unknown = matches!(self.occupancy.phase(), Phase::Unknown);
        unknown && !self.signal.has_end() && !(BELIEVED.0..=BELIEVED.1).contains(&share)
    }

    /// A swing that may be a person has come to rest: where that is news, levels and phase follow it.
    pub(super) fn look_again(&mut self, at: Moment, learnt: &Learnt) {
        let Some(learning) = &self.learning else { return };
        let Some(span) = learning.span().filter(|span| self.is_news(learnt, *span)) else {
            return;
        };
        let pair =
            Pair { empty: self.signal.loads_of(&learnt.empty), occupied: self.signal.loads_of(&learnt.occupied) };
        self.learning = Some(Learning::with_span(span));
        self.levels.set(Some(&pair), at);
        self.drift.forget();
        self.changed = true;
        let (empty, occupied) = (learnt.empty.iter().sum(), learnt.occupied.iter().sum());
        self.remark(Because::Learnt { empty, occupied });
        if learnt.is_occupied {
            let (since, readings) = (learnt.swing_at, 2);
            self.occupancy.set_phase(Phase::Settling { since, readings, dip: None, from_unknown: false });
        } else {
            self.has_left(learnt);
        }
    }

    /// Tells whether a swing contradicts what is taken for known.
    fn is_news(&self, learnt: &Learnt, span: f64) -> bool {
        let large = learnt.swing() >= LARGE_SHARE * span;
        match (learnt.is_occupied, self.occupancy.phase()) {
            (_, Phase::Unknown) => large || learnt.sure,
            // Nothing moves there any more, and zero was never seen.
            (false, Phase::InBed { .. }) => large && learnt.sure && !self.levels.is_confirmed(),
            (true, _) | (false, Phase::Empty | Phase::Settling { .. } | Phase::Leaving { .. }) => false,
        }
    }

    /// She lay there before the swing, and it was her leaving.
    pub(super) fn has_left(&mut self, learnt: &Learnt) {
        let since = match self.occupancy.phase() {
            Phase::InBed { since, .. } => since,
            Phase::Unknown | Phase::Empty | Phase::Settling { .. } | Phase::Leaving { .. } => {
                self.on_change(Change::Settled { at: learnt.before_since });
                learnt.before_since
            }
        };
        let gone = learnt.swing_at;
        let mut leaving = Leaving::new(gone, 0.0, false);
        // A plateau is many readings.
        leaving.readings = 2;
        self.occupancy.set_phase(Phase::Leaving { since, seen: gone, leaving });
    }
}
