//! Questions on stderr, answers from stdin. Never waits for an answer where it would hold up anything else.

use std::io::{self, BufRead, IsTerminal, Write};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::cli::Failure;
use crate::cli::words::fit_asked;

/// Lines that somebody types while nothing is asked are kept up to this; then they are let go.
const TYPED_MAX: usize = 64;

/// The lines that come from stdin.
pub(super) struct Answers {
    lines: mpsc::Receiver<String>,
    /// Whether somebody types them.
    typed: bool,
}

impl Answers {
    /// Starts to listen, on a thread that ends with stdin or with the program.
    pub(super) fn listen() -> Result<Self, Failure> {
        let typed = io::stdin().is_terminal();
        let (hand_on, lines) = mpsc::channel(TYPED_MAX);
        let listen = move || {
            for line in io::stdin().lock().lines() {
                let Ok(line) = line else { return };
                let gone = match hand_on.try_send(line) {
                    Ok(()) => false,
                    Err(TrySendError::Full(_)) if typed => false,
                    Err(TrySendError::Full(line) | TrySendError::Closed(line)) => hand_on.blocking_send(line).is_err(),
                };
                if gone {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("answers".to_owned()).spawn(listen).map_err(Failure::failed)?;
        Ok(Self { lines, typed })
    }

    /// Forgets what was typed before the question: an Enter too many must not begin the next step.
    pub(super) fn forget(&mut self) {
        while self.typed && self.lines.try_recv().is_ok() {}
    }

    /// Waits for the next line; `None` once stdin has ended.
    pub(super) async fn next(&mut self) -> Option<String> {
        self.lines.recv().await
    }

    /// Asks; only a clear yes, in English or Swedish, is one.
    pub(super) async fn yes(&mut self, question: &str) -> Result<bool, Failure> {
        self.forget();
        tell(&format!("{question} "))?;
        let answer = self.next().await.unwrap_or_default();
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "j" | "ja"))
    }
}

/// Tells on stderr, broken between words where the terminal is narrow.
pub(super) fn tell(text: &str) -> Result<(), Failure> {
    say(&fit_asked(text))
}

/// Writes on stderr as it stands.
pub(super) fn say(text: &str) -> Result<(), Failure> {
    let mut err = io::stderr().lock();
    err.write_all(text.as_bytes()).and_then(|()| err.flush()).map_err(Failure::failed)
}
