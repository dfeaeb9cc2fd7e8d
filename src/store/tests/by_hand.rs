//! A store that is worked by hand, for nights under a virtual clock: what waits in memory and what gives way there is the
//! real thing, the medium is a map, and whoever holds it says when a write ends, fails, or is cut off.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::answer::Answer;
use super::super::record::{Record, parse, payload};
use super::super::waiting::{Held, State, Waiting, Work, Write};
use crate::model::{Alert, Moment, Sequence};

/// The store: a medium that survives, and a memory that does not.
#[derive(Default)]
pub(crate) struct ByHand {
    medium: Medium,
    waiting: Waiting,
    writing: Option<Work>,
}

#[derive(Default)]
struct Medium {
    alerts: BTreeMap<u64, Vec<u8>>,
    states: BTreeMap<String, Vec<u8>>,
    /// Every number that may have been used is below this.
    mark: u64,
}

/// So far ahead of use the mark lies.
const BLOCK: u64 = 1_000;

impl ByHand {
    /// Opens it after a start; returns the states and the first number that may be used.
    pub(crate) fn open(&mut self, utc: Timestamp) -> (BTreeMap<String, Vec<u8>>, Sequence) {
        let by_clock = u64::try_from(utc.as_millisecond()).unwrap_or(0);
        let first = self.medium.mark.max(by_clock);
        self.medium.mark = first + BLOCK;
        let state = |(key, record): (&String, &Vec<u8>)| (key.clone(), payload(record).unwrap().to_vec());
        (self.medium.states.iter().map(state).collect(), Sequence(first))
    }

    pub(crate) fn append(&mut self, alert: &Alert, state: Option<(&str, Vec<u8>)>) {
        let (reply, _receipt) = Answer::pair();
        let (sequence, priority, record) = (alert.sequence, alert.priority, Record::of_json(alert).unwrap());
        self.waiting.alert(Held { sequence, priority, record, state: state.map(of), reply });
    }

    pub(crate) fn keep(&mut self, key: &str, value: Vec<u8>) {
        self.waiting.state(of((key, value)), Answer::pair().0);
    }

    pub(crate) fn delivered(&mut self, sequence: Sequence, now: Moment) {
        self.waiting.delivered(sequence, now);
    }

    /// Takes what is to be written now, where nothing is being written; tells whether there is something.
    pub(crate) fn begin_writing(&mut self, now: Moment) -> bool {
        if self.writing.is_none() {
            self.writing = self.waiting.take(now);
            return self.writing.is_some();
        }
        false
    }

    /// When it wants to write of its own accord.
    pub(crate) fn due_at(&self) -> Option<Moment> {
        self.waiting.due_at()
    }

    pub(crate) fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    /// Alerts in memory, and those let go since the start.
    pub(crate) fn in_memory(&self) -> (usize, u64) {
        (self.waiting.alerts(), self.waiting.let_go())
    }

    /// The write has ended: all of it is on the medium.
    pub(crate) fn written(&mut self) {
        let Some(mut work) = self.writing.take() else { return };
        self.medium.take(&work, usize::MAX);
        self.waiting.written();
        work.kept();
    }

    /// The write has failed: none of it counts, and it is tried again.
    pub(crate) fn failed(&mut self, now: Moment) {
        if let Some(work) = self.writing.take() {
            self.waiting.put_back(work, now);
        }
    }

    /// The end of the program at any instant: of what is being written so many pieces are on the medium, the rest is gone.
    pub(crate) fn cut(&mut self, pieces: usize) {
        if let Some(work) = self.writing.take() {
            self.medium.take(&work, pieces);
        }
        self.waiting = Waiting::default();
    }

    /// Whether an alert is on the medium.
    pub(crate) fn holds(&self, sequence: Sequence) -> bool {
        self.medium.alerts.contains_key(&sequence.0)
    }

    /// The alerts on the medium behind this one, in order.
    pub(crate) fn backlog(&self, after: Option<Sequence>, limit: usize) -> Vec<Alert> {
        let behind = self.medium.alerts.iter().filter(|(sequence, _)| after.is_none_or(|after| **sequence > after.0));
        behind.take(limit).map(|(_, record)| parse(record).unwrap()).collect()
    }
}

impl Medium {
    /// Writes in the order of the real log: first what is done, then each alert or state, then the rest.
    fn take(&mut self, work: &Work, pieces: usize) {
        if pieces > 0 {
            for done in &work.done {
                self.alerts.remove(&done.0);
            }
        }
        for write in work.writes.iter().take(pieces.saturating_sub(1)) {
            match write {
                Write::Alert(Held { sequence, record, state, .. }) => {
                    self.mark = self.mark.max(sequence.0 + BLOCK);
                    self.alerts.insert(sequence.0, record.as_bytes().to_vec());
                    if let Some(state) = state {
                        self.keep(state);
                    }
                }
                Write::State { state, .. } => self.keep(state),
            }
        }
        if pieces > work.writes.len().saturating_add(1) {
            for gone in &work.gone {
                self.alerts.remove(&gone.0);
            }
        }
    }

    fn keep(&mut self, state: &State) {
        self.states.insert(state.key.clone(), state.record.as_bytes().to_vec());
    }
}

fn of((key, value): (&str, Vec<u8>)) -> State {
    State { key: key.to_owned(), record: Record::of_bytes(&value).unwrap() }
}
