//! What the Debian package is made of: its generated parts, its files for systemd, and the crates in it.
//!
//! The package itself is built, installed and taken away again by `tests/package`, by hand.
#![expect(clippy::unwrap_used, reason = "test code")]

#[path = "../../systemd/debian/parts/bill.rs"]
mod bill;
#[path = "../../systemd/debian/parts/changelog.rs"]
mod changelog;
#[path = "../../systemd/debian/parts/commands.rs"]
mod commands;
#[path = "../../systemd/debian/parts/copyright.rs"]
mod copyright;
#[path = "../../systemd/debian/parts/crates.rs"]
mod crates;

#[path = "../support/not_tried.rs"]
#[expect(clippy::print_stderr, reason = "who reads the test's output must know what was not tried")]
mod not_tried;
mod parts;
mod supply;
mod unit;

use std::path::Path;
use std::sync::OnceLock;

use crates::Crates;

/// Every target that there is a package for.
const TARGETS: [&str; 3] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "armv7-unknown-linux-gnueabihf"];

fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The crates of each target; asked for once, which takes a moment.
fn crates() -> &'static [Crates] {
    static CRATES: OnceLock<Vec<Crates>> = OnceLock::new();
    CRATES.get_or_init(|| TARGETS.iter().map(|target| Crates::read(home(), target).unwrap()).collect())
}

/// Returns a table of Cargo.toml or .deny.toml.
fn table(file: &str) -> toml::Table {
    std::fs::read_to_string(home().join(file)).unwrap().parse().unwrap()
}
