//! What `score` and `simulate` share about nights drawn by seed: what is asked of them, and their rows as recordings
//! have them.

use std::ops::Range;
use std::time::Duration;

use jiff::Timestamp;

use super::Failure;
use crate::sensor::recording::{Layout, Row};
use crate::simulate::{self, Difficulty, Lot, NightSettings, Truth};

/// The longest night, in hours: two days.
const HOURS_MAX: f64 = 48.0;

/// The shortest, in hours: half a minute.
const HOURS_MIN: f64 = 30.0 / 3600.0;

/// How hard nights are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Level {
    /// No faults, no pets.
    Easy,
    /// What homes show.
    Realistic,
    /// Several troubles at once.
    Nasty,
}

/// Kinds of mats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Mat {
    /// One force sensor, in ADC counts.
    Fsr,
    /// Several force sensors, in ADC counts.
    Zones,
    /// An air bladder, in hPa.
    Air,
    /// Load cells under the legs of the bed, in kg.
    Cells,
    /// A switch.
    Contact,
}

impl Level {
    pub(super) const fn difficulty(self) -> Difficulty {
        match self {
            Self::Easy => Difficulty::Easy,
            Self::Realistic => Difficulty::Realistic,
            Self::Nasty => Difficulty::Nasty,
        }
    }
}

impl Mat {
    /// The word of truth files.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Fsr => "fsr",
            Self::Zones => "zones",
            Self::Air => "air",
            Self::Cells => "cells",
            Self::Contact => "contact",
        }
    }
}

/// When simulated nights begin that are not played live: a winter's evening.
pub(super) fn usual_start() -> Timestamp {
    // 2026-01-15T20:00:00Z.
    Timestamp::constant(1_768_507_200, 0)
}

/// Makes the lot that nights of these wishes are drawn from.
pub(super) fn lot(levels: &[Level], mats: &[Mat], hours: f64, start: Timestamp) -> Lot {
    Lot {
        levels: levels.iter().map(|level| level.difficulty()).collect(),
        kinds: mats.iter().map(|mat| mat.as_str().to_owned()).collect(),
        start,
        duration: Duration::try_from_secs_f64((hours * 3600.0).round()).unwrap_or_default(),
    }
}

/// Draws a night, or says that there is no such mat.
pub(super) fn draw(lot: &Lot, seed: u64) -> Result<NightSettings, Failure> {
    let none = || Failure::failed(format!("no mat of this kind is drawn: {}", lot.kinds.join(", ")));
    lot.draw(seed).ok_or_else(none)
}

/// What the readings of a drawn night hold.
pub(super) fn layout(truth: &Truth) -> Layout {
    match truth.channels.as_slice() {
        [contact] if contact == "contact" => Layout::Contact,
        zones => Layout::Zones(zones.len()),
    }
}

/// A reading as a recording of the night has it.
pub(super) fn row(truth: &Truth, row: &simulate::Row) -> Row {
    let time = truth.start.saturating_add(row.at).unwrap_or(truth.start);
    Row { time, channels: row.channels }
}

/// Reads the length of a night.
pub(super) fn hours(text: &str) -> Result<f64, String> {
    let hours = text.parse::<f64>().ok().filter(|hours| (HOURS_MIN..=HOURS_MAX).contains(hours));
    hours.ok_or_else(|| format!("a night is 0.01 to {HOURS_MAX} hours long"))
}

/// Reads seeds: one (`7`), or from one to before another (`1000..1200`).
pub(super) fn seeds(text: &str) -> Result<Range<u64>, String> {
    let number = |text: &str| text.trim().parse::<u64>().ok().filter(|seed| *seed < u64::MAX);
    let range = match text.split_once("..") {
        Some((from, to)) => number(from).zip(number(to)).map(|(from, to)| from..to),
        None => number(text).map(|seed| seed..seed + 1),
    };
    let sound = range.filter(|range| !range.is_empty() && range.end - range.start <= SEEDS_MAX);
    sound.ok_or_else(|| format!("write one seed, or `1000..1200` for 200 of them; {SEEDS_MAX} at most"))
}

/// The most nights of one run: a day's work of a small machine.
pub(super) const SEEDS_MAX: u64 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_one_or_up_to_before_another() {
        assert_eq!(seeds("7"), Ok(7..8));
        assert_eq!(seeds("1000..1200"), Ok(1000..1200));
        for wrong in ["", "..", "5..5", "9..1", "-1", "0..100001", "18446744073709551615", "a..b"] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hours_are_those_of_a_night() {
        assert_eq!(hours("0.5"), Ok(0.5));
        for wrong in ["0", "-1", "NaN", "inf", "49", "eight"] {
            assert!(hours(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_usual_start_is_an_evening() {
        assert_eq!(usual_start(), "2026-01-15T20:00:00Z".parse().unwrap());
    }
}
