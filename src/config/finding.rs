//! What is wrong with a configuration, where, and the way out. Collects; never decides what is wrong.

use std::ops::Range;
use std::path::PathBuf;

use super::render::visible;

/// A place in the file: bytes from the start.
pub(super) type Span = Range<usize>;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can, but somebody should look at it.
    Warning,
}

/// One mistake or one thing worth a second look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where: bytes from the start of the text.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// The way out.
    pub help: String,
    /// Whether it says that something is not there. In a file that is broken above, it may only be unreadable.
    pub(super) absence: bool,
}

/// Something outside the file that it names, to be looked at after reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ToLook {
    pub(super) key: &'static str,
    pub(super) span: Span,
    pub(super) path: PathBuf,
    pub(super) thing: Thing,
}

/// What a named path should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Thing {
    /// A password: any text.
    Password,
    /// A bearer token: goes into a header.
    Token,
    /// Signing keys, one a line.
    SigningKeys,
    /// Certificates to trust.
    Ca,
    /// Our own certificate; the key that goes with it and where that is named.
    Identity { key: PathBuf, key_span: Span },
    /// A serial port.
    Port,
}

/// Everything that reading the file brought up.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) findings: Vec<Finding>,
    pub(super) to_look: Vec<ToLook>,
}

impl Notes {
    /// Notes a mistake.
    pub(super) fn error(&mut self, span: &Span, message: impl Into<String>, help: impl Into<String>) {
        self.push(Severity::Error, span, message.into(), help.into(), false);
    }

    /// Notes that something has to be there and is not.
    pub(super) fn missing(&mut self, span: &Span, message: impl Into<String>, help: impl Into<String>) {
        self.push(Severity::Error, span, message.into(), help.into(), true);
    }

    /// Notes something that works but deserves a second look.
    pub(super) fn warning(&mut self, span: &Span, message: impl Into<String>, help: impl Into<String>) {
        self.push(Severity::Warning, span, message.into(), help.into(), false);
    }

    /// As [`Notes::warning`], where the cause is that something is not there.
    pub(super) fn missing_warning(&mut self, span: &Span, message: impl Into<String>, help: impl Into<String>) {
        self.push(Severity::Warning, span, message.into(), help.into(), true);
    }

    fn push(&mut self, severity: Severity, span: &Span, message: String, help: String, absence: bool) {
        let plain = |text: String| text.chars().take(MESSAGE_CHARS_MAX).map(visible).collect();
        let (message, help) = (plain(message), plain(help));
        self.findings.push(Finding { severity, span: span.clone(), message, help, absence });
    }

    /// Tells whether any mistake was noted.
    pub(super) fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// The longest message; a key or path of the file may be in it whole.
const MESSAGE_CHARS_MAX: usize = 500;

/// The most characters of the file's own text that a message repeats.
const QUOTED_CHARS_MAX: usize = 60;

/// Quotes a piece of the file for a message, cut short.
pub(super) fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(QUOTED_CHARS_MAX).collect();
    if text.chars().nth(QUOTED_CHARS_MAX).is_some() {
        short.push('…');
    }
    format!("\"{short}\"")
}

/// As [`quoted`], for keys and words of the file format.
pub(super) fn named(text: &str) -> String {
    let quoted = quoted(text);
    format!("`{}`", quoted.trim_matches('"'))
}

/// Returns the candidate that was probably meant.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > QUOTED_CHARS_MAX {
        return None;
    }
    let plain = |text: &str| text.to_ascii_lowercase().replace('_', "-");
    let word = plain(word);
    // Behind a word that is nearly the same: `token` is more likely half of `token-file` than nothing.
    let begun = |candidate: &str| {
        let candidate = plain(candidate);
        word.len() >= 3 && (candidate.starts_with(&word) || word.starts_with(&candidate))
    };
    let distance = |candidate: &str| {
        let near = strsim::damerau_levenshtein(&word, &plain(candidate));
        let fits = near <= (word.len().max(candidate.len()) / 3).max(1);
        fits.then_some(near).or(begun(candidate).then_some(usize::MAX))
    };
    let near = candidates.into_iter().filter_map(|candidate| Some((distance(candidate)?, candidate)));
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_and_a_far_one_is_not() {
        let keys = ["topic", "value", "time", "time-zone", "token-file"];
        assert_eq!(nearest("tpoic", keys), Some("topic"));
        assert_eq!(nearest("time_zone", keys), Some("time-zone"));
        assert_eq!(nearest("timezone", keys), Some("time-zone"));
        assert_eq!(nearest("token", keys), Some("token-file"));
        assert_eq!(nearest("colour", keys), None);
        assert_eq!(nearest(&"x".repeat(100_000), keys), None);
    }

    #[test]
    fn what_a_message_repeats_is_short_and_visible() {
        let mut notes = Notes::default();
        notes.error(&(0..1), quoted("a\u{1}b"), "\t".repeat(1000));
        assert_eq!(notes.findings[0].message, "\"a\u{2401}b\"");
        assert_eq!(notes.findings[0].help, "\u{2409}".repeat(MESSAGE_CHARS_MAX));
        assert_eq!(quoted(&"x".repeat(1000)).chars().count(), QUOTED_CHARS_MAX + 3);
        assert_eq!(named("hots"), "`hots`");
    }
}
