//! How long people of 66 to 86 years took from lying to walking, played on the simulated mat.
//!
//! 103 times with a seat on the edge in between, 26 times without. The times are real; the loads are those of
//! `nattvakt::simulate`. Between two readings of the sensor that they wore nobody knows what they did: here they lie,
//! and sit, as long as that allows, and stand up last of all.

use std::fs;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nattvakt::model::Event;
use nattvakt::sensor::recording::Row;
use nattvakt::simulate::phase::{Style, Why};
use nattvakt::simulate::pressure::{Layout, PressureMat};
use nattvakt::simulate::{Body, Difficulty, Faults, Home, MatKind, Night, NightSettings, Phase, Posture, Script};

use crate::film::{data, seconds, write_recording};
use crate::rig::{Bed, Failures, show};

/// Nothing of this is measured but that nobody takes less and few take more to swing the legs out or to stand up
/// (old people 2.9 s from sitting to standing; Arcelus).
const MOVES_S: (f64, f64) = (0.5, 2.9);

/// How long they lie before, and are away after.
const LIES_S: f64 = 120.0;
const AWAY_S: f64 = 45.0;

/// Below this share of a body's weight it has left.
const GONE_SHARE: f64 = 0.1;

const RATES_HZ: [f64; 5] = [0.5, 1.0, 2.0, 5.0, 10.0];

/// One getting-up, in seconds after the last reading that says lying.
#[derive(Debug, Clone)]
struct GettingUp {
    trial: String,
    /// The first and the last reading that say sitting, where there are any.
    sitting: Option<(f64, f64)>,
    /// The first reading that says walking.
    ambulating: f64,
}

fn gettings_up() -> Vec<GettingUp> {
    let text = fs::read_to_string(data("getting-up.csv")).unwrap();
    let read = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |cell: usize| cells[cell].parse().ok();
        GettingUp { trial: cells[0].to_owned(), sitting: number(1).zip(number(2)), ambulating: number(3).unwrap() }
    };
    text.lines().skip(1).map(read).collect()
}

/// When one of them sat, rose and came back, in seconds after the beginning of the night.
#[derive(Debug, Clone, Copy)]
struct Times {
    /// Swings the legs out; the same as `stands` where nobody sat.
    to_edge: f64,
    /// Begins to stand up.
    stands: f64,
    /// The last load is gone.
    gone: f64,
}

impl GettingUp {
    /// Adds this getting-up to a script whose resident lies.
    fn play(&self, script: &mut Script) -> Times {
        let moves = |gap: f64| gap.clamp(MOVES_S.0, MOVES_S.1);
        let to = |script: &mut Script, phase, lasts: f64| {
            script.then(phase, Duration::from_secs_f64(lasts.max(0.0)));
            script.ends().as_secs_f64()
        };
        let stands_up = Phase::Rising { why: Why::Toilet, style: Style::Normal, hand: 0.0, leaves_kg: 0.0 };
        let Some((from, until)) = self.sitting else {
            let rises = moves(self.ambulating);
            let stands = to(script, Phase::Lying, self.ambulating - rises);
            return Times { to_edge: stands, stands, gone: to(script, stands_up, rises) };
        };
        let (swings, rises) = (moves(from), moves(self.ambulating - until));
        let to_edge = to(script, Phase::Lying, from - swings);
        to(script, Phase::ToEdge { share: 0.7 }, swings);
        let stands = to(script, Phase::Edge, self.ambulating - from - rises);
        Times { to_edge, stands, gone: to(script, stands_up, rises) }
    }
}

/// All of them in one long night.
fn script(gettings_up: &[GettingUp]) -> (Script, Vec<Times>) {
    let mut script = Script::new(Body {
        weight_kg: 62.0,
        breath_hz: 0.25,
        breath_depth: 0.004,
        breath_wave: 0.3,
        restlessness: 1.0,
    });
    let lasting = |script: &mut Script, phase, lasts: f64| {
        script.then(phase, Duration::from_secs_f64(lasts));
    };
    lasting(&mut script, Phase::Away, 120.0);
    let mut times = Vec::new();
    let postures = [Posture::Back, Posture::Left, Posture::Right];
    for (getting_up, posture) in gettings_up.iter().zip(postures.into_iter().cycle()) {
        lasting(&mut script, Phase::SittingDown { share: 0.7 }, 1.5);
        lasting(&mut script, Phase::LyingDown { posture, shift: 0.0 }, 3.0);
        let lies_s = if times.is_empty() { 300.0 } else { LIES_S };
        lasting(&mut script, Phase::Lying, lies_s);
        times.push(getting_up.play(&mut script));
        lasting(&mut script, Phase::Away, AWAY_S);
    }
    (script, times)
}

/// A night with all of them on one mat, replayed.
struct Played {
    gettings_up: Vec<GettingUp>,
    times: Vec<Times>,
    script: Script,
    start: Timestamp,
    events: Vec<Event>,
}

impl Played {
    fn new(layout: Layout, rate_hz: f64, bed: &Bed) -> Self {
        let gettings_up = gettings_up();
        let (script, times) = script(&gettings_up);
        let start = "2026-01-15T18:00:00Z".parse().unwrap();
        let mat = MatKind::Pressure(mat(layout));
        let (resident, duration) = (script.clone(), script.ends());
        let (faults, difficulty) = (Faults { jitter: 0.02, ..Faults::default() }, Difficulty::Easy);
        let home = Home::default();
        let settings = NightSettings { seed: 3, start, duration, rate_hz, mat, resident, home, faults, difficulty };
        let night = Night::new(settings);
        let rows =
            night.map(|row| Row { time: start + SignedDuration::try_from(row.at).unwrap(), channels: row.channels });
        let folder = tempfile::tempdir().unwrap();
        let recording = write_recording(folder.path(), usize::from(layout.zones()), rows);
        let events = bed.replay(folder.path(), &recording);
        Self { gettings_up, times, script, start, events }
    }

    fn at(&self, at: f64) -> Timestamp {
        self.start + seconds(at)
    }

    /// Returns when next to nothing of her is on the mat any more.
    fn hardly_there(&self, times: Times) -> Timestamp {
        let body = self.script.body().weight_kg;
        let share = |at: f64| self.script.load_at(Duration::from_secs_f64(at)).felt_kg() / body;
        let mut at = times.gone;
        while share(at - 0.01) < GONE_SHARE {
            at -= 0.01;
        }
        self.at(at)
    }

    /// Says for each getting-up what is wrong: one rise is right, after she has left, and a return before the next.
    fn wrong(&self, limit: SignedDuration, period: SignedDuration) -> Vec<String> {
        let first = self.between(0.0, self.times[0].to_edge);
        let mut wrong = Vec::new();
        if !matches!(first[..], [in_bed] if in_bed.kind.as_str() == "in-bed") {
            wrong.push(format!("before the first: {}", show(first)));
        }
        for (index, (getting_up, times)) in self.gettings_up.iter().zip(&self.times).enumerate() {
            let next = self.times.get(index + 1);
            let told = self.between(times.to_edge, next.map_or(f64::INFINITY, |next| next.to_edge));
            let (rises, rest) = told.split_at(told.len().min(1));
            let right = rises.iter().any(|rise| self.is_told_in_time(*times, rise, limit, period));
            let is_back = rest.iter().map(|event| event.kind.as_str()).eq(next.map(|_| "return"));
            if !right || !is_back {
                let (stands, gone) = (self.at(times.stands), self.at(times.gone));
                let sat = times.stands - times.to_edge;
                let times = format!("sat {sat:.1} s, stood up {stands:.3}, gone {gone:.3}");
                wrong.push(format!("{}: {times}, told: {}", getting_up.trial, show(told)));
            }
        }
        wrong
    }

    fn is_told_in_time(&self, times: Times, rise: &Event, limit: SignedDuration, period: SignedDuration) -> bool {
        let due = self.hardly_there(times)..=self.at(times.gone) + limit;
        // Readings come unevenly, by a few hundredths of the time between them.
        let left = self.at(times.stands)..=self.at(times.gone) + period + period / 10;
        rise.kind.as_str() == "rise" && due.contains(&rise.decided) && left.contains(&rise.time)
    }

    /// Returns what was decided between two times, pre-alarms left out.
    fn between(&self, from: f64, to: f64) -> Vec<&Event> {
        let inside = |event: &&Event| {
            let decided = event.decided.duration_since(self.start).as_secs_f64();
            event.kind.as_str() != "edge" && from <= decided && decided < to
        };
        self.events.iter().filter(inside).collect()
    }
}

fn mat(layout: Layout) -> PressureMat {
    if layout.zones() == 1 { PressureMat::fsr() } else { PressureMat::zones(layout) }
}

/// What a technician would have noted of this mat.
fn measured(layout: Layout) -> (Vec<f64>, Vec<f64>) {
    MatKind::Pressure(mat(layout)).make(3).commission()
}

fn every_getting_up(layout: Layout, levels: Option<&(Vec<f64>, Vec<f64>)>) {
    let mut failures = Failures::default();
    for rate_hz in RATES_HZ {
        let period = seconds(1.0 / rate_hz);
        for auto in [false, true] {
            let bed = Bed { levels: levels.cloned(), auto };
            let played = Played::new(layout, rate_hz, &bed);
            assert_eq!(played.gettings_up.len(), 103 + 26);
            failures.add(&format!("{rate_hz} Hz, auto {auto}"), played.wrong(bed.limit(period), period));
        }
    }
    failures.none();
}

#[test]
fn each_rise_with_a_real_duration_is_told_once_she_has_left_on_one_zone() {
    every_getting_up(Layout::ONE, None);
}

#[test]
fn each_rise_with_a_real_duration_is_told_once_she_has_left_on_four_zones() {
    every_getting_up(Layout::FOUR, None);
}

#[test]
fn each_rise_with_a_real_duration_is_told_once_she_has_left_with_measured_levels() {
    every_getting_up(Layout::ONE, Some(&measured(Layout::ONE)));
    every_getting_up(Layout::FOUR, Some(&measured(Layout::FOUR)));
}

#[test]
fn nine_in_ten_real_seats_of_8_s_are_told_as_an_edge_before_the_rise_on_four_zones() {
    let bed = Bed { levels: None, auto: true };
    let played = Played::new(Layout::FOUR, 5.0, &bed);
    let long = |times: &&Times| times.stands - times.to_edge >= 8.0;
    let sat: Vec<&Times> = played.times.iter().filter(long).collect();
    let told = |times: &&&Times| {
        let sits = played.at(times.to_edge)..played.at(times.gone);
        played.events.iter().any(|event| event.kind.as_str() == "edge" && sits.contains(&event.decided))
    };
    let told = sat.iter().filter(told).count();
    assert!(sat.len() > 40 && told * 10 >= sat.len() * 9, "{told} of {}", sat.len());
}
