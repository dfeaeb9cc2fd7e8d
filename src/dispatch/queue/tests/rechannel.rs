//! Other channels while alerts wait and are on their way.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

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
fn a_reload_makes_nobody_wait_longer_for_the_next_channel() {
    let (names, patient) = ([("a", false), ("b", false)], Delivery::default());
    let mut queue = Queue::new(patient, ["a", "b"]);
    queue.raise(alert(1, Kind::Rise), &now(0));
    assert_eq!(places(&mut queue, 0).len(), 1);
    for second in 1..10 {
        queue.rechannel(patient, names, now(second * 1000).moment);
        assert!(places(&mut queue, second * 1000).is_empty());
    }
    assert_eq!(places(&mut queue, 10_000).len(), 1, "give-up-after is over");
    // A shorter time counts from the change on, a longer one not for those who wait.
    queue.raise(alert(2, Kind::Rise), &now(10_000));
    let _slow = places(&mut queue, 10_000);
    for give_up_after in [2, 60] {
        let give_up_after = Duration::from_secs(give_up_after);
        queue.rechannel(Delivery { give_up_after, ..patient }, names, now(11_000).moment);
    }
    assert_eq!(queue.next_deadline(now(11_000).moment), Some(now(13_000).moment));
}

#[test]
fn an_alarm_that_waits_for_a_dead_channel_takes_a_new_one_at_once() {
    let mut queue = Queue::new(Delivery::default(), ["dead"]);
    queue.raise(alert(1, Kind::Rise), &now(0));
    for second in [0, 1] {
        let (_, _, ticket) = places(&mut queue, second * 1000).remove(0);
        queue.on_outcome(ticket, Outcome::try_again("refused"), &now(second * 1000), u32::MAX);
    }
    queue.rechannel(Delivery::default(), [("dead", false), ("new", true)], now(1_000).moment);
    let sent = places(&mut queue, 1_000);
    assert_eq!(sent.iter().map(|(_, channel, _)| *channel).collect::<Vec<_>>(), [1]);
}

#[test]
fn what_one_channel_has_and_another_must_have_goes_to_no_third() {
    let mut queue = Queue::new(Delivery::default(), ["a", "b"]);
    let rise = alert(1, Kind::Rise);
    for channel in ["a", "b"] {
        queue.remember(rise.id, channel, now(0).moment);
    }
    queue.raise(Alert { closes: vec![rise.id], ..alert(2, Kind::Return) }, &now(0));
    let mut both = places(&mut queue, 0);
    let (_, _, ticket) = both.remove(0);
    queue.on_outcome(ticket, accepted(), &now(0), 0);
    queue.rechannel(Delivery::default(), [("a", false), ("b", false), ("c", true)], now(1).moment);
    assert!(places(&mut queue, 60_000).is_empty());
    assert_eq!(queue.waiting(), 1, "the other one is still to have it");
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
