//! Findings as people read them: file, line and column, what is wrong, the place with carets under it, the way out.
//!
//! Bounded: at most [`SHOWN_MAX`] findings, lines cut around the place. Nothing of the file can move the cursor.

use std::fmt;

use super::finding::{Finding, Severity};

/// The most findings that are printed; the rest are counted.
pub const SHOWN_MAX: usize = 50;

/// How many characters of a line are shown.
const LINE_CHARS_MAX: usize = 100;

/// What a tab becomes.
const TAB: &str = "    ";

/// Everything found in one file, in the order of the file. Its `Display` is what `check` prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    name: String,
    text: String,
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(name: &str, text: &str, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| (finding.span.start, finding.severity));
        findings.dedup();
        Self { name: name.chars().map(visible).collect(), text: text.to_owned(), findings }
    }

    /// Returns the file's name as it is shown.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the findings in the order of the file.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Returns how many mistakes there are.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    /// Returns how many warnings there are.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Returns line and column of a finding, both from 1, the column in characters.
    #[must_use]
    pub fn place(&self, finding: &Finding) -> (usize, usize) {
        let place = Place::of(&self.text, finding);
        (place.line, place.column)
    }

    /// Returns a finding as one line without the source: for a log or a fault.
    #[must_use]
    pub fn line(&self, finding: &Finding) -> String {
        let (line, column) = self.place(finding);
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        format!("{}:{line}:{column}: {severity}: {}", self.name, finding.message)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in self.findings.iter().take(SHOWN_MAX) {
            self.write(finding, f)?;
        }
        match self.findings.len().checked_sub(SHOWN_MAX) {
            None | Some(0) => Ok(()),
            Some(more) => writeln!(f, "{}: and {more} more; mend these first", self.name),
        }
    }
}

impl Report {
    fn write(&self, finding: &Finding, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.line(finding))?;
        let place = Place::of(&self.text, finding);
        let number = place.line.to_string();
        let gutter = " ".repeat(number.len());
        let (shown, before, under) = place.excerpt();
        if !shown.trim().is_empty() {
            writeln!(f, "{gutter} |\n{number} | {shown}\n{gutter} | {}{}", " ".repeat(before), "^".repeat(under))?;
        }
        writeln!(f, "{gutter} = help: {}", finding.help)
    }
}

/// Where a finding stands: its line, and the part of it that is meant.
struct Place<'a> {
    line: usize,
    column: usize,
    source: &'a str,
    width: usize,
}

impl<'a> Place<'a> {
    fn of(text: &'a str, finding: &Finding) -> Self {
        let start = floor(text, finding.span.start);
        let end = floor(text, finding.span.end).max(start);
        let before = text.get(..start).unwrap_or_default();
        let head = before.rfind('\n').map_or(0, |newline| newline + 1);
        let source = text.get(head..).unwrap_or_default().split('\n').next().unwrap_or_default();
        let source = source.strip_suffix('\r').unwrap_or(source);
        let tail = (head + source.len()).max(start).min(end);
        Self {
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before.get(head..).unwrap_or_default().chars().count() + 1,
            source,
            width: text.get(start..tail).unwrap_or_default().chars().count(),
        }
    }

    /// Returns the line as shown, how many characters stand before the place, and how many are underlined.
    fn excerpt(&self) -> (String, usize, usize) {
        let skipped = self.column.saturating_sub(1 + LINE_CHARS_MAX / 2);
        let source = without_login(self.source);
        let mut rest = source.chars().skip(skipped);
        let mut shown = String::from(if skipped == 0 { "" } else { "…" });
        let (mut before, mut under, mut at) = (shown.chars().count(), 0, skipped + 1);
        for character in rest.by_ref().take(LINE_CHARS_MAX) {
            let width = put(character, &mut shown);
            if at < self.column {
                before += width;
            } else if at < self.column + self.width {
                under += width;
            }
            at += 1;
        }
        if rest.next().is_some() {
            shown.push('…');
        }
        (shown, before, under.max(1))
    }
}

/// Puts dots over user and password of every address in a line: what is shown goes to logs and to dispatch.
fn without_login(source: &str) -> String {
    let mut pieces = source.split("://");
    let mut shown = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        // A password may hold an `@` itself, and anything else that ends no text.
        let end = piece.find(['"', '\'', ' ']).unwrap_or(piece.len());
        let login = piece.get(..end).and_then(|address| address.rfind('@')).unwrap_or(0);
        let (login, rest) = piece.split_at(login);
        shown.push_str("://");
        shown.extend(login.chars().map(|_| '•'));
        shown.push_str(rest);
    }
    shown
}

/// Adds a character as it is shown, and returns how many places it takes.
fn put(character: char, shown: &mut String) -> usize {
    if character == '\t' {
        shown.push_str(TAB);
        return TAB.len();
    }
    shown.push(visible(character));
    1
}

/// Returns the last character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Makes a character harmless to a terminal: control characters get their pictures, those that reorder text a box.
pub(super) fn visible(character: char) -> char {
    match character {
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}' => '\u{fffd}',
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => '\u{fffd}',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_of_an_address_are_not_shown() {
        for (line, shown) in [
            ("url = \"mqtt://anna:s3cret@127.0.0.1\"", "url = \"mqtt://•••••••••••@127.0.0.1\""),
            ("url = 'https://a:b@c@d.example/' # or https://e@f", "url = 'https://•••••@d.example/' # or https://•@f"),
            ("url = \"https://d.example/\" # @home", "url = \"https://d.example/\" # @home"),
            ("url = \"https://ann\u{e5}:x@d", "url = \"https://••••••@d"),
        ] {
            assert_eq!(without_login(line), shown);
        }
    }

    fn report(text: &str, span: std::ops::Range<usize>) -> String {
        let finding = Finding {
            severity: Severity::Error,
            span,
            message: "is wrong".to_owned(),
            help: "do better".to_owned(),
            absence: false,
        };
        Report::new("home.toml", text, vec![finding]).to_string()
    }

    #[test]
    fn a_finding_shows_its_place_and_the_way_out() {
        let text = "[gateway]\nid = 12\n";
        let expected = "home.toml:2:6: error: is wrong\n  |\n2 | id = 12\n  |      ^^\n  = help: do better\n";
        assert_eq!(report(text, 15..17), expected);
    }

    #[test]
    fn columns_count_characters_and_tabs_keep_the_carets_in_place() {
        let text = "\tå = \"ö\"\r\n";
        let at = text.find('"').unwrap();
        let expected = "home.toml:1:6: error: is wrong\n  |\n1 |     å = \"ö\"\n  |         ^^^\n  = help: do better\n";
        assert_eq!(report(text, at..at + 4), expected);
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("{}HERE{}", "a".repeat(5000), "b".repeat(5000));
        let shown = report(&text, 5000..5004);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() < 120), "{shown}");
        let caret = lines[3].chars().position(|c| c == '^').unwrap();
        assert_eq!(lines[2].chars().skip(caret).take(4).collect::<String>(), "HERE");
        assert!(lines[2].contains("| …a") && lines[2].ends_with("b…"));
    }

    #[test]
    fn control_characters_reach_no_terminal() {
        let shown = report("a = \"\u{1b}[2J\u{202e}\"", 4..8);
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
        assert!(!shown.contains('\u{202e}'));
    }

    #[test]
    fn a_span_past_the_end_or_within_a_character_is_still_shown() {
        for text in ["", "å", "a\n", "å\nå"] {
            for start in 0..6 {
                assert!(report(text, start..start + 3).starts_with("home.toml:"), "{text:?} {start}");
            }
        }
    }

    #[test]
    fn only_the_first_are_shown_and_the_rest_are_counted() {
        let finding = |at: usize| Finding {
            severity: Severity::Error,
            span: at..at + 1,
            message: "is wrong".to_owned(),
            help: "do better".to_owned(),
            absence: false,
        };
        let report = Report::new("home.toml", &"x".repeat(100), (0..60).map(finding).collect());
        assert!(report.to_string().ends_with("home.toml: and 10 more; mend these first\n"));
    }
}
