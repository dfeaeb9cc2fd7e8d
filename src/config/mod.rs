//! TOML file in; checked settings, or every mistake at once, out.
//!
//! Touches no port, no network and no store; only the files that hold secrets and certificates are looked at.

use jiff::tz::TimeZone;

use crate::clock::ClockSource;
use crate::model::{BedId, GatewayId, Language};
use crate::{detect, dispatch, sensor, store};

/// A whole configuration that is sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The gateway itself.
    pub gateway: Gateway,
    /// Where alerts are kept.
    pub store: store::Settings,
    /// The broker that MQTT mats talk to.
    pub broker: sensor::BrokerSettings,
    /// The beds, in the order of the file; at least one.
    pub beds: Vec<Bed>,
    /// How alerts are spread over the channels.
    pub delivery: dispatch::Delivery,
    /// The channels, in the order of the file; at least one, except for `replay`.
    pub channels: Vec<dispatch::ChannelSettings>,
}

/// The gateway itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Gateway {
    /// This home, as dispatch knows it.
    pub id: GatewayId,
    /// The home's time zone.
    pub zone: TimeZone,
    /// Of the texts that staff get.
    pub language: Language,
    /// Who says that the clock is right.
    pub clock: ClockSource,
}

/// One bed.
#[derive(Debug, Clone, PartialEq)]
pub struct Bed {
    /// Its id.
    pub id: BedId,
    /// Where its readings come from.
    pub sensor: sensor::Sensor,
    /// What decisions depend on.
    pub detect: detect::Settings,
}
