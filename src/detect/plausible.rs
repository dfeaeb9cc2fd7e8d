//! Whether what a mat says can come from a bed at all: cables that are out, values that no longer move, open inputs.
//!
//! A cable comes to its value in one step and stays there to the last digit; a person comes and goes in many, and an
//! empty mat that cannot show less than it shows glides to its end. What is held to be impossible raises nothing; it is
//! a fault once it has lasted.

use std::time::Duration;

use super::Detector;
use super::faults::Told;
use super::occupancy::{ENTER_SHARE, Phase};
use super::settings::Confirm;
use super::signal::{End, Frame};
use super::stuck::{About, Movement, Stuck};
use super::zones::{Circumstances, Verdict, ZoneWatch};
use crate::model::{Channels, MatFault, Moment, Reading};

/// Load above this share, at the loaded end of the range, no person could have made: the largest posture of one person
/// shows 2.5 times the smallest (PhysioNet pmd).
const IMPOSSIBLE_HEAVY_SHARE: f64 = 2.5;

/// Load below this share no person could have made: less than an empty bed by a good part of a person.
const IMPOSSIBLE_SHARE: f64 = -0.3;

/// A value this many noises below the empty bed no person could have made.
const UNPLUGGED_NOISES: f64 = 8.0;

/// And this share of a lying person below it, where it came there in one step from a bed that was empty: nearer, the
/// empty bed and the cable read alike.
const BELOW_EMPTY_SHARE: f64 = 0.01;

/// Or this share, where somebody was in bed and may have left: the empty level may have moved by that much since it
/// was seen (creep and hysteresis, FSR 400 data sheet: 5 % a decade of time).
const BELOW_OCCUPIED_SHARE: f64 = 0.05;

/// And when it has been read so often in a row: a scale that was set to zero reads exactly that now and then.
const UNPLUGGED_READINGS: u32 = 2;

/// A value from which a cable jumped has stood still: steps of at most this share of a lying person.
const STOOD_SHARE: f64 = 0.03;

/// And of at most this many times the noise: who sits quietly and then stands up has moved a little more before.
const STOOD_NOISES: f64 = 3.0;

/// An empty mat glides to the end of what it can show in steps of at most this many times the noise: one in 700
/// is larger by chance.
const GLIDES_NOISES: f64 = 4.0;

/// How quickly the steps before are followed: about the last four.
const STEPS_FOLLOW: f64 = 0.25;

/// A cable that was found out is in again after so many readings that say something else: a loose plug spits.
const IN_AGAIN_READINGS: u32 = 10;

/// A contact that rests pressed this long without a single opening is stuck: whoever gets up at night gets up once a
/// day. Two hours gave false ones in bedrooms, and one project went up to 48 h (Area-Occupancy 465).
const CONTACT_STUCK_AFTER: Duration = Duration::from_secs(24 * 3600);

/// Noise over the whole of what a sensor without a known range can say makes steps of a good part of all that has been
/// seen of it: its range is at least this many times the value with somebody lying there.
const WIDTH_OF_OCCUPIED: f64 = 1.5;

/// A mat that reads at least this often shows a person who leaves in several readings: her load falls in half a second
/// and more.
const QUICK: Duration = Duration::from_millis(260);

/// A pause this long may be a start of the electronics (`ESP32`: a few seconds with its Wi-Fi) …
const PAUSE: Duration = Duration::from_secs(5);

/// … where the mat usually sends this many times in it.
const PAUSE_GAPS: u32 = 3;

/// Before its levels are known, a value stood still that moved by this share of the step that followed.
const STOOD_OF_STEP: f64 = 0.1;

/// And the step is no noise.
const STEP_NOISES: f64 = 12.0;

/// What is known about how this mat comes to its values.
#[derive(Debug, Clone)]
pub(super) struct Plausible {
    stuck: Stuck,
    zones: ZoneWatch,
    /// The latest value, in the sensor's own unit, summed over the zones.
    value: Option<f64>,
    /// The latest steps, on average, in the same unit.
    steps: f64,
    /// How it came to where it rests now.
    entered: Entered,
    /// Whether the empty bed has been seen to read as the unloaded end of the range does.
    end_is_empty: bool,
    /// Whether the empty bed has been seen, so that it is known where it reads.
    empty_seen: bool,
    /// What the cable says that was found out, and how many readings have said something else since.
    pulled: Option<(Channels, u32)>,
    /// Since when a contact has been pressed.
    pressed: Option<Moment>,
}

/// The step to where a value rests.
#[derive(Debug, Clone, Copy, Default)]
struct Entered {
    step: f64,
    /// The steps before that one, on average.
    before: f64,
    /// The noise of that time.
    noise: f64,
}

impl Plausible {
    /// It was told as stuck before the start, which became known only now.
    pub(super) fn was_stuck(&mut self) {
        self.stuck = Stuck::new(true);
    }

    /// Starts without knowledge. `stuck`: whether the mat was told as stuck before a restart.
    pub(super) fn new(zones: usize, stuck: bool) -> Self {
        Self {
            stuck: Stuck::new(stuck),
            zones: ZoneWatch::new(zones),
            value: None,
            steps: 0.0,
            entered: Entered::default(),
            end_is_empty: false,
            empty_seen: false,
            pulled: None,
            pressed: None,
        }
    }

    /// Where the empty bed reads has been learnt.
    pub(super) fn learnt_empty(&mut self) {
        self.empty_seen = true;
    }

    /// The bed is empty and reads like this. A single frame of nonsense, and a cable, come to the end in one large step.
    pub(super) fn follow_empty(&mut self, frame: &Frame, span: f64, noise: f64) {
        let at_end = frame.end == Some(End::Unloaded) || frame.is_zero();
        self.empty_seen = true;
        let glides = (span * STOOD_SHARE).min(noise * GLIDES_NOISES);
        self.end_is_empty |= at_end && self.entered.step.abs() <= glides;
    }

    /// Tells whether it rests as this mat never does, so that nothing is to be learnt from it.
    pub(super) fn rests_unusually(&self, occupied: bool) -> bool {
        self.stuck.is_unusual(occupied)
    }

    /// Tells whether it is stuck.
    pub(super) fn is_stuck(&self) -> bool {
        self.stuck.is_found()
    }

    /// Returns how often the latest reading has been repeated.
    pub(super) fn repeats(&self) -> u32 {
        self.stuck.repeats()
    }

    /// Follows the steps to the latest reading.
    fn follow(&mut self, frame: &Frame, noise: f64) {
        let value = frame.sum_of(&frame.values);
        let step = self.value.replace(value).map_or(0.0, |before| value - before);
        if step != 0.0 {
            self.entered = Entered { step, before: self.steps, noise };
        }
        self.steps += (step.abs() - self.steps) * STEPS_FOLLOW;
        // It has always been there: an empty mat that cannot show less, since a person does not read as nothing.
        let at_end = frame.end == Some(End::Unloaded) || frame.is_zero();
        self.end_is_empty |= at_end && self.entered.step == 0.0;
    }

    /// Nothing was seen for a while: electronics that have started again may count from elsewhere, and a step over that
    /// while is none.
    fn interrupted(&mut self) {
        (self.value, self.steps, self.entered, self.end_is_empty) = (None, 0.0, Entered::default(), false);
    }

    /// Tells whether it came to where it is in one step as large as a person, or has always been there.
    fn came_at_once(&self, span: f64) -> bool {
        self.entered.step == 0.0 || self.entered.step.abs() >= span * ENTER_SHARE
    }

    /// Tells whether it came in one step of this size from a value that stood still, or has always been there.
    fn jumped_by(&self, span: f64, least: f64) -> bool {
        self.entered.step == 0.0 || self.jump(span).abs() >= least
    }

    /// Returns the step to where it rests, where it came from a value that stood still; 0 where it did not.
    fn jump(&self, span: f64) -> f64 {
        let Entered { step, before, noise } = self.entered;
        if before <= (span * STOOD_SHARE).min(noise * STOOD_NOISES) { step } else { 0.0 }
    }
}

impl Detector {
    /// Notices zones that are dead, and leaves them out. To be told of each reading before its loads are taken.
    pub(super) fn watch_zones(&mut self, reading: &Reading) {
        if self.settings.contact || !self.period.is_steady() {
            return;
        }
        let about = Circumstances {
            range: self.signal.range(),
            width: self.width(),
            span: self.span(),
            empty: self.levels.pair().map(|pair| pair.empty.map(|load| self.signal.value(load))),
            lying: self.levels.pair().map(|pair| pair.occupied.map(|load| self.signal.value(load))),
            occupied: match self.occupancy.phase() {
                Phase::InBed { .. } => Some(true),
                Phase::Empty => Some(false),
                Phase::Unknown | Phase::Settling { .. } | Phase::Leaving { .. } => None,
            },
        };
        self.plausible.zones.take(reading.at, &reading.channels, &about);
        if self.signal.zones() < 2 {
            return;
        }
        let mut told = Vec::new();
        for zone in 0..self.signal.zones() {
            let verdict = self.plausible.zones.verdict(zone);
            let out = matches!(verdict, Verdict::Suspect(_) | Verdict::Dead(..));
            if self.signal.leave_out(zone, out) {
                self.zone_changes(verdict);
            }
            match verdict {
                Verdict::Dead(fault, since) => {
                    self.faults.zone_begun(zone, fault, since, self.now.moment, |each| told.push(each));
                }
                Verdict::Sound => self.faults.zone_over(zone, reading.at, |each| told.push(each)),
                Verdict::Suspect(_) | Verdict::Unsure => {}
            }
        }
        self.tell_faults(told);
    }

    /// A zone is left out from now on, or is back: what was seen with the other zones says nothing about these.
    fn zone_changes(&mut self, verdict: Verdict) {
        self.life.interrupted();
        self.plausible.value = None;
        if let Some(learning) = &mut self.learning {
            learning.start_again();
        }
        if let Verdict::Suspect(since) | Verdict::Dead(_, since) = verdict {
            self.take_back_leaving(since);
        }
    }

    /// Returns the width of what one zone can say, or what stands for it.
    fn width(&self) -> Option<f64> {
        if let Some((low, high)) = self.signal.range() {
            return Some(high - low);
        }
        let pair = self.levels.pair()?;
        // The zone on which most of her lies: the others can say as much.
        let zones = pair.occupied.iter().take(self.signal.zones());
        let most = zones.map(|load| self.signal.value(*load).abs()).fold(self.signal.span(pair), f64::max);
        Some(most * WIDTH_OF_OCCUPIED)
    }

    /// A value that no person could have made is a cable. Where every reading decides, it is a reading like any other.
    pub(super) fn impossible(&mut self, reading: &Reading, frame: &Frame) -> Option<MatFault> {
        let every_reading_decides = self.settings.confirm == Confirm::Fixed(Duration::ZERO);
        if every_reading_decides || self.settings.contact {
            return None;
        }
        if self.plausible.zones.is_wild() {
            self.occupancy.unheard();
            self.take_back_leaving(Moment::from_nanos(0));
            return Some(MatFault::Implausible);
        }
        if let Some((value, others)) = self.plausible.pulled {
            if value == reading.channels {
                self.plausible.pulled = Some((value, 0));
                return Some(MatFault::Unplugged);
            }
            let others = others + 1;
            self.plausible.pulled = (others < IN_AGAIN_READINGS).then_some((value, others));
        }
        let Some(share) = self.levels.share(frame) else { return self.falls_unlike_a_person(reading, frame) };
        if self.is_beyond(frame, share) || self.rests_impossibly(frame, share) {
            self.plausible.pulled = Some((reading.channels, 0));
            return Some(MatFault::Unplugged);
        }
        None
    }

    /// An end of what the sensor can say to which it came in one step, and that lies beyond what a person makes.
    fn is_beyond(&self, frame: &Frame, share: f64) -> bool {
        let span = self.whole_span();
        match frame.end {
            // Somebody who saturates the mat glides there.
            Some(End::Loaded) => share > IMPOSSIBLE_HEAVY_SHARE && self.plausible.jumped_by(span, span * ENTER_SHARE),
            Some(End::Unloaded) => self.is_below_empty(share, span),
            None => frame.is_zero() && self.is_below_empty(share, span),
        }
    }

    /// Where the empty bed has been seen, it is known not to lie there.
    fn is_below_empty(&self, share: f64, span: f64) -> bool {
        self.plausible.empty_seen && share < IMPOSSIBLE_SHARE && self.plausible.came_at_once(span)
    }

    /// Before levels are known: from a value that stood still to an end in one step, on a mat that would have shown how.
    fn falls_unlike_a_person(&mut self, reading: &Reading, frame: &Frame) -> Option<MatFault> {
        let Entered { step, before, .. } = self.plausible.entered;
        let at_end = frame.end.is_some() || frame.is_zero();
        let rests = self.plausible.stuck.repeats() >= UNPLUGGED_READINGS;
        let at_once = before <= step.abs() * STOOD_OF_STEP && step.abs() >= self.signal.noise() * STEP_NOISES;
        let impossible = at_end && rests && at_once && step != 0.0 && self.period.is_quicker_than(QUICK);
        impossible.then(|| {
            self.plausible.pulled = Some((reading.channels, 0));
            MatFault::Unplugged
        })
    }

    /// Returns how much a lying person moves the mat, in the sensor's own unit.
    pub(super) fn whole_span(&self) -> f64 {
        let zones = u32::try_from(self.signal.zones()).map_or(1.0, f64::from);
        self.span().map_or(f64::INFINITY, |span| span * zones)
    }

    /// The same value again and again, to which it came in one step, and where no load and no empty bed brings it.
    fn rests_impossibly(&self, frame: &Frame, share: f64) -> bool {
        let Some(pair) = self.levels.pair().filter(|_| self.plausible.stuck.repeats() >= UNPLUGGED_READINGS) else {
            return false;
        };
        let span = self.whole_span();
        let jump = self.plausible.jump(span) / span;
        if !(IMPOSSIBLE_SHARE..=IMPOSSIBLE_HEAVY_SHARE).contains(&share) {
            return jump.abs() > IMPOSSIBLE_HEAVY_SHARE || (share < IMPOSSIBLE_SHARE && -jump > ENTER_SHARE);
        }
        let at_end = frame.end == Some(End::Unloaded) || frame.is_zero();
        let below = self.value_of(&pair.empty) - frame.sum_of(&frame.values);
        if at_end && self.plausible.end_is_empty {
            return false;
        }
        let below = if below > UNPLUGGED_NOISES * self.signal.quiet_noise() { below } else { 0.0 };
        match self.occupancy.phase() {
            Phase::Empty => below > span * BELOW_EMPTY_SHARE && -jump * span > 0.5 * below,
            Phase::Unknown | Phase::Settling { .. } | Phase::InBed { .. } | Phase::Leaving { .. } => {
                let least = if at_end { BELOW_OCCUPIED_SHARE } else { BELOW_EMPTY_SHARE };
                let quick = at_end && self.period.is_quicker_than(QUICK);
                (quick || below > span * least) && -jump > ENTER_SHARE
            }
        }
    }

    /// What looked like leaving was the first readings of a cable that is out since `since`.
    pub(super) fn take_back_leaving(&mut self, fault_since: Moment) {
        if let Phase::Leaving { since, seen, leaving } = self.occupancy.phase() {
            if leaving.gone >= fault_since {
                self.occupancy.set_phase(Phase::InBed { since, seen });
            }
        }
    }

    /// A reading is impossible: what it seemed to say is taken back.
    pub(super) fn take_back(&mut self) {
        if let Some(since) = self.plausible.stuck.since() {
            self.take_back_leaving(since);
        }
    }

    /// Notices a mat that is stuck. Mats that send only on change say the same for hours.
    pub(super) fn watch_movement(&mut self, reading: &Reading, frame: &Frame) {
        let movement = if self.settings.contact {
            self.contact_movement(reading.at, frame)
        } else if self.period.is_steady() {
            if self.is_after_pause(reading.at) {
                self.plausible.interrupted();
            }
            self.plausible.follow(frame, self.signal.noise());
            let occupied = matches!(self.occupancy.phase(), Phase::InBed { .. });
            let span = self.whole_span();
            let jump = self.plausible.jump(span).abs();
            // Whoever saturates a mat glides there over several readings, however near to its end she lay.
            let full = frame.end == Some(End::Loaded) && jump > self.plausible.entered.noise * UNPLUGGED_NOISES;
            let jumped = full || jump > span * ENTER_SHARE;
            let pulled = self.plausible.pulled.is_some_and(|(value, _)| value == reading.channels);
            let may_rest = pulled || ((frame.end.is_some() || frame.is_zero()) && !jumped);
            let (span, signal) = (self.span().unwrap_or_default(), &self.signal);
            let (quiet, quantum) = (signal.quiet_noise(), signal.quantum());
            let about = About { occupied, may_rest, span, quiet, quantum };
            self.plausible.stuck.take(reading.at, &frame.values, &about)
        } else {
            self.plausible.stuck.take_unsteady(reading.at, &frame.values)
        };
        let mut told = Vec::new();
        match movement {
            Movement::Usual => {}
            Movement::Stuck(since) => {
                self.faults.begun(MatFault::Stuck, since, self.now.moment, |each| told.push(each));
            }
            Movement::Moves => self.faults.over(MatFault::Stuck, reading.at, |each| told.push(each)),
        }
        self.tell_faults(told);
    }

    /// Tells whether the mat was silent for longer than its pace explains: it may have started again.
    fn is_after_pause(&self, at: Moment) -> bool {
        let passed = self.latest.map_or(Duration::ZERO, |latest| at.since(latest.at));
        passed >= PAUSE && self.period.is_quicker_than(passed / PAUSE_GAPS)
    }

    /// A contact says the same for hours while somebody lies there, but not for days.
    fn contact_movement(&mut self, at: Moment, frame: &Frame) -> Movement {
        if !self.is_pressed(frame) {
            self.plausible.pressed = None;
            return Movement::Moves;
        }
        let since = *self.plausible.pressed.get_or_insert(at);
        if at.since(since) >= CONTACT_STUCK_AFTER { Movement::Stuck(since) } else { Movement::Usual }
    }

    pub(super) fn unusable(&mut self, fault: MatFault) {
        let mut told = Vec::new();
        self.faults.unusable(self.now.moment, fault, |each| told.push(each));
        self.tell_faults(told);
    }

    pub(super) fn good(&mut self, at: Moment) {
        let mut told = Vec::new();
        self.faults.good(at, |each| told.push(each));
        self.tell_faults(told);
    }

    pub(super) fn tell_faults(&mut self, told: Vec<Told>) {
        for each in told {
            self.tell_fault(each);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_came_at_once_in_a_step_as_large_as_a_person_or_where_it_has_always_been() {
        let came = |step| {
            let mut plausible = Plausible::new(1, false);
            plausible.entered.step = step;
            plausible.came_at_once(100.0)
        };
        assert!(came(0.0) && came(-100.0 * ENTER_SHARE) && came(100.0 * ENTER_SHARE));
        assert!(!came(-34.0) && !came(1.0));
    }
}
