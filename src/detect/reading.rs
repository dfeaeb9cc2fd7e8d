//! What a reading does: live ones are evidence of who lies there, retained and late ones only set what is not known.
//!
//! Decides nothing by itself: it hands what a reading shows to those who do.

use std::time::Duration;

use super::Detector;
use super::faults::CHATTER_HELD;
use super::leaving::Leaving;
use super::occupancy::{Change, LEAVE_SHARE, Phase, Sight};
use super::place;
use super::signal::{End, Frame, Sample};
use crate::model::reading::ZONES_MAX;
use crate::model::{Moment, Reading};

/// A retained "empty" of a mat that sends only on change stands for a rise after this long without anything live.
pub(super) const RETAINED_STANDS_AFTER: Duration = Duration::from_secs(60);

/// What was last seen of somebody in bed is remembered at least this often, for the `not-before` of a power cut.
const REMEMBER_EVERY: Duration = Duration::from_secs(30 * 60);

/// A zone bears what is there that bears this part of what each would if all bore the same.
const BEARING_PART: f64 = 0.5;

impl Detector {
    pub(super) fn take_live(&mut self, reading: &Reading) {
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
        self.end_trial(reading.at, &frame);
        if let Some(fault) = self.impossible(reading, &frame) {
            self.load.value = None;
            self.take_back();
            return self.unusable(fault);
        }
        let unseen = self.may_have_started(reading.at);
        let before = self.latest.replace(*reading);
        // A reading that failed lies between: the mat has said something else meanwhile.
        let again = !self.faults.is_unusable() && before.is_some_and(|before| before.channels == reading.channels);
        self.retained_empty = None;
        // Lines that were read in one piece have one moment. Each of them counts, the last of a mat that sends only on
        // change above all; only of the mat's pace they say nothing.
        if !burst {
            self.period.arrived(reading.at, again);
        }
        self.good(reading.at);
        if unseen {
            self.life.interrupted();
        }
        let step = self.life.take(reading.at, &frame, self.span(), self.bearing(&frame));
        self.learn(reading.at, &frame, step.as_ref());
        self.load.value = Some(frame.sum_of(&frame.values));
        let in_bed = matches!(self.occupancy.phase(), Phase::InBed { .. });
        self.zero.count(&frame, in_bed);
        self.watch_below_empty(reading.at, &frame, unseen);
        if let Some(sight) = self.sight(&frame, step.map_or(0.0, |step| step.evidence)) {
            self.occupancy.set_unseen(unseen && self.takes_zero_anew());
            self.load.share = Some(sight.share).filter(|_| !self.settings.contact);
            self.settle_retained(sight);
            self.see(reading.at, sight);
        }
        self.watch_zero(reading.at, &frame);
        self.watch_edge(reading.at, &frame);
        let in_bed = matches!(self.occupancy.phase(), Phase::InBed { .. });
        self.changed |= in_bed && self.now.moment.since(self.remembered) >= REMEMBER_EVERY;
        self.follow(reading.at, &frame, step);
        self.note_load();
    }

    /// A retained or late message sets the state where nothing better is known, and raises nothing by itself.
    pub(super) fn take_old(&mut self, reading: &Reading) {
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

    pub(super) fn retained_stands(&mut self) {
        let (Some(at), Phase::InBed { since, seen }) = (self.retained_empty.take(), self.occupancy.phase()) else {
            return;
        };
        self.occupancy.set_phase(Phase::Empty);
        self.on_change(Change::Left { at, seen, since, leaving: Leaving::new(at, 0.0, false) });
    }

    fn see(&mut self, at: Moment, sight: Sight) {
        self.occupancy.set_manner(self.period.is_steady(), self.faults.chatter_held(), self.life.shows());
        let before = self.occupancy.phase();
        let change = self.occupancy.see(at, sight);
        if let (Phase::Leaving { leaving, .. }, true) = (before, self.settings.contact && sight.is_occupied()) {
            self.was_open_for_a_moment(at, at.since(leaving.gone));
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

    fn was_open_for_a_moment(&mut self, at: Moment, lasted: Duration) {
        let mut told = Vec::new();
        self.faults.short_opening(at, lasted, |each| told.push(each));
        self.tell_faults(told);
    }

    /// Takes note of who is back: where a contact was open for less than anybody is up for, nobody was.
    pub(super) fn is_back(&mut self, back: Moment) {
        let away = self.rules.out_since().filter(|_| self.settings.contact).map(|since| back.since(since));
        if let Some(away) = away.filter(|away| *away < CHATTER_HELD) {
            self.was_open_for_a_moment(self.now.moment, away);
        }
    }

    /// Evidence: what a reading shows. `None` where the levels are not known and nothing can be said.
    fn sight(&mut self, frame: &Frame, life: f64) -> Option<Sight> {
        if self.settings.contact {
            return Some(Sight { share: if self.is_pressed(frame) { 1.0 } else { 0.0 }, life: 0.0 });
        }
        let (share, life) = self.share(frame, life);
        let share = share.filter(|share| !self.is_unbelievable(*share));
        // Many mats read exactly the end of their range when nobody lies there.
        let empty = (frame.end == Some(End::Unloaded)).then_some(0.0);
        share.or(empty).map(|share| Sight { share, life })
    }

    /// Tells on which zones something rests: half of an even part of the load above the empty bed, and more. Where
    /// nothing rests anywhere, every zone may.
    fn bearing(&self, frame: &Frame) -> [bool; ZONES_MAX] {
        let Some(pair) = self.levels.pair().filter(|_| self.signal.zones() > 1) else { return [true; ZONES_MAX] };
        let (above, total) = place::above(&frame.loads, &frame.working, &pair.empty);
        let least = BEARING_PART * total / f64::from(frame.zones());
        let is_full = |zone| frame.values.get(zone).is_some_and(|value| self.signal.is_full(*value));
        std::array::from_fn(|zone| above.get(zone).is_some_and(|load| *load >= least && !is_full(zone)) || total <= 0.0)
    }

    /// Returns the share of a lying person, and the signs of life as far as they are hers: of two, the other one lives.
    fn share(&mut self, frame: &Frame, life: f64) -> (Option<f64>, f64) {
        if self.zero.says_nothing() {
            return (Some(0.0), life);
        }
        match self.occupancy.phase() {
            Phase::InBed { .. } | Phase::Leaving { .. } if self.bedfellow.is_couple() => {
                (self.bedfellow.share(frame), if self.occupancy.is_unseen() { life } else { 0.0 })
            }
            Phase::Empty | Phase::Settling { .. } => {
                let share = self.levels.share(frame);
                let nobody = share.is_some_and(|share| self.bedfellow.is_stranger(share));
                (share.map(|share| if nobody { share.min(LEAVE_SHARE) } else { share }), life)
            }
            Phase::Unknown | Phase::InBed { .. } | Phase::Leaving { .. } => (self.levels.share(frame), life),
        }
    }

    /// Tells whether somebody lies on a contact.
    pub(super) fn is_pressed(&self, frame: &Frame) -> bool {
        (frame.total() > 0.5) != self.settings.invert
    }
}
