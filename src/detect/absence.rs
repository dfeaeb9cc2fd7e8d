//! How long someone may be out of bed: from a rise to the return, with the reminders between.
//!
//! Works on moments; the window that decides about reminders is handed in as an answer.

use std::time::Duration;

use crate::model::Moment;

use super::settings::Alarm;

/// Reminders after which a bed that is always watched reminds less often.
const REMINDERS_MAX: u32 = 8;

/// How often it reminds from then on.
const REMINDS_SELDOM: Duration = Duration::from_secs(6 * 3600);

/// A rise this long before the window opens still counts from the opening …
pub(super) const BEFORE_OPENING_MAX: Duration = Duration::from_secs(2 * 3600);

/// … where she had been in bed at least this long.
pub(super) const STAY_MIN: Duration = Duration::from_secs(30 * 60);

/// Someone is out of bed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Absence {
    /// When it began.
    pub since: Moment,
    /// Whether the watch was on when it began, so that it is followed to its end.
    pub watched: bool,
    /// Whether anybody was told of it.
    pub told: bool,
    /// How many reminders have been told.
    pub reminders: u32,
    /// When the next reminder is due.
    pub due: Option<Moment>,
}

impl Absence {
    /// Opens an absence; the timer runs from `from` (the rise, or the opening of the window).
    pub(super) fn open(since: Moment, watched: bool, told: bool, from: Option<Moment>, alarm: &Alarm) -> Self {
        let due = from.zip(alarm.not_returned).map(|(from, allowed)| from + allowed);
        Self { since, watched, told, reminders: 0, due }
    }

    /// Takes note that a reminder was due. `repeats`: the watch is still on; `always`: it is never off.
    ///
    /// Those that a time without power has missed are not told one after the other: the next one lies after `now`.
    pub(super) fn reminded(&mut self, due: Moment, now: Moment, repeats: bool, always: bool, alarm: &Alarm) {
        self.reminders = self.reminders.saturating_add(1);
        let seldom = always && self.reminders > REMINDERS_MAX;
        let every = if seldom { REMINDS_SELDOM.max(alarm.repeat) } else { alarm.repeat };
        let missed = now.since(due).as_nanos() / every.as_nanos().max(1);
        let missed = u32::try_from(missed).unwrap_or(u32::MAX);
        self.due = repeats.then(|| due + every.saturating_mul(missed.saturating_add(1)));
    }
}
