//! Serial ports that are none, are missing, belong to somebody else, or come and go.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use nattvakt::sensor::simulated::SimulatedLine;

use crate::receiver::Dispatch;
use crate::rig::{Daemon, Home, channel, ended, program, rise, serial_bed, wait_until_told};

/// Puts a real port under a path, in place of whatever lies there.
fn plug(port: &Path) -> SimulatedLine {
    let line = SimulatedLine::open().unwrap();
    drop(fs::remove_file(port));
    symlink(line.port(), port).unwrap();
    line
}

/// Watches the bed `port`, whose port is no good for the reason in the log; then plugs a good one in.
fn spoiled(home: &Home, dispatch: &Dispatch, words: &str) {
    let port = home.path("mat");
    let well = SimulatedLine::open().unwrap();
    let tables = [serial_bed("port", &port), serial_bed("well", well.port()), channel("d", dispatch.url(), "")];
    let daemon = Daemon::start(&home.configure(&tables));
    daemon.wait_for_line(&["WARN", "Serial port is lost", "mat.id=port ", words]);
    wait_until_told(dispatch, "sensor-fault unplugged port");
    // The other mat is watched as ever.
    rise("well", &well, dispatch);
    let line = plug(&port);
    rise("port", &line, dispatch);
    wait_until_told(dispatch, "sensor-restored unplugged port");
    daemon.wait_for_line(&["Serial port is open", "mat.id=port "]);
    daemon.stop_well();
}

#[test]
fn a_device_that_is_no_serial_port_is_told_and_used_once_it_is_one() {
    let (home, dispatch) = (Home::new(), Dispatch::plain());
    symlink("/dev/null", home.path("mat")).unwrap();
    spoiled(&home, &dispatch, "no serial port but another file or device");
}

#[test]
fn a_file_in_place_of_a_port_ends_the_first_start_and_no_later_one() {
    let (home, dispatch, well) = (Home::new(), Dispatch::plain(), SimulatedLine::open().unwrap());
    let port = home.put("mat", "x,113.75\nx,617.25\n", 0o644);
    let tables = [serial_bed("port", &port), serial_bed("well", well.port()), channel("d", dispatch.url(), "")];
    let config = home.configure(&tables);
    let mut run = program(&["run", "--config"]);
    run.arg(&config);
    let run = ended(run);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(
        run.stderr.contains("nattvakt.toml:9:8: error: `port`") && run.stderr.contains("no serial port"),
        "{run:?}"
    );

    // As it comes to be on a gateway: somebody writes to the path while the mat is unplugged.
    let line = plug(&port);
    let daemon = Daemon::start(&config);
    rise("port", &line, &dispatch);
    daemon.stop_well();
    drop(line);
    fs::remove_file(&port).unwrap();
    home.put("mat", "x,113.75\nx,617.25\n", 0o644);
    let daemon = Daemon::start(&config);
    wait_until_told(&dispatch, "gateway-fault configuration");
    daemon.wait_for_line(&["Serial port is lost", "mat.id=port ", "no serial port but another file or device"]);
    wait_until_told(&dispatch, "sensor-fault unplugged port");
    rise("well", &well, &dispatch);
    let line = plug(&port);
    rise("port", &line, &dispatch);
    daemon.stop_well();
}

#[test]
fn a_missing_port_is_told_and_used_once_it_is_there() {
    spoiled(&Home::new(), &Dispatch::plain(), "there is no such port; is the mat plugged in?");
}

#[test]
fn a_port_that_another_program_uses_is_told_and_used_once_it_is_let_go() {
    let (home, dispatch) = (Home::new(), Dispatch::plain());
    let line = SimulatedLine::open().unwrap();
    let other = tokio_serial::new(line.port().to_str().unwrap(), 9_600);
    let other = tokio_serial::SerialPortBuilder::open(other).unwrap();
    let daemon = Daemon::start(&home.configure(&[serial_bed("port", line.port()), channel("d", dispatch.url(), "")]));
    daemon.wait_for_line(&["WARN", "Serial port is lost", "in use by another program", "fuser"]);
    wait_until_told(&dispatch, "sensor-fault unplugged port");
    drop(other);
    rise("port", &line, &dispatch);
    wait_until_told(&dispatch, "sensor-restored unplugged port");
    daemon.stop_well();
}

#[test]
fn a_port_that_comes_and_goes_is_opened_again_by_its_path() {
    let (home, dispatch) = (Home::new(), Dispatch::plain());
    let port = home.path("mat");
    let mut line = plug(&port);
    let daemon = Daemon::start(&home.configure(&[serial_bed("port", &port), channel("d", dispatch.url(), "")]));
    rise("port", &line, &dispatch);
    for _ in 0..3 {
        drop(line);
        fs::remove_file(&port).unwrap();
        daemon.wait_for_line(&["Serial port is lost", "mat.id=port "]);
        line = plug(&port);
        rise("port", &line, &dispatch);
    }
    wait_until_told(&dispatch, "sensor-fault unplugged port");
    wait_until_told(&dispatch, "sensor-restored unplugged port");
    daemon.stop_well();
}
