//! How the levels follow an empty bed, and who lies in it, on their own.

use super::super::levels::Pair;
use super::super::signal::Frame;
use super::*;
use crate::model::reading::ZONES_MAX;

fn at(seconds: f64) -> Moment {
    Moment::from_nanos((seconds * 1e9) as i64)
}

fn zones(loads: &[f64]) -> signal::Zones {
    std::array::from_fn(|zone| loads.get(zone).copied().unwrap_or_default())
}

fn frame(loads: &[f64]) -> Frame {
    let working = std::array::from_fn(|zone| loads.get(zone).is_some_and(|load| load.is_finite()));
    let loads = zones(loads).map(|load| if load.is_finite() { load } else { 0.0 });
    Frame { loads, values: loads, working, end: None }
}

/// Empty at 100, lying at 600.
fn levels(lain: Duration) -> Levels {
    Levels::new(Some(&Pair { empty: zones(&[100.0]), occupied: zones(&[600.0]) }), lain, at(0.0))
}

/// The levels of the first zone.
fn both(levels: &Levels) -> (f64, f64) {
    let pair = levels.pair().unwrap();
    (pair.empty[0], pair.occupied[0])
}

fn assert_near(is: (f64, f64), should: (f64, f64)) {
    assert!((is.0 - should.0).abs() < 1e-6 && (is.1 - should.1).abs() < 1e-6, "{is:?} for {should:?}");
}

#[test]
fn the_empty_level_rises_in_a_minute_and_falls_in_a_quarter_of_one_and_takes_the_other_along() {
    let mut rising = levels(Duration::ZERO);
    rising.follow_empty(at(6.0), &frame(&[150.0]));
    assert_near(both(&rising), (105.0, 605.0));
    rising.follow_empty(at(9.0), &frame(&[145.0]));
    assert_near(both(&rising), (107.0, 607.0));
    let mut falling = levels(Duration::ZERO);
    falling.follow_empty(at(6.0), &frame(&[80.0]));
    assert_near(both(&falling), (92.0, 592.0));
    falling.follow_empty(at(1000.0), &frame(&[80.0]));
    assert_near(both(&falling), (80.0, 580.0));
}

#[test]
fn a_load_of_a_third_of_a_person_is_not_followed_as_an_empty_bed() {
    let mut beside = levels(Duration::ZERO);
    beside.follow_empty(at(60.0), &frame(&[100.0 + 0.33 * 500.0]));
    assert_near(both(&beside), (100.0, 600.0));
    beside.follow_empty(at(60.0), &frame(&[100.0 + 0.32 * 500.0]));
    assert_near(both(&beside), (100.0, 600.0));
    beside.follow_empty(at(120.0), &frame(&[100.0 + 0.32 * 500.0]));
    assert_near(both(&beside), (260.0, 760.0));
}

#[test]
fn a_bed_far_emptier_than_empty_was_not_empty_and_the_person_stays_as_heavy_as_she_was() {
    let mut wrong = levels(Duration::ZERO);
    wrong.follow_empty(at(15.0), &frame(&[-60.0]));
    assert_near(both(&wrong), (-60.0, 600.0));
    let mut drifted = levels(Duration::ZERO);
    drifted.follow_empty(at(15.0), &frame(&[-40.0]));
    assert_near(both(&drifted), (-40.0, 460.0));
}

#[test]
fn a_zone_that_does_not_work_keeps_its_levels() {
    let pair = Pair { empty: zones(&[100.0, 100.0]), occupied: zones(&[600.0, 600.0]) };
    let mut levels = Levels::new(Some(&pair), Duration::ZERO, at(0.0));
    levels.follow_empty(at(60.0), &frame(&[f64::NAN, 110.0]));
    levels.follow_occupied(at(120.0), &frame(&[f64::NAN, 700.0]), 0.0);
    let pair = levels.pair().unwrap();
    assert_eq!((pair.empty[0], pair.occupied[0]), (100.0, 600.0));
    assert_eq!((pair.empty[1], pair.occupied[1]), (110.0, 700.0));
    assert_eq!(pair.empty.len(), ZONES_MAX);
}

#[test]
fn who_is_new_is_followed_within_seconds_and_who_is_known_within_minutes() {
    let mut new = levels(Duration::ZERO);
    new.follow_occupied(at(1.0), &frame(&[650.0]), 0.0);
    assert_near(both(&new), (100.0, 610.0));
    assert_eq!(new.lain(), Duration::from_secs(1));
    let mut seen = levels(Duration::from_secs(99));
    seen.follow_occupied(at(1.0), &frame(&[650.0]), 0.0);
    assert_near(both(&seen), (100.0, 601.0));
    let mut known = levels(Duration::from_secs(3600));
    known.follow_occupied(at(6.0), &frame(&[500.0]), 0.0);
    assert_near(both(&known), (100.0, 599.0));
}

#[test]
fn who_is_far_heavier_than_what_was_learnt_is_followed_at_once() {
    let mut cat = levels(Duration::from_secs(3600));
    cat.follow_occupied(at(1.5), &frame(&[100.0 + 1.31 * 500.0]), 0.0);
    assert_near(both(&cat), (100.0, 600.0 + 0.1 * 0.31 * 500.0));
    let mut turned = levels(Duration::from_secs(3600));
    turned.follow_occupied(at(1.5), &frame(&[100.0 + 1.29 * 500.0]), 0.0);
    assert_near(both(&turned), (100.0, 600.0 + 0.29 * 500.0 * 1.5 / 600.0));
}

#[test]
fn the_levels_never_come_closer_than_a_person_stands_out_of_the_noise() {
    let mut fading = levels(Duration::ZERO);
    fading.follow_occupied(at(1000.0), &frame(&[119.0]), 1.6);
    assert_near(both(&fading), (100.0, 600.0));
    fading.follow_occupied(at(2000.0), &frame(&[119.0]), 1.5);
    assert_near(both(&fading), (100.0, 119.0));
}

#[test]
fn a_time_that_is_passed_over_follows_nothing() {
    let mut levels = levels(Duration::from_secs(3600));
    levels.pass(at(1000.0));
    levels.follow_empty(at(1006.0), &frame(&[150.0]));
    assert_near(both(&levels), (105.0, 605.0));
}

#[test]
fn a_second_one_beside_her_is_the_empty_bed_as_long_as_she_weighs_more() {
    let mut levels = levels(Duration::ZERO);
    levels.replace(Pair { empty: zones(&[300.0]), occupied: levels.pair().unwrap().occupied });
    assert_near(both(&levels), (300.0, 600.0));
    levels.replace(Pair { empty: zones(&[600.0]), occupied: levels.pair().unwrap().occupied });
    assert_near(both(&levels), (300.0, 600.0));
    levels.set(None, at(1.0));
    assert!(levels.pair().is_none());
}

#[test]
fn levels_without_a_person_between_them_are_none() {
    let pair = |occupied: f64| Pair { empty: zones(&[100.0]), occupied: zones(&[occupied]) };
    assert!(Levels::new(Some(&pair(100.0)), Duration::ZERO, at(0.0)).pair().is_none());
    assert!(Levels::new(Some(&pair(101.0)), Duration::ZERO, at(0.0)).pair().is_some());
    assert_eq!(pair(100.0).share(&frame(&[500.0])).to_bits(), 0.0_f64.to_bits());
    assert!((pair(600.0).share(&frame(&[350.0])) - 0.5).abs() < 1e-9);
}
