//! A scale under the bed: two who lie on it, carers who sit on it, and zeros that are taken anew.

use super::*;

fn scale() -> Bed {
    let settings = Settings { range: None, empty: Some(vec![0.0]), occupied: Some(vec![70.0]), ..settings() };
    Bed::new(settings, &Start::First, "2026-01-15T21:00:00Z")
}

/// So many kilograms rest there, with so much breath, and a noise of 20 g.
fn weighs(bed: &mut Bed, kg: f64, breath: f64, seconds: f64) {
    for step in 0..(seconds * 10.0) as u64 {
        let noise = ((step * 7_919) % 13) as f64 * 0.005 - 0.03;
        bed.read(kg + breath * (step as f64 * 0.15).sin() + noise);
    }
}

/// The same of a scale that says nothing below zero.
fn weighs_clamped(bed: &mut Bed, kg: f64, breath: f64, seconds: f64) {
    for step in 0..(seconds * 10.0) as u64 {
        let noise = ((step * 7_919) % 13) as f64 * 0.005 - 0.03;
        bed.read((kg + breath * (step as f64 * 0.15).sin() + noise).max(0.0));
    }
}

fn told(bed: &mut Bed) -> Vec<&'static str> {
    bed.kinds().into_iter().filter(|kind| ["in-bed", "rise", "return"].contains(kind)).collect()
}

fn asleep() -> Bed {
    let mut bed = scale();
    weighs(&mut bed, 0.0, 0.0, 150.0);
    weighs(&mut bed, 70.0, 0.3, 900.0);
    assert_eq!(told(&mut bed), ["in-bed"]);
    bed
}

#[test]
fn a_scale_that_takes_zero_anew_under_her_raises_nothing_and_sees_her_leave_and_come_back() {
    let mut bed = asleep();
    bed.silent(20);
    weighs(&mut bed, 0.0, 0.3, 120.0);
    assert_eq!(told(&mut bed), [""; 0]);
    weighs(&mut bed, -70.0, 0.0, 60.0);
    assert_eq!(told(&mut bed), ["rise"]);
    weighs(&mut bed, 0.0, 0.3, 30.0);
    assert_eq!(told(&mut bed), ["return"]);
}

#[test]
fn less_than_an_empty_bed_after_a_silence_is_another_zero_even_where_nothing_moves() {
    let mut bed = asleep();
    bed.silent(20);
    weighs(&mut bed, -40.0, 0.0, 60.0);
    assert_eq!(told(&mut bed), [""; 0]);
    weighs(&mut bed, -110.0, 0.0, 20.0);
    assert_eq!(told(&mut bed), ["rise"]);
}

#[test]
fn gone_in_a_silence_is_a_rise_once_no_breath_has_shown() {
    let mut bed = asleep();
    bed.silent(20);
    weighs(&mut bed, 0.0, 0.0, 44.0);
    assert_eq!(told(&mut bed), [""; 0]);
    weighs(&mut bed, 0.0, 0.0, 2.0);
    assert_eq!(told(&mut bed), ["rise"]);
}

#[test]
fn a_bed_that_becomes_lighter_than_empty_by_her_weight_was_not_empty() {
    let mut bed = asleep();
    bed.silent(20);
    weighs(&mut bed, 0.0, 0.0, 300.0);
    assert_eq!(told(&mut bed), ["rise"]);
    weighs(&mut bed, -70.0, 0.0, 10.0);
    assert_eq!(told(&mut bed), ["return", "rise"], "she was there all the time, and has left now");
    weighs(&mut bed, 0.0, 0.0, 20.0);
    assert_eq!(told(&mut bed), ["return"]);
}

#[test]
fn one_frame_below_empty_and_a_cable_that_says_so_again_and_again_are_nobody() {
    let mut bed = asleep();
    weighs(&mut bed, 0.0, 0.0, 60.0);
    assert_eq!(told(&mut bed), ["rise"]);
    bed.read(-127.0);
    weighs(&mut bed, 0.0, 0.0, 60.0);
    assert_eq!(told(&mut bed), [""; 0]);
    for _ in 0..300 {
        bed.read(-127.0);
    }
    weighs(&mut bed, 0.0, 0.0, 60.0);
    assert_eq!(told(&mut bed), [""; 0]);
    weighs(&mut bed, 70.0, 0.3, 20.0);
    assert_eq!(told(&mut bed), ["return"]);
}

#[test]
fn a_scale_that_says_nothing_below_zero_sees_her_leave_by_the_noise_that_is_gone() {
    let mut bed = asleep();
    bed.silent(20);
    weighs_clamped(&mut bed, 0.1, 0.3, 120.0);
    assert_eq!(told(&mut bed), [""; 0]);
    weighs_clamped(&mut bed, -70.0, 0.0, 20.0);
    assert_eq!(told(&mut bed), ["rise"]);
}

#[test]
fn whoever_of_two_leaves_is_a_rise_and_a_heavier_one_who_stays_hides_nobody() {
    for (first, second) in [(42.0, 100.0), (100.0, 42.0)] {
        let mut bed = scale();
        weighs(&mut bed, 0.0, 0.0, 150.0);
        weighs(&mut bed, first, 0.2, 2_000.0);
        weighs(&mut bed, first + second, 0.4, 1_300.0);
        assert_eq!(told(&mut bed), ["in-bed"], "{first} kg and {second} kg");
        for left in [first, second] {
            weighs(&mut bed, first + second - left, 0.2, 60.0);
            weighs(&mut bed, first + second, 0.4, 60.0);
            assert_eq!(told(&mut bed), ["rise", "return"], "{left} kg of {first} and {second}");
        }
        weighs(&mut bed, second, 0.2, 60.0);
        weighs(&mut bed, 0.0, 0.0, 60.0);
        assert_eq!(told(&mut bed), ["rise", "return", "rise"], "first one, then the other");
    }
}

#[test]
fn a_carer_who_sits_with_her_and_goes_is_no_rise_and_she_is_seen_to_leave() {
    let mut bed = asleep();
    weighs(&mut bed, 120.0, 0.3, 700.0);
    weighs(&mut bed, 70.0, 0.3, 200.0);
    assert_eq!(told(&mut bed), [""; 0]);
    weighs(&mut bed, 0.0, 0.0, 10.0);
    assert_eq!(told(&mut bed), ["rise"]);
}

#[test]
fn a_cat_is_nobody_on_a_scale_that_nobody_has_measured_once_a_visitor_has_sat_there() {
    let settings = Settings { empty: None, occupied: None, ..scale().detector.settings };
    let mut bed = Bed::new(settings, &Start::First, "2026-01-15T21:00:00Z");
    weighs(&mut bed, 13.0, 0.0, 150.0);
    weighs(&mut bed, 77.0, 0.3, 150.0);
    weighs(&mut bed, 13.0, 0.0, 150.0);
    weighs(&mut bed, 21.0, 0.1, 1200.0);
    weighs(&mut bed, 13.0, 0.0, 400.0);
    assert_eq!(told(&mut bed), [""; 0]);
    weighs(&mut bed, 70.0, 0.3, 300.0);
    assert_eq!(told(&mut bed), ["in-bed"]);
}
