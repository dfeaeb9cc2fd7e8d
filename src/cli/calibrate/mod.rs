//! `nattvakt calibrate`: walks through the postures at a bed, says whether the mat is good enough, and writes its
//! levels into the configuration where the technician agrees. Never writes without a yes.

mod ask;
mod file;
mod mat;
mod told;
mod walk;
mod watch;
mod words;

use std::io::IsTerminal;
use std::process::ExitCode;

use super::replay::drive::choose;
use super::wire::Wire;
use super::{Failure, Signals, block_on, fit, print};
use crate::config::{self, Bed, Config, Looks, Sound};
use crate::detect::calibration::Proof;
use crate::model::proof::Grade;
use crate::model::{BedId, Language};
use ask::{Answers, say, tell};
use walk::Walk;
use watch::Paused;
use words::Words;

/// Measures a mat with somebody at the bed, and says whether it is good enough.
///
/// Six steps: the empty bed, lying on the back, on the left, on the right, sitting on the edge, and up again. Each takes
/// about ten seconds after Enter. Then it says what the mat is like and what to do about it, and writes the levels of
/// the empty and the occupied bed into the configuration if you agree; the file as it was is kept beside it. Where the
/// daemon runs, the bed is paused meanwhile, for half an hour at most, and the result is kept for `handover`; this needs root
/// or the group nattvakt-act. A bed that is paused already is left alone: somebody may be at it. Speaks the language of the
/// configuration.
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

    /// The language: sv or en [default: the gateway's]
    #[arg(long, value_name = "LANGUAGE", value_parser = super::words::language)]
    language: Option<Language>,

    #[command(flatten)]
    wire: Wire,
}

impl Args {
    /// Asks on stderr; prints the result to stdout.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let Sound { config, text, .. } = config::load(self.wire.file(), Looks::Here).map_err(Failure::usage)?;
        let bed = choose(&config.beds, self.bed)?;
        let words = Words(self.language.unwrap_or(config.gateway.language));
        block_on(async {
            // Before the pause: whatever ends us ends it too.
            let mut signals = Signals::listen()?;
            let paused = Paused::begin(&self.wire, bed.id)?;
            if paused.is_some() {
                tell(&words.not_watched(bed.id))?;
            }
            tokio::select! {
                walked = self.walk(&config, bed, &text, paused.as_ref(), words) => walked,
                _ = signals.next() => {
                    say("\n")?;
                    Err(Failure::failed(words.ended(paused.is_some())))
                }
            }
        })?
    }

    async fn walk(
        &self,
        config: &Config,
        bed: &Bed,
        text: &str,
        paused: Option<&Paused<'_>>,
        words: Words,
    ) -> Result<ExitCode, Failure> {
        let readings = paused.map_or_else(|| Ok(mat::listen(config, bed)), Paused::readings)?;
        let mut answers = Answers::listen()?;
        let walked = Walk::new(readings, &mut answers, std::io::stderr().is_terminal(), words).through().await?;
        let proof = Proof::new(&walked, &bed.detect);
        print(&if self.json { told::json(bed, &proof) } else { fit(&told::text(bed, &proof, words)) })?;
        if let Some(paused) = paused {
            paused.keep(&proof)?;
        }
        if proof.has_levels() && !self.no_write {
            self.offer(bed, text, &proof, &mut answers, words).await?;
        }
        Ok(if proof.grade() == Grade::Unfit { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    async fn offer(
        &self,
        bed: &Bed,
        text: &str,
        proof: &Proof,
        answers: &mut Answers,
        words: Words,
    ) -> Result<(), Failure> {
        let file = self.wire.file();
        let new = file::with_levels(file, text, bed, proof)?;
        if !self.write && !answers.yes(&words.write_into(file)).await? {
            return tell(words.not_written());
        }
        let kept = file::replace(file, text, &new)?;
        tell(&words.written(&kept))
    }
}
