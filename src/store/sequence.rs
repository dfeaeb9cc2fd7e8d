//! Which sequence numbers may be used. PURE.
//!
//! The gateway counts in memory; the store keeps a *mark* that lies above every number that may have been used, and a
//! start begins at the mark. The mark is raised long before it is reached, so that numbers given out while the disk is
//! away lie below it too.

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

/// Returns the first number for a gateway that cannot ask its store: milliseconds since 1970, and no less than the floor.
///
/// Once the store is open the gateway goes on from the larger one of its own next number and [`super::Recovered::sequence`].
#[must_use]
pub fn first_sequence(utc: Timestamp) -> Sequence {
    Sequence(u64::try_from(utc.as_millisecond()).unwrap_or(0).max(FLOOR))
}

/// Returns the first number after a start: above every mark and the last stored alert, and never below the wall clock,
/// so that even a store that was lost with all its marks does not go back.
pub(super) fn first_after(
    marks: impl IntoIterator<Item = u64>,
    stored: impl IntoIterator<Item = Sequence>,
    utc: Timestamp,
) -> u64 {
    let after_stored = stored.into_iter().map(|last| last.0.saturating_add(1));
    marks.into_iter().chain(after_stored).filter(|mark| *mark <= MOST).fold(first_sequence(utc).0, u64::max)
}

/// Returns the new mark if the use of this number calls for one: when half of the block is gone.
pub(super) fn raised(mark: u64, used: Sequence) -> Option<u64> {
    (used.0 <= MOST && used.0.saturating_add(BLOCK / 2) >= mark).then(|| used.0.saturating_add(BLOCK))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_first_number_is_above_every_mark_and_the_wall_clock() {
        let now = at("2027-01-15T20:00:00Z");
        let millis = first_sequence(now).0;
        assert_eq!(first_after([0, 5], [], now), millis);
        assert_eq!(first_after([millis + 7, 5], [], now), millis + 7);
        assert_eq!(first_after([0, 0], [Sequence(millis + 9)], now), millis + 10);
    }

    #[test]
    fn a_clock_in_1970_starts_at_the_floor() {
        assert_eq!(first_after([], [], at("1970-01-01T00:00:10Z")), FLOOR);
        assert_eq!(first_after([], [], at("1969-01-01T00:00:10Z")), FLOOR);
    }

    #[test]
    fn a_mark_that_no_sequence_can_have_is_not_believed() {
        assert_eq!(first_after([u64::MAX], [Sequence(u64::MAX)], at("1970-01-01T00:00:10Z")), FLOOR);
    }

    #[test]
    fn the_mark_rises_when_half_of_its_block_is_used() {
        let mark = 10 * BLOCK;
        assert_eq!(raised(mark, Sequence(mark - BLOCK)), None);
        assert_eq!(raised(mark, Sequence(mark - BLOCK / 2 - 1)), None);
        assert_eq!(raised(mark, Sequence(mark - BLOCK / 2)), Some(mark + BLOCK / 2));
        assert_eq!(raised(mark, Sequence(mark + 5)), Some(mark + 5 + BLOCK));
    }
}
