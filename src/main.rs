//! Parses, runs one command, turns its error into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    nattvakt::cli::main()
}
