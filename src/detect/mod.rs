//! PURE. Readings and time in, events out.
//!
//! One [`Detector`] watches one bed. It is driven by three calls — a reading, a deadline, what befell the way in —
//! and answers with [`Event`]s. It reads no clock, does no I/O and knows no other room but `model`, so that the same
//! input gives the same output: live, in `replay`, in simulations and in tests.
//!
//! A reading goes through these hands:
//!
//! 1. [`signal`]: channels to loads, unusable readings sorted out, the noise followed;
//! 2. [`levels`]: the loads to a share of a lying person, by levels given or learnt ([`learning`]) and followed;
//! 3. [`life`]: whether anything moves there that noise does not explain;
//! 4. [`occupancy`]: the share to the phase of the bed, with hysteresis, and [`leaving`]: when she has left for good;
//! 5. [`rules`]: what changed to events, by the rules of the watch: window, [`absence`], [`daily`] times.
//!
//! Beside them [`edge`] tells from where the load rests ([`place`]) that she sits on the edge, [`faults`] says whether the
//! mat can be trusted, with [`period`] for how long a silence may be. [`evidence`] says on what a decision rests, and [`view`] what the detector sees at the moment, for people who ask.

mod absence;
mod bedfellow;
mod daily;
mod drift;
mod edge;
mod evidence;
mod faults;
mod learning;
mod leaving;
mod levels;
mod life;
mod memory;
mod occupancy;
mod period;
mod place;
mod plateau;
mod plausible;
mod rules;
pub mod settings;
mod signal;
mod stuck;
#[cfg(test)]
mod tests;
mod view;
mod zones;

use std::collections::VecDeque;

pub use evidence::{Because, Decision};
pub use memory::{AbsenceMemory, BedMemory, EdgeMemory, Learnt, Memory};
pub use settings::{Alarm, Confirm, Sensitivity, Settings};
pub use view::{View, ViewPhase};

use crate::model::{Event, Kind, MatFault, MatHealth, Moment, Now, Quality, Reading};
use bedfellow::Bedfellow;
use drift::Drift;
use edge::Edge;
use evidence::Load;
use faults::{Faults, Told};
use learning::Learning;
use leaving::Leaving;
use levels::{Levels, Pair};
use life::Life;
use occupancy::{Change, Occupancy, Phase, Sight};
use period::Period;
use plausible::Plausible;
use rules::Rules;
use signal::{End, Frame, Sample, Signal};

/// Readings that repeat themselves more often than this are not followed.
const REPEATS_MAX: u32 = 3;

/// A retained "empty" of a mat that sends only on change stands for a rise after this long without anything live.
const RETAINED_STANDS_AFTER: std::time::Duration = std::time::Duration::from_secs(60);

/// What was last seen of somebody in bed is remembered at least this often, for the `not-before` of a power cut.
const REMEMBER_EVERY: std::time::Duration = std::time::Duration::from_secs(30 * 60);

/// A swing of this share of what the sensor can say is a person: mats are made for her weight.
const PERSON_OF_RANGE: f64 = 0.3;

/// One of this share is too, if it did not come with a jump, as a cat does.
const CAT_OF_RANGE: f64 = 0.1;

/// If it did, it must stay this long …
const LARGE_STAYS: std::time::Duration = std::time::Duration::from_secs(45);

/// … and what is smaller, or on a sensor of unknown range, this long: half of the cats jump down again before.
const SMALL_STAYS: std::time::Duration = std::time::Duration::from_secs(240);

/// Where the detector of a bed starts.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "made once a start")]
pub enum Start {
    /// This gateway has never watched this bed: a while to put things in order before an empty bed is told.
    First,
    /// It has, but nothing is known any more.
    Lost,
    /// It has, and this is what it knew.
    Remembered(Memory),
}

/// Watches one bed.
#[derive(Debug, Clone)]
pub struct Detector {
    settings: Settings,
    signal: Signal,
    levels: Levels,
    learning: Option<Learning>,
    life: Life,
    bedfellow: Bedfellow,
    plausible: Plausible,
    drift: Drift,
    period: Period,
    occupancy: Occupancy,
    edge: Edge,
    faults: Faults,
    rules: Rules,
    /// The latest time seen; time never goes back.
    now: Now,
    /// The latest reading that was used; older ones come too late.
    latest: Option<Reading>,
    /// Whether nothing was seen for a while, so that a change may have come at any time since.
    gap: bool,
    /// Whether learning has found that load makes the value fall.
    turned_round: bool,
    /// Since when a retained message says, against what was known before the gap, that the bed is empty.
    retained_empty: Option<Moment>,
    /// Since when a retained message says, against what was known before the gap, that somebody is in bed.
    retained_occupied: Option<Moment>,
    /// When what a restart must know was last asked for.
    remembered: Moment,
    decisions: VecDeque<Decision>,
    load: Load,
    /// Whether what a restart must know has changed since it was last asked for.
    changed: bool,
}

impl Detector {
    /// Starts to watch a bed.
    #[must_use]
    pub fn new(settings: Settings, start: &Start, now: Now) -> Self {
        let signal = Signal::new(&settings);
        let memory = match start {
            Start::Remembered(memory) => Some(memory),
            Start::First | Start::Lost => None,
        };
        let (levels, learning, life) = starting_levels(&settings, &signal, memory, now.moment);
        let known_edge = memory.filter(|memory| memory.mat == memory::mat(&settings)).map(|memory| &memory.edge);
        let phase = memory.map_or(Phase::Unknown, |memory| memory.bed.phase(memory.saved, &now));
        Self {
            signal,
            levels,
            learning,
            life,
            bedfellow: Bedfellow::default(),
            plausible: Plausible::new(settings.zones),
            drift: Drift::default(),
            period: Period::new(settings.contact),
            occupancy: Occupancy::new(&settings, phase, now.moment),
            faults: starting_faults(memory, now.moment),
            edge: Edge::new(&settings, known_edge, now.moment),
            rules: Rules::new(&settings, start, &now),
            settings,
            now,
            latest: None,
            gap: true,
            turned_round: false,
            retained_empty: None,
            retained_occupied: None,
            remembered: now.moment,
            decisions: VecDeque::with_capacity(8),
            load: Load::default(),
            changed: false,
        }
    }

    /// Takes a reading. Deadlines up to `now` fire first, each at its own time.
    pub fn on_reading(&mut self, reading: &Reading, now: Now) {
        self.on_deadline(now);
        match reading.quality {
            Quality::Live => self.take_live(reading),
            Quality::Old => self.take_old(reading),
        }
    }

    /// Lets the time come to `now`: what was due fires, each at its own time.
    pub fn on_deadline(&mut self, now: Now) {
        while let Some(due) = self.next_deadline().filter(|due| *due <= now.moment) {
            let before = self.now.moment;
            self.set_now(Now { moment: due.max(before), utc: now.utc_of(due.max(before)), trusted: now.trusted });
            self.pass();
            if self.next_deadline() == Some(due) {
                // At the end of time every deadline lies at the same moment.
                break;
            }
        }
        self.set_now(now);
    }

    /// Something arrived that is no reading.
    pub fn on_rejected(&mut self, now: Now) {
        self.on_deadline(now);
        self.unusable(MatFault::Implausible);
    }

    /// The way in to the mat is lost.
    pub fn on_lost(&mut self, fault: MatFault, now: Now) {
        self.on_deadline(now);
        self.gap_begins();
        let mut told = Vec::new();
        self.faults.lost(fault, self.now.moment, |each| told.push(each));
        self.tell_faults(told);
    }

    /// What lies before the mat is away (the broker), which is told elsewhere: its silence is expected.
    pub fn on_away(&mut self, now: Now) {
        self.on_deadline(now);
        self.gap_begins();
        self.faults.suspend(self.now.moment);
    }

    /// The way in is open again: from now on silence counts.
    pub fn on_back(&mut self, now: Now) {
        self.on_deadline(now);
        self.faults.resume(self.now.moment);
    }

    /// Returns when [`on_deadline`](Self::on_deadline) wants to be called next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Moment> {
        let silent_after = self.settings.silent_after.unwrap_or_else(|| self.period.silent_after());
        let retained = self.retained_empty.map(|at| at + RETAINED_STANDS_AFTER);
        [self.occupancy.due(), self.faults.due(silent_after), self.rules.due(), retained].into_iter().flatten().min()
    }

    /// Returns the next event, oldest first. Passes over what was not told; see [`Self::next_decision`].
    pub fn next_event(&mut self) -> Option<Event> {
        while let Some(decision) = self.decisions.pop_front() {
            if decision.event.is_some() {
                return decision.event;
            }
        }
        None
    }

    /// Returns how the mat is.
    #[must_use]
    pub fn health(&self) -> MatHealth {
        match (self.faults.open(), self.is_known().then_some(())) {
            (Some(fault), _) => MatHealth::Fault(fault),
            (None, None) => MatHealth::Learning,
            (None, Some(())) => MatHealth::Ok,
        }
    }

    /// Tells, once, whether what a restart must know has changed.
    pub fn take_changed(&mut self) -> bool {
        if self.changed {
            self.remembered = self.now.moment;
        }
        std::mem::take(&mut self.changed)
    }

    /// Returns what a restart must know.
    #[must_use]
    pub fn memory(&self) -> Memory {
        Memory {
            saved: self.now.utc,
            mat: memory::mat(&self.settings),
            bed: BedMemory::of(self.occupancy.phase(), &self.now),
            absence: self.rules.absence(&self.now),
            learnt: self.levels.pair().map(|pair| Learnt::of(pair, self.levels.lain(), self.signal.zones())),
            edge: self.edge.memory(self.signal.zones()),
            faults: self.faults.told(),
            zones: self.faults.told_of_zones(),
            last_rise: self.rules.last_rise(),
        }
    }

    fn set_now(&mut self, now: Now) {
        let moment = now.moment.max(self.now.moment);
        self.now = Now { moment, utc: now.utc_of(moment), trusted: now.trusted };
    }

    fn take_live(&mut self, reading: &Reading) {
        let burst = self.latest.is_some_and(|latest| reading.at == latest.at);
        if self.latest.is_some_and(|latest| reading.at < latest.at || (burst && reading.channels == latest.channels)) {
            return;
        }
        self.watch_zones(reading);
        let frame = match self.signal.take(reading.at, &reading.channels) {
            Sample::Loads(frame) => frame,
            Sample::Unusable(fault) => {
                self.load.value = None;
                return self.unusable(fault);
            }
        };
        self.watch_movement(reading, &frame);
        if let Some(fault) = self.impossible(reading, &frame) {
            self.load.value = None;
            self.take_back();
            return self.unusable(fault);
        }
        let again = self.latest.replace(*reading).is_some_and(|before| before.channels == reading.channels);
        self.retained_empty = None;
        // Lines that were read in one piece have one moment. Each of them counts, the last of a mat that sends only on
        // change above all; only of the mat's pace they say nothing.
        if !burst {
            self.period.arrived(reading.at, again);
        }
        self.good(reading.at);
        let step = self.life.take(reading.at, &frame, self.span());
        self.learn(reading.at, &frame, step.as_ref());
        self.load.value = Some(frame.sum_of(&frame.values));
        if let Some(sight) = self.sight(&frame, step.map_or(0.0, |step| step.evidence)) {
            self.load.share = Some(sight.share).filter(|_| !self.settings.contact);
            self.settle_retained(sight);
            self.see(reading.at, sight);
        }
        self.watch_edge(reading.at, &frame);
        let in_bed = matches!(self.occupancy.phase(), Phase::InBed { .. });
        self.changed |= in_bed && self.now.moment.since(self.remembered) >= REMEMBER_EVERY;
        self.follow(reading.at, &frame, step);
        self.note_load();
    }

    /// A retained or late message sets the state where nothing better is known, and raises nothing by itself.
    fn take_old(&mut self, reading: &Reading) {
        let Sample::Loads(frame) = self.signal.take(reading.at, &reading.channels) else { return };
        let Some(sight) = self.sight(&frame, 0.0) else { return };
        let nobody = sight.is_gone();
        if !nobody {
            self.retained_empty = None;
        }
        let missed_something = self.gap && !self.period.is_steady();
        match (self.occupancy.phase(), sight) {
            (Phase::Unknown | Phase::Empty, _)
                if sight.is_occupied() && (self.rules.is_absent() || missed_something) =>
            {
                self.arm_by_retained();
            }
            (Phase::Unknown, _) => self.see(self.now.moment, sight),
            (Phase::InBed { .. }, _) if nobody && missed_something => {
                self.retained_empty = self.retained_empty.or(Some(self.now.moment));
            }
            (Phase::InBed { .. } | Phase::Empty | Phase::Settling { .. } | Phase::Leaving { .. }, _) => {}
        }
    }

    /// Somebody has lain down while nothing could be heard. The bed is armed, so that her rise is seen; that she is back
    /// is told by a live reading only.
    fn arm_by_retained(&mut self) {
        let at = self.now.moment;
        self.retained_occupied = Some(at);
        self.changed = true;
        self.occupancy.set_phase(Phase::InBed { since: at, seen: at });
    }

    /// The first live reading after [`Self::arm_by_retained`] either begins to settle her, or is her leaving.
    fn settle_retained(&mut self, sight: Sight) {
        let Some(since) = self.retained_occupied.take() else { return };
        if sight.is_occupied() {
            let (readings, from_unknown) = (2, false);
            self.occupancy.set_phase(Phase::Settling { since, readings, dip: None, from_unknown });
        }
    }

    /// Tells whether the levels are known.
    fn is_known(&self) -> bool {
        self.settings.contact || self.levels.pair().is_some()
    }

    /// Returns how much a lying person moves a zone, in the sensor's own unit, where that is known.
    fn span(&self) -> Option<f64> {
        self.levels.pair().map(|pair| self.signal.span(pair))
    }

    fn learn(&mut self, at: Moment, frame: &Frame, step: Option<&life::Step>) {
        let Some(learning) = &mut self.learning else { return };
        let Some(learnt) = learning.take(at, frame, step, &self.signal) else { return };
        self.learning = None;
        self.changed = true;
        let (mut empty, mut occupied) = (learnt.empty, learnt.occupied);
        if learnt.falls {
            self.signal.turn_round();
            self.turned_round = true;
            (empty, occupied) = (empty.map(|value| -value), occupied.map(|value| -value));
        }
        let pair = Pair { empty: self.signal.loads_of(&empty), occupied: self.signal.loads_of(&occupied) };
        self.levels.set(Some(&pair), at);
        self.drift.forget();
        if let Some((still, lively)) = learnt.still {
            self.life.set(still, lively);
        }
        self.remark(Because::Learnt { empty: empty.iter().sum(), occupied: occupied.iter().sum() });
        if learnt.is_occupied {
            let swing = occupied.iter().sum::<f64>() - empty.iter().sum::<f64>();
            self.occupancy.set_unsure(self.stays_if_person(learnt.at_once, swing));
            // A plateau is many readings.
            let (since, readings) = (learnt.swing_at, 2);
            self.occupancy.set_phase(Phase::Settling { since, readings, dip: None, from_unknown: false });
            return;
        }
        // She was in bed before the levels were known: the fall that made them known is her leaving.
        self.on_change(Change::Settled { at: learnt.before_since });
        let (since, gone) = (learnt.before_since, learnt.swing_at);
        let mut leaving = Leaving::new(gone, 0.0, false);
        leaving.readings = 2;
        self.occupancy.set_phase(Phase::Leaving { since, seen: gone, leaving });
    }

    /// Returns how long the first thing that ever lay on a mat must stay to be a person; none where that is sure.
    fn stays_if_person(&self, at_once: bool, swing: f64) -> Option<std::time::Duration> {
        let of_range = self.signal.of_range(swing).unwrap_or_default();
        if of_range >= PERSON_OF_RANGE || (of_range >= CAT_OF_RANGE && !at_once) {
            return None;
        }
        Some(if of_range >= CAT_OF_RANGE { LARGE_STAYS } else { SMALL_STAYS })
    }

    /// What lay there first did not stay: it may have been a cat, so what it taught is forgotten.
    fn forget_unsure(&mut self) {
        if !self.occupancy.is_unsure() || !matches!(self.occupancy.phase(), Phase::Empty) {
            return;
        }
        self.occupancy.set_unsure(None);
        let mut empty = self.levels.pair().map(|pair| pair.empty.map(|load| self.signal.upwards(load)));
        if std::mem::take(&mut self.turned_round) {
            self.signal.turn_round();
            empty = empty.map(|empty| empty.map(|value| -value));
        }
        self.learning = Some(Learning::new(empty));
        self.levels.set(None, self.now.moment);
    }

    /// Evidence: what a reading shows. `None` where the levels are not known and nothing can be said.
    fn sight(&self, frame: &Frame, life: f64) -> Option<Sight> {
        if self.settings.contact {
            return Some(Sight { share: if self.is_pressed(frame) { 1.0 } else { 0.0 }, life: 0.0 });
        }
        let share = self.levels.share(frame);
        // Many mats read exactly the end of their range when nobody lies there.
        let empty = (frame.end == Some(End::Unloaded)).then_some(0.0);
        share.or(empty).map(|share| Sight { share, life })
    }

    /// Tells whether somebody lies on a contact.
    fn is_pressed(&self, frame: &Frame) -> bool {
        (frame.total() > 0.5) != self.settings.invert
    }

    fn see(&mut self, at: Moment, sight: Sight) {
        self.occupancy.set_manner(self.period.is_steady(), self.faults.chatters(), self.life.shows());
        let before = self.occupancy.phase();
        let change = self.occupancy.see(at, sight);
        if self.settings.contact && matches!(before, Phase::Leaving { .. }) && sight.is_occupied() {
            let mut told = Vec::new();
            self.faults.short_opening(at, |each| told.push(each));
            self.tell_faults(told);
        }
        if sight.is_occupied() {
            self.gap = false;
        }
        if let Some(change) = change {
            self.on_change(change);
        } else {
            self.remark_on(before, at);
        }
        self.forget_unsure();
    }

    /// Levels are followed only where it is sure who lies there.
    fn follow(&mut self, at: Moment, frame: &Frame, step: Option<life::Step>) {
        let occupied = matches!(self.occupancy.phase(), Phase::InBed { .. });
        if self.settings.contact || self.plausible.rests_unusually(occupied) {
            return self.levels.pass(at);
        }
        let span = self.span();
        match self.occupancy.phase() {
            Phase::Empty => {
                self.plausible.follow_empty(frame, self.whole_span());
                if let (Some(step), Some(span)) = (step, span) {
                    self.life.learn_still(&step, span);
                }
                self.levels.follow_empty(at, frame);
                self.watch_drift(at);
                self.bedfellow.clear();
            }
            // A cable at the end of the scale says the same again and again.
            Phase::InBed { .. } if !self.occupancy.is_part() && self.plausible.repeats() <= REPEATS_MAX => {
                if let (Some(step), Some(span)) = (step, span) {
                    self.life.learn_lively(&step, span);
                }
                self.levels.follow_occupied(at, frame, self.signal.noise());
                let pair = self.levels.pair().filter(|_| !self.signal.has_end());
                let beside = pair.and_then(|pair| self.bedfellow.take(at, frame, pair));
                if let Some(empty) = beside {
                    self.levels.set_empty(empty);
                    self.changed = true;
                }
            }
            Phase::Unknown | Phase::Settling { .. } | Phase::InBed { .. } | Phase::Leaving { .. } => {
                self.levels.pass(at);
            }
        }
    }

    fn pass(&mut self) {
        let now = self.now;
        let silent_after = self.settings.silent_after.unwrap_or_else(|| self.period.silent_after());
        let mut told = Vec::new();
        self.faults.pass(now.moment, silent_after, |each| told.push(each));
        self.tell_faults(told);
        if self.retained_empty.is_some_and(|at| now.moment >= at + RETAINED_STANDS_AFTER) {
            self.retained_stands();
        }
        let before = self.occupancy.phase();
        if let Some(change) = self.occupancy.pass(now.moment) {
            self.on_change(change);
        } else {
            self.remark_on(before, now.moment);
        }
        self.forget_unsure();
        for event in self.rules.pass(&self.settings, self.occupancy.phase(), &now) {
            let because = self.because_of_time(&event);
            self.tell(event, because);
            self.changed = true;
        }
    }

    fn retained_stands(&mut self) {
        let (Some(at), Phase::InBed { since, seen }) = (self.retained_empty.take(), self.occupancy.phase()) else {
            return;
        };
        self.occupancy.set_phase(Phase::Empty);
        self.on_change(Change::Left { at, seen, since, leaving: Leaving::new(at, 0.0, false) });
    }

    fn on_change(&mut self, change: Change) {
        self.changed = true;
        let gap = std::mem::take(&mut self.gap);
        let because = self.because_of_change(change, gap);
        if let Some(event) = self.rules.on_change(&self.settings, change, gap, &self.now) {
            self.tell(event, because);
        }
    }

    fn gap_begins(&mut self) {
        self.gap = true;
        self.changed = true;
        self.occupancy.unheard();
        self.period.interrupted();
        self.life.interrupted();
        self.edge.interrupted();
        if let Some(learning) = &mut self.learning {
            learning.interrupted();
        }
    }

    fn tell_fault(&mut self, told: Told) {
        let now = self.now;
        let (kind, zone, at, because) = match told {
            Told::Begun { fault, zone, at } => {
                // A contact that chatters is heard, and so are a mat that has drifted and the other zones of a dead one.
                if !matches!(fault, MatFault::Chatter | MatFault::Drifted) && zone.is_none() {
                    self.gap_begins();
                }
                let because = Because::Faulty { fault, zone, lasted: now.moment.since(at) };
                (Kind::SensorFault(fault), zone, at, because)
            }
            Told::Over { fault, zone, at } => {
                let because = Because::Sound { fault, zone, lasted: now.moment.since(at) };
                (Kind::SensorRestored(fault), zone, at, because)
            }
        };
        self.changed = true;
        let zone = zone.and_then(|zone| u8::try_from(zone + 1).ok());
        let event = rules::event(&self.settings, kind, now.utc_of(at), None, &now);
        self.tell(Event { zone, ..event }, because);
    }
}

/// Returns the faults that were told before a restart.
fn starting_faults(memory: Option<&Memory>, now: Moment) -> Faults {
    memory.map_or_else(|| Faults::new(now, &[], &[]), |memory| Faults::new(now, &memory.faults, &memory.zones))
}

/// Returns the levels to start with, how they are learnt where they are unknown, and what is known of signs of life.
fn starting_levels(
    settings: &Settings,
    signal: &Signal,
    memory: Option<&Memory>,
    now: Moment,
) -> (Levels, Option<Learning>, Life) {
    let life = Life::new(signal.zones());
    if settings.contact {
        return (Levels::new(None, std::time::Duration::ZERO, now), None, life);
    }
    // Levels that were followed since count more than those of the installation, as long as both are of the same mat.
    let remembered =
        memory.filter(|memory| memory.mat == memory::mat(settings)).and_then(|memory| memory.learnt.clone());
    if let Some(learnt) = remembered {
        return (Levels::new(Some(&learnt.pair()), learnt.lain(), now), None, life);
    }
    let empty = settings.empty.as_deref().map(|given| signal.levels(given));
    let occupied = settings.occupied.as_deref().map(|given| signal.levels(given));
    let given = empty.zip(occupied).map(|(empty, occupied)| Pair { empty, occupied });
    let levels = Levels::new(given.as_ref(), std::time::Duration::ZERO, now);
    let upwards = |empty: signal::Zones| empty.map(|load| signal.upwards(load));
    let learning = levels.pair().is_none().then(|| Learning::new(empty.map(upwards)));
    (levels, learning, life)
}
