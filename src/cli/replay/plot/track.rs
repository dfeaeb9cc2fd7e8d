//! What a picture remembers of a recording: a bounded row of columns, however long the recording is.
//!
//! A column covers a span of time. When the recording outgrows the row, columns are joined in pairs and each covers
//! twice as long. PURE.

use crate::detect::{View, ViewPhase};

/// The most columns that are kept; half as many are in use after they were joined. At least one to a unit of the picture.
const COLUMNS_MAX: usize = 1_200;

/// What a column covers at first: enough to see single readings at 50 Hz.
const COLUMN_MS_MIN: i64 = 10;

/// Loads beyond this no sensor says; with larger ones a scale cannot be calculated.
const LOAD_MAX: f64 = 1e15;

fn is_drawable(load: f64) -> bool {
    load.abs() <= LOAD_MAX
}

/// The phases, as columns count them.
pub(super) const PHASES: [ViewPhase; 6] =
    [ViewPhase::Unknown, ViewPhase::Empty, ViewPhase::Settling, ViewPhase::InBed, ViewPhase::Edge, ViewPhase::Leaving];

/// What happened in one span of time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Column {
    /// The loads that were read.
    pub load: Option<Load>,
    /// Whether nothing was heard for long before the first of them.
    pub broken: bool,
    /// Whether the mat could not be trusted at some moment.
    pub faulty: bool,
    /// The levels, where they were known.
    pub levels: Option<Levels>,
    /// How long each phase lasted, in milliseconds, in the order of [`PHASES`].
    lasted_ms: [u32; PHASES.len()],
}

/// The loads of a column, in the sensor's own unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Load {
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
    /// The last.
    pub last: f64,
}

/// The levels and thresholds of one moment, in the sensor's own unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Levels {
    /// Of the empty bed.
    pub empty: f64,
    /// Of somebody lying in it.
    pub occupied: f64,
    /// Nobody below.
    pub leave: f64,
    /// Somebody above.
    pub enter: f64,
}

impl Levels {
    fn of(view: &View) -> Option<Self> {
        let levels = Self { empty: view.empty?, occupied: view.occupied?, leave: view.leave?, enter: view.enter? };
        levels.all().into_iter().all(is_drawable).then_some(levels)
    }

    /// Returns them all, from the least.
    pub(super) fn all(&self) -> [f64; 4] {
        [self.empty, self.leave, self.enter, self.occupied]
    }
}

impl Column {
    /// Returns the phase that lasted longest.
    pub(super) fn phase(&self) -> Option<ViewPhase> {
        let longest = PHASES.iter().zip(self.lasted_ms).max_by_key(|(_, lasted)| *lasted)?;
        (longest.1 > 0).then_some(*longest.0)
    }

    fn take(&mut self, value: f64, broken: bool) {
        let load = self.load.get_or_insert_with(|| {
            self.broken = broken;
            Load { least: value, most: value, last: value }
        });
        *load = Load { least: load.least.min(value), most: load.most.max(value), last: value };
    }

    fn last(&mut self, phase: ViewPhase, ms: i64) {
        let place = PHASES.iter().position(|each| *each == phase).unwrap_or_default();
        if let Some(lasted) = self.lasted_ms.get_mut(place) {
            *lasted = lasted.saturating_add(u32::try_from(ms).unwrap_or(u32::MAX));
        }
    }

    /// Joins a column with the one after it.
    fn join(&self, next: &Self) -> Self {
        let mut lasted_ms = self.lasted_ms;
        for (lasted, more) in lasted_ms.iter_mut().zip(next.lasted_ms) {
            *lasted = lasted.saturating_add(more);
        }
        let load = match (self.load, next.load) {
            (Some(one), Some(two)) => {
                Some(Load { least: one.least.min(two.least), most: one.most.max(two.most), last: two.last })
            }
            (one, two) => two.or(one),
        };
        Self {
            load,
            // A silence between the two is too short to be seen.
            broken: self.broken || (self.load.is_none() && next.broken),
            faulty: self.faulty || next.faulty,
            levels: next.levels.or(self.levels),
            lasted_ms,
        }
    }
}

/// The row of columns of one recording, or of the part of it that was asked for.
#[derive(Debug)]
pub(super) struct Track {
    from: i64,
    to: i64,
    origin: i64,
    column_ms: i64,
    columns: Vec<Column>,
    pace: Pace,
    before: Option<Before>,
}

/// What held until the next glance.
#[derive(Debug, Clone, Copy)]
struct Before {
    at: i64,
    phase: ViewPhase,
    faulty: bool,
    levels: Option<Levels>,
}

impl Track {
    /// Starts a row for what lies between two times, in milliseconds of UTC.
    pub(super) fn new(from: i64, to: i64) -> Self {
        Self {
            from,
            to,
            origin: from,
            column_ms: COLUMN_MS_MIN,
            columns: Vec::with_capacity(COLUMNS_MAX),
            pace: Pace::default(),
            before: None,
        }
    }

    /// Takes what the detector saw at `at`. `heard`: a reading has just come, usable or not.
    pub(super) fn see(&mut self, at: i64, heard: bool, view: &View, faulty: bool) {
        let within = self.from <= at && at <= self.to;
        let now = Before { at: at.clamp(self.from, self.to), phase: view.phase, faulty, levels: Levels::of(view) };
        match self.before {
            None => self.origin = now.at,
            Some(before) => self.spread(&before, now.at),
        }
        self.before = Some(now);
        let Some(value) = view.value.filter(|value| heard && is_drawable(*value)) else { return };
        let broken = self.pace.is_broken(at);
        if within {
            let place = self.place(now.at);
            if let Some(column) = self.columns.get_mut(place) {
                column.take(value, broken);
                column.levels = now.levels.or(column.levels);
                column.faulty |= faulty;
            }
        }
    }

    /// Marks a span in which the mat could not be trusted, as was found out at its end.
    pub(super) fn mark_faulty(&mut self, first: i64, last: i64) {
        let (first, last) = (first.clamp(self.origin, self.to), last.clamp(self.origin, self.to));
        let (from, until) = (self.place(first), self.place(last));
        self.columns.iter_mut().take(until + 1).skip(from).for_each(|column| column.faulty = true);
    }

    /// Tells whether nothing was read in the time that was asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.columns.iter().all(|column| column.load.is_none())
    }

    /// Returns the first and the last time, in milliseconds of UTC; a second apart at the least.
    pub(super) fn span(&self) -> (i64, i64) {
        let last = self.before.map_or(self.origin, |before| before.at);
        (self.origin, last.max(self.origin + 1_000))
    }

    /// Returns the columns, each with its first and last time in milliseconds of UTC.
    pub(super) fn columns(&self) -> impl Iterator<Item = (i64, i64, &Column)> {
        let (_, end) = self.span();
        self.columns.iter().zip(0_i64..).map(move |(column, place)| {
            let first = self.origin + place * self.column_ms;
            (first, (first + self.column_ms).min(end).max(first), column)
        })
    }

    /// What was before lasted until `until`.
    fn spread(&mut self, before: &Before, until: i64) {
        if until <= before.at {
            // Outside the time that was asked for, or several readings at one moment.
            return;
        }
        let last = self.place(until);
        let first = self.place(before.at);
        let (origin, width) = (self.origin, self.column_ms);
        for (column, place) in self.columns.iter_mut().zip(0_i64..).take(last + 1).skip(first) {
            let starts = origin + place * width;
            column.last(before.phase, until.min(starts + width) - before.at.max(starts));
            column.faulty |= before.faulty;
            column.levels = column.levels.or(before.levels);
        }
    }

    /// Returns the place of the column of a time, and makes sure that it is there.
    fn place(&mut self, at: i64) -> usize {
        let mut place = self.distance(at);
        while place >= COLUMNS_MAX {
            self.columns = self.columns.chunks(2).map(joined).collect();
            self.column_ms *= 2;
            place = self.distance(at);
        }
        if place >= self.columns.len() {
            self.columns.resize(place + 1, Column::default());
        }
        place
    }

    fn distance(&self, at: i64) -> usize {
        usize::try_from((at - self.origin) / self.column_ms).unwrap_or(0)
    }
}

fn joined(pair: &[Column]) -> Column {
    match pair {
        [one, two] => one.join(two),
        [one, ..] => *one,
        [] => Column::default(),
    }
}

/// How often the mat speaks: a silence of a steady one is a gap in the curve, one of a mat that sends on change is not.
#[derive(Debug, Default)]
struct Pace {
    usual_ms: f64,
    steady: f64,
    last: Option<i64>,
}

impl Pace {
    /// This many of the usual steps without a word are a silence.
    const SILENT_STEPS: f64 = 10.0;

    /// And at least this long, in milliseconds: radio stumbles for less.
    const SILENT_MS_MIN: f64 = 2_000.0;

    /// Steps within this factor of the usual one are steady.
    const STEADY_FACTOR: f64 = 5.0;

    /// A mat with at least this share of steady steps is steady.
    const STEADY_SHARE: f64 = 0.7;

    /// Takes a reading; tells whether there was a silence before it.
    fn is_broken(&mut self, at: i64) -> bool {
        let Some(last) = self.last.replace(at) else { return false };
        let step = super::float(at - last);
        if step <= 0.0 {
            return false;
        }
        let silent = step > (self.usual_ms * Self::SILENT_STEPS).max(Self::SILENT_MS_MIN);
        let broken = silent && self.steady > Self::STEADY_SHARE;
        let is_steady = step < self.usual_ms * Self::STEADY_FACTOR && step * Self::STEADY_FACTOR > self.usual_ms;
        self.steady += (f64::from(u8::from(is_steady)) - self.steady) / 32.0;
        let step = if self.usual_ms == 0.0 { step } else { step.min(self.usual_ms * 4.0) };
        self.usual_ms += (step - self.usual_ms) / if self.usual_ms == 0.0 { 1.0 } else { 16.0 };
        broken
    }
}
