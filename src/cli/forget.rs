//! `nattvakt forget BED`: removes all that was learnt and stored about one bed. Never while the watch runs.

use std::process::ExitCode;

use super::Failure;
use super::stored::{Found, Stored};
use super::words::{fit, json_line, print};
use crate::model::BedId;
use crate::store::erase::{self, Forgotten};

/// Removes all that was learnt and stored about one bed, for a new resident or at a resident's wish.
///
/// What is known of the bed, its events in the journal, its alerts; and what does not say of which bed it is: records
/// that could not be read, and damaged stores that were put aside. The other beds stay as they are.
/// The bed is learnt anew from the next start on, as on the first day.
///
/// Refused while the watch runs, and where alerts of the bed have not been delivered.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 if all was removed, 1 if not, or if nothing is known of such a bed.

Example:
  sudo systemctl stop nattvakt && sudo nattvakt forget bed-1 && sudo systemctl start nattvakt")]
pub(crate) struct Args {
    /// The bed's id.
    bed: BedId,

    /// Print what was removed as JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    stored: Stored,
}

impl Args {
    /// Looks, asks, removes, and says what was removed.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let (found, bed) = (self.stored.find()?, self.bed);
        let path = &found.settings.path;
        if !erase::is_there(path) {
            return self.nothing(&found, &Forgotten::default());
        }
        self.stored.look(&found, Some(&bed))?;
        let question = format!("This removes all that was learnt and stored about {bed}, in {}.", path.display());
        self.stored.confirm(&question, bed.as_str())?;
        let forgotten = erase::forget(path, &bed).map_err(Failure::failed)?;
        let Forgotten { learnt, events, alerts, unreadable } = forgotten;
        if !learnt && events == 0 && alerts == 0 {
            return self.nothing(&found, &forgotten);
        }
        if self.json {
            print(&told(bed, &forgotten))?;
            return Ok(ExitCode::SUCCESS);
        }
        let learnt = if learnt { "what was learnt of it" } else { "nothing learnt, for nothing was" };
        print(&fit(&format!(
            "Removed of {bed}: {learnt}, {events} events, {alerts} alerts that had not been delivered.\n\
             Removed of all beds, for they do not say of which: {unreadable} damaged records and stores.\n"
        )))?;
        Ok(ExitCode::SUCCESS)
    }

    /// Nothing was found. Where the configuration has no such bed it may be a slip of the pen, and somebody's data stays.
    fn nothing(&self, found: &Found, forgotten: &Forgotten) -> Result<ExitCode, Failure> {
        let (bed, shown) = (self.bed, found.settings.path.display());
        let also = match forgotten.unreadable {
            0 => String::new(),
            unreadable => format!(" {unreadable} damaged records and stores were removed."),
        };
        let words = format!("nothing was stored about {bed} in {shown}.{also}");
        match &found.config {
            Some(config) if !config.beds.iter().any(|known| known.id == bed) => {
                let known = config.beds.iter().map(|known| known.id.to_string()).collect::<Vec<_>>().join(", ");
                Err(Failure::failed(format!("{words} The configuration has {known}.")))
            }
            Some(_) | None => {
                let text = format!("N{}\n", words.trim_start_matches('n'));
                print(&if self.json { told(bed, forgotten) } else { fit(&text) })?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn told(bed: BedId, forgotten: &Forgotten) -> String {
    let Forgotten { learnt, events, alerts, unreadable } = forgotten;
    json_line(&serde_json::json!({
        "bed": bed, "learnt": learnt, "events": events, "alerts": alerts, "unreadable": unreadable,
    }))
}
