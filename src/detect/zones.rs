//! Which zones of a mat cannot be relied on, while the others can: dead ones are left out, and told.
//!
//! A zone is dead that gives nothing usable, reads noise, or rests at one value as no load and no empty bed would make
//! it rest. What a person does on a mat reaches more than one zone; what a cable does, only its own. Knows nothing of who
//! lies there.

use std::time::Duration;

use crate::model::reading::ZONES_MAX;
use crate::model::{Channels, MatFault, Moment};

use super::occupancy::ENTER_SHARE;
use super::stuck::{KNOWN_READINGS, STUCK_AFTER, STUCK_READINGS, STUCK_RUNS};

/// A zone that gives nothing usable for this long, and in this many readings, is dead. One in a hundred fails by chance.
const FAILED_AFTER: Duration = Duration::from_secs(20);

/// See [`FAILED_AFTER`].
const FAILED_READINGS: u32 = 5;

/// A step of this share of what a lying person moves a zone, with nothing else moving, is a cable.
const JUMP_SHARE: f64 = 0.25;

/// The others move less than this share of such a step: in a body every movement has its counterpart.
const OTHERS_SHARE: f64 = 0.15;

/// A zone that has jumped alone and repeats itself this often is left out at once; what it says is told when it stays.
const SUSPECT_READINGS: u32 = 2;

/// A zone this near to its empty level, as a share of what a lying person moves it, is free: a cat has jumped off.
const FREE_SHARE: f64 = 0.02;

/// How quickly the steps of a zone are followed: about the last four.
const STEPS_FOLLOW: f64 = 0.25;

/// A zone that repeats itself this often rests: it may have come to the end of what it can show, and tells nothing.
const RESTS_READINGS: u32 = 5;

/// One that has repeated itself this often is used to resting: a whole number repeats itself a few times by chance.
const USED_TO_REST_READINGS: u32 = 20;

/// A zone that has never moved is dead where the others have been seen loaded and free for so long.
const NEVER_MOVED_AFTER: Duration = Duration::from_secs(30 * 60);

/// The others are loaded from this share of a lying person on: as somebody is in bed.
const LOADED_SHARE: f64 = ENTER_SHARE;

/// And free below this one: a dent, a duvet.
const UNLOADED_SHARE: f64 = 0.2;

/// It may move so rarely, as a share of its readings, and still never have moved: single frames of nonsense.
const NEVER_MOVED_SHARE: f64 = 0.005;

/// Dead zones have come back after so many good readings that differ from each other.
const BACK_READINGS: u32 = 8;

/// How quickly a long run is forgotten, at each reading that differs from the one before.
const FORGETS: f64 = 0.9995;

/// Steps of this share of the range from each reading to the next are an open input: white noise over the whole range
/// makes a third of it, and somebody who tosses about, for seconds, a tenth.
pub(super) const WILD: f64 = 0.2;

/// A zone has stopped being wild below this share.
const TAME: f64 = 0.1;

/// How quickly such steps are followed: about the last 32 readings.
const WILD_FOLLOWS: f64 = 1.0 / 32.0;

/// Whether the whole mat reads noise is known sooner, before a rise is made of it: from the last eight readings or so. Who
/// leaves a mat that reads seldom falls through all of its range in one step, a mean of an eighth.
const LATELY_FOLLOWS: f64 = 1.0 / 8.0;

/// What the watch over the zones must know about the mat and the bed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances {
    /// What the sensor can say.
    pub range: Option<(f64, f64)>,
    /// The width of what it can say, or what stands for it, where that is known.
    pub width: Option<f64>,
    /// How much a lying person moves a zone, in the sensor's own unit.
    pub span: Option<f64>,
    /// What each zone reads with nobody there, where that is known.
    pub empty: Option<[f64; ZONES_MAX]>,
    /// And with somebody lying there.
    pub lying: Option<[f64; ZONES_MAX]>,
    /// Whether somebody is in bed, where that is known.
    pub occupied: Option<bool>,
}

/// The zones of one mat.
#[derive(Debug, Clone)]
pub(super) struct ZoneWatch {
    zones: [Zone; ZONES_MAX],
    count: usize,
    started: Option<Moment>,
    /// For how long somebody has been seen in bed, and nobody.
    seen: [Duration; 2],
    last: Option<Moment>,
}

/// One zone.
#[derive(Debug, Clone, Copy, Default)]
struct Zone {
    value: f64,
    since: Option<Moment>,
    run: u32,
    /// The longest usual run and the readings seen: with nobody in bed, and with somebody.
    usual: [(f64, u32); 2],
    readings: u32,
    changes: u32,
    /// The size of the step in which it came to rest, with nothing else moving; none where it came otherwise.
    alone: Option<f64>,
    /// Its latest steps, on average.
    steps: f64,
    failed: Option<(Moment, u32, bool)>,
    wild: f64,
    wild_lately: f64,
    dead: Option<MatFault>,
    back: u32,
}

/// How a zone is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It can be relied on.
    Sound,
    /// It has not said enough yet: it stays as it was.
    Unsure,
    /// It may be dead, since then: left out, not told.
    Suspect(Moment),
    /// It is dead, since then.
    Dead(MatFault, Moment),
}

impl ZoneWatch {
    pub(super) fn new(count: usize) -> Self {
        Self {
            zones: [Zone::default(); ZONES_MAX],
            count: count.clamp(1, ZONES_MAX),
            started: None,
            seen: [Duration::ZERO; 2],
            last: None,
        }
    }

    /// Takes a reading of a mat that sends steadily.
    pub(super) fn take(&mut self, at: Moment, channels: &Channels, about: &Circumstances) {
        self.started = self.started.or(Some(at));
        let passed = self.last.replace(at).map_or(Duration::ZERO, |last| at.since(last).min(Duration::from_secs(10)));
        if let Some(occupied) = self.are_loaded(channels, about) {
            let [nobody, somebody] = &mut self.seen;
            let seen = if occupied { somebody } else { nobody };
            *seen = seen.saturating_add(passed);
        }
        let steps = self.steps(channels, about);
        let (all, lately) = (steps.iter().sum::<f64>(), self.zones.iter().map(|zone| zone.steps).sum::<f64>());
        let able = self.zones.iter().take(self.count).filter(|zone| zone.dead.is_none() && zone.run < RESTS_READINGS);
        let able = able.count() > self.count / 2;
        for (index, ((zone, value), step)) in self.zones.iter_mut().zip(channels.zones()).zip(&steps).enumerate() {
            // What moved before counts, the zone itself too: people do not move from one reading to the next.
            let others = all - *step + lately;
            let alone = about.span.is_some_and(|span| *step >= span * JUMP_SHARE && others <= *step * OTHERS_SHARE);
            let may_rest = zone.is_used_to_rest() || about.is_free(index, *value);
            zone.take(at, *value, alone && able && !may_rest, about);
            zone.stays_alone(all - *step);
        }
        for (zone, step) in self.zones.iter_mut().zip(&steps) {
            zone.steps += (step - zone.steps) * STEPS_FOLLOW;
        }
        self.judge(at, about);
    }

    /// Tells whether the zones that do move are loaded or free; none between, and where that cannot be told. What a dead
    /// one says must not hide that the bed is empty.
    fn are_loaded(&self, channels: &Channels, about: &Circumstances) -> Option<bool> {
        let (Some(empty), Some(lying)) = (&about.empty, &about.lying) else { return about.occupied };
        let zones = self.zones.iter().take(self.count).zip(channels.zones()).zip(empty.iter().zip(lying));
        let moving = zones
            .filter(|((zone, value), _)| zone.dead.is_none() && !zone.has_never_moved() && about.is_usable(**value));
        let (above, span) = moving.fold((0.0, 0.0), |(above, span), ((_, value), (empty, lying))| {
            (above + (value - empty), span + (lying - empty))
        });
        let share = if span == 0.0 { return None } else { above / span };
        (share >= LOADED_SHARE).then_some(true).or((share <= UNLOADED_SHARE).then_some(false))
    }

    /// How far each zone that works has moved since the reading before.
    fn steps(&self, channels: &Channels, about: &Circumstances) -> [f64; ZONES_MAX] {
        let mut steps = [0.0; ZONES_MAX];
        for ((step, zone), value) in steps.iter_mut().zip(&self.zones).zip(channels.zones()) {
            if zone.readings > 0 && zone.dead.is_none() && about.is_usable(*value) {
                *step = (value - zone.value).abs();
            }
        }
        steps
    }

    /// Returns how each zone is.
    pub(super) fn verdict(&self, zone: usize) -> Verdict {
        let Some(zone) = self.zones.get(zone) else { return Verdict::Sound };
        let since = zone.failed.map(|(since, ..)| since).or(zone.since).unwrap_or(Moment::from_nanos(0));
        match zone.dead {
            Some(fault) => Verdict::Dead(fault, since),
            None if zone.alone.is_some() && zone.run >= SUSPECT_READINGS => Verdict::Suspect(since),
            None if zone.back < BACK_READINGS => Verdict::Unsure,
            None => Verdict::Sound,
        }
    }

    /// Tells whether every zone reads noise, or those that are not known to be dead have done so lately.
    pub(super) fn is_wild(&self) -> bool {
        let living = || self.zones.iter().take(self.count).filter(|zone| zone.dead.is_none());
        let (sum, count) = living().fold((0.0, 0.0), |(sum, count), zone| (sum + zone.wild_lately, count + 1.0));
        sum > WILD * count || self.zones.iter().take(self.count).all(|zone| zone.wild > WILD)
    }

    fn judge(&mut self, at: Moment, about: &Circumstances) {
        let age = self.started.map_or(Duration::ZERO, |started| at.since(started));
        let both_seen = self.seen.iter().all(|seen| *seen >= NEVER_MOVED_AFTER / 3) && age >= NEVER_MOVED_AFTER;
        let living = self.zones.iter().take(self.count).filter(|zone| zone.dead.is_none());
        let (moving, restless) = living.fold((0_usize, 0_usize), |(moving, restless), zone| {
            (moving + usize::from(zone.run < STUCK_READINGS), restless + usize::from(zone.never_rests()))
        });
        let count = self.count;
        for zone in self.zones.iter_mut().take(count) {
            let others_move = moving > usize::from(zone.run < STUCK_READINGS);
            // All others: a mat of which some zones rest when free has dead ranges.
            let never_moved = both_seen && zone.has_never_moved() && restless + 1 >= count;
            zone.judge(at, about, others_move, never_moved);
        }
        // Where all are dead it is the mat.
        if self.zones.iter().take(count).all(|zone| zone.dead.is_some()) {
            for zone in &mut self.zones {
                (zone.dead, zone.alone) = (None, None);
            }
        }
    }
}

impl Circumstances {
    fn is_usable(&self, value: f64) -> bool {
        value.is_finite() && self.range.is_none_or(|(low, high)| low <= value && value <= high)
    }

    /// Tells whether a zone reads as with nobody there.
    fn is_free(&self, zone: usize, value: f64) -> bool {
        let empty = self.empty.as_ref().and_then(|empty| empty.get(zone));
        empty.zip(self.span).is_some_and(|(empty, span)| (value - empty).abs() <= span * FREE_SHARE)
    }

    /// Tells whether a value is an end of what the sensor can say, or zero.
    fn is_end(&self, value: f64) -> bool {
        value == 0.0 || self.range.is_some_and(|(low, high)| value - low == 0.0 || value - high == 0.0)
    }
}

impl Zone {
    fn take(&mut self, at: Moment, value: f64, alone: bool, about: &Circumstances) {
        if !about.is_usable(value) {
            let (since, readings, _) = self.failed.unwrap_or((at, 0, false));
            self.failed = Some((since, readings.saturating_add(1), value.is_finite()));
            self.back = 0;
            return;
        }
        self.failed = None;
        if let (Some(width), true) = (about.width, self.readings > 0) {
            let step = ((value - self.value).abs() / width).min(1.0);
            self.wild += (step - self.wild) * WILD_FOLLOWS;
            self.wild_lately += (step - self.wild_lately) * LATELY_FOLLOWS;
        }
        self.readings = self.readings.saturating_add(1);
        if self.since.is_some() && value - self.value == 0.0 {
            self.run = self.run.saturating_add(1);
            return;
        }
        let run = std::mem::take(&mut self.run);
        let (longest, seen) = self.usual_mut(about.occupied == Some(true));
        *longest = (*longest * FORGETS).max(f64::from(run));
        *seen = seen.saturating_add(1);
        self.changes = self.changes.saturating_add(1);
        self.back = self.back.saturating_add(1);
        let step = (value - self.value).abs();
        (self.value, self.since, self.alone) = (value, Some(at), alone.then_some(step));
    }

    /// The others must not follow a step with theirs.
    fn stays_alone(&mut self, others: f64) {
        if self.run <= SUSPECT_READINGS && self.dead.is_none() {
            self.alone = self.alone.filter(|step| others <= step * OTHERS_SHARE);
        }
    }

    fn judge(&mut self, at: Moment, about: &Circumstances, others_move: bool, never_moved: bool) {
        if let Some((since, readings, outside)) = self.failed {
            if readings >= FAILED_READINGS && at.since(since) >= FAILED_AFTER {
                self.dead = Some(if outside { MatFault::OutOfRange } else { MatFault::Implausible });
            }
            return;
        }
        if self.wild > WILD {
            self.die(MatFault::Implausible);
        } else if self.rests(at) && others_move && (self.alone.is_some() || never_moved || self.is_stuck(about)) {
            let end = about.is_end(self.value);
            self.die(if end { MatFault::Unplugged } else { MatFault::Stuck });
        } else if self.dead.is_some() && self.back >= BACK_READINGS && self.wild < TAME {
            (self.dead, self.alone) = (None, None);
        }
    }

    fn die(&mut self, fault: MatFault) {
        self.dead = self.dead.or(Some(fault));
        self.back = 0;
    }

    fn rests(&self, at: Moment) -> bool {
        self.run >= STUCK_READINGS && self.since.is_some_and(|since| at.since(since) >= STUCK_AFTER)
    }

    /// It moved all the time and does not any more. At an end of its range that is an empty or a full zone.
    fn is_stuck(&self, about: &Circumstances) -> bool {
        let [nobody, somebody] = self.usual;
        let longest = nobody.0.max(somebody.0);
        let known = nobody.1 >= KNOWN_READINGS && somebody.1 >= KNOWN_READINGS;
        known && !about.is_end(self.value) && f64::from(self.run) >= longest * f64::from(STUCK_RUNS)
    }

    fn is_used_to_rest(&self) -> bool {
        self.usual.iter().any(|(longest, _)| *longest >= f64::from(USED_TO_REST_READINGS))
    }

    fn never_rests(&self) -> bool {
        self.usual.iter().all(|(longest, _)| *longest < f64::from(STUCK_READINGS)) && self.run < STUCK_READINGS
    }

    fn has_never_moved(&self) -> bool {
        f64::from(self.changes) < f64::from(self.readings) * NEVER_MOVED_SHARE
    }

    fn usual_mut(&mut self, occupied: bool) -> &mut (f64, u32) {
        let [nobody, somebody] = &mut self.usual;
        if occupied { somebody } else { nobody }
    }
}
