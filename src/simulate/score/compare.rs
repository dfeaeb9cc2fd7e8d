//! Whether figures got worse: each alone, so that one that got better never hides another.

use std::fmt;

use super::figures::{Figures, Report};

/// A figure that is worse than before.
#[derive(Debug, Clone, PartialEq)]
pub struct Worse {
    /// The group of nights.
    pub group: String,
    /// The figure.
    pub figure: &'static str,
    /// What it was.
    pub before: f64,
    /// What it is.
    pub now: f64,
}

impl fmt::Display for Worse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, figure, before, now } = self;
        write!(f, "{group}: {figure} {now}, was {before}")
    }
}

/// Says why two reports cannot be compared: they are about different nights or settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {now}, was {before}: figures of different nights or settings cannot be compared")]
pub struct Different {
    what: String,
    before: String,
    now: String,
}

/// Half of the last digit that latencies are told with, in seconds.
const LATENCY_EQUAL_S: f64 = 0.005;

/// Finds every figure that is worse than before: more missed, more told without a cause, later.
///
/// # Errors
///
/// Fails where the two are not about the same nights, judged with the same confirmation and levels.
pub fn worse(now: &Report, before: &Report) -> Result<Vec<Worse>, Different> {
    same("confirm", &before.confirm, &now.confirm)?;
    same("measured", &before.measured, &now.measured)?;
    let names = |report: &Report| report.groups.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    same("groups", &names(before), &names(now))?;
    let mut found = Vec::new();
    for ((group, before), now) in before.groups.iter().zip(now.groups.values()) {
        for ((what, before), (_, now)) in to_find(before).into_iter().zip(to_find(now)) {
            same(&format!("{group}: {what}"), &before, &now)?;
        }
        let pairs = costs(before).into_iter().zip(costs(now));
        let worse = pairs.filter(|((_, before), (_, now))| *now > *before + LATENCY_EQUAL_S);
        found.extend(worse.map(|((figure, before), (_, now))| Worse { group: group.clone(), figure, before, now }));
    }
    Ok(found)
}

fn same<T: PartialEq + ToString>(what: &str, before: &T, now: &T) -> Result<(), Different> {
    if before == now {
        return Ok(());
    }
    Err(Different { what: what.to_owned(), before: before.to_string(), now: now.to_string() })
}

/// What the truth alone decides.
fn to_find(figures: &Figures) -> [(&'static str, u32); 6] {
    [
        ("nights", figures.nights),
        ("rises", figures.rises),
        ("hidden", figures.hidden),
        ("returns", figures.returns),
        ("edges", figures.edges),
        ("faults", figures.faults),
    ]
}

/// What is the worse the higher it is.
fn costs(figures: &Figures) -> [(&'static str, f64); 12] {
    let count = |count: u32| f64::from(count);
    // Nothing found has no latency; what it costs stands in the misses.
    let latency = |latency: Option<f64>| latency.unwrap_or(f64::NEG_INFINITY);
    [
        ("missed rises", count(figures.missed)),
        ("hidden rises missed", count(figures.hidden - figures.hidden_found.min(figures.hidden))),
        ("false alarms", count(figures.false_alarms)),
        ("median latency", latency(figures.lat_p50)),
        ("95 % latency", latency(figures.lat_p95)),
        ("longest latency", latency(figures.lat_max)),
        ("missed returns", count(figures.returns_missed)),
        ("false returns", count(figures.false_returns)),
        ("missed edges", count(figures.edges - figures.edges_found.unwrap_or(0).min(figures.edges))),
        ("missed faults", count(figures.faults - figures.faults_found.min(figures.faults))),
        ("false edges", count(figures.false_edges)),
        ("false faults", count(figures.false_faults)),
    ]
}
