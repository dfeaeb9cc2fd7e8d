//! Which pressure mats homes have.
//!
//! Draws properties only; what they do is in [`super`]. Ranges are those of data sheets and measured mats where there
//! are any; the levels shift them from a mat just installed to one that ought to be replaced.

use super::super::night::Difficulty;
use super::super::rng::Rng;
use super::{Layout, PressureMat};
use crate::simulate::sending::Sending;

/// How good mats of a level are, in shares of the signal of a zone under 75 kg where not said otherwise.
struct Quality {
    noise: (f64, f64),
    residual: (f64, f64),
    drift: f64,
    jump: f64,
    since: f64,
    warmth: f64,
    /// Rest level, as a share of the scale.
    empty: (f64, f64),
    /// Signal, as a share of the scale.
    swing: (f64, f64),
    /// Where half the greatest signal is, in usual loads of a zone.
    half: (f64, f64),
    /// How many mats feel nothing below some load, and up to which share of a usual one.
    dead: (f64, f64),
}

impl Quality {
    const fn of(difficulty: Difficulty) -> Self {
        match difficulty {
            Difficulty::Easy => Self {
                noise: (0.001, 0.003),
                residual: (0.001, 0.015),
                drift: 0.003,
                jump: 0.01,
                since: 0.0,
                warmth: 0.0,
                empty: (0.002, 0.08),
                swing: (0.35, 0.60),
                half: (1.5, 8.0),
                dead: (0.0, 0.0),
            },
            Difficulty::Realistic => Self {
                noise: (0.002, 0.005),
                residual: (0.01, 0.12),
                drift: 0.06,
                jump: 0.12,
                since: 0.26,
                warmth: -0.05,
                empty: (0.0, 0.12),
                swing: (0.20, 0.75),
                half: (0.6, 5.0),
                dead: (0.25, 0.04),
            },
            Difficulty::Nasty => Self {
                noise: (0.004, 0.015),
                residual: (0.05, 0.30),
                drift: 0.30,
                jump: 0.40,
                since: 0.60,
                warmth: -0.12,
                empty: (0.0, 0.55),
                swing: (0.08, 0.60),
                half: (0.15, 1.5),
                dead: (0.4, 0.12),
            },
        }
    }
}

impl PressureMat {
    /// Draws a mat with this layout as homes of this difficulty have them.
    #[must_use]
    pub fn drawn(layout: Layout, difficulty: Difficulty, rng: &mut Rng) -> Self {
        let form = match (layout.zones(), difficulty) {
            (1, Difficulty::Easy) => [(6.0, Form::Adc), (0.0, Form::Sheet), (1.0, Form::Percent)],
            (1, Difficulty::Realistic) => [(8.0, Form::Adc), (0.5, Form::Sheet), (1.5, Form::Percent)],
            (1, Difficulty::Nasty) => [(7.0, Form::Adc), (1.5, Form::Sheet), (1.5, Form::Percent)],
            (_, _) => [(1.0, Form::Adc), (0.0, Form::Sheet), (0.0, Form::Percent)],
        };
        let quality = Quality::of(difficulty);
        match rng.pick(&form).unwrap_or(Form::Adc) {
            Form::Adc => adc(layout, &quality, rng).worn(&quality, rng),
            Form::Sheet => {
                Self { gain: Self::sheet().gain * rng.between(0.7, 2.0), ..Self::sheet() }.aged(&quality, rng)
            }
            Form::Percent => percent(&quality, rng).worn(&quality, rng),
        }
    }

    /// Gives it noise and what ages it, in shares of its signal.
    fn worn(self, quality: &Quality, rng: &mut Rng) -> Self {
        let swing = self.counts(self.usual_kg());
        let noise = swing * rng.between(quality.noise.0, quality.noise.1);
        let signal_noise = rng.between(0.0005, 0.003);
        Self { noise, signal_noise, ..self }.aged(quality, rng)
    }

    fn aged(self, quality: &Quality, rng: &mut Rng) -> Self {
        let swing = self.counts(self.usual_kg());
        let room = 0.95 * self.full_scale - self.empty - swing;
        Self {
            // 220 constant loads on a piezoresistive mat: 5 % of them under 0.043, 5 % over 0.151.
            creep: rng.quantile(&[(0.05, 0.043), (0.25, 0.080), (0.5, 0.098), (0.75, 0.117), (0.95, 0.151)]),
            hysteresis: rng.between(0.0, 0.12),
            residual: rng.between(quality.residual.0, quality.residual.1),
            springs_back_s: rng.between(90.0, 500.0),
            warmth: quality.warmth * rng.uniform(),
            drift: swing * quality.drift * rng.uniform(),
            jump: swing * quality.jump * rng.uniform(),
            // A mat that is left with no room for a person would have been exchanged.
            since: (swing * quality.since * rng.normal()).clamp(-0.7 * swing, room.max(0.0)),
            ..self
        }
    }
}

/// What a mat of one zone can be.
#[derive(Debug, Clone, Copy)]
enum Form {
    Adc,
    Sheet,
    Percent,
}

/// Draws resistors on an ADC: 10 bits on an Arduino, 12 on an ESP32, 16 on a converter of its own.
fn adc(layout: Layout, quality: &Quality, rng: &mut Rng) -> PressureMat {
    let full_scale = rng.pick(&[(3.0, 1023.0), (4.0, 4095.0), (0.5, 65_535.0)]).unwrap_or(4095.0);
    let shape = shape(layout, quality, full_scale, rng);
    PressureMat { difference: if layout.zones() > 1 { 0.10 } else { 0.0 }, inverted: rng.chance(0.15), ..shape }
}

/// Draws a strip that says per cent: beds differ from a span of 5 points to one of 95.
fn percent(quality: &Quality, rng: &mut Rng) -> PressureMat {
    let (usual, shape) = (PressureMat::percent(), shape(Layout::ONE, quality, 100.0, rng));
    let sending = if rng.chance(0.7) { Sending::ESPHOME } else { Sending::Always };
    PressureMat { full_scale: usual.full_scale, unit: usual.unit, averages: usual.averages, sending, ..shape }
}

/// Draws where a zone rests, how far it swings and how it bends.
fn shape(layout: Layout, quality: &Quality, full_scale: f64, rng: &mut Rng) -> PressureMat {
    let plain = PressureMat { layout, full_scale, ..PressureMat::fsr() };
    let usual_kg = plain.usual_kg();
    let half = rng.between(quality.half.0, quality.half.1);
    let dead_kg = if rng.chance(quality.dead.0) { usual_kg * rng.between(0.0, quality.dead.1) } else { 0.0 };
    let empty = if dead_kg > 0.0 { 0.0 } else { rng.between(quality.empty.0, quality.empty.1) };
    let swing = rng.between(quality.swing.0, quality.swing.1).min(0.93 - empty);
    let felt_kg = usual_kg - dead_kg;
    PressureMat {
        empty: full_scale * empty,
        gain: full_scale * swing / felt_kg * (1.0 + felt_kg / (half * usual_kg)),
        half_kg: half * usual_kg,
        dead_kg,
        ..plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVELS: [Difficulty; 3] = [Difficulty::Easy, Difficulty::Realistic, Difficulty::Nasty];

    /// Returns the median of a property over many mats.
    fn median(difficulty: Difficulty, property: impl Fn(&PressureMat) -> f64) -> f64 {
        let mut rng = Rng::new(11);
        let mut values: Vec<f64> =
            (0..400).map(|_| property(&PressureMat::drawn(Layout::FOUR, difficulty, &mut rng))).collect();
        values.sort_by(f64::total_cmp);
        values[200]
    }

    #[test]
    fn levels_go_from_good_mats_to_bad_ones() {
        let noise = |mat: &PressureMat| mat.noise / mat.counts(mat.usual_kg());
        let swing = |mat: &PressureMat| mat.counts(mat.usual_kg()) / mat.full_scale;
        let [easy, realistic, nasty] = LEVELS.map(|level| median(level, noise));
        assert!(easy < realistic && realistic < nasty && nasty < 0.02, "{easy} {realistic} {nasty}");
        let [easy, realistic, nasty] = LEVELS.map(|level| median(level, |mat| mat.residual));
        assert!(easy < realistic && realistic < nasty, "{easy} {realistic} {nasty}");
        assert!(median(Difficulty::Easy, swing) > median(Difficulty::Nasty, swing));
        let creep = median(Difficulty::Realistic, |mat| mat.creep);
        assert!((0.085..0.11).contains(&creep), "{creep}");
    }

    #[test]
    fn every_form_and_wiring_turns_up_and_all_leave_room_for_a_body() {
        let mut rng = Rng::new(12);
        let mats: Vec<PressureMat> =
            (0..400).map(|index| PressureMat::drawn(Layout::ONE, LEVELS[index % 3], &mut rng)).collect();
        for (what, seen) in [
            ("inverted", mats.iter().any(|mat| mat.inverted)),
            ("dead zone", mats.iter().any(|mat| mat.dead_kg > 0.0)),
            ("sheet", mats.iter().any(|mat| mat.empty > 30_000.0 && mat.gain < 6.0)),
            ("per cent", mats.iter().any(|mat| mat.averages == 5)),
            ("10 bits", mats.iter().any(|mat| (mat.full_scale - 1023.0).abs() < 0.1)),
        ] {
            assert!(seen, "no {what}");
        }
        assert!(mats.iter().all(|mat| mat.empty + mat.counts(75.0) < mat.full_scale));
    }
}
