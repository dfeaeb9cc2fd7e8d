//! A scripted night, and what its truth must say.

use std::collections::BTreeSet;

use super::*;
use crate::simulate::contact::ContactMat;
use crate::simulate::faults::{Cable, Faults};
use crate::simulate::pose::{Body, Posture};
use crate::simulate::pressure::{Layout, PressureMat};
use crate::simulate::{Home, MatKind};

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn settings() -> NightSettings {
    let mut script =
        Script::new(Body { weight_kg: 60.0, breath_hz: 0.25, breath_depth: 0.0, breath_wave: 0.0, restlessness: 1.0 });
    let rising = Phase::Rising { why: Why::Toilet, style: Style::Slow, hand: 0.1, leaves_kg: 1.25 };
    for (phase, lasts) in [
        (Phase::Away, 100.0),
        (Phase::SittingDown { share: 0.7 }, 1.0),
        (Phase::LyingDown { posture: Posture::Back, shift: 0.0 }, 4.0),
        (Phase::Lying, 95.0),
        (Phase::Turning { to: Posture::Left, shift: 0.0, dip: 0.3, swing: 0.2 }, 2.0),
        (Phase::SittingUp, 2.0),
        (Phase::Upright, 6.0),
        (Phase::LyingDown { posture: Posture::Back, shift: 0.0 }, 2.0),
        (Phase::Lifting { dip: 0.9 }, 1.0),
        (Phase::SittingUp, 2.0),
        (Phase::ToEdge { share: 0.7 }, 2.0),
        (Phase::Edge, 5.0),
        (rising, 3.0),
        (Phase::Leaning, 4.0),
        (Phase::Away, 60.0),
        (Phase::SittingDown { share: 0.7 }, 1.0),
        (Phase::LyingDown { posture: Posture::Back, shift: 0.0 }, 10.0),
    ] {
        script.then(phase, seconds(lasts));
    }
    let span = |kind, from| FaultSpan { kind, from: seconds(from), to: seconds(from + 10.0) };
    let spans = vec![span(FaultKind::Dropout, 20.0), span(FaultKind::Unplugged(Cable::Zero), 50.0)];
    NightSettings {
        seed: 12,
        start: "2026-01-15T20:00:00Z".parse().unwrap(),
        duration: seconds(400.0),
        rate_hz: 5.0,
        mat: MatKind::Pressure(PressureMat::fsr()),
        resident: script,
        home: Home::default(),
        faults: Faults { spans, ..Faults::default() },
        difficulty: Difficulty::Realistic,
    }
}

fn truth(settings: &NightSettings) -> Truth {
    Truth::of(settings, &settings.mat.make(settings.seed))
}

#[test]
fn says_when_she_rose_returned_and_what_looked_like_it() {
    let truth = truth(&settings());
    let rise = Rise {
        time: 229.0,
        body_off: 225.0,
        edge_from: 215.0,
        returned: Some(289.0),
        why: "toilet".to_owned(),
        style: "slow+hand".to_owned(),
        occupied_s: 115.0,
        edge_s: 5.0,
        residual_kg: 1.25,
    };
    assert_eq!(truth.rises, [rise]);
    assert_eq!(truth.returns, [100.0, 289.0]);
    let disturbances: Vec<_> = truth.disturbances.iter().map(|d| (d.what.as_str(), d.from, d.to)).collect();
    assert_eq!(disturbances, [("turn", 200.0, 202.0), ("situp", 202.0, 212.0), ("bridge", 212.0, 213.0)]);
    for (at, state) in [(99.0, State::Absent), (100.5, State::Edge), (204.0, State::Bed), (227.0, State::Edge)] {
        assert_eq!(truth.state_at(at), Some(state), "{at} s");
    }
    assert_eq!((truth.state_at(399.0), truth.state_at(400.0)), (Some(State::Bed), None));
}

#[test]
fn intervals_leave_no_gap_whatever_the_length() {
    for length in [0.5, 50.0, 100.5, 226.0, 230.0, 300.0, 400.0] {
        let truth = truth(&NightSettings { duration: seconds(length), ..settings() });
        let edges: Vec<f64> = truth.intervals.iter().flat_map(|i| [i.from, i.to]).collect();
        assert!(edges[0].abs() < 1e-9 && (edges.last().unwrap() - length).abs() < 1e-9, "{edges:?}");
        assert!(edges[1..edges.len() - 1].chunks(2).all(|pair| (pair[0] - pair[1]).abs() < 1e-9), "{edges:?}");
        assert_eq!(truth.rises.len(), usize::from(length >= 230.0), "{length} s");
    }
}

#[test]
fn who_stood_up_last_is_out_of_bed_from_then() {
    let mut settings = settings();
    let steps = settings.resident.steps()[..14].to_vec();
    settings.resident = Script::new(*settings.resident.body());
    for step in steps {
        settings.resident.then(step.phase, step.ends.abs_diff(step.begins));
    }
    let truth = truth(&settings);
    assert_eq!(truth.intervals.last(), Some(&Interval { state: State::Absent, from: 229.0, to: 400.0 }));
    assert_eq!(truth.rises[0].returned, None);
}

#[test]
fn speaks_the_words_of_other_truth_files() {
    let json = serde_json::to_value(truth(&settings())).unwrap();
    let keys: BTreeSet<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    for key in "version id kind difficulty start duration_s rate_hz channels unit full_scale adc_bits commission \
                weight_kg partner intervals rises returns disturbances loads faults"
        .split_whitespace()
    {
        assert!(keys.contains(key), "{key} is missing");
    }
    assert_eq!(json["intervals"][0], serde_json::json!({"state": "absent", "from": 0.0, "to": 100.0}));
    assert_eq!(json["rises"][0]["return"], 289.0);
    assert_eq!((&json["start"], &json["difficulty"]), (&"2026-01-15T20:00:00Z".into(), &"realistic".into()));
    assert_eq!(json["faults"][0], serde_json::json!({"kind": "dropout", "from": 20.0, "to": 30.0, "ambiguous": false}));
    assert_eq!(json["faults"][1]["how"], "zero");
    assert_eq!(json["commission"]["empty"], serde_json::json!([110.0]));
    assert_eq!(json["adc_bits"], 12);
}

#[test]
fn is_read_as_it_was_written_and_in_the_form_of_the_reference_nights() {
    let written = truth(&settings());
    let mut json = serde_json::to_value(&written).unwrap();
    assert_eq!(serde_json::from_value::<Truth>(json.clone()).unwrap(), written);
    json["version"] = "nights-1".into();
    json["forced"] = serde_json::json!({"pet": 1.0});
    json["loads"] = serde_json::json!([
        {"what": "partner", "from": 5.0, "to": 9.0, "max_kg": 61.9, "mat_share": 0.03, "moves": [6.0]},
    ]);
    json["faults"][0]["retare"] = true.into();
    for absent in ["blind", "seed", "adc_bits"] {
        json.as_object_mut().unwrap().remove(absent);
    }
    let read: Truth = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(
        (read.version, read.faults[0].retare, &read.loads[0].moves[..]),
        (Version::Nights1, Some(true), &[6.0][..])
    );
    json["version"] = "nights-9".into();
    assert!(serde_json::from_value::<Truth>(json).is_err());
}

#[test]
fn a_pulled_cable_that_reads_as_an_empty_bed_is_said_to_be_beyond_telling() {
    let ambiguous = |empty| {
        let mat = MatKind::Pressure(PressureMat { empty, ..PressureMat::fsr() });
        truth(&NightSettings { mat, ..settings() }).faults[1].ambiguous
    };
    assert!(ambiguous(0.0) && !ambiguous(110.0));
}

/// The truth of drawn nights of 11 h.
fn drawn(difficulty: Difficulty, seeds: u64) -> impl Iterator<Item = Truth> {
    let start = "2026-01-15T20:00:00Z".parse().unwrap();
    let draw = move |seed| NightSettings::drawn(seed, difficulty, start, seconds(39_600.0));
    (0..seeds).map(draw).map(|settings| truth(&settings))
}

#[test]
fn the_truth_of_every_drawn_night_is_consistent() {
    for truth in [Difficulty::Easy, Difficulty::Realistic, Difficulty::Nasty].into_iter().flat_map(|it| drawn(it, 60)) {
        let id = &truth.id;
        let (first, last) = (truth.intervals[0], truth.intervals[truth.intervals.len() - 1]);
        assert!(first.from.abs() < 1e-9 && (last.to - truth.duration_s).abs() < 1e-9, "{id}");
        for pair in truth.intervals.windows(2) {
            assert!((pair[0].to - pair[1].from).abs() < 1e-9 && pair[0].state != pair[1].state, "{id}: {pair:?}");
        }
        for rise in &truth.rises {
            assert!(rise.edge_from < rise.body_off && rise.body_off <= rise.time, "{id}: {rise:?}");
            assert_eq!(truth.state_at(rise.edge_from), Some(State::Edge), "{id}: {rise:?}");
            assert_eq!(truth.state_at(rise.time), Some(State::Absent), "{id}: {rise:?}");
            assert_eq!(rise.body_off < rise.time, rise.style.ends_with("+hand"), "{id}: {rise:?}");
            assert!(rise.occupied_s > 0.0 && rise.edge_s <= rise.body_off - rise.edge_from, "{id}: {rise:?}");
            assert!((-3.0..=3.0).contains(&rise.residual_kg), "{id}: {rise:?}");
            assert!(rise.returned.is_none_or(|back| truth.returns.contains(&back) && back > rise.time), "{id}");
        }
        assert!(
            truth.rises.windows(2).all(|pair| pair[0].returned.is_some_and(|back| back < pair[1].edge_from)),
            "{id}"
        );
        for at in &truth.disturbances {
            assert!(
                at.from < at.to && truth.state_at(at.from).is_some_and(|state| state != State::Absent),
                "{id}: {at:?}"
            );
        }
        assert_eq!(truth.partner, truth.loads.iter().any(|load| load.what == "partner"), "{id}");
        assert!(truth.loads.iter().all(|load| load.from < load.to && load.to <= truth.duration_s), "{id}");
    }
}

#[test]
fn drawn_nights_use_every_word_that_scorers_know() {
    let nights: Vec<Truth> = drawn(Difficulty::Realistic, 150).chain(drawn(Difficulty::Nasty, 100)).collect();
    let words = |of: fn(&Truth) -> Vec<String>| nights.iter().flat_map(of).collect::<BTreeSet<_>>();
    let disturbances = words(|night| night.disturbances.iter().map(|at| at.what.clone()).collect());
    assert!(["attempt", "bridge", "legs", "situp", "turn"].iter().eq(disturbances.iter()), "{disturbances:?}");
    let loads = words(|night| night.loads.iter().map(|load| load.what.clone()).collect());
    assert!(["bag", "caregiver", "partner", "pet", "sheets", "visitor"].iter().eq(loads.iter()), "{loads:?}");
    let why = words(|night| night.rises.iter().map(|rise| rise.why.clone()).collect());
    assert!(["fall", "morning", "toilet"].iter().eq(why.iter()), "{why:?}");
    let styles = words(|night| night.rises.iter().map(|rise| rise.style.clone()).collect());
    let known = ["normal", "normal+hand", "quick", "quick+hand", "slow", "slow+hand"];
    assert!(known.iter().eq(styles.iter()), "{styles:?}");
}

#[test]
fn a_bed_stuck_empty_and_a_dead_zone_that_rests_at_zero_are_beyond_telling() {
    let told = |kind, from: f64, empty| {
        let spans = vec![FaultSpan { kind, from: seconds(from), to: seconds(from + 50.0) }];
        let mat = MatKind::Pressure(PressureMat { empty, ..PressureMat::zones(Layout::FOUR) });
        truth(&NightSettings { faults: Faults { spans, ..Faults::default() }, mat, ..settings() }).faults[0].clone()
    };
    let contact = NightSettings { mat: MatKind::Contact(ContactMat::clean()), ..settings() };
    let stuck = FaultSpan { kind: FaultKind::Stuck, from: seconds(150.0), to: seconds(200.0) };
    let faults = Faults { spans: vec![stuck], ..Faults::default() };
    assert!(truth(&NightSettings { faults, ..contact }).faults[0].ambiguous, "a contact rests for hours");
    assert!(told(FaultKind::Stuck, 20.0, 110.0).ambiguous && !told(FaultKind::Stuck, 150.0, 110.0).ambiguous);
    let zone = FaultKind::Zone { zone: 1, cable: Cable::Zero };
    let dead = told(zone, 150.0, 110.0);
    assert!(!dead.ambiguous && dead.one_channel == Some(true) && dead.kind == "unplugged");
    assert!(told(zone, 150.0, 0.0).ambiguous);
    assert_eq!(told(FaultKind::Restart, 20.0, 0.0).retare, Some(false));
}
