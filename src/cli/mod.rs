//! What the technician types: one file a command, each with its arguments and its `run`.
//!
//! Results go to stdout, everything else to stderr. No command disturbs a running watch.

mod calibrate;
mod check;
pub mod demo;
mod doctor;
mod forget;
mod handover;
mod init;
mod journal;
mod live;
mod log;
mod narrow;
mod nights;
mod pause;
mod read_store;
mod receive;
mod record;
mod replay;
mod report;
mod run;
mod score;
mod simulate;
mod status;
mod stored;
mod test_alert;
mod wipe;
mod wire;
mod words;

use std::fmt;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use tokio::signal::unix::{Signal, SignalKind, signal};

use words::{fit, json_line, many, print, say, wrapped};

/// Night watch for beds: reads pressure mats, notices who rises at night, tells the home-care dispatch.
#[derive(Debug, Parser)]
#[command(name = "nattvakt", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// The commands, in the order in which a newcomer needs them.
#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Args),
    Init(Box<init::Args>),
    Check(check::Args),
    Calibrate(calibrate::Args),
    Doctor(doctor::Args),
    TestAlert(test_alert::Args),
    Handover(handover::Args),
    Run(run::Args),
    Status(status::Args),
    Live(live::Args),
    Pause(pause::Args),
    Resume(pause::ResumeArgs),
    Record(record::Args),
    Log(log::Args),
    Report(report::Args),
    Receive(receive::Args),
    Replay(replay::Args),
    Score(score::Args),
    Simulate(simulate::Args),
    Forget(forget::Args),
    Wipe(wipe::Args),
    #[command(hide = true)]
    ReadStore(read_store::Args),
}

/// Why a command ended without success. Its text says what is wrong and what to do.
#[derive(Debug)]
pub struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// The command did not do what it was for: exit code 1.
    pub fn failed(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), code: 1 }
    }

    /// Wrong usage or configuration: exit code 2.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), code: 2 }
    }

    /// The same with what it is about in front.
    fn about(self, what: &str) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }

    /// Both, a line each; the exit code is the higher one.
    fn and(self, other: &Self) -> Self {
        Self { message: format!("{}\n{}", self.message, other.message), code: self.code.max(other.code) }
    }
}

/// Returns the command line as a whole, for manual pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Parses the command line, runs one command, and returns the exit code: 0 done, 1 failed, 2 wrong usage.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match parse() {
        Ok(arguments) => arguments,
        Err(said) => return help(&said),
    };
    let result: Result<ExitCode, Failure> = match arguments.command {
        Command::Demo(args) => args.run(),
        Command::Init(args) => args.run(),
        Command::Check(args) => args.run(),
        Command::Calibrate(args) => args.run(),
        Command::Doctor(args) => args.run(),
        Command::Receive(args) => args.run(),
        Command::Replay(args) => args.run(),
        Command::Report(args) => args.run(),
        Command::Score(args) => args.run(),
        Command::Simulate(args) => args.run(),
        Command::Run(args) => args.run(),
        Command::Status(args) => args.run(),
        Command::Pause(args) => args.run(),
        Command::Resume(args) => args.run(),
        Command::Handover(args) => args.run(),
        Command::Record(args) => args.run(),
        Command::TestAlert(args) => args.run(),
        Command::Live(args) => args.run(),
        Command::Log(args) => args.run(),
        Command::Forget(args) => args.run(),
        Command::Wipe(args) => args.run(),
        Command::ReadStore(args) => args.run(),
    };
    match result {
        Ok(code) => code,
        Err(failure) => {
            say(&format!("nattvakt: {}\n", failure.message));
            ExitCode::from(failure.code)
        }
    }
}

/// Parses the command line; the help is laid out for the terminal that will show it.
fn parse() -> Result<Arguments, clap::Error> {
    let columns = words::columns(std::io::stdout());
    let command = Arguments::command();
    let wide = columns >= words::COLUMNS_TABLE && std::io::stdout().is_terminal();
    let command = if wide { command.term_width(columns) } else { command };
    Arguments::from_arg_matches(&command.try_get_matches()?)
}

/// Prints the help that was asked for, or what is wrong with the command line.
fn help(said: &clap::Error) -> ExitCode {
    let text = said.render().to_string();
    if said.use_stderr() {
        say(&text);
    } else if let Err(failure) = print(&fit(&text)) {
        say(&format!("nattvakt: {}\n", failure.message));
    }
    ExitCode::from(u8::try_from(said.exit_code()).unwrap_or(2))
}

/// How long calls that block (a name service, a port) may take when a command is done; then they are left behind.
const BLOCKED_WITHIN: std::time::Duration = std::time::Duration::from_secs(1);

/// Runs a command to its end: on one thread, which is enough for a home and the shortest way for an alert.
fn block_on<T>(command: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("the program cannot start: {error}")))?;
    let ended = runtime.block_on(command);
    // Dropped, it would wait for every call that blocks, however long that hangs.
    runtime.shutdown_timeout(BLOCKED_WITHIN);
    Ok(ended)
}

/// A signal that a command listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
}

/// The signals, from the moment when they are made.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|error| Failure::failed(format!("cannot listen to signals: {error}")));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one.
    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hangup.recv() => Told::Reload,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_hangs_does_not_hold_up_the_end() {
        let (free, hangs) = std::sync::mpsc::channel::<()>();
        block_on(async { drop(tokio::task::spawn_blocking(move || hangs.recv())) }).unwrap();
        // Were the end to wait for it, this would never be reached.
        drop(free);
    }
}
