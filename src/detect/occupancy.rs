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
    },
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
            (Phase::Unknown, Occupied) => self.phase = Phase::Settling { since: at, dip: None, from_unknown: true },

            (Phase::Empty, Empty | NearlyEmpty | Between) => {}
            (Phase::Empty, Occupied) => self.phase = Phase::Settling { since: at, dip: None, from_unknown: false },

            (Phase::Settling { since, dip: None, from_unknown }, Empty | NearlyEmpty) => {
                self.phase = Phase::Settling { since, dip: Some(at), from_unknown };
            }
            (Phase::Settling { dip: Some(_), .. }, Empty | NearlyEmpty | Between) => {}
            (Phase::Settling { dip: None, .. }, Between) => {}
            (Phase::Settling { since, from_unknown, .. }, Occupied) => {
                self.phase = Phase::Settling { since, dip: None, from_unknown };
            }

            (Phase::InBed { since, seen }, Empty | NearlyEmpty) => {
                let partial = sight == NearlyEmpty;
                self.phase = Phase::Leaving { since, seen, gone: at, readings: 1, partial };
            }
            (Phase::InBed { since, .. }, Between | Occupied) => self.phase = Phase::InBed { since, seen: at },

            (Phase::Leaving { since, seen, gone, readings, .. }, Empty | NearlyEmpty) => {
                let partial = sight == NearlyEmpty;
                let readings = readings.saturating_add(1);
                self.phase = Phase::Leaving { since, seen, gone, readings, partial };
            }
            (Phase::Leaving { since, .. }, Between | Occupied) => self.phase = Phase::InBed { since, seen: at },
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
            Phase::Settling { since, dip: None, .. } if now >= since + self.settle => {
                self.phase = Phase::InBed { since, seen: now };
                Some(Change::Settled { at: since })
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
            Phase::Settling { since, dip: None, .. } => Some(since + self.settle),
            Phase::Leaving { .. } => self.leaving_due(),
            Phase::Unknown | Phase::Empty | Phase::InBed { .. } => None,
        }
    }

    /// A fall is sure after the confirmation time, and after a second reading where the mat sends steadily: a glitch
    /// before a pause of the line is no rise. The maximum decides all the same.
    fn leaving_due(&self) -> Option<Moment> {
        let Phase::Leaving { gone, readings, partial, .. } = self.phase else { return None };
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
