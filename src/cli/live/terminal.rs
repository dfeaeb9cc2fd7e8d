//! The terminal as a full screen: raw keys, its size, and everything put back whatever happens.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;

use rustix::stdio::{stdin, stdout};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// The second screen, no cursor, no wrapping of lines.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";

/// All of it back.
const LEAVE: &str = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";

/// How the terminal was before; `None` where nothing is to be put back.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// The terminal in our hands. Put back when it is dropped, and also when the program panics.
pub(super) struct Terminal(());

impl Terminal {
    /// Takes the terminal.
    pub(super) fn take() -> io::Result<Self> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(io::Error::other(
                "this needs a terminal; for a pipe there is `nattvakt status --json --watch`",
            ));
        }
        let before = tcgetattr(stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        if let Ok(mut kept) = BEFORE.lock() {
            *kept = Some(before);
        }
        let this = Self(());
        // Put back before the panic is told, or its words would be lost with the second screen.
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            put_back();
            tell(panic);
        }));
        tcsetattr(stdin(), OptionalActions::Flush, &raw)?;
        write(ENTER)?;
        Ok(this)
    }

    /// Returns its columns and rows; 80 by 24 where it does not say.
    #[expect(clippy::unused_self, reason = "only who has the terminal asks for its size")]
    pub(super) fn size(&self) -> (usize, usize) {
        match tcgetwinsize(stdout()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
            Ok(_) | Err(_) => (80, 24),
        }
    }

    /// Shows these rows, from the top.
    #[expect(clippy::unused_self, reason = "only who has the terminal draws on it")]
    pub(super) fn show(&self, rows: &[String]) -> io::Result<()> {
        // Emptied first: after the last column there is nothing to empty, and the last character would go.
        let rows: Vec<String> = rows.iter().map(|row| format!("\x1b[K{row}\x1b[0m")).collect();
        write(&format!("\x1b[H{}\x1b[J", rows.join("\r\n")))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        put_back();
    }
}

fn put_back() {
    let before = BEFORE.lock().ok().and_then(|mut before| before.take());
    if let Some(before) = before {
        // A terminal that is gone needs nothing put back.
        write(LEAVE).ok();
        tcsetattr(stdin(), OptionalActions::Drain, &before).ok();
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
