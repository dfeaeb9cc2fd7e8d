//! The disk is away: alerts wait in memory, somebody is told what to do, and they reach it once it is back.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::super::folder::Folder;
use super::super::medium::Medium;
use super::ext4::Disk;
use super::not_tried::not_tried;
use super::*;

#[tokio::test]
async fn a_file_in_place_of_the_folder_is_told_and_alerts_reach_the_disk_once_it_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nattvakt");
    fs::write(&path, "a file").unwrap();
    let (store, recovered) = start(&path);
    let receipt = store.append(&alert(1), Some(("bed-1", b"away".to_vec())));
    let words = until_faulty(&store).await;
    assert!(words.contains("nattvakt is, or lies below, a file") && words.contains("[store]"), "{words}");
    assert_eq!(until(&store, |health| health.in_memory == 1).await.undelivered, 0);
    assert_eq!(fs::read(&path).unwrap(), b"a file");

    fs::remove_file(&path).unwrap();
    within(receipt).await.unwrap();
    assert_eq!(within(recovered).await.unwrap().found, Found::New);
    let health = until(&store, |health| health.condition == Condition::Sound).await;
    assert_eq!((health.undelivered, health.in_memory), (1, 0));
    close(store).await;
}

#[tokio::test]
async fn a_path_that_cannot_be_made_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    fs::create_dir(folder.path().join("taken")).unwrap();
    fs::write(folder.path().join("taken/store"), "a file where the engine's folder must be").unwrap();
    for path in [file.join("below"), folder.path().join("taken"), PathBuf::from("/proc/nattvakt")] {
        let (store, _recovered) = start(&path);
        let words = until_faulty(&store).await;
        assert!(words.contains(&path.display().to_string()), "{words}");
        assert_eq!(within(store.close(LIMIT)).await, Ok(()), "nothing was given to it");
    }
}

#[tokio::test]
async fn what_cannot_be_looked_at_or_was_there_before_is_never_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let faulty = async || {
        let (store, _recovered) = start(path);
        until_faulty(&store).await;
        close(store).await;
    };
    std::os::unix::fs::symlink("store", path.join("store")).unwrap();
    faulty().await;
    assert!(fs::symlink_metadata(path.join("store")).is_ok(), "a folder that the disk does not show is not gone");
    assert!(Folder::take(path).unwrap().has_store().is_err());

    fs::remove_file(path.join("store")).unwrap();
    fs::create_dir(path.join("store")).unwrap();
    fs::write(path.join("store/evidence"), "not ours").unwrap();
    fs::write(path.join("outbox"), "a file").unwrap();
    faulty().await;
    assert!(path.join("store/evidence").exists());
}

#[tokio::test]
async fn closing_while_the_disk_is_away_says_what_is_gone() {
    let (store, _recovered) = start(Path::new("/proc/nattvakt"));
    let receipt = store.append(&alert(1), None);
    let state = store.keep("bed-1", vec![1]);
    until_faulty(&store).await;
    let closed = within(store.close(LIMIT)).await;
    assert_eq!(closed, Err(Unwritten::Gone { records: 2, alerts: 1 }));
    assert_eq!((within(receipt).await, within(state).await), (Err(NotKept::Closed), Err(NotKept::Closed)));
}

#[tokio::test]
async fn a_store_in_use_is_left_alone_until_it_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let (first, _) = open(folder.path()).await;
    within(first.append(&alert(1), None)).await.unwrap();

    let (second, recovered) = start(folder.path());
    let receipt = second.append(&alert(2), None);
    let words = until_faulty(&second).await;
    assert!(words.contains("in use by another program"), "{words}");
    within(first.append(&alert(3), None)).await.unwrap();
    close(first).await;

    within(receipt).await.unwrap();
    assert_eq!(sequences(&within(recovered).await.unwrap().alerts), [1, 3]);
    assert_eq!(backlog(&second, 10).await, [1, 2, 3]);
    assert!(!folder.path().join("store.corrupt-1").exists());
    close(second).await;
}

#[tokio::test]
async fn the_lock_of_the_engine_itself_is_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path()).await;
    within(store.append(&alert(1), None)).await.unwrap();
    close(store).await;

    let tool = Medium::open(&folder.path().join("store")).unwrap();
    let (store, recovered) = start(folder.path());
    let words = until_faulty(&store).await;
    assert!(words.contains("in use by another program"), "{words}");
    drop(tool);
    let recovered = within(recovered).await.unwrap();
    assert_eq!((sequences(&recovered.alerts), recovered.notes), (vec![1], vec![]));
    close(store).await;
}

#[tokio::test]
async fn a_full_disk_is_told_and_everything_is_written_once_there_is_space() {
    let Some(disk) = SmallDisk::mount() else { return };
    let (store, _) = open(&disk.path).await;
    within(store.append(&alert(1), None)).await.unwrap();
    disk.fill();
    let bulky = |sequence| Alert { text: "x".repeat(50_000), ..alert(sequence) };
    let receipts: Vec<_> = (2..=30).map(|sequence| store.append(&bulky(sequence), None)).collect();
    let words = until_faulty(&store).await;
    assert!(words.contains("is full: free some space"), "{words}");
    store.delivered(delivered(1));

    disk.free();
    for receipt in receipts {
        within(receipt).await.unwrap();
    }
    until(&store, |health| health.condition == Condition::Sound && health.in_memory == 0).await;
    assert!(!disk.path.join("store.corrupt-1").exists());
    close(store).await;
    let (store, recovered) = open(&disk.path).await;
    assert_eq!((recovered.found, recovered.notes), (Found::Known, vec![]));
    assert_eq!(backlog(&store, 100).await, (2..=30).collect::<Vec<_>>());
    close(store).await;
}

#[tokio::test]
async fn a_disk_that_turns_read_only_is_told_and_used_again_when_it_takes_writes() {
    let Some(disk) = SmallDisk::mount() else { return };
    let (store, _) = open(&disk.path).await;
    within(store.append(&alert(1), None)).await.unwrap();
    close(store).await;
    disk.remount("ro");
    let (store, recovered) = start(&disk.path);
    let receipt = store.append(&alert(2), None);
    let words = until_faulty(&store).await;
    assert!(words.contains("takes no writes"), "{words}");

    disk.remount("rw");
    within(receipt).await.unwrap();
    assert_eq!(sequences(&within(recovered).await.unwrap().alerts), [1]);
    close(store).await;
}

#[tokio::test]
async fn a_disk_that_holds_every_write_holds_nothing_else_up() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::make(folder.path()) else { return };
    let (store, _) = open(&disk.path().join("nattvakt")).await;
    within(store.append(&alert(1), None)).await.unwrap();
    let held = disk.hold();
    let hangs = store.append(&alert(2), None);
    wait_until("the owner hangs in a write", || hangs_in_the_kernel("store")).await;
    // More than the memory is to hold: the oldest give way, and nobody waits.
    let receipts: Vec<_> = (3..12_003).map(|sequence| store.append(&alert(sequence), None)).collect();
    store.delivered(delivered(2));
    store.delivered(delivered(12_002));
    let mut answers = Vec::new();
    let mut receipts = receipts.into_iter();
    for receipt in receipts.by_ref().take(1_500) {
        answers.push(within(receipt).await);
    }
    // Some may have been on their way to the disk with the second.
    assert!(answers.iter().filter(|answer| **answer == Err(NotKept::Crowded)).count() > 1_200);
    drop(held);
    assert_eq!(within(hangs).await, Ok(()));
    for receipt in receipts {
        drop(within(receipt).await);
    }
    let health = until(&store, |health| health.in_memory == 0 && health.condition == Condition::Sound).await;
    let left = backlog(&store, 256).await;
    assert_eq!((left.len() as u64 + health.let_go, left[0], left.last()), (12_001, 1, Some(&12_001)));
    close(store).await;
}

#[tokio::test]
async fn a_disk_whose_every_call_fails_is_told_and_used_again_once_it_is_mounted_anew() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::make(folder.path()) else { return };
    let path = disk.path().join("nattvakt");
    let (store, _) = open(&path).await;
    within(store.append(&alert(1), None)).await.unwrap();
    disk.cut();
    let receipt = store.append(&alert(2), Some(("bed-1", b"away".to_vec())));
    let words = until_faulty(&store).await;
    assert!(words.contains("fails: check or replace it"), "{words}");
    disk.mount_again();
    within(receipt).await.unwrap();
    assert_eq!(until(&store, |health| health.condition == Condition::Sound).await.notes, Vec::<String>::new());
    close(store).await;
    let (store, recovered) = open(&path).await;
    assert_eq!((sequences(&recovered.alerts), recovered.found), (vec![1, 2], Found::Known));
    close(store).await;
}

async fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waits = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, waits).await.expect(what);
}

/// Tells whether a thread of ours of this name sleeps in a call that no signal ends.
fn hangs_in_the_kernel(thread: &str) -> bool {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let hangs = |task: fs::DirEntry| {
        let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        stat.contains(&format!("({thread}) D "))
    };
    tasks.into_iter().any(hangs)
}

#[test]
fn the_lock_is_free_again_when_its_last_clone_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let first = Folder::take(folder.path()).unwrap();
    let clone = first.clone();
    drop(first);
    assert!(Folder::take(folder.path()).is_err());
    drop(clone);
    assert!(Folder::take(folder.path()).is_ok());
}

/// A disk of 12 MiB, in memory. Needs root; without, the tests on it say so and the others still run.
pub(super) struct SmallDisk {
    pub(super) path: PathBuf,
    _folder: tempfile::TempDir,
}

impl SmallDisk {
    pub(super) fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk");
        fs::create_dir(&path).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=12m", "none"]).arg(&path).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self { path, _folder: folder });
        }
        not_tried("no disk can be mounted here (needs root)");
        None
    }

    fn fill(&self) {
        let chunk = vec![0; 4096];
        let mut ballast = fs::File::create(self.path.join("ballast")).unwrap();
        while std::io::Write::write_all(&mut ballast, &chunk).is_ok() {}
    }

    /// Fills it but for so many bytes.
    pub(super) fn fill_but(&self, bytes: u64) {
        self.fill();
        let ballast = fs::File::options().write(true).open(self.path.join("ballast")).unwrap();
        ballast.set_len(ballast.metadata().unwrap().len() - bytes).unwrap();
    }

    pub(super) fn free(&self) {
        fs::remove_file(self.path.join("ballast")).unwrap();
    }

    /// Tried again for a while: a process that another test has just started has our files until it runs its program.
    fn remount(&self, how: &str) {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,{how}")]).arg(&self.path);
        let again = || std::thread::sleep(Duration::from_millis(20));
        let done = (0..500).any(|_| {
            mount.output().unwrap().status.success() || {
                again();
                false
            }
        });
        assert!(done, "cannot be mounted {how}");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a failed test may have left the store open.
        assert!(Command::new("umount").arg("-l").arg(&self.path).status().unwrap().success());
    }
}
