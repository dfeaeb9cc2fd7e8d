//! The mat: asked of the daemon where that runs, else read as the watch reads it.

use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::config::{Bed, Config};
use crate::control::{Answer, ClientError};
use crate::model::Channels;
use crate::sensor::{FEED_SIGNALS_MAX, Link, Sensor, Signal, mqtt, serial};

/// The readings of one mat, for as long as this lives.
pub(super) enum Readings {
    /// From the daemon.
    Daemon(mpsc::Receiver<Result<Answer, ClientError>>),
    /// From the mat itself.
    Mat {
        signals: broadcast::Receiver<Signal>,
        link: watch::Receiver<Link>,
        /// Ends with it.
        _ways: JoinSet<()>,
    },
}

/// What comes from a mat.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Heard {
    /// Its channels.
    Channels(Channels),
    /// Something that cannot be read.
    Rejected,
    /// The port or the broker is away.
    Away,
    /// The daemon says no more, and why.
    Ended(String),
}

/// Opens the way in to the mat of a bed.
pub(super) fn listen(config: &Config, bed: &Bed) -> Readings {
    let (feed, signals) = broadcast::channel(FEED_SIGNALS_MAX);
    let (said, link) = watch::channel(Link::Connecting);
    let mut ways = JoinSet::new();
    match &bed.sensor {
        Sensor::Serial(settings) => {
            let settings = settings.clone();
            ways.spawn(async move { match serial::run(settings, feed).await {} });
        }
        Sensor::Mqtt(settings) => {
            let mat = mqtt::Mat { bed: bed.id, settings: settings.clone(), feed };
            let setup = mqtt::Setup {
                broker: config.broker.clone().unwrap_or_default(),
                // Not the name of the watch, which would be thrown out.
                client_id: format!("nattvakt-{}-calibrate", config.gateway.id),
                mats: watch::channel(vec![mat]).1,
                clock: Clock::new(config.gateway.clock),
                link: said,
            };
            ways.spawn(async move { match mqtt::run(setup).await {} });
        }
    }
    Readings::Mat { signals, link, _ways: ways }
}

/// Waits for what the daemon hears next.
async fn heard_of(said: &mut mpsc::Receiver<Result<Answer, ClientError>>) -> Heard {
    loop {
        match said.recv().await {
            Some(Ok(Answer::Reading { zones, .. })) => {
                let channels = Channels::new(zones.iter().map(|zone| zone.unwrap_or(f64::NAN)));
                return channels.map_or(Heard::Rejected, Heard::Channels);
            }
            Some(Ok(Answer::Unreadable { .. })) => return Heard::Rejected,
            // The latest ones are what counts.
            Some(Ok(Answer::Silence {} | Answer::Missed { .. })) => {}
            Some(Ok(answer)) => return Heard::Ended(ClientError::unexpected(&answer).to_string()),
            Some(Err(error)) => return Heard::Ended(error.to_string()),
            None => return std::future::pending().await,
        }
    }
}

impl Readings {
    /// Waits for what comes next.
    pub(super) async fn next(&mut self) -> Heard {
        let signals = match self {
            Self::Daemon(said) => return heard_of(said).await,
            Self::Mat { signals, .. } => signals,
        };
        loop {
            match signals.recv().await {
                Ok(Signal::Reading(reading)) => return Heard::Channels(reading.channels),
                Ok(Signal::Rejected) => return Heard::Rejected,
                Ok(Signal::Lost(_) | Signal::Away) => return Heard::Away,
                // The latest ones are what counts.
                Ok(Signal::Back) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                // The way in runs as long as this lives.
                Err(broadcast::error::RecvError::Closed) => return std::future::pending().await,
            }
        }
    }

    /// Says why nothing comes, as far as the way in knows it.
    pub(super) fn trouble(&self) -> Option<String> {
        match self {
            Self::Mat { link, .. } => match &*link.borrow() {
                Link::Down(words) => Some(words.clone()),
                Link::Connecting | Link::Up => None,
            },
            Self::Daemon(_) => None,
        }
    }
}
