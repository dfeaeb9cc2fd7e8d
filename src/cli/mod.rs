//! What the technician types: one file a command, each with its arguments and its `run`.
//!
//! Results go to stdout, everything else to stderr. No command disturbs a running watch.

pub mod demo;
mod check;
mod receive;

use std::fmt;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    Check(check::Args),
    Receive(receive::Args),
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
}

/// Parses the command line, runs one command, and returns the exit code: 0 done, 1 failed, 2 wrong usage.
#[must_use]
#[expect(clippy::print_stderr, reason = "the one place where a command's failure is told")]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result: Result<ExitCode, Failure> = match arguments.command {
        Command::Check(args) => args.run(),
    let result = match arguments.command {
        Command::Receive(args) => args.run(),
    };
    match result {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("nattvakt: {}", failure.message);
            ExitCode::from(failure.code)
        }
    }
}
