//! A bed of which nothing was known, over reloads and restarts on the first evening.

use super::*;

/// How long after 21:00 each was decided, in seconds.
fn decided(bed: &mut Bed) -> Vec<(&'static str, i64)> {
    let begun: Timestamp = "2026-01-15T21:00:00Z".parse().unwrap();
    let told = std::mem::take(&mut bed.events);
    told.iter().map(|event| (event.kind.as_str(), event.decided.duration_since(begun).as_secs())).collect()
}

/// Nobody is told of who stays away, so that only what was unknown is.
fn first_evening() -> Settings {
    Settings { alarm: Alarm { not_returned: None, ..Alarm::default() }, ..settings() }
}

#[test]
fn a_reload_on_the_first_evening_neither_drops_nor_hurries_what_is_told_of_an_unknown_bed() {
    let mut bed = Bed::new(first_evening(), &Start::First, "2026-01-15T21:00:00Z");
    bed.shows(EMPTY, 300.0);
    let mut once = bed.restarts(first_evening(), 5);
    once.shows(EMPTY, 300.0);
    let mut twice = once.restarts(first_evening(), 5);
    twice.shows(EMPTY, 600.0);
    assert_eq!((decided(&mut once), decided(&mut twice)), (vec![], vec![("not-in-bed", 900)]));
    let mut told = twice.restarts(first_evening(), 5);
    told.shows(EMPTY, 2_000.0);
    assert_eq!(told.kinds(), [""; 0], "once is enough");
}

#[test]
fn levels_that_are_measured_on_the_first_evening_do_not_hurry_what_is_told_of_an_unknown_bed() {
    let unmeasured = Settings { empty: None, occupied: None, ..first_evening() };
    let mut bed = Bed::new(unmeasured, &Start::First, "2026-01-15T21:00:00Z");
    bed.shows(EMPTY, 120.0);
    let mut measured = bed.restarts(first_evening(), 0);
    measured.shows(EMPTY, 2_000.0);
    assert_eq!(decided(&mut measured), [("not-in-bed", 120 + 900)]);
}

#[test]
fn an_unknown_bed_that_came_due_while_nobody_watched_is_looked_at_first() {
    let mut bed = Bed::new(first_evening(), &Start::First, "2026-01-15T21:00:00Z");
    bed.shows(EMPTY, 60.0);
    let mut occupied = bed.restarts(first_evening(), 3_600);
    occupied.shows(LYING, 60.0);
    assert_eq!(occupied.kinds(), ["in-bed"]);
    let mut empty = bed.restarts(first_evening(), 3_600);
    empty.shows(EMPTY, 60.0);
    assert_eq!(decided(&mut empty), [("not-in-bed", 3_660 + 8)]);
    // The clock was behind by years when it was written, and is right by now.
    let mut memory = bed.detector.memory();
    memory.saved = "2020-01-01T00:01:00Z".parse().unwrap();
    memory.unknown = Some(UnknownMemory::Empty { due: "2040-01-01T00:00:00Z".parse().unwrap() });
    let mut bed = Bed::new(first_evening(), &Start::Remembered(memory), "2026-01-15T21:00:00Z");
    bed.shows(EMPTY, 2_000.0);
    assert_eq!(decided(&mut bed), [("not-in-bed", 900)]);
}

#[test]
fn an_unknown_bed_that_came_due_while_the_watch_was_off_is_not_told_at_a_restart_in_the_night() {
    let by_night = Settings { watch: night("22:00", "07:00"), ..first_evening() };
    let mut bed = Bed::new(by_night.clone(), &Start::First, "2026-01-15T13:00:00Z");
    bed.shows(EMPTY, 60.0).detector.take_changed();
    bed.shows(EMPTY, 900.0);
    assert!(bed.detector.take_changed(), "that it is over must be stored");
    let mut in_the_night = bed.restarts(by_night, 9 * 3_600);
    in_the_night.shows(EMPTY, 1_000.0);
    assert_eq!(in_the_night.kinds(), [""; 0]);
}
