//! One simulated night: its rows, one after the other, and its truth.
//!
//! Streams: holds the script and the mat's memory, never the readings.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::faults::{Faults, Row, whole_millis};
use super::habits::Habits;
use super::home::Home;
use super::mat::{Mat, MatKind};
use super::pose::{Body, Load, Pose, Posture};
use super::resident::Script;
use super::rng::Rng;
use super::truth::{Blind, Truth};
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
    /// What else lies on her bed.
    pub home: Home,
    /// What befalls the rows.
    pub faults: Faults,
    /// How hard it is meant to be; only written down.
    pub difficulty: Difficulty,
}

/// The shortest time between readings: 50 a second.
const PERIOD_MIN: Duration = Duration::from_millis(20);

impl NightSettings {
    /// Draws a mat, a resident, her home, her night and its faults by seed.
    #[must_use]
    pub fn drawn(seed: u64, difficulty: Difficulty, start: Timestamp, duration: Duration) -> Self {
        let mat = MatKind::drawn(&mut Rng::stream(seed, "kind"), difficulty);
        Self::drawn_on(mat, seed, difficulty, start, duration)
    }

    /// Draws all but the mat by seed.
    #[must_use]
    pub fn drawn_on(mat: MatKind, seed: u64, difficulty: Difficulty, start: Timestamp, duration: Duration) -> Self {
        let mut rng = Rng::stream(seed, "resident");
        let body = Body::drawn(difficulty, &mut rng);
        let rate_hz = mat.rate_drawn(&mut Rng::stream(seed, "rate"));
        let wide = mat.bed_is_wide().unwrap_or_else(|| rng.chance(0.5));
        let resident = Habits::drawn(difficulty, &mut rng).script(body, duration, &mut rng);
        Self {
            seed,
            start,
            duration,
            rate_hz,
            faults: Faults::drawn(difficulty, duration, &mut Rng::stream(seed, "faults")).fitting(mat.channels().len()),
            mat,
            home: Home::drawn(difficulty, wide, &resident, duration, &mut Rng::stream(seed, "home")),
            resident,
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
    /// Prepares a night. One on a contact mat is run through once beforehand, for its truth says where the contact lies.
    #[must_use]
    pub fn new(settings: NightSettings) -> Self {
        let mat = settings.mat.make(settings.seed);
        let mut truth = Truth::of(&settings, &mat);
        if matches!(settings.mat, MatKind::Contact(_)) {
            truth.blind = blind_spans(Samples::new(settings.clone(), mat.clone()));
        }
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
    loads: Vec<Load>,
    tick: u32,
    last: Duration,
    rng: Rng,
}

impl Samples {
    fn new(settings: NightSettings, mat: Mat) -> Self {
        let rng = Rng::stream(settings.seed, "jitter");
        Self { settings, mat, loads: Vec::new(), tick: 0, last: Duration::ZERO, rng }
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
        self.weigh(at);
        if self.settings.faults.starts_again(self.last, at) {
            self.mat.restart(&self.loads);
        }
        let channels = self.mat.read(&self.loads, at.saturating_sub(self.last).as_secs_f64());
        self.last = at;
        self.tick = self.tick.saturating_add(1);
        Some((at, channels))
    }

    /// Gathers all that weighs on the bed at a time.
    fn weigh(&mut self, at: Duration) {
        let script = &self.settings.resident;
        let bedding = Load { pose: Pose::lying(Posture::Back), weight_kg: script.left_kg_at(at) };
        self.loads.clear();
        self.loads.extend([self.settings.home.reached(script.load_at(at)), bedding]);
        self.settings.home.loads_at(at, &mut self.loads);
    }
}

/// The shortest contradiction that counts: a detector that waits for less takes a bounce for a rise.
const BLIND_S_MIN: f64 = 2.0;

/// Returns when a contact says for 2 s and longer what is not so.
fn blind_spans(mut samples: Samples) -> Vec<Blind> {
    let mut spans = Vec::new();
    let mut lies_from: Option<f64> = None;
    while let Some((at, channels)) = samples.take() {
        let pressed = channels.zones().iter().any(|zone| *zone > 0.5);
        let script = &samples.settings.resident;
        let truth = script.step_at(at).map_or_else(|| Some(script.shows_after()), |step| step.phase.shows());
        if truth.is_some_and(|truth| truth != pressed) {
            lies_from.get_or_insert(at.as_secs_f64());
        } else if let Some(from) = lies_from.take() {
            spans.push(Blind { from, to: at.as_secs_f64() });
        }
    }
    let end = samples.settings.duration.as_secs_f64();
    spans.extend(lies_from.map(|from| Blind { from, to: end }));
    spans.retain(|span| span.to - span.from >= BLIND_S_MIN);
    spans
}

#[cfg(test)]
mod hobby;
#[cfg(test)]
mod tests;
