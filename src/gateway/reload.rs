//! Another configuration while the gateway runs: only what changed is started anew.
//!
//! The new file is checked whole before anything is touched. What is not sound changes nothing, and is told until it is
//! mended. A bed that stays as it was goes on without a gap; one that changed keeps what it knew.

use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tracing::{error, info, warn};

use super::service::notify;
use super::tasks::{PUBLISHER, lock};
use super::{Gateway, RunningBed};
use crate::action;
use crate::clock;
use crate::config::{Bed, Config, Sound};
use crate::dispatch::{self, Command};
use crate::model::{BedId, GatewayFault};
use crate::sensor::{Sensor, Signal, mqtt};

/// How long reading the file may take.
const LOAD_WITHIN: Duration = Duration::from_secs(30);

/// How long a bed may take to note what it knows before it starts anew.
const BED_ENDS_WITHIN: Duration = Duration::from_secs(2);

/// Reads and checks the configuration anew; blocks on files. Says what is wrong with it in one line.
#[derive(Clone)]
pub struct Load(Arc<dyn Fn() -> Result<Sound, String> + Send + Sync>);

impl Load {
    /// Wraps what reads the configuration.
    pub fn new(load: impl Fn() -> Result<Sound, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(load))
    }
}

impl fmt::Debug for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Load")
    }
}

/// A reload on its way. Never a second one beside one that hangs: that one is waited for, and made once more.
#[derive(Default)]
pub(super) struct Reloading {
    loading: Option<JoinHandle<Result<Sound, String>>>,
    /// Until when it may take until it is told as hanging; `None` once that is told.
    until: Option<Instant>,
    /// It was asked for once more meanwhile.
    again: bool,
}

impl Reloading {
    /// Begins to read the file; once more after this time where it is being read.
    pub(super) fn begin(&mut self, load: &Load) {
        self.again = self.loading.is_some();
        if !self.again {
            info!("Reading the configuration again");
            tell_reloading();
            let Load(load) = load.clone();
            // Dropped unfinished where the program ends: it only reads.
            self.loading = Some(tokio::task::spawn_blocking(move || load()));
            self.until = Some(clock::instant(clock::moment() + LOAD_WITHIN));
        }
    }

    /// Waits for what came of it; of one that hangs, first for that, and then for its result. Never ends while nothing is being read; may be dropped at any time.
    pub(super) async fn ended(&mut self) -> Result<Sound, String> {
        let Some(loading) = &mut self.loading else { return pending().await };
        let ended = match self.until {
            Some(until) => timeout_at(until, loading).await,
            None => Ok(loading.await),
        };
        self.until = None;
        let Ok(ended) = ended else {
            return Err("the disk does not answer: the configuration cannot be read".to_owned());
        };
        self.loading = None;
        ended.unwrap_or_else(|_| Err("reading the configuration failed inside the program".to_owned()))
    }

    /// Begins again where that was asked for meanwhile, else says that the reload is over.
    pub(super) fn over(&mut self, load: &Load) {
        if self.loading.is_none() && std::mem::take(&mut self.again) {
            self.begin(load);
        } else {
            notify(&[NotifyState::Ready]);
        }
    }
}

/// The service manager wants to know since when, to tell this reload's end from one before it.
fn tell_reloading() {
    let since = clock::moment().as_nanos() / 1_000;
    notify(&[NotifyState::Reloading, NotifyState::MonotonicUsec(since.into())]);
}

/// What the delivery task is to know of a configuration.
pub(super) fn delivery(config: &Config) -> dispatch::Settings {
    dispatch::Settings {
        gateway: config.gateway.id,
        language: config.gateway.language,
        delivery: config.delivery,
        channels: config.channels.clone(),
    }
}

impl Gateway {
    /// Takes what came of reading the file.
    pub(super) async fn take_configuration(&mut self, loaded: Result<Sound, String>) {
        match loaded {
            Ok(sound) => {
                self.own.end(GatewayFault::Configuration, "file");
                self.text = sound.text;
                self.apply(sound.config).await;
                info!(beds = self.config.beds.len(), "The configuration is in use");
            }
            Err(detail) => {
                error!(
                    error = detail,
                    "The configuration file is not sound; the one in use stays: see `nattvakt check`"
                );
                self.own.begin(GatewayFault::Configuration, "file", &detail);
                // Secrets and certificates may have changed all the same.
                self.configure_delivery();
            }
        }
    }

    async fn apply(&mut self, config: Config) {
        let before = std::mem::replace(&mut self.config, config);
        if before.store != self.config.store {
            warn!("A change of [store] counts from the next start on: restart the service");
        }
        self.clock.set_source(self.config.gateway.clock);
        self.outbox.speak(self.config.gateway.language);
        self.outbox.actions().configure(self.config.actions.clone());
        // The way out first.
        let settings = delivery(&self.config);
        self.own.channels(settings.channels.iter().map(|channel| channel.name.clone()));
        *lock(&self.delivery) = settings;
        self.configure_delivery();
        self.apply_beds().await;
        self.apply_broker();
        self.supervisor.drop_task("certificates");
        self.start_certificates();
        if before.power != self.config.power {
            self.supervisor.drop_task("power");
            self.start_power();
        }
    }

    /// Tells the delivery task its settings by now; where it takes nothing at the moment, as soon as it does. One that
    /// starts anew starts with them.
    fn configure_delivery(&mut self) {
        let settings = lock(&self.delivery).clone();
        if !self.outbox.send(Command::Configure(Box::new(settings))) {
            let (outbox, delivery) = (self.outbox.clone(), Arc::clone(&self.delivery));
            self.errands.spawn(async move {
                outbox.hand_over(|| Command::Configure(Box::new(lock(&delivery).clone()))).await;
            });
        }
    }

    async fn apply_beds(&mut self) {
        let wanted = self.config.beds.clone();
        let gone: Vec<_> = self.beds.keys().filter(|id| !wanted.iter().any(|bed| bed.id == **id)).copied().collect();
        for id in gone {
            if let Some(bed) = self.stop_watch(id).await {
                info!(bed.id = %id, "Bed is gone");
                self.stop_way_in(&bed);
                self.board.remove(id);
                self.retired.insert(id, bed.known);
            }
        }
        for bed in wanted {
            let Some(running) = self.beds.get(&bed.id) else {
                info!(bed.id = %bed.id, "Bed is new");
                self.start_bed(&bed, None);
                continue;
            };
            if running.settings != bed {
                self.change_bed(&bed, running.feed.subscribe()).await;
            }
        }
    }

    /// Starts a bed anew with other settings. Where its mat is the same, the way in stays open, and `heard` has what comes
    /// over it while nobody watches: a mat that sends only on change would not say it again.
    async fn change_bed(&mut self, bed: &Bed, heard: broadcast::Receiver<Signal>) {
        let Some(before) = self.stop_watch(bed.id).await else { return };
        info!(bed.id = %bed.id, "Bed has changed");
        if before.settings.sensor == bed.sensor {
            self.start_watch(bed, before.feed, heard, before.known);
        } else {
            self.stop_way_in(&before);
            self.start_bed(bed, Some(before.known));
        }
    }

    /// Ends the watch of a bed; it notes what it knows.
    async fn stop_watch(&mut self, id: BedId) -> Option<RunningBed> {
        let bed = self.beds.remove(&id)?;
        bed.stop.send_replace(true);
        for verdict in self.supervisor.ended(&format!("bed {id}"), BED_ENDS_WITHIN).await {
            self.judge(verdict);
        }
        Some(bed)
    }

    /// Closes the port of a bed that is gone or has another mat. Topics are left with [`Self::apply_broker`].
    fn stop_way_in(&mut self, bed: &RunningBed) {
        self.supervisor.drop_task(&format!("port of {}", bed.settings.id));
        lock(&bed.known).unheard();
    }

    /// Lets the connections to the broker go on, that of the mats with other mats, or starts and ends them.
    pub(super) fn apply_broker(&mut self) {
        let client_id = format!("nattvakt-{}", self.config.gateway.id);
        self.apply_publisher(format!("{client_id}-act"));
        let mats = self.mqtt_mats();
        let wanted = self.config.broker.clone().filter(|_| !mats.is_empty());
        if let (Some(wanted), Some(running)) = (&wanted, &self.broker) {
            if *wanted == running.settings && client_id == running.client_id {
                running.mats.send_replace(mats);
                return;
            }
        }
        if self.broker.take().is_some() {
            self.supervisor.drop_task("broker");
            self.supervisor.drop_task("link");
        }
        match wanted {
            Some(broker) => self.start_broker(broker, client_id, mats),
            // One of an earlier configuration is no fault any more.
            None => self.own.end(GatewayFault::Broker, "broker"),
        }
    }

    /// Actions publish over a connection of their own, where any of them does.
    fn apply_publisher(&mut self, client_id: String) {
        let publishes = self.config.actions.iter().any(|action| matches!(action.way, action::Way::Mqtt { .. }));
        let wanted = self.config.broker.clone().filter(|_| publishes).map(|broker| (broker, client_id));
        if wanted == self.publisher {
            return;
        }
        if self.publisher.take().is_some() {
            self.supervisor.drop_task("publisher");
            self.supervisor.drop_task("publisher's link");
        }
        match wanted {
            Some((broker, client_id)) => self.start_publisher(broker, client_id),
            None => self.own.end_begun(GatewayFault::Broker, PUBLISHER),
        }
    }

    fn mqtt_mats(&self) -> Vec<mqtt::Mat> {
        let mat = |bed: &Bed| {
            let Sensor::Mqtt(settings) = &bed.sensor else { return None };
            let feed = self.beds.get(&bed.id)?.feed.clone();
            Some(mqtt::Mat { bed: bed.id, settings: settings.clone(), feed })
        };
        self.config.beds.iter().filter_map(mat).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::sync::{Mutex, PoisonError};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reload_that_hangs_is_told_and_waited_for_and_made_once_more_where_it_was_asked_for() {
        let (release, held) = mpsc::channel();
        let (held, made) = (Mutex::new(held), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&made);
        let load = Load::new(move || {
            let number = counted.fetch_add(1, Ordering::SeqCst);
            held.lock().unwrap_or_else(PoisonError::into_inner).recv().map_err(|_| "never released".to_owned())?;
            Err(number.to_string())
        });
        let mut reloading = Reloading::default();
        reloading.begin(&load);
        let (hangs, ()) = tokio::join!(reloading.ended(), tokio::time::advance(2 * LOAD_WITHIN));
        let hangs = hangs.unwrap_err();
        assert!(hangs.contains("does not answer"), "{hangs}");
        reloading.over(&load);
        for _ in 0..3 {
            reloading.begin(&load);
            reloading.over(&load);
        }
        tokio::time::resume();
        release.send(()).unwrap();
        assert_eq!(reloading.ended().await.unwrap_err(), "0");
        reloading.over(&load);
        release.send(()).unwrap();
        assert_eq!(reloading.ended().await.unwrap_err(), "1");
        reloading.over(&load);
        assert_eq!(made.load(Ordering::SeqCst), 2);
    }
}
