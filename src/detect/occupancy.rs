//! Who is in bed: the phases of one bed, driven by what is seen and by the time that passes.
//!
//! Knows nothing of schedules, absences or faults. Evidence comes in as a [`Sight`]; what changed goes out as a
//! [`Change`].

use std::time::Duration;

use super::settings::{Confirm, Settings};
use crate::model::Moment;

/// An unprepared fall that leaves nothing: a lift of the hips lasts half a second to two.
const CONFIRM_COMPLETE: Duration = Duration::from_millis(2_500);

/// A fall that leaves some load: a duvet or a foam that comes back slowly, but perhaps a limb.
const CONFIRM_PARTIAL: Duration = Duration::from_secs(5);

/// The latest decision, however thin the evidence: in doubt, alarm.
pub(super) const CONFIRM_MAX: Duration = Duration::from_secs(8);

/// A contact mat that chatters opens for seconds all the time; an opening held this long alarms all the same.
const CONFIRM_CHATTER: Duration = Duration::from_secs(60);

/// A load that stays between the thresholds this long after a fall is somebody; one that only touches them is noise.
const BETWEEN_MIN: Duration = Duration::from_secs(1);

/// Somebody who is lying down may lose contact this long and is still lying down.
const SETTLING_DIP_MAX: Duration = Duration::from_secs(1);

/// What the mat shows at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// Nobody lies there, and nothing is left on the mat.
    Empty,
    /// Nobody lies there, but some load is left, or the value is one that a fault could make too.
    NearlyEmpty,
    /// Between the two thresholds: says nothing new (hysteresis).
    Between,
    /// Somebody lies or sits there.
    Occupied,
}

/// What a bed is doing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Phase {
    /// Nothing is known.
    Unknown,
    /// Nobody is in bed.
    Empty,
    /// Load has come and has not lasted for `settle` yet.
    Settling {
        /// When the load came.
        since: Moment,
        /// How many readings have shown somebody since.
        readings: u32,
        /// Since when it is away again.
        dip: Option<Moment>,
        /// Whether nothing was known before.
        from_unknown: bool,
    },
    /// Somebody is in bed; the bed is armed.
    InBed {
        /// When the load came.
        since: Moment,
        /// The last moment that showed somebody.
        seen: Moment,
    },
    /// The load has gone and may come back.
    Leaving {
        /// When the load had come.
        since: Moment,
        /// The last moment that showed somebody.
        seen: Moment,
        /// The first moment that showed nobody.
        gone: Moment,
        /// How many readings have shown nobody since.
        readings: u32,
        /// Whether the latest of them left some load.
        partial: bool,
        /// Since when the load has been between the thresholds again.
        between: Option<Moment>,
    },
}

impl Phase {
    /// Load has come at `since`.
    pub(super) const fn settling(since: Moment, from_unknown: bool) -> Self {
        Self::Settling { since, readings: 1, dip: None, from_unknown }
    }
}

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Change {
    /// The bed is known to be empty, and nothing was known before.
    FoundEmpty {
        /// Since when.
        at: Moment,
    },
    /// Somebody has lain down and settled.
    Settled {
        /// When the load came.
        at: Moment,
    },
    /// Somebody has left for good.
    Left {
        /// When the load left.
        at: Moment,
        /// The last moment that showed somebody.
        seen: Moment,
        /// When the load had come.
        since: Moment,
    },
}

/// The phases of one bed.
#[derive(Debug, Clone)]
pub(super) struct Occupancy {
    phase: Phase,
    confirm: Confirm,
    settle: Duration,
    contact: bool,
    /// Whether the mat sends at a steady pace: then a second reading confirms the first.
    steady: bool,
    /// Whether the contact chatters.
    chatters: bool,
}

impl Occupancy {
    pub(super) fn new(settings: &Settings, phase: Phase) -> Self {
        Self {
            phase,
            confirm: settings.confirm,
            settle: settings.settle,
            contact: settings.contact,
            steady: false,
            chatters: false,
        }
    }

    /// Returns the phase.
    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// Puts the bed into a phase that learning or memory has told.
    pub(super) fn set_phase(&mut self, phase: Phase) {
        self.phase = phase;
    }

    /// Says how the mat behaves.
    pub(super) fn set_manner(&mut self, steady: bool, chatters: bool) {
        self.steady = steady;
        self.chatters = chatters && self.contact;
    }

    /// Takes what the mat shows at `at`.
    pub(super) fn see(&mut self, at: Moment, sight: Sight) -> Option<Change> {
        use Sight::{Between, Empty, NearlyEmpty, Occupied};
        match (self.phase, sight) {
            (Phase::Unknown, Empty | NearlyEmpty) => {
                self.phase = Phase::Empty;
                return Some(Change::FoundEmpty { at });
            }
            (Phase::Unknown, Between) => {}
            (Phase::Unknown, Occupied) => self.phase = Phase::settling(at, true),

            (Phase::Empty, Empty | NearlyEmpty | Between) => {}
            (Phase::Empty, Occupied) => self.phase = Phase::settling(at, false),

            (Phase::Settling { since, readings, dip: None, from_unknown }, Empty | NearlyEmpty) => {
                self.phase = Phase::Settling { since, readings, dip: Some(at), from_unknown };
            }
            (Phase::Settling { dip: Some(_), .. }, Empty | NearlyEmpty | Between) => {}
            (Phase::Settling { dip: None, .. }, Between) => {}
            (Phase::Settling { since, readings, from_unknown, .. }, Occupied) => {
                self.phase = Phase::Settling { since, readings: readings.saturating_add(1), dip: None, from_unknown };
            }

            (Phase::InBed { since, seen }, Empty | NearlyEmpty) => {
                let partial = sight == NearlyEmpty;
                self.phase = Phase::Leaving { since, seen, gone: at, readings: 1, partial, between: None };
            }
            (Phase::InBed { since, .. }, Between | Occupied) => self.phase = Phase::InBed { since, seen: at },

            (Phase::Leaving { since, seen, gone, readings, .. }, Empty | NearlyEmpty) => {
                let partial = sight == NearlyEmpty;
                let readings = readings.saturating_add(1);
                self.phase = Phase::Leaving { since, seen, gone, readings, partial, between: None };
            }
            (Phase::Leaving { since, seen, gone, readings, partial, between }, Between) => {
                let between = between.or(Some(at));
                self.phase = Phase::Leaving { since, seen, gone, readings, partial, between };
            }
            (Phase::Leaving { since, .. }, Occupied) => self.phase = Phase::InBed { since, seen: at },
        }
        self.pass(at)
    }

    /// Lets time pass without anything seen.
    pub(super) fn pass(&mut self, now: Moment) -> Option<Change> {
        match self.phase {
            Phase::Settling { dip: Some(dip), from_unknown, .. } if now >= dip + self.dip_max() => {
                self.phase = Phase::Empty;
                from_unknown.then_some(Change::FoundEmpty { at: dip })
            }
            Phase::Settling { since, .. } if self.settling_due().is_some_and(|due| now >= due) => {
                self.phase = Phase::InBed { since, seen: now };
                Some(Change::Settled { at: since })
            }
            Phase::Leaving { since, between: Some(between), .. } if now >= between + BETWEEN_MIN => {
                self.phase = Phase::InBed { since, seen: between };
                None
            }
            Phase::Leaving { since, seen, gone, .. } if self.leaving_due().is_some_and(|due| now >= due) => {
                self.phase = Phase::Empty;
                Some(Change::Left { at: gone, seen, since })
            }
            Phase::Unknown | Phase::Empty | Phase::Settling { .. } | Phase::InBed { .. } | Phase::Leaving { .. } => {
                None
            }
        }
    }

    /// Returns when time alone will change the phase.
    pub(super) fn due(&self) -> Option<Moment> {
        match self.phase {
            Phase::Settling { dip: Some(dip), .. } => Some(dip + self.dip_max()),
            Phase::Settling { dip: None, .. } => self.settling_due(),
            Phase::Leaving { between: Some(between), .. } => Some(between + BETWEEN_MIN),
            Phase::Leaving { between: None, .. } => self.leaving_due(),
            Phase::Unknown | Phase::Empty | Phase::InBed { .. } => None,
        }
    }

    /// The mat cannot be heard any more. Of a mat that sends steadily, a load that has not settled yet is forgotten: time
    /// alone must not make a return of it.
    pub(super) fn unheard(&mut self) {
        if let Phase::Settling { from_unknown, .. } = self.phase {
            if self.steady {
                self.phase = if from_unknown { Phase::Unknown } else { Phase::Empty };
            }
        }
    }

    /// Somebody has settled after `settle`, and after a second reading where the mat sends steadily: a glitch is nobody.
    fn settling_due(&self) -> Option<Moment> {
        let Phase::Settling { since, readings, dip: None, .. } = self.phase else { return None };
        let unconfirmed = self.steady && readings < 2 && !self.settle.is_zero();
        (!unconfirmed).then(|| since + self.settle)
    }

    /// A fall is sure after the confirmation time, and after a second reading where the mat sends steadily: a glitch
    /// before a pause of the line is no rise. The maximum decides all the same.
    fn leaving_due(&self) -> Option<Moment> {
        let Phase::Leaving { gone, readings, partial, between: None, .. } = self.phase else { return None };
        let confirm = self.confirm_time(partial);
        let unconfirmed = self.steady && readings < 2 && !confirm.is_zero();
        Some(gone + if unconfirmed { confirm.max(CONFIRM_MAX) } else { confirm })
    }

    fn confirm_time(&self, partial: bool) -> Duration {
        match self.confirm {
            Confirm::Fixed(time) if time.is_zero() => time,
            Confirm::Fixed(_) | Confirm::Auto if self.chatters => CONFIRM_CHATTER,
            Confirm::Fixed(time) => time,
            Confirm::Auto if partial => CONFIRM_PARTIAL,
            Confirm::Auto => CONFIRM_COMPLETE,
        }
    }

    fn dip_max(&self) -> Duration {
        SETTLING_DIP_MAX.min(self.settle)
    }
}
