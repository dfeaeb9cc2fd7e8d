//! `[[action]]`: what the gateway does by itself, each with exactly one way to do it.

use super::bed;
use super::sensor::is_topic;
use crate::action::{Settings, Trigger, Way};
use crate::config::finding::{Notes, quoted};
use crate::config::tree::{Placed, Table};
use crate::model::BedId;

/// The most actions of one gateway.
const ACTIONS_MAX: usize = 64;

/// The longest payload, in bytes.
const PAYLOAD_BYTES_MAX: usize = 4096;

/// The most words of a command.
const WORDS_MAX: usize = 64;

/// The actions as read.
pub(super) struct Read {
    pub(super) actions: Vec<Settings>,
    /// Whether any of them needs the broker.
    pub(super) over_mqtt: bool,
}

pub(super) fn read(root: &mut Table<'_>, beds: &bed::Read, notes: &mut Notes) -> Read {
    let tables = root.tables("action", ACTIONS_MAX, notes);
    let actions: Vec<Settings> = tables.into_iter().filter_map(|table| action(table, beds, notes)).collect();
    let over_mqtt = actions.iter().any(|action| matches!(action.way, Way::Mqtt { .. }));
    Read { actions, over_mqtt }
}

fn action(mut table: Table<'_>, beds: &bed::Read, notes: &mut Notes) -> Option<Settings> {
    if !table.has("on") {
        let help = "add what it is for, such as `on = [\"edge\", \"rise\"]`";
        notes.missing(&table.span, "`on` is missing in [[action]]", help);
    }
    let words: Vec<(&'static str, Trigger)> = Trigger::ALL.iter().map(|trigger| (trigger.as_str(), *trigger)).collect();
    let on = table.words("on", &words, notes);
    let name = table.text("bed", notes);
    let bed = name.as_ref().and_then(|name| of_bed(name, beds, notes));
    let mut mqtt = table.table("mqtt", "[action.mqtt]", notes);
    let mut command = table.table("command", "[action.command]", notes);
    let given = (mqtt.is_given(), command.is_given());
    let publication = if given.0 { publication(&mut mqtt, notes) } else { None };
    let program = if given.1 { program(&mut command, notes) } else { None };
    if given.0 == given.1 {
        let message = if given.0 { "this action has two ways" } else { "this action does nothing" };
        notes.missing(&table.span, message, "give it one of `[action.mqtt]` and `[action.command]`");
    }
    mqtt.close(notes);
    command.close(notes);
    table.close(notes);
    if name.is_some() && bed.is_none() {
        return None;
    }
    Some(Settings { on: on.filter(|on| !on.is_empty())?, bed, way: publication.or(program)? })
}

fn of_bed(name: &Placed<&str>, beds: &bed::Read, notes: &mut Notes) -> Option<BedId> {
    let id = name.value.parse().ok().filter(|id| beds.beds.iter().any(|bed| bed.id == *id));
    // Where a bed is not sound the list is not whole.
    if id.is_none() && !notes.has_errors() {
        notes.error(&name.span, format!("there is no bed {}", quoted(name.value)), "name one of the beds above");
    }
    id
}

fn publication(table: &mut Table<'_>, notes: &mut Notes) -> Option<Way> {
    let topic = table.text_needed("topic", "topic = \"lamps/bed-1/set\"", notes).filter(|topic| is_topic(topic, notes));
    let payload = table.text_needed("payload", "payload = \"ON\"", notes).filter(|payload| {
        let fits = payload.value.len() <= PAYLOAD_BYTES_MAX;
        if !fits {
            let message = format!("`payload` is longer than {PAYLOAD_BYTES_MAX} bytes");
            notes.error(&payload.span, message, "publish a shorter one");
        }
        fits
    });
    Some(Way::Mqtt { topic: topic?.value.to_owned(), payload: payload?.value.to_owned() })
}

fn program(table: &mut Table<'_>, notes: &mut Notes) -> Option<Way> {
    let example = "run = [\"/usr/local/bin/lamp\", \"on\"]";
    let Some(value) = table.take("run") else {
        notes.missing(&table.span, "`run` is missing in [action.command]", format!("add `{example}`"));
        return None;
    };
    let parts = value.parts();
    let words: Vec<String> = parts.iter().filter_map(|part| part.text(notes)).map(str::to_owned).collect();
    let whole = words.len() == parts.len() && words.len() <= WORDS_MAX;
    if !words.first().is_some_and(|program| program.starts_with('/')) || !whole {
        let message = "`run` must be the path of a program from the root, and its arguments";
        notes.error(&value.span, message, format!("write `{example}`; no shell reads it"));
        return None;
    }
    Some(Way::Command(words))
}
