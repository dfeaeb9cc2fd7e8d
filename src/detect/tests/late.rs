//! What was known before the start, and becomes known only after something was decided without it.

use super::*;

/// She has risen, which was told; then the program ended, and began again without its store.
fn begun_without_store() -> (Memory, Bed) {
    let mut before = evening();
    before.goes_to_bed().shows(EMPTY, 60.0);
    assert_eq!(before.kinds(), ["in-bed", "rise"]);
    (before.detector.memory(), Bed::new(settings(), &Start::Lost, "2026-01-15T21:10:00Z"))
}

#[test]
fn who_is_back_before_it_is_known_that_she_was_away_has_returned_when_the_load_came() {
    let (known, mut bed) = begun_without_store();
    bed.shows(EMPTY, 4.0);
    let came = bed.now.utc;
    bed.shows(LYING, 60.0);
    assert_eq!(bed.kinds(), ["in-bed"]);
    bed.detector.recall(&known, bed.now);
    bed.collect();
    let back = bed.events.first().cloned().unwrap();
    assert_eq!((back.kind.as_str(), back.watched, back.decided), ("return", true, bed.now.utc));
    assert!(back.time.duration_since(came).as_millis() <= 200, "{} and {came}", back.time);
    assert!(bed.detector.take_changed() && bed.detector.memory().absence.is_none());
    bed.kinds();
    bed.shows(LYING, 60.0).shows(EMPTY, 20.0);
    assert_eq!(bed.kinds(), ["rise"]);
}

#[test]
fn an_absence_that_is_known_late_goes_on_where_nobody_is_in_bed() {
    let (known, mut bed) = begun_without_store();
    // Something else has been decided without it.
    let now = bed.now;
    bed.detector.on_lost(MatFault::Unplugged, now);
    bed.collect();
    assert_eq!(bed.kinds(), ["sensor-fault"]);
    bed.detector.recall(&known, bed.now);
    bed.shows(EMPTY, 600.0);
    let told: Vec<_> = bed.events.iter().filter(|event| event.kind == Kind::NotReturned).cloned().collect();
    let [late] = told.as_slice() else { panic!("{:#?}", bed.events) };
    assert_eq!(late.time, known.absence.unwrap().due.unwrap());
    bed.kinds();
    bed.shows(LYING, 20.0);
    assert_eq!(bed.kinds(), ["return"]);
}

#[test]
fn where_nothing_was_open_what_is_known_late_tells_nothing() {
    let mut before = evening();
    before.goes_to_bed();
    let mut bed = Bed::new(settings(), &Start::Lost, "2026-01-15T21:10:00Z");
    bed.shows(LYING, 60.0);
    bed.detector.recall(&before.detector.memory(), bed.now);
    bed.shows(LYING, 60.0);
    assert_eq!(bed.kinds(), ["in-bed"]);
}

#[test]
fn a_pause_that_is_known_late_goes_on() {
    let mut before = evening();
    before.goes_to_bed();
    let now = before.now;
    before.detector.on_pause(Duration::from_secs(3600), false, now);
    let mut bed = Bed::new(settings(), &Start::Lost, "2026-01-15T21:10:00Z");
    bed.shows(LYING, 60.0);
    bed.detector.recall(&before.detector.memory(), bed.now);
    bed.shows(LYING, 60.0).shows(EMPTY, 60.0);
    assert!(bed.events.iter().all(|event| event.kind != Kind::Rise || !event.watched), "{:#?}", bed.events);
}

#[test]
fn levels_that_are_known_late_are_those_by_which_she_is_seen_to_rise() {
    let learnt = Settings { empty: None, occupied: None, ..settings() };
    let mut before = Bed::new(learnt.clone(), &Start::First, "2026-01-15T20:00:00Z");
    before.shows(EMPTY, 60.0).shows(LYING, 300.0).shows(EMPTY, 60.0).shows(LYING, 300.0);
    let memory = before.detector.memory();
    assert!(memory.learnt.is_some());
    let mut bed = Bed::new(learnt, &Start::Lost, "2026-01-15T21:00:00Z");
    bed.shows(LYING, 4.0);
    let now = bed.now;
    assert_eq!(bed.detector.memory().learnt, None);
    bed.detector.recall(&memory, now);
    assert_eq!(bed.detector.memory().learnt, memory.learnt, "and not written over by nothing");
    bed.shows(LYING, 20.0).shows(EMPTY, 20.0);
    assert_eq!(bed.kinds(), ["in-bed", "rise"]);
}

#[test]
fn a_fault_that_is_known_late_ends_and_that_is_told() {
    let memory = Memory {
        faults: vec![MatFault::Silent, MatFault::Stuck],
        ..remembered(BedMemory::Empty, "2026-01-15T20:59:00Z")
    };
    let mut bed = Bed::new(settings(), &Start::Lost, "2026-01-15T21:00:00Z");
    bed.shows(EMPTY, 2.0).kinds();
    let now = bed.now;
    bed.detector.recall(&memory, now);
    assert_eq!(bed.detector.health(), MatHealth::Fault(MatFault::Silent));
    for value in [EMPTY + 1.0, EMPTY, EMPTY + 2.0, EMPTY, EMPTY + 1.0] {
        bed.read(value);
    }
    assert_eq!((bed.kinds(), bed.detector.health()), (vec!["sensor-restored", "sensor-restored"], MatHealth::Ok));
}
