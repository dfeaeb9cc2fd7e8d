//! What is read of a damaged store: all of it that can be, whatever befalls the reading, and it is sent in the same run.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::super::child;
use super::super::ledger::Merged;
use super::super::medium::Medium;
use super::away::SmallDisk;
use super::damage::{filled, snapshot};
use super::*;

/// Puts the store aside as an opening does that finds it damaged, and takes away all else that knows of its alerts.
fn put_aside(path: &Path, tries: u32) -> PathBuf {
    let aside = path.join("store.corrupt-1");
    fs::rename(path.join("store"), &aside).unwrap();
    fs::write(aside.join("unread"), format!("{tries}\n")).unwrap();
    fs::remove_dir_all(path.join("outbox")).unwrap();
    aside
}

async fn until_taken_over(store: &Store) -> Vec<String> {
    until(store, |health| health.notes.iter().any(|note| note.contains("taken over from the"))).await.notes
}

/// Closes it, and waits until the reader of an older store has ended with it, as it does with the program: two of them
/// would make their copies in the same place.
async fn end(store: Store) {
    let desk = Arc::downgrade(&store.0.desk);
    close(store).await;
    let ended = async {
        while desk.strong_count() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(ended).await;
}

#[tokio::test]
async fn what_was_known_before_stays_and_the_rest_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let aside = put_aside(folder.path(), 0);
    fs::remove_file(aside.join("unread")).unwrap();
    let (store, recovered) = open(folder.path()).await;
    assert_eq!((recovered.found, recovered.alerts.len()), (Found::Lost, 0));
    within(store.append(&alert(7), None)).await.unwrap();
    store.delivered(delivered(7));
    // Another one, that has the number of one of the old ones.
    let other = Alert { id: AlertId::from_entropy(88), ..alert(8) };
    within(store.append(&other, None)).await.unwrap();
    within(store.keep("bed-1", vec![8])).await.unwrap();
    close(store).await;

    fs::write(aside.join("unread"), "0\n").unwrap();
    let (store, recovered) = open(folder.path()).await;
    let health = until(&store, |health| health.salvaged > 0).await;
    assert!(health.notes.last().unwrap().contains("39 more alerts"), "{:?}", health.notes);
    assert_eq!(recovered.states["bed-1"], [8], "the newer one stays");
    let waiting = within(store.backlog(None, 64)).await.unwrap();
    let known =
        (1..=40_u64).filter(|sequence| *sequence != 7).map(|sequence| AlertId::from_entropy(u128::from(sequence)));
    let found: std::collections::BTreeSet<_> = waiting.iter().map(|alert| alert.id).collect();
    assert_eq!(found, known.chain([other.id]).collect());
    assert_eq!(waiting.len(), 40);
    assert!(aside.is_dir() && !aside.join("unread").exists() && !folder.path().join("salvage").exists());
    close(store).await;
}

#[tokio::test]
async fn what_was_delivered_meanwhile_does_not_come_again() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let aside = folder.path().join("store.corrupt-1");
    fs::rename(folder.path().join("store"), &aside).unwrap();
    fs::write(aside.join("unread"), "0\n").unwrap();
    let mut ledger = open_ledger(folder.path());
    ledger.absorb(&(1..=30).map(Sequence).collect::<Vec<_>>(), &[]).unwrap();
    let entries = Medium::open(&aside).unwrap().scan(b"a", b"b", 64).unwrap();
    assert_eq!(entries.len(), 40);
    ledger.merge(&entries, &mut Merged::default()).unwrap();
    let left = ledger.page(None, 64, &mut Vec::new()).unwrap();
    assert_eq!(sequences(&left), (31..=40).collect::<Vec<_>>());
}

#[tokio::test]
async fn it_counts_as_salvaged_before_anybody_hears_what_was_found() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    put_aside(folder.path(), 0);
    let (store, recovered) = open(folder.path()).await;
    assert_eq!((recovered.alerts.len(), recovered.states["bed-1"].len()), (40, 700));
    assert_eq!(store.health().borrow().salvaged, 40, "so that what waits is fetched once more");
    close(store).await;
}

#[tokio::test]
async fn what_a_full_disk_does_not_take_is_taken_over_once_there_is_space() {
    let Some(disk) = SmallDisk::mount() else { return };
    let path = disk.path.join("nattvakt");
    let (store, _) = open(&path).await;
    let bulky = |sequence| Alert { text: "x".repeat(3_000), ..alert(sequence) };
    let receipts: Vec<_> = (1..=200).map(|sequence| store.append(&bulky(sequence), None)).collect();
    for receipt in receipts {
        within(receipt).await.unwrap();
    }
    close(store).await;
    let aside = put_aside(&path, 0);
    let size = fs::metadata(aside.join("db")).unwrap().len();
    // Enough to begin with a new store and to copy the old one, but not for all that is in it.
    disk.fill_but(size + (1 << 20));
    let (store, recovered) = start(&path);
    let words = until_faulty(&store).await;
    assert!(words.contains("is full"), "{words}");
    assert!(aside.join("unread").exists());
    disk.free();
    let notes = until_taken_over(&store).await;
    let taken: Vec<_> = notes.iter().filter(|note| note.contains("taken over from the")).collect();
    assert!(taken.len() == 1 && taken[0].starts_with("200 more alerts"), "{notes:?}");
    assert_eq!(backlog(&store, 256).await, (1..=200).collect::<Vec<_>>());
    assert_eq!(within(recovered).await.unwrap().alerts.len(), 200);
    assert!(!aside.join("unread").exists());
    close(store).await;
}

#[tokio::test]
async fn a_stop_in_its_midst_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let aside = put_aside(folder.path(), 0);
    let (store, _) = start(folder.path());
    // Closing comes before merging: at the latest what is read then is not taken over any more.
    end(store).await;
    assert!(aside.join("unread").exists());
    let (store, _) = open(folder.path()).await;
    until_taken_over(&store).await;
    assert_eq!(backlog(&store, 64).await, (1..=40).collect::<Vec<_>>());
    close(store).await;
}

#[tokio::test]
async fn a_new_store_that_cannot_be_begun_at_once_gets_what_is_in_the_old_one_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    fs::write(snapshot(folder.path()), [0x5a; 300]).unwrap();
    fs::remove_dir_all(folder.path().join("outbox")).unwrap();
    fs::write(folder.path().join("outbox"), "a file").unwrap();
    let (store, _) = start(folder.path());
    until_faulty(&store).await;
    assert!(folder.path().join("store.corrupt-1").exists());
    fs::remove_file(folder.path().join("outbox")).unwrap();
    until_taken_over(&store).await;
    assert_eq!(backlog(&store, 64).await, (1..=40).collect::<Vec<_>>());
    close(store).await;
}

#[tokio::test]
async fn each_store_that_was_put_aside_unread_is_read() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let newest = put_aside(folder.path(), 0);
    fs::rename(newest, folder.path().join("store.corrupt-2")).unwrap();
    let (store, _) = start(folder.path());
    within(store.append(&alert(50), None)).await.unwrap();
    end(store).await;
    put_aside(folder.path(), 0);
    let (store, recovered) = open(folder.path()).await;
    assert_eq!(sequences(&recovered.alerts), (1..=40).chain([50]).collect::<Vec<_>>());
    assert_eq!(store.health().borrow().salvaged, 41);
    close(store).await;
}

#[tokio::test]
async fn one_that_was_tried_often_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let aside = put_aside(folder.path(), 3);
    let (store, recovered) = open(folder.path()).await;
    assert_eq!(recovered.alerts.len(), 0);
    let notes = until_taken_over(&store).await;
    assert!(notes.last().unwrap().contains("often enough"), "{notes:?}");
    assert!(!aside.join("unread").exists() && aside.join("db").exists());
    close(store).await;
}

/// The reader as the daemon starts it, with a limit of one second.
fn reader(folder: &Path, wanted: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.args(["--exact", "store::tests::reads_a_store_as_a_child", "--nocapture", "--test-threads", "1"]);
    command.env("NATTVAKT_READ_STORE", folder).env("NATTVAKT_READ_WANTED", wanted).env("NATTVAKT_READ_SECONDS", "1");
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

#[tokio::test]
async fn a_reader_does_not_run_out_of_time_while_nobody_listens() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path()).await;
    let bulky = |sequence| Alert { text: "x".repeat(3_000), ..alert(sequence) };
    let receipts: Vec<_> = (1..=100).map(|sequence| store.append(&bulky(sequence), None)).collect();
    for receipt in receipts {
        within(receipt).await.unwrap();
    }
    close(store).await;
    let mut child = reader(&folder.path().join("store"), "Entries").spawn().unwrap();
    // More than the pipe takes: it stands still, twice as long as its limit is.
    let until = crate::clock::moment() + Duration::from_secs(2);
    while crate::clock::moment() < until {
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::sleep(Duration::from_millis(20));
    }
    let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(said.contains("end whole"));
    assert_eq!(said.matches("nattvakt-store entry").count(), 100);
}

/// Tells the child which folder to use; without it the child's test does nothing.
const CHILD_FOLDER: &str = "NATTVAKT_ORPHAN_TEST_FOLDER";

#[tokio::test]
async fn a_reader_ends_with_the_program_that_has_started_it() {
    let folder = tempfile::tempdir().unwrap();
    // The engine waits for ever for what this says.
    nix::unistd::mkfifo(&folder.path().join("conf"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut daemon = Command::new("/proc/self/exe")
        .args(["--exact", "store::tests::salvage::child_lets_a_store_be_proved", "--nocapture"])
        .env(CHILD_FOLDER, folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let readers = || {
        let tasks = fs::read_dir(format!("/proc/{}/task", daemon.id())).unwrap().flatten();
        let children = |task: fs::DirEntry| fs::read_to_string(task.path().join("children")).unwrap_or_default();
        tasks.map(children).flat_map(|all| all.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).next()
    };
    let is_reading = |reader: &str| {
        fs::read_to_string(format!("/proc/{reader}/oom_score_adj")).is_ok_and(|adjusted| adjusted.trim() == "1000")
    };
    let reader = until_some(|| readers().filter(|reader| is_reading(reader))).await;
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    let is_gone = || fs::read_to_string(format!("/proc/{reader}/stat")).map_or(true, |stat| stat.contains(") Z "));
    until_some(|| is_gone().then_some(())).await;
}

/// Not a test of its own: what the test above starts and kills.
#[test]
fn child_lets_a_store_be_proved() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else { return };
    drop(child::read(Path::new(&folder), Wanted::Proof, |_| true));
}

/// Well below the limit at which a reader ends by itself.
async fn until_some<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let waits = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(12), waits).await.expect("it never came to be so")
}
