//! `nattvakt replay`: a recording through the configured detector, as fast as it can be read.
//!
//! Looks at no port, secret or store.

pub(crate) mod drive;
mod output;
mod picture;
mod plot;
mod span;

use std::io::{self, BufRead, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use super::Failure;
use super::words::say;
use crate::config::{self, Looks};
use crate::detect::Settings;
use crate::model::BedId;
use crate::sensor::recording::Recording;
use output::{Format, Output};
use picture::{Picture, PictureArgs};

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
  nattvakt replay --config config/minimal.toml --explain --plot night.svg --from 02:00 --to 03:30 night.csv
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

    /// Says on what each decision rests, and what was seen and not told.
    #[arg(long)]
    explain: bool,

    #[command(flatten)]
    picture: PictureArgs,

    /// The recording.
    #[arg(value_name = "RECORDING")]
    recording: PathBuf,
}

impl Args {
    /// Prints the events to stdout, and draws the picture.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let sound = config::load(&self.config, Looks::Replay).map_err(Failure::usage)?;
        let bed = drive::choose(&sound.config.beds, self.bed)?;
        let mut recording = drive::open(&self.recording)?;
        let settings = drive::fit(&bed.detect, recording.channels())?;
        let (zone, language) = (sound.config.gateway.zone, sound.config.gateway.language);
        let mut picture = self.picture.picture(&settings, language, &[&self.config, &self.recording])?;
        let out = BufWriter::new(io::stdout().lock());
        let mut out = Output::new(out, self.format, self.explain, settings.bed, zone);
        let watched = watch(&settings, &mut recording, &mut out, picture.as_mut());
        if let Some(wrong) = picture.as_ref().and_then(Picture::wrong) {
            return Err(Failure::usage(wrong));
        }
        match watched {
            // Whoever reads has seen enough, as `head` does.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
            Err(error) => return Err(Failure::failed(format!("{}: {error}", self.recording.display()))),
            Ok(()) => {}
        }
        self.count_bad_rows(recording.rows_bad());
        picture.map_or(Ok(()), |picture| picture.write())?;
        Ok(ExitCode::SUCCESS)
    }

    fn count_bad_rows(&self, bad: u64) {
        if bad > 0 {
            say(&format!("{}: {bad} rows could not be read and were left out\n", self.recording.display()));
        }
    }
}

/// Runs the recording through the detector; what is decided goes to `out`, and with what is seen into the picture.
///
/// A picture is made also where nobody reads `out` any further.
fn watch<R: BufRead, W: Write>(
    settings: &Settings,
    recording: &mut Recording<R>,
    out: &mut Output<W>,
    mut picture: Option<&mut Picture>,
) -> io::Result<()> {
    let mut read = true;
    drive::drive(settings, recording, |detector, now, step| {
        if let Some(picture) = &mut picture {
            picture.see(detector, now, step)?;
        }
        while let Some(decision) = detector.next_decision() {
            if let Some((picture, event)) = picture.as_mut().zip(decision.event.as_ref()) {
                picture.event(event);
            }
            if read {
                read = go_on(out.decision(&decision), picture.is_some())?;
            }
        }
        Ok(())
    })?;
    if read { go_on(out.end(), picture.is_some()).map(drop) } else { Ok(()) }
}

/// Tells whether anybody still reads; that nobody does ends the run only where there is nothing else to do.
fn go_on(written: io::Result<()>, more_to_do: bool) -> io::Result<bool> {
    match written {
        Err(error) if more_to_do && error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
        Ok(()) => Ok(true),
    }
}
