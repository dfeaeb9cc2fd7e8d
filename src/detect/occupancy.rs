//! Who is in bed: the phases of one bed, driven by what is seen and by the time that passes.
//!
//! Knows nothing of schedules, absences or faults. Evidence comes in as a [`Sight`]; what changed goes out as a
//! [`Change`].

use std::time::Duration;

use super::leaving::{BELOW_EMPTY, Leaving};
use super::life::Shows;
use super::settings::{Confirm, Settings};
use crate::model::Moment;

/// Load at or above this share of a lying person is somebody. Far below the 0.80 of a person on her side on a sheet
/// under the mattress (`PoPu` without its loose cell), above a cat (5 kg) and a folded duvet.
pub(super) const ENTER_SHARE: f64 = 0.35;

/// Load at or below this share may be nobody; what it takes to be sure is [`Leaving`]'s matter.
pub(super) const LEAVE_SHARE: f64 = 0.30;

/// A load that stays between the thresholds this long after a fall is somebody; one that only touches them is noise.
const BETWEEN_MIN: Duration = Duration::from_secs(1);

/// Somebody who is lying down may lose contact this long and is still lying down.
const SETTLING_DIP_MAX: Duration = Duration::from_secs(1);

/// A load below this share of what has lain there lately is somebody who has sat up or moved to the edge.
const PART_SHARE: f64 = 0.88;

/// For so long, so that it is not the beginning of the fall itself.
const PREPARED_AFTER: Duration = Duration::from_millis(1_200);

/// Where no sign of life is sure, little load that stays holds a rise back this long: longer than half of all sit on the
/// edge (UCI 427).
const HELD_MAX: Duration = Duration::from_secs(60);

/// Signs of life hold it back this long: it may be a cat that came when she left, and nobody may lie on the floor for it.
/// Longer than 95 % of all sits on the edge (104 s, UCI 427).
const HELD_ALIVE_MAX: Duration = Duration::from_secs(120);

/// How quickly what has lain there lately is followed.
const LATELY: Duration = Duration::from_secs(60);

/// Whoever was off the edge for longer than a glitch of a few readings lasts …
const TRIED_MIN: Duration = Duration::from_millis(400);

/// … and back within this time has tried to stand up and fallen back: such attempts last 0.6 to 2.2 s.
const TRIED_MAX: Duration = Duration::from_secs(3);

/// Whoever needs more than one attempt to stand up needs it the whole night.
const TRIES_FOR: Duration = Duration::from_secs(12 * 3600);

/// What the mat shows at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sight {
    /// The load as a share of a lying person.
    pub share: f64,
    /// Evidence of life since the last one, in nats.
    pub life: f64,
}

impl Sight {
    /// Nobody lies there, or hardly anything of her.
    pub(super) fn is_gone(self) -> bool {
        self.share <= LEAVE_SHARE
    }

    /// Somebody lies or sits there.
    pub(super) fn is_occupied(self) -> bool {
        self.share >= ENTER_SHARE
    }
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
        /// What is known about it.
        leaving: Leaving,
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
        /// The evidence.
        leaving: Leaving,
    },
}

/// The phases of one bed.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "four facts that do not depend on each other")]
pub(super) struct Occupancy {
    phase: Phase,
    confirm: Confirm,
    settle: Duration,
    contact: bool,
    /// Whether the mat sends at a steady pace: then a second reading confirms the first.
    steady: bool,
    /// How long a contact that chatters must be open.
    chatter: Option<Duration>,
    /// The share of who has lain there lately, as long as she lay there whole.
    lately: f64,
    /// Since when only a part of it is there.
    part: Option<Moment>,
    last: Moment,
    /// When she was last off the edge and fell back.
    tried: Option<Moment>,
    /// When she last left prepared, by what was told.
    left: Option<Moment>,
    /// Whether who is in bed was seen to come, and the bed was known to be empty before.
    came: bool,
    /// Whether nothing was seen for a while before the latest reading, on a mat whose zero may have moved meanwhile.
    unseen: bool,
    /// Whether the mat shows life.
    shows: Shows,
    /// How long somebody must lie there before it is sure that it is somebody, where that is longer than `settle`.
    unsure: Option<Duration>,
}

impl Occupancy {
    pub(super) fn new(settings: &Settings, phase: Phase, now: Moment) -> Self {
        Self {
            phase,
            confirm: settings.confirm,
            settle: settings.settle,
            contact: settings.contact,
            steady: false,
            chatter: None,
            lately: 1.0,
            part: None,
            last: now,
            tried: None,
            left: None,
            came: phase == Phase::Empty,
            unseen: false,
            shows: Shows::Nothing,
            unsure: None,
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

    /// Says how long what lies there now must stay to be a person, where it may be something else.
    pub(super) fn set_unsure(&mut self, stays: Option<Duration>) {
        self.unsure = stays;
    }

    /// Tells whether what lies there now may be something else than a person.
    pub(super) fn is_unsure(&self) -> bool {
        self.unsure.is_some()
    }

    /// Tells whether who was last in bed was seen to come.
    pub(super) fn was_seen_to_come(&self) -> bool {
        self.came
    }

    /// Returns the share of who has lain there lately.
    pub(super) fn lately(&self) -> f64 {
        self.lately
    }

    /// Tells whether only a part of who lay there is there.
    pub(super) fn is_part(&self) -> bool {
        self.part.is_some()
    }

    /// Says how the mat behaves.
    pub(super) fn set_manner(&mut self, steady: bool, chatter: Option<Duration>, shows: Shows) {
        self.shows = shows;
        self.steady = steady;
        self.chatter = chatter.filter(|_| self.contact);
    }

    /// Says whether nothing was seen before what the mat shows next, so that its zero may have moved.
    pub(super) fn set_unseen(&mut self, unseen: bool) {
        self.unseen = unseen;
    }

    /// Tells whether the load has gone unseen, so that the zero may have moved instead.
    pub(super) fn is_unseen(&self) -> bool {
        matches!(self.phase, Phase::Leaving { leaving, .. } if leaving.unseen)
    }

    /// Takes what the mat shows at `at`.
    pub(super) fn see(&mut self, at: Moment, sight: Sight) -> Option<Change> {
        let (gone, occupied) = (sight.is_gone(), sight.is_occupied());
        match self.phase {
            Phase::Unknown if gone => {
                self.phase = Phase::Empty;
                return Some(Change::FoundEmpty { at });
            }
            Phase::Unknown | Phase::Empty if occupied => {
                self.note_try(at, self.left);
                self.phase = Phase::settling(at, matches!(self.phase, Phase::Unknown));
            }
            Phase::Unknown | Phase::Empty => {}
            Phase::Settling { since, readings, dip, from_unknown } => {
                self.phase = if occupied {
                    Phase::Settling { since, readings: readings.saturating_add(1), dip: None, from_unknown }
                } else {
                    let dip = if gone { dip.or(Some(at)) } else { dip };
                    Phase::Settling { since, readings, dip, from_unknown }
                };
            }
            Phase::InBed { since, seen } if gone => {
                let mut leaving = Leaving::new(at, sight.share, self.is_prepared(at));
                leaving.tries = self.tries(at);
                leaving.unseen = self.unseen && (self.shows != Shows::Nothing || sight.share <= BELOW_EMPTY);
                self.phase = Phase::Leaving { since, seen, leaving };
            }
            Phase::InBed { since, .. } => {
                self.follow(at, sight.share);
                self.phase = Phase::InBed { since, seen: at };
            }
            Phase::Leaving { since, leaving, .. } if occupied => {
                self.note_try(at, Some(leaving.gone).filter(|_| leaving.looks_like_leaving()));
                self.phase = Phase::InBed { since, seen: at };
            }
            Phase::Leaving { since, seen, mut leaving } => {
                if gone {
                    if !self.steady {
                        // What a mat says that sends only on change stands until it says something else.
                        leaving.last = sight.share;
                    }
                    leaving.take(at, sight.share, sight.life);
                } else {
                    leaving.between = leaving.between.or(Some(at));
                }
                self.phase = Phase::Leaving { since, seen, leaving };
            }
        }
        self.pass(at)
    }

    /// Follows who lies there, and since when only a part of her does.
    fn follow(&mut self, at: Moment, share: f64) {
        let passed = at.since(self.last);
        self.last = at;
        if share < PART_SHARE * self.lately {
            self.part = self.part.or(Some(at));
        } else {
            self.part = None;
        }
        let part = (passed.as_secs_f64() / LATELY.as_secs_f64()).min(1.0);
        self.lately += (share - self.lately) * part;
    }

    /// Notes that she is back who had gone from the edge: she has tried to stand up.
    fn note_try(&mut self, at: Moment, gone: Option<Moment>) {
        self.left = None;
        if gone.is_some_and(|gone| (TRIED_MIN..=TRIED_MAX).contains(&at.since(gone))) {
            self.tried = Some(at);
        }
    }

    /// Tells whether she is known to need more than one attempt to stand up.
    fn tries(&self, at: Moment) -> bool {
        self.tried.is_some_and(|tried| at.since(tried) <= TRIES_FOR)
    }

    fn is_prepared(&self, at: Moment) -> bool {
        self.part.is_some_and(|since| at.since(since) >= PREPARED_AFTER)
    }

    /// Lets time pass without anything seen.
    pub(super) fn pass(&mut self, now: Moment) -> Option<Change> {
        match self.phase {
            Phase::Settling { dip: Some(dip), from_unknown, .. } if now >= dip + self.dip_max() => {
                self.phase = Phase::Empty;
                from_unknown.then_some(Change::FoundEmpty { at: dip })
            }
            Phase::Settling { since, from_unknown, .. } if self.settling_due().is_some_and(|due| now >= due) => {
                self.phase = Phase::InBed { since, seen: now };
                self.unsure = None;
                self.came = !from_unknown;
                (self.lately, self.part, self.last) = (1.0, None, now);
                Some(Change::Settled { at: since })
            }
            Phase::Leaving { since, leaving: Leaving { between: Some(between), .. }, .. }
                if now >= between + BETWEEN_MIN =>
            {
                self.phase = Phase::InBed { since, seen: between };
                None
            }
            Phase::Leaving { since, seen, leaving } if self.leaving_due().is_some_and(|due| now >= due) => {
                self.phase = Phase::Empty;
                self.part = None;
                self.left = Some(leaving.gone).filter(|_| leaving.looks_like_leaving());
                Some(Change::Left { at: leaving.gone, seen, since, leaving })
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
            Phase::Leaving { leaving: Leaving { between: Some(between), .. }, .. } => Some(between + BETWEEN_MIN),
            Phase::Leaving { leaving: Leaving { between: None, .. }, .. } => self.leaving_due(),
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
        (!unconfirmed).then(|| since + self.unsure.unwrap_or(self.settle))
    }

    fn leaving_due(&self) -> Option<Moment> {
        let Phase::Leaving { leaving, .. } = self.phase else { return None };
        let due = leaving.due(self.confirm, self.contact, self.chatter, self.steady);
        if self.contact || self.confirm == Confirm::Fixed(Duration::ZERO) || !leaving.is_somebody() {
            return (self.contact || leaving.between.is_none()).then_some(due);
        }
        match self.shows {
            Shows::Life if leaving.life > 0.0 => leaving.is_little().then(|| leaving.gone + HELD_ALIVE_MAX),
            Shows::Nothing | Shows::Perhaps | Shows::Life => leaving.is_little().then(|| leaving.gone + HELD_MAX),
        }
    }

    fn dip_max(&self) -> Duration {
        SETTLING_DIP_MAX.min(self.settle)
    }
}
