//! How an alert comes in: which channels it begins with, and when the next one is opened. PURE.

use std::time::Duration;

use super::Queue;
use super::entry::{Entry, Key, Lane, Tried};
use crate::dispatch::settings::Order;
use crate::model::{Alert, Kind, Moment, Now};

impl Queue {
    /// Takes an alert that was raised in this life, at `raised`.
    pub(super) fn enter(&mut self, alert: Alert, live: bool, raised: Now, now: &Now, due: Moment) {
        if self.more && self.closes_something_unknown(&alert) {
            // What it closes waits in the store; it joins it there and comes back after it.
            self.end_all_closed(&alert);
            self.count_left(1);
            return self.offer_room();
        }
        let key = Key(alert.sequence, alert.id);
        self.insert(alert, live, now, due);
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.raised = Some(raised);
        }
        self.keep_to_bound();
    }

    /// Puts an alert in, unless it is here or its delivery was told.
    pub(super) fn insert(&mut self, alert: Alert, live: bool, now: &Now, due: Moment) {
        if self.keys.contains_key(&alert.id) || self.memory.is_told(&alert.id, alert.sequence) {
            return;
        }
        let mut entry = Entry::new(alert, live, self.channels.len(), now);
        let (key, id) = (entry.key(), entry.alert.id);
        entry.ended = self.has_return(&id) || self.returns.have_ended(&entry.alert);
        if entry.ended || entry.alert.event.kind == Kind::Return {
            self.end_all_closed(&entry.alert);
        }
        for closed in entry.alert.closes.iter().filter(|closed| **closed != id) {
            self.closers.entry(*closed).or_default().insert(key);
            entry.targets = entry.targets.union(self.accepted(closed));
        }
        // Accepted in an earlier life, and raised again after a crash.
        for channel in 0..self.channels.len() {
            if self.memory.get(&id).is_some_and(|known| known.accepted.contains(channel)) {
                entry.set_lane(channel, Lane::Accepted);
            }
        }
        self.keys.insert(id, key);
        let ended = entry.ended;
        self.entries.insert(key, entry);
        if ended {
            self.calm_overtaken(key);
        }
        self.begin(key, due, now.moment);
        self.settle(key, now.moment);
    }

    /// Opens the first channels of an alert, unless it has to wait for what it closes.
    pub(super) fn begin(&mut self, key: Key, due: Moment, now: Moment) {
        let Some(entry) = self.entries.get(&key) else { return };
        let untouched = entry.lanes.iter().all(|lane| *lane == Lane::Closed);
        let targets = entry.targets;
        let alarm = entry.is_open_alarm();
        match self.delivery.order {
            Order::All => (0..self.channels.len()).for_each(|channel| self.open(key, channel, due)),
            Order::Fallback => {
                // Also where an earlier life has brought it to another channel.
                for channel in (0..self.channels.len()).filter(|channel| targets.contains(*channel)) {
                    if !self.is_held(key, channel) {
                        self.open(key, channel, due);
                    }
                }
                if untouched && !self.is_held(key, 0) {
                    if alarm || targets.is_empty() {
                        self.open_next(key, due.max(now));
                    } else {
                        self.arm_give_up(key, due.max(now));
                    }
                }
            }
        }
    }

    /// Opens one channel for an alert that was not tried there.
    pub(super) fn open(&mut self, key: Key, channel: usize, due: Moment) {
        let held = self.is_held(key, channel);
        let (Some(entry), Some(state)) = (self.entries.get_mut(&key), self.channels.get_mut(channel)) else { return };
        if entry.lane(channel) == Lane::Closed && !entry.delivered {
            entry.set_lane(channel, Lane::Waiting { due, tried: Tried::default() });
            state.enlist(key, entry.is_open_alarm(), entry.line());
            if entry.live && !held {
                state.fresh.insert(key);
            }
        }
    }

    /// Opens the next channel in turn, and the one after it too where that one is known to be down.
    pub(super) fn open_next(&mut self, key: Key, due: Moment) {
        while let Some(channel) = self.next_closed(key) {
            self.open(key, channel, due);
            if !self.is_down(channel) {
                break;
            }
        }
        self.arm_give_up(key, due);
    }

    pub(super) fn next_closed(&self, key: Key) -> Option<usize> {
        let entry = self.entries.get(&key)?;
        entry.lanes.iter().position(|lane| *lane == Lane::Closed)
    }

    /// Sets the time of the next channel, where there is one left.
    pub(super) fn arm_give_up(&mut self, key: Key, from: Moment) {
        self.set_give_up(key, self.give_up_from(from));
    }

    /// The channels, or the time after which the next one is tried, are others by now: what has waited has waited.
    pub(super) fn keep_give_up(&mut self, key: Key, now: Moment) {
        let (armed, fresh) = (self.entries.get(&key).and_then(|entry| entry.give_up), self.give_up_from(now));
        self.set_give_up(key, armed.map_or(fresh, |armed| armed.min(fresh)));
    }

    fn give_up_from(&self, from: Moment) -> Moment {
        from + self.delivery.give_up_after.max(Duration::from_millis(1))
    }

    fn set_give_up(&mut self, key: Key, at: Moment) {
        let at = self.next_closed(key).map(|_| at);
        if let Some(entry) = self.entries.get_mut(&key) {
            if let Some(before) = std::mem::replace(&mut entry.give_up, at) {
                self.give_ups.remove(&(before, key));
            }
            self.give_ups.extend(at.map(|at| (at, key)));
        }
    }

    pub(super) fn disarm_give_up(&mut self, key: Key) {
        if let Some(at) = self.entries.get_mut(&key).and_then(|entry| entry.give_up.take()) {
            self.give_ups.remove(&(at, key));
        }
    }

    pub(super) fn open_overdue(&mut self, now: Moment) {
        while let Some(&(at, key)) = self.give_ups.first().filter(|(at, _)| *at <= now) {
            self.give_ups.remove(&(at, key));
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.give_up = None;
            }
            self.open_next(key, now);
        }
    }

    /// A refusal needs no waiting: the next channel is tried unless another one still may accept.
    pub(super) fn open_next_after_wrong(&mut self, key: Key, now: Moment) {
        if self.delivery.order == Order::Fallback && !self.is_hopeful(key) {
            self.open_next(key, now);
        }
    }

    /// Tells whether a channel that was tried has accepted an alert or still may: one that is wrong or known to be down
    /// hardly will.
    pub(super) fn is_hopeful(&self, key: Key) -> bool {
        let Some(entry) = self.entries.get(&key) else { return false };
        entry.lanes.iter().enumerate().any(|(channel, lane)| match lane {
            Lane::Waiting { tried, .. } | Lane::InFlight { tried } => {
                tried.wrong_since.is_none() && !self.is_down(channel)
            }
            Lane::Accepted => true,
            Lane::Closed => false,
        })
    }
}
