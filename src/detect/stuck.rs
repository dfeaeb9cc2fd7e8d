//! A mat that says the same again and again, though this one never does.
//!
//! Counts identical readings in a row and compares them with how long such runs usually are on this mat with somebody
//! in bed and with nobody: a mat that reads exactly zero when empty does so for hours and is not stuck.

use std::time::Duration;

use super::signal::Zones;
use crate::model::Moment;

/// A mat is stuck at the earliest after this long …
pub(super) const STUCK_AFTER: Duration = Duration::from_secs(60);

/// … and this many identical readings …
pub(super) const STUCK_READINGS: u32 = 40;

/// … and this many times the longest run that it usually has.
pub(super) const STUCK_RUNS: u32 = 12;

/// A mat whose smallest step is this share of a lying person cannot show breathing, which moves the load by 0.2 to 0.6 %
/// (`PhysioNet` pmd), and says the same for as long as she lies still …
pub(super) const COARSE_SHARE: f64 = 0.005;

/// … where its noise is less than this part of that step: more would make it move all the time.
const COARSE_NOISE: f64 = 0.75;

/// With somebody in bed such a mat is stuck after this long at the earliest: people move in 15 to 25 % of all minutes, so
/// that 20 minutes without are once in a hundred …
const COARSE_AFTER: Duration = Duration::from_secs(1200);

/// … where the longest run of all is known, which it is after this long, and after this long in any case …
const COARSE_KNOWN_AFTER: Duration = Duration::from_secs(3600);

/// … and with nobody there after this long: an empty bed is as still as a broken mat.
const COARSE_EMPTY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// It is unusual after this many identical readings …
const UNUSUAL_READINGS: u32 = 10;

/// … and this many times the longest run that it usually has.
const UNUSUAL_RUNS: u32 = 3;

/// Readings that must have been seen, with somebody in bed or without, to know how long its runs are.
pub(super) const KNOWN_READINGS: u32 = 300;

/// How quickly a long run is forgotten, at each reading that differs from the one before.
const FORGETS: f64 = 0.9995;

/// A mat that was stuck before a restart moves again once so many readings have differed from the one before: a glitch
/// makes two, and how long its runs usually are is not known any more.
const MOVES_READINGS: u32 = 3;

/// Identical readings in a row.
#[derive(Debug, Clone, Default)]
pub(super) struct Stuck {
    last: Option<Zones>,
    since: Option<Moment>,
    run: u32,
    /// The longest usual run and the readings seen: with nobody in bed, and with somebody.
    usual: [(f64, u32); 2],
    /// The noise of quiet times, as it was before the run.
    quiet: f64,
    /// Of a coarse mat: the longest run ever with somebody in bed, and since when such are counted.
    ever: Option<(Moment, f64)>,
    /// Where it was found stuck: how many readings must differ from the one before until it moves again; else 0.
    found: u32,
}

/// What else is known when a reading comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct About {
    /// Whether somebody is in bed.
    pub occupied: bool,
    /// It came to where it is as a mat comes to the end of what it can show, and may rest there.
    pub may_rest: bool,
    /// What a lying person moves a zone by; 0 where that is not known, and any step may be as large.
    pub span: f64,
    /// The noise of quiet times.
    pub quiet: f64,
    /// The smallest step that it makes; 0 where that is not known.
    pub quantum: f64,
}

/// What a reading tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Movement {
    /// Nothing new.
    Usual,
    /// It is stuck, since then.
    Stuck(Moment),
    /// It was stuck and moves again.
    Moves,
}

impl Stuck {
    /// Starts without knowledge of the mat. `found`: whether it was told as stuck before a restart.
    pub(super) fn new(found: bool) -> Self {
        Self { found: if found { MOVES_READINGS } else { 0 }, ..Self::default() }
    }

    /// Takes the values of the zones that work, of a mat that sends steadily, with what is known about it meanwhile.
    pub(super) fn take(&mut self, at: Moment, values: &Zones, about: &About) -> Movement {
        let occupied = about.occupied;
        let before = self.last.replace(*values);
        if before != Some(*values) {
            self.quiet = about.quiet;
            let run = std::mem::take(&mut self.run);
            self.since = Some(at);
            if self.found > 0 {
                return self.differs(before);
            }
            if occupied {
                let (_, ever) = self.ever.get_or_insert((at, 0.0));
                *ever = ever.max(f64::from(run));
            }
            let (longest, seen) = self.usual_mut(occupied);
            *longest = (*longest * FORGETS).max(f64::from(run));
            *seen = seen.saturating_add(1);
            return Movement::Usual;
        }
        self.run = self.run.saturating_add(1);
        let (longest, seen) = *self.usual_mut(occupied);
        let since = self.since.unwrap_or(at);
        let long = self.run >= STUCK_READINGS && f64::from(self.run) >= longest * f64::from(STUCK_RUNS);
        let coarse = about.quantum >= COARSE_SHARE * about.span && self.quiet < COARSE_NOISE * about.quantum;
        let may_rest = about.may_rest || (coarse && !self.rests_as_never(at, since, occupied));
        if self.found > 0 || may_rest || !long || seen < KNOWN_READINGS || at.since(since) < STUCK_AFTER {
            return Movement::Usual;
        }
        self.found = 1;
        Movement::Stuck(since)
    }

    /// Tells whether a coarse mat rests longer, since then, than whoever lies there lies still.
    fn rests_as_never(&self, at: Moment, since: Moment, occupied: bool) -> bool {
        let rests = at.since(since);
        let Some((counted, ever)) = self.ever.filter(|_| occupied) else { return rests >= COARSE_EMPTY_AFTER };
        let known = since.since(counted) >= COARSE_KNOWN_AFTER && f64::from(self.run) >= ever * f64::from(STUCK_RUNS);
        rests >= if known { COARSE_AFTER } else { COARSE_KNOWN_AFTER }
    }

    /// Takes the values of a mat that sends only on change, or of which that is not known yet: it is never found stuck,
    /// but one that was moves again.
    pub(super) fn take_unsteady(&mut self, at: Moment, values: &Zones) -> Movement {
        if self.found == 0 {
            return Movement::Usual;
        }
        let before = self.last.replace(*values);
        if before == Some(*values) {
            self.run = self.run.saturating_add(1);
            return Movement::Usual;
        }
        (self.run, self.since) = (0, Some(at));
        self.differs(before)
    }

    /// A mat that was found stuck says something else than `before`, where it has said anything in this life.
    fn differs(&mut self, before: Option<Zones>) -> Movement {
        self.found -= u32::from(before.is_some());
        if self.found == 0 { Movement::Moves } else { Movement::Usual }
    }

    /// Tells whether the latest reading has been repeated more often than this mat does.
    pub(super) fn is_unusual(&self, occupied: bool) -> bool {
        let [nobody, somebody] = self.usual;
        let (longest, seen) = if occupied { somebody } else { nobody };
        self.run >= UNUSUAL_READINGS
            && seen >= KNOWN_READINGS
            && f64::from(self.run) >= longest * f64::from(UNUSUAL_RUNS)
    }

    /// Tells whether it was found stuck and has not moved since.
    pub(super) fn is_found(&self) -> bool {
        self.found > 0
    }

    /// Returns how often the latest reading has been repeated.
    pub(super) fn repeats(&self) -> u32 {
        self.run
    }

    /// Returns since when the latest reading has been repeated.
    pub(super) fn since(&self) -> Option<Moment> {
        self.since
    }

    fn usual_mut(&mut self, occupied: bool) -> &mut (f64, u32) {
        let [nobody, somebody] = &mut self.usual;
        if occupied { somebody } else { nobody }
    }
}
