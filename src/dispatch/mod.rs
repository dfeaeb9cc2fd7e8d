//! Alerts out: one file or folder a channel, and the PURE policy of when to try where.

pub mod settings;

pub use settings::{ChannelSettings, Delivery, HttpsSettings, Order, Way};
