//! `replay` decides as the live watch does; `demo` shows a rise and an alarm and ends by itself.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use nattvakt::model::Channels;
use nattvakt::sensor::simulated::SimulatedLine;
use serde_json::Value;

use crate::dispatch::Dispatch;
use crate::rig::{Bed, Daemon, EMPTY, Home, OCCUPIED, channel, wait_for_all};

/// What the mat shows, and for how long in tenths of a second.
const SCENE: [(f64, usize); 13] = [
    (EMPTY, 5),
    (OCCUPIED, 25),
    // A glitch, a lift of the hips, a turn: no rise.
    (EMPTY, 1),
    (OCCUPIED, 10),
    (EMPTY + 20.0, 12),
    (OCCUPIED + 80.0, 10),
    (OCCUPIED - 150.0, 10),
    // She leaves, comes back, and leaves again.
    (EMPTY, 35),
    (OCCUPIED, 20),
    (OCCUPIED - 100.0, 10),
    (EMPTY + 70.0, 60),
    (OCCUPIED, 20),
    (EMPTY, 5),
];

/// The scene row by row at 10 Hz, with a little of the noise that every mat has.
fn rows() -> Vec<f64> {
    let levels = SCENE.iter().flat_map(|(level, tenths)| std::iter::repeat_n(*level, *tenths));
    levels
        .zip(["0", "1.5", "-1", "2", "-2.5"].iter().cycle())
        .map(|(level, noise)| level + noise.parse::<f64>().unwrap())
        .collect()
}

/// Writes the rows as a recording that began at `start`.
fn recording(rows: &[f64], start: Timestamp) -> String {
    let mut text = "time,pressure\n".to_owned();
    let mut time = start;
    for row in rows {
        writeln!(text, "{time:.3},{row}").unwrap();
        time += SignedDuration::from_millis(100);
    }
    text
}

#[test]
fn replay_decides_about_a_recording_what_the_live_watch_decided_about_the_same_rows() {
    let (home, dispatch, mut line) = (Home::new(), Dispatch::plain(), SimulatedLine::open().unwrap());
    let bed = Bed { confirm: "auto", settle: "1s", ..Bed::serial("bed-1", line.port()) };
    home.configure(&[bed], &[channel(dispatch.url(), "")]);
    let rows = rows();
    fs::write(home.path("scene.csv"), recording(&rows, "2026-01-15T22:00:00Z".parse().unwrap())).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_nattvakt"))
        .args(["replay", "--format", "json", "--config"])
        .args([home.configuration(), home.path("scene.csv")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let replayed: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = replayed.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["in-bed", "rise", "return", "rise", "return"]);

    let daemon = Daemon::start(&home);
    crate::rig::until_true("the port is open", || daemon.log().iter().any(|line| line.contains("Serial port is open")));
    let written = play(&mut line, &rows);
    let rises = wait_for_all(&dispatch, "bed-1", "rise", 2);
    daemon.wait_decided_times("bed-1", "return", 2);
    let decided: Vec<String> = daemon.decided("bed-1").into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(decided, kinds);

    // Each rise began with the same row.
    let replayed_rises = replayed.iter().filter(|event| event["kind"] == "rise");
    for (live, replayed) in rises.iter().zip(replayed_rises) {
        let row = row_at(&rows, replayed["time"].as_str().unwrap());
        assert!(rows[row] < 200.0 && rows[row - 1] > 400.0, "row {row} is the first low one");
        assert!(live.time() >= written[row], "{} is before row {row}, {}", live.time(), written[row]);
        // Sure no earlier than in the replay, as two clocks tell it.
        let after = |decided: Timestamp, time: Timestamp| decided.duration_since(time);
        let [decided, time] = ["decided", "time"].map(|key| replayed[key].as_str().unwrap().parse().unwrap());
        let slack = SignedDuration::from_millis(110);
        assert!(after(live.decided(), live.time()) + slack >= after(decided, time), "{live:#?} {replayed}");
    }
}

/// Writes each row at its time, and returns when it did.
fn play(line: &mut SimulatedLine, rows: &[f64]) -> Vec<Timestamp> {
    let start = Instant::now();
    let mut written = Vec::new();
    for (row, tenths) in rows.iter().zip(0_u32..) {
        let due = start + Duration::from_millis(100) * tenths;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        written.push(crate::rig::now_floor());
        assert!(line.send(&Channels::new([*row]).unwrap(), ",").unwrap(), "nobody reads");
    }
    written
}

/// The row of the recording with this time.
fn row_at(rows: &[f64], time: &str) -> usize {
    let start: Timestamp = "2026-01-15T22:00:00Z".parse().unwrap();
    let after = time.parse::<Timestamp>().unwrap().duration_since(start).as_millis();
    let row = usize::try_from(after / 100).unwrap();
    assert!(row < rows.len());
    row
}

#[test]
fn demo_ends_by_itself_with_an_alarm_for_each_rise_and_leaves_nothing_behind() {
    let home = Home::new();
    let demo = Command::new(env!("CARGO_BIN_EXE_nattvakt"))
        .arg("demo")
        .env("TMPDIR", home.path("tmp"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (shown, errors) = (String::from_utf8(demo.stdout).unwrap(), String::from_utf8(demo.stderr).unwrap());
    assert_eq!(demo.status.code(), Some(0), "{shown}{errors}");
    for words in ["ALARM", "signed and verified", "ms after the load left", "1 rise, 1 alarm", "no alarm"] {
        assert!(shown.contains(words), "no {words:?} in:\n{shown}");
    }
    for words in ["missed", "not each had a cause", "refused"] {
        assert!(!shown.contains(words), "{words:?} in:\n{shown}");
    }
    assert_eq!(home.files(), ["tmp"]);
}
