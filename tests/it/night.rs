//! Night windows under the built binary, with a wall clock of the test's own (Debian's faketime).
//!
//! Only the wall clock is another one; the monotonic clock, and with it every timer, goes as always.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

use crate::dispatch::Dispatch;
use crate::rig::{Bed, Daemon, Home, Mat, Told, alerts, assert_same_time, channel, wait_for};

const NIGHT: &str = r#"{ from = "22:00", to = "07:00" }"#;
const UNTIL_THE_DOUBLED_HOUR: &str = r#"{ from = "22:00", to = "02:30" }"#;

/// A home in Stockholm where somebody gets up while the wall clock shows `utc`, a minute from any bound.
struct Evening {
    home: Home,
    mat: Mat,
    dispatch: Dispatch,
}

impl Evening {
    fn new(watch: &'static str) -> Self {
        let (home, mat, dispatch) = (Home::new(), Mat::new(), Dispatch::plain());
        let bed = Bed { watch, confirm: "500ms", alarm: "not-returned = \"1s\"", ..Bed::serial("bed-1", mat.port()) };
        home.configure(&[bed], &[channel(dispatch.url(), "")]);
        Self { home, mat, dispatch }
    }

    fn rise_at(&self, utc: &str) -> Daemon {
        let daemon = start_at(&self.home, utc);
        self.mat.lies();
        daemon.wait_decided("bed-1", "in-bed");
        self.mat.leaves();
        daemon.wait_decided("bed-1", "rise");
        daemon
    }
}

/// Starts the daemon with a wall clock that shows this time in UTC and goes on from there.
pub(crate) fn start_at(home: &Home, utc: &str) -> Daemon {
    let mut command = Daemon::command(home);
    command.env("LD_PRELOAD", faketime()).env("TZ", "UTC").env("FAKETIME", format!("@{utc}"));
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1").env("NO_FAKE_STAT", "1");
    let daemon = Daemon::spawn(command);
    daemon.ready();
    daemon
}

/// The library of Debian's package; the program `faketime` would stand between us and the daemon's process.
fn faketime() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let files = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    files.into_iter().find(|file| file.is_file()).expect("Debian's package faketime is missing (tests/run installs it)")
}

/// Tells whether a rise at this time in UTC is told. The daemon ends before the answer, so nothing is still on its way.
fn is_told(watch: &'static str, utc: &str) -> bool {
    let evening = Evening::new(watch);
    let daemon = evening.rise_at(utc);
    let (_, watched) = daemon.decided("bed-1").into_iter().find(|(kind, _)| kind == "rise").unwrap();
    if watched {
        wait_for(&evening.dispatch, "bed-1", "rise");
    }
    assert!(daemon.terminate().success());
    let told = alerts(&evening.dispatch);
    assert_eq!(told.iter().any(|told| told.kind() == "rise"), watched, "{told:#?}");
    watched
}

#[test]
fn a_rise_is_told_from_the_opening_of_the_window_to_its_close_and_over_midnight() {
    // Stockholm is an hour ahead of UTC in January.
    for (utc, told) in [
        ("2026-01-15 20:59:00", false),
        ("2026-01-15 21:01:00", true),
        ("2026-01-15 23:30:00", true),
        ("2026-01-16 05:58:00", true),
        ("2026-01-16 06:01:00", false),
    ] {
        assert_eq!(is_told(NIGHT, utc), told, "{utc} UTC");
    }
}

#[test]
fn the_window_keeps_to_the_wall_when_summer_time_begins() {
    // In the night to 29 March 2026 the clocks go from 2:00 to 3:00: 7:00 is 5:00 UTC.
    for (utc, told) in [("2026-03-29 04:58:00", true), ("2026-03-29 05:01:00", false)] {
        assert_eq!(is_told(NIGHT, utc), told, "{utc} UTC");
    }
}

#[test]
fn the_window_keeps_to_the_wall_when_summer_time_ends() {
    // In the night to 25 October 2026 the clocks go from 3:00 back to 2:00: 7:00 is 6:00 UTC, and 2:30 comes twice.
    for (watch, utc, told) in [
        (NIGHT, "2026-10-25 05:58:00", true),
        (NIGHT, "2026-10-25 06:01:00", false),
        (UNTIL_THE_DOUBLED_HOUR, "2026-10-25 01:28:00", true),
        (UNTIL_THE_DOUBLED_HOUR, "2026-10-25 01:31:00", false),
    ] {
        assert_eq!(is_told(watch, utc), told, "{utc} UTC");
    }
}

#[test]
fn durations_are_those_of_the_monotonic_clock_and_times_those_of_the_wall() {
    let evening = Evening::new(NIGHT);
    let _daemon = evening.rise_at("2026-01-15 21:01:00");
    let rise = wait_for(&evening.dispatch, "bed-1", "rise");
    let late = wait_for(&evening.dispatch, "bed-1", "not-returned");
    let began: Timestamp = "2026-01-15T21:01:00Z".parse().unwrap();
    assert!((began..began + SignedDuration::from_mins(10)).contains(&rise.time()), "{}", rise.time());
    assert!(rise.decided().duration_since(rise.time()) >= SignedDuration::from_millis(499));
    assert_same_time(late.time(), rise.time() + SignedDuration::from_secs(1));
    // Sent at once, though this computer's clock shows another year.
    assert_eq!(rise.body["data"]["late"], false);
}

#[test]
fn what_a_watched_rise_opened_is_followed_after_the_window_has_closed() {
    let evening = Evening::new(NIGHT);
    let daemon = evening.rise_at("2026-01-16 05:58:00");
    let rise = wait_for(&evening.dispatch, "bed-1", "rise");
    let late = wait_for(&evening.dispatch, "bed-1", "not-returned");
    assert!(daemon.terminate().success());
    // The morning after: the window is closed, and the return is told all the same.
    let _daemon = start_at(&evening.home, "2026-01-16 06:30:00");
    evening.mat.lies();
    let back = wait_for(&evening.dispatch, "bed-1", "return");
    let closed: Vec<String> = back.closes().into_iter().map(str::to_owned).collect();
    let all = alerts(&evening.dispatch);
    assert!(closed.starts_with(&[rise.id().to_owned(), late.id().to_owned()]), "{all:#?}");
    assert!(all.iter().filter(|told| told.kind() == "rise").map(Told::id).eq([rise.id()]), "{all:#?}");
}
