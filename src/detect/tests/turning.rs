//! Somebody who turns over on a mat too noisy to show her breath, whose levels nobody has measured.

use super::*;

/// Lies at `level`, with noise of about 3 counts, and moves for a second every `jolts` seconds.
fn lies(bed: &mut Bed, level: f64, seconds: u32, jolts: u32) {
    let mut state = 1_u32;
    for step in 0..seconds * 10 {
        // Numerical Recipes' linear congruence.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from((state >> 16) % 11);
        let jolt = if jolts > 0 && step % (jolts * 10) >= jolts * 10 - 10 { 25.0 } else { 0.0 };
        bed.read((level + noise + jolt).round());
    }
}

fn unmeasured(range: Option<(f64, f64)>) -> Bed {
    let settings = Settings { range, empty: None, occupied: None, ..settings() };
    Bed::new(settings, &Start::First, "2026-01-15T21:00:00Z")
}

#[test]
fn a_turn_teaches_nothing_and_her_leaving_does() {
    let mut bed = unmeasured(Some((0.0, 4095.0)));
    lies(&mut bed, 970.0, 15 * 60, 0);
    lies(&mut bed, 1045.0, 30 * 60, 300);
    lies(&mut bed, 975.0, 30 * 60, 300);
    assert_eq!(bed.kinds(), [""; 0]);
    lies(&mut bed, 20.0, 60, 0);
    assert_eq!(bed.kinds(), ["in-bed", "rise"]);
}

#[test]
fn a_small_swing_up_is_somebody_where_nothing_had_moved_for_longer_than_a_sleeper_lies_still() {
    let mut bed = unmeasured(Some((0.0, 4095.0)));
    lies(&mut bed, 970.0, 21 * 60, 0);
    lies(&mut bed, 1045.0, 10 * 60, 0);
    assert_eq!(bed.kinds(), ["in-bed"]);
}

#[test]
fn a_swing_as_small_as_a_turn_is_somebody_where_most_of_the_value_is_the_sensors_own() {
    let mut bed = unmeasured(None);
    lies(&mut bed, 40_000.0, 11 * 60, 0);
    lies(&mut bed, 40_450.0, 10 * 60, 0);
    assert_eq!(bed.kinds(), ["in-bed"]);
}

#[test]
fn a_swing_of_less_than_the_least_share_of_a_turn_is_somebody_on_a_sensor_with_a_range_too() {
    let mut bed = unmeasured(Some((0.0, 65_535.0)));
    lies(&mut bed, 40_000.0, 11 * 60, 0);
    lies(&mut bed, 40_200.0, 10 * 60, 0);
    assert_eq!(bed.kinds(), ["in-bed"]);
}

#[test]
fn who_comes_back_to_a_bed_that_she_had_left_for_less_long_than_she_had_lain_in_it_is_learnt() {
    let mut bed = unmeasured(None);
    lies(&mut bed, 1260.0, 40 * 60, 180);
    lies(&mut bed, 600.0, 8 * 60, 0);
    assert_eq!(bed.kinds(), [""; 0], "it moves as much without her");
    lies(&mut bed, 1260.0, 10 * 60, 180);
    assert_eq!(bed.kinds(), ["in-bed"]);
    lies(&mut bed, 600.0, 60, 0);
    assert_eq!(bed.kinds(), ["rise"]);
}

#[test]
fn who_lies_back_after_a_sit_on_the_edge_has_not_come_to_bed() {
    let mut bed = unmeasured(None);
    lies(&mut bed, 1260.0, 40 * 60, 180);
    lies(&mut bed, 600.0, 4 * 60, 0);
    lies(&mut bed, 1260.0, 10 * 60, 180);
    assert_eq!(bed.kinds(), [""; 0]);
}
