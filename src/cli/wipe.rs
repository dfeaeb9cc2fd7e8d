//! `nattvakt wipe`: removes all that was learnt and stored, for the next home or the end. Never while the watch runs.

use std::path::Path;
use std::process::ExitCode;

use super::Failure;
use super::stored::Stored;
use super::words::{fit, json_line, print};
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
    /// Print what was removed as JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    stored: Stored,
}

/// Removes the last accepted configuration wherever a daemon may have kept it, and says where it was.
fn forget_accepted(store: &Path) -> Result<Vec<String>, Failure> {
    let mut removed = Vec::new();
    for folder in accepted::folders(std::env::var_os("STATE_DIRECTORY").as_deref(), store) {
        let shown = folder.display().to_string();
        match accepted::forget(&folder) {
            Ok(true) => removed.push(shown),
            Ok(false) => {}
            Err(error) => return Err(Failure::failed(format!("{shown}: {error}"))),
        }
    }
    Ok(removed)
}

/// Says what was removed; `left`: what lay there and is none of ours; none: nothing was stored.
fn told(store: &Path, accepted: &[String], left: Option<&str>) -> String {
    let shown = store.display();
    let lines =
        accepted.iter().map(|folder| ["Removed from ", folder, ": the last accepted configuration.\n"].concat());
    let accepted: String = lines.collect();
    let Some(left) = left else { return format!("Nothing is stored in {shown}.\n{accepted}") };
    let left = if left.is_empty() { String::new() } else { format!("Left, for it is none of ours: {left}\n") };
    format!(
        "Removed from {shown}: what was known of the beds, journal, alerts.\n{accepted}\
         Kept: the number that the next alert must exceed.\n{left}\
         Configuration and secrets in /etc/nattvakt are as they were.\n"
    )
}

impl Args {
    /// Looks, asks, removes, and says what was removed.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let found = self.stored.find()?;
        let path = &found.settings.path;
        let shown = path.display();
        if !erase::is_there(path) {
            let accepted = forget_accepted(path)?;
            return self.tell(path, &accepted, None);
        }
        self.stored.look(&found, None)?;
        let question =
            format!("This removes all that was learnt and stored about the residents of this home, in {shown}.");
        self.stored.confirm(&question, "wipe")?;
        let left = erase::wipe(path).map_err(Failure::failed)?;
        let accepted = forget_accepted(path)?;
        let left: Vec<String> = left.into_iter().filter(|name| !accepted::is_ours(name)).collect();
        self.tell(path, &accepted, Some(&left.join(", ")))
    }

    fn tell(&self, store: &Path, accepted: &[String], left: Option<&str>) -> Result<ExitCode, Failure> {
        print(&if self.json {
            json_line(
                &serde_json::json!({ "store": store, "wiped": left.is_some(), "accepted": accepted, "left": left }),
            )
        } else {
            fit(&told(store, accepted, left))
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
