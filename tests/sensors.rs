//! The ways in on real parts: pseudo-terminals for serial ports, a real mosquitto for the broker.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

#[path = "support/mosquitto.rs"]
#[expect(dead_code, reason = "a password over TLS is for the whole program")]
mod mosquitto;
#[path = "sensors/mqtt.rs"]
mod mqtt;
#[path = "sensors/publisher.rs"]
mod publisher;
#[path = "sensors/serial.rs"]
mod serial;

use std::time::Duration;

use nattvakt::model::{Channels, MatFault, Quality, Reading};
use nattvakt::sensor::{FEED_SIGNALS_MAX, Feed, Signal};
use tokio::sync::broadcast;
use tokio::time::timeout;

/// Longer than any wait of the program under test; a test that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// The bed's end of the way from a mat.
struct Bed(broadcast::Receiver<Signal>);

impl Bed {
    fn new() -> (Feed, Self) {
        let (feed, bed) = broadcast::channel(FEED_SIGNALS_MAX);
        (feed, Self(bed))
    }

    /// Waits for the next signal.
    async fn next(&mut self) -> Signal {
        timeout(PATIENCE, self.0.recv()).await.expect("no signal came").unwrap()
    }

    /// Waits for the next signal that is a reading.
    async fn reading(&mut self) -> Reading {
        loop {
            if let Signal::Reading(reading) = self.next().await {
                return reading;
            }
        }
    }

    /// Waits for a reading with this value, passing over others.
    async fn value(&mut self, value: f64) -> Reading {
        let wanted = Channels::new([value]).unwrap();
        loop {
            let reading = self.reading().await;
            if reading.channels == wanted {
                return reading;
            }
        }
    }

    /// Returns what has come already.
    fn heard(&mut self) -> Vec<Signal> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }
}

fn is_live(reading: &Reading) -> bool {
    reading.quality == Quality::Live
}
