//! What is known of the bed that is watched: its load of the last minute, how it stands, what has happened. PURE.

use std::collections::VecDeque;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::wire::zone;
use crate::cli::words::about;
use crate::control::protocol::Sight;
use crate::control::{Answer, Status};
use crate::model::{AlertId, BedId, Event};

/// How much of the past is shown.
pub(super) const SHOWN_S: i64 = 60;

/// The most sights that are held: a minute of them at the most frequent.
const SIGHTS_MAX: usize = 1_500;

/// The most happenings that are held.
const HAPPENINGS_MAX: usize = 50;

/// The most marks that are held.
const MARKS_MAX: usize = 20;

/// One thing that has happened.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Happening {
    pub at: Timestamp,
    pub words: String,
    /// The alert that is sent of it, and what became of that.
    pub alert: Option<AlertId>,
    pub delivery: String,
    /// Whether it is one that somebody must go for.
    pub urgent: bool,
}

/// What is shown over the curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// Nothing.
    Nothing,
    /// What the keys do.
    Help,
    /// For how long the bed is to be paused.
    Pause,
}

/// Everything that is shown.
#[derive(Debug)]
pub(super) struct Scene {
    pub bed: Option<BedId>,
    pub zone: TimeZone,
    /// The present, as the daemon's clock has it.
    pub now: Timestamp,
    pub sights: VecDeque<Sight>,
    pub status: Option<Status>,
    pub happenings: VecDeque<Happening>,
    pub marks: VecDeque<(u32, Timestamp)>,
    /// What is wrong with the connection.
    pub lost: Option<String>,
    pub over: Over,
    marked: u32,
}

impl Scene {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            bed: None,
            zone: TimeZone::UTC,
            now,
            sights: VecDeque::new(),
            status: None,
            happenings: VecDeque::new(),
            marks: VecDeque::new(),
            lost: None,
            over: Over::Nothing,
            marked: 0,
        }
    }

    /// Another bed is watched from now on; `None` leaves it to the daemon.
    pub(super) fn turn_to(&mut self, bed: Option<BedId>) {
        self.bed = bed;
        self.sights.clear();
        self.marks.clear();
        // They were the other one's.
        self.happenings.clear();
    }

    /// Takes what the daemon says.
    pub(super) fn take(&mut self, answer: Answer) {
        self.lost = None;
        match answer {
            Answer::Sight(sight) => {
                self.bed = Some(sight.bed);
                self.sights.push_back(sight);
                if self.sights.len() > SIGHTS_MAX {
                    self.sights.pop_front();
                }
            }
            Answer::Status(status) => {
                self.zone = zone(&status.time_zone);
                self.bed = self.bed.or_else(|| status.beds.first().map(|bed| bed.bed));
                self.status = Some(*status);
            }
            Answer::Event { event, alert } => self.happened(&event, alert),
            Answer::Accepted { alert, channel, at } => self.accepted(alert, &channel, at),
            Answer::Missed { count } => {
                self.note(&format!("{count} readings were not shown: the connection is too slow"));
            }
            // Not asked for here.
            Answer::Paused { .. }
            | Answer::Resumed { .. }
            | Answer::Proof { .. }
            | Answer::Configuration { .. }
            | Answer::Entry(_)
            | Answer::Unreadable { .. }
            | Answer::End {}
            | Answer::Reading { .. }
            | Answer::Silence {}
            | Answer::Test(_)
            | Answer::Error(_) => {}
        }
    }

    fn happened(&mut self, event: &Event, alert: Option<AlertId>) {
        let parts = [event.kind.as_str().to_owned(), about(event, &self.zone)];
        let words = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
        let delivery = match alert {
            Some(_) => "on its way".to_owned(),
            None if event.watched => "not told".to_owned(),
            None => "not told: not watched".to_owned(),
        };
        let urgent = alert.is_some() && event.kind.priority() == crate::model::Priority::Alarm;
        self.add(Happening { at: event.time, words, alert, delivery, urgent });
    }

    fn accepted(&mut self, alert: AlertId, channel: &str, at: Timestamp) {
        if let Some(happening) = self.happenings.iter_mut().find(|happening| happening.alert == Some(alert)) {
            let after = at.duration_since(happening.at).as_millis().max(0);
            happening.delivery = format!("{channel} has it after {}.{:03} s", after / 1000, after % 1000);
        }
    }

    /// Sets a mark now.
    pub(super) fn mark(&mut self) {
        self.marked += 1;
        self.marks.push_back((self.marked, self.now));
        if self.marks.len() > MARKS_MAX {
            self.marks.pop_front();
        }
        self.note(&format!("mark {}", self.marked));
    }

    /// Notes something of our own.
    pub(super) fn note(&mut self, words: &str) {
        let words = words.to_owned();
        self.add(Happening { at: self.now, words, alert: None, delivery: String::new(), urgent: false });
    }

    fn add(&mut self, happening: Happening) {
        self.happenings.push_back(happening);
        if self.happenings.len() > HAPPENINGS_MAX {
            self.happenings.pop_front();
        }
    }

    /// Returns the bed after the one that is watched, in the order of the configuration.
    pub(super) fn next_bed(&self) -> Option<BedId> {
        let beds = &self.status.as_ref()?.beds;
        let at = beds.iter().position(|bed| Some(bed.bed) == self.bed)?;
        beds.iter().cycle().nth(at + 1).map(|bed| bed.bed).filter(|bed| Some(*bed) != self.bed)
    }

    /// Returns how the bed that is watched stands.
    pub(super) fn standing(&self) -> Option<&crate::control::status::Bed> {
        self.status.as_ref()?.beds.iter().find(|bed| Some(bed.bed) == self.bed)
    }
}
