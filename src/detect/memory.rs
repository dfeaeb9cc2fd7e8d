//! What a bed must know again after a restart. Times are UTC: a restart has another monotonic clock.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::levels::Pair;
use super::settings::Settings;
use super::signal::Zones;
use crate::model::time::millis;
use crate::model::time::millis_option;
use crate::model::{MatFault, Now};

/// The state of one bed that outlives a restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Memory {
    /// When this was written.
    #[serde(with = "millis")]
    pub saved: Timestamp,
    /// Whether the clock could be trusted then.
    #[serde(default = "yes")]
    pub trusted: bool,
    /// Of what mat the levels are: what they depend on, in one line.
    #[serde(default)]
    pub mat: String,
    /// What the bed was doing.
    pub bed: BedMemory,
    /// The absence that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absence: Option<AbsenceMemory>,
    /// When the bed is to be told that was found empty, or may be, and of which nothing was known; none: told, known, or
    /// as after a lost state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<UnknownMemory>,
    /// The pause that has not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseMemory>,
    /// The levels, where they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learnt: Option<Learnt>,
    /// Where on the mat she lies and sits, where that has been seen.
    #[serde(default)]
    pub edge: EdgeMemory,
    /// The faults that were told and have not ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<MatFault>,
    /// The zones, counted from 0, of which a fault was told that has not ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<(u8, MatFault)>,
    /// Whether another mat lies in the bed by now, of which nothing good has been heard yet: its first good reading ends
    /// the faults of the one before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replaced: bool,
    /// The last rise, for `not-up`.
    #[serde(default, with = "millis_option", skip_serializing_if = "Option::is_none")]
    pub last_rise: Option<Timestamp>,
}

/// Versions that did not say it wrote nothing else.
const fn yes() -> bool {
    true
}

impl Memory {
    /// Returns the present as it counts beside the times in here. Where the clock could not be trusted then, or cannot be
    /// now, the time spent off is not counted.
    pub(super) fn present(&self, now: &Now) -> Now {
        if now.trusted && self.trusted { *now } else { Now { utc: self.saved, ..*now } }
    }

    /// Returns the last rise by the clock as it is now.
    pub(super) fn last_rise_by(&self, now: &Now) -> Option<Timestamp> {
        self.last_rise.map(|rise| now.utc_of(self.present(now).moment_of(rise)))
    }

    /// Returns what has been learnt, where that is of the mat of these settings.
    pub(super) fn learnt_of(&self, settings: &Settings) -> Option<&Learnt> {
        self.learnt.as_ref().filter(|_| self.mat == mat(settings))
    }
}

/// What has been learnt about a mat and who lies on it. Levels are loads, a number a zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Learnt {
    /// With nobody on the mat.
    pub empty: Vec<f64>,
    /// With somebody lying on it.
    pub occupied: Vec<f64>,
    /// With nobody on the mat when that became known: how far it has drifted is told from there. None: not seen yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first_empty: Vec<f64>,
    /// Whether load was found to make the value fall: the levels are those of a mat that is read the other way round.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub falls: bool,
    /// Whether somebody has proven the levels: has come and stayed, or has left.
    #[serde(default = "yes")]
    pub proven: bool,
    /// For how long somebody has been followed in bed, in seconds.
    #[serde(default)]
    pub lain_s: u64,
}

impl Learnt {
    pub(super) fn of(pair: &Pair, first_empty: Option<&Zones>, lain: Duration, zones: usize) -> Self {
        let list = |levels: &Zones| levels.iter().take(zones).copied().collect();
        Self {
            empty: list(&pair.empty),
            occupied: list(&pair.occupied),
            first_empty: first_empty.map(list).unwrap_or_default(),
            falls: false,
            proven: false,
            lain_s: lain.as_secs(),
        }
    }

    pub(super) fn pair(&self) -> Pair {
        Pair { empty: zones(&self.empty), occupied: zones(&self.occupied) }
    }

    pub(super) fn first_empty(&self) -> Option<Zones> {
        (!self.first_empty.is_empty()).then(|| zones(&self.first_empty))
    }

    pub(super) fn lain(&self) -> Duration {
        Duration::from_secs(self.lain_s)
    }
}

fn zones(list: &[f64]) -> Zones {
    std::array::from_fn(|zone| list.get(zone).copied().unwrap_or_default())
}

/// What is known of the edge of a bed. Numbers a zone, none where nothing has been seen.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct EdgeMemory {
    /// Whether somebody was told that she sits there, and she has not lain down again.
    pub told: bool,
    /// What lies on each zone above the empty bed while she lies, as loads.
    pub lies: Vec<f64>,
    /// Each zone's part of the load where she gets in and out.
    pub rim: Vec<f64>,
}

/// Says in one line what levels depend on: remembered ones of another mat are worth nothing.
pub(super) fn mat(settings: &Settings) -> String {
    let Settings { contact, zones, range, invert, empty, occupied, .. } = settings;
    format!("{contact} {zones} {range:?} {invert} {empty:?} {occupied:?}")
}

/// What a bed was doing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum BedMemory {
    /// Nothing was known.
    Unknown,
    /// Nobody was in bed.
    Empty,
    /// Somebody was in bed.
    InBed {
        /// When she lay down.
        #[serde(with = "millis")]
        since: Timestamp,
        /// When she was last seen there.
        #[serde(with = "millis")]
        seen: Timestamp,
    },
}

/// When a bed of which nothing was known is to be told, where that is later than after a lost state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum UnknownMemory {
    /// It has not been seen yet.
    Unseen {
        /// How long after it is found empty, in seconds.
        #[serde(rename = "wait-s")]
        wait_s: u64,
    },
    /// It was found empty.
    Empty {
        /// Then.
        #[serde(with = "millis")]
        due: Timestamp,
    },
}

/// A pause that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PauseMemory {
    /// When it began.
    #[serde(with = "millis")]
    pub from: Timestamp,
    /// When it ends at the latest.
    #[serde(with = "millis")]
    pub until: Timestamp,
    /// Whether it ends as soon as somebody has lain down again.
    #[serde(default)]
    pub until_return: bool,
    /// Whether the bed had not been seen for a while when it began.
    #[serde(default)]
    pub unseen: bool,
}

/// An absence that is open.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AbsenceMemory {
    /// When it began.
    #[serde(with = "millis")]
    pub since: Timestamp,
    /// Whether the watch was on then.
    pub watched: bool,
    /// Whether anybody was told.
    #[serde(default)]
    pub told: bool,
    /// How many reminders have been told.
    pub reminders: u32,
    /// When the next one is due.
    #[serde(default, with = "millis_option", skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}
