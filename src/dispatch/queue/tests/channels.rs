//! Which channels an alert takes, and what is known of them.

use super::*;

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
fn a_wrong_channel_makes_the_next_one_be_tried_at_once() {
    let mut queue = queue(Order::Fallback, 2);
    queue.raise(alert(1, "bed-1", Kind::Rise), &now(0));
    let first = one(&mut queue, 0);
    queue.on_outcome(first.ticket, Outcome::wrong("401"), &now(0), u32::MAX);
    let second = one(&mut queue, 0);
    assert_eq!(second.channel, 1);
    let told = reports(&mut queue);
    assert!(
        matches!(told.as_slice(), [Report::AlarmWaits { .. }, Report::ChannelDown { wrong: true, .. }]),
        "{told:?}"
    );
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
fn a_wrong_channel_beside_one_that_is_down_makes_the_next_one_be_tried_at_once() {
    let mut queue = queue(Order::Fallback, 3);
    for second in [0, 1] {
        queue.on_heartbeat(0, &Outcome::try_again("no answer"), now(second).moment);
    }
    queue.raise(alert(1, "bed-1", Kind::Rise), &now(1));
    let mut both = attempts(&mut queue, 1);
    assert_eq!(places(&both), [(1, 0), (1, 1)]);
    queue.on_outcome(both.remove(1).ticket, Outcome::wrong("401"), &now(1), u32::MAX);
    assert_eq!(places(&attempts(&mut queue, 1)), [(1, 2)]);
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
fn an_alarm_that_was_refused_once_keeps_the_rhythm_of_alarms_through_other_failures() {
    let mut queue = queue(Order::Fallback, 1);
    queue.raise(alert(1, "bed-1", Kind::Rise), &now(0));
    let first = one(&mut queue, 0);
    queue.on_outcome(first.ticket, Outcome::wrong("a captive portal sends us elsewhere"), &now(0), u32::MAX);
    for minute in 1..=20 {
        let again = one(&mut queue, 60 * minute);
        queue.on_outcome(again.ticket, Outcome::try_again("no answer"), &now(60 * minute), u32::MAX);
        assert!(queue.next_deadline(now(60 * minute).moment) <= Some(now(60 * minute + 30).moment), "{minute} min");
    }
    // Wrong without a break for ten minutes is another matter.
    for minute in 21..=31 {
        let again = one(&mut queue, 60 * minute);
        queue.on_outcome(again.ticket, Outcome::wrong("401"), &now(60 * minute), u32::MAX);
    }
    assert!(queue.next_deadline(now(60 * 31).moment) > Some(now(60 * 31 + 200).moment));
}

#[test]
fn that_an_alarm_waits_is_told_at_its_first_failure_and_then_once_a_minute() {
    let mut queue = queue(Order::Fallback, 1);
    queue.raise(alert(1, "bed-1", Kind::Rise), &now(0));
    queue.raise(alert(2, "bed-1", Kind::NotReturned), &now(0));
    queue.raise(alert(3, "bed-2", Kind::Rise), &now(0));
    queue.raise(alert(4, "bed-2", Kind::SensorFault(MatFault::Silent)), &now(0));
    let mut told = Vec::new();
    for at in 0..120 {
        for attempt in attempts(&mut queue, at) {
            queue.on_outcome(attempt.ticket, Outcome::try_again("no answer"), &now(at), u32::MAX);
        }
        for report in reports(&mut queue) {
            if let Report::AlarmWaits { bed, waited, count, detail, .. } = report {
                assert_eq!(detail, "no answer");
                told.push((bed.unwrap().to_string(), waited.as_secs() / 60, count));
            }
        }
    }
    let (first, second) = ("bed-1".to_owned(), "bed-2".to_owned());
    assert_eq!(told, [(second.clone(), 0, 1), (first.clone(), 0, 2), (second, 1, 1), (first, 1, 2)]);
}
