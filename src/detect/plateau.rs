//! A stretch in which the value stays where it is: what learning compares.

use std::time::Duration;

use super::signal::{Frame, Zones};
use crate::model::Moment;

/// A stretch counts once it has lasted this long: longer than any swing of a person who sits up or turns over.
const SETTLED_AFTER: Duration = Duration::from_secs(5);

/// And once it has this many readings.
const SETTLED_READINGS: u32 = 4;

/// How far a value may lie from the level and still belong to it: in noises …
const BELONGS_NOISES: f64 = 10.0;

/// … or as a share of the level, for a mat without noise; far below the 0.8 % that a person is on a bad one (`PoPu`).
const BELONGS_SHARE: f64 = 0.001;

/// How many values in a row must lie elsewhere to end it: one is a glitch.
const ENDS_AFTER: u32 = 2;

/// A stretch of steady values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plateau {
    since: Moment,
    last: Moment,
    levels: Zones,
    level: f64,
    spread: f64,
    readings: u32,
    strays: u32,
}

impl Plateau {
    /// Begins with one value.
    pub(super) fn new(at: Moment, frame: &Frame) -> Self {
        Self { since: at, last: at, levels: frame.loads, level: frame.total(), spread: 0.0, readings: 1, strays: 0 }
    }

    /// Takes a value; false where it ends the plateau, because the value has moved elsewhere.
    pub(super) fn take(&mut self, at: Moment, frame: &Frame, noise: f64) -> bool {
        let value = frame.total();
        let away = (value - self.level).abs();
        if away > (BELONGS_NOISES * noise).max(BELONGS_SHARE * self.level.abs()) {
            self.strays += 1;
            return self.strays < ENDS_AFTER;
        }
        self.strays = 0;
        self.last = at;
        self.readings = self.readings.saturating_add(1);
        // The mean of all, then of about the last hundred: an old plateau still follows creep.
        let part = 1.0 / f64::from(self.readings.min(100));
        self.level += (value - self.level) * part;
        for (level, load) in self.levels.iter_mut().zip(&frame.loads) {
            *level += (load - *level) * part;
        }
        self.spread += (away - self.spread) * part;
        true
    }

    /// Tells whether it has lasted long enough to count.
    pub(super) fn is_settled(&self) -> bool {
        self.readings >= SETTLED_READINGS && self.last.since(self.since) >= SETTLED_AFTER
    }

    /// When it began.
    pub(super) fn since(&self) -> Moment {
        self.since
    }

    /// Its mean load, summed over the zones.
    pub(super) fn total(&self) -> f64 {
        self.level
    }

    /// Its mean load, a zone each.
    pub(super) fn levels(&self) -> Zones {
        self.levels
    }

    /// Its mean distance from the mean: the noise, and breathing where somebody lies there.
    pub(super) fn spread(&self) -> f64 {
        self.spread
    }
}
