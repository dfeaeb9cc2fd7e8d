//! `nattvakt replay`: a recording through the configured detector, as fast as it can be read.
//!
//! Looks at no port, secret or store.

pub(crate) mod drive;
mod output;

use std::io::{self, BufWriter};
use std::path::PathBuf;
use std::process::ExitCode;

use super::Failure;
use crate::config::{self, Bed, Looks};
use crate::model::BedId;
use output::{Format, Output};

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

impl Args {
    /// Prints the events to stdout.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let sound = config::load(&self.config, Looks::Replay).map_err(Failure::usage)?;
        let bed = self.bed(&sound.config.beds)?;
        let mut recording = drive::open(&self.recording)?;
        let settings = drive::fit(&bed.detect, recording.channels())?;
        let mut out = Output::new(BufWriter::new(io::stdout().lock()), self.format, sound.config.gateway.zone);
        let driven = drive::drive(&settings, &mut recording, |detector, _, _| {
            while let Some(event) = detector.next_event() {
                out.event(&event)?;
            }
            Ok(())
        });
        match driven.and_then(|()| out.end()) {
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

    #[expect(clippy::print_stderr, reason = "the count of bad rows is no result")]
    fn count_bad_rows(&self, bad: u64) {
        if bad > 0 {
            eprintln!("{}: {bad} rows could not be read and were left out", self.recording.display());
        }
    }
}
