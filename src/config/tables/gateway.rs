//! `[gateway]`: which home this is.

use std::time::Duration;

use jiff::tz::{self, TimeZone};

use crate::clock::ClockSource;
use crate::config::Gateway;
use crate::config::finding::{Notes, nearest, quoted};
use crate::config::tree::{Placed, Table};
use crate::model::ids::IdError;
use crate::model::{GatewayId, Language};

/// The time zone where none is given.
const ZONE_DEFAULT: &str = "Europe/Stockholm";

/// How old a test may be where nothing is given: a season.
const TEST_EVERY_DEFAULT: Duration = DAY.saturating_mul(90);

/// The longest that may be given.
const TEST_EVERY_MAX: Duration = DAY.saturating_mul(3650);

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The table as read; the id may be missing or wrong.
pub(super) struct Read {
    pub(super) zone: TimeZone,
    id: Option<GatewayId>,
    language: Language,
    clock: ClockSource,
    test_every: Option<Duration>,
}

impl Read {
    pub(super) fn checked(self) -> Option<Gateway> {
        let Self { zone, id, language, clock, test_every } = self;
        Some(Gateway { id: id?, zone, language, clock, test_every })
    }
}

pub(super) fn read(root: &mut Table<'_>, notes: &mut Notes) -> Read {
    let mut table = root.table("gateway", "[gateway]", notes);
    if !table.is_given() {
        let help = "add `[gateway]` and below it `id = \"4601234567\"`, the number by which dispatch knows this home";
        notes.missing(&table.span, "`[gateway]` with its `id` is missing", help);
    }
    let id = table.text_needed("id", "id = \"4601234567\"", notes).and_then(|id| gateway_id(&id, notes));
    let zone = table.text("time-zone", notes).and_then(|name| zone(&name, notes));
    let language = table.word("language", &[("sv", Language::Sv), ("en", Language::En)], notes);
    let clock = table.word("clock", &[("ntp", ClockSource::Ntp), ("rtc", ClockSource::Rtc)], notes);
    let test_every = table.duration_or("test-every", "off", DAY..=TEST_EVERY_MAX, notes);
    table.close(notes);
    Read {
        zone: zone.or_else(|| TimeZone::get(ZONE_DEFAULT).ok()).unwrap_or(TimeZone::UTC),
        id,
        language: language.unwrap_or_default(),
        clock: clock.unwrap_or_default(),
        test_every: test_every.or(Some(TEST_EVERY_DEFAULT)),
    }
}

fn gateway_id(text: &Placed<&str>, notes: &mut Notes) -> Option<GatewayId> {
    let id: Result<GatewayId, IdError> = text.value.parse();
    if let Err(error) = &id {
        let message = format!("{} is no gateway id", quoted(text.value));
        notes.error(&text.span, message, error.to_string());
    }
    id.ok()
}

fn zone(name: &Placed<&str>, notes: &mut Notes) -> Option<TimeZone> {
    let zone = TimeZone::get(name.value).ok();
    if zone.is_none() {
        let help = match near_zone(name.value) {
            Some(near) => format!("did you mean {}?", quoted(&near)),
            None => "write a name of the tz database, such as \"Europe/Stockholm\"".to_owned(),
        };
        notes.error(&name.span, format!("there is no time zone {}", quoted(name.value)), help);
    }
    zone
}

/// Finds the zone that was probably meant, also where only its city is given.
fn near_zone(name: &str) -> Option<String> {
    let names: Vec<String> = tz::db().available().map(|name| name.as_str().to_owned()).collect();
    let near = nearest(name, names.iter().map(String::as_str));
    let city = || nearest(name, names.iter().filter_map(|name| name.rsplit('/').next()));
    let of_city = || city().and_then(|city| names.iter().find(|name| name.ends_with(&format!("/{city}"))));
    near.map(str::to_owned).or_else(|| of_city().cloned())
}
