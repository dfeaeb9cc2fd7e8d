//! What leaves the memory, and comes back.

use std::collections::BTreeMap;

use super::*;

#[test]
fn at_the_bound_the_last_to_be_sent_leaves_and_is_asked_back() {
    let mut queue = queue(Order::Fallback, 1).with_held_max(4);
    let old = (1..=10).map(|sequence| alert(sequence, "bed-1", Kind::Edge));
    queue.recovered(old.collect(), &now(0), now(0).moment);
    queue.recovered(Vec::new(), &now(0), now(0).moment);
    assert_eq!(reports(&mut queue).last(), Some(&Report::Evicted { count: 6 }));
    assert_eq!(queue.waiting(), 4);
    queue.raise(alert(11, "bed-2", Kind::Rise), &now(0));
    // What closes something that left joins it, so that it cannot overtake it.
    queue.raise(closing(12, "bed-1", &[9]), &now(0));
    assert_eq!(reports(&mut queue).last(), Some(&Report::Evicted { count: 1 }));
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
fn at_the_bound_nothing_is_left_that_would_overtake_what_it_closes() {
    let mut queue = queue(Order::Fallback, 1).with_held_max(2);
    queue.raise(alert(1, "bed-1", Kind::Rise), &now(0));
    let rise = one(&mut queue, 0);
    queue.on_outcome(rise.ticket, Outcome::try_again("503"), &now(0), u32::MAX);
    queue.raise(closing(2, "bed-1", &[1]), &now(0));
    queue.raise(alert(3, "bed-2", Kind::Rise), &now(0));
    let sent: Vec<_> = attempts(&mut queue, 90).iter().map(|attempt| attempt.alert.sequence.0).collect();
    assert!(!sent.contains(&2), "{sent:?}");
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

#[test]
fn with_order_all_what_one_channel_has_and_another_is_owed_is_not_overtaken_by_its_end() {
    let mut queue = queue(Order::All, 2).with_held_max(1);
    queue.recovered(vec![alert(1, "bed-1", Kind::Edge)], &now(0), now(0).moment);
    let [first, second] = <[Attempt; 2]>::try_from(attempts(&mut queue, 0)).unwrap();
    queue.on_outcome(first.ticket, accepted(), &now(0), 0);
    queue.on_outcome(second.ticket, Outcome::try_again("503"), &now(0), u32::MAX);
    // The alarm takes its place in memory; it waits in the store for the second channel.
    queue.raise(alert(2, "bed-2", Kind::Rise), &now(0));
    for attempt in attempts(&mut queue, 0) {
        queue.on_outcome(attempt.ticket, accepted(), &now(0), 0);
    }
    assert_eq!(queue.waiting(), 0);
    queue.raise(closing(3, "bed-1", &[1]), &now(0));
    assert!(attempts(&mut queue, 0).is_empty(), "it joins what it closes in the store");
    queue.recovered(vec![alert(1, "bed-1", Kind::Edge), closing(3, "bed-1", &[1])], &now(0), now(0).moment);
    assert_eq!(places(&attempts(&mut queue, 0)), [(1, 1)]);
}

#[test]
fn what_leaves_while_the_store_is_being_read_is_asked_for_once_more() {
    let mut queue = queue(Order::Fallback, 1).with_held_max(2);
    queue.recovered((1..=3).map(|one| alert(one, "bed-1", Kind::Edge)).collect(), &now(0), now(0).moment);
    queue.recovered(Vec::new(), &now(0), now(0).moment);
    for _ in 0..2 {
        let attempt = one(&mut queue, 0);
        queue.on_outcome(attempt.ticket, accepted(), &now(0), 0);
    }
    assert!(reports(&mut queue).contains(&Report::Room { count: 1 }));
    // The store has been read to its end; before that is said, this joins what waits there.
    queue.raise(closing(4, "bed-1", &[3]), &now(0));
    queue.recovered(vec![alert(3, "bed-1", Kind::Edge)], &now(0), now(0).moment);
    queue.recovered(Vec::new(), &now(0), now(0).moment);
    assert!(reports(&mut queue).iter().any(|report| matches!(report, Report::Room { .. })));
}

/// A store that learns of a delivery only when it has been told of so many, as the real one does.
struct Lagging {
    holds: BTreeMap<u64, Alert>,
    told: Vec<u64>,
    delivered: BTreeSet<u64>,
    lag: usize,
}

impl Lagging {
    fn delivered(&mut self, sequence: u64) {
        self.told.push(sequence);
        if self.told.len() > self.lag {
            self.told.drain(..).for_each(|sequence| drop(self.holds.remove(&sequence)));
        }
    }

    /// Hands over what it holds from its beginning, cut off beyond `most`, as the gateway does.
    fn hand_over(&self, queue: &mut Queue, most: usize) {
        let all: Vec<Alert> = self.holds.values().take(most).cloned().collect();
        let whole = all.len() < most;
        if !all.is_empty() {
            queue.recovered(all, &now(0), now(0).moment);
        }
        if whole {
            queue.recovered(Vec::new(), &now(0), now(0).moment);
        }
    }
}

/// Lets everything be accepted until nothing happens any more; returns what was sent, in order.
fn drained(queue: &mut Queue, store: &mut Lagging, most: usize) -> Vec<u64> {
    let mut sent = Vec::new();
    store.hand_over(queue, most);
    for _ in 0..10_000 {
        let Some(attempt) = queue.next_attempt(now(0).moment) else { break };
        sent.push(attempt.alert.sequence.0);
        queue.on_outcome(attempt.ticket, accepted(), &now(0), 0);
        let mut room = false;
        while let Some(report) = queue.next_report() {
            room |= matches!(report, Report::Room { .. });
            if let Report::Delivered { sequence, .. } = report {
                assert!(store.delivered.insert(sequence.0), "its delivery is told twice");
                store.delivered(sequence.0);
            }
        }
        if room {
            store.hand_over(queue, most);
        }
    }
    sent
}

fn is_settled(queue: &mut Queue) -> bool {
    let rooms = reports(queue).iter().filter(|report| matches!(report, Report::Room { .. })).count();
    rooms == 0 && queue.waiting() == 0 && !queue.view()[0].more
}

#[test]
fn all_that_a_store_holds_goes_out_though_it_still_hands_back_what_was_delivered_just_now() {
    for (count, lag) in [(41, 0), (60, 3), (100, 10), (160, 12), (400, 15), (400, 0)] {
        let mut queue = queue(Order::Fallback, 1).with_held_max(40);
        let holds = (1..=count).map(|sequence| (sequence, alert(sequence, "bed-1", Kind::Edge))).collect();
        let mut store = Lagging { holds, told: Vec::new(), delivered: BTreeSet::new(), lag };
        let mut sent = drained(&mut queue, &mut store, 42);
        store.hand_over(&mut queue, 42);
        assert_eq!((sent.len() as u64, queue.waiting()), (count, 0), "{count} wait, {lag} deliveries lag");
        sent.dedup();
        assert_eq!(sent.len() as u64, count, "sent twice");
        store.told.drain(..).for_each(|sequence| drop(store.holds.remove(&sequence)));
        store.hand_over(&mut queue, 42);
        assert!(is_settled(&mut queue), "it asks for ever");
    }
}

#[test]
fn what_left_while_the_store_was_read_is_asked_for_again() {
    let mut queue = queue(Order::Fallback, 1).with_held_max(4);
    for sequence in 11..=15 {
        queue.raise(alert(sequence, "bed-1", Kind::Edge), &now(0));
    }
    // These were read before the last one left.
    queue.recovered((1..=2).map(|sequence| alert(sequence, "bed-2", Kind::Edge)).collect(), &now(0), now(0).moment);
    queue.recovered(Vec::new(), &now(0), now(0).moment);
    reports(&mut queue);
    for _ in 0..4 {
        let sent = queue.next_attempt(now(0).moment).unwrap();
        queue.on_outcome(sent.ticket, accepted(), &now(0), 0);
    }
    assert!(reports(&mut queue).iter().any(|report| matches!(report, Report::Room { .. })));
}
