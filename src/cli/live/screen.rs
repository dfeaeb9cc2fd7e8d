//! Draws the full screen, row by row, for any size from 40 by 10. PURE.

use jiff::Timestamp;

use super::curve::{Dots, Field};
use super::scene::{Happening, Over, SHOWN_S, Scene};
use crate::cli::demo::{Ink, Look};
use crate::cli::wire::{span, wall};
use crate::cli::words::COLUMNS_TABLE;
use crate::control::protocol::Sight;
use crate::control::status::{Channel, ChannelState, Phase};
use crate::model::MatHealth;

/// The room for the numbers beside the curve.
const SCALE_COLUMNS: usize = 8;

/// What the keys do.
const HELP: [&str; 9] = [
    "p      pause this bed while staff are in the room, or end the pause",
    "m      set a mark in the curve and in the list, to compare with what you do",
    "Tab    the next bed",
    "?      this help, and back",
    "q      quit (Ctrl-C does the same)",
    "",
    "Dotted lines: at `leave` or below nobody lies there, at `enter` or above",
    "somebody does; `empty` and `lying` are the levels that are known.",
    "Readings are shown here only, and are not stored.",
];

/// The same on a phone.
const HELP_NARROW: [&str; 8] = [
    "p    pause this bed, or go on",
    "m    a mark in curve and list",
    "Tab  the next bed",
    "?    this help, and back",
    "q    quit (Ctrl-C too)",
    "`leave` or below: nobody is there",
    "`enter` or above: somebody is",
    "Readings are not stored.",
];

/// How the screen may look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub look: Look,
    pub dots: Dots,
}

/// Draws everything.
pub(super) fn draw(scene: &Scene, (columns, rows): (usize, usize), style: Style) -> Vec<String> {
    let listed = if rows >= 20 { 6 } else { 3 };
    let mut drawn = head(scene, columns, style.look);
    drawn.push(numbers(scene, columns));
    let curve = rows.saturating_sub(listed + drawn.len() + 4).max(1);
    let help: &[&str] = if is_narrow(columns) { &HELP_NARROW } else { &HELP };
    match scene.over {
        Over::Help => drawn.extend((0..=curve).map(|row| fit(&format!("  {}", help.get(row).unwrap_or(&"")), columns))),
        Over::Nothing | Over::Pause => {
            drawn.extend(chart(scene, columns, curve, style));
            drawn.push(axis(columns));
        }
    }
    drawn.push(style.look.paint(Ink::Dim, &fit("What happened", columns)));
    drawn.extend(list(scene, columns, listed, style.look));
    drawn.push(foot(scene, columns, style.look));
    drawn.push(keys(scene, columns, style.look));
    drawn.truncate(rows);
    drawn
}

fn is_narrow(columns: usize) -> bool {
    columns < COLUMNS_TABLE
}

/// One row; two on a phone.
fn head(scene: &Scene, columns: usize, look: Look) -> Vec<String> {
    let bed = scene.bed.map_or("…".to_owned(), |bed| bed.to_string());
    let time = scene.now.to_zoned(scene.zone.clone()).strftime("%H:%M:%S");
    let mut parts = vec![if is_narrow(columns) { bed } else { format!("{bed}  {time}") }];
    let mut ink = Ink::Bold;
    if let (Some(standing), Some(status)) = (scene.standing(), &scene.status) {
        let phase = scene.sights.back().map_or(standing.phase, |sight| sight.phase);
        let since = standing.since.filter(|_| phase == standing.phase);
        let since = since.map_or(String::new(), |since| format!(" since {}", wall(since, status.time, &scene.zone)));
        let watch = match (standing.paused_until, standing.watched) {
            (Some(until), _) => format!("PAUSED until {}", wall(until, status.time, &scene.zone)),
            (None, true) => "watched".to_owned(),
            (None, false) => "not watched now".to_owned(),
        };
        parts.extend([[phase.words(), &since].concat(), format!("mat: {}", standing.mat.as_str()), watch]);
        if matches!(standing.mat, MatHealth::Fault(_)) || phase == Phase::NoAnswer {
            ink = Ink::Alarm;
        }
    }
    let rows = if is_narrow(columns) {
        let (who, how) = parts.split_at(parts.len().min(2));
        vec![who.join(": "), how.join(" | ")]
    } else {
        vec![parts.join(" | ")]
    };
    rows.iter().map(|words| look.paint(ink, &fit(words, columns))).collect()
}

fn numbers(scene: &Scene, columns: usize) -> String {
    let Some(sight) = scene.sights.back() else {
        return fit("No reading yet.", columns);
    };
    let number = |value: Option<f64>| value.map_or("?".to_owned(), short);
    let value = sight.value.map_or("not usable".to_owned(), short);
    let words = match (sight.empty, sight.occupied) {
        (None, None) => format!("load {value}   levels are not known yet"),
        _ if is_narrow(columns) => {
            format!("load {value}  leave {}  enter {}", number(sight.leave), number(sight.enter))
        }
        (empty, occupied) => format!(
            "load {value}   empty {}  leave {}  enter {}  lying {}",
            number(empty),
            number(sight.leave),
            number(sight.enter),
            number(occupied)
        ),
    };
    fit(&words, columns)
}

/// Writes a number in up to seven characters.
fn short(value: f64) -> String {
    let digits = if value.abs() >= 1000.0 {
        0
    } else if value.abs() >= 10.0 {
        1
    } else {
        3
    };
    format!("{value:.digits$}")
}

fn chart(scene: &Scene, columns: usize, rows: usize, style: Style) -> Vec<String> {
    let width = columns.saturating_sub(SCALE_COLUMNS).max(1);
    let Some((low, high)) = extent(scene) else { return vec![String::new(); rows] };
    let mut field = Field::new(style.dots, width, rows);
    trace(scene, &mut field, low, high);
    let lines = thresholds(scene, rows, low, high);
    let marks: Vec<usize> = scene.marks.iter().filter_map(|(_, at)| place(*at, scene.now, width)).collect();
    let row = |row: usize| {
        let label = match row {
            0 => short(high),
            last if last + 1 == rows => short(low),
            row => lines.iter().find(|(at, _)| *at == row).map_or(String::new(), |(_, name)| (*name).to_owned()),
        };
        let mut text = format!("{label:>7} ");
        let is_line = lines.iter().any(|(at, _)| *at == row);
        for (column, lit) in field.row(row).enumerate() {
            let marked = marks.contains(&column);
            text.push(match (lit, style.dots) {
                (Some(lit), _) => lit,
                (None, Dots::Braille) if marked => '│',
                (None, Dots::Plain) if marked => '|',
                (None, Dots::Braille) if is_line => '┈',
                (None, Dots::Plain) if is_line => '-',
                (None, _) => ' ',
            });
        }
        text
    };
    (0..rows).map(row).collect()
}

/// Returns the least and the greatest value that is shown, with a little room.
fn extent(scene: &Scene) -> Option<(f64, f64)> {
    let last = scene.sights.back()?;
    let levels = [last.empty, last.occupied, last.leave, last.enter];
    let values = scene.sights.iter().filter(|sight| is_shown(sight, scene.now)).map(|sight| sight.value);
    let values = values.chain(levels).flatten().filter(|value| value.is_finite());
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let room = ((high - low) * 0.05).max(1e-3);
    (low <= high).then_some((low - room, high + room))
}

fn is_shown(sight: &Sight, now: Timestamp) -> bool {
    now.duration_since(sight.time).as_secs() <= SHOWN_S
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "places on a screen"
)]
fn height(value: f64, low: f64, high: f64, dots: usize) -> usize {
    let most = dots.saturating_sub(1) as f64;
    ((high - value) / (high - low) * most).round().clamp(0.0, most) as usize
}

/// Returns the column of a time; `None` where it is not shown any more.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "places on a screen"
)]
fn place(at: Timestamp, now: Timestamp, width: usize) -> Option<usize> {
    let ago = now.duration_since(at).as_secs_f64() / SHOWN_S as f64;
    let column = (width.saturating_sub(1) as f64 * (1.0 - ago)).round();
    (0.0..=1.0).contains(&ago).then_some(column as usize)
}

/// Draws the load from sight to sight; what could not be used leaves a gap.
fn trace(scene: &Scene, field: &mut Field, low: f64, high: f64) {
    let (width, dots) = field.size();
    let mut before: Option<(usize, usize)> = None;
    for sight in scene.sights.iter().filter(|sight| is_shown(sight, scene.now)) {
        let Some((x, value)) = place(sight.time, scene.now, width).zip(sight.value) else {
            before = None;
            continue;
        };
        let y = height(value, low, high, dots);
        let from = before.map_or((x, y), |(bx, by)| (bx.saturating_add(1).min(x), by));
        for x in from.0..x {
            field.light(x, from.1..=from.1);
        }
        field.light(x, from.1.min(y)..=from.1.max(y));
        before = Some((x, y));
    }
}

/// Returns the rows of the thresholds with their names; of two on one row the first.
fn thresholds(scene: &Scene, rows: usize, low: f64, high: f64) -> Vec<(usize, &'static str)> {
    let Some(sight) = scene.sights.back() else { return Vec::new() };
    let named = [(sight.enter, "enter"), (sight.leave, "leave"), (sight.occupied, "lying"), (sight.empty, "empty")];
    let mut lines: Vec<(usize, &'static str)> = Vec::new();
    for (value, name) in named {
        let Some(value) = value else { continue };
        let row = height(value, low, high, rows);
        // One row apart where both would lie on one: which is which matters more than the place to a dot.
        let row = if lines.iter().any(|(at, _)| *at == row) { row + 1 } else { row };
        lines.push((row, name));
    }
    lines
}

fn axis(columns: usize) -> String {
    let width = columns.saturating_sub(SCALE_COLUMNS).max(1);
    let (left, right) = (format!("{SHOWN_S} s ago"), "now");
    let gap = width.saturating_sub(left.len() + right.len());
    fit(&format!("{:SCALE_COLUMNS$}{left}{:gap$}{right}", "", ""), columns)
}

fn list(scene: &Scene, columns: usize, rows: usize, look: Look) -> Vec<String> {
    let told = |happening: &Happening| {
        let time = happening.at.to_zoned(scene.zone.clone()).strftime("%H:%M:%S");
        let Happening { words, delivery, .. } = happening;
        let texts = match (is_narrow(columns), delivery.is_empty()) {
            (false, _) => vec![format!("  {time}  {words:<28}  {delivery}")],
            (true, true) => vec![format!("{time} {words}")],
            (true, false) => vec![format!("{time} {words}"), format!("  {delivery}")],
        };
        let painted = |text: String| {
            let text = fit(&text, columns);
            if happening.urgent { look.paint(Ink::Alarm, &text) } else { text }
        };
        texts.into_iter().map(painted).collect::<Vec<_>>()
    };
    let mut lines: Vec<String> = scene.happenings.iter().flat_map(told).collect();
    lines.drain(..lines.len().saturating_sub(rows));
    lines.resize(rows, String::new());
    lines
}

fn foot(scene: &Scene, columns: usize, look: Look) -> String {
    if let Some(lost) = &scene.lost {
        return look.paint(Ink::Alarm, &fit(&format!("{lost}; trying again"), columns));
    }
    let Some(status) = &scene.status else { return fit("Dispatch: …", columns) };
    let channel = |channel: &Channel| {
        let state = match channel.state {
            ChannelState::Works => "works",
            ChannelState::Untried => "not tried yet",
            ChannelState::Down => "DOES NOT WORK",
        };
        let ago = |at: Timestamp| u64::try_from(status.time.duration_since(at).as_secs()).unwrap_or(0);
        let accepted = channel.accepted.filter(|_| !is_narrow(columns));
        let last = accepted.map_or(String::new(), |at| format!(", accepted {} ago", span(ago(at))));
        format!("{} {state}{last}, {} wait", channel.name, channel.waiting)
    };
    let words = status.channels.iter().map(channel).collect::<Vec<_>>().join("; ");
    let before = if is_narrow(columns) { "" } else { "Dispatch: " };
    let down = status.channels.iter().any(|channel| channel.state == ChannelState::Down);
    look.paint(if down { Ink::Alarm } else { Ink::Dim }, &fit(&format!("{before}{words}"), columns))
}

fn keys(scene: &Scene, columns: usize, look: Look) -> String {
    let paused = scene.standing().is_some_and(|bed| bed.paused_until.is_some());
    let words = match (scene.over, paused) {
        (Over::Pause, false) if is_narrow(columns) => "Pause:  1 30 min  2 1 h  3 2 h  else no",
        (Over::Pause, true) if is_narrow(columns) => "r go on  1 30 min  2 1 h  3 2 h  else no",
        (Over::Nothing | Over::Help, _) if is_narrow(columns) => "p pause m mark Tab next ? help q quit",
        (Over::Pause, false) => "Pause for:  1  30 min    2  1 h    3  2 h    any other key: no",
        (Over::Pause, true) => "The bed is paused.  r  end the pause    1  30 min    2  1 h    3  2 h    other: no",
        (Over::Nothing | Over::Help, _) => "p pause   m mark   Tab next bed   ? help   q quit",
    };
    look.paint(if scene.over == Over::Pause { Ink::Warning } else { Ink::Bold }, &fit(words, columns))
}

/// Cuts to the width, and replaces what would move the cursor.
fn fit(text: &str, columns: usize) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(columns).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Answer;

    const STYLE: Style = Style { look: Look { colour: false, live: true }, dots: Dots::Braille };

    fn time(seconds: i64) -> Timestamp {
        "2026-01-15T23:12:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(seconds)
    }

    fn sight(seconds: i64, value: f64) -> Answer {
        let (empty, occupied, leave, enter) = (Some(100.0), Some(600.0), Some(250.0), Some(275.0));
        let (bed, phase) = ("bed-1".parse().unwrap(), Phase::InBed);
        Answer::Sight(Sight { bed, time: time(seconds), value: Some(value), empty, occupied, leave, enter, phase })
    }

    fn minute() -> Scene {
        let mut scene = Scene::new(time(0));
        for second in -59..0 {
            scene.take(sight(second, if second < -20 { 600.0 } else { 100.0 }));
        }
        scene
    }

    #[test]
    fn the_screen_is_as_large_as_the_terminal_and_no_larger() {
        let mut scene = minute();
        for over in [Over::Nothing, Over::Help, Over::Pause] {
            scene.over = over;
            for size in [(80, 24), (40, 10), (200, 60), (20, 3), (1, 1)] {
                let drawn = draw(&scene, size, STYLE);
                assert!(drawn.len() <= size.1, "{} rows in {size:?}", drawn.len());
                if size.1 >= 10 {
                    assert_eq!(drawn.len(), size.1, "{over:?} {size:?}");
                }
                let widest = drawn.iter().map(|row| row.chars().count()).max().unwrap();
                assert!(widest <= size.0.max(SCALE_COLUMNS + 1), "{widest} columns in {size:?}");
            }
        }
    }

    #[test]
    fn a_phone_gets_whole_words() {
        let mut scene = minute();
        for over in [Over::Nothing, Over::Help, Over::Pause] {
            scene.over = over;
            let drawn = draw(&scene, (40, 20), STYLE);
            assert_eq!(drawn.len(), 20, "{drawn:#?}");
            let wide = draw(&scene, (59, 20), STYLE);
            let cut = drawn.iter().zip(&wide).filter(|(narrow, wide)| {
                let is_curve = narrow.contains(['┈', '⠉', '⣀', '⡇']) || narrow.contains("s ago");
                !is_curve && narrow.trim_end() != wide.trim_end()
            });
            assert_eq!(cut.count(), 0, "{drawn:#?}\n{wide:#?}");
            let last = drawn.iter().any(|row| row.contains(HELP_NARROW[HELP_NARROW.len() - 1]));
            assert_eq!(last, over == Over::Help, "{drawn:#?}");
        }
    }

    #[test]
    fn the_curve_falls_where_the_load_falls_and_thresholds_have_their_names() {
        let drawn = draw(&minute(), (80, 24), Style { dots: Dots::Plain, ..STYLE });
        let chart = &drawn[2..14];
        let columns_lit = |row: &str| {
            row.chars().skip(SCALE_COLUMNS).enumerate().filter(|(_, c)| *c == '*').map(|(at, _)| at).collect::<Vec<_>>()
        };
        let (top, bottom) = (columns_lit(&chart[1]), columns_lit(&chart[10]));
        let (top, bottom) = (if top.is_empty() { columns_lit(&chart[0]) } else { top }, bottom);
        assert!(top.first() < bottom.first() && top.last() <= bottom.first(), "{drawn:#?}");
        for name in ["enter", "leave"] {
            assert!(chart.iter().any(|row| row.contains(name)), "{name}: {drawn:#?}");
        }
    }

    #[test]
    fn what_happened_says_what_became_of_it_and_control_characters_go_nowhere() {
        let mut scene = minute();
        let event = |kind: &str, detail: &str| {
            serde_json::from_value(serde_json::json!({
                "time": "2026-01-15T23:11:40Z", "decided": "2026-01-15T23:11:41Z", "bed": "bed-1", "kind": kind,
                "watched": true, "fault": "silent", "detail": detail,
            }))
            .unwrap()
        };
        let id: crate::model::AlertId = "7K2M9Q4T0XW5B8ZC".parse().unwrap();
        scene.take(Answer::Event { event: event("rise", "x\x1b[2J"), alert: Some(id) });
        scene.take(Answer::Accepted { alert: id, channel: "larmcentral".to_owned(), at: time(-19) });
        scene.mark();
        let drawn = draw(&scene, (80, 24), STYLE).join("\n");
        assert!(drawn.contains("23:11:40  rise: x [2J"), "{drawn}");
        assert!(drawn.contains("larmcentral has it after 1.000 s"), "{drawn}");
        assert!(drawn.contains("mark 1") && !drawn.contains('\x1b'), "{drawn}");
    }
}
