//! `nattvakt status`: how everything is, on one screen, and for monitoring.

mod screen;

use std::process::ExitCode;
use std::time::Duration;

use super::Failure;
use super::demo::Look;
use super::wire::{Wire, failure, zone};
use super::words::{columns, fit, json_line, print, print_on};
use crate::control::{Answer, Client, ClientError, Request, Status};

/// How often `--watch` looks again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Shows how the running daemon, its beds and its ways to dispatch are.
///
/// Asks the daemon over its local socket: needs root or a member of the group nattvakt-read or nattvakt-act. Times are
/// those of the home.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 if all is well, 1 if something is wrong or the daemon is not running, 2 for wrong usage.

Example:
  nattvakt status --watch
  nattvakt status --json | jq .problems")]
pub(crate) struct Args {
    /// One JSON object (with --watch one a line).
    #[arg(long)]
    json: bool,

    /// Look again every two seconds, until Ctrl-C.
    #[arg(long)]
    watch: bool,

    #[command(flatten)]
    wire: Wire,
}

impl Args {
    /// Prints what the daemon says.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        if self.watch {
            return self.follow();
        }
        match self.wire.try_connect()?.and_then(ask) {
            Ok(status) => {
                print(&self.show(&status))?;
                Ok(if status.well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
            }
            Err(error) => {
                if self.json {
                    print(&unknown(&error))?;
                }
                Err(failure(&error))
            }
        }
    }

    /// Looks again and again; a daemon that is away may come back.
    fn follow(&self) -> Result<ExitCode, Failure> {
        let anew = if !self.json && Look::of_stdout().live { "\x1b[H\x1b[2J" } else { "" };
        loop {
            let shown = match self.wire.try_connect()?.and_then(ask) {
                Ok(status) => self.show(&status),
                Err(error) if error.is_about_rights() => return Err(failure(&error)),
                Err(error) if self.json => unknown(&error),
                Err(error) => fit(&format!("{error}\n")),
            };
            if !print_on(&format!("{anew}{shown}"))? {
                return Ok(ExitCode::SUCCESS);
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    fn show(&self, status: &Status) -> String {
        if self.json {
            return json_line(status);
        }
        fit(&screen::screen(status, &zone(&status.time_zone), Look::of_stdout(), columns(std::io::stdout())))
    }
}

/// What monitoring reads where nothing is known.
fn unknown(error: &ClientError) -> String {
    json_line(&serde_json::json!({ "well": false, "problems": [error.to_string()] }))
}

/// Asks how everything is.
fn ask(mut client: Client) -> Result<Status, ClientError> {
    let answer = client.ask_once(&Request::Status {})?;
    if let Answer::Status(status) = answer { Ok(*status) } else { Err(ClientError::unexpected(&answer)) }
}
