//! What leaves the memory at its bound, and when it is asked back. PURE.

use super::entry::{Entry, Key};
use super::{Queue, Report};

impl Queue {
    /// Sends away what would be sent last. What is on its way stays, so that its acceptance finds it.
    pub(super) fn keep_to_bound(&mut self) {
        let mut left = 0;
        while self.entries.len() > self.held_max {
            let Some(entry) = self.last_to_be_sent().and_then(|key| self.remove(key)) else { break };
            if entry.ended {
                self.memory.end(entry.alert.id);
            }
            left += 1;
        }
        self.count_left(left);
        if left > 0 {
            self.reports.push_back(Report::Evicted { count: self.left });
        }
    }

    pub(super) fn last_to_be_sent(&self) -> Option<Key> {
        let may_leave = |entry: &&Entry| !entry.is_in_flight();
        // What something in memory closes leaves after that, which would overtake it else.
        let is_closed = |entry: &&Entry| self.closers.contains_key(&entry.alert.id);
        let others = self.entries.values().rev().filter(may_leave).filter(|entry| !is_closed(entry));
        let mut rest = others.filter(|entry| !entry.is_open_alarm());
        let Some(newest) = rest.next() else {
            // Nothing but open alarms: the oldest goes last.
            return self.entries.values().find(may_leave).map(Entry::key);
        };
        // Live ones keep their first attempt as long as anything else can go.
        let tried = if newest.is_untried() { rest.find(|entry| !entry.is_untried()) } else { None };
        Some(tried.unwrap_or(newest).key())
    }

    pub(super) fn count_left(&mut self, count: u64) {
        if count > 0 {
            self.more = true;
            self.left = self.left.saturating_add(count);
        }
    }

    /// Asks for what may wait in the store, once at a time.
    pub(super) fn offer_room(&mut self) {
        if self.more && !self.room_told && self.entries.len() <= self.held_max / 2 {
            self.room_told = true;
            self.reports.push_back(Report::Room { count: self.held_max - self.entries.len() });
        }
    }
}
