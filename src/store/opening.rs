//! From a path to an open store, whatever lies there.
//!
//! 1. The folder is made if need be and locked. Taken, forbidden, full, a file: [`Trouble`], and nothing was touched.
//! 2. What a power cut leaves behind and the engine cannot open is mended: nothing is lost by it.
//! 3. The engine opens it, panics caught; counters, states and the first alerts are read.
//! 4. If that shows damage, the folder is put aside as `store.corrupt-1` (the one before as `-2`) and a new one begun.
//!
//! Nothing is ever repaired in place: removing the engine's summaries from a damaged store may open it empty.

use jiff::Timestamp;

use super::folder::Folder;
use super::ledger::{Begun, Ledger};
use super::medium::Medium;
use super::trouble::Trouble;
use super::{Found, Recovered, Settings};

/// The most alerts that are handed over with the opening; the rest is read page by page.
const FIRST_PAGE: usize = 256;

/// An open store, and what was found in it.
pub(super) struct Opened {
    pub(super) ledger: Ledger,
    pub(super) recovered: Recovered,
}

/// Opens the store. With `suspect` every alert is read first: damage was met where an opening does not look.
pub(super) fn open(settings: &Settings, utc: Timestamp, suspect: bool) -> Result<Opened, Trouble> {
    let folder = Folder::take(&settings.path)?;
    if !folder.has_store() {
        let lost = folder.mark().is_some();
        let mut opened = begin(&folder, utc)?;
        if lost {
            opened.recovered.found = Found::Lost;
            opened.recovered.notes.push("the store is gone although it was in use: what it held is lost".to_owned());
        }
        return Ok(opened);
    }
    match load(folder.clone(), true, utc, suspect) {
        Err(Trouble::Damaged { what, .. }) => begin_anew(&folder, utc, &what),
        result => result,
    }
}

fn begin_anew(folder: &Folder, utc: Timestamp, what: &str) -> Result<Opened, Trouble> {
    let aside = folder.put_aside()?;
    tracing::error!(path = %aside.display(), error = what, "Damaged store was put aside, a new one is begun");
    let mut opened = begin(folder, utc)?;
    opened.recovered.found = Found::Lost;
    opened.recovered.notes.push(format!(
        "the store was damaged ({what}) and lies in {} now; a new one was begun: alerts, journal and states that only the \
         old one held are not known any more",
        aside.display()
    ));
    Ok(opened)
}

fn begin(folder: &Folder, utc: Timestamp) -> Result<Opened, Trouble> {
    let begun = load(folder.clone(), false, utc, false);
    if begun.is_err() {
        // It holds nothing yet; the next try must not take the half-made one for a damaged one.
        folder.discard();
    }
    begun
}

fn load(folder: Folder, existed: bool, utc: Timestamp, suspect: bool) -> Result<Opened, Trouble> {
    let mut notes = folder.prepare()?;
    let medium = Medium::open(&folder.store())?;
    let Begun { mut ledger, first, known } = Ledger::begin(medium, folder, existed, utc, &mut notes)?;
    if suspect {
        ledger.verify(&mut notes)?;
    }
    let states = ledger.states(&mut notes)?;
    let alerts = ledger.page(None, FIRST_PAGE, &mut notes)?;
    let found = if known { Found::Known } else { Found::New };
    let recovered = Recovered { alerts, states, sequence: first, found, notes };
    Ok(Opened { ledger, recovered })
}
