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

use std::io::{self, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use nix::unistd::alarm;

use super::medium::{Direction, Medium};
use super::trouble::Trouble;

/// What each line of ours begins with.
pub(super) const MARK: &str = "nattvakt-store ";

/// What the reader is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Only whether everything can be read.
    Proof,
    /// Everything that can be read: alerts and states, and the journal from its end on.
    Entries,
}

/// Reads the store in `folder`, which nobody else may have open, and says on `out` what became of it. Ends the process
/// after `seconds`, whatever the engine is doing.
///
/// # Errors
///
/// Fails where nobody listens.
pub fn read(folder: &Path, wanted: Wanted, seconds: u32, out: &mut impl Write) -> io::Result<()> {
    alarm::set(seconds);
    let result = Medium::open(folder).and_then(|medium| match wanted {
        Wanted::Proof => medium.walk(b"", b"\xff", Direction::Forward, |_, _| true),
        Wanted::Entries => tell_entries(&medium, out),
    });
    match result {
        Ok(()) => writeln!(out, "{MARK}end whole")?,
        Err(Trouble::Damaged { what, .. }) => writeln!(out, "{MARK}end broken {}", one_line(&what))?,
        Err(trouble) => writeln!(out, "{MARK}end away {}", one_line(&trouble.to_string()))?,
    }
    out.flush()
}

fn tell_entries(medium: &Medium, out: &mut impl Write) -> Result<(), Trouble> {
    let mut tell = |key: &[u8], record: &[u8]| {
        let [key, record] = [key, record].map(|bytes| STANDARD_NO_PAD.encode(bytes));
        writeln!(out, "{MARK}entry {key} {record}").is_ok()
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
    result.and(medium.walk(b"j", b"k", Direction::Backward, &mut tell))
}

fn one_line(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect()
}
