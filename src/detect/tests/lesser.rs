//! Somebody of whom the mat feels far less than was measured.

use super::*;

const MEASURED: f64 = 3500.0;
const LESSER: f64 = 1300.0;

fn measured() -> Bed {
    let settings = Settings { occupied: Some(vec![MEASURED]), ..settings() };
    Bed::new(settings, &Start::First, "2026-01-15T21:00:00Z")
}

#[test]
fn who_lies_at_the_rim_of_a_measured_mat_is_in_bed_and_seen_to_rise() {
    let mut bed = measured();
    bed.shows(EMPTY, 120.0).shows(LESSER, 590.0);
    assert_eq!(bed.kinds(), [""; 0], "a carer may sit there");
    bed.shows(LESSER, 60.0);
    assert_eq!(bed.kinds(), ["in-bed"]);
    bed.shows(EMPTY, 20.0);
    assert_eq!(bed.kinds(), ["rise"]);
    bed.shows(LESSER, 20.0);
    assert_eq!(bed.kinds(), ["return"], "from now on at once");
}

/// Nobody, or a bag: the value moves by the converter's noise alone.
fn calm(bed: &mut Bed, level: f64, seconds: u64) {
    for step in 0..seconds * 10 {
        bed.read(level + if step % 2 == 0 { 0.5 } else { -0.5 });
    }
}

/// Somebody who breathes.
fn breathing(bed: &mut Bed, level: f64, seconds: u64) {
    for step in 0..seconds * 10 {
        bed.read(level + 4.0 * (step as f64 * 0.15).sin() + if step % 2 == 0 { 0.5 } else { -0.5 });
    }
}

#[test]
fn who_lay_at_the_rim_when_the_watch_began_is_seen_to_leave() {
    let mut bed = measured();
    breathing(&mut bed, LESSER, 700);
    assert_eq!(bed.kinds(), [""; 0]);
    calm(&mut bed, EMPTY, 60);
    assert_eq!(bed.kinds(), ["in-bed", "rise"]);
    breathing(&mut bed, LESSER, 30);
    assert_eq!(bed.kinds(), ["return"]);
}

#[test]
fn an_empty_bed_that_reads_like_somebody_by_the_measured_levels_is_found_out_when_she_leaves() {
    let mut bed = measured();
    calm(&mut bed, 2600.0, 300);
    breathing(&mut bed, 3900.0, 1200);
    assert_eq!(bed.kinds(), ["in-bed"]);
    calm(&mut bed, 2600.0, 60);
    assert_eq!(bed.kinds(), ["rise"]);
}

#[test]
fn an_empty_bed_that_reads_like_somebody_by_the_measured_levels_is_found_out_when_she_comes() {
    let settings = Settings { occupied: Some(vec![2000.0]), ..settings() };
    let mut bed = Bed::new(settings, &Start::First, "2026-01-15T21:00:00Z");
    calm(&mut bed, 1080.0, 700);
    breathing(&mut bed, 2300.0, 60);
    assert_eq!(bed.kinds(), ["in-bed", "in-bed"], "told again when she comes");
    calm(&mut bed, 1080.0, 20);
    assert_eq!(bed.kinds(), ["rise"], "though she has not lain there for 10 min");
}

#[test]
fn an_empty_bed_that_reads_like_somebody_is_found_out_by_its_stillness_where_the_mat_shows_no_life() {
    for (minutes, told) in [(19, vec!["in-bed"]), (25, vec!["in-bed", "in-bed", "rise"])] {
        let mut bed = measured();
        calm(&mut bed, 2600.0, minutes * 60);
        calm(&mut bed, 3500.0, 120);
        calm(&mut bed, 2600.0, 60);
        assert_eq!(bed.kinds(), told, "{minutes} min");
    }
}

#[test]
fn what_lay_there_for_some_minutes_was_nobody_and_the_measured_levels_stand() {
    let mut bed = measured();
    bed.shows(EMPTY, 120.0).shows(LESSER, 400.0).shows(EMPTY, 60.0);
    assert_eq!(bed.kinds(), [""; 0]);
    bed.shows(LESSER, 60.0).shows(EMPTY, 60.0);
    assert_eq!(bed.kinds(), [""; 0], "it is no person the second time either");
    bed.shows(MEASURED, 60.0).shows(EMPTY, 20.0);
    assert_eq!(bed.kinds(), ["in-bed", "rise"]);
}

#[test]
fn levels_that_somebody_has_proven_make_no_person_of_less() {
    let mut bed = measured();
    bed.shows(EMPTY, 60.0).shows(MEASURED, 700.0).shows(EMPTY, 60.0);
    assert_eq!(bed.kinds(), ["in-bed", "rise"]);
    bed.shows(LESSER, 700.0);
    assert!(!bed.kinds().contains(&"return"));
}

#[test]
fn levels_that_are_only_tried_are_not_remembered() {
    let mut bed = measured();
    bed.shows(EMPTY, 120.0).shows(LESSER, 300.0);
    let mut after = bed.restarts(bed.detector.settings.clone(), 5);
    after.shows(LESSER, 60.0).shows(EMPTY, 60.0);
    assert_eq!(after.kinds(), [""; 0]);
    after.shows(MEASURED, 60.0);
    assert_eq!(after.kinds(), ["in-bed"]);
}

#[test]
fn who_sits_on_the_edge_for_a_while_before_she_lies_down_is_in_bed_at_once() {
    let mut bed = measured();
    bed.shows(EMPTY, 120.0).shows(LESSER, 10.0).shows(MEASURED, 60.0);
    assert_eq!(bed.kinds(), ["in-bed"]);
    bed.shows(EMPTY, 20.0);
    assert_eq!(bed.kinds(), ["rise"]);
}

#[test]
fn a_restart_proves_no_levels() {
    let mut bed = measured();
    calm(&mut bed, 2600.0, 700);
    let mut after = bed.restarts(bed.detector.settings.clone(), 5);
    breathing(&mut after, 3900.0, 1200);
    calm(&mut after, 2600.0, 60);
    assert_eq!(after.kinds(), ["rise"]);
}

#[test]
fn a_mat_whose_range_was_changed_while_she_lay_there_goes_on_learning() {
    let mut bed = measured();
    bed.shows(EMPTY, 60.0).shows(MEASURED, 700.0);
    let unmeasured = Settings { empty: None, occupied: None, ..bed.detector.settings.clone() };
    let mut after = bed.restarts(unmeasured, 5);
    calm(&mut after, 0.0, 30);
    after.shows(LESSER, 400.0).shows(EMPTY, 60.0).shows(LESSER, 400.0);
    assert!(after.kinds().iter().any(|kind| matches!(*kind, "in-bed" | "return")));
}
