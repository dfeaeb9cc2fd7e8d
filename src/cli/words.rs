//! How commands print: to a pipe that may close, wrapped for a small terminal, or as JSON.

use std::io::{self, Write};
use std::os::fd::AsFd;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::termios::tcgetwinsize;
use serde::Serialize;

use super::{Failure, narrow};
use crate::model::{Event, Kind, Language};

/// The longest line of running text: fits into 80 columns.
const COLUMNS: usize = 78;

/// The columns of the usual terminal; more are not used.
pub(super) const COLUMNS_USUAL: usize = 80;

/// Narrower than this nothing can be read anyway.
const COLUMNS_MIN: usize = 30;

/// Returns the columns of a terminal, 80 at most, so that a phone is written to as well; 80 where it is none.
pub(super) fn columns(of: impl AsFd) -> usize {
    let said = tcgetwinsize(of).map_or(0, |size| size.ws_col.into());
    if said == 0 { COLUMNS_USUAL } else { said.clamp(COLUMNS_MIN, COLUMNS_USUAL) }
}

/// Below so many columns a table is told in words, a line or two a row.
pub(super) const COLUMNS_TABLE: usize = 60;

/// Breaks what is for people, on stdout, between words where the terminal is too narrow for it. A pipe gets it as it stands.
pub(super) fn fit(text: &str) -> String {
    fit_on(text, io::stdout())
}

/// As [`fit`], for what a command asks on stderr.
pub(super) fn fit_asked(text: &str) -> String {
    fit_on(text, io::stderr())
}

fn fit_on(text: &str, of: impl AsFd) -> String {
    let columns = tcgetwinsize(of).map_or(0, |size| size.ws_col.into());
    if columns == 0 { text.to_owned() } else { narrow::fit_to(text, columns) }
}

/// Prints a result to stdout. That whoever reads has seen enough, as `head` does, is no failure.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    print_on(text).map(drop)
}

/// As [`print()`]; tells whether anybody still reads.
pub(super) fn print_on(text: &str) -> Result<bool, Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::failed(error)),
        written => Ok(written.is_ok()),
    }
}

/// Tells on stderr what is no result, as [`fit`] does. Where that cannot be written nobody is there to be told.
pub(super) fn say(text: &str) {
    let mut err = io::stderr().lock();
    let text = fit_on(text, &err);
    drop(err.write_all(text.as_bytes()).and_then(|()| err.flush()));
}

/// Reads a language as commands take it.
pub(super) fn language(text: &str) -> Result<Language, String> {
    [Language::Sv, Language::En].into_iter().find(|language| language.to_string() == text).ok_or("sv or en".to_owned())
}

/// Returns what stands before a command that is to be typed next, where this one needed it too.
pub(super) fn sudo() -> &'static str {
    if nix::unistd::Uid::effective().is_root() { "sudo " } else { "" }
}

/// Writes a value as one line of JSON.
pub(super) fn json_line(value: &impl Serialize) -> String {
    let mut line = serde_json::to_string(value).expect("what commands print has text keys only");
    line.push('\n');
    line
}

/// Counts things, as "1 bed" or "2 beds".
pub(super) fn many(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// Breaks a paragraph into lines, each ended, for a terminal of so many columns.
pub(super) fn wrapped(paragraph: &str, columns: usize) -> String {
    indented_to(paragraph, "", columns)
}

/// As [`wrapped`], with the same blanks before every line.
pub(super) fn indented_to(paragraph: &str, blanks: &str, columns: usize) -> String {
    narrow::fill(paragraph, blanks, columns.saturating_sub(COLUMNS_USUAL - COLUMNS))
}

/// Says what an event is about, behind its kind: which fault, why, since when, and what else a technician should know.
pub(super) fn about(event: &Event, zone: &TimeZone) -> String {
    let wall = |time: Timestamp| time.to_zoned(zone.clone()).strftime("%H:%M").to_string();
    let kind = match &event.kind {
        Kind::SensorFault(fault) | Kind::SensorRestored(fault) => fault.to_string(),
        Kind::GatewayFault(fault) | Kind::GatewayRestored(fault) => fault.to_string(),
        Kind::NotInBed(reason) => reason.to_string(),
        Kind::Paused { until } => format!("until {}", wall(*until)),
        Kind::Resumed { reason, occupied } => format!("{reason}, {}", if *occupied { "in bed" } else { "bed empty" }),
        Kind::Started { count } if *count > 1 => format!("{count} times"),
        Kind::Started { .. }
        | Kind::InBed
        | Kind::Edge
        | Kind::Rise
        | Kind::Return
        | Kind::NotReturned
        | Kind::NotUp
        | Kind::Heartbeat(_)
        | Kind::Test => String::new(),
    };
    let parts = [
        kind,
        event.zone.map_or(String::new(), |zone| format!("zone {zone}")),
        event.not_before.map_or(String::new(), |time| format!("not before {}", wall(time))),
        event.folded.map_or(String::new(), |folded| format!("one for {} of them", folded.count)),
        if event.trusted { String::new() } else { "clock not trusted".to_owned() },
        event.detail.clone().unwrap_or_default(),
    ];
    let words = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
    // A broker's or a receiver's words may be part of it: nothing of theirs steers a terminal.
    words.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_fits_into_80_columns_and_loses_no_word() {
        let words = "bevakas från ".repeat(40);
        let text = indented_to(&words, "  ", COLUMNS_USUAL);
        assert!(
            text.lines()
                .all(|line| line.chars().count() <= COLUMNS && line.starts_with("  b") || line.starts_with("  f"))
        );
        assert_eq!(text.split_whitespace().count(), 80);
        assert_eq!(wrapped("", 80), "");
        assert_eq!(wrapped(&"x".repeat(200), 80).trim_end().len(), 200);
        assert!(wrapped(&words, 40).lines().all(|line| line.chars().count() <= 38));
    }
}
