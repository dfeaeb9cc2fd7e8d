//! Ready whatever is missing, and alive as the service manager counts it.

use std::net::TcpListener;

use crate::dispatch::Dispatch;
use crate::rig::{Bed, Daemon, Home, Mat, broker, channel, one_bed, until_true, wait_for};
use nix::sys::signal::Signal;

/// A port on which nobody listens.
fn dead_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

#[test]
fn ready_although_dispatch_broker_and_port_are_missing() {
    let home = Home::new();
    let beds = [Bed::serial("bed-1", &home.path("no-such-port")), Bed::mqtt("bed-2", "mats/bed-2")];
    let url = format!("http://127.0.0.1:{}/alerts", dead_port());
    home.configure(&beds, &[broker(dead_port()), channel(&url, "")]);
    let daemon = Daemon::start(&home);
    until_true("the service manager knows what is missing", || {
        let notes = daemon.notes();
        let last = notes.iter().rfind(|note| note.starts_with("STATUS=")).cloned().unwrap_or_default();
        ["bed-1: unplugged", "fault: dispatch"].iter().all(|words| last.contains(words))
    });
    assert!(!daemon.notes().iter().any(|note| note.contains("bed-2: silent")), "its silence is the broker's");
    assert_eq!(daemon.terminate().code(), Some(0));
}

#[test]
fn what_was_missing_at_the_start_works_as_soon_as_it_is_there() {
    let (home, mat) = (Home::new(), Mat::new());
    let port = home.path("port");
    let address = dispatch_address();
    let url = format!("http://{address}/alerts");
    home.configure(&[Bed::serial("bed-1", &port)], &[channel(&url, "")]);
    let daemon = Daemon::start(&home);
    until_true("the outage is noticed", || daemon.notes().iter().any(|note| note.contains("fault: dispatch")));

    let dispatch = Dispatch::plain_at(address);
    let fault = wait_for(&dispatch, "bed-1", "sensor-fault");
    assert_eq!((fault.fault(), fault.priority()), ("unplugged", "warning"));
    std::os::unix::fs::symlink(mat.port(), &port).unwrap();
    mat.lies();
    let restored = wait_for(&dispatch, "bed-1", "sensor-restored");
    assert_eq!((restored.fault(), restored.closes()), ("unplugged", vec![fault.id()]));
    daemon.wait_decided("bed-1", "in-bed");
    mat.leaves();
    wait_for(&dispatch, "bed-1", "rise");
}

fn dispatch_address() -> std::net::SocketAddr {
    ([127, 0, 0, 1], dead_port()).into()
}

#[test]
fn the_watchdog_is_fed_for_as_long_as_the_tasks_answer() {
    let (home, _mat, _dispatch) = one_bed("");
    let mut command = Daemon::command(&home);
    command.env("WATCHDOG_USEC", "400000");
    let daemon = Daemon::spawn(command);
    let fed = || daemon.notes().iter().filter(|note| *note == "WATCHDOG=1").count();
    until_true("fed ten times", || fed() >= 10);
    let notes = daemon.notes();
    let first = |wanted: &str| notes.iter().position(|note| note == wanted).unwrap();
    assert!(first("READY=1") < first("WATCHDOG=1"));
}

#[test]
fn without_a_service_manager_that_asks_no_watchdog_is_fed() {
    let (home, _mat, _dispatch) = one_bed("");
    let mut daemon = Daemon::start(&home);
    daemon.signal(Signal::SIGTERM);
    assert!(daemon.wait().success());
    assert!(!daemon.notes().iter().any(|note| note == "WATCHDOG=1"));
}
