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
        let Some(entry) = self.entries.get(&key).filter(|entry| !entry.delivered) else { return };
        let idle = |entry: &Entry| entry.lanes.iter().all(|lane| *lane == Lane::Closed);
        if self.delivery.order == Order::All || idle(entry) {
            self.begin(key, now, now);
        } else {
            self.arm_give_up(key, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::Attempt;
    use super::*;
    use crate::dispatch::Outcome;
    use crate::model::{Alert, AlertId, Event, Kind, Now, Sequence};

    const NAMES: [&str; 4] = ["a", "b", "c", "d"];

    fn now(millis: u64) -> Now {
        let start = Now::recorded("2026-01-15T23:00:00Z".parse().unwrap());
        let moment = start.moment + Duration::from_millis(millis);
        Now { moment, utc: start.utc_of(moment), trusted: true }
    }

    fn alert(sequence: u64, kind: Kind) -> Alert {
        let (id, priority) = (AlertId::from_entropy(u128::from(sequence)), kind.priority());
        let event = Event { bed: "bed-1".parse().ok(), ..Event::of_gateway(kind, &now(0)) };
        Alert { id, sequence: Sequence(sequence), event, priority, text: String::new(), closes: Vec::new() }
    }

    fn accepted() -> Outcome {
        Outcome::Accepted { reference: None }
    }

    fn places(queue: &mut Queue, at: u64) -> Vec<(u64, usize, Ticket)> {
        std::iter::from_fn(|| queue.next_attempt(now(at).moment))
            .map(|Attempt { alert, channel, ticket, .. }| (alert.sequence.0, channel, ticket))
            .collect()
    }

    #[test]
    fn what_waits_for_a_channel_that_is_gone_goes_by_the_new_one_at_once() {
        let mut queue = Queue::new(Delivery::default(), ["old"]);
        queue.raise(alert(1, Kind::Rise), &now(0));
        let (_, _, ticket) = places(&mut queue, 0).remove(0);
        queue.on_outcome(ticket, Outcome::try_again("no name"), &now(0), u32::MAX);
        let moved = queue.rechannel(Delivery::default(), [("new", true)], now(1).moment);
        assert_eq!(moved.place(0), None);
        assert_eq!(places(&mut queue, 1).len(), 1);
        let gone = std::iter::from_fn(|| queue.next_report());
        assert!(gone.into_iter().any(|report| matches!(report, Report::ChannelGone { channel } if &*channel == "old")));
    }

    #[test]
    fn what_is_on_its_way_over_a_channel_that_stays_is_not_sent_twice() {
        let mut queue = Queue::new(Delivery::default(), ["first"]);
        queue.raise(alert(1, Kind::Rise), &now(0));
        let (_, _, ticket) = places(&mut queue, 0).remove(0);
        let moved = queue.rechannel(Delivery::default(), [("before", false), ("first", true)], now(1).moment);
        assert!(places(&mut queue, 1).is_empty());
        queue.on_outcome(moved.ticket(ticket).unwrap(), accepted(), &now(1), 0);
        assert_eq!(queue.waiting(), 0);
    }

    #[test]
    fn a_channel_that_was_put_right_is_tried_at_once() {
        let mut queue = Queue::new(Delivery::default(), ["first"]);
        queue.raise(alert(1, Kind::Rise), &now(0));
        let (_, _, ticket) = places(&mut queue, 0).remove(0);
        queue.on_outcome(ticket, Outcome::wrong("401"), &now(0), u32::MAX);
        queue.rechannel(Delivery::default(), [("first", false)], now(1).moment);
        assert!(places(&mut queue, 1).is_empty(), "nothing has changed");
        queue.rechannel(Delivery::default(), [("first", true)], now(1).moment);
        assert_eq!(places(&mut queue, 1).len(), 1);
    }

    #[test]
    fn what_all_channels_had_but_one_that_is_gone_is_delivered() {
        let all = Delivery { order: Order::All, ..Delivery::default() };
        let mut queue = Queue::new(all, ["works", "dead"]);
        queue.raise(alert(1, Kind::Rise), &now(0));
        for (_, channel, ticket) in places(&mut queue, 0) {
            let outcome = if channel == 0 { accepted() } else { Outcome::try_again("refused") };
            queue.on_outcome(ticket, outcome, &now(0), 0);
        }
        assert_eq!(queue.waiting(), 1);
        queue.rechannel(all, [("works", false)], now(1).moment);
        assert_eq!(queue.waiting(), 0);
    }

    /// One thing that happens.
    #[derive(Debug, Clone)]
    enum Action {
        Raise(bool),
        Return,
        Outcome { which: prop::sample::Index, accepted: bool },
        Rechannel { mask: u8, turned: bool, all: bool, changed: bool },
        Wait(u16),
    }

    fn action() -> impl Strategy<Value = Action> {
        prop_oneof![
            3 => any::<bool>().prop_map(Action::Raise),
            1 => Just(Action::Return),
            4 => (any::<prop::sample::Index>(), any::<bool>())
                .prop_map(|(which, accepted)| Action::Outcome { which, accepted }),
            2 => (1..16_u8, any::<bool>(), any::<bool>(), any::<bool>())
                .prop_map(|(mask, turned, all, changed)| Action::Rechannel { mask, turned, all, changed }),
            1 => any::<u16>().prop_map(Action::Wait),
        ]
    }

    #[derive(Default)]
    struct Life {
        names: Vec<&'static str>,
        on_the_way: Vec<(AlertId, &'static str, Ticket)>,
        accepted: BTreeMap<AlertId, BTreeSet<&'static str>>,
        raised: BTreeSet<AlertId>,
        open: Vec<AlertId>,
        delivered: BTreeSet<AlertId>,
        millis: u64,
    }

    impl Life {
        fn pump(&mut self, queue: &mut Queue) {
            while let Some(attempt) = queue.next_attempt(now(self.millis).moment) {
                let (id, name) = (attempt.alert.id, self.names[attempt.channel]);
                assert!(!self.delivered.contains(&id), "sent although delivered");
                assert!(!self.on_the_way.iter().any(|(other, by, _)| (*other, *by) == (id, name)), "two at once");
                self.on_the_way.push((id, name, attempt.ticket));
            }
            while let Some(report) = queue.next_report() {
                if let Report::Delivered { alert, .. } = report {
                    assert!(self.accepted.contains_key(&alert), "delivered to nobody");
                    assert!(self.delivered.insert(alert), "delivered twice");
                }
            }
        }

        fn answer(&mut self, queue: &mut Queue, which: usize, good: bool) {
            let (id, name, ticket) = self.on_the_way.swap_remove(which);
            if good {
                self.accepted.entry(id).or_default().insert(name);
            }
            let outcome = if good { accepted() } else { Outcome::try_again("reset") };
            queue.on_outcome(ticket, outcome, &now(self.millis), 7);
        }

        fn rechannel(&mut self, queue: &mut Queue, mask: u8, turned: bool, delivery: Delivery, changed: bool) {
            self.names =
                NAMES.into_iter().enumerate().filter(|(at, _)| mask & 1 << at != 0).map(|(_, name)| name).collect();
            if turned {
                self.names.reverse();
            }
            let wanted = self.names.iter().map(|name| (*name, changed));
            let moved = queue.rechannel(delivery, wanted, now(self.millis).moment);
            let before = std::mem::take(&mut self.on_the_way);
            let kept = before.into_iter().filter_map(|(id, name, ticket)| Some((id, name, moved.ticket(ticket)?)));
            self.on_the_way = kept.collect();
        }
    }

    proptest! {
        #[test]
        fn whatever_the_channels_every_alert_arrives(
            actions in proptest::collection::vec(action(), 0..60),
        ) {
            let mut queue = Queue::new(Delivery::default(), NAMES);
            let mut life = Life { names: NAMES.to_vec(), ..Life::default() };
            for (action, number) in actions.iter().zip(1..) {
                match action {
                    Action::Raise(alarm) => {
                        let alert = alert(number, if *alarm { Kind::Rise } else { Kind::Edge });
                        life.raised.insert(alert.id);
                        life.open.push(alert.id);
                        queue.raise(alert, &now(life.millis));
                    }
                    Action::Return => {
                        let closes = std::mem::take(&mut life.open);
                        if !closes.is_empty() {
                            let alert = Alert { closes, ..alert(number, Kind::Return) };
                            life.raised.insert(alert.id);
                            queue.raise(alert, &now(life.millis));
                        }
                    }
                    Action::Outcome { which, accepted } if !life.on_the_way.is_empty() => {
                        let which = which.index(life.on_the_way.len());
                        life.answer(&mut queue, which, *accepted);
                    }
                    Action::Outcome { .. } => {}
                    Action::Rechannel { mask, turned, all, changed } => {
                        let order = if *all { Order::All } else { Order::Fallback };
                        life.rechannel(&mut queue, *mask, *turned, Delivery { order, ..Delivery::default() }, *changed);
                    }
                    Action::Wait(millis) => life.millis += u64::from(*millis),
                }
                life.pump(&mut queue);
            }
            for _ in 0..2000 {
                life.pump(&mut queue);
                if life.on_the_way.is_empty() {
                    let Some(due) = queue.next_deadline(now(life.millis).moment) else { break };
                    life.millis += u64::try_from(due.since(now(life.millis).moment).as_millis()).unwrap() + 1;
                } else {
                    life.answer(&mut queue, 0, true);
                }
            }
            life.pump(&mut queue);
            prop_assert_eq!(&life.delivered, &life.raised);
        }
    }
}
