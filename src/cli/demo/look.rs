//! How the timeline may look: colours, and a line that is drawn anew.

use std::io::IsTerminal;

/// What the place where the timeline appears can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Colours may be used.
    pub colour: bool,
    /// The last line may be drawn over, to show each reading.
    pub live: bool,
}

impl Look {
    /// Decides from what is known: colours only on a terminal that can, and never against `NO_COLOR`.
    #[must_use]
    pub fn of(terminal: bool, term: Option<&str>, no_color: Option<&str>) -> Self {
        let able = terminal && term.is_some_and(|term| term != "dumb" && !term.is_empty());
        // no-color.org: set and not empty, whatever its value.
        let refused = no_color.is_some_and(|value| !value.is_empty());
        Self { colour: able && !refused, live: able }
    }

    /// Decides for this process' standard output.
    #[must_use]
    pub fn of_stdout() -> Self {
        let variable = |name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        Self::of(std::io::stdout().is_terminal(), variable("TERM").as_deref(), variable("NO_COLOR").as_deref())
    }

    /// Puts a text into an ink where there is one, as [`Look::paint`].
    pub(crate) fn paint_if(self, ink: Option<Ink>, text: &str) -> String {
        ink.map_or_else(|| text.to_owned(), |ink| self.paint(ink, text))
    }

    /// Puts a text into an ink, or leaves it as it is where colours may not be used.
    pub(crate) fn paint(self, ink: Ink, text: &str) -> String {
        if self.colour { format!("\x1b[{}m{text}\x1b[0m", ink.code()) } else { text.to_owned() }
    }
}

/// What a text is painted as. The sixteen colours that every terminal has, so that its own theme decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Times and small print.
    Dim,
    /// What the resident does.
    Resident,
    /// The load.
    Mat,
    /// What the daemon thinks.
    Nattvakt,
    /// What dispatch gets.
    Dispatch,
    /// An alarm: must be seen first.
    Alarm,
    /// A warning.
    Warning,
    /// Something that went as it should.
    Good,
    /// A heading.
    Bold,
}

impl Ink {
    const fn code(self) -> &'static str {
        match self {
            Self::Dim => "2",
            Self::Resident => "36",
            Self::Mat => "34",
            Self::Nattvakt => "35",
            Self::Dispatch => "33",
            Self::Alarm => "1;97;41",
            Self::Warning => "1;33",
            Self::Good => "32",
            Self::Bold => "1",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_only_on_a_terminal_that_can_and_never_against_no_color() {
        let looks = |terminal, term, no_color| {
            let look = Look::of(terminal, term, no_color);
            (look.colour, look.live)
        };
        assert_eq!(looks(true, Some("xterm-256color"), None), (true, true));
        assert_eq!(looks(true, Some("xterm-256color"), Some("")), (true, true));
        assert_eq!(looks(true, Some("xterm-256color"), Some("1")), (false, true));
        assert_eq!(looks(true, Some("dumb"), None), (false, false));
        assert_eq!(looks(true, None, None), (false, false));
        assert_eq!(looks(false, Some("xterm-256color"), None), (false, false));
    }
}
