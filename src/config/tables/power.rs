//! `[power]`: a contact that tells whether mains is there.

use super::bed;
use crate::config::finding::{Notes, Thing};
use crate::config::tree::Table;
use crate::power::{Contact, Line, Settings};
use crate::sensor::Sensor;

/// The control lines that are inputs.
const LINES: [(&str, Line); 4] = [("dcd", Line::Dcd), ("cts", Line::Cts), ("dsr", Line::Dsr), ("ri", Line::Ri)];

pub(super) fn read(root: &mut Table<'_>, beds: &bed::Read, notes: &mut Notes) -> Settings {
    let mut table = root.table("power", "[power]", notes);
    // Asked for twice: once for its absence, once as a path to be looked at.
    let port = match table.text_needed("port", "port = \"/dev/serial/by-id/…\"", notes) {
        Some(_) => table.file("port", Thing::Port, notes),
        None => None,
    };
    let line = table.word("line", &LINES, notes).unwrap_or_default();
    let on_when_lost = table.word("lost", &[("off", false), ("on", true)], notes).unwrap_or_default();
    table.close(notes);
    let mats = beds.beds.iter().filter_map(|bed| match &bed.sensor {
        Sensor::Serial(settings) => Some(&settings.port),
        Sensor::Mqtt(_) => None,
    });
    if let Some(port) = port.as_ref().filter(|port| mats.clone().any(|mat| *mat == port.value)) {
        notes.error(
            &port.span,
            "a bed reads this port already",
            "a port carries one mat; name the port of the contact",
        );
    }
    Settings { contact: port.map(|port| Contact { port: port.value, line, on_when_lost }) }
}
