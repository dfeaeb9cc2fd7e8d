//! `nattvakt report`: what the nights of a bed were, from what was written down. Knows residents' nights by their beds, and
//! nothing about staff.

mod input;
mod night;
mod output;
mod page;
mod words;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use super::journal::{Journal, Wanted};
use super::wire::Wire;
use super::words::columns;
use super::{Failure, print, say};
use crate::clock;
use crate::config::{self, Bed, Config, Looks};
use crate::model::BedId;
use input::{LINE_BYTES_MAX, Story};
use night::Night;
use words::Words;

/// How much of the time before the first night is looked at.
const BEFORE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The evening's date of a night, and from when to when it goes.
type Dated = (Date, (Timestamp, Timestamp));

/// Tells the nights of each bed: when somebody lay in it, rises, absences, alarms and how soon they were accepted, faults,
/// and hours in which nobody watched.
///
/// A night goes from noon to noon by the home's clock. What happened is asked of the running daemon, which needs root or a
/// member of the group nattvakt-read or nattvakt-act; where none runs the store is read. Nothing is told about staff.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  nattvakt report --week --format html > week.html
  nattvakt report --night 2026-11-20 --bed bed-1
  nattvakt replay --config home.toml --format json night.csv | \\
      nattvakt report --config home.toml --from - --night 2026-11-20")]
pub(crate) struct Args {
    /// What happened, from a file in place of the daemon: lines of `nattvakt log --json` or `nattvakt replay --format json`;
    /// `-` is standard input.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,

    /// The night that begins on this day; yesterday's where not given.
    #[arg(long, value_name = "DATE")]
    night: Option<Date>,

    /// That night and the six before it.
    #[arg(long, conflicts_with = "month")]
    week: bool,

    /// That night and the 29 before it.
    #[arg(long)]
    month: bool,

    /// Only this bed.
    #[arg(long, value_name = "ID")]
    bed: Option<BedId>,

    /// How it is written.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,

    #[command(flatten)]
    wire: Wire,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For reading here.
    Text,
    /// A row a bed and night.
    Csv,
    /// One object.
    Json,
    /// A page with pictures, for printing.
    Html,
}

impl Args {
    /// Prints the report to stdout.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let config = match &self.from {
            Some(_) => config::load(self.wire.file(), Looks::Replay).map_err(Failure::usage)?.config,
            None => self.wire.configuration()?,
        };
        if let Some(bed) = self.bed.filter(|bed| config.beds.iter().all(|known| known.id != *bed)) {
            return Err(Failure::usage(format!("there is no bed {bed} in the configuration")));
        }
        let dates = self.dates(&config.gateway.zone)?;
        let story = match &self.from {
            Some(file) => read(file)?,
            None => self.ask(&dates)?,
        };
        let nights = self.nights(&config, &story, &dates);
        let words = Words { language: config.gateway.language, zone: config.gateway.zone };
        print(&match self.format {
            Format::Text => output::text(&nights, &words, columns(io::stdout())),
            Format::Csv => output::csv(&nights),
            Format::Json => output::json(&nights),
            Format::Html => page::page(&nights, &words),
        })?;
        Ok(ExitCode::SUCCESS)
    }

    /// Returns the dates that are meant, with where each night begins and ends.
    fn dates(&self, zone: &TimeZone) -> Result<Vec<Dated>, Failure> {
        let beyond = || Failure::usage("that night is beyond the calendar");
        let last = match self.night {
            Some(night) => night,
            // Before noon, the one that ends today.
            None => zone.to_datetime(clock::utc()).date().yesterday().map_err(|_| beyond())?,
        };
        let count: i64 = if self.month {
            30
        } else if self.week {
            7
        } else {
            1
        };
        let dated = |back: i64| {
            let date = last.checked_sub(back.days()).map_err(|_| beyond())?;
            Ok((date, night::bounds(date, zone).ok_or_else(beyond)?))
        };
        (0..count).rev().map(dated).collect()
    }

    /// Asks the daemon, or reads the store; some of the time before, which says how the first night began.
    fn ask(&self, dates: &[Dated]) -> Result<Story, Failure> {
        let since = dates.first().and_then(|(_, (from, _))| from.checked_sub(BEFORE).ok());
        let until = dates.last().map(|(_, (_, to))| *to);
        let mut story = Story::default();
        let entries = Journal::find(&self.wire)?.read(Wanted { since, until, bed: None })?;
        for entry in entries {
            story.add(entry);
        }
        Ok(story.sorted())
    }

    fn nights(&self, config: &Config, story: &Story, dates: &[Dated]) -> Vec<Night> {
        let beds = config.beds.iter().filter(|bed| self.bed.is_none_or(|id| id == bed.id));
        let tell = |bed: &Bed, (date, bounds): &Dated| night::tell(story, bed.id, &bed.detect.watch, *date, *bounds);
        beds.flat_map(|bed| dates.iter().map(move |dated| tell(bed, dated))).collect()
    }
}

/// Reads everything, line by line; what cannot be read is counted on stderr.
fn read(path: &Path) -> Result<Story, Failure> {
    let failed = |error: io::Error| Failure::failed(format!("{}: {error}", path.display()));
    let mut input: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(path).map_err(failed)?))
    };
    let (mut story, mut line) = (Story::default(), Vec::new());
    let most = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(2);
    loop {
        line.clear();
        if (&mut input).take(most).read_until(b'\n', &mut line).map_err(failed)? == 0 {
            break;
        }
        story.take(&String::from_utf8_lossy(&line));
    }
    tell_bad(path, story.bad);
    Ok(story.sorted())
}

fn tell_bad(path: &Path, bad: usize) {
    if bad > 0 {
        say(&format!("{}: {bad} lines could not be read and were left out\n", path.display()));
    }
}
