//! `nattvakt read-store`: reads a store for the daemon, which starts it where a store may be damaged. Nobody types it.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use super::Failure;
use crate::store::{self, Wanted};

/// Reads a store in a process of its own, so that no damage takes the daemon along.
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub(crate) struct Args {
    /// End after so many seconds, whatever happens.
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,

    /// Print what can be read.
    #[arg(long)]
    entries: bool,

    /// The storage engine's folder.
    folder: PathBuf,
}

impl Args {
    /// Reads, and says on stdout what was found.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let wanted = if self.entries { Wanted::Entries } else { Wanted::Proof };
        // Nobody listens any more: the daemon has ended.
        store::read(&self.folder, wanted, self.seconds, &mut io::stdout()).map_err(Failure::failed)?;
        Ok(ExitCode::SUCCESS)
    }
}
