//! On what a decision rests: plain numbers, put into words only where somebody asks.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::Detector;
use super::occupancy::{Change, Phase};
use super::rules;
use crate::model::event::NotInBedReason;
use crate::model::{Event, Kind, MatFault, Moment};

/// Signs of life, or their absence, are put into words from this on, in nats: about 3 to 1.
const LIFE_TOLD: f64 = 1.0;

/// A load has moved where it is more than half of the way to the edge.
const MOVED_TOLD: f64 = 0.5;

/// Part of a load is gone where it is more than posture makes.
const GONE_TOLD: f64 = 0.1;

/// A decision: an event, or a remark about what was not told (levels learnt, a load that came back), and on what it
/// rests.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What is told; `None` for a remark.
    pub event: Option<Event>,
    /// When it was decided.
    pub at: Timestamp,
    /// On what it rests.
    pub because: Because,
}

/// On what a decision rests. Its text is for a technician, in English.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Because {
    /// A load came and stayed.
    LoadCame {
        /// For how long, until it was decided.
        lasted: Duration,
        /// The load before, as a share of a lying person, where levels were known.
        before: Option<f64>,
        /// And then.
        after: Option<f64>,
    },
    /// The load went away and stayed away.
    LoadGone {
        /// For how long, until it was decided.
        lasted: Duration,
        /// The load before, as a share of a lying person.
        before: Option<f64>,
        /// And then.
        after: Option<f64>,
        /// Whether she had sat up or moved to the edge before.
        prepared: bool,
        /// Signs of life since the load came to rest, in nats: below 0 none where they would show, 0 the mat cannot tell.
        life: f64,
        /// How long nothing had been seen before it was found gone, where that matters.
        unseen: Option<Duration>,
    },
    /// The load went away and came back: no rise.
    LoadBack {
        /// How long it was away.
        away: Duration,
        /// The load that came back, as a share of a lying person.
        after: Option<f64>,
    },
    /// The load has moved to where she gets in and out, or part of it has left and the rest stays.
    MovedToEdge {
        /// For how long, until it was decided.
        lasted: Duration,
        /// How far it has moved, as a part of the way to the edge; none where the mat cannot tell.
        moved: Option<f64>,
        /// Which share of what lay there is gone; below 0 it presses harder there.
        gone: f64,
    },
    /// She lies where she lay before she sat on the edge.
    LiesAgain {
        /// For how long, until it was decided.
        lasted: Duration,
    },
    /// A load came and went before it had settled: nobody has lain down.
    LoadBrief,
    /// The sensor has taken what lies on it for nothing, and the levels have moved with its zero.
    ZeroMoved,
    /// Both levels are known from now on, in the sensor's own unit.
    Learnt {
        /// With nobody on the mat.
        empty: f64,
        /// With somebody lying on it.
        occupied: f64,
    },
    /// The bed has been empty longer than allowed.
    StillAway {
        /// For how long.
        lasted: Duration,
    },
    /// The bed was found empty, and nothing was known of it before.
    NothingKnown,
    /// A time of the wall clock has come.
    TimeCame {
        /// Whether somebody is in bed.
        occupied: bool,
    },
    /// Staff have asked for it, or for an end like this one.
    Asked,
    /// The time of a pause is over.
    PauseOver,
    /// The mat cannot be trusted.
    Faulty {
        /// Which fault.
        fault: MatFault,
        /// The zone that it is about, counted from 0; none: the whole mat.
        zone: Option<usize>,
        /// How long before the last good reading was.
        lasted: Duration,
    },
    /// The mat can be trusted again.
    Sound {
        /// Which fault is over.
        fault: MatFault,
        /// The zone that it is about, counted from 0; none: the whole mat.
        zone: Option<usize>,
        /// How long it has been over.
        lasted: Duration,
    },
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::LoadCame { lasted, before, after } => {
                write!(f, "a load came{} and lasted {}", Shares(before, after), Span(lasted))
            }
            Self::LoadGone { lasted, before, after, prepared, life, unseen } => {
                write!(f, "the load left{} and stayed away for {}", Shares(before, after), Span(lasted))?;
                if prepared {
                    f.write_str("; she had sat up or moved to the edge before")?;
                }
                if life <= -LIFE_TOLD {
                    f.write_str("; nothing moves there any more")?;
                } else if life >= LIFE_TOLD {
                    f.write_str("; something still moves there, but it weighs too little to be her")?;
                }
                unseen.map_or(Ok(()), |unseen| {
                    write!(f, "; nothing was seen in the {} before, so it may have left earlier", Span(unseen))
                })
            }
            Self::LoadBack { away, after } => {
                write!(f, "the load was away for only {} and came back{}: no rise", Span(away), Shares(None, after))
            }
            Self::MovedToEdge { lasted, moved, gone } => write_edge(f, lasted, moved, gone),
            Self::LiesAgain { lasted } => write!(f, "the load has been back where she lies for {}", Span(lasted)),
            Self::LoadBrief => f.write_str("a load came and went again before it had settled: nobody has lain down"),
            Self::ZeroMoved => f.write_str(
                "somebody lies where nothing seemed to: the sensor took her for the empty bed, and its levels are moved",
            ),
            Self::Learnt { empty, occupied } => {
                write!(f, "levels learnt from a swing between two steady loads: empty {empty:.1}, lying {occupied:.1}")
            }
            Self::StillAway { lasted } => write!(f, "out of bed for {}, which is longer than allowed", Span(lasted)),
            Self::NothingKnown => {
                f.write_str("the bed was found empty, and nothing is known of when it was last occupied")
            }
            Self::TimeCame { occupied: true } => f.write_str("the set time has come, and somebody is in bed"),
            Self::TimeCame { occupied: false } => f.write_str("the set time has come, and nobody is in bed"),
            Self::Asked => f.write_str("staff have asked for it"),
            Self::PauseOver => f.write_str("the time of the pause is over"),
            Self::Faulty { fault, zone, lasted } => {
                write_zone(f, zone)?;
                write_fault(f, fault, lasted)
            }
            Self::Sound { fault, zone, lasted } => {
                write_zone(f, zone)?;
                if lasted.is_zero() {
                    write!(f, "a good reading has come ({fault} is over)")
                } else {
                    write!(f, "{fault} has been over for {}", Span(lasted))
                }
            }
        }
    }
}

fn write_zone(f: &mut fmt::Formatter<'_>, zone: Option<usize>) -> fmt::Result {
    zone.map_or(Ok(()), |zone| write!(f, "zone {}: ", zone + 1))
}

fn write_edge(f: &mut fmt::Formatter<'_>, lasted: Duration, moved: Option<f64>, gone: f64) -> fmt::Result {
    let gone_percent = (100.0 * gone).round();
    match (moved.is_some_and(|moved| moved >= MOVED_TOLD), gone >= GONE_TOLD) {
        (true, true) => write!(f, "the load has moved to one side and {gone_percent:.0} % of it is gone")?,
        (true, false) => f.write_str("the load has moved to one side")?,
        (false, true) => write!(f, "{gone_percent:.0} % of the load is gone and the rest stays")?,
        (false, false) => f.write_str("the load lies where she never lies")?,
    }
    write!(f, ", for {}: sits on the edge", Span(lasted))
}

fn write_fault(f: &mut fmt::Formatter<'_>, fault: MatFault, lasted: Duration) -> fmt::Result {
    let what = match fault {
        MatFault::Silent => "nothing has arrived",
        MatFault::Stuck => "the value has not moved",
        MatFault::OutOfRange => "only values outside `range` have arrived",
        MatFault::Implausible => "only readings that cannot be used have arrived",
        MatFault::Unplugged => {
            "the port has been gone, or has brought only what no person and no empty bed could make,"
        }
        MatFault::Chatter => return f.write_str("the contact has opened for moments again and again"),
        MatFault::Drifted => return f.write_str("the empty level has moved too far from what was known"),
        MatFault::Offline => return f.write_str("the mat, or what lies before it, says that it is away"),
        MatFault::LowBattery => return f.write_str("the mat says that its battery is low"),
    };
    write!(f, "{what} for {}", Span(lasted))
}

/// Writes how the load changed, as per cent of a lying person.
struct Shares(Option<f64>, Option<f64>);

impl fmt::Display for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded here, so that just below nothing reads as nothing and not as "-0".
        let percent = |share: f64| (100.0 * share).round() + 0.0;
        match (self.0, self.1) {
            (Some(before), Some(after)) => {
                write!(f, " (from {:.0} % to {:.0} % of a lying person)", percent(before), percent(after))
            }
            (None, Some(after)) => write!(f, " ({:.0} % of a lying person)", percent(after)),
            (Some(_) | None, None) => Ok(()),
        }
    }
}

/// Writes a duration in the unit in which people say it.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // To the tenth first, so that what is shown never reads "60.0 s".
        let tenths = (self.0.as_millis() + 50) / 100;
        let (seconds, minutes) = (tenths / 10, tenths / 600);
        match seconds {
            0..60 => write!(f, "{seconds}.{} s", tenths % 10),
            60..3600 => write!(f, "{minutes} min {} s", seconds % 60),
            _ => write!(f, "{} h {} min", minutes / 60, minutes % 60),
        }
    }
}

/// What the mat showed, as far as explanations need it. Shares are of a lying person.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Load {
    /// The latest value, in the sensor's own unit, summed over the zones; `None` where it could not be used.
    pub value: Option<f64>,
    /// The latest share.
    pub share: Option<f64>,
    /// The share of somebody lying in bed, over the last minute.
    pub lying: Option<f64>,
    /// The latest share of an empty bed.
    pub empty: Option<f64>,
}

impl Detector {
    /// Returns the next decision, oldest first: the events with their reasons, and remarks between them.
    pub fn next_decision(&mut self) -> Option<Decision> {
        self.decisions.pop_front()
    }

    pub(super) fn tell(&mut self, event: Event, because: Because) {
        self.decisions.push_back(Decision { at: event.decided, event: Some(event), because });
    }

    pub(super) fn remark(&mut self, because: Because) {
        self.decisions.push_back(Decision { event: None, at: self.now.utc, because });
    }

    /// Says on what an event rests that time alone has made.
    pub(super) fn because_of_time(&self, event: &Event) -> Because {
        if let Kind::NotInBed(reason) = event.kind {
            return match reason {
                NotInBedReason::Unknown => Because::NothingKnown,
                NotInBedReason::Time => Because::TimeCame { occupied: false },
            };
        }
        if event.kind == Kind::NotUp {
            return Because::TimeCame { occupied: true };
        }
        if matches!(event.kind, Kind::Resumed { .. }) {
            return Because::PauseOver;
        }
        Because::StillAway { lasted: self.rules.away(&self.now) }
    }

    /// Says on what a change of the bed rests. `gap`: nothing was seen for a while before it.
    pub(super) fn because_of_change(&self, change: Change, gap: bool) -> Because {
        let after = self.load.share;
        match change {
            Change::Settled { at } => {
                let before = self.load.empty;
                Because::LoadCame { lasted: self.now.moment.since(at), before, after }
            }
            Change::Left { at, seen, leaving, .. } => Because::LoadGone {
                lasted: self.now.moment.since(at),
                before: self.load.lying,
                after,
                prepared: leaving.prepared,
                life: leaving.life,
                unseen: gap.then(|| at.since(seen)),
            },
            Change::FoundEmpty { .. } => Because::NothingKnown,
        }
    }

    /// Remarks on a load that came back, or went again, without anything to tell.
    pub(super) fn remark_on(&mut self, before: Phase, at: Moment) {
        let phase = self.occupancy.phase();
        if let (Phase::Leaving { leaving, .. }, Phase::InBed { .. }) = (before, phase) {
            self.remark(Because::LoadBack { away: at.since(leaving.gone), after: self.load.share });
        } else if let (Phase::Settling { .. }, Phase::Empty) = (before, phase) {
            self.remark(Because::LoadBrief);
        }
    }

    /// Takes note of the load that belongs to what the bed is doing.
    pub(super) fn note_load(&mut self) {
        match self.occupancy.phase() {
            Phase::InBed { .. } => self.load.lying = self.load.share.map(|_| self.occupancy.lately()),
            Phase::Empty => self.load.empty = self.load.share,
            Phase::Unknown | Phase::Settling { .. } | Phase::Leaving { .. } => {}
        }
    }
}

impl rules::Rules {
    /// Returns for how long an absence has been open.
    fn away(&self, now: &crate::model::Now) -> Duration {
        self.absence(now).map_or(Duration::ZERO, |absence| {
            Duration::try_from(now.utc.duration_since(absence.since)).unwrap_or_default()
        })
    }
}
