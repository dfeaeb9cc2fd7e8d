//! The task of one bed: readings and time into its detector, events out to dispatch and store.
//!
//! The one owner of the bed's state. Waits only for readings, its next deadline, its beat and the end.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tracing::warn;

use super::board::Board;
use super::ledger::Ledger;
use super::outbox::{Outbox, Taken, draw_id};
use super::supervisor::Beat;
use crate::clock::{self, Clock};
use crate::detect::{Detector, Memory, Settings, Start};
use crate::model::{MatHealth, Moment};
use crate::sensor::{Feed, Signal};

/// What of a bed outlives a restart.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct BedState {
    /// What the detector must know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// Which alerts are open.
    #[serde(default)]
    pub ledger: Ledger,
}

/// Returns the store's key of a bed's state.
pub(super) fn state_key(settings: &Settings) -> String {
    format!("bed/{}", settings.bed)
}

/// Everything that the task of a bed needs, also to start again.
#[derive(Clone)]
pub(super) struct Bed {
    /// What decisions depend on.
    pub settings: Settings,
    /// Where the mat's signals come from.
    pub feed: Feed,
    /// The clocks.
    pub clock: Clock,
    /// Where alerts go.
    pub outbox: Outbox,
    /// Where the mat's health is shown.
    pub board: Board,
    /// Where a bed starts of which the store knows nothing.
    pub unknown: Start,
    /// What was known last: from the store, then from the task itself.
    pub known: Arc<Mutex<BedState>>,
    /// True when the program ends.
    pub stop: watch::Receiver<bool>,
}

impl Bed {
    /// Watches the bed until the program ends.
    pub(super) async fn watch(self, mut beat: Beat) {
        let mut feed = self.feed.subscribe();
        let state = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let start = state.memory.map_or(self.unknown.clone(), Start::Remembered);
        let mut watching = Watching {
            detector: Detector::new(self.settings.clone(), &start, self.clock.now()),
            ledger: state.ledger,
            key: state_key(&self.settings),
            health: None,
            bed: &self,
        };
        watching.follow_up().await;
        let mut stop = self.stop.clone();
        let mut armed = watching.detector.next_deadline();
        let timer = tokio::time::sleep_until(clock::instant(armed.unwrap_or(FAR)));
        tokio::pin!(timer);
        loop {
            tokio::select! {
                biased;
                signal = receive(&mut feed) => watching.signal(signal),
                () = &mut timer, if armed.is_some() => {
                    armed = None;
                    watching.detector.on_deadline(watching.bed.clock.now());
                }
                () = beat.next() => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
            watching.follow_up().await;
            let due = watching.detector.next_deadline();
            // A deadline that has moved away is met too early once and looked up again: cheaper than to move it at
            // each reading.
            if due.is_some_and(|due| armed.is_none_or(|armed| due < armed)) {
                armed = due;
                timer.as_mut().reset(clock::instant(due.unwrap_or(FAR)));
            }
        }
        drop(self.outbox.store().keep(&watching.key, watching.state()));
    }
}

/// Later than any deadline; tokio's timers end at some two years.
const FAR: Moment = Moment::from_nanos(i64::MAX / 2);

/// The state of the task.
struct Watching<'a> {
    bed: &'a Bed,
    detector: Detector,
    ledger: Ledger,
    key: String,
    health: Option<MatHealth>,
}

impl Watching<'_> {
    fn signal(&mut self, signal: Signal) {
        let now = self.bed.clock.now();
        match signal {
            Signal::Reading(reading) => self.detector.on_reading(&reading, now),
            Signal::Rejected => self.detector.on_rejected(now),
            Signal::Lost(fault) => self.detector.on_lost(fault, now),
            Signal::Away => self.detector.on_away(now),
            Signal::Back => self.detector.on_back(now),
        }
    }

    /// Sends and stores what the detector has decided.
    async fn follow_up(&mut self) {
        while let Some(event) = self.detector.next_event() {
            let draft = self.ledger.enter(&event, &self.bed.settings.alarm, draw_id);
            let taken = self.bed.outbox.begin(event, draft);
            if matches!(taken, Taken::Sent(_)) {
                // The tasks behind this one write the alert to the socket first: the store's threads, once woken,
                // take processors from it. Neither of the two waits for what the other comes to.
                tokio::task::yield_now().await;
            }
            let (detector, ledger, known) = (&self.detector, &self.ledger, &self.bed.known);
            self.bed.outbox.keep(taken, &self.key, || remember(detector, ledger, known));
        }
        if self.detector.take_changed() {
            drop(self.bed.outbox.store().keep(&self.key, self.state()));
        }
        let health = self.detector.health();
        if self.health.replace(health) != Some(health) {
            self.bed.board.mat(self.bed.settings.bed, health);
        }
    }

    fn state(&self) -> Vec<u8> {
        remember(&self.detector, &self.ledger, &self.bed.known)
    }
}

/// Notes what a restart must know, for a task that panics and for the store.
fn remember(detector: &Detector, ledger: &Ledger, known: &Mutex<BedState>) -> Vec<u8> {
    let state = BedState { memory: Some(detector.memory()), ledger: ledger.clone() };
    let written = serde_json::to_vec(&state).expect("a bed's state has nothing that JSON cannot say");
    *known.lock().unwrap_or_else(PoisonError::into_inner) = state;
    written
}

/// Waits for the next signal. Where too many waited the oldest are gone, which is logged with the count.
async fn receive(feed: &mut Receiver<Signal>) -> Signal {
    loop {
        match feed.recv().await {
            Ok(signal) => return signal,
            Err(RecvError::Lagged(count)) => warn!(count, "Readings were dropped: the bed could not keep up"),
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
