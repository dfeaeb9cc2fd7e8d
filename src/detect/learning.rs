//! How the levels of a mat are learnt that nobody has measured: from swings between plateaus.
//!
//! A swing up to a plateau is somebody who lay down; a swing down to a plateau that is quieter, or leaves little, is
//! somebody who left. Whatever lies there first may be a cat: what it teaches is sure only once it has stayed.

use std::time::Duration;

use super::life::Step;
use super::plateau::{Plateau, STEPS_MIN, compare};
use super::signal::{Frame, Signal, Zones};
use crate::model::Moment;

/// A swing must be this many times the noise to be a person: a sheet under the mattress shows about 50 (`PoPu` data set).
pub(super) const SWING_NOISES_MIN: f64 = 12.0;

/// And at least this share of the value itself: a real sheet shows a heavy man as 0.8 % (`PoPu`), and a third of him
/// is a light woman.
const SWING_SHARE_MIN: f64 = 0.002;

/// And at least this share of what the sensor can say, where that is known: a mat that reads exactly nothing has no
/// noise and no value to compare a flicker with. A light woman on a bad sheet is 0.003 of 16 bits.
const SWING_OF_RANGE_MIN: f64 = 0.001;

/// Nobody lies there where less than this share of the load is left.
const LEFT_SHARE_MAX: f64 = 0.4;

/// Somebody who gets into bed sits down and lies back; a cat is there within a jump.
const AT_ONCE: Duration = Duration::from_millis(1_500);

/// Where the mat moves before and after a swing up, the lower level is taken for an empty one only once the higher has
/// stayed this long: most such swings are somebody who turns over.
const ALIKE_STAYS: Duration = Duration::from_secs(1200);

/// On a sensor whose zero is known, an empty bed shows at most this share of a person: a mattress, a sheet, a bent foil.
const NEAR_SHARE: f64 = 0.6;

/// A fall that nothing was seen of for longer than this teaches nothing.
const UNSEEN_MAX: Duration = Duration::from_secs(5);

/// What a mat that sends only on change has said stands until it says something else; once it has stood this long it is
/// looked at, whether or not anything follows: longer than a plateau needs to count.
const STANDS_AFTER: Duration = Duration::from_secs(8);

/// So many times over that while: as many readings as a plateau needs.
const STANDS_TIMES: u32 = 4;

/// A lower plateau this long, on which nothing moves, may be an empty bed; whoever sits on the edge moves.
const EMPTY_STAYS: Duration = Duration::from_secs(60);

/// A plateau on which nothing moves more often than this is an empty bed, but for a glitch now and then:
/// people move in 15 to 25 % of all minutes.
const UNMOVED: Duration = Duration::from_secs(600);

/// A while without any movement that nobody in bed has: people move in 15 to 25 % of all minutes, so that 20 minutes
/// without are once in a hundred. A night has more than a hundred: little may have moved besides, or it is …
const NOBODY_AFTER: Duration = Duration::from_secs(1_200);

/// … for most of the time, this part of it.
const MOSTLY: f64 = 0.8;

/// A mat that sends only on change says something more often than this with somebody there; its heartbeat comes less
/// often.
const CHANGES_EVERY: Duration = Duration::from_secs(60);

/// Where it is known how much a person moves the value, a swing of this much of it is a person: less is a posture, and
/// more are two.
pub(super) const PERSON_OF_SPAN: (f64, f64) = (0.3, 1.7);

/// Somebody who turns over lies more on the sensor or less: her load moves by up to a fifth. A swing of so much of the value
/// is taken for that; where it is less, most of the value is the sensor's own, as of an absolute pressure …
const TURN_SHARE: (f64, f64) = (0.012, 0.2);

/// … and below this many noises, on a mat too noisy to show her breath in bed and none without her. Such a swing teaches
/// nothing, unless the value rises and nothing at all had moved before, for longer than a sleeper lies still.
const TURN_NOISES: f64 = 100.0;

/// What moves the value by less than this part of what has already lain there is a cat or a bag: people differ by less, and
/// so does what a mat shows of them.
const LESS_THAN_SEEN: f64 = 0.2;

/// A plateau is compared with those that ended this long before at most: later, creep and weather have moved the value.
const COMPARED_FOR: Duration = Duration::from_secs(300);

/// Where it is not known which way load moves the value, two plateaus must have lasted this long before they are compared
/// in movement: longer than 95 % of all sits on the edge (104 s, UCI 427).
const WAY_TOLD_AFTER: Duration = Duration::from_secs(120);

/// Whoever moves more on the lower level for this long has not sat up but come, and a mat that is lighter for this long is
/// no sit on the edge: three times as long as 95 % of all sits.
const SITS_MAX: Duration = Duration::from_secs(300);

/// What learning says about the present load, once it can tell. Values are counted upwards, as they were until now.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "four facts that do not depend on each other")]
pub(super) struct Learnt {
    /// With nobody on the mat, a value a zone.
    pub empty: Zones,
    /// With somebody lying on it.
    pub occupied: Zones,
    /// Whether load makes the value fall.
    pub falls: bool,
    /// When the plateau before the swing began.
    pub before_since: Moment,
    /// When the swing ended that told.
    pub swing_at: Moment,
    /// Whether the present plateau is the occupied one.
    pub is_occupied: bool,
    /// Whether the load came all at once, as a cat does and somebody who gets into bed does not.
    pub at_once: bool,
    /// The usual square of steps with nobody there, and how much more they are with somebody, where that is known.
    pub still: Option<(f64, f64)>,
    /// Whether the mat moved on the occupied plateau and not on the empty one.
    pub sure: bool,
    /// Whether nothing at all had moved before the swing, for longer than a sleeper lies still.
    pub nobody_before: bool,
}

impl Learnt {
    /// Returns by how much the value differs between the two, in the sensor's own unit, summed over the zones.
    pub(super) fn swing(&self) -> f64 {
        (self.occupied.iter().sum::<f64>() - self.empty.iter().sum::<f64>()).abs()
    }
}

/// Learning from swings between plateaus.
#[derive(Debug, Clone, Default)]
pub(super) struct Learning {
    empty: Option<Zones>,
    /// How much a person moves the value, where that is known and only the level of the empty bed is not.
    span: Option<f64>,
    /// What is less than this is nobody: far more has lain there and was gone again.
    least: f64,
    plateau: Option<Plateau>,
    last: Option<Plateau>,
    /// The latest one below that, or by the upper end, which lasted: a bed that is left for a shorter while than she has lain
    /// in it.
    left: Option<Plateau>,
    /// The latest reading, and the latest one after a while without any.
    latest: Option<Moment>,
    unseen: Option<Moment>,
    /// Of a mat that sends only on change: what stands and from when on, and when that is to be looked at again.
    stands: Option<(Moment, Frame)>,
    due: Option<Moment>,
}

impl Learning {
    /// Starts knowing where empty is, or nothing.
    pub(super) fn new(empty: Option<Zones>) -> Self {
        Self { empty, ..Self::default() }
    }

    /// Starts knowing how much a person moves the value, counted upwards: only where empty lies is looked for.
    pub(super) fn with_span(span: f64) -> Self {
        Self { span: Some(span), ..Self::default() }
    }

    /// Returns what learning goes back to where what it has `told` turns out to be nobody, be it a cat or a carer. What is
    /// far less than that is nobody either; and what load makes the value fall by is compared with what was there before.
    pub(super) fn if_nobody(self, told: &Learnt) -> Self {
        let least = self.least.max(LESS_THAN_SEEN * told.swing());
        Self { empty: Some(told.empty), least, last: self.last.filter(|_| told.falls), ..Self::default() }
    }

    /// Returns how much a person moves the value, where that is known.
    pub(super) fn span(&self) -> Option<f64> {
        self.span
    }

    /// Takes the values at `at`; tells once when both levels are known.
    pub(super) fn take(&mut self, at: Moment, frame: &Frame, step: Option<&Step>, signal: &Signal) -> Option<Learnt> {
        (self.stands, self.due) = (None, None);
        if self.latest.replace(at).is_some_and(|latest| at.since(latest) > UNSEEN_MAX) {
            self.unseen = Some(at);
        }
        self.look(at, frame, step, signal)
    }

    /// As [`Self::take`], of a mat that sends only on change: to be told first, with [`Self::stood`], that the reading
    /// before has stood until now.
    pub(super) fn take_change(
        &mut self,
        at: Moment,
        frame: &Frame,
        step: Option<&Step>,
        signal: &Signal,
    ) -> Option<Learnt> {
        (self.latest, self.stands, self.due) = (Some(at), Some((at, *frame)), Some(at + STANDS_AFTER));
        self.look(at, frame, step, signal)
    }

    /// Returns when what stands is to be looked at again.
    pub(super) fn due(&self) -> Option<Moment> {
        self.due
    }

    /// Takes note that what a mat sent which sends only on change has stood until `at`.
    pub(super) fn stood(&mut self, at: Moment, signal: &Signal) -> Option<Learnt> {
        let (since, frame) = self.stands?;
        if at < since + STANDS_AFTER {
            return None;
        }
        self.due = None;
        let from = self.plateau.as_ref().map_or(since, |plateau| plateau.last().max(since));
        let every = at.since(from) / STANDS_TIMES;
        (1..=STANDS_TIMES).find_map(|time| self.look(from + every * time, &frame, None, signal))
    }

    fn look(&mut self, at: Moment, frame: &Frame, step: Option<&Step>, signal: &Signal) -> Option<Learnt> {
        let noise = signal.noise_with_rounding();
        let value = frame.sum_of(&frame.values);
        let swing = self.last.map_or(0.0, |last| (value - last.total()).abs());
        let plateau = self.plateau.get_or_insert_with(|| Plateau::new(at, frame, swing));
        if !plateau.take(at, frame, noise) {
            let ended = std::mem::replace(plateau, Plateau::new(at, frame, swing));
            if self.unseen.is_some_and(|unseen| unseen > ended.last()) && value < ended.total() {
                // What came in between may have been the sensor that started again and counts from elsewhere.
                (self.last, self.left) = (None, None);
            } else {
                self.keep(&ended, signal.is_way_known(), signal);
            }
            return None;
        }
        if let Some(step) = step {
            plateau.moved(step, noise);
        }
        if !plateau.is_settled() {
            return None;
        }
        if let Some(span) = self.span {
            return self.last.as_ref().and_then(|before| told_by_person(before, plateau, span));
        }
        let learnt = match (&self.last, &self.empty) {
            (Some(before), _) => {
                let tells = |before| told_by_swing(before, plateau, signal, self.stands.is_some());
                let came_back = |learnt: &Learnt| learnt.is_occupied;
                tells(before).or_else(|| self.left.as_ref().and_then(tells).filter(came_back))
            }
            (None, Some(empty)) => told_by_given(empty, plateau, signal),
            (None, None) => None,
        };
        learnt.filter(|learnt| learnt.swing() >= self.least)
    }

    /// The readings before a gap and after it are not of one plateau.
    pub(super) fn interrupted(&mut self, signal: &Signal) {
        (self.stands, self.due) = (None, None);
        if let Some(plateau) = self.plateau.take() {
            self.keep(&plateau, true, signal);
        }
    }

    /// Begins afresh: what was seen is not of the same zones as what comes.
    pub(super) fn start_again(&mut self) {
        *self = Self { span: self.span, ..Self::new(self.empty) };
    }

    /// Keeps what the next plateau is compared with: not the edge on which she sat while she came to bed.
    fn keep(&mut self, ended: &Plateau, way_known: bool, signal: &Signal) {
        let emptier = |last: &Plateau| {
            way_known && ended.total() < last.total() && ended.lasted() >= EMPTY_STAYS * (ended.jolts() + 1)
        };
        // What is looked at again and again is compared with what was there a short while ago.
        let old = |last: &Plateau| self.span.is_some() && ended.last().since(last.last()) > COMPARED_FOR;
        let away = |last: &Plateau| ended.total() < last.total() || is_by_upper_end(ended, last, signal);
        let left = |last: &Plateau| away(last) && ended.lasted() >= SITS_MAX * (ended.jolts() + 1);
        if ended.is_settled() && self.last.as_ref().is_some_and(left) {
            self.left = Some(*ended);
        }
        let better = |last: &Plateau| emptier(last) || ended.lasted() > last.lasted() || old(last);
        if ended.is_settled() && self.last.as_ref().is_none_or(better) {
            self.last = Some(*ended);
        }
    }
}

/// Returns how large a swing of this value must be to be a person.
pub(super) fn swing_min(value: f64, noise: f64) -> f64 {
    (SWING_NOISES_MIN * noise).max(SWING_SHARE_MIN * value.abs())
}

/// `on_change`: the mat sends only on change, so that nobody makes no steps.
fn told_by_swing(before: &Plateau, now: &Plateau, signal: &Signal, on_change: bool) -> Option<Learnt> {
    let (old, new) = (before.total(), now.total());
    let swing = (new - old).abs();
    let is_flicker = signal.of_range(swing).is_some_and(|part| part < SWING_OF_RANGE_MIN);
    if is_flicker || swing <= swing_min(old.abs().max(new.abs()), signal.noise_with_rounding()) {
        return None;
    }
    if may_be_turn(before, now, signal) {
        return None;
    }
    let moves = compare(before, now);
    let rises = new > old;
    // Where the value has come to the upper end, she may have lain still and left a mat that load makes fall.
    let may_have_left = rises && !signal.is_way_known() && is_by_upper_end(now, before, signal);
    let long = before.longest_unmoved() >= NOBODY_AFTER;
    let unmoved = is_unmoved(before, on_change) && (long || !may_have_left);
    let way_known = signal.is_way_known();
    let was_empty = unmoved && may_fall(before, now, signal);
    let falls = !way_known && load_falls(rises, before, now, moves.more, was_empty);
    let is_occupied = rises != falls;
    let (low, high) = if is_occupied { (before, now) } else { (now, before) };
    let little_left =
        !falls && signal.above_end(low.total()).abs() < signal.above_end(high.total()).abs() * LEFT_SHARE_MAX;
    let sure = moves.more.is_some();
    // Where zero is known, an empty bed lies far nearer to it than somebody does.
    let near = signal.above_end(low.total()).abs() / signal.above_end(high.total()).abs() < NEAR_SHARE;
    let doubtful = moves.both || (signal.has_end() && !near && !sure && !falls);
    // A swing down that leaves the mat as lively as before is a turn, and so are most swings up between lively levels.
    if (!is_occupied && !little_left && !sure)
        || (is_occupied && doubtful && (moves.less || !(unmoved || now.lasted() >= ALIKE_STAYS)))
        || (now.movement().1 < STEPS_MIN && !(little_left && (way_known || on_change || before.lasted() < UNMOVED)))
        || (!falls && sure && moves.more != Some(is_occupied))
    {
        return None;
    }
    Some(Learnt {
        empty: low.levels(),
        occupied: high.levels(),
        falls,
        before_since: before.since(),
        swing_at: now.since(),
        is_occupied,
        at_once: now.since().since(before.last()) <= AT_ONCE,
        still: moves.still.filter(|_| is_occupied == (moves.more == Some(true)) || !sure),
        sure,
        nobody_before: unmoved && before.longest_unmoved() >= NOBODY_AFTER,
    })
}

/// Tells whether a swing is as small as one that somebody makes who was there before it and is there after it.
fn may_be_turn(before: &Plateau, now: &Plateau, signal: &Signal) -> bool {
    let (old, new) = (before.total(), now.total());
    let (swing, value) = ((new - old).abs(), signal.above_end(old.max(new)).abs());
    let nobody_came_before = new > old && before.jolts() == 0 && before.lasted() >= NOBODY_AFTER;
    (TURN_SHARE.0 * value..TURN_SHARE.1 * value).contains(&swing)
        && swing < TURN_NOISES * signal.noise_with_rounding()
        && !nobody_came_before
}

/// Tells whether so little moved on a plateau that nobody can have been there.
fn is_unmoved(plateau: &Plateau, on_change: bool) -> bool {
    let (lasted, unmoved, jolts) = (plateau.lasted(), plateau.longest_unmoved(), plateau.jolts());
    if on_change {
        return lasted >= UNMOVED.max(CHANGES_EVERY * plateau.movement().1);
    }
    let seldom = lasted >= UNMOVED * jolts || unmoved >= lasted.mul_f64(MOSTLY);
    !plateau.breathes() && (lasted >= UNMOVED * (3 * jolts + 1) || (unmoved >= NOBODY_AFTER && seldom))
}

/// Where it is known how much a person moves the value: a swing of so much is a person, if the mat does not show that it
/// moves more with her away.
fn told_by_person(before: &Plateau, now: &Plateau, span: f64) -> Option<Learnt> {
    let swing = now.total() - before.total();
    let is_occupied = swing > 0.0;
    let moves = compare(before, now);
    let person = (span * PERSON_OF_SPAN.0..=span * PERSON_OF_SPAN.1).contains(&swing.abs());
    if !person || moves.more == Some(!is_occupied) {
        return None;
    }
    let (low, high) = if is_occupied { (before, now) } else { (now, before) };
    Some(Learnt {
        empty: low.levels(),
        occupied: high.levels(),
        falls: false,
        before_since: before.since(),
        swing_at: now.since(),
        is_occupied,
        at_once: false,
        still: moves.still,
        sure: moves.more == Some(is_occupied),
        nobody_before: false,
    })
}

/// Tells whether load makes the value fall: the mat moves more on the lower plateau, and for longer than somebody who has
/// sat up would; or nobody was there before the value fell (`was_empty`).
fn load_falls(rises: bool, before: &Plateau, now: &Plateau, more: Option<bool>, was_empty: bool) -> bool {
    let lasted = before.lasted().min(now.lasted());
    match more {
        Some(false) => rises && lasted >= WAY_TOLD_AFTER,
        Some(true) => !rises && (was_empty || lasted >= SITS_MAX),
        None => !rises && was_empty,
    }
}

/// Tells whether the plateau before a fall, on which nothing moved, may have been an empty bed: it lay by the end of the
/// range where such a mat is unloaded; or it lasted longer than a sleeper lies still, and the level after it lasts too.
fn may_fall(before: &Plateau, now: &Plateau, signal: &Signal) -> bool {
    let long = before.longest_unmoved() >= NOBODY_AFTER;
    is_by_upper_end(before, now, signal) || (long && now.lasted() >= WAY_TOLD_AFTER)
}

/// Tells whether the higher of two plateaus lies by the upper end of the range, as an empty bed does whose mat load makes
/// fall.
fn is_by_upper_end(higher: &Plateau, lower: &Plateau, signal: &Signal) -> bool {
    let ends = signal.below_end(higher.total()).zip(signal.below_end(lower.total()));
    ends.is_some_and(|(higher, lower)| higher < lower * NEAR_SHARE)
}

fn told_by_given(empty: &Zones, now: &Plateau, signal: &Signal) -> Option<Learnt> {
    let (level, occupied) = (empty.iter().sum::<f64>(), now.total());
    let learnt = Learnt {
        empty: *empty,
        occupied: now.levels(),
        falls: false,
        before_since: now.since(),
        swing_at: now.since(),
        is_occupied: true,
        at_once: true,
        still: None,
        sure: false,
        nobody_before: false,
    };
    (occupied - level > swing_min(level, signal.noise_with_rounding())).then_some(learnt)
}
