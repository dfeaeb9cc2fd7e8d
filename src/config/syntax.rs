//! Reads as much of a file as can be read, however broken its syntax is.
//!
//! toml reports every syntax error, but where a line has no `=` it stops reading, and where a bracket is missing it
//! takes the following lines for something else. Such places are mended in a copy, so that what follows is checked
//! too; the file itself is never changed.

use toml::de::{DeTable, Error};

use super::finding::{Notes, Span, named, nearest, quoted};

/// How often the mended copy is read again at most. The usual file needs one round.
const ROUNDS_MAX: usize = 8;

/// How many places are mended at most. Beyond it a file is no configuration with mistakes, but something else.
const MENDED_MAX: usize = 50;

/// A file as far as it can be read.
#[derive(Debug)]
pub(super) struct Readable {
    /// The mended copy: what [`DeTable`] reads.
    pub(super) text: String,
    /// Where errors are that could not be mended: what the tree says there is a guess.
    pub(super) broken: Vec<usize>,
    /// Whether every key of the file is still in the copy.
    pub(super) whole: bool,
    /// Where characters were added, in order of the copy.
    added: Vec<usize>,
}

impl Readable {
    /// Returns the place in the file of a place in the copy.
    pub(super) fn in_file(&self, span: &Span) -> Span {
        let back = |at: usize| at - self.added.iter().filter(|added| **added < at).count();
        back(span.start)..back(span.end)
    }

    fn add(&mut self, at: usize, text: &str) {
        self.text.insert_str(at, text);
        for added in &mut self.added {
            *added += if *added >= at { text.len() } else { 0 };
        }
        self.added.extend(at..at + text.len());
    }

    fn mend(&mut self, at: usize, mending: Mending) {
        match mending {
            Mending::Blank => {
                let line = line_at(&self.text, at);
                self.text.replace_range(line.clone(), &" ".repeat(line.len()));
                self.whole = false;
            }
            Mending::Close(brackets) => {
                let there = usize::from(brackets == 2 && self.text.get(..at).is_some_and(|head| head.ends_with(']')));
                self.add(at, &"]".repeat(brackets - there));
            }
        }
    }
}

/// Reads a file, and notes every syntax error in it.
pub(super) fn read(text: &str, notes: &mut Notes) -> Readable {
    let mut readable = Readable { text: text.to_owned(), broken: Vec::new(), whole: true, added: Vec::new() };
    let mut mended = 0;
    for _ in 0..ROUNDS_MAX {
        let (_, errors) = DeTable::parse_recoverable(&readable.text);
        let before = mended;
        mend(&mut readable, &errors, &mut mended, notes);
        if mended == before {
            break;
        }
    }
    let (_, errors) = DeTable::parse_recoverable(&readable.text);
    let mut last = None;
    for error in &errors {
        let span = error.span().unwrap_or_default();
        // One slip often makes the reader stumble twice at one place.
        if last.as_ref() != Some(&span.start) {
            readable.whole &= keeps_the_key(error.message());
            readable.broken.push(readable.in_file(&span).start);
            tell(&readable, error, &span, notes);
        }
        last = Some(span.start);
    }
    readable
}

/// Mends what keeps the rest from being read, and notes it.
fn mend(readable: &mut Readable, errors: &[Error], mended: &mut usize, notes: &mut Notes) {
    let place = |error: &Error| error.span().unwrap_or_default().start;
    let mut open: Vec<_> =
        errors.iter().filter_map(|error| Some((place(error), open_value(error.message())?))).collect();
    open.sort_unstable();
    // All that follows an open value is taken for its parts, so one is mended before anything else is looked at.
    if open.iter().any(|(at, bracket)| close_value(readable, *at, bracket, notes)) {
        *mended += 1;
        return;
    }
    let mendable = errors.iter().filter_map(|error| Some((place(error), mending(error.message())?, error.message())));
    let mut places: Vec<_> = mendable.collect();
    places.sort_unstable_by_key(|(at, ..)| *at);
    places.truncate(MENDED_MAX.saturating_sub(*mended));
    // From the back, so that the places of earlier ones stay true.
    for (at, mending, message) in places.into_iter().rev() {
        let (message, help) = in_plain_words(message, "");
        notes.error(&readable.in_file(&(at..at)), message, help);
        readable.mend(at, mending);
        *mended += 1;
    }
}

/// How a line is mended on which reading would end.
#[derive(Clone, Copy)]
enum Mending {
    /// It is left out.
    Blank,
    /// Its closing brackets are added, this many.
    Close(usize),
}

fn mending(message: &str) -> Option<Mending> {
    let starts = |start: &str| message.starts_with(start);
    if starts("key with no value") || starts("recursion limit") {
        Some(Mending::Blank)
    } else if starts("unclosed table") {
        Some(Mending::Close(1))
    } else if starts("unclosed array table") {
        Some(Mending::Close(2))
    } else {
        None
    }
}

/// Returns the bracket that is missing where a list or an inline table runs on into the next lines.
fn open_value(message: &str) -> Option<&'static str> {
    let list = ["missing comma between array elements", "unexpected `=` in array", "unclosed array,"];
    let table = ["missing comma between key-value pairs", "missing key for inline table", "unclosed inline table"];
    let starts = |openings: &[&str]| openings.iter().any(|opening| message.starts_with(opening));
    if starts(&list) {
        Some("]\n")
    } else if starts(&table) {
        Some("}\n")
    } else {
        None
    }
}

/// Closes a list or inline table before the line at `at`, where that line begins something new.
fn close_value(readable: &mut Readable, at: usize, bracket: &str, notes: &mut Notes) -> bool {
    let line = line_at(&readable.text, at);
    let head = readable.text.get(line.clone()).unwrap_or_default();
    let place = if at >= readable.text.len() {
        readable.text.len()
    } else if begins_something(head) && line.start > 0 {
        line.start
    } else {
        return false;
    };
    let end = readable.text.get(..place).unwrap_or_default().trim_end().len();
    let (thing, closing) = if bracket.starts_with(']') { ("list", "]") } else { ("table", "}") };
    let message = format!("this {thing} is not closed: `{closing}` is missing");
    notes.error(&readable.in_file(&(end..end)), message, format!("add `{closing}` at its end"));
    readable.add(place, bracket);
    true
}

/// Tells whether a line looks like a table's head or like `key = value`.
fn begins_something(line: &str) -> bool {
    let line = line.trim_start();
    let key = line.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let named = key.len() < line.len() && key.trim_start().starts_with('=');
    let head = line.strip_prefix("[[").or_else(|| line.strip_prefix('['));
    named || head.is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()))
}

fn line_at(text: &str, at: usize) -> Span {
    let start = text.get(..at).unwrap_or_default().rfind('\n').map_or(0, |newline| newline + 1);
    let end = text.get(at..).unwrap_or_default().find('\n').map_or(text.len(), |newline| at + newline);
    start..end
}

/// Tells whether the key is in the tree in spite of the error, so that it is not missed.
fn keeps_the_key(message: &str) -> bool {
    let kept = ["string values must be quoted", "duplicate key", "invalid boolean", "missing escaped value"];
    kept.iter().any(|start| message.starts_with(start))
}

fn tell(readable: &Readable, error: &Error, span: &Span, notes: &mut Notes) {
    let piece = readable.text.get(span.clone()).unwrap_or_default();
    let (message, help) = in_plain_words(error.message(), piece);
    notes.error(&readable.in_file(span), message, help);
}

/// Says in plain words what toml says; the second is the way out.
fn in_plain_words(message: &str, piece: &str) -> (String, String) {
    let starts = |start: &str| message.starts_with(start);
    let bare = piece.trim_matches(|c: char| c.is_whitespace() || matches!(c, '“' | '”' | '„' | '’' | '‘' | '\'' | '"'));
    if starts("key with no value") {
        return ("`=` is missing".into(), "a line is `key = value`; a comment begins with `#`".into());
    }
    if starts("unclosed table") {
        return ("`]` is missing".into(), "a table begins with its name in brackets: `[store]`".into());
    }
    if starts("unclosed array table") {
        return ("`]]` is missing".into(), "beds and channels begin with two: `[[bed]]`, `[[dispatch]]`".into());
    }
    if starts("recursion limit") || starts("cannot recurse further") {
        return ("nested too deeply".into(), "no key here lies deeper than three tables".into());
    }
    if starts("string values must be quoted") && bare.is_empty() {
        return ("the value is missing".into(), "write it after the `=`, or take the line away".into());
    }
    if starts("string values must be quoted") || starts("invalid boolean") {
        let small = bare.to_ascii_lowercase();
        let help = match small.as_str() {
            "true" | "yes" => "write true, in small letters and without quotes".to_owned(),
            "false" | "no" => "write false, in small letters and without quotes".to_owned(),
            word => match nearest(word, ["true", "false"]) {
                Some(near) => format!("did you mean {near}? Otherwise write {}", quoted(bare)),
                None if word.starts_with(|c: char| c.is_ascii_digit())
                    && word.contains(|c: char| c.is_alphabetic()) =>
                {
                    format!("a number has digits only; otherwise write {}", quoted(bare))
                }
                None => format!("write {}", quoted(bare)),
            },
        };
        return (format!("text stands in straight quotes, unlike {}", named(piece)), help);
    }
    if starts("duplicate key") {
        let message = format!("{} stands here a second time", named(piece));
        let help = match piece.trim() {
            "bed" | "dispatch" => format!("each one begins with `[[{piece}]]`, and before its own tables"),
            _ => "keep one of the two".to_owned(),
        };
        return (message, help);
    }
    if message.ends_with("expected `\"`") || message.ends_with("expected `'`") {
        return ("the closing quote is missing".into(), "text ends with the quote that it begins with".into());
    }
    if starts("missing escaped value") {
        let help = "write `\\\\` for a backslash, or put the text in single quotes".to_owned();
        return ("a backslash begins something that TOML does not know".into(), help);
    }
    (format!("cannot be read as TOML: {message}"), "a line is `key = value`, `[table]` or `# comment`".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> (Vec<(Span, String)>, Readable) {
        let mut notes = Notes::default();
        let readable = read(text, &mut notes);
        (notes.findings.into_iter().map(|finding| (finding.span, finding.message)).collect(), readable)
    }

    /// Every key of the tree, dotted.
    fn keys(text: &str) -> Vec<String> {
        fn walk(table: &DeTable<'_>, path: &str, keys: &mut Vec<String>) {
            for (key, value) in table {
                let path = format!("{path}{}", key.get_ref());
                match value.get_ref().as_table() {
                    Some(table) => walk(table, &format!("{path}."), keys),
                    None => keys.push(path),
                }
            }
        }
        let mut keys = Vec::new();
        walk(DeTable::parse_recoverable(text).0.get_ref(), "", &mut keys);
        keys
    }

    #[test]
    fn what_follows_a_broken_line_is_still_read() {
        let cases: [(&str, usize, &str); 7] = [
            ("a = 1\nb 2\n[t]\nx = 1\n", 8, "`=` is missing"),
            ("a = 1\n[t\nx = 1\n[u]\ny = 1\n", 8, "`]` is missing"),
            ("a = 1\n[[t]\nx = 1\n[u]\ny = 1\n", 10, "`]]` is missing"),
            ("a = [1, 2\nb = 3\n[t]\nx = 1\n", 9, "this list is not closed: `]` is missing"),
            ("a = { x = 1 # why\n[t]\nx = 1\n", 17, "this table is not closed: `}` is missing"),
            ("[t]\nx = [1", 10, "this list is not closed: `]` is missing"),
            ("a = \"b\n[t]\nx = 1\n", 6, "the closing quote is missing"),
        ];
        for (text, at, message) in cases {
            let (findings, readable) = findings(text);
            assert_eq!(findings, [(at..at, message.to_owned())], "{text:?} became {:?}", readable.text);
            let keys = keys(&readable.text);
            assert!(keys.iter().any(|key| key == "t.x" || key == "t"), "{text:?}: {keys:?}");
        }
    }

    #[test]
    fn places_behind_a_mended_one_are_those_of_the_file() {
        let text = "[t\nx = 1\n[u\ny = off\n";
        let (findings, _) = findings(text);
        let off = text.find("off").unwrap();
        assert!(findings.iter().any(|(span, _)| *span == (off..off + 3)), "{findings:?}");
        assert_eq!(findings.len(), 3);
    }

    #[test]
    fn a_key_that_was_lost_is_known_to_be_lost() {
        assert!(findings("a = off\na = 2\n").1.whole);
        assert!(!findings("a 1\n").1.whole);
    }

    #[test]
    fn a_file_of_nothing_but_mistakes_ends_soon() {
        for piece in ["[", "x\n", "=", "a=[\n", "[a\n", "{", "'''", "a.", "a=\n", "[a]\n"] {
            let text = piece.repeat(64 * 1024 / piece.len());
            let (findings, _) = findings(&text);
            assert!(!findings.is_empty(), "{piece:?}");
        }
    }
}
