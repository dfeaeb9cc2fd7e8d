//! The loop that drives a detector over a recording, for every command that works on recordings.
//!
//! Decides nothing and prints nothing: whoever calls looks at the detector after each step.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use jiff::Timestamp;

use crate::cli::Failure;
use crate::config::Bed;
use crate::detect::{Detector, Settings, Start};
use crate::model::{BedId, Now, Quality, Reading};
use crate::sensor::recording::{Layout, Recording, Row};

/// What has just been given to the detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A row of the recording, usable or not.
    Row,
    /// Time has come to a deadline of the detector.
    Deadline,
}

/// Opens a recording and reads its header.
///
/// # Errors
///
/// Fails, with the file's name in the text, where it cannot be read or is no recording.
pub(crate) fn open(file: &Path) -> Result<Recording<BufReader<File>>, Failure> {
    let place = file.display();
    let opened = File::open(file).map_err(|error| Failure::failed(format!("{place}: {error}")))?;
    Recording::open(BufReader::with_capacity(1 << 16, opened))
        .map_err(|error| Failure::failed(format!("{place}: {error}")))
}

/// Returns the bed that is meant: the one named, or the only one.
///
/// # Errors
///
/// Fails where there is none of that name, or none is named and there are several.
pub(crate) fn choose(beds: &[Bed], id: Option<BedId>) -> Result<&Bed, Failure> {
    let known = || beds.iter().map(|bed| bed.id.to_string()).collect::<Vec<_>>().join(", ");
    match (id, beds) {
        (None, [bed]) => Ok(bed),
        (None, _) => Err(Failure::usage(format!("say which bed: {}", known()))),
        (Some(id), _) => beds
            .iter()
            .find(|bed| bed.id == id)
            .ok_or_else(|| Failure::usage(format!("there is no bed {id}; there are: {}", known()))),
    }
}

/// Fits a bed's settings to what the recording has.
///
/// # Errors
///
/// Fails where the settings give levels for another number of zones.
pub(crate) fn fit(settings: &Settings, layout: Layout) -> Result<Settings, Failure> {
    let (contact, zones) = match layout {
        Layout::Contact => (true, 1),
        Layout::Zones(zones) => (false, zones),
    };
    for (name, levels) in [("empty", &settings.empty), ("occupied", &settings.occupied)] {
        if let Some(levels) = levels.as_ref().filter(|levels| !contact && levels.len() != zones) {
            let (given, bed) = (levels.len(), settings.bed);
            let message = format!("bed {bed}: `{name}` gives {given} levels, and the recording has {zones} zones");
            return Err(Failure::usage(message));
        }
    }
    Ok(Settings { contact, zones, ..settings.clone() })
}

/// Runs the rows of a recording through a new detector, which starts from an unknown state, and calls `each` after every step.
///
/// Now is the latest time seen; deadlines up to it fire first, each a step at its own time; the end is the last row.
/// `each` takes the detector's events or decisions: what it leaves stays queued.
///
/// # Errors
///
/// Those of reading the recording, and those of `each`, which end the run.
pub(crate) fn drive(
    settings: &Settings,
    rows: impl IntoIterator<Item = io::Result<Row>>,
    each: impl FnMut(&mut Detector, Now, Step) -> io::Result<()>,
) -> io::Result<()> {
    drive_until(settings, rows, None, each)
}

/// The same, but goes on after the last row until `end`, as life does where a mat sends only on change.
///
/// # Errors
///
/// As [`drive`].
pub(crate) fn drive_until(
    settings: &Settings,
    rows: impl IntoIterator<Item = io::Result<Row>>,
    end: Option<Timestamp>,
    mut each: impl FnMut(&mut Detector, Now, Step) -> io::Result<()>,
) -> io::Result<()> {
    let mut watching: Option<(Detector, Now)> = None;
    for row in rows {
        let row = row?;
        if i64::try_from(row.time.as_nanosecond()).is_err() {
            // No monotonic clock counts as far as the year 2262.
            continue;
        }
        let at = Now::recorded(row.time);
        let (detector, now) = watching.get_or_insert_with(|| (Detector::new(settings.clone(), &Start::First, at), at));
        if at.moment > now.moment {
            *now = at;
            fire(detector, at, &mut each)?;
        }
        let reading = Reading { at: at.moment, channels: row.channels, quality: Quality::Live };
        detector.on_reading(&reading, *now);
        each(detector, *now, Step::Row)?;
    }
    if let (Some((mut detector, now)), Some(end)) = (watching, end.map(Now::recorded)) {
        if end.moment > now.moment {
            fire(&mut detector, end, &mut each)?;
        }
    }
    Ok(())
}

/// Lets every deadline up to `now` fire at its own time, so that whoever looks sees the bed as it was then.
fn fire(
    detector: &mut Detector,
    now: Now,
    each: &mut impl FnMut(&mut Detector, Now, Step) -> io::Result<()>,
) -> io::Result<()> {
    while let Some(due) = detector.next_deadline().filter(|due| *due <= now.moment) {
        let at = Now { moment: due, utc: now.utc_of(due), ..now };
        detector.on_deadline(at);
        each(detector, at, Step::Deadline)?;
        if detector.next_deadline() == Some(due) {
            // At the end of time every deadline lies at the same moment.
            break;
        }
    }
    Ok(())
}
