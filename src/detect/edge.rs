//! Sits on the edge: most of the load has moved to where she gets in and out, or part of it has left and the rest stays.
//!
//! Two hypotheses are weighed: she **lies** (or sits up in bed), or she **sits on the edge**. What a reading speaks for is
//! [`super::posture`]'s matter. A posture that lasts is one piece of evidence and not many, so belief follows the evidence
//! at a limited pace and never goes beyond it. PURE arithmetic; who is in bed it is told.

use std::time::Duration;

use super::Detector;
use super::evidence::Because;
use super::levels::Pair;
use super::memory::EdgeMemory;
use super::occupancy::Phase;
use super::place::{self, Rim, Sighting, Trail};
use super::posture::{Look, Posture, part};
use super::settings::{Sensitivity, Settings};
use super::signal::{Frame, Zones};
use crate::model::reading::ZONES_MAX;
use crate::model::{Kind, Moment};

/// How sure it must be that she sits there, in nats, by sensitivity. What speaks for lying beforehand is in it: people
/// sit on the edge for some minutes of a night, 1 % of it (UCI 427: half of them for 11 s, one in twenty for 104 s).
const TOLD_LOW: f64 = 5.5;

/// The same where nothing is set.
const TOLD_NORMAL: f64 = 3.5;

/// The same where a false pre-alarm disturbs less than a missed one.
const TOLD_HIGH: f64 = 2.5;

/// How quickly evidence becomes belief, in nats a second, of who has come to rest.
const NATS_A_SECOND: f64 = 2.4;

/// Whoever moves is on her way: with so much of her load moved within [`RESTS_WITHIN`] evidence counts half as quickly.
/// A turn in bed takes 0.5 to 7 s and passes the edge on its way.
const MOVES_SHARE: f64 = 0.10;

/// Movement is what differs from the mean over this long.
const RESTS_WITHIN: Duration = Duration::from_secs(1);

/// She lies again where less than this part of that speaks for the edge.
const LIES_BELOW: f64 = 1.0 / 3.0;

/// One reading stands for this long at most.
const STANDS_FOR: Duration = Duration::from_secs(3);

/// One reading alone is a glitch.
const READINGS_MIN: u32 = 2;

/// Whoever still is where an edge was told after this long may well lie there: 95 % sit for less than 104 s (UCI 427).
const SITS_USUALLY_MAX: Duration = Duration::from_secs(180);

/// How quickly where she lies is followed, once it is known.
const LIES_FOLLOWS: Duration = Duration::from_secs(600);

/// And at first.
const LIES_FOLLOWS_FIRST: Duration = Duration::from_secs(5);

/// How quickly where she sits is taken for where she lies: longer than people sit on the edge (95 % less than 104 s,
/// UCI 427), so that a posture never seen before is an edge for minutes and not for the night.
const SITS_FOLLOWS: Duration = Duration::from_secs(1_200);

/// And where she has stayed longer than people sit.
const STAYS_FOLLOWS: Duration = Duration::from_secs(300);

/// So many times as much as lies there is somebody else: on a small place she presses up to twice as hard on a mat.
const JOINED_SHARE: f64 = 2.5;

/// Whoever is still where she came after this long lies there.
const CAME_MAX: Duration = Duration::from_secs(60);

/// With less than this share of who lay there, a pattern is noise.
const SEEN_SHARE_MIN: f64 = 0.08;

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Turn {
    /// She sits on the edge.
    Sits {
        /// When it began.
        since: Moment,
        /// How far the load has moved, as a part of the way to the edge; none where the mat cannot tell.
        moved: Option<f64>,
        /// Which share of her load is gone.
        gone: f64,
    },
    /// She lies again, for `settle`.
    LiesAgain {
        /// Since when.
        since: Moment,
    },
}

/// Watches for somebody on the edge.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    told_at: f64,
    settle: Duration,
    doing: Doing,
    /// Whether somebody was told that she sits there, so that it must be told when she lies again.
    told: bool,
    trail: Trail,
    rim: Rim,
    /// When she came.
    came: Moment,
    /// Where a load came that may be she: known for hers once it has stayed.
    coming: Option<Sighting>,
    posture: Posture,
    /// Evidence for the edge so far, in nats, since when and of how many readings.
    evidence: f64,
    began: Moment,
    readings: u32,
    /// The loads, smoothed, and how much of her load differs from that.
    smooth: Zones,
    moving: f64,
    /// Since when everything speaks for lying.
    lying: Option<Moment>,
    last: Moment,
    /// Since when far more lies there than ever lay there.
    heavier: Option<Moment>,
    /// When the load went that may be her leaving.
    gone: Option<Moment>,
}

/// What she is doing, as far as the edge matters.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Doing {
    /// Is not in bed.
    Away,
    /// Has come, and has not been seen to lie yet.
    Came {
        /// The pattern with which she came has been looked up.
        seen: bool,
    },
    /// Lies.
    Lies,
    /// Sits on the edge.
    Sits {
        /// Since when that is known.
        since: Moment,
    },
}

impl Edge {
    /// Starts with what was known before a restart, or nothing.
    pub(super) fn new(settings: &Settings, known: Option<&EdgeMemory>, now: Moment) -> Self {
        let zones = |list: &[f64]| {
            (!list.is_empty()).then(|| std::array::from_fn(|zone| list.get(zone).copied().unwrap_or_default()))
        };
        let told_at = match settings.edge_sensitivity {
            Sensitivity::Low => TOLD_LOW,
            Sensitivity::Normal => TOLD_NORMAL,
            Sensitivity::High => TOLD_HIGH,
        };
        Self {
            told_at,
            settle: settings.settle,
            doing: Doing::Away,
            told: known.is_some_and(|known| known.told),
            trail: Trail::default(),
            rim: Rim::new(known.and_then(|known| zones(&known.rim))),
            came: now,
            coming: None,
            posture: Posture::new(known.and_then(|known| zones(&known.lies)), settings.zones),
            evidence: 0.0,
            began: now,
            readings: 0,
            smooth: [0.0; ZONES_MAX],
            moving: 0.0,
            lying: None,
            last: now,
            heavier: None,
            gone: None,
        }
    }

    /// Returns what a restart must know.
    pub(super) fn memory(&self, zones: usize) -> EdgeMemory {
        let list = |of_zones: Option<Zones>| of_zones.iter().flatten().take(zones).copied().collect();
        EdgeMemory { told: self.told, lies: list(self.posture.lies), rim: list(self.rim.seen()) }
    }

    /// Tells whether she sits on the edge.
    pub(super) fn is_sitting(&self) -> bool {
        matches!(self.doing, Doing::Sits { .. })
    }

    /// Begins afresh after a gap: what came before it says nothing of now.
    pub(super) fn interrupted(&mut self) {
        self.trail = Trail::default();
        self.forget();
    }

    fn forget(&mut self) {
        (self.evidence, self.lying, self.heavier) = (0.0, None, None);
    }

    /// Takes the loads at `at`; tells what has changed.
    pub(super) fn take(&mut self, at: Moment, frame: &Frame, pair: Option<&Pair>, phase: Phase) -> Option<Turn> {
        self.trail.take(at, &frame.loads);
        let pair = pair?;
        let passed = at.since(std::mem::replace(&mut self.last, at)).min(STANDS_FOR);
        match phase {
            Phase::Unknown | Phase::Empty => {
                self.has_left(frame, pair);
                None
            }
            Phase::Settling { since, .. } => {
                if !matches!(self.doing, Doing::Came { .. }) {
                    self.has_left(frame, pair);
                }
                self.comes(at, since, frame, pair);
                None
            }
            Phase::InBed { since, .. } | Phase::Leaving { since, .. } => {
                self.gone = if let Phase::Leaving { leaving, .. } = phase { Some(leaving.gone) } else { None };
                self.comes(at, since, frame, pair);
                // What comes and goes again are sheets that are changed, cats and bags: only what has stayed is she.
                let seen = self.coming.take();
                self.learn_rim(seen, frame);
                self.in_bed(at, passed, frame, pair)
            }
        }
    }

    fn has_left(&mut self, frame: &Frame, pair: &Pair) {
        if let Some(gone) = self.gone.take() {
            let seen = self.trail.going(gone, pair, &frame.working);
            self.learn_rim(seen, frame);
        }
        (self.doing, self.told, self.coming) = (Doing::Away, false, None);
        self.forget();
    }

    /// Looks up where she came, once what comes then is known as well.
    fn comes(&mut self, at: Moment, since: Moment, frame: &Frame, pair: &Pair) {
        if self.doing == Doing::Away {
            (self.doing, self.came) = (Doing::Came { seen: false }, at);
        }
        if self.doing == (Doing::Came { seen: false }) && at.since(since) >= COMES_AFTER {
            self.doing = Doing::Came { seen: true };
            self.coming = self.trail.coming(since, pair, &frame.working);
        }
    }

    fn learn_rim(&mut self, seen: Option<Sighting>, frame: &Frame) {
        if let Some(seen) = seen {
            let lies = self.posture.lies.and_then(|lies| place::sighting(&lies, &frame.working));
            self.rim.learn(&seen, lies.as_ref());
        }
    }

    fn in_bed(&mut self, at: Moment, passed: Duration, frame: &Frame, pair: &Pair) -> Option<Turn> {
        let (loads, _) = place::above(&frame.loads, &frame.working, &pair.empty);
        let seen = place::sighting(&loads, &frame.working)?;
        self.joins(at, &loads, frame, pair);
        self.stays(at, &loads);
        self.moves(passed, &loads, frame);
        let Some(look) = self.posture.look(&self.rim, &loads, &seen, frame) else {
            self.first_lies(at, &loads, &seen);
            return None;
        };
        if look.share < SEEN_SHARE_MIN {
            return None;
        }
        let speaks = self.posture.speaks(&look, &self.rim).unwrap_or(-self.told_at);
        self.believe(at, speaks, passed);
        self.lying = if speaks < LIES_BELOW * self.told_at { self.lying.or(Some(at)) } else { None };
        self.follow(at, passed, &loads, &look);
        self.turn(at, &look)
    }

    /// Far more lies there than before: what lay there was a cat or a partner beside the mat, and she comes only now.
    fn joins(&mut self, at: Moment, loads: &Zones, frame: &Frame, pair: &Pair) {
        let Some(lies) = self.posture.lies else { return };
        let heavier = frame.sum_of(loads) > JOINED_SHARE * frame.sum_of(&lies);
        self.heavier = if heavier { self.heavier.or(Some(at)) } else { None };
        let Some(since) = self.heavier.filter(|since| at.since(*since) >= COMES_AFTER) else { return };
        let add = |zone: usize, more: &Zones| {
            pair.empty.get(zone).zip(more.get(zone)).map_or(0.0, |(one, other)| one + other)
        };
        let with = |more: &Zones| std::array::from_fn(|zone| add(zone, more));
        let joined = Pair { empty: with(&lies), occupied: with(loads) };
        self.rim = Rim::default();
        if let Some(seen) = self.trail.coming(since, &joined, &frame.working) {
            self.rim.learn(&seen, None);
        }
        self.forget();
        (self.posture.lies, self.posture.lain, self.came) = (None, Duration::ZERO, at);
        self.doing = Doing::Came { seen: true };
    }

    /// Follows how much of her load is moving.
    fn moves(&mut self, passed: Duration, loads: &Zones, frame: &Frame) {
        let part = part(passed, RESTS_WITHIN);
        let lies = self.posture.lies.map_or(0.0, |lies| frame.sum_of(&lies)).max(f64::MIN_POSITIVE);
        let mut moved = 0.0;
        for (smooth, load) in self.smooth.iter_mut().zip(loads) {
            moved += (load - *smooth).abs();
            *smooth += (load - *smooth) * part;
        }
        self.moving = moved / lies;
    }

    /// Whoever is still where she came lies there, be it where she has never lain.
    fn stays(&mut self, at: Moment, loads: &Zones) {
        if matches!(self.doing, Doing::Came { .. })
            && self.posture.lies.is_some()
            && at.since(self.came) >= SITS_USUALLY_MAX
        {
            self.posture.lies = Some(*loads);
            self.came = at;
        }
    }

    /// What she does where nothing is known of how she lies: she may sit where she came for a while.
    fn first_lies(&mut self, at: Moment, loads: &Zones, seen: &Sighting) {
        if self.doing == (Doing::Came { seen: false }) {
            return;
        }
        let came = *self.lying.get_or_insert(at);
        if !self.rim.is_at(seen) || at.since(came) >= CAME_MAX {
            self.posture.lies = Some(*loads);
            self.lying = None;
        }
    }

    /// What lasts does not count again and again: belief goes as far as the evidence, no faster than is safe.
    fn believe(&mut self, at: Moment, speaks: f64, passed: Duration) {
        if self.evidence <= 0.0 {
            (self.began, self.readings) = (at, 0);
        }
        let most = NATS_A_SECOND * passed.as_secs_f64();
        let gains = most / (1.0 + (self.moving / MOVES_SHARE).powi(2));
        self.evidence = (self.evidence + (speaks - self.evidence).clamp(-most, gains)).max(0.0);
        self.readings = self.readings.saturating_add(1);
    }

    fn follow(&mut self, at: Moment, passed: Duration, loads: &Zones, look: &Look) {
        let over = match self.doing {
            Doing::Lies => (self.posture.lain / 2).clamp(LIES_FOLLOWS_FIRST, LIES_FOLLOWS),
            Doing::Came { .. } if !self.posture.is_known() && self.lying.is_some() => LIES_FOLLOWS_FIRST,
            Doing::Sits { since } if at.since(since) >= SITS_USUALLY_MAX => STAYS_FOLLOWS,
            Doing::Came { .. } | Doing::Sits { .. } | Doing::Away => SITS_FOLLOWS,
        };
        self.posture.lies_as(loads, passed, over);
        match self.doing {
            Doing::Lies => self.posture.follow(passed, look),
            Doing::Sits { since } if at.since(since) >= SITS_USUALLY_MAX => self.posture.strays(passed, look),
            Doing::Sits { .. } | Doing::Came { .. } | Doing::Away => {}
        }
    }

    fn turn(&mut self, at: Moment, look: &Look) -> Option<Turn> {
        let lying = self.lying.filter(|since| at.since(*since) >= self.settle);
        match (self.doing, lying) {
            (Doing::Lies, _) if self.evidence >= self.told_at && self.readings >= READINGS_MIN => {
                self.doing = Doing::Sits { since: at };
                Some(Turn::Sits { since: self.began, moved: look.way, gone: 1.0 - look.share })
            }
            (Doing::Sits { .. }, Some(since)) => {
                self.doing = Doing::Lies;
                self.evidence = 0.0;
                Some(Turn::LiesAgain { since })
            }
            (Doing::Came { .. }, Some(since)) => {
                self.doing = Doing::Lies;
                self.evidence = 0.0;
                // Told before a restart.
                self.told.then_some(Turn::LiesAgain { since })
            }
            (Doing::Away | Doing::Came { .. } | Doing::Lies | Doing::Sits { .. }, _) => None,
        }
    }
}

impl Detector {
    /// Watches the edge of the bed; a contact has none. That she lies again ends only what somebody was told of.
    pub(super) fn watch_edge(&mut self, at: Moment, frame: &Frame) {
        if self.settings.contact {
            return;
        }
        let Some(turn) = self.edge.take(at, frame, self.levels.pair(), self.occupancy.phase()) else { return };
        self.changed = true;
        let now = self.now;
        let event = |kind, at| self.rules.event(&self.settings, kind, now.utc_of(at), None, &now);
        match turn {
            Turn::Sits { since, moved, gone } => {
                let sits = event(Kind::Edge, since);
                self.edge.told = sits.watched && self.settings.alarm.edge;
                self.tell(sits, Because::MovedToEdge { lasted: now.moment.since(since), moved, gone });
            }
            Turn::LiesAgain { since } => {
                let because = Because::LiesAgain { lasted: now.moment.since(since) };
                if std::mem::take(&mut self.edge.told) {
                    let mut back = event(Kind::Return, since);
                    back.watched = true;
                    self.tell(back, because);
                } else {
                    self.remark(because);
                }
            }
        }
    }
}

/// The pattern of a load that comes is known this long after: the next slot of the trail has begun by then.
const COMES_AFTER: Duration = Duration::from_secs(2);
