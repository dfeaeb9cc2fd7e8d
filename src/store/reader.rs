//! Reads a store that may be damaged, as a process of its own: what the engine does with damage, panicking, aborting or
//! never coming to an end, must not befall the watch.
//!
//! The output is lines, each beginning with [`MARK`]; others are none of ours:
//!
//! ```text
//! nattvakt-store entry <key> <record>    both base64; only where they are wanted
//! nattvakt-store end whole               everything was read
//! nattvakt-store end broken <words>      the content makes no sense from somewhere on
//! nattvakt-store end away <words>        the disk or another program keeps it from us
//! ```
//!
//! Writes nothing but what the engine writes at an opening: whoever wants to keep the store as it is hands in a copy.
//! Lives no longer than the daemon does, and is the first to go where the memory is short.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::alarm;

use super::medium::{Direction, Medium};
use super::trouble::Trouble;

/// What each line of ours begins with.
pub(super) const MARK: &str = "nattvakt-store ";

/// More entries than any store has: an engine that goes round in a circle gives no end of them.
const ENTRIES_MAX: u32 = 1_000_000;

/// What the reader is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Only whether everything can be read.
    Proof,
    /// Everything that can be read: alerts and states, and the journal from its end on.
    Entries,
}

/// Reads the store in `folder`, which nobody else may have open, and says on `out` what became of it. Ends the process
/// once the engine has taken `seconds` for a proof or for an entry, whatever it is doing; how long who listens takes
/// does not count.
///
/// # Errors
///
/// Fails where nobody listens.
pub fn read(folder: &Path, wanted: Wanted, seconds: u32, out: &mut impl Write) -> io::Result<()> {
    alarm::set(seconds);
    depend_on_the_daemon();
    let result = Medium::open(folder).and_then(|medium| match wanted {
        Wanted::Proof => medium.walk(b"", b"\xff", Direction::Forward, |_, _| true),
        Wanted::Entries => tell_entries(&medium, seconds, out),
    });
    alarm::cancel();
    match result {
        Ok(()) => writeln!(out, "{MARK}end whole")?,
        Err(Trouble::Damaged { what, .. }) => writeln!(out, "{MARK}end broken {}", one_line(&what))?,
        Err(trouble) => writeln!(out, "{MARK}end away {}", one_line(&trouble.to_string()))?,
    }
    out.flush()
}

/// An orphan would hold the engine's lock against the daemon's next life. And a damaged length can ask for all memory:
/// then it is this process that the kernel ends. Where either cannot be had it is done without.
fn depend_on_the_daemon() {
    prctl::set_pdeathsig(Signal::SIGKILL).unwrap_or_default();
    fs::write("/proc/self/oom_score_adj", "1000").unwrap_or_default();
}

fn tell_entries(medium: &Medium, seconds: u32, out: &mut impl Write) -> Result<(), Trouble> {
    let mut left = ENTRIES_MAX;
    let mut tell = |key: &[u8], record: &[u8]| {
        alarm::cancel();
        left = left.saturating_sub(1);
        let [key, record] = [key, record].map(|bytes| STANDARD_NO_PAD.encode(bytes));
        let is_heard = writeln!(out, "{MARK}entry {key} {record}").is_ok();
        alarm::set(seconds);
        is_heard && left > 0
    };
    let mut result = Ok(());
    for (from, below) in [(b"a", b"b"), (b"s", b"t")] {
        let forward = medium.walk(from, below, Direction::Forward, &mut tell);
        if forward.is_err() {
            // What lies behind the damage, up to it.
            result = forward;
            drop(medium.walk(from, below, Direction::Backward, &mut tell));
        }
    }
    let result = result.and(medium.walk(b"j", b"k", Direction::Backward, &mut tell));
    if left == 0 { Err(medium.damaged("it has no end")) } else { result }
}

fn one_line(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect()
}
