//! A body on a mat at one moment: how much of it rests there, and where.
//!
//! Positions are shares of the mat: `across` from 0 (the side she gets out on) to 1, `along` from 0 (feet) to 1 (head).

use std::f64::consts::TAU;

use super::night::Difficulty;
use super::rng::Rng;

/// What of a resident matters to a mat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Body {
    /// Weight in kilograms.
    pub weight_kg: f64,
    /// Breaths a second; 0.2 to 0.4 asleep.
    pub breath_hz: f64,
    /// How much a breath moves the load, as a share of it; measured 0.002 to 0.006, less through a thick mattress.
    pub breath_depth: f64,
    /// How much the depth comes and goes, 0 (evenly) to 1 (with pauses).
    pub breath_wave: f64,
    /// How often she moves, beside others of her age: 1 is usual.
    pub restlessness: f64,
}

impl Body {
    /// Draws an old person: up to 35 to 130 kg, breathing deeply to hardly.
    #[must_use]
    pub fn drawn(difficulty: Difficulty, rng: &mut Rng) -> Self {
        let (kg, breath) = match difficulty {
            Difficulty::Easy => ((66.0, 95.0), (0.003, 0.006)),
            Difficulty::Realistic => ((40.0, 125.0), (0.0015, 0.006)),
            Difficulty::Nasty => ((35.0, 130.0), (0.0005, 0.006)),
        };
        Self {
            weight_kg: (68.0 + 23.0 * rng.normal()).clamp(kg.0, kg.1),
            breath_hz: rng.between(0.2, 0.4),
            breath_depth: rng.between(breath.0, breath.1),
            breath_wave: rng.between(0.2, 0.9),
            restlessness: rng.between(0.6, 1.6),
        }
    }
}

/// How somebody lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posture {
    /// On the back.
    Back,
    /// On the left side.
    Left,
    /// On the right side.
    Right,
    /// On the front.
    Front,
}

impl Posture {
    /// Draws one as people lie: on a side 54 %, back 38 %, front 7 % of the time (664 adults, Skarpsno 2017).
    pub fn drawn(rng: &mut Rng) -> Self {
        let choices = [(0.27, Self::Left), (0.27, Self::Right), (0.38, Self::Back), (0.07, Self::Front)];
        rng.pick(&choices).unwrap_or(Self::Back)
    }

    /// Returns what an under-mattress mat shows of the weight, beside lying on the back: the medians of the `PoPu` sheet
    /// without its one loose cell, which alone made 0.69 of the left side (`tests/data/real/README.md`).
    const fn share(self) -> f64 {
        match self {
            Self::Back => 1.0,
            Self::Front => 0.99,
            Self::Right => 0.86,
            Self::Left => 0.86,
        }
    }
}

/// A body on the mat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// Share of the weight that the mat feels.
    pub share: f64,
    /// Centre of the load across the mat.
    pub across: f64,
    /// Centre of the load along the mat.
    pub along: f64,
    /// Spread of the load across the mat: a standard deviation.
    pub across_spread: f64,
    /// Spread of the load along the mat: a standard deviation.
    pub along_spread: f64,
}

/// Something that rests on the bed: a body, a hand, a blanket, a pet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Where it rests, and which share of it a mat feels. Positions beyond 0 to 1 are on the bed beside the mat.
    pub pose: Pose,
    /// Kilograms that rest on the bed at this moment: of somebody who sits, not what is on the feet. Load cells under
    /// the bed feel all of it, wherever it rests. Bedding that is gone weighs less than nothing.
    pub weight_kg: f64,
}

impl Load {
    /// Returns the kilograms that a mat feels.
    #[must_use]
    pub fn felt_kg(&self) -> f64 {
        (self.pose.share * self.weight_kg).max(0.0)
    }
}

impl Pose {
    /// Nobody on the mat.
    pub const AWAY: Self = Self { share: 0.0, ..Self::edge(0.0) };

    /// Sits on the edge with this share of the weight; 0.6 to 0.8 is usual, the rest is on the feet.
    #[must_use]
    pub const fn edge(share: f64) -> Self {
        Self { share, across: 0.06, along: 0.45, across_spread: 0.14, along_spread: 0.15 }
    }

    /// Sits upright in bed, legs stretched out.
    #[must_use]
    pub const fn upright() -> Self {
        Self { share: 0.92, across: 0.5, along: 0.35, across_spread: 0.2, along_spread: 0.18 }
    }

    /// Lies in a posture.
    #[must_use]
    pub const fn lying(posture: Posture) -> Self {
        let (across, across_spread) = match posture {
            Posture::Back => (0.5, 0.24),
            Posture::Front => (0.5, 0.25),
            Posture::Left => (0.44, 0.17),
            Posture::Right => (0.56, 0.17),
        };
        Self { share: posture.share(), across, along: 0.52, across_spread, along_spread: 0.27 }
    }

    /// Returns the pose a part (0 to 1) of the way to another. Coming from or going away moves only the load.
    #[must_use]
    pub fn toward(self, other: Self, part: f64) -> Self {
        let place = if self.share > 0.0 { self } else { Self { share: 0.0, ..other } };
        let goal = if other.share > 0.0 { other } else { Self { share: 0.0, ..place } };
        let mix = |from: f64, to: f64| from + (to - from) * part;
        Self {
            share: mix(place.share, goal.share),
            across: mix(place.across, goal.across),
            along: mix(place.along, goal.along),
            across_spread: mix(place.across_spread, goal.across_spread),
            along_spread: mix(place.along_spread, goal.along_spread),
        }
    }

    /// Adds the breath at a time in seconds: depth comes and goes, chest and belly rise in turn.
    #[must_use]
    pub fn breathing(self, body: &Body, seconds: f64) -> Self {
        let turn = TAU * body.breath_hz * seconds;
        let depth = body.breath_depth * (1.0 + body.breath_wave * (TAU * seconds / BREATH_WAVE_S).sin());
        Self { share: self.share * (1.0 + depth * turn.sin()), along: self.along + 0.5 * depth * turn.cos(), ..self }
    }
}

/// How long the depth of breath takes to come and go, in seconds.
const BREATH_WAVE_S: f64 = 37.0;

/// A body in bed: how it shows on a mat, and how much of it the whole bed carries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stance {
    /// What a mat feels of the whole weight, and where.
    pub(super) pose: Pose,
    /// Share of the weight that rests on the bed, on the mat or beside it; the feet on the floor carry the rest.
    pub(super) on_bed: f64,
}

/// What the bed carries of somebody who sits on its edge: 0.6 to 0.86.
const EDGE_ON_BED: f64 = 0.75;

impl Stance {
    /// Out of bed.
    pub(super) const AWAY: Self = Self { pose: Pose::AWAY, on_bed: 0.0 };

    /// On the edge; the mat may feel less than the bed.
    pub(super) const fn edge(share: f64) -> Self {
        Self { pose: Pose::edge(share), on_bed: share.max(EDGE_ON_BED) }
    }

    /// Lying, so far from the usual place.
    pub(super) fn lying(posture: Posture, shift: f64) -> Self {
        let pose = Pose::lying(posture);
        Self { pose: Pose { across: pose.across + shift, ..pose }, on_bed: 1.0 }
    }

    /// Sitting up in bed.
    pub(super) const fn upright() -> Self {
        Self { pose: Pose::upright(), on_bed: 1.0 }
    }

    /// Returns the stance a part (0 to 1) of the way to another.
    pub(super) fn toward(self, other: Self, part: f64) -> Self {
        let on_bed = self.on_bed + (other.on_bed - self.on_bed) * part;
        Self { pose: self.pose.toward(other.pose, part), on_bed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_away_moves_only_the_load() {
        let leaving = Pose::edge(0.7).toward(Pose::AWAY, 0.5);
        assert!((leaving.share - 0.35).abs() < 1e-12);
        assert!((leaving.across - Pose::edge(0.7).across).abs() < 1e-12);
    }

    #[test]
    fn a_breath_is_as_small_as_it_was_measured() {
        let body = Body { weight_kg: 70.0, breath_hz: 0.25, breath_depth: 0.004, breath_wave: 0.3, restlessness: 1.0 };
        let lying = Pose::lying(Posture::Back);
        let shares: Vec<f64> = (0..400).map(|tenth| lying.breathing(&body, f64::from(tenth) / 10.0).share).collect();
        let swing = shares.iter().copied().fold(0.0, f64::max) - shares.iter().copied().fold(2.0, f64::min);
        assert!((0.008..0.0105).contains(&swing), "{swing}");
    }
}
