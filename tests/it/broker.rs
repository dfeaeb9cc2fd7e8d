//! Brokers that come and go, that ask who we are, that keep old messages.

use std::fs;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::dispatch::Dispatch;
use crate::mosquitto::{Access, Mosquitto};
use crate::rig::{
    Bed, Daemon, EMPTY, Home, Mat, OCCUPIED, Stream, alerts, broker, channel, until_true, wait_for, wait_for_all,
};

const BEDS: [&str; 3] = ["bed-1", "bed-2", "bed-3"];

#[test]
fn a_broker_that_restarts_twenty_times_costs_no_subscription_and_raises_nothing() {
    let (home, dispatch, mut mosquitto) = (Home::new(), Dispatch::plain(), Mosquitto::start(Access::Open));
    let streams = BEDS.map(|bed| Stream::new(mosquitto.port(), &format!("mats/{bed}")));
    let beds = BEDS.map(|bed| Bed::mqtt(bed, &format!("mats/{bed}")));
    home.configure(&beds, &[broker(mosquitto.port()), channel(dispatch.url(), "")]);
    let daemon = Daemon::start(&home);
    streams.iter().for_each(Stream::lies);
    wait_in_bed(&daemon, &BEDS);

    for restart in 1..=20 {
        mosquitto.stop();
        mosquitto.start_again();
        // A reading of each mat has an effect again.
        streams.iter().for_each(Stream::leaves);
        for bed in BEDS {
            wait_for_all(&dispatch, bed, "rise", restart);
        }
        streams.iter().for_each(Stream::lies);
        for bed in BEDS {
            wait_for_all(&dispatch, bed, "return", restart);
        }
    }
    // That the broker never stays is a fault of the gateway, and may be told.
    let told = alerts(&dispatch);
    assert_eq!(told.iter().filter(|told| !told.bed().is_empty()).count(), 20 * BEDS.len() * 2, "{told:#?}");
}

#[test]
fn a_broker_that_is_away_is_one_fault_and_none_of_the_mats_and_its_end_is_told() {
    let (home, dispatch, mut mosquitto) = (Home::new(), Dispatch::plain(), Mosquitto::start(Access::Open));
    let streams = BEDS.map(|bed| Stream::new(mosquitto.port(), &format!("mats/{bed}")));
    // Each mat by itself would be told as silent long before.
    let detect = "silent-after = \"10s\"";
    let beds = BEDS.map(|bed| Bed { detect, ..Bed::mqtt(bed, &format!("mats/{bed}")) });
    home.configure(&beds, &[broker(mosquitto.port()), channel(dispatch.url(), "")]);
    let daemon = Daemon::start(&home);
    streams.iter().for_each(Stream::lies);
    wait_in_bed(&daemon, &BEDS);

    mosquitto.stop();
    let fault = wait_for(&dispatch, "", "gateway-fault");
    assert_eq!((fault.fault(), fault.priority()), ("broker", "warning"));
    until_true("the service manager knows", || daemon.notes().iter().any(|note| note.contains("fault: broker")));
    mosquitto.start_again();
    let restored = wait_for(&dispatch, "", "gateway-restored");
    assert_eq!((restored.fault(), restored.closes()), ("broker", vec![fault.id()]));
    assert_eq!(alerts(&dispatch).len(), 2, "{:#?}", alerts(&dispatch));

    streams[1].leaves();
    wait_for(&dispatch, "bed-2", "rise");
    assert_eq!(alerts(&dispatch).len(), 3, "{:#?}", alerts(&dispatch));
}

#[test]
fn an_mqtt_mat_is_heard_over_tls_with_user_and_password() {
    let (home, dispatch) = (Home::new(), Dispatch::plain());
    let (ca, cert, key) = certificates(&home);
    let login = ("mats", "a password of the test");
    let access = Access::PasswordOverTls { user: login.0, password: login.1, ca: ca.clone(), cert, key };
    let mosquitto = Mosquitto::start(access);
    let password = home.secret("mqtt.password", login.1);
    let broker = format!(
        "[mqtt]\nurl = \"mqtts://localhost:{}\"\nuser = \"{}\"\npassword-file = {password:?}\nca-file = {ca:?}\n",
        mosquitto.port(),
        login.0
    );
    home.configure(&[Bed::mqtt("bed-1", "mats/bed-1")], &[broker, channel(dispatch.url(), "")]);
    let daemon = Daemon::start(&home);
    until_true("in bed", || {
        mosquitto.publish("mats/bed-1", OCCUPIED.to_string(), false);
        daemon.decided("bed-1").iter().any(|(kind, _)| kind == "in-bed")
    });
    mosquitto.publish("mats/bed-1", EMPTY.to_string(), false);
    wait_for(&dispatch, "bed-1", "rise");
}

#[test]
fn what_the_broker_has_retained_raises_nothing_and_a_live_reading_after_it_does() {
    let (home, dispatch, mosquitto) = (Home::new(), Dispatch::plain(), Mosquitto::start(Access::Open));
    // A serial mat beside it shows that alerts get through.
    let (mat, stream) = (Mat::new(), Stream::new(mosquitto.port(), "mats/bed-1"));
    let beds = [Bed::mqtt("bed-1", "mats/bed-1"), Bed::serial("bed-2", mat.port())];
    home.configure(&beds, &[broker(mosquitto.port()), channel(dispatch.url(), "")]);
    let daemon = Daemon::start(&home);
    stream.lies();
    mat.lies();
    wait_in_bed(&daemon, &BEDS[..2]);
    assert!(daemon.terminate().success());

    // The mat is silent after the restart, and all that the broker has of it is an old "nobody".
    drop(stream);
    mosquitto.publish("mats/bed-1", EMPTY.to_string(), true);
    let daemon = Daemon::start(&home);
    until_true("the broker is there", || daemon.log().iter().any(|line| line.contains("Connected to the broker")));
    mat.leaves();
    wait_for(&dispatch, "bed-2", "rise");
    mosquitto.publish("mats/bed-1", OCCUPIED.to_string(), false);
    mat.lies();
    wait_for(&dispatch, "bed-2", "return");
    assert!(alerts(&dispatch).iter().all(|told| told.bed() == "bed-2"), "{:#?}", alerts(&dispatch));

    mosquitto.publish("mats/bed-1", EMPTY.to_string(), false);
    wait_for(&dispatch, "bed-1", "rise");
    assert_eq!(alerts(&dispatch).len(), 3, "{:#?}", alerts(&dispatch));
}

fn wait_in_bed(daemon: &Daemon, beds: &[&str]) {
    for bed in beds {
        daemon.wait_decided(bed, "in-bed");
    }
}

/// Writes an authority, and a certificate of its for localhost with its key.
fn certificates(home: &Home) -> (PathBuf, PathBuf, PathBuf) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(params, authority_key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let write = |name: &str, text: String| {
        let path = home.path(name);
        fs::write(&path, text).unwrap();
        path
    };
    (write("ca.pem", authority.pem()), write("broker.pem", certificate.pem()), write("broker.key", key.serialize_pem()))
}
