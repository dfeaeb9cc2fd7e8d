//! Time and allocations of one reading in the detector, by what the bed is doing. Whoever reads it should look at the
//! median; a line `alloc` stands below a case only if it allocates.
//!
//! The way of a live reading, whole: deadlines, signal, levels, occupancy, rules, and the look for events after it.

use std::time::Duration;

use divan::{AllocProfiler, Bencher, black_box};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use nattvakt::detect::settings::SETTLE_DEFAULT;
use nattvakt::detect::{Alarm, Confirm, Detector, Sensitivity, Settings, Start};
use nattvakt::model::schedule::Window;
use nattvakt::model::{Channels, MatHealth, Moment, Now, Quality, Reading, Watch};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

/// Counts of a zone with nobody on it, and with someone lying still.
const EMPTY: f64 = 110.0;
const LYING: f64 = 620.0;

/// The time between readings.
const PERIOD: Duration = Duration::from_millis(100);

/// A minute with the other load, which arms the bed, and more than a minute with the load that is measured.
const READINGS_BEFORE: usize = 600;
const READINGS_WARM: usize = 1_000;

/// Different readings of one load; they come round again and again.
const READINGS: usize = 1_024;

fn main() {
    divan::main();
}

/// Someone lies still and breathes.
#[divan::bench(args = [1, 16])]
fn in_bed(bencher: Bencher<'_, '_>, zones: usize) {
    let mut bed = Bed::new(&levels_known(zones), EMPTY, LYING);
    bencher.bench_local(|| bed.read());
    assert_eq!(bed.detector.health(), MatHealth::Ok);
}

/// Nobody is there.
#[divan::bench(args = [1, 16])]
fn empty(bencher: Bencher<'_, '_>, zones: usize) {
    let mut bed = Bed::new(&levels_known(zones), LYING, EMPTY);
    bencher.bench_local(|| bed.read());
    assert_eq!(bed.detector.health(), MatHealth::Ok);
}

/// The levels are not known yet: one load only was ever seen.
#[divan::bench(args = [1, 16])]
fn learning(bencher: Bencher<'_, '_>, zones: usize) {
    let mut bed = Bed::new(&Settings { empty: None, occupied: None, ..levels_known(zones) }, LYING, LYING);
    bencher.bench_local(|| bed.read());
    assert_eq!(bed.detector.health(), MatHealth::Learning);
}

/// Someone lies on a contact mat.
#[divan::bench]
fn contact(bencher: Bencher<'_, '_>) {
    let settings = Settings { contact: true, empty: None, occupied: None, range: None, ..levels_known(1) };
    let mut bed = Bed::new(&settings, 0.0, 1.0);
    bencher.bench_local(|| bed.read());
    assert_eq!(bed.detector.health(), MatHealth::Ok);
}

/// A bed with its mat at 10 Hz and a virtual clock.
struct Bed {
    detector: Detector,
    now: Now,
    readings: Vec<Channels>,
    next: usize,
}

impl Bed {
    /// Puts the bed into the state that lasts: first one load, then the other.
    fn new(settings: &Settings, before: f64, load: f64) -> Self {
        let evening: Timestamp = "2026-01-15T22:00:00Z".parse().expect("it is RFC 3339");
        let now = Now::recorded(evening);
        let detector = Detector::new(settings.clone(), &Start::First, now);
        let mut bed = Self { detector, now, readings: readings(settings, before), next: 0 };
        (0..READINGS_BEFORE).for_each(|_| bed.read());
        bed.readings = readings(settings, load);
        (0..READINGS_WARM).for_each(|_| bed.read());
        bed
    }

    fn read(&mut self) {
        let moment: Moment = self.now.moment + PERIOD;
        self.now = Now { moment, utc: self.now.utc_of(moment), trusted: true };
        self.next = (self.next + 1) % self.readings.len();
        let channels = self.readings.get(self.next).copied().expect("there are readings, and next is among them");
        let reading = Reading { at: moment, channels, quality: Quality::Live };
        self.detector.on_reading(black_box(&reading), black_box(self.now));
        while let Some(event) = self.detector.next_event() {
            black_box(event);
        }
        black_box(self.detector.next_deadline());
    }
}

/// Makes readings of a load that stays: breath and noise, as counts of an ADC.
fn readings(settings: &Settings, load: f64) -> Vec<Channels> {
    let swing = if settings.contact { 0.0 } else { 3.0 };
    let mut phase = 0.0_f64;
    let values = std::iter::from_fn(|| {
        phase += 0.15;
        let noise = (phase * 977.0).sin();
        Some((load + swing * (phase.sin() + noise)).round())
    });
    values.take(READINGS).filter_map(|value| Channels::new(vec![value; settings.zones])).collect()
}

/// A bed as the annotated configuration has it, with levels that were measured.
fn levels_known(zones: usize) -> Settings {
    let zone = TimeZone::get("Europe/Stockholm").expect("the tz database is bundled");
    let [from, to] = ["22:00", "07:00"].map(|time| time.parse().expect("it is a time of day"));
    let window = Window::new(from, to, zone.clone()).expect("it has a length");
    Settings {
        bed: "bed-1".parse().expect("it is a bed id"),
        watch: Watch::Window(window),
        zone,
        contact: false,
        zones,
        range: Some((0.0, 4095.0)),
        invert: false,
        confirm: Confirm::Auto,
        settle: SETTLE_DEFAULT,
        empty: Some(vec![EMPTY; zones]),
        occupied: Some(vec![LYING; zones]),
        edge_sensitivity: Sensitivity::Normal,
        silent_after: None,
        alarm: Alarm::default(),
    }
}
