//! From the channels of a reading to loads: what lies on each zone, counted upwards.
//!
//! Says which readings cannot be used and why, which zones do not work, and follows the noise; keeps no opinion about
//! who lies there.

use std::time::Duration;

use crate::model::reading::ZONES_MAX;
use crate::model::{Channels, MatFault, Moment};

use super::levels::Pair;
use super::settings::Settings;

/// How quickly the estimate of the noise follows: about the last sixty steps.
const NOISE_FOLLOWS: f64 = 1.0 / 64.0;

/// A step this many times larger than the noise is movement and says nothing about noise.
const NOISE_STEP_MAX: f64 = 6.0;

/// Steps after which the noise is known.
const NOISE_STEPS_MIN: u32 = 64;

/// How quickly the noise of quiet times rises at each reading: a third in an hour at 1 reading a second.
const QUIET_RISES: f64 = 1.0001;

/// Values that are rounded to whole steps move by this part of a step on average, where they are anywhere between two: the
/// mean difference of two uniform distributions. A mat that rests on one step shows none of that.
const ROUNDING: f64 = 1.0 / 3.0;

/// Steps after which the smallest of them is taken for a whole one: a mat that is perfectly still may begin with a person.
const ROUNDING_STEPS: u32 = 64;

/// Steps below this share of the value are the rounding of the computer.
const STEP_SHARE_MIN: f64 = 1e-9;

/// Where a force-sensitive resistor in a divider would need infinite force, as a share of the range: its voltage is
/// `V F / (F + k)` (Interlink FSR 400 data sheet, voltage divider). A little above 1, so that a sensor that is linear
/// after all keeps its middle, and its noise at the end of the range stays finite.
const DIVIDER_END: f64 = 1.2;

/// Above this part of the range a given level says little about a load: there a straightened scale makes half as
/// much load again of a tenth more, and of a sensor that is straight after all far too much.
const GIVEN_PART_MAX: f64 = 0.8;

/// But no lower than this part of the way from the empty level.
const GIVEN_WAY_MIN: f64 = 0.75;

/// A zone that gives nothing usable for this long does not work; until then its last value stands in.
const ZONE_LOST_AFTER: Duration = Duration::from_secs(20);

/// One number a zone.
pub(super) type Zones = [f64; ZONES_MAX];

/// What one reading says.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "made and taken apart once a reading; a box would be an allocation")]
pub(super) enum Sample {
    /// The loads.
    Loads(Frame),
    /// Nothing that can be used, and why.
    Unusable(MatFault),
}

/// The loads of one reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    /// The load of each zone, counted upwards; grows with the force, in a unit of the sensor's own.
    pub loads: Zones,
    /// The value of each zone as the sensor gives it, but counted upwards: its noise is the same at any load.
    pub values: Zones,
    /// Which zones work.
    pub working: [bool; ZONES_MAX],
    /// The end of what the sensor can say at which every working zone lies exactly, if at one.
    pub end: Option<End>,
}

impl Frame {
    fn put(&mut self, zone: usize, load: f64, value: f64) {
        let slots = (self.loads.get_mut(zone), self.values.get_mut(zone), self.working.get_mut(zone));
        if let (Some(loads), Some(values), Some(working)) = slots {
            (*loads, *values, *working) = (load, value, true);
        }
    }

    /// Returns how many zones work, at least 1.
    pub(super) fn zones(&self) -> u8 {
        self.working.iter().filter(|works| **works).fold(0_u8, |count, _| count.saturating_add(1)).max(1)
    }

    /// Returns the sum over the zones that work.
    pub(super) fn total(&self) -> f64 {
        self.sum_of(&self.loads)
    }

    /// Tells whether every zone that works reads exactly zero.
    pub(super) fn is_zero(&self) -> bool {
        // The end of the range is what the sensor says, not the result of a calculation.
        self.working.iter().zip(&self.values).all(|(works, value)| !works || *value == 0.0)
    }

    /// Returns the sum of some value of each zone over the zones that work.
    pub(super) fn sum_of(&self, zones: &Zones) -> f64 {
        zones.iter().zip(&self.working).filter(|(_, works)| **works).map(|(zone, _)| zone).sum()
    }
}

/// An end of what the sensor can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Where nothing lies on the mat.
    Unloaded,
    /// Where it cannot show any more.
    Loaded,
}

/// The state that reading a mat needs.
#[derive(Debug, Clone)]
pub(super) struct Signal {
    range: Option<(f64, f64)>,
    inverted: bool,
    /// Whether it is known which way load moves the value.
    way_known: bool,
    zones: usize,
    kept: Zones,
    usable_at: [Option<Moment>; ZONES_MAX],
    /// Zones that are left out, whatever they read.
    left_out: [bool; ZONES_MAX],
    last: Option<f64>,
    noise: f64,
    quiet: f64,
    /// The smallest step of the sum that was ever seen, and how many there were; 0 before.
    quantum: f64,
    moves: u32,
    steps: u32,
}

impl Signal {
    pub(super) fn new(settings: &Settings) -> Self {
        let given = settings.empty.as_ref().zip(settings.occupied.as_ref());
        let falls = given.is_some_and(|(empty, occupied)| occupied.iter().sum::<f64>() < empty.iter().sum::<f64>());
        Self {
            range: settings.range.filter(|_| !settings.contact),
            inverted: settings.invert || falls,
            way_known: settings.invert || given.is_some(),
            zones: settings.zones.clamp(1, ZONES_MAX),
            kept: [f64::NAN; ZONES_MAX],
            usable_at: [None; ZONES_MAX],
            left_out: [false; ZONES_MAX],
            last: None,
            noise: 0.0,
            quiet: f64::INFINITY,
            quantum: 0.0,
            moves: 0,
            steps: 0,
        }
    }

    /// Tells whether it is known which way load moves the value.
    pub(super) fn is_way_known(&self) -> bool {
        self.way_known
    }

    /// Leaves a zone out of everything, or takes it in again; tells whether that changes anything.
    pub(super) fn leave_out(&mut self, zone: usize, out: bool) -> bool {
        let Some(slot) = self.left_out.get_mut(zone).filter(|slot| **slot != out) else { return false };
        *slot = out;
        // The sum jumps by what the zone says: that is no noise.
        self.last = None;
        true
    }

    /// Returns what the sensor can say, of each zone.
    pub(super) fn range(&self) -> Option<(f64, f64)> {
        self.range
    }

    /// Tells whether a value, counted upwards, is the loaded end of what the sensor can say.
    pub(super) fn is_full(&self, value: f64) -> bool {
        self.range.is_some_and(|(low, high)| value - if self.inverted { -low } else { high } == 0.0)
    }

    /// Returns how many zones there are.
    pub(super) fn zones(&self) -> usize {
        self.zones
    }

    /// Returns the loads that given levels stand for.
    pub(super) fn levels(&self, given: &[f64]) -> Zones {
        let mut loads = [0.0; ZONES_MAX];
        for (load, value) in loads.iter_mut().zip(given) {
            *load = self.load(*value);
        }
        loads
    }

    /// Returns the loads of somebody lying there that given levels stand for: no more than they surely say, since whoever
    /// is lighter than she who was measured must not look like a bag. Who is heavier is followed within seconds.
    pub(super) fn lying(&self, empty: &[f64], lying: &[f64]) -> Zones {
        let mut loads = self.levels(lying);
        let Some((low, high)) = self.range else { return loads };
        let (end, width) = if self.inverted { (high, low - high) } else { (low, high - low) };
        for (load, (empty, lying)) in loads.iter_mut().zip(empty.iter().zip(lying)) {
            let (empty, lying) = ((empty - end) / width, (lying - end) / width);
            let surely = GIVEN_PART_MAX.max(empty + GIVEN_WAY_MIN * (lying - empty)).min(lying);
            *load = self.load(end + surely * width);
        }
        loads
    }

    /// Returns the loads that values counted upwards stand for.
    pub(super) fn loads_of(&self, values: &Zones) -> Zones {
        values.map(|value| self.load(if self.inverted { -value } else { value }))
    }

    /// Load makes the value fall on this mat, or does not after all: takes it the other way round from now on.
    pub(super) fn turn_round(&mut self) {
        self.inverted = !self.inverted;
        self.last = None;
    }

    /// Tells whether the unloaded end is known.
    pub(super) fn has_end(&self) -> bool {
        self.range.is_some()
    }

    /// Returns how far the values, counted upwards and summed, lie from the unloaded end, where there is one.
    pub(super) fn above_end(&self, sum: f64) -> f64 {
        let zones = u32::try_from(self.zones).map_or(1.0, f64::from);
        let end = self.range.map_or(0.0, |(low, high)| if self.inverted { -high } else { low });
        sum - zones * end
    }

    /// As [`Self::above_end`], of the other end, where a mat is unloaded whose value falls with load; none where no range is
    /// known.
    pub(super) fn below_end(&self, sum: f64) -> Option<f64> {
        let zones = u32::try_from(self.zones).map_or(1.0, f64::from);
        self.range.map(|(low, high)| zones * if self.inverted { -low } else { high } - sum)
    }

    /// Returns how much the sum moves by itself from one reading to the next.
    pub(super) fn noise(&self) -> f64 {
        self.noise
    }

    /// As [`Self::noise`], and what rounding hides of it.
    pub(super) fn noise_with_rounding(&self) -> f64 {
        self.noise.max(ROUNDING * self.quantum())
    }

    /// Returns the smallest step that the sum makes; 0 where that is not known.
    pub(super) fn quantum(&self) -> f64 {
        if self.moves < ROUNDING_STEPS { 0.0 } else { self.quantum }
    }

    /// Returns how much a lying person moves a zone in the mean, in the sensor's own unit.
    pub(super) fn span(&self, pair: &Pair) -> f64 {
        let zones = pair.empty.iter().zip(&pair.occupied).take(self.zones);
        let sum: f64 = zones.map(|(empty, occupied)| (self.value(*occupied) - self.value(*empty)).abs()).sum();
        sum / u32::try_from(self.zones).map_or(1.0, f64::from)
    }

    /// Returns how little it has moved by itself in quiet times.
    pub(super) fn quiet_noise(&self) -> f64 {
        self.quiet
    }

    /// Returns a swing as a share of what the sensor can say, where that is known.
    pub(super) fn of_range(&self, swing: f64) -> Option<f64> {
        let zones = u32::try_from(self.zones).map_or(1.0, f64::from);
        self.range.map(|(low, high)| swing / ((high - low) * zones))
    }

    /// Returns the value of the sensor that a load stands for: the opposite of what [`Self::take`] does to a zone.
    pub(super) fn value(&self, load: f64) -> f64 {
        let Some((low, high)) = self.range.filter(|(low, high)| high > low) else {
            return if self.inverted { -load } else { load };
        };
        let width = high - low;
        let part = load / width * DIVIDER_END / (DIVIDER_END + load / width);
        if self.inverted { high - part * width } else { low + part * width }
    }

    /// Returns the value that a load stands for, counted upwards.
    pub(super) fn upwards(&self, load: f64) -> f64 {
        if self.inverted { -self.value(load) } else { self.value(load) }
    }

    /// Returns the load that a value of the sensor stands for.
    fn load(&self, value: f64) -> f64 {
        let Some((low, high)) = self.range.filter(|(low, high)| high > low) else {
            return if self.inverted { -value } else { value };
        };
        let width = high - low;
        let part = if self.inverted { high - value } else { value - low } / width;
        width * part * DIVIDER_END / (DIVIDER_END - part.min(1.0))
    }

    /// Takes the channels of a reading. A zone that fails keeps its last value for a while, and is then left out.
    pub(super) fn take(&mut self, at: Moment, channels: &Channels) -> Sample {
        let mut frame =
            Frame { loads: [0.0; ZONES_MAX], values: [0.0; ZONES_MAX], working: [false; ZONES_MAX], end: None };
        let (mut usable, mut outside) = (0, false);
        let (mut unloaded, mut loaded) = (self.range.is_some(), self.range.is_some());
        let (low, high) = self.range.unwrap_or_default();
        let (least, most) = if self.inverted { (high, low) } else { (low, high) };
        for (zone, value) in channels.zones().iter().enumerate() {
            let (Some(kept), Some(usable_at)) = (self.kept.get_mut(zone), self.usable_at.get_mut(zone)) else { break };
            if self.left_out.get(zone).is_some_and(|out| *out) {
                *usable_at = None;
                continue;
            }
            if self.range.is_some_and(|(low, high)| *value < low || *value > high) {
                outside = true;
            } else if value.is_finite() {
                usable += 1;
                *kept = *value;
                *usable_at = Some(at);
                // Exactly equal: the end of the range is what the sensor says, not the result of a calculation.
                unloaded &= *value - least == 0.0;
                loaded &= *value - most == 0.0;
            }
            let works = usable_at.is_some_and(|usable| at.since(usable) < ZONE_LOST_AFTER);
            let value = *kept;
            if works && value.is_finite() {
                frame.put(zone, self.load(value), if self.inverted { -value } else { value });
            }
        }
        if usable == 0 {
            return Sample::Unusable(if outside { MatFault::OutOfRange } else { MatFault::Implausible });
        }
        self.follow_noise(frame.sum_of(&frame.values));
        frame.end = if unloaded { Some(End::Unloaded) } else { loaded.then_some(End::Loaded) };
        Sample::Loads(frame)
    }

    fn follow_noise(&mut self, value: f64) {
        let Some(last) = self.last.replace(value) else { return };
        let step = (value - last).abs();
        if step > STEP_SHARE_MIN * value.abs() {
            self.quantum = if self.moves == 0 { step } else { self.quantum.min(step) };
            self.moves = self.moves.saturating_add(1);
        }
        if self.noise == 0.0 || step < self.noise * NOISE_STEP_MAX {
            // The mean of the first steps, from then on of about the last sixty.
            let part = (1.0 / f64::from(self.steps.saturating_add(1))).max(NOISE_FOLLOWS);
            self.noise += (step - self.noise) * part;
        } else {
            // Let it grow slowly, so that a mat that has become noisy is known in the end.
            self.noise *= 1.0 + NOISE_FOLLOWS;
        }
        self.steps = self.steps.saturating_add(1);
        if self.steps > NOISE_STEPS_MIN {
            self.quiet = self.noise.min(self.quiet * QUIET_RISES);
        }
    }
}
