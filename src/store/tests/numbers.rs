//! Sequence numbers: they never go back, and no alert takes another's place because both have the same one.

use std::fs;
use std::path::PathBuf;

use super::super::medium::Medium;
use super::*;

/// A store whose mark lies far ahead of the clock, so that the clock does not hide it. Returns the last number used.
async fn ahead_of_the_clock(path: &Path) -> Sequence {
    let (store, _) = open(path).await;
    let used = Sequence(store.next_sequence().0 + 1_000_000_000_000);
    within(store.append(&alert(used.0), None)).await.unwrap();
    store.delivered(delivered(used.0));
    close(store).await;
    used
}

#[tokio::test]
async fn they_go_on_above_the_mark_before_the_store_is_open_and_over_restarts_in_which_it_never_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut used = ahead_of_the_clock(folder.path()).await;
    let tool = Medium::open(&folder.path().join("store")).unwrap();
    for _ in 0..2 {
        let (store, _recovered) = start(folder.path());
        until_faulty(&store).await;
        let next = store.next_sequence();
        assert!(next > used, "{next} after {used}");
        used = next;
        close(store).await;
    }
    drop(tool);
    let (store, _) = open(folder.path()).await;
    assert!(store.next_sequence() > used);
    close(store).await;
}

#[tokio::test]
async fn numbers_of_what_is_never_stored_raise_the_mark_as_well() {
    let folder = tempfile::tempdir().unwrap();
    ahead_of_the_clock(folder.path()).await;
    let (store, _) = open(folder.path()).await;
    for _ in 0..4 {
        draw(&store, folder.path(), 900).await;
    }
    let last = store.next_sequence();
    // As a power cut finds it.
    let cut = tempfile::tempdir().unwrap();
    copy(folder.path(), cut.path());
    close(store).await;
    let (store, _) = open(cut.path()).await;
    assert!(store.next_sequence() > last);
    close(store).await;
}

#[test]
fn an_alert_whose_number_was_handed_out_again_before_the_store_was_open_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    // Each life begins with the same clock.
    let by_clock = || Arc::new(Numbers::by_clock(now().utc));
    let numbers = by_clock();
    let mut ledger = open_ledger_with(folder.path(), &numbers);
    let first = [numbers.draw(), numbers.draw()].map(|number| alert(number.0));
    for alert in &first {
        keep(&mut ledger, alert);
    }
    drop(ledger);

    let numbers = by_clock();
    let again = Alert { id: AlertId::from_entropy(77), ..alert(numbers.draw().0) };
    assert_eq!(again.sequence, first[0].sequence);
    let mut ledger = open_ledger_with(folder.path(), &numbers);
    keep(&mut ledger, &again);
    let waiting = ledger.page(None, 10, &mut Vec::new()).unwrap();
    let ids: Vec<_> = waiting.iter().map(|alert| alert.id).collect();
    assert_eq!(ids, [again.id, first[1].id, first[0].id]);
    assert!(waiting[2].sequence < numbers.draw(), "{}", waiting[2].sequence);
    ledger.absorb(&[again.sequence], &[]).unwrap();
    drop(ledger);

    fs::remove_dir_all(folder.path().join("store")).unwrap();
    let mut ledger = open_ledger(folder.path());
    let left = ledger.page(None, 10, &mut Vec::new()).unwrap();
    assert_eq!(left, waiting[1..], "the log alone knows it as well");
}

#[test]
fn an_alert_is_not_taken_out_by_the_delivery_of_another_of_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let numbers = Arc::new(Numbers::by_clock(now().utc));
    let mut ledger = open_ledger_with(folder.path(), &numbers);
    let waits = alert(numbers.draw().0);
    keep(&mut ledger, &waits);
    drop(ledger);

    let numbers = Arc::new(Numbers::by_clock(now().utc));
    let accepted_before_it_was_open = numbers.draw();
    assert_eq!(accepted_before_it_was_open, waits.sequence);
    let mut ledger = open_ledger_with(folder.path(), &numbers);
    ledger.absorb(&[accepted_before_it_was_open], &[]).unwrap();
    let left = ledger.page(None, 10, &mut Vec::new()).unwrap();
    assert_eq!(left.iter().map(|alert| alert.id).collect::<Vec<_>>(), [waits.id]);
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&path, &target);
        } else {
            fs::copy(path, target).unwrap();
        }
    }
}

/// Draws so many numbers and waits until the mark lies above them.
pub(super) async fn draw(store: &Store, path: &Path, count: u32) {
    let mut last = store.next_sequence();
    for _ in 1..count {
        last = store.next_sequence();
    }
    let marked = async {
        while mark(path) <= last.0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    within(marked).await;
}

/// What a start after this moment would go by.
fn mark(path: &Path) -> u64 {
    fs::read_to_string(path.join("sequence")).unwrap().trim_end().parse().unwrap()
}
