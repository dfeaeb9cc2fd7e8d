//! Whether the mat can be trusted: silence, readings that cannot be used, a cable that is out, a contact that chatters.

use std::time::Duration;

use super::memory::Memory;
use crate::model::reading::ZONES_MAX;
use crate::model::{Flap, MatFault, Moment};

/// Readings that cannot be used are a fault after this long: longer than a restart of the sensor spits noise (1 to 3 s).
const UNUSABLE_AFTER: Duration = Duration::from_secs(10);

/// And after this many in a row.
const UNUSABLE_READINGS: u32 = 3;

/// Where the last word of a mat that sends only on change was that it cannot read, this long counts as silence: the next
/// word may come in an hour, and is not worth waiting for.
const UNUSABLE_STANDS: Duration = Duration::from_secs(60);

/// A contact that opens for a moment this often, within the leak below, chatters.
const CHATTER_OPENINGS: f64 = 8.0;

/// It has stopped chattering when this much is left.
const CHATTER_OVER: f64 = 1.0;

/// One opening is forgotten after this long, 40 an hour: people who sleep well open a good contact a few times a night,
/// a bad one 37 to 130 times an hour (van Kasteren, houses B and C), and one that opens 20 times does not chatter by
/// chance (a queue with half its load reaches eight once in 300 nights).
const CHATTER_LEAK: Duration = Duration::from_secs(90);

/// A contact mat that chatters opens for seconds all the time; an opening held this long alarms all the same.
pub(super) const CHATTER_HELD: Duration = Duration::from_secs(60);

/// How quickly the length of its moments is followed: about the last sixteen.
const MOMENTS_FOLLOW: f64 = 1.0 / 16.0;

/// How quickly the longest is forgotten, at each moment: half after 35.
const LONGEST_FORGOTTEN: f64 = 0.98;

/// Moments of chance last longer than this many of their means once in 22,000: once in twenty nights of the worst
/// contact (van Kasteren: 130 an hour).
const HELD_MEANS: f64 = 10.0;

/// And some last longer than chance has it: so much longer than the longest lately.
const HELD_LONGEST: f64 = 2.0;

/// The beginning or the end of a fault, to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// The fault is there; `at`: the last good reading.
    Begun {
        /// Which.
        fault: MatFault,
        /// The zone that it is about, counted from 0; none: the whole mat.
        zone: Option<usize>,
        /// When the mat was last right.
        at: Moment,
    },
    /// The fault is over; `at`: the first good reading.
    Over {
        /// Which.
        fault: MatFault,
        /// The zone that it is about, counted from 0; none: the whole mat.
        zone: Option<usize>,
        /// When the mat was right again.
        at: Moment,
    },
}

/// The faults of one mat.
#[derive(Debug, Clone)]
pub(super) struct Faults {
    flaps: [Flap; MatFault::ALL.len()],
    /// Of each zone that was dead: which fault it has, or had last.
    zones: [Option<(MatFault, Flap)>; ZONES_MAX],
    good: Moment,
    /// From when silence counts: the last good reading, moved on by the time in which nothing could be heard.
    silent_from: Moment,
    /// Since the last good reading: which fault, how many readings, and when the first.
    unusable: Option<(MatFault, u32, Moment)>,
    openings: f64,
    openings_at: Moment,
    chatters: bool,
    /// How long its moments last: on average, and at most lately, in seconds.
    moments_s: (f64, f64),
    /// Since when nothing can be heard for a reason that is told elsewhere.
    suspended: Option<Moment>,
    /// Whether what was told before the start is of another mat than this one.
    replaced: bool,
}

impl Faults {
    /// Starts with the faults that were told before a restart and have not ended; `count`: how many zones the mat has.
    pub(super) fn new(now: Moment, memory: Option<&Memory>, count: usize) -> Self {
        let told = memory.map_or(&[][..], |memory| &memory.faults);
        let zones = memory.map_or(&[][..], |memory| &memory.zones);
        // The only zone of a mat is the mat.
        let count = if count < 2 { 0 } else { count };
        let replaced =
            memory.is_some_and(|memory| memory.replaced) || zones.iter().any(|(zone, _)| usize::from(*zone) >= count);
        let chatters = told.contains(&MatFault::Chatter) && !replaced;
        let mut faults = Self {
            flaps: [Flap::default(); MatFault::ALL.len()],
            zones: [None; ZONES_MAX],
            good: now,
            silent_from: now,
            unusable: None,
            openings: if chatters { CHATTER_OPENINGS } else { 0.0 },
            openings_at: now,
            chatters,
            // Nothing known: as long as the contract has it.
            moments_s: (CHATTER_HELD.as_secs_f64(), 0.0),
            suspended: None,
            replaced,
        };
        for fault in told {
            *faults.flap(*fault) = Flap::Open;
        }
        for (zone, fault) in zones {
            if let Some(slot) = faults.zones.get_mut(usize::from(*zone)) {
                *slot = Some((*fault, Flap::Open));
            }
        }
        faults
    }

    /// Takes faults that were told before the start, and became known only now; tells whether the mat was stuck.
    pub(super) fn recall(&mut self, before: &Self) -> bool {
        self.replaced |= before.replaced;
        let mut was_stuck = false;
        for fault in before.told() {
            let flap = self.flap(fault);
            was_stuck |= fault == MatFault::Stuck && !flap.is_open();
            if !flap.is_open() {
                *flap = Flap::Open;
            }
        }
        for (slot, known) in self.zones.iter_mut().zip(&before.zones) {
            *slot = slot.or(*known);
        }
        was_stuck
    }

    /// Returns the faults that were told and have not ended.
    pub(super) fn told(&self) -> Vec<MatFault> {
        let open = MatFault::ALL.iter().zip(&self.flaps).filter(|(_, flap)| flap.is_open());
        open.map(|(fault, _)| *fault).collect()
    }

    /// Returns the zones, counted from 0, of which a fault was told that has not ended.
    pub(super) fn told_of_zones(&self) -> Vec<(u8, MatFault)> {
        let open = (0_u8..).zip(&self.zones).filter_map(|(zone, slot)| Some((zone, (*slot)?)));
        open.filter(|(_, (_, flap))| flap.is_open()).map(|(zone, (fault, _))| (zone, fault)).collect()
    }

    /// Tells whether what was told is of a mat that has been replaced, and no good reading of this one has come yet.
    pub(super) fn are_of_another_mat(&self) -> bool {
        self.replaced
    }

    /// Returns the fault that is there: first one by which nothing can be read at all, then in the order of the contract;
    /// those of zones last.
    pub(super) fn open(&self) -> Option<MatFault> {
        let open = || MatFault::ALL.iter().zip(&self.flaps).filter(|(_, flap)| flap.is_open()).map(|(fault, _)| *fault);
        let whole = open().find(|fault| ends_with_a_good_reading(*fault)).or_else(|| open().next());
        whole.or_else(|| self.zones.iter().flatten().find(|(_, flap)| flap.is_open()).map(|(fault, _)| *fault))
    }

    /// A zone is dead since `at`.
    pub(super) fn zone_begun(
        &mut self,
        zone: usize,
        fault: MatFault,
        at: Moment,
        now: Moment,
        mut tell: impl FnMut(Told),
    ) {
        let Some(slot) = self.zones.get_mut(zone) else { return };
        // What is wrong with it is told once, as it was recognised first.
        let (fault, flap) = slot.get_or_insert((fault, Flap::default()));
        if flap.begin(now) {
            tell(Told::Begun { fault: *fault, zone: Some(zone), at });
        }
    }

    /// A zone works again.
    pub(super) fn zone_over(&mut self, zone: usize, at: Moment, mut tell: impl FnMut(Told)) {
        if let Some(Some((fault, flap))) = self.zones.get_mut(zone) {
            if flap.end(at) {
                tell(Told::Over { fault: *fault, zone: Some(zone), at });
            }
        }
    }

    /// Tells whether nothing of a fault is under way, so that a good reading changes nothing: the usual case.
    fn is_quiet(&self) -> bool {
        self.unusable.is_none()
            && self.suspended.is_none()
            && !self.replaced
            && !self.flaps.iter().any(|flap| matches!(flap, Flap::Open | Flap::OpenAgain))
    }

    /// A reading could be used; ends every fault that a good reading ends.
    pub(super) fn good(&mut self, at: Moment, mut tell: impl FnMut(Told)) {
        self.good = at;
        self.silent_from = at;
        if self.is_quiet() {
            return;
        }
        self.unusable = None;
        self.suspended = None;
        let replaced = std::mem::take(&mut self.replaced);
        for (fault, flap) in MatFault::ALL.iter().zip(&mut self.flaps) {
            if (replaced || ends_with_a_good_reading(*fault)) && flap.end(at) {
                tell(Told::Over { fault: *fault, zone: None, at });
            }
        }
        if replaced {
            (0..ZONES_MAX).for_each(|zone| self.zone_over(zone, at, &mut tell));
        }
    }

    /// Tells whether the latest reading could not be used.
    pub(super) fn is_unusable(&self) -> bool {
        self.unusable.is_some()
    }

    /// A reading could not be used.
    pub(super) fn unusable(&mut self, at: Moment, fault: MatFault, tell: impl FnMut(Told)) {
        let (_, readings, since) = self.unusable.unwrap_or((fault, 0, at));
        let readings = readings.saturating_add(1);
        self.unusable = Some((fault, readings, since));
        // One fault at a time: what a pulled cable says changes with every touch.
        if !self.is_lost() && readings >= UNUSABLE_READINGS && at.since(self.good) >= UNUSABLE_AFTER {
            self.begin(fault, self.good, at, tell);
        }
    }

    /// The way in to the mat is lost, or another part of the program says that a fault is there.
    pub(super) fn lost(&mut self, fault: MatFault, now: Moment, tell: impl FnMut(Told)) {
        self.begin(fault, self.good, now, tell);
    }

    /// A fault that no reading ends by itself is there since `at`.
    pub(super) fn begun(&mut self, fault: MatFault, at: Moment, now: Moment, tell: impl FnMut(Told)) {
        self.begin(fault, at, now, tell);
    }

    /// Such a fault is over.
    pub(super) fn over(&mut self, fault: MatFault, at: Moment, mut tell: impl FnMut(Told)) {
        if self.flap(fault).end(at) {
            tell(Told::Over { fault, zone: None, at });
        }
    }

    /// Silence is expected from now on (the broker is away), until a reading comes or `resume` is called.
    pub(super) fn suspend(&mut self, now: Moment) {
        self.suspended = self.suspended.or(Some(now));
    }

    /// The way in is open again: silence counts on, without the time in which nothing could be heard. A way that opens
    /// and closes all the time hides no silent mat.
    pub(super) fn resume(&mut self, now: Moment) {
        if let Some(since) = self.suspended.take() {
            self.silent_from = self.silent_from + now.since(since);
        }
    }

    /// A contact opened and closed again after a moment; one that was taken for a rise is told once she is settled again.
    pub(super) fn short_opening(&mut self, at: Moment, lasted: Duration, tell: impl FnMut(Told)) {
        self.leak(at);
        let (mean, longest) = self.moments_s;
        let lasted = lasted.as_secs_f64();
        let mean = if longest == 0.0 { lasted } else { mean + (lasted - mean) * MOMENTS_FOLLOW };
        self.moments_s = (mean, lasted.max(longest * LONGEST_FORGOTTEN));
        self.openings += 1.0;
        if self.openings >= CHATTER_OPENINGS && !self.chatters {
            self.chatters = true;
            self.begin(MatFault::Chatter, at, at, tell);
        }
    }

    /// Returns how long the contact must be open for somebody to have left, where it chatters: longer than its moments
    /// last.
    pub(super) fn chatter_held(&self) -> Option<Duration> {
        let (mean, longest) = self.moments_s;
        let held = (mean * HELD_MEANS).max(longest * HELD_LONGEST);
        self.chatters.then(|| Duration::from_secs_f64(held).min(CHATTER_HELD))
    }

    fn leak(&mut self, now: Moment) {
        let leaked = now.since(self.openings_at).as_secs_f64() / CHATTER_LEAK.as_secs_f64();
        self.openings = (self.openings - leaked).max(0.0);
        self.openings_at = now;
    }

    /// Returns when a fault, or the end of one, becomes due.
    pub(super) fn due(&self, silent_after: Duration) -> Option<Moment> {
        let silence = (self.suspended.is_none() && !self.is_lost()).then(|| self.silent_at(silent_after));
        let zones = self.zones.iter().flatten().map(|(_, flap)| flap);
        let ends = self.flaps.iter().chain(zones).filter_map(Flap::due).min();
        let calm = self.chatters.then(|| self.openings_at + CHATTER_LEAK.mul_f64(self.openings - CHATTER_OVER));
        [silence, ends, calm].into_iter().flatten().min()
    }

    fn silent_at(&self, silent_after: Duration) -> Moment {
        let silent = self.silent_from + silent_after;
        self.unusable.map_or(silent, |(_, _, since)| silent.min(since.max(self.silent_from) + UNUSABLE_STANDS))
    }

    fn is_lost(&self) -> bool {
        MatFault::ALL
            .iter()
            .zip(&self.flaps)
            .any(|(fault, flap)| ends_with_a_good_reading(*fault) && matches!(flap, Flap::Open | Flap::OpenAgain))
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, now: Moment, silent_after: Duration, mut tell: impl FnMut(Told)) {
        if self.suspended.is_none() && !self.is_lost() && now >= self.silent_at(silent_after) {
            let fault = self.unusable.map_or(MatFault::Silent, |(fault, ..)| fault);
            self.begin(fault, self.good, now, &mut tell);
        }
        if self.chatters && now >= self.openings_at + CHATTER_LEAK.mul_f64((self.openings - CHATTER_OVER).max(0.0)) {
            self.chatters = false;
            self.leak(now);
            if self.flap(MatFault::Chatter).end(now) {
                tell(Told::Over { fault: MatFault::Chatter, zone: None, at: now });
            }
        }
        for (fault, flap) in MatFault::ALL.iter().zip(&mut self.flaps) {
            if let Some(at) = flap.pass(now) {
                tell(Told::Over { fault: *fault, zone: None, at });
            }
        }
        for (zone, (fault, flap)) in
            self.zones.iter_mut().enumerate().filter_map(|(zone, slot)| Some((zone, slot.as_mut()?)))
        {
            if let Some(at) = flap.pass(now) {
                tell(Told::Over { fault: *fault, zone: Some(zone), at });
            }
        }
    }

    fn begin(&mut self, fault: MatFault, at: Moment, now: Moment, mut tell: impl FnMut(Told)) {
        if self.flap(fault).begin(now) {
            tell(Told::Begun { fault, zone: None, at });
        }
    }

    fn flap(&mut self, fault: MatFault) -> &mut Flap {
        let place = MatFault::ALL.iter().position(|each| *each == fault).unwrap_or_default();
        self.flaps.get_mut(place).expect("there is a flap for every fault")
    }
}

fn ends_with_a_good_reading(fault: MatFault) -> bool {
    match fault {
        MatFault::Silent | MatFault::OutOfRange | MatFault::Implausible | MatFault::Unplugged | MatFault::Offline => {
            true
        }
        MatFault::Stuck | MatFault::Chatter | MatFault::Drifted | MatFault::LowBattery => false,
    }
}
