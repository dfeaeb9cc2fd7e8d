//! One simulated night: its rows, one after the other, and its truth.
//!
//! Streams: holds the script and the mat's memory, never the readings.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::faults::{Faults, Row, whole_millis};
use super::habits::Habits;
use super::mat::{Mat, MatKind};
use super::pose::{Body, Load};
use super::resident::Script;
use super::rng::Rng;
use super::truth::Truth;
use super::wire::Wire;
use crate::model::Channels;

/// How hard a night is for a detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Difficulty {
    /// No faults.
    Easy,
    /// What homes show.
    Realistic,
    /// Several troubles at once.
    Nasty,
}

impl Difficulty {
    /// Returns the word that truth files use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Easy => "easy",
            Self::Realistic => "realistic",
            Self::Nasty => "nasty",
        }
    }
}

/// What a night is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct NightSettings {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// When it begins; only written down.
    pub start: Timestamp,
    /// How long it is.
    pub duration: Duration,
    /// Readings a second, up to 50; what is no rate is taken as 1.
    pub rate_hz: f64,
    /// The mat.
    pub mat: MatKind,
    /// What the resident does.
    pub resident: Script,
    /// What befalls the rows.
    pub faults: Faults,
    /// How hard it is meant to be; only written down.
    pub difficulty: Difficulty,
}

/// The shortest time between readings: 50 a second.
const PERIOD_MIN: Duration = Duration::from_millis(20);

impl NightSettings {
    /// Draws a resident, her night and its faults by seed, on a given mat.
    #[must_use]
    pub fn drawn(seed: u64, mat: MatKind, difficulty: Difficulty, start: Timestamp, duration: Duration) -> Self {
        let mut rng = Rng::stream(seed, "resident");
        let body = Body::drawn(&mut rng);
        Self {
            seed,
            start,
            duration,
            rate_hz: mat.rate_drawn(&mut Rng::stream(seed, "rate")),
            resident: Habits::drawn(&mut rng).script(body, duration, &mut rng),
            faults: Faults::drawn(difficulty, duration, &mut Rng::stream(seed, "faults")).fitting(mat.channels().len()),
            mat,
            difficulty,
        }
    }

    /// Returns the time between readings.
    #[must_use]
    pub fn period(&self) -> Duration {
        Duration::try_from_secs_f64(1.0 / self.rate_hz).unwrap_or(Duration::from_secs(1)).max(PERIOD_MIN)
    }
}

/// A night: an iterator of rows in the order in which they get through, and the truth about it.
///
/// The same settings give the same rows.
#[derive(Debug, Clone)]
pub struct Night {
    truth: Truth,
    samples: Samples,
    wire: Wire,
}

impl Night {
    /// Prepares a night.
    #[must_use]
    pub fn new(settings: NightSettings) -> Self {
        let mat = settings.mat.make(settings.seed);
        let truth = Truth::of(&settings, &mat);
        let wire = Wire::new(settings.faults.clone(), &settings.mat, Rng::stream(settings.seed, "wire"));
        Self { truth, samples: Samples::new(settings, mat), wire }
    }

    /// Returns what really happens in it.
    #[must_use]
    pub const fn truth(&self) -> &Truth {
        &self.truth
    }
}

impl Iterator for Night {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        loop {
            let ahead = self.samples.next_at();
            if let Some(row) = self.wire.receive(ahead.unwrap_or(Duration::MAX)) {
                return Some(row);
            }
            let (at, channels) = self.samples.take()?;
            self.wire.send(at, channels);
        }
    }
}

/// What the mat reads, before anything befalls it.
#[derive(Debug, Clone)]
struct Samples {
    settings: NightSettings,
    mat: Mat,
    tick: u32,
    last: Duration,
    rng: Rng,
}

impl Samples {
    fn new(settings: NightSettings, mat: Mat) -> Self {
        let rng = Rng::stream(settings.seed, "jitter");
        Self { settings, mat, tick: 0, last: Duration::ZERO, rng }
    }

    /// Returns a time at or before which no further sample is taken; `None` at the end.
    fn next_at(&self) -> Option<Duration> {
        let due = self.settings.period().saturating_mul(self.tick);
        (due < self.settings.duration).then_some(self.last)
    }

    fn take(&mut self) -> Option<(Duration, Channels)> {
        self.next_at()?;
        let period = self.settings.period();
        let due = period.saturating_mul(self.tick).as_secs_f64();
        // Less than half a period either way: samples never overtake each other.
        let jitter = (self.settings.faults.jitter * self.rng.normal()).clamp(-0.45, 0.45);
        let at = whole_millis((due + jitter * period.as_secs_f64()).max(0.0));
        let pose = self.settings.resident.pose_at(at);
        let weight_kg = self.settings.resident.body().weight_kg;
        let loads = [Load::of_body(pose, weight_kg)];
        if self.settings.faults.starts_again(self.last, at) {
            self.mat.restart(&loads);
        }
        let channels = self.mat.read(&loads, at.saturating_sub(self.last).as_secs_f64());
        self.last = at;
        self.tick = self.tick.saturating_add(1);
        Some((at, channels))
    }
}

#[cfg(test)]
mod tests;
