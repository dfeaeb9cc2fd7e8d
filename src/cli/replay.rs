//! `nattvakt replay`: a recording through the configured detector, as fast as it can be read.
//!
//! Looks at no port, secret or store.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use jiff::tz::TimeZone;

use super::Failure;
use crate::config::{self, Bed, Looks};
use crate::detect::{Detector, Settings, Start};
use crate::model::{BedId, Event, Kind, Now, Quality, Reading};
use crate::sensor::recording::{Layout, Recording};

/// Runs a recording through the detector of a bed, and prints what it decides.
///
/// The channels are those of the recording, wherever the bed's sensor says that it reads; `range`, `invert` and levels
/// apply to the raw values. Time is that of the recording: a night takes a moment. Starts from an unknown state.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A recording is CSV: a header `time,pressure` (one zone), `time,zone1,zone2` (several) or `time,contact`, then a row a
reading, such as `2026-01-15T20:00:00.100Z,112`. Bad rows are counted on stderr.

Example:
  nattvakt replay --config config/minimal.toml night.csv
  nattvakt replay --config config/minimal.toml --format json night.csv | jq 'select(.kind == \"rise\")'")]
pub(crate) struct Args {
    /// The configuration whose detector is used.
    #[arg(long, value_name = "FILE", default_value = config::DEFAULT_FILE)]
    config: PathBuf,

    /// The bed; may be left out where there is only one.
    #[arg(long, value_name = "ID")]
    bed: Option<BedId>,

    /// A table for people, or one JSON object a line.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,

    /// The recording.
    #[arg(value_name = "RECORDING")]
    recording: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Table,
    Json,
}

impl Args {
    /// Prints the events to stdout.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let sound = config::load(&self.config, Looks::Replay).map_err(Failure::usage)?;
        let bed = self.bed(&sound.config.beds)?;
        let mut recording = self.open()?;
        let settings = fit(&bed.detect, recording.channels())?;
        let zone = sound.config.gateway.zone;
        let mut out = Output { to: BufWriter::new(io::stdout().lock()), format: self.format, zone, events: 0 };
        match replay(&settings, &mut recording, &mut out).and_then(|()| out.end()) {
            // Whoever reads has seen enough, as `head` does.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
            Err(error) => return Err(Failure::failed(format!("{}: {error}", self.recording.display()))),
            Ok(()) => {}
        }
        self.count_bad_rows(recording.rows_bad());
        Ok(ExitCode::SUCCESS)
    }

    fn bed<'a>(&self, beds: &'a [Bed]) -> Result<&'a Bed, Failure> {
        let known = || beds.iter().map(|bed| bed.id.to_string()).collect::<Vec<_>>().join(", ");
        match (self.bed, beds) {
            (None, [bed]) => Ok(bed),
            (None, _) => Err(Failure::usage(format!("say which bed with --bed: {}", known()))),
            (Some(id), _) => beds
                .iter()
                .find(|bed| bed.id == id)
                .ok_or_else(|| Failure::usage(format!("there is no bed {id}; there are {}", known()))),
        }
    }

    fn open(&self) -> Result<Recording<BufReader<File>>, Failure> {
        let place = self.recording.display();
        let file = File::open(&self.recording).map_err(|error| Failure::failed(format!("{place}: {error}")))?;
        Recording::open(BufReader::with_capacity(1 << 16, file))
            .map_err(|error| Failure::failed(format!("{place}: {error}")))
    }

    #[expect(clippy::print_stderr, reason = "the count of bad rows is no result")]
    fn count_bad_rows(&self, bad: u64) {
        if bad > 0 {
            eprintln!("{}: {bad} rows could not be read and were left out", self.recording.display());
        }
    }
}

/// Fits a bed's settings to what the recording has.
fn fit(settings: &Settings, layout: Layout) -> Result<Settings, Failure> {
    let (contact, zones) = match layout {
        Layout::Contact => (true, 1),
        Layout::Zones(zones) => (false, zones),
    };
    for (name, levels) in [("empty", &settings.empty), ("occupied", &settings.occupied)] {
        if let Some(levels) = levels.as_ref().filter(|levels| !contact && levels.len() != zones) {
            let (given, bed) = (levels.len(), settings.bed);
            let message = format!("bed {bed}: `{name}` gives {given} levels, and the recording has {zones} zones");
            return Err(Failure::usage(message));
        }
    }
    Ok(Settings { contact, zones, ..settings.clone() })
}

/// Now is the latest time seen; deadlines up to it fire first; the end is the last row.
fn replay<W: Write>(
    settings: &Settings,
    recording: &mut Recording<BufReader<File>>,
    out: &mut Output<W>,
) -> io::Result<()> {
    let mut watching: Option<(Detector, Now)> = None;
    for row in recording {
        let row = row?;
        if i64::try_from(row.time.as_nanosecond()).is_err() {
            // No monotonic clock counts as far as the year 2262.
            continue;
        }
        let at = Now::recorded(row.time);
        let (detector, now) = watching.get_or_insert_with(|| (Detector::new(settings.clone(), &Start::First, at), at));
        if at.moment > now.moment {
            *now = at;
        }
        let reading = Reading { at: at.moment, channels: row.channels, quality: Quality::Live };
        detector.on_reading(&reading, *now);
        while let Some(event) = detector.next_event() {
            out.event(&event)?;
        }
    }
    Ok(())
}

/// Where events go.
struct Output<W> {
    to: W,
    format: Format,
    zone: TimeZone,
    events: u64,
}

impl<W: Write> Output<W> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.events += 1;
        match self.format {
            Format::Json => {
                serde_json::to_writer(&mut self.to, event)?;
                self.to.write_all(b"\n")
            }
            Format::Table => self.row(event),
        }
    }

    fn row(&mut self, event: &Event) -> io::Result<()> {
        if self.events == 1 {
            let zone = self.zone.iana_name().unwrap_or("UTC");
            writeln!(self.to, "{:<23}  {:>8}  {:<15}  watched  ({zone})", "time", "decided", "event")?;
        }
        let time = self.zone.to_datetime(event.time);
        let after = event.decided.duration_since(event.time).as_secs_f64();
        let watched = if event.watched { "yes" } else { "no" };
        let kind = event.kind.as_str();
        writeln!(self.to, "{time:<23.3}  {after:>+7.1}s  {kind:<15}  {watched:<7}  {}", detail(event))
    }

    fn end(mut self) -> io::Result<()> {
        if self.format == Format::Table && self.events == 0 {
            writeln!(self.to, "Nothing was decided.")?;
        }
        self.to.flush()
    }
}

fn detail(event: &Event) -> String {
    if let Kind::SensorFault(fault) | Kind::SensorRestored(fault) = event.kind {
        return fault.to_string();
    }
    if let Kind::NotInBed(reason) = event.kind {
        return reason.to_string();
    }
    event.not_before.map(|before| format!("not before {before:.3}")).unwrap_or_default()
}
