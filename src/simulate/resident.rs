//! What a resident does, step by step: a script, and the pose it gives at any moment.
//!
//! A script is either written by hand ([`super::script`]) or drawn by seed ([`super::habits`]). It holds a few hundred
//! steps a night, never samples.

use std::f64::consts::{PI, TAU};
use std::time::Duration;

use super::pose::{Body, Pose, Posture};

/// One thing that a resident does for a while. Shares are of her weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Phase {
    /// Is out of bed.
    Away,
    /// Sits down on the edge: the load comes.
    SittingDown {
        /// What rests on the mat in the end; 0.6 to 0.8 is usual.
        share: f64,
    },
    /// Sits on the edge.
    Edge,
    /// Lies down from the edge or from sitting upright.
    LyingDown {
        /// How she lies then.
        posture: Posture,
        /// How far from her usual place, across the mat; -0.15 to 0.15.
        shift: f64,
    },
    /// Lies still but for breathing.
    Lying,
    /// Turns over.
    Turning {
        /// How she lies then.
        to: Posture,
        /// How far from her usual place, across the mat; -0.15 to 0.15.
        shift: f64,
        /// Share of the load that is off the mat halfway.
        dip: f64,
    },
    /// Lifts the hips: feet and shoulders carry her beside the mat.
    Lifting {
        /// Share of the load that is off the mat meanwhile.
        dip: f64,
    },
    /// Moves an arm or a leg, coughs, scratches.
    Stirring {
        /// How much the load swings, as a share of it.
        swing: f64,
    },
    /// Sits up in bed.
    SittingUp,
    /// Sits in bed, drinks, reads.
    Upright,
    /// Swings the legs out.
    ToEdge {
        /// What rests on the mat in the end; 0.6 to 0.8 is usual.
        share: f64,
    },
    /// Stands up: the load leaves.
    Rising {
        /// What for.
        why: Why,
        /// How.
        style: Style,
        /// Share of the weight that a hand keeps on the mat.
        hand: f64,
    },
    /// Stands, a hand on the mat; at the end she lets go.
    Leaning,
}

/// Why somebody rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Comes back.
    Toilet,
    /// Gets up for good.
    Morning,
}

/// How somebody rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// In one go, hardly sitting on the edge.
    Quick,
    /// Sits on the edge first.
    Normal,
    /// Needs seconds to stand up.
    Slow,
}

/// Where a phase happens, as scorers see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Nobody on the mat.
    Absent,
    /// On the edge.
    Edge,
    /// In bed.
    Bed,
}

impl Phase {
    /// Returns where this happens.
    #[must_use]
    pub const fn place(&self) -> Place {
        match self {
            Self::Away => Place::Absent,
            Self::SittingDown { .. } | Self::Edge | Self::ToEdge { .. } => Place::Edge,
            Self::Rising { .. } | Self::Leaning => Place::Edge,
            Self::LyingDown { .. } | Self::Lying | Self::Turning { .. } => Place::Bed,
            Self::Lifting { .. } | Self::Stirring { .. } | Self::SittingUp | Self::Upright => Place::Bed,
        }
    }

    /// Returns the pose at the end of this phase, which began in `from`.
    fn ends_in(&self, from: Pose) -> Pose {
        match *self {
            Self::Away | Self::Leaning => Pose::AWAY,
            Self::SittingDown { share } | Self::ToEdge { share } => Pose::edge(share),
            Self::LyingDown { posture, shift } | Self::Turning { to: posture, shift, .. } => {
                let lying = Pose::lying(posture);
                Pose { across: lying.across + shift, ..lying }
            }
            Self::SittingUp => Pose::upright(),
            Self::Rising { hand, .. } => Pose { share: hand, ..from },
            Self::Edge | Self::Lying | Self::Lifting { .. } | Self::Stirring { .. } | Self::Upright => from,
        }
    }

    /// Returns how far the pose has changed and what is left of the load, a part (0 to 1) of the way through.
    fn course(&self, part: f64) -> (f64, f64) {
        let smooth = part * part * (3.0 - 2.0 * part);
        match *self {
            // The hand lets go at the very end.
            Self::Leaning => (part.powi(12), 1.0),
            Self::Turning { dip, .. } => (smooth, 1.0 - dip * (PI * part).sin().powi(2)),
            // Up within a quarter of the time, down within the last.
            Self::Lifting { dip } => (smooth, 1.0 - dip * (4.0 * part.min(1.0 - part)).min(1.0)),
            Self::Stirring { swing } => (smooth, 1.0 + swing * (PI * part).sin() * (2.0 * TAU * part).sin()),
            Self::Away
            | Self::SittingDown { .. }
            | Self::Edge
            | Self::LyingDown { .. }
            | Self::Lying
            | Self::SittingUp
            | Self::Upright
            | Self::ToEdge { .. }
            | Self::Rising { .. } => (smooth, 1.0),
        }
    }
}

/// A phase with its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// What she does.
    pub phase: Phase,
    /// When it begins, from the start of the script.
    pub begins: Duration,
    /// When it ends.
    pub ends: Duration,
    from: Pose,
    to: Pose,
}

/// All that a resident does, without gaps. She begins out of bed; after the last step she stays as she is.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    body: Body,
    steps: Vec<Step>,
}

impl Script {
    /// Starts the script of a resident who is out of bed.
    #[must_use]
    pub const fn new(body: Body) -> Self {
        Self { body, steps: Vec::new() }
    }

    /// Adds what she does next, and for how long (counted in whole milliseconds).
    pub fn then(&mut self, phase: Phase, lasts: Duration) -> &mut Self {
        let from = self.steps.last().map_or(Pose::AWAY, |step| step.to);
        let begins = self.ends();
        let lasts = Duration::from_millis(u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX));
        let ends = begins.saturating_add(lasts);
        self.steps.push(Step { phase, begins, ends, from, to: phase.ends_in(from) });
        self
    }

    /// Returns whose script this is.
    #[must_use]
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// Returns the steps in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns when the last step ends.
    #[must_use]
    pub fn ends(&self) -> Duration {
        self.steps.last().map_or(Duration::ZERO, |step| step.ends)
    }

    /// Returns the pose at a time after the start, breath included.
    #[must_use]
    pub fn pose_at(&self, at: Duration) -> Pose {
        let index = self.steps.partition_point(|step| step.ends <= at);
        let pose = match self.steps.get(index) {
            Some(step) => step.pose_at(at),
            None => self.steps.last().map_or(Pose::AWAY, |step| step.to),
        };
        pose.breathing(&self.body, at.as_secs_f64())
    }
}

impl Step {
    fn pose_at(&self, at: Duration) -> Pose {
        let lasts = self.ends.saturating_sub(self.begins).as_secs_f64();
        let part = if lasts > 0.0 { at.saturating_sub(self.begins).as_secs_f64() / lasts } else { 1.0 };
        let (way, left) = self.phase.course(part.min(1.0));
        let pose = self.from.toward(self.to, way);
        // What the hips leave rests on feet and shoulders: in bed all the same.
        Pose { share: pose.share * left, sense: pose.sense * left, ..pose }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: Body = Body { weight_kg: 60.0, breath_hz: 0.25, breath_depth: 0.0, restlessness: 1.0 };

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn share(script: &Script, at: f64) -> f64 {
        script.pose_at(seconds(at)).share
    }

    #[test]
    fn the_load_follows_the_script() {
        let mut script = Script::new(BODY);
        script
            .then(Phase::Away, seconds(1.0))
            .then(Phase::SittingDown { share: 0.7 }, seconds(1.0))
            .then(Phase::LyingDown { posture: Posture::Back, shift: 0.0 }, seconds(1.0))
            .then(Phase::Turning { to: Posture::Right, shift: 0.0, dip: 0.35 }, seconds(2.0))
            .then(Phase::Lifting { dip: 0.95 }, seconds(1.0))
            .then(Phase::ToEdge { share: 0.7 }, seconds(1.0))
            .then(Phase::Rising { why: Why::Toilet, style: Style::Normal, hand: 0.1 }, seconds(1.0))
            .then(Phase::Leaning, seconds(2.0));
        for (at, expected) in [
            (0.5, 0.0),
            (2.0, 0.7),
            (3.0, 1.0),
            (4.0, 0.94 * 0.65),
            (5.5, 0.88 * 0.05),
            (7.0, 0.7),
            (8.0, 0.1),
            (9.0, 0.1),
        ] {
            assert!((share(&script, at) - expected).abs() < 0.001, "{at} s: {} for {expected}", share(&script, at));
        }
        assert_eq!(script.ends(), seconds(10.0));
        assert!(share(&script, 10.0).abs() < f64::EPSILON && share(&script, 99.0).abs() < f64::EPSILON);
    }

    #[test]
    fn an_empty_script_is_an_empty_bed() {
        assert!(share(&Script::new(BODY), 5.0).abs() < f64::EPSILON);
    }
}
