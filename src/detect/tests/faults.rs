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
fn a_contact_that_chatters_is_a_fault_and_an_opening_held_for_longer_than_its_moments_still_alarms() {
    let contact = Settings { contact: true, range: None, empty: None, occupied: None, ..settings() };
    // Tenths of a second that a moment lasts, seconds after which nothing is told yet, and after which she has left.
    for (moment, not_yet, left) in [(2, 2, 4), (10, 9, 11), (25, 24, 26)] {
        let mut bed = Bed::new(contact.clone(), &Start::First, "2026-01-15T21:00:00Z");
        let shows = |bed: &mut Bed, value: f64, readings: u32| (0..readings).for_each(|_| bed.read(value));
        shows(&mut bed, 1.0, 300);
        for _ in 0..10 {
            shows(&mut bed, 0.0, moment);
            shows(&mut bed, 1.0, 50);
        }
        assert_eq!(bed.kinds(), ["in-bed", "sensor-fault"]);
        shows(&mut bed, 0.0, not_yet * 10);
        assert_eq!(bed.kinds(), [""; 0], "moments of {moment} tenths");
        shows(&mut bed, 0.0, (left - not_yet) * 10);
        assert_eq!(bed.kinds(), ["rise"], "moments of {moment} tenths");
    }
}

#[test]
fn a_contact_that_chatters_for_long_moments_alarms_after_a_minute_at_the_latest() {
    let fixed = Confirm::Fixed(Duration::from_secs(20));
    let contact = Settings { contact: true, range: None, empty: None, occupied: None, confirm: fixed, ..settings() };
    let mut bed = Bed::new(contact, &Start::First, "2026-01-15T21:00:00Z");
    let shows = |bed: &mut Bed, value: f64, seconds: u32| (0..seconds * 10).for_each(|_| bed.read(value));
    shows(&mut bed, 1.0, 30);
    for _ in 0..14 {
        shows(&mut bed, 0.0, 15);
        shows(&mut bed, 1.0, 5);
    }
    assert_eq!(bed.kinds(), ["in-bed", "sensor-fault"]);
    shows(&mut bed, 0.0, 59);
    assert_eq!(bed.kinds(), [""; 0]);
    shows(&mut bed, 0.0, 2);
    assert_eq!(bed.kinds(), ["rise"]);
}

#[test]
fn a_contact_whose_openings_are_told_as_rises_again_and_again_chatters() {
    let contact = Settings { contact: true, range: None, empty: None, occupied: None, ..settings() };
    let mut bed = Bed::new(contact, &Start::First, "2026-01-15T21:00:00Z");
    let shows = |bed: &mut Bed, value: f64, seconds: u32| (0..seconds * 10).for_each(|_| bed.read(value));
    shows(&mut bed, 1.0, 30);
    for _ in 0..30 {
        shows(&mut bed, 0.0, 6);
        shows(&mut bed, 1.0, 15);
    }
    let kinds = bed.kinds();
    let times = |wanted: &str| kinds.iter().filter(|kind| **kind == wanted).count();
    assert_eq!((times("sensor-fault"), times("sensor-restored")), (1, 0), "{kinds:?}");
    assert!((8..=11).contains(&times("rise")) && times("rise") == times("return"), "{kinds:?}");
    shows(&mut bed, 0.0, 61);
    assert_eq!(bed.kinds(), ["rise"], "who is away for longer is seen");
}

#[test]
fn who_was_up_for_minutes_again_and_again_has_a_contact_that_works() {
    let contact = Settings { contact: true, range: None, empty: None, occupied: None, ..settings() };
    let mut bed = Bed::new(contact, &Start::First, "2026-01-15T21:00:00Z");
    let shows = |bed: &mut Bed, value: f64, seconds: u32| (0..seconds * 10).for_each(|_| bed.read(value));
    shows(&mut bed, 1.0, 30);
    for _ in 0..20 {
        shows(&mut bed, 0.0, 61);
        shows(&mut bed, 1.0, 15);
    }
    assert!(!bed.kinds().contains(&"sensor-fault"));
}

#[test]
fn readings_that_fail_now_and_then_make_no_steady_pace_of_a_contact_that_sends_on_change() {
    let mut bed = Bed::new(contact_mat(), &Start::First, "2026-01-15T21:00:00Z");
    for _ in 0..40 {
        bed.read(f64::NAN);
        bed.read(0.0);
        bed.silent(55);
    }
    bed.silent(600);
    assert!(!bed.kinds().contains(&"sensor-fault"));
}

#[test]
fn a_mat_of_which_one_zone_is_dead_may_be_stuck_with_the_others() {
    let mut bed = Bed::new(four_zones(), &Start::First, "2026-01-15T21:00:00Z");
    let failed: fn(u32) -> [Option<f64>; 4] = |_| [None, None, None, Some(f64::NAN)];
    show_zones(&mut bed, EMPTY, 60, failed);
    show_zones(&mut bed, LYING, 60, failed);
    bed.kinds();
    show_zones(&mut bed, LYING, 90, |_| [Some(601.0), Some(602.0), Some(603.0), Some(f64::NAN)]);
    assert_eq!(bed.kinds(), ["sensor-fault"]);
    assert_eq!(bed.detector.health(), MatHealth::Fault(MatFault::Stuck));
}

#[test]
fn an_open_input_is_no_rise_of_who_lies_there() {
    let levels = Settings { empty: Some(vec![2_800.0]), occupied: Some(vec![4_000.0]), ..settings() };
    let mut bed = Bed::new(levels, &Start::First, "2026-01-15T21:00:00Z");
    bed.shows(2_800.0, 60.0).shows(4_000.0, 60.0).kinds();
    for step in 0..1_200_u32 {
        bed.read(floating(step));
    }
    assert_eq!(bed.kinds(), ["sensor-fault"]);
    bed.shows(4_000.0, 60.0).shows(2_800.0, 10.0);
    assert_eq!(bed.kinds(), ["sensor-restored", "rise"]);
}

#[test]
fn a_zone_that_always_reads_full_is_told_though_it_makes_the_bed_look_occupied() {
    let full: fn(u32) -> [Option<f64>; 4] = |_| [None, None, None, Some(4095.0)];
    let mut bed = Bed::new(four_zones(), &Start::First, "2026-01-15T21:00:00Z");
    show_zones(&mut bed, EMPTY, 11 * 60, full);
    show_zones(&mut bed, LYING, 20 * 60, full);
    let told: Vec<_> = bed.events.iter().filter(|event| event.zone.is_some()).collect();
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0].kind, told[0].zone), (&Kind::SensorFault(MatFault::Unplugged), Some(4)));
}

#[test]
fn a_cable_pulled_after_a_start_that_moved_the_empty_level_is_a_fault() {
    let levels = Settings { empty: Some(vec![0.0]), occupied: Some(vec![1_500.0]), ..settings() };
    let mut bed = Bed::new(levels, &Start::First, "2026-01-15T21:00:00Z");
    (0..600).for_each(|_| bed.read(0.0));
    bed.silent(20).shows(150.0, 300.0).kinds();
    (0..300).for_each(|_| bed.read(0.0));
    assert_eq!(bed.kinds(), ["sensor-fault"]);
    assert_eq!(bed.detector.health(), MatHealth::Fault(MatFault::Unplugged));
}

#[test]
fn who_stands_up_from_a_quiet_seat_is_no_pulled_cable() {
    let levels = Settings { empty: Some(vec![400.0]), occupied: Some(vec![3_000.0]), ..settings() };
    let mut bed = Bed::new(levels, &Start::First, "2026-01-15T21:00:00Z");
    bed.shows(400.0, 60.0).shows(3_000.0, 120.0).kinds();
    // She shifts a little on the edge, and stands up between two readings; the bed reads lower than on installation day.
    for value in [2_900.0, 2_830.0, 2_760.0, 2_720.0, 2_700.0, 2_670.0, 2_620.0, 2_560.0] {
        bed.read(value);
    }
    (0..100).for_each(|_| bed.read(0.0));
    assert_eq!(bed.kinds(), ["rise"]);
}

#[test]
fn a_cable_that_reads_full_under_somebody_who_nearly_does_is_stuck() {
    let levels = Settings { empty: Some(vec![500.0]), occupied: Some(vec![3_700.0]), ..settings() };
    let mut bed = Bed::new(levels, &Start::First, "2026-01-15T21:00:00Z");
    bed.shows(500.0, 60.0).shows(3_700.0, 120.0).kinds();
    (0..900).for_each(|_| bed.read(4095.0));
    assert_eq!(bed.kinds(), ["sensor-fault"]);
    let mut bed = Bed::new(
        Settings { empty: Some(vec![500.0]), occupied: Some(vec![3_700.0]), ..settings() },
        &Start::First,
        "2026-01-15T21:00:00Z",
    );
    bed.shows(500.0, 60.0).shows(3_700.0, 120.0).kinds();
    for value in [3_720.0, 3_800.0, 3_900.0, 4_000.0, 4_080.0] {
        bed.read(value);
    }
    (0..900).for_each(|_| bed.read(4095.0));
    assert_eq!(bed.kinds(), [""; 0], "who turns over glides there");
}

#[test]
fn a_light_person_is_seen_on_a_mat_that_installation_day_drove_to_its_end() {
    let levels = Settings { empty: Some(vec![50.0]), occupied: Some(vec![4095.0]), ..settings() };
    let mut bed = Bed::new(levels, &Start::First, "2026-01-15T21:00:00Z");
    bed.shows(50.0, 60.0).shows(2_300.0, 60.0).shows(50.0, 10.0);
    assert_eq!(bed.kinds(), ["in-bed", "rise"]);
}

#[test]
fn zones_on_which_nothing_rests_do_not_say_that_who_sits_on_another_has_left() {
    let (empty, occupied) = (Some(vec![0.0; 4]), Some(vec![900.0, 1_800.0, 1_800.0, 900.0]));
    let mut bed = Bed::new(Settings { empty, occupied, ..four_zones() }, &Start::First, "2026-01-15T21:00:00Z");
    let shows = |bed: &mut Bed, loads: [f64; 4], seconds: u32| {
        for step in 0..seconds * 10 {
            let breath = (f64::from(step) * 0.15).sin() / 100.0;
            let noise = if step % 2 == 0 { 1.0 } else { -1.0 };
            zones(bed, loads.map(|load| if load == 0.0 { 0.0 } else { (load * (1.0 + breath) + noise).round() }));
        }
    };
    shows(&mut bed, [0.0; 4], 180);
    shows(&mut bed, [900.0, 1_800.0, 1_800.0, 900.0], 600);
    bed.kinds();
    shows(&mut bed, [1_150.0, 0.0, 0.0, 0.0], 40);
    assert!(!bed.kinds().contains(&"rise"));
    shows(&mut bed, [0.0; 4], 10);
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
fn of_several_faults_the_one_by_which_nothing_is_read_is_shown() {
    let mut bed = evening();
    bed.goes_to_bed().shows(LYING, 60.0).kinds();
    for _ in 0..900 {
        bed.read(LYING);
    }
    assert_eq!(bed.detector.health(), MatHealth::Fault(MatFault::Stuck));
    let now = bed.later(PACE);
    bed.detector.on_lost(MatFault::Unplugged, now);
    assert_eq!(bed.detector.health(), MatHealth::Fault(MatFault::Unplugged));
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
