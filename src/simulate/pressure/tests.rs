//! A pressure mat's properties, measured from what it says.

use super::*;
use crate::simulate::pose::{Pose, Posture};

const LYING: Pose = Pose::lying(Posture::Back);

/// A straight mat without noise: 30 counts a kilogram on 110.
const PLAIN: PressureMat =
    PressureMat { noise: 0.0, signal_noise: 0.0, difference: 0.0, ..PressureMat::zones(Layout::ONE) };

fn make(mat: PressureMat) -> Pressure {
    Pressure::new(&mat, Rng::new(1))
}

const fn on(pose: Pose) -> Load {
    Load { pose, weight_kg: 70.0 }
}

fn sum_after(mat: &mut Pressure, loads: &[Load], seconds: u32) -> f64 {
    (0..seconds).map(|_| mat.read(loads, 1.0).zones().iter().sum::<f64>()).last().unwrap()
}

#[test]
fn the_signal_creeps_by_a_tenth_a_decade_of_time() {
    let mut mat = make(PLAIN);
    let at_10 = sum_after(&mut mat, &[on(LYING)], 10);
    let at_100 = sum_after(&mut mat, &[on(LYING)], 90);
    let growth = (at_100 - at_10) / (70.0 * 30.0);
    assert!((0.09..0.11).contains(&growth), "{growth}");
}

#[test]
fn a_dent_stays_when_the_load_has_left_and_goes() {
    for (springs_back_s, after_900_s) in [(90.0, 0.0), (400.0, 84.0 * 0.105)] {
        let mut mat = make(PressureMat { springs_back_s, ..PLAIN });
        sum_after(&mut mat, &[on(LYING)], 3600);
        let left = sum_after(&mut mat, &[], 1) - 110.0;
        assert!((0.03..0.05).contains(&(left / (70.0 * 30.0))), "{left} counts just after leaving");
        let later = sum_after(&mut mat, &[], 900) - 110.0;
        assert!((later - after_900_s).abs() < 1.5, "{later} counts after 900 s");
    }
}

#[test]
fn zones_and_loads_add_up() {
    let sum = |layout, loads: &[Load]| {
        let mut mat = make(PressureMat { layout, ..PLAIN });
        mat.read(loads, 0.0).zones().iter().sum::<f64>() - 110.0 * f64::from(layout.zones())
    };
    for layout in [Layout::ONE, Layout::FOUR, Layout::new(4, 4).unwrap()] {
        assert!((sum(layout, &[on(LYING)]) - 2100.0).abs() < 9.0, "{layout:?}");
        assert!((sum(layout, &[on(Pose::edge(0.5)), on(LYING)]) - 3150.0).abs() < 9.0, "{layout:?}");
    }
}

#[test]
fn the_adc_saturates_at_both_ends() {
    let mut mat = make(PressureMat { gain: 1000.0, empty: 0.0, noise: 2.0, ..PLAIN });
    assert!((mat.read(&[on(LYING)], 0.1).zones()[0] - 4095.0).abs() < f64::EPSILON);
    assert!((0..100).all(|_| mat.read(&[], 0.1).zones()[0] >= 0.0));
}

#[test]
fn a_resistor_gives_less_and_less_a_kilogram_and_none_in_its_dead_zone() {
    let mat = PressureMat { half_kg: 70.0, dead_kg: 5.0, empty: 0.0, creep: 0.0, ..PLAIN };
    let level = |weight_kg| make(mat).read(&[Load { weight_kg, ..on(LYING) }], 0.1).zones()[0];
    assert!(level(4.9).abs() < f64::EPSILON);
    assert!((level(75.0) - 1050.0).abs() < 1.0, "half of 70 kg at 30 counts: {}", level(75.0));
    assert!(level(145.0) < 1.5 * level(75.0));
}

#[test]
fn inverted_wiring_falls_from_the_end_of_the_scale() {
    let mut mat = make(PressureMat { inverted: true, ..PLAIN });
    assert!((mat.read(&[], 0.0).zones()[0] - (4095.0 - 110.0)).abs() < 0.5);
    assert!((mat.read(&[on(LYING)], 0.0).zones()[0] - (4095.0 - 2210.0)).abs() < 0.5);
    assert!((mat.settled(&[])[0] - 3985.0).abs() < 0.5);
}

#[test]
fn on_the_way_down_it_shows_a_tenth_more_halfway() {
    let mat = PressureMat { hysteresis: 0.1, creep: 0.0, residual: 0.0, ..PLAIN };
    let half = Load { weight_kg: 35.0, ..on(LYING) };
    let up = make(mat).read(&[half], 0.1).zones()[0] - 110.0;
    let mut falls = make(mat);
    falls.read(&[on(LYING)], 0.1);
    let down = falls.read(&[half], 0.1).zones()[0] - 110.0;
    assert!((down / up - 1.1).abs() < 0.005, "{up} up, {down} down");
    assert!((falls.read(&[], 0.1).zones()[0] - 110.0).abs() < 0.5);
    sum_after(&mut falls, &[half], 6000);
    assert!((sum_after(&mut falls, &[half], 1) - 110.0 - up).abs() < 2.0, "forgotten");
}

#[test]
fn drift_warmth_and_a_start_move_it_by_what_they_are_told() {
    let end = |seed| {
        let mut mat = Pressure::new(&PressureMat { drift: 100.0, empty: 500.0, ..PLAIN }, Rng::new(seed));
        mat.read(&[], 28_800.0).zones()[0] - 500.0
    };
    let deviation = ((0..200).map(|seed| f64::powi(end(seed), 2)).sum::<f64>() / 200.0).sqrt();
    assert!((50.0..150.0).contains(&deviation), "{deviation}");
    let mut warms = make(PressureMat { warmth: -0.1, creep: 0.0, ..PLAIN });
    assert!((sum_after(&mut warms, &[on(LYING)], 9000) - 110.0 - 1890.0).abs() < 8.0);
    let mut starts = make(PressureMat { jump: 100.0, empty: 1000.0, layout: Layout::FOUR, ..PLAIN });
    starts.restart();
    let jumped = starts.read(&[], 0.0);
    let away: Vec<f64> = jumped.zones().iter().map(|zone| (zone - 1000.0).abs()).collect();
    assert!(away.iter().any(|counts| *counts > 20.0) && away.iter().all(|counts| *counts < 450.0), "{away:?}");
}

#[test]
fn noise_is_what_it_says_and_grows_with_the_signal() {
    let deviation = |mat: PressureMat, loads: &[Load]| {
        let mut mat = make(PressureMat { creep: 0.0, ..mat });
        let values: Vec<f64> = (0..4000).map(|_| mat.read(loads, 0.1).zones()[0]).collect();
        let mean = values.iter().sum::<f64>() / 4000.0;
        (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 4000.0).sqrt()
    };
    let noisy = PressureMat { noise: 4.0, signal_noise: 0.005, ..PLAIN };
    assert!((deviation(noisy, &[]) - 4.0).abs() < 0.3);
    assert!((deviation(noisy, &[on(LYING)]) - 11.2).abs() < 0.8);
}

#[test]
fn a_sheet_under_the_mattress_swings_by_a_hundredth_and_still_clear_of_its_noise() {
    let levels = make(PressureMat::sheet());
    let (empty, lying) = (levels.settled(&[])[0], levels.settled(&[Load { pose: LYING, weight_kg: 96.0 }])[0]);
    assert!((0.007..0.012).contains(&((lying - empty) / empty)), "{empty} {lying}");
}

#[test]
fn per_cent_come_in_tenths_as_a_mean_of_five() {
    let mut mat = make(PressureMat { noise: 0.0, signal_noise: 0.0, creep: 0.0, ..PressureMat::percent() });
    for _ in 0..5 {
        assert!((mat.read(&[], 0.5).zones()[0] - 10.0).abs() < 0.05);
    }
    let rises: Vec<f64> = (0..6).map(|_| mat.read(&[on(LYING)], 0.5).zones()[0]).collect();
    let steps: Vec<f64> = rises.iter().map(|value| (value - 10.0) / 14.0).collect();
    assert!(steps.iter().zip([1.0, 2.0, 3.0, 4.0, 5.0, 5.0]).all(|(step, due)| (step - due).abs() < 0.01), "{rises:?}");
    let mut noisy = make(PressureMat::percent());
    assert!((0..100).all(|_| {
        let tenths = noisy.read(&[on(LYING)], 0.5).zones()[0] * 10.0;
        (tenths - tenths.round()).abs() < 1e-9
    }));
}
