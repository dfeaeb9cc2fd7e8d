//! What must come of a night: which rises must arrive, what may be lost, what may never be. Knows what happened and what
//! the gateway did, and nothing of how it decides.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::script::BEDS;
use crate::dispatch::Order;
use crate::dispatch::queue::STORE_ANSWERS_WITHIN;
use crate::model::{Alert, AlertId, Kind, Moment, Priority, Sequence};

/// Heard in bed or away for this long without a break, every working watch knows it.
const SURE_AFTER: Duration = Duration::from_secs(75);

/// Somebody who lies down is taken to be in bed within this time.
const SETTLED_WITHIN: Duration = Duration::from_secs(15);

/// A rise that is told this long after she is back was still decided in her absence.
const BACK_FOR_MAX: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct Truth {
    order: Order,
    beds: [Bed; BEDS],
    raised: BTreeMap<AlertId, Raised>,
    arrived: Vec<BTreeSet<AlertId>>,
    refusals: BTreeMap<(AlertId, usize), u32>,
    /// Raised, and not seen on the medium yet.
    fleeting: BTreeSet<AlertId>,
    last: Option<Sequence>,
    /// Rises that had to arrive, and did.
    pub(super) rises: usize,
    /// Alerts in all.
    pub(super) alerts: usize,
}

#[derive(Default)]
struct Bed {
    lies: bool,
    changed: Moment,
    /// Since when she has been heard as she is, without a break.
    heard: Option<Moment>,
    /// When she was heard lying last.
    seen: Moment,
    /// Since when the watch must know that she was in bed.
    known: Option<Moment>,
    /// When the disk was given the id of her next rise, at the latest.
    drawn: Moment,
    absences: Vec<Absence>,
}

#[derive(Default)]
struct Absence {
    ids: BTreeSet<AlertId>,
    left: Moment,
    required: bool,
    /// The disk did not take the id of its rise before the program ended: it may be told under another one too.
    unsure: bool,
}

struct Raised {
    alert: Alert,
    sequences: Vec<Sequence>,
    /// When it was raised last.
    at: Moment,
    durable: bool,
    /// Lost in a crash before any disk had it.
    excused: bool,
}

impl Truth {
    pub(super) fn new(order: Order, channels: usize) -> Self {
        Self { order, arrived: vec![BTreeSet::new(); channels], ..Self::default() }
    }

    pub(super) fn lies(&mut self, bed: usize, now: Moment) {
        let bed = &mut self.beds[bed];
        (bed.lies, bed.changed, bed.heard) = (true, now, None);
        // Whether the watch has seen that she was away is not sure: it must see her in bed anew.
        bed.known = None;
    }

    pub(super) fn leaves(&mut self, bed: usize, now: Moment) {
        let bed = &mut self.beds[bed];
        (bed.lies, bed.changed, bed.heard) = (false, now, None);
        bed.absences.push(Absence { left: now, ..Absence::default() });
    }

    /// A live reading of the bed has reached the watch.
    pub(super) fn heard(&mut self, bed: usize, now: Moment) {
        let bed = &mut self.beds[bed];
        if bed.lies && bed.heard.is_none() {
            bed.drawn = now + SETTLED_WITHIN;
        }
        bed.seen = if bed.lies { now } else { bed.seen };
        let since = *bed.heard.get_or_insert(now);
        if now.since(since) < SURE_AFTER {
            return;
        }
        if bed.lies {
            bed.known.get_or_insert(now);
        } else if bed.known.take().is_some() {
            bed.absences.last_mut().unwrap().required = true;
        }
    }

    /// The bed cannot be heard.
    pub(super) fn unheard(&mut self, bed: usize) {
        self.beds[bed].heard = None;
    }

    pub(super) fn number(&mut self, sequence: Sequence) {
        assert!(self.last < Some(sequence), "number {sequence} after {:?}", self.last);
        self.last = Some(sequence);
    }

    /// An alert of a bed or of the gateway is given to dispatch and store; tells whether its id is new.
    pub(super) fn raised(&mut self, bed: Option<usize>, alert: &Alert, now: Moment) -> bool {
        self.number(alert.sequence);
        self.fleeting.insert(alert.id);
        if let Some(raised) = self.raised.get_mut(&alert.id) {
            assert_eq!(raised.alert.event.kind, Kind::Rise, "only a rise is raised again");
            assert_eq!((raised.alert.event.bed, alert.event.kind.clone()), (alert.event.bed, Kind::Rise));
            raised.sequences.push(alert.sequence);
            (raised.at, raised.durable, raised.excused) = (now, false, false);
            return false;
        }
        self.alerts += 1;
        let (sequences, alert) = (vec![alert.sequence], alert.clone());
        if let (Kind::Rise, Some(bed)) = (&alert.event.kind, bed) {
            let bed = &mut self.beds[bed];
            let absence = bed.absences.last_mut().expect("a rise of nobody");
            // Of one that came and went in a gap the watch may hear later.
            let in_gap = alert.event.not_before.is_some() && absence.left > bed.seen;
            let rises = !bed.lies || now.since(bed.changed) <= BACK_FOR_MAX || in_gap;
            assert!(rises, "a rise without a cause: {alert:?}");
            absence.ids.insert(alert.id);
        }
        self.raised.insert(alert.id, Raised { alert, sequences, at: now, durable: false, excused: false });
        true
    }

    /// A channel has refused an alert, and says that the same will not work.
    pub(super) fn refuses(&mut self, id: AlertId, channel: usize) {
        *self.refusals.entry((id, channel)).or_default() += 1;
    }

    /// An attempt leaves over a channel: nothing overtakes what it closes, be that in the store from a life before, but for
    /// what was refused there more than once; and what a return has ended is no alarm any more.
    pub(super) fn departs(&self, alert: &Alert, priority: Priority, channel: usize, now: Moment) {
        let raised = self.raised.get(&alert.id).expect("it was raised");
        let ended = self.raised.values().find(|other| {
            let returned = other.alert.event.kind == Kind::Return && other.alert.event.bed == alert.event.bed;
            returned && !other.excused && other.sequences.iter().all(|sequence| *sequence > alert.sequence)
        });
        let is_open = priority == Priority::Alarm && alert.event.kind.is_ended_by_return();
        assert!(
            !is_open || ended.is_none(),
            "goes as an alarm though she is back: {alert:?} {:?}",
            ended.map(|e| &e.alert)
        );
        // A disk that has not said for so long what waits there is not waited for.
        let waited = now.since(raised.at) >= STORE_ANSWERS_WITHIN;
        for closed in &alert.closes {
            let arrived = match self.order {
                Order::Fallback => self.arrived.iter().any(|ids| ids.contains(closed)),
                Order::All => self.arrived[channel].contains(closed),
            };
            let excused = self.raised.get(closed).is_none_or(|raised| raised.excused);
            let refused = self.refusals.get(&(*closed, channel)).is_some_and(|times| *times > 1);
            assert!(arrived || excused || waited || refused, "{alert:?} overtakes {closed}, which it closes");
        }
    }

    /// A channel has taken an alert on.
    pub(super) fn arrives(&mut self, id: AlertId, channel: usize) {
        self.arrived[channel].insert(id);
    }

    /// A write has ended: what the medium holds is safe from now on.
    pub(super) fn written(&mut self, holds: impl Fn(Sequence) -> bool) {
        let raised = &mut self.raised;
        self.fleeting.retain(|id| {
            let raised = raised.get_mut(id).unwrap();
            raised.durable |= raised.sequences.iter().any(|sequence| holds(*sequence));
            !raised.durable
        });
    }

    /// The program has ended; `clean` is when the medium had everything last.
    pub(super) fn stopped(&mut self, clean: Moment, holds: impl Fn(Sequence) -> bool) {
        self.written(&holds);
        for id in std::mem::take(&mut self.fleeting) {
            let raised = self.raised.get_mut(&id).unwrap();
            let arrived = self.arrived.iter().any(|ids| ids.contains(&id));
            assert!(arrived || raised.at >= clean, "the disk had nothing to do, and does not have {:?}", raised.alert);
            raised.excused = true;
        }
        for (id, raised) in &self.raised {
            let there = raised.sequences.iter().any(|sequence| holds(*sequence));
            let gone = self.arrived.iter().any(|ids| ids.contains(id));
            assert!(
                there || gone || raised.excused,
                "was on the medium, reached nobody, and is gone: {:?}",
                raised.alert
            );
        }
        for bed in &mut self.beds {
            bed.heard = None;
            bed.known = bed.known.filter(|known| *known <= clean);
            if let Some(absence) = bed.absences.last_mut().filter(|_| !bed.lies && clean < bed.drawn) {
                absence.unsure = true;
            }
        }
    }

    /// The night is over, and all has been well for long.
    pub(super) fn end(&mut self) {
        for (id, raised) in self.raised.iter().filter(|(_, raised)| !raised.excused) {
            let by = self.arrived.iter().filter(|ids| ids.contains(id)).count();
            let enough = if self.order == Order::All { self.arrived.len() } else { 1 };
            assert!(by >= enough, "reached {by} channels of {enough}: {:?}", raised.alert);
        }
        for (number, bed) in self.beds.iter().enumerate() {
            for absence in &bed.absences {
                self.check(number, absence);
                self.rises += usize::from(absence.required);
            }
        }
    }

    fn check(&self, bed: usize, Absence { ids, left, required, unsure }: &Absence) {
        let told = ids.iter().filter(|id| self.has_arrived(id)).count();
        // Dispatch and disk were away together, and the program ended: what only the memory had is gone.
        let gone = ids.iter().any(|id| self.raised.get(id).is_some_and(|raised| raised.excused));
        let left = left.since(Moment::default()).as_secs_f64();
        assert!(told <= 1 || *unsure, "bed {bed}, left at {left:.1} s: {told} ids: {ids:?}");
        assert!(told >= 1 || !required || gone, "bed {bed}, left at {left:.1} s: nobody knows: {ids:?}");
        for id in ids.iter().filter(|id| self.has_arrived(id)) {
            // Of one that only dispatch has, a gateway that ends in that moment knows nothing.
            let known = self.raised.get(id).is_some_and(|raised| !raised.excused);
            let closed = || {
                self.raised
                    .values()
                    .any(|raised| raised.alert.closes.contains(id) && self.has_arrived(&raised.alert.id))
            };
            assert!(!known || closed(), "bed {bed}, left at {left:.1} s: nobody knows that she is back: {id}");
        }
    }

    fn has_arrived(&self, id: &AlertId) -> bool {
        self.arrived.iter().any(|arrived| arrived.contains(id))
    }
}
