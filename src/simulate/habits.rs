//! A whole night of an old person, drawn by seed.
//!
//! How often people get up, how long they sit on the edge and stay away, how often they turn over: each figure with
//! where it comes from. What nobody has measured is said to be so. Pets and carers are in [`super::home`].

use std::time::Duration;

use super::night::Difficulty;
use super::phase::{Phase, Why};
use super::pose::{Body, Posture};
use super::resident::Script;
use super::rng::Rng;
use writer::Writer;

mod writer;

/// How a resident spends the night. Times are shares of the night's length, so that short nights work too.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Habits {
    /// How the night begins.
    pub evening: Evening,
    /// When she gets up for good; none where she is still in bed at the end.
    pub gets_up: Option<f64>,
    /// How often she gets up in between; at most [`ABSENCES_MAX`].
    pub absences: u32,
    /// How she moves.
    pub ways: Ways,
}

/// How a night begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Evening {
    /// She is in bed already.
    InBed,
    /// She goes to bed after this share of the night.
    ToBed(f64),
    /// She does not come: away for the night.
    Away,
}

/// How often and how strongly somebody moves. Rates are an hour, chances 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ways {
    /// Turns over, or shifts in the same posture.
    pub turns: f64,
    /// Small movements.
    pub stirs: f64,
    /// Lifts of the hips.
    pub lifts: f64,
    /// The longest lift, in seconds.
    pub lift_s_max: f64,
    /// Sits up and lies down again.
    pub sit_ups: f64,
    /// Sits on the edge and lies down again.
    pub edge_sits: f64,
    /// Spells of restless legs.
    pub legs: f64,
    /// How likely a long sitting on the edge has attempts to stand up that fail.
    pub attempts: f64,
    /// The least of the weight that a mat feels of somebody on the edge.
    pub edge_share_min: f64,
    /// How likely somebody slow slides out instead of standing up.
    pub slides: f64,
    /// How likely a hand leans on the mat when the body has gone.
    pub hands: f64,
    /// For how long at most, in seconds.
    pub hand_s_max: f64,
    /// How likely bedding stays or goes when she rises.
    pub leaves: f64,
    /// How much of it at most, in kilograms.
    pub leaves_kg_max: f64,
    /// How likely an absence ends in a fall.
    pub falls: f64,
    /// How likely somebody who came back is up again within five minutes.
    pub restless_returns: f64,
}

/// Turns an hour: 1.6 +- 0.7 changes of posture (664 adults, Skarpsno 2017), and as many shifts in the same one. Small
/// movements: with 12 an hour about 18 % of the minutes have one; 15 to 25 % is usual. Restless legs: a tenth of the old.
/// The rest is not known to have been measured.
const EASY: Ways = Ways {
    turns: 3.0,
    stirs: 12.0,
    lifts: 0.5,
    lift_s_max: 1.2,
    sit_ups: 0.15,
    edge_sits: 0.1,
    legs: 0.03,
    attempts: 0.0,
    edge_share_min: 0.7,
    slides: 0.0,
    hands: 0.1,
    hand_s_max: 3.0,
    leaves: 0.2,
    leaves_kg_max: 1.0,
    falls: 0.0,
    restless_returns: 0.0,
};

const REALISTIC: Ways = Ways {
    turns: 4.2,
    lifts: 1.0,
    lift_s_max: 1.8,
    sit_ups: 0.25,
    edge_sits: 0.3,
    legs: 0.1,
    attempts: 0.3,
    edge_share_min: 0.4,
    slides: 0.2,
    hands: 0.3,
    hand_s_max: 10.0,
    leaves: 0.4,
    leaves_kg_max: 2.0,
    falls: 0.04,
    restless_returns: 0.08,
    ..EASY
};

const NASTY: Ways = Ways {
    turns: 5.0,
    stirs: 14.0,
    lifts: 2.6,
    lift_s_max: 2.2,
    sit_ups: 0.35,
    edge_sits: 0.5,
    legs: 0.2,
    attempts: 0.6,
    edge_share_min: 0.3,
    slides: 0.25,
    hands: 0.4,
    hand_s_max: 20.0,
    leaves: 0.6,
    leaves_kg_max: 3.0,
    falls: 0.06,
    restless_returns: 0.12,
};

/// The most absences that are drawn in a night.
pub const ABSENCES_MAX: u32 = 4;

/// Absences a night: fits that 82 % of people of 65 and more get up at least once and 55 % twice (two surveys, NHANES).
const ABSENCES: [(f64, u32); 5] = [(0.18, 0), (0.27, 1), (0.28, 2), (0.16, 3), (0.11, ABSENCES_MAX)];

/// The least time in bed before she rises again as planned.
const REST_S_MIN: f64 = 300.0;

impl Habits {
    /// Draws a night as homes of this difficulty have them.
    #[must_use]
    pub fn drawn(difficulty: Difficulty, rng: &mut Rng) -> Self {
        let (ways, odd) = match difficulty {
            Difficulty::Easy => return Self::plain(rng),
            Difficulty::Realistic => (REALISTIC, 1.0),
            Difficulty::Nasty => (NASTY, 2.0),
        };
        let usual = Self { ways, ..Self::plain(rng) };
        let evenings = [
            (1.0 - 0.14 * odd, usual.evening),
            (0.08 * odd, Evening::InBed),
            (0.05 * odd, Evening::ToBed(rng.between(0.2, 0.6))),
            (0.01 * odd, Evening::Away),
        ];
        let lies_in = rng.chance(0.08 * odd);
        Self {
            evening: rng.pick(&evenings).unwrap_or(usual.evening),
            gets_up: usual.gets_up.filter(|_| !lies_in),
            ..usual
        }
    }

    /// Draws an ordinary night: to bed in its first sixth, up in its last seventh.
    #[must_use]
    pub fn plain(rng: &mut Rng) -> Self {
        Self {
            evening: Evening::ToBed(rng.between(0.01, 0.16)),
            gets_up: Some(rng.between(0.86, 0.97)),
            absences: rng.pick(&ABSENCES).unwrap_or_default(),
            ways: EASY,
        }
    }

    /// Draws the script of a night of this length.
    ///
    /// Where the night is too short for all absences, the last ones are left out.
    #[must_use]
    pub fn script(&self, body: Body, length: Duration, rng: &mut Rng) -> Script {
        match self.evening {
            Evening::Away => {
                let mut script = Script::new(body);
                script.then(Phase::Away, length);
                script
            }
            Evening::InBed => {
                let (posture, shift) = (Posture::drawn(rng), rng.between(-0.1, 0.1));
                self.go_on(Script::lying(body, posture, shift), length, rng)
            }
            Evening::ToBed(share) => {
                let mut writer = Writer::new(Script::new(body), self.ways, rng);
                writer.step(Phase::Away, length.as_secs_f64() * share);
                writer.gets_in();
                self.go_on(writer.script, length, rng)
            }
        }
    }

    /// Goes on with the script of a resident who lies in bed, up to a night of this length.
    #[must_use]
    pub fn go_on(&self, script: Script, length: Duration, rng: &mut Rng) -> Script {
        let length_s = length.as_secs_f64();
        let gets_up = length_s * self.gets_up.unwrap_or(1.0);
        let mut writer = Writer::new(script, self.ways, rng);
        let lain_down = writer.now();
        for rises in writer.rises(lain_down, gets_up, self.absences.min(ABSENCES_MAX)) {
            if writer.now() + REST_S_MIN < rises && rises + REST_S_MIN < gets_up {
                writer.rests_until(rises);
                writer.is_up_and_back(length_s);
            }
        }
        if writer.now() < gets_up {
            writer.rests_until(gets_up);
        }
        if self.gets_up.is_some() && writer.now() < length_s && writer.is_in_bed() {
            writer.gets_out(Why::Morning);
        }
        writer.script
    }
}

#[cfg(test)]
mod tests;
