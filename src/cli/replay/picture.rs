//! The file that a picture goes to. What it shows is `plot`'s matter.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::drive::Step;
use super::plot::{Plot, Subject};
use super::span::{self, Written};
use crate::cli::Failure;
use crate::detect::{Detector, Settings};
use crate::model::{Event, Language, Now};

/// Where a picture goes, and which part of the recording it shows.
#[derive(Debug, clap::Args)]
pub(super) struct PictureArgs {
    /// Draws the night into this file, as a picture (SVG): load, levels, phases and events.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,

    /// The picture begins here: 23:10, 2026-01-15T23:10 (both of the home's wall clock), or RFC 3339.
    #[arg(long, value_name = "TIME", requires = "plot")]
    from: Option<Written>,

    /// The picture ends here.
    #[arg(long, value_name = "TIME", requires = "plot")]
    to: Option<Written>,
}

impl PictureArgs {
    /// Returns the picture to make, if one is to be made. `read`: the files that are read, which it must not replace.
    ///
    /// # Errors
    ///
    /// Fails where the picture would replace one of them.
    pub(super) fn picture(
        &self,
        settings: &Settings,
        language: Language,
        read: &[&Path],
    ) -> Result<Option<Picture>, Failure> {
        let Some(file) = self.plot.clone() else { return Ok(None) };
        let is_same = |other: &&Path| {
            fs::canonicalize(&file).is_ok_and(|file| fs::canonicalize(other).is_ok_and(|other| file == other))
        };
        if read.iter().any(is_same) {
            return Err(Failure::usage(format!("{}: the picture would replace a file that is read", file.display())));
        }
        let subject = Subject::new(settings, language);
        Ok(Some(Picture { file, from: self.from, to: self.to, subject, plot: None, wrong: None }))
    }
}

/// A picture and its file. The file is written at the end only.
#[derive(Debug)]
pub(super) struct Picture {
    file: PathBuf,
    from: Option<Written>,
    to: Option<Written>,
    subject: Subject,
    plot: Option<Plot>,
    wrong: Option<&'static str>,
}

impl Picture {
    /// Takes what the detector sees after a step.
    ///
    /// # Errors
    ///
    /// Ends the run where the times that were asked for make no sense; [`Self::write`] says why.
    pub(super) fn see(&mut self, detector: &Detector, now: Now, step: Step) -> io::Result<()> {
        if self.plot.is_none() {
            match span::resolve(self.from, self.to, self.subject.zone(), now.utc) {
                Ok(span) => self.plot = Some(Plot::new(self.subject.clone(), span)),
                Err(wrong) => {
                    self.wrong = Some(wrong);
                    return Err(io::Error::other(wrong));
                }
            }
        }
        if let Some(plot) = &mut self.plot {
            plot.see(now.utc, step == Step::Row, &detector.view(), detector.health());
        }
        Ok(())
    }

    /// Takes an event, after the step in which it was decided.
    pub(super) fn event(&mut self, event: &Event) {
        if let Some(plot) = &mut self.plot {
            plot.event(event);
        }
    }

    /// Returns what was wrong with the times that were asked for.
    pub(super) fn wrong(&self) -> Option<&'static str> {
        self.wrong
    }

    /// Writes the file.
    ///
    /// # Errors
    ///
    /// Fails where there is nothing to show, or the file cannot be written.
    pub(super) fn write(&self) -> Result<(), Failure> {
        let place = self.file.display();
        let drawn = self.plot.as_ref().and_then(Plot::draw);
        let text = drawn.ok_or_else(|| {
            Failure::failed(format!(
                "{place}: not drawn, because the recording has no reading that can be used in that time"
            ))
        })?;
        fs::write(&self.file, text).map_err(|error| Failure::failed(format!("{place}: {error}")))
    }
}
