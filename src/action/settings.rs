//! Which action is for what: checked settings, made by `config`.

use crate::model::fault::words;
use crate::model::{BedId, Kind};

words! {
    /// What an action may be for: the contract's kinds, and the way out as a whole.
    Trigger {
        /// Someone has lain down.
        InBed = "in-bed",
        /// Sits on the edge.
        Edge = "edge",
        /// Has left the bed.
        Rise = "rise",
        /// Is back.
        Return = "return",
        /// Out of bed longer than allowed.
        NotReturned = "not-returned",
        /// Not in bed by the set time, or nothing is known.
        NotInBed = "not-in-bed",
        /// In bed at the time set for being up.
        NotUp = "not-up",
        /// A mat cannot be trusted.
        SensorFault = "sensor-fault",
        /// It can be trusted again.
        SensorRestored = "sensor-restored",
        /// Something is wrong with the gateway.
        GatewayFault = "gateway-fault",
        /// That is over.
        GatewayRestored = "gateway-restored",
        /// No channel to dispatch works.
        DispatchLost = "dispatch-lost",
        /// One works again.
        DispatchBack = "dispatch-back",
    }
}

impl Trigger {
    /// Returns what an event of this kind sets off; `None` for what is about nobody.
    #[must_use]
    pub const fn of(kind: &Kind) -> Option<Self> {
        match kind {
            Kind::InBed => Some(Self::InBed),
            Kind::Edge => Some(Self::Edge),
            Kind::Rise => Some(Self::Rise),
            Kind::Return => Some(Self::Return),
            Kind::NotReturned => Some(Self::NotReturned),
            Kind::NotInBed(_) => Some(Self::NotInBed),
            Kind::NotUp => Some(Self::NotUp),
            Kind::SensorFault(_) => Some(Self::SensorFault),
            Kind::SensorRestored(_) => Some(Self::SensorRestored),
            Kind::GatewayFault(_) => Some(Self::GatewayFault),
            Kind::GatewayRestored(_) => Some(Self::GatewayRestored),
            Kind::Paused { .. } | Kind::Resumed { .. } | Kind::Started { .. } | Kind::Heartbeat(_) | Kind::Test => None,
        }
    }
}

/// One action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What it is for; at least one.
    pub on: Vec<Trigger>,
    /// The bed that it is for; `None`: every bed, and the gateway.
    pub bed: Option<BedId>,
    /// What is done.
    pub way: Way,
}

impl Settings {
    pub(super) fn is_for(&self, trigger: Trigger, bed: Option<BedId>) -> bool {
        self.on.contains(&trigger) && (self.bed.is_none() || self.bed == bed)
    }
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// A message is published at the broker of the mats.
    Mqtt {
        /// Where.
        topic: String,
        /// What.
        payload: String,
    },
    /// A command is run: program and arguments, without a shell.
    Command(Vec<String>),
}
