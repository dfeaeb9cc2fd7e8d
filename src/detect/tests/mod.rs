//! The detector as a bed sees it: nights in a few lines.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "small numbers of a test"
)]

mod calibration;
mod deadlines;
mod edge;
mod evidence;
mod faults;
mod late;
mod leaving;
mod lesser;
mod levels;
mod pause;
mod properties;
mod restarts;
mod rising;
mod rules;
mod scales;
mod sending;
mod turning;
mod unknown;
mod wiring;
mod zero;

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::*;
use crate::model::schedule::Window;
use crate::model::{Channels, Watch};

const EMPTY: f64 = 100.0;
const LYING: f64 = 600.0;

/// A bed with a mat at 10 Hz and a virtual clock.
struct Bed {
    detector: Detector,
    now: Now,
    events: Vec<Event>,
}

fn settings() -> Settings {
    Settings {
        bed: "bed-1".parse().unwrap(),
        watch: Watch::Always,
        zone: TimeZone::get("Europe/Stockholm").unwrap(),
        contact: false,
        zones: 1,
        range: Some((0.0, 4095.0)),
        invert: false,
        confirm: Confirm::Fixed(Duration::from_secs(3)),
        settle: settings::SETTLE_DEFAULT,
        edge_sensitivity: Sensitivity::Normal,
        empty: Some(vec![EMPTY]),
        occupied: Some(vec![LYING]),
        silent_after: None,
        alarm: Alarm::default(),
    }
}

fn night(from: &str, to: &str) -> Watch {
    let zone = TimeZone::get("Europe/Stockholm").unwrap();
    Watch::Window(Window::new(from.parse().unwrap(), to.parse().unwrap(), zone).unwrap())
}

const PACE: Duration = Duration::from_millis(100);

impl Bed {
    fn new(settings: Settings, start: &Start, at: &str) -> Self {
        let now = Now::recorded(at.parse().unwrap());
        Self { detector: Detector::new(settings, start, now), now, events: Vec::new() }
    }

    fn later(&mut self, by: Duration) -> Now {
        self.now = Now::recorded(self.now.utc + jiff::SignedDuration::try_from(by).unwrap());
        self.now
    }

    fn collect(&mut self) {
        while let Some(event) = self.detector.next_event() {
            self.events.push(event);
        }
    }

    fn read(&mut self, value: f64) {
        let now = self.later(PACE);
        self.detector.on_reading(&reading(now.moment, value, Quality::Live), now);
        self.collect();
    }

    /// The mat shows `value` for a while.
    fn shows(&mut self, value: f64, seconds: f64) -> &mut Self {
        for step in 0..(seconds * 10.0) as u64 {
            let breath = if value > 300.0 { (step as f64 * 0.15).sin() * 3.0 } else { 0.0 };
            self.read(value + breath + if step % 2 == 0 { 0.5 } else { -0.5 });
        }
        self
    }

    /// Nothing arrives for a while.
    fn silent(&mut self, seconds: u64) -> &mut Self {
        let now = self.later(Duration::from_secs(seconds));
        self.detector.on_deadline(now);
        self.collect();
        self
    }

    fn kinds(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.events).iter().map(|event| event.kind.as_str()).collect()
    }

    /// What a restart makes of it `seconds` later: another detector, with what this one has written.
    fn restarts(&self, settings: Settings, seconds: i64) -> Self {
        let written = serde_json::to_string(&self.detector.memory()).unwrap();
        let start = Start::Remembered(serde_json::from_str(&written).unwrap());
        let now = Now::recorded(self.now.utc + jiff::SignedDuration::from_secs(seconds));
        Self { detector: Detector::new(settings, &start, now), now, events: Vec::new() }
    }

    /// She lies down and settles.
    fn goes_to_bed(&mut self) -> &mut Self {
        self.shows(EMPTY, 20.0).shows(LYING, 60.0)
    }
}

fn reading(at: Moment, value: f64, quality: Quality) -> Reading {
    Reading { at, channels: Channels::new([value]).unwrap(), quality }
}

fn evening() -> Bed {
    Bed::new(settings(), &Start::First, "2026-01-15T21:00:00Z")
}

fn contact_mat() -> Settings {
    Settings { contact: true, range: None, empty: None, occupied: None, confirm: Confirm::Auto, ..settings() }
}

fn remembered(bed: BedMemory, saved: &str) -> Memory {
    // Loads, as `signal` makes them of values: a divider's force.
    let load = |value: f64| 4095.0 * 1.1 * (value / 4095.0) / (1.1 - value / 4095.0);
    let (empty, occupied) = (vec![load(EMPTY)], vec![load(LYING)]);
    let learnt = Some(Learnt { empty, occupied, first_empty: Vec::new(), falls: false, proven: true, lain_s: 3600 });
    let mat = memory::mat(&settings());
    let saved = saved.parse().unwrap();
    let (edge, faults, zones) = (EdgeMemory::default(), Vec::new(), Vec::new());
    let (absence, unknown, pause, last_rise) = (None, None, None, None);
    let replaced = false;
    Memory { saved, trusted: true, mat, bed, absence, unknown, pause, learnt, edge, faults, zones, replaced, last_rise }
}
