//! What waits, and what gives way at the bounds.

use super::super::answer::{Answer, Receipt};
use super::*;

const NOW: Moment = Moment::from_nanos(0);

fn held(sequence: u64, priority: Priority, state: Option<&str>) -> (Held, Receipt) {
    let (reply, receipt) = Answer::pair();
    let state = state.map(|key| state_of(key, b"with an alert"));
    let record = Record::of_bytes(b"an alert").unwrap();
    (Held { sequence: Sequence(sequence), priority, record, state, reply }, receipt)
}

fn state_of(key: &str, payload: &[u8]) -> State {
    State { key: key.to_owned(), record: Record::of_bytes(payload).unwrap() }
}

fn push(waiting: &mut Waiting, sequence: u64, priority: Priority, state: Option<&str>) -> Receipt {
    let (held, receipt) = held(sequence, priority, state);
    waiting.alert(held);
    receipt
}

fn sequences(work: &Work) -> Vec<u64> {
    let alert = |write: &Write| match write {
        Write::Alert(held) => Some(held.sequence.0),
        Write::State { .. } => None,
    };
    work.writes.iter().filter_map(alert).collect()
}

fn states(work: &Work) -> Vec<String> {
    let key = |write: &'_ Write| match write {
        Write::State { state, .. } => Some(state.key.clone()),
        Write::Alert(_) => None,
    };
    work.writes.iter().filter_map(key).collect()
}

#[tokio::test]
async fn at_the_bound_the_newest_information_goes_first_and_the_oldest_alarm_last() {
    let mut waiting = Waiting::default();
    let mut receipts = Vec::new();
    for sequence in 0..ALERTS_MAX as u64 {
        let priority = if sequence < 2 { Priority::Info } else { Priority::Alarm };
        receipts.push(push(&mut waiting, sequence, priority, None));
    }
    for sequence in 0..3 {
        receipts.push(push(&mut waiting, 100_000 + sequence, Priority::Alarm, None));
    }
    assert_eq!((waiting.alerts(), waiting.let_go()), (ALERTS_MAX, 3));
    // 1 is the newest information, then 0; then the oldest alarm.
    for gone in [2, 1, 0] {
        assert_eq!(receipts.remove(gone).await, Err(NotKept::Crowded));
    }
    assert_eq!(sequences(&waiting.take(NOW).unwrap())[0], 3);
    assert_eq!(waiting.alerts(), ALERTS_MAX - BATCH_MAX);
}

#[tokio::test]
async fn information_that_goes_leaves_its_state_behind_and_an_alarm_takes_it_along() {
    for (priority, left) in [(Priority::Info, vec!["bed-1".to_owned()]), (Priority::Alarm, vec![])] {
        let mut waiting = Waiting::default();
        let receipt = push(&mut waiting, 1, priority, Some("bed-1"));
        let at = waiting.least_needed().unwrap();
        assert_eq!(at, (0, priority));
        waiting.let_go_of(0, Err(NotKept::Crowded), priority < Priority::Alarm);
        assert_eq!(receipt.await, Err(NotKept::Crowded));
        assert_eq!(waiting.take(NOW).map_or(vec![], |work| states(&work)), left);
    }
}

#[tokio::test]
async fn large_alerts_are_bounded_by_their_bytes() {
    let mut waiting = Waiting::default();
    let large = vec![0; 60_000];
    for sequence in 0..400 {
        let (mut held, _receipt) = held(sequence, Priority::Warning, None);
        held.record = Record::of_bytes(&large).unwrap();
        waiting.alert(held);
    }
    assert!(waiting.bytes <= ALERT_BYTES_MAX);
    assert!(waiting.alerts() >= 270 && waiting.let_go() >= 100, "{}", waiting.alerts());
}

#[tokio::test]
async fn a_delivered_alert_is_not_written_any_more_but_its_state_is() {
    let mut waiting = Waiting::default();
    let receipt = push(&mut waiting, 1, Priority::Alarm, Some("bed-1"));
    waiting.delivered(Sequence(1), NOW);
    assert_eq!(receipt.await, Ok(()));
    let work = waiting.take(NOW).unwrap();
    assert_eq!((sequences(&work), states(&work)), (vec![], vec!["bed-1".to_owned()]));
    let work = waiting.take(NOW + LAZY_FOR).unwrap();
    assert_eq!(work.gone, [Sequence(1)], "an earlier try may have written it");
}

#[tokio::test]
async fn what_was_delivered_while_a_write_failed_does_not_come_back() {
    let mut waiting = Waiting::default();
    let first = push(&mut waiting, 1, Priority::Alarm, None);
    let second = push(&mut waiting, 2, Priority::Alarm, None);
    let work = waiting.take(NOW).unwrap();
    waiting.delivered(Sequence(1), NOW);
    waiting.put_back(work, NOW);
    assert_eq!(first.await, Ok(()));
    let mut work = waiting.take(NOW).unwrap();
    assert_eq!(sequences(&work), [2]);
    work.kept();
    assert_eq!(second.await, Ok(()));
}

#[tokio::test]
async fn a_state_replaces_the_one_that_waits_and_both_are_answered() {
    let mut waiting = Waiting::default();
    let (first_reply, first) = Answer::pair();
    let (second_reply, second) = Answer::pair();
    waiting.state(state_of("bed-1", b"1"), first_reply);
    let _alert = push(&mut waiting, 1, Priority::Alarm, None);
    waiting.state(state_of("bed-1", b"2"), second_reply);
    let mut work = waiting.take(NOW).unwrap();
    assert_eq!((sequences(&work), states(&work)), (vec![1], vec!["bed-1".to_owned()]));
    work.kept();
    assert_eq!((first.await, second.await), (Ok(()), Ok(())));
}

#[test]
fn a_state_that_is_kept_again_and_again_while_the_disk_is_away_takes_no_more_memory() {
    let mut waiting = Waiting::default();
    for round in 0..1_000_u32 {
        waiting.state(state_of("bed-1", &round.to_be_bytes()), Answer::pair().0);
    }
    let work = waiting.take(NOW).unwrap();
    let replies = |write: &Write| match write {
        Write::State { replies, .. } => replies.len(),
        Write::Alert(_) => 0,
    };
    assert_eq!(work.writes.iter().map(replies).collect::<Vec<_>>(), [1]);
}

#[test]
fn alerts_go_at_once_and_all_else_waits_a_minute() {
    let note = || Record::of_bytes(b"a note").unwrap();
    let mut waiting = Waiting::default();
    waiting.note(note(), NOW);
    assert!(waiting.take(NOW + LAZY_FOR - Duration::from_nanos(1)).is_none());
    assert_eq!(waiting.due_at(), Some(NOW + LAZY_FOR));
    waiting.delivered(Sequence(1), NOW + LAZY_FOR / 2);
    let _receipt = push(&mut waiting, 2, Priority::Info, None);
    let work = waiting.take(NOW).unwrap();
    assert_eq!((sequences(&work), work.absorb, work.notes.len(), work.gone.len()), (vec![2], false, 0, 0));
    assert_eq!(work.done, [Sequence(1)], "the log says so with the same sync");
    let work = waiting.take(NOW + LAZY_FOR).unwrap();
    assert_eq!((sequences(&work), work.absorb, work.notes.len(), work.gone.len()), (vec![], true, 1, 1));
    assert_eq!(waiting.due_at(), None);
}

#[test]
fn the_engine_gets_what_was_appended_a_minute_later_though_nothing_else_comes() {
    let mut waiting = Waiting::default();
    let _receipt = push(&mut waiting, 1, Priority::Info, None);
    assert!(!waiting.take(NOW).unwrap().absorb);
    assert_eq!(waiting.due_at(), Some(NOW + LAZY_FOR));
    assert!(waiting.take(NOW + LAZY_FOR).unwrap().absorb);
    assert_eq!(waiting.due_at(), None);
}

#[test]
fn what_made_an_alert_safe_first_is_known() {
    let mut waiting = Waiting::default();
    let _receipts = [1, 2, 3].map(|sequence| push(&mut waiting, sequence, Priority::Alarm, None));
    assert_eq!(waiting.delivered(Sequence(1), NOW), SafeBy::Acceptance, "it waited");
    let work = waiting.take(NOW).unwrap();
    assert_eq!(waiting.delivered(Sequence(2), NOW), SafeBy::Acceptance, "the disk had not answered");
    waiting.written();
    assert_eq!(waiting.delivered(Sequence(3), NOW), SafeBy::Medium);
    drop(work);
    assert_eq!(waiting.delivered(Sequence(9), NOW), SafeBy::Medium, "one from before the start");
}

#[test]
fn the_oldest_journal_entries_go_first() {
    let mut waiting = Waiting::default();
    for number in 0..1_100_u32 {
        waiting.note(Record::of_bytes(&number.to_be_bytes()).unwrap(), NOW);
    }
    let work = waiting.take(NOW).unwrap();
    assert!(work.absorb, "that many do not wait");
    assert_eq!(work.notes.first(), Some(&Record::of_bytes(&100_u32.to_be_bytes()).unwrap()));
}

#[tokio::test]
async fn a_full_outbox_takes_alarms_and_states_and_nothing_else() {
    let mut waiting = Waiting::default();
    let fits = push(&mut waiting, 1, Priority::Info, None);
    let refused = push(&mut waiting, 2, Priority::Warning, Some("bed-1"));
    let alarm = push(&mut waiting, 3, Priority::Alarm, None);
    let mut work = waiting.take(NOW).unwrap();
    assert_eq!(work.fit(1), 1);
    assert_eq!((sequences(&work), states(&work)), (vec![1, 3], vec!["bed-1".to_owned()]));
    assert_eq!(refused.await, Err(NotKept::Full));
    work.kept();
    assert_eq!((fits.await, alarm.await), (Ok(()), Ok(())));
}
