//! Where on the mat a load rests: where she lies, and where she gets in and out.
//!
//! A place is a pattern, each zone's part of the load. How the zones lie is not known and need not be: whoever gets into
//! bed or out of it does so over its edge, so the pattern of the load as it comes and as it goes is the edge of this bed.
//! Decides nothing.

use std::time::Duration;

use super::levels::Pair;
use super::signal::Zones;
use crate::model::Moment;
use crate::model::reading::ZONES_MAX;

/// Loads are kept as means of half a second at the finest.
const SLOT: Duration = Duration::from_millis(500);

/// So many of them; where there is no more room those that differ least become one, which keeps the changes of minutes
/// to hours.
const SLOTS: usize = 64;

/// The latest of them stay as they are: a rise is known 8 s after the load has gone.
const SLOTS_KEPT: usize = 24;

/// What was before a pause of this long says nothing of how she came.
const PAUSE: Duration = Duration::from_secs(5);

/// With less than this share of a lying person a pattern is noise, a hand or a pet.
const PATTERN_SHARE_MIN: f64 = 0.15;

/// With this share she sits rather than comes or goes.
const SITTING_SHARE: f64 = 0.3;

/// With more than this share she is not alone; on a small place she presses up to twice as hard on a mat as lying.
const COMING_SHARE_MAX: f64 = 2.5;

/// The load that comes is on the edge at first; this long after it came she may lie back.
const COMES_WITHIN: Duration = Duration::from_millis(1_200);

/// Whoever sits on the edge before she lies down does so for less than this (UCI 427: 95 % of those who get up 104 s).
const SITS_BEFORE: Duration = Duration::from_secs(120);

/// The load that goes is on the edge at last: before that she may still have sat up.
const GOES_WITHIN: Duration = Duration::from_secs(3);

/// How much a new coming or going counts against those before.
const EDGE_FOLLOWS: f64 = 0.4;

/// The edge must differ from where she lies by this part of the load, or the mat cannot show it.
const APART_MIN: f64 = 0.08;

/// And by this many times as much as her load moves on average.
const APART_MOVES: f64 = 2.0;

/// A pattern that differs from another by this part of the load, once normal turning is left out, is another place.
const SAME_PLACE: f64 = 0.15;

/// Each zone's part of the load; they add up to 1 over the zones that work.
pub(super) type Pattern = Zones;

/// Returns what lies on each zone above the empty bed, and the sum of it; zones that do not work have nothing.
pub(super) fn above(loads: &Zones, working: &[bool; ZONES_MAX], empty: &Zones) -> (Zones, f64) {
    let mut above = [0.0; ZONES_MAX];
    for ((above, works), (load, empty)) in above.iter_mut().zip(working).zip(loads.iter().zip(empty)) {
        *above = if *works { (load - empty).max(0.0) } else { 0.0 };
    }
    (above, above.iter().sum())
}

/// Returns the pattern of loads, over the zones that work; `None` where nothing lies there.
pub(super) fn pattern(loads: &Zones, working: &[bool; ZONES_MAX]) -> Option<Pattern> {
    let of_zone = |zone: usize| {
        let works = working.get(zone).copied().unwrap_or_default();
        loads.get(zone).copied().filter(|_| works).unwrap_or_default()
    };
    let total: f64 = (0..ZONES_MAX).map(of_zone).sum();
    (total > 0.0).then(|| std::array::from_fn(|zone| of_zone(zone) / total))
}

/// Returns loads as they are seen, over the zones that work; `None` where nothing lies there.
pub(super) fn sighting(loads: &Zones, working: &[bool; ZONES_MAX]) -> Option<Sighting> {
    let load = loads.iter().zip(working).filter(|(_, works)| **works).map(|(load, _)| load).sum();
    pattern(loads, working).map(|place| Sighting { place, load })
}

/// Returns which part of the load rests elsewhere: 0 the same place, 1 another one altogether.
pub(super) fn apart(one: &Pattern, other: &Pattern) -> f64 {
    0.5 * one.iter().zip(other).map(|(one, other)| (one - other).abs()).sum::<f64>()
}

/// A load as it came or went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sighting {
    /// Where it was.
    pub place: Pattern,
    /// How much of it.
    pub load: f64,
}

/// The loads of the last minutes.
#[derive(Debug, Clone)]
pub(super) struct Trail {
    slots: [Slot; SLOTS],
    used: usize,
    last: Moment,
}

/// The mean load of each zone over a while. Single precision is finer than any mat.
#[derive(Debug, Clone, Copy)]
struct Slot {
    from: Moment,
    count: f32,
    loads: [f32; ZONES_MAX],
}

impl Slot {
    fn join(&mut self, other: &Self) {
        let part = other.count / (self.count + other.count);
        self.count += other.count;
        for (mean, load) in self.loads.iter_mut().zip(&other.loads) {
            *mean += (load - *mean) * part;
        }
    }

    fn differs(&self, other: &Self) -> f32 {
        self.loads.iter().zip(&other.loads).map(|(one, other)| (one - other).abs()).sum()
    }
}

impl Trail {
    /// Takes the loads at `at`.
    pub(super) fn take(&mut self, at: Moment, loads: &Zones) {
        if at.since(std::mem::replace(&mut self.last, at)) >= PAUSE {
            self.used = 0;
        }
        let now = Slot { from: at, count: 1.0, loads: loads.map(narrow) };
        let latest = self.used.checked_sub(1).and_then(|latest| self.slots.get_mut(latest));
        if let Some(slot) = latest.filter(|slot| at.since(slot.from) < SLOT) {
            return slot.join(&now);
        }
        if self.used == SLOTS {
            self.make_room();
        }
        if let Some(slot) = self.slots.get_mut(self.used) {
            *slot = now;
            self.used += 1;
        }
    }

    fn make_room(&mut self) {
        let old = self.slots.windows(2).take(SLOTS - SLOTS_KEPT).enumerate();
        let differs = old.filter_map(|(index, two)| Some((index, two.first()?.differs(two.last()?))));
        let Some((index, _)) = differs.min_by(|(_, one), (_, other)| one.total_cmp(other)) else { return };
        if let Some([one, other]) = self.slots.get_mut(index..index + 2) {
            one.join(other);
        }
        self.slots.copy_within(index + 2.., index + 1);
        self.used -= 1;
    }

    /// Returns the pattern with which the load came that was there at `since`.
    pub(super) fn coming(&self, since: Moment, pair: &Pair, working: &[bool; ZONES_MAX]) -> Option<Sighting> {
        let shares = Shares { pair, working };
        let before = self.known().iter().rev().skip_while(|slot| slot.from > since);
        let there = before.take_while(|slot| shares.of(slot).1 >= PATTERN_SHARE_MIN);
        let first = there.last().map_or(since, |slot| slot.from);
        // Whoever was there already when the first reading came may lie anywhere.
        let seen_empty = self.known().first().is_some_and(|slot| slot.from < first);
        if since.since(first) > SITS_BEFORE || !seen_empty {
            return None;
        }
        let comes = self.known().iter().filter(|slot| (first..=first + COMES_WITHIN).contains(&slot.from));
        shares.last_sitting(&comes.rev())
    }

    /// Returns the pattern with which it went, gone at `gone`.
    pub(super) fn going(&self, gone: Moment, pair: &Pair, working: &[bool; ZONES_MAX]) -> Option<Sighting> {
        let goes = self.known().iter().filter(|slot| (gone - GOES_WITHIN..gone).contains(&slot.from));
        Shares { pair, working }.last_sitting(&goes.rev())
    }

    fn known(&self) -> &[Slot] {
        self.slots.get(..self.used).unwrap_or_default()
    }
}

/// How loads become patterns.
struct Shares<'a> {
    pair: &'a Pair,
    working: &'a [bool; ZONES_MAX],
}

impl Shares<'_> {
    /// Returns the loads above the empty bed, and their sum as a share of a lying person.
    fn of(&self, slot: &Slot) -> (Zones, f64) {
        let (_, lying) = above(&self.pair.occupied, self.working, &self.pair.empty);
        let (loads, total) = above(&slot.loads.map(f64::from), self.working, &self.pair.empty);
        (loads, if lying > 0.0 { total / lying } else { 0.0 })
    }

    /// Returns the pattern of the first that sits there, else of the first whose pattern means anything.
    fn last_sitting<'s>(&self, slots: &(impl Iterator<Item = &'s Slot> + Clone)) -> Option<Sighting> {
        let over = |least: f64| {
            let mut fits =
                slots.clone().map(|slot| self.of(slot)).filter(|(_, share)| (least..=COMING_SHARE_MAX).contains(share));
            let (loads, _) = fits.next()?;
            pattern(&loads, self.working).map(|place| Sighting { place, load: loads.iter().sum() })
        };
        over(SITTING_SHARE).or_else(|| over(PATTERN_SHARE_MIN))
    }
}

impl Default for Trail {
    fn default() -> Self {
        Self {
            slots: [Slot { from: Moment::from_nanos(0), count: 0.0, loads: [0.0; ZONES_MAX] }; SLOTS],
            used: 0,
            last: Moment::from_nanos(0),
        }
    }
}

/// Where she gets in and out.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rim {
    place: Option<Pattern>,
    /// The most that was seen to come or go there.
    load: f64,
    /// How often she has been seen to come or go there, less how often elsewhere.
    votes: u32,
}

impl Rim {
    /// Starts with what was known before.
    pub(super) fn new(place: Option<Pattern>) -> Self {
        Self { place, load: f64::INFINITY, votes: u32::from(place.is_some()) }
    }

    /// Returns the pattern that was seen, for what a restart must know.
    pub(super) fn seen(&self) -> Option<Pattern> {
        self.place
    }

    /// Takes a load as it came or went. `lies`: how she lies, where that is known.
    pub(super) fn learn(&mut self, seen: &Sighting, lies: Option<&Sighting>) {
        let Sighting { place: seen, load } = seen;
        // Who jumps out between two readings was last seen lying.
        if lies.is_some_and(|lies| apart(seen, &lies.place) < APART_MIN) {
            return;
        }
        let hers = self.votes > 0 && lies.is_none_or(|lies| self.is_hers(lies.load));
        let Some(place) = self.place.as_mut().filter(|_| hers) else {
            (self.place, self.load, self.votes) = (Some(*seen), *load, 1);
            return;
        };
        self.load = self.load.max(*load);
        let elsewhere = lies.is_some_and(|lies| apart(seen, place) > apart(seen, &lies.place).max(SAME_PLACE));
        if elsewhere {
            self.votes -= 1;
            return;
        }
        self.votes = (self.votes + 1).min(RIM_VOTES_MAX);
        for (place, seen) in place.iter_mut().zip(seen) {
            *place += (seen - *place) * EDGE_FOLLOWS;
        }
    }

    /// Returns the pattern of the edge, where it is known and differs from where she lies by more than `moves`, how much
    /// of her load is elsewhere on average.
    pub(super) fn place(&self, lies: &Sighting, moves: f64, working: &[bool; ZONES_MAX]) -> Option<Pattern> {
        let place = pattern(&self.place.filter(|_| self.is_hers(lies.load))?, working)?;
        (apart(&place, &lies.place) >= APART_MIN.max(APART_MOVES * moves)).then_some(place)
    }

    /// Tells whether what came there may be a person with so much load: a cat on an empty bed came where cats come.
    fn is_hers(&self, lies: f64) -> bool {
        self.load >= SITTING_SHARE * lies
    }

    /// Tells whether she was seen there more than once.
    pub(super) fn is_confirmed(&self) -> bool {
        self.votes > 1
    }

    /// Tells whether a pattern may be of somebody who has come and not moved on from there.
    pub(super) fn is_at(&self, seen: &Sighting) -> bool {
        self.is_hers(seen.load) && self.place.is_some_and(|place| apart(&place, &seen.place) < SAME_PLACE)
    }
}

/// What has been seen often is given up only after as many times of the contrary.
const RIM_VOTES_MAX: u32 = 4;

#[expect(clippy::cast_possible_truncation, reason = "finer than any mat")]
fn narrow(load: f64) -> f32 {
    load as f32
}
