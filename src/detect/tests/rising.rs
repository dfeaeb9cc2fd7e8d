//! Rises and returns, and what is neither.

use super::*;

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
fn a_load_that_only_touches_the_threshold_is_a_rise() {
    let mut bed = evening();
    bed.goes_to_bed().kinds();
    for step in 0..200 {
        bed.read(EMPTY + (LYING - EMPTY) * if step % 20 == 0 { 0.21 } else { 0.17 });
    }
    assert_eq!(bed.kinds(), ["rise"]);
}

#[test]
fn a_cat_that_comes_when_she_leaves_holds_the_rise_back_for_two_minutes_at_most() {
    let mut bed = evening();
    bed.goes_to_bed().shows(EMPTY, 300.0).shows(LYING, 600.0).kinds();
    for step in 0..2400 {
        let cat = if step / 5 % 2 == 0 { 30.0 } else { 20.0 };
        bed.read(EMPTY + cat + if step % 2 == 0 { 0.5 } else { -0.5 });
    }
    let rise = bed.events.iter().find(|event| event.kind == Kind::Rise).cloned().unwrap();
    assert!(rise.decided.duration_since(rise.time).as_secs() <= 120, "{rise:?}");
}

#[test]
fn who_falls_back_when_she_tries_to_stand_up_is_given_longer_from_then_on() {
    let auto = Settings { confirm: Confirm::Auto, ..settings() };
    let sits = EMPTY + 0.6 * (LYING - EMPTY);
    let mut bed = Bed::new(auto, &Start::First, "2026-01-15T21:00:00Z");
    bed.goes_to_bed().shows(sits, 5.0).shows(EMPTY, 1.5).shows(sits, 20.0);
    assert_eq!(bed.kinds(), ["in-bed", "rise", "return"], "the first attempt looks like a rise");
    bed.shows(LYING, 60.0).shows(sits, 5.0).shows(EMPTY, 1.5).shows(sits, 5.0);
    assert!(!bed.kinds().contains(&"rise"), "the second does not");
    bed.shows(EMPTY, 5.0);
    let rise = bed.events.iter().find(|event| event.kind == Kind::Rise).cloned().unwrap();
    assert!(rise.decided.duration_since(rise.time).as_millis() < 3_000);
}

#[test]
fn the_last_word_of_a_mat_that_sends_only_on_change_stands() {
    let mut bed = evening();
    for (step, gap) in [7, 90, 13, 200, 45, 120, 3, 70].into_iter().enumerate() {
        bed.read(EMPTY + step as f64);
        bed.silent(gap);
    }
    for (step, gap) in [30, 90, 13, 200, 45, 120].into_iter().enumerate() {
        bed.read(LYING + step as f64);
        bed.silent(gap);
    }
    assert_eq!(bed.kinds(), ["in-bed"]);
    bed.read(EMPTY + 0.25 * (LYING - EMPTY));
    bed.read(EMPTY);
    bed.silent(10);
    assert_eq!(bed.kinds(), ["rise"]);
}
