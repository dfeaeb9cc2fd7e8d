//! Floods of bad input leave nothing behind in memory.

use std::fs;

use nattvakt::sensor::simulated::SimulatedLine;

use crate::broker::OddBroker;
use crate::payloads::Odd;
use crate::receiver::Dispatch;
use crate::rig::{Daemon, Home, broker, channel, mqtt_bed, pour, rise, serial_bed};

/// What a run may grow by, in KiB: far above what the allocator does by itself, far below what the floods are together.
const GROWTH_KIB_MAX: u64 = 20 * 1024;

fn resident_kib(daemon: &Daemon) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn floods_of_bad_input_leave_nothing_behind_in_memory() {
    let (home, dispatch) = (Home::new(), Dispatch::plain());
    let (odd, line) = (OddBroker::start(false), SimulatedLine::open().unwrap());
    let tables =
        [broker(odd.port(), ""), mqtt_bed("bed"), serial_bed("serial", line.port()), channel("d", dispatch.url(), "")];
    let daemon = Daemon::start(&home.configure(&tables));
    rise("bed", &Odd(&odd), &dispatch);
    rise("serial", &line, &dispatch);
    let before = resident_kib(&daemon);

    pour(&line, &vec![b'7'; 1_000_000]);
    pour(&line, b"\n");
    let deep = [b"{\"pressure\":".to_vec(), vec![b'['; 5_000]].concat();
    for number in 0..10_000 {
        odd.publish("mats/bed", if number % 2 == 0 { b"{\"pressure\":\"no number\"}" } else { &deep });
    }
    for number in 0..2_000 {
        odd.publish(&format!("nobody/reads/this/{number}"), &vec![b'7'; 10_000]);
    }
    // What was sent before it has been read once this has arrived.
    rise("bed", &Odd(&odd), &dispatch);
    rise("serial", &line, &dispatch);
    let after = resident_kib(&daemon);
    println!("resident: {before} KiB before the floods, {after} KiB after them");
    assert!(after < before + GROWTH_KIB_MAX, "{before} KiB before the floods, {after} KiB after them");
    daemon.stop_well();
}
