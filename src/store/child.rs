//! This program once more, as the reader of a store (see `reader.rs`): started, heard, and never waited for longer than
//! its own limit.

use std::io::{BufRead, BufReader};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::medium::Entry;
use super::reader::{MARK, Wanted};

/// How long a proof, or the next entry, may take, in seconds. The largest store takes a few on a slow card; the engine in
/// an endless loop takes all of them.
#[cfg(not(test))]
const SECONDS_MAX: u32 = 60;
#[cfg(test)]
const SECONDS_MAX: u32 = 20;

/// The longest line that is heard: an entry of the largest record.
const LINE_BYTES_MAX: usize = 256 * 1024;

/// What became of a store that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Everything was read.
    Whole,
    /// It makes no sense from somewhere on, or the engine died of it.
    Broken(String),
    /// It did not come to an end in time: a slow disk, or an engine that never ends.
    TooSlow,
    /// The kernel ended it, as it does where a damaged length asks for more memory than there is.
    Killed,
    /// Nothing is known: another program has it, the disk fails, or no process can be started.
    Unknown(String),
}

/// Reads a store, hands on its entries where they are wanted (until `each` has enough), and says what became of it.
pub(super) fn read(folder: &Path, wanted: Wanted, mut each: impl FnMut(Entry) -> bool) -> Verdict {
    let mut command = command(folder, wanted);
    // In a group of its own: Ctrl-C is for the daemon, and a reader that it ended would look like a broken store.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Verdict::Unknown(format!("no process can be started: {error}")),
    };
    let mut end = None;
    let mut lines = child.stdout.take().map(BufReader::new);
    while let Some(line) = lines.as_mut().and_then(next_line) {
        match line {
            Line::Entry(entry) => {
                if !each(entry) {
                    break;
                }
            }
            Line::Other => {}
            Line::End(verdict) => end = Some(verdict),
        }
    }
    // With nobody who listens it ends by itself; its own limit holds in any case.
    drop(lines);
    match (end, child.wait()) {
        (Some(verdict), _) => verdict,
        (None, Ok(status)) => died(status),
        (None, Err(error)) => Verdict::Unknown(error.to_string()),
    }
}

fn died(status: std::process::ExitStatus) -> Verdict {
    match status.signal() {
        Some(libc::SIGALRM) => Verdict::TooSlow,
        // As the memory's guard does where a length was damaged.
        Some(signal @ (libc::SIGABRT | libc::SIGSEGV | libc::SIGBUS | libc::SIGILL | libc::SIGFPE)) => {
            Verdict::Broken(format!("the storage engine was ended by signal {signal}"))
        }
        Some(libc::SIGKILL) => Verdict::Killed,
        // Somebody else's signal, at the end of the program, says nothing about the store.
        Some(signal) => Verdict::Unknown(format!("the reader of stores was ended by signal {signal}")),
        None => Verdict::Unknown(format!("the reader of stores did not say what it found ({status})")),
    }
}

enum Line {
    Entry(Entry),
    End(Verdict),
    Other,
}

fn next_line(lines: &mut impl BufRead) -> Option<Line> {
    let mut line = Vec::new();
    let read = std::io::Read::take(&mut *lines, LINE_BYTES_MAX as u64).read_until(b'\n', &mut line);
    if read.ok()? == 0 {
        return None;
    }
    Some(parse(&String::from_utf8_lossy(&line)))
}

fn parse(line: &str) -> Line {
    // A test harness may have put something of its own in front.
    let Some(at) = line.find(MARK) else { return Line::Other };
    let mut words = line.get(at + MARK.len()..).unwrap_or_default().split_whitespace();
    let bytes = |word: Option<&str>| word.and_then(|word| STANDARD_NO_PAD.decode(word).ok());
    match (words.next(), words.next()) {
        (Some("end"), Some("whole")) => Line::End(Verdict::Whole),
        (Some("end"), Some("broken")) => Line::End(Verdict::Broken(words.collect::<Vec<_>>().join(" "))),
        (Some("end"), Some("away")) => Line::End(Verdict::Unknown(words.collect::<Vec<_>>().join(" "))),
        (Some("entry"), key) => match (bytes(key), bytes(words.next())) {
            (Some(key), Some(record)) => Line::Entry((key, record)),
            _ => Line::Other,
        },
        _ => Line::Other,
    }
}

#[cfg(not(test))]
fn command(folder: &Path, wanted: Wanted) -> Command {
    // Not by its name: the file may have been replaced by a newer version meanwhile.
    let mut command = Command::new("/proc/self/exe");
    command.arg("read-store").args(["--seconds", &SECONDS_MAX.to_string()]);
    command.args((wanted == Wanted::Entries).then_some("--entries")).arg(folder);
    command
}

/// The tests' program has no commands: a test of its own stands in.
#[cfg(test)]
fn command(folder: &Path, wanted: Wanted) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.args(["--exact", "store::tests::reads_a_store_as_a_child", "--nocapture", "--test-threads", "1"]);
    command.env("NATTVAKT_READ_STORE", folder).env("NATTVAKT_READ_WANTED", format!("{wanted:?}"));
    command.env("NATTVAKT_READ_SECONDS", SECONDS_MAX.to_string());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_reader_dies_says_what_the_store_is() {
        let died_of = |script: &str| died(Command::new("sh").args(["-c", script]).status().unwrap());
        assert_eq!(died_of("kill -ALRM $$"), Verdict::TooSlow);
        assert_eq!(died_of("kill -KILL $$"), Verdict::Killed);
        assert!(matches!(died_of("kill -ABRT $$"), Verdict::Broken(words) if words.contains("signal 6")));
        for script in ["exit 2", "kill -TERM $$"] {
            assert!(matches!(died_of(script), Verdict::Unknown(_)), "{script}");
        }
    }

    #[test]
    fn lines_that_are_not_ours_are_passed_over() {
        for line in ["running 1 test", "", "nattvakt-store", "nattvakt-store entry", "nattvakt-store entry ! !"] {
            assert!(matches!(parse(line), Line::Other), "{line}");
        }
        assert!(matches!(parse("test x ... nattvakt-store end whole"), Line::End(Verdict::Whole)));
        let broken = Verdict::Broken("at 5".to_owned());
        assert!(matches!(parse("nattvakt-store end broken at 5"), Line::End(verdict) if verdict == broken));
        assert!(matches!(parse("nattvakt-store entry YQ YmM"), Line::Entry(e) if e == (b"a".to_vec(), b"bc".to_vec())));
    }
}
