//! `nattvakt check`: reads a configuration and prints every mistake and warning, and what it means. Changes nothing.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::doctor::daemon;
use super::wire::reminders;
use super::words::columns;
use super::{Failure, fit, json_line, many, print, wrapped};
use crate::config::{self, ConfigError, Looks, Paragraph, Report, Severity, Sound};

/// Checks a configuration file, prints every mistake and warning in it, and says what it means.
///
/// Each finding is printed with its file, line and column, the place in the file, and a way out. Below a file that is
/// sound stands what will be told of each bed, in the gateway's language, as one would tell it to the staff. Nothing is
/// changed, and a running watch is not disturbed. Secrets and certificates that the file names have to be there and be
/// usable; a serial port that is not plugged in is a warning. Where the watch runs and answers, beds are named whose way to
/// dispatch should be tested (`test-every`).
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 if the file is sound (there may be warnings), 2 if it is not.

Example:
  nattvakt check --elsewhere config/nattvakt.toml
  sudo nattvakt check && sudo systemctl reload nattvakt")]
pub(crate) struct Args {
    /// The file; any name will do.
    #[arg(value_name = "FILE", default_value = config::DEFAULT_FILE)]
    file: PathBuf,

    /// Look at neither secrets, certificates nor ports: the file is for another machine.
    #[arg(long)]
    elsewhere: bool,

    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Prints what is found to stdout.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let looks = if self.elsewhere { Looks::Elsewhere } else { Looks::Here };
        let (answer, code) = match config::load(&self.file, looks) {
            Ok(sound) => (self.sound(&sound, &self.reminders(&sound)), ExitCode::SUCCESS),
            Err(ConfigError::Unsound { report, .. }) => (self.unsound(&report), ExitCode::from(2)),
            Err(error @ (ConfigError::Missing { .. } | ConfigError::Unreadable { .. })) => {
                return Err(Failure::usage(error));
            }
        };
        print(&answer)?;
        Ok(code)
    }

    /// Asks the watch that runs by this file, if one does and we may, which beds should be tested.
    fn reminders(&self, sound: &Sound) -> Vec<String> {
        if self.elsewhere {
            return Vec::new();
        }
        let service = self.file == Path::new(config::DEFAULT_FILE);
        daemon::ask_at(&sound.config.store.path, service).map_or_else(Vec::new, |status| reminders(&status))
    }

    fn sound(&self, sound: &Sound, reminders: &[String]) -> String {
        let meaning = config::meaning(&sound.config);
        if self.json {
            return json(&sound.report, true, &meaning, reminders);
        }
        let mut text = format!("{}{}\n", sound.report, praise(sound));
        let columns = columns(std::io::stdout());
        for paragraph in meaning {
            text.push('\n');
            text.push_str(&wrapped(&paragraph.text, columns));
        }
        if !reminders.is_empty() {
            text.push_str("\nDue:\n");
        }
        for reminder in reminders {
            text.extend(["  - ", reminder, "\n"]);
        }
        fit(&text)
    }

    fn unsound(&self, report: &Report) -> String {
        if self.json {
            json(report, false, &[], &[])
        } else {
            fit(&format!("{report}{}: {}\n", report.name(), counted(report)))
        }
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Answer<'a> {
    file: &'a str,
    sound: bool,
    findings: Vec<Found<'a>>,
    meaning: Vec<Meant<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    due: &'a [String],
}

#[derive(Serialize)]
struct Found<'a> {
    severity: &'static str,
    line: usize,
    column: usize,
    message: &'a str,
    help: &'a str,
}

#[derive(Serialize)]
struct Meant<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    bed: Option<&'a str>,
    text: &'a str,
}

fn json(report: &Report, sound: bool, meaning: &[Paragraph], due: &[String]) -> String {
    let found = |finding| {
        let (line, column) = report.place(finding);
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        Found { severity, line, column, message: &finding.message, help: &finding.help }
    };
    let answer = Answer {
        file: report.name(),
        sound,
        findings: report.findings().iter().map(found).collect(),
        meaning: meaning
            .iter()
            .map(|paragraph| Meant {
                bed: paragraph.bed.as_ref().map(crate::model::BedId::as_str),
                text: &paragraph.text,
            })
            .collect(),
        due,
    };
    json_line(&answer)
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
