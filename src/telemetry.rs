//! Tracing to stderr or the journal: set-up, and the names of spans and fields.
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

mod journal;

use std::any::Any;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::OptionalWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::clock;
use crate::model::Moment;

/// Lines that wait for stderr at most; beyond it new ones are dropped.
const WAITING_LINES_MAX: usize = 2048;

/// Lines a second at most, and as many warnings: journald itself drops beyond 10,000 in 30 s, and an SD card wears.
const LINES_A_SECOND_MAX: u32 = 50;

/// What others' code may say at most, whatever `RUST_LOG` asks of everything: sled shows what it stores, and rumqttc
/// whole packets, and with them readings, where it meets one that it did not expect.
const OTHERS: [(&str, LevelFilter); 2] = [("sled", LevelFilter::ERROR), ("rumqttc", LevelFilter::OFF)];

/// The shape of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people; under systemd, entries of the journal with a field for each.
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
    let queue = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(WAITING_LINES_MAX).thread_name("log");
    let registry = tracing_subscriber::registry().with(filter(std::env::var("RUST_LOG").ok().as_deref()));
    let guard = if format == Format::Text && journal::is_stderr() {
        let (writer, guard) = queue.finish(journal::Socket::new());
        let layer = tracing_subscriber::fmt::layer().with_writer(Limited::new(writer, journal::on_dropped));
        registry.with(layer.with_ansi(false).fmt_fields(journal::Fields).event_format(journal::Entries)).init();
        guard
    } else {
        let (writer, guard) = queue.finish(io::stderr());
        let on_dropped = if format == Format::Json { json_on_dropped } else { text_on_dropped };
        let layer = tracing_subscriber::fmt::layer().with_writer(Limited::new(writer, on_dropped));
        let layer = layer.with_ansi(false).with_target(false);
        match format {
            Format::Json => registry.with(layer.json().flatten_event(true)).init(),
            Format::Text => registry.with(layer).init(),
        }
        guard
    };
    log_panics();
    guard
}

/// Levels by the places in the code that speak. `EnvFilter` could tell spans and fields apart as well, and would bring an
/// engine for regular expressions along.
fn filter(asked: Option<&str>) -> Targets {
    let info = || Targets::new().with_default(LevelFilter::INFO);
    let asked: Targets = asked.and_then(|asked| asked.parse().ok()).unwrap_or_else(info);
    let rest = asked.default_level().unwrap_or(LevelFilter::ERROR);
    asked.with_default(rest).with_targets(OTHERS)
}

/// A panic is a log line like any other, with its place.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, error = harmless(panic.payload()), "A part of the program failed");
    }));
}

/// Returns what a panic says where that stood in the source; what was put together as it ran may hold what a mat said.
fn harmless(payload: &(dyn Any + Send)) -> &'static str {
    payload.downcast_ref::<&'static str>().copied().unwrap_or("its text may hold readings and is not shown")
}

/// Passes on a bounded number of lines a second, and says how many it dropped. Warnings have an allowance of their own,
/// so that a burst of events cannot hide what somebody should look at.
struct Limited<W> {
    to: W,
    on_dropped: OnDropped,
    spent: Mutex<Spent>,
}

/// What has been passed on in a second.
struct Spent {
    second: Moment,
    lines: u32,
    warnings: u32,
    dropped: u64,
}

impl Spent {
    fn new(second: Moment) -> Self {
        Self { second, lines: 0, warnings: 0, dropped: 0 }
    }

    /// Says whether a line of `level` may pass at `now`, and how many were dropped in a second that is over.
    fn admit(&mut self, level: Level, now: Moment) -> (bool, Option<u64>) {
        let mut told = None;
        if now.since(self.second) >= Duration::from_secs(1) {
            told = Some(self.dropped).filter(|dropped| *dropped > 0);
            *self = Self::new(now);
        }
        let lines = if level <= Level::WARN { &mut self.warnings } else { &mut self.lines };
        *lines = lines.saturating_add(1);
        let admitted = *lines <= LINES_A_SECOND_MAX;
        self.dropped += u64::from(!admitted);
        (admitted, told)
    }
}

impl<W> Limited<W> {
    fn new(to: W, on_dropped: OnDropped) -> Self {
        Self { to, on_dropped, spent: Mutex::new(Spent::new(clock::moment())) }
    }

    fn admit(&self, level: Level) -> (bool, Option<u64>) {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner).admit(level, clock::moment())
    }
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Limited<W> {
    type Writer = OptionalWriter<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        OptionalWriter::some(self.to.make_writer())
    }

    fn make_writer_for(&'a self, line: &Metadata<'_>) -> Self::Writer {
        let (admitted, dropped) = self.admit(*line.level());
        if let Some(count) = dropped {
            // Where even this cannot be written there is nobody to tell it.
            drop(self.to.make_writer().write_all((self.on_dropped)(DROPPED, count).as_bytes()));
        }
        if admitted { OptionalWriter::some(self.to.make_writer_for(line)) } else { OptionalWriter::none() }
    }
}

/// Says, in these words, how many lines were dropped: as a line like any other.
type OnDropped = fn(&str, u64) -> String;

/// The words.
const DROPPED: &str = "Log lines were dropped: too many in a second";

fn json_on_dropped(words: &str, count: u64) -> String {
    let timestamp = clock::utc().to_string();
    let line = serde_json::json!({"timestamp": timestamp, "level": "WARN", "message": words, "count": count});
    format!("{line}\n")
}

fn text_on_dropped(words: &str, count: u64) -> String {
    format!(" WARN {words} count={count}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_tells_what_stood_in_the_source_and_no_value() {
        let said = |panics: fn()| harmless(&*std::panic::catch_unwind(panics).unwrap_err());
        assert_eq!(said(|| panic!("a queue is broken")), "a queue is broken");
        assert!(!said(|| panic!("{} is no level", std::hint::black_box(612.5))).contains("612"));
    }

    #[test]
    fn a_flood_of_lines_is_cut_and_counted_and_warnings_still_pass() {
        let start = Moment::from_nanos(0);
        let mut spent = Spent::new(start);
        let admitted = (0..1000).filter(|_| spent.admit(Level::INFO, start).0).count();
        assert_eq!(admitted, LINES_A_SECOND_MAX as usize);
        assert_eq!(spent.admit(Level::WARN, start), (true, None));
        let warned = (0..1000).filter(|_| spent.admit(Level::ERROR, start).0).count();
        assert_eq!(warned, LINES_A_SECOND_MAX as usize - 1);
        let later = start + Duration::from_secs(2);
        assert_eq!(spent.admit(Level::DEBUG, later), (true, Some(950 + 951)));
        assert_eq!(spent.admit(Level::INFO, later), (true, None));
    }

    #[test]
    fn whatever_is_asked_of_the_log_others_stay_silent_and_errors_are_told() {
        for (asked, told, debug) in [
            (None, Level::INFO, false),
            (Some("trace"), Level::TRACE, true),
            (Some("nattvakt::sensor=debug"), Level::ERROR, true),
        ] {
            let filter = filter(asked);
            assert!(filter.would_enable("nattvakt::gateway", &told), "{asked:?}");
            assert_eq!(filter.would_enable("nattvakt::sensor::mqtt", &Level::DEBUG), debug, "{asked:?}");
            assert!(filter.would_enable("sled::pagecache", &Level::ERROR), "{asked:?}");
            assert!(!filter.would_enable("sled::pagecache", &Level::WARN), "{asked:?}");
            assert!(!filter.would_enable("rumqttc::state", &Level::ERROR), "{asked:?}");
        }
        assert!(filter(Some("nonsense=nothing")).would_enable("nattvakt", &Level::INFO));
    }

    #[test]
    fn the_count_of_dropped_lines_has_the_shape_of_the_others() {
        assert!(text_on_dropped(DROPPED, 7).ends_with("count=7\n"));
        let line: serde_json::Value = serde_json::from_str(&json_on_dropped(DROPPED, 7)).unwrap();
        assert_eq!((&line["level"], &line["count"]), (&"WARN".into(), &7.into()));
    }
}
