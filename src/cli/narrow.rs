//! Breaks lines between words for a terminal that is too narrow for them, and leaves all others as they are. PURE.

use textwrap::core::display_width;
use textwrap::{Options, WordSeparator, WordSplitter, wrap};

/// Words that a command line begins with.
const COMMANDS: [&str; 2] = ["nattvakt", "sudo"];

/// Breaks the lines of a text that are longer than so many columns. A word that is longer still is left to the terminal.
///
/// What follows a break stands under the beginning of its line, of a list behind its mark. A command line, which is further
/// in than the text around it, goes on behind a backslash, so that it can be copied. Lines with a bar are a place in a file:
/// they stay.
pub(super) fn fit_to(text: &str, columns: usize) -> String {
    text.split_inclusive('\n').map(|line| fit_line(line, columns)).collect()
}

fn fit_line(line: &str, columns: usize) -> String {
    let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
    let is_place = body.trim_start().trim_start_matches(|c: char| c.is_ascii_digit()).trim_start().starts_with('|');
    if display_width(body) <= columns || is_place {
        return line.to_owned();
    }
    let (begin, words) = body.split_at(blanks(body));
    let margin = begin.len() + hang(words);
    // On a margin of half the terminal nothing can be read.
    let margin = " ".repeat(if margin * 2 > columns { 2 } else { margin });
    let goes_on = if !begin.is_empty() && is_command(words) { " \\\n" } else { "\n" };
    let rows = wrap(words, between_words(columns + 1 - goes_on.len()).initial_indent(begin).subsequent_indent(&margin));
    // A question ends with a blank.
    let gap = &words[words.trim_end().len()..];
    [&rows.join(goes_on), gap, end].concat()
}

/// How running text is laid out: at most so many columns, broken at blanks only.
fn between_words<'a>(columns: usize) -> Options<'a> {
    let options = Options::new(columns).break_words(false).word_separator(WordSeparator::AsciiSpace);
    options.word_splitter(WordSplitter::NoHyphenation)
}

/// Breaks a paragraph into lines of at most so many columns, each ended, with the same blanks before each.
pub(super) fn fill(paragraph: &str, blanks: &str, columns: usize) -> String {
    let words = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    let rows = wrap(&words, between_words(columns).initial_indent(blanks).subsequent_indent(blanks));
    rows.iter().filter(|row| !row.is_empty()).flat_map(|row| [row, "\n"]).collect()
}

/// Tells how much further in than its line goes on what is broken off it.
fn hang(words: &str) -> usize {
    let mark = ["- ", "! ", "-> "].into_iter().find(|mark| words.starts_with(mark));
    let is_row = words.contains("  ");
    mark.map_or(if is_row { 2 } else { 0 }, str::len)
}

fn is_command(words: &str) -> bool {
    COMMANDS.iter().any(|command| words.split(' ').next() == Some(command)) && !words.contains("  ")
}

fn blanks(text: &str) -> usize {
    text.len() - text.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stays_and_what_does_not_is_broken_between_words() {
        let text = "short  and   sweet\n\n  one two three four\n";
        assert_eq!(fit_to(text, 80), text);
        assert_eq!(fit_to("one two three four five", 10), "one two\nthree four\nfive");
        assert_eq!(fit_to("  one two three\n", 10), "  one two\n  three\n");
        assert_eq!(fit_to("  - one two three\n", 12), "  - one two\n    three\n");
        assert_eq!(fit_to("  14:21  after  2 ms  accepted\n", 16), "  14:21  after\n    2 ms\n    accepted\n");
    }

    #[test]
    fn a_long_word_is_left_to_the_terminal_and_loses_nothing() {
        assert_eq!(fit_to("see /dev/serial/by-id/usb-mat now\n", 10), "see\n/dev/serial/by-id/usb-mat\nnow\n");
    }

    #[test]
    fn a_command_can_be_copied_and_a_place_in_a_file_stays_under_its_mark() {
        assert_eq!(fit_to("  sudo nattvakt log --since 22:00\n", 24), "  sudo nattvakt log \\\n  --since 22:00\n");
        let place = "21 | a long line of the file\n   |        ^^^^ this one here\n";
        assert_eq!(fit_to(place, 12), place);
    }

    #[test]
    fn colours_take_no_room() {
        let text = "\x1b[1;33mDue:\x1b[0m six\n";
        assert_eq!(fit_to(text, 8), text);
    }
}
