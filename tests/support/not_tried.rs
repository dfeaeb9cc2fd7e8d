//! What could not be tried here, said aloud: a test that passes without trying anything must not look like one that passed.
//!
//! `cargo test` shows nothing of what a passing test writes, so it goes to a file too, which `tests/run` prints at its end.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

/// Names the file; `target/not-tried` without it.
const FILE: &str = "NATTVAKT_NOT_TRIED";

/// Says what was not tried, or only in part, and why; the name of the test is added.
pub(crate) fn not_tried(why: &str) {
    let thread = std::thread::current();
    let line = format!("{}: {why}\n", thread.name().unwrap_or("a test"));
    eprint!("NOT TRIED: {line}");
    let usual = || concat!(env!("CARGO_MANIFEST_DIR"), "/target/not-tried").into();
    let file = std::env::var_os(FILE).map_or_else(usual, PathBuf::from);
    // On a machine that has only the built tests there is no such place, and then stderr must do.
    if let Ok(mut file) = OpenOptions::new().create(true).append(true).open(file) {
        file.write_all(line.as_bytes()).expect("the list of what was not tried takes a line");
    }
}
