//! A report as text, CSV and JSON. PURE.

use std::fmt::Write as _;

use serde::Serialize;

use super::night::Night;
use super::words::Words;
use crate::cli::words::{indented_to, json_line};

/// How wide the name of a line is in text.
const NAME: usize = 11;

/// Writes a report for reading on a terminal of so many columns.
pub(super) fn text(nights: &[Night], words: &Words, columns: usize) -> String {
    let mut text = String::new();
    for night in nights {
        let title = words.say("natten mot", "night before");
        let next = night.evening.tomorrow().unwrap_or(night.evening);
        // Writing to a text cannot fail.
        let _always = writeln!(text, "{}  {title} {next}", night.bed);
        let lines = words.lines(night);
        if lines.is_empty() {
            let _always = writeln!(text, "  {}", words.say("inget är känt", "nothing is known"));
        }
        for (name, line) in lines {
            let body = indented_to(&line, &" ".repeat(NAME + 3), columns);
            let _always = write!(text, "  {name:NAME$} {}", body.trim_start());
        }
        text.push('\n');
    }
    text
}

/// The columns of the CSV.
const HEADER: &str =
    "bed,night,in_bed_min,rises,absences,longest_absence_min,alarms,slowest_acceptance_s,faults,not_watched_min\n";

/// Writes a row a bed and night; what is not known is empty.
pub(super) fn csv(nights: &[Night]) -> String {
    let mut text = HEADER.to_owned();
    for night in nights {
        let minutes = |spans: &[super::night::Span]| -> Vec<i64> {
            spans.iter().map(|span| span.length(night.bounds).as_mins()).collect()
        };
        let shown = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
        let slowest = night.alarms.iter().filter_map(|alarm| alarm.accepted_after_s).max();
        let row = [
            night.bed.to_string(),
            night.evening.to_string(),
            minutes(&night.in_bed).iter().sum::<i64>().to_string(),
            night.rises.to_string(),
            night.absences.len().to_string(),
            shown(minutes(&night.absences).into_iter().max()),
            night.alarms.len().to_string(),
            shown(slowest),
            night.faults.len().to_string(),
            night.not_watched_min.to_string(),
        ];
        text.push_str(&row.join(","));
        text.push('\n');
    }
    text
}

/// Writes one JSON object.
pub(super) fn json(nights: &[Night]) -> String {
    #[derive(Serialize)]
    struct Report<'a> {
        nights: &'a [Night],
    }
    json_line(&Report { nights })
}
