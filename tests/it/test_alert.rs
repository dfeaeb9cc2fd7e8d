//! A test alert goes the way of all alerts, and each step is told.

use serde_json::{Value, json};

use crate::control::{command, home_with, stdout, wait_status};
use crate::dispatch::Answer;
use crate::rig::{Daemon, wait_for};

#[test]
fn a_test_alert_is_stored_and_sent_as_any_alert_and_its_steps_are_told() {
    let (home, _mat, dispatch) = home_with("");
    let _daemon = Daemon::start(&home);
    wait_status(&home, "it listens", |status| status["version"].is_string());
    let output = command(&home, "test-alert").arg("bed-1").output().unwrap();
    let told = wait_for(&dispatch, "bed-1", "test");
    assert_eq!((told.priority(), told.body["data"]["text"].as_str()), ("info", Some("Provlarm, ingen åtgärd")));
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[0],
        format!(
            "Test alert {}, number {}: \"Provlarm, ingen åtgärd\" (times in Europe/Stockholm)",
            told.id(),
            told.sequence()
        )
    );
    for words in ["raised, on its way", "on disk", "accepted by larmcentral"] {
        assert!(lines.iter().any(|line| line.contains(words)), "{words}: {text}");
    }
    assert_eq!(lines.last(), Some(&"Dispatch has it."));

    let soon = command(&home, "test-alert").output().unwrap();
    assert_eq!(soon.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&soon.stderr).contains("wait ten seconds"));
}

#[test]
fn a_test_that_dispatch_does_not_accept_fails_says_why_and_stays_on_its_way() {
    let (home, _mat, dispatch) = home_with("");
    dispatch.otherwise(Answer::status(503));
    let _daemon = Daemon::start(&home);
    wait_status(&home, "it listens", |status| status["version"].is_string());
    let output = command(&home, "test-alert").args(["--within", "2s", "--json"]).output().unwrap();
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let steps: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = steps.last().unwrap();
    assert_eq!((&steps[0]["step"], &last["step"]), (&json!("raised"), &json!("not-delivered")), "{text}");
    assert!(last["problems"][0].as_str().unwrap().starts_with("larmcentral: "), "{text}");
    assert!(steps.iter().any(|step| step["step"] == "stored"), "{text}");

    dispatch.otherwise(Answer::Receipt);
    wait_status(&home, "its delivery", |status| {
        let channel = &status["channels"][0];
        channel["state"] == "works" && channel["waiting"] == 0
    });
    let tests = crate::rig::alerts(&dispatch).into_iter().filter(|told| told.kind() == "test");
    assert!(tests.map(|told| told.id().to_owned()).all(|id| id == steps[0]["alert"]));
}

#[test]
fn a_test_alert_names_no_bed_that_is_not_there() {
    let (home, _mat, _dispatch) = home_with("");
    let _daemon = Daemon::start(&home);
    wait_status(&home, "it listens", |status| status["version"].is_string());
    let output = command(&home, "test-alert").arg("bed-9").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no bed bed-9"));
}
