//! The frames of a sheet, and films that are put together of them at a pace.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use nattvakt::sensor::recording::{Layout, Recording, Row, write_header, write_row};

/// Frames of the empty bed at the beginning, among them the baseline jump and the one raised cell.
pub(crate) const EMPTY: Range<usize> = 0..85;

/// Frames of the empty bed between the jump and the getting-in, with nothing odd about them.
pub(crate) const EMPTY_QUIET: Range<usize> = 40..85;

/// The loose cell of the sheet under the mattress has fallen by 58 counts.
pub(crate) const EMPTY_JUMPED: Range<usize> = 31..40;

/// He gets in: 2 % of his load under the mattress in the first frame, all of it in the last.
pub(crate) const GETTING_IN: Range<usize> = 85..90;

/// He is in bed from here on, to the end.
pub(crate) const IN_BED_FROM: usize = 90;

/// The usual time between frames, in seconds.
const PERIOD_S: f64 = 0.53;

/// How fast the frames follow each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    /// As the stamps say: 0.53 s as a rule, 2 to 5 s now and then, 19 s once.
    Recorded,
    /// The same, drawn out or pressed together to this many frames a second as a rule.
    Hz(f64),
}

impl Pace {
    fn stretch(self) -> f64 {
        match self {
            Self::Recorded => 1.0,
            Self::Hz(hz) => 1.0 / (hz * PERIOD_S),
        }
    }

    /// Returns the usual time between frames.
    pub(crate) fn period(self) -> SignedDuration {
        seconds(self.stretch() * PERIOD_S)
    }
}

/// A sheet in one layout of zones: its frames in order, and what each shows.
#[derive(Debug)]
pub(crate) struct Sheet {
    pub(crate) name: &'static str,
    pub(crate) frames: Vec<Row>,
    labels: Vec<String>,
}

impl Sheet {
    pub(crate) fn open(name: &'static str) -> Self {
        let recording = File::open(data(&format!("{name}.csv"))).unwrap();
        let frames: Vec<Row> = Recording::open(BufReader::new(recording)).unwrap().map(Result::unwrap).collect();
        let labels = fs::read_to_string(data("labels.csv")).unwrap();
        let labels: Vec<String> =
            labels.lines().skip(1).map(|line| line.split_once(',').unwrap().1.to_owned()).collect();
        assert_eq!(frames.len(), labels.len(), "{name}: a label for each frame");
        Self { name, frames, labels }
    }

    pub(crate) fn zones(&self) -> usize {
        self.frames[0].channels.len()
    }

    /// Tells whether he lies in a posture that was asked of him, and is not on his way to another.
    pub(crate) fn is_posed(&self, frame: usize) -> bool {
        !matches!(self.labels[frame].as_str(), "others" | "empty1")
    }

    /// Returns the 28 postures in order of time, such as `left3`, each with its 30 frames.
    pub(crate) fn postures(&self) -> Vec<(String, Vec<Row>)> {
        let mut postures: Vec<(String, Vec<Row>)> = Vec::new();
        for (frame, label) in self.frames.iter().zip(&self.labels) {
            let Some((posture, _take)) = label.split_once('_') else { continue };
            match postures.last_mut().filter(|(last, _)| last == posture) {
                Some((_, frames)) => frames.push(*frame),
                None => postures.push((posture.to_owned(), vec![*frame])),
            }
        }
        assert!(postures.len() == 28 && postures.iter().all(|(_, frames)| frames.len() == 30));
        postures
    }

    /// Returns what a technician would have noted: each zone empty, and with him on his back.
    pub(crate) fn levels(&self) -> (Vec<f64>, Vec<f64>) {
        (self.medians(&self.frames[..12]), self.medians(&self.postures()[0].1))
    }

    fn medians(&self, frames: &[Row]) -> Vec<f64> {
        let median = |zone: usize| {
            let mut values: Vec<f64> = frames.iter().map(|frame| frame.channels.zones()[zone]).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        (0..self.zones()).map(median).collect()
    }
}

/// A recording in the making.
#[derive(Debug)]
pub(crate) struct Film {
    pace: Pace,
    rows: Vec<Row>,
}

impl Film {
    pub(crate) const fn new(pace: Pace) -> Self {
        Self { pace, rows: Vec::new() }
    }

    /// Shows frames, with the time that lay between them; a cut is as long as the time between two frames.
    pub(crate) fn show(&mut self, frames: &[Row]) -> Shown {
        let first = self.next_at();
        let taken = frames[0].time;
        for frame in frames {
            let after = frame.time.duration_since(taken).as_secs_f64() * self.pace.stretch();
            self.rows.push(Row { time: first + seconds(after), channels: frame.channels });
        }
        Shown { first, last: self.rows.last().unwrap().time }
    }

    /// Shows frames again and again until they have filled this time.
    pub(crate) fn show_for(&mut self, frames: &[Row], fill_s: f64) -> Shown {
        let mut shown = self.show(frames);
        while shown.last.duration_since(shown.first).as_secs_f64() < fill_s {
            shown.last = self.show(frames).last;
        }
        shown
    }

    /// Shows frames backwards, with the time that lay between them.
    pub(crate) fn show_backwards(&mut self, frames: &[Row]) -> Shown {
        let last = frames.last().unwrap().time;
        let turned: Vec<Row> =
            frames.iter().rev().map(|frame| Row { time: frames[0].time + (last - frame.time), ..*frame }).collect();
        self.show(&turned)
    }

    /// Returns when each frame was shown.
    pub(crate) fn times(&self) -> Vec<Timestamp> {
        self.rows.iter().map(|row| row.time).collect()
    }

    /// Writes the recording into a folder.
    pub(crate) fn write(&self, folder: &Path) -> PathBuf {
        write_recording(folder, self.rows[0].channels.len(), self.rows.iter().copied())
    }

    fn next_at(&self) -> Timestamp {
        match self.rows.last() {
            None => "2026-01-15T22:00:00Z".parse().unwrap(),
            Some(row) => row.time + self.pace.period(),
        }
    }
}

/// When frames were shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown {
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
}

/// Writes rows as a recording into a folder.
pub(crate) fn write_recording(folder: &Path, zones: usize, rows: impl Iterator<Item = Row>) -> PathBuf {
    let path = folder.join("recording.csv");
    let mut file = BufWriter::new(File::create(&path).unwrap());
    write_header(&mut file, Layout::Zones(zones)).unwrap();
    rows.for_each(|row| write_row(&mut file, &row).unwrap());
    file.flush().unwrap();
    path
}

/// Returns the path of a file of the data.
pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/real").join(name)
}

pub(crate) fn seconds(seconds: f64) -> SignedDuration {
    SignedDuration::try_from_secs_f64(seconds).unwrap().round(jiff::Unit::Millisecond).unwrap()
}
