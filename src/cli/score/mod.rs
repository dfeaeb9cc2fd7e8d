//! `nattvakt score`: nights whose truth is known through the configured detector, and what it made of them.
//!
//! `source` finds or draws the nights, `judge` runs each through the detector that `replay` runs, `table` shows the
//! figures. The rules are in [`crate::simulate::score`]. Looks at no port, secret or store.

mod judge;
mod source;
mod table;

use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use self::judge::Plan;
use self::source::Source;
use super::Failure;
use super::nights::{self, Level, Mat};
use super::replay::drive;
use super::words::say;
use crate::config::{self, Looks, duration};
use crate::detect::Confirm;
use crate::model::BedId;
use crate::simulate::score::{Report, worse};

/// The length of nights drawn by seed, in hours.
const HOURS_DEFAULT: &str = "11";

/// Judges the configured detector by nights whose truth is known.
///
/// Reads every X.csv with an X.truth.json beside it, or draws nights by seed; runs each through the detector as replay
/// does; and shows what was found, what was told without a cause, and how fast: by level and by kind of mat, then each
/// failure with its time. Where the configuration gives no `range`, the mat's ADC as the truth has it gives one, as a
/// technician would from its data sheet.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A rise must be told from 2 s before the body is off until 10 s after the confirmation time; latency is counted from the
confirmation time after the last load has gone. All rules: src/simulate/score/mod.rs.

Example:
  nattvakt score --config config/minimal.toml nights/
  nattvakt score --config config/minimal.toml --seeds 1000..1200 --level realistic --confirm 3s
  nattvakt score --config config/minimal.toml --seeds 1..41 --format json > figures.json
  nattvakt score --config config/minimal.toml --seeds 1..41 --against figures.json")]
pub(crate) struct Args {
    /// The configuration whose detector is judged.
    #[arg(long, value_name = "FILE", default_value = config::DEFAULT_FILE)]
    config: PathBuf,

    /// The bed; may be left out where there is only one.
    #[arg(long, value_name = "ID")]
    bed: Option<BedId>,

    /// The folder with recordings and truths.
    #[arg(value_name = "NIGHTS_DIR", required_unless_present = "seeds", conflicts_with = "seeds")]
    nights: Option<PathBuf>,

    /// Nights drawn by these seeds instead, made in memory: one seed, or A..B without B.
    #[arg(long, value_name = "A..B", value_parser = nights::seeds)]
    seeds: Option<Range<u64>>,

    /// How long the nights drawn by seed are.
    #[arg(long, value_name = "HOURS", default_value = HOURS_DEFAULT, value_parser = nights::hours, requires = "seeds")]
    hours: f64,

    /// Only nights of these levels; seeds draw only such nights.
    #[arg(long, value_enum, value_name = "LEVEL", value_delimiter = ',')]
    level: Vec<Level>,

    /// Only nights with these kinds of mats; seeds draw only such nights.
    #[arg(long, value_enum, value_name = "KIND", value_delimiter = ',')]
    kind: Vec<Mat>,

    /// Only nights with at least this many readings a second.
    #[arg(long, value_name = "HZ", default_value_t = 0.0)]
    min_rate: f64,

    /// Confirmation time instead of the configured one: 0s to 60s, or auto.
    #[arg(long, value_name = "TIME", value_parser = confirm)]
    confirm: Option<Confirm>,

    /// Give the detector the levels of installation day that the truth has, instead of the configured ones.
    #[arg(long)]
    measured: bool,

    /// A table for people, or one JSON document.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,

    /// Exit with 1 where any figure is worse than in this file, which `--format json` wrote.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Table,
    Json,
}

/// The longest confirmation time, in seconds, as in the configuration.
const CONFIRM_S_MAX: u64 = 60;

fn confirm(text: &str) -> Result<Confirm, String> {
    if text == "auto" {
        return Ok(Confirm::Auto);
    }
    let time = duration::parse(text)?;
    if time.as_secs_f64() <= std::time::Duration::from_secs(CONFIRM_S_MAX).as_secs_f64() {
        Ok(Confirm::Fixed(time))
    } else {
        Err(format!("at most {CONFIRM_S_MAX}s"))
    }
}

impl Args {
    /// Prints the figures to stdout.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let before = self.against.as_deref().map(figures).transpose()?;
        let plan = self.plan()?;
        let judged = judge::all(&plan, &self.source()?)?;
        let confirm = match plan.settings.confirm {
            Confirm::Auto => "auto".to_owned(),
            Confirm::Fixed(time) => duration::show(time),
        };
        let report = Report::of(confirm, self.measured, judged.scores);
        match self.print(&report) {
            // Whoever reads has seen enough, as `head` does.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(Failure::failed(error)),
            Err(_) | Ok(()) => {}
        }
        if let Some(failure) = judged.failures.into_iter().reduce(|all, one| all.and(&one)) {
            return Err(failure);
        }
        match (&before, &self.against) {
            (Some(before), Some(path)) => compare(&report, before, path),
            _ => Ok(ExitCode::SUCCESS),
        }
    }

    fn plan(&self) -> Result<Plan, Failure> {
        let sound = config::load(&self.config, Looks::Replay).map_err(Failure::usage)?;
        let mut settings = drive::choose(&sound.config.beds, self.bed)?.detect.clone();
        settings.confirm = self.confirm.unwrap_or(settings.confirm);
        let levels = self.level.iter().map(|level| level.difficulty()).collect();
        let kinds = self.kind.iter().map(|kind| kind.as_str()).collect();
        Ok(Plan { settings, measured: self.measured, levels, kinds, min_rate: self.min_rate })
    }

    fn source(&self) -> Result<Source, Failure> {
        match (&self.nights, &self.seeds) {
            (Some(folder), _) => Source::folder(folder),
            (None, Some(seeds)) => {
                let lot = nights::lot(&self.level, &self.kind, self.hours, nights::usual_start());
                Ok(Source::Seeds { lot, seeds: seeds.clone() })
            }
            (None, None) => Err(Failure::usage("name a folder of nights, or --seeds")),
        }
    }

    fn print(&self, report: &Report) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match self.format {
            Format::Json => {
                serde_json::to_writer_pretty(&mut out, report)?;
                writeln!(out)
            }
            Format::Table => out.write_all(table::text(report, self.again().as_deref()).as_bytes()),
        }
    }

    /// The command that writes a drawn night to files, without its seed.
    fn again(&self) -> Option<String> {
        self.seeds.as_ref()?;
        let list = |name: &str, words: Vec<String>| {
            if words.is_empty() { String::new() } else { format!(" --{name} {}", words.join(",")) }
        };
        let levels = list("level", self.level.iter().map(|level| level.difficulty().as_str().to_owned()).collect());
        let mats = list("mat", self.kind.iter().map(|kind| kind.as_str().to_owned()).collect());
        let default = HOURS_DEFAULT.parse().is_ok_and(|hours: f64| hours.total_cmp(&self.hours).is_eq());
        let hours = if default { String::new() } else { format!(" --hours {}", self.hours) };
        Some(format!("nattvakt simulate{levels}{mats}{hours} --seed SEED FOLDER/"))
    }
}

/// Reads figures that were written before.
fn figures(path: &Path) -> Result<Report, Failure> {
    let place = path.display();
    let text = source::read_bounded(path).map_err(|error| Failure::usage(format!("{place}: {error}")))?;
    serde_json::from_slice(&text)
        .map_err(|error| Failure::usage(format!("{place}: {error}; write it with `nattvakt score --format json`")))
}

/// Tells on stderr what got worse.
fn compare(now: &Report, before: &Report, path: &Path) -> Result<ExitCode, Failure> {
    let place = path.display();
    let found = worse(now, before)
        .map_err(|error| Failure::failed(format!("{place}: {error}; write it anew with `--format json`")))?;
    for worse in &found {
        say(&format!("{worse}\n"));
    }
    match found.len() {
        0 => Ok(ExitCode::SUCCESS),
        1 => Err(Failure::failed(format!("1 figure is worse than in {place}"))),
        many => Err(Failure::failed(format!("{many} figures are worse than in {place}"))),
    }
}
