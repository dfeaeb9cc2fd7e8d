//! Ground floor: plain values that every other room may use.
//!
//! Ids, time, readings, events, alerts, the night schedule, health, and the texts that staff read.
//! Nothing here does I/O, reads a clock, draws a random number or knows another room.

pub mod alert;
pub mod event;
pub mod fault;
pub mod flap;
pub mod health;
pub mod ids;
pub mod journal;
pub mod proof;
pub mod reading;
pub mod returns;
pub mod schedule;
pub mod texts;
pub mod time;

pub use alert::{Alert, Priority, Sequence};
pub use event::{Event, Kind};
pub use fault::{GatewayFault, MatFault};
pub use flap::Flap;
pub use health::{Health, MatHealth};
pub use ids::{AlertId, BedId, GatewayId};
pub use journal::{Acceptance, Entry};
pub use reading::{Channels, Quality, Reading};
pub use returns::Returns;
pub use schedule::Watch;
pub use texts::Language;
pub use time::{Moment, Now};
