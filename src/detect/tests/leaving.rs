//! The sequential test for leaving, on its own: how long it waits for what, and when it takes her to be still there.

use super::super::leaving::Leaving;
use super::*;

fn at(seconds: f64) -> Moment {
    Moment::from_nanos((seconds * 1e9) as i64)
}

/// A load that fell to `share` at 10 s and stays there for three readings at 10 Hz, without a sign of life.
fn fallen(share: f64, prepared: bool) -> Leaving {
    let mut leaving = Leaving::new(at(10.0), share, prepared);
    leaving.take(at(10.1), share, 0.0);
    leaving.take(at(10.2), share, 0.0);
    leaving
}

/// How long after the fall a mat that sends steadily decides.
fn waits(leaving: &Leaving, confirm: Confirm) -> f64 {
    leaving.due(confirm, false, None, true).since(leaving.gone).as_secs_f64()
}

fn fixed(seconds: u64) -> Confirm {
    Confirm::Fixed(Duration::from_secs(seconds))
}

fn assert_near(is: f64, should: f64) {
    assert!((is - should).abs() < 0.01, "{is:.3} for {should:.3}");
}

/// The formula of `docs/detection.md`: the time after which a lift, or an attempt, still lasts once in e^`nats`.
fn lasts_beyond(nats: f64, scale_s: f64) -> f64 {
    scale_s * nats.powf(1.0 / 2.4)
}

#[test]
fn an_unprepared_fall_to_nothing_outwaits_a_lift_of_the_hips() {
    assert_near(waits(&fallen(0.0, false), Confirm::Auto), lasts_beyond(6.0 - 2.0, 1.1));
    assert!(waits(&fallen(0.0, false), Confirm::Auto) > 1.9, "one lift in 55 lasts longer");
}

#[test]
fn a_fall_that_was_prepared_is_decided_in_a_third_of_the_time() {
    assert_near(waits(&fallen(0.0, true), Confirm::Auto), lasts_beyond(6.0 - 5.0, 0.5));
    assert_near(waits(&fallen(0.065, true), Confirm::Auto), lasts_beyond(6.0 - 3.5, 0.5));
    assert_near(waits(&fallen(0.12, true), Confirm::Auto), lasts_beyond(6.0 - 1.8, 0.5));
}

#[test]
fn the_less_is_left_the_earlier_it_is_decided() {
    let shares = [0.0, 0.08, 0.1, 0.12, 0.14, 0.16];
    for prepared in [false, true] {
        let times: Vec<f64> = shares.iter().map(|share| waits(&fallen(*share, prepared), Confirm::Auto)).collect();
        assert!(times.is_sorted() && times[0] < times[5], "{times:?}");
    }
}

#[test]
fn what_leaves_a_part_of_her_there_waits_for_the_latest_moment_and_a_third_of_her_is_somebody() {
    let (a_bag, doubtful, somebody) = (fallen(0.16, false), fallen(0.20, false), fallen(0.24, false));
    assert!(waits(&a_bag, Confirm::Auto) < 3.0);
    for confirm in [Confirm::Auto, fixed(3)] {
        assert_near(waits(&doubtful, confirm), 8.0);
        assert_near(waits(&somebody, confirm), 8.0);
    }
    assert_near(waits(&doubtful, fixed(12)), 12.0);
    assert_eq!([&a_bag, &doubtful, &somebody].map(Leaving::is_somebody), [false, true, true]);
    assert_eq!([&doubtful, &somebody, &fallen(0.27, false)].map(Leaving::is_little), [true, true, false]);
}

#[test]
fn the_share_that_counts_is_the_higher_of_the_last_two() {
    let mut leaving = Leaving::new(at(10.0), 0.25, false);
    leaving.take(at(10.1), 0.0, 0.0);
    assert_near(leaving.share, 0.25);
    leaving.take(at(10.2), 0.0, 0.0);
    assert_near(leaving.share, 0.0);
    leaving.take(at(10.3), 0.1, 0.0);
    assert_near(leaving.share, 0.1);
}

#[test]
fn one_reading_of_a_steady_mat_proves_nothing_and_of_another_all() {
    let once = Leaving::new(at(10.0), 0.0, false);
    assert_near(waits(&once, fixed(3)), 8.0);
    assert_near(once.due(fixed(3), false, None, false).since(once.gone).as_secs_f64(), 3.0);
    let mut twice = once;
    twice.take(at(10.1), 0.0, 0.0);
    assert_near(waits(&twice, fixed(3)), 3.0);
}

#[test]
fn signs_of_life_hold_a_rise_back_and_their_absence_speaks_for_it() {
    let with_life = |share: f64, nats: f64| {
        let mut leaving = fallen(share, false);
        leaving.take(at(10.3), share, nats);
        leaving
    };
    let (little, much) = (with_life(0.0, 6.5), with_life(0.0, 7.5));
    assert!(!little.is_somebody() && much.is_somebody());
    assert_near(waits(&little, Confirm::Auto), 8.0);
    assert!(waits(&with_life(0.0, 5.5), Confirm::Auto) < 3.0);
    assert!(!with_life(0.24, -2.5).is_somebody(), "nothing moves in what is left");
    assert_near(with_life(0.0, 1000.0).life, 8.0);
    assert_near(with_life(0.0, -1000.0).life, -8.0);
    assert_near(with_life(0.10, 0.0).against_still_there(), 4.5);
}

#[test]
fn the_leaving_is_when_the_last_part_of_her_left_and_life_counts_from_then_on() {
    let mut leaving = fallen(0.25, false);
    leaving.take(at(20.0), 0.25, 5.0);
    assert_eq!((leaving.gone, leaving.low), (at(10.0), None));
    leaving.take(at(30.0), 0.02, 0.0);
    leaving.take(at(30.1), 0.02, 0.5);
    assert!((at(30.0)..=at(30.1)).contains(&leaving.gone), "{:?}", leaving.gone);
    assert!((at(30.0)..=at(30.1)).contains(&leaving.low.unwrap()));
    assert_near(leaving.life, 0.5);
    leaving.take(at(31.0), 0.2, 0.0);
    assert_eq!(leaving.low, None, "a part of her is back");
}

#[test]
fn a_load_that_falls_on_has_not_come_to_rest() {
    let mut leaving = fallen(0.14, false);
    leaving.take(at(11.0), 0.125, 3.0);
    assert_eq!(leaving.gone, at(10.0), "by so little it rests");
    assert_near(leaving.life, 3.0);
    leaving.take(at(12.0), 0.11, 1.0);
    assert_eq!(leaving.gone, at(12.0));
    assert_near(leaving.life, 1.0);
    leaving.take(at(13.0), 0.05, 0.0);
    assert_eq!(leaving.gone, at(13.0));
    leaving.take(at(14.0), 0.01, 0.0);
    assert_eq!(leaving.gone, at(13.0), "a foam that recovers from a twentieth was left before");
    let mut deep = fallen(0.10, false);
    deep.take(at(11.0), 0.05, 0.0);
    assert_eq!(deep.gone, at(10.0), "and from a tenth");
}

#[test]
fn a_contact_waits_longer_than_a_lift_and_one_that_chatters_longer_than_its_moments() {
    let opened = Leaving::new(at(10.0), 0.0, false);
    let waits = |confirm, chatter: Option<u64>| {
        let due = opened.due(confirm, true, chatter.map(Duration::from_secs), false);
        due.since(opened.gone).as_secs_f64()
    };
    assert_near(waits(Confirm::Auto, None), 2.5);
    assert_near(waits(fixed(4), None), 4.0);
    assert_near(waits(Confirm::Auto, Some(20)), 20.0);
    assert_near(waits(fixed(4), Some(20)), 20.0);
    assert_near(waits(fixed(4), Some(1)), 4.0);
    assert_near(waits(fixed(0), Some(20)), 0.0);
}

#[test]
fn who_has_sat_up_before_is_told_sooner_and_half_a_second_of_it_is_the_fall_itself() {
    let decided_after = |sat_s: f64| {
        let auto = Settings { confirm: Confirm::Auto, ..settings() };
        let mut bed = Bed::new(auto, &Start::First, "2026-01-15T21:00:00Z");
        bed.goes_to_bed().shows(EMPTY + 0.7 * (LYING - EMPTY), sat_s).shows(EMPTY, 10.0);
        let rise = bed.events.iter().find(|event| event.kind == Kind::Rise).cloned().unwrap();
        rise.decided.duration_since(rise.time).as_secs_f64()
    };
    assert!(decided_after(3.0) < 1.0, "{}", decided_after(3.0));
    for too_short in [0.0, 0.5] {
        assert!(decided_after(too_short) > 1.9, "{}", decided_after(too_short));
    }
}
