//! What a walk through the postures says of a mat: its levels, and whether it is good enough to watch with.
//!
//! PURE, and no part of the watch: readings of one step after another in, levels and findings out. The findings say in
//! words that a technician can act on what is wrong with the mat or its place; they never change a setting.

use std::fmt;

use super::settings::Settings;
use crate::model::Channels;
use crate::model::proof::Grade;

/// Readings of one step that are kept at most: two minutes at 50 a second.
const READINGS_MAX: usize = 6000;

/// Lying moves a good mat by this many times its noise: what is left of somebody who has moved to its rim still shows.
const NOISES_GOOD: f64 = 20.0;

/// With less than this, a quarter of a person cannot be told from noise.
const NOISES_LEAST: f64 = 8.0;

/// A posture that shows less than this share of a lying person may be taken for the edge of the bed …
const POSTURE_GOOD: f64 = 0.5;

/// … and one that shows less than this for nobody.
const POSTURE_LEAST: f64 = 0.25;

/// Where more than this share stays after she has left, it takes longer to be sure …
const REMAINS_GOOD: f64 = 0.25;

/// … and with more than this, half of those who rise would not be seen.
const REMAINS_MOST: f64 = 0.5;

/// Sitting on the edge shows at most this share of lying where the two can be told apart.
const EDGE_APART: f64 = 0.85;

/// This close to the end of the range, as a share of it, a mat shows no more.
const END_SHARE: f64 = 0.02;

/// A zone that moves by less than this share of the zone that moves most is not under anybody, or broken.
const ZONE_SHARE: f64 = 0.02;

/// One in so many differences of successive readings, the largest ones, is left out of the noise: somebody walks past.
const NOISE_TRIMMED: usize = 20;

/// Levels are written to this share of what lying moves.
const WRITTEN_SHARE: f64 = 1e-3;

/// What is asked of the person at the bed, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nobody and nothing on it.
    Empty,
    /// Lies on her back in the middle.
    OnBack,
    /// Lies on her left side, near that edge.
    OnLeft,
    /// The same to the right.
    OnRight,
    /// Sits on the edge where she gets up.
    OnEdge,
    /// Has got up and stands clear of it.
    Left,
}

impl Step {
    /// All of them in order.
    pub const ALL: [Self; 6] = [Self::Empty, Self::OnBack, Self::OnLeft, Self::OnRight, Self::OnEdge, Self::Left];

    /// Says what the bed is like in this step, as the middle of a sentence.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Empty => "the bed is empty",
            Self::OnBack => "somebody lies on the back",
            Self::OnLeft => "somebody lies on the left side",
            Self::OnRight => "somebody lies on the right side",
            Self::OnEdge => "somebody sits on the edge",
            Self::Left => "the bed is empty again",
        }
    }
}

/// The readings of one step while they come.
#[derive(Debug, Clone, Default)]
pub struct Sampler {
    readings: Vec<Channels>,
    failed: usize,
}

impl Sampler {
    /// Takes a reading; one in which every zone failed is only counted, and so is what is too much.
    pub fn take(&mut self, channels: &Channels) {
        if channels.zones().iter().all(|zone| zone.is_nan()) || self.readings.len() >= READINGS_MAX {
            self.failed += usize::from(self.readings.len() < READINGS_MAX);
        } else {
            self.readings.push(*channels);
        }
    }

    /// Returns how many usable readings there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.readings.len()
    }

    /// Tells whether no usable reading has come.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.readings.is_empty()
    }

    /// Sums them up; `None` where there are none.
    #[must_use]
    pub fn finish(&self) -> Option<Sample> {
        let zones = self.readings.first()?.len();
        let zone = |zone: usize| self.readings.iter().filter_map(move |each| each.zones().get(zone).copied());
        let levels = (0..zones).map(|each| median(zone(each).filter(|value| !value.is_nan()).collect())).collect();
        let sums: Vec<f64> = self.readings.iter().map(sum).collect();
        Some(Sample { levels, noise: noise(&sums), readings: self.readings.len(), failed: self.failed })
    }
}

/// What one step has shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The middle value of each zone, in the sensor's own unit; `NaN` for a zone that never gave one.
    pub levels: Vec<f64>,
    /// Standard deviation of the sum over the zones from one reading to the next.
    pub noise: f64,
    /// How many readings it rests on.
    pub readings: usize,
    /// How many could not be used.
    pub failed: usize,
}

impl Sample {
    fn total(&self) -> f64 {
        self.levels.iter().filter(|level| !level.is_nan()).sum()
    }
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Finding {
    /// Lying does not move the value.
    NothingMoves,
    /// The noise is large: lying moves the value by so many times of it.
    Noisy(f64),
    /// A posture shows only this share of a lying person.
    Hidden(Step, f64),
    /// This share of her stays after she has left.
    Remains(f64),
    /// Sitting on the edge shows this share of lying.
    EdgeLooksLikeLying(f64),
    /// With somebody lying, the value is at the end of its range.
    AtTheEnd,
    /// A zone, from 1, does not move.
    DeadZone(usize),
    /// A contact says the wrong thing in a step.
    WrongContact(Step),
    /// So many of all readings could not be used.
    Failed(usize, usize),
}

impl Finding {
    /// Returns what becomes of the mat with this.
    #[must_use]
    pub fn grade(&self) -> Grade {
        let by = |unfit: bool| if unfit { Grade::Unfit } else { Grade::Weak };
        match *self {
            Self::NothingMoves => Grade::Unfit,
            Self::Noisy(noises) => by(noises < NOISES_LEAST),
            Self::Hidden(_, share) => by(share < POSTURE_LEAST),
            Self::Remains(share) => by(share > REMAINS_MOST),
            Self::WrongContact(step) => by(step != Step::OnEdge),
            Self::EdgeLooksLikeLying(_) | Self::AtTheEnd | Self::DeadZone(_) | Self::Failed(..) => Grade::Weak,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        match *self {
            Self::NothingMoves => f.write_str(
                "lying does not move the value: the mat does not lie under the person, its cable is off, or the \
                 configuration reads another value",
            ),
            Self::Noisy(noises) => write!(
                f,
                "lying moves the value by only {noises:.0} times its noise: put the mat higher, right under the sheet \
                 or the upper part of the body, and keep its cable away from power supplies"
            ),
            Self::Hidden(step, share) => write!(
                f,
                "where {}, the mat shows only {} of lying on the back: move it to the middle, under hips and back",
                step.words(),
                percent(share)
            ),
            Self::Remains(share) => write!(
                f,
                "{} of the load stays after the bed is left: take away what lies on the mat; under thick foam wait a \
                 minute and calibrate again",
                percent(share)
            ),
            Self::EdgeLooksLikeLying(share) => write!(
                f,
                "sitting on the edge shows {} of lying: an `edge` alert will come late or not at all on this mat",
                percent(share)
            ),
            Self::AtTheEnd => f.write_str(
                "with somebody lying, the value is at the end of its range: a part that leaves may not be seen; \
                 lessen the sensor's gain, or put the mat deeper",
            ),
            Self::DeadZone(zone) => {
                write!(f, "zone {zone} does not move, wherever somebody lies: look at its plug, or at its column")
            }
            Self::WrongContact(step) => write!(
                f,
                "the contact says {}, and {}: move the mat under hips and back, or set `invert`",
                if matches!(step, Step::Empty | Step::Left) { "somebody lies there" } else { "nobody is there" },
                step.words()
            ),
            Self::Failed(failed, all) => {
                write!(f, "{failed} of {all} readings could not be used: look at the plug and at the baud rate")
            }
        }
    }
}

/// What the walk has shown of a mat.
#[derive(Debug, Clone, PartialEq)]
pub struct Proof {
    /// Level of each zone of the empty bed, in the sensor's own unit.
    pub empty: Vec<f64>,
    /// Level of each zone with somebody lying.
    pub occupied: Vec<f64>,
    /// Whether load makes the value fall.
    pub falls: bool,
    /// Whether the mat is a contact, which has no levels.
    pub is_contact: bool,
    /// How much lying moves the value, in all zones together; not negative.
    pub swing: f64,
    /// The same as a share of what the sensor can say, where that is known, else of the value of the empty bed; `None`
    /// where that is zero.
    pub swing_share: Option<f64>,
    /// The same in times of the noise; without end where there is none.
    pub noises: f64,
    /// What each step shows, as a share of a lying person.
    pub shares: [f64; 6],
    /// What is not as it should be, in the order of the steps.
    pub findings: Vec<Finding>,
}

impl Proof {
    /// Judges the six steps, in the order of [`Step::ALL`].
    #[must_use]
    pub fn new(samples: &[Sample; 6], settings: &Settings) -> Self {
        let [empty, back, left, right, ..] = samples;
        let lying = means(&[back, left, right]);
        let rest = empty.total();
        let away = lying.iter().filter(|level| !level.is_nan()).sum::<f64>() - rest;
        let swing = away.abs();
        let noise = empty.noise.max(samples[5].noise);
        let shares = std::array::from_fn(|step| {
            let moved = samples.get(step).map_or(0.0, Sample::total) - rest;
            if swing > 0.0 { moved / away } else { 0.0 }
        });
        let written = |levels: &[f64]| levels.iter().map(|level| rounded(*level, swing)).collect();
        let mut proof = Self {
            empty: written(&empty.levels),
            occupied: written(&lying),
            falls: away < 0.0,
            is_contact: settings.contact,
            swing,
            swing_share: scale(settings, empty).map(|scale| swing / scale),
            noises: swing / noise,
            shares,
            findings: Vec::new(),
        };
        proof.findings = if settings.contact { wrong_contact(samples) } else { proof.look(samples, settings, &lying) };
        proof.findings.extend(failed(samples));
        proof
    }

    /// Tells whether lying stands out of the noise.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.noises >= NOISES_GOOD
    }

    /// Tells whether there are levels that can be written down: of a mat that can be used, and of each zone.
    #[must_use]
    pub fn has_levels(&self) -> bool {
        let known = self.empty.iter().chain(&self.occupied).all(|level| level.is_finite());
        known && self.grade() < Grade::Unfit && !self.is_contact
    }

    /// Returns how far the mat can be relied on: the worst of its findings.
    #[must_use]
    pub fn grade(&self) -> Grade {
        self.findings.iter().map(Finding::grade).max().unwrap_or(Grade::Good)
    }

    fn look(&self, samples: &[Sample; 6], settings: &Settings, lying: &[f64]) -> Vec<Finding> {
        if !self.swing.is_normal() || self.noises < 3.0 {
            return vec![Finding::NothingMoves];
        }
        let mut found = Vec::new();
        if self.noises < NOISES_GOOD {
            found.push(Finding::Noisy(self.noises));
        }
        let [_, back, left, right, edge, remains] = self.shares;
        for (step, share) in [(Step::OnBack, back), (Step::OnLeft, left), (Step::OnRight, right)] {
            if share < POSTURE_GOOD {
                found.push(Finding::Hidden(step, share));
            }
        }
        if edge > EDGE_APART {
            found.push(Finding::EdgeLooksLikeLying(edge));
        }
        if remains > REMAINS_GOOD {
            found.push(Finding::Remains(remains));
        }
        if settings.range.is_some_and(|range| at_the_end(lying, range, self.falls)) {
            found.push(Finding::AtTheEnd);
        }
        found.extend(dead_zones(samples));
        found
    }
}

/// A contact has two states; there is nothing to measure.
fn wrong_contact(samples: &[Sample; 6]) -> Vec<Finding> {
    let wrong = |(step, sample): (&Step, &Sample)| {
        let lies = sample.total() >= 0.5;
        let should = !matches!(step, Step::Empty | Step::Left);
        // Who sits on the edge is on the mat or beside it.
        (lies != should && *step != Step::OnEdge).then_some(Finding::WrongContact(*step))
    };
    Step::ALL.iter().zip(samples).filter_map(wrong).collect()
}

fn sum(channels: &Channels) -> f64 {
    channels.zones().iter().filter(|zone| !zone.is_nan()).sum()
}

/// Returns the middle value; `NaN` of nothing.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Standard deviation by successive differences, which neither creep nor breath enlarges much (von Neumann, 1941).
/// Of Gaussian noise the mean difference is 2/√π of it.
fn noise(values: &[f64]) -> f64 {
    let following = values.iter().skip(1);
    let mut differences: Vec<f64> =
        values.iter().zip(following).map(|(before, after)| (after - before).abs()).collect();
    differences.sort_by(f64::total_cmp);
    differences.truncate(differences.len() - differences.len() / NOISE_TRIMMED);
    mean(&differences).map_or(0.0, |mean| mean * std::f64::consts::PI.sqrt() / 2.0)
}

fn mean(values: &[f64]) -> Option<f64> {
    let count = u32::try_from(values.len()).ok().filter(|count| *count > 0)?;
    Some(values.iter().sum::<f64>() / f64::from(count))
}

/// The mean of each zone; of a zone that gave nothing in one of them, of the others.
fn means(samples: &[&Sample]) -> Vec<f64> {
    let zones = samples.first().map_or(0, |first| first.levels.len());
    let known = |zone: usize| samples.iter().filter_map(move |each| each.levels.get(zone).copied());
    let zone = |zone: usize| mean(&known(zone).filter(|level| !level.is_nan()).collect::<Vec<_>>());
    (0..zones).map(|each| zone(each).unwrap_or(f64::NAN)).collect()
}

/// What a swing is compared with: what the sensor can say, or else the value of the empty bed.
fn scale(settings: &Settings, empty: &Sample) -> Option<f64> {
    let scale = match settings.range {
        Some((low, high)) => empty.levels.iter().map(|_| high - low).sum(),
        None => empty.total().abs(),
    };
    Some(scale).filter(|scale| scale.is_normal())
}

fn at_the_end(lying: &[f64], (low, high): (f64, f64), falls: bool) -> bool {
    let near = (high - low) * END_SHARE;
    lying.iter().any(|level| if falls { *level <= low + near } else { *level >= high - near })
}

/// Zones that no step has moved; a mat of one zone has none.
fn dead_zones(samples: &[Sample; 6]) -> Vec<Finding> {
    let zones = samples[0].levels.len();
    let moved = |zone: usize| {
        let levels = samples.iter().filter_map(|each| each.levels.get(zone).copied()).filter(|level| !level.is_nan());
        let (low, high) = levels.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), level| (l.min(level), h.max(level)));
        (high - low).max(0.0)
    };
    let most = (0..zones).map(moved).fold(0.0, f64::max);
    (0..zones).filter(|zone| moved(*zone) < most * ZONE_SHARE).map(|zone| Finding::DeadZone(zone + 1)).collect()
}

fn failed(samples: &[Sample; 6]) -> Option<Finding> {
    let failed: usize = samples.iter().map(|each| each.failed).sum();
    let all = failed + samples.iter().map(|each| each.readings).sum::<usize>();
    // One in twenty is noise on a cable that the watch lives with.
    (failed * 20 > all).then_some(Finding::Failed(failed, all))
}

/// Rounds to what matters: a technician reads these numbers.
fn rounded(level: f64, swing: f64) -> f64 {
    if !(swing.is_normal() && level.is_finite()) {
        return level;
    }
    let unit = 10_f64.powf((swing * WRITTEN_SHARE).log10().floor());
    // Division by a whole power keeps 0.1 as 0.1.
    if unit < 1.0 { (level * unit.recip()).round() / unit.recip().round() } else { level.round() }
}
