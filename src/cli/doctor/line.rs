//! What the doctor found, a line a check: a tick, a warning or a cross, and what to do. PURE.

use std::fmt::{self, Write as _};

use serde::Serialize;

use crate::cli::demo::look::{Ink, Look};
use crate::cli::words::{COLUMNS_TABLE, indented_to};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    /// As it should be.
    Good,
    /// Not looked at, and why.
    Skipped,
    /// Works, but somebody should look at it.
    Warning,
    /// Does not work.
    Wrong,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    /// What was looked at: one word.
    pub(super) check: &'static str,
    /// Which one, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) about: Option<String>,
    /// How it came out.
    pub(super) verdict: Verdict,
    /// What was found.
    pub(super) says: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) help: Option<String>,
}

impl Line {
    fn new(verdict: Verdict, check: &'static str, says: String, help: Option<String>) -> Self {
        Self { check, about: None, verdict, says, help }
    }

    /// A tick.
    pub(super) fn good(check: &'static str, says: impl Into<String>) -> Self {
        Self::new(Verdict::Good, check, says.into(), None)
    }

    /// Not looked at.
    pub(super) fn skipped(check: &'static str, says: impl Into<String>) -> Self {
        Self::new(Verdict::Skipped, check, says.into(), None)
    }

    /// A warning.
    pub(super) fn warning(check: &'static str, says: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(Verdict::Warning, check, says.into(), Some(help.into()))
    }

    /// A cross.
    pub(super) fn wrong(check: &'static str, says: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(Verdict::Wrong, check, says.into(), Some(help.into()))
    }

    /// Says which of several it is about.
    pub(super) fn about(self, about: impl fmt::Display) -> Self {
        Self { about: Some(about.to_string()), ..self }
    }

    /// Writes it for a person, whose terminal has so many columns.
    pub(super) fn text(&self, look: Look, columns: usize) -> String {
        let (mark, ink) = match self.verdict {
            Verdict::Good => ("✓", Ink::Good),
            Verdict::Skipped => ("-", Ink::Dim),
            Verdict::Warning => ("!", Ink::Warning),
            Verdict::Wrong => ("✗", Ink::Alarm),
        };
        let about = self.about.as_deref().map(|about| format!("{about}: ")).unwrap_or_default();
        let says = format!("{about}{}", self.says);
        let (margin, check) = if columns < COLUMNS_TABLE {
            (" ".repeat(MARGIN_NARROW), format!("{}\n{}", self.check, " ".repeat(MARGIN_NARROW)))
        } else {
            (" ".repeat(MARGIN), format!("{:WIDTH$} ", self.check))
        };
        let mut text =
            format!("{} {check}{}", look.paint(ink, mark), indented_to(&says, &margin, columns).trim_start());
        if let Some(help) = &self.help {
            // Writing to a text cannot fail.
            let _always = write!(text, "{}", indented_to(&format!("-> {help}"), &margin, columns));
        }
        text
    }
}

/// How many columns the name of a check takes.
const WIDTH: usize = 9;

/// Where what was found begins.
const MARGIN: usize = WIDTH + 3;

/// Where it begins on a phone, below the name of the check.
const MARGIN_NARROW: usize = 2;

/// Everything that was looked at.
#[derive(Debug, Serialize)]
pub(super) struct Findings {
    /// Whether there is no cross.
    pub(super) well: bool,
    /// Crosses.
    pub(super) wrong: usize,
    /// Warnings.
    pub(super) warnings: usize,
    /// All checks in their order.
    pub(super) checks: Vec<Line>,
}

impl Findings {
    /// Counts what was found.
    pub(super) fn of(checks: Vec<Line>) -> Self {
        let count = |verdict| checks.iter().filter(|line| line.verdict == verdict).count();
        let (wrong, warnings) = (count(Verdict::Wrong), count(Verdict::Warning));
        Self { well: wrong == 0, wrong, warnings, checks }
    }

    /// Says it all in one sentence.
    pub(super) fn summary(&self) -> String {
        let warnings = match self.warnings {
            0 => String::new(),
            1 => "1 warning".to_owned(),
            count => format!("{count} warnings"),
        };
        match (self.wrong, self.warnings) {
            (0, 0) => "Everything is as it should be.".to_owned(),
            (0, _) => format!("Everything works; {warnings}."),
            (wrong, 0) => format!("{wrong} wrong. Begin with the first cross: what follows may come of it."),
            (wrong, _) => {
                format!("{wrong} wrong, {warnings}. Begin with the first cross: what follows may come of it.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_was_found_and_what_to_do() {
        let line = Line::wrong("port", "nobody is there", "plug the mat in").about("bed-1");
        let expected = "✗ port      bed-1: nobody is there\n            -> plug the mat in\n";
        assert_eq!(line.text(Look::default(), 80), expected);
        assert!(line.text(Look { colour: true, live: true }, 80).starts_with("\x1b["));
        let narrow = "✗ port\n  bed-1: nobody is there\n  -> plug the mat in\n";
        assert_eq!(line.text(Look::default(), 40), narrow);
        let long = Line::good("disk", "word ".repeat(60)).text(Look::default(), 80);
        assert!(long.lines().all(|line| line.chars().count() <= 80), "{long}");
        assert!(long.lines().skip(1).all(|line| line.starts_with(&" ".repeat(MARGIN))), "{long}");
    }

    #[test]
    fn the_last_line_counts() {
        let good = Line::good("clock", "right");
        let warning = Line::warning("disk", "small", "buy a larger one");
        let wrong = Line::wrong("port", "away", "plug it in");
        let of = |lines: &[&Line]| Findings::of(lines.iter().map(|line| (*line).clone()).collect());
        assert_eq!(of(&[&good]).summary(), "Everything is as it should be.");
        assert_eq!(of(&[&good, &warning]).summary(), "Everything works; 1 warning.");
        assert!(of(&[&wrong, &warning]).summary().starts_with("1 wrong, 1 warning."));
        assert!(!of(&[&wrong]).well && of(&[&warning, &Line::skipped("unit", "none")]).well);
    }
}
