//! How often this mat sends, and so how long a silence is one too long.
//!
//! Keeps a histogram of the gaps between readings, by powers of two, that forgets slowly. Costs no allocation.

use std::time::Duration;

use crate::model::Moment;

/// Gaps from 8 ms up, each bucket twice the one before: the last begins at 4.6 h.
const BUCKETS: usize = 22;

/// The lower edge of the first bucket.
const SHORTEST: Duration = Duration::from_millis(8);

/// A gap counts as usual once it has been seen this often: a lost minute does not make minutes usual.
const USUAL_GAPS: f32 = 3.0;

/// Readings after which it is known whether a mat sends steadily.
const KNOWN_READINGS: f32 = 10.0;

/// The share of gaps in three neighbouring buckets (1 to 8) that makes a mat steady: radio and USB jitter by that much.
const STEADY_SHARE: f32 = 0.85;

/// A contact that sends at a steady pace says the same in more than this share of its readings.
const REPEATED_SHARE: f32 = 0.5;

/// How quickly that share is followed: about the last sixteen readings.
const REPEATED_FOLLOWS: f32 = 1.0 / 16.0;

/// Each reading makes the past count less: half after about 7,000 readings.
const FORGETS: f32 = 0.9999;

/// Silence is a fault after this many of the usual gaps …
const SILENT_GAPS: u32 = 3;

/// … and at the earliest after this: Wi-Fi and brokers stumble for less.
const SILENT_MIN: Duration = Duration::from_secs(60);

/// A mat that sends only on change may sleep quietly; common ones say something at least each 10 min (ESPHome 3 min).
const ON_CHANGE_MIN: Duration = Duration::from_secs(30 * 60);

/// What mostly sends steadily, and at least this often, may still be a mat that sends on change, and restless for now …
const RESTLESS: Duration = Duration::from_secs(8);

/// … so gaps that it has made before are waited for twice as long, but no longer than this.
const RESTLESS_MAX: Duration = Duration::from_secs(15 * 60);

/// A pressure mat of which no two readings are known yet: an ESPHome bed sensor speaks at the latest after 180 s.
const UNHEARD: Duration = Duration::from_secs(200);

/// Contacts by radio check in about hourly; until a mat's own heartbeat is known this is waited for.
const CONTACT_MIN: Duration = Duration::from_secs(3 * 3600);

/// How a mat sends.
#[derive(Debug, Clone)]
pub(super) struct Period {
    gaps: [f32; BUCKETS],
    last: Option<Moment>,
    mean: Duration,
    contact: bool,
    steady: bool,
    /// The share of readings that say what the one before said.
    repeated: f32,
    silent_after: Duration,
}

impl Period {
    /// Starts without knowledge; contacts are waited for longer at first.
    pub(super) fn new(contact: bool) -> Self {
        let silent_after = if contact { CONTACT_MIN } else { UNHEARD };
        Self {
            gaps: [0.0; BUCKETS],
            last: None,
            mean: Duration::ZERO,
            contact,
            steady: false,
            repeated: 0.0,
            silent_after,
        }
    }

    /// Takes the arrival of a reading. `again`: it says what the one before said.
    pub(super) fn arrived(&mut self, at: Moment, again: bool) {
        self.repeated += (f32::from(u8::from(again)) - self.repeated) * REPEATED_FOLLOWS;
        let Some(last) = self.last.replace(at) else { return };
        let gap = at.since(last);
        for count in &mut self.gaps {
            *count *= FORGETS;
        }
        // An outage is no way of sending; a silence of a mat that may only seem to be steady may be.
        let outage = gap >= self.silent_after && !(self.may_be_restless() && gap <= RESTLESS_MAX);
        if let Some(count) = self.gaps.get_mut(bucket(gap)).filter(|_| !outage) {
            *count += 1.0;
        }
        self.steady = self.sends_steadily();
        if self.steady {
            // A mean over the last sixteen; one long gap moves it by no more than its share.
            self.mean = if self.mean.is_zero() { gap } else { (self.mean * 15 + gap.min(self.mean * 4)) / 16 };
        }
        self.silent_after = self.fault_after();
    }

    /// Forgets the last arrival, so that the gap to the next one does not count.
    pub(super) fn interrupted(&mut self) {
        self.last = None;
    }

    /// Tells whether the mat sends at a steady pace; such a mat confirms each state with further readings.
    pub(super) fn is_steady(&self) -> bool {
        self.steady
    }

    /// Tells whether it is known not to send steadily, so that what it has said stands until it says something else.
    pub(super) fn sends_on_change(&self) -> bool {
        !self.steady && self.gaps.iter().sum::<f32>() >= KNOWN_READINGS
    }

    /// Tells whether it sends steadily, and at least this often.
    pub(super) fn is_quicker_than(&self, gap: Duration) -> bool {
        self.steady && self.mean <= gap
    }

    /// Returns the mean gap of a mat that sends steadily; zero where it does not.
    pub(super) fn mean(&self) -> Duration {
        self.mean
    }

    /// Returns how long a silence has to be to be a fault.
    pub(super) fn silent_after(&self) -> Duration {
        self.silent_after
    }

    /// By most of its gaps: the latest sixteen may be those of a heartbeat.
    fn may_be_restless(&self) -> bool {
        let quick: f32 = self.gaps.iter().take(bucket(RESTLESS) + 1).sum();
        self.steady && quick >= self.gaps.iter().sum::<f32>() * STEADY_SHARE
    }

    fn sends_steadily(&self) -> bool {
        let total: f32 = self.gaps.iter().sum();
        let most = self.gaps.windows(3).map(|few| few.iter().sum::<f32>()).fold(0.0, f32::max);
        // Contacts that send only on change chatter at a quick pace too, but never say the same twice.
        let says_it_again = !self.contact || self.repeated >= REPEATED_SHARE;
        says_it_again && total >= KNOWN_READINGS && most >= total * STEADY_SHARE
    }

    fn fault_after(&self) -> Duration {
        let usual = self.gaps.iter().rposition(|count| *count >= USUAL_GAPS).map_or(Duration::ZERO, upper_edge);
        if self.steady {
            let waited = if self.may_be_restless() { (usual * 2).min(RESTLESS_MAX) } else { Duration::ZERO };
            return (self.mean * SILENT_GAPS).max(SILENT_MIN).max(waited);
        }
        (usual * SILENT_GAPS).max(if self.contact { CONTACT_MIN } else { ON_CHANGE_MIN })
    }
}

fn bucket(gap: Duration) -> usize {
    let times = gap.as_nanos() / SHORTEST.as_nanos();
    let power = u128::BITS - times.leading_zeros();
    usize::try_from(power).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

fn upper_edge(bucket: usize) -> Duration {
    SHORTEST * 2_u32.saturating_pow(u32::try_from(bucket).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mat(contact: bool, gaps: impl IntoIterator<Item = Duration>) -> Period {
        let mut period = Period::new(contact);
        let again = !contact;
        let mut at = Moment::from_nanos(0);
        period.arrived(at, again);
        for gap in gaps {
            at = at + gap;
            period.arrived(at, again);
        }
        period
    }

    #[test]
    fn a_mat_at_ten_hertz_is_silent_after_a_minute() {
        let period = mat(false, [Duration::from_millis(100); 50]);
        assert!(period.is_steady());
        assert_eq!(period.silent_after(), SILENT_MIN);
    }

    #[test]
    fn a_slow_mat_is_given_three_of_its_periods() {
        let period = mat(false, [Duration::from_secs(40); 50]);
        assert!(period.silent_after() >= Duration::from_secs(120), "{:?}", period.silent_after());
    }

    #[test]
    fn one_long_gap_does_not_become_usual() {
        let gaps = [Duration::from_millis(100); 50].into_iter().chain([Duration::from_secs(600)]);
        assert_eq!(mat(false, gaps).silent_after(), SILENT_MIN);
    }

    #[test]
    fn outages_do_not_become_usual_where_a_mat_is_slow_or_sends_on_change() {
        let with_outages = |gap: Duration, outage: Duration| {
            let gaps = (0..200).map(move |step| if step % 20 == 19 { outage } else { gap });
            mat(false, gaps).silent_after()
        };
        let (slow, long) = (Duration::from_secs(20), Duration::from_secs(600));
        assert!(with_outages(slow, long) <= Duration::from_secs(120), "{:?}", with_outages(slow, long));
        assert!(with_outages(Duration::from_secs(1), long) <= RESTLESS_MAX);
        assert_eq!(with_outages(Duration::from_secs(1), long * 10), SILENT_MIN);
        let changes = (0..200).map(|step| Duration::from_secs(if step % 20 == 19 { 7200 } else { 1 << (step % 7) }));
        assert_eq!(mat(false, changes).silent_after(), ON_CHANGE_MIN);
    }

    #[test]
    fn a_restless_hour_does_not_hide_the_heartbeat_of_a_mat_that_sends_on_change() {
        let (quick, heartbeat) = (Duration::from_millis(500), Duration::from_secs(180));
        let evening = (0..60).map(|step| if step % 3 == 0 { heartbeat } else { quick });
        let gaps = evening.chain(std::iter::repeat_n(quick, 7000)).chain([heartbeat; 30]);
        let period = mat(false, gaps);
        assert!(period.is_steady());
        assert!(period.silent_after() >= heartbeat * 2, "{:?}", period.silent_after());
    }

    #[test]
    fn a_mat_that_sends_on_change_is_given_its_heartbeat() {
        let gaps = (0..40).map(|step| Duration::from_secs(if step % 4 == 0 { 3600 } else { 2 }));
        let period = mat(true, gaps);
        assert!(!period.is_steady());
        assert!(period.silent_after() >= Duration::from_secs(3 * 3600));
    }
}
