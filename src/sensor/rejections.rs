//! PURE. Counts what is no reading, and bounds what the bed and the log hear of it.

use std::time::Duration;

use crate::model::Moment;

/// The bed hears of rejections at most this often.
const SIGNAL_EVERY: Duration = Duration::from_secs(1);

/// The log hears of them at most this often.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// The rejections of one mat.
#[derive(Debug, Default)]
pub(super) struct Rejections {
    signalled: Option<Moment>,
    logged: Option<Moment>,
    count: u64,
}

/// What is due after a rejection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) struct Due {
    /// The bed should hear of it.
    pub(super) signal: bool,
    /// The log should have a line, with this many since the last one.
    pub(super) line: Option<u64>,
}

impl Rejections {
    /// Counts one.
    pub(super) fn note(&mut self, now: Moment) -> Due {
        self.count += 1;
        let signal = is_due(&mut self.signalled, SIGNAL_EVERY, now);
        let line = is_due(&mut self.logged, LOG_EVERY, now).then(|| std::mem::take(&mut self.count));
        Due { signal, line }
    }
}

fn is_due(last: &mut Option<Moment>, every: Duration, now: Moment) -> bool {
    let due = last.is_none_or(|last| now.since(last) >= every);
    if due {
        *last = Some(now);
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_makes_a_signal_a_second_and_a_line_a_minute_that_counts_them_all() {
        let mut rejections = Rejections::default();
        let (mut signals, mut lines) = (0, Vec::new());
        for tick in 0..121_000 {
            let due = rejections.note(Moment::from_nanos(tick * 1_000_000));
            signals += u32::from(due.signal);
            lines.extend(due.line);
        }
        assert_eq!((signals, lines), (121, vec![1, 60_000, 60_000]));
    }
}
