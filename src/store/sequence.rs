//! Which sequence numbers may be used. Touches no disk.
//!
//! Numbers are handed out from memory; the store keeps a *mark* on the medium that lies above every number that may have
//! been used, and a start begins at the mark. The mark is raised long before it is reached, so that numbers handed out
//! while the disk is away lie below it too.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use crate::model::Sequence;

/// How far ahead of use the mark lies, and so how many numbers a start skips at most. In milliseconds it is a second: the
/// numbers stay behind the wall clock unless starts are quicker than that, so that the clock alone keeps them from going
/// back when every mark is lost.
pub(super) const BLOCK: u64 = 1_000;

/// No gateway starts below this: milliseconds from 1970 to November 2026, when the first one was built. It is for a lost
/// store on a machine whose clock starts in 1970.
const FLOOR: u64 = 1_793_491_200_000;

/// The largest number of sixteen digits.
const MOST: u64 = 9_999_999_999_999_999;

/// The numbers as they are handed out.
#[derive(Debug)]
pub(super) struct Numbers {
    next: AtomicU64,
    /// The mark on the medium; zero before there is one that is ours.
    mark: AtomicU64,
    /// Where the clock has begun, and what had been handed out when the first mark was read; no larger where all is well.
    began: u64,
    unsure_below: AtomicU64,
}

impl Numbers {
    /// Begins where nothing is known but the clock.
    pub(super) fn by_clock(utc: Timestamp) -> Self {
        let began = first_by_clock(utc);
        Self { next: AtomicU64::new(began), mark: AtomicU64::new(0), began, unsure_below: AtomicU64::new(u64::MAX) }
    }

    /// Hands out a number that nobody else gets.
    pub(super) fn draw(&self) -> Sequence {
        Sequence(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns the number that comes next.
    pub(super) fn next(&self) -> Sequence {
        Sequence(self.next.load(Ordering::Relaxed))
    }

    /// Goes on above a number that was used.
    pub(super) fn used(&self, number: Sequence) {
        self.begin_at(number.0.saturating_add(1));
    }

    /// Goes on at this number or above it: what cannot be a number or a mark of ours is not believed.
    pub(super) fn begin_at(&self, first: u64) {
        if first <= MOST {
            self.next.fetch_max(first, Ordering::Relaxed);
        }
    }

    /// As [`Numbers::begin_at`], for a mark that was read: what was handed out before the first one may have been used.
    pub(super) fn begin_at_mark(&self, mark: u64) {
        let believed = if mark <= MOST { mark } else { 0 };
        let handed_out_below = self.next.fetch_max(believed, Ordering::Relaxed);
        self.unsure_below.fetch_min(handed_out_below, Ordering::Relaxed);
    }

    /// Returns the numbers that were handed out before any mark was read: an earlier life may have used them.
    pub(super) fn unsure(&self) -> Range<u64> {
        self.began..self.unsure_below.load(Ordering::Relaxed).min(self.next().0)
    }

    /// Takes the news that no stored alert has one of the unsure numbers any more.
    pub(super) fn settled(&self) {
        self.unsure_below.store(0, Ordering::Relaxed);
    }

    /// Goes on no lower than the wall clock, so that even a store that was lost with all its marks does not go back.
    pub(super) fn begin_by_clock(&self, utc: Timestamp) {
        self.begin_at(first_by_clock(utc));
    }

    /// Returns the mark that must be written now: half of the block below the one before is used.
    pub(super) fn due_mark(&self) -> Option<u64> {
        let (next, mark) = (self.next().0, self.mark());
        (next <= MOST && next.saturating_add(BLOCK / 2) > mark).then(|| next.saturating_add(BLOCK))
    }

    /// Returns the mark on the medium; zero before there is one that is ours.
    pub(super) fn mark(&self) -> u64 {
        self.mark.load(Ordering::Relaxed)
    }

    /// Takes the news that this mark is on the medium.
    pub(super) fn marked(&self, mark: u64) {
        self.mark.store(mark, Ordering::Relaxed);
    }
}

/// Milliseconds since 1970, and no less than the floor.
pub(super) fn first_by_clock(utc: Timestamp) -> u64 {
    u64::try_from(utc.as_millisecond()).unwrap_or(0).max(FLOOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_go_on_above_every_mark_every_use_and_the_wall_clock() {
        let now = at("2027-01-15T20:00:00Z");
        let millis = u64::try_from(now.as_millisecond()).unwrap();
        let numbers = Numbers::by_clock(at("1970-01-01T00:00:10Z"));
        assert_eq!(numbers.next(), Sequence(FLOOR));
        numbers.begin_at(5);
        assert_eq!(numbers.draw(), Sequence(FLOOR));
        numbers.begin_by_clock(now);
        assert_eq!(numbers.draw(), Sequence(millis));
        numbers.begin_at(millis + 7);
        numbers.used(Sequence(millis + 3));
        assert_eq!(numbers.draw(), Sequence(millis + 7));
        numbers.used(Sequence(millis + 9));
        assert_eq!(numbers.draw(), Sequence(millis + 10));
    }

    #[test]
    fn a_mark_that_no_sequence_can_have_is_not_believed() {
        let numbers = Numbers::by_clock(at("1969-01-01T00:00:10Z"));
        numbers.begin_at(u64::MAX);
        numbers.used(Sequence(u64::MAX));
        assert_eq!(numbers.next(), Sequence(FLOOR));
    }

    #[test]
    fn the_mark_is_due_before_the_first_use_and_when_half_of_its_block_is_used() {
        let numbers = Numbers::by_clock(at("1970-01-01T00:00:10Z"));
        assert_eq!(numbers.due_mark(), Some(FLOOR + BLOCK));
        numbers.marked(FLOOR + BLOCK);
        for _ in 0..BLOCK / 2 {
            assert_eq!(numbers.due_mark(), None);
            numbers.draw();
        }
        numbers.draw();
        assert_eq!(numbers.due_mark(), Some(FLOOR + BLOCK / 2 + 1 + BLOCK));
    }
}
