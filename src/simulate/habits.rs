//! A whole night of an old person, drawn by seed.
//!
//! How often people get up, how long they sit on the edge and stay away, how often they turn over: each figure with
//! where it comes from. Falls, pets and carers are not drawn.

use std::time::Duration;

use super::pose::{Body, Posture};
use super::resident::{Phase, Script, Style, Why};
use super::rng::Rng;

/// How a resident spends the night. Times are shares of the night's length, so that short nights work too.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Habits {
    /// When she goes to bed.
    pub to_bed: f64,
    /// When she gets up for good.
    pub gets_up: f64,
    /// How often she gets up in between; at most [`ABSENCES_MAX`].
    pub absences: u32,
}

/// The most absences that are drawn in a night.
pub const ABSENCES_MAX: u32 = 4;

/// Absences a night: fits that 82 % of people of 65 and more get up at least once and 55 % twice (two surveys, NHANES).
const ABSENCES: [(f64, u32); 5] = [(0.18, 0), (0.27, 1), (0.28, 2), (0.16, 3), (0.11, ABSENCES_MAX)];

/// Seconds away: an adult's absences (Ordonez B), the longest (73 min) cut to 20; made 1.5 to 2 times longer for age.
const AWAY_S: [(f64, f64); 8] = [
    (0.0, 105.0),
    (0.14, 110.0),
    (0.28, 269.0),
    (0.42, 336.0),
    (0.57, 384.0),
    (0.71, 539.0),
    (0.95, 542.0),
    (1.0, 1200.0),
];

/// Seconds from lying to standing, measured on people of 66 to 86 years (UCI batteryless sensor data).
const GETTING_OUT_S: [(f64, f64); 5] = [(0.05, 1.8), (0.25, 3.6), (0.5, 11.0), (0.75, 53.0), (0.95, 104.0)];

/// Turns an hour: 1.6 +- 0.7 (664 adults, Skarpsno 2017).
const TURNS_AN_HOUR: f64 = 1.6;

/// Small movements an hour: with 12, about 18 % of the minutes have one; 15 to 25 % is usual.
const STIRS_AN_HOUR: f64 = 12.0;

/// Hip lifts an hour: no measurement known; about as often as people straighten a sheet.
const LIFTS_AN_HOUR: f64 = 1.0;

/// Sits up and lies down again, an hour: no measurement known; about one a night.
const SIT_UPS_AN_HOUR: f64 = 0.12;

/// The least time in bed before she rises again.
const REST_S_MIN: f64 = 300.0;

#[derive(Debug, Clone, Copy)]
enum Move {
    Turn,
    Stir,
    Lift,
    SitUp,
}

impl Habits {
    /// Draws an ordinary night: to bed in its first sixth, up in its last seventh.
    #[must_use]
    pub fn drawn(rng: &mut Rng) -> Self {
        Self {
            to_bed: rng.between(0.01, 0.16),
            gets_up: rng.between(0.86, 0.97),
            absences: rng.pick(&ABSENCES).unwrap_or_default(),
        }
    }

    /// Draws the script of a night of this length.
    ///
    /// Where the night is too short for all absences, the last ones are left out.
    #[must_use]
    pub fn script(&self, body: Body, length: Duration, rng: &mut Rng) -> Script {
        let to_bed = length.as_secs_f64() * self.to_bed;
        let mut writer = Writer { script: Script::new(body), rng };
        writer.step(Phase::Away, to_bed);
        writer.gets_in();
        self.go_on(writer.script, length, rng)
    }

    /// Goes on with the script of a resident who lies in bed, up to a night of this length.
    #[must_use]
    pub fn go_on(&self, script: Script, length: Duration, rng: &mut Rng) -> Script {
        let gets_up = length.as_secs_f64() * self.gets_up;
        let mut writer = Writer { script, rng };
        let lain_down = writer.now();
        for rises in writer.rises(lain_down, gets_up, self.absences.min(ABSENCES_MAX)) {
            if writer.now() + REST_S_MIN < rises && rises + REST_S_MIN < gets_up {
                writer.rests_until(rises);
                writer.gets_out(Why::Toilet);
                writer.is_away();
                writer.gets_in();
            }
        }
        writer.rests_until(gets_up);
        writer.gets_out(Why::Morning);
        writer.script
    }
}

/// Writes one night's script.
struct Writer<'a> {
    script: Script,
    rng: &'a mut Rng,
}

impl Writer<'_> {
    fn now(&self) -> f64 {
        self.script.ends().as_secs_f64()
    }

    fn step(&mut self, phase: Phase, seconds: f64) {
        self.script.then(phase, Duration::from_secs_f64(seconds.clamp(0.0, 1e6)));
    }

    fn rises(&mut self, from: f64, to: f64, count: u32) -> Vec<f64> {
        let mut times: Vec<f64> = (0..count).map(|_| self.rng.between(from, to)).collect();
        times.sort_by(f64::total_cmp);
        times
    }

    fn posture(&mut self) -> (Posture, f64) {
        (Posture::drawn(self.rng), self.rng.between(-0.1, 0.1))
    }

    fn sitting_share(&mut self) -> f64 {
        self.rng.between(0.6, 0.8)
    }

    fn gets_in(&mut self) {
        let (share, sits_down) = (self.sitting_share(), self.rng.between(0.8, 2.0));
        self.step(Phase::SittingDown { share }, sits_down);
        let sits = self.rng.wait(15.0).clamp(1.0, 60.0);
        self.step(Phase::Edge, sits);
        self.lies_down();
    }

    fn lies_down(&mut self) {
        let ((posture, shift), takes) = (self.posture(), self.rng.between(1.5, 4.0));
        self.step(Phase::LyingDown { posture, shift }, takes);
    }

    fn rests_until(&mut self, until: f64) {
        let restlessness = self.script.body().restlessness;
        let moves = [
            (TURNS_AN_HOUR, Move::Turn),
            (STIRS_AN_HOUR, Move::Stir),
            (LIFTS_AN_HOUR, Move::Lift),
            (SIT_UPS_AN_HOUR, Move::SitUp),
        ];
        let an_hour: f64 = moves.iter().map(|(rate, _)| rate * restlessness).sum();
        loop {
            let lies = self.rng.wait(3600.0 / an_hour);
            // A minute of peace at the end, so that no movement runs into the rise.
            if self.now() + lies + 60.0 >= until {
                self.step(Phase::Lying, until - self.now());
                return;
            }
            self.step(Phase::Lying, lies);
            match self.rng.pick(&moves) {
                Some(Move::Turn) => self.turns(),
                Some(Move::Lift) => self.lifts(),
                Some(Move::SitUp) => self.sits_up(),
                Some(Move::Stir) | None => self.stirs(),
            }
        }
    }

    fn turns(&mut self) {
        let ((to, shift), dip, takes) = (self.posture(), self.rng.between(0.05, 0.6), self.rng.between(1.0, 5.0));
        self.step(Phase::Turning { to, shift, dip }, takes);
    }

    fn lifts(&mut self) {
        let (dip, takes) = (self.rng.between(0.5, 1.0), self.rng.between(0.5, 2.0));
        self.step(Phase::Lifting { dip }, takes);
    }

    fn stirs(&mut self) {
        let (swing, takes) = (self.rng.between(0.01, 0.15), self.rng.between(0.5, 5.0));
        self.step(Phase::Stirring { swing }, takes);
    }

    fn sits_up(&mut self) {
        let (takes, sits) = (self.rng.between(1.0, 3.0), self.rng.between(5.0, 60.0));
        self.step(Phase::SittingUp, takes);
        self.step(Phase::Upright, sits);
        self.lies_down();
    }

    fn gets_out(&mut self, why: Why) {
        let whole = self.rng.quantile(&GETTING_OUT_S);
        let style = if whole < 3.0 {
            Style::Quick
        } else {
            self.rng.pick(&[(0.55, Style::Normal), (0.45, Style::Slow)]).unwrap_or(Style::Normal)
        };
        let stands_up = match style {
            Style::Quick => self.rng.between(0.4, 0.8),
            Style::Normal => self.rng.between(0.7, 1.6),
            // Sit-to-stand takes 2.3 s (young) to 5 s (after a stroke) (Arcelus).
            Style::Slow => self.rng.between(2.0, 5.0),
        };
        let (sits_up, share) = ((whole * 0.3).min(2.0), self.sitting_share());
        self.step(Phase::SittingUp, sits_up);
        self.step(Phase::ToEdge { share }, sits_up);
        let sits = (whole - 2.0 * sits_up - stands_up).max(0.2);
        self.step(Phase::Edge, sits);
        self.stands_up(why, style, stands_up);
    }

    fn stands_up(&mut self, why: Why, style: Style, takes: f64) {
        // One in four holds on to the bed; no measurement known.
        let leans = self.rng.chance(0.25);
        let (hand, holds) = (self.rng.between(0.03, 0.15), self.rng.between(0.5, 8.0));
        self.step(Phase::Rising { why, style, hand: if leans { hand } else { 0.0 } }, takes);
        if leans {
            self.step(Phase::Leaning, holds);
        }
    }

    fn is_away(&mut self) {
        let away = self.rng.quantile(&AWAY_S) * self.rng.between(1.5, 2.0);
        self.step(Phase::Away, away);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NIGHT: Duration = Duration::from_secs(11 * 3600);

    fn drawn(seed: u64, length: Duration) -> Script {
        let mut rng = Rng::stream(seed, "resident");
        let body = Body::drawn(&mut rng);
        Habits::drawn(&mut rng).script(body, length, &mut rng)
    }

    fn count(script: &Script, is: impl Fn(&Phase) -> bool) -> usize {
        script.steps().iter().filter(|step| is(&step.phase)).count()
    }

    #[test]
    fn residents_move_and_rise_as_often_as_was_measured() {
        let nights: Vec<Script> = (0..200).map(|seed| drawn(seed, NIGHT)).collect();
        let a_night = |is: fn(&Phase) -> bool| {
            f64::from(u32::try_from(nights.iter().map(|night| count(night, is)).sum::<usize>()).unwrap()) / 200.0
        };
        let turns = a_night(|phase| matches!(phase, Phase::Turning { .. }));
        assert!((12.0..20.0).contains(&turns), "{turns} turns a night");
        let rises = a_night(|phase| matches!(phase, Phase::Rising { .. }));
        // 1.75 absences and the morning, but for absences that fell too close together.
        assert!((2.3..2.9).contains(&rises), "{rises} rises a night");
        let stirs = a_night(|phase| matches!(phase, Phase::Stirring { .. }));
        assert!((95.0..150.0).contains(&stirs), "{stirs} small movements a night");
    }

    #[test]
    fn every_night_ends_out_of_bed_within_its_length() {
        for seed in 0..100 {
            let night = drawn(seed, NIGHT);
            assert!(
                matches!(night.steps().last().unwrap().phase, Phase::Rising { .. } | Phase::Leaning),
                "seed {seed}"
            );
            assert!(night.ends() < NIGHT, "seed {seed}");
            assert_eq!(
                count(&night, |phase| matches!(phase, Phase::Rising { why: Why::Morning, .. })),
                1,
                "seed {seed}"
            );
        }
    }

    #[test]
    fn a_night_too_short_for_anything_still_has_a_script() {
        for length in [0, 1, 60, 600] {
            assert!(!drawn(3, Duration::from_secs(length)).steps().is_empty());
        }
    }
}
