//! The timeline of what happened and what became of it: from the running daemon, and from the store that it leaves.

use std::process::{Command, Output};

use serde_json::Value;

use crate::control::{command, home_with, stdout};
use crate::dispatch::Answer;
use crate::rig::{Daemon, Home, until, wait_for};

fn nattvakt(home: &Home, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattvakt"));
    command.args(arguments).arg("--config").arg(home.configuration()).env_remove("RUNTIME_DIRECTORY");
    command.output().unwrap()
}

/// The entries that `log --json` tells, once they are so many.
fn entries(home: &Home, count: usize) -> Vec<Value> {
    until("the entries", || {
        let output = command(home, "log").arg("--json").output().unwrap();
        let entries: Vec<Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (entries.len() == count).then_some(entries)
    })
}

fn kinds(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["event"]["kind"].as_str().unwrap()).collect()
}

#[test]
fn a_night_is_told_with_what_dispatch_has_and_what_it_has_not_while_the_daemon_runs_and_after() {
    let (home, mat, dispatch) = home_with("");
    let daemon = Daemon::start(&home);
    mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    mat.leaves();
    let rise = wait_for(&dispatch, "bed-1", "rise");
    let told = until("the rise is noted", || {
        let told = entries(&home, 3);
        told[2].get("accepted").is_some().then_some(told)
    });
    assert_eq!(kinds(&told), ["started", "in-bed", "rise"]);
    assert_eq!(told[1].get("id"), None, "nobody is told that she lies down");
    assert_eq!((&told[2]["id"], &told[2]["accepted"]["channel"]), (&rise.body["id"], &"larmcentral".into()));
    assert_eq!(told[2]["event"]["time"], rise.body["data"]["time"]);

    dispatch.otherwise(Answer::status(503));
    mat.lies();
    daemon.wait_decided("bed-1", "return");
    let text = until("the return waits", || {
        let text = stdout(&command(&home, "log").args(["--since", "1h", "--bed", "bed-1"]).output().unwrap());
        text.contains("return").then_some(text)
    });
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "Times of Europe/Stockholm", "{text}");
    assert!(lines[3].contains("bed-1     rise              larmcentral has it after "), "{text}");
    assert!(lines[4].contains("bed-1     return            not accepted yet"), "{text}");
    assert_eq!(lines.len(), 5, "the gateway's own are not of this bed: {text}");

    drop(daemon);
    let output = nattvakt(&home, &["log", "--csv"]);
    let rows = stdout(&output);
    let kinds: Vec<&str> = rows.lines().skip(1).map(|row| row.split(',').nth(3).unwrap()).collect();
    assert_eq!(kinds[..4], ["started", "in-bed", "rise", "return"], "{rows}");
    let report = nattvakt(&home, &["report", "--format", "json"]);
    assert!(report.status.success(), "{report:?}");

    // A broken edit, and nobody runs: what went before is what was watched by.
    let broken = std::fs::read_to_string(home.configuration()).unwrap().replace("[[bed]]", "[[bett]]");
    std::fs::write(home.configuration(), broken).unwrap();
    let report = nattvakt(&home, &["report", "--format", "json"]);
    let words = String::from_utf8(report.stderr).unwrap();
    assert!(report.status.success() && words.contains("is not sound: the one before is used"), "{words}");
}

#[test]
fn where_nothing_is_known_that_is_said() {
    let (home, _mat, _dispatch) = home_with("");
    let output = nattvakt(&home, &["log"]);
    assert_eq!(output.status.code(), Some(1));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("is not running, and there is no journal in"), "{words}");
    let _daemon = Daemon::start(&home);
    entries(&home, 1);
    let nothing = stdout(&command(&home, "log").args(["--bed", "bed-1"]).output().unwrap());
    assert!(nothing.starts_with("Nothing since "), "{nothing}");
    let far = command(&home, "log").args(["--since", "soon"]).output().unwrap();
    assert_eq!(far.status.code(), Some(2), "{far:?}");
}
