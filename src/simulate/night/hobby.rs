//! How hard the nights are: what a hobby device makes of them.
//!
//! A fixed threshold with hysteresis between the levels of installation day, as most home-made bed sensors have it. It
//! must find every rise of an easy night and fail on the others: nights that it masters judge nobody.

use super::*;
use crate::simulate::truth::{Rise, State};

/// Occupied above half of the span that 75 kg made, empty below 35 % of it, each after this time.
const DEBOUNCE_S: f64 = 3.0;

/// How early and how late beside the debounce an alarm may come.
const EARLY_S: f64 = 2.0;
const SLACK_S: f64 = 10.0;

struct Hobby {
    empty: f64,
    span: f64,
    occupied: bool,
    since: Option<f64>,
}

impl Hobby {
    fn new(truth: &Truth) -> Self {
        let (empty, lying): (f64, f64) =
            (truth.commission.empty.iter().sum(), truth.commission.lying_75kg.iter().sum());
        Self { empty, span: lying - empty, occupied: false, since: None }
    }

    /// Takes a reading; returns when it alarmed, if it has since the last one: what was read holds until the next.
    fn reads(&mut self, row: &Row) -> Option<f64> {
        let sum: f64 = row.channels.zones().iter().sum();
        let (now, share) = (row.at.as_secs_f64(), (sum - self.empty) / self.span);
        if share.is_nan() {
            return None;
        }
        let alarm = self.waits_until(now);
        let differs = if self.occupied { share < 0.35 } else { share > 0.5 };
        self.since = differs.then(|| self.since.unwrap_or(now));
        alarm
    }

    /// Lets time pass; returns when it alarmed meanwhile.
    fn waits_until(&mut self, now: f64) -> Option<f64> {
        let due = self.since.map(|since| since + DEBOUNCE_S).filter(|due| *due <= now)?;
        (self.since, self.occupied) = (None, !self.occupied);
        Some(due).filter(|_| !self.occupied)
    }
}

/// Tells whether a rise must be noticed, by the rules of the reference nights.
fn required(truth: &Truth, rise: &Rise) -> bool {
    let back = rise.returned.unwrap_or(truth.duration_s);
    let hidden = |from: f64, to: f64| from <= rise.time + DEBOUNCE_S && rise.body_off - 5.0 <= to;
    rise.occupied_s >= 60.0
        && back - rise.time >= DEBOUNCE_S + 5.0
        && rise.time + DEBOUNCE_S + SLACK_S <= truth.duration_s
        && !truth.faults.iter().any(|fault| hidden(fault.from, fault.to))
        && !truth.blind.iter().any(|blind| hidden(blind.from, blind.to))
        && !is_free(truth, rise.time)
}

/// Tells whether nobody could say at a time who moved: a guest on the empty bed, or a partner on the same legs.
fn is_free(truth: &Truth, at: f64) -> bool {
    let blind = truth.blind.iter().map(|blind| (blind.from, blind.to));
    let ambiguous = truth.faults.iter().filter(|fault| fault.ambiguous).map(|fault| (fault.from, fault.to));
    let unsure = |(from, to): (f64, f64)| (from - 1.0..to + DEBOUNCE_S + 15.0).contains(&at);
    blind.chain(ambiguous).any(unsure)
        || truth.loads.iter().any(|load| match load.what.as_str() {
            "visitor" | "caregiver" if truth.state_at(load.from) == Some(State::Absent) => {
                (load.from - 2.0..load.to + DEBOUNCE_S + 15.0).contains(&at)
            }
            "partner" if truth.kind == "cells" => {
                load.moves.iter().any(|moved| (moved - 5.0..moved + DEBOUNCE_S + 15.0).contains(&at))
            }
            _ => false,
        })
}

/// Returns how many rises had to be found, how many were, and how often it alarmed for nothing.
fn judge(night: Night) -> (u32, u32, u32) {
    let truth = night.truth().clone();
    let mut hobby = Hobby::new(&truth);
    let mut alarms: Vec<f64> = night.filter_map(|row| hobby.reads(&row)).collect();
    alarms.extend(hobby.waits_until(truth.duration_s));
    let (mut needed, mut found) = (0, 0);
    for rise in &truth.rises {
        let due = rise.body_off - EARLY_S..rise.time + DEBOUNCE_S + SLACK_S;
        let hit = alarms.iter().position(|alarm| due.contains(alarm)).map(|at| alarms.remove(at)).is_some();
        if required(&truth, rise) {
            needed += 1;
            found += u32::from(hit);
        }
    }
    alarms.retain(|alarm| !is_free(&truth, *alarm));
    (needed, found, u32::try_from(alarms.len()).unwrap())
}

/// Returns the share of rises that are found on drawn nights of a level, and the false alarms a night.
fn found(difficulty: Difficulty, seeds: std::ops::Range<u64>) -> (f64, f64) {
    let nights = f64::from(u32::try_from(seeds.end - seeds.start).unwrap());
    let length = Duration::from_secs(11 * 3600);
    let start = "2026-01-15T20:00:00Z".parse().unwrap();
    let sums = seeds
        .map(|seed| NightSettings { rate_hz: 1.0, ..NightSettings::drawn(seed, difficulty, start, length) })
        .map(|settings| judge(Night::new(settings)))
        .fold((0, 0, 0), |sum, night| (sum.0 + night.0, sum.1 + night.1, sum.2 + night.2));
    assert!(sums.0 > 20, "{sums:?}");
    (f64::from(sums.1) / f64::from(sums.0), f64::from(sums.2) / nights)
}

#[test]
fn a_fixed_threshold_masters_easy_nights_only() {
    let (easy, false_alarms) = found(Difficulty::Easy, 0..20);
    assert!(easy > 0.999 && false_alarms < 0.2, "easy: {easy}, {false_alarms} false alarms a night");
    let (realistic, _) = found(Difficulty::Realistic, 0..30);
    assert!((0.5..0.85).contains(&realistic), "realistic: {realistic}");
    let (nasty, false_alarms) = found(Difficulty::Nasty, 0..30);
    assert!((0.1..0.5).contains(&nasty) && false_alarms > 0.3, "nasty: {nasty}, {false_alarms} false alarms a night");
}
