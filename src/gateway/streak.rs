//! Failures in a row of one thing, so that the first and the end are logged, and not each of them. PURE.

/// Failures in a row.
#[derive(Debug, Default)]
pub(super) struct Streak(u64);

impl Streak {
    /// Counts a failure; tells whether it is the first.
    pub(super) fn failed(&mut self) -> bool {
        self.0 = self.0.saturating_add(1);
        self.0 == 1
    }

    /// It has worked; returns how many failures have ended with that, where there were any.
    pub(super) fn worked(&mut self) -> Option<u64> {
        Some(std::mem::take(&mut self.0)).filter(|count| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_is_told_and_the_end_with_how_many_there_were() {
        let mut streak = Streak::default();
        assert_eq!(streak.worked(), None);
        assert!(streak.failed());
        assert!(!streak.failed() && !streak.failed());
        assert_eq!((streak.worked(), streak.worked()), (Some(3), None));
        assert!(streak.failed());
    }
}
