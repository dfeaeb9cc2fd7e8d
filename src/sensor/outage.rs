//! PURE. What a port or connection that comes and goes costs: how long to wait, and what the log is told.

use std::time::Duration;

use super::settings::Backoff;

/// A way in that was open for this long has recovered.
const STABLE: Duration = Duration::from_secs(5);

/// A way in that keeps coming and going waits as if it had failed this often: at most 2 s with [`Backoff::REOPEN`].
/// What works now and then is worth more tries than what never does.
const ATTEMPTS_FLAPPING: u32 = 2;

/// Keeps count of failures, from one recovery to the next.
#[derive(Debug, Default)]
pub(super) struct Outage {
    words: Option<String>,
    told_open: bool,
    failures: u32,
    attempt: u32,
}

impl Outage {
    /// Notes that the way in failed or was lost, after working for `worked`, and returns how long to wait.
    /// `random` is uniform over all its values.
    pub(super) fn failed(&mut self, backoff: Backoff, worked: Option<Duration>, random: u32) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.attempt = match worked {
            Some(worked) if worked >= STABLE => 0,
            Some(_) => self.attempt.min(ATTEMPTS_FLAPPING),
            None => self.attempt,
        };
        let wait = backoff.wait(self.attempt, random);
        self.attempt = self.attempt.saturating_add(1);
        wait
    }

    /// Tells whether the log should have these words: it has each once, until the way in has recovered.
    pub(super) fn is_new(&mut self, words: &str, worked: Option<Duration>) -> bool {
        let recovered = worked.is_some_and(|worked| worked >= STABLE);
        if !recovered && self.words.as_deref() == Some(words) {
            return false;
        }
        self.words = Some(words.to_owned());
        self.told_open = false;
        true
    }

    /// Notes that the way in is open, and returns the failures before it where the log should have that.
    pub(super) fn opened(&mut self) -> Option<u32> {
        if self.told_open {
            return None;
        }
        self.told_open = true;
        Some(std::mem::take(&mut self.failures))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: u32 = u32::MAX;

    fn waits(outage: &mut Outage, worked: Option<Duration>, times: usize) -> Vec<Duration> {
        (0..times).map(|_| outage.failed(Backoff::REOPEN, worked, MOST)).collect()
    }

    #[test]
    fn what_never_works_is_tried_ever_less_often_and_at_least_every_thirty_seconds() {
        let seconds: Vec<f64> = waits(&mut Outage::default(), None, 9).iter().map(Duration::as_secs_f64).collect();
        assert_eq!(seconds, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]);
    }

    #[test]
    fn what_works_now_and_then_is_tried_again_within_two_seconds() {
        let mut outage = Outage::default();
        waits(&mut outage, None, 9);
        let flapping = waits(&mut outage, Some(Duration::from_millis(300)), 3);
        assert!(flapping.iter().all(|wait| *wait == Duration::from_secs(2)), "{flapping:?}");
        assert_eq!(waits(&mut outage, Some(STABLE), 1), [Duration::from_millis(500)]);
    }

    #[test]
    fn no_wait_is_too_short_to_be_one() {
        assert!(Outage::default().failed(Backoff::REOPEN, None, 0) >= Duration::from_millis(50));
    }

    #[test]
    fn the_log_has_each_change_once_and_not_every_turn_of_a_flapping_way_in() {
        let mut outage = Outage::default();
        assert_eq!(outage.opened(), Some(0));
        for turn in 0..100 {
            outage.failed(Backoff::REOPEN, Some(Duration::ZERO), MOST);
            assert_eq!(outage.is_new("gone", Some(Duration::ZERO)), turn == 0);
            assert_eq!(outage.opened().is_some(), turn == 0);
        }
        outage.failed(Backoff::REOPEN, Some(STABLE), MOST);
        assert!(outage.is_new("gone", Some(STABLE)));
        assert_eq!(outage.opened(), Some(100));
    }
}
