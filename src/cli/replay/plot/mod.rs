//! A night as a picture (SVG) that a nurse understands. PURE: what is seen goes in, a text comes out.
//!
//! Memory is bounded: [`track`] keeps a fixed number of columns and [`marks`] a fixed number of events, however long
//! the recording is. [`picture`] lays both out on a [`sheet`]; [`scale`] turns times and loads into places.

mod below;
mod curve;
mod marks;
mod picture;
mod scale;
mod sheet;
#[cfg(test)]
mod tests;
mod track;
mod words;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::detect::{Settings, View};
use crate::model::{BedId, Event, Kind, Language, MatFault, MatHealth, Watch};
use marks::Marks;
use track::Track;

/// What a picture is about.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    bed: BedId,
    watch: Watch,
    zone: TimeZone,
    contact: bool,
    invert: bool,
    language: Language,
}

impl Subject {
    /// Makes a picture's subject of a bed, with texts in `language` and times of the bed's zone.
    pub(super) fn new(settings: &Settings, language: Language) -> Self {
        let Settings { bed, watch, zone, contact, invert, .. } = settings.clone();
        Self { bed, watch, zone, contact, invert, language }
    }

    /// Returns the zone of its times.
    pub(super) fn zone(&self) -> &TimeZone {
        &self.zone
    }
}

/// A picture in the making.
#[derive(Debug)]
pub(super) struct Plot {
    subject: Subject,
    from: Timestamp,
    to: Timestamp,
    track: Track,
    marks: Marks,
}

impl Plot {
    /// Starts a picture of what lies between two times.
    pub(super) fn new(subject: Subject, (from, to): (Timestamp, Timestamp)) -> Self {
        let track = Track::new(from.as_millisecond(), to.as_millisecond());
        Self { subject, from, to, track, marks: Marks::default() }
    }

    /// Takes what the detector saw at `at`. `heard`: a reading has just come.
    pub(super) fn see(&mut self, at: Timestamp, heard: bool, view: &View, health: MatHealth) {
        let faulty = matches!(health, MatHealth::Fault(fault) if fault != MatFault::LowBattery);
        self.track.see(at.as_millisecond(), heard, view, faulty);
    }

    /// Takes an event; those outside the time that was asked for do not show.
    pub(super) fn event(&mut self, event: &Event) {
        if let Kind::SensorFault(fault) = event.kind {
            if fault != MatFault::LowBattery && event.decided >= self.from && event.time <= self.to {
                self.track.mark_faulty(event.time.as_millisecond(), event.decided.as_millisecond());
            }
        }
        if self.from <= event.time && event.time <= self.to {
            self.marks.take(event);
        }
    }

    /// Draws the picture; `None` where nothing was read in the time that was asked for.
    pub(super) fn draw(&self) -> Option<String> {
        (!self.track.is_empty()).then(|| picture::draw(&self.subject, &self.track, &self.marks))
    }
}

/// Times and counts as numbers to draw with.
#[expect(clippy::cast_precision_loss, reason = "a picture needs no more than 52 bits of a time")]
fn float(whole: i64) -> f64 {
    whole as f64
}
