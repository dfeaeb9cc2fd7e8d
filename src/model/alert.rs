//! What dispatch is told: an event with an id, a number, a priority and a text.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::event::{Event, Kind};
use super::ids::AlertId;

/// How urgent an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// To know.
    Info,
    /// To look at soon.
    Warning,
    /// Somebody must go.
    Alarm,
}

impl Priority {
    /// Returns the word that dispatch gets.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Alarm => "alarm",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Kind {
    /// Returns the contract's priority of this kind, as long as nothing has ended it.
    #[must_use]
    pub const fn priority(&self) -> Priority {
        match self {
            Self::Rise | Self::NotReturned | Self::NotInBed(_) | Self::NotUp => Priority::Alarm,
            Self::Edge | Self::SensorFault(_) | Self::GatewayFault(_) => Priority::Warning,
            Self::InBed
            | Self::Return
            | Self::SensorRestored(_)
            | Self::GatewayRestored(_)
            | Self::Paused { .. }
            | Self::Resumed { .. }
            | Self::Started { .. }
            | Self::Heartbeat(_)
            | Self::Test => Priority::Info,
        }
    }

    /// Tells whether it is the beginning or the end of a fault.
    #[must_use]
    pub const fn is_of_fault(&self) -> bool {
        matches!(
            self,
            Self::SensorFault(_) | Self::SensorRestored(_) | Self::GatewayFault(_) | Self::GatewayRestored(_)
        )
    }

    /// Tells whether a known `return` turns an alert of this kind into information.
    #[must_use]
    pub const fn is_ended_by_return(&self) -> bool {
        matches!(self, Self::Rise | Self::Edge | Self::NotReturned | Self::NotInBed(_))
    }
}

/// The number of an alert, one counter a gateway; never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub u64);

impl fmt::Display for Sequence {
    /// Writes sixteen digits, so that the text sorts as the number does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016}", self.0)
    }
}

/// One alert, from being raised to being delivered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Its id: the same in every attempt.
    pub id: AlertId,
    /// Its number: the same in every attempt.
    pub sequence: Sequence,
    /// What happened.
    pub event: Event,
    /// How urgent it was when it was raised.
    pub priority: Priority,
    /// What staff read, at most 32 characters, in the gateway's language.
    pub text: String,
    /// All alerts that this one ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closes: Vec<AlertId>,
}
