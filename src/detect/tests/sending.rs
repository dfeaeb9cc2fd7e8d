//! How a mat sends: only on change, in whole per cents, stuck for a while; and what may be learnt from that.

use super::*;

/// Whole per cents, sent at a change and at the latest after 180 s, as the stock firmware of an ESPHome bed sensor does.
fn per_cents() -> Settings {
    Settings { range: Some((0.0, 100.0)), empty: None, occupied: None, ..settings() }
}

/// A pressure of which nothing is known.
fn hectopascals() -> Settings {
    Settings { range: None, empty: None, occupied: None, ..settings() }
}

impl Bed {
    /// After so many seconds without any reading the mat says `value`.
    fn says(&mut self, seconds: f64, value: f64) -> &mut Self {
        let now = self.later(Duration::from_secs_f64(seconds));
        self.detector.on_reading(&reading(now.moment, value, Quality::Live), now);
        self.collect();
        self
    }

    /// She gets in over eight seconds, and moves a little now and then for so many minutes.
    fn lies_restlessly(&mut self, minutes: u32) -> &mut Self {
        for value in [8.0, 15.0, 21.0, 27.0, 33.0, 38.0, 42.0, 40.0] {
            self.says(1.0, value);
        }
        for step in 0..minutes * 12 {
            // At any pace.
            self.says(0.5 * f64::from(1 << (step % 7)), if step % 2 == 0 { 41.0 } else { 40.0 });
        }
        self
    }

    /// She leaves within a second and a half.
    fn leaves(&mut self) -> &mut Self {
        self.says(4.0, 25.0).says(0.5, 12.0).says(0.5, 3.0)
    }
}

#[test]
fn a_mat_that_sends_on_change_is_learnt_when_she_comes() {
    let mut bed = Bed::new(per_cents(), &Start::First, "2026-01-15T21:00:00Z");
    for _ in 0..20 {
        bed.says(180.0, 3.0);
    }
    bed.lies_restlessly(10).leaves().silent(60);
    assert_eq!(bed.kinds(), ["in-bed", "rise"]);
}

#[test]
fn a_mat_that_sends_on_change_is_learnt_when_she_leaves_and_nothing_follows() {
    let mut bed = Bed::new(per_cents(), &Start::First, "2026-01-15T21:00:00Z");
    bed.lies_restlessly(10).leaves();
    assert_eq!(bed.kinds(), [""; 0]);
    bed.silent(12);
    assert_eq!(bed.kinds(), ["in-bed", "rise"]);
    assert!(bed.detector.next_deadline().is_none_or(|due| due > bed.now.moment), "it does not wake in vain");
}

#[test]
fn a_mat_in_whole_per_cents_is_not_stuck_while_she_lies_still() {
    let levels = Settings { empty: Some(vec![3.0]), occupied: Some(vec![40.0]), ..per_cents() };
    let mut bed = Bed::new(levels, &Start::First, "2026-01-15T21:00:00Z");
    let rests = |bed: &mut Bed, value: f64, minutes: u32| {
        (0..minutes * 60).for_each(|_| {
            bed.says(1.0, value);
        });
    };
    let restless = |bed: &mut Bed, value: f64, minutes: u32| {
        (0..minutes * 60).for_each(|step| {
            bed.says(1.0, if step / 2 % 2 == 0 { value + 1.0 } else { value });
        });
    };
    rests(&mut bed, 3.0, 1);
    restless(&mut bed, 40.0, 30);
    assert_eq!(bed.kinds(), ["in-bed"]);
    rests(&mut bed, 40.0, 50);
    assert_eq!(bed.kinds(), [""; 0], "an hour, where it is not known for how long she lies still");
    rests(&mut bed, 40.0, 15);
    assert_eq!(bed.kinds(), ["sensor-fault"]);
    restless(&mut bed, 40.0, 1);
    rests(&mut bed, 3.0, 1);
    assert_eq!(bed.kinds(), ["sensor-restored", "rise"]);
    restless(&mut bed, 3.0, 20);
    rests(&mut bed, 3.0, 23 * 60);
    assert!(!bed.kinds().contains(&"sensor-fault"), "an empty bed is still");
    rests(&mut bed, 3.0, 2 * 60);
    assert!(bed.kinds().contains(&"sensor-fault"), "but not for days");
}

#[test]
fn a_mat_in_whole_per_cents_is_stuck_in_20_minutes_where_she_has_never_lain_still() {
    let levels = Settings { empty: Some(vec![3.0]), occupied: Some(vec![40.0]), ..per_cents() };
    let mut bed = Bed::new(levels, &Start::First, "2026-01-15T21:00:00Z");
    (0..60).for_each(|_| bed.read(3.0));
    (0..36_600_u32).for_each(|step| bed.read(if step / 2 % 2 == 0 { 41.0 } else { 40.0 }));
    assert_eq!(bed.kinds(), ["in-bed"]);
    (0..11_900).for_each(|_| bed.read(40.0));
    assert_eq!(bed.kinds(), [""; 0]);
    (0..200).for_each(|_| bed.read(40.0));
    assert_eq!(bed.kinds(), ["sensor-fault"]);
}

#[test]
fn a_silence_as_this_mat_has_made_before_is_waited_for() {
    let levels = Settings { empty: Some(vec![3.0]), occupied: Some(vec![40.0]), ..per_cents() };
    let mut bed = Bed::new(levels, &Start::First, "2026-01-15T21:00:00Z");
    let restless = |bed: &mut Bed| {
        (0..600_u32).for_each(|step| {
            bed.says(1.0, if step % 2 == 0 { 41.0 } else { 40.0 });
        });
    };
    for _ in 0..4 {
        restless(&mut bed);
        bed.says(170.0, 40.0);
    }
    assert!(bed.kinds().contains(&"sensor-fault"), "for all that is known it sends each second");
    restless(&mut bed);
    bed.kinds();
    bed.silent(170);
    assert_eq!(bed.kinds(), [""; 0]);
    bed.silent(15 * 60);
    assert_eq!(bed.kinds(), ["sensor-fault"]);
}

#[test]
fn a_mat_that_is_stuck_teaches_nothing() {
    let mut bed = Bed::new(hectopascals(), &Start::First, "2026-01-15T21:00:00Z");
    bed.shows(1_000.0, 1_200.0);
    (0..24_000).for_each(|_| bed.read(1_030.0));
    bed.shows(1_030.0, 60.0);
    assert_eq!(bed.kinds(), ["sensor-fault", "sensor-restored"]);
    assert_eq!(bed.detector.health(), MatHealth::Learning);
}

#[test]
fn an_empty_bed_that_rounding_moves_by_a_step_teaches_nothing() {
    let mut bed = Bed::new(hectopascals(), &Start::First, "2026-01-15T21:00:00Z");
    (0..1_200_u32).for_each(|step| bed.read(if step % 3 == 0 { 1.5 } else { 1.4 }));
    (0..1_200_u32).for_each(|_| bed.read(1.5));
    (0..1_200_u32).for_each(|_| bed.read(1.4));
    (0..1_200_u32).for_each(|_| bed.read(1.5));
    assert_eq!(bed.detector.health(), MatHealth::Learning);
    assert_eq!(bed.kinds(), [""; 0]);
}
