//! `[bed.detect]`: how sure to be, and the mat's levels where they were measured.

use std::time::Duration;

use super::sensor::Mat;
use crate::config::Looks;
use crate::config::finding::{Notes, Span};
use crate::config::tree::Table;
use crate::detect::settings::SETTLE_DEFAULT;
use crate::detect::{Confirm, Sensitivity};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// The longest fixed confirmation: with more, nobody would come before she has fallen.
const CONFIRM_MAX: Duration = Duration::from_secs(60);

/// The longest settling: with more, a short night would never be watched.
const SETTLE_MAX: Duration = Duration::from_secs(600);

/// How soon somebody is taken to sit on the edge.
const SENSITIVITIES: [(&str, Sensitivity); 3] =
    [("low", Sensitivity::Low), ("normal", Sensitivity::Normal), ("high", Sensitivity::High)];

/// The table as read.
pub(super) struct Levels {
    pub(super) confirm: Confirm,
    pub(super) settle: Duration,
    pub(super) edge_sensitivity: Sensitivity,
    pub(super) empty: Option<Vec<f64>>,
    pub(super) occupied: Option<Vec<f64>>,
    pub(super) silent_after: Option<Duration>,
}

pub(super) fn read(bed: &mut Table<'_>, mat: &Mat, looks: Looks, notes: &mut Notes) -> Levels {
    let mut table = bed.table("detect", "[bed.detect]", notes);
    let confirm_place = table.place("confirm");
    let confirm = table.duration_or("confirm", "auto", Duration::ZERO..=CONFIRM_MAX, notes).or(None);
    if confirm == Some(Duration::ZERO) {
        let message = "with `confirm = \"0s\"` a single reading decides, so a turn or a glitch may be told as a rise";
        notes.warning(
            &confirm_place,
            message,
            "write \"auto\", which is as quick where the evidence is clear, or \"1s\"",
        );
    }
    let settle = table.duration("settle", Duration::ZERO..=SETTLE_MAX, notes);
    let edge_sensitivity = table.word("edge-sensitivity", &SENSITIVITIES, notes).unwrap_or_default();
    let empty = levels(&mut table, "empty", mat, looks, notes);
    let occupied = levels(&mut table, "occupied", mat, looks, notes);
    // Two days: some battery mats that send only on change give a sign of life once a day.
    let silent_after = table.duration_or("silent-after", "auto", SECOND..=HOUR * 48, notes).or(None);
    table.close(notes);
    if let (Some(empty), Some(occupied)) = (&empty, &occupied) {
        apart(empty, occupied, mat, notes);
    }
    let values = |level: Option<Level>| level.map(|level| level.zones);
    Levels {
        confirm: confirm.map_or(Confirm::Auto, Confirm::Fixed),
        settle: settle.unwrap_or(SETTLE_DEFAULT),
        edge_sensitivity,
        empty: values(empty),
        occupied: values(occupied),
        silent_after,
    }
}

/// A level of each zone.
struct Level {
    zones: Vec<f64>,
    span: Span,
}

fn levels(table: &mut Table<'_>, key: &'static str, mat: &Mat, looks: Looks, notes: &mut Notes) -> Option<Level> {
    let value = table.take(key)?;
    let parts = value.parts();
    if mat.contact {
        notes.error(&value.span, format!("a contact has no level, so `{key}` has no meaning"), "take it away");
        return None;
    }
    // A recording may have other channels than the mat at home; replay compares the levels with those.
    if let Some(zones) = mat.zones.filter(|zones| looks != Looks::Replay && *zones != parts.len()) {
        let message = format!("`{key}` has {} where the mat has {}", many(parts.len(), "level"), many(zones, "zone"));
        notes.error(&value.span, message, "give a level for each zone, in the order of `value`");
        return None;
    }
    let zones: Option<Vec<f64>> = parts.iter().map(|part| part.number(notes)).collect();
    let zones = zones.filter(|zones| !zones.is_empty())?;
    if let Some((low, high)) = mat.range {
        if let Some(outside) = zones.iter().find(|level| **level < low || **level > high) {
            let message = format!("`{key}` is {outside}, outside of the mat's range from {low} to {high}");
            notes.error(&value.span, message, "levels and `range` are in the sensor's own unit; correct one of them");
        }
    }
    Some(Level { zones, span: value.span })
}

fn many(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// Checks that an empty bed and one with someone in it differ, in the direction that `invert` says.
fn apart(empty: &Level, occupied: &Level, mat: &Mat, notes: &mut Notes) {
    for (zone, (empty, full)) in empty.zones.iter().zip(&occupied.zones).enumerate() {
        let which = if occupied.zones.len() == 1 { String::new() } else { format!(" in zone {}", zone + 1) };
        #[expect(clippy::float_cmp, reason = "the same number written twice")]
        if empty == full {
            let message = format!("`empty` and `occupied` are both {full}{which}");
            notes.error(&occupied.span, message, "measure both: nobody on the mat, and someone lying still");
        } else if (full > empty) == mat.invert {
            let verb = if mat.invert { "rises" } else { "falls" };
            let message = format!("by these levels the value {verb} under load{which}, and `invert` says otherwise");
            let help = format!("set `invert = {}` beside `range`, or exchange the levels", !mat.invert);
            notes.error(&occupied.span, message, help);
        }
    }
}
