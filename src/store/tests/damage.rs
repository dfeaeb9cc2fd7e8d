//! One test a kind of damage: the store always opens, keeps what can be kept, and says what it did.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::super::medium::{Changes, Medium};
use super::super::record::Record;
use super::super::{folder::Folder, journal};
use super::*;

/// A store with alerts 1 to 40 and a state, closed, with a summary: the engine writes one of what it finds at opening.
pub(super) async fn filled(path: &Path) {
    let (store, _) = open(path).await;
    let receipts: Vec<_> =
        (1..=40).map(|sequence| store.append(&alert(sequence), Some(("bed-1", vec![7; 700])))).collect();
    for receipt in receipts {
        within(receipt).await.unwrap();
    }
    close(store).await;
    close(open(path).await.0).await;
}

/// Opens and checks that everything is there but for a note.
async fn opens_whole(path: &Path, note: &str) {
    let (store, recovered) = open(path).await;
    assert_eq!(sequences(&recovered.alerts), (1..=40).collect::<Vec<_>>());
    assert_eq!(recovered.states["bed-1"], [7; 700]);
    assert_eq!(recovered.found, Found::Known);
    assert!(recovered.notes.len() == 1 && recovered.notes[0].contains(note), "{:?}", recovered.notes);
    assert_eq!(store.health().borrow().notes, recovered.notes);
    close(store).await;
}

/// Opens and checks that the old store was put aside, the new one works, and all that waits came from the log.
async fn begins_anew(path: &Path) {
    let (store, recovered) = open(path).await;
    assert_eq!(recovered.found, Found::Lost);
    assert_eq!(sequences(&recovered.alerts), (1..=40).collect::<Vec<_>>());
    assert_eq!(recovered.states["bed-1"], [7; 700]);
    let notes = recovered.notes.join("; ");
    assert!(notes.contains("damaged") && notes.contains("store.corrupt-1"), "{notes}");
    assert!(path.join("store.corrupt-1").is_dir());
    within(store.append(&alert(50), None)).await.unwrap();
    close(store).await;
    let (store, recovered) = open(path).await;
    let whole: Vec<_> = (1..=40).chain([50]).collect();
    assert_eq!((recovered.found, sequences(&recovered.alerts)), (Found::Known, whole));
    for sequence in (2..=40).chain([50]) {
        store.delivered(delivered(sequence));
    }
    close(store).await;
    let (store, recovered) = open(path).await;
    assert_eq!((sequences(&recovered.alerts), recovered.notes), (vec![1], vec![]));
    close(store).await;
}

pub(super) fn snapshot(path: &Path) -> PathBuf {
    let files = fs::read_dir(path.join("store")).unwrap().map(|entry| entry.unwrap().path());
    let mut snapshots = files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("snap."));
    snapshots.next().unwrap()
}

#[tokio::test]
async fn a_summary_that_was_never_finished_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    fs::write(folder.path().join("store/snap.00000000000001FF.generating"), [0; 40]).unwrap();
    opens_whole(folder.path(), "left by a crash").await;
}

#[tokio::test]
async fn a_conf_that_is_empty_or_garbage_is_written_anew() {
    for garbage in [vec![], vec![0; 64], b"segment_size: 4096\nnonsense".to_vec(), vec![0xff; 300]] {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path()).await;
        fs::write(folder.path().join("store/conf"), garbage).unwrap();
        opens_whole(folder.path(), "conf was damaged").await;
    }
}

#[tokio::test]
async fn a_data_file_of_garbage_is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let bytes = fs::metadata(folder.path().join("store/db")).unwrap().len();
    fs::write(folder.path().join("store/db"), vec![0xa5; usize::try_from(bytes).unwrap()]).unwrap();
    begins_anew(folder.path()).await;
}

#[tokio::test]
async fn a_data_file_cut_short_is_put_aside() {
    for left in [0, 1_000, 5_000] {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path()).await;
        let data = fs::File::options().write(true).open(folder.path().join("store/db")).unwrap();
        data.set_len(left).unwrap();
        begins_anew(folder.path()).await;
    }
}

#[tokio::test]
async fn a_summary_of_garbage_is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    fs::write(snapshot(folder.path()), [0x5a; 300]).unwrap();
    begins_anew(folder.path()).await;
}

#[tokio::test]
async fn the_two_newest_damaged_stores_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    for round in 1..=3_u8 {
        filled(folder.path()).await;
        fs::write(folder.path().join("store/round"), [round]).unwrap();
        fs::write(snapshot(folder.path()), [0x5a; 300]).unwrap();
        close(open(folder.path()).await.0).await;
    }
    let round = |name: &str| fs::read(folder.path().join(name).join("round")).unwrap();
    assert_eq!((round("store.corrupt-1"), round("store.corrupt-2")), (vec![3], vec![2]));
    assert!(!folder.path().join("store.corrupt-3").exists());
}

#[tokio::test]
async fn a_store_of_other_settings_is_put_aside_and_not_read_as_ours() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let mut conf = b"segment_size: 524288\nuse_compression: false\nversion: 0.34\n".to_vec();
    conf.extend_from_slice(&crc32fast::hash(&conf).to_le_bytes());
    fs::write(folder.path().join("store/conf"), conf).unwrap();
    begins_anew(folder.path()).await;
}

#[tokio::test]
async fn whatever_byte_is_damaged_the_store_opens_and_takes_alerts() {
    let seed: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap() ^ 0x2a);
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut draw = |below: usize| {
        let number = proptest::prelude::RngCore::next_u64(&mut random);
        usize::try_from(number % u64::try_from(below).unwrap()).unwrap()
    };
    for case in 0..16 {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path()).await;
        let file = if case % 4 == 0 { snapshot(folder.path()) } else { folder.path().join("store/db") };
        let mut bytes = fs::read(&file).unwrap();
        let at = draw(bytes.len());
        match case % 3 {
            0 => bytes[at] ^= 1 << draw(8),
            1 => bytes.iter_mut().skip(at / 4096 * 4096).take(4096).for_each(|byte| *byte = 0),
            _ => bytes.truncate(at),
        }
        fs::write(&file, bytes).unwrap();

        let (store, recovered) = open(folder.path()).await;
        assert_eq!(sequences(&recovered.alerts), (1..=40).collect::<Vec<_>>(), "case {case}: {:?}", recovered.notes);
        within(store.append(&alert(50), None)).await.unwrap();
        assert_eq!(backlog(&store, 64).await.last(), Some(&50), "case {case}");
        close(store).await;
    }
}

#[tokio::test]
async fn damage_met_while_running_is_put_aside_and_what_waits_reaches_the_new_store() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path()).await;
    // More than the engine has in its cache.
    let bulky = |sequence| Alert { text: "x".repeat(4_000), ..alert(sequence) };
    let receipts: Vec<_> = (1..=2_000).map(|sequence| store.append(&bulky(sequence), None)).collect();
    for receipt in receipts {
        within(receipt).await.unwrap();
    }
    close(store).await;
    let (store, recovered) = open(folder.path()).await;
    assert_eq!(recovered.notes, Vec::<String>::new());
    let data = fs::File::options().write(true).open(folder.path().join("store/db")).unwrap();
    let bytes = data.metadata().unwrap().len();
    std::os::unix::fs::FileExt::write_all_at(&data, &vec![0xa5; usize::try_from(bytes).unwrap()], 0).unwrap();

    let page = store.backlog(Some(Sequence(1_000)), 256);
    assert!(until_faulty(&store).await.contains("damaged"));
    let receipt = store.append(&alert(5_000), None);
    assert_eq!(sequences(&within(page).await.unwrap())[..3], [1_001, 1_002, 1_003], "from the new store and the log");
    within(receipt).await.unwrap();
    let health = until(&store, |health| health.condition == Condition::Sound).await;
    assert!(health.notes.last().unwrap().contains("store.corrupt-1"), "{:?}", health.notes);
    close(store).await;
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_put_aside_told_once_and_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let key = |sequence: u64| [b"a".as_slice(), &sequence.to_be_bytes()].concat();
    let medium = Medium::open(&folder.path().join("store")).unwrap();
    let mut flipped = Record::of_json(&alert(3)).unwrap().as_bytes().to_vec();
    flipped[40] ^= 4;
    let mut changes = Changes::default();
    changes.put(key(3), &flipped);
    changes.put(key(4), Record::of_bytes(b"no alert").unwrap().as_bytes());
    changes.put(key(5), Record::of_json(&alert(6)).unwrap().as_bytes());
    changes.put(key(6), &[9, 0xf1, 0x6b, 0x21, 0x12]);
    changes.put(b"sbed-1\0".to_vec(), b"x");
    medium.write(&changes).unwrap();
    drop(medium);

    let (store, recovered) = open(folder.path()).await;
    assert_eq!(sequences(&recovered.alerts)[..4], [1, 2, 7, 8]);
    assert!(recovered.states.is_empty());
    let notes = recovered.notes.join("\n");
    for (what, count) in [("checksum wrong", 2), ("malformed", 3), ("says it is alert 0000000000000006", 1)] {
        assert_eq!(notes.matches(what).count(), count, "{what} in {notes}");
    }
    within(store.keep("bed-1", vec![1])).await.unwrap();
    assert_eq!(backlog(&store, 64).await.len(), 36);
    assert_eq!(until(&store, |health| health.undelivered < 40).await.undelivered, 36);
    close(store).await;

    let (store, recovered) = open(folder.path()).await;
    assert!(recovered.notes[0].starts_with("4 alerts that wait were missing"), "{:?}", recovered.notes);
    assert_eq!(sequences(&recovered.alerts), (1..=40).collect::<Vec<_>>());
    close(store).await;
    let medium = Medium::open(&folder.path().join("store")).unwrap();
    let aside = medium.scan(b"x", b"y", 10).unwrap();
    assert_eq!((aside.len(), aside[0].1.as_slice()), (4, flipped.as_slice()));
}

#[tokio::test]
async fn a_record_of_a_newer_version_is_left_for_it() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let key = [b"a".as_slice(), &3_u64.to_be_bytes()].concat();
    let mut newer = vec![2];
    newer.extend_from_slice(&crc32fast::hash(b"\x02from the future").to_be_bytes());
    newer.extend_from_slice(b"from the future");
    let medium = Medium::open(&folder.path().join("store")).unwrap();
    let mut changes = Changes::default();
    changes.put(key.clone(), &newer);
    medium.write(&changes).unwrap();
    drop(medium);

    let (store, recovered) = open(folder.path()).await;
    assert_eq!(sequences(&recovered.alerts)[..3], [1, 2, 4]);
    assert!(recovered.notes[0].contains("newer version"), "{:?}", recovered.notes);
    assert_eq!(backlog(&store, 1).await.len(), 39, "a page is not taken for the end because of it");
    assert_eq!(store.health().borrow().undelivered, 40);
    close(store).await;
    let medium = Medium::open(&folder.path().join("store")).unwrap();
    assert_eq!(medium.scan(&key, b"b", 1).unwrap()[0].1, newer);
}

#[tokio::test]
async fn counters_that_cannot_be_read_are_counted_anew_and_numbers_do_not_go_back() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let (store, before) = open(folder.path()).await;
    close(store).await;
    let medium = Medium::open(&folder.path().join("store")).unwrap();
    let mut changes = Changes::default();
    changes.put(b"m".to_vec(), b"nonsense");
    medium.write(&changes).unwrap();
    drop(medium);

    let (store, recovered) = open(folder.path()).await;
    assert!(recovered.notes[0].contains("counted anew"), "{:?}", recovered.notes);
    assert!(recovered.sequence > before.sequence);
    assert_eq!((recovered.found, store.health().borrow().undelivered), (Found::Known, 40));
    close(store).await;
}

#[test]
fn journal_entries_older_than_kept_are_removed_in_bounded_steps() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { keep: Duration::from_secs(35 * 24 * 3600), ..Settings::default() };
    let mut ledger = open_ledger(folder.path());
    let at = |days: i64, trusted| Now { utc: now().utc - SignedDuration::from_hours(24 * days), trusted, ..now() };
    let note = |at: &Now| journal::event(&alert(1).event, at).unwrap();
    let entries = [(400, at(90, false)), (300, at(36, true)), (100, at(50, false)), (20, at(34, true))];
    for (count, at) in entries {
        let notes: Vec<_> = (0..count).map(|_| note(&at)).collect();
        ledger.absorb(&[], &notes).unwrap();
    }
    assert!(ledger.prune(&now(), &settings).unwrap(), "the first step removes 500 and there is more");
    assert!(!ledger.prune(&now(), &settings).unwrap());
    assert!(!ledger.prune(&now(), &settings).unwrap());
    drop(ledger);

    let medium = Medium::open(&Folder::take(folder.path()).unwrap().store()).unwrap();
    let left = medium.scan(b"j", b"k", 1_000).unwrap();
    let kept: Vec<_> = left.iter().map(|(_, record)| journal::kept(record)).collect();
    assert_eq!(kept.iter().flatten().count(), 20);
    assert_eq!(kept.len(), 120, "those before the first young one were written after the last old one");
}
