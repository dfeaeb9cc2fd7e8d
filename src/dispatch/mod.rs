//! Alerts out: one file or folder a channel, and the PURE policy of when to try where.
//!
//! | part | what it does |
//! | --- | --- |
//! | [`queue`] | PURE. Which alert goes to which channel when; what a `return` waits for |
//! | [`policy`] | PURE. How long to wait before the next attempt |
//! | [`https`] | A signed CloudEvent by POST; what each answer means |
//! | [`task`] | Drives the queue and the channels, sends heartbeats, reports |
//! | `times` | PURE. Times that were told before the clock was right |
//! | [`receiver`] | A small dispatch service for trying and testing |
//!
//! Nothing here stores an alert: what is accepted is reported, and the gateway marks it in the store.

pub mod https;
pub mod outcome;
pub mod policy;
pub mod queue;
pub mod receiver;
pub mod settings;
#[cfg(test)]
mod storm;
pub mod task;
mod times;

pub use outcome::Outcome;
pub use queue::{ChannelView, Report};
pub use settings::{ChannelSettings, Delivery, HttpsSettings, Order, Way};
pub use task::{Command, Ended, Settings, Setup, run};
