//! What cables, radio and cheap electronics do to the rows of a mat: what there is, and how much of it homes have.
//!
//! Rows that jitter, get lost, come late or twice, single frames of nonsense, and spans in which the mat is silent,
//! stuck, starts again or is unplugged. Each part has its own number, so that one trouble can be had without the others.
//! Does nothing to a row itself: that is the wire's.

use std::time::Duration;

use super::night::Difficulty;
use super::rng::Rng;
use crate::model::Channels;

/// One reading on its way: when it was taken, when it gets through, and what it says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// When the mat took it, after the start of the night; whole milliseconds.
    pub at: Duration,
    /// When it gets through. Rows are given in this order.
    pub arrives: Duration,
    /// What it says.
    pub channels: Channels,
}

/// A span in which the mat cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultSpan {
    /// What is wrong.
    pub kind: FaultKind,
    /// When it begins, after the start of the night.
    pub from: Duration,
    /// When it is over.
    pub to: Duration,
}

/// What can be wrong for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// No rows: the radio or the node is away.
    Dropout,
    /// No rows while the electronics start again; afterwards levels may be others.
    Restart,
    /// The same values again and again.
    Stuck,
    /// The cable is pulled.
    Unplugged(Cable),
    /// One zone is dead. Zones are counted from 0, round and round where there are fewer; a mat's only zone is all of it.
    Zone {
        /// Which zone.
        zone: u8,
        /// What it reads like.
        cable: Cable,
    },
}

impl FaultKind {
    /// Returns the word that truth files use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dropout => "dropout",
            Self::Restart => "restart",
            Self::Stuck => "stuck",
            Self::Unplugged(_) | Self::Zone { .. } => "unplugged",
        }
    }

    /// Returns what the pulled cable reads like, if that is what it is.
    #[must_use]
    pub const fn cable(self) -> Option<Cable> {
        match self {
            Self::Unplugged(cable) | Self::Zone { cable, .. } => Some(cable),
            Self::Dropout | Self::Restart | Self::Stuck => None,
        }
    }

    /// Tells whether no row comes of it.
    #[must_use]
    pub const fn is_silent(self) -> bool {
        match self {
            Self::Dropout | Self::Restart | Self::Unplugged(Cable::NoData) => true,
            Self::Stuck | Self::Unplugged(_) | Self::Zone { .. } => false,
        }
    }
}

/// What a pulled cable reads like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cable {
    /// Nothing comes. Of a single zone: its reading fails.
    NoData,
    /// Readings fail.
    Nan,
    /// Zero.
    Zero,
    /// The end of the scale.
    Full,
    /// Anything: the input floats.
    Noise,
    /// The value that this electronics says for an error: [`Faults::sentinel`].
    Sentinel,
}

impl Cable {
    /// Returns the word that truth files use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoData => "nodata",
            Self::Nan => "nan",
            Self::Zero => "zero",
            Self::Full => "full",
            Self::Noise => "noise",
            Self::Sentinel => "sentinel",
        }
    }
}

/// Everything that befalls the rows of a night. Shares are of all rows, 0 to 1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Faults {
    /// How unevenly rows are taken: a deviation as a share of the period.
    pub jitter: f64,
    /// Rows that never come.
    pub missing: f64,
    /// Rows that come up to [`LATE_S_MAX`] late.
    pub late: f64,
    /// Rows that come twice.
    pub doubled: f64,
    /// Readings of a zone that failed, as a share of all.
    pub failed: f64,
    /// Rows of nonsense.
    pub glitches: f64,
    /// What the electronics says for an error: -1, 65535 and the like.
    pub sentinel: f64,
    /// Longer troubles; where two overlap, the first in the list counts.
    pub spans: Vec<FaultSpan>,
}

/// The longest that a row is held up, in seconds.
pub const LATE_S_MAX: f64 = 2.0;

/// How much of everything homes of a level have.
struct Troubles {
    dropouts: (f64, f64),
    /// Chance of a silence of 10 to 20 minutes.
    gap: f64,
    restart: f64,
    stuck: f64,
    unplugged: f64,
    dead_zone: f64,
}

impl Troubles {
    const REALISTIC: Self =
        Self { dropouts: (1.0, 5.0), gap: 0.04, restart: 0.25, stuck: 0.04, unplugged: 0.15, dead_zone: 0.05 };
    const NASTY: Self =
        Self { dropouts: (4.0, 10.0), gap: 0.33, restart: 0.5, stuck: 0.33, unplugged: 0.33, dead_zone: 0.12 };
}

impl Faults {
    /// Draws what homes of this difficulty show in a night of this length.
    ///
    /// Shares of rows are as counted in 22 reference nights: of rows a few in a thousand lost, one in a thousand twice,
    /// half of that late, and five to ten times as many on the worst.
    #[must_use]
    pub fn drawn(difficulty: Difficulty, length: Duration, rng: &mut Rng) -> Self {
        // Two glitches a night at 10 readings a second; of the best mats one in some nights.
        match difficulty {
            Difficulty::Easy => Self { jitter: 0.023, glitches: 0.000_001, sentinel: sentinel(rng), ..Self::default() },
            Difficulty::Realistic => Self {
                jitter: 0.085,
                missing: 0.0035,
                late: 0.0006,
                doubled: 0.001,
                failed: 0.001,
                glitches: 0.000_005,
                sentinel: sentinel(rng),
                spans: spans(&Troubles::REALISTIC, length, rng),
            },
            Difficulty::Nasty => Self {
                jitter: 0.24,
                missing: 0.02,
                late: 0.004,
                doubled: 0.0055,
                failed: 0.0095,
                glitches: 0.000_02,
                sentinel: sentinel(rng),
                spans: spans(&Troubles::NASTY, length, rng),
            },
        }
    }

    /// Leaves out dead zones where a mat has but one: that would be the whole mat until the morning.
    #[must_use]
    pub fn fitting(mut self, zones: usize) -> Self {
        self.spans.retain(|span| zones > 1 || !matches!(span.kind, FaultKind::Zone { .. }));
        self
    }

    /// Returns the value that a pulled cable says all the time, to a device with this scale; `None` where it says none.
    #[must_use]
    pub fn reads_as(&self, cable: Cable, full_scale: f64) -> Option<f64> {
        match cable {
            Cable::NoData | Cable::Nan | Cable::Noise => None,
            Cable::Zero => Some(0.0),
            Cable::Full => Some(full_scale),
            // A contact has but two values and no word for an error.
            Cable::Sentinel => (full_scale > 1.0).then_some(self.sentinel),
        }
    }

    /// Tells whether a start is over after the first and not after the second time.
    #[must_use]
    pub fn starts_again(&self, after: Duration, until: Duration) -> bool {
        self.spans.iter().any(|span| span.kind == FaultKind::Restart && after < span.to && span.to <= until)
    }

    pub(super) fn span_at(&self, at: Duration) -> Option<&FaultSpan> {
        self.spans.iter().find(|span| span.from <= at && at < span.to)
    }
}

/// Draws an error value as electronics have them: unsigned -1 and -2, the ends of 16 and 24 bits, a sensor's -127.
fn sentinel(rng: &mut Rng) -> f64 {
    let values = [-1.0, 65_535.0, 65_534.0, -32_768.0, 8_388_607.0, -127.0];
    rng.pick(&values.map(|value| (1.0, value))).unwrap_or(-1.0)
}

/// Draws longer troubles, none over another as far as there is room.
fn spans(troubles: &Troubles, length: Duration, rng: &mut Rng) -> Vec<FaultSpan> {
    let mut spans = Vec::new();
    if rng.chance(troubles.dead_zone) {
        spans.push(dead_zone(length, rng));
    }
    if rng.chance(troubles.stuck) {
        place(FaultKind::Stuck, rng.between(1800.0, 3000.0), length, &mut spans, rng);
    }
    if rng.chance(troubles.unplugged) {
        let cable = cable(rng);
        place(FaultKind::Unplugged(cable), rng.between(1000.0, 5000.0), length, &mut spans, rng);
    }
    if rng.chance(troubles.restart) {
        place(FaultKind::Restart, rng.between(10.0, 60.0), length, &mut spans, rng);
    }
    if rng.chance(troubles.gap) {
        place(FaultKind::Dropout, rng.between(600.0, 1200.0), length, &mut spans, rng);
    }
    let mut left = rng.between(troubles.dropouts.0, troubles.dropouts.1).floor();
    while left > 0.0 {
        // Mostly seconds: 2 to 45, as many under 10 as over. One in ten lasts minutes.
        let seconds = if rng.chance(0.1) { rng.between(60.0, 240.0) } else { 2.0 * rng.between(0.0, 3.1).exp() };
        place(FaultKind::Dropout, seconds, length, &mut spans, rng);
        left -= 1.0;
    }
    spans
}

/// Draws a zone that dies in the night, or was dead before it; it stays so.
fn dead_zone(length: Duration, rng: &mut Rng) -> FaultSpan {
    let zone = rng.pick(&[(1.0, 0), (1.0, 1), (1.0, 2), (1.0, 3)]).unwrap_or(0);
    let cables =
        [(1.0, Cable::Nan), (1.0, Cable::Zero), (1.0, Cable::Full), (0.5, Cable::Noise), (0.5, Cable::Sentinel)];
    let cable = rng.pick(&cables).unwrap_or(Cable::Zero);
    let from = if rng.chance(0.4) { Duration::ZERO } else { whole_millis(length.as_secs_f64() * rng.uniform()) };
    FaultSpan { kind: FaultKind::Zone { zone, cable }, from, to: length }
}

fn cable(rng: &mut Rng) -> Cable {
    let cables = [
        (2.0, Cable::NoData),
        (2.0, Cable::Nan),
        (2.0, Cable::Zero),
        (1.0, Cable::Full),
        (1.0, Cable::Noise),
        (1.0, Cable::Sentinel),
    ];
    rng.pick(&cables).unwrap_or(Cable::NoData)
}

/// Finds a place for a trouble that no other holds; after some tries anywhere.
fn place(kind: FaultKind, lasts_s: f64, length: Duration, spans: &mut Vec<FaultSpan>, rng: &mut Rng) {
    let lasts = whole_millis(lasts_s);
    let mut anywhere = || {
        let from = whole_millis(length.as_secs_f64() * rng.uniform());
        FaultSpan { kind, from, to: from.saturating_add(lasts).min(length) }
    };
    let is_free = |span: &FaultSpan| {
        let zone = |kind| matches!(kind, FaultKind::Zone { .. });
        spans.iter().all(|other| zone(other.kind) || span.to <= other.from || other.to <= span.from)
    };
    let mut span = anywhere();
    for _ in 0..10 {
        if is_free(&span) {
            break;
        }
        span = anywhere();
    }
    // Before what holds for the rest of the night: where both are, the silence or the stuck values count.
    spans.insert(0, span);
}

/// Rounds down to whole milliseconds, as recordings have them. What is no duration is none.
pub(super) fn whole_millis(seconds: f64) -> Duration {
    let exact = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    Duration::from_millis(u64::try_from(exact.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NIGHT: Duration = Duration::from_secs(11 * 3600);

    /// Returns the share of nights with such a trouble, and the shortest and longest of them in seconds.
    fn seen(difficulty: Difficulty, fits: impl Fn(&FaultSpan) -> bool) -> (f64, f64, f64) {
        let (mut nights, mut shortest, mut longest) = (0.0, f64::INFINITY, 0.0_f64);
        for seed in 0..600 {
            let faults = Faults::drawn(difficulty, NIGHT, &mut Rng::new(seed));
            let lasts: Vec<f64> = faults
                .spans
                .iter()
                .filter(|span| fits(span) && span.to < NIGHT)
                .map(|span| span.to.abs_diff(span.from).as_secs_f64())
                .collect();
            nights += if lasts.is_empty() { 0.0 } else { 1.0 };
            shortest = lasts.iter().copied().fold(shortest, f64::min);
            longest = lasts.iter().copied().fold(longest, f64::max);
        }
        (nights / 600.0, shortest, longest)
    }

    #[test]
    fn nasty_nights_have_their_troubles_as_often_and_as_long_as_the_reference_nights() {
        let (share, shortest, longest) = seen(Difficulty::Nasty, |span| span.kind == FaultKind::Stuck);
        assert!((0.25..0.4).contains(&share) && shortest > 1700.0 && longest < 3001.0, "stuck: {share}");
        let (share, shortest, longest) = seen(Difficulty::Nasty, |span| span.kind == FaultKind::Restart);
        assert!((0.42..0.58).contains(&share) && shortest >= 10.0 && longest <= 60.0, "restart: {share}");
        let (share, ..) = seen(Difficulty::Nasty, |span| matches!(span.kind, FaultKind::Unplugged(_)));
        assert!((0.25..0.4).contains(&share), "unplugged: {share}");
        let (share, shortest, longest) = seen(Difficulty::Nasty, |span| span.kind == FaultKind::Dropout);
        assert!(share > 0.99 && (1.9..2.2).contains(&shortest) && (600.0..1200.1).contains(&longest), "{share}");
        let (often, ..) = seen(Difficulty::Realistic, |span| matches!(span.kind, FaultKind::Unplugged(_)));
        assert!((0.1..0.2).contains(&often), "{often}");
    }

    #[test]
    fn drawn_faults_lie_within_the_night_and_easy_ones_are_none() {
        for seed in 0..100 {
            let faults = Faults::drawn(Difficulty::Nasty, NIGHT, &mut Rng::new(seed));
            assert!(faults.spans.iter().all(|span| span.from <= span.to && span.to <= NIGHT), "seed {seed}");
            let dropouts = faults.spans.iter().filter(|span| span.kind == FaultKind::Dropout).count();
            assert!((4..=10).contains(&dropouts), "seed {seed}: {dropouts}");
            assert_eq!(faults, Faults::drawn(Difficulty::Nasty, NIGHT, &mut Rng::new(seed)));
            let easy = Faults::drawn(Difficulty::Easy, NIGHT, &mut Rng::new(seed));
            assert!(easy.spans.is_empty() && easy.missing + easy.late + easy.doubled + easy.failed == 0.0);
        }
    }

    #[test]
    fn a_mat_of_one_zone_has_no_dead_ones() {
        let zones_dead = |zones| {
            let dead = |seed: &u64| {
                let faults = Faults::drawn(Difficulty::Nasty, NIGHT, &mut Rng::new(*seed)).fitting(zones);
                faults.spans.iter().any(|span| matches!(span.kind, FaultKind::Zone { .. }))
            };
            (0..200).filter(dead).count()
        };
        assert_eq!(zones_dead(1), 0);
        assert!((10..40).contains(&zones_dead(4)), "{}", zones_dead(4));
    }

    #[test]
    fn a_start_is_over_once() {
        let span = FaultSpan { kind: FaultKind::Restart, from: Duration::from_secs(10), to: Duration::from_secs(20) };
        let faults = Faults { spans: vec![span], ..Faults::default() };
        let starts = |after, until| faults.starts_again(Duration::from_secs(after), Duration::from_secs(until));
        assert!(starts(19, 20) && starts(5, 30));
        assert!(!starts(9, 11) && !starts(20, 21));
    }
}
