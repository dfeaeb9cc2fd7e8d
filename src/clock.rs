//! The only place that reads a clock.
//!
//! The rules of trust are PURE and live in [`Trust`]; [`Clock`] feeds them with what the kernel says. Nothing here
//! ever sets a clock.
//!
//! The floor: it is no earlier than when the program was built, nor than the last good time that was noted. Only
//! certificates are judged by it ([`Clock::for_certificates`]); what is told carries the clock as it is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Moment, Now};

/// Who says that the wall clock is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClockSource {
    /// The time service: trusted once synchronised since boot.
    #[default]
    Ntp,
    /// A battery-backed clock or somebody's word: trusted as it is.
    Rtc,
}

/// How long a clock stays trusted without the time service: a Pi's crystal drifts 2 to 5 s a day, two minutes a month.
const HOLDOVER: Duration = Duration::from_secs(30 * 24 * 3600);

/// How far the wall clock may move against the monotonic one, between two looks, without counting as a step.
/// The time service slews at most 0.5 ms/s; looks are at most minutes apart.
const STEP_MIN: Duration = Duration::from_secs(2);

/// Decides whether the wall clock is trusted. PURE.
#[derive(Debug, Clone, Copy)]
pub struct Trust {
    source: ClockSource,
    synchronised: Option<Moment>,
    seen: Option<(Moment, Timestamp)>,
}

impl Trust {
    /// Starts without trust, unless the source is trusted as it is.
    #[must_use]
    pub const fn new(source: ClockSource) -> Self {
        Self { source, synchronised: None, seen: None }
    }

    /// Takes a look at both clocks and at what the kernel says, and tells whether the wall clock is trusted.
    pub fn look(&mut self, moment: Moment, utc: Timestamp, synchronised: bool) -> bool {
        if self.source == ClockSource::Rtc {
            return true;
        }
        if self.stepped(moment, utc) && !synchronised {
            self.synchronised = None;
        }
        self.seen = Some((moment, utc));
        if synchronised {
            self.synchronised = Some(moment);
        }
        self.synchronised.is_some_and(|last| moment.since(last) < HOLDOVER)
    }

    fn stepped(&self, moment: Moment, utc: Timestamp) -> bool {
        self.seen.is_some_and(|(seen_moment, seen_utc)| {
            let expected = SignedDuration::try_from(moment.since(seen_moment)).unwrap_or(SignedDuration::MAX);
            let off = utc.duration_since(seen_utc).saturating_sub(expected).unsigned_abs();
            off >= STEP_MIN
        })
    }
}

/// The time by which certificates are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertificateTime {
    /// The wall clock, or the floor where that lies behind it.
    pub utc: Timestamp,
    /// Whether it is right. Where not, it may be later than that, and is no earlier.
    pub sure: bool,
}

/// Judges the wall clock by the floor. A clock that a time service keeps now is right, whatever the floor says: so one
/// wrong note of a good time does no harm for long. PURE.
fn floored(utc: Timestamp, trusted: bool, synchronised: bool, floor: Timestamp) -> CertificateTime {
    if synchronised || utc >= floor {
        CertificateTime { utc, sure: synchronised || trusted }
    } else {
        CertificateTime { utc: floor, sure: false }
    }
}

/// When the program was built.
fn built() -> Timestamp {
    env!("NATTVAKT_BUILT").parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or_default()
}

/// How often the kernel is asked whether the clock is synchronised: readings come at 50 Hz, the answer changes in minutes.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// The gateway's clocks. Cheap to clone; all clones share the trust.
#[derive(Debug, Clone)]
pub struct Clock {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    trust: Trust,
    floor: Timestamp,
    synchronised: fn() -> bool,
    /// What the kernel said last, and when.
    answer: Option<(Moment, bool)>,
}

impl Clock {
    /// Makes the clock of this process.
    #[must_use]
    pub fn new(source: ClockSource) -> Self {
        Self::asking(source, synchronised)
    }

    /// Makes one that asks somebody else than the kernel whether a time service keeps the wall clock.
    #[must_use]
    pub fn asking(source: ClockSource, synchronised: fn() -> bool) -> Self {
        let state = State { trust: Trust::new(source), floor: built(), synchronised, answer: None };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Goes by another source from now on. What is known of the clock stays known.
    pub fn set_source(&self, source: ClockSource) {
        self.lock().trust.source = source;
    }

    /// Notes that it was this late already. An earlier time changes nothing.
    pub fn raise_floor(&self, known: Timestamp) {
        let mut state = self.lock();
        state.floor = state.floor.max(known);
    }

    /// Returns the wall clock where a time service keeps it right now: a good time, worth noting for a later boot.
    #[must_use]
    pub fn good_time(&self) -> Option<Timestamp> {
        let (now, synchronised) = self.look();
        synchronised.then_some(now.utc)
    }

    /// Returns the time by which certificates are to be judged.
    #[must_use]
    pub fn for_certificates(&self) -> CertificateTime {
        let (now, synchronised) = self.look();
        let floor = self.lock().floor;
        floored(now.utc, now.trusted, synchronised, floor)
    }

    /// Returns what time it is and whether the wall clock is trusted.
    #[must_use]
    pub fn now(&self) -> Now {
        self.look().0
    }

    /// Looks at the clocks; tells also whether a time service keeps the wall clock now.
    fn look(&self) -> (Now, bool) {
        let (moment, utc) = (moment(), utc());
        let mut state = self.lock();
        let State { trust, floor: _, synchronised, answer } = &mut *state;
        // Whoever has moved the clock has told the kernel: then the last answer is worth nothing.
        let still_good = |asked: Moment| moment.since(asked) < ASK_EVERY && !trust.stepped(moment, utc);
        let fresh = answer.filter(|(asked, _)| still_good(*asked));
        let (_, synchronised) = *answer.insert(fresh.unwrap_or_else(|| (moment, synchronised())));
        (Now { moment, utc, trusted: trust.look(moment, utc, synchronised) }, synchronised)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the monotonic clock. Its origin is the boot of the machine.
///
/// # Panics
///
/// Never on Linux, where the monotonic clock always exists.
#[must_use]
pub fn moment() -> Moment {
    // tokio's timers and std's Instant read the same clock, but hide the number that a wall-clock step is judged by.
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC);
    let now = now.expect("every Linux kernel has CLOCK_MONOTONIC");
    Moment::from_nanos(i64::try_from(Duration::from(now).as_nanos()).unwrap_or(i64::MAX))
}

/// Reads the wall clock, trusted or not.
#[must_use]
pub fn utc() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    Timestamp::now()
}

/// Returns the tokio instant of a moment, for timers.
#[must_use]
pub fn instant(at: Moment) -> tokio::time::Instant {
    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    let now = tokio::time::Instant::now();
    now + at.since(moment())
}

/// Asks the kernel whether a time service keeps the wall clock: no `STA_UNSYNC` and no `TIME_ERROR`.
fn synchronised() -> bool {
    // adjtimex(2) with modes = 0 only reads. Neither nix nor rustix offers the call.
    #[expect(unsafe_code, reason = "no safe crate offers adjtimex; the struct is ours, zeroed, and outlives the call")]
    let (state, status) = unsafe {
        let mut timex: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&raw mut timex), timex.status)
    };
    state >= 0 && state != libc::TIME_ERROR && status & libc::STA_UNSYNC == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(after: Duration) -> (Moment, Timestamp) {
        let start: Timestamp = "2026-01-15T20:00:00Z".parse().unwrap();
        (Moment::from_nanos(0) + after, start + SignedDuration::try_from(after).unwrap())
    }

    #[test]
    fn a_clock_is_trusted_once_synchronised_and_for_thirty_days_from_then() {
        let mut trust = Trust::new(ClockSource::Ntp);
        let look = |trust: &mut Trust, after, synchronised| {
            let (moment, utc) = at(after);
            trust.look(moment, utc, synchronised)
        };
        assert!(!look(&mut trust, Duration::ZERO, false));
        assert!(look(&mut trust, HOUR, true));
        assert!(look(&mut trust, HOUR * 24 * 29, false));
        assert!(!look(&mut trust, HOUR * 24 * 31, false));
    }

    #[test]
    fn a_step_by_other_hands_ends_the_trust_and_one_of_the_time_service_does_not() {
        for by_time_service in [false, true] {
            let mut trust = Trust::new(ClockSource::Ntp);
            let (moment, utc) = at(HOUR);
            assert!(trust.look(moment, utc, true));
            let (moment, utc) = at(HOUR * 2);
            let stepped = utc + SignedDuration::from_secs(60);
            assert_eq!(trust.look(moment, stepped, by_time_service), by_time_service);
        }
    }

    #[test]
    fn a_battery_backed_clock_is_trusted_as_it_is() {
        let (moment, utc) = at(Duration::ZERO);
        assert!(Trust::new(ClockSource::Rtc).look(moment, utc, false));
    }

    #[test]
    fn certificates_are_judged_by_no_earlier_time_than_the_floor() {
        let (_, now) = at(HOUR);
        let (_, later) = at(HOUR * 2);
        let (behind, sure) = (floored(now, true, false, later), true);
        assert_eq!(behind, CertificateTime { utc: later, sure: false }, "a clock behind the floor is wrong");
        assert_eq!(floored(later, true, false, now), CertificateTime { utc: later, sure });
        assert_eq!(floored(later, false, false, now), CertificateTime { utc: later, sure: false });
        assert_eq!(floored(now, true, true, later), CertificateTime { utc: now, sure }, "the floor was noted wrongly");
    }

    #[test]
    fn the_floor_only_rises_and_is_the_time_of_the_build_at_least() {
        let clock = Clock::new(ClockSource::Rtc);
        let year = SignedDuration::from_hours(24 * 365);
        clock.raise_floor(Timestamp::UNIX_EPOCH);
        assert!(clock.lock().floor > "2026-01-01T00:00:00Z".parse().unwrap());
        let ahead = utc() + year;
        clock.raise_floor(ahead);
        clock.raise_floor(utc());
        assert_eq!(clock.lock().floor, ahead);
        assert!(clock.good_time().is_some() || clock.for_certificates().utc == ahead);
    }
}
