//! Says when a mat was in the state that it reported, and whether that is news, from a clock that is wrong.
//!
//! A sensor's clock may lie in 1970, run fast, stand still or be set at any moment. So its time is compared with
//! nothing but itself: what counts is how much later than usual a message arrives after its own stamp. A clock that
//! behaves badly is learnt anew; it never makes a mat's messages old for good, and in doubt a message is live.

use std::time::Duration;

use super::{Sample, Stamp};
use crate::model::{Channels, Moment, Quality};

/// A message that arrives this much later than this mat's messages usually do is old. Networks in a home delay by
/// seconds at most; what waits longer was kept back somewhere.
pub const OLD_AFTER: Duration = Duration::from_secs(10);

/// When all messages of this long are off alike, the clock was set, and its messages are not late. A backlog that is
/// being sent is told apart by its pace: its stamps run ahead of their arrival.
const RELEARN_AFTER: Duration = Duration::from_secs(10);

/// How fast a lasting delay becomes the usual one: wholly after this long. Follows clocks that are up to 100 % slow.
const FORGET: Duration = Duration::from_secs(10);

/// The resolution of a clock that has never shown a fraction of a second.
const COARSE: Duration = Duration::from_secs(1);

/// How much the pace of a clock that was set may seem off: jitter and [`COARSE`] stamps, and five parts in a hundred.
const PACE_SLACK: Duration = Duration::from_secs(1);
const PACE_SLACK_PARTS: u32 = 20;

/// What is known about the clock of one mat. Give each mat its own.
#[derive(Debug, Clone, Default)]
pub struct Age {
    known: Option<Known>,
    set: Option<Set>,
    at: Option<Moment>,
}

/// A clock that has been seen.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// Usual nanoseconds from stamp to arrival; the number itself means nothing.
    offset: i64,
    /// When the newest message came.
    arrival: Moment,
    newest: Stamp,
    channels: Channels,
    pace: Pace,
    /// Has shown fractions of a second.
    fine: bool,
}

/// How a clock goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// Only one stamp seen so far: it may stand still for ever.
    Unseen,
    /// Seen to go on.
    Running,
    /// Went once, but a new value came under an old stamp: it stands still.
    Stopped,
}

/// A run of messages that are all off alike: the clock may have been set.
#[derive(Debug, Clone, Copy)]
struct Set {
    since: Moment,
    offset: i64,
    first: Stamp,
    last: Stamp,
}

/// What is made of one message: its delay beyond the usual, in nanoseconds.
enum Verdict {
    Live { late: i64 },
    Old { late: i64 },
}

impl Age {
    /// Starts without knowing the clock.
    #[must_use]
    pub const fn new() -> Self {
        Self { known: None, set: None, at: None }
    }

    /// Places a message in time: when the mat was in that state, and whether that is news.
    ///
    /// The moment is never after `arrival`. Those of live messages never go back; an old message has its own, so that
    /// it can be seen to lie before what is known already. Retained messages are not for this: they arrive when the
    /// gateway connects, which says nothing about the clock.
    pub fn place(&mut self, arrival: Moment, sample: &Sample) -> (Moment, Quality) {
        let verdict = match sample.stamp {
            Some(stamp) => self.judge(arrival, stamp, &sample.channels),
            None => Verdict::Live { late: 0 },
        };
        match verdict {
            Verdict::Live { late } => {
                let at = self.at.map_or(before(arrival, late), |last| before(arrival, late).max(last)).min(arrival);
                self.at = Some(at);
                (at, Quality::Live)
            }
            Verdict::Old { late } => (before(arrival, late), Quality::Old),
        }
    }

    fn judge(&mut self, arrival: Moment, stamp: Stamp, channels: &Channels) -> Verdict {
        let offset = arrival.as_nanos().saturating_sub(stamp.as_nanos());
        let Some(known) = &mut self.known else {
            self.known = Some(Known::new(arrival, stamp, offset, *channels));
            return Verdict::Live { late: 0 };
        };
        let late = offset.saturating_sub(known.offset);
        if stamp == known.newest {
            return known.same_stamp(late, channels);
        }
        if late < -nanos(OLD_AFTER) {
            // Ahead of everything so far: no backlog does that, so the clock was set and the message is news.
            self.learn_anew(arrival, stamp, offset, channels);
            return Verdict::Live { late: 0 };
        }
        if late > nanos(OLD_AFTER) || stamp < known.newest {
            let learnt = self.learn_anew(arrival, stamp, offset, channels);
            return if learnt { Verdict::Live { late: 0 } } else { Verdict::Old { late } };
        }
        self.set = None;
        Verdict::Live { late: known.follow(arrival, stamp, offset, channels) }
    }

    /// Notes a message that does not fit the clock as it is known, and tells whether it is known anew now.
    fn learn_anew(&mut self, arrival: Moment, stamp: Stamp, offset: i64, channels: &Channels) -> bool {
        let Some(set) = self.set.as_mut().filter(|set| set.goes_on(arrival, stamp, offset)) else {
            self.set = Some(Set { since: arrival, offset, first: stamp, last: stamp });
            return false;
        };
        set.last = stamp;
        if arrival.since(set.since) < RELEARN_AFTER {
            return false;
        }
        let mut known = Known::new(arrival, stamp, offset, *channels);
        if set.last != set.first {
            known.pace = Pace::Running;
        }
        self.known = Some(known);
        self.set = None;
        true
    }
}

impl Known {
    fn new(arrival: Moment, newest: Stamp, offset: i64, channels: Channels) -> Self {
        Self { offset, arrival, newest, channels, pace: Pace::Unseen, fine: has_fraction(newest) }
    }

    /// Judges a message under the newest stamp: a repeat, unless the clock is too coarse or too dead to say so.
    fn same_stamp(&mut self, late: i64, channels: &Channels) -> Verdict {
        let within_resolution = !self.fine && late <= nanos(COARSE);
        let same_values = same(&self.channels, channels);
        self.channels = *channels;
        match self.pace {
            Pace::Unseen | Pace::Stopped => Verdict::Live { late: 0 },
            Pace::Running if within_resolution => Verdict::Live { late: 0 },
            Pace::Running if same_values => Verdict::Old { late },
            Pace::Running => {
                // A repeat repeats its values too.
                if late > nanos(COARSE) {
                    self.pace = Pace::Stopped;
                }
                Verdict::Live { late: 0 }
            }
        }
    }

    /// Takes a message that fits, lets the usual delay follow, and returns by how much this one was later.
    fn follow(&mut self, arrival: Moment, stamp: Stamp, offset: i64, channels: &Channels) -> i64 {
        let late = offset.saturating_sub(self.offset);
        let share = nanos(arrival.since(self.arrival).min(FORGET)) / 1_000_000;
        let forgotten = late * share / (nanos(FORGET) / 1_000_000);
        self.offset = if late <= 0 { offset } else { self.offset.saturating_add(forgotten) };
        self.arrival = arrival;
        self.newest = stamp;
        self.channels = *channels;
        self.pace = Pace::Running;
        self.fine |= has_fraction(stamp);
        late - if self.fine { 0 } else { nanos(COARSE) }
    }
}

impl Set {
    /// Tells whether a message goes on like those before: no earlier, and not faster than life.
    fn goes_on(&self, arrival: Moment, stamp: Stamp, offset: i64) -> bool {
        let slack = PACE_SLACK + arrival.since(self.since) / PACE_SLACK_PARTS;
        stamp >= self.last && offset >= self.offset.saturating_sub(nanos(slack))
    }
}

fn before(arrival: Moment, late: i64) -> Moment {
    arrival - Duration::from_nanos(u64::try_from(late).unwrap_or(0))
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

fn has_fraction(stamp: Stamp) -> bool {
    stamp.as_nanos() % nanos(COARSE) != 0
}

/// Compares bit by bit: a failed zone that fails again is the same.
fn same(one: &Channels, other: &Channels) -> bool {
    one.zones().iter().map(|zone| zone.to_bits()).eq(other.zones().iter().map(|zone| zone.to_bits()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: i64 = 1_000_000_000;
    const TENTH: i64 = S / 10;

    /// A mat and a network between it and us. Times are nanoseconds of real time.
    struct Rig {
        age: Age,
        /// What the sensor's clock shows at real time 0.
        clock: i64,
    }

    impl Rig {
        fn new(clock: i64) -> Self {
            Self { age: Age::new(), clock }
        }

        /// Ten messages a second for `seconds`, the first stamped at `from`, each `delay` on the way.
        fn steady(&mut self, from: i64, seconds: i64, delay: i64) -> i64 {
            let end = from + seconds * S;
            for sent in (from..end).step_by(usize::try_from(TENTH).unwrap()) {
                self.message(sent + 7_000_000, sent + 7_000_000 + delay, 112.0);
            }
            end
        }

        fn message(&mut self, sent: i64, arrival: i64, value: f64) -> (i64, Quality) {
            self.stamped(self.clock + sent, arrival, value)
        }

        fn stamped(&mut self, stamp: i64, arrival: i64, value: f64) -> (i64, Quality) {
            let channels = Channels::new([value]).unwrap();
            let sample = Sample { channels, stamp: Some(Stamp::from_nanos(stamp)) };
            let (at, quality) = self.age.place(Moment::from_nanos(arrival), &sample);
            (at.as_nanos(), quality)
        }
    }

    #[test]
    fn a_delay_within_ten_seconds_only_moves_the_moment() {
        let mut rig = Rig::new(1_768_518_725 * S);
        let now = rig.steady(0, 30, TENTH);
        let (at, quality) = rig.message(now + 1, now + 6 * S, 5.0);
        assert_eq!((at, quality), (now + 1 + TENTH, Quality::Live));
    }

    #[test]
    fn a_message_kept_back_for_more_than_ten_seconds_is_old() {
        let mut rig = Rig::new(0);
        let now = rig.steady(0, 30, TENTH);
        let (at, quality) = rig.message(now + 1, now + 15 * S, 5.0);
        assert_eq!((at, quality), (now + 1 + TENTH, Quality::Old));
        assert_eq!(rig.message(now + 15 * S + 1, now + 15 * S + TENTH, 5.0).1, Quality::Live);
    }

    #[test]
    fn a_whole_backlog_is_old_but_for_its_last_seconds() {
        let mut rig = Rig::new(0);
        let gap = rig.steady(0, 30, TENTH);
        let back = gap + 600 * S;
        let mut live_from = None;
        for (index, sent) in (gap..back).step_by(usize::try_from(TENTH).unwrap()).enumerate() {
            let arrival = back + i64::try_from(index).unwrap() * 500_000;
            let (at, quality) = rig.message(sent + 1, arrival, 5.0);
            assert!(at <= arrival);
            if quality == Quality::Live {
                live_from.get_or_insert(sent);
            }
        }
        assert!(live_from.is_some_and(|sent| back - sent < 11 * S), "{live_from:?}");
    }

    #[test]
    fn repeats_and_messages_out_of_order_are_old() {
        let mut rig = Rig::new(0);
        let now = rig.steady(0, 30, TENTH);
        assert_eq!(rig.message(now + 5, now + TENTH, 620.0).1, Quality::Live);
        assert_eq!(rig.message(now + 5, now + TENTH + 9, 620.0).1, Quality::Old);
        assert_eq!(rig.message(now - S, now + TENTH + 10, 5.0).1, Quality::Old);
        assert_eq!(rig.message(now + TENTH, now + 2 * TENTH, 620.0).1, Quality::Live);
    }

    #[test]
    fn stamps_of_whole_seconds_make_no_reading_a_repeat() {
        let mut rig = Rig::new(0);
        for tick in 0..300 {
            let arrival = 7_000_000 + tick * TENTH;
            let (at, quality) = rig.stamped(arrival / S * S, arrival, 112.0);
            assert_eq!((at, quality), (arrival, Quality::Live), "{tick}");
        }
    }

    #[test]
    fn a_clock_that_was_set_back_costs_ten_seconds_and_no_more() {
        let mut rig = Rig::new(1_768_518_725 * S);
        let now = rig.steady(0, 30, TENTH);
        rig.clock = 0;
        assert_eq!(rig.message(now, now + TENTH, 5.0).1, Quality::Old);
        let now = rig.steady(now + 1, 11, TENTH);
        assert_eq!(rig.message(now, now + TENTH, 5.0), (now + TENTH, Quality::Live));
    }

    #[test]
    fn a_clock_that_was_set_forward_costs_nothing() {
        let mut rig = Rig::new(0);
        let now = rig.steady(0, 30, TENTH);
        rig.clock = 1_768_518_725 * S;
        for tick in 0..300 {
            let sent = now + tick * TENTH;
            assert_eq!(rig.message(sent, sent + TENTH, 5.0), (sent + TENTH, Quality::Live));
        }
    }

    #[test]
    fn one_stamp_from_the_future_costs_nothing() {
        let mut rig = Rig::new(0);
        let now = rig.steady(0, 30, TENTH);
        assert_eq!(rig.message(now + 3_600 * S, now + TENTH, 5.0).1, Quality::Live);
        assert_eq!(rig.message(now + TENTH, now + 2 * TENTH, 5.0).1, Quality::Live);
    }

    #[test]
    fn a_clock_that_has_never_gone_says_nothing() {
        let mut rig = Rig::new(0);
        for tick in 0..300 {
            assert_eq!(rig.stamped(0, tick * TENTH, 0.0), (tick * TENTH, Quality::Live));
        }
    }

    #[test]
    fn a_clock_that_has_stopped_is_found_out_by_the_first_new_value() {
        let mut rig = Rig::new(0);
        let now = rig.steady(0, 30, TENTH);
        assert_eq!(rig.stamped(now, now + TENTH, 112.0).1, Quality::Live);
        assert_eq!(rig.stamped(now, now + 60 * S, 112.0).1, Quality::Old);
        assert_eq!(rig.stamped(now, now + 61 * S, 5.0).1, Quality::Live);
        assert_eq!(rig.stamped(now, now + 62 * S, 5.0).1, Quality::Live);
    }

    #[test]
    fn a_bridge_that_repeats_the_last_message_of_a_dead_mat_brings_no_news() {
        let mut rig = Rig::new(0);
        let now = rig.steady(0, 30, TENTH);
        for minute in 1..600 {
            let last = now - TENTH + 7_000_000;
            assert_eq!(rig.message(last, now + minute * 60 * S, 112.0).1, Quality::Old);
        }
    }

    #[test]
    fn a_mat_without_a_clock_is_live_when_it_arrives() {
        let mut age = Age::new();
        let sample = Sample { channels: Channels::contact(true), stamp: None };
        assert_eq!(age.place(Moment::from_nanos(5), &sample), (Moment::from_nanos(5), Quality::Live));
    }

    #[test]
    fn slow_clocks_stay_live() {
        for slow_percent in [1, 10, 50] {
            let mut rig = Rig::new(0);
            for tick in 0..36_000 {
                let arrival = tick * TENTH;
                let stamp = arrival * (100 - slow_percent) / 100;
                assert_eq!(rig.stamped(stamp + 1, arrival, 112.0).1, Quality::Live, "{slow_percent} % at {tick}");
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_the_clock_does_moments_are_in_order_and_never_after_the_arrival(
            messages in proptest::collection::vec((0_i64..20 * S, any::<i64>(), any::<bool>()), 1..100),
        ) {
            let (mut rig, mut arrival, mut last) = (Rig::new(0), 0, i64::MIN);
            for (step, stamp, near) in messages {
                arrival += step;
                let stamp = if near { arrival + stamp % (20 * S) } else { stamp };
                let (at, quality) = rig.stamped(stamp, arrival, 1.0);
                prop_assert!(at <= arrival);
                if quality == Quality::Live {
                    prop_assert!(at >= last);
                    last = at;
                }
            }
        }

        #[test]
        fn after_any_past_a_steady_clock_is_live_within_eleven_seconds(
            past in proptest::collection::vec((0_i64..20 * S, any::<i64>()), 0..50),
            clock in -100_000 * S..2_000_000_000 * S,
            delay in 0..20 * S,
        ) {
            let (mut rig, mut arrival) = (Rig::new(clock), 20 * S);
            for (step, stamp) in past {
                arrival += step;
                rig.stamped(stamp, arrival, 1.0);
            }
            let now = rig.steady(arrival - delay, 11, delay);
            prop_assert_eq!(rig.message(now + 1, now + 1 + delay, 5.0), (now + 1 + delay, Quality::Live));
        }
    }
}
