//! Where nights come from: a folder of recordings with truths, or seeds.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::cli::{Failure, nights};
use crate::sensor::recording::{Layout, Recording, Row};
use crate::simulate::{Lot, Night, Truth};

/// The largest truth, or file of figures, that is read, in bytes. A nasty night's truth is 20 KB.
const JSON_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// How truth files end.
const TRUTH_ENDING: &str = ".truth.json";

/// A set of nights.
pub(super) enum Source {
    /// Recordings, by the paths of their truths.
    Folder(Vec<PathBuf>),
    /// Drawn ones.
    Seeds { lot: Lot, seeds: Range<u64> },
}

/// One night: its truth, and its readings to come.
pub(super) struct Opened {
    pub(super) truth: Truth,
    pub(super) layout: Layout,
    pub(super) rows: Rows,
}

/// The readings of a night.
pub(super) enum Rows {
    Recorded(Recording<BufReader<File>>),
    Drawn { night: Box<Night> },
}

impl Source {
    /// Finds the nights of a folder.
    pub(super) fn folder(folder: &Path) -> Result<Self, Failure> {
        let place = folder.display();
        let cannot = |error: io::Error| Failure::failed(format!("{place}: {error}"));
        let mut truths = Vec::new();
        for entry in fs::read_dir(folder).map_err(cannot)? {
            let path = entry.map_err(cannot)?.path();
            if path.to_string_lossy().ends_with(TRUTH_ENDING) && recording_of(&path).is_file() {
                truths.push(path);
            }
        }
        truths.sort();
        if truths.is_empty() {
            return Err(Failure::failed(format!("{place}: there is no X.csv with an X{TRUTH_ENDING} beside it")));
        }
        Ok(Self::Folder(truths))
    }

    /// How many nights there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Folder(truths) => truths.len(),
            Self::Seeds { seeds, .. } => usize::try_from(seeds.end - seeds.start).unwrap_or(usize::MAX),
        }
    }

    /// Opens a night, counted from 0.
    pub(super) fn open(&self, index: usize) -> Result<Opened, Failure> {
        match self {
            Self::Folder(truths) => match truths.get(index) {
                Some(truth) => recorded(truth),
                None => Err(Failure::failed(format!("there is no night {index}"))),
            },
            Self::Seeds { lot, seeds } => {
                let seed = seeds.start.saturating_add(u64::try_from(index).unwrap_or(u64::MAX));
                let night = Night::new(nights::draw(lot, seed)?);
                let truth = night.truth().clone();
                let layout = nights::layout(&truth);
                Ok(Opened { truth, layout, rows: Rows::Drawn { night: Box::new(night) } })
            }
        }
    }
}

/// The recording beside a truth.
fn recording_of(truth: &Path) -> PathBuf {
    // The ending goes twice: `.json`, then `.truth`.
    truth.with_extension("").with_extension("csv")
}

/// Reads a file up to the bound; what is longer is cut off, and is no JSON then.
pub(super) fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(JSON_BYTES_MAX).read_to_end(&mut text)?;
    Ok(text)
}

fn recorded(path: &Path) -> Result<Opened, Failure> {
    let cannot = |path: &Path, error: &dyn std::fmt::Display| Failure::failed(format!("{}: {error}", path.display()));
    let text = read_bounded(path).map_err(|error| cannot(path, &error))?;
    let truth: Truth = serde_json::from_slice(&text).map_err(|error| cannot(path, &error))?;
    let csv = recording_of(path);
    let file = File::open(&csv).map_err(|error| cannot(&csv, &error))?;
    let recording = Recording::open(BufReader::with_capacity(1 << 16, file)).map_err(|error| cannot(&csv, &error))?;
    // The name of the file is what a person looks for.
    let id = csv.file_stem().map_or_else(|| truth.id.clone(), |name| name.to_string_lossy().into_owned());
    Ok(Opened { layout: recording.channels(), truth: Truth { id, ..truth }, rows: Rows::Recorded(recording) })
}

impl Opened {
    /// Takes the night apart: its truth, and its rows as a recording has them.
    pub(super) fn rows(self) -> (Truth, Box<dyn Iterator<Item = io::Result<Row>>>) {
        let truth = self.truth;
        match self.rows {
            Rows::Recorded(recording) => (truth, Box::new(recording)),
            Rows::Drawn { night } => {
                let of = truth.clone();
                (truth, Box::new(night.map(move |one| Ok(nights::row(&of, &one)))))
            }
        }
    }
}
