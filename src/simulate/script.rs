//! The scripts that the demonstration plays: half a minute that shows everything, and a whole night after it.
//!
//! Played on a mat with one zone whose levels are known, so that the watch can begin at once.

use std::time::Duration;

use jiff::Timestamp;

use super::faults::Faults;
use super::habits::Habits;
use super::home::Home;
use super::mat::MatKind;
use super::night::{Difficulty, NightSettings};
use super::phase::{Phase, Style, Why};
use super::pose::{Body, Posture};
use super::pressure::PressureMat;
use super::resident::Script;
use super::rng::Rng;
use crate::model::Channels;

/// Counts of the demonstration's mat with nobody on it.
pub const EMPTY_COUNTS: f64 = 110.0;

/// Counts of the demonstration's mat with its resident on her back.
pub const OCCUPIED_COUNTS: f64 = 650.0;

/// Readings a second of the demonstration's mat.
pub const RATE_HZ: f64 = 20.0;

/// A night to be watched as it happens: what it is made of, and what is said about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// The night. Its script may be shorter than its duration.
    pub night: NightSettings,
    /// What the resident does, in order of time.
    pub captions: Vec<Caption>,
}

/// What is said when something begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caption {
    /// When, after the start.
    pub at: Duration,
    /// The words: a sentence about the resident.
    pub text: &'static str,
    /// What it asks of the watch.
    pub deed: Deed,
}

/// What a resident's doing asks of the watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Nothing.
    Rests,
    /// To stay calm: it looks like rising and is none.
    Disturbs,
    /// To alarm.
    Rises,
}

/// Returns the share of the resident's usual load that a reading of the demonstration's mat shows.
#[must_use]
pub fn share(channels: &Channels) -> f64 {
    let counts: f64 = channels.zones().iter().sum();
    (counts - EMPTY_COUNTS) / (OCCUPIED_COUNTS - EMPTY_COUNTS)
}

/// Makes the half minute: she goes to bed, turns over, lifts her hips, sits up, rises, is away, and comes back.
///
/// While turning the load falls by a third for a second, while lifting the hips almost to nothing for well under one;
/// when she rises it leaves in under a second and stays away for over three.
#[must_use]
pub fn half_minute(seed: u64, start: Timestamp) -> Scene {
    let script = opening();
    let duration = script.ends();
    scene(seed, start, duration, script)
}

/// Makes the half minute and goes on with a whole night of this length, drawn by seed.
#[must_use]
pub fn whole_night(seed: u64, start: Timestamp, duration: Duration) -> Scene {
    let mut rng = Rng::stream(seed, "resident");
    let habits = Habits::plain(&mut rng);
    let script = habits.go_on(opening(), duration, &mut rng);
    scene(seed, start, duration, script)
}

fn scene(seed: u64, start: Timestamp, duration: Duration, resident: Script) -> Scene {
    let captions = captions(&resident, duration);
    let faults = Faults { jitter: 0.02, ..Faults::default() };
    let mat = MatKind::Pressure(PressureMat::fsr());
    let difficulty = Difficulty::Easy;
    Scene {
        night: NightSettings {
            seed,
            start,
            duration,
            rate_hz: RATE_HZ,
            mat,
            resident,
            home: Home::default(),
            faults,
            difficulty,
        },
        captions,
    }
}

fn opening() -> Script {
    let body = Body { weight_kg: 58.0, breath_hz: 0.3, breath_depth: 0.005, breath_wave: 0.3, restlessness: 1.0 };
    let mut script = Script::new(body);
    let steps = [
        (Phase::Away, 1000),
        (Phase::SittingDown { share: 0.7 }, 700),
        (Phase::Edge, 800),
        (Phase::LyingDown { posture: Posture::Back, shift: 0.0 }, 1300),
        (Phase::Lying, 4200),
        (Phase::Turning { to: Posture::Right, shift: 0.0, dip: 0.33, swing: 0.0 }, 1500),
        (Phase::Lying, 2500),
        (Phase::Lifting { dip: 0.93 }, 800),
        (Phase::Lying, 2200),
        (Phase::SittingUp, 1000),
        (Phase::Upright, 800),
        (Phase::ToEdge { share: 0.7 }, 900),
        (Phase::Edge, 1800),
        (Phase::Rising { why: Why::Toilet, style: Style::Normal, hand: 0.0, leaves_kg: 0.0 }, 600),
        (Phase::Away, 3400),
        (Phase::SittingDown { share: 0.7 }, 700),
        (Phase::LyingDown { posture: Posture::Back, shift: 0.0 }, 1100),
        (Phase::Lying, 2700),
    ];
    for (phase, lasts_ms) in steps {
        script.then(phase, Duration::from_millis(lasts_ms));
    }
    script
}

fn captions(script: &Script, duration: Duration) -> Vec<Caption> {
    let steps = script.steps().iter().take_while(|step| step.begins < duration);
    steps
        .filter_map(|step| caption(&step.phase).map(|text| Caption { at: step.begins, text, deed: deed(&step.phase) }))
        .collect()
}

/// Says what a resident does. What hardly shows goes without words.
const fn caption(phase: &Phase) -> Option<&'static str> {
    match phase {
        Phase::Away => Some("Is out of bed."),
        Phase::SittingDown { .. } => Some("Sits down on the edge of the bed."),
        Phase::LyingDown { .. } => Some("Lies down."),
        Phase::Turning { .. } => Some("Turns over: part of the load leaves the mat."),
        Phase::Lifting { .. } => Some("Lifts her hips: for a moment almost all of it leaves."),
        Phase::SittingUp => Some("Sits up."),
        Phase::ToEdge { .. } => Some("Moves to the edge."),
        Phase::Rising { .. } => Some("Stands up."),
        Phase::Attempting { .. } => Some("Tries to stand up and sinks back."),
        Phase::Kicking { .. } => Some("Kicks now and then: restless legs."),
        Phase::Edge | Phase::Lying | Phase::Stirring { .. } | Phase::Upright | Phase::Leaning => None,
    }
}

const fn deed(phase: &Phase) -> Deed {
    match phase {
        Phase::Turning { .. } | Phase::Lifting { .. } | Phase::Stirring { .. } => Deed::Disturbs,
        Phase::Attempting { .. } | Phase::Kicking { .. } => Deed::Disturbs,
        Phase::Rising { .. } => Deed::Rises,
        Phase::Away | Phase::SittingDown { .. } | Phase::Edge | Phase::LyingDown { .. } | Phase::Lying => Deed::Rests,
        Phase::SittingUp | Phase::Upright | Phase::ToEdge { .. } | Phase::Leaning => Deed::Rests,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::night::Night;
    use crate::simulate::phase::Place;

    fn start() -> Timestamp {
        "2026-01-15T20:00:00Z".parse().unwrap()
    }

    /// Returns the shares of the readings taken during the only phase that fits.
    fn shares(scene: &Scene, fits: impl Fn(&Phase) -> bool) -> Vec<f64> {
        let step = scene.night.resident.steps().iter().find(|step| fits(&step.phase)).unwrap();
        let rows = Night::new(scene.night.clone()).filter(|row| (step.begins..step.ends).contains(&row.at));
        rows.map(|row| share(&row.channels)).collect()
    }

    fn least(shares: &[f64]) -> f64 {
        shares.iter().copied().fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn the_half_minute_lasts_twenty_five_to_twenty_eight_seconds_at_twenty_hertz() {
        let scene = half_minute(1, start());
        assert!((25..=28).contains(&scene.night.duration.as_secs()), "{:?}", scene.night.duration);
        let rows = Night::new(scene.night.clone()).count();
        assert_eq!(rows, usize::try_from(scene.night.duration.as_millis() / 50).unwrap());
    }

    #[test]
    fn only_rising_takes_the_load_away_for_more_than_a_second() {
        for seed in 0..20 {
            let scene = half_minute(seed, start());
            let lowest = least(&shares(&scene, |phase| matches!(phase, Phase::Turning { .. })));
            assert!((0.5..0.75).contains(&lowest), "turning: {lowest}");
            let lifting = shares(&scene, |phase| matches!(phase, Phase::Lifting { .. }));
            assert!(least(&lifting) < 0.15 && lifting.len() <= 17, "lifting: {lifting:?}");
            let mut lasts = 0;
            let mut longest_in_bed = 0;
            for row in Night::new(scene.night.clone()) {
                let place = scene.night.resident.steps().iter().find(|step| row.at < step.ends).unwrap().phase.place();
                lasts = if share(&row.channels) < 0.4 { lasts + 1 } else { 0 };
                if place == Place::Bed {
                    longest_in_bed = longest_in_bed.max(lasts);
                }
            }
            assert!(longest_in_bed < 16, "{longest_in_bed} low readings in a row in bed");
        }
    }

    #[test]
    fn she_is_in_bed_and_gone_by_the_known_levels() {
        let scene = half_minute(3, start());
        let rows: Vec<_> = Night::new(scene.night.clone()).collect();
        let share_at = |ms: u64| share(&rows.iter().find(|row| row.at >= Duration::from_millis(ms)).unwrap().channels);
        for (ms, expected) in [(500, 0.0), (7_000, 1.0), (17_200, 0.7), (19_000, 0.8), (22_000, 0.0), (27_000, 1.0)] {
            assert!((share_at(ms) - expected).abs() < 0.2, "{ms} ms: {} for {expected}", share_at(ms));
        }
    }

    #[test]
    fn every_caption_has_its_time_and_the_story_is_whole() {
        let scene = half_minute(1, start());
        assert!(scene.captions.windows(2).all(|pair| pair[0].at < pair[1].at));
        let story: Vec<&str> = scene.captions.iter().map(|caption| caption.text.split(':').next().unwrap()).collect();
        assert_eq!(
            story,
            [
                "Is out of bed.",
                "Sits down on the edge of the bed.",
                "Lies down.",
                "Turns over",
                "Lifts her hips",
                "Sits up.",
                "Moves to the edge.",
                "Stands up.",
                "Is out of bed.",
                "Sits down on the edge of the bed.",
                "Lies down.",
            ]
        );
    }

    #[test]
    fn the_whole_night_begins_as_the_half_minute_and_goes_on() {
        let duration = Duration::from_secs(10 * 3600);
        let scene = whole_night(4, start(), duration);
        let half = half_minute(4, start());
        assert_eq!(scene.captions[..half.captions.len()], half.captions[..]);
        let night = Night::new(scene.night);
        assert!(night.truth().rises.len() >= 2, "{:?}", night.truth().rises);
        assert!(night.truth().rises.iter().all(|rise| rise.time < 36_000.0));
    }
}
