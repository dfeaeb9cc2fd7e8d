//! PURE. Readings and time in, events out.
//!
//! One [`Detector`] watches one bed. It is driven by three calls — a reading, a deadline, what befell the way in —
//! and answers with [`Event`]s. It reads no clock, does no I/O and knows no other room but `model`, so that the same
//! input gives the same output: live, in `replay`, in simulations and in tests.
//!
//! A reading ([`reading`]) goes through these hands:
//!
//! 1. [`signal`]: channels to loads, unusable readings sorted out, the noise followed;
//! 2. [`levels`]: the loads to a share of a lying person, by levels given or learnt ([`learning`]) and followed
//!    ([`following`]);
//! 3. [`life`]: whether anything moves there that noise does not explain;
//! 4. [`occupancy`]: the share to the phase of the bed, with hysteresis, and [`leaving`]: when she has left for good;
//! 5. [`rules`]: what changed to events, by the rules of the watch: window, [`absence`], [`daily`] times, [`pause`].
//!
//! Beside them [`edge`] tells from where the load rests ([`place`], [`posture`]) that she sits on the edge, [`faults`] says whether the
//! mat can be trusted, with [`period`] for how long a silence may be. [`evidence`] says on what a decision rests, and
//! [`view`] what the detector sees at the moment, for people who ask.

mod absence;
mod again;
mod bedfellow;
pub mod calibration;
mod daily;
mod drift;
mod edge;
mod evidence;
mod faults;
mod following;
mod late;
mod learning;
mod leaving;
mod lesser;
mod levels;
mod life;
mod memory;
mod occupancy;
mod pause;
mod period;
mod place;
mod plateau;
mod plausible;
mod posture;
mod reading;
mod rules;
pub mod settings;
mod signal;
mod stuck;
#[cfg(test)]
mod tests;
mod view;
mod zero;
mod zones;

use std::collections::VecDeque;

pub use evidence::{Because, Decision};
pub use memory::{AbsenceMemory, BedMemory, EdgeMemory, Learnt, Memory, PauseMemory, UnknownMemory};
pub use pause::PAUSE_MAX;
pub use settings::{Alarm, Confirm, Sensitivity, Settings};
pub use view::{Standing, View, ViewPhase};

use crate::model::{Event, Kind, MatFault, MatHealth, Moment, Now, Quality, Reading};
use bedfellow::Bedfellow;
use drift::Drift;
use edge::Edge;
use evidence::Load;
use faults::{Faults, Told};
use following::starting_levels;
use learning::Learning;
use lesser::Trial;
use levels::Levels;
use life::Life;
use occupancy::{Change, Occupancy, Phase};
use period::Period;
use plausible::Plausible;
use reading::RETAINED_STANDS_AFTER;
use rules::Rules;
use signal::Signal;
use zero::Zero;

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
#[expect(clippy::struct_excessive_bools, reason = "four facts that do not depend on each other")]
pub struct Detector {
    settings: Settings,
    signal: Signal,
    levels: Levels,
    learning: Option<Learning>,
    /// What learning goes back to where what it has told turns out to be nobody.
    doubted: Option<Learning>,
    /// The levels that are tried out in place of those that were measured.
    trial: Option<Trial>,
    /// Whether somebody has proven the levels.
    proven: bool,
    life: Life,
    bedfellow: Bedfellow,
    zero: Zero,
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
        let mut signal = Signal::new(&settings);
        let memory = match start {
            Start::Remembered(memory) => Some(memory),
            Start::First | Start::Lost => None,
        };
        let proven = memory.and_then(|memory| memory.learnt_of(&settings)).is_some_and(|learnt| learnt.proven);
        let turned_round = memory.and_then(|memory| memory.learnt_of(&settings)).is_some_and(|learnt| learnt.falls);
        if turned_round {
            signal.turn_round();
        }
        let (levels, learning, life) = starting_levels(&settings, &signal, memory, now.moment);
        let known_edge = memory.filter(|memory| memory.mat == memory::mat(&settings)).map(|memory| &memory.edge);
        let faults = Faults::new(now.moment, memory, settings.zones);
        let drift = Drift::new(&settings, &signal, memory);
        let phase = memory.map_or(Phase::Unknown, |memory| memory.bed.phase(&memory.present(&now)));
        // In bed while an absence is open: only a retained message has said so, and a live one has yet to.
        let retained_occupied = match phase {
            Phase::InBed { since, .. } => memory.and_then(|memory| memory.absence).map(|_| since),
            Phase::Unknown | Phase::Empty | Phase::Settling { .. } | Phase::Leaving { .. } => None,
        };
        Self {
            signal,
            levels,
            learning,
            doubted: None,
            trial: None,
            proven,
            life,
            bedfellow: Bedfellow::default(),
            zero: Zero::default(),
            plausible: Plausible::new(settings.zones, faults.told().contains(&MatFault::Stuck)),
            drift,
            period: Period::new(settings.contact),
            occupancy: Occupancy::new(&settings, phase, now.moment),
            faults,
            edge: Edge::new(&settings, known_edge, now.moment),
            rules: Rules::new(&settings, start, &now),
            settings,
            now,
            latest: None,
            gap: true,
            turned_round,
            retained_empty: None,
            retained_occupied,
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

    /// Goes on, after the settings have changed, with what the mat said last: nothing was missed since.
    pub fn resume(&mut self, last: &Reading, now: Now) {
        self.gap = false;
        self.on_reading(last, now);
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
        self.period.interrupted();
        let mut told = Vec::new();
        self.faults.lost(fault, self.now.moment, |each| told.push(each));
        self.tell_faults(told);
    }

    /// What lies before the mat is away (the broker), which is told elsewhere: its silence is expected.
    pub fn on_away(&mut self, now: Now) {
        self.on_deadline(now);
        self.gap_begins();
        self.period.interrupted();
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
        let learning = self.learning.as_ref().and_then(Learning::due);
        let dues = [self.occupancy.due(), self.faults.due(silent_after), self.rules.due(), retained, learning];
        dues.into_iter().flatten().min()
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
            (None, _) if self.rules.paused().is_some() => MatHealth::Paused,
            (None, None) => MatHealth::Learning,
            (None, Some(())) => MatHealth::Ok,
        }
    }

    /// Tells whether somebody is in bed, and was seen there since this watch began or could hear again.
    #[must_use]
    pub fn sees_somebody(&self) -> bool {
        !self.gap && matches!(self.occupancy.phase(), Phase::InBed { .. })
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
            trusted: self.now.trusted,
            mat: memory::mat(&self.settings),
            bed: BedMemory::of(self.occupancy.phase(), &self.now),
            absence: self.rules.absence(&self.now),
            unknown: self.rules.unknown(&self.now),
            pause: self.rules.pause_memory(&self.now),
            learnt: self.learnt(),
            edge: self.edge.memory(self.signal.zones()),
            faults: self.faults.told(),
            zones: self.faults.told_of_zones(),
            replaced: self.faults.are_of_another_mat(),
            last_rise: self.rules.last_rise(),
        }
    }

    fn learnt(&self) -> Option<Learnt> {
        let (lain, zones) = (self.levels.lain(), self.signal.zones());
        // What is only tried out is not worth remembering.
        let tried = self.trial.as_ref().filter(|_| self.occupancy.is_unsure());
        let pair = tried.map(|trial| &trial.measured).or(self.levels.pair())?;
        Some(Learnt {
            falls: self.turned_round,
            proven: self.proven,
            ..Learnt::of(pair, self.drift.known(), lain, zones)
        })
    }

    fn set_now(&mut self, now: Now) {
        let moment = now.moment.max(self.now.moment);
        self.now = Now { moment, utc: now.utc_of(moment), trusted: now.trusted };
    }

    /// Tells whether the levels are known.
    fn is_known(&self) -> bool {
        self.settings.contact || self.levels.pair().is_some()
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
        self.learn_by_time();
        let before = self.occupancy.phase();
        if let Some(change) = self.occupancy.pass(now.moment) {
            self.on_change(change);
        } else {
            self.remark_on(before, now.moment);
        }
        self.forget_unsure();
        let was_known = self.rules.is_known();
        for event in self.rules.pass(&self.settings, self.occupancy.phase(), &now) {
            let because = self.because_of_time(&event);
            self.tell(event, because);
            self.changed = true;
        }
        self.changed |= self.rules.is_known() != was_known;
    }

    fn on_change(&mut self, change: Change) {
        self.changed = true;
        let gap = std::mem::take(&mut self.gap);
        let because = self.because_of_change(change, gap);
        match change {
            Change::Left { leaving, .. } => {
                self.levels.confirm();
                self.proven = true;
                self.zero_is_seen(!leaving.unseen);
            }
            Change::Settled { at } => self.is_back(at),
            Change::FoundEmpty { .. } => {}
        }
        if let Some(event) = self.rules.on_change(&self.settings, change, gap, &self.now) {
            self.tell(event, because);
        }
        if matches!(change, Change::Settled { .. }) {
            (self.trial, self.doubted) = (None, None);
            self.end_pause_at_return();
        }
        if let (Change::Left { .. }, Some(pair)) = (change, self.bedfellow.left()) {
            self.levels.replace(pair);
        }
    }

    fn gap_begins(&mut self) {
        self.gap = true;
        self.changed = true;
        self.occupancy.unheard();
        self.life.interrupted();
        self.edge.interrupted();
        if let Some(learning) = &mut self.learning {
            learning.interrupted(&self.signal);
        }
    }

    fn tell_fault(&mut self, told: Told) {
        let now = self.now;
        let (kind, zone, at, because) = match told {
            Told::Begun { fault, zone, at } => {
                // A contact that chatters is heard, and so are a mat that has drifted and the other zones of a dead one.
                if !matches!(fault, MatFault::Chatter | MatFault::Drifted) && zone.is_none() {
                    self.gap_begins();
                    if fault != MatFault::Silent {
                        // A silence that ends by itself may be how this mat sends.
                        self.period.interrupted();
                    }
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
