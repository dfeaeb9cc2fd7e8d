//! A night as files: the recording, and its truth beside it. Never writes over anything.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::cli::Failure;
use crate::cli::nights::{layout, row};
use crate::sensor::recording::{write_header, write_row};
use crate::simulate::Night;

/// Where files go.
pub(super) enum Place {
    /// Into this folder, named by the nights' ids.
    Folder(PathBuf),
    /// This path and the endings.
    Stem(PathBuf),
}

impl Place {
    /// Finds out what a path means, and makes the folder where one is meant.
    pub(super) fn of(out: &Path, nights: u64) -> Result<Self, Failure> {
        let slash = out.to_string_lossy().ends_with('/');
        if !slash && nights == 1 && !out.is_dir() {
            return Ok(Self::Stem(out.to_owned()));
        }
        fs::create_dir_all(out).map_err(|error| cannot(out, &error))?;
        Ok(Self::Folder(out.to_owned()))
    }

    fn path(&self, id: &str, ending: &str) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.join(format!("{id}{ending}")),
            Self::Stem(stem) => {
                let mut path = stem.clone().into_os_string();
                path.push(ending);
                path.into()
            }
        }
    }
}

/// Writes a night's recording and then its truth: a recording that was cut short has none beside it.
pub(super) fn write(night: Night, place: &Place) -> Result<(), Failure> {
    let truth = night.truth().clone();
    let (csv, json) = (place.path(&truth.id, ".csv"), place.path(&truth.id, ".truth.json"));
    if json.exists() {
        return Err(exists(&json));
    }
    make(&csv, |file| {
        write_header(file, layout(&truth))?;
        night.into_iter().try_for_each(|one| write_row(file, &row(&truth, &one)))
    })?;
    make(&json, |file| {
        serde_json::to_writer_pretty(&mut *file, &truth)?;
        writeln!(file)
    })
}

/// Makes a file that was not there, and removes it again where it cannot be written whole.
fn make(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<(), Failure> {
    let file = File::create_new(path).map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists { exists(path) } else { cannot(path, &error) }
    })?;
    let mut file = BufWriter::with_capacity(1 << 16, file);
    write(&mut file).and_then(|()| file.flush()).map_err(|error| {
        // That it cannot even be removed adds nothing to why it could not be written.
        drop(fs::remove_file(path));
        cannot(path, &error)
    })
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("{}: {error}", path.display()))
}

fn exists(path: &Path) -> Failure {
    Failure::failed(format!("{}: is there already; name another place, or remove it", path.display()))
}
