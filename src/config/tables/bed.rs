//! `[[bed]]`: which beds there are and when each is watched.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use toml::de::DeValue;

use super::sensor::{self, Use};
use super::{alarm, detect};
use crate::config::finding::{Notes, Span, quoted};
use crate::config::tree::{Placed, Table};
use crate::config::value::{Value, show_time};
use crate::config::{Bed, Looks};
use crate::detect::{Alarm, Settings};
use crate::model::BedId;
use crate::model::ids::IdError;
use crate::model::schedule::{Watch, Window};

/// The most beds of one gateway: more than any home has, few enough for the smallest gateway.
const BEDS_MAX: usize = 256;

/// The window where a bound is left out.
const WINDOW_DEFAULT: (Time, Time) = (Time::constant(22, 0, 0, 0), Time::constant(7, 0, 0, 0));

/// The beds as read.
pub(super) struct Read {
    pub(super) beds: Vec<Bed>,
    /// Whether any of them needs the broker.
    pub(super) over_mqtt: bool,
}

pub(super) fn read(root: &mut Table<'_>, zone: &TimeZone, looks: Looks, notes: &mut Notes) -> Read {
    let (mut read, mut taken) = (Read { beds: Vec::new(), over_mqtt: false }, Taken::default());
    let tables = root.tables("bed", BEDS_MAX, notes);
    if !root.has("bed") {
        let help = "add `[[bed]]`, below it `id = \"bed-1\"`, and how its mat is read: `[bed.mqtt]` or `[bed.serial]`";
        notes.missing(&(0..0), "there is no bed", help);
    }
    for table in tables {
        let (bed, over_mqtt) = one(table, zone, looks, &mut taken, notes);
        read.beds.extend(bed);
        read.over_mqtt |= over_mqtt;
    }
    read
}

/// Reads one bed, and tells whether it needs the broker.
fn one(
    mut table: Table<'_>,
    zone: &TimeZone,
    looks: Looks,
    taken: &mut Taken,
    notes: &mut Notes,
) -> (Option<Bed>, bool) {
    let id = table.text_needed("id", "id = \"bed-1\"", notes).and_then(|id| bed_id(&id, notes));
    if let Some(id) = &id {
        taken.id(id, notes);
    }
    let given = table.take("watch");
    let watch_span = given.as_ref().map_or_else(|| table.span.clone(), |value| value.span.clone());
    let watch = given.and_then(|value| watch(&value, zone, notes)).unwrap_or(Watch::Always);
    let sensor::Read { sensor, mat, uses, over_mqtt } = sensor::read(&mut table, notes);
    taken.uses(uses, notes);
    let levels = detect::read(&mut table, &mat, looks, notes);
    let alarm = alarm::read(&mut table, notes);
    warn_of_gaps(&watch, &watch_span, &alarm, notes);
    warn_of_short_night(&watch, &watch_span, notes);
    let span = table.span.clone();
    table.close(notes);
    let bed = id.zip(sensor).zip(mat.zones).map(|((id, sensor), zones)| Bed {
        id: id.value,
        sensor,
        detect: Settings {
            bed: id.value,
            watch,
            zone: zone.clone(),
            contact: mat.contact,
            zones,
            range: mat.range,
            invert: mat.invert,
            confirm: levels.confirm,
            settle: levels.settle,
            edge_sensitivity: levels.edge_sensitivity,
            empty: levels.empty,
            occupied: levels.occupied,
            silent_after: levels.silent_after,
            alarm: alarm.alarm,
        },
    });
    // A bed that cannot be made has been reported; should a rule ever forget to, the file must still not be sound.
    if bed.is_none() && !notes.has_errors() {
        notes.error(&span, "this bed cannot be watched as it stands", "compare it with the annotated file");
    }
    (bed, over_mqtt)
}

fn bed_id(text: &Placed<&str>, notes: &mut Notes) -> Option<Placed<BedId>> {
    let id: Result<BedId, IdError> = text.value.parse();
    match id {
        Ok(value) => Some(Placed { value, span: text.span.clone() }),
        Err(error) => {
            notes.error(&text.span, format!("{} is no bed id", quoted(text.value)), error.to_string());
            None
        }
    }
}

fn watch(value: &Value<'_>, zone: &TimeZone, notes: &mut Notes) -> Option<Watch> {
    const FORM: &str = "write `watch = \"always\"` or `watch = { from = \"22:00\", to = \"07:00\" }`";
    match value.toml {
        DeValue::String(word) if word == "always" => Some(Watch::Always),
        DeValue::String(word) => {
            notes.error(&value.span, format!("`watch` is \"always\" or a table, not {}", quoted(word)), FORM);
            None
        }
        DeValue::Table(entries) => {
            let mut table = Table::inline("`watch`", value.span.clone(), entries);
            let from = table.time("from", notes).map_or(WINDOW_DEFAULT.0, |time| time.value);
            let to = table.time("to", notes).map_or(WINDOW_DEFAULT.1, |time| time.value);
            table.close(notes);
            let window = Window::new(from, to, zone.clone());
            if window.is_none() {
                let message = format!("this night has no length: it begins and ends at {}", show_time(from));
                notes.error(&value.span, message, "for every hour of the day write `watch = \"always\"`");
            }
            window.map(Watch::Window)
        }
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) => {
            value.wrong("\"always\" or a table", FORM, notes);
            None
        }
    }
}

/// Warns of what nobody would be told.
fn warn_of_gaps(watch: &Watch, span: &Span, alarm: &alarm::Read, notes: &mut Notes) {
    if matches!(watch, Watch::Window(_)) && !alarm.not_in_bed_given {
        let message = "nobody is told when this bed is still empty after the watch has begun";
        let help = "set `not-in-bed = \"23:30\"` in [bed.alarm], or `not-in-bed = \"off\"` to leave it so knowingly";
        notes.missing_warning(span, message, help);
    }
    let Alarm { rise, not_returned, edge, not_in_bed, .. } = &alarm.alarm;
    if !rise && not_returned.is_none() {
        let help = "set `rise = true`, or `not-returned = \"15min\"`, in [bed.alarm]";
        let nothing = !edge && not_in_bed.is_none();
        let message = if nothing {
            "nobody is told when the resident leaves this bed"
        } else {
            "no alarm is raised when the resident leaves this bed and stays away"
        };
        notes.warning(if nothing { &alarm.span } else { &alarm.rise_place }, message, help);
    }
}

/// A night shorter than this is probably a slip of the pen, such as 10:00 for 22:00.
const NIGHT_HOURS_MIN: i64 = 4;

fn warn_of_short_night(watch: &Watch, span: &Span, notes: &mut Notes) {
    let Watch::Window(window) = watch else { return };
    if window.length() < SignedDuration::from_hours(NIGHT_HOURS_MIN) {
        let message = format!("this night is shorter than {NIGHT_HOURS_MIN} hours; outside of it no rise is told");
        notes.warning(span, message, "compare `from` and `to` with when the resident is in bed");
    }
}

/// What the beds before this one have taken.
#[derive(Default)]
struct Taken {
    ids: BTreeSet<BedId>,
    uses: BTreeSet<Use>,
}

impl Taken {
    fn id(&mut self, id: &Placed<BedId>, notes: &mut Notes) {
        if !self.ids.insert(id.value) {
            let message = format!("another bed before this one is {} too", quoted(id.value.as_str()));
            notes.error(&id.span, message, "give each bed an id of its own");
        }
    }

    fn uses(&mut self, uses: Vec<Placed<Use>>, notes: &mut Notes) {
        for one in uses {
            let (message, help) = match &one.value {
                Use::Port(_) => ("another bed reads this port already", "a port carries one mat; name the other one's"),
                Use::Value { .. } => (
                    "another bed reads this very value already",
                    "give this bed the topic or the pointer of its own mat",
                ),
            };
            if !self.uses.insert(one.value) {
                notes.error(&one.span, message, help);
            }
        }
    }
}
