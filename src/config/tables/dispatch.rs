//! `[[dispatch]]`: the channels to dispatch, each with exactly one way to send.

use std::collections::BTreeSet;
use std::time::Duration;

use super::mqtt::{no_tls, tls_files};
use crate::config::Looks;
use crate::config::address;
use crate::config::finding::{Notes, Span, Thing, quoted};
use crate::config::tree::{Placed, Table};
use crate::dispatch::{ChannelSettings, HttpsSettings, Way};

/// The most channels of one gateway.
const CHANNELS_MAX: usize = 8;

/// The longest name of a channel, in characters.
const NAME_CHARS_MAX: usize = 32;

/// How often a channel is told that the gateway lives, where nothing is said.
const HEARTBEAT_DEFAULT: Duration = Duration::from_secs(60);

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

pub(super) fn read(root: &mut Table<'_>, looks: Looks, notes: &mut Notes) -> Vec<ChannelSettings> {
    let tables = root.tables("dispatch", CHANNELS_MAX, notes);
    if !root.has("dispatch") && looks != Looks::Replay {
        let help = "add `[[dispatch]]`, below it `[dispatch.https]` with `url = \"https://…\"`";
        notes.missing(&(0..0), "there is no `[[dispatch]]`, so nobody would be told", help);
    }
    let mut names = BTreeSet::new();
    let places: Vec<(Span, Span)> = tables.iter().map(|table| (table.span.clone(), table.place("heartbeat"))).collect();
    let numbered = tables.into_iter().zip(1..);
    let channels: Vec<_> = numbered.filter_map(|(table, number)| channel(table, number, &mut names, notes)).collect();
    warn_of_gaps(&channels, &places, notes);
    channels
}

/// Warns of a way out that is gone with one failure, and of one whose end nobody would notice.
fn warn_of_gaps(channels: &[ChannelSettings], places: &[(Span, Span)], notes: &mut Notes) {
    let ([(table, _), ..], true) = (places, channels.len() == places.len()) else { return };
    // Advice for a file that can be used.
    if places.len() == 1 && !notes.has_errors() {
        let help = "add a second `[[dispatch]]`, best over another service; alerts wait here until this one is back";
        notes.missing_warning(table, "this is the only way to dispatch: while it is away, nobody is told", help);
    }
    let silent = channels.iter().all(|channel| channel.heartbeat.is_none());
    if let (true, Some((_, heartbeat))) = (silent, places.first()) {
        let message = "no channel gets a heartbeat, so nobody notices when this gateway is dead";
        notes.warning(heartbeat, message, "write `heartbeat = \"1min\"` in one [[dispatch]] at least");
    }
}

fn channel(
    mut table: Table<'_>,
    number: usize,
    names: &mut BTreeSet<String>,
    notes: &mut Notes,
) -> Option<ChannelSettings> {
    let given = table.text("name", notes).filter(|name| is_name(name, notes));
    let span = given.as_ref().map_or_else(|| table.span.clone(), |name| name.span.clone());
    let name = given.map_or_else(|| format!("dispatch-{number}"), |name| name.value.to_owned());
    if !names.insert(name.clone()) {
        let message = format!("another channel is called {} already", quoted(&name));
        notes.error(&span, message, "give each channel a `name` of its own");
    }
    let heartbeat = table.duration_or("heartbeat", "off", SECOND..=DAY, notes);
    let way = https(&mut table, notes);
    table.close(notes);
    Some(ChannelSettings { name, heartbeat: heartbeat.or(Some(HEARTBEAT_DEFAULT)), way: way? })
}

fn is_name(name: &Placed<&str>, notes: &mut Notes) -> bool {
    let sound = (1..=NAME_CHARS_MAX).contains(&name.value.chars().count()) && !name.value.contains('\t');
    if !sound {
        let message = format!("`name` must be 1 to {NAME_CHARS_MAX} characters");
        notes.error(&name.span, message, "write a short name, such as \"larmcentral\"");
    }
    sound
}

fn https(channel: &mut Table<'_>, notes: &mut Notes) -> Option<Way> {
    let mut table = channel.table("https", "[dispatch.https]", notes);
    if !table.is_given() {
        let help = "add `[dispatch.https]` and below it `url = \"https://…\"`";
        notes.missing(&channel.span, "this channel has no way to send", help);
        return None;
    }
    let allow_plaintext = table.flag("allow-plaintext", false, notes);
    let url = table.text_needed("url", "url = \"https://…\"", notes);
    let url = url.and_then(|url| address::https(&url, allow_plaintext, notes));
    let token_file = table.file("token-file", Thing::Token, notes);
    let signing_key_file = table.file("signing-key-file", Thing::SigningKeys, notes);
    let tls = tls_files(&mut table, notes);
    let receipt = table.flag("receipt", false, notes);
    table.close(notes);
    let (url, is_tls) = url?;
    if !is_tls {
        no_tls(&tls, "https://", notes);
    }
    Some(Way::Https(HttpsSettings {
        url,
        token_file: token_file.map(|file| file.value),
        signing_key_file: signing_key_file.map(|file| file.value),
        tls: tls.files,
        receipt,
    }))
}
