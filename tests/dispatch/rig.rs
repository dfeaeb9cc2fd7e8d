//! The delivery task with its ends, and what its channels are.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nattvakt::clock::Clock;
use nattvakt::dispatch::https::Channel;
use nattvakt::dispatch::settings::HttpsSettings;
use nattvakt::dispatch::{ChannelSettings, Command, Delivery, Ended, Order, Report, Settings, Setup, Way, run};
use nattvakt::model::{Alert, Health, Language, Moment, Sequence};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::support::{Dispatch, Request, write_secret};
use super::{channel, clock, https};

/// Longer than two attempts of 15 s that come to nothing.
const PATIENCE: Duration = Duration::from_secs(90);

/// Channels by name and url, over plain HTTP.
pub(crate) fn settings(order: Order, channels: &[(&str, &str)], heartbeat: Option<Duration>) -> Settings {
    let channel = |(name, url): &(&str, &str)| ChannelSettings {
        name: (*name).to_owned(),
        heartbeat,
        way: Way::Https(https(url)),
    };
    Settings {
        gateway: "4601234567".parse().unwrap(),
        language: Language::Sv,
        delivery: Delivery { order, give_up_after: Duration::from_millis(300) },
        channels: channels.iter().map(channel).collect(),
    }
}

/// A channel whose token lies in a file, with that file and its folder.
pub(crate) fn with_token(dispatch: &Dispatch, token: &str) -> (Channel, PathBuf, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    write_secret(&file, token);
    let channel = channel(HttpsSettings { token_file: Some(file.clone()), ..https(dispatch.url()) });
    (channel, file, folder)
}

/// The task with its ends.
pub(crate) struct Rig {
    pub(crate) commands: Option<mpsc::Sender<Command>>,
    pub(crate) reports: mpsc::Receiver<Report>,
    pub(crate) health: watch::Sender<Health>,
    task: JoinHandle<Ended>,
}

impl Rig {
    pub(crate) fn new(order: Order, channels: &[(&str, &str)], heartbeat: Option<Duration>) -> Self {
        Self::with(settings(order, channels, heartbeat))
    }

    pub(crate) fn with(settings: Settings) -> Self {
        Self::by(clock(), settings)
    }

    /// One that goes by this clock.
    pub(crate) fn by(clock: Clock, settings: Settings) -> Self {
        let (commands, commanded) = mpsc::channel(16);
        let (reported, reports) = mpsc::channel(16);
        let (health, watched) = watch::channel(Health::default());
        let counter = AtomicU64::new(1_000);
        let setup = Setup {
            settings,
            accepted: Vec::new(),
            returned: Vec::new(),
            health: watched,
            clock,
            next_sequence: Arc::new(move || Sequence(counter.fetch_add(1, Ordering::Relaxed))),
            grace: Duration::from_secs(5),
            spread_until: Moment::default(),
        };
        Self { commands: Some(commands), reports, health, task: tokio::spawn(run(setup, commanded, reported)) }
    }

    pub(crate) async fn tell(&self, command: Command) {
        self.commands.as_ref().unwrap().send(command).await.unwrap();
    }

    pub(crate) async fn raise(&self, alert: Alert) {
        self.tell(Command::Raise(Box::new(alert))).await;
    }

    /// Waits for a report that is wanted, and returns it.
    pub(crate) async fn report(&mut self, wanted: impl Fn(&Report) -> bool) -> Report {
        let waiting = async {
            loop {
                let report = self.reports.recv().await.expect("the task runs");
                if wanted(&report) {
                    return report;
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("reported in time")
    }

    pub(crate) async fn delivered(&mut self, sequence: u64) {
        self.report(|report| matches!(report, Report::Delivered { sequence: Sequence(n), .. } if *n == sequence)).await;
    }

    /// Waits until all of them are delivered, in whatever order.
    pub(crate) async fn delivered_all(&mut self, sequences: &[u64]) {
        let mut waiting: BTreeSet<u64> = sequences.iter().copied().collect();
        while !waiting.is_empty() {
            let report = self.report(|report| matches!(report, Report::Delivered { .. })).await;
            let Report::Delivered { sequence: Sequence(sequence), .. } = report else { unreachable!() };
            waiting.remove(&sequence);
        }
    }

    pub(crate) async fn end(mut self) -> Ended {
        drop(self.commands.take());
        tokio::time::timeout(PATIENCE, self.task).await.expect("ended in time").unwrap()
    }
}

/// The requests that are no heartbeats: sequence and kind.
pub(crate) fn alerts(dispatch: &Dispatch) -> Vec<(u64, String)> {
    let of = |request: &Request| {
        let body = request.json();
        (body["sequence"].as_str().unwrap().parse().unwrap(), body["data"]["kind"].as_str().unwrap().to_owned())
    };
    dispatch.requests().iter().map(of).filter(|(_, kind)| kind != "heartbeat").collect()
}
