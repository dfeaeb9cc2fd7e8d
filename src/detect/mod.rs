//! PURE. Readings and time in, events out.
//!
//! Reads no clock, does no I/O, knows no other room but `model`.

pub mod settings;

pub use settings::{Alarm, Confirm, Settings};
