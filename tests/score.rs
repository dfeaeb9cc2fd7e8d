//! `nattvakt score`, the built program: the committed figures hold, files and seeds give the same, mistakes are told.
//!
//! The fixed nights are those of [`NIGHTS`]: all kinds of mats and all levels. When the detector or the simulator has
//! changed on purpose, write the figures anew, and look at what changed in them before they are committed:
//!
//! ```text
//! NATTVAKT_WRITE_FIGURES=1 cargo test --test score
//! ```

#![expect(clippy::unwrap_used, reason = "test code")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The nights whose figures are committed. Together with both confirmations they take a minute on two cores.
const NIGHTS: [&str; 4] = ["--seeds", "0..30", "--hours", "4"];

/// Says that the figures are to be written instead of held.
const WRITE: &str = "NATTVAKT_WRITE_FIGURES";

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn nattvakt(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nattvakt")).args(args).output().unwrap()
}

fn score(args: &[&str]) -> Output {
    let config = in_repository("config/minimal.toml");
    nattvakt(&[&["score", "--config", config.to_str().unwrap()], args].concat())
}

fn json(args: &[&str]) -> Value {
    let output = score(&[args, &["--format", "json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Holds the figures of the fixed nights against a committed file, or writes that file.
#[track_caller]
fn hold(confirm: &str, file: &str) {
    let path = in_repository(file);
    let run = [&NIGHTS[..], &["--confirm", confirm, "--format", "json"]].concat();
    if std::env::var_os(WRITE).is_some() {
        let output = score(&run);
        assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
        fs::write(&path, &output.stdout).unwrap();
        return;
    }
    let output = score(&[&run[..], &["--against", path.to_str().unwrap()]].concat());
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}\nIf this is meant, write the figures anew and look at what changed: {WRITE}=1 cargo test --test score",
        errors(&output)
    );
}

#[test]
fn no_figure_with_a_fixed_confirmation_is_worse_than_the_committed_one() {
    hold("3s", "tests/data/figures.json");
}

#[test]
fn no_figure_with_the_fastest_confirmation_is_worse_than_the_committed_one() {
    hold("auto", "tests/data/figures-auto.json");
}

/// Three short nights as files.
fn nights() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let place = format!("{}/", folder.path().display());
    let output = nattvakt(&["simulate", "--seed", "1", "--count", "3", "--hours", "3", &place]);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    folder
}

const SEEDS: [&str; 4] = ["--seeds", "1..4", "--hours", "3"];

#[test]
fn nights_from_files_and_from_memory_have_the_same_figures() {
    let folder = nights();
    let from_files = json(&[folder.path().to_str().unwrap(), "--confirm", "3s"]);
    let from_memory = json(&[&SEEDS[..], &["--confirm", "3s"]].concat());
    assert_eq!(from_files, from_memory);
    assert_eq!((&from_memory["groups"]["all"]["nights"], &from_memory["confirm"]), (&3.into(), &"3s".into()));
    assert!(from_memory["groups"]["all"]["rises"].as_u64().unwrap() > 0);
}

#[test]
fn the_table_shows_the_aims_at_a_glance_and_each_failure_with_its_time() {
    let output = score(&[&SEEDS[..], &["--confirm", "60s"]].concat());
    let shown = String::from_utf8(output.stdout).unwrap();
    let rows = ["rises found", "false alarms", "latency, median", "returns found", "faults found", "edges found"];
    for row in rows {
        assert!(shown.lines().any(|line| line.starts_with(row)), "no {row:?} in:\n{shown}");
    }
    let report = json(&[&SEEDS[..], &["--confirm", "60s"]].concat());
    let failures = report["failures"].as_array().unwrap();
    for failure in failures {
        let [night, time, what] = ["night", "time", "what"].map(|key| failure[key].as_str().unwrap());
        let told = |line: &&str| line.starts_with(night) && line.contains(time) && line.contains(what);
        assert_eq!(shown.lines().filter(told).count(), 1, "{failure} in:\n{shown}");
    }
    let count = shown.lines().filter(|line| line.contains("T2") && line.contains('Z')).count();
    assert_eq!(count, failures.len(), "{shown}");
}

#[test]
fn levels_kinds_rates_and_measured_levels_are_heeded() {
    let report = json(&["--seeds", "1..6", "--hours", "1", "--level", "easy", "--kind", "fsr,contact", "--measured"]);
    let groups: Vec<&String> = report["groups"].as_object().unwrap().keys().collect();
    assert!(groups.iter().all(|group| ["all", "easy", "fsr easy", "contact easy"].contains(&group.as_str())));
    assert_eq!((&report["measured"], &report["confirm"]), (&true.into(), &"auto".into()));
    assert_eq!(report["groups"]["all"]["nights"], 5);
    let none = score(&["--seeds", "1..6", "--hours", "1", "--min-rate", "60"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(errors(&none).contains("none of the nights"), "{}", errors(&none));
}

#[test]
fn a_figure_that_is_worse_is_told_with_exit_1_and_so_are_other_nights() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("figures.json");
    let against = |run: &[&str], figures: &Value| {
        fs::write(&path, figures.to_string()).unwrap();
        let output = score(&[run, &["--against", path.to_str().unwrap()]].concat());
        (output.status.code(), errors(&output))
    };
    let mut figures = json(&SEEDS);
    assert_eq!(against(&SEEDS, &figures), (Some(0), String::new()));
    let other = ["--seeds", "1..5", "--hours", "3"];
    let (code, told) = against(&other, &figures);
    assert!(code == Some(1) && told.contains("cannot be compared"), "{told}");
    figures["groups"]["all"]["lat_p50"] = (-100.0).into();
    let (code, told) = against(&SEEDS, &figures);
    assert_eq!(code, Some(1));
    assert!(told.contains("all: median latency") && told.contains("1 figure is worse"), "{told}");
    fs::write(&path, "{}").unwrap();
    assert_eq!(score(&[&SEEDS[..], &["--against", path.to_str().unwrap()]].concat()).status.code(), Some(2));
}

#[test]
fn a_night_that_cannot_be_read_is_told_and_the_others_are_judged() {
    let folder = nights();
    fs::write(folder.path().join("broken.csv"), "time,pressure\n").unwrap();
    fs::write(folder.path().join("broken.truth.json"), "{").unwrap();
    fs::write(folder.path().join("lonely.csv"), "time,pressure\n").unwrap();
    let output = score(&[folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("broken.truth.json"), "{}", errors(&output));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("3 nights"));
    let empty = tempfile::tempdir().unwrap();
    let output = score(&[empty.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("there is no X.csv"), "{}", errors(&output));
}

#[test]
fn wrong_usage_is_told_with_exit_2() {
    let here = env!("CARGO_MANIFEST_DIR");
    let (late, soon) = ([here, "--confirm", "61s"], [here, "--confirm", "soon"]);
    let (twice, upside_down) = ([here, "--seeds", "1..2"], ["--seeds", "9..1"]);
    let no_figures = [here, "--against", "/nonexistent/figures.json"];
    for wrong in [&late[..], &soon, &twice, &upside_down, &no_figures, &["--seeds", "1..2", "--hours", "0"], &[]] {
        assert_eq!(score(wrong).status.code(), Some(2), "{wrong:?}");
    }
    // With all of that right there is no night here.
    assert_eq!(score(&[here, "--confirm", "60s"]).status.code(), Some(1));
}
