//! Sits on the edge: most of the load has moved to where she gets in and out, or part of it has left and the rest stays.
//!
//! Two hypotheses are weighed: she **lies** (or sits up in bed), or she **sits on the edge**. Where the load rests and how
//! much of it there is count by their likelihood ratios, in nats, against how this person lies on this mat: how far either
//! spreads, and for what part of the time she lies in other ways altogether. A posture that lasts is one piece of evidence
//! and not many, so belief follows the evidence at a limited pace and never goes beyond it. PURE arithmetic; who is in bed it is told.

use std::time::Duration;

use super::Detector;
use super::evidence::Because;
use super::levels::Pair;
use super::memory::EdgeMemory;
use super::occupancy::Phase;
use super::place::{self, Pattern, Rim, Sighting, Trail};
use super::rules;
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

/// How much of the load stays of who sits on the edge, as a share of what lay there, and how far that spreads, on a scale:
/// 60 to 80 % of the weight, the rest is on the feet.
const SITS_ON_SCALE: (f64, f64) = (0.70, 0.12);

/// The same on a mat, where force is not load and little area carries it.
const SITS_ON_MAT: (f64, f64) = (0.75, 0.35);

/// For what part she may have any load there: on a mat she may press harder on a small place; on a scale that gets more
/// to carry it is somebody else who sits down on the edge.
const SITS_ANYHOW: (f64, f64) = (0.002, 0.3);

/// How far the load spreads while she lies on a scale.
const SCALE_SPREAD: f64 = 0.03;

/// From this spread on it is a mat.
const MAT_SPREAD: f64 = 0.10;

/// The most that a load as heavy as that of who lies there speaks against the edge, in nats: on a mat it is not rare.
const LOAD_AGAINST: (f64, f64) = (-8.0, -0.8);

/// Whoever lies on a scale weighs the same in every posture; from the second part of the time on it is a mat.
const LIGHT_ON_MAT: (f64, f64) = (0.01, 0.04);

/// How much it speaks for the edge that her load has left where she lay, in nats for all of it.
const LEFT_ITS_PLACE: f64 = 6.0;

/// At which part still in its place it speaks for neither: whoever turns over keeps half of it there, and whoever gets
/// company all.
const KEPT_EITHER_WAY: f64 = 0.3;

/// How much more it speaks for the edge that she is all the way there, in nats, than that she still lies where she lay:
/// whoever turns over goes a part of the way.
const ALL_THE_WAY: f64 = 5.0;

/// How far the place of who sits on the edge spreads, as a part of the way from where she lies.
const EDGE_PLACE_SPREAD: f64 = 0.3;

/// How far the load spreads while she lies, before it is known, and at the least.
const LOAD_SPREAD: (f64, f64) = (0.12, SCALE_SPREAD);

/// How far the place spreads, as a part of the way to the edge.
const PLACE_SPREAD: (f64, f64) = (0.2, 0.15);

/// How much of the load is elsewhere on average while she lies, where the edge is not known.
const MOVED_SPREAD: (f64, f64) = (0.12, 0.03);

/// For what part of the time she may lie just anywhere, where the edge is not known.
const MOVED_ANYHOW: f64 = 0.03;

/// Where the edge is known, another one is so much less likely, in nats: 1 to 20.
const OTHER_EDGE: f64 = 3.0;

/// And where she was seen there more than once, 1 to 50.
const OTHER_EDGE_CONFIRMED: f64 = 4.0;

/// A posture is a stray one where the load is on the far half of the way to the edge …
const STRAY_WAY: f64 = 0.5;

/// … or so much of it is elsewhere …
const STRAY_MOVED: f64 = 0.4;

/// … or lighter than this share of what usually lies there.
const STRAY_SHARE: f64 = 0.85;

/// For what part of the time she lies so, before it is known.
const STRAYS_IN_PLACE: f64 = 0.004;

/// Of two halves of a bed one has nearly all of the load whenever she lies on that side.
const STRAYS_IN_HALVES: f64 = 0.03;

/// For what part she lies so lightly, before it is known.
const STRAYS_IN_LOAD: f64 = 0.05;

/// What is taken for known of that then counts as much as so long a time of watching.
const STRAYS_KNOWN: Duration = Duration::from_secs(3_600);

/// What was seen in the last nights counts: this long in all.
const STRAYS_KEPT: Duration = Duration::from_secs(24 * 3_600);

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

/// How quickly the spreads follow.
const SPREAD_FOLLOWS: Duration = Duration::from_secs(1_800);

/// Lying for so long in all is needed before another place means anything where the edge is not known.
const KNOWN_AFTER: Duration = Duration::from_secs(120);

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
    /// What lies on each zone while she lies; nothing before she has.
    lies: Option<Zones>,
    /// For how long that has been followed.
    lain: Duration,
    load_spread: f64,
    place_spread: f64,
    moved_spread: f64,
    /// How often she lies on the far half of the way to the edge, how often just anywhere, and how often lightly.
    far: Habit,
    afar: Habit,
    light: Habit,
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

/// What one reading shows of her.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// How far the load has moved to the edge, as a part of the way; none where the edge is not known.
    way: Option<f64>,
    /// Which part of it is elsewhere; none where there is one zone.
    moved: Option<f64>,
    /// The load as a share of what lay there.
    share: f64,
    /// Which part of what lay there is still in its place.
    kept: f64,
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
            lies: known.and_then(|known| zones(&known.lies)),
            lain: Duration::ZERO,
            load_spread: LOAD_SPREAD.0,
            place_spread: PLACE_SPREAD.0,
            moved_spread: MOVED_SPREAD.0,
            far: Habit::new(if settings.zones > 2 { STRAYS_IN_PLACE } else { STRAYS_IN_HALVES }),
            afar: Habit::new(MOVED_ANYHOW),
            light: Habit::new(STRAYS_IN_LOAD),
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
        EdgeMemory { told: self.told, lies: list(self.lies), rim: list(self.rim.seen()) }
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
                self.in_bed(at, passed, frame, pair)
            }
        }
    }

    fn has_left(&mut self, frame: &Frame, pair: &Pair) {
        if let Some(gone) = self.gone.take() {
            if let Some(seen) = self.trail.going(gone, pair, &frame.working) {
                let lies = self.lies.and_then(|lies| place::sighting(&lies, &frame.working));
                self.rim.learn(&seen, lies.as_ref());
            }
        }
        (self.doing, self.told) = (Doing::Away, false);
        self.forget();
    }

    /// Looks up where she came, once what comes then is known as well.
    fn comes(&mut self, at: Moment, since: Moment, frame: &Frame, pair: &Pair) {
        if self.doing == Doing::Away {
            (self.doing, self.came) = (Doing::Came { seen: false }, at);
        }
        if self.doing == (Doing::Came { seen: false }) && at.since(since) >= COMES_AFTER {
            self.doing = Doing::Came { seen: true };
            if let Some(seen) = self.trail.coming(since, pair, &frame.working) {
                let lies = self.lies.and_then(|lies| place::sighting(&lies, &frame.working));
                self.rim.learn(&seen, lies.as_ref());
            }
        }
    }

    fn in_bed(&mut self, at: Moment, passed: Duration, frame: &Frame, pair: &Pair) -> Option<Turn> {
        let (loads, _) = place::above(&frame.loads, &frame.working, &pair.empty);
        let seen = place::sighting(&loads, &frame.working)?;
        self.joins(at, &loads, frame, pair);
        self.stays(at, &loads);
        self.moves(passed, &loads, frame);
        let Some(look) = self.look(&loads, &seen, frame) else {
            self.first_lies(at, &loads, &seen);
            return None;
        };
        if look.share < SEEN_SHARE_MIN {
            return None;
        }
        let speaks = self.speaks(&look);
        self.believe(at, speaks, passed);
        self.lying = if speaks < LIES_BELOW * self.told_at { self.lying.or(Some(at)) } else { None };
        self.follow(at, passed, &loads, &look);
        self.turn(at, &look)
    }

    /// Far more lies there than before: what lay there was a cat or a partner beside the mat, and she comes only now.
    fn joins(&mut self, at: Moment, loads: &Zones, frame: &Frame, pair: &Pair) {
        let Some(lies) = self.lies else { return };
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
        (self.lies, self.lain, self.came) = (None, Duration::ZERO, at);
        self.doing = Doing::Came { seen: true };
    }

    /// Follows how much of her load is moving.
    fn moves(&mut self, passed: Duration, loads: &Zones, frame: &Frame) {
        let part = part(passed, RESTS_WITHIN);
        let lies = self.lies.map_or(0.0, |lies| frame.sum_of(&lies)).max(f64::MIN_POSITIVE);
        let mut moved = 0.0;
        for (smooth, load) in self.smooth.iter_mut().zip(loads) {
            moved += (load - *smooth).abs();
            *smooth += (load - *smooth) * part;
        }
        self.moving = moved / lies;
    }

    /// Whoever is still where she came lies there, be it where she has never lain.
    fn stays(&mut self, at: Moment, loads: &Zones) {
        if matches!(self.doing, Doing::Came { .. }) && self.lies.is_some() && at.since(self.came) >= SITS_USUALLY_MAX {
            self.lies = Some(*loads);
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
            self.lies = Some(*loads);
            self.lying = None;
        }
    }

    fn look(&self, loads: &Zones, seen: &Sighting, frame: &Frame) -> Option<Look> {
        let lies = self.lies?;
        let part_of_lies = |of: &Zones| frame.sum_of(of) / frame.sum_of(&lies).max(f64::MIN_POSITIVE);
        let share = part_of_lies(loads);
        let kept = part_of_lies(&std::array::from_fn(|zone| at_least_of(loads, &lies, zone)));
        let lies = place::sighting(&lies, &frame.working)?;
        if frame.working.iter().filter(|works| **works).count() < 2 {
            return Some(Look { way: None, moved: None, share, kept });
        }
        let edge = self.rim.place(&lies, self.moved_spread, &frame.working);
        let way = edge.map(|edge| part_of_way(&seen.place, &lies.place, &edge));
        Some(Look { way, moved: Some(place::apart(&seen.place, &lies.place)), share, kept })
    }

    /// Returns how much this speaks for the edge, in nats.
    fn speaks(&self, look: &Look) -> f64 {
        let of_mat = |seen: f64, (scale, mat): (f64, f64)| ((seen - scale) / (mat - scale)).clamp(0.0, 1.0);
        let mat = of_mat(self.load_spread, (SCALE_SPREAD, MAT_SPREAD)).max(of_mat(self.light.part(), LIGHT_ON_MAT));
        let mix = |scale: f64, on_mat: f64| scale + mat * (on_mat - scale);
        let sits = (mix(SITS_ON_SCALE.0, SITS_ON_MAT.0), mix(SITS_ON_SCALE.1, SITS_ON_MAT.1));
        let load = likelier(
            look.share,
            (sits, mix(SITS_ANYHOW.0, SITS_ANYHOW.1)),
            ((1.0, self.load_spread.max(mat * MAT_SPREAD)), self.light.part()),
        )
        .max(mix(LOAD_AGAINST.0, LOAD_AGAINST.1));
        let Some(moved) = look.moved else { return load };
        let to_edge = look.way.map(|way| {
            let (lies, far) = ((0.0, self.place_spread), self.far.part());
            let way = way.clamp(0.0, 1.0);
            likelier(way, ((1.0, EDGE_PLACE_SPREAD), 0.0), (lies, far)) + ALL_THE_WAY * (way - 0.5)
        });
        let elsewhere = if self.lain < KNOWN_AFTER { -self.told_at } else { self.elsewhere(moved) };
        let left = LEFT_ITS_PLACE * (KEPT_EITHER_WAY - look.kept);
        load + left + to_edge.map_or(elsewhere, |to_edge| to_edge.max(elsewhere - self.other_edge()))
    }

    fn other_edge(&self) -> f64 {
        if self.rim.is_confirmed() { OTHER_EDGE_CONFIRMED } else { OTHER_EDGE }
    }

    /// Returns how much it speaks for an edge that this part of the load is elsewhere, in nats: of an edge that was never
    /// seen any distance is as likely, and in bed far ones are rare.
    fn elsewhere(&self, moved: f64) -> f64 {
        let lies = (-moved / self.moved_spread).exp() / self.moved_spread;
        -(lies + self.afar.part()).ln()
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
            Doing::Lies => (self.lain / 2).clamp(LIES_FOLLOWS_FIRST, LIES_FOLLOWS),
            Doing::Came { .. } if self.lain < KNOWN_AFTER && self.lying.is_some() => LIES_FOLLOWS_FIRST,
            Doing::Sits { since } if at.since(since) >= SITS_USUALLY_MAX => STAYS_FOLLOWS,
            Doing::Came { .. } | Doing::Sits { .. } | Doing::Away => SITS_FOLLOWS,
        };
        if let Some(lies) = &mut self.lies {
            let part = part(passed, over);
            lies.iter_mut().zip(loads).for_each(|(lies, load)| *lies += (load - *lies) * part);
        }
        match self.doing {
            Doing::Lies => {
                self.lain = self.lain.saturating_add(passed);
                self.spreads(passed, look);
                self.strays(passed, look);
            }
            Doing::Sits { since } if at.since(since) >= SITS_USUALLY_MAX => self.strays(passed, look),
            Doing::Sits { .. } | Doing::Came { .. } | Doing::Away => {}
        }
    }

    fn spreads(&mut self, passed: Duration, look: &Look) {
        let part = part(passed, SPREAD_FOLLOWS);
        let toward = |spread: &mut f64, seen: f64, least: f64| *spread = (*spread + (seen - *spread) * part).max(least);
        // A mean of absolute deviations is 0.8 of a standard deviation.
        toward(&mut self.load_spread, 1.25 * (look.share - 1.0).abs().min(1.0), LOAD_SPREAD.1);
        if let Some(way) = look.way {
            toward(&mut self.place_spread, 1.25 * way.abs().min(1.0), PLACE_SPREAD.1);
        }
        if let Some(moved) = look.moved {
            toward(&mut self.moved_spread, moved, MOVED_SPREAD.1);
        }
    }

    fn strays(&mut self, passed: Duration, look: &Look) {
        self.light.take(passed, look.share < STRAY_SHARE);
        if let Some(way) = look.way {
            self.far.take(passed, way > STRAY_WAY);
        }
        if let Some(moved) = look.moved {
            self.afar.take(passed, moved > STRAY_MOVED);
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
        let event = |kind, at| rules::event(&self.settings, kind, now.utc_of(at), None, &now);
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

/// Returns how far a pattern lies on the way from one place to another: 0 there, 1 here.
fn part_of_way(seen: &Pattern, from: &Pattern, to: &Pattern) -> f64 {
    let (mut along, mut whole) = (0.0, 0.0);
    for zone in 0..ZONES_MAX {
        let (Some(seen), Some(from), Some(to)) = (seen.get(zone), from.get(zone), to.get(zone)) else { continue };
        along += (seen - from) * (to - from);
        whole += (to - from).powi(2);
    }
    if whole > 0.0 { along / whole } else { 0.0 }
}

/// Returns what of one load on a zone is in another as well.
fn at_least_of(one: &Zones, other: &Zones, zone: usize) -> f64 {
    one.get(zone).zip(other.get(zone)).map_or(0.0, |(one, other)| one.min(*other))
}

/// The logarithm of how much likelier `x` is under one normal distribution (mean, deviation) than under another with a
/// tail that is level: for some part of the time she may lie anyhow.
fn likelier(x: f64, (one, one_anyhow): (Normal, f64), (other, other_anyhow): (Normal, f64)) -> f64 {
    let density = |(mean, deviation): Normal, anyhow: f64| {
        let normal = (-0.5 * ((x - mean) / deviation).powi(2)).exp() / (deviation * std::f64::consts::TAU.sqrt());
        ((1.0 - anyhow) * normal + anyhow).max(LEAST_DENSITY)
    };
    (density(one, one_anyhow) / density(other, other_anyhow)).ln()
}

/// A normal distribution: its mean and its deviation.
type Normal = (f64, f64);

/// Stands for a density of nothing where a logarithm is taken.
const LEAST_DENSITY: f64 = 1e-6;

/// For what part of the time something is so.
#[derive(Debug, Clone, Copy)]
struct Habit {
    so: f64,
    all: f64,
}

impl Habit {
    fn new(part: f64) -> Self {
        let all = STRAYS_KNOWN.as_secs_f64();
        Self { so: part * all, all }
    }

    fn take(&mut self, passed: Duration, so: bool) {
        let (passed, keeps) = (passed.as_secs_f64(), STRAYS_KEPT.as_secs_f64());
        let kept = if self.all > keeps { 1.0 - passed / keeps } else { 1.0 };
        self.so = self.so * kept + if so { passed } else { 0.0 };
        self.all = self.all * kept + passed;
    }

    fn part(self) -> f64 {
        self.so / self.all
    }
}

/// The part of the way that something goes in `step`, for a first-order lag of `over`.
fn part(step: Duration, over: Duration) -> f64 {
    (step.as_secs_f64() / over.as_secs_f64()).min(1.0)
}
