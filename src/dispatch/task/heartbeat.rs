//! Heartbeats: each channel's own rhythm, the latest health, never stored nor tried again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::policy;
use crate::model::texts::text;
use crate::model::{Alert, AlertId, Event, Health, Kind, Language, Moment, Now, Sequence};

/// The rhythm of one channel.
#[derive(Debug)]
pub(super) struct Heart {
    interval: Option<Duration>,
    due: Moment,
    /// Whether one has not come back yet: the next one waits for it, for at most the time that it may take.
    on_its_way: bool,
}

impl Heart {
    /// Makes one whose first beat is due at `first`.
    pub(super) fn new(interval: Option<Duration>, first: Moment) -> Self {
        Self { interval, due: first, on_its_way: false }
    }

    /// The last one has come back, with whatever answer.
    pub(super) fn arrived(&mut self) {
        self.on_its_way = false;
    }

    /// The last one has failed: the next comes soon, to know whether the way out is dead.
    pub(super) fn failed(&mut self, now: Moment, random: u32) {
        if let Some(interval) = self.interval {
            self.due = self.due.min(now + policy::heartbeat_again(interval, random));
        }
    }

    pub(super) fn due(&self) -> Option<Moment> {
        self.interval.filter(|_| !self.on_its_way).map(|_| self.due)
    }

    /// Tells whether it is time; if so the next one is set. Beats that were missed are not made up for.
    pub(super) fn is_due(&mut self, now: Moment, random: u32) -> bool {
        let Some(interval) = self.interval.filter(|_| !self.on_its_way && self.due <= now) else { return false };
        self.due = now + policy::heartbeat(interval, random);
        true
    }

    /// One is on its way.
    pub(super) fn sent(&mut self) {
        self.on_its_way = true;
    }
}

/// Makes heartbeats of the latest health.
pub(super) struct Source {
    health: watch::Receiver<Health>,
    next_sequence: Arc<dyn Fn() -> Sequence + Send + Sync>,
    language: Language,
}

impl Source {
    pub(super) fn new(
        health: watch::Receiver<Health>,
        next_sequence: Arc<dyn Fn() -> Sequence + Send + Sync>,
        language: Language,
    ) -> Self {
        Self { health, next_sequence, language }
    }

    pub(super) fn speak(&mut self, language: Language) {
        self.language = language;
    }

    /// Makes one; `None` where the system gives no random number for its id.
    pub(super) fn next(&self, now: &Now) -> Option<Alert> {
        let mut entropy = [0; 16];
        getrandom::getrandom(&mut entropy).ok()?;
        let kind = Kind::Heartbeat(Box::new(self.health.borrow().clone()));
        Some(Alert {
            id: AlertId::from_entropy(u128::from_ne_bytes(entropy)),
            sequence: (self.next_sequence)(),
            priority: kind.priority(),
            text: text(&kind, self.language).to_owned(),
            event: Event::of_gateway(kind, now),
            closes: Vec::new(),
        })
    }
}
