//! A pressure in hPa, whose zero goes with the weather: 1000 empty and 1005 occupied on installation day.

use super::*;

fn pressure() -> Bed {
    let settings = Settings { range: None, empty: Some(vec![1000.0]), occupied: Some(vec![1005.0]), ..settings() };
    Bed::new(settings, &Start::First, "2026-01-15T21:00:00Z")
}

/// Somebody lies there and makes 5 hPa above `zero`, or nobody does.
fn lies(bed: &mut Bed, zero: f64, seconds: f64) {
    each(bed, seconds, |step| zero + 5.0 + (step as f64 * 0.15).sin() * 0.05);
}

fn empty(bed: &mut Bed, zero: f64, seconds: f64) {
    each(bed, seconds, |_| zero);
}

fn each(bed: &mut Bed, seconds: f64, value: impl Fn(u64) -> f64) {
    for step in 0..(seconds * 10.0) as u64 {
        bed.read(value(step) + if step % 2 == 0 { 0.005 } else { -0.005 });
    }
}

#[test]
fn a_rise_is_told_whatever_the_weather_has_made_of_zero() {
    for zero in [960.0, 985.0, 992.0, 1003.0, 1012.0, 1040.0] {
        let mut bed = pressure();
        lies(&mut bed, zero, 1200.0);
        assert_eq!(bed.kinds().iter().filter(|kind| **kind == "rise").count(), 0, "{zero} hPa");
        empty(&mut bed, zero, 40.0);
        assert_eq!(bed.kinds().last(), Some(&"rise"), "{zero} hPa");
        lies(&mut bed, zero, 600.0);
        assert_eq!(bed.kinds(), ["return"], "{zero} hPa");
        empty(&mut bed, zero, 10.0);
        assert_eq!(bed.kinds(), ["rise"], "{zero} hPa");
    }
}

#[test]
fn an_empty_bed_that_the_weather_has_made_heavy_is_armed_when_she_comes() {
    for zero in [960.0, 1000.0, 1040.0] {
        let mut bed = pressure();
        empty(&mut bed, zero, 60.0);
        assert_eq!(bed.kinds(), Vec::<&str>::new(), "{zero} hPa");
        lies(&mut bed, zero, 60.0);
        assert_eq!(bed.kinds(), ["in-bed"], "{zero} hPa");
        empty(&mut bed, zero, 10.0);
        assert_eq!(bed.kinds(), ["rise"], "{zero} hPa");
    }
}

#[test]
fn weather_that_comes_while_she_lies_there_hides_no_rise() {
    for fall in [-6.0, 6.0] {
        let mut bed = pressure();
        empty(&mut bed, 1000.0, 60.0);
        lies(&mut bed, 1000.0, 60.0);
        empty(&mut bed, 1000.0, 60.0);
        bed.kinds();
        let hours = 2.0;
        each(&mut bed, hours * 3600.0, |step| {
            1005.0 + fall * step as f64 / (hours * 36_000.0) + (step as f64 * 0.15).sin() * 0.05
        });
        assert_eq!(bed.kinds(), ["return"], "{fall} hPa");
        empty(&mut bed, 1000.0 + fall, 10.0);
        assert_eq!(bed.kinds(), ["rise"], "{fall} hPa");
    }
}

/// She comes and leaves once; then she lies there for hours while the weather moves zero by `fall`, and leaves.
fn lies_through_weather(bed: &mut Bed, fall: f64) {
    lies(bed, 1000.0, 1800.0);
    empty(bed, 1000.0, 60.0);
    bed.kinds();
    let hours = 3.0;
    each(bed, hours * 3600.0, |step| {
        1005.0 + fall * step as f64 / (hours * 36_000.0) + (step as f64 * 0.15).sin() * 0.05
    });
    assert_eq!(bed.kinds(), ["return"], "{fall} hPa");
    empty(bed, 1000.0 + fall, 10.0);
    assert_eq!(bed.kinds(), ["rise"], "{fall} hPa");
}

#[test]
fn weather_hides_no_rise_on_a_pressure_that_nobody_has_measured() {
    for fall in [-6.0, 6.0] {
        let mut bed = pressure();
        bed = Bed::new(
            Settings { empty: None, occupied: None, ..bed.detector.settings },
            &Start::First,
            "2026-01-15T21:00:00Z",
        );
        empty(&mut bed, 1000.0, 60.0);
        lies_through_weather(&mut bed, fall);
    }
}

#[test]
fn zero_that_moves_hides_no_rise_where_it_was_measured_at_nothing() {
    let settings = Settings { empty: Some(vec![1.0]), occupied: Some(vec![6.0]), ..pressure().detector.settings };
    let mut bed = Bed::new(settings, &Start::First, "2026-01-15T21:00:00Z");
    empty(&mut bed, 1.0, 60.0);
    lies(&mut bed, 1.0, 1800.0);
    empty(&mut bed, 1.0, 60.0);
    bed.kinds();
    each(&mut bed, 10_800.0, |step| 6.0 + step as f64 / 36_000.0 + (step as f64 * 0.15).sin() * 0.05);
    empty(&mut bed, 4.0, 10.0);
    assert_eq!(bed.kinds(), ["return", "rise"]);
}

#[test]
fn weather_hides_no_rise_after_a_restart() {
    for measured in [true, false] {
        let mut bed = pressure();
        let settings = bed.detector.settings.clone();
        let settings = if measured { settings } else { Settings { empty: None, occupied: None, ..settings } };
        bed = Bed::new(settings.clone(), &Start::First, "2026-01-15T21:00:00Z");
        empty(&mut bed, 1000.0, 60.0);
        lies(&mut bed, 1000.0, 1800.0);
        empty(&mut bed, 1000.0, 60.0);
        let mut after = bed.restarts(settings, 5);
        empty(&mut after, 1000.0, 60.0);
        lies_through_weather(&mut after, 6.0);
    }
}

#[test]
fn who_has_left_while_the_mat_was_away_is_told_however_the_empty_bed_jolts() {
    for seed in 1..=20_u64 {
        let settings = Settings { range: None, empty: Some(vec![110.0]), occupied: Some(vec![580.0]), ..settings() };
        let mut bed = Bed::new(settings, &Start::First, "2026-01-15T21:00:00Z");
        let mut state = seed;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / (1_u64 << 24) as f64 - 0.5
        };
        let mut read = |bed: &mut Bed, seconds: u64, level: f64, deviation: f64| {
            for _ in 0..seconds * 10 {
                let normal: f64 = (0..12).map(|_| noise()).sum();
                bed.read((level + deviation * normal).round());
            }
        };
        read(&mut bed, 26, 110.0, 2.0);
        read(&mut bed, 60, 580.0, 4.0);
        bed.silent(17);
        read(&mut bed, 60, 110.0, 2.0);
        assert_eq!(bed.kinds(), ["in-bed", "rise"], "seed {seed}");
    }
}
