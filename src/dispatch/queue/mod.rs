//! Which alert goes to which channel, and when. PURE: time and random numbers come in, attempts and reports come out.
//!
//! Drive it so: tell it what happened ([`Queue::raise`], [`Queue::recovered`], [`Queue::on_outcome`],
//! [`Queue::on_heartbeat`]); then start every [`Queue::next_attempt`], pass on every [`Queue::next_report`], and call
//! [`Queue::next_attempt`] again at [`Queue::next_deadline`].
//!
//! The rules:
//!
//! - A new alert gets its first attempt at once, whatever the channel's state and whatever else waits. After that it
//!   waits for its own sake only.
//! - Open alarms go newest first. The rest goes in order of `sequence` for each bed, one after the other; what dispatch
//!   refuses for itself, while it takes others, holds nobody up.
//! - What closes others (`return`, `…-restored`) waits until those have gone, and goes to every channel that accepted
//!   one of them. A `return` turns what its bed was told of before into information, in later lives of the program too
//!   ([`Queue::recall_returns`]). Where those may still lie in the store, because it has
//!   not said yet what it holds, that is waited for; for ten seconds at most. What a channel refuses for itself is not
//!   waited for there: it may never go. A fault that goes out behind its end goes as information.
//! - `fallback`: the next channel is tried as well after `give-up-after`, or at once where a channel is wrong or known
//!   to be down. New alerts always start at the first one, so that its return to work is noticed and used.
//! - Channels may change at any time ([`Queue::rechannel`]): nothing is lost by it, nor sent again because of it.
//! - An acceptance counts whenever it comes, be it of a slow attempt that was given up on.
//! - At the bound what would be sent last leaves the memory and stays in the store. As long as the store may hold more
//!   than is here, it is asked for with [`Report::Room`] once half of the bound is free: how much it holds is not reckoned,
//!   for what it hands back may have been delivered a moment ago.

mod bound;
mod channel;
mod choosing;
mod closing;
mod entering;
mod entry;
mod memory;
mod rechannel;
mod settling;
#[cfg(test)]
mod tests;
mod unread;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use self::channel::{Channel, Class};
use self::entry::{Entry, Key, Lane, Tried};
use self::memory::Memory;
pub use self::rechannel::Moved;
use self::unread::Unread;
use super::outcome::Outcome;
use super::settings::Delivery;
use crate::model::{Alert, AlertId, BedId, Event, Moment, Now, Priority, Returns, Sequence};

/// The most alerts that are held in memory, about 5 MB; the store holds the rest.
pub const HELD_MAX: usize = 5_000;

/// The most channels; more are ignored.
pub const CHANNELS_MAX: usize = 64;

/// How long what closes something that may wait in the store waits for the store to say what it holds.
pub const STORE_ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// One attempt to make now.
#[derive(Debug)]
#[must_use]
pub struct Attempt {
    /// To be given back once, with the outcome.
    pub ticket: Ticket,
    /// What to send.
    pub alert: Arc<Alert>,
    /// Over which channel: its place in the configuration.
    pub channel: usize,
    /// The priority by now: a known return has made information of an alarm.
    pub priority: Priority,
    /// Whether more than 60 s have passed since it was decided.
    pub late: bool,
    /// The time at which it was raised; `None` where that was in an earlier life.
    pub raised: Option<Now>,
    /// Which attempt of this alert over this channel it is, from 1.
    pub number: u32,
}

/// Stands for an attempt on its way. Given back once, with [`Queue::on_outcome`].
#[derive(Debug)]
#[must_use]
pub struct Ticket {
    key: Key,
    channel: usize,
    class: Class,
}

/// What the rest of the gateway should know.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// A channel has accepted an alert.
    Accepted {
        /// The alert.
        alert: AlertId,
        /// Its number.
        sequence: Sequence,
        /// The channel's name.
        channel: Arc<str>,
        /// The receiver's own reference.
        reference: Option<String>,
        /// When the answer came.
        at: Timestamp,
        /// Which attempt over this channel it was, from 1.
        attempt: u32,
    },
    /// An alert has been accepted by all that it must reach. Told once of each number in a life of the program, as far as
    /// is remembered.
    Delivered {
        /// The alert.
        alert: AlertId,
        /// Its number.
        sequence: Sequence,
        /// What it told of.
        event: Box<Event>,
    },
    /// The end of a fault was accepted before it: it is to be kept as it is here, for it goes out as information from now on.
    Overtaken {
        /// The alert.
        alert: Box<Alert>,
    },
    /// A channel is wrong, or has failed twice in a row.
    ChannelDown {
        /// The channel's name.
        channel: Arc<str>,
        /// What is wrong and what to look at, for a technician.
        detail: String,
        /// Whether somebody must change something before it can work.
        wrong: bool,
    },
    /// It works again, or for the first time in this life of the program.
    ChannelUp {
        /// The channel's name.
        channel: Arc<str>,
        /// How many attempts in a row had failed.
        failures: u32,
    },
    /// An open alarm was not accepted. Told of each bed once a minute at most.
    AlarmWaits {
        /// The alert.
        alert: AlertId,
        /// The bed that it is of.
        bed: Option<BedId>,
        /// What it tells.
        kind: &'static str,
        /// The channel's name.
        channel: Arc<str>,
        /// How long it has been in memory.
        waited: Duration,
        /// How many open alarms of this bed wait.
        count: usize,
        /// What went wrong, for a technician.
        detail: String,
    },
    /// A channel refuses an alert for itself: it has taken others since it refused this one. It is tried there again and
    /// again. Told once for each.
    Refused {
        /// The alert.
        alert: AlertId,
        /// The bed that it is of.
        bed: Option<BedId>,
        /// What it tells.
        kind: &'static str,
        /// The channel's name.
        channel: Arc<str>,
        /// What the channel answers, for a technician.
        detail: String,
    },
    /// A channel refuses no alert for itself any more.
    RefusesNone {
        /// The channel's name.
        channel: Arc<str>,
    },
    /// A channel is gone from the configuration, and with it whatever was wrong with it.
    ChannelGone {
        /// The channel's name.
        channel: Arc<str>,
    },
    /// Secrets and certificates of a channel were read.
    FilesRead {
        /// The channel's name.
        channel: Arc<str>,
        /// What is wrong with them; those read before stay in use then.
        problem: Option<String>,
    },
    /// An attempt ended by a fault of this program; it is tried again like any other.
    AttemptDied {
        /// The channel's name.
        channel: Arc<str>,
    },
    /// An alert has left the memory; it waits in the store.
    Evicted {
        /// How many have left since the store was last read to its end.
        count: u64,
    },
    /// There is room for what waits in the store: hand it over, in order of sequence.
    Room {
        /// For how many.
        count: usize,
    },
}

/// How one channel is, for who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelView {
    /// Its name.
    pub name: Arc<str>,
    /// Whether it is known not to work.
    pub down: bool,
    /// What went wrong last, where nothing was accepted since; else what it says of an alert that it refuses for itself.
    pub problem: Option<String>,
    /// When it accepted something last, be it a heartbeat.
    pub accepted: Option<Moment>,
    /// How many alerts in memory wait for it.
    pub waiting: u64,
    /// Since when the first of them has been in memory.
    pub waiting_since: Option<Moment>,
    /// Whether more may wait for it in the store.
    pub more: bool,
}

/// The alerts that wait, and what is known of the channels.
#[derive(Debug)]
pub struct Queue {
    delivery: Delivery,
    channels: Vec<Channel>,
    entries: BTreeMap<Key, Entry>,
    keys: BTreeMap<AlertId, Key>,
    /// For each alert that is to be closed: what waits to close it.
    closers: BTreeMap<AlertId, BTreeSet<Key>>,
    give_ups: BTreeSet<(Moment, Key)>,
    memory: Memory,
    /// The last return of each bed.
    returns: Returns,
    /// When it was last told of each bed that an alarm waits.
    alarm_told: BTreeMap<Option<BedId>, Moment>,
    reports: VecDeque<Report>,
    unread: Unread,
    /// How many have left the memory since the store was last read to its end.
    left: u64,
    /// Whether the store may hold alerts that are not here.
    more: bool,
    room_told: bool,
    held_max: usize,
}

impl Queue {
    /// Makes an empty queue for channels of these names, in the order of the configuration.
    #[must_use]
    pub fn new<'a>(delivery: Delivery, names: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            delivery,
            channels: names.into_iter().take(CHANNELS_MAX).map(Channel::new).collect(),
            entries: BTreeMap::new(),
            keys: BTreeMap::new(),
            closers: BTreeMap::new(),
            give_ups: BTreeSet::new(),
            memory: Memory::default(),
            returns: Returns::default(),
            alarm_told: BTreeMap::new(),
            reports: VecDeque::new(),
            unread: Unread::default(),
            left: 0,
            more: false,
            room_told: false,
            held_max: HELD_MAX,
        }
    }

    /// Sets another bound of alerts in memory than [`HELD_MAX`]; at least 1.
    #[must_use]
    pub fn with_held_max(mut self, held_max: usize) -> Self {
        self.held_max = held_max.max(1);
        self
    }

    /// Takes a new alert. One whose id is known already is ignored.
    pub fn raise(&mut self, alert: Alert, now: &Now) {
        self.note_return(&alert);
        if let Some(alert) = self.wait_for_store(alert, now, None) {
            self.enter(alert, true, *now, now, now.moment);
        }
    }

    /// Takes a new alert that may wait until then: what all gateways of a town have to tell after the same power cut.
    pub fn raise_later(&mut self, alert: Alert, now: &Now, due: Moment) {
        if let Some(alert) = self.wait_for_store(alert, now, Some(due)) {
            self.enter(alert, false, *now, now, due);
        }
    }

    /// Takes alerts that the store holds as undelivered, in order of sequence; none at all says that those before were
    /// all. Those whose id is known already are ignored. What is no alarm waits until `calm`.
    pub fn recovered(&mut self, alerts: Vec<Alert>, now: &Now, calm: Moment) {
        self.room_told = false;
        if alerts.is_empty() {
            // What has left meanwhile may not have been among them.
            self.more = std::mem::take(&mut self.left) > 0;
            self.store_answered(now.moment);
            return self.offer_room();
        }
        self.more = true;
        for alert in alerts {
            let due = if alert.priority == Priority::Alarm { now.moment } else { calm };
            // One that waits for this very answer goes its own way, which is not that of a backlog.
            if !self.unread.holds(&alert.id) {
                self.insert(alert, false, now, due);
                self.keep_to_bound();
            }
        }
    }

    /// Returns an attempt to make now, if there is one. Call it until there is none.
    pub fn next_attempt(&mut self, now: Moment) -> Option<Attempt> {
        self.give_store_up(now);
        self.open_overdue(now);
        (0..self.channels.len()).find_map(|channel| {
            let (key, class) = self.pick_live(channel).or_else(|| self.pick_waiting(channel, now))?;
            self.depart(channel, key, class, now)
        })
    }

    /// Takes the outcome of an attempt; `random` is uniform over all its values.
    #[expect(clippy::needless_pass_by_value, reason = "a ticket is given back once")]
    pub fn on_outcome(&mut self, ticket: Ticket, outcome: Outcome, now: &Now, random: u32) {
        let Ticket { key, channel, class } = ticket;
        if let Some(state) = self.channels.get_mut(channel) {
            state.arrive(class);
        }
        let Some(Lane::InFlight { tried }) = self.entries.get(&key).map(|entry| entry.lane(channel)) else {
            return;
        };
        let tried = Tried { attempts: tried.attempts.saturating_add(1), ..tried };
        match outcome {
            Outcome::Accepted { reference } => {
                self.on_accepted(key, channel, reference, tried.attempts, now.utc);
                self.channel_works(channel, now.moment);
                self.settle(key, now.moment);
            }
            Outcome::TryAgain { retry_after, problem } => {
                self.channel_fails(channel, &problem);
                self.tell_waiting_alarm(key, channel, &problem, now.moment);
                let tried = Tried { wrong_since: None, ..tried };
                self.wait(key, channel, tried, retry_after, now.moment, random);
            }
            Outcome::ChannelWrong { problem } => {
                self.tell_waiting_alarm(key, channel, &problem, now.moment);
                let tried = self.refused(channel, tried, now.moment);
                if !tried.refused_for_itself {
                    self.channel_is_wrong(channel, &problem);
                }
                self.wait(key, channel, tried, None, now.moment, random);
                self.open_next_after_wrong(key, now.moment);
                self.look_at_refusal(key, channel, problem, now.moment);
            }
        }
        self.offer_room();
    }

    /// Notes what became of reading a channel's secrets and certificates.
    pub fn on_files(&mut self, channel: usize, problem: Option<String>) {
        if let Some(state) = self.channels.get(channel) {
            self.reports.push_back(Report::FilesRead { channel: Arc::clone(&state.name), problem });
        }
    }

    /// Takes the outcome of a heartbeat: it tells about the channel, and is itself not tried again.
    pub fn on_heartbeat(&mut self, channel: usize, outcome: &Outcome, now: Moment) {
        match outcome {
            Outcome::Accepted { .. } => self.channel_works(channel, now),
            Outcome::TryAgain { problem, .. } => self.channel_fails(channel, problem),
            Outcome::ChannelWrong { problem } => self.channel_is_wrong(channel, problem),
        }
        self.offer_room();
    }

    /// Returns when [`Queue::next_attempt`] has something to do again of its own accord.
    #[must_use]
    pub fn next_deadline(&self, now: Moment) -> Option<Moment> {
        let retries = (0..self.channels.len()).flat_map(|channel| self.dues(channel, now));
        let give_up = self.give_ups.first().map(|(at, _)| *at);
        // What is due already waits for an attempt on its way, whose outcome will wake the caller.
        retries.filter(|due| *due > now).chain(give_up).chain(self.unread.due()).min()
    }

    /// Notes that an attempt over a channel ended by a fault of this program. Its outcome is told apart from this.
    pub fn on_death(&mut self, channel: usize) {
        if let Some(state) = self.channels.get(channel) {
            self.reports.push_back(Report::AttemptDied { channel: Arc::clone(&state.name) });
        }
    }

    /// Returns the next thing that the rest of the gateway should know.
    pub fn next_report(&mut self) -> Option<Report> {
        self.look_at_ends_of_refusals();
        self.reports.pop_front()
    }

    /// Returns how many alerts in memory are not delivered.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.entries.values().filter(|entry| !entry.delivered).count() + self.unread.len()
    }

    /// Returns how each channel is, in the order of the configuration.
    #[must_use]
    pub fn view(&self) -> Vec<ChannelView> {
        let since =
            |channel: &Channel| channel.unsettled().filter_map(|key| Some(self.entries.get(&key)?.entered)).min();
        let view = |channel: &Channel| ChannelView {
            name: Arc::clone(&channel.name),
            down: channel.down,
            problem: channel.problem.as_ref().or(channel.refusal.as_ref()).cloned(),
            accepted: channel.last_accepted,
            waiting: (channel.unsettled().count() + self.unread.len()) as u64,
            waiting_since: since(channel),
            more: self.more,
        };
        self.channels.iter().map(view).collect()
    }

    /// Tells whether a channel is known not to work.
    #[must_use]
    pub fn is_down(&self, channel: usize) -> bool {
        self.channels.get(channel).is_some_and(|state| state.down)
    }
}
