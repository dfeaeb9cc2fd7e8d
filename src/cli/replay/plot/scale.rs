//! From times and loads to places in the picture, and the ticks of both axes. PURE.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::float;
use super::track::Track;

/// The steps that a time axis may have, in seconds.
const STEPS_S: [i64; 19] =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 604_800];

/// The part of the columns whose extremes may lie beyond the scale: glitches must not squeeze the night.
const BEYOND_PART: usize = 50;

/// The scale reaches as far as the extremes where that makes it longer by no more than this factor.
const STRETCH_MAX: f64 = 1.6;

/// From times to places across.
#[derive(Debug, Clone, Copy)]
pub(super) struct Across {
    first: i64,
    last: i64,
    left: f64,
    width: f64,
}

impl Across {
    pub(super) fn new((first, last): (i64, i64), left: f64, width: f64) -> Self {
        Self { first, last, left, width }
    }

    /// Returns the place of a time in milliseconds of UTC, at the edge where it lies beyond.
    pub(super) fn at(&self, ms: i64) -> f64 {
        let part = float(ms.clamp(self.first, self.last) - self.first) / float(self.last - self.first);
        self.left + part * self.width
    }

    /// Returns the ticks: times in milliseconds of UTC with what the wall clock shows, and the step in seconds.
    pub(super) fn ticks(&self, zone: &TimeZone, ticks_max: i64) -> (Vec<(i64, DateTime)>, i64) {
        let span_s = (self.last - self.first) / 1_000;
        let fits = |step: &&i64| span_s / **step <= ticks_max;
        let step = STEPS_S.iter().find(fits).copied().unwrap_or_else(|| (span_s / ticks_max + 1).max(604_800));
        let mut ticks = Vec::new();
        let mut next = self.first.div_euclid(1_000) - 1;
        while let Some((second, shown)) = tick_after(next, step, zone).filter(|tick| tick.0 * 1_000 <= self.last) {
            if second * 1_000 >= self.first {
                ticks.push((second * 1_000, shown));
            }
            next = second;
        }
        (ticks, step)
    }
}

/// Returns the first tick after a time: where the wall clock shows a multiple of `step`, all in seconds.
fn tick_after(at: i64, step: i64, zone: &TimeZone) -> Option<(i64, DateTime)> {
    let offset = |second: i64| Some(i64::from(zone.to_offset(Timestamp::from_second(second).ok()?).seconds()));
    let aligned = |local: i64| (local.div_euclid(step) + 1) * step;
    let there = aligned(at + offset(at)?) - offset(at)?;
    if offset(there)? == offset(at)? {
        return shown(there, zone);
    }
    // The clocks change on the way. An hour that comes twice has two ticks; longer steps have one each.
    let second = aligned(at + offset(there)?) - offset(there)?;
    let repeats = second <= at || second - at <= step / 2;
    shown(if repeats { second + step } else { second }, zone)
}

fn shown(second: i64, zone: &TimeZone) -> Option<(i64, DateTime)> {
    Some((second, zone.to_datetime(Timestamp::from_second(second).ok()?)))
}

/// From loads to places upwards.
#[derive(Debug, Clone, Copy)]
pub(super) struct Upwards {
    least: f64,
    most: f64,
    top: f64,
    height: f64,
    /// Whether some loads lie beyond the scale.
    pub beyond: bool,
}

impl Upwards {
    /// Makes a scale on which the levels and all but single loads lie.
    pub(super) fn new(track: &Track, top: f64, height: f64) -> Self {
        let mut least: Vec<f64> = track.columns().filter_map(|(_, _, column)| Some(column.load?.least)).collect();
        let mut most: Vec<f64> = track.columns().filter_map(|(_, _, column)| Some(column.load?.most)).collect();
        least.sort_by(f64::total_cmp);
        most.sort_by(f64::total_cmp);
        let levels = || track.columns().filter_map(|(_, _, column)| column.levels).flat_map(|levels| levels.all());
        let usual_least = least.get(least.len() / BEYOND_PART).copied().unwrap_or(0.0);
        let usual_most = most.iter().rev().nth(most.len() / BEYOND_PART).copied().unwrap_or(1.0);
        let (low, high) = (levels().fold(usual_least, f64::min), levels().fold(usual_most, f64::max));
        let (lowest, highest) = (least.first().copied().unwrap_or(low), most.last().copied().unwrap_or(high));
        let fits = highest.max(high) - lowest.min(low) <= (high - low) * STRETCH_MAX;
        let (low, high) = if fits { (low.min(lowest), high.max(highest)) } else { (low, high) };
        let beyond = lowest < low || highest > high;
        let room = if high > low { (high - low) * 0.06 } else { low.abs().max(1.0) * 0.1 };
        Self { least: low - room, most: high + room, top, height, beyond }
    }

    /// Returns the place of a load, at the edge where it lies beyond.
    pub(super) fn at(&self, load: f64) -> f64 {
        let part = (load.clamp(self.least, self.most) - self.least) / (self.most - self.least);
        self.top + (1.0 - part) * self.height
    }

    /// Returns round loads on the scale, with the number of decimals that they need.
    pub(super) fn ticks(&self) -> (Vec<f64>, usize) {
        let rough = (self.most - self.least) / 4.0;
        let power = rough.log10().floor();
        let unit = 10_f64.powf(power);
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * unit).find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        let first = (self.least / step).ceil() * step;
        let ticks = (0_u8..8).map(|count| first + f64::from(count) * step).take_while(|load| *load <= self.most);
        let decimals = (1_u8..7).find(|count| power >= -f64::from(*count));
        (ticks.collect(), if power >= 0.0 { 0 } else { usize::from(decimals.unwrap_or(6)) })
    }
}
