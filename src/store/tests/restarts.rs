//! What a restart finds: after a clean end, after a kill, after the store was lost.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::*;

/// Tells the child which folder to use; without it the child's test does nothing.
const CHILD_FOLDER: &str = "NATTVAKT_STORE_TEST_FOLDER";

#[tokio::test]
async fn a_new_store_is_empty_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("var/nattvakt");
    let (store, recovered) = open(&path).await;
    assert_eq!((recovered.found, recovered.alerts.len(), recovered.notes.len()), (Found::New, 0, 0));
    assert!(recovered.sequence.0 > 1_790_000_000_000);
    let health = until(&store, |health| health.condition == Condition::Sound).await;
    assert!(health.bytes_on_disk > 0);
    close(store).await;

    let (store, recovered) = open(&path).await;
    assert_eq!(recovered.found, Found::Known);
    close(store).await;
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::restarts::child_keeps_and_waits", "--nocapture"])
        .env(CHILD_FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("all is kept")), "the child ended early");
    child.kill().unwrap();
    child.wait().unwrap();

    let (store, recovered) = open(folder.path()).await;
    assert_eq!(sequences(&recovered.alerts), (1..=40).filter(|sequence| *sequence != 7).collect::<Vec<_>>());
    assert_eq!(recovered.alerts[0], alert(1));
    assert_eq!(recovered.states["bed-1"], 40_u64.to_be_bytes());
    assert_eq!(recovered.states["bed-2"], b"calibrated");
    assert_eq!((recovered.found, recovered.notes), (Found::Known, vec![]));
    assert_eq!(store.health().borrow().undelivered, 39);
    close(store).await;
}

/// Not a test of its own: what the test above starts and kills.
#[tokio::test]
async fn child_keeps_and_waits() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else { return };
    let (store, _recovered) = open(Path::new(&folder)).await;
    store.keep("bed-2", b"calibrated".to_vec()).await.unwrap();
    for sequence in 1..=40_u64 {
        let receipt = store.append(&alert(sequence), Some(("bed-1", sequence.to_be_bytes().to_vec())));
        if sequence == 7 {
            store.delivered(delivered(7));
        }
        receipt.await.unwrap();
    }
    // Past the test harness, which keeps what a test prints until it ends.
    let mut out = std::io::stdout();
    std::io::Write::write_all(&mut out, b"all is kept\n").unwrap();
    std::io::Write::flush(&mut out).unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn delivered_alerts_are_gone_and_the_rest_comes_in_order_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path()).await;
    let receipts: Vec<_> =
        [30, 10, 20, 1 << 40, 40].map(|sequence| store.append(&alert(sequence), None)).into_iter().collect();
    for receipt in receipts {
        within(receipt).await.unwrap();
    }
    store.delivered(delivered(20));
    store.delivered(delivered(999));
    close(store).await;

    let (store, recovered) = open(folder.path()).await;
    assert_eq!(sequences(&recovered.alerts), [10, 30, 40, 1 << 40]);
    assert_eq!(backlog(&store, 3).await, [10, 30, 40, 1 << 40]);
    let last = within(store.backlog(Some(Sequence(u64::MAX)), 3)).await;
    assert_eq!(last, Ok(vec![]));
    assert_eq!(store.health().borrow().undelivered, 4);
    close(store).await;
}

#[tokio::test]
async fn a_long_backlog_is_handed_over_in_bounded_pages() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path()).await;
    let receipts: Vec<_> = (1..=700).map(|sequence| store.append(&alert(sequence), None)).collect();
    for receipt in receipts {
        within(receipt).await.unwrap();
    }
    close(store).await;

    let (store, recovered) = open(folder.path()).await;
    assert_eq!(recovered.alerts.len(), 256);
    assert_eq!(store.health().borrow().undelivered, 700);
    assert_eq!(backlog(&store, 100).await, (1..=700).collect::<Vec<_>>());
    close(store).await;
}

#[tokio::test]
async fn a_page_of_large_alerts_is_bounded_by_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path()).await;
    let large = |sequence| Alert { text: "å".repeat(30_000), ..alert(sequence) };
    for sequence in 1..=40 {
        within(store.append(&large(sequence), None)).await.unwrap();
    }
    let page = within(store.backlog(None, 1_000)).await.unwrap();
    assert!((15..20).contains(&page.len()), "{}", page.len());
    assert_eq!(page[14], large(15));
    assert_eq!(backlog(&store, 1_000).await.len(), 40);
    close(store).await;
}

#[tokio::test]
async fn the_same_alert_twice_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path()).await;
    let (first, second) = (store.append(&alert(5), None), store.append(&alert(5), None));
    assert_eq!((within(first).await, within(second).await), (Ok(()), Ok(())));
    within(store.append(&alert(5), None)).await.unwrap();
    assert_eq!(until(&store, |health| health.undelivered > 0).await.undelivered, 1);
    store.delivered(delivered(5));
    close(store).await;
    let (store, recovered) = open(folder.path()).await;
    assert_eq!((recovered.alerts.len(), store.health().borrow().undelivered), (0, 0));
    close(store).await;
}

#[tokio::test]
async fn sequence_numbers_never_go_back() {
    let folder = tempfile::tempdir().unwrap();
    let (store, first) = open(folder.path()).await;
    close(store).await;
    let (store, again) = open(folder.path()).await;
    assert!(again.sequence > first.sequence);
    // Numbers far ahead of the wall clock, so that it does not hide the marks.
    let used = again.sequence.0 + 1_000_000_000_000;
    within(store.append(&alert(used), None)).await.unwrap();
    store.delivered(delivered(used));
    close(store).await;

    let (store, recovered) = open(folder.path()).await;
    assert!(recovered.sequence.0 > used);
    close(store).await;

    fs::remove_dir_all(folder.path().join("store")).unwrap();
    let (store, lost) = open(folder.path()).await;
    assert!(lost.sequence > recovered.sequence);
    assert_eq!(lost.found, Found::Lost);
    assert_eq!(lost.notes.len(), 1);
    close(store).await;

    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
    let (store, new) = open(folder.path()).await;
    assert!(new.sequence > first.sequence, "the wall clock alone keeps it from going back");
    assert_eq!(new.found, Found::New);
    close(store).await;
}

#[tokio::test]
async fn large_states_are_kept_replaced_by_short_ones_and_never_leave_the_synced_file() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path()).await;
    let value = |bed: u8, bytes| vec![bed; bytes];
    for round in 0..3 {
        for bed in 0..20 {
            within(store.keep(&format!("bed-{bed}"), value(bed, 60_000 - round * 1_000))).await.unwrap();
            let blobs = fs::read_dir(folder.path().join("store/blobs")).unwrap().count();
            assert_eq!(blobs, 0, "files that the engine does not sync");
        }
    }
    within(store.keep("bed-7", b"short".to_vec())).await.unwrap();
    within(store.keep("bed-8", vec![])).await.unwrap();
    close(store).await;

    let (store, recovered) = open(folder.path()).await;
    assert_eq!(recovered.notes, Vec::<String>::new());
    assert_eq!(recovered.states.len(), 20);
    assert_eq!(recovered.states["bed-6"], value(6, 58_000));
    assert_eq!(recovered.states["bed-7"], b"short");
    assert_eq!(recovered.states["bed-8"], b"");
    close(store).await;
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_the_store_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path()).await;
    let large = Alert { text: "x".repeat(70_000), ..alert(1) };
    assert!(matches!(within(store.append(&large, None)).await, Err(NotKept::TooLarge { .. })));
    within(store.append(&alert(2), Some(("bed-1", vec![0; 70_000])))).await.unwrap();
    for key in ["", "a\0b", &"k".repeat(65)] {
        assert!(matches!(within(store.keep(key, vec![])).await, Err(NotKept::Key(_))), "{key:?}");
    }
    store.journal(&Event { detail: Some("x".repeat(70_000)), ..alert(1).event });
    let accepted = Acceptance { reference: Some("ö".repeat(70_000)), ..delivered(1).accepted };
    let long = Delivered { accepted, ..delivered(1) };
    store.delivered(long);
    within(store.append(&alert(3), None)).await.unwrap();
    assert_eq!(backlog(&store, 10).await, [2, 3], "a state that is too large costs no alert");
    close(store).await;
}

#[tokio::test]
async fn the_journal_tells_at_once_what_was_noted_and_delivered_and_after_a_restart_too() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path()).await;
    let noted = Event { kind: Kind::InBed, ..alert(1).event };
    for sequence in 1..=30 {
        store.journal(&noted);
        within(store.append(&alert(sequence), None)).await.unwrap();
        store.delivered(delivered(sequence));
    }
    let told = journal(&store, 7).await;
    assert_eq!(told.len(), 60);
    assert_eq!((&told[0].event, told[0].id, &told[0].accepted), (&noted, None, &None));
    let Delivered { id, event, accepted, .. } = delivered(30);
    assert_eq!((told[59].id, &told[59].event, &told[59].accepted), (Some(id), &event, &Some(accepted)));
    close(store).await;
    let (store, _) = open(folder.path()).await;
    assert_eq!(journal(&store, 1000).await, told);
    close(store).await;
}

/// Reads the whole journal in pages.
async fn journal(store: &Store, limit: usize) -> Vec<Entry> {
    let (mut found, mut last) = (Vec::new(), None);
    loop {
        let page = within(store.entries(last, limit)).await.unwrap();
        assert!(page.entries.len() <= limit);
        if page.last.is_none() {
            return found;
        }
        last = page.last;
        found.extend(page.entries);
    }
}

#[tokio::test]
async fn a_closed_store_refuses_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path()).await;
    let other = store.clone();
    close(store).await;
    assert_eq!(within(other.append(&alert(1), None)).await, Err(NotKept::Closed));
    assert_eq!(within(other.keep("bed-1", vec![])).await, Err(NotKept::Closed));
    assert_eq!(within(other.backlog(None, 1)).await, Err(NotKept::Closed));
    assert_eq!(within(other.entries(None, 1)).await, Err(NotKept::Closed));
    other.journal(&alert(1).event);
    assert_eq!(other.close(LIMIT).await, Err(Unwritten::Closed));
}

#[tokio::test]
async fn the_last_handle_that_goes_leaves_everything_written() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path()).await;
    let mut health = store.health();
    let receipt = store.append(&alert(1), None);
    drop(store);
    within(receipt).await.unwrap();
    while within(health.changed()).await.is_ok() {}
    let (store, recovered) = open(folder.path()).await;
    assert_eq!(sequences(&recovered.alerts), [1]);
    close(store).await;
}
