//! The way out itself: known to be dead within a heartbeat and 30 s, acted upon, over TLS with clocks and certificates
//! as they are in the field.

use std::fs;

use crate::dispatch::{Answer, Authority, Dispatch};
use crate::mosquitto::{Access, Mosquitto};
use crate::night::start_at;
use crate::rig::{Bed, Daemon, Home, Mat, Stream, alerts, broker, channel, until_true, wait_for, wait_for_all};
use nix::sys::signal::Signal;

fn with_heartbeat(url: &str, every: &str) -> String {
    channel(url, "").replace("heartbeat = \"off\"", &format!("heartbeat = \"{every}\""))
}

fn last_status(daemon: &Daemon) -> String {
    daemon.notes().into_iter().rfind(|note| note.starts_with("STATUS=")).unwrap_or_default()
}

#[test]
fn a_dead_way_out_is_in_status_and_log_without_any_alert_and_sets_off_an_action() {
    let (home, dispatch, mat) = (Home::new(), Dispatch::plain(), Mat::new());
    let address = dispatch.address();
    let action = |on: &str| {
        let run = ["/bin/sh", "-c", "echo \"$NATTVAKT_EVENT\" >> \"$0\""].map(|word| format!("{word:?}")).join(", ");
        let note = home.path("acted");
        format!("[[action]]\non = \"{on}\"\n[action.command]\nrun = [{run}, {note:?}]\n")
    };
    let rest = [with_heartbeat(dispatch.url(), "1s"), action("dispatch-lost"), action("dispatch-back")];
    home.configure(&[Bed::serial("bed-1", mat.port())], &rest);
    let daemon = Daemon::start(&home);
    wait_for(&dispatch, "", "heartbeat");
    drop(dispatch);
    until_true("status says so", || last_status(&daemon).contains("nobody can be told"));
    until_true("the log says so", || daemon.log().iter().any(|line| line.contains("No dispatch channel works")));
    let acted = |words: &str| fs::read_to_string(home.path("acted")).is_ok_and(|text| text == words);
    until_true("it acted", || acted("dispatch-lost\n"));
    let _dispatch = Dispatch::plain_at(address);
    until_true("it acted again", || acted("dispatch-lost\ndispatch-back\n"));
    until_true("status says so", || !last_status(&daemon).contains("nobody can be told"));
}

#[test]
fn one_of_two_channels_that_is_dead_is_a_fault_and_somebody_can_still_be_told() {
    let (home, dispatch, dead, mat) = (Home::new(), Dispatch::plain(), Dispatch::plain(), Mat::new());
    let gone = with_heartbeat(dead.url(), "1s").replace("larmcentral", "reserv");
    drop(dead);
    home.configure(&[Bed::serial("bed-1", mat.port())], &[with_heartbeat(dispatch.url(), "1s"), gone]);
    let daemon = Daemon::start(&home);
    let fault = wait_for(&dispatch, "", "gateway-fault");
    assert_eq!(fault.fault(), "dispatch");
    assert!(fault.body["data"]["detail"].as_str().unwrap().starts_with("reserv: "), "{:#?}", fault.body);
    assert!(!daemon.notes().iter().any(|note| note.contains("nobody can be told")));
}

#[test]
fn a_rise_publishes_what_it_is_told_to_and_nothing_holds_up_the_alarm() {
    let (home, dispatch, mosquitto, mat) = (Home::new(), Dispatch::plain(), Mosquitto::start(Access::Open), Mat::new());
    // The second bed stands for a lamp: what the action publishes is what its mat would say.
    let lamp = "[[action]]\non = [\"rise\"]\nbed = \"bed-1\"\n[action.mqtt]\ntopic = \"lamp\"\npayload = \"600\"\n";
    let hangs = "[[action]]\non = [\"rise\"]\n[action.command]\nrun = [\"/bin/sleep\", \"1000\"]\n".repeat(6);
    let beds = [Bed::serial("bed-1", mat.port()), Bed::mqtt("lamp", "lamp")];
    let stream = Stream::new(mosquitto.port(), "lamp");
    home.configure(&beds, &[broker(mosquitto.port()), channel(dispatch.url(), ""), lamp.to_owned(), hangs]);
    let daemon = Daemon::start(&home);
    mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    drop(stream);
    mat.leaves();
    daemon.wait_decided("lamp", "in-bed");
    let rise = wait_for(&dispatch, "bed-1", "rise");
    assert_eq!(rise.priority(), "alarm");
    // Six commands at once are more than run at a time.
    daemon.wait_logged("too many are running", 2);
    mat.lies();
    wait_for(&dispatch, "bed-1", "return");
}

#[test]
fn with_receipt_only_an_answer_that_names_the_alert_accepts_it_and_its_reference_is_kept() {
    let (home, dispatch, mat) = (Home::new(), Dispatch::plain(), Mat::new());
    home.configure(&[Bed::serial("bed-1", mat.port())], &[channel(dispatch.url(), "receipt = true")]);
    let daemon = Daemon::start(&home);
    mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    until_true("the start is told", || !dispatch.requests().is_empty());
    dispatch.then([Answer::status(200), Answer::Send(200, Vec::new(), r#"{"id":"0000000000000000"}"#.to_owned())]);
    mat.leaves();
    let rises = wait_for_all(&dispatch, "bed-1", "rise", 3);
    assert!(rises.iter().all(|rise| rise.id() == rises[0].id()));
    let accepted = |line: &String| line.contains("Alert accepted") && line.contains(rises[0].id());
    until_true("accepted", || daemon.log().iter().any(accepted));
    // It is noted with what else there is to note, at the end at the latest.
    assert!(daemon.terminate().success());
    assert!(home.store_holds(&format!("ref-{}", rises[0].id())));
}

fn over_tls(home: &Home, mat: &Mat, dispatch: &Dispatch, more: &str) {
    home.configure(&[Bed::serial("bed-1", mat.port())], &[channel(dispatch.url(), more)]);
}

#[test]
fn a_box_whose_clock_starts_in_the_past_reaches_dispatch_over_tls() {
    let (home, mat, authority) = (Home::new(), Mat::new(), Authority::new());
    let dispatch = Dispatch::tls(authority.server_valid("localhost", (-1, 90)));
    over_tls(&home, &mat, &dispatch, &format!("ca-file = {:?}", authority.file()));
    let daemon = start_at(&home, "2001-01-01 00:00:00");
    mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    mat.leaves();
    wait_for(&dispatch, "bed-1", "rise");
}

#[test]
fn a_box_whose_clock_starts_in_the_past_still_refuses_a_certificate_that_has_ended() {
    let (home, mat, authority) = (Home::new(), Mat::new(), Authority::new());
    // Valid by the box's clock.
    let dispatch = Dispatch::tls(authority.server_valid("localhost", (-9000, -1)));
    over_tls(&home, &mat, &dispatch, &format!("ca-file = {:?}", authority.file()));
    let daemon = start_at(&home, "2020-01-01 00:00:00");
    until_true("refused", || daemon.log().iter().any(|line| line.contains("does not verify")));
    assert!(dispatch.requests().is_empty());
}

#[test]
fn a_certificate_of_ours_that_ends_soon_is_told_once_and_over_when_it_is_replaced() {
    let (home, mat, authority) = (Home::new(), Mat::new(), Authority::new());
    let dispatch = Dispatch::tls(authority.server_for_clients("localhost"));
    let (certificate, key) = authority.client_until(5);
    let ca = authority.file();
    let files = format!("ca-file = {ca:?}\nclient-cert-file = {certificate:?}\nclient-key-file = {key:?}");
    over_tls(&home, &mat, &dispatch, &files);
    let daemon = Daemon::start(&home);
    let fault = wait_for(&dispatch, "", "gateway-fault");
    assert_eq!((fault.fault(), fault.priority()), ("certificate", "warning"));
    assert!(fault.body["data"]["detail"].as_str().unwrap().contains("client.pem ends on"), "{:#?}", fault.body);
    assert!(daemon.terminate().success());

    // Told already, until it is nearer to its end.
    assert!(Daemon::start(&home).terminate().success());
    authority.client_until(1);
    let daemon = Daemon::start(&home);
    until_true("told again", || alerts(&dispatch).iter().filter(|told| told.fault() == "certificate").count() == 2);
    let nearer = alerts(&dispatch).pop().unwrap();
    assert_eq!(nearer.closes(), [fault.id()]);

    authority.client_until(400);
    daemon.signal(Signal::SIGHUP);
    let restored = wait_for(&dispatch, "", "gateway-restored");
    assert_eq!((restored.fault(), restored.closes()), ("certificate", vec![nearer.id()]));
}
