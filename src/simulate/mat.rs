//! The kinds of mats: what each is made of, and what it is called.
//!
//! The physics is in [`super::pressure`], [`super::air`], [`super::cells`] and [`super::contact`]; a [`Mat`] is one made
//! by seed, with its memory.

use super::air::{Air, AirMat};
use super::cells::{self, Cells, CellsMat};
use super::contact::{Contact, ContactMat};
use super::night::Difficulty;
use super::pose::{Load, Pose, Posture};
use super::pressure::{Layout, Pressure, PressureMat, Unit};
use super::rng::Rng;
use super::sending::Sending;
use crate::model::Channels;

/// A kind of mat with its properties.
#[derive(Debug, Clone, PartialEq)]
pub enum MatKind {
    /// Sends counts of an ADC or per cent, for 1 to 16 zones.
    Pressure(PressureMat),
    /// Sends the pressure of a cushion.
    Air(AirMat),
    /// Sends the weight on the legs of the bed.
    Cells(CellsMat),
    /// A switch that closes under load.
    Contact(ContactMat),
}

/// How zones lie in mats with several; four strips across the bed are the usual thing.
const LAYOUTS: [(f64, (u8, u8)); 6] =
    [(6.0, (4, 1)), (2.0, (2, 1)), (1.0, (1, 3)), (1.0, (2, 2)), (1.0, (2, 4)), (1.0, (4, 4))];

impl MatKind {
    /// Draws a mat as homes of this difficulty have them: each kind as often as the next, properties by level.
    #[must_use]
    pub fn drawn(rng: &mut Rng, difficulty: Difficulty) -> Self {
        let kinds = [(1.0, "fsr"), (1.0, "zones"), (1.0, "air"), (1.0, "cells"), (1.0, "contact")];
        match rng.pick(&kinds).unwrap_or_default() {
            "air" => Self::Air(AirMat::drawn(difficulty, rng)),
            "cells" => Self::Cells(CellsMat::drawn(difficulty, rng)),
            "contact" => Self::Contact(ContactMat::drawn(difficulty, rng)),
            "zones" => Self::Pressure(PressureMat::drawn(several(rng), difficulty, rng)),
            _ => Self::Pressure(PressureMat::drawn(Layout::ONE, difficulty, rng)),
        }
    }

    /// Tells whether two fit into the bed, where the mat is made for one bed.
    #[must_use]
    pub fn bed_is_wide(&self) -> Option<bool> {
        if let Self::Cells(mat) = self { Some(mat.width_m > 1.2) } else { None }
    }

    /// Draws how often such a mat reads, a second.
    #[must_use]
    pub fn rate_drawn(&self, rng: &mut Rng) -> f64 {
        let rates: &[(f64, f64)] = match (self, self.sending()) {
            // Half a second is what the stock firmware samples at.
            (Self::Pressure(mat), _) if mat.unit == Unit::Percent => &[(1.0, 2.0)],
            // A switch that wakes its radio is looked at often.
            (Self::Contact(_), Sending::OnChange { .. }) => &[(1.0, 10.0)],
            // HX711 sketches send every 3 s or at 10 a second; its pins choose 10 or 80.
            (Self::Cells(_), _) => &[(1.0, 1.0 / 3.0), (1.0, 1.0), (2.0, 2.0), (3.0, 5.0), (3.0, 10.0)],
            (Self::Pressure(_) | Self::Air(_) | Self::Contact(_), _) => {
                &[(0.3, 0.3), (0.3, 0.5), (2.0, 1.0), (2.0, 2.0), (3.0, 5.0), (5.0, 10.0), (0.5, 13.5), (0.3, 50.0)]
            }
        };
        rng.pick(rates).unwrap_or(1.0)
    }

    /// Returns the word that truth files use.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pressure(mat) if mat.layout.zones() == 1 => "fsr",
            Self::Pressure(_) => "zones",
            Self::Air(_) => "air",
            Self::Cells(_) => "cells",
            Self::Contact(_) => "contact",
        }
    }

    /// Returns the unit of its readings.
    #[must_use]
    pub const fn unit(&self) -> &'static str {
        match self {
            Self::Pressure(mat) => match mat.unit {
                Unit::Counts => "counts",
                Unit::Percent => "%",
            },
            Self::Air(_) => "hPa",
            Self::Cells(_) => "kg",
            Self::Contact(_) => "pressed",
        }
    }

    /// Returns the highest value that it can say.
    #[must_use]
    pub const fn full_scale(&self) -> f64 {
        match self {
            Self::Pressure(mat) => mat.full_scale,
            Self::Air(mat) => mat.full_scale(),
            Self::Cells(_) => cells::FULL_SCALE_KG,
            Self::Contact(_) => 1.0,
        }
    }

    /// Returns how many bits its ADC has, where it has one.
    #[must_use]
    pub fn adc_bits(&self) -> Option<u8> {
        match self {
            Self::Pressure(mat) if mat.unit == Unit::Counts => {
                (1..=24_u8).find(|bits| f64::from(*bits).exp2() > mat.full_scale)
            }
            Self::Pressure(_) | Self::Air(_) | Self::Cells(_) | Self::Contact(_) => None,
        }
    }

    /// Returns when it sends.
    #[must_use]
    pub const fn sending(&self) -> Sending {
        match self {
            Self::Pressure(mat) => mat.sending,
            Self::Contact(mat) => mat.sending,
            Self::Air(_) | Self::Cells(_) => Sending::Always,
        }
    }

    /// Returns how often it opens for a moment under a load, an hour, where it is a contact.
    #[must_use]
    pub const fn chatter_an_hour(&self) -> Option<f64> {
        match self {
            Self::Contact(mat) => Some(mat.chatter_an_hour),
            Self::Pressure(_) | Self::Air(_) | Self::Cells(_) => None,
        }
    }

    /// Tells whether a start makes it take for empty what is there.
    #[must_use]
    pub const fn retares(&self) -> bool {
        match self {
            Self::Cells(mat) => mat.retares,
            Self::Pressure(_) | Self::Air(_) | Self::Contact(_) => false,
        }
    }

    /// Returns the names of its channels as a recording has them.
    #[must_use]
    pub fn channels(&self) -> Vec<String> {
        let (one, channels) = match self {
            Self::Pressure(mat) => ("pressure", mat.layout.zones()),
            Self::Air(_) => ("pressure", 1),
            Self::Cells(mat) => ("pressure", mat.channels()),
            Self::Contact(_) => ("contact", 1),
        };
        if channels == 1 {
            return vec![one.to_owned()];
        }
        (1..=channels).map(|zone| format!("zone{zone}")).collect()
    }

    /// Makes one mat of this kind; no two seeds make the same.
    #[must_use]
    pub fn make(&self, seed: u64) -> Mat {
        let rng = Rng::stream(seed, "mat");
        match self {
            Self::Pressure(mat) => Mat::Pressure(Box::new(Pressure::new(mat, rng))),
            Self::Air(mat) => Mat::Air(Box::new(Air::new(*mat, rng))),
            Self::Cells(mat) => Mat::Cells(Box::new(Cells::new(*mat, rng))),
            Self::Contact(mat) => Mat::Contact(Box::new(Contact::new(*mat, rng))),
        }
    }
}

/// Draws a layout with several zones.
fn several(rng: &mut Rng) -> Layout {
    rng.pick(&LAYOUTS).and_then(|(across, along)| Layout::new(across, along)).unwrap_or(Layout::FOUR)
}

/// One mat, with what it remembers of its load.
#[derive(Debug, Clone)]
pub enum Mat {
    /// Counts or per cent.
    Pressure(Box<Pressure>),
    /// A cushion.
    Air(Box<Air>),
    /// Load cells.
    Cells(Box<Cells>),
    /// A switch.
    Contact(Box<Contact>),
}

impl Mat {
    /// Reads the mat `elapsed_s` seconds after the last reading, with these loads on the bed.
    pub fn read(&mut self, loads: &[Load], elapsed_s: f64) -> Channels {
        match self {
            Self::Pressure(mat) => mat.read(loads, elapsed_s),
            Self::Air(mat) => mat.read(loads, elapsed_s),
            Self::Cells(mat) => mat.read(loads, elapsed_s),
            Self::Contact(mat) => mat.read(loads, elapsed_s),
        }
    }

    /// Starts its electronics again, with these loads on the bed. Cushion and switch have nothing to forget.
    pub fn restart(&mut self, loads: &[Load]) {
        match self {
            Self::Pressure(mat) => mat.restart(),
            Self::Cells(mat) => mat.restart(loads),
            Self::Air(_) | Self::Contact(_) => {}
        }
    }

    /// Returns what a technician notes on installation day: each zone empty, and with 75 kg on the back for a minute.
    #[must_use]
    pub fn commission(&self) -> (Vec<f64>, Vec<f64>) {
        (self.settled(&[]), self.settled(&[Load { pose: Pose::lying(Posture::Back), weight_kg: 75.0 }]))
    }

    /// Tells whether its empty bed reads as this value, in one zone or in all, so that a fault that says so tells
    /// nothing.
    #[must_use]
    pub fn reads_empty_as(&self, value: f64, zone: Option<usize>) -> bool {
        let (empty, lying) = self.commission();
        let mut zones = empty.iter().zip(lying).enumerate().filter(|(index, _)| zone.is_none_or(|zone| zone == *index));
        // Nearer than a hundredth of what a body makes: noise hides the rest.
        zones.all(|(_, (empty, lying))| (empty - value).abs() <= 0.01 * (lying - empty).abs().max(1e-9))
    }

    fn settled(&self, loads: &[Load]) -> Vec<f64> {
        match self {
            Self::Pressure(mat) => mat.settled(loads),
            Self::Air(mat) => mat.settled(loads),
            Self::Cells(mat) => mat.settled(loads),
            Self::Contact(mat) => mat.settled(loads),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVELS: [Difficulty; 3] = [Difficulty::Easy, Difficulty::Realistic, Difficulty::Nasty];

    fn drawn(seed: u64, difficulty: Difficulty) -> MatKind {
        MatKind::drawn(&mut Rng::new(seed), difficulty)
    }

    #[test]
    fn all_kinds_turn_up_at_all_levels() {
        for difficulty in LEVELS {
            let mut seen: Vec<&str> = (0..60).map(|seed| drawn(seed, difficulty).as_str()).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen, ["air", "cells", "contact", "fsr", "zones"], "{difficulty:?}");
        }
    }

    #[test]
    fn every_mat_says_the_same_again_fits_its_channels_and_stays_in_its_scale() {
        for seed in 0..150 {
            let kind = drawn(seed, LEVELS[usize::try_from(seed % 3).unwrap()]);
            let night = |mut mat: Mat| {
                let lying = Load { pose: Pose::lying(Posture::Right), weight_kg: 110.0 };
                let mut said: Vec<Channels> = (0..50).map(|_| mat.read(&[], 0.2)).collect();
                said.extend((0..50).map(|_| mat.read(&[lying, lying], 30.0)));
                mat.restart(&[lying]);
                said.extend((0..50).map(|_| mat.read(&[lying], 0.2)));
                said
            };
            let said = night(kind.make(seed));
            assert_eq!(said, night(kind.make(seed)), "{kind:?}");
            for channels in said {
                assert_eq!(channels.len(), kind.channels().len());
                assert!(channels.zones().iter().all(|zone| *zone <= kind.full_scale()), "{kind:?} says {channels:?}");
            }
            assert_eq!(kind.make(seed).commission().0.len(), kind.channels().len());
            assert!((0.3..=50.0).contains(&kind.rate_drawn(&mut Rng::new(seed))));
        }
    }

    #[test]
    fn somebody_on_the_mat_is_clear_of_its_noise_at_every_level() {
        for seed in 0..150 {
            let kind = drawn(seed, LEVELS[usize::try_from(seed % 3).unwrap()]);
            let mut mat = kind.make(seed);
            let levels = |mat: &mut Mat, loads: &[Load]| -> Vec<f64> {
                (0..200).map(|_| mat.read(loads, 0.1).zones().iter().sum()).skip(100).collect()
            };
            let mean = |values: &[f64]| values.iter().sum::<f64>() / 100.0;
            let empty = levels(&mut mat, &[]);
            let lying = levels(&mut mat, &[Load { pose: Pose::lying(Posture::Back), weight_kg: 70.0 }]);
            let noise = (empty.iter().map(|value| (value - mean(&empty)).powi(2)).sum::<f64>() / 100.0).sqrt();
            let swing = (mean(&lying) - mean(&empty)).abs();
            let badly_placed = matches!(&kind, MatKind::Contact(_));
            assert!(swing > 8.0 * noise || badly_placed, "{kind:?}: {swing} over a noise of {noise}");
        }
    }

    #[test]
    fn what_looks_empty_is_what_an_empty_bed_says() {
        let zero = |kind: MatKind| kind.make(1).reads_empty_as(0.0, None);
        assert!(zero(MatKind::Pressure(PressureMat { empty: 0.0, ..PressureMat::fsr() })));
        assert!(!zero(MatKind::Pressure(PressureMat::fsr())));
        assert!(zero(MatKind::Cells(CellsMat::good())) && zero(MatKind::Contact(ContactMat::clean())));
        assert!(!zero(MatKind::Cells(CellsMat { frame_kg: 60.0, ..CellsMat::good() })));
        assert!(!zero(MatKind::Air(AirMat::tight())));
        let inverted = PressureMat { empty: 0.0, inverted: true, ..PressureMat::fsr() };
        assert!(MatKind::Pressure(inverted).make(1).reads_empty_as(4095.0, None) && !zero(MatKind::Pressure(inverted)));
    }
}
