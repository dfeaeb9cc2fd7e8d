//! The rules of the queue, one by one, and all of them under random outcomes.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::dispatch::settings::Order;
use crate::model::fault::MatFault;
use crate::model::{BedId, Event, Kind};

const SECOND: Duration = Duration::from_secs(1);

fn now(seconds: u64) -> Now {
    let start = Now::recorded("2026-01-15T23:00:00Z".parse().unwrap());
    let moment = start.moment + Duration::from_secs(seconds);
    Now { moment, utc: start.utc_of(moment), trusted: true }
}

fn alert(sequence: u64, bed: &str, kind: Kind) -> Alert {
    let priority = kind.priority();
    let event = Event { bed: Some(bed.parse().unwrap()), ..Event::of_gateway(kind, &now(0)) };
    let id = AlertId::from_entropy(u128::from(sequence));
    Alert { id, sequence: Sequence(sequence), event, priority, text: String::new(), closes: Vec::new() }
}

fn closing(sequence: u64, bed: &str, closes: &[u64]) -> Alert {
    let closes = closes.iter().map(|closed| AlertId::from_entropy(u128::from(*closed))).collect();
    Alert { closes, ..alert(sequence, bed, Kind::Return) }
}

fn queue(order: Order, channels: usize) -> Queue {
    let delivery = Delivery { order, ..Delivery::default() };
    Queue::new(delivery, ["first", "second", "third"].into_iter().take(channels))
}

fn attempts(queue: &mut Queue, at: u64) -> Vec<Attempt> {
    std::iter::from_fn(|| queue.next_attempt(now(at).moment)).collect()
}

fn places(attempts: &[Attempt]) -> Vec<(u64, usize)> {
    attempts.iter().map(|attempt| (attempt.alert.sequence.0, attempt.channel)).collect()
}

fn one(queue: &mut Queue, at: u64) -> Attempt {
    let mut all = attempts(queue, at);
    assert_eq!(all.len(), 1, "{:?}", places(&all));
    all.remove(0)
}

fn accepted() -> Outcome {
    Outcome::Accepted { reference: None }
}

fn reports(queue: &mut Queue) -> Vec<Report> {
    std::iter::from_fn(|| queue.next_report()).collect()
}

fn delivered(queue: &mut Queue) -> Vec<u64> {
    let told = |report| if let Report::Delivered { sequence, .. } = report { Some(sequence.0) } else { None };
    reports(queue).into_iter().filter_map(told).collect()
}

#[test]
fn a_new_alert_is_tried_at_once_whatever_waits_and_however_the_channel_is() {
    let mut queue = queue(Order::Fallback, 1);
    for sequence in 1..=50 {
        queue.raise(alert(sequence, "bed-1", Kind::Edge), &now(0));
        for attempt in attempts(&mut queue, 0) {
            queue.on_outcome(attempt.ticket, Outcome::wrong("401"), &now(0), u32::MAX);
        }
    }
    // Backlog attempts that hang take all of their own places.
    let hanging = attempts(&mut queue, 900);
    assert!(!hanging.is_empty());
    queue.raise(alert(51, "bed-1", Kind::Rise), &now(900));
    assert_eq!(places(&[one(&mut queue, 900)]), [(51, 0)]);
}

#[test]
fn a_channel_proves_well_once_in_a_life_and_what_was_recovered_stays_spread() {
    let mut queue = queue(Order::Fallback, 1);
    queue.recovered(vec![alert(1, "bed-1", Kind::Rise), alert(2, "bed-2", Kind::Edge)], &now(0), now(30).moment);
    let alarm = one(&mut queue, 0);
    queue.on_outcome(alarm.ticket, accepted(), &now(0), 0);
    assert!(reports(&mut queue).contains(&Report::ChannelUp { channel: "first".into(), failures: 0 }));
    assert!(attempts(&mut queue, 29).is_empty());
    let warning = one(&mut queue, 30);
    queue.on_outcome(warning.ticket, accepted(), &now(30), 0);
    assert!(!reports(&mut queue).iter().any(|report| matches!(report, Report::ChannelUp { .. })));
}

#[test]
fn what_a_power_cut_brings_about_waits_a_little_and_in_order() {
    let mut queue = queue(Order::Fallback, 1);
    queue.raise_later(alert(1, "bed-1", Kind::SensorFault(MatFault::Silent)), &now(0), now(30).moment);
    queue.raise_later(alert(2, "bed-1", Kind::SensorRestored(MatFault::Silent)), &now(0), now(0).moment);
    queue.raise(alert(3, "bed-1", Kind::Rise), &now(0));
    assert_eq!(places(&attempts(&mut queue, 0)), [(3, 0)]);
    assert!(attempts(&mut queue, 29).is_empty());
    assert_eq!(places(&attempts(&mut queue, 30)), [(1, 0)]);
}

#[test]
fn an_alert_waits_for_its_own_sake_only() {
    let mut queue = queue(Order::Fallback, 1);
    queue.raise(alert(1, "bed-1", Kind::Rise), &now(0));
    let first = one(&mut queue, 0);
    queue.on_outcome(first.ticket, Outcome::try_again("500"), &now(0), u32::MAX);
    assert!(attempts(&mut queue, 0).is_empty());
    assert_eq!(queue.next_deadline(now(0).moment), Some(now(1).moment));
    queue.raise(alert(2, "bed-2", Kind::Rise), &now(0));
    assert_eq!(places(&attempts(&mut queue, 0)), [(2, 0)]);
    assert_eq!(places(&attempts(&mut queue, 1)), [(1, 0)]);
}

#[test]
fn after_an_outage_open_alarms_go_newest_first_and_then_the_rest_in_order_for_each_bed() {
    let mut queue = queue(Order::Fallback, 1);
    let kinds = [Kind::Rise, Kind::Edge, Kind::Edge, Kind::Rise, Kind::NotReturned, Kind::Edge];
    let alerts = kinds.into_iter().zip(1..).map(|(kind, sequence)| alert(sequence, "bed-1", kind));
    queue.recovered(alerts.collect(), &now(0), now(0).moment);
    let mut order = Vec::new();
    let mut waiting = attempts(&mut queue, 0);
    while !waiting.is_empty() {
        for attempt in waiting {
            order.push(attempt.alert.sequence.0);
            queue.on_outcome(attempt.ticket, accepted(), &now(0), 0);
        }
        waiting = attempts(&mut queue, 0);
    }
    assert_eq!(order, [5, 4, 1, 2, 3, 6]);
    assert_eq!(queue.waiting(), 0);
}

#[test]
fn what_is_refused_for_itself_does_not_hold_up_the_others_of_its_bed() {
    let mut queue = queue(Order::Fallback, 1);
    queue.recovered(vec![alert(1, "bed-1", Kind::Edge), alert(2, "bed-1", Kind::Edge)], &now(0), now(0).moment);
    let first = one(&mut queue, 0);
    assert_eq!(first.alert.sequence.0, 1);
    queue.on_outcome(first.ticket, Outcome::wrong("400"), &now(0), u32::MAX);
    assert!(attempts(&mut queue, 0).is_empty(), "as far as is known the channel takes nothing");
    queue.on_heartbeat(0, &accepted(), now(1).moment);
    let again = one(&mut queue, 1);
    assert_eq!(again.alert.sequence.0, 1, "it works again: nobody waits");
    queue.on_outcome(again.ticket, Outcome::wrong("400"), &now(1), u32::MAX);
    let next = one(&mut queue, 1);
    assert_eq!(next.alert.sequence.0, 2);
    queue.on_outcome(next.ticket, accepted(), &now(1), 0);
    // An outage that ends gives everybody else another attempt at once.
    for outcome in [Outcome::try_again("no answer"), Outcome::try_again("no answer"), accepted()] {
        queue.on_heartbeat(0, &outcome, now(1).moment);
    }
    assert!(attempts(&mut queue, 1).is_empty());
    assert_eq!(queue.waiting(), 1, "never dropped");
    assert_eq!(places(&attempts(&mut queue, 400)), [(1, 0)]);
}

#[test]
fn a_return_waits_for_what_it_closes_and_makes_information_of_it() {
    let mut queue = queue(Order::Fallback, 1);
    queue.raise(alert(1, "bed-1", Kind::Rise), &now(0));
    let first = one(&mut queue, 0);
    assert_eq!(first.priority, Priority::Alarm);
    queue.on_outcome(first.ticket, Outcome::try_again("503"), &now(0), u32::MAX);
    queue.raise(closing(2, "bed-1", &[1]), &now(0));
    assert!(attempts(&mut queue, 0).is_empty());
    let again = one(&mut queue, 90);
    assert_eq!((again.alert.sequence.0, again.priority, again.late, again.number), (1, Priority::Info, true, 2));
    assert!(attempts(&mut queue, 90).is_empty());
    queue.on_outcome(again.ticket, accepted(), &now(90), 0);
    assert_eq!(places(&attempts(&mut queue, 90)), [(2, 0)]);
}

#[test]
fn a_return_goes_to_every_channel_that_accepted_what_it_closes() {
    let mut queue = queue(Order::Fallback, 3);
    queue.raise(alert(1, "bed-1", Kind::Rise), &now(0));
    let slow = one(&mut queue, 0);
    let second = one(&mut queue, 10);
    assert_eq!(second.channel, 1);
    queue.on_outcome(second.ticket, accepted(), &now(10), 0);
    queue.raise(closing(2, "bed-1", &[1]), &now(11));
    let told = one(&mut queue, 11);
    assert_eq!(told.channel, 1);
    queue.on_outcome(told.ticket, accepted(), &now(11), 0);
    assert_eq!(delivered(&mut queue), [1], "the first channel may still accept the rise");
    // An accepted answer from a slow earlier attempt counts whenever it comes.
    queue.on_outcome(slow.ticket, accepted(), &now(12), 0);
    let also = one(&mut queue, 12);
    assert_eq!((also.alert.sequence.0, also.channel), (2, 0));
    queue.on_outcome(also.ticket, accepted(), &now(12), 0);
    assert_eq!(delivered(&mut queue), [2]);
    assert_eq!(queue.waiting(), 0);
}

#[test]
fn a_return_that_is_on_its_way_somewhere_is_tried_again_there_once_that_channel_has_the_rise() {
    let mut queue = queue(Order::Fallback, 2);
    queue.raise(alert(1, "bed-1", Kind::Rise), &now(0));
    let slow = one(&mut queue, 0);
    let second = one(&mut queue, 10);
    queue.on_outcome(second.ticket, accepted(), &now(10), 0);
    queue.raise(closing(2, "bed-1", &[1]), &now(10));
    let to_second = one(&mut queue, 10);
    let to_first = one(&mut queue, 20);
    assert_eq!((to_second.channel, to_first.channel), (1, 0));
    queue.on_outcome(to_second.ticket, accepted(), &now(20), 0);
    queue.on_outcome(slow.ticket, accepted(), &now(21), 0);
    queue.on_outcome(to_first.ticket, Outcome::try_again("reset"), &now(21), 0);
    assert_eq!(places(&attempts(&mut queue, 22)), [(2, 0)]);
}

#[test]
fn a_return_finds_the_channel_that_accepted_in_an_earlier_life() {
    let mut queue = queue(Order::Fallback, 2);
    queue.remember(AlertId::from_entropy(1), "second");
    queue.raise(closing(2, "bed-1", &[1]), &now(0));
    assert_eq!(places(&attempts(&mut queue, 0)), [(2, 1)]);
}

#[test]
fn a_wrong_channel_makes_the_next_one_be_tried_at_once() {
    let mut queue = queue(Order::Fallback, 2);
    queue.raise(alert(1, "bed-1", Kind::Rise), &now(0));
    let first = one(&mut queue, 0);
    queue.on_outcome(first.ticket, Outcome::wrong("401"), &now(0), u32::MAX);
    let second = one(&mut queue, 0);
    assert_eq!(second.channel, 1);
    assert!(matches!(reports(&mut queue).as_slice(), [Report::ChannelDown { wrong: true, .. }]));
    // The next alert does not wait to find out again, and still gives the first channel its chance.
    queue.raise(alert(2, "bed-2", Kind::Rise), &now(0));
    let both = attempts(&mut queue, 0);
    assert_eq!(places(&both), [(2, 0), (2, 1)]);
    for attempt in both {
        queue.on_outcome(attempt.ticket, accepted(), &now(0), 0);
    }
    assert!(reports(&mut queue).contains(&Report::ChannelUp { channel: "first".into(), failures: 1 }));
    queue.raise(alert(3, "bed-3", Kind::Rise), &now(0));
    // The second channel's attempt of the first alert is still on its way; the first channel works again.
    assert!(attempts(&mut queue, 0).iter().all(|attempt| attempt.channel == 0));
}

#[test]
fn a_silent_channel_makes_the_next_one_be_tried_after_give_up_after() {
    let mut queue = queue(Order::Fallback, 2);
    queue.raise(alert(1, "bed-1", Kind::Rise), &now(0));
    let _slow = one(&mut queue, 0);
    assert_eq!(queue.next_deadline(now(0).moment), Some(now(10).moment));
    assert!(attempts(&mut queue, 9).is_empty());
    assert_eq!(one(&mut queue, 10).channel, 1);
}

#[test]
fn with_all_every_channel_gets_it_and_one_that_sticks_holds_nobody_up() {
    let mut queue = queue(Order::All, 2);
    queue.raise(alert(1, "bed-1", Kind::Rise), &now(0));
    let mut both = attempts(&mut queue, 0);
    assert_eq!(places(&both), [(1, 0), (1, 1)]);
    queue.on_outcome(both.pop().unwrap().ticket, accepted(), &now(0), 0);
    queue.on_outcome(both.pop().unwrap().ticket, Outcome::try_again("down"), &now(0), u32::MAX);
    queue.raise(closing(2, "bed-1", &[1]), &now(0));
    let told = one(&mut queue, 0);
    assert_eq!(told.channel, 1, "where the rise is known its return goes at once");
    queue.on_outcome(told.ticket, accepted(), &now(0), 0);
    assert_eq!(delivered(&mut queue), [0_u64; 0]);
    for sequence in [1, 2] {
        let rest = one(&mut queue, 30);
        assert_eq!((rest.alert.sequence.0, rest.channel), (sequence, 0));
        queue.on_outcome(rest.ticket, accepted(), &now(30), 0);
    }
    assert_eq!(delivered(&mut queue), [1, 2]);
}

#[test]
fn the_second_failure_in_a_row_brings_a_channel_down_and_the_next_success_brings_it_up() {
    let mut queue = queue(Order::Fallback, 1);
    queue.on_heartbeat(0, &Outcome::try_again("no answer"), now(0).moment);
    assert!(!queue.is_down(0));
    queue.on_heartbeat(0, &Outcome::try_again("no answer"), now(1).moment);
    queue.on_heartbeat(0, &Outcome::try_again("no answer"), now(2).moment);
    queue.on_heartbeat(0, &accepted(), now(3).moment);
    let told = reports(&mut queue);
    assert!(
        matches!(told.as_slice(), [Report::ChannelDown { wrong: false, .. }, Report::ChannelUp { .. }]),
        "{told:?}"
    );
}

#[test]
fn an_id_that_is_known_is_not_sent_again() {
    let mut queue = queue(Order::Fallback, 1);
    queue.raise(alert(1, "bed-1", Kind::Rise), &now(0));
    let first = one(&mut queue, 0);
    queue.raise(alert(1, "bed-1", Kind::Rise), &now(0));
    queue.recovered(vec![alert(1, "bed-1", Kind::Rise)], &now(0), now(0).moment);
    assert!(attempts(&mut queue, 0).is_empty());
    queue.on_outcome(first.ticket, accepted(), &now(0), 0);
    assert_eq!(delivered(&mut queue), [1]);
    // Raised again after its delivery, as after a crash: told as delivered, not sent.
    queue.raise(alert(1, "bed-1", Kind::Rise), &now(5));
    assert!(attempts(&mut queue, 5).is_empty());
    assert_eq!(delivered(&mut queue), [1]);
}

#[test]
fn a_clock_that_jumps_makes_no_live_alert_late() {
    let mut queue = queue(Order::Fallback, 1);
    queue.raise(alert(1, "bed-1", Kind::Rise), &now(0));
    let first = one(&mut queue, 0);
    let jumped = Now { utc: now(0).utc + SignedDuration::from_hours(24), ..now(0) };
    queue.on_outcome(first.ticket, Outcome::try_again("reset"), &jumped, 0);
    assert!(!one(&mut queue, 1).late);
    queue.raise(alert(2, "bed-2", Kind::Rise), &jumped);
    assert!(one(&mut queue, 2).late, "decided a day before it came in");
}

#[test]
fn at_the_bound_the_last_to_be_sent_leaves_and_is_asked_back() {
    let mut queue = queue(Order::Fallback, 1).with_held_max(4);
    let old = (1..=10).map(|sequence| alert(sequence, "bed-1", Kind::Edge));
    queue.recovered(old.collect(), &now(0), now(0).moment);
    assert_eq!(queue.waiting(), 4);
    queue.raise(alert(11, "bed-2", Kind::Rise), &now(0));
    // What closes something that left joins it, so that it cannot overtake it.
    queue.raise(closing(12, "bed-1", &[9]), &now(0));
    assert_eq!(reports(&mut queue).last(), Some(&Report::Evicted { count: 8 }));
    let mut sent = Vec::new();
    let mut stored = (4..=10).map(|sequence| alert(sequence, "bed-1", Kind::Edge)).collect::<Vec<_>>();
    stored.push(closing(12, "bed-1", &[9]));
    for _ in 0..40 {
        for attempt in attempts(&mut queue, 0) {
            sent.push((attempt.alert.sequence.0, attempt.priority));
            queue.on_outcome(attempt.ticket, accepted(), &now(0), 0);
        }
        for report in reports(&mut queue) {
            if let Report::Room { count } = report {
                queue.recovered(stored.drain(..count.min(stored.len())).collect(), &now(0), now(0).moment);
            }
        }
    }
    let order: Vec<u64> = sent.iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(order, [11, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12]);
    let (_, priority) = sent.iter().find(|(sequence, _)| *sequence == 9).unwrap();
    assert_eq!(*priority, Priority::Info, "its return was known");
}

#[test]
fn memory_stays_bounded_however_many_alerts_come_while_dispatch_hangs() {
    let mut queue = queue(Order::Fallback, 1).with_held_max(100);
    let mut hanging = Vec::new();
    for sequence in 1..=2_000 {
        let kind = if sequence % 3 == 0 { Kind::Rise } else { Kind::SensorFault(MatFault::Silent) };
        queue.raise(alert(sequence, "bed-1", kind), &now(0));
        hanging.extend(attempts(&mut queue, 0));
    }
    assert!(queue.waiting() <= 100);
    assert!(hanging.len() <= 64);
}

/// One thing that happens in the random life of a queue.
#[derive(Debug, Clone)]
enum Action {
    Raise { bed: u8, kind: u8 },
    Recover { bed: u8, kind: u8 },
    Return { bed: u8 },
    Outcome { which: prop::sample::Index, what: u8, random: u32 },
    Heartbeat { channel: u8, what: u8 },
    Wait { millis: u32 },
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => (0..3_u8, 0..4_u8).prop_map(|(bed, kind)| Action::Raise { bed, kind }),
        1 => (0..3_u8, 0..4_u8).prop_map(|(bed, kind)| Action::Recover { bed, kind }),
        2 => (0..3_u8).prop_map(|bed| Action::Return { bed }),
        6 => (any::<prop::sample::Index>(), 0..4_u8, any::<u32>())
            .prop_map(|(which, what, random)| Action::Outcome { which, what, random }),
        1 => (0..3_u8, 0..4_u8).prop_map(|(channel, what)| Action::Heartbeat { channel, what }),
        2 => (0..40_000_u32).prop_map(|millis| Action::Wait { millis }),
    ]
}

/// A plain model beside the queue: what must hold is checked at every step.
struct Life {
    queue: Queue,
    order: Order,
    channels: usize,
    moment: Moment,
    sequence: u64,
    on_the_way: Vec<Attempt>,
    raised: BTreeMap<AlertId, Alert>,
    open: BTreeMap<BedId, Vec<AlertId>>,
    ended: BTreeSet<AlertId>,
    accepted: BTreeMap<AlertId, BTreeSet<usize>>,
    delivered: BTreeSet<AlertId>,
}

impl Life {
    fn new(order: Order, channels: usize) -> Self {
        Self {
            queue: queue(order, channels),
            order,
            channels,
            moment: now(0).moment,
            sequence: 0,
            on_the_way: Vec::new(),
            raised: BTreeMap::new(),
            open: BTreeMap::new(),
            ended: BTreeSet::new(),
            accepted: BTreeMap::new(),
            delivered: BTreeSet::new(),
        }
    }

    fn now(&self) -> Now {
        Now { moment: self.moment, utc: now(0).utc_of(self.moment), trusted: true }
    }

    fn act(&mut self, action: &Action) {
        match action {
            Action::Raise { bed, kind } => self.raise(*bed, *kind, true),
            Action::Recover { bed, kind } => self.raise(*bed, *kind, false),
            Action::Return { bed } => self.come_back(*bed),
            Action::Outcome { which, what, random } => {
                if !self.on_the_way.is_empty() {
                    let attempt = self.on_the_way.remove(which.index(self.on_the_way.len()));
                    self.answer(attempt, *what, *random);
                }
            }
            Action::Heartbeat { channel, what } => {
                let channel = usize::from(*channel) % self.channels;
                self.queue.on_heartbeat(channel, &outcome(*what), self.moment);
            }
            Action::Wait { millis } => self.moment = self.moment + Duration::from_millis(u64::from(*millis)),
        }
        self.pump();
    }

    fn raise(&mut self, bed: u8, kind: u8, live: bool) {
        let kind = match kind {
            0 => Kind::Rise,
            1 => Kind::NotReturned,
            2 => Kind::Edge,
            _ => Kind::SensorFault(MatFault::Silent),
        };
        self.sequence += 1;
        let alert = alert(self.sequence, &format!("bed-{bed}"), kind.clone());
        self.raised.insert(alert.id, alert.clone());
        if kind.is_ended_by_return() {
            self.open.entry(alert.event.bed.unwrap()).or_default().push(alert.id);
        }
        let id = alert.id;
        let class_is_free = |life: &Self| {
            let alarms = life.on_the_way.iter().filter(|attempt| attempt.priority == Priority::Alarm).count();
            alarms < 16 && kind.priority() == Priority::Alarm
        };
        if live {
            let free = class_is_free(self);
            self.queue.raise(alert, &self.now());
            self.pump();
            if free {
                assert!(self.on_the_way.iter().any(|attempt| attempt.alert.id == id), "a live alarm waits");
            }
        } else {
            self.queue.recovered(vec![alert], &self.now(), self.moment + SECOND);
        }
    }

    fn come_back(&mut self, bed: u8) {
        let bed = format!("bed-{bed}");
        let closes = self.open.remove(&bed.parse::<BedId>().unwrap()).unwrap_or_default();
        if !closes.is_empty() {
            self.sequence += 1;
            self.ended.extend(closes.iter().copied());
            let alert = Alert { closes, ..alert(self.sequence, &bed, Kind::Return) };
            self.raised.insert(alert.id, alert.clone());
            self.queue.raise(alert, &self.now());
        }
    }

    fn answer(&mut self, attempt: Attempt, what: u8, random: u32) {
        let outcome = outcome(what);
        if matches!(outcome, Outcome::Accepted { .. }) {
            self.accepted.entry(attempt.alert.id).or_default().insert(attempt.channel);
        }
        self.queue.on_outcome(attempt.ticket, outcome, &self.now(), random);
    }

    fn pump(&mut self) {
        loop {
            self.read_reports();
            let Some(attempt) = self.queue.next_attempt(self.moment) else { break };
            self.check(&attempt);
            self.on_the_way.push(attempt);
        }
        assert!(self.queue.next_deadline(self.moment).is_none_or(|at| at > self.moment), "a busy loop");
    }

    fn check(&self, attempt: &Attempt) {
        let (id, channel) = (attempt.alert.id, attempt.channel);
        assert!(!self.delivered.contains(&id), "sent although delivered");
        let same = |other: &&Attempt| other.alert.id == id && other.channel == channel;
        assert!(self.on_the_way.iter().find(same).is_none(), "two attempts at once");
        let accepted_by = |id: &AlertId| self.accepted.get(id).is_some_and(|by| by.contains(&channel));
        assert!(!accepted_by(&id), "sent to a channel that has it");
        for closed in &attempt.alert.closes {
            let gone = match self.order {
                Order::Fallback => self.delivered.contains(closed),
                Order::All => accepted_by(closed),
            };
            assert!(gone, "a return overtakes what it closes");
        }
        let expected = if self.ended.contains(&id) { Priority::Info } else { attempt.alert.priority };
        assert_eq!(attempt.priority, expected);
    }

    fn read_reports(&mut self) {
        while let Some(report) = self.queue.next_report() {
            if let Report::Delivered { alert, .. } = report {
                assert!(self.delivered.insert(alert), "delivered twice");
                assert!(self.accepted.contains_key(&alert), "delivered to nobody");
            }
        }
    }

    /// Lets every channel work from now on, and waits.
    fn end_well(&mut self) {
        for _ in 0..10_000 {
            self.pump();
            if self.queue.waiting() == 0 && self.on_the_way.is_empty() {
                break;
            }
            match self.on_the_way.pop() {
                Some(attempt) => self.answer(attempt, 0, 0),
                None => self.moment = self.queue.next_deadline(self.moment).expect("nobody waits for ever"),
            }
        }
        self.read_reports();
        for (id, alert) in &self.raised {
            assert!(self.delivered.contains(id), "lost");
            let by = self.accepted.get(id).unwrap();
            if self.order == Order::All {
                assert_eq!(by.len(), self.channels);
            }
            for closed in &alert.closes {
                assert!(self.accepted.get(closed).unwrap().is_subset(by), "an alarm without its end");
            }
        }
    }
}

fn outcome(what: u8) -> Outcome {
    match what {
        0 => accepted(),
        1 => Outcome::wrong("401"),
        2 => Outcome::TryAgain { retry_after: Some(SECOND * 20), problem: "503".to_owned() },
        _ => Outcome::try_again("reset"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]
    #[test]
    fn every_alert_arrives_once_in_order_and_no_live_alarm_waits(
        all: bool, channels in 1..=3_usize, actions in prop::collection::vec(action(), 0..80),
    ) {
        let order = if all { Order::All } else { Order::Fallback };
        let mut life = Life::new(order, channels);
        for action in &actions {
            life.act(action);
        }
        life.end_well();
    }
}
