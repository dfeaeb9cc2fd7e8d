//! The owner thread: the only one that touches the disk.
//!
//! Takes what waits, writes it in one batch with one sync, answers. After any failure the handle is dropped (errors stick
//! to it), what was taken goes back to the front, and the store is opened again: after 1 s, doubling up to 60 s, for ever.
//! While nothing waits it sleeps; the only timer of an idle store is the daily look at what is too old.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::answer::answer;
use super::desk::{Desk, Next};
use super::health::{Condition, Health};
use super::ledger::{Ledger, Merged};
use super::opening::{self, Before, FIRST_PAGE, Opened};
use super::salvage::{End, Salvage, Salvaged};
use super::trouble::Trouble;
use super::visit::VISIT_KEY;
use super::waiting::{PageRequest, Waiting, Work};
use super::{Recovered, Settings};
use crate::clock::{self, Clock};
use crate::model::Moment;

const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);

/// A store that has been well this long starts with short waits again when it fails.
const WELL_AFTER: Duration = Duration::from_secs(60);

/// The first look at what is too old, after opening, and the next one where there may be more.
const PRUNE_SOON: Duration = Duration::from_secs(60);

/// The next look where the clock is not trusted.
const PRUNE_UNTRUSTED: Duration = Duration::from_secs(3600);

/// The next look where nothing more is too old.
const PRUNE_EVERY: Duration = Duration::from_secs(24 * 3600);

/// What the owner thread works with.
pub(super) struct Owner {
    desk: Arc<Desk>,
    settings: Settings,
    clock: Clock,
    health: watch::Sender<Health>,
    recovered: Option<oneshot::Sender<Recovered>>,
    ledger: Option<Ledger>,
    /// Failures since the disk was last well for a while.
    failures: u32,
    /// Failures since it was last told that the disk is well.
    untold: u32,
    opened_at: Moment,
    retry_at: Moment,
    prune_at: Moment,
    /// What the next opening must know.
    before: Before,
    /// A salvage that goes on.
    salvage: Option<Salvage>,
    /// What is told only once a salvage has ended: without it no state is known.
    withheld: Option<Recovered>,
    /// Whether a smaller copy of the store is being made.
    shrinking: bool,
    let_go_told: u64,
    /// While alerts are let go: how many had been before.
    letting_go: Option<u64>,
}

/// Answers everybody when the thread ends, however it ends.
struct EndOnDrop(Arc<Desk>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.with(Waiting::end);
    }
}

impl Owner {
    pub(super) fn new(
        desk: Arc<Desk>,
        settings: Settings,
        clock: Clock,
        health: watch::Sender<Health>,
        recovered: oneshot::Sender<Recovered>,
    ) -> Self {
        let now = clock::moment();
        Self {
            desk,
            settings,
            clock,
            health,
            recovered: Some(recovered),
            ledger: None,
            failures: 0,
            untold: 0,
            opened_at: now,
            retry_at: now,
            prune_at: now,
            before: Before::default(),
            salvage: None,
            withheld: None,
            shrinking: false,
            let_go_told: 0,
            letting_go: None,
        }
    }

    /// Runs until the end is wished for and everything is written, or cannot be.
    pub(super) fn run(mut self) {
        let _end = EndOnDrop(Arc::clone(&self.desk));
        let _span = tracing::info_span!("store").entered();
        while self.opened() {
            let until = if self.shrinking { clock::moment() } else { self.prune_at };
            match self.desk.next(until) {
                Next::Write(work) => self.write(work),
                Next::Mark => self.mark(),
                Next::Read(request) => self.read(request),
                Next::Salvaged => self.merge(),
                Next::Time if self.shrinking => self.shrink(),
                Next::Time => self.prune(),
                Next::Close => break,
            }
        }
        // Before anybody hears of the end: who reopens the store finds it unlocked.
        drop(self.ledger.take());
    }

    /// Opens the store unless it is open, however long that takes; false once the end is wished for and it cannot be.
    fn opened(&mut self) -> bool {
        while self.ledger.is_none() {
            let closing = self.wait_to_retry();
            match opening::open(&self.settings, self.clock.now().utc, self.before, &self.desk.numbers) {
                Ok(opened) => self.adopt(opened),
                Err(trouble) => {
                    self.fail(&trouble);
                    if closing {
                        return false;
                    }
                }
            }
        }
        true
    }

    fn wait_to_retry(&mut self) -> bool {
        loop {
            let alerts = self.tell();
            let closing = self.desk.pause(self.retry_at, alerts);
            if closing || self.retry_at <= clock::moment() {
                return closing;
            }
        }
    }

    fn adopt(&mut self, opened: Opened) {
        let Opened { ledger, mut recovered } = opened;
        let now = clock::moment();
        self.hear_visitor(&mut recovered);
        (self.opened_at, self.prune_at, self.before) = (now, now + PRUNE_SOON, Before::default());
        self.note(&recovered.notes);
        tracing::info!(
            count = ledger.undelivered(),
            elapsed_ms = u64::try_from(now.since(self.retry_at).as_millis()).unwrap_or(u64::MAX),
            "Store is open"
        );
        self.ledger = Some(ledger);
        // With alerts waiting it is well once they are on the medium.
        if self.tell() == 0 {
            self.well();
        }
        self.begin_salvage();
        if self.salvage.is_some() && recovered.states.is_empty() {
            self.withheld = Some(recovered);
        } else {
            self.hand_over(recovered);
        }
    }

    /// What a command had to mend, while no daemon ran that could tell of it.
    fn hear_visitor(&self, recovered: &mut Recovered) {
        let left = recovered.states.remove(VISIT_KEY).filter(|notes| !notes.is_empty());
        let Some(left) = left.and_then(|notes| serde_json::from_slice::<Vec<String>>(&notes).ok()) else { return };
        self.note(&left);
        if let Ok(state) = super::state_of((VISIT_KEY, Vec::new())) {
            let (reply, _) = super::Answer::pair();
            self.desk.with(|waiting| waiting.state(state, reply));
        }
    }

    /// Last of all, so that who hears of it finds health as it is.
    fn hand_over(&mut self, recovered: Recovered) {
        if let Some(waiting) = self.recovered.take() {
            drop(waiting.send(recovered));
        }
    }

    /// Reads a store that was put aside, unless one is being read. What that has brought already is looked at again.
    fn begin_salvage(&mut self) {
        if self.salvage.is_some() {
            return self.desk.with(Waiting::salvaged);
        }
        let Some(folder) = self.ledger.as_ref().map(Ledger::folder) else { return };
        let Some(aside) = folder.unread() else { return };
        match Salvage::begin(aside, folder.scratch(), Arc::clone(&self.desk)) {
            Ok(salvage) => self.salvage = Some(salvage),
            Err(error) => self.note(&[format!("the damaged store is not read: no thread can be started ({error})")]),
        }
    }

    /// Takes over what comes from a store that was put aside.
    fn merge(&mut self) {
        let (Some(ledger), Some(salvage)) = (&mut self.ledger, &mut self.salvage) else { return };
        let Some((come, merged)) = salvage.come() else { return };
        match come {
            Salvaged::Entries(entries) => match ledger.merge(entries, merged) {
                Ok(()) => salvage.taken(),
                Err(trouble) => self.fail(&trouble),
            },
            Salvaged::End(End { words, again }) => {
                let (words, again) = (words.clone(), *again);
                self.end_salvage(&words, again);
            }
        }
        self.tell();
    }

    fn end_salvage(&mut self, words: &str, again: bool) {
        let Some(salvage) = self.salvage.take() else { return };
        let Merged { alerts, states, journal, .. } = salvage.merged;
        let note = format!(
            "{alerts} more alerts that wait, {states} more states and {journal} journal entries were taken over from the \
             damaged store; {words}"
        );
        salvage.end(again);
        self.note(std::slice::from_ref(&note));
        self.health.send_modify(|health| health.salvaged += alerts);
        if !again {
            self.begin_salvage();
        }
        if self.salvage.is_none() {
            self.salvaged_all(note);
        }
    }

    /// Tells what was withheld until now, with what has come to light.
    fn salvaged_all(&mut self, note: String) {
        let Some(ledger) = &mut self.ledger else { return };
        ledger.merged_all();
        let Some(mut recovered) = self.withheld.take() else { return };
        let mut notes = Vec::new();
        let read = ledger.page(None, FIRST_PAGE, &mut notes).and_then(|alerts| {
            recovered.alerts = alerts;
            recovered.states = ledger.states(&mut notes)?;
            Ok(())
        });
        self.note(&notes);
        recovered.notes.extend(notes.into_iter().chain([note]));
        if let Err(trouble) = read {
            self.fail(&trouble);
        }
        self.hand_over(recovered);
    }

    fn write(&mut self, mut work: Work) {
        let Some(ledger) = &mut self.ledger else { return };
        let refused = work.fit(ledger.room());
        if refused > 0 {
            self.desk.with(|waiting| waiting.count_let_go(refused));
        }
        let kept = ledger.keep(&work.writes, &work.done).and_then(|()| {
            self.desk.with(Waiting::written);
            work.kept();
            if work.absorb || ledger.is_full() { ledger.absorb(&work.gone, &work.notes) } else { Ok(()) }
        });
        let (folded, found, shrink) = (ledger.take_folded(), ledger.take_found_late(), ledger.wants_shrinking());
        if folded > 0 {
            self.note(&[format!(
                "too many alerts wait: {folded} of the oldest were folded into others of their bed and kind"
            )]);
        }
        if found > 0 {
            self.note(&[format!(
                "{found} alerts that wait were found in the outbox's log, which could not be read before"
            )]);
            self.health.send_modify(|health| health.salvaged += found);
        }
        self.shrinking |= shrink && work.absorb;
        match kept {
            Ok(()) => self.well(),
            Err(trouble) => {
                self.desk.with(|waiting| waiting.put_back(work, clock::moment()));
                self.fail(&trouble);
            }
        }
    }

    fn mark(&mut self) {
        let Some(ledger) = &self.ledger else { return };
        if let Err(trouble) = ledger.raise_mark() {
            self.fail(&trouble);
        }
    }

    fn read(&mut self, request: PageRequest) {
        let Some(ledger) = &mut self.ledger else { return };
        let mut notes = Vec::new();
        let failed = match request {
            PageRequest::Backlog { after, limit, reply } => match ledger.page(after, limit, &mut notes) {
                Ok(alerts) => {
                    answer(reply, Ok(alerts));
                    None
                }
                Err(trouble) => Some((trouble, PageRequest::Backlog { after, limit, reply })),
            },
            PageRequest::Journal { after, limit, reply } => match ledger.entries(after, limit) {
                Ok(page) => {
                    answer(reply, Ok(page));
                    None
                }
                Err(trouble) => Some((trouble, PageRequest::Journal { after, limit, reply })),
            },
        };
        if let Some((trouble, request)) = failed {
            self.desk.with(|waiting| waiting.page_again(request));
            self.fail(&trouble);
        }
        self.note(&notes);
        self.tell();
    }

    /// Makes one step of copying into a smaller file.
    fn shrink(&mut self) {
        let Some(ledger) = &mut self.ledger else { return };
        match ledger.shrink_step() {
            Ok(more) => self.shrinking = more,
            Err(trouble) => self.fail(&trouble),
        }
        if !self.shrinking {
            self.tell();
        }
    }

    fn prune(&mut self) {
        let Some(ledger) = &mut self.ledger else { return };
        let now = self.clock.now();
        let more = if now.trusted { ledger.prune(&now, &self.settings) } else { Ok(false) };
        match more {
            Ok(_) if !now.trusted => self.prune_at = now.moment + PRUNE_UNTRUSTED,
            Ok(true) => self.prune_at = now.moment + PRUNE_SOON,
            Ok(false) => {
                self.prune_at = now.moment + PRUNE_EVERY;
                self.shrinking |= ledger.wants_shrinking();
            }
            Err(trouble) => self.fail(&trouble),
        }
        // One whose reading was broken off for now.
        self.begin_salvage();
        self.tell();
    }

    /// Lets go of the failed handle and waits for the next try.
    fn fail(&mut self, trouble: &Trouble) {
        let now = clock::moment();
        if self.ledger.take().is_some() && now.since(self.opened_at) >= WELL_AFTER {
            self.failures = 0;
        }
        // Met where an opening may not look: the next one looks everywhere.
        self.before.suspect |= matches!(trouble, Trouble::Damaged { .. });
        self.before.endless |= matches!(trouble, Trouble::TooSlow(_) | Trouble::TooMuch(_));
        self.shrinking = false;
        let wait = back_off(self.failures);
        self.retry_at = now + wait;
        self.failures = self.failures.saturating_add(1);
        self.untold = self.untold.saturating_add(1);
        if self.untold == 1 {
            tracing::error!(error = %trouble, retry_in_s = wait.as_secs(), "Store cannot be used, alerts are in memory only");
        } else {
            tracing::debug!(error = %trouble, retry_in_s = wait.as_secs(), "Store cannot be used yet");
        }
        self.tell_with(Some(Condition::Faulty(trouble.to_string())));
    }

    /// Says that what is given reaches the disk.
    fn well(&mut self) {
        if self.untold > 0 {
            tracing::info!(count = self.untold, "Store can be used again");
            self.untold = 0;
        }
        self.tell_with(Some(Condition::Sound));
    }

    fn note(&self, notes: &[String]) {
        if let Some(first) = notes.first() {
            tracing::warn!(count = notes.len(), first, "Store had to be mended");
            self.health.send_modify(|health| health.note(notes));
        }
    }

    /// Brings the counters up to date, and returns how many alerts wait.
    fn tell(&mut self) -> usize {
        self.tell_with(None)
    }

    fn tell_with(&mut self, condition: Option<Condition>) -> usize {
        let (alerts, let_go) = self.desk.with(|waiting| (waiting.alerts(), waiting.let_go()));
        self.tell_let_go(let_go, alerts);
        let before = self.health.borrow().clone();
        let on_disk = self.ledger.as_ref().map(|ledger| (ledger.undelivered(), ledger.bytes()));
        let (undelivered, bytes_on_disk) = on_disk.unwrap_or((before.undelivered, before.bytes_on_disk));
        let after = Health {
            condition: condition.unwrap_or_else(|| before.condition.clone()),
            undelivered,
            in_memory: alerts as u64,
            let_go,
            salvaged: before.salvaged,
            bytes_on_disk,
            letting_go: self.letting_go.is_some(),
            notes: before.notes.clone(),
            noted: before.noted,
        };
        if after != before {
            self.health.send_replace(after);
        }
        alerts
    }

    /// Logs when alerts begin to be let go, and when there is room again.
    fn tell_let_go(&mut self, let_go: u64, alerts: usize) {
        let room = alerts == 0 && self.ledger.as_ref().is_some_and(|ledger| ledger.room() > 0);
        match self.letting_go {
            None if let_go > self.let_go_told => {
                tracing::error!("Alerts are let go: outbox or memory is full");
                self.letting_go = Some(self.let_go_told);
            }
            Some(before) if room => {
                tracing::error!(count = let_go - before, "Alerts were let go: there is room again");
                self.letting_go = None;
            }
            Some(_) | None => {}
        }
        self.let_go_told = let_go;
    }
}

/// How long to wait after this many failures in a row.
fn back_off(failures: u32) -> Duration {
    RETRY_MIN.saturating_mul(1 << failures.min(6)).min(RETRY_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_a_second_to_a_minute() {
        let waits: Vec<u64> = (0..9).map(|failures| back_off(failures).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(back_off(u32::MAX), RETRY_MAX);
    }
}
