//! `nattvakt calibrate`: walks through the postures at a bed, says whether the mat is good enough, and writes its
//! levels into the configuration where the technician agrees. Never writes without a yes.

mod ask;
mod file;
mod mat;
mod told;
mod walk;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use super::replay::drive::choose;
use super::{Failure, block_on, words};
use crate::config::{self, Bed, Config, Looks, Sound};
use crate::detect::calibration::Proof;
use crate::model::BedId;
use crate::model::proof::Grade;
use ask::{Answers, say};
use walk::Walk;

/// Measures a mat with somebody at the bed, and says whether it is good enough.
///
/// Six steps: the empty bed, lying on the back, on the left, on the right, sitting on the edge, and up again. Each takes
/// about ten seconds after Enter. Then it says what the mat is like and what to do about it, and writes the levels of
/// the empty and the occupied bed into the configuration if you agree; the file as it was is kept beside it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 if the mat can be used, 1 if not.

Example:
  sudo nattvakt calibrate bed-1")]
pub(crate) struct Args {
    /// The bed; may be left out where there is one.
    #[arg(value_name = "BED")]
    bed: Option<BedId>,

    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = config::DEFAULT_FILE)]
    config: PathBuf,

    /// Write the levels without asking.
    #[arg(long, conflicts_with = "no_write")]
    write: bool,

    /// Only measure.
    #[arg(long)]
    no_write: bool,

    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Asks on stderr; prints the result to stdout.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let Sound { config, text, .. } = config::load(&self.config, Looks::Here).map_err(Failure::usage)?;
        let bed = choose(&config.beds, self.bed)?;
        block_on(self.walk(&config, bed, &text))?
    }

    async fn walk(&self, config: &Config, bed: &Bed, text: &str) -> Result<ExitCode, Failure> {
        let mut answers = Answers::listen()?;
        let walked =
            Walk::new(mat::listen(config, bed), &mut answers, std::io::stderr().is_terminal()).through().await?;
        let proof = Proof::new(&walked, &bed.detect);
        words::print(&if self.json { told::json(bed, &proof) } else { told::text(bed, &proof) })?;
        if proof.has_levels() && !self.no_write {
            self.offer(bed, text, &proof, &mut answers).await?;
        }
        Ok(if proof.grade() == Grade::Unfit { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    async fn offer(&self, bed: &Bed, text: &str, proof: &Proof, answers: &mut Answers) -> Result<(), Failure> {
        let new = file::with_levels(&self.config, text, bed, proof)?;
        if !self.write && !answers.yes(&format!("Write these levels into {}?", self.config.display())).await? {
            return say("Nothing is written.\n");
        }
        let kept = file::replace(&self.config, text, &new)?;
        say(&format!(
            "Written. The file as it was: {}\nThe levels count once the watch reads its configuration again: \
             systemctl reload nattvakt\n",
            kept.display()
        ))
    }
}
