//! Whether the empty level has moved so far that the mat can no longer show a person safely.
//!
//! A weight that was left on the mat, a crushed foam or a leaking bladder leaves less of the range for her. Compares what
//! she would make of the value where the empty level lies now with what she made of it where it lay when it became known.

use std::time::Duration;

use super::Detector;
use super::levels::Pair;
use super::signal::{Signal, Zones};
use crate::model::{MatFault, Moment};

/// Less than this share of a person is left: what remains lies below the share at which somebody is seen at all (0.35).
const DRIFTED_SHARE: f64 = 0.3;

/// The mat is right again when this share is left.
const BACK_SHARE: f64 = 0.4;

/// And for this long: foam, bladders and weather take hours, and a level that was never right is corrected in minutes.
const STANDS: Duration = Duration::from_secs(600);

/// Where the empty level lay, as loads, when it became known.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Drift {
    known: Option<Zones>,
    /// Since when too little is left.
    since: Option<Moment>,
}

/// What the mat shows of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shows {
    Enough,
    Less,
    TooLittle,
}

impl Drift {
    /// Forgets where the empty level lay: it is learnt anew.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    fn shows(&mut self, pair: &Pair, signal: &Signal) -> Shows {
        let known = *self.known.get_or_insert(pair.empty);
        let mut occupied = known;
        for (level, (occupied, empty)) in occupied.iter_mut().zip(pair.occupied.iter().zip(&pair.empty)) {
            *level += occupied - empty;
        }
        let (then, now) = (signal.span(&Pair { empty: known, occupied }), signal.span(pair));
        let risen = pair.empty.iter().sum::<f64>() > known.iter().sum::<f64>();
        if risen && now < then * DRIFTED_SHARE {
            Shows::TooLittle
        } else if now < then * BACK_SHARE {
            Shows::Less
        } else {
            Shows::Enough
        }
    }
}

impl Detector {
    /// Notices, while the bed is empty, that its level has drifted away, and that it is back.
    pub(super) fn watch_drift(&mut self, at: Moment) {
        let Some(pair) = self.levels.pair() else { return };
        let mut told = Vec::new();
        match self.drift.shows(pair, &self.signal) {
            Shows::TooLittle => {
                let since = *self.drift.since.get_or_insert(at);
                if at.since(since) >= STANDS {
                    self.faults.begun(MatFault::Drifted, since, self.now.moment, |each| told.push(each));
                }
            }
            Shows::Enough => {
                self.drift.since = None;
                self.faults.over(MatFault::Drifted, at, |each| told.push(each));
            }
            Shows::Less => self.drift.since = None,
        }
        self.tell_faults(told);
    }
}
