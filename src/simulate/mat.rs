//! The kinds of mats: what each is made of, and what it is called.
//!
//! The physics is in [`super::pressure`] and [`super::contact`]; a [`Mat`] is one made by seed, with its memory.

use super::contact::{Contact, ContactMat};
use super::night::Difficulty;
use super::pose::{Load, Pose, Posture};
use super::pressure::{Layout, Pressure, PressureMat};
use super::rng::Rng;
use crate::model::Channels;

/// A kind of mat with its properties.
#[derive(Debug, Clone, PartialEq)]
pub enum MatKind {
    /// Sends counts of an ADC, for 1 to 16 zones.
    Pressure(PressureMat),
    /// A switch that closes under load.
    Contact(ContactMat),
}

impl MatKind {
    /// Draws a mat as homes of this difficulty have them.
    #[must_use]
    pub fn drawn(rng: &mut Rng, difficulty: Difficulty) -> Self {
        let _ = difficulty;
        match rng.pick(&[(1.0, 0_u8), (1.0, 1), (1.0, 2)]) {
            Some(0) => Self::Pressure(PressureMat::drawn(Layout::ONE, rng)),
            Some(1) => Self::Pressure(PressureMat::drawn(Layout::FOUR, rng)),
            _ => Self::Contact(ContactMat::drawn(rng)),
        }
    }

    /// Returns the word that truth files use.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pressure(mat) if mat.layout.zones() == 1 => "fsr",
            Self::Pressure(_) => "zones",
            Self::Contact(_) => "contact",
        }
    }

    /// Returns the unit of its readings.
    #[must_use]
    pub const fn unit(&self) -> &'static str {
        match self {
            Self::Pressure(_) => "counts",
            Self::Contact(_) => "pressed",
        }
    }

    /// Returns the highest value that it can say.
    #[must_use]
    pub const fn full_scale(&self) -> f64 {
        match self {
            Self::Pressure(mat) => mat.full_scale,
            Self::Contact(_) => 1.0,
        }
    }

    /// Returns how many bits its ADC has, where it has one.
    #[must_use]
    pub fn adc_bits(&self) -> Option<u8> {
        match self {
            Self::Pressure(mat) => (1..=24_u8).find(|bits| f64::from(*bits).exp2() > mat.full_scale),
            Self::Contact(_) => None,
        }
    }

    /// Returns the names of its channels as a recording has them.
    #[must_use]
    pub fn channels(&self) -> Vec<String> {
        match self {
            Self::Pressure(mat) if mat.layout.zones() == 1 => vec!["pressure".to_owned()],
            Self::Pressure(mat) => (1..=mat.layout.zones()).map(|zone| format!("zone{zone}")).collect(),
            Self::Contact(_) => vec!["contact".to_owned()],
        }
    }

    /// Makes one mat of this kind; no two seeds make the same.
    #[must_use]
    pub fn make(&self, seed: u64) -> Mat {
        let rng = Rng::stream(seed, "mat");
        match self {
            Self::Pressure(mat) => Mat::Pressure(Box::new(Pressure::new(mat, rng))),
            Self::Contact(mat) => Mat::Contact(Contact::new(*mat, rng)),
        }
    }
}

/// One mat, with what it remembers of its load.
#[derive(Debug, Clone)]
pub enum Mat {
    /// Counts.
    Pressure(Box<Pressure>),
    /// A switch.
    Contact(Contact),
}

impl Mat {
    /// Reads the mat `elapsed_s` seconds after the last reading, with these loads on it.
    pub fn read(&mut self, loads: &[Load], elapsed_s: f64) -> Channels {
        match self {
            Self::Pressure(mat) => mat.read(loads, elapsed_s),
            Self::Contact(mat) => mat.read(loads, elapsed_s),
        }
    }

    /// Starts its electronics again, with these loads on it.
    pub fn restart(&mut self, loads: &[Load]) {
        let _ = loads;
    }

    /// Returns what a technician notes on installation day: each zone empty, and with 75 kg on the back for a minute.
    #[must_use]
    pub fn commission(&self) -> (Vec<f64>, Vec<f64>) {
        match self {
            Self::Pressure(mat) => {
                (mat.settled(&[]), mat.settled(&[Load { pose: Pose::lying(Posture::Back), weight_kg: 75.0 }]))
            }
            Self::Contact(_) => (vec![0.0], vec![1.0]),
        }
    }

    /// Tells whether its empty bed reads as a pulled cable does: zero in every zone.
    #[must_use]
    pub fn reads_zero_when_empty(&self) -> bool {
        self.commission().0.iter().all(|empty| *empty < 1.0)
    }
}
