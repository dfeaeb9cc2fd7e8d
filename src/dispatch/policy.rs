//! How long to wait before the next attempt. PURE: random numbers come in as arguments.
//!
//! Full jitter: a thousand gateways that lost the same dispatch at the same moment do not come back together.

use std::time::Duration;

use crate::model::{Kind, Priority};

/// The longest wait between two attempts for an open alarm.
pub const ALARM_WAIT_MAX: Duration = Duration::from_secs(30);

/// The longest wait between two attempts for anything else: nobody is on the floor for its sake.
pub const OTHER_WAIT_MAX: Duration = Duration::from_secs(5 * 60);

/// The longest first wait of an alarm: most failures are a lost packet or a restart of the receiver.
const ALARM_FIRST_WAIT_MAX: Duration = Duration::from_secs(1);

/// The longest first wait of anything else: a dispatch that is short of breath gets air for the alarms.
const OTHER_FIRST_WAIT_MAX: Duration = Duration::from_secs(2);

/// The shortest wait: a port that refuses at once must not become a busy loop.
const WAIT_MIN: Duration = Duration::from_millis(100);

/// How much of a `Retry-After` is honoured for what is no alarm; for alarms it is [`ALARM_WAIT_MAX`].
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// How long a wrong channel is tried as if it would mend itself.
const WRONG_SOON: Duration = Duration::from_secs(10 * 60);

/// How often a channel is tried that has been wrong for longer than that.
const WRONG_LATER: Duration = Duration::from_secs(5 * 60);

/// Over how long what is no alarm is spread at the start: after a power cut all gateways of a town start together.
const START_SPREAD: Duration = Duration::from_secs(30);

/// How long after its boot a machine counts as just booted.
pub const AFTER_BOOT: Duration = Duration::from_secs(120);

/// How long a heartbeat may take.
pub const HEARTBEAT_MAX: Duration = Duration::from_secs(10);

/// How soon a heartbeat that failed is followed by another one, at the latest.
const HEARTBEAT_AGAIN_MAX: Duration = Duration::from_secs(4);

// Two in a row that fail say that the way out is dead: known within the interval and 30 s, as the watch needs it.
const _: () = assert!(2 * HEARTBEAT_MAX.as_secs() + HEARTBEAT_AGAIN_MAX.as_secs() < 30);

/// A failed attempt, as far as the next wait depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed {
    /// Attempts of this alert over this channel so far; at least 1.
    pub attempts: u32,
    /// The alert's priority by now.
    pub priority: Priority,
    /// What dispatch asked for.
    pub retry_after: Option<Duration>,
    /// How long this channel has been wrong for this alert; `None` where it is not.
    pub wrong_for: Option<Duration>,
}

/// Returns how long to wait after a failed attempt; `random` is uniform over all its values.
#[must_use]
pub fn wait(failed: &Failed, random: u32) -> Duration {
    if failed.wrong_for.is_some_and(|wrong_for| wrong_for >= WRONG_SOON) {
        return WRONG_LATER.mul_f64(0.9 + 0.2 * share(random));
    }
    let (first_max, wait_max, retry_after_max) = match failed.priority {
        Priority::Alarm => (ALARM_FIRST_WAIT_MAX, ALARM_WAIT_MAX, ALARM_WAIT_MAX),
        Priority::Warning | Priority::Info => (OTHER_FIRST_WAIT_MAX, OTHER_WAIT_MAX, RETRY_AFTER_MAX),
    };
    let doublings = failed.attempts.saturating_sub(1).min(16);
    let cap = first_max.saturating_mul(2_u32.saturating_pow(doublings)).min(wait_max);
    let asked = failed.retry_after.unwrap_or_default().min(retry_after_max);
    // Whoever was told the same number comes back a little apart; an alarm never later than its cap.
    let asked = asked.mul_f64(1.0 + 0.1 * share(random)).min(wait_max);
    cap.mul_f64(share(random)).max(WAIT_MIN).max(asked)
}

/// Returns how long what is no alarm waits at the start; `random` is uniform over all its values. Drawn once a start: the
/// longest of several draws would lie near the end for every gateway.
#[must_use]
pub fn spread(random: u32) -> Duration {
    START_SPREAD.mul_f64(share(random))
}

/// Tells whether a new alert may wait a little where all gateways of a town have just booted together: what the power
/// cut itself brings about does, what befalls a person does not.
#[must_use]
pub fn may_be_spread(kind: &Kind, priority: Priority) -> bool {
    let of_the_cut = match kind {
        Kind::Started { .. }
        | Kind::GatewayFault(_)
        | Kind::GatewayRestored(_)
        | Kind::SensorFault(_)
        | Kind::SensorRestored(_)
        | Kind::Heartbeat(_) => true,
        Kind::InBed
        | Kind::Edge
        | Kind::Rise
        | Kind::Return
        | Kind::NotReturned
        | Kind::NotInBed(_)
        | Kind::NotUp
        | Kind::Paused { .. }
        | Kind::Resumed { .. }
        | Kind::Test => false,
    };
    of_the_cut && priority != Priority::Alarm
}

/// Returns the span to the next heartbeat: the interval, or up to a tenth less. Never more: its absence is a sign.
#[must_use]
pub fn heartbeat(interval: Duration, random: u32) -> Duration {
    interval.mul_f64(0.9 + 0.1 * share(random))
}

/// Returns the span from a failed heartbeat to the next: whether the way out is dead must be known soon.
#[must_use]
pub fn heartbeat_again(interval: Duration, random: u32) -> Duration {
    HEARTBEAT_AGAIN_MAX.mul_f64(0.25 + 0.75 * share(random)).min(heartbeat(interval, random))
}

/// Maps a random number to 0 to 1.
fn share(random: u32) -> f64 {
    f64::from(random) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn failed(attempts: u32, priority: Priority) -> Failed {
        Failed { attempts, priority, retry_after: None, wrong_for: None }
    }

    #[test]
    fn the_first_retry_comes_within_a_second_and_an_alarm_never_waits_more_than_thirty() {
        assert_eq!(wait(&failed(1, Priority::Alarm), u32::MAX), Duration::from_secs(1));
        assert_eq!(wait(&failed(3, Priority::Alarm), u32::MAX), Duration::from_secs(4));
        assert_eq!(wait(&failed(u32::MAX, Priority::Alarm), u32::MAX), Duration::from_secs(30));
        assert_eq!(wait(&failed(u32::MAX, Priority::Info), u32::MAX), Duration::from_secs(300));
        assert_eq!(wait(&failed(9, Priority::Alarm), 0), WAIT_MIN);
        assert_eq!(wait(&failed(1, Priority::Warning), u32::MAX), Duration::from_secs(2));
    }

    #[test]
    fn what_dispatch_asks_for_is_honoured_up_to_a_minute_and_for_alarms_half_of_that() {
        let asked =
            |priority, seconds| Failed { retry_after: Some(Duration::from_secs(seconds)), ..failed(1, priority) };
        assert_eq!(wait(&asked(Priority::Info, 20), 0), Duration::from_secs(20));
        assert_eq!(wait(&asked(Priority::Info, 86_400), 0), Duration::from_secs(60));
        assert_eq!(wait(&asked(Priority::Alarm, 20), 0), Duration::from_secs(20));
        assert_eq!(wait(&asked(Priority::Alarm, 86_400), u32::MAX), Duration::from_secs(30));
    }

    #[test]
    fn a_wrong_channel_is_tried_often_for_ten_minutes_and_then_every_five() {
        let wrong =
            |minutes: u64| Failed { wrong_for: Some(Duration::from_secs(60 * minutes)), ..failed(20, Priority::Alarm) };
        assert_eq!(wait(&wrong(9), u32::MAX), Duration::from_secs(30));
        assert_eq!(wait(&wrong(10), 0), Duration::from_secs(270));
        assert_eq!(wait(&wrong(10), u32::MAX), Duration::from_secs(330));
    }

    #[test]
    fn after_a_boot_what_befalls_a_person_never_waits() {
        let may = |kind: Kind| may_be_spread(&kind, kind.priority());
        assert!(may(Kind::Started { count: 1 }));
        for kind in [Kind::Rise, Kind::Edge, Kind::Return, Kind::NotReturned, Kind::NotUp, Kind::Test] {
            assert!(!may(kind.clone()), "{kind:?}");
        }
    }

    #[test]
    fn heartbeats_are_never_further_apart_than_was_promised_and_soon_again_after_a_failure() {
        let minute = Duration::from_secs(60);
        assert_eq!(heartbeat(minute, u32::MAX), minute);
        assert_eq!(heartbeat(minute, 0), Duration::from_secs(54));
        assert_eq!(heartbeat_again(minute, u32::MAX), HEARTBEAT_AGAIN_MAX);
        assert_eq!(heartbeat_again(Duration::from_secs(1), u32::MAX), Duration::from_secs(1));
    }

    proptest! {
        #[test]
        fn every_wait_lies_between_its_bounds(
            attempts: u32, random: u32, asked in proptest::option::of(0_u64..=u64::MAX), alarm: bool,
        ) {
            let priority = if alarm { Priority::Alarm } else { Priority::Warning };
            let retry_after = asked.map(Duration::from_secs);
            let wait = wait(&Failed { retry_after, ..failed(attempts, priority) }, random);
            prop_assert!(wait >= WAIT_MIN);
            let wait_max = if alarm { ALARM_WAIT_MAX } else { OTHER_WAIT_MAX };
            prop_assert!(wait <= wait_max);
            prop_assert!(spread(random) <= START_SPREAD);
        }
    }
}
