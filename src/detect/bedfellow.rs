//! Two in one bed, on a sensor that weighs the whole of it: whoever of them leaves takes her own weight with her and
//! leaves the other's behind.
//!
//! Load cells under the legs count whoever lies there in full. The resident who gets up from beside her husband then
//! leaves his weight behind, and what she leaves is no more to be waited for than the bed itself. A carer who sits with
//! her for a while comes and goes as well, and is neither a person in bed nor one who leaves it: only who has stayed
//! long counts. A sensor weighs where somebody has lain steadily on it for long: on mats, posture and creep move the
//! level within minutes, so nothing here ever happens to them. Knows weights, not people: it cannot say who of them left.

use std::time::Duration;

use super::levels::Pair;
use super::signal::{Frame, Zones};
use crate::model::Moment;

/// How long somebody must have lain there steadily for a sensor that weighs: longer than anybody sits on the edge.
const WEIGHS_AFTER: Duration = Duration::from_secs(10 * 60);

/// How long both must have lain there to be a couple: longer than a carer sits on a bed.
const BOTH_STAY: Duration = Duration::from_secs(20 * 60);

/// Somebody else's load as a share of the first one's: above what a cat adds to a light woman (12 kg to 35 kg).
const SECOND_SHARE_MIN: f64 = 0.4;

/// And at the most: 103 kg beside 35 kg.
const SECOND_SHARE_MAX: f64 = 3.0;

/// At the most, where who lay there first has not been known for long and may be a cat.
const SECOND_SHARE_MAX_FIRST: f64 = 2.0;

/// For how long somebody must have been followed in bed to be no cat.
const KNOWN_AFTER: Duration = Duration::from_secs(1800);

/// A load this much above the first one's is not followed as hers: a bag or a cat is added to it, or somebody.
const ABOVE_ALONE: f64 = 1.2;

/// A level within this share of the load is the same: a scale keeps it, a mat moves with each posture and creeps by 10 %
/// for each tenfold of the time.
const STEADY_SHARE: f64 = 0.01;

/// A level that is left for less than this was only moved on.
const MOVED_MAX: Duration = Duration::from_secs(60);

/// The mean over this long smooths a turn in bed away.
const SMOOTH: Duration = Duration::from_secs(20);

/// Two together weigh the same as before within this share: bags and cats are less, and cells creep by 0.01.
const SAME_WEIGHT: f64 = 0.05;

/// Beside the one of two who remained less than this share of the other is somebody else.
const OTHER_SHARE_MIN: f64 = 0.75;

/// Below this share of the lighter one both have left.
const NOBODY_SHARE: f64 = 0.3;

/// Watches for a second one.
#[derive(Debug, Clone, Default)]
pub(super) struct Bedfellow {
    stay: Option<Stay>,
    /// Whether somebody has lain on it as steadily as on a scale.
    weighs: bool,
    /// The most that a second one may add, as a share of the first one's load.
    second_max: f64,
    /// Whether the load has been what is known of the first one since she came: else it is somebody else, be she heavier.
    is_known: bool,
    /// Since when somebody is there beside who lay there first.
    company: Option<Moment>,
    /// Since when that load is away.
    away: Option<Moment>,
    couple: Option<Couple>,
    /// What two added who shared this bed before, each of them.
    former: Option<[Zones; 2]>,
    /// What lay there at last, where two share the bed.
    latest: Option<Frame>,
}

/// A stay at one level.
#[derive(Debug, Clone, Copy)]
struct Stay {
    since: Moment,
    level: f64,
    smooth: Zones,
    seen: Moment,
    away: Option<Moment>,
}

/// Two who lie there, or one of them.
#[derive(Debug, Clone, Copy)]
struct Couple {
    /// The bed without either, as loads.
    bare: Zones,
    /// What each of them adds.
    each: [Zones; 2],
}

impl Bedfellow {
    /// Takes the loads of an occupied bed; tells, once, the levels that hold from now on, as there are two.
    /// `lain`: for how long the first one has been followed.
    pub(super) fn take(&mut self, at: Moment, frame: &Frame, pair: &Pair, lain: Duration) -> Option<Pair> {
        self.second_max = if lain < KNOWN_AFTER { SECOND_SHARE_MAX_FIRST } else { SECOND_SHARE_MAX };
        let stay = self.stay.get_or_insert_with(|| Stay::new(at, frame.loads));
        let smooth = stay.follow(at, &frame.loads);
        let alone = sum(&pair.occupied) - sum(&pair.empty);
        let share = (sum(&smooth) - sum(&pair.empty)) / alone;
        self.is_known = (self.is_known || share <= ABOVE_ALONE) && share <= 1.0 + self.second_max;
        self.weighs |= stay.is_steady_for(at, sum(&pair.empty)) >= WEIGHS_AFTER;
        if !self.weighs || !self.is_known || self.couple.is_some() || alone <= 0.0 {
            self.company = None;
            return None;
        }
        if let Some(pair) = self.again(at, &smooth, pair) {
            return Some(pair);
        }
        let second = sum(&smooth) - sum(&pair.occupied);
        if !(SECOND_SHARE_MIN * alone..=self.second_max * alone).contains(&second) {
            self.away = self.company.and(self.away.or(Some(at)));
            if self.away.is_some_and(|away| at.since(away) >= MOVED_MAX) {
                (self.company, self.away) = (None, None);
            }
            return None;
        }
        self.away = None;
        if at.since(*self.company.get_or_insert(at)) < BOTH_STAY {
            return None;
        }
        self.company = None;
        let each = [less(&pair.occupied, &pair.empty), less(&smooth, &pair.occupied)];
        self.couple = Some(Couple { bare: pair.empty, each });
        self.former = Some(each);
        Some(Pair { empty: pair.occupied, occupied: smooth })
    }

    /// Tells whether the two are back who were there before, by what they weigh together.
    fn again(&mut self, at: Moment, smooth: &Zones, pair: &Pair) -> Option<Pair> {
        let [one, other] = self.former?;
        let (both, there) = (sum(&one) + sum(&other), sum(smooth) - sum(&pair.empty));
        let stays = self.stay.is_some_and(|stay| at.since(stay.since) >= MOVED_MAX);
        if !stays || (there - both).abs() > SAME_WEIGHT * both {
            return None;
        }
        self.couple = Some(Couple { bare: pair.empty, each: [one, other] });
        Some(Pair { empty: more(&pair.empty, &one), occupied: more(&more(&pair.empty, &one), &other) })
    }

    /// Tells whether a load beside the one of two who remained is not that of the other: a carer's, a bag's.
    pub(super) fn is_stranger(&self, share: f64) -> bool {
        self.is_couple() && share < OTHER_SHARE_MIN
    }

    /// Tells whether a load is not to be followed as that of who lies there: there are two, or may be.
    pub(super) fn holds(&self, share: f64) -> bool {
        self.is_couple() || (self.weighs && self.is_known && (ABOVE_ALONE..=1.0 + self.second_max).contains(&share))
    }

    /// Tells whether two share this bed, be it that one of them is away.
    pub(super) fn is_couple(&self) -> bool {
        self.couple.is_some()
    }

    /// Returns what two who lie there show, as a share of the one that is missing if one is: 1 both, 0 one of them.
    pub(super) fn share(&mut self, frame: &Frame) -> Option<f64> {
        self.latest = Some(*frame);
        let Couple { bare, each } = self.couple.as_ref()?;
        let [one, other] = each.map(|weight| frame.sum_of(&weight));
        let there = frame.total() - frame.sum_of(bare);
        if there < one.min(other) {
            return Some(there / one.min(other) - 1.0);
        }
        Some(((there - one).abs() / other).min((there - other).abs() / one))
    }

    /// One has left, or both; returns the levels that hold from now on.
    pub(super) fn left(&mut self) -> Option<Pair> {
        let (Couple { bare, each }, frame) = (self.couple?, self.latest?);
        let [one, other] = each.map(|weight| frame.sum_of(&weight));
        let there = frame.total() - frame.sum_of(&bare);
        let [first, second] = each;
        if there < NOBODY_SHARE * one.min(other) {
            self.clear();
            return Some(Pair { empty: bare, occupied: more(&bare, &first) });
        }
        let remains = if (there - one).abs() <= (there - other).abs() { first } else { second };
        let empty = more(&bare, &remains);
        Some(Pair { empty, occupied: more(&more(&bare, &first), &second) })
    }

    /// Returns the levels of whoever remained alone in an apparently empty bed: without her, and with her.
    pub(super) fn remaining(&self, pair: &Pair) -> Option<Pair> {
        self.couple.map(|couple| Pair { empty: couple.bare, occupied: pair.empty })
    }

    /// The zero of the sensor has moved.
    pub(super) fn moved(&mut self, by: &Zones) {
        if let Some(couple) = &mut self.couple {
            couple.bare = more(&couple.bare, by);
        }
        self.stay = None;
    }

    /// Nobody is there any more.
    pub(super) fn clear(&mut self) {
        let Self { weighs, second_max, former, .. } = *self;
        *self = Self { weighs, second_max, former, ..Self::default() };
    }
}

impl Stay {
    fn new(at: Moment, loads: Zones) -> Self {
        Self { since: at, level: sum(&loads), smooth: loads, seen: at, away: None }
    }

    /// Follows the loads; returns them smoothed. The level itself is the mean of the first minute.
    fn follow(&mut self, at: Moment, loads: &Zones) -> Zones {
        let part = (at.since(self.seen).as_secs_f64() / SMOOTH.as_secs_f64()).min(1.0);
        self.seen = at;
        for (smooth, load) in self.smooth.iter_mut().zip(loads) {
            *smooth += (load - *smooth) * part;
        }
        if at.since(self.since) < MOVED_MAX {
            self.level = sum(&self.smooth);
        }
        self.smooth
    }

    /// Tells for how long the level has been the same; begins anew where it has moved.
    fn is_steady_for(&mut self, at: Moment, empty: f64) -> Duration {
        let load = (self.level - empty).max(f64::MIN_POSITIVE);
        if (sum(&self.smooth) - self.level).abs() <= STEADY_SHARE * load {
            self.away = None;
            return at.since(self.since);
        }
        if at.since(*self.away.get_or_insert(at)) >= MOVED_MAX {
            *self = Self::new(at, self.smooth);
        }
        Duration::ZERO
    }
}

fn sum(zones: &Zones) -> f64 {
    zones.iter().sum()
}

fn more(one: &Zones, other: &Zones) -> Zones {
    std::array::from_fn(|zone| at(one, zone) + at(other, zone))
}

fn less(one: &Zones, other: &Zones) -> Zones {
    std::array::from_fn(|zone| at(one, zone) - at(other, zone))
}

fn at(zones: &Zones, zone: usize) -> f64 {
    zones.get(zone).copied().unwrap_or_default()
}
