//! From the channels of a reading to one number: the load in the sensor's own unit, counted upwards.
//!
//! Says which readings cannot be used and why; keeps no opinion about who lies there.

use crate::model::reading::ZONES_MAX;
use crate::model::{Channels, MatFault};

use super::settings::Settings;

/// How quickly the estimate of the noise follows: about the last sixty steps.
const NOISE_FOLLOWS: f64 = 1.0 / 64.0;

/// A step this many times larger than the noise is movement and says nothing about noise.
const NOISE_STEP_MAX: f64 = 6.0;

/// What one reading says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Sample {
    /// The load, in the sensor's own unit, summed over the zones.
    Value {
        /// The load, counted upwards.
        value: f64,
        /// The end of what the sensor can say at which every zone lies exactly, if at one.
        end: Option<End>,
    },
    /// Nothing that can be used, and why.
    Unusable(MatFault),
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
    sign: f64,
    zones: [f64; ZONES_MAX],
    last: Option<f64>,
    noise: f64,
}

impl Signal {
    pub(super) fn new(settings: &Settings) -> Self {
        let sign = if settings.invert { -1.0 } else { 1.0 };
        Self { range: settings.range, sign, zones: [f64::NAN; ZONES_MAX], last: None, noise: 0.0 }
    }

    /// Returns the sum of given levels, counted as values are.
    pub(super) fn level(&self, zones: &[f64]) -> f64 {
        self.sign * zones.iter().sum::<f64>()
    }

    /// Returns how much the value moves by itself from one reading to the next.
    pub(super) fn noise(&self) -> f64 {
        self.noise
    }

    /// Takes the channels of a reading. A zone that failed keeps its last value, as long as another one works.
    pub(super) fn take(&mut self, channels: &Channels) -> Sample {
        let mut working = 0;
        let (mut value, mut outside) = (0.0, false);
        let (mut unloaded, mut loaded) = (self.range.is_some(), self.range.is_some());
        let (low, high) = self.range.unwrap_or_default();
        let (least, most) = if self.sign < 0.0 { (high, low) } else { (low, high) };
        for (zone, kept) in channels.zones().iter().zip(&mut self.zones) {
            if self.range.is_some_and(|(low, high)| *zone < low || *zone > high) {
                outside = true;
            } else if zone.is_finite() {
                working += 1;
                *kept = *zone;
            }
            // Exactly equal: the end of the range is what the sensor says, not the result of a calculation.
            unloaded &= *zone - least == 0.0;
            loaded &= *zone - most == 0.0;
            value += *kept;
        }
        if working == 0 || value.is_nan() {
            return Sample::Unusable(if outside { MatFault::OutOfRange } else { MatFault::Implausible });
        }
        let value = self.sign * value;
        self.follow_noise(value);
        let end = if unloaded { Some(End::Unloaded) } else { loaded.then_some(End::Loaded) };
        Sample::Value { value, end }
    }

    fn follow_noise(&mut self, value: f64) {
        let Some(last) = self.last.replace(value) else { return };
        let step = (value - last).abs();
        if self.noise == 0.0 || step < self.noise * NOISE_STEP_MAX {
            self.noise += (step - self.noise) * NOISE_FOLLOWS;
        } else {
            // Let it grow slowly, so that a mat that has become noisy is known in the end.
            self.noise *= 1.0 + NOISE_FOLLOWS;
        }
    }
}
