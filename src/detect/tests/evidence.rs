//! Decisions say on what they rest, and a view shows what the detector works with.

use super::*;

/// Each stretch is a value and its seconds, at 10 Hz; returns the decisions, in words, with the view after each stretch.
fn decisions(settings: Settings, stretches: &[(f64, u32)]) -> (Vec<(Option<&'static str>, String)>, Vec<View>) {
    let mut now = Now::recorded("2026-01-15T21:00:00Z".parse().unwrap());
    let mut detector = Detector::new(settings, &Start::First, now);
    let (mut decisions, mut views) = (Vec::new(), Vec::new());
    for (value, seconds) in stretches {
        for step in 0..seconds * 10 {
            now = Now::recorded(now.utc + jiff::SignedDuration::try_from(PACE).unwrap());
            let noise = if step % 2 == 0 { 0.5 } else { -0.5 };
            detector.on_reading(&reading(now.moment, value + noise, Quality::Live), now);
            while let Some(decision) = detector.next_decision() {
                assert!(decision.event.as_ref().is_none_or(|event| event.decided == decision.at));
                decisions.push((decision.event.map(|event| event.kind.as_str()), decision.because.to_string()));
            }
        }
        views.push(detector.view());
    }
    (decisions, views)
}

#[test]
fn a_rise_says_how_the_load_changed_and_a_lift_that_it_was_none() {
    let (decisions, _) = decisions(settings(), &[(EMPTY, 20), (LYING, 60), (EMPTY, 1), (LYING, 20), (EMPTY, 5)]);
    let expected = [
        (Some("in-bed"), "a load came (from 0 % to 100 % of a lying person) and lasted 10.0 s"),
        (None, "the load was away for only 1.0 s and came back (100 % of a lying person): no rise"),
        (Some("rise"), "the load left (from 100 % to 0 % of a lying person) and stayed away for 3.0 s"),
    ];
    assert_eq!(decisions.iter().map(|(kind, because)| (*kind, because.as_str())).collect::<Vec<_>>(), expected);
}

#[test]
fn the_levels_that_are_learnt_are_a_remark() {
    let to_learn = Settings { empty: None, occupied: None, ..settings() };
    let (decisions, views) = decisions(to_learn, &[(EMPTY, 20), (LYING, 150)]);
    let (kind, because) = decisions.first().unwrap();
    assert_eq!(*kind, None);
    assert!(because.starts_with("levels learnt") && because.contains("empty 100."), "{because}");
    assert_eq!((views[0].phase, views[0].empty), (ViewPhase::Unknown, None));
    assert_eq!(views[1].phase, ViewPhase::InBed);
}

#[test]
fn a_view_has_the_thresholds_between_the_levels_and_no_value_while_none_can_be_used() {
    let (_, views) = decisions(settings(), &[(EMPTY, 20), (LYING, 60), (EMPTY, 2), (9_999.0, 1)]);
    let phases: Vec<ViewPhase> = views.iter().map(|view| view.phase).collect();
    assert_eq!(&phases[..3], [ViewPhase::Empty, ViewPhase::InBed, ViewPhase::Leaving]);
    for view in &views {
        let levels = [view.empty, view.leave, view.enter, view.occupied].map(Option::unwrap);
        assert!(levels.is_sorted(), "{levels:?}");
    }
    assert!((views[1].value.unwrap() - LYING).abs() < 1.0);
    assert_eq!(views[3].value, None);
}

#[test]
fn events_come_without_the_remarks_where_only_they_are_asked_for() {
    let mut bed = evening();
    bed.goes_to_bed().shows(EMPTY, 1.0).shows(LYING, 20.0);
    assert_eq!(bed.kinds(), ["in-bed"]);
}
