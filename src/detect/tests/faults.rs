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
