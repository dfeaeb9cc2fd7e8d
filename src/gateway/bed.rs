//! The task of one bed: readings and time into its detector, events out to dispatch and store.
//!
//! The one owner of the bed's state. Waits only for readings, its next deadline, its beat and the end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver};
use tokio::sync::{mpsc, watch};
use tracing::warn;

use super::States;
use super::board::Board;
use super::ledger::{Draft, Ledger};
use super::outbox::{Outbox, Taken, draw_id};
use super::supervisor::Beat;
use super::tasks::lock;
use crate::clock::{self, Clock};
use crate::detect::{Alarm, Because, BedMemory, Detector, EdgeMemory, Memory, Settings, Standing, Start, View};
use crate::model::{AlertId, Event, MatHealth, Moment, Quality, Reading, Sequence};
use crate::sensor::{Feed, Sensor, Signal};

/// What of a bed outlives a restart.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct BedState {
    /// What the detector must know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// Which alerts are open.
    #[serde(default)]
    pub ledger: Ledger,
    /// Which mat it was; none: noted by a version that did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mat: Option<String>,
    /// The number of its last return that was told: what was told before that has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<Sequence>,
}

impl BedState {
    /// Returns what the detector must know. Where another mat lies in the bed by now, the levels of the one before are
    /// worth nothing, nor is what that one said last, and its faults end with the first good reading of the new one; an
    /// absence goes on.
    fn memory_for(&self, mat: &str) -> Option<Memory> {
        let memory = self.memory.clone()?;
        if self.mat.as_deref().is_none_or(|known| known == mat) {
            return Some(memory);
        }
        let edge = EdgeMemory { told: memory.edge.told, ..EdgeMemory::default() };
        Some(Memory { bed: BedMemory::Unknown, learnt: None, edge, replaced: true, ..memory })
    }
}

/// Says in one line which mat a sensor is.
pub(super) fn mat_of(sensor: &Sensor) -> String {
    match sensor {
        Sensor::Serial(serial) => format!("{} {:?}", serial.port.display(), serial.columns),
        Sensor::Mqtt(mqtt) => format!("{} {:?}", mqtt.topic, mqtt.payload),
    }
}

/// What is known of a bed, and how much of the store is in it. Outlives a task that panics.
#[derive(Debug, Clone)]
pub(super) struct Knowledge {
    state: BedState,
    /// What was heard last: a live reading, or that the way in is not open. Once it is open again that is `None`.
    last: Option<Signal>,
    /// Whether the store has said what it knew. Until then nothing is written over it.
    answered: bool,
    /// Whether anything was decided in this life of the program.
    decided: bool,
}

impl Knowledge {
    /// Starts with what the store knew, where it has answered.
    pub(super) fn new(state: BedState, answered: bool) -> Self {
        Self { state, last: None, answered, decided: false }
    }

    /// The way in is another one from now on, or none: what came over it says nothing about the next.
    pub(super) fn unheard(&mut self) {
        self.last = None;
    }

    /// Hands out what is known; a reading only once. One that makes a task panic must not meet the next.
    fn hand_out(&mut self) -> Self {
        let known = self.clone();
        self.last = self.last.filter(|last| !matches!(last, Signal::Reading(_)));
        known
    }
}

/// Returns the store's key of a bed's state.
pub(super) fn state_key(settings: &Settings) -> String {
    format!("bed/{}", settings.bed)
}

/// What somebody wants of a bed. Answered through the sender; who asked may have gone.
#[derive(Debug, Clone)]
pub(super) enum Wish {
    /// To know how things stand.
    Look(mpsc::Sender<(Standing, MatHealth)>),
    /// That it is paused. Answered with until when.
    Pause {
        /// For how long at most.
        length: Duration,
        /// Whether it ends as soon as somebody has lain down again.
        until_return: bool,
        /// Who asks.
        asked: mpsc::Sender<Moment>,
    },
    /// That the pause ends. Answered with whether there was one, and how things stand then.
    Resume(mpsc::Sender<(bool, Standing)>),
}

/// What the detector saw at a moment, for people who watch.
pub(super) type Sight = (Moment, View);

/// Sights that wait for one who watches; the oldest go.
pub(super) const SIGHTS_MAX: usize = 64;

/// Wishes that wait for a bed at most; the oldest go unanswered.
pub(super) const WISHES_MAX: usize = 16;

/// Everything that the task of a bed needs, also to start again.
#[derive(Clone)]
pub(super) struct Bed {
    /// What decisions depend on.
    pub settings: Settings,
    /// Which mat it is ([`mat_of`]).
    pub mat: String,
    /// Where the mat's signals come from.
    pub feed: Feed,
    /// What people want of it.
    pub wishes: broadcast::Sender<Wish>,
    /// What it sees, for people who watch.
    pub sights: broadcast::Sender<Sight>,
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
        let Knowledge { state, last, answered, decided } = lock(&self.known).hand_out();
        let mut late = self.late.clone().filter(|_| !answered);
        let start = state.memory_for(&self.mat).map_or(self.unknown.clone(), Start::Remembered);
        let mut watching = Watching {
            detector: Detector::new(self.settings.clone(), &start, self.clock.now()),
            ledger: state.ledger,
            key: state_key(&self.settings),
            health: None,
            last,
            answered,
            decided,
            read: false,
            bed: &self,
        };
        watching.go_on();
        watching.follow_up().await;
        let (mut stop, mut wishes) = (self.stop.clone(), self.wishes.subscribe());
        let mut recalled = false;
        let mut armed = watching.detector.next_deadline();
        let timer = tokio::time::sleep_until(clock::instant(armed.unwrap_or(FAR)));
        tokio::pin!(timer);
        loop {
            tokio::select! {
                biased;
                states = answer(&mut late) => {
                    late = None;
                    watching.recall(states.get(&watching.key).cloned().unwrap_or_default());
                    recalled = true;
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
                Ok(wish) = wishes.recv() => watching.grant(wish),
                _ = stop.wait_for(|stop| *stop) => break,
            }
            watching.follow_up().await;
            if std::mem::take(&mut recalled) {
                // Before what comes of it is stored, it would be ahead of that.
                watching.keep();
            }
            watching.show();
            let due = watching.detector.next_deadline();
            // A deadline that has moved away is met too early once and looked up again: cheaper than to move it at
            // each reading.
            if due.is_some_and(|due| armed.is_none_or(|armed| due < armed)) {
                armed = due;
                timer.as_mut().reset(clock::instant(due.unwrap_or(FAR)));
            }
        }
        watching.keep();
        lock(&self.known).last = watching.last;
    }
}

/// Takes out of the detector what it has decided, each with what is to be sent of it. Reads no clock: simulated nights
/// call it too.
pub(super) fn decided(
    detector: &mut Detector,
    ledger: &mut Ledger,
    alarm: &Alarm,
    mut draw: impl FnMut() -> AlertId,
) -> Vec<(Event, Option<Draft>, Because)> {
    let mut decided = Vec::new();
    while let Some(decision) = detector.next_decision() {
        // What was seen and not told is for `replay --explain`.
        let Some(event) = decision.event else { continue };
        let draft = ledger.enter(&event, alarm, &mut draw);
        decided.push((event, draft, decision.because));
    }
    decided
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
    /// As in [`Knowledge`].
    last: Option<Signal>,
    answered: bool,
    decided: bool,
    /// Whether a reading has come that was not shown to those who watch.
    read: bool,
}

impl Watching<'_> {
    /// Goes on from what was heard last before the settings changed. Whoever listens now has listened since.
    fn go_on(&mut self) {
        match self.last {
            Some(Signal::Reading(reading)) => self.detector.resume(&reading, self.bed.clock.now()),
            Some(way) => self.signal(way),
            None => {}
        }
    }

    fn signal(&mut self, signal: Signal) {
        let now = self.bed.clock.now();
        match signal {
            Signal::Reading(Reading { quality: Quality::Live, .. }) => self.last = Some(signal),
            Signal::Lost(_) | Signal::Away => self.way(Some(signal)),
            Signal::Back => self.way(None),
            Signal::Rejected | Signal::Reading(Reading { quality: Quality::Old, .. }) => {}
        }
        self.read |= matches!(signal, Signal::Reading(_));
        match signal {
            Signal::Reading(reading) => self.detector.on_reading(&reading, now),
            Signal::Rejected => self.detector.on_rejected(now),
            Signal::Lost(fault) => self.detector.on_lost(fault, now),
            Signal::Away => self.detector.on_away(now),
            Signal::Back => self.detector.on_back(now),
        }
    }

    /// Notes what befell the way in, also for a task that takes over after a panic.
    fn way(&mut self, last: Option<Signal>) {
        self.last = last;
        lock(&self.bed.known).last = last;
    }

    /// Shows what it sees to those who watch, after what was decided is on its way.
    fn show(&mut self) {
        if std::mem::take(&mut self.read) && self.bed.sights.receiver_count() > 0 {
            drop(self.bed.sights.send((self.bed.clock.now().moment, self.detector.view())));
        }
    }

    /// Does what somebody wants.
    fn grant(&mut self, wish: Wish) {
        let now = self.bed.clock.now();
        match wish {
            Wish::Look(asked) => {
                asked.try_send((self.detector.standing(), self.detector.health())).ok();
            }
            Wish::Pause { length, until_return, asked } => {
                asked.try_send(self.detector.on_pause(length, until_return, now)).ok();
            }
            Wish::Resume(asked) => {
                let was_paused = self.detector.on_resume(now);
                asked.try_send((was_paused, self.detector.standing())).ok();
            }
        }
    }

    /// Signals were dropped, maybe one that said that the way in is lost or open: what was known is not sure any more.
    fn missed(&mut self, count: u64) {
        warn!(
            count,
            "Readings were dropped: the bed could not keep up; is the machine overloaded, or the mat too fast?"
        );
        self.signal(Signal::Away);
        self.signal(Signal::Back);
    }

    /// Takes what a store that answers late knew. What was decided without it stands; what it had open can be closed.
    fn recall(&mut self, known: BedState) {
        self.answered = true;
        let (memory, now) = (known.memory_for(&self.bed.mat), self.bed.clock.now());
        self.ledger.recall(known.ledger);
        let Some(memory) = memory else { return };
        if self.decided {
            return self.detector.recall(&memory, now);
        }
        self.detector = Detector::new(self.bed.settings.clone(), &Start::Remembered(memory), now);
        if let Some(last) = self.last {
            self.signal(last);
        }
    }

    /// Sends and stores what the detector has decided.
    async fn follow_up(&mut self) {
        let mut taken = Vec::new();
        for (event, draft, because) in decided(&mut self.detector, &mut self.ledger, &self.bed.settings.alarm, draw_id)
        {
            self.decided = true;
            taken.push((self.bed.outbox.begin(event, draft), Some(because)));
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
        let renewed = self.detector.sees_somebody() && self.ledger.seen_in_bed(draw_id);
        let changed = self.detector.take_changed() || renewed;
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
        let (memory, mat) = (Some(self.detector.memory()), Some(self.bed.mat.clone()));
        let returned = self.bed.outbox.last_return(&self.bed.settings.bed);
        let state = BedState { memory, ledger: self.ledger.clone(), mat, returned };
        let write = || serde_json::to_vec(&state).expect("a bed's state has nothing that JSON cannot say");
        let written = self.answered.then(write);
        let mut known = lock(&self.bed.known);
        (known.state, known.answered, known.decided) = (state, self.answered, self.decided);
        written
    }
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::detect::{AbsenceMemory, Learnt};
    use crate::model::MatFault;

    #[test]
    fn of_another_mat_only_the_person_is_remembered() {
        let time = Timestamp::UNIX_EPOCH;
        let absence = AbsenceMemory { since: time, watched: true, told: true, reminders: 1, due: None };
        let memory = Memory {
            saved: time,
            trusted: true,
            mat: String::new(),
            bed: BedMemory::InBed { since: time, seen: time },
            absence: Some(absence),
            unknown: None,
            pause: None,
            learnt: Some(Learnt {
                empty: vec![100.0],
                occupied: vec![600.0],
                first_empty: vec![90.0],
                falls: true,
                proven: true,
                lain_s: 9,
            }),
            edge: EdgeMemory { told: true, lies: vec![500.0], rim: vec![1.0] },
            faults: vec![MatFault::Stuck],
            zones: vec![(1, MatFault::Unplugged)],
            replaced: false,
            last_rise: Some(time),
        };
        let state = |mat: Option<&str>| BedState {
            memory: Some(memory.clone()),
            ledger: Ledger::default(),
            mat: mat.map(str::to_owned),
            returned: None,
        };
        assert_eq!(state(Some("one")).memory_for("one"), Some(memory.clone()));
        assert_eq!(state(None).memory_for("one"), Some(memory.clone()), "noted by an earlier version");
        let other = state(Some("one")).memory_for("other").unwrap();
        assert_eq!((other.bed, other.learnt), (BedMemory::Unknown, None));
        assert_eq!(other.edge, EdgeMemory { told: true, ..EdgeMemory::default() });
        assert_eq!((other.absence, other.last_rise), (Some(absence), Some(time)));
        assert!(other.replaced && !memory.replaced, "its faults, though still told, are not those of the new mat");
        assert_eq!((other.faults, other.zones), (memory.faults, memory.zones));
    }
}
