//! Restarts: what was going on goes on, what was not is not invented, and an end leaves nothing behind.

use std::fs;

use jiff::SignedDuration;
use nix::fcntl::{Flock, FlockArg};

use crate::dispatch::{Answer, Dispatch};
use crate::rig::{
    Bed, Daemon, Home, Mat, Told, alerts, assert_same_time, channel, in_bed, now_ceiling, now_floor, one_bed,
    until_true, wait_for, wait_for_all,
};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// She has risen, dispatch knows, and the program has ended.
fn risen() -> (Home, Mat, Dispatch, Told) {
    let (home, mat, dispatch, daemon) = in_bed("");
    mat.leaves();
    let rise = wait_for(&dispatch, "bed-1", "rise");
    assert!(daemon.terminate().success());
    (home, mat, dispatch, rise)
}

/// Keeps the store from opening for as long as it is held.
fn hold_store(home: &Home) -> Flock<fs::File> {
    let folder = fs::File::open(home.path("store")).unwrap();
    Flock::lock(folder, FlockArg::LockExclusiveNonblock).unwrap()
}

#[test]
fn an_absence_goes_on_over_a_restart() {
    let (home, mat, dispatch, daemon) = in_bed("not-returned = \"4s\"");
    mat.leaves();
    let rise = wait_for(&dispatch, "bed-1", "rise");
    assert!(daemon.terminate().success());
    assert!(home.store_holds(&format!("ref-{}", rise.id())), "the receiver's reference is kept with the alert");

    let _daemon = Daemon::start(&home);
    let late = wait_for(&dispatch, "bed-1", "not-returned");
    assert_same_time(late.time(), rise.time() + SignedDuration::from_secs(4));
    mat.lies();
    let back = wait_for(&dispatch, "bed-1", "return");
    assert_eq!(back.closes(), [rise.id(), late.id()]);
    assert_eq!(alerts(&dispatch).len(), 3, "{:#?}", alerts(&dispatch));
}

#[test]
fn a_store_that_is_late_is_not_written_over_and_what_it_knew_counts() {
    let (home, mat, dispatch, rise) = risen();
    let held = hold_store(&home);
    let daemon = Daemon::start(&home);
    mat.wait_read(&daemon);
    assert!(daemon.log().iter().any(|line| line.contains("The store is not open yet")));
    drop(held);
    until_true("the bed knows", || daemon.log().iter().any(|line| line.contains("The store is open now")));
    mat.lies();
    assert_eq!(wait_for(&dispatch, "bed-1", "return").closes(), [rise.id()]);
    let told = alerts(&dispatch);
    assert_eq!(told.iter().filter(|told| told.bed() == "bed-1").count(), 2, "{told:#?}");
}

/// A gateway that has begun again with a store that opens late, and whose rise only the second channel has accepted, in
/// the life before.
struct LateStore {
    daemon: Daemon,
    home: Home,
    mat: Mat,
    second: Dispatch,
    rise: String,
    _first: Dispatch,
}

fn late_store() -> LateStore {
    let (home, mat, first, second) = (Home::new(), Mat::new(), Dispatch::plain(), Dispatch::plain());
    let named = |dispatch: &Dispatch, name| channel(dispatch.url(), "").replace("larmcentral", name);
    home.configure(&[Bed::serial("bed-1", mat.port())], &[named(&first, "first"), named(&second, "second")]);
    first.otherwise(Answer::status(404));
    let daemon = Daemon::start(&home);
    mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    mat.leaves();
    let rise = wait_for(&second, "bed-1", "rise").id().to_owned();
    until_true("the store knows", || home.store_holds(&format!(r#"["{rise}","second"]"#)));
    assert!(daemon.terminate().success());

    let held = hold_store(&home);
    let before = first.requests().len();
    first.otherwise(Answer::Receipt);
    let daemon = Daemon::start(&home);
    until_true("the start is told", || first.requests().len() > before);
    drop(held);
    until_true("the store is open", || daemon.log().iter().any(|line| line.contains("The store is open now")));
    LateStore { daemon, home, mat, second, rise, _first: first }
}

#[test]
fn a_return_finds_the_channel_that_is_owed_it_though_the_store_has_said_so_late() {
    let late = late_store();
    late.mat.lies();
    assert_eq!(wait_for(&late.second, "bed-1", "return").closes(), [late.rise]);
}

#[test]
fn a_store_that_is_late_forgets_no_channel_that_is_owed_a_return() {
    let LateStore { daemon, home, mat, second, rise, _first } = late_store();
    assert!(daemon.terminate().success());

    let _daemon = Daemon::start(&home);
    mat.lies();
    assert_eq!(wait_for(&second, "bed-1", "return").closes(), [rise]);
}

#[test]
fn who_was_back_in_bed_before_a_late_store_was_open_has_returned_when_the_load_came() {
    let (home, mat, dispatch, rise) = risen();
    let held = hold_store(&home);
    let daemon = Daemon::start(&home);
    let came = mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    let in_bed = now_ceiling();
    drop(held);
    let back = wait_for(&dispatch, "bed-1", "return");
    assert_eq!(back.closes(), [rise.id()]);
    assert!(came <= back.time() && back.time() <= in_bed, "{came} {} {in_bed}", back.time());
    let told = alerts(&dispatch);
    assert_eq!(told.iter().filter(|told| told.bed() == "bed-1").count(), 2, "{told:#?}");
}

#[test]
fn restarts_with_somebody_in_bed_raise_nothing() {
    let (home, mat, dispatch, mut daemon) = in_bed("");
    until_true("the store knows", || home.store_holds(r#""state":"in-bed""#));
    for kill in [false, true, false, true] {
        if kill {
            daemon.kill();
        } else {
            assert!(daemon.terminate().success());
        }
        daemon = Daemon::start(&home);
        mat.wait_read(&daemon);
    }
    mat.leaves();
    wait_for(&dispatch, "bed-1", "rise");
    assert_eq!(alerts(&dispatch).len(), 1, "{:#?}", alerts(&dispatch));
}

#[test]
fn in_bed_before_the_stop_and_gone_after_it_is_a_rise_that_says_since_when() {
    let (home, mat, dispatch) = one_bed("");
    let daemon = Daemon::start(&home);
    let lay = mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    assert!(daemon.terminate().success());
    let stopped = now_ceiling();
    mat.leaves();

    let started = now_floor();
    let _daemon = Daemon::start(&home);
    let rise = wait_for(&dispatch, "bed-1", "rise");
    let not_before = rise.not_before().expect("not-before");
    assert!(lay <= not_before && not_before <= stopped, "{not_before}");
    assert!(started <= rise.time() && rise.time() <= rise.decided(), "{}", rise.time());
    assert_eq!(rise.priority(), "alarm");
    mat.lies();
    assert_eq!(wait_for(&dispatch, "bed-1", "return").closes(), [rise.id()]);
    assert_eq!(alerts(&dispatch).len(), 2, "{:#?}", alerts(&dispatch));
}

#[test]
fn sigterm_leaves_nothing_behind_and_what_waits_is_delivered_at_the_next_start() {
    let (home, mat, dispatch, daemon) = in_bed("");
    until_true("the start is told", || !dispatch.requests().is_empty());
    dispatch.otherwise(Answer::Hang);
    mat.leaves();
    let rise = wait_for(&dispatch, "bed-1", "rise");

    let pid = daemon.pid();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    assert_eq!(children, "", "it starts no programs");
    assert_eq!(daemon.terminate().code(), Some(0));
    assert!(killpg(Pid::from_raw(pid.try_into().unwrap()), None).is_err(), "something of its process group is left");
    let files = home.files();
    let inside = ["store/accepted.toml", "store/format", "store/outbox", "store/sequence", "store/store"];
    let expected = [&["nattvakt.toml", "store"], inside.as_slice(), &["tmp"]].concat();
    assert_eq!(files, expected);

    // An attempt that hangs on a connection used before is made again on a new one.
    let before = wait_for_all(&dispatch, "bed-1", "rise", 1).len();
    dispatch.otherwise(Answer::Receipt);
    let daemon = Daemon::start(&home);
    let rises = wait_for_all(&dispatch, "bed-1", "rise", before + 1);
    assert!(rises.iter().all(|again| (again.id(), again.sequence()) == (rise.id(), rise.sequence())));
    assert!(!daemon.notes().iter().any(|note| note.contains("fault: store")), "the store was not free");
    assert_eq!(daemon.terminate().code(), Some(0));
}

#[test]
fn sigint_ends_it_as_well() {
    let (home, _mat, _dispatch) = one_bed("");
    let mut daemon = Daemon::start(&home);
    daemon.signal(Signal::SIGINT);
    assert_eq!(daemon.wait().code(), Some(0));
    assert!(daemon.notes().iter().any(|note| note == "STOPPING=1"));
}
