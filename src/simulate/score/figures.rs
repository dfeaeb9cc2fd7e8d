//! The figures of many nights: what was found, what was told without a cause, how fast.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::night::{Failure, NightScore, Tally};

/// The figures of a group of nights. Shares are per cents; times are seconds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Figures {
    /// Nights.
    pub nights: u32,
    /// Rises that had to be told.
    pub rises: u32,
    /// Of these, not told in time.
    pub missed: u32,
    /// Share of them that was told in time; none where there was no rise.
    pub sensitivity: Option<f64>,
    /// What that share is at least, with 95 % confidence (Wilson's interval).
    pub sens_low95: Option<f64>,
    /// Missed because the alarm came while she still sat there.
    pub early: u32,
    /// Missed because it came too late.
    pub late: u32,
    /// Rises hidden by a fault or a blind contact; never required.
    pub hidden: u32,
    /// Of these, told.
    pub hidden_found: u32,
    /// Alarms without a cause.
    pub false_alarms: u32,
    /// The same a night.
    pub fa_night: f64,
    /// Share of nights with one.
    pub fa_nights_pct: Option<f64>,
    /// Beyond the confirmation time after the last load had gone: the median.
    pub lat_p50: Option<f64>,
    /// The time that 95 % keep to.
    pub lat_p95: Option<f64>,
    /// The longest.
    pub lat_max: Option<f64>,
    /// Returns that had to be told.
    pub returns: u32,
    /// Of these, not told in time.
    pub returns_missed: u32,
    /// Returns told while she was away.
    pub false_returns: u32,
    /// Sittings on the edge that had to be told.
    pub edges: u32,
    /// Of these, told; none where the detector tells of no edge at all.
    pub edges_found: Option<u32>,
    /// Edges told where nobody sat on one.
    pub false_edges: u32,
    /// Faults that had to be told.
    pub faults: u32,
    /// Of these, told.
    pub faults_found: u32,
    /// Faults told while the mat was sound.
    pub false_faults: u32,
    /// False alarms by what was going on.
    pub contexts: BTreeMap<String, u32>,
    /// Faults by kind: found, and how many there were.
    pub fault_kinds: BTreeMap<String, (u32, u32)>,
}

/// All figures of a run, and what failed in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The confirmation time that the detector was given: `auto`, or seconds as in `3s`.
    pub confirm: String,
    /// Whether the levels of installation day were given to it.
    pub measured: bool,
    /// The figures of `all` nights, of each level, and of each kind of mat at each level (`fsr easy`).
    pub groups: BTreeMap<String, Figures>,
    /// Each failure, by night and time.
    pub failures: Vec<Failure>,
}

impl Report {
    /// Sums up scored nights.
    #[must_use]
    pub fn of(confirm: String, measured: bool, mut nights: Vec<NightScore>) -> Self {
        nights.sort_by(|one, other| one.id.cmp(&other.id));
        let mut groups: BTreeMap<String, Vec<&NightScore>> = BTreeMap::new();
        for night in &nights {
            let level = night.level.as_str();
            for name in ["all".to_owned(), level.to_owned(), format!("{} {level}", night.kind)] {
                groups.entry(name).or_default().push(night);
            }
        }
        let groups = groups.into_iter().map(|(name, nights)| (name, Figures::of(&nights))).collect();
        Self { confirm, measured, groups, failures: nights.iter().flat_map(|night| night.failures.clone()).collect() }
    }
}

impl Figures {
    /// Sums up some nights.
    #[must_use]
    pub fn of(nights: &[&NightScore]) -> Self {
        let all = |part: fn(&NightScore) -> Tally| {
            nights.iter().fold(Tally::default(), |mut sum, night| {
                sum.add(part(night));
                sum
            })
        };
        let sum = |part: fn(&NightScore) -> u32| nights.iter().map(|night| part(night)).sum::<u32>();
        let (rises, hidden, returns) =
            (all(|night| night.rises), all(|night| night.hidden), all(|night| night.returns));
        let (contexts, faults) = (contexts(nights), faults(nights));
        let false_alarms = contexts.values().sum();
        let count = sum(|_| 1);
        let latencies = Latencies::of(nights);
        let edges = all(|night| night.edges);
        Self {
            nights: count,
            rises: rises.of,
            missed: rises.of - rises.found,
            sensitivity: share(rises.found, rises.of),
            sens_low95: at_least(rises),
            early: sum(|night| night.early),
            late: sum(|night| night.late),
            hidden: hidden.of,
            hidden_found: hidden.found,
            false_alarms,
            fa_night: rounded(f64::from(false_alarms) / f64::from(count.max(1)), 3),
            fa_nights_pct: share(sum(|night| u32::from(!night.false_alarms.is_empty())), count),
            lat_p50: latencies.percentile(50),
            lat_p95: latencies.percentile(95),
            lat_max: latencies.percentile(100),
            returns: returns.of,
            returns_missed: returns.of - returns.found,
            false_returns: sum(|night| night.false_returns),
            edges: edges.of,
            edges_found: nights.iter().any(|night| night.tells_edges).then_some(edges.found),
            false_edges: sum(|night| night.false_edges),
            faults: faults.values().map(|tally| tally.of).sum(),
            faults_found: faults.values().map(|tally| tally.found).sum(),
            false_faults: sum(|night| night.false_faults),
            contexts,
            fault_kinds: faults.into_iter().map(|(kind, tally)| (kind, (tally.found, tally.of))).collect(),
        }
    }
}

fn contexts(nights: &[&NightScore]) -> BTreeMap<String, u32> {
    let mut sums = BTreeMap::new();
    for (context, count) in nights.iter().flat_map(|night| &night.false_alarms) {
        *sums.entry(context.clone()).or_default() += count;
    }
    sums
}

fn faults(nights: &[&NightScore]) -> BTreeMap<String, Tally> {
    let mut sums: BTreeMap<String, Tally> = BTreeMap::new();
    for (kind, tally) in nights.iter().flat_map(|night| &night.faults) {
        sums.entry(kind.clone()).or_default().add(*tally);
    }
    sums
}

/// Latencies in rising order.
struct Latencies(Vec<f64>);

impl Latencies {
    fn of(nights: &[&NightScore]) -> Self {
        let mut all: Vec<f64> = nights.iter().flat_map(|night| &night.latencies).copied().collect();
        all.sort_by(f64::total_cmp);
        Self(all)
    }

    /// The percentile between the two nearest, on a straight line.
    fn percentile(&self, percent: u8) -> Option<f64> {
        let steps = usize::from(percent) * self.0.len().checked_sub(1)?;
        let below = self.0.get(steps / 100)?;
        let above = self.0.get(steps / 100 + 1).unwrap_or(below);
        let part = f64::from(u8::try_from(steps % 100).unwrap_or_default()) / 100.0;
        Some(rounded(below + (above - below) * part, 2))
    }
}

fn share(part: u32, of: u32) -> Option<f64> {
    (of > 0).then(|| rounded(100.0 * f64::from(part) / f64::from(of), 2))
}

/// The lower end of Wilson's score interval at 95 % (E. B. Wilson, 1927).
fn at_least(tally: Tally) -> Option<f64> {
    const Z: f64 = 1.96;
    let of = f64::from(tally.of);
    let share = f64::from(tally.found) / of;
    let centre = share + Z * Z / 2.0 / of;
    let spread = Z * ((share * (1.0 - share) + Z * Z / 4.0 / of) / of).sqrt();
    (tally.of > 0).then(|| rounded(100.0 * (centre - spread) / (1.0 + Z * Z / of), 1))
}

/// Rounds by the exact decimal value of a number, ties to even, and makes no minus zero.
fn rounded(value: f64, digits: usize) -> f64 {
    format!("{value:.digits$}").parse().map_or(value, |rounded: f64| rounded + 0.0)
}
