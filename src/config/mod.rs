//! TOML file in; checked settings, or every mistake at once, out.
//!
//! Touches no network and no store, opens no port; only the files that hold secrets and certificates are looked at,
//! and whether ports exist. The way: `source` (bytes to text), `syntax` (as much of a tree as there is), `tables` (one
//! file each, over the readers of `tree` and `value`), `look` (what the file names), `render` (how findings are shown).

pub mod accepted;
mod address;
pub(crate) mod duration;
mod finding;
pub mod levels;
mod look;
mod meaning;
mod render;
mod source;
mod syntax;
mod tables;
#[cfg(test)]
mod tests;
mod tree;
mod value;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use toml::de::DeTable;

pub use finding::{Finding, Severity};
pub use meaning::{Paragraph, meaning};
pub use render::{Report, SHOWN_MAX};
pub use source::FILE_BYTES_MAX;

use crate::clock::ClockSource;
use crate::model::{BedId, GatewayId, Language};
use crate::{action, detect, dispatch, power, sensor, store};
use finding::Notes;

/// The file that the daemon reads where none is named.
pub const DEFAULT_FILE: &str = "/etc/nattvakt/nattvakt.toml";

/// A whole configuration that is sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The gateway itself.
    pub gateway: Gateway,
    /// Where alerts are kept.
    pub store: store::Settings,
    /// The broker that MQTT mats talk to; `None` where no bed is read over MQTT.
    pub broker: Option<sensor::BrokerSettings>,
    /// The beds, in the order of the file; at least one.
    pub beds: Vec<Bed>,
    /// What is known of the power beside what Linux shows.
    pub power: power::Settings,
    /// How alerts are spread over the channels.
    pub delivery: dispatch::Delivery,
    /// The channels, in the order of the file; at least one, except for `replay`.
    pub channels: Vec<dispatch::ChannelSettings>,
    /// What the gateway does by itself, in the order of the file.
    pub actions: Vec<action::Settings>,
}

/// The gateway itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Gateway {
    /// This home, as dispatch knows it.
    pub id: GatewayId,
    /// The home's time zone.
    pub zone: TimeZone,
    /// Of the texts that staff get.
    pub language: Language,
    /// Who says that the clock is right.
    pub clock: ClockSource,
    /// How old the last accepted test of a bed may be before somebody is reminded; `None` for never.
    pub test_every: Option<Duration>,
}

/// One bed.
#[derive(Debug, Clone, PartialEq)]
pub struct Bed {
    /// Its id.
    pub id: BedId,
    /// Where its readings come from.
    pub sensor: sensor::Sensor,
    /// What decisions depend on.
    pub detect: detect::Settings,
}

/// How far beyond the file a check goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    /// On the gateway itself: secrets and certificates have to be there; a missing port is a warning.
    Here,
    /// On another machine: neither is looked at.
    Elsewhere,
    /// For a recording: nothing is looked at, no channel is needed, and levels may fit other zones than the mat's.
    Replay,
}

/// A sound configuration with what deserves a second look.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// The settings.
    pub config: Config,
    /// The text that they were read from, for [`accepted::remember`].
    pub text: String,
    /// Warnings only.
    pub report: Report,
}

/// Says why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no such file.
    #[error("{}: there is no such file; name the configuration file, or put one there", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It is there but cannot be read.
    #[error("{}: cannot be read: {error}{}", path.display(), with_rights(error))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// It has mistakes.
    #[error("the configuration is not sound\n{report}")]
    Unsound {
        /// All of them, and the warnings.
        report: Report,
        /// What was read, for [`accepted::store_path_of_broken`].
        text: String,
    },
}

/// Reads a file and checks it. Blocks on files only.
///
/// # Errors
///
/// Fails where the file is missing, cannot be read, or is not sound; then with every mistake at once.
pub fn load(path: &Path, looks: Looks) -> Result<Sound, ConfigError> {
    let bytes = source::read(path).map_err(|error| {
        let path = path.to_owned();
        if error.kind() == io::ErrorKind::NotFound {
            ConfigError::Missing { path }
        } else {
            ConfigError::Unreadable { path, error }
        }
    })?;
    checked(bytes, &path.display().to_string(), looks, true)
}

/// What to do about a file that is closed to us.
fn with_rights(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::PermissionDenied {
        "; it is for root and the service alone: use sudo"
    } else {
        ""
    }
}

/// Checks a text, such as one from [`accepted::recall`]; `name` stands for the file in what is reported.
/// Looks at files as [`load`] does.
///
/// # Errors
///
/// Fails with every mistake at once where the text is not sound.
pub fn check(text: &str, name: &str, looks: Looks) -> Result<Sound, ConfigError> {
    checked(text.as_bytes().to_owned(), name, looks, true)
}

/// As [`check`], but looks at nothing outside the text, whatever `looks` says.
///
/// # Errors
///
/// Fails with every mistake at once where the text is not sound.
pub fn parse(text: &str, name: &str, looks: Looks) -> Result<Sound, ConfigError> {
    checked(text.as_bytes().to_owned(), name, looks, false)
}

fn checked(bytes: Vec<u8>, name: &str, looks: Looks, with_files: bool) -> Result<Sound, ConfigError> {
    let mut notes = Notes::default();
    let text = source::text(bytes, &mut notes);
    if notes.has_errors() {
        return Err(ConfigError::Unsound { report: Report::new(name, &text, notes.findings), text });
    }
    let readable = syntax::read(&text, &mut notes);
    let mut meaning = Notes::default();
    let (tree, _) = DeTable::parse_recoverable(&readable.text);
    let config = tables::read(tree.get_ref(), looks, &mut meaning);
    if with_files && looks == Looks::Here {
        look::look(&mut meaning);
    }
    let config = config.filter(|_| !notes.has_errors() && !meaning.has_errors());
    notes.findings.extend(worth_telling(&text, &readable, meaning));
    let report = Report::new(name, &text, notes.findings);
    match config {
        Some(config) => Ok(Sound { config, text, report }),
        None => Err(ConfigError::Unsound { report, text }),
    }
}

/// Leaves out what is but a consequence of broken syntax: on the same line, or not there because it was not readable.
fn worth_telling(text: &str, readable: &syntax::Readable, meaning: Notes) -> Vec<Finding> {
    let newlines: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let line = |at: usize| newlines.partition_point(|newline| *newline < at);
    let broken: BTreeSet<usize> = readable.broken.iter().map(|at| line(*at)).collect();
    let mut findings = Vec::new();
    for mut finding in meaning.findings {
        finding.span = readable.in_file(&finding.span);
        let lost = finding.absence && !readable.whole;
        if !lost && !broken.contains(&line(finding.span.start)) {
            findings.push(finding);
        }
    }
    findings
}
