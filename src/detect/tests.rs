//! The detector as a bed sees it: nights in a few lines, and properties of any input.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "small numbers of a test"
)]

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

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

#[test]
fn a_rise_has_the_moment_the_load_left_and_the_moment_of_decision() {
    let mut bed = evening();
    bed.goes_to_bed();
    assert_eq!(bed.kinds(), ["in-bed"]);
    let left = bed.now.utc;
    bed.shows(EMPTY, 5.0);
    let rise = bed.events.first().cloned().unwrap();
    assert_eq!(rise.kind, Kind::Rise);
    assert_eq!(rise.time.duration_since(left).as_millis(), 100);
    assert_eq!(rise.decided.duration_since(rise.time).as_secs(), 3);
    assert!(rise.watched && rise.not_before.is_none());
}

#[test]
fn turning_over_lifting_the_hips_and_glitches_are_no_rise() {
    let mut bed = evening();
    bed.goes_to_bed().kinds();
    bed.shows(0.69 * (LYING - EMPTY) + EMPTY, 60.0).shows(EMPTY, 1.5).shows(LYING, 20.0);
    bed.read(0.0);
    bed.read(4095.0);
    bed.shows(LYING, 20.0).read(f64::NAN);
    bed.read(-1.0);
    bed.shows(LYING, 20.0);
    assert_eq!(bed.kinds(), [""; 0]);
}

#[test]
fn one_glitch_before_a_pause_of_the_line_is_no_rise_at_once() {
    let mut bed = evening();
    bed.goes_to_bed().kinds();
    bed.read(EMPTY);
    bed.silent(5);
    assert_eq!(bed.kinds(), [""; 0]);
    bed.shows(LYING, 20.0);
    assert_eq!(bed.kinds(), [""; 0]);
}

#[test]
fn a_return_counts_once_she_has_settled_and_a_short_visit_does_not() {
    let mut bed = evening();
    bed.goes_to_bed().shows(EMPTY, 60.0).shows(LYING, 5.0).shows(EMPTY, 30.0);
    assert_eq!(bed.kinds(), ["in-bed", "rise"]);
    let back = bed.now.utc;
    bed.shows(LYING, 30.0);
    let event = bed.events.first().cloned().unwrap();
    assert_eq!(event.kind, Kind::Return);
    assert_eq!(event.time.duration_since(back).as_millis(), 100);
}

#[test]
fn with_confirm_zero_the_first_reading_decides_and_with_settle_zero_it_arms() {
    let zero = Settings { confirm: Confirm::Fixed(Duration::ZERO), settle: Duration::ZERO, ..settings() };
    let mut bed = Bed::new(zero, &Start::First, "2026-01-15T21:00:00Z");
    bed.read(EMPTY);
    bed.read(LYING);
    bed.read(0.0);
    assert_eq!(bed.kinds(), ["in-bed", "rise"]);
}

#[test]
fn each_line_of_a_burst_that_was_read_in_one_piece_counts() {
    let zero = Settings { confirm: Confirm::Fixed(Duration::ZERO), settle: Duration::ZERO, ..settings() };
    let mut bed = Bed::new(zero, &Start::First, "2026-01-15T21:00:00Z");
    bed.read(EMPTY);
    let now = bed.later(PACE);
    for value in [LYING, LYING, EMPTY, EMPTY] {
        bed.detector.on_reading(&reading(now.moment, value, Quality::Live), now);
        bed.collect();
    }
    assert_eq!(bed.kinds(), ["in-bed", "rise"]);
}

#[test]
fn levels_are_learnt_from_the_first_rise_even_when_it_starts_with_someone_in_bed() {
    let learn = || Settings { empty: None, occupied: None, confirm: Confirm::Auto, ..settings() };
    let mut bed = Bed::new(learn(), &Start::First, "2026-01-15T21:00:00Z");
    bed.shows(LYING, 120.0);
    assert_eq!(bed.detector.health(), MatHealth::Learning);
    bed.shows(420.0, 60.0).shows(LYING, 60.0).shows(EMPTY, 12.0);
    assert_eq!(bed.kinds(), ["in-bed", "rise"]);
    assert_eq!(bed.detector.health(), MatHealth::Ok);
    let mut bed = Bed::new(learn(), &Start::First, "2026-01-15T21:00:00Z");
    bed.goes_to_bed().shows(EMPTY, 10.0);
    assert_eq!(bed.kinds(), ["in-bed", "rise"]);
}

#[test]
fn load_that_makes_the_value_fall_is_read_the_right_way_round() {
    let inverted = Settings {
        invert: true,
        range: Some((0.0, 1023.0)),
        empty: Some(vec![1000.0]),
        occupied: Some(vec![300.0]),
        ..settings()
    };
    let mut bed = Bed::new(inverted, &Start::First, "2026-01-15T21:00:00Z");
    bed.shows(1000.0, 20.0).shows(300.0, 60.0).shows(1000.0, 10.0);
    assert_eq!(bed.kinds(), ["in-bed", "rise"]);
}

#[test]
fn absence_is_told_again_until_the_return_and_not_after() {
    let mut bed = evening();
    bed.goes_to_bed().shows(EMPTY, 60.0 * 47.0).kinds();
    bed.goes_to_bed().shows(LYING, 3600.0);
    assert_eq!(bed.kinds(), ["return"]);
    let mut bed = evening();
    bed.goes_to_bed().shows(EMPTY, 60.0 * 47.0);
    assert_eq!(bed.kinds(), ["in-bed", "rise", "not-returned", "not-returned"]);
}

#[test]
fn a_bed_that_is_always_watched_reminds_less_often_after_the_eighth_time() {
    let mut bed = evening();
    bed.goes_to_bed().kinds();
    bed.shows(EMPTY, 15.0 * 3600.0);
    let told: Vec<_> = bed.events.iter().filter(|event| event.kind == Kind::NotReturned).map(|e| e.time).collect();
    let gaps: Vec<_> = told.windows(2).map(|two| two[1].duration_since(two[0]).as_mins()).collect();
    assert_eq!(gaps, [30, 30, 30, 30, 30, 30, 30, 30, 360]);
}

#[test]
fn outside_the_window_a_rise_is_not_watched_and_opens_no_timer() {
    let day = Settings { watch: night("22:00", "07:00"), ..settings() };
    let mut bed = Bed::new(day, &Start::First, "2026-01-15T12:00:00Z");
    bed.goes_to_bed().shows(EMPTY, 3600.0);
    assert_eq!(bed.events.last().map(|event| (event.kind.as_str(), event.watched)), Some(("rise", false)));
    assert_eq!(bed.kinds(), ["in-bed", "rise"]);
}

#[test]
fn what_a_watched_rise_opened_is_followed_after_the_window_has_closed() {
    let early = Settings { watch: night("22:00", "07:00"), ..settings() };
    let mut bed = Bed::new(early, &Start::First, "2026-01-16T05:50:00Z");
    bed.goes_to_bed().shows(EMPTY, 3600.0).shows(LYING, 20.0);
    let seen: Vec<_> = bed.events.iter().map(|event| (event.kind.as_str(), event.watched)).collect();
    assert_eq!(seen, [("in-bed", true), ("rise", true), ("not-returned", true), ("return", true)]);
}

#[test]
fn who_left_shortly_before_the_window_is_missed_from_its_opening() {
    let night = Settings { watch: night("22:00", "07:00"), ..settings() };
    let mut bed = Bed::new(night, &Start::First, "2026-01-15T19:00:00Z");
    bed.goes_to_bed().shows(LYING, 3600.0).shows(EMPTY, 2.0 * 3600.0);
    let missed = bed.events.iter().find(|event| event.kind == Kind::NotReturned).cloned().unwrap();
    assert!(missed.watched && missed.time.to_string().starts_with("2026-01-15T21:15:00"), "{missed:?}");
}

#[test]
fn with_an_untrusted_clock_every_hour_is_watched() {
    let day = Settings { watch: night("22:00", "07:00"), ..settings() };
    let mut bed = Bed::new(day, &Start::First, "1970-01-01T12:00:00Z");
    bed.goes_to_bed().kinds();
    for _ in 0..50 {
        let now = Now { trusted: false, ..bed.later(PACE) };
        bed.detector.on_reading(&reading(now.moment, EMPTY, Quality::Live), now);
    }
    bed.collect();
    assert!(bed.events.iter().any(|event| event.kind == Kind::Rise && event.watched && !event.trusted));
}

#[test]
fn a_silent_mat_is_a_fault_and_its_first_reading_ends_it() {
    let mut bed = evening();
    bed.goes_to_bed().kinds();
    let last = bed.now.utc;
    bed.silent(90);
    let fault = bed.events.first().cloned().unwrap();
    assert_eq!((fault.kind, fault.time), (Kind::SensorFault(MatFault::Silent), last));
    assert_eq!(fault.decided.duration_since(last).as_secs(), 60);
    bed.shows(LYING, 5.0);
    assert_eq!(bed.kinds(), ["sensor-fault", "sensor-restored"]);
    assert_eq!(bed.detector.health(), MatHealth::Ok);
}

#[test]
fn gone_after_a_gap_is_a_rise_with_the_last_moment_seen_in_bed() {
    let mut bed = evening();
    bed.goes_to_bed().kinds();
    let seen = bed.now.utc;
    bed.silent(120).shows(EMPTY, 5.0);
    let rise = bed.events.iter().find(|event| event.kind == Kind::Rise).cloned().unwrap();
    assert_eq!(rise.not_before, Some(seen));
    assert!(rise.time > seen);
}

#[test]
fn a_restart_with_somebody_in_bed_raises_nothing_and_gone_after_it_is_a_rise() {
    let mut bed = evening();
    bed.goes_to_bed();
    let memory = bed.detector.memory();
    let written = serde_json::to_string(&memory).unwrap();
    let start = Start::Remembered(serde_json::from_str(&written).unwrap());
    let mut still = Bed::new(settings(), &start, "2026-01-15T22:00:00Z");
    still.shows(LYING, 60.0);
    assert_eq!(still.kinds(), [""; 0]);
    let mut gone = Bed::new(settings(), &start, "2026-01-15T22:00:00Z");
    gone.shows(EMPTY, 10.0);
    let rise = gone.events.first().cloned().unwrap();
    assert_eq!((rise.kind, rise.not_before.is_some()), (Kind::Rise, true));
}

#[test]
fn a_fault_that_lasts_over_a_restart_is_told_once_and_ends_once() {
    let mut bed = evening();
    bed.goes_to_bed().silent(90);
    let start = Start::Remembered(bed.detector.memory());
    let mut after = Bed::new(settings(), &start, "2026-01-15T21:10:00Z");
    after.silent(600);
    assert_eq!(after.kinds(), [""; 0]);
    after.shows(LYING, 5.0);
    assert_eq!(after.kinds(), ["sensor-restored"]);
}

#[test]
fn an_absence_goes_on_over_a_restart() {
    let mut bed = evening();
    bed.goes_to_bed().shows(EMPTY, 60.0);
    let start = Start::Remembered(bed.detector.memory());
    let mut after = Bed::new(settings(), &start, "2026-01-15T21:10:00Z");
    after.shows(EMPTY, 600.0);
    let told = after.events.first().cloned().unwrap();
    assert_eq!((told.kind, told.time.duration_since(bed.now.utc).as_mins()), (Kind::NotReturned, 14));
    after.shows(LYING, 20.0);
    assert_eq!(after.kinds(), ["not-returned", "return"]);
}

#[test]
fn nothing_known_and_an_empty_bed_is_told_once_and_later_on_the_first_start() {
    for (start, seconds) in [(Start::First, 900), (Start::Lost, 8)] {
        let mut bed = Bed::new(settings(), &start, "2026-01-15T21:00:00Z");
        bed.shows(EMPTY, 2000.0);
        let told = bed.events.first().cloned().unwrap();
        assert_eq!(told.kind, Kind::NotInBed(crate::model::event::NotInBedReason::Unknown));
        let begun: Timestamp = "2026-01-15T21:00:00Z".parse().unwrap();
        assert_eq!(told.decided.duration_since(begun).as_secs(), seconds);
        bed.shows(LYING, 30.0);
        assert_eq!(bed.kinds(), ["not-in-bed", "not-returned", "return"]);
    }
}

#[test]
fn retained_messages_set_the_state_and_raise_nothing() {
    let contact = Settings { contact: true, range: None, empty: None, occupied: None, ..settings() };
    let mut bed = Bed::new(contact.clone(), &Start::First, "2026-01-15T21:00:00Z");
    let now = bed.later(PACE);
    bed.detector.on_reading(&reading(now.moment, 1.0, Quality::Old), now);
    bed.silent(30);
    assert_eq!(bed.kinds(), [""; 0], "the bed is armed, and nothing raised");
    bed.read(0.0);
    bed.silent(10);
    assert_eq!(bed.kinds(), ["rise"]);
    let now = bed.later(PACE);
    bed.detector.on_reading(&reading(now.moment, 1.0, Quality::Old), now);
    bed.silent(60);
    assert_eq!(bed.kinds(), [""; 0], "a retained message does not close an absence");
}

#[test]
fn retained_empty_after_a_gap_is_a_rise_once_nothing_live_speaks_against_it() {
    let contact = Settings { contact: true, range: None, empty: None, occupied: None, ..settings() };
    let in_bed = || {
        let mut bed = Bed::new(contact.clone(), &Start::First, "2026-01-15T21:00:00Z");
        bed.read(1.0);
        bed.silent(30).kinds();
        let now = bed.later(PACE);
        bed.detector.on_away(now);
        let now = bed.later(Duration::from_secs(300));
        bed.detector.on_back(now);
        bed.detector.on_reading(&reading(now.moment, 0.0, Quality::Old), now);
        bed
    };
    let mut left = in_bed();
    left.silent(59);
    assert_eq!(left.kinds(), [""; 0]);
    left.silent(2);
    let rise = left.events.first().cloned().unwrap();
    assert_eq!((rise.kind, rise.not_before.is_some()), (Kind::Rise, true));
    let mut still = in_bed();
    still.silent(30).read(1.0);
    still.silent(120);
    assert_eq!(still.kinds(), [""; 0]);
}

#[test]
fn a_contact_that_chatters_is_a_fault_and_an_opening_held_for_a_minute_still_alarms() {
    let contact = Settings { contact: true, range: None, empty: None, occupied: None, ..settings() };
    let mut bed = Bed::new(contact, &Start::First, "2026-01-15T21:00:00Z");
    let shows = |bed: &mut Bed, value: f64, seconds: u32| (0..seconds * 10).for_each(|_| bed.read(value));
    shows(&mut bed, 1.0, 30);
    for _ in 0..10 {
        shows(&mut bed, 0.0, 1);
        shows(&mut bed, 1.0, 5);
    }
    assert_eq!(bed.kinds(), ["in-bed", "sensor-fault"]);
    shows(&mut bed, 0.0, 50);
    assert_eq!(bed.kinds(), [""; 0]);
    shows(&mut bed, 0.0, 15);
    assert_eq!(bed.kinds(), ["rise"]);
}

#[test]
fn a_pulled_cable_at_the_end_of_the_range_is_a_fault_and_no_rise() {
    let mut bed = Bed::new(
        Settings { empty: Some(vec![1000.0]), occupied: Some(vec![1500.0]), ..settings() },
        &Start::First,
        "2026-01-15T21:00:00Z",
    );
    bed.shows(1000.0, 20.0).shows(1500.0, 60.0).kinds();
    for _ in 0..300 {
        bed.read(0.0);
    }
    assert_eq!(bed.kinds(), ["sensor-fault"]);
    assert_eq!(bed.detector.health(), MatHealth::Fault(MatFault::Unplugged));
}

#[test]
fn not_in_bed_and_not_up_are_told_at_their_times() {
    let alarm = Alarm {
        not_in_bed: Some("23:30".parse().unwrap()),
        not_up: Some("09:30".parse().unwrap()),
        ..Alarm::default()
    };
    let rules = Settings { alarm, watch: night("22:00", "07:00"), ..settings() };
    let mut bed = Bed::new(rules, &Start::Lost, "2026-01-15T18:00:00Z");
    bed.shows(EMPTY, 5.0 * 3600.0);
    let told = bed.events.first().cloned().unwrap();
    assert_eq!((told.kind.as_str(), told.time.to_string().as_str()), ("not-in-bed", "2026-01-15T22:30:00Z"));
    bed.events.clear();
    bed.shows(LYING, 11.0 * 3600.0);
    assert_eq!(bed.kinds(), ["return", "not-up"]);
}

fn contact_mat() -> Settings {
    Settings { contact: true, range: None, empty: None, occupied: None, confirm: Confirm::Auto, ..settings() }
}

fn remembered(bed: BedMemory, saved: &str) -> Memory {
    let levels = Some(Pair { empty: EMPTY, occupied: LYING });
    let mat = memory::mat(&settings());
    let saved = saved.parse().unwrap();
    Memory { saved, mat, bed, absence: None, levels, faults: Vec::new(), last_rise: None }
}

#[test]
fn who_lay_down_while_the_broker_was_away_is_seen_when_she_rises() {
    let mut bed = Bed::new(contact_mat(), &Start::First, "2026-01-15T21:00:00Z");
    bed.read(1.0);
    bed.silent(60).read(0.0);
    bed.silent(60);
    assert_eq!(bed.kinds(), ["in-bed", "rise"]);
    let now = bed.later(PACE);
    bed.detector.on_away(now);
    let now = bed.later(Duration::from_secs(60));
    bed.detector.on_back(now);
    bed.detector.on_reading(&reading(now.moment, 1.0, Quality::Old), now);
    bed.silent(600);
    assert_eq!(bed.kinds(), [""; 0], "a retained message ends no absence");
    bed.read(0.0);
    bed.silent(30);
    assert_eq!(bed.kinds(), ["rise"]);
}

#[test]
fn a_live_reading_after_a_retained_one_ends_the_absence() {
    let absence = AbsenceMemory {
        since: "2026-01-15T22:30:00Z".parse().unwrap(),
        watched: true,
        told: true,
        reminders: 0,
        due: None,
    };
    let memory = Memory { absence: Some(absence), ..remembered(BedMemory::Unknown, "2026-01-15T22:30:05Z") };
    let mut bed = Bed::new(contact_mat(), &Start::Remembered(memory), "2026-01-15T23:00:00Z");
    let now = bed.later(PACE);
    bed.detector.on_reading(&reading(now.moment, 1.0, Quality::Old), now);
    bed.silent(60);
    assert_eq!(bed.kinds(), [""; 0]);
    bed.read(1.0);
    bed.silent(60);
    assert_eq!(bed.kinds(), ["return"]);
}

#[test]
fn an_old_occupied_takes_an_old_empty_back() {
    let since = "2026-01-15T20:00:00Z".parse().unwrap();
    let memory = remembered(BedMemory::InBed { since, seen: since }, "2026-01-15T20:00:10Z");
    let mut bed = Bed::new(contact_mat(), &Start::Remembered(memory), "2026-01-15T21:00:00Z");
    for value in [0.0, 1.0] {
        let now = bed.later(PACE);
        bed.detector.on_reading(&reading(now.moment, value, Quality::Old), now);
    }
    bed.silent(120);
    assert_eq!(bed.kinds(), [""; 0]);
}

#[test]
fn remembered_levels_of_another_mat_are_worth_nothing() {
    let other = Settings { empty: Some(vec![1800.0]), occupied: Some(vec![2600.0]), ..settings() };
    let memory = remembered(BedMemory::Empty, "2026-01-15T20:00:00Z");
    let mut bed = Bed::new(other, &Start::Remembered(memory), "2026-01-15T21:00:00Z");
    bed.shows(1800.0, 60.0).shows(2600.0, 60.0).shows(1800.0, 10.0);
    assert_eq!(bed.kinds(), ["in-bed", "rise"]);
}

#[test]
fn a_cable_that_reads_full_scale_is_a_fault_and_spoils_no_levels() {
    let mut bed = evening();
    bed.goes_to_bed().kinds();
    for _ in 0..1200 {
        bed.read(4095.0);
    }
    bed.shows(LYING, 60.0).shows(EMPTY, 10.0);
    assert_eq!(bed.kinds(), ["sensor-fault", "sensor-restored", "rise"]);
}

#[test]
fn a_load_that_only_touches_the_threshold_is_a_rise() {
    let mut bed = evening();
    bed.goes_to_bed().kinds();
    for step in 0..200 {
        bed.read(EMPTY + (LYING - EMPTY) * if step % 20 == 0 { 0.21 } else { 0.17 });
    }
    assert_eq!(bed.kinds(), ["rise"]);
}

#[test]
fn reminders_that_a_power_cut_has_missed_are_told_once() {
    let time = |text: &str| text.parse().unwrap();
    let absence = AbsenceMemory {
        since: time("2026-01-15T22:30:00Z"),
        watched: true,
        told: true,
        reminders: 0,
        due: Some(time("2026-01-15T22:45:00Z")),
    };
    let memory = Memory { absence: Some(absence), ..remembered(BedMemory::Empty, "2026-01-15T22:30:05Z") };
    let mut bed = Bed::new(settings(), &Start::Remembered(memory), "2026-01-16T05:30:00Z");
    bed.shows(EMPTY, 60.0);
    assert_eq!(bed.kinds(), ["not-returned"]);
}

#[test]
fn one_low_frame_after_a_lost_start_is_no_empty_bed() {
    let mut bed = Bed::new(settings(), &Start::Lost, "2026-01-15T21:00:00Z");
    bed.read(EMPTY);
    bed.shows(LYING, 60.0);
    assert_eq!(bed.kinds(), ["in-bed"]);
}

#[test]
fn an_absence_nobody_was_told_of_does_not_silence_not_in_bed() {
    let alarm =
        Alarm { rise: false, not_returned: None, not_in_bed: Some("23:30".parse().unwrap()), ..Alarm::default() };
    let quiet = Settings { alarm, watch: night("22:00", "07:00"), ..settings() };
    let mut bed = Bed::new(quiet, &Start::First, "2026-01-15T21:00:00Z");
    bed.goes_to_bed().shows(EMPTY, 5400.0);
    assert_eq!(bed.kinds(), ["in-bed", "rise", "not-in-bed"]);
}

#[test]
fn one_high_frame_before_the_line_is_lost_is_no_return() {
    let mut bed = evening();
    bed.goes_to_bed().shows(EMPTY, 60.0).kinds();
    bed.read(LYING);
    let now = bed.later(PACE);
    bed.detector.on_lost(MatFault::Unplugged, now);
    bed.silent(60);
    assert_eq!(bed.kinds(), ["sensor-fault"]);
}

#[test]
fn a_clock_that_is_behind_at_the_boot_hides_no_rise() {
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    let bed = BedMemory::InBed { since: time("2026-01-15T21:10:00Z"), seen: time("2026-01-16T05:30:00Z") };
    let memory = remembered(bed, "2026-01-16T05:30:00Z");
    let at = |seconds, utc, trusted| Now { moment: Moment::from_nanos(seconds * 1_000_000_000), utc, trusted };
    let watch = Settings { watch: night("22:00", "07:00"), ..settings() };
    let start = at(20, time("2026-01-16T04:40:00Z"), false);
    let mut detector = Detector::new(watch, &Start::Remembered(memory), start);
    for second in 0..10 {
        let now = at(30 + second, time("2026-01-16T05:35:00Z") + jiff::SignedDuration::from_secs(second), true);
        detector.on_reading(&reading(now.moment, EMPTY, Quality::Live), now);
    }
    let rise = detector.next_event().unwrap();
    assert!(rise.kind == Kind::Rise && rise.watched && rise.not_before <= Some(rise.time), "{rise:?}");
}

#[test]
fn not_in_bed_is_made_up_for_after_a_restart_and_waits_for_who_only_leans_on_the_bed() {
    let alarm = Alarm { not_in_bed: Some("23:30".parse().unwrap()), ..Alarm::default() };
    let rules = Settings { alarm, watch: night("22:00", "07:00"), ..settings() };
    let start = || Start::Remembered(remembered(BedMemory::Empty, "2026-01-15T22:25:00Z"));
    let told = |bed: &mut Bed| bed.events.iter().filter(|event| event.kind.as_str() == "not-in-bed").count();
    let mut bed = Bed::new(rules.clone(), &start(), "2026-01-15T22:35:00Z");
    bed.shows(EMPTY, 60.0);
    assert_eq!(told(&mut bed), 1);
    let mut bed = Bed::new(rules, &start(), "2026-01-15T22:29:57Z");
    bed.shows(LYING, 6.0).shows(EMPTY, 60.0);
    assert_eq!(told(&mut bed), 1);
}

#[test]
fn a_way_in_that_opens_and_closes_all_the_time_hides_no_silent_mat() {
    let mut bed = evening();
    bed.goes_to_bed().kinds();
    for _ in 0..300 {
        let now = bed.later(Duration::from_millis(300));
        bed.detector.on_away(now);
        let now = bed.later(Duration::from_millis(700));
        bed.detector.on_back(now);
        bed.collect();
    }
    assert_eq!(bed.kinds(), ["sensor-fault"]);
}

#[test]
fn at_the_end_of_time_the_deadlines_end_too() {
    let alarm = Alarm { not_in_bed: Some("23:30".parse().unwrap()), ..Alarm::default() };
    let mut bed = Bed::new(Settings { alarm, ..settings() }, &Start::First, "2262-01-15T21:00:00Z");
    bed.detector.on_deadline(Now::recorded("2300-01-01T00:00:00Z".parse().unwrap()));
}

#[test]
fn who_lies_in_bed_is_remembered_twice_an_hour() {
    let mut bed = evening();
    bed.goes_to_bed();
    assert!(bed.detector.take_changed() && !bed.detector.take_changed());
    bed.shows(LYING, 1790.0);
    assert!(!bed.detector.take_changed());
    bed.shows(LYING, 20.0);
    assert!(bed.detector.take_changed());
}

fn any_reading() -> impl Strategy<Value = (u64, f64, bool)> {
    let value = prop_oneof![
        4 => Just(EMPTY), 6 => Just(LYING), 2 => 0.0..1000.0, 1 => Just(0.0), 1 => Just(4095.0),
        1 => Just(f64::NAN), 1 => -1e9..1e9
    ];
    (prop_oneof![20 => 1_u64..500, 3 => 500_u64..20_000, 1 => 60_000_u64..7_200_000], value, prop::bool::weighted(0.05))
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let confirm =
        prop_oneof![Just(Confirm::Auto), (0_u64..5000).prop_map(|ms| Confirm::Fixed(Duration::from_millis(ms)))];
    (confirm, 0_u64..15, any::<bool>(), any::<bool>()).prop_map(|(confirm, settle, known, always)| Settings {
        confirm,
        settle: Duration::from_secs(settle),
        empty: known.then(|| vec![EMPTY]),
        occupied: known.then(|| vec![LYING]),
        watch: if always { Watch::Always } else { night("22:00", "07:00") },
        ..settings()
    })
}

fn run(settings: &Settings, readings: &[(u64, f64, bool)]) -> Vec<Event> {
    let mut bed = Bed::new(settings.clone(), &Start::First, "2026-01-15T20:00:00Z");
    for (millis, value, old) in readings {
        let now = bed.later(Duration::from_millis(*millis));
        let quality = if *old { Quality::Old } else { Quality::Live };
        bed.detector.on_reading(&reading(now.moment, *value, quality), now);
        bed.collect();
    }
    bed.events
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_rise_without_somebody_in_bed_before(
        settings in any_settings(), readings in prop::collection::vec(any_reading(), 1..400)
    ) {
        let mut in_bed = false;
        // What a retained message has set is a state without an event.
        let live: Vec<_> = readings.iter().map(|(millis, value, _)| (*millis, *value, false)).collect();
        for event in run(&settings, &live) {
            match event.kind.as_str() {
                "in-bed" | "return" => { prop_assert!(!in_bed); in_bed = true; }
                "rise" => { prop_assert!(in_bed); in_bed = false; }
                _ => {}
            }
        }
    }

    #[test]
    fn times_never_go_back_and_nothing_is_decided_before_it_happens(
        settings in any_settings(), readings in prop::collection::vec(any_reading(), 1..400)
    ) {
        let mut last = Timestamp::MIN;
        for event in run(&settings, &readings) {
            prop_assert!(event.decided >= last, "{event:?}");
            prop_assert!(event.time <= event.decided, "{event:?}");
            prop_assert!(event.not_before.is_none_or(|before| before <= event.time), "{event:?}");
            last = event.decided;
        }
    }

    #[test]
    fn the_same_input_gives_the_same_output(
        settings in any_settings(), readings in prop::collection::vec(any_reading(), 1..400)
    ) {
        prop_assert_eq!(run(&settings, &readings), run(&settings, &readings));
    }

    #[test]
    fn a_restart_at_any_instant_never_makes_a_rise_of_somebody_in_bed(
        readings in prop::collection::vec((1_u64..20_000, prop_oneof![Just(EMPTY), Just(LYING)]), 1..200)
    ) {
        let mut bed = Bed::new(settings(), &Start::First, "2026-01-15T20:00:00Z");
        for (millis, value) in &readings {
            let now = bed.later(Duration::from_millis(*millis));
            bed.detector.on_reading(&reading(now.moment, *value, Quality::Live), now);
        }
        let start = Start::Remembered(bed.detector.memory());
        let mut after = Bed::new(settings(), &start, &bed.now.utc.to_string());
        after.shows(LYING, 30.0);
        prop_assert!(after.events.iter().all(|event| event.kind != Kind::Rise), "{:?}", after.events);
    }
}
