//! What really happened in a simulated night, in the words that scorers read.
//!
//! Known in full before the first reading. Times are seconds after `start`. Truth files of other makers use the same words;
//! a file is read whatever fields it has beside these.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::faults::{FaultKind, FaultSpan};
use super::mat::Mat;
use super::night::{Difficulty, NightSettings};
use super::phase::{Phase, Place, Style, Why};
use super::resident::{Script, Step};
use super::visitors::Visit;

/// The truth about one night: the content of a `….truth.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Which form of this file it is.
    pub version: Version,
    /// The night's name.
    pub id: String,
    /// The seed that makes this night again, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Kind of mat: `fsr`, `zones`, `air`, `cells`, `contact`.
    pub kind: String,
    /// How hard the night is.
    pub difficulty: Difficulty,
    /// When second 0 is.
    pub start: Timestamp,
    /// Length of the night.
    pub duration_s: f64,
    /// Readings a second.
    pub rate_hz: f64,
    /// Names of the channels.
    pub channels: Vec<String>,
    /// Unit of the readings.
    pub unit: String,
    /// Highest value of a channel.
    pub full_scale: f64,
    /// The longest that it is silent while nothing changes, in seconds, where it sends only on change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_s: Option<f64>,
    /// How often a contact opens for a moment under a load, an hour, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chatter_an_hour: Option<f64>,
    /// Bits of the ADC, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adc_bits: Option<u8>,
    /// What a technician noted on installation day.
    pub commission: Commission,
    /// The resident's weight.
    pub weight_kg: f64,
    /// Whether two share the bed.
    pub partner: bool,
    /// Where the resident was, without gaps.
    pub intervals: Vec<Interval>,
    /// When she left the bed.
    pub rises: Vec<Rise>,
    /// When load came on the empty mat.
    pub returns: Vec<f64>,
    /// What looks like rising and is none.
    pub disturbances: Vec<Disturbance>,
    /// Other loads than the resident.
    pub loads: Vec<OtherLoad>,
    /// When the mat could not be trusted.
    pub faults: Vec<Fault>,
    /// Contact mats: when the contact itself contradicts who is there.
    #[serde(default)]
    pub blind: Vec<Blind>,
}

/// Forms of truth files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Version {
    /// As this simulator writes them.
    #[serde(rename = "nattvakt-1")]
    Nattvakt1,
    /// As the reference nights have them.
    #[serde(rename = "nights-1")]
    Nights1,
}

/// Levels of installation day, a number a zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Commission {
    /// Nobody on the mat.
    pub empty: Vec<f64>,
    /// 75 kg lying on the back.
    pub lying_75kg: Vec<f64>,
}

/// Where the resident was for a while.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Where.
    pub state: State,
    /// From when.
    pub from: f64,
    /// Until when.
    pub to: f64,
}

/// Where a resident can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// In bed.
    Bed,
    /// On its edge, or standing up from it.
    Edge,
    /// Out of bed.
    Absent,
}

/// One rise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rise {
    /// When the last load was gone.
    pub time: f64,
    /// When the body was gone, though a hand may still have leant on the mat.
    pub body_off: f64,
    /// When she came to the edge.
    pub edge_from: f64,
    /// When she was back; none where she was not.
    #[serde(rename = "return")]
    pub returned: Option<f64>,
    /// `toilet`, `morning`, or `fall`: is not back for long, if ever.
    pub why: String,
    /// `quick`, `normal` or `slow`, with `+hand` where a hand leant on the mat.
    pub style: String,
    /// How long she had been in bed before.
    pub occupied_s: f64,
    /// How long she sat on the edge.
    pub edge_s: f64,
    /// By how much the resting load of the bed changed as she left it: -3 to +3.
    pub residual_kg: f64,
}

/// Something that happened on the mat for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Disturbance {
    /// `turn`, `bridge` (the hips lifted), `situp`, `legs` (kicks now and then), `attempt` (to stand up, in vain).
    pub what: String,
    /// From when.
    pub from: f64,
    /// Until when.
    pub to: f64,
}

/// A load that is not the resident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OtherLoad {
    /// `pet`, `caregiver`, `visitor`, `sheets`, `bag`, `partner`.
    pub what: String,
    /// From when.
    pub from: f64,
    /// Until when.
    pub to: f64,
    /// The most that it weighed.
    pub max_kg: f64,
    /// Share of it that rested on the mat, 0 to 1.
    pub mat_share: f64,
    /// When it moved strongly, where that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<f64>,
}

/// A span in which a contact mat contradicts who is there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Blind {
    /// From when.
    pub from: f64,
    /// Until when.
    pub to: f64,
}

/// A span in which the mat could not be trusted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// `dropout`, `stuck`, `unplugged`, `restart`.
    pub kind: String,
    /// From when.
    pub from: f64,
    /// Until when.
    pub to: f64,
    /// Whether the readings look like an empty bed, so that nobody could tell.
    pub ambiguous: bool,
    /// What a pulled cable reads like: `nodata`, `nan`, `zero`, `full`, `noise`, `sentinel`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<String>,
    /// Whether only one of several channels was hit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_channel: Option<bool>,
    /// Whether a restarted mat took the load of that moment for its zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retare: Option<bool>,
}

impl Truth {
    /// Writes down the truth about a night with this mat.
    #[must_use]
    pub fn of(settings: &NightSettings, mat: &Mat) -> Self {
        let intervals = intervals(&settings.resident, settings.duration);
        let returns = returns(&intervals);
        let faults = settings.faults.spans.iter().map(|span| fault(span, settings, mat, &intervals)).collect();
        let kind = settings.mat.as_str();
        let difficulty = settings.difficulty;
        let (empty, lying_75kg) = mat.commission();
        Self {
            version: Version::Nattvakt1,
            id: format!("s{:04}-{kind}-{}", settings.seed, difficulty.as_str()),
            seed: Some(settings.seed),
            kind: kind.to_owned(),
            difficulty,
            start: settings.start,
            duration_s: settings.duration.as_secs_f64(),
            rate_hz: thousandths(1.0 / settings.period().as_secs_f64()),
            channels: settings.mat.channels(),
            unit: settings.mat.unit().to_owned(),
            full_scale: settings.mat.full_scale(),
            heartbeat_s: settings.mat.sending().heartbeat_s(),
            chatter_an_hour: settings.mat.chatter_an_hour().map(thousandths),
            adc_bits: settings.mat.adc_bits(),
            commission: Commission {
                empty: empty.into_iter().map(thousandths).collect(),
                lying_75kg: lying_75kg.into_iter().map(thousandths).collect(),
            },
            weight_kg: thousandths(settings.resident.body().weight_kg),
            partner: settings.home.has_partner(),
            rises: rises(&settings.resident, settings.duration, &intervals, &returns),
            disturbances: disturbances(&settings.resident, settings.duration),
            intervals,
            returns,
            loads: settings.home.visits.iter().map(load).collect(),
            blind: Vec::new(),
            faults,
        }
    }

    /// Returns where the resident was at a time, in seconds after the start.
    #[must_use]
    pub fn state_at(&self, seconds: f64) -> Option<State> {
        self.intervals.iter().find(|interval| interval.from <= seconds && seconds < interval.to).map(|i| i.state)
    }
}

/// Rounds to thousandths, so that the last bits of a platform's `exp` and `ln` never show.
fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn intervals(script: &Script, duration: Duration) -> Vec<Interval> {
    let stretches = script.stretches(duration).into_iter();
    stretches.map(|at| Interval { state: state(at.place), from: at.from, to: at.to }).collect()
}

const fn state(place: Place) -> State {
    match place {
        Place::Absent => State::Absent,
        Place::Edge => State::Edge,
        Place::Bed => State::Bed,
    }
}

fn returns(intervals: &[Interval]) -> Vec<f64> {
    let pairs = intervals.iter().zip(intervals.iter().skip(1));
    pairs.filter(|(before, _)| before.state == State::Absent).map(|(_, after)| after.from).collect()
}

fn rises(script: &Script, duration: Duration, intervals: &[Interval], returns: &[f64]) -> Vec<Rise> {
    let steps = script.steps();
    let followers = steps.iter().skip(1).map(Some).chain([None]);
    let risings = steps.iter().zip(followers).filter_map(|(step, follower)| {
        let Phase::Rising { why, style, hand, leaves_kg } = step.phase else { return None };
        let leaning = follower.filter(|next| matches!(next.phase, Phase::Leaning));
        let ends = leaning.map_or(step.ends, |next| next.ends);
        (ends < duration).then(|| {
            let (time, body_off) = (ends.as_secs_f64(), step.ends.as_secs_f64());
            let edge_from = intervals
                .iter()
                .rfind(|interval| interval.state == State::Edge && interval.from < body_off)
                .map_or(body_off, |interval| interval.from);
            let in_bed_since = returns.iter().rfind(|back| **back < body_off).copied().unwrap_or_default();
            Rise {
                time,
                body_off,
                edge_from,
                returned: returns.iter().find(|back| **back >= time).copied(),
                why: match why {
                    Why::Toilet => "toilet",
                    Why::Morning => "morning",
                    Why::Fall => "fall",
                }
                .to_owned(),
                style: style_name(style, hand),
                occupied_s: thousandths(edge_from - in_bed_since),
                edge_s: sat_s(steps, edge_from, body_off),
                residual_kg: thousandths(leaves_kg),
            }
        })
    });
    risings.collect()
}

fn style_name(style: Style, hand: f64) -> String {
    let name = match style {
        Style::Quick => "quick",
        Style::Normal => "normal",
        Style::Slow => "slow",
    };
    if hand > 0.0 { format!("{name}+hand") } else { name.to_owned() }
}

/// Adds up how long she sat on the edge between two times.
fn sat_s(steps: &[Step], from: f64, to: f64) -> f64 {
    let sitting = steps.iter().filter(|step| matches!(step.phase, Phase::Edge));
    let inside = sitting.filter(|step| step.begins.as_secs_f64() >= from && step.ends.as_secs_f64() <= to);
    inside.map(|step| step.ends.saturating_sub(step.begins)).sum::<Duration>().as_secs_f64()
}

fn disturbances(script: &Script, duration: Duration) -> Vec<Disturbance> {
    let steps = script.steps();
    let mut found = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let (what, ends) = match step.phase {
            Phase::Turning { .. } => ("turn", Some(step.ends)),
            Phase::Lifting { .. } => ("bridge", Some(step.ends)),
            Phase::Attempting { .. } => ("attempt", Some(step.ends)),
            Phase::Kicking { .. } => ("legs", Some(step.ends)),
            Phase::SittingUp => ("situp", lies_down_again(steps.get(index..).unwrap_or_default())),
            Phase::Away
            | Phase::SittingDown { .. }
            | Phase::Edge
            | Phase::LyingDown { .. }
            | Phase::Lying
            | Phase::Stirring { .. }
            | Phase::Upright
            | Phase::ToEdge { .. }
            | Phase::Rising { .. }
            | Phase::Leaning => continue,
        };
        if let Some(to) = ends.filter(|ends| *ends <= duration) {
            found.push(Disturbance { what: what.to_owned(), from: step.begins.as_secs_f64(), to: to.as_secs_f64() });
        }
    }
    found
}

/// Returns when somebody who sits up lies down again; `None` where she goes on to the edge.
fn lies_down_again(steps: &[Step]) -> Option<Duration> {
    let next = steps.iter().find(|step| !matches!(step.phase, Phase::SittingUp | Phase::Upright))?;
    matches!(next.phase, Phase::LyingDown { .. }).then_some(next.ends)
}

fn load(visit: &Visit) -> OtherLoad {
    OtherLoad {
        what: visit.guest.as_str().to_owned(),
        from: visit.from,
        to: visit.to,
        max_kg: thousandths(visit.max_kg()),
        mat_share: thousandths(visit.mat_share),
        moves: visit.moves.iter().copied().map(thousandths).collect(),
    }
}

fn fault(span: &FaultSpan, settings: &NightSettings, mat: &Mat, intervals: &[Interval]) -> Fault {
    let (from, zones) = (span.from.as_secs_f64(), settings.mat.channels().len());
    let was_empty = || intervals.iter().any(|i| i.state == State::Absent && i.from <= from && from < i.to);
    let ambiguous = match (
        span.kind,
        span.kind.cable().and_then(|cable| settings.faults.reads_as(cable, settings.mat.full_scale())),
    ) {
        // Whoever lies squarely on a contact keeps it pressed for hours.
        (FaultKind::Stuck, _) => was_empty() || matches!(mat, Mat::Contact(_)),
        // A contact that reads pressed says what somebody says who lies on it.
        (FaultKind::Unplugged(_), Some(_)) if matches!(mat, Mat::Contact(_)) => true,
        (FaultKind::Unplugged(_), Some(value)) => mat.reads_empty_as(value, None),
        (FaultKind::Zone { zone, .. }, Some(value)) => {
            mat.reads_empty_as(value, Some(usize::from(zone) % zones.max(1)))
        }
        (FaultKind::Dropout | FaultKind::Restart | FaultKind::Unplugged(_) | FaultKind::Zone { .. }, _) => false,
    };
    Fault {
        kind: span.kind.as_str().to_owned(),
        from,
        to: span.to.as_secs_f64(),
        ambiguous,
        how: span.kind.cable().map(|cable| cable.as_str().to_owned()),
        one_channel: matches!(span.kind, FaultKind::Zone { .. }).then_some(zones > 1),
        retare: (span.kind == FaultKind::Restart).then(|| settings.mat.retares()),
    }
}

#[cfg(test)]
mod tests;
