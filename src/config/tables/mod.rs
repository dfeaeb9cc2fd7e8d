//! The tables of the file, one file each, with their keys, bounds and defaults. Looks at nothing outside the text.

mod action;
mod alarm;
mod bed;
mod delivery;
mod detect;
mod dispatch;
mod gateway;
mod mqtt;
mod power;
mod sensor;
mod store;

use std::path::PathBuf;

use toml::de::DeTable;

use super::finding::Notes;
use super::tree::Table;
use super::{Config, Looks};

/// Reads the whole file. What is wrong or missing is noted, and nothing is returned then.
pub(super) fn read(entries: &DeTable<'_>, looks: Looks, notes: &mut Notes) -> Option<Config> {
    let mut root = Table::root(entries);
    let gateway = gateway::read(&mut root, notes);
    let store = store::read(&mut root, notes);
    // The broker's table comes before the beds in the file, but only they tell whether it is needed.
    let broker = root.table("mqtt", "[mqtt]", notes);
    let beds = bed::read(&mut root, &gateway.zone, looks, notes);
    let actions = action::read(&mut root, &beds, notes);
    let broker = mqtt::read(broker, beds.over_mqtt || actions.over_mqtt, notes);
    let power = power::read(&mut root, &beds, notes);
    let delivery = delivery::read(&mut root, notes);
    let channels = dispatch::read(&mut root, looks, notes);
    root.close(notes);
    let gateway = gateway.checked()?;
    let (beds, actions) = (beds.beds, actions.actions);
    (!notes.has_errors()).then_some(Config { gateway, store, broker, beds, power, delivery, channels, actions })
}

/// Returns the store's path as far as it can be read.
pub(super) fn store_path(entries: &DeTable<'_>) -> Option<PathBuf> {
    let notes = &mut Notes::default();
    let mut store = Table::root(entries).table("store", "[store]", notes);
    store.path("path", notes).map(|path| path.value)
}
