//! From a reading to a POST that dispatch can verify.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nattvakt::dispatch::https::signature::Keys;
use serde_json::json;

use crate::dispatch::{Authority, Dispatch};
use crate::mosquitto::{Access, Mosquitto};
use crate::rig::{
    Bed, Daemon, EMPTY, Home, Mat, OCCUPIED, Told, alerts, assert_same_time, broker, channel, now_floor, wait_for,
    wait_for_all,
};

const TOKEN: &str = "a-token-of-the-test";
const KEY: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

/// A dispatch service over HTTPS with an authority of its own, and the lines of a configuration that fit it.
fn secure_dispatch(home: &Home) -> (Authority, Dispatch, String) {
    let authority = Authority::new();
    let dispatch = Dispatch::tls(authority.server("localhost"));
    let (token, key) = (home.secret("dispatch.token", TOKEN), home.secret("dispatch.key", KEY));
    let more = format!(
        "token-file = {token:?}\nsigning-key-file = {key:?}\nca-file = {:?}\nreceipt = true\n",
        authority.file()
    );
    let channel = channel(dispatch.url(), &more);
    (authority, dispatch, channel)
}

/// Asserts that dispatch can trust and read it: headers, signature, envelope.
fn assert_to_the_contract(told: &Told, bed: &str) {
    let request = &told.request;
    assert_eq!(request.header("content-type"), "application/cloudevents+json");
    assert_eq!(request.header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(request.header("webhook-id"), told.id());
    let timestamp = request.header("webhook-timestamp");
    let signature = request.header("webhook-signature");
    assert!(Keys::parse(KEY).unwrap().verify(told.id(), timestamp, request.body.as_bytes(), signature), "{signature}");
    let sent = timestamp.parse::<i64>().unwrap();
    assert!((told.decided().as_second()..=Timestamp::now().as_second()).contains(&sent), "{sent}");

    assert_eq!(told.id().len(), 16);
    assert!(told.id().bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()), "{}", told.id());
    assert_eq!(told.sequence().len(), 16);
    assert!(told.sequence().bytes().all(|byte| byte.is_ascii_digit()), "{}", told.sequence());
    for (name, value) in [
        ("specversion", json!("1.0")),
        ("source", json!("urn:nattvakt:4601234567")),
        ("type", json!(format!("se.nattvakt.{}.v1", told.kind()))),
        ("subject", json!(bed)),
        ("datacontenttype", json!("application/json")),
        ("time", told.body["data"]["time"].clone()),
    ] {
        assert_eq!(told.body[name], value, "{name}");
    }
}

/// Asserts that this is the rise that began at `left`, sure `confirm` later, and that it was told once and first.
fn assert_rise(rise: &Told, left: Timestamp, confirm: Duration) {
    assert_to_the_contract(rise, "bed-1");
    let expected = json!({
        "time": rise.body["data"]["time"], "decided": rise.body["data"]["decided"], "bed": "bed-1", "kind": "rise",
        "watched": true, "priority": "alarm", "text": "Har lämnat sängen", "late": false,
    });
    assert_eq!(rise.body["data"], expected);
    assert!(left <= rise.time(), "{} is before she left, {left}", rise.time());
    let sure = rise.decided().duration_since(rise.time());
    let allowed = SignedDuration::try_from(confirm).unwrap() - SignedDuration::from_millis(1);
    assert!(sure >= allowed, "decided {sure:#} after it happened");
    assert!(rise.decided() <= Timestamp::now());
}

#[test]
fn a_rise_on_a_serial_mat_reaches_dispatch_over_https_verified_and_once_and_her_return_closes_it() {
    let (home, mat) = (Home::new(), Mat::new());
    let (_authority, dispatch, channel) = secure_dispatch(&home);
    home.configure(&[Bed { confirm: "500ms", ..Bed::serial("bed-1", mat.port()) }], &[channel]);
    let daemon = Daemon::start(&home);
    mat.lies();
    daemon.wait_decided("bed-1", "in-bed");

    let left = mat.leaves();
    let rise = wait_for(&dispatch, "bed-1", "rise");
    assert_rise(&rise, left, Duration::from_millis(500));

    let came = mat.lies();
    let back = wait_for(&dispatch, "bed-1", "return");
    assert_to_the_contract(&back, "bed-1");
    assert_eq!((back.closes(), back.priority()), (vec![rise.id()], "info"));
    assert_eq!(back.body["data"]["text"], "Är tillbaka i sängen");
    assert!(came <= back.time());
    assert!(rise.sequence() < back.sequence());
    assert_eq!(alerts(&dispatch).len(), 2, "each was told once");
}

#[test]
fn a_rise_on_an_mqtt_mat_reaches_dispatch_over_https_verified_and_once() {
    let (home, broker_process) = (Home::new(), Mosquitto::start(Access::Open));
    let (_authority, dispatch, channel) = secure_dispatch(&home);
    let sensor = "[bed.mqtt]\ntopic = \"mats/bed-1\"\nvalue = \"/pressure\"\ntime = \"/ts\"\nrange = [0, 4095]\n";
    let bed = Bed { sensor: sensor.to_owned(), ..Bed::mqtt("bed-1", "") };
    home.configure(&[bed], &[broker(broker_process.port()), channel]);
    // The sensor's clock is decades off, as real ones are.
    let publish = |pressure: f64, second: u32| {
        broker_process.publish("mats/bed-1", format!(r#"{{"pressure":{pressure},"ts":{second}}}"#), false);
    };
    let daemon = Daemon::start(&home);
    // A message before the subscription goes nowhere; the first that arrives arms the bed.
    let mut second = 0;
    crate::rig::until_true("in bed", || {
        second += 1;
        publish(OCCUPIED, second);
        daemon.decided("bed-1").iter().any(|(kind, _)| kind == "in-bed")
    });

    let left = now_floor();
    publish(EMPTY, second + 1);
    let rise = wait_for(&dispatch, "bed-1", "rise");
    assert_rise(&rise, left, Duration::ZERO);

    publish(OCCUPIED, second + 2);
    let back = wait_for(&dispatch, "bed-1", "return");
    assert_eq!(back.closes(), [rise.id()]);
    assert_eq!(alerts(&dispatch).len(), 2, "each was told once");
}

#[test]
fn who_does_not_come_back_is_told_again_and_again_until_the_return_closes_it_all() {
    let (home, mat, dispatch) = (Home::new(), Mat::new(), Dispatch::plain());
    let alarm = "not-returned = \"1s\"\nrepeat = \"2s\"";
    home.configure(&[Bed { alarm, ..Bed::serial("bed-1", mat.port()) }], &[channel(dispatch.url(), "")]);
    let daemon = Daemon::start(&home);
    mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    mat.leaves();
    let late = wait_for_all(&dispatch, "bed-1", "not-returned", 2);
    mat.lies();
    let back = wait_for(&dispatch, "bed-1", "return");

    let all = alerts(&dispatch);
    let rise = &all[0];
    assert_eq!(rise.kind(), "rise");
    assert_same_time(late[0].time(), rise.time() + SignedDuration::from_secs(1));
    assert_same_time(late[1].time(), rise.time() + SignedDuration::from_secs(3));
    assert!(late.iter().all(|late| late.priority() == "alarm"));
    assert_eq!(late[0].body["data"]["text"], "Har inte kommit tillbaka");
    let before: Vec<&str> = all.iter().take_while(|told| told.kind() != "return").map(Told::id).collect();
    assert_eq!(back.closes(), before);
    assert!(all.windows(2).all(|pair| pair[0].sequence() < pair[1].sequence()), "sequences grow");
}
