//! Nothing grows for ever: what waits is folded, the disk gets back what a backlog took, the log stays short.

use std::fs;
use std::path::PathBuf;

use super::super::ledger::Ledger;
use super::*;

fn all(ledger: &mut Ledger) -> Vec<Alert> {
    let (mut found, mut last) = (Vec::new(), None);
    loop {
        let page = ledger.page(last, 256, &mut Vec::new()).unwrap();
        let Some(end) = page.last() else { return found };
        last = Some(end.sequence);
        found.extend(page);
    }
}

fn count(alerts: &[Alert], kind: &Kind) -> u64 {
    let of_kind = alerts.iter().filter(|alert| alert.event.kind == *kind);
    of_kind.map(|alert| alert.event.folded.map_or(1, |folded| folded.count)).sum()
}

#[test]
fn beyond_the_bound_the_oldest_that_are_not_open_become_one_a_bed_and_kind() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = open_ledger(folder.path());
    ledger.fold_beyond(1_000, 100);
    // Every tenth rise has no return: it is open.
    for number in 0..1_200 {
        keep(&mut ledger, &alert(2 * number + 1));
        if number % 10 != 0 {
            let event = Event { kind: Kind::Return, ..alert(1).event };
            let closes = vec![AlertId::from_entropy(u128::from(2 * number + 1))];
            keep(&mut ledger, &Alert { event, closes, priority: Priority::Info, ..alert(2 * number + 2) });
        }
    }
    ledger.absorb(&[], &[]).unwrap();
    let found = all(&mut ledger);
    assert!(ledger.undelivered() < 1_000, "{}", ledger.undelivered());
    assert_eq!(ledger.undelivered(), found.len() as u64);
    assert_eq!((count(&found, &Kind::Rise), count(&found, &Kind::Return)), (1_200, 1_080), "each stands in a count");
    let open = |alert: &&Alert| alert.event.kind == Kind::Rise && (alert.sequence.0 - 1) / 2 % 10 == 0;
    assert_eq!(found.iter().filter(open).filter(|alert| alert.priority == Priority::Alarm).count(), 120);
    assert!(found[..100].iter().all(|alert| alert.event.folded.is_none()), "the oldest may be on their way");
    assert_eq!(ledger.take_folded() + found.len() as u64, 2_280);
    drop(ledger);

    fs::remove_dir_all(folder.path().join("store")).unwrap();
    let mut ledger = open_ledger(folder.path());
    assert_eq!(all(&mut ledger), found, "the log alone knows them");
}

#[tokio::test]
async fn a_backlog_that_is_gone_leaves_a_small_file_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path()).await;
    let bulky = |sequence| Alert { text: "x".repeat(6_000), ..alert(sequence) };
    let receipts: Vec<_> = (1..=2_600).map(|sequence| store.append(&bulky(sequence), None)).collect();
    for receipt in receipts {
        within(receipt).await.unwrap();
    }
    within(store.keep("bed-1", vec![5; 900])).await.unwrap();
    assert_eq!(backlog(&store, 256).await.len(), 2_600);
    let large = until(&store, |health| health.bytes_on_disk > 30 << 20).await.bytes_on_disk;
    for sequence in 1..=2_597 {
        store.delivered(delivered(sequence));
    }
    // While the copy is being made life goes on.
    let mut sequence = 10_000;
    let (mut health, mut receipts) = (store.health(), Vec::new());
    while health.borrow_and_update().bytes_on_disk > large / 3 {
        sequence += 1;
        receipts.push(store.append(&alert(sequence), None));
        store.delivered(delivered(sequence - 1));
        drop(tokio::time::timeout(Duration::from_millis(20), health.changed()).await);
        assert!(sequence < 13_000, "the file is not given back: {:?}", *health.borrow());
    }
    for receipt in receipts {
        within(receipt).await.unwrap();
    }
    close(store).await;
    assert!(!folder.path().join("store.new").exists());

    let (store, recovered) = open(folder.path()).await;
    assert_eq!(sequences(&recovered.alerts), [2_598, 2_599, 2_600, sequence]);
    assert_eq!((recovered.states["bed-1"].as_slice(), recovered.notes), ([5; 900].as_slice(), vec![]));
    close(store).await;
}

#[tokio::test]
async fn what_a_power_cut_leaves_of_a_copy_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path()).await;
    within(store.append(&alert(1), None)).await.unwrap();
    close(store).await;
    fs::create_dir(folder.path().join("store.new")).unwrap();
    fs::write(folder.path().join("store.new/db"), vec![7; 70_000]).unwrap();
    let (store, recovered) = open(folder.path()).await;
    assert_eq!((sequences(&recovered.alerts), recovered.notes), (vec![1], vec![]));
    assert!(!folder.path().join("store.new").exists());
    close(store).await;
}

/// The number of the newest segment of the log: how much was written to it.
fn newest_segment(path: &Path) -> u64 {
    let names = fs::read_dir(path.join("outbox")).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter_map(|name| name.to_str()?.parse().ok()).max().unwrap()
}

#[test]
fn large_alerts_that_wait_are_not_copied_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = open_ledger(folder.path());
    for sequence in 1..=120 {
        keep(&mut ledger, &Alert { text: "x".repeat(40_000), ..alert(sequence) });
    }
    let mut batch = |sequence| {
        keep(&mut ledger, &alert(sequence));
        ledger.absorb(&[Sequence(sequence)], &[]).unwrap();
    };
    // Long enough for all of the log to be written anew once.
    (1_000..1_010).for_each(&mut batch);
    let before = newest_segment(folder.path());
    (2_000..2_050).for_each(&mut batch);
    assert!(newest_segment(folder.path()) <= before + 1);
    drop(ledger);
    fs::remove_dir_all(folder.path().join("store")).unwrap();
    assert_eq!(all(&mut open_ledger(folder.path())).len(), 120);
}

#[test]
fn a_store_of_large_records_is_copied_once_and_not_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = open_ledger(folder.path());
    for sequence in 1..=400 {
        keep(&mut ledger, &Alert { text: "x".repeat(50_000), ..alert(sequence) });
        if ledger.is_full() {
            ledger.absorb(&[], &[]).unwrap();
        }
    }
    ledger.absorb(&[], &[]).unwrap();
    assert!(ledger.wants_shrinking());
    while ledger.shrink_step().unwrap() {}
    assert!(!ledger.wants_shrinking());
    assert_eq!(all(&mut ledger).len(), 400);
}

#[test]
fn a_log_that_was_lost_goes_on_behind_what_the_engine_knows() {
    let folder = tempfile::tempdir().unwrap();
    for round in 1..=3_u64 {
        let mut ledger = open_ledger(folder.path());
        keep(&mut ledger, &alert(round));
        ledger.absorb(&[], &[]).unwrap();
    }
    fs::remove_dir_all(folder.path().join("outbox")).unwrap();
    let mut ledger = open_ledger(folder.path());
    let (reply, _receipt) = Answer::pair();
    let record = Record::of_json(&alert(4)).unwrap();
    let state = Some(state_of(("bed-1", b"away".to_vec())).unwrap());
    let held = Held { sequence: Sequence(4), priority: Priority::Alarm, record, state, reply };
    ledger.keep(&[waiting::Write::Alert(held)], &[]).unwrap();
    drop(ledger);
    let ledger = open_ledger(folder.path());
    assert_eq!(ledger.states(&mut Vec::new()).unwrap()["bed-1"], b"away");
}

/// Alerts 1 to 3 in the first segment of the log and nowhere else, 2 of them done; the disk does not give that segment.
fn segment_that_cannot_be_read(path: &Path) -> (Ledger, PathBuf) {
    let mut ledger = open_ledger(path);
    (1..=3).for_each(|sequence| keep(&mut ledger, &alert(sequence)));
    drop(ledger);
    let mut ledger = open_ledger(path);
    ledger.absorb(&[Sequence(2)], &[]).unwrap();
    drop(ledger);
    fs::remove_dir_all(path.join("store")).unwrap();
    let segment = path.join("outbox/0000000001");
    fs::rename(&segment, path.join("elsewhere")).unwrap();
    fs::create_dir(&segment).unwrap();
    let mut ledger = open_ledger(path);
    assert_eq!(all(&mut ledger), []);
    keep(&mut ledger, &alert(9));
    (ledger, segment)
}

#[test]
fn what_the_disk_did_not_give_of_the_log_is_read_again_before_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, segment) = segment_that_cannot_be_read(folder.path());
    fs::remove_dir(&segment).unwrap();
    fs::rename(folder.path().join("elsewhere"), &segment).unwrap();
    ledger.absorb(&[], &[]).unwrap();
    assert_eq!(ledger.take_found_late(), 2);
    assert_eq!(sequences(&all(&mut ledger)), [1, 3, 9]);
    assert!(!segment.exists());
    drop(ledger);
    fs::remove_dir_all(folder.path().join("store")).unwrap();
    assert_eq!(sequences(&all(&mut open_ledger(folder.path()))), [1, 3, 9], "the log knows them as well");
}

#[test]
fn what_the_disk_never_gives_of_the_log_is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, segment) = segment_that_cannot_be_read(folder.path());
    ledger.absorb(&[], &[]).unwrap();
    assert_eq!(sequences(&all(&mut ledger)), [9]);
    assert!(!segment.exists() && segment.with_extension("unread").exists());
    drop(ledger);
    let settings = Settings { path: folder.path().to_owned(), ..Settings::default() };
    let numbers = Arc::new(Numbers::by_clock(now().utc));
    let opened = opening::open(&settings, now().utc, opening::Before::default(), &numbers).unwrap();
    assert_eq!((sequences(&opened.recovered.alerts), opened.recovered.notes), (vec![9], vec![]), "told once");
}

#[test]
fn the_log_stays_short_whatever_has_waited_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = open_ledger(folder.path());
    keep(&mut ledger, &alert(1));
    let bulky = |sequence| Alert { text: "x".repeat(4_000), ..alert(sequence) };
    for sequence in 2..4_000 {
        keep(&mut ledger, &bulky(sequence));
        if sequence % 100 == 0 {
            ledger
                .absorb(&(sequence - 99..sequence).map(Sequence).filter(|done| done.0 != 1).collect::<Vec<_>>(), &[])
                .unwrap();
        }
    }
    let log: u64 =
        fs::read_dir(folder.path().join("outbox")).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(log < 3 << 20, "{log}");
    drop(ledger);
    fs::remove_dir_all(folder.path().join("store")).unwrap();
    let mut ledger = open_ledger(folder.path());
    assert_eq!(all(&mut ledger)[0], alert(1));
}
