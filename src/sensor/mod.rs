//! Bytes in, readings out: one file a way in.
//!
//! A way in owns its port or connection, opens it again with back-off for as long as the program runs, and counts
//! what it cannot read. It never decides anything about beds.

pub mod decode;
pub mod mqtt;
mod outage;
pub mod recording;
mod rejections;
pub mod serial;
pub mod settings;
pub mod simulated;

use tokio::sync::broadcast;

pub use settings::{BrokerSettings, Columns, MqttSettings, Payload, Sensor, SerialSettings};

use crate::model::{MatFault, Reading};

/// What a way in tells about one mat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Signal {
    /// A reading.
    Reading(Reading),
    /// Something came that is no reading; told at most once a second.
    Rejected,
    /// The way in to this mat is lost, for the reason given.
    Lost(MatFault),
    /// What lies before several mats (the broker) is away: no fault of this mat, but it cannot be heard.
    Away,
    /// The way in is open again.
    Back,
}

/// How many signals wait for a bed at most: 5 s at 50 Hz. Beyond it the oldest go, and the bed counts them.
pub const FEED_SIGNALS_MAX: usize = 256;

/// The bounded way from a mat to its bed. The receiving end sees the count of what it lost (`Lagged`).
pub type Feed = broadcast::Sender<Signal>;

/// The state of the one connection to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// Not yet connected, nor failed.
    Connecting,
    /// Connected, and every topic is subscribed.
    Up,
    /// Away, or refuses us; the words say why and what to do.
    Down(String),
}

/// Tells the bed. That no bed listens is no error: its task may be on the way up again.
fn tell(feed: &Feed, signal: Signal) {
    if feed.send(signal).is_err() {
        tracing::trace!("Nobody listens to the mat");
    }
}

/// Draws a number for the jitter of a wait.
fn random() -> u32 {
    let mut bytes = [0; 4];
    match getrandom::getrandom(&mut bytes) {
        Ok(()) => u32::from_ne_bytes(bytes),
        // Without randomness the longest wait is the polite one.
        Err(_) => u32::MAX,
    }
}
