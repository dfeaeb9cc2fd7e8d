//! `nattvakt handover`: the page that is left with the resident's papers, on what was proven at a bed. Changes nothing.

mod html;
mod page;
mod text;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use super::Failure;
use super::replay::drive::choose;
use super::wire::{Wire, failure};
use super::words::print;
use crate::clock;
use crate::config::{self, Looks};
use crate::control::{Answer, ClientError, Request};
use crate::model::{BedId, Language};
use page::Facts;

/// Prints a dated page of what was proven at a bed.
///
/// How the bed is watched and who is told, what `calibrate` found of the mat, when dispatch accepted the last `test-alert`,
/// and what the night staff will hear. What was not proven is said as clearly. It goes with the resident's papers; lines for
/// names are left to be filled in by hand, for the program keeps none. Needs root or the group nattvakt-read.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 if everything on the page was proven, 1 if not, 2 for wrong usage.

Example:
  nattvakt handover bed-1 --html bed-1.html")]
pub(crate) struct Args {
    /// The bed; may be left out where there is one.
    #[arg(value_name = "BED")]
    bed: Option<BedId>,

    /// Write the page for a browser to this file, instead of plain text to stdout.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// The language of the page: sv or en [default: the gateway's]
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    language: Option<Language>,

    #[command(flatten)]
    wire: Wire,
}

fn language(text: &str) -> Result<Language, String> {
    [Language::Sv, Language::En].into_iter().find(|language| language.to_string() == text).ok_or("sv or en".to_owned())
}

impl Args {
    /// Asks the daemon what was proven, and prints the page.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let mut config = config::load(self.wire.file(), Looks::Elsewhere).map_err(Failure::usage)?.config;
        config.gateway.language = self.language.unwrap_or(config.gateway.language);
        let bed = choose(&config.beds, self.bed)?;
        let answer = self.wire.ask(&Request::Proof { bed: bed.id })?;
        let Answer::Proof { proof, .. } = &answer else { return Err(failure(&ClientError::unexpected(&answer))) };
        let page = Facts { config: &config, bed, proof, now: clock::utc() }.page();
        match &self.html {
            Some(file) => fs::write(file, html::html(&page))
                .map_err(|error| Failure::failed(format!("{}: {error}", file.display())))?,
            None => print(&text::text(&page))?,
        }
        Ok(if page.is_proven() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
