//! A bed that staff have paused: nothing that happens meanwhile is told, but for faults of the mat.
//!
//! A pause ends by itself: at its time, or sooner when the resident has lain down again, where that was wished. No name is
//! kept of who paused.

use std::time::Duration;

use jiff::Timestamp;

use super::Detector;
use super::absence::Absence;
use super::evidence::Because;
use super::memory::PauseMemory;
use super::occupancy::Phase;
use super::rules::{LOST_START, Rules, Unknown, event};
use super::settings::Settings;
use crate::model::event::ResumeReason;
use crate::model::{Event, Kind, Moment, Now};

/// The longest pause: a shift of staff.
pub const PAUSE_MAX: Duration = Duration::from_secs(12 * 3600);

/// The bed is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pause {
    /// Since when; of several in a row the first.
    pub from: Moment,
    /// Until when at most.
    pub until: Moment,
    /// Whether it ends as soon as somebody has lain down again.
    pub until_return: bool,
    /// Whether the bed had not been seen for a while when it began: what is found then may have happened before it.
    pub unseen: bool,
}

impl Detector {
    /// Staff pause the bed from `now` on, for at most [`PAUSE_MAX`]; returns until when. Paused already, it counts anew.
    pub fn on_pause(&mut self, length: Duration, until_return: bool, now: Now) -> Moment {
        self.on_deadline(now);
        let until = self.now.moment + length.min(PAUSE_MAX);
        let paused = self.rules.pause(&self.settings, until, until_return, self.gap, &self.now);
        self.tell(paused, Because::Asked);
        self.changed = true;
        until
    }

    /// Staff end the pause; tells whether there was one.
    pub fn on_resume(&mut self, now: Now) -> bool {
        self.on_deadline(now);
        self.end_pause(ResumeReason::Command)
    }

    /// Returns until when at most the bed is paused.
    #[must_use]
    pub fn paused_until(&self) -> Option<Moment> {
        self.rules.paused().map(|pause| pause.until)
    }

    /// Somebody has lain down: that ends a pause that was to last until then.
    pub(super) fn end_pause_at_return(&mut self) {
        if self.rules.paused().is_some_and(|pause| pause.until_return) {
            self.end_pause(ResumeReason::Return);
        }
    }

    fn end_pause(&mut self, reason: ResumeReason) -> bool {
        let (phase, now) = (self.occupancy.phase(), self.now);
        let Some(resumed) = self.rules.resume(&self.settings, reason, phase, &now) else { return false };
        self.tell(resumed, Because::Asked);
        self.changed = true;
        true
    }
}

impl Rules {
    /// Begins a pause, or changes the one that there is.
    fn pause(&mut self, settings: &Settings, until: Moment, until_return: bool, gap: bool, now: &Now) -> Event {
        let kind = Kind::Paused { until: now.utc_of(until) };
        let paused = event(settings, kind, now.utc, None, now);
        let (from, unseen) = self.pause.map_or((now.moment, gap), |pause| (pause.from, pause.unseen));
        self.pause = Some(Pause { from, until, until_return, unseen });
        self.release_daily(until);
        paused
    }

    /// Ends the pause, where there is one. An empty bed is away from now on: the time allowed begins anew.
    pub(super) fn resume(
        &mut self,
        settings: &Settings,
        reason: ResumeReason,
        phase: Phase,
        now: &Now,
    ) -> Option<Event> {
        self.pause.take()?;
        let occupied = matches!(phase, Phase::InBed { .. } | Phase::Leaving { .. });
        let resumed = event(settings, Kind::Resumed { reason, occupied }, now.utc, None, now);
        match phase {
            Phase::InBed { .. } | Phase::Leaving { .. } => {}
            // What it is found as is told like that of a bed whose state was lost.
            Phase::Unknown => self.unknown = Unknown::After(LOST_START),
            Phase::Empty | Phase::Settling { .. } => self.away_from_now(settings, resumed.watched, now),
        }
        self.release_daily(now.moment);
        Some(resumed)
    }

    /// Opens an absence, or lets the one that is open count from now. Where the watch is off, and was off when she left, it
    /// stays as it is.
    fn away_from_now(&mut self, settings: &Settings, watched: bool, now: &Now) {
        let before = self.absence;
        if watched || before.is_some_and(|absence| absence.watched) {
            let since = before.map_or(now.moment, |absence| absence.since);
            let told = before.is_some_and(|absence| absence.told);
            self.absence = Some(Absence::open(since, true, told, Some(now.moment), &settings.alarm));
        }
    }

    /// Ends the pause where its time has come.
    pub(super) fn pass_pause(&mut self, settings: &Settings, phase: Phase, now: &Now) -> Option<Event> {
        self.pause.filter(|pause| now.moment >= pause.until)?;
        self.resume(settings, ResumeReason::Time, phase, now)
    }

    /// Returns the pause, where there is one.
    pub(super) const fn paused(&self) -> Option<Pause> {
        self.pause
    }

    /// Makes an event of this bed; what happens in a pause is not watched, but for what began before it.
    pub(super) fn event(
        &self,
        settings: &Settings,
        kind: Kind,
        time: Timestamp,
        not_before: Option<Timestamp>,
        now: &Now,
    ) -> Event {
        let made = event(settings, kind, time, not_before, now);
        let Some(pause) = self.pause else { return made };
        let not_before = made.not_before.filter(|_| pause.unseen);
        let (first, from) = (not_before.unwrap_or(made.time), now.utc_of(pause.from));
        let before = first < from && (!now.trusted || settings.watch.is_on_between(first, from));
        Event { watched: made.watched && before, ..made }
    }

    /// Returns the pause, for what a restart must know.
    pub(super) fn pause_memory(&self, now: &Now) -> Option<PauseMemory> {
        let Pause { from, until, until_return, unseen } = self.pause?;
        Some(PauseMemory { from: now.utc_of(from), until: now.utc_of(until), until_return, unseen })
    }
}

impl PauseMemory {
    /// Brings a pause over a restart; it ends no later than it could have begun now.
    pub(super) fn restore(&self, present: &Now) -> Pause {
        let until = present.moment_of(self.until).min(present.moment + PAUSE_MAX);
        let from = present.moment_of(self.from).min(present.moment);
        Pause { from, until, until_return: self.until_return, unseen: self.unseen }
    }
}
