//! The house keeps its walls: who may name whom, and where clocks, sled and `unsafe` may stand.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms that may not know each other, and what each may use beside the ground floor.
const ROOMS: &[&str] = &["sensor", "detect", "store", "dispatch", "action", "power", "control"];

/// What stands under every room.
const GROUND_FLOOR: &[&str] = &["model", "blocking", "clock", "secret", "tls", "whole"];

/// Rooms and files that do no I/O, read no clock and draw no random number.
const PURE: &[&str] = &[
    "model",
    "detect",
    "simulate",
    "sensor/decode",
    "dispatch/policy.rs",
    "dispatch/queue",
    "dispatch/outcome.rs",
    "gateway/ledger.rs",
    "gateway/faults.rs",
    "power/judge.rs",
    "control/access.rs",
    "control/protocol.rs",
    "control/status.rs",
    "cli/replay/plot",
    "cli/doctor/bytes.rs",
    "cli/doctor/line.rs",
    "cli/report/input.rs",
    "cli/report/night.rs",
    "cli/report/output.rs",
    "cli/report/page.rs",
    "cli/report/words.rs",
    "cli/init/guess.rs",
    "cli/init/home.rs",
    "cli/init/template.rs",
    "config/meaning.rs",
];

/// What a pure room never names.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::io",
    "std::thread",
    "std::process",
    "std::env",
    "Instant",
    "SystemTime",
    "tokio",
    "async ",
    "await",
    "getrandom",
    "tracing::",
    "crate::clock",
    "println!",
    "eprintln!",
];

/// Where a system call is made that no safe crate offers, each explained in its place.
const UNSAFE: &[&str] = &["clock.rs", "sensor/serial.rs", "control/peer.rs"];

fn files(below: &str) -> Vec<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(below);
    if path.is_file() {
        return vec![path];
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let below = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
            found.extend(files(below.to_str().unwrap()));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

/// The code of a file, without comments and without its tests.
fn code(path: &Path) -> String {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let whole = inside.components().any(|part| part.as_os_str() == "tests") || inside.ends_with("tests.rs");
    if whole || inside.ends_with("dispatch/storm.rs") {
        return String::new();
    }
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// The rooms that a file names by `crate::…`, also inside `crate::{…}`.
fn named(code: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for (place, _) in code.match_indices("crate::") {
        let rest = &code[place + "crate::".len()..];
        let word =
            |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 1_u32;
            let end = group
                .char_indices()
                .find_map(|(at, c)| {
                    depth = match c {
                        '{' => depth + 1,
                        '}' => depth - 1,
                        _ => depth,
                    };
                    (depth == 0).then_some(at)
                })
                .unwrap_or(group.len());
            let mut depth = 0_i32;
            let top: String = group[..end]
                .chars()
                .filter(|c| {
                    depth += i32::from(*c == '{') - i32::from(*c == '}');
                    depth == 0
                })
                .collect();
            rooms.extend(top.split(',').map(word).filter(|room| !room.is_empty()));
        } else {
            rooms.push(word(rest));
        }
    }
    rooms
}

fn assert_knows_only(room: &str, allowed: &[&str]) {
    for path in files(room) {
        for other in named(&code(&path)) {
            let known = other == room || allowed.contains(&other.as_str());
            assert!(known, "{}: {room} must not name {other}", path.display());
        }
    }
}

#[test]
fn the_rooms_know_only_the_ground_floor() {
    for room in ROOMS.iter().filter(|room| Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room).is_dir()) {
        assert_knows_only(room, GROUND_FLOOR);
    }
}

#[test]
fn the_ground_floor_and_the_simulator_know_nobody_above() {
    assert_knows_only("model", &[]);
    assert_knows_only("simulate", &["model"]);
}

#[test]
fn the_configuration_makes_settings_and_knows_no_wiring() {
    assert_knows_only(
        "config",
        &["model", "clock", "secret", "tls", "whole", "sensor", "detect", "store", "dispatch", "action", "power"],
    );
}

#[test]
fn pure_rooms_do_no_io_and_read_no_clock() {
    for room in PURE {
        for path in files(room) {
            let code = code(&path);
            for word in IMPURE {
                assert!(!code.contains(word), "{}: a pure room names `{word}`", path.display());
            }
        }
    }
}

#[test]
fn sled_is_named_in_the_store_alone_and_unsafe_stands_where_it_is_explained() {
    for path in files("") {
        let code = code(&path);
        let place = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap().to_owned();
        if !place.starts_with("store") && place != Path::new("telemetry.rs") {
            assert!(!code.contains("sled::"), "{} names sled", place.display());
        }
        if !UNSAFE.iter().any(|allowed| place == Path::new(allowed)) {
            assert!(!code.contains("unsafe {"), "{} has unsafe code", place.display());
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for path in files("") {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//!"), "{} opens without saying what it is for", path.display());
    }
}

#[test]
fn main_is_a_thin_front() {
    let main = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/main.rs")).unwrap();
    assert!(main.lines().count() <= 40);
}

#[test]
fn the_technicians_pages_have_a_section_on_each_fault() {
    let words: Vec<&str> = nattvakt::model::MatFault::ALL.iter().map(|fault| fault.as_str()).collect();
    let of_gateway = nattvakt::model::GatewayFault::ALL.iter().map(|fault| fault.as_str());
    for name in ["docs/technician.md", "docs/tekniker.md"] {
        let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
        for word in words.iter().copied().chain(of_gateway.clone()) {
            assert!(page.contains(&format!("\n### `{word}`: ")), "{name} has nothing on {word}");
        }
    }
}

#[test]
fn the_file_for_cross_knows_both_arm_targets_with_their_linkers() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("cross.toml")).unwrap();
    let file: toml::Table = text.parse().unwrap();
    for (target, gcc) in [("aarch64-unknown-linux-gnu", "aarch64"), ("armv7-unknown-linux-gnueabihf", "arm")] {
        let linker = format!("CARGO_TARGET_{}_LINKER={gcc}-linux-gnu", target.to_uppercase().replace('-', "_"));
        let settings = file["target"][target].as_table().unwrap();
        assert!(settings["env"]["passthrough"].as_array().unwrap()[0].as_str().unwrap().starts_with(&linker));
        assert!(
            settings["pre-build"].as_array().unwrap()[1].as_str().unwrap().contains(&format!("gcc-{gcc}-linux-gnu"))
        );
    }
}
