//! Who goes when over one channel.

use jiff::SignedDuration;

use super::*;

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
fn who_is_live_does_not_wait_behind_what_a_power_cut_has_spread() {
    let mut queue = queue(Order::Fallback, 1);
    queue.raise_later(alert(1, "bed-1", Kind::SensorFault(MatFault::Silent)), &now(0), now(30).moment);
    queue.raise(alert(2, "bed-1", Kind::Edge), &now(0));
    queue.raise(alert(3, "bed-1", Kind::Edge), &now(0));
    // Lost packets, not a channel that is down: once that works again nobody waits.
    for (attempt, random) in attempts(&mut queue, 0).into_iter().zip([u32::MAX, 0]) {
        queue.on_outcome(attempt.ticket, Outcome::try_again("reset"), &now(0), random);
        queue.on_heartbeat(0, &accepted(), now(0).moment);
    }
    assert!(attempts(&mut queue, 1).is_empty());
    let again = one(&mut queue, 2);
    assert_eq!(again.alert.sequence.0, 2, "in order among themselves");
    queue.on_outcome(again.ticket, accepted(), &now(2), 0);
    assert_eq!(places(&attempts(&mut queue, 2)), [(3, 0)]);
    assert_eq!(queue.next_deadline(now(2).moment), Some(now(30).moment));
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
fn an_id_that_is_known_is_not_sent_again() {
    let mut queue = queue(Order::Fallback, 1);
    queue.raise(alert(1, "bed-1", Kind::Rise), &now(0));
    let first = one(&mut queue, 0);
    queue.raise(alert(1, "bed-1", Kind::Rise), &now(0));
    queue.recovered(vec![alert(1, "bed-1", Kind::Rise)], &now(0), now(0).moment);
    assert!(attempts(&mut queue, 0).is_empty());
    queue.on_outcome(first.ticket, accepted(), &now(0), 0);
    assert_eq!(delivered(&mut queue), [1]);
    // The store may not have heard of it yet: told once.
    queue.recovered(vec![alert(1, "bed-1", Kind::Rise)], &now(5), now(5).moment);
    assert!(attempts(&mut queue, 5).is_empty());
    assert_eq!((delivered(&mut queue), queue.waiting()), (vec![], 0));
    // Raised again after its delivery, as after a crash, under another number: told as delivered, not sent.
    queue.raise(Alert { sequence: Sequence(2), ..alert(1, "bed-1", Kind::Rise) }, &now(5));
    assert!(attempts(&mut queue, 5).is_empty());
    assert_eq!(delivered(&mut queue), [2]);
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
fn when_an_alert_was_raised_is_known_of_this_life_only() {
    let mut queue = queue(Order::Fallback, 1);
    queue.recovered(vec![alert(1, "bed-1", Kind::Rise)], &now(0), now(0).moment);
    queue.raise(alert(2, "bed-2", Kind::Rise), &now(3));
    queue.raise_later(alert(3, "bed-1", Kind::SensorFault(MatFault::Silent)), &now(4), now(5).moment);
    let mut known: Vec<_> = attempts(&mut queue, 60).iter().map(|one| (one.alert.sequence.0, one.raised)).collect();
    known.sort_by_key(|(sequence, _)| *sequence);
    assert_eq!(known, [(1, None), (2, Some(now(3))), (3, Some(now(4)))]);
}
