//! A night made by hand, and what each thing said about it is worth.

use super::*;
use crate::simulate::Difficulty;
use crate::simulate::truth::{Blind, Commission, Disturbance, Fault, Interval, OtherLoad, Rise, State, Truth, Version};

/// Three hours: in bed from 1,000 s, up from 3,600 s to 4,000 s after 20 s on the edge, up for good at 9,000 s.
fn truth() -> Truth {
    let interval = |state, from, to| Interval { state, from, to };
    let rise = |time: f64, returned| Rise {
        time,
        body_off: time - 1.0,
        edge_from: time - 20.0,
        returned,
        why: "toilet".to_owned(),
        style: "normal".to_owned(),
        occupied_s: 2_600.0,
        edge_s: 18.0,
        residual_kg: 0.5,
    };
    Truth {
        version: Version::Nights1,
        id: "n1".to_owned(),
        seed: None,
        kind: "zones".to_owned(),
        difficulty: Difficulty::Realistic,
        start: "2026-01-15T20:00:00Z".parse().unwrap(),
        duration_s: 10_800.0,
        rate_hz: 10.0,
        channels: ["zone1", "zone2"].map(str::to_owned).to_vec(),
        unit: "counts".to_owned(),
        full_scale: 4095.0,
        heartbeat_s: None,
        chatter_an_hour: None,
        adc_bits: Some(12),
        commission: Commission { empty: vec![0.0, 0.0], lying_75kg: vec![500.0, 500.0] },
        weight_kg: 60.0,
        partner: false,
        intervals: vec![
            interval(State::Absent, 0.0, 1_000.0),
            interval(State::Bed, 1_000.0, 3_580.0),
            interval(State::Edge, 3_580.0, 3_600.0),
            interval(State::Absent, 3_600.0, 4_000.0),
            interval(State::Bed, 4_000.0, 8_980.0),
            interval(State::Edge, 8_980.0, 9_000.0),
            interval(State::Absent, 9_000.0, 10_800.0),
        ],
        rises: vec![rise(3_600.0, Some(4_000.0)), rise(9_000.0, None)],
        returns: vec![1_000.0, 4_000.0],
        disturbances: vec![Disturbance { what: "turn".to_owned(), from: 2_000.0, to: 2_003.0 }],
        loads: Vec::new(),
        faults: Vec::new(),
        blind: Vec::new(),
    }
}

fn judged(truth: &Truth, said: &[(f64, What)]) -> NightScore {
    let heard: Vec<Heard> = said.iter().map(|(at, what)| Heard { at: *at, what: *what }).collect();
    score(truth, &heard, 3.0)
}

fn figures(score: &NightScore) -> Figures {
    Figures::of(&[score])
}

fn failures(score: &NightScore) -> Vec<(f64, &str, &str)> {
    score.failures.iter().map(|failure| (failure.second, failure.what.as_str(), failure.note.as_str())).collect()
}

fn load(what: &str, from: f64, to: f64, moves: &[f64]) -> OtherLoad {
    OtherLoad { what: what.to_owned(), from, to, max_kg: 60.0, mat_share: 0.5, moves: moves.to_vec() }
}

fn fault(kind: &str, from: f64, to: f64, ambiguous: bool) -> Fault {
    Fault { kind: kind.to_owned(), from, to, ambiguous, how: None, one_channel: None, retare: None }
}

const ALL_TOLD: [(f64, What); 5] = [
    (3_590.0, What::Edge),
    (3_603.2, What::Rise),
    (4_010.0, What::Return),
    (8_990.0, What::Edge),
    (9_003.6, What::Rise),
];

#[test]
fn what_is_told_in_time_is_found_and_its_latency_counts_from_the_confirmation_time() {
    let score = judged(&truth(), &ALL_TOLD);
    let found = figures(&score);
    assert_eq!((found.rises, found.missed, found.false_alarms), (2, 0, 0));
    assert_eq!((found.lat_p50, found.lat_p95, found.lat_max), (Some(0.4), Some(0.58), Some(0.6)));
    // The first time in bed is no return.
    assert_eq!((found.returns, found.returns_missed, found.false_returns), (1, 0, 0));
    assert_eq!((found.edges, found.edges_found, found.false_edges), (2, Some(2), 0));
    assert_eq!(failures(&score), []);
}

#[test]
fn an_alarm_may_come_two_seconds_before_the_body_is_off_and_ten_after_the_confirmation_time() {
    for (at, missed) in [(3_596.9, 1), (3_597.0, 0), (3_613.0, 0), (3_613.1, 1)] {
        assert_eq!(figures(&judged(&truth(), &[(at, What::Rise), (9_003.0, What::Rise)])).missed, missed, "{at} s");
    }
}

#[test]
fn an_alarm_while_she_still_sits_there_is_a_miss_and_a_false_alarm() {
    let score = judged(&truth(), &[(3_590.0, What::Rise), (9_003.0, What::Rise)]);
    let found = figures(&score);
    assert_eq!((found.missed, found.early, found.false_alarms), (1, 1, 1));
    assert_eq!(found.contexts.get("edge"), Some(&1));
    let notes = failures(&score);
    assert_eq!(notes[0], (3_590.0, "false alarm", "edge"));
    assert_eq!(notes[1], (3_600.0, "missed rise", "early; toilet normal, edge 18 s, residual 0.5 kg"));
    assert_eq!(score.failures[1].time, "2026-01-15T21:00:00Z".parse().unwrap());
}

#[test]
fn an_alarm_that_comes_too_late_is_a_miss_and_no_false_alarm() {
    let score = judged(&truth(), &[(3_700.0, What::Rise), (9_003.0, What::Rise)]);
    let found = figures(&score);
    assert_eq!((found.missed, found.late, found.false_alarms), (1, 1, 0));
    assert!(failures(&score)[0].2.starts_with("late 100 s; "));
}

#[test]
fn one_alarm_answers_for_one_rise() {
    let found = figures(&judged(&truth(), &[(3_603.0, What::Rise), (3_604.0, What::Rise), (9_003.0, What::Rise)]));
    assert_eq!((found.missed, found.false_alarms), (0, 1));
}

#[test]
fn short_stays_short_absences_and_what_the_night_cuts_off_are_not_required() {
    let mut short_stay = truth();
    short_stay.rises[0].occupied_s = 59.0;
    let mut short_absence = truth();
    short_absence.rises[0].returned = Some(3_607.0);
    let mut cut_off = truth();
    cut_off.duration_s = 9_012.0;
    for truth in [short_stay, short_absence, cut_off] {
        let score = judged(&truth, &[]);
        assert_eq!((score.rises.of, score.optional.of), (1, 1));
    }
}

#[test]
fn rises_in_a_fault_or_a_blind_span_are_hidden_and_may_be_told_until_a_minute_after_it() {
    let mut faulty = truth();
    faulty.faults.push(fault("stuck", 3_500.0, 3_980.0, false));
    let mut blind = truth();
    blind.blind.push(Blind { from: 3_500.0, to: 3_980.0 });
    for truth in [faulty, blind] {
        let told = figures(&judged(&truth, &[(3_963.0, What::Rise), (9_003.0, What::Rise), (3_600.0, What::Fault)]));
        assert_eq!((told.rises, told.hidden, told.hidden_found, told.false_alarms), (1, 1, 1, 0));
        assert_eq!((told.lat_max, told.returns), (Some(0.0), u32::from(truth.faults.is_empty())));
    }
}

#[test]
fn alarms_say_what_was_going_on() {
    let mut truth = truth();
    truth.loads.push(load("pet", 6_000.0, 6_010.0, &[]));
    truth.loads.push(load("partner", 0.0, 10_800.0, &[7_000.0]));
    truth.faults.push(fault("dropout", 5_000.0, 5_010.0, false));
    let alarms = [2_004.0, 5_012.0, 6_012.0, 7_005.0, 8_000.0, 500.0].map(|at| (at, What::Rise));
    let found = figures(&judged(&truth, &alarms));
    let contexts: Vec<&str> = found.contexts.keys().map(String::as_str).collect();
    assert_eq!(contexts, ["absent", "bed", "fault:dropout", "partner", "pet", "turn"]);
    assert_eq!((found.false_alarms, found.fa_nights_pct), (6, Some(100.0)));
}

#[test]
fn nothing_counts_while_nobody_could_say_who_moved() {
    let mut truth = truth();
    truth.kind = "cells".to_owned();
    truth.loads.push(load("visitor", 500.0, 600.0, &[]));
    truth.loads.push(load("partner", 0.0, 10_800.0, &[7_000.0]));
    truth.faults.push(fault("unplugged", 5_000.0, 5_200.0, true));
    let said = [550.0, 7_005.0, 5_100.0].map(|at| (at, What::Rise));
    let edges = [555.0, 5_150.0].map(|at| (at, What::Edge));
    let found = figures(&judged(&truth, &[&said[..], &edges, &[(610.0, What::Return)]].concat()));
    assert_eq!((found.false_alarms, found.false_edges, found.false_returns, found.faults), (0, 0, 0, 0));
    // On other mats a partner who moves must be told apart.
    truth.kind = "zones".to_owned();
    assert_eq!(figures(&judged(&truth, &said)).contexts.get("partner"), Some(&1));
}

#[test]
fn a_return_while_she_is_away_is_false_and_one_that_nobody_told_is_missed() {
    let mut truth = truth();
    truth.loads.push(load("pet", 3_800.0, 3_810.0, &[]));
    let score = judged(&truth, &[(3_805.0, What::Return), (10_000.0, What::Return), (2_000.0, What::Return)]);
    let found = figures(&score);
    assert_eq!((found.returns, found.returns_missed, found.false_returns), (1, 1, 2));
    let wanted =
        [(3_805.0, "false return", "pet"), (4_000.0, "missed return", ""), (10_000.0, "false return", "absent")];
    assert!(wanted.iter().all(|one| failures(&score).contains(one)), "{:?}", failures(&score));
}

#[test]
fn long_faults_are_to_be_told_until_half_a_minute_after_them() {
    let mut truth = truth();
    truth.faults.push(fault("dropout", 100.0, 150.0, false));
    truth.faults.push(fault("restart", 300.0, 500.0, false));
    truth.faults.push(Fault {
        how: Some("nan".to_owned()),
        one_channel: Some(true),
        ..fault("unplugged", 6_000.0, 6_300.0, false)
    });
    truth.faults.push(fault("stuck", 7_000.0, 7_120.0, false));
    let score = judged(&truth, &[(7_150.0, What::Fault), (7_210.0, What::Fault), (7_211.0, What::Fault)]);
    let found = figures(&score);
    assert_eq!((found.faults, found.faults_found, found.false_faults), (2, 1, 1));
    assert_eq!(found.fault_kinds["unplugged"], (0, 1));
    assert!(failures(&score).contains(&(6_000.0, "missed fault", "unplugged nan 300 s, one channel")));
    assert!(failures(&score).contains(&(7_211.0, "false fault", "bed")));
}

#[test]
fn a_mat_with_one_zone_is_not_held_to_edges() {
    let mut truth = truth();
    truth.channels.truncate(1);
    let found = figures(&judged(&truth, &[(3_590.0, What::Edge), (2_000.0, What::Edge)]));
    assert_eq!((found.edges, found.edges_found, found.false_edges), (0, Some(0), 0));
    let zoned = figures(&judged(&self::truth(), &[(3_590.0, What::Edge), (2_000.0, What::Edge)]));
    assert_eq!((zoned.edges, zoned.edges_found, zoned.false_edges), (2, Some(1), 1));
}

#[test]
fn wilson_bound_and_percentiles_are_those_of_the_books() {
    // 81 of 263: Wilson's interval from 0.255 (Newcombe 1998, table I).
    let mut score = judged(&truth(), &[]);
    score.rises = night::Tally { of: 263, found: 81 };
    assert_eq!(figures(&score).sens_low95, Some(25.5));
    score.latencies = vec![4.0, 1.0, 2.0, 3.0];
    let found = figures(&score);
    assert_eq!((found.lat_p50, found.lat_p95, found.lat_max), (Some(2.5), Some(3.85), Some(4.0)));
    let nothing = Figures::of(&[]);
    assert_eq!(
        (nothing.sensitivity, nothing.sens_low95, nothing.lat_p50, nothing.edges_found),
        (None, None, None, None)
    );
}

fn report(said: &[(f64, What)]) -> Report {
    Report::of("3s".to_owned(), false, vec![judged(&truth(), said)])
}

#[test]
fn reports_have_a_group_for_all_for_each_level_and_for_each_mat_of_a_level() {
    let report = report(&ALL_TOLD);
    let names: Vec<&str> = report.groups.keys().map(String::as_str).collect();
    assert_eq!(names, ["all", "realistic", "zones realistic"]);
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
}

#[test]
fn each_figure_that_is_worse_is_told_and_what_is_better_hides_none() {
    let good = report(&ALL_TOLD);
    assert_eq!(worse(&good, &good), Ok(Vec::new()));
    let mut later = ALL_TOLD;
    later[4].0 += 1.0;
    let names = |now: &Report, before: &Report| -> Vec<&'static str> {
        let found = worse(now, before).unwrap();
        found.iter().filter(|worse| worse.group == "all").map(|worse| worse.figure).collect()
    };
    assert_eq!(names(&report(&later), &good), ["median latency", "95 % latency", "longest latency"]);
    assert_eq!(names(&good, &report(&later)), [""; 0]);
    let bad = report(
        &[&later[..], &[(2_500.0, What::Rise), (2_501.0, What::Fault), (2_502.0, What::Edge), (500.0, What::Return)]]
            .concat(),
    );
    let all = names(&bad, &good);
    for figure in ["false alarms", "false faults", "false edges", "false returns", "longest latency"] {
        assert!(all.contains(&figure), "{figure} in {all:?}");
    }
    let nothing = names(&report(&[]), &good);
    assert_eq!(nothing, ["missed rises", "missed returns", "missed edges"]);
}

#[test]
fn figures_of_other_nights_or_settings_are_not_compared() {
    let good = report(&ALL_TOLD);
    let auto = Report { confirm: "auto".to_owned(), ..good.clone() };
    let mut fewer = good.clone();
    fewer.groups.get_mut("all").unwrap().rises = 1;
    let mut other = good.clone();
    other.groups.remove("all");
    for now in [auto, fewer, other] {
        let told = worse(&now, &good).unwrap_err().to_string();
        assert!(told.contains("cannot be compared"), "{told}");
    }
}

#[test]
fn faults_that_nobody_can_hear_need_not_be_found_and_a_contact_that_chatters_may_be_said_to() {
    let silence = |to| vec![fault("dropout", 5_000.0, to, false)];
    let missed = |truth: Truth| failures(&judged(&truth, &[])).iter().any(|(_, what, _)| *what == "missed fault");
    assert!(missed(Truth { faults: silence(6_000.0), ..truth() }));
    assert!(!missed(Truth { faults: silence(6_000.0), heartbeat_s: Some(180.0), ..truth() }));
    assert!(!missed(Truth { faults: silence(10_800.0), ..truth() }), "a recording ends with its last row");
    let false_faults = |chatter| {
        let truth = Truth { chatter_an_hour: chatter, ..truth() };
        judged(&truth, &[(5_000.0, What::Chatter)]).false_faults
    };
    assert_eq!([None, Some(5.0), Some(37.0)].map(false_faults), [1, 1, 0]);
}
