//! A pseudo-terminal under a path of the user's choice: a link that is there as long as the mat speaks.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::cli::Failure;
use crate::model::Channels;
use crate::sensor::simulated::SimulatedLine;

/// The line with its link.
pub(super) struct Line {
    line: SimulatedLine,
    path: PathBuf,
}

impl Line {
    /// Makes the pair, and the link to it. A link whose goal is gone is what a run that was killed left: it goes.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let cannot = |error: io::Error| Failure::failed(format!("{}: {error}", path.display()));
        let line = SimulatedLine::open().map_err(|error| Failure::failed(format!("no pseudo-terminal: {error}")))?;
        if path.is_symlink() && !path.exists() {
            fs::remove_file(path).map_err(cannot)?;
        }
        symlink(line.port(), path).map_err(cannot)?;
        Ok(Self { line, path: path.to_owned() })
    }

    /// Writes a reading; tells whether somebody got it.
    pub(super) fn send(&mut self, channels: &Channels) -> io::Result<bool> {
        self.line.send(channels, ",")
    }

    /// The pseudo-terminal itself.
    pub(super) fn port(&self) -> &Path {
        self.line.port()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // Somebody may have put something else there meanwhile; and a link that stays behind leads nowhere.
        if fs::read_link(&self.path).is_ok_and(|goal| goal == self.line.port()) {
            drop(fs::remove_file(&self.path));
        }
    }
}
