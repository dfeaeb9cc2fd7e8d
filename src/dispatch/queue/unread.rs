//! The first moments, in which the store has not said yet what it holds: what closes something that may be there waits,
//! so that nobody hears of an end before its beginning. PURE.

use super::{Queue, STORE_ANSWERS_WITHIN};
use crate::model::{Alert, AlertId, Moment, Now};

/// The most alerts that wait so; of more, each goes at once.
const EARLY_MAX: usize = 256;

/// What waits for the first answer of the store.
#[derive(Debug, Default)]
pub(super) struct Unread {
    /// The store has said what it holds.
    answered: bool,
    waiting: Vec<Early>,
}

/// An alert that came before that.
#[derive(Debug)]
struct Early {
    alert: Alert,
    came: Now,
    /// When it may go after a boot; `None`: at once.
    due: Option<Moment>,
}

impl Unread {
    /// Tells how many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Tells whether this one does.
    pub(super) fn holds(&self, id: &AlertId) -> bool {
        self.waiting.iter().any(|early| early.alert.id == *id)
    }

    /// Returns when the first of them has waited for long enough.
    pub(super) fn due(&self) -> Option<Moment> {
        self.waiting.first().map(|early| early.came.moment + STORE_ANSWERS_WITHIN)
    }
}

impl Queue {
    /// Lets an alert wait for the store's first answer; gives it back where it need not.
    pub(super) fn wait_for_store(&mut self, alert: Alert, now: &Now, due: Option<Moment>) -> Option<Alert> {
        let Unread { answered, waiting } = &self.unread;
        if *answered || waiting.len() >= EARLY_MAX || !self.closes_something_unknown(&alert) {
            return Some(alert);
        }
        self.end_all_closed(&alert);
        self.unread.waiting.push(Early { alert, came: *now, due });
        None
    }

    /// The store has said what it holds.
    pub(super) fn store_answered(&mut self, now: Moment) {
        self.unread.answered = true;
        self.let_early_go(now, |_| true);
    }

    /// A store that answers nothing for so long is not waited for.
    pub(super) fn give_store_up(&mut self, now: Moment) {
        if self.unread.due().is_some_and(|due| due <= now) {
            self.let_early_go(now, |early| early.came.moment + STORE_ANSWERS_WITHIN <= now);
        }
    }

    fn let_early_go(&mut self, now: Moment, may_go: impl Fn(&Early) -> bool) {
        let (go, stay) = std::mem::take(&mut self.unread.waiting).into_iter().partition(may_go);
        self.unread.waiting = stay;
        for Early { alert, came, due } in go {
            // Late by the time at which it was raised.
            let came_at = came.moment;
            let now = Now { moment: now, utc: came.utc_of(now), trusted: came.trusted };
            match due {
                Some(due) if due > came_at => self.enter(alert, false, came, &now, due.max(now.moment)),
                Some(_) | None => self.enter(alert, true, came, &now, now.moment),
            }
        }
    }
}
