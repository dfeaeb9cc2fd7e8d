//! The disk fails the gateway: the alarm goes out all the same, and what is wrong is told.

use std::fs;
use std::io::Write as _;
use std::process::Command;

use crate::control::{command, stdout};
use crate::dispatch::{Answer, Dispatch};
use crate::ext4::Disk;
use crate::rig::{Bed, Daemon, Home, Mat, alerts, channel, in_bed, until_true, wait_for};

/// A home with one mat, whose store lies on a disk of its own.
pub(crate) fn home_on(disk: impl Fn(&Home) -> Option<Disk>) -> Option<(Home, Mat, Dispatch, Disk)> {
    let (home, mat, dispatch) = (Home::new(), Mat::new(), Dispatch::plain());
    let disk = disk(&home)?;
    fs::create_dir(disk.path().join("nattvakt")).unwrap();
    std::os::unix::fs::symlink(disk.path().join("nattvakt"), home.path("store")).unwrap();
    home.configure(&[Bed::serial("bed-1", mat.port())], &[channel(dispatch.url(), "")]);
    Some((home, mat, dispatch, disk))
}

fn watchdog_fed(daemon: &Daemon) -> usize {
    daemon.notes().iter().filter(|note| *note == "WATCHDOG=1").count()
}

#[test]
fn an_alarm_arrives_while_every_write_is_held_and_the_watchdog_is_fed() {
    let Some((home, mat, dispatch, disk)) = home_on(|home| Disk::make(&home.path(""))) else { return };
    let mut command = Daemon::command(&home);
    command.env("WATCHDOG_USEC", "2000000");
    let daemon = Daemon::spawn(command);
    daemon.ready();
    mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    until_true("the store knows", || home.store_holds(r#""state":"in-bed""#));

    let held = disk.hold();
    mat.leaves();
    let rise = wait_for(&dispatch, "bed-1", "rise");
    assert_eq!(rise.priority(), "alarm");
    let fault = wait_for(&dispatch, "", "gateway-fault");
    let detail = fault.body["data"]["detail"].as_str().unwrap().to_owned();
    assert!(fault.fault() == "store" && detail.contains("does not answer"), "{detail}");
    let fed = watchdog_fed(&daemon);
    until_true("the watchdog is fed", || watchdog_fed(&daemon) > fed + 2);

    drop(held);
    assert_eq!(wait_for(&dispatch, "", "gateway-restored").closes(), [fault.id()]);
    assert!(daemon.terminate().success());
    let _daemon = Daemon::start(&home);
    mat.lies();
    assert_eq!(wait_for(&dispatch, "bed-1", "return").closes(), [rise.id()]);
    assert_eq!(alerts(&dispatch).iter().filter(|told| told.kind() == "rise").count(), 1);
}

#[test]
fn on_a_full_disk_the_alarm_goes_out_and_nobody_takes_the_store_for_free() {
    let Some((home, mat, dispatch, disk)) = home_on(|home| Disk::make(&home.path(""))) else { return };
    let daemon = Daemon::start(&home);
    mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    let filler = disk.path().join("filler");
    let mut ballast = fs::File::create(&filler).unwrap();
    while ballast.write_all(&[7; 1 << 12]).is_ok() {}
    // What is on the disk already is written over first.
    until_true("the store is full", || {
        assert!(command(&home, "pause").args(["bed-1", "--for", "1h"]).output().unwrap().status.success());
        assert!(command(&home, "resume").arg("bed-1").output().unwrap().status.success());
        alerts(&dispatch).iter().any(|told| told.kind() == "gateway-fault" && told.fault() == "store")
    });
    mat.leaves();
    assert_eq!(wait_for(&dispatch, "bed-1", "rise").priority(), "alarm");

    let of_store = |name: &str, arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nattvakt"));
        let output = command.arg(name).args(arguments).arg(home.configuration()).output().unwrap();
        (output.status.code(), format!("{}{}", stdout(&output), String::from_utf8_lossy(&output.stderr)))
    };
    let (_, doctor) = of_store("doctor", &["--listen", "1s"]);
    let doctor = doctor.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(doctor.contains("✗ store") && doctor.contains("in use by the daemon"), "{doctor}");
    assert!(doctor.contains("is full: free some space"), "{doctor}");
    let (code, refused) = of_store("wipe", &["--yes", "--also-undelivered", "--config"]);
    assert!(code == Some(1) && refused.contains("is in use, so the watch runs"), "{refused}");

    drop(ballast);
    fs::remove_file(filler).unwrap();
    wait_for(&dispatch, "", "gateway-restored");
    assert!(daemon.terminate().success());
}

#[test]
fn a_damaged_store_is_told_and_what_waited_in_it_is_delivered() {
    let (home, mat, dispatch, daemon) = in_bed("");
    dispatch.otherwise(Answer::status(503));
    mat.leaves();
    let rise = wait_for(&dispatch, "bed-1", "rise");
    assert!(daemon.terminate().success());
    let data = home.path("store/store/db");
    fs::write(&data, vec![0xa5; usize::try_from(fs::metadata(&data).unwrap().len()).unwrap()]).unwrap();

    let before = dispatch.requests().len();
    dispatch.otherwise(Answer::Receipt);
    let _daemon = Daemon::start(&home);
    let told =
        || alerts(&dispatch).into_iter().filter(|told| told.kind() == "gateway-fault" && told.fault() == "store");
    let details = || told().map(|told| told.body["data"]["detail"].to_string()).collect::<Vec<_>>().join("\n");
    until_true("it is told", || details().contains("taken over from the damaged store"));
    assert!(details().contains("store.corrupt-1") && details().contains("taken from the log"), "{}", details());
    assert!(!details().contains("was not read"), "the reader did its work: {}", details());
    mat.lies();
    assert_eq!(wait_for(&dispatch, "bed-1", "return").closes(), [rise.id()]);
    let again = dispatch.requests().len() > before;
    let rises: Vec<_> = alerts(&dispatch).into_iter().filter(|told| told.kind() == "rise").collect();
    assert!(again && rises.iter().all(|told| told.id() == rise.id()), "{rises:#?}");
}

#[test]
fn an_alarm_that_nobody_took_survives_a_power_cut_under_its_own_id() {
    let Some((home, mat, dispatch, disk)) = home_on(|home| Disk::make(&home.path(""))) else { return };
    let daemon = Daemon::start(&home);
    mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    until_true("the store knows", || home.store_holds(r#""state":"in-bed""#));
    dispatch.otherwise(Answer::status(503));
    mat.leaves();
    let rise = wait_for(&dispatch, "bed-1", "rise");
    until_true("the store has it", || home.store_holds(&format!(r#"{{"id":"{}""#, rise.id())));
    disk.cut();
    daemon.kill();
    disk.mount_again();

    let before = dispatch.requests().len();
    dispatch.otherwise(Answer::Receipt);
    let _daemon = Daemon::start(&home);
    until_true("it comes again", || dispatch.requests().len() > before);
    // Written and not yet synced, it may be gone: then it is raised again, as the rise of a gap, under the same id.
    mat.lies();
    assert_eq!(wait_for(&dispatch, "bed-1", "return").closes(), [rise.id()]);
    let rises: Vec<_> = alerts(&dispatch).into_iter().filter(|told| told.kind() == "rise").collect();
    assert!(rises.iter().all(|told| told.id() == rise.id()), "{rises:#?}");
}
