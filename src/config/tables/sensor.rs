//! `[bed.mqtt]` and `[bed.serial]`: how a bed's mat is read. Exactly one of them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use toml::de::DeValue;

use crate::config::finding::{Notes, Span, Thing, quoted};
use crate::config::tree::{Placed, Table};
use crate::config::value::Value;
use crate::model::reading::ZONES_MAX;
use crate::sensor::{Columns, MqttSettings, Payload, Sensor, SerialSettings};

/// The longest topic, in bytes: far more than any mat has, and it fits every broker's packets.
const TOPIC_BYTES_MAX: usize = 1024;

/// The longest JSON pointer, in bytes.
const POINTER_BYTES_MAX: usize = 1024;

/// The last column that a line can have.
const COLUMN_MAX: u32 = 255;

/// The longest separator, in characters.
const SEPARATOR_CHARS_MAX: usize = 8;

/// The speed where none is given: what USB adapters and small boards use.
const BAUD_DEFAULT: u32 = 115_200;

/// The speeds that serial adapters offer.
const BAUDS: &[u32] = &[
    300, 600, 1200, 2400, 4800, 9600, 14_400, 19_200, 28_800, 38_400, 57_600, 76_800, 115_200, 230_400, 250_000,
    460_800, 500_000, 576_000, 921_600, 1_000_000, 1_500_000, 2_000_000, 3_000_000, 4_000_000,
];

/// What the detector has to know of the mat.
#[derive(Debug, Default)]
pub(super) struct Mat {
    pub(super) contact: bool,
    /// `None` where the file does not say soundly.
    pub(super) zones: Option<usize>,
    pub(super) range: Option<(f64, f64)>,
    pub(super) invert: bool,
}

/// What only one bed may use.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    Port(PathBuf),
    Value { topic: String, pointer: String },
}

/// A bed's sensor as read.
pub(super) struct Read {
    pub(super) sensor: Option<Sensor>,
    pub(super) mat: Mat,
    pub(super) uses: Vec<Placed<Use>>,
    pub(super) over_mqtt: bool,
}

pub(super) fn read(bed: &mut Table<'_>, notes: &mut Notes) -> Read {
    let mqtt = bed.table("mqtt", "[bed.mqtt]", notes);
    let serial = bed.table("serial", "[bed.serial]", notes);
    let over_mqtt = mqtt.is_given();
    match (over_mqtt, serial.is_given()) {
        (false, false) => {
            let help = "add `[bed.mqtt]` with `topic = \"…\"`, or `[bed.serial]` with `port = \"/dev/serial/by-id/…\"`";
            notes.missing(&bed.span, "this bed has no sensor", help);
            Read { sensor: None, mat: Mat::default(), uses: Vec::new(), over_mqtt }
        }
        (true, false) => read_mqtt(mqtt, notes),
        (false, true) => read_serial(serial, notes),
        (true, true) => {
            notes.error(&serial.span, "this bed has two sensors", "keep `[bed.mqtt]` or `[bed.serial]`, not both");
            let read = read_mqtt(mqtt, notes);
            read_serial(serial, notes);
            read
        }
    }
}

fn read_mqtt(mut table: Table<'_>, notes: &mut Notes) -> Read {
    let topic = table.text_needed("topic", "topic = \"mats/bed-1\"", notes).filter(|topic| is_topic(topic, notes));
    let time = table.take("time").and_then(|value| pointer(&value, notes));
    let channels = channels(&mut table, pointer, notes);
    let mat = mat(&mut table, channels.as_ref(), notes);
    table.close(notes);
    // Without a value the payload is a number.
    let whole = Placed { value: String::new(), span: table_span(topic.as_ref()) };
    let channels = channels.map(|channels| channels.or(whole));
    if let (Some(channels), Some(time)) = (&channels, &time) {
        pointers_apart(channels.all(), time, notes);
    }
    let uses = topic.as_ref().zip(channels.as_ref()).map(|(topic, channels)| uses(topic, channels.all()));
    let sensor = topic.zip(channels).map(|(topic, channels)| {
        let payload = match channels {
            Channels::Contact(pointer) => Payload::Contact(pointer.value),
            Channels::Zones(pointers) => Payload::Zones(pointers.into_iter().map(|pointer| pointer.value).collect()),
            Channels::None => Payload::Zones(vec![String::new()]),
        };
        Sensor::Mqtt(MqttSettings { topic: topic.value.to_owned(), payload, time: time.map(|time| time.value) })
    });
    Read { sensor, mat, uses: uses.unwrap_or_default(), over_mqtt: true }
}

fn table_span(topic: Option<&Placed<&str>>) -> Span {
    topic.map_or(0..0, |topic| topic.span.clone())
}

fn uses(topic: &Placed<&str>, pointers: &[Placed<String>]) -> Vec<Placed<Use>> {
    let value = |pointer: &str| Use::Value { topic: topic.value.to_owned(), pointer: pointer.to_owned() };
    pointers.iter().map(|one| Placed { value: value(&one.value), span: one.span.clone() }).collect()
}

fn read_serial(mut table: Table<'_>, notes: &mut Notes) -> Read {
    let example = "port = \"/dev/serial/by-id/…\"";
    // Asked for twice: once for its absence, once as a path to be looked at.
    let port = match table.text_needed("port", example, notes) {
        Some(_) => table.file("port", Thing::Port, notes),
        None => None,
    };
    if let Some(port) = &port {
        warn_of_number(port, notes);
    }
    let baud = table.take("baud").and_then(|value| baud(&value, notes));
    let separator = table.text("separator", notes).and_then(|text| separator(&text, notes));
    let time = table.take("time").and_then(|value| column(&value, notes));
    let channels = channels(&mut table, column, notes);
    let mat = mat(&mut table, channels.as_ref(), notes);
    table.close(notes);
    if let (Some(channels), Some(time)) = (&channels, &time) {
        if channels.all().iter().any(|column| column.value == time.value) {
            let message = format!("column {} cannot be both the time and a value", time.value);
            notes.error(&time.span, message, "columns count from 0; give the column of the sensor's own time");
        }
    }
    let uses = port.iter().map(|port| Placed { value: Use::Port(port.value.clone()), span: port.span.clone() });
    let uses = uses.collect();
    let sensor = port.zip(channels).map(|(port, channels)| {
        let columns = match channels {
            Channels::Contact(column) => Columns::Contact(column.value),
            Channels::Zones(columns) => Columns::Zones(columns.into_iter().map(|column| column.value).collect()),
            Channels::None => Columns::Zones(vec![0]),
        };
        Sensor::Serial(SerialSettings {
            port: port.value,
            baud: baud.unwrap_or(BAUD_DEFAULT),
            separator: separator.unwrap_or_else(|| ",".to_owned()),
            columns,
            time: time.map(|time| time.value),
        })
    });
    Read { sensor, mat, uses, over_mqtt: false }
}

/// Where the mat's values stand: pointers into a message, or columns of a line.
enum Channels<T> {
    /// Neither `value` nor `contact` is given.
    None,
    Zones(Vec<Placed<T>>),
    Contact(Placed<T>),
}

impl<T> Channels<T> {
    fn all(&self) -> &[Placed<T>] {
        match self {
            Self::None => &[],
            Self::Zones(zones) => zones,
            Self::Contact(one) => std::slice::from_ref(one),
        }
    }

    fn or(self, default: Placed<T>) -> Self {
        match self {
            Self::None => Self::Zones(vec![default]),
            Self::Zones(_) | Self::Contact(_) => self,
        }
    }
}

/// Reads `value` or `contact`; nothing is returned where one of them is wrong.
fn channels<'t, T: Ord + Clone>(
    table: &mut Table<'t>,
    one: fn(&Value<'t>, &mut Notes) -> Option<Placed<T>>,
    notes: &mut Notes,
) -> Option<Channels<T>> {
    let (value, contact) = (table.take("value"), table.take("contact"));
    match (value, contact) {
        (None, None) => Some(Channels::None),
        (None, Some(contact)) => one(&contact, notes).map(Channels::Contact),
        (Some(value), None) => zones(&value, one, notes).map(Channels::Zones),
        (Some(_), Some(contact)) => {
            let help = "keep `value` for a mat that measures, or `contact` for a switch";
            notes.error(&contact.span, "a mat has `value` or `contact`, not both", help);
            None
        }
    }
}

fn zones<'t, T: Ord + Clone>(
    value: &Value<'t>,
    one: fn(&Value<'t>, &mut Notes) -> Option<Placed<T>>,
    notes: &mut Notes,
) -> Option<Vec<Placed<T>>> {
    let parts = value.parts();
    if parts.is_empty() || parts.len() > ZONES_MAX {
        let message = format!("a mat has 1 to {ZONES_MAX} zones, not {}", parts.len());
        notes.error(&value.span, message, "list the zones of this mat");
        return None;
    }
    let (mut zones, mut seen) = (Vec::new(), BTreeSet::new());
    for part in &parts {
        let zone = one(part, notes)?;
        if !seen.insert(zone.value.clone()) {
            notes.error(&zone.span, "two zones are read from the same place", "give each zone its own");
            return None;
        }
        zones.push(zone);
    }
    Some(zones)
}

/// Reads what both kinds of mats have: `range` and `invert`.
fn mat<T>(table: &mut Table<'_>, channels: Option<&Channels<T>>, notes: &mut Notes) -> Mat {
    let given = table.take("range");
    let range = given.as_ref().and_then(|value| range(value, notes));
    let invert = table.flag("invert", false, notes);
    let contact = matches!(channels, Some(Channels::Contact(_)));
    if let (true, Some(value)) = (contact, given) {
        notes.error(&value.span, "a contact has no range", "take `range` away, or read the mat with `value`");
    }
    let zones = channels.map(|channels| channels.all().len().max(1));
    Mat { contact, zones, range, invert }
}

fn range(value: &Value<'_>, notes: &mut Notes) -> Option<(f64, f64)> {
    const HELP: &str = "write the least and the greatest value that the sensor can say: `range = [0, 4095]`";
    let parts = value.parts();
    let (DeValue::Array(_), [low, high]) = (value.toml, parts.as_slice()) else {
        notes.error(&value.span, "`range` must be a list of two numbers", HELP);
        return None;
    };
    let (low, high) = (low.number(notes), high.number(notes));
    let (low, high) = (low?, high?);
    if low < high {
        return Some((low, high));
    }
    let message = format!("`range` is upside down: {low} is not below {high}");
    notes.error(&value.span, message, format!("write `range = [{high}, {low}]`, the lower one first"));
    None
}

pub(super) fn is_topic(topic: &Placed<&str>, notes: &mut Notes) -> bool {
    let text = topic.value;
    let (message, help) = if text.is_empty() {
        ("`topic` is empty".to_owned(), "write the topic that the mat publishes to")
    } else if text.contains(['+', '#']) {
        (format!("`topic` must name one mat, without + and #: {}", quoted(text)), "write the whole topic")
    } else if text.starts_with('$') {
        (format!("topics that begin with $ are the broker's own: {}", quoted(text)), "write the mat's topic")
    } else if text.len() > TOPIC_BYTES_MAX {
        (format!("`topic` is longer than {TOPIC_BYTES_MAX} bytes"), "let the mat publish to a shorter one")
    } else {
        return true;
    };
    notes.error(&topic.span, message, help);
    false
}

fn pointer(value: &Value<'_>, notes: &mut Notes) -> Option<Placed<String>> {
    let text = value.text(notes)?;
    let sound = text.is_empty() || text.starts_with('/');
    let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    let (message, help) = if !sound {
        let message = format!("{} is no JSON pointer: it must begin with `/`", quoted(text));
        (message, format!("write \"/{}\"; \"\" is the whole payload", text.replace('.', "/")))
    } else if !escapes {
        (
            format!("{} is no JSON pointer", quoted(text)),
            "in a name, `~` is written `~0` and `/` is written `~1`".into(),
        )
    } else if text.len() > POINTER_BYTES_MAX {
        (format!("`{}` is longer than {POINTER_BYTES_MAX} bytes", value.key), "no message nests that deeply".into())
    } else {
        return Some(Placed { value: text.to_owned(), span: value.span.clone() });
    };
    notes.error(&value.span, message, help);
    None
}

/// A payload that is the value has no room for a time or for a second zone.
fn pointers_apart(values: &[Placed<String>], time: &Placed<String>, notes: &mut Notes) {
    if values.iter().any(|value| value.value == time.value) {
        let message = format!("{} cannot be both the time and a value", quoted(&time.value));
        notes.error(&time.span, message, "give the pointer of the sensor's own time, or take `time` away");
    } else if time.value.is_empty() || values.iter().any(|value| value.value.is_empty()) {
        let help = "take `time` away, or say with `value` where in the JSON the number stands";
        notes.error(&time.span, "a payload that is one plain value has no time in it", help);
    }
}

fn column(value: &Value<'_>, notes: &mut Notes) -> Option<Placed<usize>> {
    let column = value.integer(0..=COLUMN_MAX, notes)?;
    Some(Placed { value: usize::try_from(column).ok()?, span: value.span.clone() })
}

fn baud(value: &Value<'_>, notes: &mut Notes) -> Option<u32> {
    let baud = value.integer(50..=4_000_000, notes)?;
    if !BAUDS.contains(&baud) {
        let near = BAUDS.iter().min_by_key(|known| known.abs_diff(baud)).copied().unwrap_or(BAUD_DEFAULT);
        let message = format!("{baud} is an unusual speed; few adapters offer it");
        notes.warning(&value.span, message, format!("did you mean {near}?"));
    }
    Some(baud)
}

fn separator(text: &Placed<&str>, notes: &mut Notes) -> Option<String> {
    let part_of_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+');
    let what = if text.value.is_empty() {
        "`separator` is empty".to_owned()
    } else if text.value.chars().count() > SEPARATOR_CHARS_MAX {
        format!("`separator` is longer than {SEPARATOR_CHARS_MAX} characters")
    } else if text.value.contains(part_of_number) {
        format!("`separator` must not be part of a number: {}", quoted(text.value))
    } else {
        return Some(text.value.to_owned());
    };
    notes.error(&text.span, what, "write what stands between the columns: \",\" or \";\" or \"\\t\" or \" \"");
    None
}

/// Numbers of ports are handed out in the order of plugging in.
fn warn_of_number(port: &Placed<PathBuf>, notes: &mut Notes) {
    let name = port.value.to_string_lossy();
    if name.starts_with("/dev/ttyUSB") || name.starts_with("/dev/ttyACM") {
        let message = format!("{} may be another mat after the next plugging in", quoted(&name));
        notes.warning(&port.span, message, "use the name below /dev/serial/by-id or /dev/serial/by-path");
    }
}
