//! The gateway's own events: its faults, its starts.
//!
//! A part that cannot work says so here, once when it begins and once when it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::{error, info, warn};

use super::board::Board;
use super::certificates::{Ends, Found, Step, step};
use super::faults::{Faults, Told};
use super::ledger::Ledger;
use super::outbox::{Outbox, draw_id};
use super::tasks::{DISK_ANSWERS_WITHIN, DISK_HANGS};
use crate::action::Trigger;
use crate::clock::Clock;
use crate::detect::Alarm;
use crate::model::time::millis_option;
use crate::model::{Event, GatewayFault, Kind, Moment, Now};

/// The store's key of the gateway's own state.
pub(super) const STATE_KEY: &str = "gateway";

/// The store's key of the last time at which the clock was known to be right.
pub(super) const GOOD_TIME_KEY: &str = "good-time";

/// How often that is noted: certificates live for months, cards for so many writes.
const GOOD_TIME_EVERY: Duration = Duration::from_secs(24 * 3600);

/// A gateway that starts again and again tells so at most this often.
const STARTS_TOLD_EVERY: Duration = Duration::from_secs(600);

/// A clock that cannot be trusted is a fault after this long: a time service needs a moment after the boot.
const CLOCK_FAULT_AFTER: Duration = Duration::from_secs(300);

/// What of the gateway itself outlives a restart.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct OwnState {
    ledger: Ledger,
    /// Starts that have not been told.
    starts: u32,
    /// When a start was told last.
    #[serde(with = "millis_option", skip_serializing_if = "Option::is_none")]
    started: Option<Timestamp>,
    /// How far from its end each certificate was told to be.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    certificates: BTreeMap<String, Step>,
}

/// The gateway's own events. Cheap to clone.
#[derive(Clone)]
pub(super) struct Own(Arc<Inner>);

struct Inner {
    clock: Clock,
    outbox: Outbox,
    board: Board,
    state: Mutex<State>,
}

struct State {
    own: OwnState,
    faults: Faults,
    untrusted_since: Option<Moment>,
    /// Whether the store has said what it knew. Until then nothing is written over it.
    answered: bool,
    ways: Ways,
    /// When a good time was noted last.
    good_time: Option<Moment>,
    /// When each open fault began in this life of the program, and what was said of it.
    details: BTreeMap<GatewayFault, (Timestamp, String)>,
}

/// Which channels to dispatch there are, and which of them do not work.
#[derive(Debug, Default)]
struct Ways {
    all: BTreeSet<String>,
    down: BTreeSet<String>,
    lost: bool,
}

impl Own {
    /// Starts with what the store knew; `None` where it has not answered yet, and will by [`Own::recall`].
    pub(super) fn new(clock: Clock, outbox: Outbox, board: Board, known: Option<OwnState>) -> Self {
        let (answered, own) = (known.is_some(), known.unwrap_or_default());
        let open: Vec<_> = own.ledger.open_faults().filter_map(GatewayFault::from_word).collect();
        let faults = Faults::remembered(open);
        board.faults(&faults.open());
        let (ways, good_time, details) = (Ways::default(), None, BTreeMap::new());
        let state = Mutex::new(State { own, faults, untrusted_since: None, answered, ways, good_time, details });
        Self(Arc::new(Inner { clock, outbox, board, state }))
    }

    /// Takes what a store that answers late knew, beside what has been told since.
    pub(super) fn recall(&self, known: OwnState) {
        let now = self.0.clock.now();
        let mut state = self.lock();
        state.answered = true;
        let open: Vec<_> = known.ledger.open_faults().filter_map(GatewayFault::from_word).collect();
        state.own.ledger.recall(known.ledger);
        state.own.starts = state.own.starts.saturating_add(known.starts);
        state.own.started = state.own.started.or(known.started);
        for (file, step) in known.certificates {
            state.own.certificates.entry(file).or_insert(step);
        }
        for told in state.faults.recall(open, now.moment) {
            self.tell(&mut state, &told, None, &now);
        }
        self.0.board.faults(&state.faults.open());
        self.keep(&state);
    }

    /// The store was mended: what was kept and what not. That is told, whatever else is wrong with the store, and over:
    /// left open it would hide what befalls it later.
    pub(super) fn mended(&self, notes: &[String]) {
        if notes.is_empty() {
            return;
        }
        for note in notes {
            warn!(note, "The store was mended");
        }
        let now = self.0.clock.now();
        let mut state = self.lock();
        let told = state.faults.begin(GatewayFault::Store, "mended", now.moment);
        let told = told.unwrap_or(Told::Begun(GatewayFault::Store));
        self.tell(&mut state, &told, Some(&notes.join("; ")), &now);
        drop(state);
        self.end(GatewayFault::Store, "mended");
    }

    /// Something is wrong. `cause` tells several causes of one fault apart; `detail` says what is wrong and what to do.
    pub(super) fn begin(&self, fault: GatewayFault, cause: &str, detail: &str) {
        let now = self.0.clock.now();
        let mut state = self.lock();
        if let Some(told) = state.faults.begin(fault, cause, now.moment) {
            warn!(fault = fault.as_str(), cause, detail, "A fault of the gateway has begun");
            self.tell(&mut state, &told, Some(detail), &now);
        }
    }

    /// Shows whether mains is there; `None` where the machine cannot tell.
    pub(super) fn mains(&self, mains: Option<bool>) {
        self.0.board.mains(mains);
    }

    /// Tells once more, in other words, what is wrong and has become worse.
    pub(super) fn tell_again(&self, fault: GatewayFault, cause: &str, detail: &str) {
        let now = self.0.clock.now();
        let mut state = self.lock();
        let told = state.faults.begin(fault, cause, now.moment).unwrap_or(Told::Begun(fault));
        warn!(fault = fault.as_str(), cause, detail, "A fault of the gateway has become worse");
        self.tell(&mut state, &told, Some(detail), &now);
    }

    /// What was wrong is right again, or proves to be right.
    pub(super) fn end(&self, fault: GatewayFault, cause: &str) {
        let now = self.0.clock.now();
        let mut state = self.lock();
        if let Some(told) = state.faults.end(fault, cause, now.moment) {
            info!(fault = fault.as_str(), cause, "A fault of the gateway is over");
            self.tell(&mut state, &told, None, &now);
        }
    }

    /// These are the channels to dispatch by now. One that is gone has nothing wrong with it any more.
    pub(super) fn channels(&self, names: impl IntoIterator<Item = String>) {
        let gone: Vec<String> = {
            let mut state = self.lock();
            state.ways.all = names.into_iter().collect();
            let Ways { all, down, .. } = &state.ways;
            down.difference(all).cloned().collect()
        };
        for channel in gone {
            self.channel_gone(&channel);
        }
        self.look_at_ways(false);
    }

    /// A channel does not work.
    pub(super) fn channel_fails(&self, channel: &str, detail: &str) {
        self.lock().ways.down.insert(channel.to_owned());
        self.begin(GatewayFault::Dispatch, channel, &format!("{channel}: {detail}"));
        self.look_at_ways(false);
    }

    /// A channel works.
    pub(super) fn channel_works(&self, channel: &str) {
        let known = {
            let mut state = self.lock();
            state.ways.down.remove(channel);
            state.ways.all.contains(channel)
        };
        self.end(GatewayFault::Dispatch, channel);
        self.look_at_ways(known);
    }

    /// A channel is gone from the configuration, and with it whatever was wrong with it. That proves no other one well.
    pub(super) fn channel_gone(&self, channel: &str) {
        self.lock().ways.down.remove(channel);
        self.end_begun(GatewayFault::Dispatch, channel);
        self.look_at_ways(false);
    }

    /// Tells status, log and actions when nobody can be told, and when somebody can again: once a channel has proved
    /// well, not where another one has only taken a dead one's place.
    fn look_at_ways(&self, proved: bool) {
        let lost = {
            let mut state = self.lock();
            let Ways { all, down, lost } = &mut state.ways;
            let now = (!all.is_empty() && all.is_subset(down)) || (*lost && !proved);
            if std::mem::replace(lost, now) == now {
                return;
            }
            now
        };
        self.0.board.dispatch_lost(lost);
        if lost {
            error!("No dispatch channel works: nobody can be told; what is wrong with each stands in its own line");
        } else {
            info!("Dispatch can be told again");
        }
        let trigger = if lost { Trigger::DispatchLost } else { Trigger::DispatchBack };
        self.0.outbox.actions().happened(trigger, None);
    }

    /// These certificates end then. Each step on the way there is told once, over restarts too, with all that are near.
    pub(super) fn certificates(&self, found: &Found) {
        let now = self.0.clock.now();
        let mut state = self.lock();
        let before = std::mem::take(&mut state.own.certificates);
        let (mut near, mut words, mut news) = (BTreeMap::new(), Vec::new(), false);
        for Ends { file, at } in &found.ends {
            let Some(step) = step(at.duration_since(now.utc)) else { continue };
            let ends = if step == Step::Over { "has ended on" } else { "ends on" };
            words.push(format!("{file} {ends} {}", at.strftime("%Y-%m-%d")));
            news |= before.get(file).is_none_or(|told| *told < step);
            near.insert(file.clone(), step);
        }
        near.extend(
            before.iter().filter(|(file, _)| found.unread.contains(file)).map(|(file, step)| (file.clone(), *step)),
        );
        for file in near.keys() {
            news |= state.faults.begin(GatewayFault::Certificate, file, now.moment).is_some();
        }
        state.own.certificates.clone_from(&near);
        if news && !words.is_empty() {
            let detail = format!("{}: put the next one there", words.join("; "));
            warn!(detail, "A certificate ends soon, or has ended");
            self.tell(&mut state, &Told::Begun(GatewayFault::Certificate), Some(&detail), &now);
        }
        for file in before.keys().filter(|file| !near.contains_key(*file)) {
            if let Some(told) = state.faults.end(GatewayFault::Certificate, file, now.moment) {
                info!("No certificate ends soon any more");
                self.tell(&mut state, &told, None, &now);
            }
        }
        if near != before {
            self.keep(&state);
        }
    }

    /// Notes once a day that the clock was right, for a boot whose clock is behind.
    fn note_good_time(&self, now: &Now) {
        let Some(good) = self.0.clock.good_time() else { return };
        let mut state = self.lock();
        if state.answered && state.good_time.is_none_or(|noted| now.moment.since(noted) >= GOOD_TIME_EVERY) {
            state.good_time = Some(now.moment);
            drop(self.0.outbox.store().keep(GOOD_TIME_KEY, good.to_string().into_bytes()));
        }
    }

    /// As [`Own::end`], where this cause is known to be there; else it proves nothing about a fault from before a restart.
    pub(super) fn end_begun(&self, fault: GatewayFault, cause: &str) {
        let begun = self.lock().faults.has(fault, cause);
        if begun {
            self.end(fault, cause);
        }
    }

    /// The gateway has started.
    pub(super) fn started(&self) {
        let now = self.0.clock.now();
        let mut state = self.lock();
        state.own.starts = state.own.starts.saturating_add(1);
        if !self.tell_starts(&mut state, &now) {
            self.keep(&state);
        }
    }

    fn keep(&self, state: &State) {
        if let Some(written) = write(state) {
            drop(self.0.outbox.store().keep(STATE_KEY, written));
        }
    }

    /// Looks after what time alone brings; to be called about twice a minute.
    pub(super) fn look_after(&self) {
        let now = self.0.clock.now();
        self.0.board.clock(now.trusted);
        self.look_at_clock(&now);
        self.note_good_time(&now);
        self.look_at_disk();
        let mut state = self.lock();
        for told in state.faults.pass(now.moment) {
            self.tell(&mut state, &told, None, &now);
        }
        if state.own.starts > 0 {
            self.tell_starts(&mut state, &now);
        }
    }

    /// Tells a disk that hangs, also where everything it owes an answer for was accepted by dispatch meanwhile.
    pub(super) fn look_at_disk(&self) {
        if self.0.outbox.store().unanswered_for() < DISK_ANSWERS_WITHIN {
            self.end(GatewayFault::Store, "hangs");
        } else {
            self.begin(GatewayFault::Store, "hangs", DISK_HANGS);
        }
    }

    fn look_at_clock(&self, now: &Now) {
        let since = {
            let mut state = self.lock();
            state.untrusted_since = if now.trusted { None } else { state.untrusted_since.or(Some(now.moment)) };
            state.untrusted_since
        };
        match since {
            None => self.end(GatewayFault::Clock, "clock"),
            Some(since) if now.moment.since(since) >= CLOCK_FAULT_AFTER => {
                let detail = "no time service has set the clock since the boot: every bed is watched at every hour";
                self.begin(GatewayFault::Clock, "clock", detail);
            }
            Some(_) => {}
        }
    }

    fn tell_starts(&self, state: &mut State, now: &Now) -> bool {
        let every = STARTS_TOLD_EVERY.as_secs();
        // A clock that went back says nothing about how long ago the last start was told.
        let lately = state.own.started.is_some_and(|told| {
            let ago = now.utc.duration_since(told).as_secs();
            u64::try_from(ago).is_ok_and(|ago| ago < every)
        });
        if lately {
            return false;
        }
        let count = std::mem::take(&mut state.own.starts).max(1);
        state.own.started = Some(now.utc);
        self.take(state, Event::of_gateway(Kind::Started { count }, now));
        true
    }

    fn tell(&self, state: &mut State, told: &Told, detail: Option<&str>, now: &Now) {
        let kind = match told {
            Told::Begun(fault) => Kind::GatewayFault(*fault),
            Told::Over(fault) => Kind::GatewayRestored(*fault),
        };
        self.0.board.faults(&state.faults.open());
        let detail: Option<String> = detail.map(|detail| detail.chars().take(DETAIL_CHARS_MAX).collect());
        match (told, &detail) {
            (Told::Begun(fault), Some(detail)) => drop(state.details.insert(*fault, (now.utc, detail.clone()))),
            (Told::Begun(fault) | Told::Over(fault), _) => drop(state.details.remove(fault)),
        }
        self.take(state, Event { detail, ..Event::of_gateway(kind, now) });
    }

    /// Returns the faults that are there; of those that began in this life of the program, when and what was said.
    pub(super) fn open(&self) -> Vec<(GatewayFault, Option<(Timestamp, String)>)> {
        let state = self.lock();
        state.faults.open().into_iter().map(|fault| (fault, state.details.get(&fault).cloned())).collect()
    }

    fn take(&self, state: &mut State, event: Event) {
        let draft = state.own.ledger.enter(&event, &Alarm::default(), draw_id);
        self.0.outbox.take(event, draft, STATE_KEY, || write(state));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The most characters of a fault's detail: a few lines, not a log.
const DETAIL_CHARS_MAX: usize = 600;

fn write(state: &State) -> Option<Vec<u8>> {
    let write = || serde_json::to_vec(&state.own).expect("the gateway's state has nothing that JSON cannot say");
    state.answered.then(write)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Actions;
    use crate::clock::ClockSource;
    use crate::dispatch::Command;
    use crate::model::{Alert, Language};
    use crate::store::{self, Store};

    /// What is told of a store that was mended when its fault stood as `before` has brought it about.
    fn told_when_mended(known: OwnState, before: impl FnOnce(&Own)) -> Vec<Alert> {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::new(ClockSource::Rtc);
        let settings = store::Settings { path: folder.path().to_owned(), ..store::Settings::default() };
        let (store, _recovered) = Store::start(settings, clock.clone());
        let (actions, _jobs) = Actions::new(Vec::new());
        let (outbox, _owed) = Outbox::new(store, Language::Sv, actions, None);
        let mut commands = outbox.connect();
        let own = Own::new(clock, outbox, Board::new([]), Some(known));
        before(&own);
        while commands.try_recv().is_ok() {}
        own.mended(&["39 alerts were kept".to_owned()]);
        let mut told = Vec::new();
        while let Ok(Command::Raise(alert)) = commands.try_recv() {
            told.push(*alert);
        }
        told
    }

    fn is_told(alert: &Alert) -> bool {
        let is_fault = alert.event.kind == Kind::GatewayFault(GatewayFault::Store);
        is_fault && alert.event.detail.as_deref() == Some("39 alerts were kept")
    }

    #[test]
    fn what_was_kept_of_a_store_is_told_however_its_fault_stands() {
        let told = told_when_mended(OwnState::default(), |_| {});
        assert!(told.len() == 2 && is_told(&told[0]) && told[1].closes == [told[0].id], "{told:#?}");

        let told = told_when_mended(OwnState::default(), |own| own.begin(GatewayFault::Store, "disk", "full"));
        assert!(told.len() == 1 && is_told(&told[0]) && told[0].closes.len() == 1, "another cause lasts: {told:#?}");

        let flaps = |own: &Own| (0..2).for_each(|_| own.mended(&["before".to_owned()]));
        let told = told_when_mended(OwnState::default(), flaps);
        assert!(told.len() == 1 && is_told(&told[0]), "its end is held back: {told:#?}");

        let fault = serde_json::from_str(r#"{"ledger":{"faults":{"store":"0000000000000007"}}}"#).unwrap();
        let told = told_when_mended(fault, |_| {});
        assert!(told.len() == 2 && is_told(&told[0]), "from before a restart: {told:#?}");
    }
}
