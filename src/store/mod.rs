//! The only place that names sled: outbox, journal of events, state kept over restarts.

pub mod settings;

pub use settings::Settings;
