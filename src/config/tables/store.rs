//! `[store]`: where alerts are kept and for how long.

use std::time::Duration;

use crate::config::finding::Notes;
use crate::config::tree::Table;
use crate::store::Settings;

const DAY: Duration = Duration::from_secs(24 * 3600);

pub(super) fn read(root: &mut Table<'_>, notes: &mut Notes) -> Settings {
    let mut table = root.table("store", "[store]", notes);
    let default = Settings::default();
    let path = table.path("path", notes);
    // A day at least, so that an outage can be looked into; ten years at most, which is for ever on an SD card.
    let keep = table.duration("keep", DAY..=DAY * 3650, notes);
    table.close(notes);
    Settings { path: path.map_or(default.path, |path| path.value), keep: keep.unwrap_or(default.keep) }
}
