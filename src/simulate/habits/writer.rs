//! Writes one night's script, movement by movement.

use std::time::Duration;

use super::Ways;
use crate::simulate::phase::{Phase, Place, Style, Why};
use crate::simulate::pose::Posture;
use crate::simulate::resident::Script;
use crate::simulate::rng::Rng;

/// Seconds away: an adult's absences (Ordonez B), the longest (73 min) cut to 20; made 1 to 2 times longer for age. Some
/// only stand up and lie down again.
const AWAY_S: [(f64, f64); 9] = [
    (0.0, 15.0),
    (0.08, 60.0),
    (0.2, 110.0),
    (0.32, 269.0),
    (0.45, 336.0),
    (0.57, 384.0),
    (0.75, 539.0),
    (0.95, 542.0),
    (1.0, 1200.0),
];

/// Seconds of sitting between lying and walking, measured on people of 66 to 86 years (UCI batteryless sensor data); the longest are
/// those of people who must gather strength first.
const GETTING_OUT_S: [(f64, f64); 6] =
    [(0.05, 1.8), (0.25, 3.6), (0.5, 11.0), (0.75, 53.0), (0.95, 104.0), (1.0, 290.0)];

/// Seconds on the edge of people who lie down again; not known to have been measured.
const EDGE_SIT_S: [(f64, f64); 4] = [(0.05, 4.0), (0.5, 35.0), (0.9, 150.0), (1.0, 300.0)];

/// Seconds of sitting up in bed: to drink, to cough, to look at the clock; not known to have been measured.
const SIT_UP_S: [(f64, f64); 3] = [(0.0, 8.0), (0.5, 45.0), (1.0, 150.0)];

#[derive(Debug, Clone, Copy)]
enum Move {
    Turn,
    Stir,
    Lift,
    SitUp,
    EdgeSit,
    Legs,
}

pub(super) struct Writer<'a> {
    pub(super) script: Script,
    ways: Ways,
    rng: &'a mut Rng,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(script: Script, ways: Ways, rng: &'a mut Rng) -> Self {
        Self { script, ways, rng }
    }

    pub(super) fn now(&self) -> f64 {
        self.script.ends().as_secs_f64()
    }

    pub(super) fn step(&mut self, phase: Phase, seconds: f64) {
        self.script.then(phase, Duration::from_secs_f64(seconds.clamp(0.0, 1e6)));
    }

    pub(super) fn is_in_bed(&self) -> bool {
        self.script.steps().last().is_none_or(|step| step.phase.place() == Place::Bed)
    }

    pub(super) fn rises(&mut self, from: f64, to: f64, count: u32) -> Vec<f64> {
        let mut times: Vec<f64> = (0..count).map(|_| self.rng.between(from, to)).collect();
        times.sort_by(f64::total_cmp);
        times
    }

    pub(super) fn gets_in(&mut self) {
        let (share, sits_down) = (self.sitting_share(), self.rng.between(0.8, 2.0));
        self.step(Phase::SittingDown { share }, sits_down);
        let sits = self.rng.wait(15.0).clamp(1.0, 60.0);
        self.step(Phase::Edge, sits);
        self.lies_down();
    }

    /// Gets out and is away; comes back, unless the night is over or she lies where she fell.
    pub(super) fn is_up_and_back(&mut self, length_s: f64) {
        if self.rng.chance(self.ways.falls) {
            self.gets_out(Why::Fall);
            let lies = self.rng.between(1200.0, 4.0 * 3600.0);
            let found = self.rng.chance(0.4);
            self.comes_back_after(if found { lies } else { length_s }, length_s);
            return;
        }
        self.gets_out(Why::Toilet);
        let away = self.rng.quantile(&AWAY_S) * self.rng.between(1.0, 2.0);
        self.comes_back_after(away, length_s);
        if self.is_in_bed() && self.rng.chance(self.ways.restless_returns) {
            let rests = self.rng.between(60.0, 280.0);
            let until = self.now() + rests;
            self.rests_until(until);
            self.gets_out(Why::Toilet);
            let away = self.rng.quantile(&AWAY_S);
            self.comes_back_after(away, length_s);
        }
    }

    fn comes_back_after(&mut self, away: f64, length_s: f64) {
        let left = (length_s - self.now()).max(0.0);
        self.step(Phase::Away, away.min(left));
        if away < left {
            self.gets_in();
        }
    }

    /// Lies and moves until a time; what she is about then she finishes.
    pub(super) fn rests_until(&mut self, until: f64) {
        let restless = self.script.body().restlessness;
        let ways = self.ways;
        let moves = [
            (ways.turns, Move::Turn),
            (ways.stirs, Move::Stir),
            (ways.lifts, Move::Lift),
            (ways.sit_ups, Move::SitUp),
            (ways.edge_sits, Move::EdgeSit),
            (ways.legs, Move::Legs),
        ];
        let an_hour: f64 = moves.iter().map(|(rate, _)| rate * restless).sum();
        // A moment of peace at the end, so that no movement runs into the rise.
        let peace = self.rng.between(3.0, 60.0);
        loop {
            let lies = self.rng.wait(3600.0 / an_hour);
            if self.now() + lies + peace >= until {
                let left = (until - self.now()).max(peace);
                self.step(Phase::Lying, left);
                return;
            }
            self.step(Phase::Lying, lies);
            match self.rng.pick(&moves) {
                Some(Move::Turn) => self.turns(),
                Some(Move::Lift) => self.lifts(),
                Some(Move::SitUp) => self.sits_up(),
                Some(Move::EdgeSit) => self.sits_on_the_edge(),
                Some(Move::Legs) => self.kicks(until),
                Some(Move::Stir) | None => self.stirs(),
            }
        }
    }

    fn posture(&mut self) -> (Posture, f64) {
        (Posture::drawn(self.rng), self.rng.between(-0.1, 0.1))
    }

    fn sitting_share(&mut self) -> f64 {
        self.rng.between(self.ways.edge_share_min, 0.85)
    }

    fn lies_down(&mut self) {
        let ((posture, shift), takes) = (self.posture(), self.rng.between(1.5, 4.0));
        self.step(Phase::LyingDown { posture, shift }, takes);
    }

    fn turns(&mut self) {
        let ((to, shift), dip, takes) = (self.posture(), self.rng.between(0.0, 0.25), self.rng.between(0.5, 7.0));
        // Most turns hardly shake the bed, a few do.
        let swing = 0.05 + 0.5 * self.rng.uniform().powi(2);
        self.step(Phase::Turning { to, shift, dip, swing }, takes);
    }

    /// Lifts the hips, half of the time once more a few seconds later: to straighten a sheet, to push herself up.
    fn lifts(&mut self) {
        self.lifts_once();
        if self.rng.chance(0.5) {
            let rests = self.rng.between(2.0, 6.0);
            self.step(Phase::Lying, rests);
            self.lifts_once();
        }
    }

    fn lifts_once(&mut self) {
        let (dip, takes) = (self.rng.between(0.5, 1.0), self.rng.between(0.5, self.ways.lift_s_max));
        self.step(Phase::Lifting { dip }, takes);
    }

    fn stirs(&mut self) {
        let (swing, takes) = (self.rng.between(0.01, 0.15), self.rng.between(0.5, 5.0));
        self.step(Phase::Stirring { swing }, takes);
    }

    fn sits_up(&mut self) {
        let (takes, sits) = (self.rng.between(1.0, 3.0), self.rng.quantile(&SIT_UP_S));
        self.step(Phase::SittingUp, takes);
        self.step(Phase::Upright, sits);
        self.lies_down();
    }

    fn kicks(&mut self, until: f64) {
        let (every_s, swing) = (self.rng.between(20.0, 40.0), self.rng.between(0.1, 0.4));
        let lasts = self.rng.between(600.0, 2300.0).min((until - self.now()).max(60.0));
        self.step(Phase::Kicking { every_s, swing }, lasts);
    }

    fn sits_on_the_edge(&mut self) {
        let (takes, share) = (self.rng.between(1.5, 4.0), self.sitting_share());
        let sits = self.rng.quantile(&EDGE_SIT_S);
        self.step(Phase::SittingUp, takes);
        self.step(Phase::ToEdge { share }, takes);
        self.sits(sits);
        self.lies_down();
    }

    /// Sits on the edge for some seconds; who sits for long may try to stand up, in vain, up to three times.
    fn sits(&mut self, seconds: f64) {
        let tries = if seconds > 10.0 && self.rng.chance(self.ways.attempts) {
            self.rng.between(1.0, 4.0).floor()
        } else {
            0.0
        };
        let mut left = seconds;
        for _ in (0..3).filter(|one| f64::from(*one) < tries) {
            let (sits, takes) = (self.rng.between(2.0, 8.0), self.rng.between(0.6, self.ways.lift_s_max));
            if sits + takes + 2.0 > left {
                break;
            }
            self.step(Phase::Edge, sits);
            let dip = self.rng.between(0.4, 0.95);
            self.step(Phase::Attempting { dip }, takes);
            left -= sits + takes;
        }
        self.step(Phase::Edge, left);
    }

    pub(super) fn gets_out(&mut self, why: Why) {
        let sits = self.rng.quantile(&GETTING_OUT_S);
        // As rare as those in whom no sitting was seen.
        let style = if sits < 3.0 {
            Style::Quick
        } else {
            self.rng.pick(&[(0.55, Style::Normal), (0.45, Style::Slow)]).unwrap_or(Style::Normal)
        };
        let stands_up = match style {
            // The shortest jump up.
            Style::Quick => self.rng.between(0.2, 0.8),
            Style::Normal => self.rng.between(0.7, 1.6),
            // Sit-to-stand takes 2.3 s (young) to 5 s (after a stroke) (Arcelus); some slide out.
            Style::Slow if self.rng.chance(self.ways.slides) => self.rng.between(5.0, 12.0),
            Style::Slow => self.rng.between(2.0, 5.0),
        };
        let (share, quick) = (self.sitting_share(), style == Style::Quick);
        let sits_up = if quick { self.rng.between(0.4, 1.0) } else { self.rng.between(1.0, 4.0) };
        self.step(Phase::SittingUp, sits_up);
        self.step(Phase::ToEdge { share }, sits_up);
        self.sits(if quick { 0.5 * sits - 0.7 } else { sits });
        self.stands_up(why, style, stands_up);
    }

    fn stands_up(&mut self, why: Why, style: Style, takes: f64) {
        let leans = self.rng.chance(self.ways.hands);
        let hand = self.rng.between(3.0, 10.0) / self.script.body().weight_kg.max(20.0);
        let holds = self.rng.between(1.0, self.ways.hand_s_max.max(1.5));
        let leaves_kg = self.leaves_kg();
        self.step(Phase::Rising { why, style, hand: if leans { hand } else { 0.0 }, leaves_kg }, takes);
        if leans {
            self.step(Phase::Leaning, holds);
        }
    }

    /// Draws how far the resting load of the bed is from that of its first evening now: two in three times it is more.
    fn leaves_kg(&mut self) -> f64 {
        let changes = self.rng.chance(self.ways.leaves);
        let sign = if self.rng.chance(0.67) { 1.0 } else { -1.0 };
        let kg = self.rng.between(0.3, self.ways.leaves_kg_max.max(0.3)) * sign;
        if changes { (kg * 100.0).round() / 100.0 } else { 0.0 }
    }
}
