//! What a resident can do, and how it moves the load: the words of a script.
//!
//! A phase knows where it leads and how the load swings on the way, no times.

use std::f64::consts::{PI, TAU};

use super::pose::{Pose, Posture, Stance};

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
    /// Tries to stand up from the edge, in vain.
    Attempting {
        /// Share of the load that the feet take meanwhile.
        dip: f64,
    },
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
        /// How much the load swings about that, as a share of it: nobody turns in one smooth go.
        swing: f64,
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
    /// Lies with restless legs: a kick now and then.
    Kicking {
        /// Seconds from one kick to the next; 20 to 40 is usual.
        every_s: f64,
        /// How much the load swings with a kick, as a share of it.
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
        /// How the resting load of the bed has changed when she has left, in kilograms: bedding pushed or pulled.
        leaves_kg: f64,
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
    /// Falls: is back late and with help, or never.
    Fall,
}

/// How somebody rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// In one go, hardly sitting on the edge; some jump.
    Quick,
    /// Sits on the edge first.
    Normal,
    /// Needs seconds to stand up, or slides out.
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
            Self::SittingDown { .. } | Self::Edge | Self::Attempting { .. } | Self::ToEdge { .. } => Place::Edge,
            Self::Rising { .. } | Self::Leaning => Place::Edge,
            Self::LyingDown { .. } | Self::Lying | Self::Turning { .. } | Self::Kicking { .. } => Place::Bed,
            Self::Lifting { .. } | Self::Stirring { .. } | Self::SittingUp | Self::Upright => Place::Bed,
        }
    }

    /// Tells whether the bed ought to show a body; `None` while one comes or goes.
    pub(super) const fn shows(&self) -> Option<bool> {
        match self {
            Self::SittingDown { .. } | Self::Attempting { .. } | Self::Rising { .. } | Self::Leaning => None,
            Self::Away => Some(false),
            Self::Edge | Self::ToEdge { .. } | Self::LyingDown { .. } | Self::Lying | Self::Turning { .. } => {
                Some(true)
            }
            Self::Kicking { .. } | Self::Lifting { .. } | Self::Stirring { .. } => Some(true),
            Self::SittingUp | Self::Upright => Some(true),
        }
    }

    /// Returns how she is at the end of this phase, which began in `from`.
    pub(super) fn ends_in(&self, from: Stance) -> Stance {
        match *self {
            Self::Away | Self::Leaning => Stance::AWAY,
            Self::SittingDown { share } | Self::ToEdge { share } => Stance::edge(share),
            Self::LyingDown { posture, shift } | Self::Turning { to: posture, shift, .. } => {
                Stance::lying(posture, shift)
            }
            Self::SittingUp => Stance::upright(),
            Self::Rising { hand, .. } => Stance { pose: Pose { share: hand, ..from.pose }, on_bed: hand },
            Self::Edge | Self::Attempting { .. } | Self::Lying | Self::Upright => from,
            Self::Lifting { .. } | Self::Stirring { .. } | Self::Kicking { .. } => from,
        }
    }

    /// Returns how far things have come, a part (0 to 1) and so many seconds into the phase.
    pub(super) fn course(&self, part: f64, seconds: f64) -> Course {
        let smooth = part * part * (3.0 - 2.0 * part);
        let swell = (PI * part).sin();
        match *self {
            // The hand lets go at the very end.
            Self::Leaning => Course::way(part.powi(12)),
            Self::Attempting { dip } => Course { way: smooth, mat: 1.0 - dip * swell, bed: 1.0 - dip * swell },
            Self::Turning { dip, swing, .. } => {
                let jolt = swing * swell * (TAU * TURN_JOLT_HZ * seconds).sin();
                Course { way: smooth, mat: (1.0 - dip * swell.powi(2) + jolt).max(0.0), bed: 1.0 + JOLT_ON_BED * jolt }
            }
            // Up within a quarter of the time, down within the last.
            Self::Lifting { dip } => {
                let jolt = 0.2 * dip * (TAU * part).sin();
                let mat = 1.0 - dip * (4.0 * part.min(1.0 - part)).min(1.0);
                Course { way: smooth, mat, bed: 1.0 - JOLT_ON_BED * jolt }
            }
            Self::Stirring { swing } => Course::shaken(smooth, swing * swell * (2.0 * TAU * part).sin()),
            Self::Kicking { every_s, swing } => Course::shaken(smooth, swing * kick(seconds, every_s)),
            Self::Away
            | Self::SittingDown { .. }
            | Self::Edge
            | Self::LyingDown { .. }
            | Self::Lying
            | Self::SittingUp
            | Self::Upright
            | Self::ToEdge { .. }
            | Self::Rising { .. } => Course::way(smooth),
        }
    }
}

/// How often a body that turns pushes itself off, a second.
const TURN_JOLT_HZ: f64 = 0.9;

/// What of a jolt the bed's legs feel: the body's weight stays on the bed, only its acceleration shows.
const JOLT_ON_BED: f64 = 0.15;

/// How long one kick lasts, in seconds; 0.5 to 5 s is usual for periodic limb movements.
const KICK_S: f64 = 0.8;

/// Returns how strong a kick is at a time, -1 to 1: left and right leg in turn.
fn kick(seconds: f64, every_s: f64) -> f64 {
    let period = every_s.max(2.0 * KICK_S);
    let (count, since) = ((seconds / period).floor(), seconds.rem_euclid(period));
    if since > KICK_S {
        return 0.0;
    }
    let side = if count.rem_euclid(2.0) < 1.0 { 1.0 } else { -0.7 };
    side * (PI * since / KICK_S).sin()
}

/// How far a phase has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course {
    /// The way from the stance before to the one after, 0 to 1.
    pub(super) way: f64,
    /// What is left of the load on the mat.
    pub(super) mat: f64,
    /// What is left of the load on the whole bed.
    pub(super) bed: f64,
}

impl Course {
    pub(super) const fn way(way: f64) -> Self {
        Self { way, mat: 1.0, bed: 1.0 }
    }

    fn shaken(way: f64, jolt: f64) -> Self {
        Self { way, mat: (1.0 + jolt).max(0.0), bed: 1.0 + JOLT_ON_BED * jolt }
    }
}
