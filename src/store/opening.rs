//! From a path to an open store, whatever lies there.
//!
//! 1. The folder is made if need be and locked. Taken, forbidden, full, a file: [`Trouble`], and nothing was touched. The
//!    mark of the sequence numbers is read and raised: who cannot wait for the rest has sure numbers from here on.
//! 2. What a power cut leaves behind and the engine cannot open is mended: nothing is lost by it.
//! 3. A child process opens it and reads everything, within a time limit: panics, aborts and endless loops end there.
//! 4. Here the engine opens it, panics caught; log and engine complete each other; states and the first alerts are read.
//! 5. If 3 or 4 shows damage, the folder is put aside as `store.corrupt-1` (the one before as `-2`) and a new one begun
//!    with what the log holds. What a child process can read of the old one is merged into it later, by the owner.
//!
//! Nothing is ever repaired in place: removing the engine's summaries from a damaged store may open it empty.

use std::sync::Arc;

use jiff::Timestamp;

use super::child::{self, Verdict};
use super::folder::Folder;
use super::ledger::{Begun, Ledger};
use super::medium::Medium;
use super::reader::Wanted;
use super::sequence::Numbers;
use super::trouble::Trouble;
use super::{Found, Recovered, Settings};

/// The most alerts that are handed over with the opening; the rest is read page by page.
pub(super) const FIRST_PAGE: usize = 256;

/// An open store, and what was found in it.
pub(super) struct Opened {
    pub(super) ledger: Ledger,
    pub(super) recovered: Recovered,
}

/// What is known of the store from before an opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Before {
    /// Damage was met where an opening does not look: every alert is read first.
    pub(super) suspect: bool,
    /// The reading came to no end the last time: a second time it is taken for damage.
    pub(super) endless: bool,
}

/// Opens the store; `numbers` goes on above what it has used, as soon as that can be read.
pub(super) fn open(
    settings: &Settings,
    utc: Timestamp,
    before: Before,
    numbers: &Arc<Numbers>,
) -> Result<Opened, Trouble> {
    let folder = Folder::take(&settings.path)?;
    let mark = folder.mark();
    if let Some(mark) = mark {
        // Before anything large is read: who cannot wait for that needs numbers that nobody has used.
        numbers.begin_at_mark(mark);
        folder.raise_mark(numbers)?;
    }
    if !folder.has_store()? {
        let mut opened = begin(&folder, utc, numbers)?;
        if mark.is_some() && !folder.take_wiped() {
            opened.recovered.found = Found::Lost;
            let words = "the store is gone although it was in use: what only it held is lost";
            opened.recovered.notes.push(format!("{words}; {}", taken_from_log(&opened)));
        }
        return Ok(opened);
    }
    let notes = folder.prepare()?;
    let loaded = prove(&folder, before)
        .and_then(|()| load(&folder, notes, true, utc, numbers))
        .and_then(|opened| verified(opened, before));
    match loaded {
        Err(Trouble::Damaged { what, .. }) => begin_anew(&folder, utc, numbers, &what),
        result => result,
    }
}

/// Lets a child process read everything first. Where there is none, or the disk fails it, the engine tells its tale here.
fn prove(folder: &Folder, before: Before) -> Result<(), Trouble> {
    let path = folder.store();
    match child::read(&path, Wanted::Proof, |_| true) {
        Verdict::Whole => Ok(()),
        Verdict::Broken(what) => Err(Trouble::Damaged { path, what }),
        Verdict::TooSlow | Verdict::Killed if before.endless => {
            Err(Trouble::Damaged { path, what: "reading it came to no end, twice".to_owned() })
        }
        Verdict::TooSlow => Err(Trouble::TooSlow(path)),
        Verdict::Killed => Err(Trouble::TooMuch(path)),
        Verdict::Unknown(words) => {
            tracing::debug!(words, "Store could not be read by a child process");
            Ok(())
        }
    }
}

fn begin_anew(folder: &Folder, utc: Timestamp, numbers: &Arc<Numbers>, what: &str) -> Result<Opened, Trouble> {
    let aside = folder.put_aside()?;
    tracing::error!(path = %aside.display(), error = what, "Damaged store was put aside, a new one is begun");
    let mut opened = begin(folder, utc, numbers)?;
    opened.recovered.found = Found::Lost;
    opened.recovered.notes.push(format!(
        "the store was damaged ({what}) and lies in {} now; a new one was begun: {}; what else can be read of the old one \
         is taken over now",
        aside.display(),
        taken_from_log(&opened)
    ));
    Ok(opened)
}

fn taken_from_log(opened: &Opened) -> String {
    let states = opened.recovered.states.len();
    format!("{} alerts that wait and {states} states were taken from the log", opened.ledger.undelivered())
}

fn begin(folder: &Folder, utc: Timestamp, numbers: &Arc<Numbers>) -> Result<Opened, Trouble> {
    let made = folder.make_store()?;
    let begun = folder.prepare().and_then(|notes| load(folder, notes, false, utc, numbers));
    if made && begun.is_err() {
        // The next try must not take the half-made one for a damaged one.
        folder.discard();
    }
    begun
}

fn load(
    folder: &Folder,
    mut notes: Vec<String>,
    existed: bool,
    utc: Timestamp,
    numbers: &Arc<Numbers>,
) -> Result<Opened, Trouble> {
    let medium = Medium::open(&folder.store())?;
    let Begun { mut ledger, known } =
        Ledger::begin(medium, folder.clone(), existed, utc, Arc::clone(numbers), &mut notes)?;
    let states = ledger.states(&mut notes)?;
    let alerts = ledger.page(None, FIRST_PAGE, &mut notes)?;
    let found = if known { Found::Known } else { Found::New };
    let recovered = Recovered { alerts, states, sequence: numbers.next(), found, notes };
    Ok(Opened { ledger, recovered })
}

/// Reads every alert and the whole journal where damage was met.
fn verified(mut opened: Opened, before: Before) -> Result<Opened, Trouble> {
    if before.suspect {
        opened.ledger.verify(&mut opened.recovered.notes)?;
    }
    Ok(opened)
}
