//! A technician walks through the postures; the mat is as it should be, or has one thing wrong with it.

use super::*;
use crate::detect::calibration::{Finding, Proof, Sample, Sampler, Step};
use crate::model::proof::Grade;

/// Readings of one step: these loads, with a little noise on each zone.
fn step(zones: &[f64], noise: f64) -> Sample {
    let mut sampler = Sampler::default();
    for reading in 0..100_u64 {
        let wobble = |zone: usize| (((reading * 7_919 + zone as u64 * 31) % 13) as f64 / 6.0 - 1.0) * noise;
        let values = zones.iter().enumerate().map(|(zone, level)| level + wobble(zone));
        sampler.take(&Channels::new(values).unwrap());
    }
    sampler.finish().unwrap()
}

/// Empty, on the back, left, right, on the edge, empty again.
fn walk(levels: [f64; 6], noise: f64) -> [Sample; 6] {
    levels.map(|level| step(&[level], noise))
}

fn proof(levels: [f64; 6], noise: f64) -> Proof {
    Proof::new(&walk(levels, noise), &settings())
}

#[test]
fn a_good_mat_has_its_levels_and_nothing_to_find() {
    let proof = proof([110.0, 620.0, 560.0, 590.0, 350.0, 125.0], 2.0);
    assert_eq!(proof.findings, []);
    assert_eq!(proof.grade(), Grade::Good);
    assert!(proof.has_levels() && !proof.falls);
    assert!((proof.empty[0] - 110.0).abs() <= 0.5 && (proof.occupied[0] - 590.0).abs() <= 0.5, "{proof:?}");
    assert!(proof.noises > 100.0 && (0.11..0.12).contains(&proof.swing_share.unwrap()), "{proof:?}");
    assert!((proof.shares[4] - 0.5).abs() < 0.01);
}

#[test]
fn the_noise_is_that_of_the_values_and_not_of_a_step_or_a_drift() {
    let mut sampler = Sampler::default();
    for reading in 0..400_u64 {
        // Uniform between -3 and 3: a standard deviation of 1.73; with a drift, and somebody who walks past.
        let noise = ((reading * 7_919) % 601) as f64 / 100.0 - 3.0;
        let passes = if (100..103).contains(&reading) { 80.0 } else { 0.0 };
        sampler.take(&Channels::new([100.0 + reading as f64 * 0.01 + noise + passes]).unwrap());
    }
    let noise = sampler.finish().unwrap().noise;
    assert!((1.2..2.6).contains(&noise), "{noise}");
}

#[test]
fn each_thing_that_is_wrong_is_found_and_graded() {
    use Finding::*;
    let good = [110.0, 620.0, 560.0, 590.0, 350.0, 125.0];
    let with = |place: usize, level: f64| {
        let mut levels = good;
        levels[place] = level;
        levels
    };
    for (levels, noise, grade, found) in [
        ([110.0; 6], 2.0, Grade::Unfit, "lying does not move the value"),
        ([110.0, 130.0, 128.0, 129.0, 120.0, 111.0], 2.5, Grade::Weak, "times its noise"),
        (good, 160.0, Grade::Unfit, "times its noise"),
        (with(2, 300.0), 2.0, Grade::Weak, "lies on the left side"),
        (with(3, 150.0), 2.0, Grade::Unfit, "lies on the right side"),
        (with(4, 600.0), 2.0, Grade::Weak, "sitting on the edge"),
        (with(5, 300.0), 2.0, Grade::Weak, "stays after the bed is left"),
        (with(5, 500.0), 2.0, Grade::Unfit, "stays after the bed is left"),
        ([110.0, 4095.0, 4095.0, 4095.0, 2000.0, 125.0], 0.0, Grade::Weak, "at the end of its range"),
    ] {
        let proof = proof(levels, noise);
        let [finding] = proof.findings[..] else { panic!("{levels:?}: {:?}", proof.findings) };
        assert!(finding.to_string().contains(found), "{finding}");
        assert_eq!(proof.grade(), grade, "{finding}");
        assert_eq!(proof.has_levels(), grade < Grade::Unfit);
    }
    assert!(matches!(proof(with(2, 300.0), 2.0).findings[..], [Hidden(Step::OnLeft, _)]));
}

#[test]
fn a_mat_whose_value_falls_is_as_good_as_one_whose_value_rises() {
    let proof = proof([4000.0, 3400.0, 3450.0, 3420.0, 3800.0, 3990.0], 2.0);
    assert_eq!((proof.findings.as_slice(), proof.falls), ([].as_slice(), true));
    assert!(proof.shares[1] > 0.9 && proof.shares[5] < 0.1);
}

#[test]
fn a_scale_of_kilograms_has_no_share_of_an_empty_value() {
    let settings = Settings { range: None, ..settings() };
    let proof = Proof::new(&walk([0.0, 71.2, 69.8, 70.3, 44.0, 0.1], 0.02), &settings);
    assert_eq!((proof.grade(), proof.swing_share), (Grade::Good, None));
    assert!((proof.occupied[0] - 70.43).abs() < 0.03, "{:?}", proof.occupied);
}

#[test]
fn a_zone_that_never_moves_is_named_and_one_that_says_nothing_leaves_no_levels() {
    let zones = |sound: f64, third: f64| step(&[100.0 + sound, 100.0 + sound / 2.0, third], 1.0);
    let levels = [0.0, 500.0, 400.0, 450.0, 200.0, 10.0];
    let proof = Proof::new(&levels.map(|sound| zones(sound, 100.0)), &settings());
    assert_eq!(proof.findings, [Finding::DeadZone(3)]);
    assert!(proof.has_levels());
    let proof = Proof::new(&levels.map(|sound| zones(sound, f64::NAN)), &settings());
    assert_eq!(proof.findings, [Finding::DeadZone(3)]);
    assert!(!proof.has_levels());
}

#[test]
fn a_contact_is_right_or_wrong_in_each_step() {
    let settings = Settings { contact: true, range: None, empty: None, occupied: None, ..settings() };
    let walk = |states: [bool; 6]| {
        states.map(|state| {
            let mut sampler = Sampler::default();
            sampler.take(&Channels::contact(state));
            sampler.finish().unwrap()
        })
    };
    let right = Proof::new(&walk([false, true, true, true, false, false]), &settings);
    assert_eq!((right.grade(), right.has_levels()), (Grade::Good, false));
    let wrong = Proof::new(&walk([false, true, false, true, true, false]), &settings);
    assert_eq!(wrong.findings, [Finding::WrongContact(Step::OnLeft)]);
    assert_eq!(wrong.grade(), Grade::Unfit);
}

#[test]
fn readings_that_fail_are_counted_and_never_too_many_are_kept() {
    let mut sampler = Sampler::default();
    for reading in 0..20_000 {
        let value = if reading % 10 == 0 { f64::NAN } else { 110.0 };
        sampler.take(&Channels::new([value]).unwrap());
    }
    let sample = sampler.finish().unwrap();
    assert_eq!((sample.readings, sample.failed), (6000, 667));
    assert_eq!(Sampler::default().finish(), None);
    let mut walk = walk([110.0, 620.0, 560.0, 590.0, 350.0, 125.0], 2.0);
    walk[2].failed = 200;
    assert_eq!(Proof::new(&walk, &settings()).findings, [Finding::Failed(200, 800)]);
}
