//! How `replay` writes events: a table for people, or one JSON object a line.

use std::io::{self, Write};

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::detect::{Because, Decision};
use crate::model::time::rfc3339;
use crate::model::{BedId, Event, Kind};

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
}

/// An event with its explanation.
#[derive(Serialize)]
struct Explained<'a> {
    #[serde(flatten)]
    event: &'a Event,
    because: String,
}

/// An explanation of what was not told.
#[derive(Serialize)]
struct Remark {
    time: String,
    decided: String,
    bed: BedId,
    kind: &'static str,
    because: String,
}

/// Where events go.
pub(super) struct Output<W> {
    to: W,
    format: Format,
    /// Whether to say on what each decision rests, and what was not told.
    explain: bool,
    bed: BedId,
    zone: TimeZone,
    rows: u64,
}

impl<W: Write> Output<W> {
    pub(super) fn new(to: W, format: Format, explain: bool, bed: BedId, zone: TimeZone) -> Self {
        Self { to, format, explain, bed, zone, rows: 0 }
    }

    /// Writes a decision: an event, or a remark where explanations are asked for.
    pub(super) fn decision(&mut self, decision: &Decision) -> io::Result<()> {
        match (&decision.event, self.format) {
            (None, _) if !self.explain => Ok(()),
            (Some(event), Format::Json) if self.explain => {
                self.json(&Explained { event, because: decision.because.to_string() })
            }
            (Some(event), Format::Json) => self.json(event),
            (Some(event), Format::Table) => {
                self.row(event)?;
                self.because(decision.because)
            }
            (None, Format::Json) => self.json(&Remark {
                time: rfc3339(decision.at),
                decided: rfc3339(decision.at),
                bed: self.bed,
                kind: "remark",
                because: decision.because.to_string(),
            }),
            (None, Format::Table) => {
                self.head()?;
                writeln!(self.to, "{:<23.3}  {:>8}  (not told)", self.zone.to_datetime(decision.at), "")?;
                self.because(decision.because)
            }
        }
    }

    fn json(&mut self, form: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.to, form)?;
        self.to.write_all(b"\n")
    }

    fn because(&mut self, because: Because) -> io::Result<()> {
        if self.explain { writeln!(self.to, "      {because}") } else { Ok(()) }
    }

    fn head(&mut self) -> io::Result<()> {
        self.rows += 1;
        if self.rows > 1 {
            return Ok(());
        }
        let zone = self.zone.iana_name().unwrap_or("UTC");
        writeln!(self.to, "{:<23}  {:>8}  {:<15}  watched  ({zone})", "time", "decided", "event")
    }

    fn row(&mut self, event: &Event) -> io::Result<()> {
        self.head()?;
        let time = self.zone.to_datetime(event.time);
        let after = event.decided.duration_since(event.time).as_secs_f64();
        let watched = if event.watched { "yes" } else { "no" };
        let kind = event.kind.as_str();
        writeln!(self.to, "{time:<23.3}  {after:>+7.1}s  {kind:<15}  {watched:<7}  {}", detail(event))
    }

    /// Says so where there was nothing to write, and writes out what is still held.
    pub(super) fn end(&mut self) -> io::Result<()> {
        if self.format == Format::Table && self.rows == 0 {
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
