//! Tracing to stderr: set-up, and the names of spans and fields.
//!
//! Logging never blocks the way of an alert: lines go through a bounded queue to a thread of their own, and what does
//! not fit, or exceeds the rate, is dropped and counted. No readings, no secrets, no ids of residents.
//!
//! | span | where | fields |
//! |---|---|---|
//! | `bed` | the task of a bed | `bed.id` |
//! | `mat` | the way in to a mat | `mat.id`, `port` |
//! | `broker` | the way in to all MQTT mats | — |
//! | `delivery` | one attempt | `alert.id`, `channel`, `attempt` |
//! | `store` | the owner thread | — |
//!
//! Levels: TRACE a frame, DEBUG a branch taken, INFO a change that a user would notice, WARN somebody should look,
//! ERROR something is lost or stopped. A failure that repeats is logged when it begins and when it ends.

use std::io::{self, Write};
use std::time::Duration;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::clock;
use crate::model::Moment;

/// Lines that wait for stderr at most; beyond it new ones are dropped.
const WAITING_LINES_MAX: usize = 2048;

/// Lines a second at most: journald itself drops beyond 10,000 in 30 s, and an SD card wears.
const LINES_A_SECOND_MAX: u32 = 50;

/// What others' code may say at most, whatever `RUST_LOG` asks of everything: sled shows what it stores, and rumqttc
/// whole packets, and with them readings, where it meets one that it did not expect.
const OTHERS: [&str; 2] = ["sled=error", "rumqttc=off"];

/// The shape of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging. The guard writes out what waits when it is dropped: keep it to the end of the program.
///
/// The level comes from `RUST_LOG`, `info` where that is not set.
#[must_use = "dropping the guard ends the log"]
pub fn start(format: Format) -> WorkerGuard {
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(WAITING_LINES_MAX)
        .thread_name("log")
        .finish(Limited::new(io::stderr(), format));
    let filter = filter();
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false).with_target(false);
    let registry = tracing_subscriber::registry().with(filter);
    let under_journal = std::env::var_os("JOURNAL_STREAM").is_some();
    match format {
        Format::Json => registry.with(layer.json().flatten_event(true)).init(),
        // The journal has its own time stamp.
        Format::Text if under_journal => registry.with(layer.without_time()).init(),
        Format::Text => registry.with(layer).init(),
    }
    log_panics();
    guard
}

fn filter() -> EnvFilter {
    let asked = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    OTHERS.iter().filter_map(|directive| directive.parse().ok()).fold(asked, EnvFilter::add_directive)
}

/// A panic is a log line like any other, with its place and without a message that could hold data of a resident.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let error = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text");
        tracing::error!(place, error, "A part of the program failed");
    }));
}

/// Passes on a bounded number of lines a second, and says how many it dropped.
struct Limited<W> {
    to: W,
    format: Format,
    second: Moment,
    lines: u32,
    dropped: u64,
}

impl<W: Write> Limited<W> {
    fn new(to: W, format: Format) -> Self {
        Self { to, format, second: clock::moment(), lines: 0, dropped: 0 }
    }

    /// Says how many lines were dropped, as a line like any other.
    fn tell_dropped(&mut self) -> io::Result<()> {
        let count = std::mem::take(&mut self.dropped);
        let words = "Log lines were dropped: too many in a second";
        match self.format {
            Format::Json => {
                let timestamp = clock::utc();
                let line = serde_json::json!({
                    "timestamp": timestamp.to_string(), "level": "WARN", "message": words, "count": count,
                });
                writeln!(self.to, "{line}")
            }
            Format::Text => writeln!(self.to, " WARN {words} count={count}"),
        }
    }
}

impl<W: Write> Write for Limited<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let now = clock::moment();
        if now.since(self.second) >= Duration::from_secs(1) {
            self.second = now;
            self.lines = 0;
            if self.dropped > 0 {
                self.tell_dropped()?;
            }
        }
        self.lines = self.lines.saturating_add(1);
        if self.lines > LINES_A_SECOND_MAX {
            self.dropped += 1;
        } else {
            self.to.write_all(line)?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_lines_is_cut_and_counted() {
        for format in [Format::Text, Format::Json] {
            let mut limited = Limited::new(Vec::new(), format);
            for _ in 0..1000 {
                limited.write_all(b"line\n").unwrap();
            }
            assert_eq!(limited.to.len(), 5 * LINES_A_SECOND_MAX as usize);
            limited.second = limited.second - Duration::from_secs(2);
            limited.write_all(b"line\n").unwrap();
            let text = String::from_utf8(limited.to).unwrap();
            let told = text.lines().find(|line| line.contains("were dropped")).unwrap();
            assert!(told.contains("950"), "{told}");
            let is_json = serde_json::from_str::<serde_json::Value>(told).is_ok_and(|line| line["count"] == 950);
            assert_eq!(is_json, format == Format::Json, "{told}");
        }
    }
}
