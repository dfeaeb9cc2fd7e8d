//! Where handles leave their wishes and the owner thread picks them up.
//!
//! One lock, held for a push or a take, never over I/O: so the bounds hold, and the right things give way, also while
//! the owner hangs in a sync that does not end.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::sequence::Numbers;
use super::waiting::{PageRequest, Waiting, Work};
use crate::clock;
use crate::model::{Moment, Sequence};

/// What the owner does next while the disk is well.
pub(super) enum Next {
    /// Write this and sync.
    Write(Work),
    /// Write the mark of the sequence numbers.
    Mark,
    /// Read a page.
    Read(PageRequest),
    /// Merge what comes from a store that was put aside.
    Salvaged,
    /// The given moment has come.
    Time,
    /// Everything is written and the end is wished for.
    Close,
}

/// The shared place between handles and owner.
pub(super) struct Desk {
    waiting: Mutex<Waiting>,
    bell: Condvar,
    pub(super) numbers: Arc<Numbers>,
}

impl Desk {
    pub(super) fn new(numbers: Numbers) -> Self {
        Self { waiting: Mutex::default(), bell: Condvar::new(), numbers: Arc::new(numbers) }
    }

    /// Hands out the next sequence number, and has the mark raised where that comes near it.
    pub(super) fn number(&self) -> Sequence {
        let number = self.numbers.draw();
        if self.numbers.due_mark().is_some() {
            self.with(|_| ());
        }
        number
    }

    /// Leaves or looks up something.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Waiting) -> T) -> T {
        // Waiting has no state that a panic could leave half done in a way that matters: it may be used on.
        let result = act(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        self.bell.notify_one();
        result
    }

    /// Blocks until there is something to do, or `until` has come. Sleeps without a timer where nothing waits for time.
    pub(super) fn next(&self, until: Moment) -> Next {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.busy_since = None;
        loop {
            let now = clock::moment();
            if let Some(next) = self.next_of(&mut waiting, now, until) {
                waiting.busy_since = Some(now);
                return next;
            }
            let at = waiting.due_at().map_or(until, |due| due.min(until));
            let wait = self.bell.wait_timeout(waiting, at.since(now));
            waiting = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Blocks until `until` has come, the number of alerts is not the one seen before, or the end is wished for; tells
    /// whether it is.
    pub(super) fn pause(&self, until: Moment, alerts_seen: usize) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.busy_since = None;
        let left = until.since(clock::moment());
        if waiting.is_closing() || left.is_zero() || waiting.alerts() != alerts_seen {
            return waiting.is_closing();
        }
        let wait = self.bell.wait_timeout(waiting, left);
        wait.unwrap_or_else(PoisonError::into_inner).0.is_closing()
    }

    fn next_of(&self, waiting: &mut Waiting, now: Moment, until: Moment) -> Option<Next> {
        if let Some(work) = waiting.take(now) {
            return Some(Next::Write(work));
        }
        if self.numbers.due_mark().is_some() {
            return Some(Next::Mark);
        }
        if let Some(request) = waiting.next_page() {
            return Some(Next::Read(request));
        }
        if waiting.is_closing() {
            return Some(Next::Close);
        }
        if waiting.take_salvaged() {
            return Some(Next::Salvaged);
        }
        (until <= now).then_some(Next::Time)
    }
}
