//! The layout of a picture, from the title down to the list of events. PURE.

use jiff::Timestamp;

use super::Subject;
use super::below::{self, Lane, Shown};
use super::curve::{self, CURVE_HEIGHT, STRIP_HEIGHT};
use super::marks::Marks;
use super::scale::{Across, Upwards};
use super::sheet::{Held, INK, SMALL, Sheet, TEXT, TITLE, WIDTH};
use super::track::Track;
use super::words::Words;

/// Where the field of the curve begins and ends across: room for numbers before it, for names behind it.
const LEFT: f64 = 66.0;
const RIGHT: f64 = WIDTH - 98.0;

/// The margin of the sheet.
const MARGIN: f64 = 12.0;

/// Shorter parts of a recording are told with seconds.
const SECONDS_BELOW_MS: i64 = 10 * 60 * 1_000;

/// Draws a picture, as the text of an SVG file.
pub(super) fn draw(subject: &Subject, track: &Track, marks: &Marks) -> String {
    let words = Words::of(subject.language);
    let span = track.span();
    let across = Across::new(span, LEFT, RIGHT - LEFT);
    let shown = marks.in_order();
    let lane = Lane::new(&shown, &across, (LEFT, RIGHT));
    let title = title(subject, span, words);
    let count = format!("{}: {}", words.events, shown.len());
    let mut sheet = Sheet::new(&format!("{}, {}", title.0, title.1), &count);
    curve::patterns(&mut sheet);
    sheet.bold(MARGIN, 28.0, TITLE, Held::Left, &title.0);
    sheet.text(MARGIN, 48.0, TEXT, Held::Left, &title.1);
    sheet.text(MARGIN, 70.0, SMALL, Held::Left, words.load);

    let top = 74.0 + lane.height();
    let upwards = Upwards::new(track, top, CURVE_HEIGHT);
    let seen = field(&mut sheet, subject, track, (&across, &upwards), top);
    let strip = top + CURVE_HEIGHT;
    lane.draw(&mut sheet, top, strip);
    let below_strip = strip + STRIP_HEIGHT + 5.0;
    below::watch(&mut sheet, &subject.watch, span, &across, below_strip);
    sheet.text(LEFT - 6.0, below_strip + 8.0, SMALL, Held::Right, words.watched);
    below::clock(&mut sheet, &across, &subject.zone, below_strip + 12.0);

    let phases = curve::phases(track, &across);
    let y = below::legend(&mut sheet, &phases, &seen, (MARGIN, below_strip + 60.0), words);
    let y = events(&mut sheet, subject, &shown, span, y + 18.0);
    let y = notes(&mut sheet, &upwards, marks, y, words);
    sheet.into_text(y)
}

/// Draws the field of the curve and the strip below it.
fn field(
    sheet: &mut Sheet,
    subject: &Subject,
    track: &Track,
    (across, upwards): (&Across, &Upwards),
    top: f64,
) -> Shown {
    let words = Words::of(subject.language);
    let (phases, faults) = (curve::phases(track, across), curve::faults(track, across));
    let strip = top + CURVE_HEIGHT;
    curve::tints(sheet, &phases, top);
    if subject.contact {
        curve::contact_names(sheet, upwards, RIGHT, subject.invert, words);
    } else {
        curve::load_ticks(sheet, upwards, LEFT, RIGHT, subject.invert);
    }
    let gaps = curve::load(sheet, track, across, upwards, top);
    curve::strip(sheet, &phases, strip);
    curve::hatch(sheet, &faults, top, CURVE_HEIGHT + STRIP_HEIGHT);
    curve::names(sheet, &phases, strip, words);
    let levels = !subject.contact && track.columns().any(|(_, _, column)| column.levels.is_some());
    if levels {
        curve::levels(sheet, track, across, upwards, RIGHT, words);
    }
    sheet.line((LEFT, strip), (RIGHT, strip), INK, "");
    for (y, height) in [(top, CURVE_HEIGHT), (strip, STRIP_HEIGHT)] {
        sheet.framed((LEFT, y), (RIGHT - LEFT, height), "none");
    }
    Shown { faults: !faults.is_empty(), gaps, levels }
}

/// Lists the events, or says that there are none; returns where the list ends.
fn events(sheet: &mut Sheet, subject: &Subject, marks: &[&super::marks::Mark], span: (i64, i64), top: f64) -> f64 {
    let words = Words::of(subject.language);
    let heading = if marks.is_empty() { words.no_events } else { words.events };
    sheet.bold(MARGIN, top, TEXT, Held::Left, heading);
    // A night has two dates and needs none of them; more days do.
    let days = span.1 - span.0 > 24 * 3_600_000;
    let texts = (words, subject.language);
    below::list(sheet, marks, (MARGIN, top + 26.0), (&subject.zone, days), texts)
}

/// Says what the picture does not show; returns where it ends.
fn notes(sheet: &mut Sheet, upwards: &Upwards, marks: &Marks, top: f64, words: &Words) -> f64 {
    let left_out = (marks.left_out() > 0).then(|| format!("{} {}", marks.left_out(), words.left_out));
    let beyond = upwards.beyond.then(|| words.beyond.to_owned());
    let mut y = top;
    for note in [left_out, beyond].into_iter().flatten() {
        sheet.text(MARGIN, y, SMALL, Held::Left, &note);
        y += 18.0;
    }
    y
}

/// The bed and its night, and when exactly that was.
fn title(subject: &Subject, (first, last): (i64, i64), words: &Words) -> (String, String) {
    let clock = if last - first < SECONDS_BELOW_MS { "%H:%M:%S" } else { "%H:%M" };
    let local = |ms: i64| subject.zone.to_datetime(Timestamp::from_millisecond(ms).unwrap_or_default());
    let (first, last) = (local(first), local(last));
    let date = if first.date() == last.date() { String::new() } else { format!("{} ", last.date()) };
    let (from, to) = (first.strftime(clock), last.strftime(clock));
    let zone = subject.zone.iana_name().unwrap_or("UTC");
    let when = format!("{} {from} – {date}{to} ({zone})", first.date());
    (format!("{} {}, {}", words.bed, subject.bed, first.date()), when)
}
