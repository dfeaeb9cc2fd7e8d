//! Pauses with the whole program: what dispatch is told, and what a restart leaves of them.

use nattvakt::model::MatHealth;
use serde_json::json;

use crate::control::{command, home_with, status, stdout, wait_status};
use crate::rig::{Daemon, Home, alerts, assert_same_time, until_true, wait_for};

fn act(home: &Home, name: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let output = until_it_listens(home, name, arguments);
    (output.status.code(), stdout(&output) + &String::from_utf8_lossy(&output.stderr))
}

fn until_it_listens(home: &Home, name: &str, arguments: &[&str]) -> std::process::Output {
    wait_status(home, "it listens", |status| status["version"].is_string());
    command(home, name).args(arguments).output().unwrap()
}

#[test]
fn a_pause_is_told_silences_a_rise_outlives_a_restart_and_ends_with_the_return() {
    let (home, mat, dispatch) = home_with("");
    let daemon = Daemon::start(&home);
    mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    let (code, words) = act(&home, "pause", &["bed-1", "--for", "2h", "--until-return"]);
    assert_eq!(code, Some(0), "{words}");
    assert!(words.starts_with("bed-1 is paused until ") && words.contains("(Europe/Stockholm), or until"), "{words}");
    let paused = wait_for(&dispatch, "bed-1", "paused");
    let until: jiff::Timestamp = paused.body["data"]["until"].as_str().unwrap().parse().unwrap();
    assert_eq!((paused.priority(), until.duration_since(paused.time()).as_secs()), ("info", 7200));

    mat.leaves();
    daemon.wait_decided("bed-1", "rise");
    until_true("the store knows", || home.store_holds("until-return"));
    daemon.kill();
    let daemon = Daemon::start(&home);
    let (said, code) = wait_status(&home, "the bed is known", |status| status["beds"][0]["phase"] == "empty");
    let bed = &said["beds"][0];
    assert_eq!((&bed["mat"], &bed["watched"], code), (&json!(MatHealth::Paused), &json!(false), 0), "{said:#}");
    assert_same_time(bed["paused-until"].as_str().unwrap().parse().unwrap(), until);

    mat.lies();
    let resumed = wait_for(&dispatch, "bed-1", "resumed");
    let data = &resumed.body["data"];
    assert_eq!((&data["reason"], &data["occupied"]), (&json!("return"), &json!(true)));
    mat.leaves();
    let rise = wait_for(&dispatch, "bed-1", "rise");
    assert!(resumed.sequence() < rise.sequence());
    let kinds: Vec<_> = alerts(&dispatch).iter().map(|told| told.kind().to_owned()).collect();
    assert_eq!(kinds, ["paused", "resumed", "rise"]);
    assert!(daemon.terminate().success());
}

#[test]
fn when_a_pause_ends_with_the_bed_empty_that_is_said_and_the_time_allowed_begins() {
    let (home, mat, dispatch) = home_with("not-returned = \"1s\"");
    let daemon = Daemon::start(&home);
    mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    assert_eq!(act(&home, "pause", &["bed-1", "--for", "1h"]).0, Some(0));
    mat.leaves();
    daemon.wait_decided("bed-1", "rise");
    let (code, words) = act(&home, "resume", &["bed-1"]);
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains("The bed: empty: dispatch is told if nobody is back in 0 min"), "{words}");
    let resumed = wait_for(&dispatch, "bed-1", "resumed");
    let data = &resumed.body["data"];
    assert_eq!((&data["reason"], &data["occupied"]), (&json!("command"), &json!(false)));
    assert_eq!(data["text"], "Bevakning igång, sängen är tom");
    let late = wait_for(&dispatch, "bed-1", "not-returned");
    assert_eq!(late.time().duration_since(resumed.time()).as_secs(), 1);
    mat.lies();
    assert_eq!(wait_for(&dispatch, "bed-1", "return").closes(), [late.id()]);

    // A short one ends by itself.
    assert_eq!(act(&home, "pause", &["bed-1", "--for", "1s"]).0, Some(0));
    let over = crate::rig::wait_for_all(&dispatch, "bed-1", "resumed", 2).swap_remove(1);
    assert_eq!(over.body["data"]["reason"], "time");
    assert_eq!(over.body["data"]["occupied"], true);
}

#[test]
fn a_fault_of_the_mat_is_told_in_a_pause() {
    let (home, mat, dispatch) = home_with("");
    let daemon = Daemon::start(&home);
    mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    assert_eq!(act(&home, "pause", &["bed-1", "--for", "1h"]).0, Some(0));
    drop(mat);
    assert_eq!(wait_for(&dispatch, "bed-1", "sensor-fault").fault(), "unplugged");
    assert_eq!(status(&home).1, 1);
}

#[test]
fn what_cannot_be_paused_or_resumed_is_refused_with_words() {
    let (home, _mat, _dispatch) = home_with("");
    let _daemon = Daemon::start(&home);
    for (name, arguments, words) in [
        ("pause", &["bed-9", "--for", "1h"][..], "there is no bed bed-9; there are: bed-1"),
        ("pause", &["bed-1", "--for", "13h"], "a pause lasts from 1s to 12h"),
        ("resume", &["bed-1"], "bed-1 is not paused"),
    ] {
        let (code, said) = act(&home, name, arguments);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(words), "{said}");
    }
}
