//! Breaks lines between words for a terminal that is too narrow for them, and leaves all others as they are. PURE.

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
    if width(body) <= columns || is_place {
        return line.to_owned();
    }
    let begin = blanks(body);
    let words = &body[begin..];
    let margin = begin + hang(words);
    // On a margin of half the terminal nothing can be read.
    let margin = " ".repeat(if margin * 2 > columns { 2 } else { margin });
    let goes_on = if begin > 0 && is_command(words) { " \\" } else { "" };
    let most = columns.saturating_sub(goes_on.len());
    let (mut text, mut row) = (String::new(), body[..begin].to_owned());
    let mut gap = "";
    let mut rest = words;
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
        let fits = width(&row) + gap.len() + width(word) <= most;
        if fits || row.trim().is_empty() {
            row.extend([gap, word]);
        } else {
            text.extend([row.as_str(), goes_on, "\n"]);
            row = [margin.as_str(), word].concat();
        }
        (gap, rest) = after.split_at(blanks(after));
    }
    // A question ends with a blank.
    [text.as_str(), &row, gap, end].concat()
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

/// Counts the columns of a text, without what only colours it.
fn width(text: &str) -> usize {
    let mut characters = text.chars();
    let mut count = 0;
    while let Some(character) = characters.next() {
        if character == '\x1b' {
            let _colour = characters.find(char::is_ascii_alphabetic);
        } else {
            count += 1;
        }
    }
    count
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
