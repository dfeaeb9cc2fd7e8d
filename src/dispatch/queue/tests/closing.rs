//! What a return does to what it closes, waits for, and where it goes.

use std::collections::BTreeMap;

use super::*;

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
    queue.remember(AlertId::from_entropy(1), "second", now(0).moment);
    queue.raise(closing(2, "bed-1", &[1]), &now(0));
    assert_eq!(places(&attempts(&mut queue, 0)), [(2, 1)]);
}

#[test]
fn a_return_that_one_channel_has_is_still_owed_to_the_other_one_after_a_restart() {
    let mut queue = queue(Order::Fallback, 2);
    queue.remember(AlertId::from_entropy(1), "first", now(0).moment);
    queue.remember(AlertId::from_entropy(2), "second", now(0).moment);
    queue.recovered(vec![closing(2, "bed-1", &[1])], &now(0), now(0).moment);
    let owed = one(&mut queue, 0);
    assert_eq!((owed.alert.sequence.0, owed.channel), (2, 0));
    queue.on_outcome(owed.ticket, accepted(), &now(0), 0);
    assert_eq!((delivered(&mut queue), queue.waiting()), (vec![2], 0));
}

#[test]
fn the_end_of_a_fault_waits_until_the_store_has_said_whether_it_holds_the_beginning() {
    for booted in [false, true] {
        let mut queue = queue(Order::Fallback, 1);
        let end = closing(9, "bed-1", &[1]);
        if booted {
            queue.raise_later(end, &now(0), now(1).moment);
        } else {
            queue.raise(end, &now(0));
        }
        assert!(attempts(&mut queue, 2).is_empty());
        assert_eq!(queue.waiting(), 1);
        queue.recovered(vec![alert(1, "bed-1", Kind::Edge)], &now(2), now(2).moment);
        queue.recovered(Vec::new(), &now(2), now(2).moment);
        let first = one(&mut queue, 2);
        assert_eq!((first.alert.sequence.0, first.priority), (1, Priority::Info), "its return is known");
        queue.on_outcome(first.ticket, accepted(), &now(2), 0);
        assert_eq!(places(&attempts(&mut queue, 2)), [(9, 0)]);
        // From then on it is known what is not there.
        queue.raise(closing(10, "bed-2", &[2]), &now(2));
        assert_eq!(places(&attempts(&mut queue, 2)), [(10, 0)]);
    }
}

#[test]
fn a_live_return_at_a_start_goes_as_such_though_the_store_hands_it_back_and_holds_no_beginning() {
    let mut queue = queue(Order::Fallback, 1);
    let back = closing(9, "bed-1", &[1]);
    queue.raise(back.clone(), &now(0));
    // Its own copy, and something else that waits; all that is no alarm is spread over half a minute.
    queue.recovered(vec![alert(5, "bed-2", Kind::Edge), back], &now(2), now(30).moment);
    queue.recovered(Vec::new(), &now(2), now(30).moment);
    let sent = one(&mut queue, 2);
    assert_eq!((sent.alert.sequence.0, sent.raised), (9, Some(now(0))));
    queue.on_outcome(sent.ticket, accepted(), &now(2), 0);
    assert!(
        !queue.view()[0].more && reports(&mut queue).iter().all(|report| !matches!(report, Report::Evicted { .. }))
    );
}

#[test]
fn a_store_that_says_nothing_holds_no_end_for_long_and_no_alarm_at_all() {
    let mut queue = queue(Order::Fallback, 1);
    queue.raise(closing(1, "bed-1", &[77]), &now(0));
    queue.raise(closing(2, "bed-2", &[78]), &now(1));
    queue.raise(alert(3, "bed-1", Kind::Rise), &now(1));
    assert_eq!(places(&attempts(&mut queue, 9)), [(3, 0)]);
    assert_eq!(queue.next_deadline(now(9).moment), Some(now(10).moment));
    assert_eq!(places(&attempts(&mut queue, 10)), [(1, 0)]);
    assert_eq!(places(&attempts(&mut queue, 11)), [(2, 0)]);
}

#[test]
fn a_return_reaches_all_that_accepted_the_rise_though_the_store_says_so_late() {
    let mut queue = queue(Order::Fallback, 3);
    queue.raise(closing(2, "bed-1", &[1]), &now(0));
    queue.remember(AlertId::from_entropy(1), "first", now(0).moment);
    queue.remember(AlertId::from_entropy(1), "third", now(0).moment);
    queue.recovered(Vec::new(), &now(0), now(0).moment);
    assert_eq!(places(&attempts(&mut queue, 0)), [(2, 0), (2, 2)]);
}

#[test]
fn what_a_channel_has_accepted_before_is_not_sent_there_again_though_the_store_says_so_late() {
    let mut queue = queue(Order::All, 2);
    queue.recovered(vec![alert(1, "bed-1", Kind::Edge)], &now(0), now(5).moment);
    queue.remember(AlertId::from_entropy(1), "first", now(0).moment);
    let rest = one(&mut queue, 5);
    assert_eq!(rest.channel, 1);
    queue.on_outcome(rest.ticket, accepted(), &now(5), 0);
    assert_eq!((delivered(&mut queue), queue.waiting()), (vec![1], 0));
}

/// Some that are away for long: each reminder closes the one before, the last of them is known to the return.
fn reminders(count: u64) -> Vec<Alert> {
    let closes = |sequence| if sequence == 1 { Vec::new() } else { vec![AlertId::from_entropy(sequence - 1)] };
    let one = |sequence| Alert { closes: closes(u128::from(sequence)), ..alert(sequence, "bed-1", Kind::NotReturned) };
    (1..=count).map(one).collect()
}

#[test]
fn a_live_return_ends_all_of_its_bed_though_it_does_not_close_each_itself() {
    let mut queue = queue(Order::Fallback, 1);
    for (at, reminder) in reminders(4).into_iter().enumerate() {
        queue.raise(reminder, &now(at as u64));
    }
    queue.raise(alert(5, "bed-2", Kind::Rise), &now(4));
    for attempt in attempts(&mut queue, 4) {
        queue.on_outcome(attempt.ticket, Outcome::try_again("no network"), &now(4), 0);
    }
    queue.raise(closing(6, "bed-1", &[4]), &now(4));
    // What comes out of the store only now was there before as well; what comes later was not.
    let old = Alert { id: AlertId::from_entropy(77), ..alert(3, "bed-1", Kind::Rise) };
    queue.recovered(vec![old], &now(4), now(4).moment);
    queue.raise(alert(7, "bed-1", Kind::Rise), &now(4));
    let mut sent = BTreeMap::new();
    for at in 5..60 {
        for attempt in attempts(&mut queue, at) {
            sent.insert(attempt.alert.id, (attempt.alert.event.bed, attempt.alert.sequence.0, attempt.priority));
            queue.on_outcome(attempt.ticket, accepted(), &now(at), 0);
        }
    }
    let alarms: Vec<_> =
        sent.values().filter(|(_, _, priority)| *priority == Priority::Alarm).map(|sent| sent.1).collect();
    assert_eq!((sent.len(), alarms), (8, vec![5, 7]));
}

#[test]
fn what_waits_in_the_store_ends_with_a_return_through_what_closes_it() {
    let mut queue = queue(Order::Fallback, 1);
    let mut all = reminders(5);
    all.push(closing(6, "bed-1", &[5]));
    queue.recovered(all, &now(0), now(0).moment);
    let mut sent = Vec::new();
    for _ in 0..6 {
        let next = one(&mut queue, 0);
        sent.push((next.alert.sequence.0, next.priority));
        queue.on_outcome(next.ticket, accepted(), &now(0), 0);
    }
    assert_eq!(sent, (1..=6).map(|sequence| (sequence, Priority::Info)).collect::<Vec<_>>());
}

/// What the store still holds, and what goes out of it as an alarm, by number.
fn alarms_of(queue: &mut Queue, stored: Vec<Alert>) -> Vec<u64> {
    let count = stored.len();
    queue.recovered(stored, &now(0), now(0).moment);
    let mut sent = Vec::new();
    for at in 0..60 {
        for attempt in attempts(queue, at) {
            sent.push((attempt.alert.sequence.0, attempt.priority));
            queue.on_outcome(attempt.ticket, accepted(), &now(at), 0);
        }
    }
    assert_eq!((sent.len(), queue.waiting()), (count, 0), "all go out");
    sent.into_iter().filter(|(_, priority)| *priority == Priority::Alarm).map(|(sequence, _)| sequence).collect()
}

#[test]
fn what_a_return_has_ended_is_no_alarm_in_a_later_life_though_the_return_is_delivered_and_gone() {
    // What closed the older ones, newer reminders and the return, went ahead of them and has left the store.
    let stored =
        || vec![alert(2, "bed-1", Kind::NotReturned), alert(3, "bed-1", Kind::Edge), alert(4, "bed-2", Kind::Rise)];
    let returned = [("bed-1".parse().unwrap(), Sequence(6))];
    let mut later = queue(Order::Fallback, 1);
    later.recall_returns(returned);
    // One of an absence after that is as open as ever.
    assert_eq!(alarms_of(&mut later, stored().into_iter().chain([alert(7, "bed-1", Kind::Rise)]).collect()), [7, 4]);
    // In doubt it is an alarm: this life's numbers have gone back.
    let mut anew = queue(Order::Fallback, 1);
    anew.recall_returns(returned);
    anew.raise(alert(5, "bed-1", Kind::Rise), &now(0));
    let live = one(&mut anew, 0);
    assert_eq!(live.priority, Priority::Alarm);
    anew.on_outcome(live.ticket, accepted(), &now(0), 0);
    assert_eq!(alarms_of(&mut anew, stored()), [4, 2]);
}

#[test]
fn a_store_that_says_late_that_she_has_returned_makes_information_of_what_waits() {
    let mut queue = queue(Order::Fallback, 1);
    queue.raise(alert(9, "bed-1", Kind::Rise), &now(0));
    let live = one(&mut queue, 0);
    queue.on_outcome(live.ticket, accepted(), &now(0), 0);
    queue.recovered(vec![alert(2, "bed-1", Kind::NotReturned)], &now(0), now(0).moment);
    queue.recall_returns([("bed-1".parse().unwrap(), Sequence(6))]);
    assert_eq!(one(&mut queue, 0).priority, Priority::Info);
}

/// Lets a channel refuse an alert, take a heartbeat, and refuse the alert again.
fn refused_for_itself(queue: &mut Queue, attempt: Attempt, at: u64) {
    let (sequence, channel) = (attempt.alert.sequence, attempt.channel);
    queue.on_outcome(attempt.ticket, Outcome::wrong("answered 422"), &now(at), 0);
    queue.on_heartbeat(channel, &accepted(), now(at + 1).moment);
    let again = attempts(queue, at + 30).into_iter().find(|again| again.alert.sequence == sequence).unwrap();
    queue.on_outcome(again.ticket, Outcome::wrong("answered 422"), &now(at + 30), 0);
}

#[test]
fn a_return_does_not_wait_for_what_dispatch_refuses_for_itself_and_that_is_told() {
    let mut queue = queue(Order::Fallback, 1);
    queue.raise(alert(1, "bed-1", Kind::Edge), &now(0));
    let edge = one(&mut queue, 0);
    queue.raise(closing(2, "bed-1", &[1]), &now(0));
    refused_for_itself(&mut queue, edge, 0);
    let back = one(&mut queue, 30);
    assert_eq!((back.alert.sequence.0, queue.view()[0].problem.as_deref()), (2, Some("answered 422")));
    queue.on_outcome(back.ticket, accepted(), &now(30), 0);
    let told = reports(&mut queue);
    let refusals: Vec<_> = told.iter().filter(|report| matches!(report, Report::Refused { .. })).collect();
    let expected = Report::Refused {
        alert: AlertId::from_entropy(1),
        bed: "bed-1".parse().ok(),
        kind: "edge",
        channel: "first".into(),
        detail: "answered 422".to_owned(),
    };
    assert_eq!(refusals, [&expected]);
    assert!(told.iter().any(|report| matches!(report, Report::Delivered { sequence: Sequence(2), .. })), "{told:?}");
    assert_eq!((queue.waiting(), queue.view()[0].waiting_since), (1, Some(now(0).moment)));
    // Somebody has mended what dispatch takes.
    let edge = one(&mut queue, 90);
    assert_eq!((edge.alert.sequence.0, edge.priority), (1, Priority::Info));
    queue.on_outcome(edge.ticket, accepted(), &now(90), 0);
    assert!(reports(&mut queue).contains(&Report::RefusesNone { channel: "first".into() }));
    assert_eq!((queue.waiting(), queue.view()[0].problem.as_deref()), (0, None));
}

#[test]
fn a_return_that_did_not_wait_follows_what_it_closes_to_another_channel() {
    let mut queue = queue(Order::Fallback, 2);
    queue.raise(alert(1, "bed-1", Kind::Edge), &now(0));
    let edge = one(&mut queue, 0);
    queue.raise(closing(2, "bed-1", &[1]), &now(0));
    queue.on_outcome(edge.ticket, Outcome::wrong("answered 422"), &now(0), 0);
    let slow = one(&mut queue, 0);
    assert_eq!(places(std::slice::from_ref(&slow)), [(1, 1)]);
    queue.on_heartbeat(0, &accepted(), now(1).moment);
    let edge = one(&mut queue, 2);
    queue.on_outcome(edge.ticket, Outcome::wrong("answered 422"), &now(2), 0);
    let back = one(&mut queue, 2);
    assert_eq!(places(std::slice::from_ref(&back)), [(2, 0)]);
    queue.on_outcome(back.ticket, accepted(), &now(2), 0);
    assert_eq!(delivered(&mut queue), [0_u64; 0], "the second channel may still take what it closes");
    queue.on_outcome(slow.ticket, accepted(), &now(3), 0);
    let back = one(&mut queue, 3);
    assert_eq!(places(std::slice::from_ref(&back)), [(2, 1)]);
    queue.on_outcome(back.ticket, accepted(), &now(3), 0);
    assert_eq!((delivered(&mut queue), queue.waiting()), (vec![1, 2], 0));
}

/// A fault of a mat, and its end.
fn fault_and_end() -> [Alert; 2] {
    let end =
        Alert { closes: vec![AlertId::from_entropy(1)], ..alert(2, "bed-1", Kind::SensorRestored(MatFault::Silent)) };
    [alert(1, "bed-1", Kind::SensorFault(MatFault::Silent)), end]
}

fn overtaken(queue: &mut Queue) -> Vec<Alert> {
    let told = |report| if let Report::Overtaken { alert } = report { Some(*alert) } else { None };
    reports(queue).into_iter().filter_map(told).collect()
}

#[test]
fn a_fault_that_goes_out_behind_its_end_is_information_in_the_next_life_too() {
    let mut queue = queue(Order::Fallback, 1);
    let [fault, end] = fault_and_end();
    queue.raise(fault.clone(), &now(0));
    let first = one(&mut queue, 0);
    assert_eq!(first.priority, Priority::Warning);
    queue.raise(end, &now(0));
    refused_for_itself(&mut queue, first, 0);
    assert_eq!(overtaken(&mut queue), [], "its end has not gone yet");
    let end = one(&mut queue, 30);
    queue.on_outcome(end.ticket, accepted(), &now(30), 0);
    let kept = overtaken(&mut queue);
    assert_eq!(kept, [Alert { priority: Priority::Info, ..fault }]);
    let late = one(&mut queue, 90);
    assert_eq!((late.alert.sequence.0, late.priority), (1, Priority::Info));
    queue.on_outcome(late.ticket, Outcome::wrong("answered 422"), &now(90), 0);

    let mut next = Queue::new(Delivery::default(), ["first"]);
    next.recovered(kept, &now(90), now(90).moment);
    assert_eq!((one(&mut next, 90).priority, overtaken(&mut next)), (Priority::Info, vec![]));
}

#[test]
fn a_fault_that_the_store_hands_over_after_its_end_has_gone_is_information() {
    let mut queue = queue(Order::Fallback, 1);
    let [fault, end] = fault_and_end();
    queue.raise(end, &now(0));
    // The store has said nothing for ten seconds.
    let end = one(&mut queue, 10);
    queue.on_outcome(end.ticket, accepted(), &now(10), 0);
    queue.recovered(vec![fault], &now(11), now(11).moment);
    assert_eq!(one(&mut queue, 11).priority, Priority::Info);
    assert_eq!(overtaken(&mut queue).len(), 1);
}

#[test]
fn with_order_all_a_fault_whose_end_one_channel_has_is_information_for_the_others() {
    let mut queue = queue(Order::All, 2);
    let [fault, end] = fault_and_end();
    queue.raise(fault, &now(0));
    let [first, second] = <[Attempt; 2]>::try_from(attempts(&mut queue, 0)).unwrap();
    queue.on_outcome(first.ticket, accepted(), &now(0), 0);
    queue.on_outcome(second.ticket, Outcome::try_again("503"), &now(0), u32::MAX);
    queue.raise(end, &now(0));
    let end = one(&mut queue, 0);
    assert_eq!((end.alert.sequence.0, end.channel), (2, 0), "the other one has not got its beginning");
    queue.on_outcome(end.ticket, accepted(), &now(0), 0);
    let late = one(&mut queue, 5);
    assert_eq!((late.alert.sequence.0, late.channel, late.priority), (1, 1, Priority::Info));
    queue.on_outcome(late.ticket, accepted(), &now(5), 0);
    assert_eq!(places(&attempts(&mut queue, 5)), [(2, 1)]);
}

#[test]
fn other_settings_of_a_channel_end_what_was_told_of_its_refusals() {
    let mut queue = queue(Order::Fallback, 1);
    queue.raise(alert(1, "bed-1", Kind::Edge), &now(0));
    let edge = one(&mut queue, 0);
    refused_for_itself(&mut queue, edge, 0);
    reports(&mut queue);
    let _moved = queue.rechannel(Delivery::default(), [("first", true)], now(31).moment);
    assert_eq!(reports(&mut queue), [Report::RefusesNone { channel: "first".into() }]);
}
