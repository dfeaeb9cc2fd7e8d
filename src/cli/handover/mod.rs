//! `nattvakt handover`: the page that is left with the resident's papers, on what was proven at a bed. Changes nothing.

mod html;
mod page;
mod text;

use std::fs::{File, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::Failure;
use super::replay::drive::choose;
use super::wire::{Wire, failure};
use super::words::{columns, fit, json_line, print};
use crate::clock;
use crate::control::{Answer, ClientError, Request};
use crate::model::{BedId, Language};
use crate::whole;
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
    #[arg(long, value_name = "LANGUAGE", value_parser = super::words::language)]
    language: Option<Language>,

    /// Print the page as JSON, for the municipality's own papers.
    #[arg(long, conflicts_with = "html")]
    json: bool,

    #[command(flatten)]
    wire: Wire,
}

/// What every page begins with.
const PAGE_BEGINS: &[u8] = b"<!DOCTYPE html>";

/// Writes the page for whoever prints it, in place of an earlier one and of nothing else.
fn write(file: &Path, page: &str) -> Result<(), Failure> {
    let told = |error: io::Error| Failure::failed(format!("{}: {error}", file.display()));
    let mut begins = Vec::new();
    match File::open(file).and_then(|old| old.take(PAGE_BEGINS.len() as u64).read_to_end(&mut begins)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Ok(_) if begins == PAGE_BEGINS => {}
        Ok(_) => return Err(Failure::usage(format!("{}: is there and is no page: name another file", file.display()))),
        Err(error) => return Err(told(error)),
    }
    whole::write(file, page, |new| new.set_permissions(Permissions::from_mode(0o644))).map_err(told)
}

impl Args {
    /// Asks the daemon what was proven, and prints the page.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let mut config = self.wire.configuration()?;
        config.gateway.language = self.language.unwrap_or(config.gateway.language);
        let bed = choose(&config.beds, self.bed)?;
        let answer = self.wire.ask(&Request::Proof { bed: bed.id })?;
        let Answer::Proof { proof, .. } = &answer else { return Err(failure(&ClientError::unexpected(&answer))) };
        let page = Facts { config: &config, bed, proof, now: clock::utc() }.page();
        match &self.html {
            Some(file) => {
                write(file, &html::html(&page))?;
                let proven = if page.is_proven() { "" } else { " Not everything on it was proven: see the capitals." };
                print(&fit(&format!("{} is written; a browser shows and prints it.{proven}\n", file.display())))?;
            }
            None if self.json => print(&json_line(&page))?,
            None => print(&fit(&text::text(&page, columns(io::stdout()))))?,
        }
        Ok(if page.is_proven() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
