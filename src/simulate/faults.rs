//! What cables, radio and cheap electronics do to the rows of a mat.
//!
//! Rows that jitter, get lost, come late or twice, single frames of nonsense, and spans in which the mat is silent,
//! stuck or unplugged. Each part has its own number, so that one trouble can be had without the others.

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
    /// The same values again and again.
    Stuck,
    /// The cable is pulled.
    Unplugged(Cable),
}

/// What a pulled cable reads like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cable {
    /// Nothing comes.
    NoData,
    /// Readings fail.
    Nan,
    /// Zero.
    Zero,
    /// The end of the scale.
    Full,
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
    /// Rows whose reading failed.
    pub failed: f64,
    /// Rows of nonsense.
    pub glitches: f64,
    /// Longer troubles; where two overlap, the first in the list counts.
    pub spans: Vec<FaultSpan>,
}

/// The longest that a row is held up, in seconds.
pub const LATE_S_MAX: f64 = 2.0;

impl Faults {
    /// Draws what homes of this difficulty show in a night of this length.
    #[must_use]
    pub fn drawn(difficulty: Difficulty, length: Duration, rng: &mut Rng) -> Self {
        let (rows, dropouts, chance) = match difficulty {
            Difficulty::Easy => return Self { jitter: 0.02, ..Self::default() },
            Difficulty::Realistic => (1.0, rng.between(0.0, 4.0), 0.2),
            Difficulty::Nasty => (5.0, rng.between(2.0, 9.0), 0.5),
        };
        let mut faults = Self {
            jitter: 0.08,
            missing: 0.001 * rows,
            late: 0.001 * rows,
            doubled: 0.0005 * rows,
            failed: 0.0002 * rows,
            // A handful a night at 10 readings a second.
            glitches: 0.000_01 * rows,
            spans: Vec::new(),
        };
        let cables = [(1.0, Cable::NoData), (1.0, Cable::Nan), (1.0, Cable::Zero), (1.0, Cable::Full)];
        let cable = rng.pick(&cables).unwrap_or(Cable::NoData);
        for (kind, shortest_s, longest_s) in
            [(FaultKind::Stuck, 300.0, 3000.0), (FaultKind::Unplugged(cable), 300.0, 5000.0)]
        {
            if rng.chance(chance) {
                faults.spans.push(span(kind, shortest_s, longest_s, length, rng));
            }
        }
        let mut left = dropouts.floor();
        while left > 0.0 {
            faults.spans.push(span(FaultKind::Dropout, 2.0, 50.0, length, rng));
            left -= 1.0;
        }
        faults
    }

    fn span_at(&self, at: Duration) -> Option<&FaultSpan> {
        self.spans.iter().find(|span| span.from <= at && at < span.to)
    }
}

fn span(kind: FaultKind, shortest_s: f64, longest_s: f64, length: Duration, rng: &mut Rng) -> FaultSpan {
    let from = whole_millis(length.as_secs_f64() * rng.uniform());
    let lasts = whole_millis(rng.between(shortest_s, longest_s));
    FaultSpan { kind, from, to: from.saturating_add(lasts).min(length) }
}

/// Rounds down to whole milliseconds, as recordings have them. What is no duration is none.
pub(super) fn whole_millis(seconds: f64) -> Duration {
    let exact = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    Duration::from_millis(u64::try_from(exact.as_millis()).unwrap_or(u64::MAX))
}

/// The way from the mat to whoever reads it. Holds back only rows that are late: at most 2 s of them.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    faults: Faults,
    full_scale: f64,
    last: Option<Channels>,
    waiting: Vec<Row>,
    rng: Rng,
}

impl Wire {
    pub(super) const fn new(faults: Faults, full_scale: f64, rng: Rng) -> Self {
        Self { faults, full_scale, last: None, waiting: Vec::new(), rng }
    }

    /// Takes in what the mat read.
    pub(super) fn send(&mut self, at: Duration, channels: Channels) {
        let Some(channels) = self.suffer(at, channels) else { return };
        let lateness = if self.rng.chance(self.faults.late) { self.rng.between(0.1, LATE_S_MAX) } else { 0.0 };
        let row = Row { at, arrives: at.saturating_add(whole_millis(lateness)), channels };
        self.waiting.push(row);
        if self.rng.chance(self.faults.doubled) {
            self.waiting.push(row);
        }
    }

    /// Gives the next row that gets through before a time.
    pub(super) fn receive(&mut self, before: Duration) -> Option<Row> {
        let (index, row) = self.waiting.iter().enumerate().min_by_key(|(_, row)| (row.arrives, row.at))?;
        (row.arrives < before).then_some(index).map(|index| self.waiting.remove(index))
    }

    /// Does to one reading what befalls it; `None` where nothing comes of it.
    fn suffer(&mut self, at: Duration, channels: Channels) -> Option<Channels> {
        if let Some(span) = self.faults.span_at(at) {
            return match span.kind {
                FaultKind::Dropout | FaultKind::Unplugged(Cable::NoData) => None,
                FaultKind::Stuck => self.last.or(Some(channels)),
                FaultKind::Unplugged(Cable::Nan) => Some(each(channels, |_| f64::NAN)),
                FaultKind::Unplugged(Cable::Zero) => Some(each(channels, |_| 0.0)),
                FaultKind::Unplugged(Cable::Full) => Some(each(channels, |_| self.full_scale)),
            };
        }
        self.last = Some(channels);
        if self.rng.chance(self.faults.missing) {
            return None;
        }
        if self.rng.chance(self.faults.failed) {
            return Some(each(channels, |_| f64::NAN));
        }
        Some(if self.rng.chance(self.faults.glitches) { self.nonsense(channels) } else { channels })
    }

    /// Makes a frame that no body made: at an end of the scale, or anything at all.
    fn nonsense(&mut self, channels: Channels) -> Channels {
        let (full, rng) = (self.full_scale, &mut self.rng);
        let all = rng.pick(&[(1.0, Some(0.0)), (1.0, Some(full)), (1.0, None)]).flatten();
        each(channels, |_| all.unwrap_or_else(|| rng.between(0.0, full).round()))
    }
}

fn each(channels: Channels, change: impl FnMut(f64) -> f64) -> Channels {
    Channels::new(channels.zones().iter().copied().map(change)).unwrap_or(channels)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn rows(faults: Faults, count: u32) -> Vec<Row> {
        let mut wire = Wire::new(faults, 4095.0, Rng::new(5));
        let mut rows = Vec::new();
        for tick in 0..count {
            let at = SECOND * tick / 10;
            while let Some(row) = wire.receive(at) {
                rows.push(row);
            }
            wire.send(at, Channels::new([f64::from(tick % 100) + 200.0]).unwrap());
        }
        rows.extend(std::iter::from_fn(|| wire.receive(Duration::MAX)));
        rows
    }

    fn span(kind: FaultKind) -> Faults {
        let spans = vec![FaultSpan { kind, from: SECOND * 10, to: SECOND * 20 }];
        Faults { spans, ..Faults::default() }
    }

    fn within(rows: &[Row]) -> Vec<f64> {
        let inside = |row: &&Row| (SECOND * 10..SECOND * 20).contains(&row.at);
        rows.iter().filter(inside).map(|row| row.channels.zones()[0]).collect()
    }

    #[test]
    fn without_faults_every_row_gets_through_in_time_and_order() {
        let rows = rows(Faults::default(), 1_000);
        assert_eq!(rows.len(), 1_000);
        assert!(rows.windows(2).all(|pair| pair[0].at < pair[1].at));
        assert!(rows.iter().all(|row| row.at == row.arrives));
    }

    #[test]
    fn rows_get_lost_come_late_and_come_twice_as_often_as_told() {
        let lost = rows(Faults { missing: 0.1, ..Faults::default() }, 10_000);
        assert!((8_800..9_200).contains(&lost.len()), "{}", lost.len());
        let twice = rows(Faults { doubled: 0.1, ..Faults::default() }, 10_000);
        assert!((10_800..11_200).contains(&twice.len()), "{}", twice.len());
        let late = rows(Faults { late: 0.1, ..Faults::default() }, 10_000);
        assert_eq!(late.len(), 10_000);
        assert!(late.windows(2).all(|pair| pair[0].arrives <= pair[1].arrives));
        assert!(late.windows(2).filter(|pair| pair[0].at > pair[1].at).count() > 500);
        assert!(late.iter().all(|row| row.arrives <= row.at + SECOND * 2));
    }

    #[test]
    fn nonsense_and_failed_readings_come_one_at_a_time() {
        let mad = rows(Faults { glitches: 0.01, ..Faults::default() }, 10_000);
        let wrong = mad.iter().filter(|row| !(200.0..300.0).contains(&row.channels.zones()[0])).count();
        assert!((60..140).contains(&wrong), "{wrong}");
        let failed = rows(Faults { failed: 0.01, ..Faults::default() }, 10_000);
        let nan = failed.iter().filter(|row| row.channels.zones()[0].is_nan()).count();
        assert!((60..140).contains(&nan), "{nan}");
    }

    #[test]
    fn each_fault_reads_as_it_does_on_real_cables() {
        assert!(within(&rows(span(FaultKind::Dropout), 300)).is_empty());
        assert!(within(&rows(span(FaultKind::Unplugged(Cable::NoData)), 300)).is_empty());
        assert!(within(&rows(span(FaultKind::Stuck), 300)).iter().all(|value| (*value - 299.0).abs() < 0.1));
        assert!(within(&rows(span(FaultKind::Unplugged(Cable::Nan)), 300)).iter().all(|value| value.is_nan()));
        assert!(within(&rows(span(FaultKind::Unplugged(Cable::Zero)), 300)).iter().all(|value| *value < 0.1));
        let full = within(&rows(span(FaultKind::Unplugged(Cable::Full)), 300));
        assert!(full.len() == 100 && full.iter().all(|value| *value > 4094.0));
    }

    #[test]
    fn drawn_faults_lie_within_the_night() {
        let night = SECOND * 3600;
        for seed in 0..50 {
            let faults = Faults::drawn(Difficulty::Nasty, night, &mut Rng::new(seed));
            assert!(faults.spans.iter().all(|span| span.from <= span.to && span.to <= night), "seed {seed}");
            assert!(faults.spans.iter().any(|span| span.kind == FaultKind::Dropout), "seed {seed}");
            assert!(Faults::drawn(Difficulty::Easy, night, &mut Rng::new(seed)).spans.is_empty());
        }
    }
}
