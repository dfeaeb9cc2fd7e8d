//! The log: bounded while something stays broken, sound JSON where asked for, and never in the way of an alert.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use nattvakt::sensor::simulated::SimulatedLine;
use serde_json::Value;

use crate::mosquitto::{Access, Mosquitto};
use crate::receiver::{Answer, Dispatch};
use crate::rig::{Daemon, Home, Topic, broker, channel, eventually, mqtt_bed, rise, serial_bed, told, wait_until_told};

#[test]
fn what_stays_broken_has_a_handful_of_lines() {
    let (home, dispatch) = (Home::new(), Dispatch::plain());
    let (well, noisy) = (SimulatedLine::open().unwrap(), SimulatedLine::open().unwrap());
    let tables = [
        broker(1, ""),
        mqtt_bed("away"),
        serial_bed("missing", &home.path("no-such-port")),
        serial_bed("noisy", noisy.port()),
        serial_bed("well", well.port()),
        channel("d", dispatch.url(), ""),
    ];
    dispatch.otherwise(Answer::status(500));
    let daemon = Daemon::start(&home.configure(&tables));
    for _ in 0..10 {
        rise("well", &well, &dispatch);
    }
    // Noise for as long as it takes to be a fault, a dispatch that fails again and again, a broker long enough away.
    eventually("all of it has been broken for a while", || {
        noisy.send_bytes(b"noise, noise\n").unwrap();
        let log = daemon.log();
        let faults = ["fault=\"broker\"", "fault=\"dispatch\""].iter().all(|fault| log.contains(fault));
        let mat_fault = told(&dispatch).iter().any(|words| words == "sensor-fault implausible noisy");
        (faults && mat_fault && dispatch.requests().len() > 40).then_some(())
    });
    let log = daemon.stop_well();
    let count_of = |words: &str| log.lines().filter(|line| line.contains(words)).count();
    assert_eq!(count_of("Serial port is lost"), 1, "{log}");
    assert_eq!(count_of("Connection to the broker is lost"), 1, "{log}");
    assert_eq!(count_of("does not work"), 1, "{log}");
    assert_eq!(count_of("Serial lines rejected"), 1, "{log}");
    assert_eq!(count_of("A fault of the gateway has begun"), 2, "{log}");
    let beside_events = log.lines().filter(|line| !line.contains("Event decided")).count();
    assert!(beside_events <= 20, "{beside_events} lines:\n{log}");
    let events = count_of("Event decided");
    assert!(events <= 2 * dispatch.requests().len(), "{events} events");
}

fn objects(log: &str) -> Vec<Value> {
    let object = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    log.lines().map(object).collect()
}

#[test]
fn the_log_in_json_is_an_object_a_line_with_the_names_of_spans_and_fields() {
    let (home, dispatch, line) = (Home::new(), Dispatch::plain(), SimulatedLine::open().unwrap());
    let mosquitto = Mosquitto::start(Access::Open);
    let tables = [
        broker(mosquitto.port(), ""),
        mqtt_bed("topic"),
        serial_bed("line", line.port()),
        channel("larm", dispatch.url(), ""),
    ];
    dispatch.then([Answer::status(500), Answer::status(500)]);
    let daemon = Daemon::start_with(&home.configure(&tables), |command| {
        command.args(["--log", "json"]).env("RUST_LOG", "nattvakt=debug");
    });
    rise("line", &line, &dispatch);
    rise("topic", &Topic(&mosquitto, "topic"), &dispatch);
    line.send_bytes(b"noise \"with\" \\quotes\n").unwrap();
    daemon.wait_for_line(&["Serial lines rejected"]);
    let log = objects(&daemon.stop_well());

    for line in &log {
        for key in ["timestamp", "level", "message"] {
            assert!(line[key].is_string(), "{key}: {line}");
        }
        assert!(line["message"].as_str().unwrap().starts_with(char::is_uppercase), "{line}");
    }
    let in_span = |name: &str, message: &str| {
        let mut found = log.iter().filter(|line| line["message"] == message && line["span"]["name"] == name);
        found.next().unwrap_or_else(|| panic!("no `{message}` in the span {name}: {log:#?}"))["span"].clone()
    };
    assert_eq!(
        in_span("bed", "Event decided")["bed.id"].as_str().map(|bed| ["line", "topic"].contains(&bed)),
        Some(true)
    );
    let mat = in_span("mat", "Serial lines rejected");
    assert_eq!((&mat["mat.id"], &mat["port"]), (&"line".into(), &line.port().to_str().unwrap().into()));
    in_span("broker", "Connected to the broker");
    in_span("store", "Store is open");
    let delivery = in_span("delivery", "Attempt failed");
    assert!(delivery["alert.id"].as_str().is_some_and(|id| id.len() == 16), "{delivery}");
    assert_eq!((&delivery["channel"], &delivery["attempt"]), (&"larm".into(), &1.into()));
}

#[test]
fn lines_over_the_bound_are_counted_in_the_shape_of_the_others() {
    let (home, dispatch, line) = (Home::new(), Dispatch::plain(), SimulatedLine::open().unwrap());
    // Each of these ports is missing, which is worth a line or two at once.
    let mut tables: Vec<String> =
        (0..120).map(|bed| serial_bed(&format!("b{bed}"), &home.path(&format!("port-{bed}")))).collect();
    tables.push(serial_bed("well", line.port()));
    tables.push(channel("d", dispatch.url(), ""));
    let config = home.configure(&tables);
    for format in ["json", "text"] {
        let daemon = Daemon::start_with(&config, |command| {
            command.args(["--log", format]);
        });
        // It comes with the first line of a later second.
        let told = eventually("the lines that were dropped are counted", || {
            rise("well", &line, &dispatch);
            daemon.log().lines().find(|line| line.contains("Log lines were dropped")).map(str::to_owned)
        });
        assert!(told.contains("count") && told.contains("WARN"), "{told}");
        let log = daemon.stop_well();
        if format == "json" {
            objects(&log);
        }
    }
}

#[test]
fn an_alert_is_delivered_while_nobody_reads_the_log() {
    let (home, dispatch, line) = (Home::new(), Dispatch::plain(), SimulatedLine::open().unwrap());
    // A pipe that is full before the first line.
    let (mut reader, mut writer) = UnixStream::pair().unwrap();
    writer.set_nonblocking(true).unwrap();
    while writer.write_all(&[b'.'; 4096]).is_ok() {}
    writer.set_nonblocking(false).unwrap();
    let config = home.configure(&[serial_bed("bed", line.port()), channel("d", dispatch.url(), "")]);
    let daemon = Daemon::start_with(&config, |command| {
        command.env("RUST_LOG", "trace").stderr(Stdio::from(std::os::fd::OwnedFd::from(writer)));
    });
    for _ in 0..20 {
        rise("bed", &line, &dispatch);
    }
    wait_until_told(&dispatch, "return bed");
    let (status, _) = daemon.stop();
    assert!(status.success(), "{status}");
    let mut said = Vec::new();
    reader.read_to_end(&mut said).unwrap();
    assert!(said.iter().take_while(|byte| **byte == b'.').count() > 4096, "it was full indeed");
}
