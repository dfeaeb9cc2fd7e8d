//! How the gateway and its mats are: what status, the service manager and heartbeats tell.
//!
//! The health of mats, never who lies in bed.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::fault::{GatewayFault, MatFault};
use super::ids::BedId;

/// How one mat is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatHealth {
    /// Watching.
    Ok,
    /// Levels are not known yet.
    Learning,
    /// Staff paused the bed.
    Paused,
    /// Cannot be trusted.
    Fault(MatFault),
}

impl MatHealth {
    /// Returns the word that dispatch and status use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Learning => "learning",
            Self::Paused => "paused",
            Self::Fault(fault) => fault.as_str(),
        }
    }
}

impl fmt::Display for MatHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for MatHealth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for MatHealth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        match word.as_str() {
            "ok" => Ok(Self::Ok),
            "learning" => Ok(Self::Learning),
            "paused" => Ok(Self::Paused),
            fault => MatFault::from_word(fault)
                .map(Self::Fault)
                .ok_or_else(|| de::Error::custom(format!("unknown health {fault:?}"))),
        }
    }
}

/// How everything is: the payload of a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Health {
    /// Each bed's mat.
    pub mats: BTreeMap<BedId, MatHealth>,
    /// Open faults of the gateway itself.
    pub faults: Vec<GatewayFault>,
    /// How many alerts wait to be delivered.
    pub outbox: u64,
    /// Whether the wall clock is trusted.
    pub clock: ClockHealth,
    /// Whether no channel to dispatch works. For status only: whom a heartbeat reaches knows better.
    #[serde(skip)]
    pub dispatch_lost: bool,
    /// Whether mains is there; `None` where the machine cannot tell. For status only: a fault tells dispatch.
    #[serde(skip)]
    pub mains: Option<bool>,
}

/// Whether the wall clock is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockHealth {
    /// Synchronised, or said to be right.
    Trusted,
    /// Not known to be right: every bed is watched.
    #[default]
    Untrusted,
}
