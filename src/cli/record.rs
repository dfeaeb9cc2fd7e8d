//! `nattvakt record`: the readings of one mat into a file, for a while. The only way in which readings reach a disk.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::replay::drive::choose;
use super::wire::{Wire, failure, wall};
use super::words::{many, say};
use super::{Failure, Signals, block_on};
use crate::clock;
use crate::config::duration;
use crate::control::{Answer, ClientError};
use crate::model::BedId;

/// The longest recording: a night and the day after it.
const LENGTH_MAX: Duration = Duration::from_secs(24 * 3600);

/// The largest recording, in bytes: sixteen zones at 50 readings a second for a night.
const BYTES_MAX: u64 = 512 << 20;

/// Records the readings of a mat, as the running daemon hears them, into a file that `replay` reads.
///
/// This is the only way in which readings reach a disk: the file is for its owner alone, and is to be deleted when it has
/// served. It ends by itself at its time or at 512 MiB, or with Ctrl-C. The watch goes on meanwhile. Needs root or the group
/// nattvakt-act.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  nattvakt record bed-1 --for 8h night.csv")]
pub(crate) struct Args {
    /// The bed.
    #[arg(value_name = "BED")]
    bed: BedId,

    /// For how long: such as 10min or 8h, up to 24h.
    #[arg(long = "for", value_name = "TIME", value_parser = length)]
    length: Duration,

    /// The file; it must not be there yet.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    wire: Wire,
}

fn length(text: &str) -> Result<Duration, String> {
    let length = duration::parse(text)?;
    let sound = !length.is_zero() && length <= LENGTH_MAX;
    if sound { Ok(length) } else { Err("a recording lasts up to 24h".to_owned()) }
}

impl Args {
    /// Writes until the time is over.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let config = self.wire.configuration()?;
        let contact = choose(&config.beds, Some(self.bed))?.detect.contact;
        let said = self.wire.readings(self.bed)?;
        let mut recording = Recording::create(&self.file, contact)?;
        let (now, zone) = (clock::utc(), &config.gateway.zone);
        let until = now.checked_add(self.length).unwrap_or(Timestamp::MAX);
        say(&format!(
            "The readings of {} go to {} until {} ({}); Ctrl-C ends it.\nThey tell what happens in the bedroom: delete \
             the file when it has served.\n",
            self.bed,
            self.file.display(),
            wall(until, now, zone),
            zone.iana_name().unwrap_or("UTC")
        ));
        let ended = block_on(recording.write_from(said, self.length))?;
        if ended.is_err() && recording.rows == 0 {
            // It would only be in the way of the next try.
            drop(fs::remove_file(&self.file));
        }
        say(&format!("{} in {}\n", many(recording.rows, "reading"), self.file.display()));
        ended.map(|()| ExitCode::SUCCESS)
    }
}

/// The file, and what is in it.
struct Recording {
    file: File,
    contact: bool,
    zones: usize,
    bytes: u64,
    rows: usize,
}

impl Recording {
    fn create(path: &Path, contact: bool) -> Result<Self, Failure> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                Failure::usage(format!("{}: is there already; name another file", path.display()))
            } else {
                Failure::failed(format!("{}: {error}", path.display()))
            }
        })?;
        Ok(Self { file, contact, zones: 0, bytes: 0, rows: 0 })
    }

    /// Writes what the daemon says until the time is over, somebody ends it, or the file is full.
    async fn write_from(
        &mut self,
        mut said: mpsc::Receiver<Result<Answer, ClientError>>,
        length: Duration,
    ) -> Result<(), Failure> {
        let mut signals = Signals::listen()?;
        let end = tokio::time::sleep_until(clock::instant(clock::moment() + length));
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => return Ok(()),
                _ = signals.next() => return Ok(()),
                answer = said.recv() => match answer {
                    Some(Ok(Answer::Reading { time, zones })) => self.reading(time, &zones)?,
                    // How many zones there are is known from the first reading on.
                    Some(Ok(Answer::Unreadable { time })) => self.reading(time, &vec![None; self.zones])?,
                    Some(Ok(Answer::Silence {})) => {}
                    Some(Ok(Answer::Missed { count })) => {
                        say(&format!("{} could not be written in time\n", many_of(count)));
                    }
                    Some(Ok(answer)) => return Err(failure(&ClientError::unexpected(&answer))),
                    Some(Err(error)) => return Err(failure(&error)),
                    None => return Ok(()),
                },
            }
            if self.bytes >= BYTES_MAX {
                return Err(Failure::failed("the recording is as large as one may be, and ends here"));
            }
        }
    }

    fn reading(&mut self, time: Timestamp, zones: &[Option<f64>]) -> Result<(), Failure> {
        if zones.is_empty() {
            return Ok(());
        }
        let mut row = if self.rows == 0 { self.header(zones.len()) } else { String::new() };
        self.zones = zones.len();
        // Writing into a string never fails.
        write!(row, "{time:.3}").map_err(Failure::failed)?;
        for zone in zones {
            row.push(',');
            row.push_str(&zone.map_or(String::new(), |zone| zone.to_string()));
        }
        row.push('\n');
        self.rows += 1;
        self.bytes += u64::try_from(row.len()).unwrap_or(u64::MAX);
        self.file.write_all(row.as_bytes()).map_err(|error| Failure::failed(format!("the recording ends: {error}")))
    }

    fn header(&self, zones: usize) -> String {
        let columns = match (self.contact, zones) {
            (true, _) => "contact".to_owned(),
            (false, 1) => "pressure".to_owned(),
            (false, zones) => (1..=zones).map(|zone| format!("zone{zone}")).collect::<Vec<_>>().join(","),
        };
        format!("time,{columns}\n")
    }
}

fn many_of(count: u64) -> String {
    many(usize::try_from(count).unwrap_or(usize::MAX), "reading")
}
