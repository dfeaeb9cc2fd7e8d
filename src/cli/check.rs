//! `nattvakt check`: reads a configuration and prints every mistake and warning. Changes nothing.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use super::Failure;
use crate::config::{self, ConfigError, Looks, Report, Sound};

/// Checks a configuration file and prints every mistake and warning in it.
///
/// Each is printed with its file, line and column, the place in the file, and a way out. Nothing is changed, and a
/// running watch is not disturbed. Secrets and certificates that the file names have to be there and be usable; a
/// serial port that is not plugged in is a warning.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 if the file is sound (there may be warnings), 2 if it is not.

Example:
  nattvakt check --elsewhere config/nattvakt.toml
  sudo -u nattvakt nattvakt check && sudo systemctl restart nattvakt")]
pub(crate) struct Args {
    /// The file; any name will do.
    #[arg(value_name = "FILE", default_value = config::DEFAULT_FILE)]
    file: PathBuf,

    /// Look at neither secrets, certificates nor ports: the file is for another machine.
    #[arg(long)]
    elsewhere: bool,
}

impl Args {
    /// Prints what is found to stdout.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let looks = if self.elsewhere { Looks::Elsewhere } else { Looks::Here };
        let (text, code) = match config::load(&self.file, looks) {
            Ok(sound) => (format!("{}{}\n", sound.report, praise(&sound)), ExitCode::SUCCESS),
            Err(ConfigError::Unsound { report, .. }) => {
                (format!("{report}{}: {}\n", report.name(), counted(&report)), ExitCode::from(2))
            }
            Err(error @ (ConfigError::Missing { .. } | ConfigError::Unreadable { .. })) => {
                return Err(Failure::usage(error));
            }
        };
        match io::stdout().lock().write_all(text.as_bytes()) {
            // Whoever reads has seen enough, as `head` does; the exit code says the rest.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::failed(error)),
            Ok(()) | Err(_) => Ok(code),
        }
    }
}

fn praise(sound: &Sound) -> String {
    let beds = many(sound.config.beds.len(), "bed");
    let channels = many(sound.config.channels.len(), "channel");
    let warnings = match sound.report.warnings() {
        0 => String::new(),
        count => format!(", {}", many(count, "warning")),
    };
    format!("{}: sound: {beds}, {channels} to dispatch{warnings}", sound.report.name())
}

fn counted(report: &Report) -> String {
    let errors = many(report.errors(), "mistake");
    match report.warnings() {
        0 => errors,
        count => format!("{errors}, {}", many(count, "warning")),
    }
}

fn many(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}
