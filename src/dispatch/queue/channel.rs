//! What the queue knows of one channel: whether it works, who is on the way, who waits in which line. PURE.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::entry::Key;
use crate::model::{BedId, Moment};

/// What an attempt is counted as. Each class has its own bound of attempts on the way, so that none holds up another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// The first attempt of a live alarm.
    LiveAlarm,
    /// The first attempt of another live alert.
    Live,
    /// A later attempt of an open alarm, or one from before the start.
    Alarm,
    /// Everything else.
    Rest,
}

impl Class {
    const COUNT: usize = 4;

    /// The most attempts of a class on the way over one channel. Live ones are generous: a home has few beds, and
    /// with 15 s an attempt even a hanging dispatch gets the first attempt of one alarm a second.
    const fn limit(self) -> usize {
        match self {
            Self::LiveAlarm => 16,
            Self::Live => 8,
            Self::Alarm => 8,
            Self::Rest => 4,
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::LiveAlarm => 0,
            Self::Live => 1,
            Self::Alarm => 2,
            Self::Rest => 3,
        }
    }
}

/// One channel as the queue sees it.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) name: Arc<str>,
    /// Told as not working; new alerts take the next channel as well, at once.
    pub(super) down: bool,
    pub(super) last_accepted: Option<Moment>,
    /// Live alerts that this channel owes their first attempt.
    pub(super) fresh: BTreeSet<Key>,
    /// Open alarms that are not settled here.
    pub(super) alarms: BTreeSet<Key>,
    /// Everything else that is not settled here; a line for each bed and one for the gateway.
    pub(super) lines: BTreeMap<Option<BedId>, BTreeSet<Key>>,
    /// What went wrong last, where nothing was accepted since.
    pub(super) problem: Option<String>,
    /// Alerts that it refuses for themselves.
    pub(super) refused: BTreeSet<Key>,
    /// What it said of the last of them, where that was told and its end was not.
    pub(super) refusal: Option<String>,
    failures_in_row: u32,
    on_the_way: [usize; Class::COUNT],
}

/// From this failure in a row on a channel is told as down. One is a lost packet.
const FAILURES_UNTIL_DOWN: u32 = 2;

impl Channel {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            down: false,
            last_accepted: None,
            fresh: BTreeSet::new(),
            alarms: BTreeSet::new(),
            lines: BTreeMap::new(),
            problem: None,
            refused: BTreeSet::new(),
            refusal: None,
            failures_in_row: 0,
            on_the_way: [0; Class::COUNT],
        }
    }

    pub(super) fn has_room(&self, class: Class) -> bool {
        self.on_the_way.get(class.index()).is_some_and(|count| *count < class.limit())
    }

    pub(super) fn depart(&mut self, class: Class) {
        if let Some(count) = self.on_the_way.get_mut(class.index()) {
            *count += 1;
        }
    }

    pub(super) fn arrive(&mut self, class: Class) {
        if let Some(count) = self.on_the_way.get_mut(class.index()) {
            *count = count.saturating_sub(1);
        }
    }

    /// Notes that something was accepted; returns the number of failures before it where that is news: the channel was
    /// down, or had not proved well in this life of the program, before which it may have been told as down.
    pub(super) fn works(&mut self, now: Moment) -> Option<u32> {
        let failures = std::mem::take(&mut self.failures_in_row);
        self.problem = None;
        let first = self.last_accepted.replace(now).is_none();
        let was_down = std::mem::take(&mut self.down);
        (was_down || first).then_some(failures)
    }

    /// Notes a failure that may pass; tells whether the channel is down from now on.
    pub(super) fn fails(&mut self) -> bool {
        self.failures_in_row = self.failures_in_row.saturating_add(1);
        self.failures_in_row >= FAILURES_UNTIL_DOWN && !std::mem::replace(&mut self.down, true)
    }

    /// Notes that the channel is wrong; tells whether it is down from now on.
    pub(super) fn is_wrong(&mut self) -> bool {
        self.failures_in_row = self.failures_in_row.saturating_add(1);
        !std::mem::replace(&mut self.down, true)
    }

    /// Tells whether it has taken something since `moment`: then what it refused at that time is refused for itself.
    pub(super) fn has_worked_since(&self, moment: Moment) -> bool {
        self.last_accepted.is_some_and(|accepted| accepted > moment)
    }

    pub(super) fn enlist(&mut self, key: Key, is_alarm: bool, line: Option<BedId>) {
        if is_alarm {
            self.alarms.insert(key);
        } else {
            self.lines.entry(line).or_default().insert(key);
        }
    }

    pub(super) fn delist(&mut self, key: Key, line: Option<BedId>) {
        self.fresh.remove(&key);
        self.refused.remove(&key);
        self.alarms.remove(&key);
        if let Some(keys) = self.lines.get_mut(&line) {
            keys.remove(&key);
            if keys.is_empty() {
                self.lines.remove(&line);
            }
        }
    }

    pub(super) fn unsettled(&self) -> impl Iterator<Item = Key> + '_ {
        self.alarms.iter().chain(self.lines.values().flatten()).copied()
    }
}
