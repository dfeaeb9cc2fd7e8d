//! The rules of the watch: windows, absences, times of day.

use super::*;

#[test]
fn absence_is_told_again_until_the_return_and_not_after() {
    let mut bed = evening();
    bed.goes_to_bed().shows(EMPTY, 60.0 * 47.0).kinds();
    bed.goes_to_bed().shows(LYING, 3600.0);
    assert_eq!(bed.kinds(), ["return"]);
    let mut bed = evening();
    bed.goes_to_bed().shows(EMPTY, 60.0 * 47.0);
    assert_eq!(bed.kinds(), ["in-bed", "rise", "not-returned", "not-returned"]);
}

/// In bed for a minute, risen, and away until so many seconds before the limit.
fn nearly_missed(seconds: f64) -> Bed {
    let mut bed = evening();
    bed.goes_to_bed().shows(EMPTY, 15.0 * 60.0 - seconds);
    assert_eq!(bed.kinds(), ["in-bed", "rise"]);
    bed
}

#[test]
fn who_is_just_lying_down_when_the_limit_runs_out_is_not_missed() {
    assert_eq!(nearly_missed(5.0).shows(LYING, 3600.0).kinds(), ["return"]);
}

#[test]
fn who_only_sits_down_for_a_moment_when_the_limit_runs_out_is_missed_from_the_limit() {
    let mut bed = nearly_missed(5.0);
    bed.shows(LYING, 8.0).shows(EMPTY, 60.0);
    let missed = bed.events.first().cloned().unwrap();
    assert_eq!(bed.kinds(), ["not-returned"]);
    let waited = missed.decided.duration_since(missed.time).as_secs();
    assert!((3..=5).contains(&waited), "{missed:?}");
}

#[test]
fn coming_and_going_holds_a_reminder_back_no_longer_than_settling_takes() {
    let mut bed = nearly_missed(5.0);
    (0..6).for_each(|_| {
        bed.shows(LYING, 7.0).shows(EMPTY, 1.5);
    });
    let missed = bed.events.first().cloned().unwrap();
    assert_eq!(missed.kind, Kind::NotReturned);
    let waited = missed.decided.duration_since(missed.time);
    assert!(waited <= jiff::SignedDuration::try_from(settings::SETTLE_DEFAULT).unwrap(), "{missed:?}");
}

#[test]
fn a_bed_that_is_always_watched_reminds_less_often_after_the_eighth_time() {
    let mut bed = evening();
    bed.goes_to_bed().kinds();
    bed.shows(EMPTY, 15.0 * 3600.0);
    let told: Vec<_> = bed.events.iter().filter(|event| event.kind == Kind::NotReturned).map(|e| e.time).collect();
    let gaps: Vec<_> = told.windows(2).map(|two| two[1].duration_since(two[0]).as_mins()).collect();
    assert_eq!(gaps, [30, 30, 30, 30, 30, 30, 30, 30, 360]);
}

#[test]
fn outside_the_window_a_rise_is_not_watched_and_opens_no_timer() {
    let day = Settings { watch: night("22:00", "07:00"), ..settings() };
    let mut bed = Bed::new(day, &Start::First, "2026-01-15T12:00:00Z");
    bed.goes_to_bed().shows(EMPTY, 3600.0);
    assert_eq!(bed.events.last().map(|event| (event.kind.as_str(), event.watched)), Some(("rise", false)));
    assert_eq!(bed.kinds(), ["in-bed", "rise"]);
}

#[test]
fn what_a_watched_rise_opened_is_followed_after_the_window_has_closed() {
    let early = Settings { watch: night("22:00", "07:00"), ..settings() };
    let mut bed = Bed::new(early, &Start::First, "2026-01-16T05:50:00Z");
    bed.goes_to_bed().shows(EMPTY, 3600.0).shows(LYING, 20.0);
    let seen: Vec<_> = bed.events.iter().map(|event| (event.kind.as_str(), event.watched)).collect();
    assert_eq!(seen, [("in-bed", true), ("rise", true), ("not-returned", true), ("return", true)]);
}

#[test]
fn who_left_shortly_before_the_window_is_missed_from_its_opening() {
    let night = Settings { watch: night("22:00", "07:00"), ..settings() };
    let mut bed = Bed::new(night, &Start::First, "2026-01-15T19:00:00Z");
    bed.goes_to_bed().shows(LYING, 3600.0).shows(EMPTY, 2.0 * 3600.0);
    let missed = bed.events.iter().find(|event| event.kind == Kind::NotReturned).cloned().unwrap();
    assert!(missed.watched && missed.time.to_string().starts_with("2026-01-15T21:15:00"), "{missed:?}");
}

#[test]
fn with_an_untrusted_clock_every_hour_is_watched() {
    let day = Settings { watch: night("22:00", "07:00"), ..settings() };
    let mut bed = Bed::new(day, &Start::First, "1970-01-01T12:00:00Z");
    bed.goes_to_bed().kinds();
    for _ in 0..50 {
        let now = Now { trusted: false, ..bed.later(PACE) };
        bed.detector.on_reading(&reading(now.moment, EMPTY, Quality::Live), now);
    }
    bed.collect();
    assert!(bed.events.iter().any(|event| event.kind == Kind::Rise && event.watched && !event.trusted));
}

#[test]
fn not_in_bed_and_not_up_are_told_at_their_times() {
    let alarm = Alarm {
        not_in_bed: Some("23:30".parse().unwrap()),
        not_up: Some("09:30".parse().unwrap()),
        ..Alarm::default()
    };
    let rules = Settings { alarm, watch: night("22:00", "07:00"), ..settings() };
    let mut bed = Bed::new(rules, &Start::Lost, "2026-01-15T18:00:00Z");
    bed.shows(EMPTY, 5.0 * 3600.0);
    let told = bed.events.first().cloned().unwrap();
    assert_eq!((told.kind.as_str(), told.time.to_string().as_str()), ("not-in-bed", "2026-01-15T22:30:00Z"));
    bed.events.clear();
    bed.shows(LYING, 11.0 * 3600.0);
    assert_eq!(bed.kinds(), ["return", "not-up"]);
}

#[test]
fn an_absence_nobody_was_told_of_does_not_silence_not_in_bed() {
    let alarm =
        Alarm { rise: false, not_returned: None, not_in_bed: Some("23:30".parse().unwrap()), ..Alarm::default() };
    let quiet = Settings { alarm, watch: night("22:00", "07:00"), ..settings() };
    let mut bed = Bed::new(quiet, &Start::First, "2026-01-15T21:00:00Z");
    bed.goes_to_bed().shows(EMPTY, 5400.0);
    assert_eq!(bed.kinds(), ["in-bed", "rise", "not-in-bed"]);
}

#[test]
fn who_has_been_lying_down_for_as_long_as_it_takes_is_missed_after_all() {
    let mut bed = evening();
    bed.goes_to_bed().shows(EMPTY, 10.0);
    let (settings, now) = (bed.detector.settings.clone(), bed.now);
    let due = bed.detector.rules.due().unwrap();
    let after = |time: Duration| {
        let mut rules = bed.detector.rules.clone();
        let at = due + time;
        let now = Now { moment: at, utc: now.utc_of(at), trusted: true };
        rules.pass(&settings, Phase::settling(at, false), &now).map(|event| event.kind).collect::<Vec<_>>()
    };
    let settle = settings.settle;
    assert_eq!(after(Duration::ZERO), []);
    assert_eq!(after(settle.saturating_sub(Duration::from_nanos(1))), []);
    assert_eq!(after(settle), [Kind::NotReturned]);
}
