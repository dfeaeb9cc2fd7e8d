//! Whole files in, findings or settings out.

mod hostile;
mod mistakes;

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::detect::{Alarm, Confirm};
use crate::dispatch::{Delivery, Order, Way};
use crate::model::Watch;
use crate::sensor::{Columns, Payload, Sensor};

/// The example of the contract, as it stands there.
const CONTRACT: &str = r#"[gateway]
id = "4601234567"                  # this home, as dispatch knows it
time-zone = "Europe/Stockholm"
language = "sv"                    # of the texts that staff get: sv | en
clock = "ntp"                      # ntp: trusted once synchronised | rtc: trusted as it is

[store]
path = "/var/lib/nattvakt"
keep = "35d"

[mqtt]                             # the broker that MQTT mats talk to; this is the default
url = "mqtt://127.0.0.1:1883"
# user, password-file, ca-file, client-cert-file, client-key-file

[[bed]]
id = "bed-1"
watch = { from = "22:00", to = "07:00" }      # or "always"

[bed.mqtt]
topic = "mats/bed-1/pressure"
value = "/pressure"                # RFC 6901 pointer into JSON; a list of them for several zones; without it the payload is a number
time = "/ts"                       # optional; RFC 3339, or Unix seconds or milliseconds
range = [0, 4095]                  # optional, of each zone: what the sensor can say
invert = false                     # true: load makes the value fall

[bed.detect]
confirm = "auto"                   # as soon as the evidence allows; or a fixed time: "0s" (any reading in range decides), "1s", "3s"
settle = "10s"                     # lying this long arms the bed; "0s": the first reading does
# empty = 110                      # optional levels in the sensor's own unit, a number or a list; learnt where not given
# occupied = 620
silent-after = "auto"

[bed.alarm]
rise = true                        # alarm at once
not-returned = "15min"             # and when not back by then; "off" for never
repeat = "30min"                   # and again
edge = false
# not-in-bed = "23:30"
# not-up = "09:30"

[[bed]]
id = "bed-2"
watch = "always"

[bed.serial]
port = "/dev/serial/by-id/usb-mat-2"
baud = 115200
separator = ","                    # text lines; columns from 0
value = 1                          # a list of columns for several zones

[delivery]
order = "fallback"                 # the channels in turn; or "all"
give-up-after = "10s"              # then the next channel is tried as well

[[dispatch]]
name = "larmcentral"
heartbeat = "1min"
[dispatch.https]
url = "https://dispatch.example/alerts"
token-file = "/etc/nattvakt/dispatch.token"      # optional; Authorization: Bearer
signing-key-file = "/etc/nattvakt/dispatch.key"  # optional; whsec_…, a line each while keys rotate
ca-file = "/etc/nattvakt/ca.pem"                 # optional, beside the system's
# client-cert-file, client-key-file; receipt = true: acceptance must name the id
"#;

const ANNOTATED: &str = include_str!("../../../config/nattvakt.toml");
const MINIMAL: &str = include_str!("../../../config/minimal.toml");

/// Joins lines to a text again.
fn text_of<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}

/// With one of them alone there would be a warning.
const TWO_CHANNELS: &str = "[[dispatch]]\nname = \"first\"\n[dispatch.https]\nurl = \"https://a.example/\"\n\
                            [[dispatch]]\nname = \"second\"\n[dispatch.https]\nurl = \"https://b.example/\"\n";

/// Completes a piece of a file with the tables that it does not have, at its end.
fn complete(piece: &str) -> String {
    let mut text = piece.to_owned();
    for (head, table) in [
        ("[gateway", "[gateway]\nid = \"1\"\n"),
        ("[bed", "[[bed]]\nid = \"last\"\n[bed.mqtt]\ntopic = \"last\"\n"),
        ("[dispatch", TWO_CHANNELS),
    ] {
        if !piece.contains(head) {
            text.push('\n');
            text.push_str(table);
        }
    }
    text
}

/// What is found, each as `line:column severity: message`.
fn findings(text: &str) -> Vec<String> {
    let report = match parse(text, "f", Looks::Elsewhere) {
        Ok(sound) => sound.report,
        Err(ConfigError::Unsound { report, .. }) => report,
        Err(other) => panic!("{other}"),
    };
    report.findings().iter().map(|one| report.line(one).replacen("f:", "", 1)).collect()
}

/// Asserts what is found in a piece, by place and beginning.
#[track_caller]
fn assert_finds(piece: &str, expected: &[&str]) {
    let found = findings(&complete(piece));
    let same = found.len() == expected.len() && found.iter().zip(expected).all(|(one, start)| one.starts_with(start));
    assert!(same, "in\n{piece}\nexpected {expected:#?}\nfound {found:#?}");
}

fn sound(text: &str) -> Config {
    parse(text, "f", Looks::Elsewhere).unwrap().config
}

#[test]
fn the_contracts_example_works_as_it_stands() {
    let config = sound(CONTRACT);
    assert_eq!(config.gateway.id.as_str(), "4601234567");
    assert_eq!(config.gateway.zone.iana_name(), Some("Europe/Stockholm"));
    let broker = config.broker.unwrap();
    assert_eq!((broker.host.as_str(), broker.port, broker.tls), ("127.0.0.1", 1883, None));
    let [one, two] = config.beds.as_slice() else { panic!("two beds") };
    let Sensor::Mqtt(mqtt) = &one.sensor else { panic!("MQTT") };
    assert_eq!(mqtt.payload, Payload::Zones(vec!["/pressure".to_owned()]));
    assert_eq!(mqtt.time.as_deref(), Some("/ts"));
    assert_eq!(one.detect.range, Some((0.0, 4095.0)));
    assert!(matches!(one.detect.watch, Watch::Window(_)));
    let Sensor::Serial(serial) = &two.sensor else { panic!("serial") };
    assert_eq!(serial.columns, Columns::Zones(vec![1]));
    assert_eq!(two.detect.watch, Watch::Always);
    let Way::Https(https) = &config.channels[0].way;
    assert_eq!(https.url, "https://dispatch.example/alerts");
    assert_eq!(https.tls.ca.as_deref(), Some(Path::new("/etc/nattvakt/ca.pem")));
}

#[test]
fn every_key_but_the_few_has_the_documented_default() {
    let config = sound(MINIMAL);
    assert_eq!(config.gateway.zone.iana_name(), Some("Europe/Stockholm"));
    assert_eq!((config.gateway.language, config.gateway.clock), (Language::Sv, ClockSource::Ntp));
    assert_eq!(config.gateway.test_every, Some(Duration::from_secs(90 * 24 * 3600)));
    assert_eq!(config.store, store::Settings::default());
    assert_eq!(config.broker, Some(sensor::BrokerSettings::default()));
    let bed = &config.beds[0];
    assert_eq!((bed.detect.watch.clone(), bed.detect.confirm), (Watch::Always, Confirm::Auto));
    assert_eq!(bed.detect.settle, Duration::from_secs(10));
    assert_eq!((bed.detect.zones, bed.detect.contact, bed.detect.invert), (1, false, false));
    assert_eq!((&bed.detect.empty, &bed.detect.occupied, bed.detect.silent_after), (&None, &None, None));
    assert_eq!(bed.detect.alarm, Alarm::default());
    assert_eq!(config.delivery, Delivery { order: Order::Fallback, give_up_after: Duration::from_secs(10) });
    let channel = &config.channels[0];
    assert_eq!((channel.name.as_str(), channel.heartbeat), ("dispatch-1", Some(Duration::from_secs(60))));
}

#[test]
fn what_the_annotated_file_sets_is_what_it_documents() {
    // Set otherwise than by default in the annotated file, for show or because they have no default.
    let shown = [
        "id",
        "topic",
        "port",
        "url",
        "watch",
        "range",
        "time",
        "not-in-bed",
        "name",
        "value",
        "on",
        "bed",
        "payload",
        "run",
    ];
    let set = |line: &&str| shown.iter().all(|key| !line.starts_with(&format!("{key} =")));
    let kept = |line: &&str| !set(line) || line.starts_with('[') || line.contains("-file = ");
    let without_defaults = text_of(ANNOTATED.lines().filter(kept));
    assert!(without_defaults.len() < ANNOTATED.len() / 2);
    assert_eq!(sound(ANNOTATED), sound(&without_defaults));
}

#[test]
fn the_annotated_file_names_every_key() {
    let keys = [
        "id",
        "time-zone",
        "language",
        "clock",
        "test-every",
        "path",
        "keep",
        "url",
        "allow-plaintext",
        "user",
        "password-file",
        "ca-file",
        "client-cert-file",
        "client-key-file",
        "watch",
        "topic",
        "value",
        "contact",
        "time",
        "range",
        "invert",
        "confirm",
        "settle",
        "edge-sensitivity",
        "empty",
        "occupied",
        "silent-after",
        "rise",
        "not-returned",
        "repeat",
        "edge",
        "not-in-bed",
        "not-up",
        "port",
        "baud",
        "separator",
        "line",
        "lost",
        "order",
        "give-up-after",
        "name",
        "heartbeat",
        "token-file",
        "signing-key-file",
        "receipt",
        "on",
        "bed",
        "payload",
        "run",
    ];
    for key in keys {
        let there = ANNOTATED.lines().any(|line| line.trim_start_matches("# ").starts_with(&format!("{key} = ")));
        assert!(there, "{key} is not in config/nattvakt.toml");
    }
    // With every line that only shows a key uncommented, no key is unknown.
    let uncommented = |line: &'static str| match line.strip_prefix("# ") {
        Some(rest) if keys.iter().any(|key| rest.starts_with(&format!("{key} = "))) => rest,
        _ => line,
    };
    let all = text_of(ANNOTATED.lines().map(uncommented));
    let found = findings(&all);
    assert!(found.iter().all(|one| !one.contains("unknown")), "{found:#?}");
}

#[test]
fn every_file_in_config_is_sound() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let sound = load(&path, Looks::Elsewhere).unwrap_or_else(|error| panic!("{error}"));
        // The least that a home needs has one way to dispatch, and is warned of that alone.
        let warnings = usize::from(path.ends_with("minimal.toml"));
        assert_eq!(sound.report.warnings(), warnings, "{}", sound.report);
        count += 1;
    }
    assert!(count >= 5);
}

#[test]
fn a_replay_needs_no_channel_and_takes_levels_for_other_zones() {
    let text = "[gateway]\nid = \"1\"\n[[bed]]\nid = \"b\"\nmqtt.topic = \"t\"\ndetect.empty = [1, 2]\n";
    assert!(parse(text, "f", Looks::Elsewhere).is_err());
    let config = parse(text, "f", Looks::Replay).unwrap().config;
    assert_eq!(config.beds[0].detect.empty, Some(vec![1.0, 2.0]));
    assert!(config.channels.is_empty());
}

#[test]
fn actions_are_read_and_need_the_broker_where_they_publish() {
    let config = sound(&complete(
        "[[action]]\non = \"edge\"\n[action.mqtt]\ntopic = \"lamp\"\npayload = \"\"\n\
         [[action]]\non = [\"rise\", \"dispatch-lost\"]\nbed = \"b\"\n[action.command]\nrun = [\"/bin/true\", \"x\"]\n\
         [[bed]]\nid = \"b\"\nserial.port = \"/dev/x\"\n",
    ));
    assert_eq!(config.broker, Some(sensor::BrokerSettings::default()));
    let [light, buzzer] = config.actions.as_slice() else { panic!("two actions") };
    assert_eq!(light.way, action::Way::Mqtt { topic: "lamp".to_owned(), payload: String::new() });
    assert_eq!((light.bed, buzzer.bed), (None, "b".parse().ok()));
    assert_eq!(buzzer.on, [action::Trigger::Rise, action::Trigger::DispatchLost]);
    assert_eq!(buzzer.way, action::Way::Command(vec!["/bin/true".to_owned(), "x".to_owned()]));
}

#[test]
fn mistakes_in_actions_are_told() {
    let action = |rest: &str| format!("[[action]]\n{rest}\n");
    let run = "command.run = \"/bin/true\"";
    for (rest, found) in [
        (run.to_owned(), "1:1: error: `on` is missing"),
        (format!("on = [\"rise\", \"egde\"]\n{run}"), "2:15: error: `on` does not know \"egde\""),
        (format!("on = []\n{run}"), "2:6: error: `on` is an empty list"),
        (format!("on = \"rise\"\nbed = \"nobody\"\n{run}"), "3:7: error: there is no bed \"nobody\""),
        ("on = \"rise\"".to_owned(), "1:1: error: this action does nothing"),
        (format!("on = \"rise\"\n{run}\nmqtt.topic = \"a\"\nmqtt.payload = \"b\""), "1:1: error: this action has two"),
        ("on = \"rise\"\ncommand.run = [\"lamp\"]".to_owned(), "3:15: error: `run` must be the path"),
        ("on = \"rise\"\nmqtt.topic = \"a/#\"\nmqtt.payload = \"b\"".to_owned(), "3:14: error: `topic` must name"),
    ] {
        assert_finds(&action(&rest), &[found]);
    }
}

#[test]
fn a_broker_that_no_bed_needs_is_left_out_and_told() {
    let piece = "[mqtt]\nurl = \"mqtts://b.example\"\n[[bed]]\nid = \"b\"\nserial.port = \"/dev/x\"\n";
    assert_finds(piece, &["1:1: warning: no bed is read over MQTT"]);
    assert_eq!(sound(&complete(piece)).broker, None);
}
