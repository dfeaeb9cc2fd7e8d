//! All rules together under random outcomes, beside a plain model.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::BedId;

/// One thing that happens in the random life of a queue.
#[derive(Debug, Clone)]
enum Action {
    Raise { bed: u8, kind: u8 },
    Recover { bed: u8, kind: u8 },
    Return { bed: u8 },
    Restore { bed: u8 },
    Outcome { which: prop::sample::Index, what: u8, random: u32 },
    Heartbeat { channel: u8, what: u8 },
    Wait { millis: u32 },
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => (0..3_u8, 0..4_u8).prop_map(|(bed, kind)| Action::Raise { bed, kind }),
        1 => (0..3_u8, 0..4_u8).prop_map(|(bed, kind)| Action::Recover { bed, kind }),
        2 => (0..3_u8).prop_map(|bed| Action::Return { bed }),
        1 => (0..3_u8).prop_map(|bed| Action::Restore { bed }),
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
    faults: BTreeMap<BedId, Vec<AlertId>>,
    /// By a return, or a fault by the acceptance of its end.
    ended: BTreeSet<AlertId>,
    accepted: BTreeMap<AlertId, BTreeSet<usize>>,
    delivered: BTreeSet<AlertId>,
    /// When each channel took something last, and when each alert was refused there first.
    worked: BTreeMap<usize, Moment>,
    wrong_since: BTreeMap<(AlertId, usize), Moment>,
    /// What a channel has refused, then taken others, then refused again: nothing waits for it there.
    refused: BTreeSet<(AlertId, usize)>,
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
            faults: BTreeMap::new(),
            ended: BTreeSet::new(),
            accepted: BTreeMap::new(),
            delivered: BTreeSet::new(),
            worked: BTreeMap::new(),
            wrong_since: BTreeMap::new(),
            refused: BTreeSet::new(),
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
            Action::Restore { bed } => self.restore(*bed),
            Action::Outcome { which, what, random } => {
                if !self.on_the_way.is_empty() {
                    let attempt = self.on_the_way.remove(which.index(self.on_the_way.len()));
                    self.answer(attempt, *what, *random);
                }
            }
            Action::Heartbeat { channel, what } => {
                let channel = usize::from(*channel) % self.channels;
                if *what == 0 {
                    self.worked.insert(channel, self.moment);
                }
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
        } else {
            self.faults.entry(alert.event.bed.unwrap()).or_default().push(alert.id);
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

    fn restore(&mut self, bed: u8) {
        let bed = format!("bed-{bed}");
        if let Some(closes) = self.faults.remove(&bed.parse::<BedId>().unwrap()) {
            self.sequence += 1;
            let alert = Alert { closes, ..alert(self.sequence, &bed, Kind::SensorRestored(MatFault::Silent)) };
            self.raised.insert(alert.id, alert.clone());
            self.queue.raise(alert, &self.now());
        }
    }

    fn answer(&mut self, attempt: Attempt, what: u8, random: u32) {
        let outcome = outcome(what);
        let (id, channel) = (attempt.alert.id, attempt.channel);
        match outcome {
            Outcome::Accepted { .. } => {
                self.accepted.entry(id).or_default().insert(channel);
                self.worked.insert(channel, self.moment);
                if attempt.alert.event.kind == Kind::SensorRestored(MatFault::Silent) {
                    self.ended.extend(attempt.alert.closes.iter().filter(|id| !self.delivered.contains(*id)));
                }
            }
            Outcome::ChannelWrong { .. } => {
                let since = *self.wrong_since.entry((id, channel)).or_insert(self.moment);
                if self.worked.get(&channel).is_some_and(|worked| *worked > since) {
                    self.refused.insert((id, channel));
                }
            }
            Outcome::TryAgain { .. } => drop(self.wrong_since.remove(&(id, channel))),
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
            let refused = self.refused.contains(&(*closed, channel));
            assert!(gone || refused, "a return overtakes what it closes");
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
                let mut without = self.accepted.get(closed).unwrap().difference(by);
                assert!(without.all(|by| self.refused.contains(&(*closed, *by))), "an alarm without its end");
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
