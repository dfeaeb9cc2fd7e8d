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
