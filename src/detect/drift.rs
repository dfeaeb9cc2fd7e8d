//! Whether the empty level has moved so far that the mat can no longer show a person safely.
//!
//! A weight that was left on the mat, a crushed foam or a leaking bladder leaves less of the range for her. Compares what
//! she would make of the value where the empty level lies now with what she made of it where it lay when it became known.

use std::time::Duration;

use super::Detector;
use super::levels::Pair;
use super::memory::Memory;
use super::settings::Settings;
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
    /// Starts with where the empty level lay when it became known: before a restart, or by the technician's measurement.
    pub(super) fn new(settings: &Settings, signal: &Signal, memory: Option<&Memory>) -> Self {
        let remembered = memory.and_then(|memory| memory.learnt_of(settings)?.first_empty());
        // Where the sensor has no end, what was measured says by how much a person moves the value, not where zero lies.
        let given = settings.empty.as_ref().filter(|_| settings.occupied.is_some() && signal.has_end());
        Self { known: remembered.or_else(|| Some(signal.levels(given?))), since: None }
    }

    /// Returns where the empty level lay when it became known.
    pub(super) fn known(&self) -> Option<&Zones> {
        self.known.as_ref()
    }

    /// Forgets where the empty level lay: it is learnt anew.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    fn shows(known: Zones, pair: &Pair, signal: &Signal) -> Shows {
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
        self.changed |= self.drift.known.is_none();
        let known = *self.drift.known.get_or_insert(pair.empty);
        let mut told = Vec::new();
        match Drift::shows(known, pair, &self.signal) {
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
