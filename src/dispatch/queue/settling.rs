//! What an outcome means for an alert and for its channel. PURE.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::entry::{Entry, Key, Lane, Tried};
use super::{Queue, Report};
use crate::dispatch::policy::{self, Failed};
use crate::dispatch::settings::Order;
use crate::model::{AlertId, Moment};

impl Queue {
    pub(super) fn on_accepted(
        &mut self,
        key: Key,
        channel: usize,
        reference: Option<String>,
        attempt: u32,
        at: Timestamp,
    ) {
        let (Some(entry), Some(state)) = (self.entries.get_mut(&key), self.channels.get_mut(channel)) else { return };
        entry.set_lane(channel, Lane::Accepted);
        state.delist(key, entry.line());
        self.memory.accept(entry.alert.id, channel);
        let (alert, sequence, channel) = (entry.alert.id, entry.alert.sequence, Arc::clone(&state.name));
        self.reports.push_back(Report::Accepted { alert, sequence, channel, reference, at, attempt });
        self.overtake(key);
    }

    /// Notes that a channel has refused an alert; tells apart whether it refuses this one or everything.
    pub(super) fn refused(&self, channel: usize, tried: Tried, now: Moment) -> Tried {
        let state = self.channels.get(channel);
        let took_others = |since| state.is_some_and(|state| state.has_worked_since(since));
        Tried {
            wrong_since: tried.wrong_since.or(Some(now)),
            refused_for_itself: tried.refused_for_itself || tried.wrong_since.is_some_and(took_others),
            ..tried
        }
    }

    /// Lets an alert wait for its next attempt, or lets it be where none is needed any more.
    pub(super) fn wait(
        &mut self,
        key: Key,
        channel: usize,
        tried: Tried,
        retry_after: Option<Duration>,
        now: Moment,
        random: u32,
    ) {
        let is_needed = self.is_needed(key, channel);
        let (Some(entry), Some(state)) = (self.entries.get_mut(&key), self.channels.get_mut(channel)) else { return };
        if is_needed {
            let wrong_for = tried.wrong_since.map(|since| now.since(since));
            let failed = Failed { attempts: tried.attempts, priority: entry.priority(), retry_after, wrong_for };
            entry.set_lane(channel, Lane::Waiting { due: now + policy::wait(&failed, random), tried });
            // It may have become needed again while it was on its way.
            state.enlist(key, entry.is_open_alarm(), entry.line());
        } else {
            entry.set_lane(channel, Lane::Closed);
            state.delist(key, entry.line());
            self.settle(key, now);
        }
    }

    /// Tells whether an alert that is not accepted on a channel still has to be.
    pub(super) fn is_needed(&self, key: Key, channel: usize) -> bool {
        self.entries.get(&key).is_some_and(|entry| {
            let accepted_elsewhere = self.delivery.order == Order::Fallback && !entry.accepted().is_empty();
            !entry.delivered && (!accepted_elsewhere || entry.targets.contains(channel))
        })
    }

    /// Draws the consequences of an acceptance: what need not be tried any more, what is delivered, what may follow.
    pub(super) fn settle(&mut self, key: Key, now: Moment) {
        let Some(entry) = self.entries.get(&key) else { return };
        let (id, sequence) = (entry.alert.id, entry.alert.sequence);
        if !entry.accepted().is_empty() {
            self.close_what_is_not_needed(key);
        }
        if self.entries.get(&key).is_some_and(|entry| !entry.delivered && self.is_delivered(entry)) {
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.delivered = true;
                let event = Box::new(entry.alert.event.clone());
                self.reports.push_back(Report::Delivered { alert: id, sequence, event });
                self.memory.deliver(id, sequence);
            }
            self.close_what_is_not_needed(key);
        }
        self.resume_closers(&id, now);
        self.remove_if_over(key, now);
    }

    pub(super) fn close_what_is_not_needed(&mut self, key: Key) {
        if self.delivery.order == Order::Fallback {
            self.disarm_give_up(key);
        }
        for channel in 0..self.channels.len() {
            let is_needed = self.is_needed(key, channel);
            let (Some(entry), Some(state)) = (self.entries.get_mut(&key), self.channels.get_mut(channel)) else {
                return;
            };
            if !is_needed {
                state.delist(key, entry.line());
                if matches!(entry.lane(channel), Lane::Waiting { .. }) {
                    entry.set_lane(channel, Lane::Closed);
                }
            }
        }
    }

    pub(super) fn is_delivered(&self, entry: &Entry) -> bool {
        let accepted = entry.accepted();
        let by_all = |mut channels: std::ops::Range<usize>| channels.all(|channel| accepted.contains(channel));
        match self.delivery.order {
            Order::All => by_all(0..self.channels.len()),
            Order::Fallback => {
                let targets = (0..self.channels.len()).all(|c| !entry.targets.contains(c) || accepted.contains(c));
                // What it closes may still be accepted by a channel that then needs this one too: in a slow attempt, or
                // where this one did not wait for it.
                let elsewhere = |closed: &Entry| {
                    (0..self.channels.len()).any(|c| !accepted.contains(c) && closed.may_be_accepted(c))
                };
                let mut closed = entry.alert.closes.iter().filter_map(|id| self.entry_of(id));
                let may_follow = |closed: &Entry| {
                    if closed.delivered { closed.is_in_flight() } else { elsewhere(closed) }
                };
                !accepted.is_empty() && targets && !closed.any(may_follow)
            }
        }
    }

    /// Forgets a delivered alert once nothing of it is on the way any more.
    pub(super) fn remove_if_over(&mut self, key: Key, now: Moment) {
        if !self.entries.get(&key).is_some_and(|entry| entry.delivered && !entry.is_in_flight()) {
            return;
        }
        if let Some(entry) = self.remove(key) {
            self.settle_closers(&entry.alert.id, now);
        }
    }

    /// What closes an alert may be delivered by now: nothing of that one is to come any more.
    fn settle_closers(&mut self, id: &AlertId, now: Moment) {
        for closer in self.closers.get(id).cloned().unwrap_or_default() {
            self.settle(closer, now);
        }
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Entry> {
        self.disarm_give_up(key);
        let entry = self.entries.remove(&key)?;
        self.keys.remove(&entry.alert.id);
        for state in &mut self.channels {
            state.delist(key, entry.line());
        }
        for closed in &entry.alert.closes {
            if let Some(closers) = self.closers.get_mut(closed) {
                closers.remove(&key);
                if closers.is_empty() {
                    self.closers.remove(closed);
                }
            }
        }
        Some(entry)
    }
}

/// That an open alarm of a bed waits is told this often at most.
const ALARM_TOLD_EVERY: Duration = Duration::from_secs(60);

impl Queue {
    /// Tells that an open alarm was not accepted.
    pub(super) fn tell_waiting_alarm(&mut self, key: Key, channel: usize, detail: &str, now: Moment) {
        let waits = |entry: &&Entry| entry.is_open_alarm() && !entry.delivered;
        let (Some(entry), Some(state)) = (self.entries.get(&key).filter(waits), self.channels.get(channel)) else {
            return;
        };
        let (event, bed) = (&entry.alert.event, entry.alert.event.bed);
        if self.alarm_told.get(&bed).is_some_and(|told| now.since(*told) < ALARM_TOLD_EVERY) {
            return;
        }
        self.alarm_told.insert(bed, now);
        self.reports.push_back(Report::AlarmWaits {
            alert: entry.alert.id,
            bed,
            kind: event.kind.as_str(),
            channel: Arc::clone(&state.name),
            waited: now.since(entry.entered),
            count: self.entries.values().filter(waits).filter(|entry| entry.alert.event.bed == bed).count(),
            detail: detail.to_owned(),
        });
    }

    /// Tells where a channel refuses an alert for itself, and lets go what waited there for it.
    pub(super) fn look_at_refusal(&mut self, key: Key, channel: usize, detail: String, now: Moment) {
        let (Some(entry), Some(state)) = (self.entries.get(&key), self.channels.get_mut(channel)) else { return };
        if !entry.is_refused(channel) || !state.refused.insert(key) {
            return;
        }
        state.refusal = Some(detail.clone());
        let (alert, event, channel) = (entry.alert.id, &entry.alert.event, Arc::clone(&state.name));
        self.reports.push_back(Report::Refused { alert, bed: event.bed, kind: event.kind.as_str(), channel, detail });
        self.resume_closers(&alert, now);
        self.settle_closers(&alert, now);
    }

    /// Tells where a channel refuses nothing for itself any more: it was accepted, is not needed there, or has left.
    pub(super) fn look_at_ends_of_refusals(&mut self) {
        for state in self.channels.iter_mut().filter(|state| state.refusal.is_some() && state.refused.is_empty()) {
            state.refusal = None;
            self.reports.push_back(Report::RefusesNone { channel: Arc::clone(&state.name) });
        }
    }

    /// A channel has accepted something. Where it did not work before, nobody waits any longer.
    pub(super) fn channel_works(&mut self, channel: usize, now: Moment) {
        let Some(state) = self.channels.get_mut(channel) else { return };
        let was_down = state.down;
        let Some(failures) = state.works(now) else { return };
        self.reports.push_back(Report::ChannelUp { channel: Arc::clone(&state.name), failures });
        if !was_down {
            // What was found undelivered at the start stays spread over its time.
            return;
        }
        for key in state.unsettled() {
            let Some(entry) = self.entries.get_mut(&key) else { continue };
            let Lane::Waiting { due, tried } = entry.lane(channel) else { continue };
            // What is refused for itself keeps its wait, else it would be tried after each of the others.
            if !tried.refused_for_itself {
                entry.set_lane(channel, Lane::Waiting { due: due.min(now), tried });
            }
        }
    }

    pub(super) fn channel_fails(&mut self, channel: usize, problem: &str) {
        if let Some(state) = self.channels.get_mut(channel) {
            state.problem = Some(problem.to_owned());
            if state.fails() {
                let (channel, detail) = (Arc::clone(&state.name), problem.to_owned());
                self.reports.push_back(Report::ChannelDown { channel, detail, wrong: false });
            }
        }
    }

    pub(super) fn channel_is_wrong(&mut self, channel: usize, problem: &str) {
        if let Some(state) = self.channels.get_mut(channel) {
            state.problem = Some(problem.to_owned());
            if state.is_wrong() {
                let (channel, detail) = (Arc::clone(&state.name), problem.to_owned());
                self.reports.push_back(Report::ChannelDown { channel, detail, wrong: true });
            }
        }
    }
}
