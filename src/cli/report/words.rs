//! The words of a report, in the gateway's language, and how times and spans are written. PURE.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::night::{Night, Span};
use crate::model::Language;

/// How a report is written.
#[derive(Debug, Clone)]
pub(super) struct Words {
    pub(super) language: Language,
    pub(super) zone: TimeZone,
}

impl Words {
    /// Picks one of two texts.
    pub(super) fn say<'t>(&self, sv: &'t str, en: &'t str) -> &'t str {
        match self.language {
            Language::Sv => sv,
            Language::En => en,
        }
    }

    /// Writes a time of the night.
    pub(super) fn time(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%H:%M").to_string()
    }

    /// Writes a span; an end that lies outside of the night is left open.
    pub(super) fn span(&self, span: &Span) -> String {
        let end = |at: Option<Timestamp>| at.map_or_else(|| "…".to_owned(), |at| self.time(at));
        format!("{}–{}", end(span.from), end(span.to))
    }

    /// Returns what an alarm is called.
    pub(super) fn alarm<'t>(&self, kind: &'t str) -> &'t str {
        match kind {
            "rise" => self.say("gick upp", "got up"),
            "not-returned" => self.say("inte tillbaka", "not back"),
            "not-in-bed" => self.say("inte i säng", "not in bed"),
            "not-up" => self.say("inte uppe", "not up"),
            other => other,
        }
    }

    /// Tells a night line by line: what, and when. Nothing is said of what was not.
    pub(super) fn lines(&self, night: &Night) -> Vec<(&str, String)> {
        let joined = |parts: Vec<String>| parts.join(", ");
        let spans = |spans: &[Span]| joined(spans.iter().map(|span| self.span(span)).collect());
        let long = |span: &Span| format!("{} ({})", self.span(span), length(span.length(night.bounds)));
        let alarm = |alarm: &super::night::Alarm| {
            let seconds = alarm.accepted_after_s;
            let accepted = seconds.map(|s| format!(" ({} {s} s)", self.say("mottaget efter", "accepted after")));
            format!("{} {}{}", self.time(alarm.time), self.alarm(alarm.kind), accepted.unwrap_or_default())
        };
        let faults = night.faults.iter().map(|fault| format!("{} {}", fault.fault, self.span(&fault.span)));
        let lost = SignedDuration::from_mins(night.not_watched_min);
        let lines = [
            (self.say("I sängen", "In bed"), spans(&night.in_bed)),
            (self.say("Gick upp", "Got up"), if night.rises == 0 { String::new() } else { night.rises.to_string() }),
            (self.say("Borta", "Away"), joined(night.absences.iter().map(long).collect())),
            (self.say("Larm", "Alarms"), joined(night.alarms.iter().map(alarm).collect())),
            (self.say("Fel", "Faults"), joined(faults.collect())),
            (self.say("Pausad", "Paused"), spans(&night.paused)),
            (self.say("Obevakad", "Unwatched"), if night.not_watched_min == 0 { String::new() } else { length(lost) }),
        ];
        lines.into_iter().filter(|(_, text)| !text.is_empty()).collect()
    }
}

/// Writes how long something was.
fn length(length: SignedDuration) -> String {
    let minutes = length.as_mins();
    if minutes < 60 { format!("{minutes} min") } else { format!("{} h {:02} min", minutes / 60, minutes % 60) }
}
