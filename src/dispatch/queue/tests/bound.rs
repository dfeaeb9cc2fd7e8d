//! What leaves the memory, and comes back.

use super::*;

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
