//! Mats that cannot be trusted.

use super::*;

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

fn zones(bed: &mut Bed, values: [f64; 4]) {
    let now = bed.later(PACE);
    let channels = Channels::new(values).unwrap();
    bed.detector.on_reading(&Reading { at: now.moment, channels, quality: Quality::Live }, now);
    bed.collect();
}

/// What an input says that floats, from 0 to 4095.
fn floating(step: u32) -> f64 {
    f64::from(step.wrapping_mul(2_654_435_761) >> 20)
}

fn four_zones() -> Settings {
    let (empty, occupied) = (Some(vec![EMPTY; 4]), Some(vec![LYING; 4]));
    Settings { zones: 4, empty, occupied, confirm: Confirm::Fixed(Duration::from_secs(3)), ..settings() }
}

/// Four zones show a value for a while, but for those that a fault has its own values for.
fn show_zones(bed: &mut Bed, value: f64, seconds: u32, fault: impl Fn(u32) -> [Option<f64>; 4]) {
    for step in 0..seconds * 10 {
        let noise = if step % 2 == 0 { 0.5 } else { -0.5 } + (f64::from(step) * 0.15).sin() * value / 200.0;
        zones(bed, fault(step).map(|dead| dead.unwrap_or(value + noise)));
    }
}

const SOUND: fn(u32) -> [Option<f64>; 4] = |_| [None; 4];

#[test]
fn a_zone_that_dies_is_told_raises_nothing_and_the_others_watch_on() {
    let zero: fn(u32) -> [Option<f64>; 4] = |_| [None, Some(0.0), None, None];
    let full: fn(u32) -> [Option<f64>; 4] = |_| [None, Some(4095.0), None, None];
    let failed: fn(u32) -> [Option<f64>; 4] = |_| [None, Some(f64::NAN), None, None];
    let sentinel: fn(u32) -> [Option<f64>; 4] = |_| [None, Some(65_535.0), None, None];
    for (dead, fault) in [
        (zero, MatFault::Unplugged),
        (full, MatFault::Unplugged),
        (failed, MatFault::Implausible),
        (sentinel, MatFault::OutOfRange),
    ] {
        let mut bed = Bed::new(four_zones(), &Start::First, "2026-01-15T21:00:00Z");
        show_zones(&mut bed, EMPTY, 60, SOUND);
        show_zones(&mut bed, LYING, 60, SOUND);
        assert_eq!(bed.kinds(), ["in-bed"]);
        show_zones(&mut bed, LYING, 90, dead);
        let told = std::mem::take(&mut bed.events);
        assert_eq!(
            told.iter().map(|event| (&event.kind, event.zone)).collect::<Vec<_>>(),
            [(&Kind::SensorFault(fault), Some(2))]
        );
        assert_eq!(bed.detector.memory().zones, [(1, fault)]);
        show_zones(&mut bed, EMPTY, 10, dead);
        assert_eq!(bed.kinds(), ["rise"], "{fault}");
        show_zones(&mut bed, EMPTY, 10, SOUND);
        assert_eq!(bed.kinds(), ["sensor-restored"], "{fault}");
        show_zones(&mut bed, LYING, 20, SOUND);
        assert_eq!(bed.kinds(), ["return"], "{fault}");
    }
    let mut bed = Bed::new(four_zones(), &Start::First, "2026-01-15T21:00:00Z");
    show_zones(&mut bed, EMPTY, 60, SOUND);
    show_zones(&mut bed, EMPTY, 60, |step| [Some(floating(step)), None, None, None]);
    let told = std::mem::take(&mut bed.events);
    assert!(told.iter().any(|event| event.kind == Kind::SensorFault(MatFault::Implausible) && event.zone == Some(1)));
}

#[test]
fn a_dead_zone_is_not_told_again_after_a_restart_and_its_end_is() {
    let mut memory = remembered(BedMemory::Empty, "2026-01-15T20:59:00Z");
    memory.zones = vec![(1, MatFault::Implausible)];
    let mut bed = Bed::new(four_zones(), &Start::Remembered(memory), "2026-01-15T21:00:00Z");
    show_zones(&mut bed, EMPTY, 60, |_| [None, Some(f64::NAN), None, None]);
    assert!(bed.kinds().iter().all(|kind| *kind != "sensor-fault"));
    show_zones(&mut bed, EMPTY, 10, SOUND);
    assert_eq!(bed.kinds(), ["sensor-restored"]);
}

#[test]
fn a_cat_that_jumps_off_one_zone_leaves_no_dead_one() {
    let mut bed = Bed::new(four_zones(), &Start::First, "2026-01-15T21:00:00Z");
    show_zones(&mut bed, EMPTY, 60, |_| [Some(EMPTY), None, None, None]);
    show_zones(&mut bed, EMPTY, 60, |step| [Some(400.0 + f64::from(step % 5)), None, None, None]);
    show_zones(&mut bed, EMPTY, 120, |_| [Some(EMPTY), None, None, None]);
    assert_eq!(bed.kinds().iter().filter(|kind| **kind == "sensor-fault").count(), 0);
}

#[test]
fn a_zone_that_never_moved_is_told_once_the_others_have_been_loaded_and_free() {
    let dead: fn(u32) -> [Option<f64>; 4] = |_| [None, None, None, Some(0.0)];
    let mut bed = Bed::new(four_zones(), &Start::First, "2026-01-15T21:00:00Z");
    show_zones(&mut bed, EMPTY, 11 * 60, dead);
    show_zones(&mut bed, LYING, 20 * 60, dead);
    assert_eq!(bed.kinds(), ["in-bed", "sensor-fault"]);
    assert_eq!(bed.detector.health(), MatHealth::Fault(MatFault::Unplugged));
}

#[test]
fn a_cable_pulled_before_the_levels_are_known_teaches_nothing() {
    let mut bed =
        Bed::new(Settings { empty: None, occupied: None, ..settings() }, &Start::First, "2026-01-15T21:00:00Z");
    bed.shows(EMPTY, 300.0);
    for _ in 0..1_200 {
        bed.read(0.0);
    }
    assert_eq!(bed.kinds(), ["sensor-fault"]);
    assert_eq!(bed.detector.memory().learnt, None);
    bed.shows(EMPTY, 60.0).shows(LYING, 300.0).shows(EMPTY, 30.0);
    assert_eq!(bed.kinds(), ["sensor-restored", "in-bed", "rise"]);
}

#[test]
fn an_empty_bed_that_glides_to_the_end_of_its_range_is_no_fault() {
    let mut bed = Bed::new(
        Settings { empty: Some(vec![10.0]), occupied: Some(vec![600.0]), ..settings() },
        &Start::First,
        "2026-01-15T21:00:00Z",
    );
    bed.shows(10.0, 60.0).shows(LYING, 60.0).kinds();
    for value in [450.0, 300.0, 120.0, 60.0, 20.0, 8.0, 3.0, 1.0] {
        bed.read(value);
    }
    for _ in 0..3_000 {
        bed.read(0.0);
    }
    assert_eq!(bed.kinds(), ["rise"]);
}

#[test]
fn an_open_input_is_a_fault_and_nobody_who_lies_down() {
    let mut bed = evening();
    bed.shows(EMPTY, 60.0);
    for step in 0..1_200_u32 {
        bed.read(floating(step));
    }
    assert_eq!(bed.kinds(), ["sensor-fault"]);
    assert_eq!(bed.detector.health(), MatHealth::Fault(MatFault::Implausible));
}

#[test]
fn a_mat_that_freezes_under_somebody_is_stuck_until_it_moves() {
    let mut bed = evening();
    bed.goes_to_bed().shows(LYING, 60.0).kinds();
    for _ in 0..900 {
        bed.read(LYING);
    }
    assert_eq!(bed.kinds(), ["sensor-fault"]);
    assert_eq!(bed.detector.health(), MatHealth::Fault(MatFault::Stuck));
    bed.shows(LYING, 20.0);
    assert_eq!(bed.kinds(), ["sensor-restored"]);
}

#[test]
fn a_contact_that_sends_all_the_time_is_missed_after_a_minute_and_one_that_sends_on_change_is_not() {
    let mut bed = Bed::new(contact_mat(), &Start::First, "2026-01-15T21:00:00Z");
    for _ in 0..300 {
        bed.read(1.0);
    }
    bed.silent(90);
    assert_eq!(bed.kinds(), ["in-bed", "sensor-fault"]);
    let mut bed = Bed::new(contact_mat(), &Start::First, "2026-01-15T21:00:00Z");
    for _ in 0..20 {
        bed.read(0.0);
        bed.read(1.0);
    }
    bed.silent(7_200);
    assert!(!bed.kinds().contains(&"sensor-fault"));
}

#[test]
fn the_last_word_of_a_contact_that_cannot_read_is_not_waited_out() {
    let mut bed = Bed::new(contact_mat(), &Start::First, "2026-01-15T21:00:00Z");
    bed.read(1.0);
    bed.silent(60);
    bed.read(f64::NAN);
    bed.silent(61);
    assert_eq!(bed.kinds(), ["in-bed", "sensor-fault"]);
    assert_eq!(bed.detector.health(), MatHealth::Fault(MatFault::Implausible));
}

#[test]
fn a_contact_that_rests_pressed_for_a_day_is_stuck() {
    let mut bed = Bed::new(contact_mat(), &Start::First, "2026-01-15T21:00:00Z");
    for hour in 0..26 {
        bed.read(1.0);
        assert_eq!(bed.kinds().contains(&"sensor-fault"), hour == 24, "{hour}");
        bed.silent(3_600);
    }
    bed.read(0.0);
    assert!(bed.kinds().contains(&"sensor-restored"));
}

#[test]
fn an_empty_level_that_leaves_no_room_for_a_person_has_drifted() {
    let mut bed = evening();
    bed.shows(EMPTY, 60.0);
    let mut value = EMPTY;
    while value < 3_200.0 {
        bed.shows(value, 10.0);
        value += 4.0;
    }
    bed.shows(value, 600.0);
    assert!(bed.kinds().contains(&"sensor-fault"));
    assert_eq!(bed.detector.health(), MatHealth::Fault(MatFault::Drifted));
    bed.shows(EMPTY, 300.0);
    assert_eq!(bed.detector.health(), MatHealth::Ok);
}
