//! Readings a second through `nattvakt replay` on a whole simulated night, with the built program.
//!
//! The time is that of the process: its start, the recording read and decoded, the detector, the events written.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nattvakt::clock;
use nattvakt::sensor::recording::{Layout, Row, write_header, write_row};
use nattvakt::simulate::pressure::PressureMat;
use nattvakt::simulate::{Difficulty, MatKind, Night, NightSettings};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A long winter night at 10 readings a second.
const ROWS: u32 = 400_000;
const RATE_HZ: u32 = 10;

/// Decides the night; any other number makes another.
const SEED: u64 = 1;

/// How often the night is replayed. The first time brings program and recording into memory and does not count.
const RUNS: usize = 10;

const CONFIGURATION: &str = r#"
[gateway]
id = "4601234567"

[[bed]]
id = "bed-1"
watch = { from = "22:00", to = "07:00" }
[bed.serial]
port = "/dev/null"
range = [0, 4095]
"#;

fn main() -> Result<()> {
    if !std::env::args().any(|argument| argument == "--bench") {
        say("Measures only under cargo bench.");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("nattvakt.toml");
    let recording = folder.path().join("night.csv");
    fs::write(&config, CONFIGURATION)?;
    let rows = write_night(&recording)?;
    let (first, events) = replay(&config, &recording)?;
    let mut times = vec![];
    for _ in 0..RUNS {
        times.push(replay(&config, &recording)?.0);
    }
    times.sort();
    let median = times.get(RUNS / 2).copied().unwrap_or(first);
    let rate = f64::from(rows) / median.as_secs_f64();
    say(format_args!("nattvakt replay --format json, a night of {rows} readings at {RATE_HZ} Hz, {events} events"));
    say(format_args!("{:>16} {:>12} {:>12} {:>20}", "median of", "median", "slowest", "readings a second"));
    let slowest = times.last().copied().unwrap_or(first);
    say(format_args!("{RUNS:>16} {:>9} ms {:>9} ms {rate:>20.0}\n", median.as_millis(), slowest.as_millis()));
    Ok(())
}

/// Writes the night as a recording and returns how many rows it has: some of what was measured never came.
fn write_night(path: &Path) -> Result<u32> {
    let start: Timestamp = "2026-01-15T20:00:00Z".parse()?;
    let mat = MatKind::Pressure(PressureMat::fsr());
    let length = Duration::from_secs(u64::from(ROWS / RATE_HZ));
    let drawn = NightSettings::drawn_on(mat, SEED, Difficulty::Realistic, start, length);
    let night = Night::new(NightSettings { rate_hz: f64::from(RATE_HZ), ..drawn });
    let mut file = BufWriter::new(File::create(path)?);
    write_header(&mut file, Layout::Zones(1))?;
    let mut rows = 0;
    for row in night {
        let time = start + SignedDuration::try_from(row.at)?;
        write_row(&mut file, &Row { time, channels: row.channels })?;
        rows += 1;
    }
    file.flush()?;
    Ok(rows)
}

/// Replays the night once; returns how long it took and how many events came.
fn replay(config: &Path, recording: &Path) -> Result<(Duration, usize)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattvakt"));
    command.args(["replay", "--format", "json", "--config"]).arg(config).arg(recording);
    let began = clock::moment();
    let output = command.output()?;
    let took = clock::moment().since(began);
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok((took, output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count()))
}

#[expect(clippy::print_stdout, reason = "the figures are what a benchmark is for")]
fn say(text: impl Display) {
    println!("{text}");
}
