//! The task of one bed: readings and time into its detector, events out to dispatch and store.
//!
//! The one owner of the bed's state. Waits only for readings, its next deadline, its beat and the end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tracing::warn;

use super::States;
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

/// What is known of a bed, and how much of the store is in it. Outlives a task that panics.
#[derive(Debug, Clone)]
pub(super) struct Knowledge {
    state: BedState,
    /// Whether the store has said what it knew. Until then nothing is written over it.
    answered: bool,
    /// Whether anything was decided in this life of the program.
    decided: bool,
}

impl Knowledge {
    /// Starts with what the store knew, where it has answered.
    pub(super) fn new(state: BedState, answered: bool) -> Self {
        Self { state, answered, decided: false }
    }
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
    pub known: Arc<Mutex<Knowledge>>,
    /// What a store knew that had not answered at the start.
    pub late: Option<watch::Receiver<Option<States>>>,
    /// True when the program ends.
    pub stop: watch::Receiver<bool>,
}

impl Bed {
    /// Watches the bed until the program ends.
    pub(super) async fn watch(self, mut feed: Receiver<Signal>, mut beat: Beat) {
        let Knowledge { state, answered, decided } = lock(&self.known).clone();
        let mut late = self.late.clone().filter(|_| !answered);
        let start = state.memory.map_or(self.unknown.clone(), Start::Remembered);
        let mut watching = Watching {
            detector: Detector::new(self.settings.clone(), &start, self.clock.now()),
            ledger: state.ledger,
            key: state_key(&self.settings),
            health: None,
            way: None,
            answered,
            decided,
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
                states = answer(&mut late) => {
                    late = None;
                    watching.recall(states.get(&watching.key).cloned().unwrap_or_default());
                }
                heard = receive(&mut feed) => match heard {
                    Ok(signal) => watching.signal(signal),
                    Err(count) => watching.missed(count),
                },
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
        watching.keep();
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
    /// What befell the way in last, where it is not open.
    way: Option<Signal>,
    answered: bool,
    decided: bool,
}

impl Watching<'_> {
    fn signal(&mut self, signal: Signal) {
        let now = self.bed.clock.now();
        self.way = match signal {
            Signal::Lost(_) | Signal::Away => Some(signal),
            Signal::Reading(_) | Signal::Back => None,
            Signal::Rejected => self.way,
        };
        match signal {
            Signal::Reading(reading) => self.detector.on_reading(&reading, now),
            Signal::Rejected => self.detector.on_rejected(now),
            Signal::Lost(fault) => self.detector.on_lost(fault, now),
            Signal::Away => self.detector.on_away(now),
            Signal::Back => self.detector.on_back(now),
        }
    }

    /// Signals were dropped, maybe one that said that the way in is lost or open: what was known is not sure any more.
    fn missed(&mut self, count: u64) {
        warn!(count, "Readings were dropped: the bed could not keep up");
        self.signal(Signal::Away);
        self.signal(Signal::Back);
    }

    /// Takes what a store that answers late knew. What was decided without it stands; what it had open can be closed.
    fn recall(&mut self, known: BedState) {
        self.answered = true;
        self.ledger.recall(known.ledger);
        if let (false, Some(memory)) = (self.decided, known.memory) {
            let start = Start::Remembered(memory);
            self.detector = Detector::new(self.bed.settings.clone(), &start, self.bed.clock.now());
            if let Some(way) = self.way {
                self.signal(way);
            }
        }
        self.keep();
    }

    /// Sends and stores what the detector has decided.
    async fn follow_up(&mut self) {
        let mut taken = Vec::new();
        while let Some(decision) = self.detector.next_decision() {
            // What was seen and not told is for `replay --explain`.
            let Some(event) = decision.event else { continue };
            self.decided = true;
            let draft = self.ledger.enter(&event, &self.bed.settings.alarm, draw_id);
            taken.push((self.bed.outbox.begin(event, draft), Some(decision.because)));
        }
        if taken.iter().any(|(taken, _)| matches!(taken, Taken::Sent(_))) {
            // The tasks behind this one write the alert to the socket first: the store's threads, once woken,
            // take processors from it. Neither of the two waits for what the other comes to.
            tokio::task::yield_now().await;
        }
        // The state has all of them in it: stored with any but the last, it would be ahead of an alert not stored yet.
        let last = taken.pop();
        for (before, because) in taken {
            self.bed.outbox.keep(before, because, &self.key, || None);
        }
        let changed = self.detector.take_changed();
        if let Some((last, because)) = last {
            self.bed.outbox.keep(last, because, &self.key, || self.state());
        } else if changed {
            self.keep();
        }
        let health = self.detector.health();
        if self.health.replace(health) != Some(health) {
            self.bed.board.mat(self.bed.settings.bed, health);
        }
    }

    fn keep(&self) {
        if let Some(state) = self.state() {
            drop(self.bed.outbox.store().keep(&self.key, state));
        }
    }

    /// Notes what a restart must know, for a task that panics; returns it for the store, where that is to have it.
    fn state(&self) -> Option<Vec<u8>> {
        let state = BedState { memory: Some(self.detector.memory()), ledger: self.ledger.clone() };
        let write = || serde_json::to_vec(&state).expect("a bed's state has nothing that JSON cannot say");
        let written = self.answered.then(write);
        *lock(&self.bed.known) = Knowledge { state, answered: self.answered, decided: self.decided };
        written
    }
}

fn lock(known: &Mutex<Knowledge>) -> MutexGuard<'_, Knowledge> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for the answer of a store that had not given it at the start.
async fn answer(late: &mut Option<watch::Receiver<Option<States>>>) -> States {
    if let Some(late) = late {
        if let Ok(states) = late.wait_for(Option::is_some).await {
            if let Some(states) = states.as_ref() {
                return Arc::clone(states);
            }
        }
    }
    std::future::pending().await
}

/// Waits for the next signal, or for how many of the oldest are gone where too many waited.
async fn receive(feed: &mut Receiver<Signal>) -> Result<Signal, u64> {
    match feed.recv().await {
        Ok(signal) => Ok(signal),
        Err(RecvError::Lagged(count)) => Err(count),
        Err(RecvError::Closed) => std::future::pending().await,
    }
}
