//! The rules of the watch: what a change of the bed, or the time alone, means and whether it is watched.
//!
//! Decides nothing about who is in bed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Start;
use super::absence::{Absence, BEFORE_OPENING_MAX, STAY_MIN};
use super::daily::Daily;
use super::memory::{AbsenceMemory, BedMemory, UnknownMemory};
use super::occupancy::{Change, Phase};
use super::pause::Pause;
use super::settings::Settings;
use crate::model::event::NotInBedReason;
use crate::model::{Event, Kind, Moment, Now, Watch};

/// On the very first start an empty bed is told as unknown after this long: the technician is still in the room.
const FIRST_START: Duration = Duration::from_secs(15 * 60);

/// A bed found empty after its state was lost is told after this long: as long as the latest rise takes.
pub(super) const LOST_START: Duration = super::leaving::CONFIRM_MAX;

/// How soon to look again where the bed is just changing.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Somebody who rose this shortly before the set time has been up.
const UP_WITHIN: SignedDuration = SignedDuration::from_hours(3);

/// The rules of one bed.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) absence: Option<Absence>,
    pub(super) pause: Option<Pause>,
    /// When a bed found empty, of which nothing was known, is to be told.
    pub(super) unknown: Unknown,
    not_in_bed: Option<Daily>,
    not_up: Option<Daily>,
    last_rise: Option<Timestamp>,
    /// Until when a reminder that is due waits, as somebody has just lain down.
    reminder_waits: Option<Moment>,
}

/// The one telling of a bed of which nothing was known.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unknown {
    /// Told this long after it was found empty.
    After(Duration),
    /// Told then.
    At(Moment),
    /// Told, or known.
    Done,
}

impl Rules {
    pub(super) fn new(settings: &Settings, start: &Start, now: &Now) -> Self {
        let (unknown, memory) = match start {
            Start::First => (Unknown::After(FIRST_START), None),
            Start::Lost => (Unknown::After(LOST_START), None),
            Start::Remembered(memory) => {
                let told = |unknown: UnknownMemory| unknown.restore(&memory.present(now));
                (memory.unknown.map_or(Unknown::After(LOST_START), told), Some(memory))
            }
        };
        let saved = memory.filter(|memory| memory.trusted).map(|memory| memory.saved);
        let daily = |time| Daily::new(time, &settings.zone, saved, now);
        Self {
            absence: memory.and_then(|memory| Some(memory.absence?.restore(&memory.present(now)))),
            pause: memory.and_then(|memory| Some(memory.pause?.restore(&memory.present(now)))),
            unknown,
            not_in_bed: settings.alarm.not_in_bed.map(daily),
            not_up: settings.alarm.not_up.map(daily),
            last_rise: memory.and_then(|memory| memory.last_rise_by(now)),
            reminder_waits: None,
        }
    }

    /// Returns since when somebody is out of bed.
    pub(super) fn out_since(&self) -> Option<Moment> {
        self.absence.as_ref().map(|absence| absence.since)
    }

    /// Returns the absence that is open, for what a restart must know.
    pub(super) fn absence(&self, now: &Now) -> Option<AbsenceMemory> {
        self.absence.map(|absence| AbsenceMemory {
            since: now.utc_of(absence.since),
            watched: absence.watched,
            told: absence.told,
            reminders: absence.reminders,
            due: absence.due.map(|due| now.utc_of(due)),
        })
    }

    /// Returns when an empty bed of which nothing was known is to be told, for what a restart must know.
    pub(super) fn unknown(&self, now: &Now) -> Option<UnknownMemory> {
        match self.unknown {
            Unknown::After(wait) => (wait > LOST_START).then_some(UnknownMemory::Unseen { wait_s: wait.as_secs() }),
            Unknown::At(at) => Some(UnknownMemory::Empty { due: now.utc_of(at) }),
            Unknown::Done => None,
        }
    }

    /// Tells whether the one telling of a bed of which nothing was known is over.
    pub(super) fn is_known(&self) -> bool {
        matches!(self.unknown, Unknown::Done)
    }

    /// Tells whether an absence is open.
    pub(super) fn is_absent(&self) -> bool {
        self.absence.is_some()
    }

    /// Returns when the open absence began.
    pub(super) fn absent_since(&self) -> Option<Moment> {
        self.absence.map(|absence| absence.since)
    }

    /// Returns when it is told next that the resident is not back; none where that is not to be told.
    pub(super) fn reminder(&self) -> Option<Moment> {
        self.absence.filter(|absence| absence.watched).and_then(|absence| absence.due)
    }

    /// Returns the last rise.
    pub(super) fn last_rise(&self) -> Option<Timestamp> {
        self.last_rise
    }

    /// Takes the last rise from before the start, where none was since.
    pub(super) fn recall_rise(&mut self, before: Option<Timestamp>) {
        self.last_rise = self.last_rise.or(before);
    }

    /// Returns when time alone will mean something.
    pub(super) fn due(&self) -> Option<Moment> {
        let unknown = match self.unknown {
            Unknown::At(at) => Some(at),
            Unknown::After(_) | Unknown::Done => None,
        };
        let waits = |due| self.reminder_waits.map_or(due, |until| until.max(due));
        // In a pause nobody is reminded; at its end the time allowed begins anew.
        let reminder = self.absence.filter(|_| self.pause.is_none()).and_then(|absence| absence.due).map(waits);
        let daily = [&self.not_in_bed, &self.not_up].into_iter().flatten().map(Daily::due).min();
        [unknown, reminder, daily, self.pause.map(|pause| pause.until)].into_iter().flatten().min()
    }

    /// The bed has changed.
    pub(super) fn on_change(&mut self, settings: &Settings, change: Change, gap: bool, now: &Now) -> Option<Event> {
        match change {
            Change::FoundEmpty { at } => {
                if let Unknown::After(wait) = self.unknown {
                    self.unknown = Unknown::At(at + wait);
                }
                None
            }
            Change::Settled { at } => {
                self.unknown = Unknown::Done;
                let time = now.utc_of(at);
                Some(match self.absence.take() {
                    Some(absence) => {
                        let back = self.event(settings, Kind::Return, time, None, now);
                        Event { watched: back.watched || absence.watched, ..back }
                    }
                    None => self.event(settings, Kind::InBed, time, None, now),
                })
            }
            Change::Left { at, seen, since, .. } => {
                self.unknown = Unknown::Done;
                Some(self.rise(settings, at, gap.then_some(seen), since, now))
            }
        }
    }

    fn rise(&mut self, settings: &Settings, at: Moment, seen: Option<Moment>, since: Moment, now: &Now) -> Event {
        let not_before = seen.map(|seen| now.utc_of(seen));
        let rise = self.event(settings, Kind::Rise, now.utc_of(at), not_before, now);
        let from = if rise.watched { Some(at) } else { opening_soon(settings, at, since, now) };
        let told = rise.watched && settings.alarm.rise;
        self.absence = Some(Absence::open(at, rise.watched, told, from, &settings.alarm));
        self.last_rise = Some(rise.time);
        rise
    }

    /// Time has passed; returns what that means.
    pub(super) fn pass(&mut self, settings: &Settings, phase: Phase, now: &Now) -> impl Iterator<Item = Event> + use<> {
        let resumed = self.pass_pause(settings, phase, now);
        let unknown = self.pass_unknown(settings, phase, now);
        let reminder = self.pass_reminder(settings, phase, now);
        let not_in_bed = self.pass_not_in_bed(settings, phase, now);
        let not_up = self.pass_not_up(settings, phase, now);
        [resumed, unknown, reminder, not_in_bed, not_up].into_iter().flatten()
    }

    fn pass_unknown(&mut self, settings: &Settings, phase: Phase, now: &Now) -> Option<Event> {
        let Unknown::At(at) = self.unknown else { return None };
        if now.moment < at {
            return None;
        }
        if matches!(phase, Phase::Settling { .. } | Phase::Unknown) {
            // Somebody may be there; that is known in a moment.
            self.unknown = Unknown::At(now.moment + LOOK_AGAIN);
            return None;
        }
        self.unknown = Unknown::Done;
        let found = self.event(settings, Kind::NotInBed(NotInBedReason::Unknown), now.utc_of(at), None, now);
        if !found.watched || self.absence.is_some() {
            return None;
        }
        self.absence = Some(Absence::open(at, true, true, Some(at), &settings.alarm));
        Some(found)
    }

    fn pass_reminder(&mut self, settings: &Settings, phase: Phase, now: &Now) -> Option<Event> {
        let absence = self.absence.as_mut().filter(|_| self.pause.is_none())?;
        let due = absence.due.filter(|due| now.moment >= *due)?;
        // Whoever came before the limit has settled within that time of it.
        if matches!(phase, Phase::Settling { .. }) && now.moment.since(due) < settings.settle {
            self.reminder_waits = Some(now.moment + LOOK_AGAIN);
            return None;
        }
        self.reminder_waits = None;
        let time = now.utc_of(due);
        let on = !now.trusted || settings.watch.is_on(time);
        let (first, belongs) = (absence.reminders == 0, absence.watched);
        // A clock that cannot be trusted keeps the watch on for as long as it lasts.
        let always = settings.watch == Watch::Always || !now.trusted;
        absence.reminded(due, now.moment, on, always, &settings.alarm);
        let told = on || (first && belongs);
        absence.watched |= told;
        absence.told |= told;
        let reminder = event(settings, Kind::NotReturned, time, None, now);
        told.then_some(Event { watched: true, ..reminder })
    }

    fn pass_not_in_bed(&mut self, settings: &Settings, phase: Phase, now: &Now) -> Option<Event> {
        let daily = self.not_in_bed.as_mut()?;
        let time = daily.pass(&settings.zone, now)?;
        if let Some(pause) = self.pause {
            // Whoever is still not in bed then is told then.
            daily.hold(time, pause.until);
            return None;
        }
        if matches!(phase, Phase::Settling { .. }) {
            daily.hold(time, now.moment + LOOK_AGAIN);
            return None;
        }
        let empty = matches!(phase, Phase::Empty | Phase::Unknown);
        if !empty || self.absence.is_some_and(|absence| absence.told) {
            return None;
        }
        // Told late, after a pause, it is not followed by a reminder in the same moment.
        let (at, from) = (now.moment_of(time), now.moment);
        self.absence = Some(Absence::open(at, true, true, Some(from), &settings.alarm));
        Some(event(settings, Kind::NotInBed(NotInBedReason::Time), time, None, now))
    }

    fn pass_not_up(&mut self, settings: &Settings, phase: Phase, now: &Now) -> Option<Event> {
        let daily = self.not_up.as_mut()?;
        let time = daily.pass(&settings.zone, now)?;
        if self.pause.is_some() {
            // Staff are with her.
            return None;
        }
        if matches!(phase, Phase::Leaving { .. }) {
            daily.hold(time, now.moment + LOOK_AGAIN);
            return None;
        }
        let in_bed = matches!(phase, Phase::InBed { .. });
        let been_up = self.last_rise.is_some_and(|rise| time.duration_since(rise) < UP_WITHIN);
        (in_bed && !been_up).then(|| event(settings, Kind::NotUp, time, None, now))
    }
}

impl Rules {
    /// What was put off until the end of a pause means something at `until` now.
    pub(super) fn release_daily(&mut self, until: Moment) {
        if let Some(daily) = &mut self.not_in_bed {
            daily.release(until);
        }
    }
}

/// Left the bed shortly before the window opens, after a while in it: the absence counts from the opening.
fn opening_soon(settings: &Settings, at: Moment, since: Moment, now: &Now) -> Option<Moment> {
    let opening = now.moment_of(settings.watch.next_opening(now.utc_of(at))?);
    (opening.since(at) <= BEFORE_OPENING_MAX && at.since(since) >= STAY_MIN).then_some(opening)
}

/// Makes an event of this bed, watched if the window was open at any moment of it or the clock cannot be trusted.
pub(super) fn event(
    settings: &Settings,
    kind: Kind,
    time: Timestamp,
    not_before: Option<Timestamp>,
    now: &Now,
) -> Event {
    let not_before = not_before.map(|before| before.min(time));
    let watched = !now.trusted || settings.watch.is_on_between(not_before.unwrap_or(time), now.utc);
    Event {
        time,
        decided: now.utc,
        not_before,
        bed: Some(settings.bed),
        watched,
        trusted: now.trusted,
        kind,
        zone: None,
        detail: None,
        folded: None,
    }
}

impl AbsenceMemory {
    /// Brings an absence over a restart.
    pub(super) fn restore(&self, present: &Now) -> Absence {
        Absence {
            since: present.moment_of(self.since),
            watched: self.watched,
            told: self.told,
            reminders: self.reminders,
            due: self.due.map(|due| present.moment_of(due)),
        }
    }
}

impl UnknownMemory {
    /// Brings it over a restart; `present` is now beside the times in here. The bed is looked at before it is told, and a
    /// clock that was set holds nothing up.
    fn restore(&self, present: &Now) -> Unknown {
        match *self {
            Self::Unseen { wait_s } => Unknown::After(Duration::from_secs(wait_s).clamp(LOST_START, FIRST_START)),
            Self::Empty { due } => {
                let due = present.moment_of(due);
                Unknown::At(due.clamp(present.moment + LOST_START, present.moment + FIRST_START))
            }
        }
    }
}

impl BedMemory {
    /// Says in UTC what the bed is doing.
    pub(super) fn of(phase: Phase, now: &Now) -> Self {
        match phase {
            Phase::Unknown => Self::Unknown,
            Phase::Empty | Phase::Settling { .. } => Self::Empty,
            Phase::InBed { since, seen } | Phase::Leaving { since, seen, .. } => {
                Self::InBed { since: now.utc_of(since), seen: now.utc_of(seen) }
            }
        }
    }

    /// Returns the phase to go on with.
    pub(super) fn phase(&self, present: &Now) -> Phase {
        let moment = |utc| present.moment_of(utc).min(present.moment);
        match *self {
            Self::Unknown => Phase::Unknown,
            Self::Empty => Phase::Empty,
            Self::InBed { since, seen } => Phase::InBed { since: moment(since), seen: moment(seen) },
        }
    }
}
