//! One alert in the queue, and how far it is on each channel. PURE.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{Alert, AlertId, BedId, Moment, Now, Priority, Sequence};

/// The place of an alert: older before younger, whatever the order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(pub(super) Sequence, pub(super) AlertId);

/// A set of channels, by index. At most 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ChannelSet(u64);

impl ChannelSet {
    pub(super) fn insert(&mut self, channel: usize) {
        self.0 |= Self::bit(channel);
    }

    pub(super) fn contains(self, channel: usize) -> bool {
        self.0 & Self::bit(channel) != 0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn bit(channel: usize) -> u64 {
        u32::try_from(channel).ok().and_then(|shift| 1_u64.checked_shl(shift)).unwrap_or(0)
    }
}

/// How far an alert is on one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Not tried here, or no longer.
    Closed,
    /// To be tried from `due` on.
    Waiting {
        /// When.
        due: Moment,
        /// What was tried already.
        tried: Tried,
    },
    /// An attempt is on its way.
    InFlight {
        /// What was tried before this attempt.
        tried: Tried,
    },
    /// Accepted here.
    Accepted,
}

/// What was tried already on one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tried {
    /// Number of attempts that have ended.
    pub(super) attempts: u32,
    /// Since when this channel has been wrong for this alert, without another failure in between.
    pub(super) wrong_since: Option<Moment>,
    /// The channel has refused it, then taken others, then refused it again: it is the alert, not the channel.
    pub(super) refused_for_itself: bool,
}

/// One alert on its way to dispatch.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) alert: Arc<Alert>,
    /// Raised in this life of the program: its first attempts wait for nobody.
    pub(super) live: bool,
    /// A known return has ended it: it goes out as information.
    pub(super) ended: bool,
    /// Accepted by all that it must reach. Stays here only until its last attempt has come back.
    pub(super) delivered: bool,
    /// Channels that must get it whatever the order: they accepted an alert that it closes.
    pub(super) targets: ChannelSet,
    pub(super) lanes: Vec<Lane>,
    /// When the next channel is tried as well.
    pub(super) give_up: Option<Moment>,
    /// The time at which it was raised, where that was in this life of the program.
    pub(super) raised: Option<Now>,
    /// When it came into memory.
    pub(super) entered: Moment,
    age_before: Duration,
}

/// From this age on an alert is marked as late.
const LATE: Duration = Duration::from_secs(60);

impl Entry {
    pub(super) fn new(alert: Alert, live: bool, channels: usize, now: &Now) -> Self {
        let age = now.utc.duration_since(alert.event.decided);
        Self {
            alert: Arc::new(alert),
            live,
            ended: false,
            delivered: false,
            targets: ChannelSet::default(),
            lanes: vec![Lane::Closed; channels],
            give_up: None,
            raised: None,
            entered: now.moment,
            // Negative where the clock was set back meanwhile.
            age_before: Duration::try_from(age).unwrap_or_default(),
        }
    }

    pub(super) fn key(&self) -> Key {
        Key(self.alert.sequence, self.alert.id)
    }

    /// The line in which it waits when it is no open alarm: one a bed, one for the gateway itself.
    pub(super) fn line(&self) -> Option<BedId> {
        self.alert.event.bed
    }

    /// The priority by now: only a known return makes it less.
    pub(super) fn priority(&self) -> Priority {
        if self.ended && self.alert.event.kind.is_ended_by_return() { Priority::Info } else { self.alert.priority }
    }

    pub(super) fn is_open_alarm(&self) -> bool {
        self.priority() == Priority::Alarm
    }

    /// Whether it must not overtake what it closes. An alarm overtakes everything.
    pub(super) fn follows(&self) -> bool {
        !self.alert.closes.is_empty() && self.alert.priority != Priority::Alarm
    }

    /// Late by the monotonic clock since it was raised: a step of the wall clock makes no alert old.
    pub(super) fn is_late(&self, now: Moment) -> bool {
        self.age_before.saturating_add(now.since(self.entered)) > LATE
    }

    pub(super) fn lane(&self, channel: usize) -> Lane {
        self.lanes.get(channel).copied().unwrap_or(Lane::Closed)
    }

    /// What was tried on a channel, where it is being tried.
    fn tried(&self, channel: usize) -> Option<Tried> {
        match self.lane(channel) {
            Lane::Waiting { tried, .. } | Lane::InFlight { tried } => Some(tried),
            Lane::Closed | Lane::Accepted => None,
        }
    }

    /// Whether a channel may still accept it, and is being tried: one that refuses it for itself hardly will.
    pub(super) fn may_be_accepted(&self, channel: usize) -> bool {
        self.tried(channel).is_some_and(|tried| !tried.refused_for_itself)
    }

    /// Whether a channel refuses it for itself.
    pub(super) fn is_refused(&self, channel: usize) -> bool {
        self.tried(channel).is_some_and(|tried| tried.refused_for_itself)
    }

    pub(super) fn set_lane(&mut self, channel: usize, lane: Lane) {
        if let Some(place) = self.lanes.get_mut(channel) {
            *place = lane;
        }
    }

    pub(super) fn accepted(&self) -> ChannelSet {
        let mut accepted = ChannelSet::default();
        for (channel, lane) in self.lanes.iter().enumerate() {
            if *lane == Lane::Accepted {
                accepted.insert(channel);
            }
        }
        accepted
    }

    pub(super) fn is_in_flight(&self) -> bool {
        self.lanes.iter().any(|lane| matches!(lane, Lane::InFlight { .. }))
    }

    /// Whether a channel still owes it its very first attempt.
    pub(super) fn is_untried(&self) -> bool {
        let untried = |lane: &Lane| matches!(lane, Lane::Waiting { tried, .. } if tried.attempts == 0);
        self.live && self.lanes.iter().any(untried)
    }
}
