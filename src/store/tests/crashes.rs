//! The outbox against a plain list, with crashes as actions: whatever is appended, delivered, noted, folded and reopened,
//! and at whichever step the power goes, every alert is accepted, or waits under its own id and in its place, or stands in
//! the count of another one.
//!
//! What waits for the disk is the real thing, and so are log, engine and folds; what the owner's thread does with them is
//! done here step by step, so that a power cut can come between any two. What it leaves is a copy of the folder as the
//! disk has it at that moment, opened anew; `power.rs` cuts real disks off in the middle of a write.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;

use super::super::ledger::Ledger;
use super::super::record::Record;
use super::super::waiting::{Held, State, Waiting, Work};
use super::*;
use crate::model::{BedId, Moment};

/// From so many alerts on the store folds, and leaves so many of the oldest alone.
const FOLDS_BEYOND: u64 = 24;
const OLDEST_LEFT: usize = 4;

/// The most alerts that wait at the end, whatever comes: what is open is never folded.
const OTHERS_MAX: usize = 64;

#[derive(Debug, Clone)]
enum Action {
    /// An alert comes, with a state or without; every other rise of a bed has its return at once.
    Append {
        bed: u8,
        kind: u8,
        bytes: usize,
        state: bool,
    },
    Keep {
        bed: u8,
    },
    /// Dispatch has accepted one that waits.
    Accept {
        which: prop::sample::Index,
    },
    /// The owner writes what waits; a minute later, or at once.
    Write {
        absorb: bool,
    },
    /// The program ends in order.
    Reopen,
    /// The power goes: before a write, between its log and its engine, or while nothing happens.
    Cut {
        at: Step,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Idle,
    Taken,
    Logged,
}

fn action() -> impl Strategy<Value = Action> {
    let bytes = prop_oneof![6 => 0..200_usize, 1 => 0..30_000_usize];
    let append = (0..3_u8, 0..4_u8, bytes, any::<bool>());
    prop_oneof![
        12 => append.prop_map(|(bed, kind, bytes, state)| Action::Append { bed, kind, bytes, state }),
        1 => (0..3_u8).prop_map(|bed| Action::Keep { bed }),
        3 => any::<prop::sample::Index>().prop_map(|which| Action::Accept { which }),
        5 => any::<bool>().prop_map(|absorb| Action::Write { absorb }),
        1 => Just(Action::Reopen),
        2 => prop_oneof![Just(Step::Idle), Just(Step::Taken), Just(Step::Logged)].prop_map(|at| Action::Cut { at }),
    ]
}

/// What is known of one alert, by whoever gave it.
#[derive(Debug, Clone)]
struct Known {
    alert: Alert,
    /// The log has it.
    safe: bool,
    /// Dispatch has it: the store may have forgotten it, or not yet.
    accepted: bool,
}

/// The store with its model.
struct Life {
    path: PathBuf,
    copies: u64,
    ledger: Option<Ledger>,
    waiting: Waiting,
    numbers: Arc<Numbers>,
    moment: Moment,
    known: BTreeMap<Sequence, Known>,
    open: BTreeMap<u8, Vec<AlertId>>,
    ended: BTreeSet<AlertId>,
    /// What is on the medium of each state at least, and what it may be by now.
    states: BTreeMap<String, (u64, u64)>,
}

impl Life {
    fn new(folder: &Path) -> Self {
        let mut life = Self {
            path: folder.join("0"),
            copies: 0,
            ledger: None,
            waiting: Waiting::default(),
            numbers: Arc::new(Numbers::by_clock(now().utc)),
            moment: Moment::default(),
            known: BTreeMap::new(),
            open: BTreeMap::new(),
            ended: BTreeSet::new(),
            states: BTreeMap::new(),
        };
        life.open();
        life
    }

    fn act(&mut self, action: &Action) {
        match action {
            Action::Append { bed, kind, bytes, state } => self.append(*bed, *kind, *bytes, *state),
            Action::Keep { bed } => {
                let state = self.state(*bed);
                self.waiting.state(state, Answer::pair().0);
            }
            Action::Accept { which } => self.accept(*which),
            Action::Write { absorb } => self.write(*absorb),
            Action::Reopen => {
                self.write(true);
                self.ledger = None;
                self.waiting = Waiting::default();
                self.open();
            }
            Action::Cut { at } => self.cut(*at),
        }
    }

    fn append(&mut self, bed: u8, kind: u8, bytes: usize, with_state: bool) {
        let sequence = self.numbers.draw();
        assert!(self.known.last_key_value().is_none_or(|(last, _)| *last < sequence), "the sequence goes back");
        let open = self.open.entry(bed).or_default();
        let (kind, closes) = match kind {
            0 => (Kind::Rise, Vec::new()),
            1 => (Kind::Edge, Vec::new()),
            2 => (Kind::Return, std::mem::take(open)),
            _ => (Kind::Started { count: 1 }, Vec::new()),
        };
        let one = alert(sequence.0);
        if kind.is_ended_by_return() {
            open.push(one.id);
        }
        self.ended.extend(&closes);
        let (priority, bed_id) = (kind.priority(), format!("bed-{bed}").parse().ok());
        let event = Event { bed: bed_id, kind, ..one.event };
        let given = Alert { event, priority, closes, text: "x".repeat(bytes), ..one };
        let record = Record::of_json(&given).unwrap();
        let state = with_state.then(|| self.state(bed));
        let reply = Answer::pair().0;
        self.waiting.alert(Held { sequence, priority, record, state, reply });
        self.known.insert(sequence, Known { alert: given, safe: false, accepted: false });
    }

    /// A state that says how many alerts there were when it was made.
    fn state(&mut self, bed: u8) -> State {
        let (key, now) = (format!("bed-{bed}"), self.known.len() as u64);
        self.states.entry(key.clone()).or_insert((0, 0)).1 = now;
        State { key, record: Record::of_bytes(&now.to_be_bytes()).unwrap() }
    }

    fn accept(&mut self, which: prop::sample::Index) {
        let waiting: Vec<_> = self.known.iter().filter(|(_, known)| !known.accepted).map(|(key, _)| *key).collect();
        if !waiting.is_empty() {
            let sequence = waiting[which.index(waiting.len())];
            self.known.get_mut(&sequence).unwrap().accepted = true;
            self.waiting.delivered(sequence, self.moment);
        }
    }

    /// Does what the owner does, up to a step; tells whether there was anything.
    fn work(&mut self, absorb: bool, until: Option<Step>) -> bool {
        self.moment = self.moment + Duration::from_secs(if absorb { 61 } else { 0 });
        let ledger = self.ledger.as_mut().unwrap();
        let Some(mut work) = self.waiting.take(self.moment) else { return false };
        if until == Some(Step::Taken) {
            return true;
        }
        ledger.keep(&work.writes, &work.done).unwrap();
        self.waiting.written();
        Self::logged(&mut self.known, &mut self.states, &work);
        work.kept();
        if until != Some(Step::Logged) && (work.absorb || ledger.is_full()) {
            ledger.absorb(&work.gone, &work.notes).unwrap();
        }
        true
    }

    fn logged(known: &mut BTreeMap<Sequence, Known>, states: &mut BTreeMap<String, (u64, u64)>, work: &Work) {
        let mut state = |State { key, record }: &State| {
            let value = u64::from_be_bytes(record::payload(record.as_bytes()).unwrap().try_into().unwrap());
            states.get_mut(key).unwrap().0 = value;
        };
        for write in &work.writes {
            match write {
                waiting::Write::Alert(held) => {
                    known.get_mut(&held.sequence).unwrap().safe = true;
                    held.state.iter().for_each(&mut state);
                }
                waiting::Write::State { state: kept, .. } => state(kept),
            }
        }
    }

    fn write(&mut self, absorb: bool) {
        while self.work(absorb, None) {}
    }

    /// Takes the power away: what the disk has at this step is all that there is afterwards.
    fn cut(&mut self, at: Step) {
        if at != Step::Idle {
            self.work(false, Some(at));
        }
        self.copies += 1;
        let copy = self.path.with_file_name(self.copies.to_string());
        copy_folder(&self.path, &copy);
        // Whatever the engine still writes at its end goes to the folder that nobody looks at again.
        self.ledger = None;
        fs::remove_dir_all(&self.path).unwrap();
        (self.path, self.waiting) = (copy, Waiting::default());
        self.known.retain(|_, known| known.safe || known.accepted);
        self.open();
    }

    fn open(&mut self) {
        let last = self.numbers.next();
        // A clock in 1970 must not hide a mark that goes back.
        self.numbers = Arc::new(Numbers::by_clock(Timestamp::UNIX_EPOCH));
        let mut ledger = open_ledger_with(&self.path, &self.numbers);
        ledger.fold_beyond(FOLDS_BEYOND, OLDEST_LEFT);
        self.ledger = Some(ledger);
        assert!(self.numbers.next() >= last, "a number could be used twice");
        self.check();
    }

    /// Holds what is on the medium against what is known.
    fn check(&mut self) {
        let ledger = self.ledger.as_mut().unwrap();
        let (found, notes) = all(ledger);
        assert_eq!(notes, Vec::<String>::new());
        assert_eq!(ledger.undelivered(), found.len() as u64);
        let mut stands = BTreeMap::new();
        for one in &found {
            let known = self.known.get(&one.sequence).unwrap_or_else(|| panic!("never given: {one:?}"));
            assert_eq!((one.id, &one.text), (known.alert.id, &known.alert.text));
            let count = one.event.folded.map_or(1, |folded| folded.count);
            *stands.entry((one.event.bed, one.event.kind.as_str())).or_insert(0) += count;
            if one.event.folded.is_none() && !self.ended.contains(&one.id) {
                assert_eq!(*one, known.alert);
            }
        }
        let there: BTreeSet<Sequence> = found.iter().map(|one| one.sequence).collect();
        for known in self.known.values().filter(|known| known.safe && !known.accepted) {
            let Alert { event, id, sequence, priority, .. } = &known.alert;
            let is_open = *priority == Priority::Alarm && !self.ended.contains(id);
            let group = (event.bed, event.kind.as_str());
            let in_a_fold = !is_open && (stands.contains_key(&group) || self.has_accepted(group));
            assert!(there.contains(sequence) || in_a_fold, "gone: {:?}", known.alert);
        }
        self.check_counts(&stands);
        for (key, value) in ledger_states(self.ledger.as_ref().unwrap()) {
            let (least, most) = self.states[&key];
            assert!((least..=most).contains(&value), "{key}: {value} of {least} to {most}");
        }
    }

    /// Of each bed and kind as many are counted as wait, and no more than were given.
    fn check_counts(&self, stands: &BTreeMap<(Option<BedId>, &'static str), u64>) {
        let mut bounds = BTreeMap::new();
        for known in self.known.values() {
            let bound = bounds.entry((known.alert.event.bed, known.alert.event.kind.as_str())).or_insert((0, 0));
            bound.0 += u64::from(known.safe && !known.accepted);
            bound.1 += 1;
        }
        for (group, (least, most)) in bounds {
            let counted = stands.get(&group).copied().unwrap_or(0);
            let enough = counted >= least || self.has_accepted(group);
            assert!(enough && counted <= most, "{group:?}: {counted} of {least} to {most}");
        }
    }

    /// Whether one of these was accepted: it takes along whatever was folded into it.
    fn has_accepted(&self, group: (Option<BedId>, &'static str)) -> bool {
        let of_group = |known: &&Known| (known.alert.event.bed, known.alert.event.kind.as_str()) == group;
        self.known.values().filter(of_group).any(|known| known.accepted)
    }

    /// Writes all there is, and sees that it is bounded.
    fn end(&mut self) {
        self.act(&Action::Reopen);
        self.act(&Action::Cut { at: Step::Idle });
        let open = self.known.values().filter(|known| known.alert.priority == Priority::Alarm).count();
        let (found, _) = all(self.ledger.as_mut().unwrap());
        assert!(found.len() <= OTHERS_MAX + open, "{} wait", found.len());
    }
}

fn all(ledger: &mut Ledger) -> (Vec<Alert>, Vec<String>) {
    let (mut found, mut notes) = (Vec::<Alert>::new(), Vec::new());
    loop {
        let page = ledger.page(found.last().map(|one| one.sequence), 7, &mut notes).unwrap();
        if page.is_empty() {
            assert!(found.windows(2).all(|pair| pair[0].sequence < pair[1].sequence), "out of order");
            return (found, notes);
        }
        found.extend(page);
    }
}

fn ledger_states(ledger: &Ledger) -> Vec<(String, u64)> {
    let states = ledger.states(&mut Vec::new()).unwrap();
    states.into_iter().map(|(key, value)| (key, u64::from_be_bytes(value.try_into().unwrap()))).collect()
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn every_alert_is_accepted_or_waits_or_is_counted_whenever_the_power_goes(
        actions in prop::collection::vec(action(), 1..90),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut life = Life::new(folder.path());
        for action in &actions {
            life.act(action);
        }
        life.end();
    }
}
