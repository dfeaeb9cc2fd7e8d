//! What a `return` or `…-restored` does to what it closes, and what it waits for. PURE.

use std::sync::Arc;

use super::entry::{ChannelSet, Entry, Key, Lane};
use super::{Queue, Report};
use crate::dispatch::settings::Order;
use crate::model::{Alert, AlertId, BedId, Kind, Moment, Priority, Sequence};

impl Queue {
    /// Notes an alert that is raised. A `return` turns into information what it finds of its bed: it closes some, and
    /// those have closed the others.
    pub(super) fn note_return(&mut self, alert: &Alert) {
        self.returns.note(alert);
        if alert.event.kind == Kind::Return {
            self.end_all_returned();
        }
    }

    /// Takes the last returns as an earlier life of the program, or of the delivery task, has noted them. Nothing that is
    /// here and older is an alarm any more, nor what the store still hands over.
    pub fn recall_returns(&mut self, earlier: impl IntoIterator<Item = (BedId, Sequence)>) {
        self.returns.recall(earlier);
        self.end_all_returned();
    }

    fn end_all_returned(&mut self) {
        let ended: Vec<Key> =
            self.entries.values().filter(|entry| self.returns.have_ended(&entry.alert)).map(Entry::key).collect();
        for key in ended {
            self.end(key);
        }
    }

    /// Turns what a `return` closes into information, and what that has closed in its turn.
    pub(super) fn end_all_closed(&mut self, alert: &Alert) {
        let ends = |alert: &Alert| alert.event.kind == Kind::Return || alert.event.kind.is_ended_by_return();
        let mut closed = if ends(alert) { alert.closes.clone() } else { Vec::new() };
        while let Some(id) = closed.pop() {
            let Some(key) = self.keys.get(&id).copied() else {
                // It may wait in the store.
                self.memory.end(id);
                continue;
            };
            if let Some(alert) = self.end(key).filter(|alert| ends(alert)) {
                closed.extend(&alert.closes);
            }
        }
    }

    /// Notes that an alert has ended; returns it where that is news.
    pub(super) fn end(&mut self, key: Key) -> Option<Arc<Alert>> {
        let entry = self.entries.get_mut(&key).filter(|entry| !entry.ended)?;
        let was_alarm = entry.is_open_alarm();
        entry.ended = true;
        let alert = Arc::clone(&entry.alert);
        if was_alarm && !entry.is_open_alarm() {
            for state in self.channels.iter_mut().filter(|state| state.alarms.contains(&key)) {
                state.alarms.remove(&key);
                state.enlist(key, false, entry.line());
            }
        }
        Some(alert)
    }

    /// The end of a fault has been accepted: where its beginning has not, it goes out behind its end, and nothing that
    /// comes later would close it.
    pub(super) fn overtake(&mut self, closer: Key) {
        let Some(alert) = self.entries.get(&closer).map(|entry| Arc::clone(&entry.alert)) else { return };
        if !alert.event.kind.is_of_fault() {
            return;
        }
        for id in &alert.closes {
            match self.keys.get(id) {
                Some(key) => self.calm_overtaken(*key),
                // It may still come out of the store.
                None => self.memory.end(*id),
            }
        }
    }

    /// Makes information of a fault that is over and not delivered yet, for good: no return will say again that it is.
    pub(super) fn calm_overtaken(&mut self, key: Key) {
        let is_overtaken = |entry: &&mut Entry| {
            entry.alert.event.kind.is_of_fault() && entry.alert.priority != Priority::Info && !entry.delivered
        };
        let Some(entry) = self.entries.get_mut(&key).filter(is_overtaken) else { return };
        let alert = Alert { priority: Priority::Info, ..Alert::clone(&entry.alert) };
        entry.alert = Arc::new(alert.clone());
        self.reports.push_back(Report::Overtaken { alert: Box::new(alert) });
    }

    pub(super) fn has_return(&self, id: &AlertId) -> bool {
        let waits = || {
            let closers = self.closers.get(id).into_iter().flatten();
            closers.filter_map(|key| self.entries.get(key)).any(|entry| entry.alert.event.kind == Kind::Return)
        };
        self.memory.get(id).is_some_and(|known| known.ended) || waits()
    }

    /// The channels that have accepted an alert, in this life or as far as remembered.
    pub(super) fn accepted(&self, id: &AlertId) -> ChannelSet {
        let here = self.entry_of(id).map(Entry::accepted).unwrap_or_default();
        here.union(self.memory.get(id).map(|known| known.accepted).unwrap_or_default())
    }

    pub(super) fn entry_of(&self, id: &AlertId) -> Option<&Entry> {
        self.keys.get(id).and_then(|key| self.entries.get(key))
    }

    /// Tells whether an alert closes one that may wait in the store, as far as is known here.
    pub(super) fn closes_something_unknown(&self, alert: &Alert) -> bool {
        let unknown = |id: &AlertId| !self.keys.contains_key(id) && !self.is_done(id);
        alert.priority != Priority::Alarm && alert.closes.iter().any(unknown)
    }

    /// Tells whether an alert that is not here is known to have been accepted by all that it must reach.
    fn is_done(&self, id: &AlertId) -> bool {
        let accepted = self.memory.get(id).map(|known| known.accepted).unwrap_or_default();
        match self.delivery.order {
            Order::Fallback => !accepted.is_empty(),
            Order::All => (0..self.channels.len()).all(|channel| accepted.contains(channel)),
        }
    }

    /// Notes that a channel accepted an alert in an earlier life of the program: it is not sent there again, and its
    /// `return` finds it.
    pub fn remember(&mut self, alert: AlertId, channel: &str, now: Moment) {
        let Some(index) = self.channels.iter().position(|known| &*known.name == channel) else { return };
        self.memory.accept(alert, index);
        let Some(key) = self.keys.get(&alert).copied() else { return self.resume_closers(&alert, now) };
        let (Some(entry), Some(state)) = (self.entries.get_mut(&key), self.channels.get_mut(index)) else { return };
        if matches!(entry.lane(index), Lane::Closed | Lane::Waiting { .. }) {
            entry.set_lane(index, Lane::Accepted);
            state.delist(key, entry.line());
        }
        self.settle(key, now);
    }

    /// Tells whether an alert must wait on a channel for one that it closes. Only older ones hold it, so that no two
    /// wait for each other, and none that the channel refuses for itself: that one may never go.
    pub(super) fn is_held(&self, key: Key, channel: usize) -> bool {
        let Some(entry) = self.entries.get(&key).filter(|entry| entry.follows()) else { return false };
        let closed = entry.alert.closes.iter().filter_map(|id| self.entry_of(id));
        let holds = |closed: &&Entry| closed.key() < key && !closed.is_refused(channel);
        closed.filter(holds).any(|closed| match self.delivery.order {
            Order::Fallback => !closed.delivered,
            Order::All => closed.lane(channel) != Lane::Accepted,
        })
    }

    /// Lets go what waited for an alert, and sends it wherever that one was accepted.
    pub(super) fn resume_closers(&mut self, id: &AlertId, now: Moment) {
        let accepted = self.accepted(id);
        for key in self.closers.get(id).cloned().unwrap_or_default() {
            let Some(entry) = self.entries.get_mut(&key) else { continue };
            entry.targets = entry.targets.union(accepted);
            let (targets, begun) = (entry.targets, entry.lanes.iter().any(|lane| *lane != Lane::Closed));
            if begun && self.delivery.order == Order::Fallback {
                let targets = (0..self.channels.len()).filter(|channel| targets.contains(*channel));
                targets.for_each(|channel| self.open(key, channel, now));
            } else {
                self.begin(key, now, now);
            }
            self.freshen(key);
        }
    }

    /// Lets a live alert that is no longer held have its first attempts at once.
    pub(super) fn freshen(&mut self, key: Key) {
        for channel in 0..self.channels.len() {
            let held = self.is_held(key, channel);
            let (Some(entry), Some(state)) = (self.entries.get(&key), self.channels.get_mut(channel)) else { return };
            let untried = matches!(entry.lane(channel), Lane::Waiting { tried, .. } if tried.attempts == 0);
            if entry.live && untried && !held {
                state.fresh.insert(key);
            }
        }
    }
}
