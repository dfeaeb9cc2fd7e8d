//! `nattvakt wipe`: removes all that was learnt and stored, for the next home or the end. Never while the watch runs.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use super::Failure;
use super::stored::Stored;
use super::words::print;
use crate::config::accepted;
use crate::store::erase;

/// Removes all that was learnt and stored about the residents of this home.
///
/// What is known of the beds, the journal, alerts, damaged stores that were put aside, and the last accepted
/// configuration. Kept is the number that the next alert must exceed: to dispatch, the numbers of a gateway never go
/// back. The next start is a first start. Configuration and secrets in /etc/nattvakt are not touched.
///
/// Refused while the watch runs, and where alerts have not been delivered.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 if all was removed or nothing was there, 1 if not.

Example:
  sudo systemctl disable --now nattvakt && sudo nattvakt wipe")]
pub(crate) struct Args {
    #[command(flatten)]
    stored: Stored,
}

/// Removes the last accepted configuration wherever a daemon may have kept it, and says where it was.
fn forget_accepted(store: &Path) -> Result<String, Failure> {
    let mut said = String::new();
    for folder in accepted::folders(std::env::var_os("STATE_DIRECTORY").as_deref(), store) {
        let shown = folder.display().to_string();
        match accepted::forget(&folder) {
            Ok(true) => said.extend(["Removed from ", &shown, ": the last accepted configuration.\n"]),
            Ok(false) => {}
            // Another gateway's.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && folder != store => {}
            Err(error) => return Err(Failure::failed(format!("{shown}: {error}"))),
        }
    }
    Ok(said)
}

impl Args {
    /// Looks, asks, removes, and says what was removed.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let found = self.stored.find()?;
        let path = &found.settings.path;
        let shown = path.display();
        if !erase::is_there(path) {
            let accepted = forget_accepted(path)?;
            print(&format!("Nothing is stored in {shown}.\n{accepted}"))?;
            return Ok(ExitCode::SUCCESS);
        }
        self.stored.look(&found, None)?;
        let question =
            format!("This removes all that was learnt and stored about the residents of this home, in {shown}.");
        self.stored.confirm(&question, "wipe")?;
        let left = erase::wipe(path).map_err(Failure::failed)?;
        let accepted = forget_accepted(path)?;
        let left = left.into_iter().filter(|name| !accepted::is_ours(name)).collect::<Vec<_>>().join(", ");
        print(&format!(
            "Removed from {shown}: what was known of the beds, journal, alerts.\n{accepted}\
             Kept: the number that the next alert must exceed.\n"
        ))?;
        if !left.is_empty() {
            print(&format!("Left, for it is none of ours: {left}\n"))?;
        }
        print("Configuration and secrets in /etc/nattvakt are as they were.\n")?;
        Ok(ExitCode::SUCCESS)
    }
}
