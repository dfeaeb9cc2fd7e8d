//! `nattvakt calibrate`: walks through the postures at a bed, says whether the mat is good enough, and writes its
//! levels into the configuration where the technician agrees. Never writes without a yes.

mod ask;
mod file;
mod mat;
mod told;
mod walk;
mod watch;

use std::io::IsTerminal;
use std::process::ExitCode;

use super::replay::drive::choose;
use super::wire::Wire;
use super::{Failure, Signals, block_on, words};
use crate::config::{self, Bed, Config, Looks, Sound};
use crate::detect::calibration::Proof;
use crate::model::BedId;
use crate::model::proof::Grade;
use ask::{Answers, say};
use walk::Walk;
use watch::Paused;

/// Measures a mat with somebody at the bed, and says whether it is good enough.
///
/// Six steps: the empty bed, lying on the back, on the left, on the right, sitting on the edge, and up again. Each takes
/// about ten seconds after Enter. Then it says what the mat is like and what to do about it, and writes the levels of
/// the empty and the occupied bed into the configuration if you agree; the file as it was is kept beside it. Where the
/// daemon runs, the bed is paused meanwhile, for half an hour at most, and the result is kept for `handover`; this needs root
/// or the group nattvakt-act.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 if the mat can be used, 1 if not.

Example:
  sudo nattvakt calibrate bed-1")]
pub(crate) struct Args {
    /// The bed; may be left out where there is one.
    #[arg(value_name = "BED")]
    bed: Option<BedId>,

    /// Write the levels without asking.
    #[arg(long, conflicts_with = "no_write")]
    write: bool,

    /// Only measure.
    #[arg(long)]
    no_write: bool,

    /// Print the result as JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    wire: Wire,
}

impl Args {
    /// Asks on stderr; prints the result to stdout.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let Sound { config, text, .. } = config::load(self.wire.file(), Looks::Here).map_err(Failure::usage)?;
        let bed = choose(&config.beds, self.bed)?;
        let paused = Paused::begin(&self.wire, bed.id)?;
        if paused.is_some() {
            say(&format!("{} is not watched while you walk through the steps, and dispatch is told so.\n", bed.id))?;
        }
        block_on(async {
            let mut signals = Signals::listen()?;
            tokio::select! {
                walked = self.walk(&config, bed, &text, paused.as_ref()) => walked,
                _ = signals.next() => Err(Failure::failed("ended before its time; nothing is written")),
            }
        })?
    }

    async fn walk(
        &self,
        config: &Config,
        bed: &Bed,
        text: &str,
        paused: Option<&Paused<'_>>,
    ) -> Result<ExitCode, Failure> {
        let readings = paused.map_or_else(|| Ok(mat::listen(config, bed)), Paused::readings)?;
        let mut answers = Answers::listen()?;
        let walked = Walk::new(readings, &mut answers, std::io::stderr().is_terminal()).through().await?;
        let proof = Proof::new(&walked, &bed.detect);
        words::print(&if self.json { told::json(bed, &proof) } else { told::text(bed, &proof) })?;
        if let Some(paused) = paused {
            paused.keep(&proof)?;
        }
        if proof.has_levels() && !self.no_write {
            self.offer(bed, text, &proof, &mut answers).await?;
        }
        Ok(if proof.grade() == Grade::Unfit { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    async fn offer(&self, bed: &Bed, text: &str, proof: &Proof, answers: &mut Answers) -> Result<(), Failure> {
        let file = self.wire.file();
        let new = file::with_levels(file, text, bed, proof)?;
        if !self.write && !answers.yes(&format!("Write these levels into {}?", file.display())).await? {
            return say("Nothing is written.\n");
        }
        let kept = file::replace(file, text, &new)?;
        say(&format!(
            "Written. The file as it was: {}\nThe levels count once the watch reads its configuration again: \
             systemctl reload nattvakt\n",
            kept.display()
        ))
    }
}
