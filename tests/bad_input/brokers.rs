//! Brokers that refuse, are not there, or are none.

use std::fs;
use std::path::Path;

use crate::broker::OddBroker;
use crate::mosquitto::{Access, Mosquitto};
use crate::payloads::Odd;
use crate::receiver::Dispatch;
use crate::rig::{Daemon, Home, Mat, Topic, broker, channel, mqtt_bed, rise, wait_until_told};

/// Waits for the line in the log and for the fault, which takes half a minute.
fn wait_until_away(daemon: &Daemon, dispatch: &Dispatch, words: &str) {
    daemon.wait_for_line(&["WARN", "Connection to the broker is lost", words]);
    let fault = wait_until_told(dispatch, "gateway-fault broker");
    let detail = fault.json()["data"]["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(words), "{detail}");
}

fn start(home: &Home, dispatch: &Dispatch, port: u16, keys: &str) -> Daemon {
    Daemon::start(&home.configure(&[broker(port, keys), mqtt_bed("bed"), channel("d", dispatch.url(), "")]))
}

#[test]
fn a_broker_that_refuses_the_password_is_told_and_used_once_the_file_is_right() {
    let (home, dispatch) = (Home::new(), Dispatch::plain());
    let mosquitto = Mosquitto::start(Access::Password { user: "mats", password: "right" });
    let file = home.put("password", "wrong\n", 0o600);
    let keys = format!("user = \"mats\"\npassword-file = \"{}\"", file.display());
    let daemon = start(&home, &dispatch, mosquitto.port(), &keys);
    wait_until_away(&daemon, &dispatch, "refuses the user or the password");
    fs::write(&file, "right\n").unwrap();
    back(daemon, &dispatch, &Topic(&mosquitto, "bed"));
}

#[test]
fn a_broker_that_is_not_there_is_told_and_used_once_it_is() {
    let (home, dispatch) = (Home::new(), Dispatch::plain());
    let mut mosquitto = Mosquitto::start(Access::Open);
    mosquitto.stop();
    let daemon = start(&home, &dispatch, mosquitto.port(), "");
    wait_until_away(&daemon, &dispatch, "nothing listens there; is the broker running");
    mosquitto.start_again();
    back(daemon, &dispatch, &Topic(&mosquitto, "bed"));
}

#[test]
fn what_answers_rubbish_is_told_and_used_once_it_is_a_broker() {
    let (home, dispatch) = (Home::new(), Dispatch::plain());
    let odd = OddBroker::start(true);
    let daemon = start(&home, &dispatch, odd.port(), "");
    wait_until_away(&daemon, &dispatch, "MQTT");
    odd.come_to_its_senses();
    back(daemon, &dispatch, &Odd(&odd));
}

#[test]
fn a_password_file_that_disappears_or_a_broker_that_restarts_costs_no_alert() {
    let (home, dispatch) = (Home::new(), Dispatch::plain());
    let mut mosquitto = Mosquitto::start(Access::Password { user: "mats", password: "right" });
    let file = home.put("password", "right\n", 0o600);
    let keys = format!("user = \"mats\"\npassword-file = \"{}\"", file.display());
    let daemon = start(&home, &dispatch, mosquitto.port(), &keys);
    rise("bed", &Topic(&mosquitto, "bed"), &dispatch);
    fs::remove_file(&file).unwrap();
    mosquitto.stop();
    mosquitto.start_again();
    daemon.wait_for_line(&["Connection to the broker is lost", path(&file), "cannot be read"]);
    fs::write(&file, "right\n").unwrap();
    set_mode(&file);
    rise("bed", &Topic(&mosquitto, "bed"), &dispatch);
    daemon.stop_well();
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn set_mode(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn back(daemon: Daemon, dispatch: &Dispatch, mat: &dyn Mat) {
    wait_until_told(dispatch, "gateway-restored broker");
    rise("bed", mat, dispatch);
    daemon.stop_well();
}
