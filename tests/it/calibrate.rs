//! `calibrate` as a technician uses it: somebody walks through the postures, the levels come into the file.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::rig::{Bed, Daemon, Home, Mat, alerts, channel, one_bed, until_true, wait_for};

/// What the mat says with the bed empty, on the back, left, right, on the edge, and empty again.
const WALK: [f64; 6] = [110.0, 620.0, 560.0, 590.0, 350.0, 125.0];

/// In place of an argument: the command is to choose its language by itself.
const BY_ITSELF: &str = "";

/// A running `nattvakt calibrate`. Killed when dropped.
struct Calibrate {
    child: Child,
    told: Arc<Mutex<String>>,
    listens: Option<JoinHandle<()>>,
}

impl Calibrate {
    fn start(home: &Home, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_nattvakt"))
            .args(["calibrate", "--config"])
            .arg(home.configuration())
            .args(more.iter().filter(|arg| **arg != BY_ITSELF))
            .args(if more.contains(&BY_ITSELF) { &[][..] } else { &["--language", "en"] })
            .env_remove("RUNTIME_DIRECTORY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let told = Arc::new(Mutex::new(String::new()));
        let (mut errors, heard) = (child.stderr.take().unwrap(), Arc::clone(&told));
        let listens = std::thread::spawn(move || {
            let mut bytes = [0; 256];
            // A question ends without a newline, so it is not read by lines.
            while let Ok(length @ 1..) = errors.read(&mut bytes) {
                heard.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..length]));
            }
        });
        Self { child, told, listens: Some(listens) }
    }

    fn answer(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Waits until it has asked so many times for Enter.
    fn asks(&self, times: usize) {
        until_true(&format!("step {times}"), || self.told.lock().unwrap().matches("Press Enter").count() == times);
    }

    /// Waits until it has said something.
    fn says(&self, words: &str) {
        until_true(words, || self.told.lock().unwrap().contains(words));
    }

    fn finish(mut self) -> (ExitStatus, String, String) {
        drop(self.child.stdin.take());
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        let status = self.child.wait().unwrap();
        self.listens.take().unwrap().join().unwrap();
        let told = self.told.lock().unwrap().clone();
        (status, out, told)
    }
}

impl Drop for Calibrate {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_walk_through_the_postures_writes_the_levels_and_leaves_every_other_letter() {
    let (home, mat) = (Home::new(), Mat::new());
    home.configure(&[Bed::serial("bed-1", mat.port())], &[channel("http://127.0.0.1:9/alerts", "")]);
    let file = home.configuration();
    let before = format!("# Hers, by the window.\n{}", fs::read_to_string(&file).unwrap());
    fs::write(&file, &before).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();

    let mut calibrate = Calibrate::start(&home, &[]);
    for (step, load) in WALK.into_iter().enumerate() {
        calibrate.asks(step + 1);
        mat.shows(&[load]);
        calibrate.answer("");
    }
    calibrate.says("Write these levels into");
    assert_eq!(fs::read_to_string(&file).unwrap(), before, "nothing is written without a yes");
    calibrate.answer("ja");
    let (status, out, told) = calibrate.finish();
    assert!(status.success(), "{told}");
    assert!(out.contains("The mat of bed-1: good.") && out.contains("levels: empty = 110, occupied = 590\n"), "{out}");

    let after = fs::read_to_string(&file).unwrap();
    let measured = before.replace("empty = [100.0]", "empty = 110.0").replace("occupied = [600.0]", "occupied = 590.0");
    assert_eq!(after, measured);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_to_string(home.path("nattvakt.toml.before-calibration")).unwrap(), before);
}

#[test]
fn a_mat_that_shows_nothing_is_unfit_and_nothing_is_offered() {
    let (home, mat) = (Home::new(), Mat::new());
    home.configure(&[Bed::serial("bed-1", mat.port())], &[channel("http://127.0.0.1:9/alerts", "")]);
    let mut calibrate = Calibrate::start(&home, &["bed-1", "--json"]);
    for step in 1..=6 {
        calibrate.asks(step);
        calibrate.answer("");
    }
    let (status, out, told) = calibrate.finish();
    assert_eq!(status.code(), Some(1), "{told}");
    let result: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((result["grade"].as_str(), result["empty"].is_null()), (Some("unfit"), true), "{out}");
    assert!(result["findings"][0].as_str().unwrap().contains("lying does not move the value"), "{out}");
}

#[test]
fn without_anybody_to_answer_it_says_so() {
    let (home, mat) = (Home::new(), Mat::new());
    home.configure(&[Bed::serial("bed-1", mat.port())], &[channel("http://127.0.0.1:9/alerts", "")]);
    let (status, _, told) = Calibrate::start(&home, &[]).finish();
    assert_eq!(status.code(), Some(2), "{told}");
    assert!(told.contains("run it in a terminal"), "{told}");
}

#[test]
fn beside_the_daemon_the_bed_is_paused_nobody_is_alarmed_and_the_result_is_kept() {
    let (home, mat, dispatch) = one_bed("");
    let daemon = Daemon::start(&home);
    mat.wait_read(&daemon);
    let mut calibrate = Calibrate::start(&home, &["--no-write"]);
    for (step, load) in WALK.into_iter().enumerate() {
        calibrate.asks(step + 1);
        mat.shows(&[load]);
        calibrate.answer("");
    }
    let (status, out, told) = calibrate.finish();
    assert!(status.success(), "{told}");
    assert!(
        told.contains("is not watched while you walk") && out.contains("levels: empty = 110, occupied = 590\n"),
        "{told}{out}"
    );
    wait_for(&dispatch, "bed-1", "paused");
    wait_for(&dispatch, "bed-1", "resumed");
    let alarms = alerts(&dispatch).into_iter().filter(|alert| alert.priority() == "alarm").count();
    assert_eq!(alarms, 0, "six postures, and nobody is woken");

    let page = Command::new(env!("CARGO_BIN_EXE_nattvakt"))
        .args(["handover", "bed-1", "--language", "en", "--config"])
        .arg(home.configuration())
        .env_remove("RUNTIME_DIRECTORY")
        .output()
        .unwrap();
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(page.contains("Verdict") && page.contains("good") && page.contains("NOT SENT"), "{page}");
}

#[test]
fn a_bed_that_is_paused_already_is_left_alone() {
    let (home, mat, dispatch) = one_bed("");
    let daemon = Daemon::start(&home);
    mat.wait_read(&daemon);
    let mut first = Calibrate::start(&home, &["--no-write"]);
    first.asks(1);
    first.answer("");
    let (status, _, told) = Calibrate::start(&home, &["--no-write"]).finish();
    assert_eq!(status.code(), Some(1), "{told}");
    assert!(told.contains("bed-1 is paused already, until "), "{told}");
    // The first one walks on, and the bed is still paused.
    first.asks(2);
    wait_for(&dispatch, "bed-1", "paused");
    assert!(alerts(&dispatch).iter().all(|alert| alert.kind() != "resumed"));
}

#[test]
fn it_speaks_swedish_where_the_home_does() {
    let (home, mat) = (Home::new(), Mat::new());
    home.configure(&[Bed::serial("bed-1", mat.port())], &[channel("http://127.0.0.1:9/alerts", "")]);
    // Neither the configuration nor the command says which language: Swedish is the default.
    let calibrate = Calibrate::start(&home, &[BY_ITSELF]);
    calibrate.says("Sängen bäddad som på natten, och tom.");
    calibrate.says("Tryck Enter när det är så.");
}
