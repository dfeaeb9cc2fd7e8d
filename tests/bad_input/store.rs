//! Stores that cannot be used: the alert goes out all the same, the fault is told, and its end once it is over.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nattvakt::sensor::simulated::SimulatedLine;

use crate::not_tried::not_tried;
use crate::receiver::Dispatch;
use crate::rig::{Daemon, Home, channel, eventually, rise, serial_bed, wait_until_told};

/// Runs with a store that cannot be used, for the reason in the log, until `mend` makes it usable.
fn unusable(home: &Home, store: &Path, words: &str, mend: impl FnOnce()) {
    let (dispatch, line) = (Dispatch::plain(), SimulatedLine::open().unwrap());
    let tables = [serial_bed("bed", line.port()), channel("d", dispatch.url(), "")];
    let daemon = Daemon::start(&home.configure_with_store(store, &tables));
    daemon.wait_for_line(&["ERROR", "Store cannot be used, alerts are in memory only", words]);
    let fault = wait_until_told(&dispatch, "gateway-fault store");
    let detail = fault.json()["data"]["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(words), "{detail}");
    rise("bed", &line, &dispatch);

    mend();
    daemon.wait_for_line(&["Store can be used again"]);
    wait_until_told(&dispatch, "gateway-restored store");
    assert!(store.join("store/db").is_file());
    rise("bed", &line, &dispatch);
    let log = daemon.stop_well();
    assert_eq!(log.matches("Store cannot be used,").count(), 1, "{log}");
}

#[test]
fn a_store_path_that_is_a_file_is_told_and_used_once_it_is_moved_away() {
    let home = Home::new();
    let store = home.put("taken", "a letter to the technician", 0o644);
    unusable(&home, &store, "a file where a folder must be", || fs::remove_file(&store).unwrap());
}

#[test]
fn a_store_path_below_a_file_is_told_and_used_once_it_is_moved_away() {
    let home = Home::new();
    let file = home.put("taken", "a letter to the technician", 0o644);
    unusable(&home, &file.join("below/store"), "a file where a folder must be", || fs::remove_file(&file).unwrap());
}

#[test]
fn a_store_on_a_disk_that_takes_no_writes_is_told_and_used_once_it_does() {
    let home = Home::new();
    let disk = home.path("disk");
    fs::create_dir(&disk).unwrap();
    match Disk::mount(&disk) {
        Some(mounted) => {
            unusable(&home, &disk.join("store"), "a disk that takes no writes", || mounted.remount("rw"));
        }
        None => without_mounting(&home, &disk),
    }
}

/// Where nothing can be mounted, the rights of the folder stand in for the disk; they hold nobody back but root.
fn without_mounting(home: &Home, disk: &Path) {
    not_tried("no tmpfs can be mounted here: a folder without the right to write stands in for it");
    set_mode(disk, 0o500);
    if fs::write(disk.join("probe"), "").is_ok() {
        not_tried("the rights of a folder do not hold this user back");
        return;
    }
    unusable(home, &disk.join("store"), "may not be read and written", || set_mode(disk, 0o700));
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A small disk in memory, mounted for reading only. Unmounted when dropped.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "ro,size=16m", "tmpfs"]).arg(at);
        mount.output().is_ok_and(|output| output.status.success()).then(|| Self(at.to_owned()))
    }

    fn remount(&self, how: &str) {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,{how}")]).arg(&self.0);
        assert!(mount.status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(&self.0).status());
    }
}

#[test]
fn a_store_that_another_instance_holds_is_told_and_used_once_that_one_has_ended() {
    let home = Home::new();
    let store = home.path("store");
    let (theirs, their_line) = (Dispatch::plain(), SimulatedLine::open().unwrap());
    let tables = [serial_bed("other", their_line.port()), channel("d", theirs.url(), "")];
    let other = Daemon::start(&home.configure_with_store(&store, &tables));
    other.wait_for_line(&["Store is open"]);
    rise("other", &their_line, &theirs);

    unusable(&home, &store, "in use by another program", || {
        rise("other", &their_line, &theirs);
        other.stop_well();
    });
}

#[test]
fn what_was_raised_without_a_store_reaches_it_later_and_survives_a_kill() {
    let (home, dispatch, line) = (Home::new(), Dispatch::plain(), SimulatedLine::open().unwrap());
    let store = home.put("taken", "", 0o644);
    let tables = [serial_bed("bed", line.port()), channel("d", dispatch.url(), "")];
    let config = home.configure_with_store(&store, &tables);
    dispatch.otherwise(crate::receiver::Answer::status(503));
    let daemon = Daemon::start(&config);
    let first = rise("bed", &line, &dispatch);
    fs::remove_file(&store).unwrap();
    daemon.wait_for_line(&["Store can be used again"]);
    drop(daemon);

    let from = dispatch.requests().len();
    dispatch.otherwise(crate::receiver::Answer::Receipt);
    let daemon = Daemon::start(&config);
    eventually("the rise of the life before comes again", || {
        let later = dispatch.requests().into_iter().skip(from);
        later.into_iter().find(|request| request.header("webhook-id") == first.header("webhook-id"))
    });
    daemon.stop_well();
}
