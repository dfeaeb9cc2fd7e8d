//! Goes on with other channels while alerts wait and are on their way. PURE.
//!
//! A channel of the same name is the same one: what was accepted there, what waits there and what is on its way there
//! stays. What waited for a channel that is gone goes by the others.

use std::sync::Arc;

use super::channel::Channel;
use super::entry::{ChannelSet, Entry, Key, Lane, Tried};
use super::{CHANNELS_MAX, Queue, Report, Ticket};
use crate::dispatch::settings::{Delivery, Order};
use crate::model::Moment;

/// Where each channel has gone: by its old place, its new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved(Vec<Option<usize>>);

impl Moved {
    /// Returns the new place of a channel; `None` where it is gone.
    #[must_use]
    pub fn place(&self, channel: usize) -> Option<usize> {
        self.0.get(channel).copied().flatten()
    }

    /// Returns the ticket of an attempt as it counts by now; `None` where its channel is gone, and with it its outcome.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "a ticket is given back once")]
    pub fn ticket(&self, ticket: Ticket) -> Option<Ticket> {
        self.place(ticket.channel).map(|channel| Ticket { channel, ..ticket })
    }

    fn set(&self, set: ChannelSet) -> ChannelSet {
        let mut moved = ChannelSet::default();
        let places = self.0.iter().enumerate().filter(|(old, _)| set.contains(*old));
        places.filter_map(|(_, new)| *new).for_each(|new| moved.insert(new));
        moved
    }

    fn lanes(&self, before: &[Lane], count: usize) -> Vec<Lane> {
        let mut lanes = vec![Lane::Closed; count];
        for (lane, place) in before.iter().zip(&self.0) {
            if let Some(new) = place.and_then(|place| lanes.get_mut(place)) {
                *new = *lane;
            }
        }
        lanes
    }
}

impl Queue {
    /// Takes other channels, each by its name and whether its settings are other ones than before, and another way to
    /// spread alerts over them. Tickets of attempts on their way must be put through what is returned.
    pub fn rechannel<'a>(
        &mut self,
        delivery: Delivery,
        channels: impl IntoIterator<Item = (&'a str, bool)>,
        now: Moment,
    ) -> Moved {
        self.delivery = delivery;
        let wanted: Vec<(&str, bool)> = channels.into_iter().take(CHANNELS_MAX).collect();
        let mut before: Vec<Option<Channel>> = std::mem::take(&mut self.channels).into_iter().map(Some).collect();
        let place = |name: &str| wanted.iter().position(|(wanted, _)| *wanted == name);
        let moved = Moved(before.iter().flatten().map(|channel| place(&channel.name)).collect());
        for (name, _) in &wanted {
            let known = before.iter_mut().find(|known| known.as_ref().is_some_and(|known| &*known.name == *name));
            self.channels.push(known.and_then(Option::take).unwrap_or_else(|| Channel::new(name)));
        }
        for gone in before.into_iter().flatten() {
            self.reports.push_back(Report::ChannelGone { channel: Arc::clone(&gone.name) });
        }
        self.memory.change(|accepted| moved.set(accepted));
        for entry in self.entries.values_mut() {
            entry.lanes = moved.lanes(&entry.lanes, wanted.len());
            entry.targets = moved.set(entry.targets);
        }
        let changed = wanted.iter().enumerate().filter(|(_, (_, changed))| *changed).map(|(index, _)| index);
        changed.for_each(|channel| self.try_anew(channel, now));
        let keys: Vec<Key> = self.entries.keys().copied().collect();
        for key in keys {
            self.go_on(key, now);
        }
        moved
    }

    /// Somebody has changed a channel: what waits there is tried at once, and what it refused is forgotten.
    fn try_anew(&mut self, channel: usize, now: Moment) {
        if let Some(state) = self.channels.get_mut(channel) {
            state.refused.clear();
        }
        for entry in self.entries.values_mut() {
            if let Lane::Waiting { due, tried } = entry.lane(channel) {
                let tried = Tried { attempts: tried.attempts, ..Tried::default() };
                entry.set_lane(channel, Lane::Waiting { due: due.min(now), tried });
            }
        }
    }

    /// Lets an alert take the channels that it needs by now.
    fn go_on(&mut self, key: Key, now: Moment) {
        self.settle(key, now);
        // One that is accepted and not delivered waits for those that must have it too, and for nobody else.
        let over = |entry: &Entry| self.delivery.order == Order::Fallback && !entry.accepted().is_empty();
        let Some(entry) = self.entries.get(&key).filter(|entry| !entry.delivered && !over(entry)) else { return };
        let idle = |entry: &Entry| entry.lanes.iter().all(|lane| *lane == Lane::Closed);
        if self.delivery.order == Order::All || idle(entry) {
            self.begin(key, now, now);
        } else if self.is_hopeful(key) {
            self.keep_give_up(key, now);
        } else {
            self.open_next(key, now);
        }
    }
}
