//! Broken edits of the configuration: the first start ends, a watch that has run before goes on.

use std::fs;
use std::process::Command;

use nix::sys::signal::Signal;

use crate::dispatch::{Answer, Dispatch};
use crate::rig::{
    Bed, Daemon, Home, Mat, Told, alerts, channel, in_bed, one_bed, told_since, until, until_true, wait_for,
};

#[test]
fn a_first_start_with_a_broken_file_ends_with_exit_2_and_touches_nothing() {
    let (home, _mat, dispatch) = one_bed("");
    break_it(&home);
    let ended = run_to_its_end(&home);
    assert_eq!(ended.0, Some(2));
    assert!(ended.1.contains("nattvakt.toml:") && ended.1.contains("settel"), "{}", ended.1);
    assert_eq!(home.files(), ["nattvakt.toml", "tmp"]);
    assert!(dispatch.requests().is_empty());
}

#[test]
fn a_missing_file_is_exit_2_also_where_a_configuration_was_accepted_before() {
    let (home, _mat, _dispatch) = one_bed("");
    assert!(Daemon::start(&home).terminate().success());
    fs::remove_file(home.configuration()).unwrap();
    assert_eq!(run_to_its_end(&home).0, Some(2));
}

#[test]
fn after_a_broken_edit_the_last_accepted_configuration_watches_and_dispatch_is_told_until_it_is_mended() {
    let (home, mat, dispatch, daemon) = in_bed("");
    let sound = fs::read_to_string(home.configuration()).unwrap();
    assert!(daemon.terminate().success());

    break_it(&home);
    let daemon = Daemon::start(&home);
    let fault = wait_for(&dispatch, "", "gateway-fault");
    assert_eq!((fault.fault(), fault.priority()), ("configuration", "warning"));
    assert_eq!(fault.body["data"]["text"], "Larmdosan: fel i inställningar");
    mat.leaves();
    let rise = wait_for(&dispatch, "bed-1", "rise");
    mat.lies();
    assert_eq!(wait_for(&dispatch, "bed-1", "return").closes(), [rise.id()]);
    assert!(daemon.terminate().success());

    // Started again with the same broken file: told once.
    let daemon = Daemon::start(&home);
    assert!(daemon.notes().iter().any(|note| note == "READY=1"));
    assert!(daemon.terminate().success());

    fs::write(home.configuration(), sound).unwrap();
    let _daemon = Daemon::start(&home);
    let restored = wait_for(&dispatch, "", "gateway-restored");
    assert_eq!((restored.fault(), restored.closes()), ("configuration", vec![fault.id()]));
    assert_eq!(alerts(&dispatch).len(), 4, "{:#?}", alerts(&dispatch));
}

#[test]
fn the_end_of_a_fault_is_told_after_its_beginning_that_waited_over_the_restart() {
    let (home, _mat, dispatch) = one_bed("");
    assert!(Daemon::start(&home).terminate().success());
    let sound = fs::read_to_string(home.configuration()).unwrap();
    break_it(&home);
    dispatch.otherwise(Answer::status(503));
    let daemon = Daemon::start(&home);
    let fault = wait_for(&dispatch, "", "gateway-fault");
    assert!(daemon.terminate().success());

    fs::write(home.configuration(), sound).unwrap();
    let before = alerts(&dispatch).len();
    // The first attempts were refused.
    dispatch.otherwise(Answer::Receipt);
    let _daemon = Daemon::start(&home);
    let restored = wait_for(&dispatch, "", "gateway-restored");
    assert_eq!((restored.fault(), restored.closes()), ("configuration", vec![fault.id()]));
    let mut told = alerts(&dispatch).split_off(before);
    told.retain(|told| told.bed().is_empty());
    let [first, second] = told.as_slice() else { panic!("{told:#?}") };
    assert_eq!((first.id(), second.id()), (fault.id(), restored.id()));
}

#[test]
fn a_fault_that_dispatch_accepts_only_after_its_end_is_information_over_a_restart_too() {
    let (home, mat, dispatch) = (Home::new(), Mat::new(), Dispatch::plain());
    let channel = channel(dispatch.url(), "").replace("heartbeat = \"off\"", "heartbeat = \"1s\"");
    home.configure(&[Bed::serial("bed-1", mat.port())], &[channel]);
    assert!(Daemon::start(&home).terminate().success());
    let sound = fs::read_to_string(home.configuration()).unwrap();
    break_it(&home);
    dispatch.otherwise(Answer::Refuse("se.nattvakt.gateway-fault.v1"));
    let daemon = Daemon::start(&home);
    let fault =
        until("the fault is told", || alerts(&dispatch).into_iter().find(|told| told.fault() == "configuration"));
    assert_eq!(fault.priority(), "warning");
    fs::write(home.configuration(), sound).unwrap();
    daemon.signal(Signal::SIGHUP);
    let is_end = |told: &Told| told.kind() == "gateway-restored" && told.closes() == [fault.id()];
    until_true("its end is told", || alerts(&dispatch).iter().any(is_end));
    assert!(daemon.terminate().success());

    let before = dispatch.requests().len();
    dispatch.otherwise(Answer::Receipt);
    let _daemon = Daemon::start(&home);
    let is_it = |told: &Told| told.id() == fault.id();
    let late = until("the fault is accepted", || told_since(&dispatch, before).into_iter().find(is_it));
    assert_eq!(late.priority(), "info");
}

/// A slip of the finger in a key.
fn break_it(home: &Home) {
    let text = fs::read_to_string(home.configuration()).unwrap();
    assert!(text.contains("settle ="));
    fs::write(home.configuration(), text.replace("settle =", "settel =")).unwrap();
}

fn run_to_its_end(home: &Home) -> (Option<i32>, String) {
    let mut command: Command = Daemon::command(home);
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}
