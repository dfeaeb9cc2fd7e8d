//! Questions on stderr, answers from stdin. Never waits for an answer where it would hold up anything else.

use std::io::{self, BufRead, Write};

use tokio::sync::mpsc;

use crate::cli::Failure;

/// The lines that come from stdin.
pub(super) struct Answers {
    lines: mpsc::Receiver<String>,
}

impl Answers {
    /// Starts to listen, on a thread that ends with stdin or with the program.
    pub(super) fn listen() -> Result<Self, Failure> {
        let (hand_on, lines) = mpsc::channel(1);
        let listen = move || {
            for line in io::stdin().lock().lines() {
                let Ok(line) = line else { return };
                if hand_on.blocking_send(line).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("answers".to_owned()).spawn(listen).map_err(Failure::failed)?;
        Ok(Self { lines })
    }

    /// Waits for the next line; `None` once stdin has ended.
    pub(super) async fn next(&mut self) -> Option<String> {
        self.lines.recv().await
    }

    /// Asks; only a clear yes, in English or Swedish, is one.
    pub(super) async fn yes(&mut self, question: &str) -> Result<bool, Failure> {
        say(&format!("{question} [y/N] "))?;
        let answer = self.next().await.unwrap_or_default();
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "j" | "ja"))
    }
}

/// Tells on stderr.
pub(super) fn say(text: &str) -> Result<(), Failure> {
    let mut err = io::stderr().lock();
    err.write_all(text.as_bytes()).and_then(|()| err.flush()).map_err(Failure::failed)
}
