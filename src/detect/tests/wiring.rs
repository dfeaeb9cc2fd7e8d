//! Wiring turned round, which nobody has told: load makes the value fall.

use super::*;

fn unknown() -> Bed {
    let settings = Settings { range: Some((0.0, 1023.0)), empty: None, occupied: None, ..settings() };
    Bed::new(settings, &Start::First, "2026-01-15T21:00:00Z")
}

/// Whole counts, and one that jumps for a moment every `spikes` seconds.
fn counts(bed: &mut Bed, seconds: u64, spikes: u64, value: impl Fn(f64) -> f64) {
    for step in 0..seconds * 10 {
        let spike = if spikes > 0 && step % (spikes * 10) == 5 { -12.0 } else { 0.0 };
        bed.read(value(step as f64 * 0.1).round() + spike);
    }
}

#[test]
fn a_converter_that_flickers_on_an_empty_bed_is_nobody_who_moves() {
    let mut bed = unknown();
    counts(&mut bed, 1500, 90, |_| 982.0);
    counts(&mut bed, 600, 0, |at| 400.0 + 3.0 * (at * 1.5).sin());
    assert_eq!(bed.kinds(), ["in-bed"]);
    counts(&mut bed, 20, 0, |_| 982.0);
    assert_eq!(bed.kinds(), ["rise"]);
}

#[test]
fn who_sits_up_and_moves_has_not_turned_the_wiring_round() {
    let mut bed = unknown();
    counts(&mut bed, 60, 0, |_| 20.0);
    counts(&mut bed, 900, 200, |at| 800.0 + 0.6 * (at * 1.5).sin());
    counts(&mut bed, 60, 0, |at| 500.0 + 6.0 * (at * 1.5).sin());
    assert_eq!(bed.kinds(), ["in-bed"]);
    counts(&mut bed, 20, 0, |_| 20.0);
    assert_eq!(bed.kinds().last(), Some(&"rise"));
}

#[test]
fn wiring_that_was_found_to_be_turned_round_is_so_after_a_restart() {
    let mut bed = unknown();
    counts(&mut bed, 1500, 90, |_| 982.0);
    counts(&mut bed, 600, 0, |at| 400.0 + 3.0 * (at * 1.5).sin());
    assert_eq!(bed.kinds(), ["in-bed"]);
    let settings = Settings { range: Some((0.0, 1023.0)), empty: None, occupied: None, ..settings() };
    let mut after = bed.restarts(settings.clone(), 5);
    counts(&mut after, 60, 0, |at| 400.0 + 3.0 * (at * 1.5).sin());
    assert_eq!(after.kinds(), [""; 0]);
    counts(&mut after, 60, 0, |_| 982.0);
    assert_eq!(after.kinds(), ["rise"]);
    let mut again = after.restarts(settings, 5);
    counts(&mut again, 60, 0, |_| 982.0);
    counts(&mut again, 60, 0, |at| 400.0 + 3.0 * (at * 1.5).sin());
    assert_eq!(again.kinds(), ["return"]);
}

/// Somebody who lies at `level`, breathes, and moves for two seconds in every third minute.
fn sleeps(bed: &mut Bed, level: f64, minutes: u64) {
    counts(bed, minutes * 60, 0, |at| {
        let moves = if at % 180.0 > 170.0 && at % 180.0 < 172.0 { 120.0 * ((at % 2.0) - 1.0) } else { 0.0 };
        level + 3.0 * (at * 1.5).sin() + moves
    });
}

#[test]
fn a_few_counts_above_nothing_are_no_person() {
    let settings = Settings { range: Some((0.0, 4095.0)), ..unknown().detector.settings };
    let mut bed = Bed::new(settings, &Start::First, "2026-01-15T21:00:00Z");
    counts(&mut bed, 20, 0, |_| 5.0);
    counts(&mut bed, 30, 0, |_| 1.0);
    assert_eq!(bed.kinds(), Vec::<&str>::new());
    sleeps(&mut bed, 1000.0, 2);
    assert_eq!(bed.kinds(), ["in-bed"]);
}

#[test]
fn who_gets_up_from_a_mat_too_noisy_to_show_her_breath_has_not_turned_the_wiring_round() {
    let settings = Settings { range: None, empty: None, occupied: None, ..settings() };
    let mut bed = Bed::new(settings, &Start::First, "2026-01-15T21:00:00Z");
    let rests = |bed: &mut Bed, level: f64, minutes: u32| {
        (0..minutes * 600).for_each(|step| bed.read(level + f64::from(step * step % 101) * 0.02));
    };
    rests(&mut bed, 126.0, 15);
    rests(&mut bed, 60.0, 20);
    assert_eq!(bed.kinds(), [""; 0], "one fall does not say who was there before it");
    rests(&mut bed, 126.0, 5);
    assert_eq!(bed.kinds(), ["in-bed"]);
    rests(&mut bed, 60.0, 1);
    assert_eq!(bed.kinds(), ["rise"]);
}

#[test]
fn who_lies_still_once_in_a_restless_hour_and_gets_up_has_not_turned_the_wiring_round() {
    let settings = Settings { range: None, empty: None, occupied: None, ..settings() };
    let mut bed = Bed::new(settings, &Start::First, "2026-01-15T21:00:00Z");
    let lies = |bed: &mut Bed, level: f64, minutes: u32, moves_every: u32| {
        (0..minutes * 600).for_each(|step| {
            let moves = if moves_every > 0 && step % (moves_every * 600) < 10 { 4.0 } else { 0.0 };
            bed.read(level + moves + f64::from(step * step % 101) * 0.02);
        });
    };
    lies(&mut bed, 126.0, 30, 2);
    lies(&mut bed, 126.0, 21, 0);
    lies(&mut bed, 60.0, 55, 0);
    assert_eq!(bed.kinds(), [""; 0]);
    lies(&mut bed, 126.0, 21, 0);
    assert_eq!(bed.kinds(), ["in-bed"]);
    lies(&mut bed, 60.0, 1, 0);
    assert_eq!(bed.kinds(), ["rise"]);
}

/// Whole counts once a second, with noise of about one of them, so that many readings say what the one before said.
fn slowly(bed: &mut Bed, level: f64, seconds: u32) {
    let mut state = 1_u32;
    for _ in 0..seconds {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (0..4).map(|part| f64::from((state >> (8 * part)) & 0xff) / 256.0 - 0.5).sum::<f64>();
        let now = bed.later(Duration::from_millis(900));
        bed.detector.on_deadline(now);
        bed.read((level + 2.0 * noise).round());
    }
}

#[test]
fn rounding_on_an_empty_bed_is_nobody_who_moves() {
    let mut bed = unknown();
    slowly(&mut bed, 994.5, 4500);
    slowly(&mut bed, 380.0, 60);
    assert_eq!(bed.kinds(), ["in-bed"]);
    slowly(&mut bed, 994.5, 20);
    assert_eq!(bed.kinds(), ["rise"]);
}

/// Lies still on a mat too noisy to show her breath.
fn noisily(bed: &mut Bed, level: f64, seconds: u32) {
    (0..seconds * 10).for_each(|step| bed.read(level + f64::from(step * step % 101) * 0.4));
}

#[test]
fn who_has_lain_still_and_leaves_a_mat_at_the_upper_end_of_its_range_has_not_come() {
    let mut bed = unknown();
    noisily(&mut bed, 600.0, 17 * 60);
    noisily(&mut bed, 980.0, 11 * 60);
    assert_eq!(bed.kinds(), [""; 0], "it is not known yet who was there");
    noisily(&mut bed, 600.0, 10 * 60);
    assert_eq!(bed.kinds(), ["in-bed"]);
    noisily(&mut bed, 980.0, 10);
    assert_eq!(bed.kinds(), ["rise"]);
}

#[test]
fn a_carer_who_sat_on_the_bed_first_does_not_hide_which_way_load_moves_the_value() {
    let mut bed = unknown();
    let lies = |level: f64| move |at: f64| level + 3.0 * (at * 1.5).sin();
    counts(&mut bed, 21 * 60, 0, |_| 980.0);
    counts(&mut bed, 40, 0, lies(850.0));
    counts(&mut bed, 100, 0, |_| 980.0);
    assert_eq!(bed.kinds(), [""; 0]);
    counts(&mut bed, 60, 0, lies(400.0));
    assert_eq!(bed.kinds(), ["in-bed"]);
    counts(&mut bed, 10, 0, |_| 980.0);
    assert_eq!(bed.kinds(), ["rise"]);
}
