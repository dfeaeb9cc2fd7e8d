//! How commands print: to a pipe that may close, wrapped for a small terminal, or as JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::Failure;

/// The longest line of running text: fits into 80 columns.
const COLUMNS: usize = 78;

/// Prints a result to stdout. That whoever reads has seen enough, as `head` does, is no failure.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::failed(error)),
        Ok(()) | Err(_) => Ok(()),
    }
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

/// Breaks a paragraph into lines, each ended.
pub(super) fn wrapped(paragraph: &str) -> String {
    indented(paragraph, "")
}

/// As [`wrapped`], with the same blanks before every line.
pub(super) fn indented(paragraph: &str, blanks: &str) -> String {
    let (mut text, mut line) = (String::new(), String::new());
    for word in paragraph.split_whitespace() {
        let width = blanks.chars().count() + line.chars().count() + 1 + word.chars().count();
        if !line.is_empty() && width > COLUMNS {
            text.extend([blanks, &line, "\n"]);
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        text.extend([blanks, &line, "\n"]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_fits_into_80_columns_and_loses_no_word() {
        let words = "bevakas från ".repeat(40);
        let text = indented(&words, "  ");
        assert!(
            text.lines()
                .all(|line| line.chars().count() <= COLUMNS && line.starts_with("  b") || line.starts_with("  f"))
        );
        assert_eq!(text.split_whitespace().count(), 80);
        assert_eq!(wrapped(""), "");
        assert_eq!(wrapped(&"x".repeat(200)).trim_end().len(), 200);
    }
}
