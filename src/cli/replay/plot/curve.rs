//! The upper part of a picture: load, levels and thresholds, gaps and faults, and the strip of phases below. PURE.

use super::scale::{Across, Upwards};
use super::sheet::{FAINT, Held, INK, SMALL, Sheet, short, text_width};
use super::track::{Column, Load, PHASES, Track};
use super::words::Words;
use crate::detect::ViewPhase;

/// How high the field of the curve is.
pub(super) const CURVE_HEIGHT: f64 = 250.0;

/// How high the strip of phases is.
pub(super) const STRIP_HEIGHT: f64 = 26.0;

/// How far labels beside the curve keep from each other.
const LABEL_APART: f64 = 13.0;

/// How wide a fault is drawn at the least.
const FAULT_WIDTH_MIN: f64 = 2.0;

/// The colour of levels and thresholds.
pub(super) const LEVELS: &str = "#a3004c";

/// A level is drawn anew where it has moved this far, in the picture's units.
const LEVEL_STEP: f64 = 0.5;

/// Returns what a phase is filled with. Colours of Okabe and Ito, told apart by the colour-blind; in black and white
/// they differ by their patterns.
pub(super) const fn fill(phase: ViewPhase) -> &'static str {
    match phase {
        ViewPhase::Unknown => "#c8c8c8",
        ViewPhase::Empty => "#ffffff",
        ViewPhase::Settling => "url(#settling)",
        ViewPhase::InBed => "#0072b2",
        ViewPhase::Edge => "url(#edge)",
        ViewPhase::Leaving => "url(#leaving)",
    }
}

/// The tint of a phase behind the curve.
const fn tint(phase: ViewPhase) -> Option<&'static str> {
    match phase {
        ViewPhase::Unknown => Some("#ececec"),
        ViewPhase::Empty => None,
        ViewPhase::Settling => Some("#eaf5fc"),
        ViewPhase::InBed => Some("#d9eaf5"),
        ViewPhase::Edge => Some("#fbeccb"),
        ViewPhase::Leaving => Some("#f9dccb"),
    }
}

/// Takes the patterns of phases and faults into the sheet.
pub(super) fn patterns(sheet: &mut Sheet) {
    sheet.pattern("settling", 5.0, "#9ad1f2", "M0,2.5H5", "#ffffff");
    sheet.pattern("edge", 6.0, "#e69f00", "M1,3H3M4,0H6M4,6H6", "#1a1a1a");
    sheet.pattern("leaving", 5.0, "#d55e00", "M2.5,0V5", "#ffffff");
    sheet.pattern("gap", 8.0, "#f4f4f4", "M2,2h1M6,6h1", "#999999");
    sheet.pattern("fault", 9.0, "none", "M-2,2L2,-2M0,9L9,0M7,11L11,7", "#1a1a1a");
}

/// A stretch of columns that have something in common: its first and last place across.
pub(super) struct Stretch<T> {
    pub what: T,
    pub from: f64,
    pub to: f64,
}

/// Returns the stretches in which a column says the same.
fn stretches<T: PartialEq + Copy>(
    track: &Track,
    across: &Across,
    says: impl Fn(&Column) -> Option<T>,
) -> Vec<Stretch<T>> {
    let mut stretches: Vec<Stretch<T>> = Vec::new();
    let mut goes_on = false;
    for (first, last, column) in track.columns() {
        let Some(what) = says(column) else {
            goes_on = false;
            continue;
        };
        let (from, to) = (across.at(first), across.at(last));
        match stretches.last_mut().filter(|stretch| goes_on && stretch.what == what) {
            Some(stretch) => stretch.to = to,
            None => stretches.push(Stretch { what, from, to }),
        }
        goes_on = true;
    }
    stretches
}

/// Returns the stretches of one phase each.
pub(super) fn phases(track: &Track, across: &Across) -> Vec<Stretch<ViewPhase>> {
    stretches(track, across, Column::phase)
}

/// Returns the stretches in which the mat could not be trusted.
pub(super) fn faults(track: &Track, across: &Across) -> Vec<Stretch<()>> {
    stretches(track, across, |column| column.faulty.then_some(()))
}

/// Draws the tints of the phases, from `top` down to the strip.
pub(super) fn tints(sheet: &mut Sheet, phases: &[Stretch<ViewPhase>], top: f64) {
    for phase in PHASES {
        if let Some(tint) = tint(phase) {
            sheet.blocks(&spans(phases, phase), (top, CURVE_HEIGHT), tint, "none");
        }
    }
}

/// Draws the strip of phases.
pub(super) fn strip(sheet: &mut Sheet, phases: &[Stretch<ViewPhase>], top: f64) {
    for phase in PHASES {
        sheet.blocks(&spans(phases, phase), (top, STRIP_HEIGHT), fill(phase), "none");
    }
}

fn spans(phases: &[Stretch<ViewPhase>], phase: ViewPhase) -> Vec<(f64, f64)> {
    let of_phase = phases.iter().filter(|stretch| stretch.what == phase);
    of_phase.map(|stretch| (stretch.from, stretch.to)).collect()
}

/// Writes the names of the phases into their strip, where there is room.
pub(super) fn names(sheet: &mut Sheet, phases: &[Stretch<ViewPhase>], top: f64, words: &Words) {
    for stretch in phases {
        let colours = match stretch.what {
            ViewPhase::InBed => ("#ffffff", fill(stretch.what)),
            ViewPhase::Unknown => (INK, fill(stretch.what)),
            // On a pattern, words are read on a light ground.
            ViewPhase::Empty | ViewPhase::Settling | ViewPhase::Edge | ViewPhase::Leaving => (INK, "#ffffff"),
        };
        let name = words.phase(stretch.what);
        if text_width(name, SMALL) + 6.0 <= stretch.to - stretch.from {
            let place = (f64::midpoint(stretch.from, stretch.to), top + STRIP_HEIGHT / 2.0 + 4.0);
            sheet.haloed(place, SMALL, colours, name);
        }
    }
}

/// Hatches the stretches in which the mat could not be trusted; none is too short to be seen.
pub(super) fn hatch(sheet: &mut Sheet, faults: &[Stretch<()>], top: f64, height: f64) {
    let spans: Vec<(f64, f64)> =
        faults.iter().map(|stretch| (stretch.from, stretch.to.max(stretch.from + FAULT_WIDTH_MIN))).collect();
    sheet.blocks(&spans, (top, height), "url(#fault)", INK);
}

/// Draws the load, from least to most of each column; returns whether there are gaps in it.
///
/// Without a reading the last load holds, as a mat that sends on change means it; in a silence of another mat, or while
/// it cannot be trusted, there is a gap.
pub(super) fn load(sheet: &mut Sheet, track: &Track, across: &Across, upwards: &Upwards, top: f64) -> bool {
    let columns: Vec<(i64, i64, &Column)> = track.columns().collect();
    let mut piece: Vec<(f64, Load)> = Vec::new();
    let mut holding: Vec<(f64, Load)> = Vec::new();
    let mut gap: Option<f64> = None;
    let mut gaps = false;
    for (first, last, column) in columns {
        let (x, to) = (across.at(first), across.at(last));
        let Some(load) = column.load else {
            let held = piece.last().map(|(_, load)| load.last);
            match held.filter(|_| !column.faulty) {
                Some(held) if gap.is_none() => {
                    holding.push((to, Load { least: held, most: held, last: held }));
                }
                _ => {
                    // What was held until here was no silence, or it has been one all along.
                    gap = gap.or_else(|| Some(holding.first().map_or(x, |_| end(&piece, x))));
                    holding.clear();
                }
            }
            continue;
        };
        if column.broken && !holding.is_empty() {
            gap = Some(end(&piece, x));
        }
        if let Some(from) = gap.take() {
            sheet.rect((from, top), (x - from, CURVE_HEIGHT), "url(#gap)");
            gaps = true;
            shape(sheet, &std::mem::take(&mut piece), upwards);
            holding.clear();
        }
        piece.append(&mut holding);
        piece.push((f64::midpoint(x, to), load));
    }
    if let Some(from) = gap {
        let to = across.at(track.span().1);
        sheet.rect((from, top), (to - from, CURVE_HEIGHT), "url(#gap)");
        gaps = true;
    } else {
        piece.append(&mut holding);
    }
    shape(sheet, &piece, upwards);
    gaps
}

fn end(piece: &[(f64, Load)], otherwise: f64) -> f64 {
    piece.last().map_or(otherwise, |(x, _)| *x)
}

fn shape(sheet: &mut Sheet, piece: &[(f64, Load)], upwards: &Upwards) {
    let above = piece.iter().map(|(x, load)| (*x, upwards.at(load.most)));
    let below = piece.iter().rev().map(|(x, load)| (*x, upwards.at(load.least)));
    let mut points: Vec<(f64, f64)> = above.chain(below).collect();
    if let [only] = piece {
        // A single reading is a dot.
        points.push((only.0 + 1.0, upwards.at(only.1.last)));
    }
    if !points.is_empty() {
        sheet.shape(&points, INK);
    }
}

/// Draws the levels and thresholds with their names beside them, at `right`.
pub(super) fn levels(sheet: &mut Sheet, track: &Track, across: &Across, upwards: &Upwards, right: f64, words: &Words) {
    let mut labels: Vec<(f64, &str)> = Vec::new();
    for (which, (name, dashes)) in words.levels.iter().zip(["7 3", "2 3", "2 3", "7 3"]).enumerate() {
        let mut thread: Vec<(f64, f64)> = Vec::new();
        for (_, last, column) in track.columns() {
            let Some(level) = column.levels.and_then(|levels| levels.all().get(which).copied()) else { continue };
            let (x, y) = (across.at(last), upwards.at(level));
            match thread.last().copied() {
                Some((_, before)) if (before - y).abs() < LEVEL_STEP => {}
                Some(_) => thread.push((x, y)),
                None => thread.push((across.at(track_start(track, which)), y)),
            }
        }
        let Some((_, y)) = thread.last().copied() else { continue };
        thread.push((right, y));
        sheet.stairs(&format!("level{which}"), &thread, LEVELS, dashes);
        labels.push((y, name));
    }
    // From the lowest line upwards, each label keeps its distance from the one below it.
    let mut lowest = f64::INFINITY;
    for (y, name) in labels {
        lowest = (lowest - LABEL_APART).min(y);
        sheet.coloured((right + 6.0, lowest + 4.0), SMALL, Held::Left, LEVELS, name);
    }
}

/// Names what a contact says, at `right`: it has no levels.
pub(super) fn contact_names(sheet: &mut Sheet, upwards: &Upwards, right: f64, invert: bool, words: &Words) {
    let [empty, .., lying] = words.levels;
    // Load is counted upwards: an inverted contact says -1 for empty and 0 for occupied.
    let least = if invert { -1.0 } else { 0.0 };
    for (load, name) in [(least, empty), (least + 1.0, lying)] {
        sheet.text(right + 6.0, upwards.at(load) + 4.0, SMALL, Held::Left, name);
    }
}

/// When a level was first known.
fn track_start(track: &Track, which: usize) -> i64 {
    let known = |column: &Column| column.levels.is_some_and(|levels| levels.all().get(which).is_some());
    track.columns().find(|(_, _, column)| known(column)).map_or(track.span().0, |(first, _, _)| first)
}

/// Draws the ticks of the loads, left of `left`. `invert`: the sensor's own numbers fall with load.
pub(super) fn load_ticks(sheet: &mut Sheet, upwards: &Upwards, left: f64, right: f64, invert: bool) {
    let (ticks, decimals) = upwards.ticks();
    for load in ticks {
        let y = upwards.at(load);
        sheet.line((left, y), (right, y), "#dddddd", "");
        let own = if invert { -load } else { load } + 0.0;
        sheet.add(
            svg::node::element::Text::new(format!("{own:.decimals$}"))
                .set("x", short(left - 6.0))
                .set("y", short(y + 4.0))
                .set("font-size", short(SMALL))
                .set("text-anchor", "end")
                .set("fill", FAINT),
        );
    }
}
