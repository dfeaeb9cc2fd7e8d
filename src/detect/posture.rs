//! How she lies on this mat, and how much a reading speaks for her sitting on the edge instead.
//!
//! Where the load rests and how much of it there is count by their likelihood ratios, in nats, against how this person
//! lies on this mat: how far either spreads, and for what part of the time she lies in other ways altogether. PURE
//! arithmetic; decides nothing.

use std::time::Duration;

use super::place::{self, Pattern, Rim, Sighting};
use super::signal::{Frame, Zones};
use crate::model::reading::ZONES_MAX;

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

/// Who sits on the edge has all of her load there: this part of the way is all of it …
const WHOLE_WAY: f64 = 0.95;

/// … and so often she is seen to.
const SITS_WHOLLY: f64 = 0.6;

/// For what part of the time she lies there wholly, before it is known: of several zones, of two halves.
const WHOLLY: (f64, f64) = (0.004, 0.01);

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

/// How quickly the spreads follow.
const SPREAD_FOLLOWS: Duration = Duration::from_secs(1_800);

/// Lying for so long in all is needed before another place means anything where the edge is not known.
const KNOWN_AFTER: Duration = Duration::from_secs(120);

/// What one reading shows of her.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// How far the load has moved to the edge, as a part of the way; none where the edge is not known.
    pub way: Option<f64>,
    /// Which part of it is elsewhere; none where there is one zone.
    pub moved: Option<f64>,
    /// The load as a share of what lay there.
    pub share: f64,
    /// Which part of what lay there is still in its place.
    kept: f64,
}

/// How she lies.
#[derive(Debug, Clone)]
pub(super) struct Posture {
    /// What lies on each zone while she lies; nothing before she has.
    pub lies: Option<Zones>,
    /// For how long that has been followed.
    pub lain: Duration,
    load_spread: f64,
    place_spread: f64,
    moved_spread: f64,
    /// How often she lies on the far half of the way to the edge, how often just anywhere, and how often lightly.
    far: Habit,
    afar: Habit,
    wholly: Habit,
    light: Habit,
}

impl Posture {
    /// Starts with how she lay before, where that is known.
    pub(super) fn new(lies: Option<Zones>, zones: usize) -> Self {
        Self {
            lies,
            lain: Duration::ZERO,
            load_spread: LOAD_SPREAD.0,
            place_spread: PLACE_SPREAD.0,
            moved_spread: MOVED_SPREAD.0,
            far: Habit::new(if zones > 2 { STRAYS_IN_PLACE } else { STRAYS_IN_HALVES }),
            afar: Habit::new(MOVED_ANYHOW),
            wholly: Habit::new(if zones > 2 { WHOLLY.0 } else { WHOLLY.1 }),
            light: Habit::new(STRAYS_IN_LOAD),
        }
    }

    /// Tells whether she has lain there for long enough that another place means anything.
    pub(super) fn is_known(&self) -> bool {
        self.lain >= KNOWN_AFTER
    }

    /// Returns what a reading shows of her; `None` before it is known how she lies.
    pub(super) fn look(&self, rim: &Rim, loads: &Zones, seen: &Sighting, frame: &Frame) -> Option<Look> {
        let lies = self.lies?;
        let part_of_lies = |of: &Zones| frame.sum_of(of) / frame.sum_of(&lies).max(f64::MIN_POSITIVE);
        let share = part_of_lies(loads);
        let kept = part_of_lies(&std::array::from_fn(|zone| at_least_of(loads, &lies, zone)));
        let lies = place::sighting(&lies, &frame.working)?;
        if frame.working.iter().filter(|works| **works).count() < 2 {
            return Some(Look { way: None, moved: None, share, kept });
        }
        let edge = rim.place(&lies, self.moved_spread, &frame.working);
        let way = edge.map(|edge| part_of_way(&seen.place, &lies.place, &edge));
        Some(Look { way, moved: Some(place::apart(&seen.place, &lies.place)), share, kept })
    }

    /// Returns how much this speaks for the edge, in nats; `None` where she has not lain there for long enough to tell.
    pub(super) fn speaks(&self, look: &Look, rim: &Rim) -> Option<f64> {
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
        let Some(moved) = look.moved else { return Some(load) };
        let to_edge = look.way.map(|way| {
            let (lies, far) = ((0.0, self.place_spread), self.far.part());
            let way = way.clamp(0.0, 1.0);
            let near = likelier(way, ((1.0, EDGE_PLACE_SPREAD), 0.0), (lies, far));
            let wholly = if way >= WHOLE_WAY { (SITS_WHOLLY / self.wholly.part()).ln() } else { f64::NEG_INFINITY };
            near.max(wholly) + ALL_THE_WAY * (way - 0.5)
        });
        let elsewhere = self.is_known().then(|| self.elsewhere(moved));
        let other_edge = if rim.is_confirmed() { OTHER_EDGE_CONFIRMED } else { OTHER_EDGE };
        let place = match (to_edge, elsewhere) {
            (Some(to_edge), Some(elsewhere)) => to_edge.max(elsewhere - other_edge),
            (to_edge, elsewhere) => to_edge.or(elsewhere)?,
        };
        Some(load + LEFT_ITS_PLACE * (KEPT_EITHER_WAY - look.kept) + place)
    }

    /// Returns how much it speaks for an edge that this part of the load is elsewhere, in nats: of an edge that was never
    /// seen any distance is as likely, and in bed far ones are rare.
    fn elsewhere(&self, moved: f64) -> f64 {
        let lies = (-moved / self.moved_spread).exp() / self.moved_spread;
        -(lies + self.afar.part()).ln()
    }

    /// Moves what is taken for how she lies towards these loads.
    pub(super) fn lies_as(&mut self, loads: &Zones, passed: Duration, over: Duration) {
        let part = part(passed, over);
        if let Some(lies) = &mut self.lies {
            lies.iter_mut().zip(loads).for_each(|(lies, load)| *lies += (load - *lies) * part);
        }
    }

    /// Follows how far place and load spread while she lies.
    pub(super) fn follow(&mut self, passed: Duration, look: &Look) {
        self.lain = self.lain.saturating_add(passed);
        self.spreads(passed, look);
        self.strays(passed, look);
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

    /// Follows how often she lies in other ways altogether.
    pub(super) fn strays(&mut self, passed: Duration, look: &Look) {
        self.light.take(passed, look.share < STRAY_SHARE);
        if let Some(way) = look.way {
            self.far.take(passed, way > STRAY_WAY);
            self.wholly.take(passed, way >= WHOLE_WAY);
        }
        if let Some(moved) = look.moved {
            self.afar.take(passed, moved > STRAY_MOVED);
        }
    }
}

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

/// Stands for a density of nothing where a logarithm is taken.
const LEAST_DENSITY: f64 = 1e-6;

/// A normal distribution: its mean and its deviation.
type Normal = (f64, f64);

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
pub(super) fn part(step: Duration, over: Duration) -> f64 {
    (step.as_secs_f64() / over.as_secs_f64()).min(1.0)
}
