//! The events of a picture: a bounded number, the urgent ones first. PURE.

use jiff::Timestamp;

use crate::model::{Event, Kind, Priority};

/// The most events that one picture shows: as many as fit on a sheet of paper below the curve.
const MARKS_MAX: usize = 40;

/// One event, as the picture shows it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    /// When it happened.
    pub time: Timestamp,
    /// The last moment seen in bed, where nothing was seen for a while.
    pub not_before: Option<Timestamp>,
    /// What happened.
    pub kind: Kind,
    /// Whether the watch was on.
    pub watched: bool,
}

impl Mark {
    /// Returns how urgent it is: outside the watch nobody was called.
    pub(super) fn priority(&self) -> Priority {
        let is_fault = matches!(self.kind, Kind::SensorFault(_));
        if self.watched || is_fault { self.kind.priority() } else { Priority::Info }
    }
}

/// The events of a picture.
#[derive(Debug, Default)]
pub(super) struct Marks {
    kept: Vec<Mark>,
    left_out: u64,
}

impl Marks {
    /// Takes an event. Where there are too many, the last of the least urgent ones is left out.
    pub(super) fn take(&mut self, event: &Event) {
        let mark =
            Mark { time: event.time, not_before: event.not_before, kind: event.kind.clone(), watched: event.watched };
        self.kept.push(mark);
        if self.kept.len() > MARKS_MAX {
            self.left_out += 1;
            let least = self.kept.iter().map(Mark::priority).min();
            if let Some(place) = self.kept.iter().rposition(|mark| Some(mark.priority()) == least) {
                self.kept.remove(place);
            }
        }
    }

    /// Returns those that are shown, in order of time.
    pub(super) fn in_order(&self) -> Vec<&Mark> {
        let mut marks: Vec<&Mark> = self.kept.iter().collect();
        marks.sort_by_key(|mark| mark.time);
        marks
    }

    /// Returns how many are not shown.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }
}
