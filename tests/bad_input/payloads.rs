//! What no mat would publish.

use crate::broker::OddBroker;
use crate::mosquitto::{Access, Mosquitto};
use crate::receiver::Dispatch;
use crate::rig::{Daemon, Home, Mat, Topic, broker, channel, mqtt_bed, rise, told};

/// Payloads that are no readings, and what the log says of them.
fn bad_payloads() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        ("empty", Vec::new(), "empty"),
        ("blank", text(" \r\n"), "empty"),
        ("utf8", b"{\"pressure\":\"\xff\xfe\"}".to_vec(), "no UTF-8 text"),
        ("nojson", text("pressure=617.25"), "no sound JSON"),
        ("cut", text("{\"pressure\":617.2"), "no sound JSON"),
        ("infinite", text("{\"pressure\":1e999}"), "no sound JSON"),
        ("nan", text("{\"pressure\":NaN}"), "no sound JSON"),
        ("depth", [b"{\"pressure\":".to_vec(), vec![b'['; 30_000]].concat(), "no sound JSON"),
        ("shape", text("[617.25]"), "the configured value is missing"),
        ("key", text("{\"weight\":617.25}"), "the configured value is missing"),
        ("list", text("{\"pressure\":[617.25]}"), "the configured value is no number"),
        ("word", text("{\"pressure\":\"SENSOR_FAULT\"}"), "the configured value is no number"),
        ("long", [vec![b' '; 100_000], text("{\"pressure\":617.25}")].concat(), "longer than allowed"),
    ]
}

#[test]
fn a_payload_that_is_no_reading_is_counted_with_its_reason_and_costs_only_itself() {
    let (home, dispatch) = (Home::new(), Dispatch::plain());
    let mosquitto = Mosquitto::start(Access::Open);
    let cases = bad_payloads();
    let mut tables = vec![broker(mosquitto.port(), "")];
    tables.extend(cases.iter().map(|(bed, ..)| mqtt_bed(bed)));
    tables.push(channel("d", dispatch.url(), ""));
    // Only the lines that are looked for: there is a bound to those of a second.
    let daemon = Daemon::start_with(&home.configure(&tables), |command| {
        command.env("RUST_LOG", "nattvakt::sensor=info");
    });

    for (bed, payload, words) in &cases {
        rise(bed, &Topic(&mosquitto, bed), &dispatch);
        mosquitto.publish(&format!("mats/{bed}"), payload, false);
        let of_bed = format!("bed.id={bed} ");
        let line = daemon.wait_for_line(&["Messages rejected", &of_bed, "count=1", words]);
        assert!(line.ends_with(words), "{line}");
        rise(bed, &Topic(&mosquitto, bed), &dispatch);
    }
    assert!(!told(&dispatch).iter().any(|words| words.contains("fault")), "{:?}", told(&dispatch));
    daemon.stop_well();
}

#[test]
fn a_message_beyond_every_bound_costs_the_connection_and_no_alert() {
    let (home, dispatch) = (Home::new(), Dispatch::plain());
    let mosquitto = Mosquitto::start(Access::Open);
    let tables = [broker(mosquitto.port(), ""), mqtt_bed("bed"), channel("d", dispatch.url(), "")];
    let daemon = Daemon::start(&home.configure(&tables));
    rise("bed", &Topic(&mosquitto, "bed"), &dispatch);
    mosquitto.publish("mats/bed", vec![b'7'; 300_000], false);
    daemon.wait_for_line(&["Connection to the broker is lost", "more than 256 KiB", "mosquitto_pub"]);
    rise("bed", &Topic(&mosquitto, "bed"), &dispatch);
    daemon.stop_well();
}

#[test]
fn a_topic_that_nobody_reads_is_counted_and_not_named() {
    let (home, dispatch) = (Home::new(), Dispatch::plain());
    let odd = OddBroker::start(false);
    let tables = [broker(odd.port(), ""), mqtt_bed("bed"), channel("d", dispatch.url(), "")];
    let daemon = Daemon::start(&home.configure(&tables));
    for topic in ["", "mats", "mats/bed/x", "mats/anna-svensson", "\u{feff}"] {
        odd.publish(topic, b"{\"pressure\":617.25}");
    }
    daemon.wait_for_line(&["Messages on topics that no bed reads", "count=1"]);
    rise("bed", &Odd(&odd), &dispatch);
    let log = daemon.stop_well();
    assert!(!log.contains("anna"), "{log}");
}

/// The mat of the bed `bed` at a broker by hand.
pub(crate) struct Odd<'a>(pub(crate) &'a OddBroker);

impl Mat for Odd<'_> {
    fn say(&self, value: &str) {
        self.0.publish("mats/bed", format!("{{\"pressure\":{value}}}").as_bytes());
    }
}
