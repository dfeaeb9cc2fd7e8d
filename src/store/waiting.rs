//! What waits for the disk, and what gives way when that is too much. PURE but for the answers it sends.
//!
//! | what | bound | at the bound |
//! | --- | --- | --- |
//! | alerts | [`ALERTS_MAX`] and [`ALERT_BYTES_MAX`] | the newest information goes, then the newest warning, then the oldest alarm |
//! | states without an alert | one a key, [`STATES_MAX`] keys | a new key is refused |
//! | journal entries | [`NOTES_MAX`] | the oldest goes |
//! | deliveries to mark | [`GONE_MAX`] | the oldest is forgotten: that alert may be sent again after a restart |
//! | pages asked for | [`PAGES_MAX`] | refused |
//!
//! An information or warning that goes leaves its state behind; an alarm takes it along, so that a restart raises the
//! alarm again.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use tokio::sync::oneshot;

use super::JournalPage;
use super::answer::{NotKept, Reply, answer};
use super::record::Record;
use crate::model::journal::SafeBy;
use crate::model::{Alert, Moment, Priority, Sequence};

/// The most alerts that wait in memory.
pub(super) const ALERTS_MAX: usize = 10_000;

/// The most bytes of alerts, with the states that go with them, that wait in memory.
pub(super) const ALERT_BYTES_MAX: usize = 16 << 20;

/// The most keys of states that wait in memory.
const STATES_MAX: usize = 1_000;

/// The most journal entries that wait in memory.
const NOTES_MAX: usize = 1_000;

/// The most deliveries that wait to be marked.
const GONE_MAX: usize = 10_000;

/// The most pages that wait to be read.
const PAGES_MAX: usize = 64;

/// The most writes, journal entries and deliveries, of each, in one batch.
const BATCH_MAX: usize = 256;

/// How long journal entries and deliveries wait for others, and the engine for what lies in the log.
pub(super) const LAZY_FOR: Duration = Duration::from_secs(60);

/// The number of journal entries and deliveries that is written without waiting longer.
const LAZY_MAX: usize = 500;

/// A state under its key, ready to be written.
#[derive(Debug)]
pub(super) struct State {
    pub(super) key: String,
    pub(super) record: Record,
}

/// An alert with the state that goes with it, ready to be written.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) sequence: Sequence,
    pub(super) priority: Priority,
    pub(super) record: Record,
    pub(super) state: Option<State>,
    pub(super) reply: Reply<()>,
}

impl Held {
    fn bytes(&self) -> usize {
        self.record.len() + self.state.as_ref().map_or(0, |state| state.key.len() + state.record.len())
    }
}

/// One thing that must be synced, in the order in which it was given.
#[derive(Debug)]
pub(super) enum Write {
    Alert(Held),
    State { state: State, replies: Vec<Reply<()>> },
}

impl Write {
    /// Lets the alert go and returns what must still be written.
    fn without_alert(self, result: Result<(), NotKept>, keep_state: bool) -> Option<Self> {
        match self {
            Self::State { .. } => Some(self),
            Self::Alert(held) => {
                answer(held.reply, result);
                held.state.filter(|_| keep_state).map(|state| Self::State { state, replies: Vec::new() })
            }
        }
    }

    fn is_alert(&self, matches: impl Fn(&Held) -> bool) -> bool {
        match self {
            Self::Alert(held) => matches(held),
            Self::State { .. } => false,
        }
    }
}

/// A page that somebody waits for.
#[derive(Debug)]
pub(super) enum PageRequest {
    /// Of the backlog.
    Backlog { after: Option<Sequence>, limit: usize, reply: Reply<Vec<Alert>> },
    /// Of the journal.
    Journal { after: Option<u64>, limit: usize, reply: Reply<JournalPage> },
}

impl PageRequest {
    fn refuse(self, why: NotKept) {
        match self {
            Self::Backlog { reply, .. } => answer(reply, Err(why)),
            Self::Journal { reply, .. } => answer(reply, Err(why)),
        }
    }

    const fn is_of_journal(&self) -> bool {
        matches!(self, Self::Journal { .. })
    }
}

/// What goes to the disk in one batch.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// To be appended to the log at once.
    pub(super) writes: Vec<Write>,
    /// Alerts that are done: the log may say so with the same sync; they come again to be absorbed.
    pub(super) done: Vec<Sequence>,
    /// Whether it is time for the engine to absorb the log, and the rest of this.
    pub(super) absorb: bool,
    pub(super) gone: Vec<Sequence>,
    pub(super) notes: Vec<Record>,
}

impl Work {
    /// Refuses what is no alarm beyond the room that the outbox has, and returns how many that were.
    pub(super) fn fit(&mut self, room: u64) -> u64 {
        let (mut left, mut refused) = (room, 0);
        let fitting = |write: Write| {
            let refuse = left == 0 && write.is_alert(|held| held.priority < Priority::Alarm);
            if write.is_alert(|_| true) && !refuse {
                left = left.saturating_sub(1);
            }
            refused += u64::from(refuse);
            if refuse { write.without_alert(Err(NotKept::Full), true) } else { Some(write) }
        };
        self.writes = std::mem::take(&mut self.writes).into_iter().filter_map(fitting).collect();
        refused
    }

    /// Tells everybody that what was to be appended is on the medium.
    pub(super) fn kept(&mut self) {
        for write in std::mem::take(&mut self.writes) {
            match write {
                Write::Alert(held) => answer(held.reply, Ok(())),
                Write::State { replies, .. } => replies.into_iter().for_each(|reply| answer(reply, Ok(()))),
            }
        }
    }
}

/// What did not reach the disk before the end.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) alerts: usize,
    pub(super) records: usize,
}

/// How the wish to end came.
#[derive(Debug)]
pub(super) enum Closing {
    /// Somebody waits for the end, and is told what is left in memory.
    Asked(oneshot::Sender<Left>),
    /// The last handle is gone.
    Abandoned,
}

/// Everything that waits for the disk.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    writes: VecDeque<Write>,
    alerts: usize,
    bytes: usize,
    /// Alerts that are being written at this moment.
    in_writing: BTreeSet<Sequence>,
    gone: VecDeque<Sequence>,
    notes: VecDeque<Record>,
    lazy_since: Option<Moment>,
    pages: VecDeque<PageRequest>,
    /// Since when the owner has been with the disk.
    pub(super) busy_since: Option<Moment>,
    /// Batches of a salvage that lie ready.
    salvaged: u32,
    closing: Option<Closing>,
    ended: bool,
    let_go: u64,
}

impl Waiting {
    /// Takes an alert, and lets go of what is least needed where that is too much.
    pub(super) fn alert(&mut self, held: Held) {
        if self.ended {
            return answer(held.reply, Err(NotKept::Closed));
        }
        // Given again after its delivery: whoever does that wants it kept.
        self.gone.retain(|gone| *gone != held.sequence);
        self.push_back(Write::Alert(held));
        self.make_room();
    }

    /// Takes a state; an older one under the same key that still waits is replaced.
    pub(super) fn state(&mut self, state: State, reply: Reply<()>) {
        if self.ended {
            return answer(reply, Err(NotKept::Closed));
        }
        let mut replies = self.withdraw_state(&state.key);
        if replies.is_empty() && self.states() >= STATES_MAX {
            return answer(reply, Err(NotKept::Crowded));
        }
        // Hardly anybody waits for the answer, and while the disk is away there is no end of them.
        replies.retain(|reply| !reply.is_closed());
        replies.push(reply);
        self.push_back(Write::State { state, replies });
    }

    /// Takes the news that an alert was delivered: where it still waits it need not be written any more. Tells by what it
    /// was safe first.
    pub(super) fn delivered(&mut self, sequence: Sequence, now: Moment) -> SafeBy {
        let waited = self.forget(sequence);
        if self.gone.len() >= GONE_MAX {
            self.gone.pop_front();
        }
        self.gone.push_back(sequence);
        self.lazy_since.get_or_insert(now);
        if waited || self.in_writing.contains(&sequence) { SafeBy::Acceptance } else { SafeBy::Medium }
    }

    /// Takes a journal entry.
    pub(super) fn note(&mut self, record: Record, now: Moment) {
        if self.notes.len() >= NOTES_MAX {
            self.notes.pop_front();
        }
        self.notes.push_back(record);
        self.lazy_since.get_or_insert(now);
    }

    /// Takes the wish for a page.
    pub(super) fn page(&mut self, request: PageRequest) {
        if self.ended {
            request.refuse(NotKept::Closed);
        } else if self.pages.len() >= PAGES_MAX {
            request.refuse(NotKept::Crowded);
        } else {
            self.pages.push_back(request);
        }
    }

    /// Puts a page back that could not be read.
    pub(super) fn page_again(&mut self, request: PageRequest) {
        self.pages.push_front(request);
    }

    /// Takes the wish to end: nothing waits longer than it must from now on.
    pub(super) fn close(&mut self, closing: Closing) {
        if !self.ended {
            self.closing.get_or_insert(closing);
        }
    }

    /// Tells whether the end is wished for.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    /// Takes nothing from now on; answers all that waits and who wished for the end.
    pub(super) fn end(&mut self) {
        let rest = std::mem::replace(self, Self { ended: true, ..Self::default() });
        if let Some(Closing::Asked(reply)) = rest.closing {
            let records = rest.writes.len() + rest.gone.len() + rest.notes.len();
            drop(reply.send(Left { alerts: rest.alerts, records }));
        }
    }

    /// Returns what must go to the disk now: a batch, bounded, or nothing.
    pub(super) fn take(&mut self, now: Moment) -> Option<Work> {
        let absorb = self.is_time_to_absorb(now);
        if self.writes.is_empty() && !absorb {
            return None;
        }
        let mut work = Work { absorb, ..Work::default() };
        work.writes.extend(self.writes.drain(..self.writes.len().min(BATCH_MAX)));
        for write in &work.writes {
            self.count_out(write);
            if let Write::Alert(held) = write {
                self.in_writing.insert(held.sequence);
            }
        }
        if absorb {
            work.gone.extend(self.gone.drain(..self.gone.len().min(BATCH_MAX)));
            work.notes.extend(self.notes.drain(..self.notes.len().min(BATCH_MAX)));
            self.lazy_since = (!self.gone.is_empty() || !self.notes.is_empty()).then_some(now);
        } else {
            work.done.extend(self.gone.iter().take(BATCH_MAX));
            self.lazy_since.get_or_insert(now);
        }
        Some(work)
    }

    /// Takes the news that what was taken to be appended is on the medium.
    pub(super) fn written(&mut self) {
        self.in_writing.clear();
    }

    /// Takes a batch back that did not reach the disk, in front of everything.
    pub(super) fn put_back(&mut self, work: Work, now: Moment) {
        self.in_writing.clear();
        // What was delivered in the meantime does not come back.
        let delivered: BTreeSet<Sequence> = self.gone.iter().copied().collect();
        for write in work.writes.into_iter().rev() {
            let forget = write.is_alert(|held| delivered.contains(&held.sequence));
            let rest = if forget { write.without_alert(Ok(()), true) } else { Some(write) };
            if let Some(write) = rest {
                self.count_in(&write);
                self.writes.push_front(write);
            }
        }
        for sequence in work.gone.into_iter().rev() {
            self.gone.push_front(sequence);
        }
        for note in work.notes.into_iter().rev() {
            self.notes.push_front(note);
        }
        self.gone.drain(..self.gone.len().saturating_sub(GONE_MAX));
        self.notes.drain(..self.notes.len().saturating_sub(NOTES_MAX));
        if work.absorb {
            self.lazy_since.get_or_insert(now);
        }
        self.make_room();
    }

    /// Returns the next page to read.
    pub(super) fn next_page(&mut self) -> Option<PageRequest> {
        self.pages.pop_front()
    }

    /// Takes the news that a batch of a salvage lies ready.
    pub(super) fn salvaged(&mut self) {
        self.salvaged += 1;
    }

    /// Tells whether a batch of a salvage lies ready, and takes it out.
    pub(super) fn take_salvaged(&mut self) -> bool {
        let ready = self.salvaged > 0;
        self.salvaged = self.salvaged.saturating_sub(1);
        ready
    }

    /// Returns when something that is in no hurry must go to the disk.
    pub(super) fn due_at(&self) -> Option<Moment> {
        self.lazy_since.map(|since| since + LAZY_FOR)
    }

    /// Returns the number of alerts that wait.
    pub(super) fn alerts(&self) -> usize {
        self.alerts
    }

    /// Returns how many alerts were let go since the start.
    pub(super) fn let_go(&self) -> u64 {
        self.let_go
    }

    /// Counts alerts that were let go elsewhere.
    pub(super) fn count_let_go(&mut self, alerts: u64) {
        self.let_go += alerts;
    }

    fn is_time_to_absorb(&self, now: Moment) -> bool {
        let many = self.gone.len() + self.notes.len() >= LAZY_MAX;
        // Who reads the journal wants all of it.
        let wanted = self.pages.iter().any(PageRequest::is_of_journal);
        many || self.due_at().is_some_and(|at| at <= now || wanted || self.is_closing())
    }

    fn push_back(&mut self, write: Write) {
        self.count_in(&write);
        self.writes.push_back(write);
    }

    fn count_in(&mut self, write: &Write) {
        if let Write::Alert(held) = write {
            self.alerts += 1;
            self.bytes += held.bytes();
        }
    }

    fn count_out(&mut self, write: &Write) {
        if let Write::Alert(held) = write {
            self.alerts -= 1;
            self.bytes -= held.bytes();
        }
    }

    fn states(&self) -> usize {
        self.writes.len() - self.alerts
    }

    /// Takes out a state that waits by itself, and returns who waits for it.
    fn withdraw_state(&mut self, key: &str) -> Vec<Reply<()>> {
        let waits = |write: &Write| match write {
            Write::State { state, .. } => state.key == key,
            Write::Alert(_) => false,
        };
        let found = self.writes.iter().rposition(waits).and_then(|at| self.writes.remove(at));
        match found {
            Some(Write::State { replies, .. }) => replies,
            Some(Write::Alert(_)) | None => Vec::new(),
        }
    }

    /// Lets a delivered alert go: it is as safe as it can be.
    fn forget(&mut self, sequence: Sequence) -> bool {
        let waits = |write: &Write| write.is_alert(|held| held.sequence == sequence);
        let at = self.writes.iter().position(waits);
        if let Some(at) = at {
            self.let_go_of(at, Ok(()), true);
        }
        at.is_some()
    }

    fn make_room(&mut self) {
        while self.alerts > ALERTS_MAX || self.bytes > ALERT_BYTES_MAX {
            let Some((at, priority)) = self.least_needed() else { return };
            self.let_go_of(at, Err(NotKept::Crowded), priority < Priority::Alarm);
            self.let_go += 1;
        }
    }

    fn least_needed(&self) -> Option<(usize, Priority)> {
        let of = |priority| move |write: &Write| write.is_alert(|held| held.priority == priority);
        let newest = |priority| self.writes.iter().rposition(of(priority)).map(|at| (at, priority));
        let oldest = |priority| self.writes.iter().position(of(priority)).map(|at| (at, priority));
        newest(Priority::Info).or_else(|| newest(Priority::Warning)).or_else(|| oldest(Priority::Alarm))
    }

    fn let_go_of(&mut self, at: usize, result: Result<(), NotKept>, keep_state: bool) {
        let Some(write) = self.writes.remove(at) else { return };
        self.count_out(&write);
        let Some(rest) = write.without_alert(result, keep_state) else { return };
        let Write::State { state, mut replies } = rest else { return };
        // A later state under this key makes this one needless; an earlier one is made needless by it.
        let superseded = self.writes.iter().skip(at).any(|write| match write {
            Write::Alert(held) => held.state.as_ref().is_some_and(|later| later.key == state.key),
            Write::State { state: later, .. } => later.key == state.key,
        });
        if !superseded {
            replies.append(&mut self.withdraw_state(&state.key));
            self.push_back(Write::State { state, replies });
        }
    }
}

#[cfg(test)]
mod tests;
