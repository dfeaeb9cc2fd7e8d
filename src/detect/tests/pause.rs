//! Pauses: what is silent meanwhile, what is not, how they end, and what follows.

use super::*;
use crate::model::event::{NotInBedReason, ResumeReason};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

impl Bed {
    fn pause(&mut self, length: Duration, until_return: bool) -> &mut Self {
        self.detector.on_pause(length, until_return, self.now);
        self.collect();
        self
    }

    fn resume(&mut self) -> &mut Self {
        assert!(self.detector.on_resume(self.now));
        self.collect();
        self
    }

    /// What was decided that is watched, or about the pause itself.
    fn told(&mut self) -> Vec<&'static str> {
        let is_told = |event: &Event| event.watched;
        std::mem::take(&mut self.events)
            .iter()
            .filter(|event| is_told(event))
            .map(|event| event.kind.as_str())
            .collect()
    }

    fn resumed(&mut self) -> (ResumeReason, bool) {
        let found = std::mem::take(&mut self.events).into_iter().find_map(|event| {
            if let Kind::Resumed { reason, occupied } = event.kind { Some((reason, occupied)) } else { None }
        });
        found.expect("the pause has ended")
    }
}

#[test]
fn a_rise_in_a_pause_is_told_to_nobody_and_at_its_end_the_time_allowed_begins() {
    let mut bed = evening();
    bed.goes_to_bed().pause(HOUR, false).shows(EMPTY, 1800.0);
    assert_eq!(bed.told(), ["in-bed", "paused"]);
    assert_eq!(bed.detector.health(), MatHealth::Paused);
    bed.shows(EMPTY, 1801.0);
    let ended = bed.now.utc - jiff::SignedDuration::from_secs(1);
    assert_eq!(bed.resumed(), (ResumeReason::Time, false));
    assert_eq!(bed.detector.health(), MatHealth::Ok);
    bed.shows(EMPTY, 900.0);
    let late = bed.events.pop().unwrap();
    assert_eq!((late.kind, late.watched), (Kind::NotReturned, true));
    let allowed = late.time.duration_since(ended).as_secs();
    assert!((899..=900).contains(&allowed), "{allowed}");
    assert_eq!(bed.shows(LYING, 60.0).kinds(), ["return"]);
}

#[test]
fn a_rise_before_a_pause_is_told_though_it_is_decided_in_it() {
    let mut bed = evening();
    bed.goes_to_bed().shows(EMPTY, 1.0).pause(HOUR, false).shows(EMPTY, 10.0);
    assert_eq!(bed.told(), ["in-bed", "paused", "rise"]);
}

#[test]
fn a_rise_in_a_pause_that_is_decided_after_it_is_told() {
    let mut bed = evening();
    bed.goes_to_bed().pause(MINUTE, false).shows(LYING, 59.0);
    bed.told();
    bed.shows(EMPTY, 30.0);
    assert_eq!(bed.told(), ["resumed", "rise"]);
}

#[test]
fn nobody_is_reminded_in_a_pause_and_a_return_in_it_is_still_a_return() {
    let mut bed = evening();
    bed.goes_to_bed().shows(EMPTY, 300.0).pause(2 * HOUR, false);
    assert_eq!(bed.kinds(), ["in-bed", "rise", "paused"]);
    bed.shows(EMPTY, 5400.0);
    assert_eq!(bed.kinds(), [""; 0], "the limit ran out in the pause");
    bed.shows(LYING, 60.0);
    assert_eq!(bed.kinds(), ["return"]);
    bed.shows(LYING, 3600.0);
    assert_eq!(bed.resumed(), (ResumeReason::Time, true));
}

#[test]
fn a_pause_until_the_return_ends_when_she_has_lain_down_and_not_because_she_lies_there() {
    let mut bed = evening();
    bed.goes_to_bed().pause(2 * HOUR, true).shows(LYING, 600.0).shows(EMPTY, 600.0);
    assert_eq!(bed.told(), ["in-bed", "paused"]);
    bed.shows(LYING, 30.0);
    assert_eq!(bed.resumed(), (ResumeReason::Return, true));
    bed.shows(EMPTY, 30.0);
    assert_eq!(bed.told(), ["rise"]);
}

#[test]
fn staff_end_a_pause_and_one_that_is_not_there_is_not_ended() {
    let mut bed = evening();
    bed.goes_to_bed();
    assert!(!bed.detector.on_resume(bed.now));
    bed.pause(HOUR, false).resume();
    assert_eq!(bed.resumed(), (ResumeReason::Command, true));
    bed.shows(EMPTY, 30.0);
    assert_eq!(bed.told(), ["rise"]);
}

#[test]
fn a_pause_lasts_twelve_hours_at_most() {
    let mut bed = evening();
    bed.goes_to_bed().pause(100 * HOUR, false).silent(12 * 3600 + 1);
    assert_eq!(bed.resumed(), (ResumeReason::Time, true));
}

#[test]
fn faults_are_told_in_a_pause() {
    let mut bed = evening();
    bed.goes_to_bed().pause(HOUR, false).told();
    bed.silent(600);
    assert_eq!(bed.told(), ["sensor-fault"]);
    assert_eq!(bed.detector.health(), MatHealth::Fault(MatFault::Silent));
}

#[test]
fn a_pause_outlives_a_restart_and_one_that_ran_out_meanwhile_is_over() {
    let mut bed = evening();
    bed.goes_to_bed().pause(HOUR, true);
    assert!(bed.detector.take_changed());
    let memory = Start::Remembered(bed.detector.memory());
    let mut soon = Bed::new(settings(), &memory, "2026-01-15T21:30:00Z");
    soon.shows(EMPTY, 600.0);
    assert_eq!(soon.told(), [""; 0]);
    soon.shows(LYING, 60.0);
    assert_eq!(soon.resumed(), (ResumeReason::Return, true));

    let mut late = Bed::new(settings(), &memory, "2026-01-15T23:30:00Z");
    late.silent(1);
    assert_eq!(late.resumed(), (ResumeReason::Time, true));
    late.shows(EMPTY, 600.0);
    assert_eq!(late.told(), ["rise"]);
}

#[test]
fn who_leaves_in_a_pause_while_the_program_is_off_is_told_only_where_she_may_have_left_before_it() {
    let mut bed = evening();
    bed.goes_to_bed().pause(HOUR, false);
    let memory = Start::Remembered(bed.detector.memory());
    let mut after = Bed::new(settings(), &memory, "2026-01-15T21:30:00Z");
    after.shows(EMPTY, 60.0);
    assert_eq!(after.told(), [""; 0], "she was in bed when it began");

    let mut bed = evening();
    bed.goes_to_bed();
    let memory = Start::Remembered(bed.detector.memory());
    let mut after = Bed::new(settings(), &memory, "2026-01-15T21:30:00Z");
    after.pause(HOUR, false).shows(EMPTY, 60.0);
    assert_eq!(after.told(), ["paused", "rise"], "nobody has seen her since before it");
}

#[test]
fn who_is_not_in_bed_by_the_set_time_in_a_pause_is_told_at_its_end() {
    let mut settings = settings();
    settings.alarm.not_in_bed = Some("22:30".parse().unwrap());
    let mut bed = Bed::new(settings, &Start::First, "2026-01-15T21:00:00Z");
    bed.shows(EMPTY, 60.0).pause(HOUR, false).shows(EMPTY, 1800.0).kinds();
    bed.shows(EMPTY, 1000.0).resume();
    bed.shows(EMPTY, 1.0);
    let missed = bed.events.pop().unwrap();
    assert_eq!(missed.kind, Kind::NotInBed(NotInBedReason::Time));
    assert_eq!(missed.time, "2026-01-15T21:30:00Z".parse().unwrap());
}

#[test]
fn outside_the_window_the_end_of_a_pause_starts_no_absence() {
    let mut bed =
        Bed::new(Settings { watch: night("22:00", "07:00"), ..settings() }, &Start::First, "2026-01-15T12:00:00Z");
    bed.shows(EMPTY, 60.0).pause(HOUR, false).shows(EMPTY, 3600.0);
    assert_eq!(bed.resumed(), (ResumeReason::Time, false));
    bed.shows(EMPTY, 3600.0);
    assert_eq!(bed.kinds(), [""; 0]);
}

#[test]
fn a_bed_of_which_nothing_is_known_at_the_end_is_told_once_it_is_found_empty() {
    let mut bed = Bed::new(settings(), &Start::Lost, "2026-01-15T21:00:00Z");
    bed.pause(HOUR, false).silent(3600);
    bed.kinds();
    bed.shows(EMPTY, 120.0);
    assert!(bed.told().contains(&"not-in-bed"));
}
