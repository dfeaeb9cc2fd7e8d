//! What is written down of the past: an event, and whether and when dispatch took the alert that told of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::Event;
use super::ids::{AlertId, BedId};
use super::time::{millis, millis_option};

/// An entry of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Entry {
    /// When it was written, by a trusted clock.
    #[serde(with = "millis_option", default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Timestamp>,
    /// The alert that told of it; none: nobody was to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<AlertId>,
    /// What happened.
    pub event: Event,
    /// That dispatch has the alert; none of an alert: it still waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Acceptance>,
    /// What made the alert safe first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safe_by: Option<SafeBy>,
}

impl Entry {
    /// Makes an entry that says when it was written, where that is known.
    #[must_use]
    pub fn of_event(event: Event, kept: Option<Timestamp>) -> Self {
        Self { kept, id: None, event, accepted: None, safe_by: None }
    }

    /// Tells whether it is of this bed, where one is meant, and happened from `since` on and up to `until`.
    #[must_use]
    pub fn is_of(&self, bed: Option<&BedId>, since: Option<Timestamp>, until: Option<Timestamp>) -> bool {
        let time = self.event.time;
        bed.is_none_or(|bed| self.event.bed.as_ref() == Some(bed))
            && since.is_none_or(|since| since <= time)
            && until.is_none_or(|until| time <= until)
    }

    /// Makes the entry of an alert that still waits.
    #[must_use]
    pub fn waiting(alert: super::Alert) -> Self {
        Self { kept: None, id: Some(alert.id), event: alert.event, accepted: None, safe_by: None }
    }
}

/// Dispatch's word that it has an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Acceptance {
    /// The channel that accepted it; of several the last.
    pub channel: String,
    /// The receiver's own reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// When it was accepted.
    #[serde(with = "millis")]
    pub at: Timestamp,
}

/// What made an alert safe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SafeBy {
    /// It was on the medium.
    Medium,
    /// Dispatch had accepted it while the disk had not answered yet.
    Acceptance,
}
