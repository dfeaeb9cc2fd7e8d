//! What a detector sees at the moment, for pictures and live views. Decides nothing.

use super::Detector;
use super::occupancy::{ENTER_SHARE, LEAVE_SHARE, Phase};
use super::signal::Zones;
use crate::model::Moment;

/// What the detector sees at the moment. Levels are in the sensor's own unit, summed over the zones, load counted
/// upwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    /// The load; `None` where the latest reading could not be used, or none has come.
    pub value: Option<f64>,
    /// The level of the empty bed, where it is known.
    pub empty: Option<f64>,
    /// The level with somebody lying in it, where it is known.
    pub occupied: Option<f64>,
    /// The load at or below which nobody lies there.
    pub leave: Option<f64>,
    /// The load at or above which somebody does.
    pub enter: Option<f64>,
    /// What the bed is doing.
    pub phase: ViewPhase,
}

/// What a bed is doing, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewPhase {
    /// Nothing is known, or the levels are being learnt.
    Unknown,
    /// Nobody is in bed.
    Empty,
    /// Somebody is lying down.
    Settling,
    /// Somebody is in bed.
    InBed,
    /// Somebody sits on the edge.
    Edge,
    /// The load has gone and may come back.
    Leaving,
}

/// How things stand with the bed, for people.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// What the bed is doing.
    pub phase: ViewPhase,
    /// Since when, where that is known.
    pub since: Option<Moment>,
    /// The latest reading that could be used.
    pub read: Option<Moment>,
    /// Until when at most it is paused.
    pub paused_until: Option<Moment>,
    /// When it is told next that the resident is not back; none: she is there, or nobody is to be told.
    pub reminder: Option<Moment>,
}

impl Detector {
    /// Returns how things stand with the bed.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let since = match self.occupancy.phase() {
            Phase::Unknown => None,
            Phase::Empty => self.rules.absent_since(),
            Phase::InBed { .. } if self.edge.is_sitting() => None,
            Phase::Settling { since, .. } | Phase::InBed { since, .. } => Some(since),
            Phase::Leaving { leaving, .. } => Some(leaving.gone),
        };
        let read = self.latest.map(|latest| latest.at);
        let (paused_until, reminder) = (self.paused_until(), self.rules.reminder());
        Standing { phase: self.view_phase(), since, read, paused_until, reminder }
    }

    fn view_phase(&self) -> ViewPhase {
        match self.occupancy.phase() {
            Phase::Unknown => ViewPhase::Unknown,
            Phase::Empty => ViewPhase::Empty,
            Phase::Settling { .. } => ViewPhase::Settling,
            Phase::InBed { .. } if self.edge.is_sitting() => ViewPhase::Edge,
            Phase::InBed { .. } => ViewPhase::InBed,
            Phase::Leaving { .. } => ViewPhase::Leaving,
        }
    }

    /// Returns what the detector sees at the moment.
    #[must_use]
    pub fn view(&self) -> View {
        let at_share = |share: f64| {
            let pair = self.levels.pair()?;
            let part = |(empty, occupied): (&f64, &f64)| empty + share * (occupied - empty);
            let mut zones = pair.empty;
            for (zone, both) in zones.iter_mut().zip(pair.empty.iter().zip(&pair.occupied)) {
                *zone = part(both);
            }
            Some(self.value_of(&zones))
        };
        View {
            value: self.load.value,
            empty: at_share(0.0),
            occupied: at_share(1.0),
            leave: at_share(LEAVE_SHARE),
            enter: at_share(ENTER_SHARE),
            phase: self.view_phase(),
        }
    }

    /// Returns the value that loads stand for: in the sensor's own unit, summed over the zones, load counted upwards.
    pub(super) fn value_of(&self, loads: &Zones) -> f64 {
        loads.iter().take(self.signal.zones()).map(|load| self.signal.upwards(*load)).sum()
    }
}
