//! Wiring: opens the store, starts the tasks, joins the rooms, and brings everything to an orderly end.
//!
//! The only room that knows `sensor`, `detect`, `store`, `dispatch`, `action` and `control` at once. Decides nothing about beds.
//!
//! ```text
//! sensor -> Feed -> bed (detector, ledger) -> outbox -> dispatch   (first attempt)
//!                                                   \-> store      (append), both started together
//! dispatch -> reports -> store (delivered), own (faults)
//! everyone -> board (health) -> heartbeats, STATUS=
//! control -> calls -> asks beds, dispatch, store -> control
//! ```

mod backlog;
mod bed;
mod board;
mod calls;
mod certificates;
mod faults;
mod history;
mod ledger;
mod live;
mod noting;
mod outbox;
mod own;
mod power;
mod proofs;
mod readings;
mod reload;
mod service;
mod streak;
mod supervisor;
mod tasks;
mod test_alert;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use sd_notify::NotifyState;
use tokio::sync::{Notify, broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::action::Actions;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::control;
use crate::detect::Start;
use crate::dispatch;
use crate::model::{AlertId, BedId, Event, GatewayFault, Health, Moment, Sequence};
use crate::sensor::mqtt::Mat;
use crate::sensor::mqtt::publisher::{PUBLICATIONS_MAX, Publication};
use crate::sensor::{BrokerSettings, FEED_SIGNALS_MAX, Feed, Sensor, Signal};
use crate::store::{self, Recovered, Store};
use bed::{Bed, BedState, Knowledge, SIGHTS_MAX, Sight, WISHES_MAX, Wish};
use board::Board;
use noting::{ACCEPTED_KEY, Remembered};
use outbox::Outbox;
use own::{GOOD_TIME_KEY, OwnState, STATE_KEY};
use proofs::Proofs;
pub use reload::Load;
use reload::Reloading;
use service::notify;
use supervisor::{Supervisor, Verdict};

/// How long the start waits for the store; after it the watch begins without what the store knows.
const STORE_OPENS_WITHIN: Duration = Duration::from_secs(3);

/// How long what is on its way to dispatch may take when the program ends.
const DRAIN_WITHIN: Duration = Duration::from_secs(5);

/// How long the store may take for its last sync when the program ends.
const STORE_CLOSES_WITHIN: Duration = Duration::from_secs(5);

/// How often tasks are asked for a beat where no watchdog says otherwise.
const BEAT_EVERY: Duration = Duration::from_secs(15);

/// What the gateway runs on.
#[derive(Debug)]
pub struct Setup {
    /// The checked configuration.
    pub config: Config,
    /// The text that it was read from, for who asks which one is in use.
    pub text: String,
    /// What is wrong with the configuration file, where the last accepted one runs in its stead.
    pub broken_file: Option<String>,
    /// Whether this gateway has never run before.
    pub first_start: bool,
    /// Reads the configuration anew; `None` where it is never read again.
    pub load: Option<Load>,
    /// The clocks.
    pub clock: Clock,
    /// Where Linux shows power supplies; `None` where the power is nobody's business: `demo`.
    pub supplies: Option<PathBuf>,
    /// Where the control socket is to be; `None` for none.
    pub control: Option<PathBuf>,
    /// Who else wants to see events and health as they come: `demo`.
    pub tap: Option<Tap>,
}

/// Shows events and health to another part of the program. Never slows the watch.
#[derive(Debug, Clone)]
pub struct Tap {
    /// Every event, told or not.
    pub events: broadcast::Sender<Event>,
    /// How everything is.
    pub health: Arc<watch::Sender<Health>>,
}

/// What the operator asks of a running gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The configuration, secrets or certificates have changed: read them again.
    Reload,
    /// Drain and end.
    Stop,
}

/// Why a gateway has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was told to, or nobody is left who could tell.
    Told,
    /// Its battery ends.
    Battery,
}

/// Runs the gateway until it is told to stop (or the sender of orders is dropped), or its battery ends; then drains within
/// a grace period.
///
/// Starts whatever can be started: a store, broker, port or dispatch that is missing is a fault and no reason to stop.
pub async fn run(mut setup: Setup, orders: mpsc::Receiver<Order>) -> Ended {
    let control = setup.control.take();
    let mut gateway = Gateway::start(setup).await;
    let calls = gateway.start_control(control).await;
    info!("Ready");
    notify(&[NotifyState::Ready]);
    let ended = gateway.watch(orders, calls).await;
    gateway.end().await;
    ended
}

/// A running gateway.
struct Gateway {
    config: Config,
    /// The text of the configuration in use.
    text: String,
    load: Option<Load>,
    clock: Clock,
    supervisor: Supervisor,
    outbox: Outbox,
    own: own::Own,
    board: Board,
    /// What the delivery task goes by, also when it is started again.
    delivery: Arc<Mutex<dispatch::Settings>>,
    beds: BTreeMap<BedId, RunningBed>,
    /// What was known of beds that are gone from the configuration.
    retired: BTreeMap<BedId, Arc<Mutex<Knowledge>>>,
    broker: Option<Broker>,
    /// The broker that actions publish at, and our name there.
    publisher: Option<(BrokerSettings, String)>,
    publications: broadcast::Sender<Publication>,
    /// What the store knew of each bed.
    states: BTreeMap<String, BedState>,
    /// Where a bed starts of which nothing is known.
    unknown: Start,
    /// Where a store that has not answered yet tells what it knew.
    late: Option<watch::Sender<Option<States>>>,
    supplies: Option<PathBuf>,
    /// Told when the battery ends.
    battery_ends: Arc<Notify>,
    beat_every: Duration,
    feeds_watchdog: bool,
    started: Started,
    /// When a test alert was asked for last.
    tested: Option<Moment>,
    proofs: Proofs,
    /// What answers to calls over the control socket is on its way.
    errands: JoinSet<()>,
}

/// When the program started.
#[derive(Debug, Clone, Copy)]
struct Started {
    moment: Moment,
    utc: Timestamp,
}

/// A bed with its tasks.
struct RunningBed {
    settings: config::Bed,
    feed: Feed,
    wishes: broadcast::Sender<Wish>,
    sights: broadcast::Sender<Sight>,
    known: Arc<Mutex<Knowledge>>,
    stop: watch::Sender<bool>,
}

/// The connection of the mats to the broker.
struct Broker {
    settings: BrokerSettings,
    client_id: String,
    mats: watch::Sender<Vec<Mat>>,
}

impl Gateway {
    async fn start(setup: Setup) -> Self {
        let Setup { config, text, broken_file, first_start, load, clock, supplies, control: _, tap } = setup;
        let now = clock.now();
        let (store, mut opened) = Store::start(config.store.clone(), clock.clone());
        let recovered = tokio::time::timeout(STORE_OPENS_WITHIN, &mut opened).await;
        let late = recovered.is_err().then(|| (opened, watch::Sender::new(None)));
        let recovered = recovered.ok().and_then(Result::ok);
        let proofs = Proofs::new(store.clone());
        if let Some(recovered) = &recovered {
            proofs.recall(recovered);
        }
        let found = Known::from(recovered, first_start);
        if let Some(known) = found.good_time {
            clock.raise_floor(known);
        }

        let board = Board::new(config.beds.iter().map(|bed| bed.id));
        board.clock(clock.now().trusted);
        let events = tap.as_ref().map(|tap| tap.events.clone());
        let (actions, jobs) = Actions::new(config.actions.clone());
        let (outbox, owed) = Outbox::new(store, config.gateway.language, actions, events);
        outbox.recall_returns(returned(&found.states));
        let own = own::Own::new(clock.clone(), outbox.clone(), board.clone(), found.own);
        let mut gateway = Self {
            delivery: Arc::new(Mutex::new(reload::delivery(&config))),
            config,
            text,
            load,
            clock,
            supervisor: Supervisor::new(),
            outbox,
            own,
            board,
            beds: BTreeMap::new(),
            retired: BTreeMap::new(),
            broker: None,
            publisher: None,
            publications: broadcast::Sender::new(PUBLICATIONS_MAX),
            states: found.states,
            unknown: found.unknown,
            late: late.as_ref().map(|(_, told)| told.clone()),
            supplies,
            battery_ends: Arc::default(),
            beat_every: BEAT_EVERY,
            feeds_watchdog: false,
            started: Started { moment: now.moment, utc: now.utc },
            tested: None,
            proofs,
            errands: JoinSet::new(),
        };
        // The way out first.
        let remembered = Arc::new(Mutex::new(Remembered::new(found.accepted)));
        gateway.start_delivery(Arc::clone(&remembered));
        gateway.start_keepers(tap);
        gateway.start_actions(jobs);
        for bed in gateway.config.beds.clone() {
            gateway.start_bed(&bed, None);
        }
        // A bed that comes later, and that neither the store nor this life knows, was never watched.
        gateway.unknown = Start::First;
        gateway.apply_broker();
        gateway.start_certificates();
        gateway.start_power();
        gateway.start_disk_watch(late, owed, remembered);
        gateway.tell_start(broken_file);
        gateway.set_watchdog();
        gateway
    }

    /// Starts the tasks of a bed: its watch and its way in. `known`: what is known of it, where that is not the store's
    /// to say.
    fn start_bed(&mut self, bed: &config::Bed, known: Option<Arc<Mutex<Knowledge>>>) {
        let known = known.or_else(|| self.retired.remove(&bed.id)).unwrap_or_else(|| {
            let state = self.states.get(&bed::state_key(&bed.detect)).cloned().unwrap_or_default();
            Arc::new(Mutex::new(Knowledge::new(state, self.late.is_none())))
        });
        let feed = broadcast::Sender::new(FEED_SIGNALS_MAX);
        self.start_watch(bed, feed.clone(), feed.subscribe(), known);
        if let Sensor::Serial(settings) = &bed.sensor {
            self.start_serial(bed, settings, feed);
        }
    }

    /// Starts the watch of a bed, which hears what comes from `heard` on.
    fn start_watch(
        &mut self,
        bed: &config::Bed,
        feed: Feed,
        heard: broadcast::Receiver<Signal>,
        known: Arc<Mutex<Knowledge>>,
    ) {
        let (stop, wishes) = (watch::Sender::new(false), broadcast::Sender::new(WISHES_MAX));
        let sights = broadcast::Sender::new(SIGHTS_MAX);
        let watching = Bed {
            settings: bed.detect.clone(),
            mat: bed::mat_of(&bed.sensor),
            feed: feed.clone(),
            wishes: wishes.clone(),
            sights: sights.clone(),
            clock: self.clock.clone(),
            outbox: self.outbox.clone(),
            board: self.board.clone(),
            unknown: self.unknown.clone(),
            known: Arc::clone(&known),
            late: self.late.as_ref().map(watch::Sender::subscribe),
            stop: stop.subscribe(),
        };
        let (span, mut heard) = (tracing::info_span!("bed", bed.id = %bed.id), Some(heard));
        self.supervisor.watch(&format!("bed {}", bed.id), span, move |beat| {
            // Heard from now on: what comes while a failed task waits to be started again is not lost.
            let feed = heard.take().unwrap_or_else(|| watching.feed.subscribe());
            watching.clone().watch(feed, beat)
        });
        self.beds.insert(bed.id, RunningBed { settings: bed.clone(), feed, wishes, sights, known, stop });
    }

    /// Tells dispatch that the gateway has started, and what was wrong with its file then.
    fn tell_start(&self, broken_file: Option<String>) {
        self.own.started();
        match broken_file {
            Some(detail) => self.own.begin(GatewayFault::Configuration, "file", &detail),
            None => self.own.end(GatewayFault::Configuration, "file"),
        }
    }

    fn set_watchdog(&mut self) {
        if let Some(limit) = sd_notify::watchdog_enabled() {
            // A beat must have been asked for and answered well within the limit.
            self.beat_every = limit / 4;
            self.feeds_watchdog = true;
        }
    }

    /// Watches over the tasks until the order to stop, or until the battery ends.
    async fn watch(&mut self, mut orders: mpsc::Receiver<Order>, mut calls: mpsc::Receiver<control::Call>) -> Ended {
        let mut beat = tokio::time::interval(self.beat_every);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut hung_before = Vec::new();
        let (mut reloading, load) = (Reloading::default(), self.load.clone());
        let battery_ends = Arc::clone(&self.battery_ends);
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Reload) => {
                        if let Some(load) = &load {
                            reloading.begin(load);
                        }
                    }
                    Some(Order::Stop) | None => return Ended::Told,
                },
                loaded = reloading.ended() => {
                    self.take_configuration(loaded).await;
                    if let Some(load) = &load {
                        reloading.over(load);
                    }
                }
                () = battery_ends.notified() => return Ended::Battery,
                verdict = self.supervisor.next() => self.judge(verdict),
                Some(call) = calls.recv() => self.answer(call),
                Some(_) = self.errands.join_next() => {}
                _ = beat.tick() => hung_before = self.ask_for_beats(&hung_before),
            }
        }
    }

    fn judge(&self, verdict: Verdict) {
        if let Verdict::Failed { task } = verdict {
            let detail = format!("{task} failed and was started again: the log of the gateway says where");
            self.own.begin(GatewayFault::Program, &task, &detail);
            // It runs again; the fault has been told.
            self.own.end(GatewayFault::Program, &task);
        }
    }

    fn ask_for_beats(&mut self, hung_before: &[String]) -> Vec<String> {
        let hung = self.supervisor.ask();
        if hung.is_empty() {
            if self.feeds_watchdog {
                notify(&[NotifyState::Watchdog]);
            }
        } else if hung != hung_before {
            error!(
                tasks = hung.join(", "),
                "Tasks do not answer; where this lasts the watchdog starts the program again"
            );
        }
        hung
    }

    /// Ends in order: beds note what they know, what is on its way is waited for, the store syncs.
    async fn end(mut self) {
        info!("Stopping");
        notify(&[NotifyState::Stopping]);
        self.errands.abort_all();
        for bed in self.beds.values() {
            bed.stop.send_replace(true);
        }
        self.outbox.disconnect();
        if !self.supervisor.finish(DRAIN_WITHIN).await {
            warn!("Not everything on its way was answered; it waits in the store");
        }
        let store = self.outbox.store().clone();
        if let Err(error) = store.close(STORE_CLOSES_WITHIN).await {
            error!(error = %error, "Not everything reached the disk: what dispatch has not accepted may be lost");
        }
        info!("Stopped");
    }
}

/// What the store knew of each bed, by key.
type States = Arc<BTreeMap<String, BedState>>;

/// What the store knew.
struct Known {
    /// None where it has not answered.
    own: Option<OwnState>,
    states: BTreeMap<String, BedState>,
    /// Which channel accepted which alert; none where it has not answered.
    accepted: Option<Vec<(AlertId, String)>>,
    /// Where a bed starts of which nothing is known.
    unknown: Start,
    /// When the clock was known to be right last.
    good_time: Option<Timestamp>,
}

impl Known {
    fn from(recovered: Option<Recovered>, first_start: bool) -> Self {
        let Some(recovered) = recovered else {
            warn!("The store is not open yet; the watch begins without it");
            let unknown = if first_start { Start::First } else { Start::Lost };
            let (own, states) = (None, BTreeMap::new());
            let (accepted, good_time) = (None, None);
            return Self { own, states, accepted, unknown, good_time };
        };
        let lost = !first_start || recovered.found == store::Found::Lost;
        let unknown = if lost { Start::Lost } else { Start::First };
        let (own, states) = (Some(own_state(&recovered)), bed_states(&recovered));
        let (accepted, good_time) = (Some(accepted(&recovered)), good_time(&recovered));
        Self { own, states, accepted, unknown, good_time }
    }
}

/// Returns when the clock was known to be right last.
fn good_time(recovered: &Recovered) -> Option<Timestamp> {
    recovered.states.get(GOOD_TIME_KEY).and_then(|time| std::str::from_utf8(time).ok()?.parse().ok())
}

/// Returns which channel accepted which alert.
fn accepted(recovered: &Recovered) -> Vec<(AlertId, String)> {
    recovered.states.get(ACCEPTED_KEY).and_then(|state| read(ACCEPTED_KEY, state)).unwrap_or_default()
}

fn own_state(recovered: &Recovered) -> OwnState {
    recovered.states.get(STATE_KEY).and_then(|state| read(STATE_KEY, state)).unwrap_or_default()
}

fn bed_states(recovered: &Recovered) -> BTreeMap<String, BedState> {
    let beds = recovered.states.iter().filter(|(key, _)| key.starts_with("bed/"));
    beds.filter_map(|(key, state)| Some((key.clone(), read(key, state)?))).collect()
}

/// Returns the last return of each bed, by its number.
fn returned(states: &BTreeMap<String, BedState>) -> Vec<(BedId, Sequence)> {
    let bed = |key: &str| key.strip_prefix("bed/")?.parse().ok();
    states.iter().filter_map(|(key, state)| Some((bed(key)?, state.returned?))).collect()
}

/// Reads a state that the store kept. One that cannot be read counts as unknown, which is never "all is well".
fn read<T: serde::de::DeserializeOwned>(key: &str, state: &[u8]) -> Option<T> {
    serde_json::from_slice(state)
        .inspect_err(|error| error!(key, error = %error, "A stored state cannot be read; it counts as unknown"))
        .ok()
}
