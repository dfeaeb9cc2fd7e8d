//! What every test stands on: a home with its files, the daemon as a child process, mats, what dispatch was told.
//!
//! Waits look for a condition until it is there; they fail after a time that no working program needs.

mod alerts;
mod daemon;
mod home;
mod mat;

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::dispatch::Dispatch;

pub(crate) use alerts::{Told, alerts, told_since, wait_for, wait_for_all};
pub(crate) use daemon::Daemon;
pub(crate) use home::{Bed, Home, broker, channel};
pub(crate) use mat::{EMPTY, Mat, OCCUPIED, Stream};

/// Longer than any wait of the program under test; a test that needs it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Waits until `look` finds something, and returns it. Blocks.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Waits until a condition holds. Blocks.
pub(crate) fn until_true(what: &str, mut holds: impl FnMut() -> bool) {
    until(what, || holds().then_some(()));
}

/// The present time as alerts tell it: whole milliseconds, and one to spare for the two clocks of the program.
pub(crate) fn now_floor() -> Timestamp {
    let millis = Timestamp::now().as_millisecond() - 1;
    Timestamp::from_millisecond(millis).unwrap()
}

/// As [`now_floor`], from above.
pub(crate) fn now_ceiling() -> Timestamp {
    now_floor() + SignedDuration::from_millis(3)
}

/// Asserts that two times are the same as far as two clocks can tell.
#[track_caller]
pub(crate) fn assert_same_time(one: Timestamp, other: Timestamp) {
    let apart = one.duration_since(other).abs();
    assert!(apart < SignedDuration::from_millis(100), "{one} and {other} are not the same time");
}

/// A home with one bed whose rules are the `alarm` given, not started yet.
pub(crate) fn one_bed(alarm: &'static str) -> (Home, Mat, Dispatch) {
    let (home, mat, dispatch) = (Home::new(), Mat::new(), Dispatch::plain());
    home.configure(&[Bed { alarm, ..Bed::serial("bed-1", mat.port()) }], &[channel(dispatch.url(), "")]);
    (home, mat, dispatch)
}

/// As [`one_bed`], watched, and she is in bed.
pub(crate) fn in_bed(alarm: &'static str) -> (Home, Mat, Dispatch, Daemon) {
    let (home, mat, dispatch) = one_bed(alarm);
    let daemon = Daemon::start(&home);
    mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    (home, mat, dispatch, daemon)
}
