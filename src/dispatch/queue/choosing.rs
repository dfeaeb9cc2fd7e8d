//! Which alert goes next over a channel. PURE.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::channel::Class;
use super::entry::{Entry, Key, Lane};
use super::{Attempt, Queue, Ticket};
use crate::model::Moment;

impl Queue {
    /// Picks a live alert that a channel owes its first attempt: alarms first, the newest of them.
    pub(super) fn pick_live(&self, channel: usize) -> Option<(Key, Class)> {
        let state = self.channels.get(channel)?;
        let is_alarm = |key: &Key| self.entries.get(key).is_some_and(Entry::is_open_alarm);
        let alarm = || state.fresh.iter().rev().find(|key| is_alarm(key)).map(|key| (*key, Class::LiveAlarm));
        let other = || state.fresh.iter().find(|key| !is_alarm(key)).map(|key| (*key, Class::Live));
        let alarm = if state.has_room(Class::LiveAlarm) { alarm() } else { None };
        alarm.or_else(|| if state.has_room(Class::Live) { other() } else { None })
    }

    /// Picks an alert whose wait is over: open alarms first, the newest of them; then the first of each line.
    pub(super) fn pick_waiting(&self, channel: usize, now: Moment) -> Option<(Key, Class)> {
        let state = self.channels.get(channel)?;
        let alarm = || {
            let due = |key: &&Key| self.alarm_due(channel, **key).is_some_and(|due| due <= now);
            state.alarms.iter().rev().find(due).map(|key| (*key, Class::Alarm))
        };
        let rest = || {
            let heads = state.lines.values().filter_map(|line| self.head(channel, line, now));
            heads.filter(|(due, _)| *due <= now).map(|(_, key)| key).min().map(|key| (key, Class::Rest))
        };
        let alarm = if state.has_room(Class::Alarm) { alarm() } else { None };
        alarm.or_else(|| if state.has_room(Class::Rest) { rest() } else { None })
    }

    pub(super) fn alarm_due(&self, channel: usize, key: Key) -> Option<Moment> {
        match self.entries.get(&key)?.lane(channel) {
            Lane::Waiting { due, .. } => Some(due),
            Lane::Closed | Lane::InFlight { .. } | Lane::Accepted => None,
        }
    }

    /// The alert of a line that may go next: the first one, or one after it where that one does not hold the line. What
    /// was spread over the time after a start and is not due yet holds up only what was spread with it.
    pub(super) fn head(&self, channel: usize, line: &BTreeSet<Key>, now: Moment) -> Option<(Moment, Key)> {
        let mut soonest: Option<(Moment, Key)> = None;
        let mut spread = false;
        for key in line {
            let entry = self.entries.get(key)?;
            let (tried, is_spread) = match entry.lane(channel) {
                Lane::Closed | Lane::Accepted => continue,
                Lane::Waiting { .. } if self.is_held(*key, channel) || (spread && !entry.live) => continue,
                Lane::Waiting { due, tried } => {
                    soonest = Some(soonest.map_or((due, *key), |before| before.min((due, *key))));
                    (tried, !entry.live && tried.attempts == 0 && due > now)
                }
                Lane::InFlight { tried } => (tried, false),
            };
            spread |= is_spread;
            let may_go = soonest.is_some_and(|(due, _)| due <= now);
            if may_go || !(tried.refused_for_itself || is_spread) {
                break;
            }
        }
        soonest
    }

    pub(super) fn dues(&self, channel: usize, now: Moment) -> impl Iterator<Item = Moment> + '_ {
        let state = self.channels.get(channel);
        let alarms = state
            .into_iter()
            .flat_map(move |state| state.alarms.iter().filter_map(move |key| self.alarm_due(channel, *key)));
        let heads = state.into_iter().flat_map(move |state| {
            state.lines.values().filter_map(move |line| self.head(channel, line, now)).map(|(due, _)| due)
        });
        alarms.chain(heads)
    }

    pub(super) fn depart(&mut self, channel: usize, key: Key, class: Class, now: Moment) -> Option<Attempt> {
        let (entry, state) = (self.entries.get_mut(&key)?, self.channels.get_mut(channel)?);
        let Lane::Waiting { tried, .. } = entry.lane(channel) else { return None };
        entry.set_lane(channel, Lane::InFlight { tried });
        state.fresh.remove(&key);
        state.depart(class);
        Some(Attempt {
            ticket: Ticket { key, channel, class },
            alert: Arc::clone(&entry.alert),
            channel,
            priority: entry.priority(),
            late: entry.is_late(now),
            raised: entry.raised,
            number: tried.attempts.saturating_add(1),
        })
    }
}
