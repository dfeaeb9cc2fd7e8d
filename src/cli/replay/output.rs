//! How `replay` writes events: a table for people, or one JSON object a line.

use std::io::{self, Write};

use jiff::tz::TimeZone;

use crate::model::{Event, Kind};

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
}

/// Where events go.
pub(super) struct Output<W> {
    to: W,
    format: Format,
    zone: TimeZone,
    events: u64,
}

impl<W: Write> Output<W> {
    pub(super) fn new(to: W, format: Format, zone: TimeZone) -> Self {
        Self { to, format, zone, events: 0 }
    }

    /// Writes an event.
    pub(super) fn event(&mut self, event: &Event) -> io::Result<()> {
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

    /// Says so where there was nothing to write, and writes out what is still held.
    pub(super) fn end(&mut self) -> io::Result<()> {
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
