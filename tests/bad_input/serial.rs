//! What no mat would write to its serial port.

use nattvakt::sensor::simulated::SimulatedLine;

use crate::receiver::Dispatch;
use crate::rig::{Daemon, Home, Mat, channel, pour, rise, serial_bed, told, wait_until_told};

/// Lines that are no readings, and what the log says of them.
fn bad_lines() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    vec![
        ("utf8", b"\xff\xfe\x00\x07,\x80\n".to_vec(), "no UTF-8 text"),
        ("long", [vec![b'7'; 1_000_000], b"\n".to_vec()].concat(), "longer than allowed"),
        ("column", b"617.25\n".to_vec(), "the configured value is missing"),
        ("word", b"x,SENSOR_FAULT\n".to_vec(), "the configured value is no number"),
        ("comma", b"x,\n".to_vec(), "the configured value is no number"),
        ("half", b"x,61\x007.25\n".to_vec(), "the configured value is no number"),
    ]
}

#[test]
fn a_line_that_is_no_reading_is_counted_with_its_reason_and_costs_only_itself() {
    let (home, dispatch) = (Home::new(), Dispatch::plain());
    let cases = bad_lines();
    let lines: Vec<SimulatedLine> = cases.iter().map(|_| SimulatedLine::open().unwrap()).collect();
    let mut tables: Vec<String> =
        cases.iter().zip(&lines).map(|((bed, ..), line)| serial_bed(bed, line.port())).collect();
    tables.push(channel("d", dispatch.url(), ""));
    // Only the lines that are looked for: there is a bound to those of a second.
    let daemon = Daemon::start_with(&home.configure(&tables), |command| {
        command.env("RUST_LOG", "nattvakt::sensor=info,nattvakt::gateway::tasks=info");
    });

    for ((bed, bytes, words), line) in cases.iter().zip(&lines) {
        // That the port is open and in step is known once something arrives.
        rise(bed, line, &dispatch);
        pour(line, bytes);
        let port = line.port().to_str().unwrap();
        daemon.wait_for_line(&["Serial lines rejected", &format!("mat.id={bed} "), port, "count=1", words]);
        rise(bed, line, &dispatch);
    }
    assert!(!told(&dispatch).iter().any(|words| words.contains("fault")), "{:?}", told(&dispatch));
    daemon.stop_well();
}

#[test]
fn numbers_beyond_all_numbers_have_failed_and_minus_nought_is_nought() {
    let (home, dispatch) = (Home::new(), Dispatch::plain());
    let (failing, nought) = (SimulatedLine::open().unwrap(), SimulatedLine::open().unwrap());
    let at_nought = serial_bed("nought", nought.port()).replace("empty = 113.75", "empty = 0");
    let tables = [serial_bed("failing", failing.port()), at_nought, channel("d", dispatch.url(), "")];
    let daemon = Daemon::start(&home.configure(&tables));
    let before = rise("failing", &failing, &dispatch);

    // Neither somebody nor nobody: it is told as a fault of the mat once it has lasted 10 s, never as a rise.
    let rises = || told(&dispatch).iter().filter(|words| *words == "rise failing").count();
    let rises_before = rises();
    failing.say(crate::rig::LYING);
    let mut numbers = ["1e999", "NaN", "-1e999", "inf"].iter().cycle();
    crate::rig::eventually("the fault is told", || {
        failing.send_bytes(format!("x,{}\n", numbers.next()?).as_bytes()).unwrap();
        told(&dispatch).iter().any(|words| words == "sensor-fault implausible failing").then_some(())
    });
    assert_eq!(rises(), rises_before);
    let after = rise("failing", &failing, &dispatch);
    assert_ne!(before.header("webhook-id"), after.header("webhook-id"));
    wait_until_told(&dispatch, "sensor-restored implausible failing");

    // Empty is exactly 0 here; as -0 it is the same bed.
    rise("nought", &MinusNought(&nought), &dispatch);
    daemon.stop_well();
}

/// Says `-0` whenever the bed is empty.
struct MinusNought<'a>(&'a SimulatedLine);

impl Mat for MinusNought<'_> {
    fn say(&self, value: &str) {
        self.0.say(if value == crate::rig::EMPTY { "-0" } else { value });
    }
}
