//! Time alone: when the detector wants to be called if nothing arrives, and what it then does.

use super::*;

/// How long after now the detector wants to be called, in milliseconds.
fn wants_in(bed: &Bed) -> u128 {
    bed.detector.next_deadline().unwrap().since(bed.now.moment).as_millis()
}

fn remarks(bed: &mut Bed) -> Vec<String> {
    std::iter::from_fn(|| bed.detector.next_decision()).map(|decision| decision.because.to_string()).collect()
}

/// One reading without taking up what it leads to.
fn read_only(bed: &mut Bed, value: f64) {
    let now = bed.later(PACE);
    bed.detector.on_reading(&reading(now.moment, value, Quality::Live), now);
}

#[test]
fn who_lies_down_is_armed_after_settle_and_who_gets_up_before_is_forgotten_after_a_second() {
    let mut bed = evening();
    bed.shows(EMPTY, 20.0).kinds();
    read_only(&mut bed, LYING);
    read_only(&mut bed, LYING);
    assert_eq!(wants_in(&bed), 9_900);
    read_only(&mut bed, EMPTY);
    assert_eq!(wants_in(&bed), 1_000);
    let now = bed.later(Duration::from_millis(999));
    bed.detector.on_deadline(now);
    assert_eq!(remarks(&mut bed), [""; 0]);
    let now = bed.later(Duration::from_millis(1));
    bed.detector.on_deadline(now);
    assert!(remarks(&mut bed).concat().starts_with("a load came and went again"));
}

#[test]
fn a_load_between_the_thresholds_is_somebody_after_a_second() {
    let mut bed = evening();
    bed.goes_to_bed().kinds();
    // The mat is a divider, whose force lies a little below the straight line between the levels.
    let between = EMPTY + 0.35 * (LYING - EMPTY);
    read_only(&mut bed, EMPTY);
    read_only(&mut bed, EMPTY);
    assert_eq!(wants_in(&bed), 2_900, "`confirm`, from the first");
    read_only(&mut bed, between);
    assert_eq!(bed.detector.view().phase, ViewPhase::Leaving);
    assert_eq!(wants_in(&bed), 1_000);
    let now = bed.later(Duration::from_secs(1));
    bed.detector.on_deadline(now);
    assert!(remarks(&mut bed).concat().contains("no rise"));
    assert_eq!(bed.detector.view().phase, ViewPhase::InBed);
}

#[test]
fn a_rise_is_told_at_its_own_time_when_nothing_arrives_any_more() {
    let mut bed = evening();
    bed.goes_to_bed().shows(EMPTY, 0.5).kinds();
    let gone = bed.now.utc;
    bed.silent(50);
    let rise = bed.events.first().cloned().unwrap();
    assert_eq!((rise.kind, rise.decided.duration_since(gone).as_millis()), (Kind::Rise, 2_600));
}

fn at_time(seconds: i64, utc: &str, trusted: bool) -> Now {
    Now { moment: Moment::from_nanos(seconds * 1_000_000_000), utc: utc.parse().unwrap(), trusted }
}

#[test]
fn the_wall_clock_is_looked_at_every_ten_minutes_and_at_the_set_time() {
    let zone = TimeZone::UTC;
    let mut daily = daily::Daily::new("23:30".parse().unwrap(), &zone, None, &at_time(0, "2026-01-15T23:05:00Z", true));
    let due = |daily: &daily::Daily| daily.due().as_nanos() / 1_000_000_000;
    assert_eq!(due(&daily), 600);
    assert_eq!(daily.pass(&zone, &at_time(599, "2026-01-15T23:30:00Z", true)), None, "not looked at yet");
    assert_eq!(daily.pass(&zone, &at_time(600, "2026-01-15T23:15:00Z", true)), None);
    assert_eq!(due(&daily), 1200);
    assert_eq!(daily.pass(&zone, &at_time(1200, "2026-01-15T23:25:00Z", true)), None);
    assert_eq!(due(&daily), 1500, "the set time itself");
    let time = "2026-01-15T23:30:00Z".parse().unwrap();
    assert_eq!(daily.pass(&zone, &at_time(1500, "2026-01-15T23:30:00Z", true)), Some(time));
    assert_eq!(due(&daily), 2100);
}

#[test]
fn a_clock_that_cannot_be_trusted_or_was_set_far_ahead_makes_no_set_time_come() {
    let zone = TimeZone::UTC;
    let start = at_time(0, "2026-01-15T23:25:00Z", true);
    let daily = || daily::Daily::new("23:30".parse().unwrap(), &zone, None, &start);
    let mut untrusted = daily();
    assert_eq!(untrusted.pass(&zone, &at_time(300, "2026-01-15T23:30:00Z", false)), None);
    let time = "2026-01-15T23:30:00Z".parse().unwrap();
    assert_eq!(untrusted.pass(&zone, &at_time(900, "2026-01-15T23:40:00Z", true)), Some(time), "trusted again");
    let mut ahead = daily();
    assert_eq!(ahead.pass(&zone, &at_time(300, "2026-01-16T00:30:00Z", true)), None, "an hour late");
    assert_eq!(daily().pass(&zone, &at_time(300, "2026-01-16T00:29:00Z", true)), Some(time));
}

#[test]
fn a_set_time_that_waits_for_the_bed_to_settle_down_is_looked_at_again_later_and_not_at_once() {
    let alarm = Alarm { not_in_bed: Some("23:30".parse().unwrap()), ..Alarm::default() };
    let mut bed = Bed::new(Settings { alarm, ..settings() }, &Start::First, "2026-01-15T22:29:30Z");
    bed.shows(EMPTY, 28.0).shows(LYING, 3.0);
    assert_eq!(bed.detector.view().phase, ViewPhase::Settling);
    assert!(wants_in(&bed) > 0, "else the bed task would never sleep");
    bed.shows(EMPTY, 4.0);
    assert_eq!(bed.kinds(), ["not-in-bed"]);
}

#[test]
fn not_up_waits_for_who_is_just_leaving() {
    let told = |away_s: f64| {
        let alarm = Alarm { not_up: Some("09:30".parse().unwrap()), ..Alarm::default() };
        let mut bed = Bed::new(Settings { alarm, ..settings() }, &Start::First, "2026-01-16T08:28:00Z");
        bed.shows(EMPTY, 20.0).shows(LYING, 98.9).shows(EMPTY, 1.5);
        assert_eq!(bed.detector.view().phase, ViewPhase::Leaving);
        assert!(wants_in(&bed) > 0);
        bed.shows(EMPTY, away_s - 1.5).shows(LYING, 20.0).kinds()
    };
    assert_eq!(told(10.0), ["in-bed", "rise", "return"]);
    assert_eq!(told(2.0), ["in-bed", "not-up"]);
}
