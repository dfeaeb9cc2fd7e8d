//! What stands around the curve: marks above it, the watch and the wall clock below it, legend and list of events. PURE.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::curve::{LEVELS, Stretch, fill};
use super::marks::Mark;
use super::scale::Across;
use super::sheet::{FAINT, Held, INK, SMALL, Sheet, TEXT, WIDTH, text_width};
use super::words::Words;
use crate::detect::ViewPhase;
use crate::model::texts::text;
use crate::model::{Kind, Language, Priority, Watch};

/// How far marks keep from each other, and how high a row of them is.
const MARK: f64 = 21.0;

/// The most rows of marks; where they do not suffice, marks give way sideways.
const MARK_ROWS_MAX: usize = 4;

/// The most nights whose watch is drawn.
const WATCHES_MAX: usize = 400;

/// The colour of alarms: dark enough to stay dark in black and white.
const ALARM: &str = "#b32d00";

/// Where a mark stands: its row, from the curve upwards, and its place across.
struct Place {
    row: usize,
    x: f64,
}

/// Finds places for marks at these places across, so that none covers another.
fn places(wanted: &[f64], (left, right): (f64, f64)) -> Vec<Place> {
    let mut ends = [f64::NEG_INFINITY; MARK_ROWS_MAX];
    let mut places: Vec<Place> = Vec::with_capacity(wanted.len());
    for x in wanted {
        let x = x.max(left);
        let free = ends.iter().position(|end| end + MARK <= x);
        let least = || ends.iter().enumerate().min_by(|one, two| one.1.total_cmp(two.1)).map(|(row, _)| row);
        let row = free.or_else(least).unwrap_or_default();
        if let Some(end) = ends.get_mut(row) {
            *end = x.max(*end + MARK);
            places.push(Place { row, x: *end });
        }
    }
    let mut limits = [right; MARK_ROWS_MAX];
    for place in places.iter_mut().rev() {
        if let Some(limit) = limits.get_mut(place.row) {
            place.x = place.x.min(*limit);
            *limit = place.x - MARK;
        }
    }
    places
}

/// The marks of a picture with their places.
pub(super) struct Lane<'a> {
    marks: &'a [&'a Mark],
    places: Vec<Place>,
    wanted: Vec<f64>,
}

impl<'a> Lane<'a> {
    pub(super) fn new(marks: &'a [&'a Mark], across: &Across, edges: (f64, f64)) -> Self {
        let wanted: Vec<f64> = marks.iter().map(|mark| across.at(mark.time.as_millisecond())).collect();
        Self { marks, places: places(&wanted, edges), wanted }
    }

    /// Returns how high the lane is.
    pub(super) fn height(&self) -> f64 {
        let rows = self.places.iter().map(|place| place.row + 1).max().unwrap_or(0);
        (0..rows).fold(10.0, |height, _| height + MARK)
    }

    /// Draws the lane above `bottom`, where the curve begins, and a line from each mark down to `foot`.
    pub(super) fn draw(&self, sheet: &mut Sheet, bottom: f64, foot: f64) {
        let middle = |place: &Place| (0..place.row).fold(bottom - 8.0 - MARK / 2.0, |y, _| y - MARK);
        // The lines first: no line runs over a mark.
        for ((place, wanted), mark) in self.places.iter().zip(&self.wanted).zip(self.marks) {
            let is_alarm = mark.priority() == Priority::Alarm;
            let (ink, dashes) = if is_alarm { (ALARM, "") } else { (FAINT, "3 3") };
            sheet.line((place.x, middle(place)), (*wanted, bottom), ink, "");
            sheet.line((*wanted, bottom), (*wanted, foot), ink, dashes);
        }
        for ((place, mark), number) in self.places.iter().zip(self.marks).zip(1_usize..) {
            sign(sheet, (place.x, middle(place)), mark.priority(), &number.to_string());
        }
    }
}

/// Draws the sign of a priority, with a number in it: forms differ as well as colours.
fn sign(sheet: &mut Sheet, (x, y): (f64, f64), priority: Priority, number: &str) {
    let diamond = |reach: f64| [(x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)];
    let ink = match priority {
        Priority::Info => {
            sheet.circle((x, y), 9.0);
            INK
        }
        Priority::Warning => {
            sheet.framed((x - 9.0, y - 9.0), (18.0, 18.0), "#f0c14b");
            INK
        }
        Priority::Alarm => {
            sheet.polygon(&diamond(11.8), ALARM);
            "#ffffff"
        }
    };
    sheet.coloured((x, y + 4.0), 11.0, Held::Middle, ink, number);
}

/// Draws when the watch was on, as a bar that begins at `left`.
pub(super) fn watch(sheet: &mut Sheet, watch: &Watch, span: (i64, i64), across: &Across, top: f64) {
    for (from, to) in watched(watch, span) {
        let (from, to) = (across.at(from), across.at(to));
        sheet.rect((from, top), (to - from, 7.0), INK);
    }
}

/// Returns the spans in which the watch was on, in milliseconds of UTC.
fn watched(watch: &Watch, (first, last): (i64, i64)) -> Vec<(i64, i64)> {
    let mut spans = Vec::new();
    let mut at = first;
    for _ in 0..WATCHES_MAX {
        let Ok(time) = Timestamp::from_millisecond(at) else { break };
        if !watch.is_on(time) {
            match watch.next_opening(time).filter(|opens| opens.as_millisecond() < last) {
                Some(opens) => at = opens.as_millisecond(),
                None => break,
            }
            continue;
        }
        let closes = watch.closing(time).map_or(last, |closes| closes.as_millisecond().min(last));
        spans.push((at, closes));
        if closes >= last {
            break;
        }
        at = closes;
    }
    spans
}

/// Draws the ticks of the wall clock below `top`, with the date where a day begins.
pub(super) fn clock(sheet: &mut Sheet, across: &Across, zone: &TimeZone, top: f64) {
    let (ticks, step) = across.ticks(zone, 10);
    let mut day = None;
    for (ms, shown) in ticks {
        let x = across.at(ms);
        sheet.line((x, top), (x, top + 5.0), INK, "");
        let form = if step < 60 { "%H:%M:%S" } else { "%H:%M" };
        if step < 86_400 {
            sheet.text(x, top + 18.0, SMALL, Held::Middle, &shown.strftime(form).to_string());
        }
        if day != Some(shown.date()) {
            let held = if day.is_none() && x < 90.0 { Held::Left } else { Held::Middle };
            let x = if day.is_none() && x < 90.0 { x - 16.0 } else { x };
            sheet.text(x, top + 33.0, SMALL, held, &shown.strftime("%Y-%m-%d").to_string());
            day = Some(shown.date());
        }
    }
}

/// What of a legend a picture needs.
pub(super) struct Shown {
    pub faults: bool,
    pub gaps: bool,
    pub levels: bool,
}

/// Draws what the fillings mean, of those that the picture has; returns where it ends.
pub(super) fn legend(
    sheet: &mut Sheet,
    phases: &[Stretch<ViewPhase>],
    shown: &Shown,
    (left, top): (f64, f64),
    words: &Words,
) -> f64 {
    let used = super::track::PHASES.into_iter().filter(|phase| phases.iter().any(|stretch| stretch.what == *phase));
    let mut items: Vec<(&str, &str)> = used.map(|phase| (fill(phase), words.phase(phase))).collect();
    items.extend(shown.gaps.then_some(("url(#gap)", words.gap)));
    items.extend(shown.faults.then_some(("url(#fault)", words.fault)));
    let (mut x, mut y) = (left, top);
    for (fill, name) in items {
        let width = 22.0 + 6.0 + text_width(name, SMALL) + 14.0;
        if x + width > WIDTH {
            (x, y) = (left, y + 20.0);
        }
        sheet.framed((x, y), (22.0, 13.0), fill);
        sheet.text(x + 28.0, y + 11.0, SMALL, Held::Left, name);
        x += width;
    }
    if shown.levels {
        y += 20.0;
        sheet.line((left, y + 7.0), (left + 22.0, y + 7.0), LEVELS, "7 3");
        sheet.text(left + 28.0, y + 11.0, SMALL, Held::Left, words.levels_dashed);
    }
    y + 20.0
}

/// Lists the events with their times and words below `top`; returns where the list ends.
pub(super) fn list(
    sheet: &mut Sheet,
    marks: &[&Mark],
    (left, top): (f64, f64),
    (zone, days): (&TimeZone, bool),
    (words, language): (&Words, Language),
) -> f64 {
    let mut y = top;
    for (mark, number) in marks.iter().zip(1_usize..) {
        sign(sheet, (left + 13.0, y - 5.0), mark.priority(), &number.to_string());
        let shown = zone.to_datetime(mark.time);
        let time = shown.strftime(if days { "%m-%d %H:%M:%S" } else { "%H:%M:%S" }).to_string();
        sheet.bold(left + 34.0, y, TEXT, Held::Left, &time);
        let x = left + 34.0 + text_width(&time, TEXT) + 12.0;
        sheet.text(x, y, TEXT, Held::Left, text(&mark.kind, language));
        let note = note(mark, zone, words);
        sheet.text(x + 270.0, y, SMALL, Held::Left, &note);
        y += 26.0;
    }
    y
}

/// What else there is to say of an event: how urgent it is, and what is not sure.
fn note(mark: &Mark, zone: &TimeZone, words: &Words) -> String {
    let earliest =
        mark.not_before.map(|before| format!("{} {}", words.earliest, zone.to_datetime(before).strftime("%H:%M:%S")));
    let would_be_told = mark.kind.priority() > Priority::Info;
    let outside = (!mark.watched && would_be_told && !matches!(mark.kind, Kind::SensorFault(_)))
        .then(|| words.not_watched.to_owned());
    let urgent = (mark.priority() > Priority::Info).then(|| words.priority(mark.priority()).to_owned());
    [urgent, outside, earliest].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
