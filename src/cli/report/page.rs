//! A report as one page of HTML with pictures, complete in itself, that prints well also in black and white. PURE.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::night::{Night, Span};
use super::words::Words;
use crate::model::Language;

/// The size of a picture, in its own unit.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 44.0;

/// Where the bar of a picture lies.
const BAR: (f64, f64) = (6.0, 20.0);

const STYLE: &str = "\
body{font:15px/1.4 sans-serif;margin:2em auto;max-width:60em;padding:0 1em;color:#000;background:#fff}
h1{font-size:1.4em}h2{font-size:1.1em;margin:1.6em 0 .2em}section{break-inside:avoid}
svg{width:100%;height:auto}table{border-collapse:collapse;width:100%}
th{text-align:left;font-weight:normal;color:#444;width:8em;vertical-align:top;padding:.1em .6em .1em 0}
td{vertical-align:top;padding:.1em 0}footer{margin-top:2em;color:#444;font-size:.9em}
@media print{body{margin:0;font-size:11px}}";

/// Writes the page.
pub(super) fn page(nights: &[Night], words: &Words) -> String {
    let title = words.say("Nätter", "Nights");
    let language = match words.language {
        Language::Sv => "sv",
        Language::En => "en",
    };
    let zone = words.zone.iana_name().unwrap_or("UTC");
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>nattvakt: {title}</title>\n\
         <style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n"
    );
    for night in nights {
        section(&mut page, night, words);
    }
    let legend = words.say(
        "Ifyllt: i sängen. Randigt: obevakad (fel eller paus). Streck uppåt: larm. Tider i",
        "Filled: in bed. Striped: not watched (fault or pause). Strokes upward: alarms. Times in",
    );
    // Writing to a text cannot fail.
    let _always = write!(page, "<footer>{legend} {zone}.</footer>\n</body></html>\n");
    page
}

fn section(page: &mut String, night: &Night, words: &Words) {
    let title = words.say("natten mot", "night before");
    let next = night.evening.tomorrow().unwrap_or(night.evening);
    let _always = writeln!(page, "<section><h2>{} – {title} {next}</h2>", escaped(night.bed.as_str()));
    picture(page, night, words);
    page.push_str("<table>");
    let lines = words.lines(night);
    if lines.is_empty() {
        let _always = write!(page, "<tr><td>{}</td></tr>", words.say("inget är känt", "nothing is known"));
    }
    for (name, text) in lines {
        let _always = write!(page, "<tr><th scope=\"row\">{name}</th><td>{}</td></tr>", escaped(&text));
    }
    page.push_str("</table></section>\n");
}

fn picture(page: &mut String, night: &Night, words: &Words) {
    let at = |time: Timestamp| place(time, night.bounds);
    let (top, height) = BAR;
    let label = words.say("natten som bild", "the night as a picture");
    // Every picture brings its stripes: a part of the page may be printed alone.
    let id = format!("s-{}-{}", night.bed, night.evening);
    let _always = write!(
        page,
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{label}\"><defs><pattern id=\"{id}\" width=\"6\" \
         height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><path d=\"M0 0V6\" stroke=\"#000\" \
         stroke-width=\"2\"/></pattern></defs><rect x=\"0\" y=\"{top}\" width=\"{WIDTH}\" height=\"{height}\" fill=\"#eee\"/>"
    );
    let mut bar = |span: &Span, fill: &str| {
        let (from, to) = (span.from.map_or(0.0, at), span.to.map_or(WIDTH, at));
        let width = (to - from).max(1.0);
        let _always = write!(
            page,
            "<rect x=\"{from:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"{height}\" fill=\"{fill}\"/>"
        );
    };
    night.in_bed.iter().for_each(|span| bar(span, "#7a9cc6"));
    let stripes = format!("url(#{id})");
    night.faults.iter().map(|fault| &fault.span).chain(&night.paused).for_each(|span| bar(span, &stripes));
    for alarm in &night.alarms {
        let x = at(alarm.time);
        let _always = write!(page, "<path d=\"M{x:.1} 0V{:.1}\" stroke=\"#b00\" stroke-width=\"2.5\"/>", top + height);
    }
    hours(page, night, words);
    page.push_str("</svg>");
}

/// Writes the hours below the bar, every third one.
fn hours(page: &mut String, night: &Night, words: &Words) {
    let (from, to) = night.bounds;
    let hour = jiff::SignedDuration::from_hours(3);
    let marks = std::iter::successors(Some(from), |at| at.checked_add(hour).ok()).take_while(|at| *at < to);
    for mark in marks {
        let x = place(mark, night.bounds);
        let _always = write!(
            page,
            "<path d=\"M{x:.1} {:.1}v4\" stroke=\"#444\"/><text x=\"{:.1}\" y=\"42\" font-size=\"11\" fill=\"#444\">{}</text>",
            BAR.0 + BAR.1,
            x + 2.0,
            words.time(mark)
        );
    }
}

/// Returns where a time lies in the picture.
fn place(time: Timestamp, (from, to): (Timestamp, Timestamp)) -> f64 {
    let share = time.duration_since(from).as_secs_f64() / to.duration_since(from).as_secs_f64();
    share.clamp(0.0, 1.0) * WIDTH
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
