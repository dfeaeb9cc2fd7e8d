//! No secret, no reading and no name of the home reaches the log, at whatever level.

use nattvakt::sensor::simulated::SimulatedLine;

use crate::mosquitto::{Access, Mosquitto};
use crate::receiver::{Answer, Dispatch, Request, write_secret};
use crate::rig::{
    Daemon, EMPTY, GATEWAY, Home, LYING, Mat, Topic, broker, channel, eventually, mqtt_bed, rise, serial_bed,
    wait_until_told,
};

const TOKEN: &str = "telltale-token-5e1f";
const KEY: &str = "whsec_dGVsbHRhbGUtc2lnbmluZy1rZXktMTIzNA==";
const PASSWORD: &str = "telltale-password-77aa";
const IN_URL: &str = "telltale-in-the-url-9c3d";

/// What must not be found, in any of the forms that a program could write it in.
fn secrets() -> Vec<String> {
    let mut forms = vec![TOKEN, &KEY["whsec_".len()..], PASSWORD, IN_URL, GATEWAY, "617.2", "113.7"]
        .into_iter()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    // A reading in the bytes of a payload, and a secret in those of a header, as `{:?}` of a slice shows them.
    for text in [LYING, EMPTY, TOKEN, PASSWORD, GATEWAY] {
        forms.push(format!("{:?}", text.as_bytes()).trim_matches(['[', ']']).to_owned());
    }
    forms
}

/// A night with everything in it that could be worth a line. `level` is what `RUST_LOG` says.
fn a_night(level: Option<&str>, format: &str) -> String {
    let (home, dispatch) = (Home::new(), Dispatch::plain());
    let mut mosquitto = Mosquitto::start(Access::Password { user: "mats", password: PASSWORD });
    let (port, password, token, key) = (home.path("mat"), home.path("password"), home.path("token"), home.path("key"));
    for (file, text) in [(&password, PASSWORD), (&token, TOKEN), (&key, KEY)] {
        write_secret(file, text);
    }
    let line = SimulatedLine::open().unwrap();
    std::os::unix::fs::symlink(line.port(), &port).unwrap();
    let of_broker = format!("user = \"mats\"\npassword-file = \"{}\"", password.display());
    let of_dispatch = format!("token-file = \"{}\"\nsigning-key-file = \"{}\"", token.display(), key.display());
    let url = format!("{}?key={IN_URL}", dispatch.url());
    let tables = [
        broker(mosquitto.port(), &of_broker),
        mqtt_bed("bed"),
        serial_bed("serial", &port),
        channel("d", &url, &of_dispatch).replace("heartbeat = \"off\"", "heartbeat = \"1s\""),
    ];
    let daemon = Daemon::start_with(&home.configure(&tables), |command| {
        command.args(["--log", format]);
        level.map(|level| command.env("RUST_LOG", level));
    });

    let topic = Topic(&mosquitto, "bed");
    rise("bed", &topic, &dispatch);
    rise("serial", &line, &dispatch);
    // Bad input with readings and names in it.
    for payload in ["617.25", "{\"pressure\":617.25", "{\"load\":[113.75,617.25]}", "[617.25]", "\u{0}617.25"] {
        mosquitto.publish("mats/bed", payload, false);
    }
    line.send_bytes(b"617.25\nx,617.25kg\n\xff617.25,617.25\n").unwrap();
    mosquitto.publish("mats/bed", [b"617.25".as_slice(), &vec![b' '; 300_000]].concat(), false);
    // Dispatch refuses, fails, breaks off, is not there.
    for answer in [Answer::status(401), Answer::status(500), Answer::Reset, Answer::Half] {
        dispatch.otherwise(answer);
        rise("serial", &line, &dispatch);
    }
    dispatch.otherwise(Answer::Receipt);
    wait_until_told(&dispatch, "gateway-restored dispatch");
    // The broker refuses us and is back; the port goes and comes.
    write_secret(&password, "telltale-password-77aa-no-more");
    mosquitto.stop();
    mosquitto.start_again();
    daemon.wait_for_line(&["refuses the user or the password"]);
    write_secret(&password, PASSWORD);
    drop(line);
    wait_until_told(&dispatch, "sensor-fault unplugged serial");
    let line = SimulatedLine::open().unwrap();
    std::fs::remove_file(&port).unwrap();
    std::os::unix::fs::symlink(line.port(), &port).unwrap();
    let topic = Topic(&mosquitto, "bed");
    rise("serial", &line, &dispatch);
    rise("bed", &topic, &dispatch);
    settle(&line, &topic, &dispatch);
    daemon.stop_well()
}

/// Goes on with rises until dispatch has had three more heartbeats, one a second: lines over the bound of one second do
/// not hide what the others say.
fn settle(line: &SimulatedLine, topic: &dyn Mat, dispatch: &Dispatch) {
    let is_beat = |request: &Request| request.json()["type"] == "se.nattvakt.heartbeat.v1";
    let beats = || dispatch.requests().iter().filter(|request| is_beat(request)).count();
    let before = beats();
    eventually("three heartbeats more", || {
        rise("serial", line, dispatch);
        rise("bed", topic, dispatch);
        (beats() >= before + 3).then_some(())
    });
}

#[track_caller]
fn assert_discreet(log: &str) {
    for secret in secrets() {
        let line = log.lines().find(|line| line.contains(&secret));
        assert!(line.is_none(), "{secret} in the log: {}", line.unwrap_or_default());
    }
}

#[test]
fn the_log_at_its_usual_level_tells_nothing_of_bedroom_or_secrets() {
    let log = a_night(None, "text");
    assert!(log.contains("Event decided") && log.contains("rejected"), "{log}");
    assert_discreet(&log);
}

#[test]
fn our_own_log_at_its_finest_tells_nothing_of_bedroom_or_secrets() {
    let log = a_night(Some("nattvakt=trace"), "json");
    assert!(log.contains("Attempt failed"), "{log}");
    assert_discreet(&log);
}

#[test]
fn the_log_of_everything_at_its_finest_tells_nothing_of_bedroom_or_secrets() {
    assert_discreet(&a_night(Some("trace"), "text"));
    assert_discreet(&a_night(Some("rumqttc=trace,sled=trace,info"), "text"));
}
