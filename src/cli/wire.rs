//! The way to the running daemon: where its socket is, and what the home's time is.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::mpsc;

use super::{Failure, journal, say};
use crate::config::{self, Config, ConfigError, Looks, accepted};
use crate::control::status::{Status, TestDue};
use crate::control::{self, Answer, Client, ClientError, Reason, Request, SERVICE_SOCKET};
use crate::model::BedId;
use crate::store;

/// Readings of the daemon that wait to be taken.
const READINGS_MAX: usize = 256;

/// Which daemon is meant.
#[derive(Debug, clap::Args)]
pub(crate) struct Wire {
    /// The daemon's socket [default: /run/nattvakt/control.sock, else control.sock beside the store]
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,

    /// The configuration of the daemon that is meant, where it is not the service: its store says where the socket is.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Wire {
    /// Returns the daemon's configuration file.
    pub(super) fn file(&self) -> &Path {
        self.config.as_deref().unwrap_or(Path::new(config::DEFAULT_FILE))
    }

    /// Asks the daemon what has one answer.
    pub(super) fn ask(&self, request: &Request) -> Result<Answer, Failure> {
        let answer = self.try_connect()?.and_then(|mut daemon| daemon.ask_once(request));
        answer.map_err(|error| failure(&error))
    }

    /// Returns the configuration by which the daemon goes, or where none runs the file's; of a file that is broken the one
    /// before, by which the daemon went and would go again.
    pub(super) fn configuration(&self) -> Result<Config, Failure> {
        let answer = match self.try_connect()?.and_then(|mut daemon| daemon.ask_once(&Request::Configuration {})) {
            Err(ClientError::NotRunning { .. }) => {
                let loaded = config::load(self.file(), Looks::Replay).map(|sound| sound.config);
                return loaded.or_else(|error| self.one_before(&error).ok_or_else(|| Failure::usage(error)));
            }
            answer => answer.map_err(|error| failure(&error))?,
        };
        let Answer::Configuration { text } = &answer else { return Err(failure(&ClientError::unexpected(&answer))) };
        let sound = config::parse(text, "the daemon's configuration", Looks::Elsewhere);
        Ok(sound.map_err(Failure::failed)?.config)
    }

    fn one_before(&self, error: &ConfigError) -> Option<Config> {
        let ConfigError::Unsound { .. } = error else { return None };
        let config = journal::last_accepted(&self.store().ok()?)?;
        let file = self.file().display();
        say(&format!("{file} is not sound: the one before is used. `nattvakt check {file}` shows what is wrong.\n"));
        Some(config)
    }

    /// Hears the readings of a bed through the daemon, on a thread that ends with the connection or the receiver.
    pub(super) fn readings(&self, bed: BedId) -> Result<mpsc::Receiver<Result<Answer, ClientError>>, Failure> {
        let mut daemon = self.try_connect()?.map_err(|error| failure(&error))?;
        daemon.ask(&Request::Readings { bed }).map_err(|error| failure(&error))?;
        let (hand_on, said) = mpsc::channel(READINGS_MAX);
        let listen = move || loop {
            let answer = daemon.answer();
            let last = answer.is_err();
            if hand_on.blocking_send(answer).is_err() || last {
                return;
            }
        };
        std::thread::Builder::new().name("readings".to_owned()).spawn(listen).map_err(Failure::failed)?;
        Ok(said)
    }

    /// Connects; the inner error is what the daemon's absence or refusal is.
    pub(super) fn try_connect(&self) -> Result<Result<Client, ClientError>, Failure> {
        Ok(Client::connect(&self.path()?))
    }

    /// Returns where the socket is.
    pub(super) fn path(&self) -> Result<PathBuf, Failure> {
        if let Some(socket) = &self.socket {
            return Ok(socket.clone());
        }
        let service = Path::new(SERVICE_SOCKET);
        let file = self.config.as_deref().filter(|file| !is_same(file, Path::new(config::DEFAULT_FILE)));
        // Not `exists`: a folder that is closed to us tells that it is there.
        let missing = |error: io::Error| error.kind() == io::ErrorKind::NotFound;
        if file.is_none() && !service.symlink_metadata().is_err_and(missing) {
            return Ok(service.to_owned());
        }
        let store = self.store()?;
        Ok(control::path(std::env::var_os("RUNTIME_DIRECTORY").as_deref(), &store))
    }

    /// Returns the folder of the daemon's store.
    pub(super) fn store(&self) -> Result<PathBuf, Failure> {
        let file = self.config.as_deref().unwrap_or(Path::new(config::DEFAULT_FILE));
        match config::load(file, Looks::Elsewhere) {
            Ok(sound) => Ok(sound.config.store.path),
            Err(ConfigError::Unsound { text, .. }) => {
                Ok(accepted::store_path_of_broken(&text).unwrap_or_else(|| store::Settings::default().path))
            }
            Err(error) if self.config.is_some() => Err(Failure::usage(error)),
            Err(_) => Ok(store::Settings::default().path),
        }
    }
}

/// Tells whether both are the same file, however each is spelled.
fn is_same(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Says what the technician can do about a daemon that does not do as it is asked.
pub(super) fn failure(error: &ClientError) -> Failure {
    if matches!(error, ClientError::Refused(refusal) if refusal.reason == Reason::Request) {
        return Failure::usage(error);
    }
    Failure::failed(match error {
        ClientError::NotRunning { .. } => {
            format!("{error}\n  start it with `sudo systemctl start nattvakt`, or name its socket with --socket")
        }
        ClientError::Refused(_) | ClientError::NoRights { .. } | ClientError::Silent | ClientError::Ended(_) => {
            error.to_string()
        }
    })
}

/// Says which beds should be tested, a line each.
pub(super) fn reminders(status: &Status) -> Vec<String> {
    let of = |due: &TestDue| {
        let TestDue { bed, tested } = due;
        let when = tested.map_or_else(
            || "no test alert has been accepted yet".to_owned(),
            |tested| format!("the last test alert is from {}", tested.to_zoned(zone(&status.time_zone)).date()),
        );
        format!("{bed}: {when}; `sudo nattvakt test-alert {bed}`")
    };
    status.tests_due.iter().map(of).collect()
}

/// Returns the home's time zone by its name; UTC where this machine does not know it.
pub(super) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// Writes a time of the wall as people read it: the time of day where it is less than a day away, else the date too.
pub(super) fn wall(time: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let near = time.duration_since(now).abs().as_hours() < 24;
    time.to_zoned(zone.clone()).strftime(if near { "%H:%M" } else { "%Y-%m-%d %H:%M" }).to_string()
}

/// Writes a span of time in seconds as people read it.
pub(super) fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {} min", minutes % 60),
        (days, hours, _) => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_times_are_short() {
        let spans: Vec<String> = [0, 59, 60, 3599, 3600, 90_000, 400_000].into_iter().map(span).collect();
        assert_eq!(spans, ["0 s", "59 s", "1 min", "59 min", "1 h 0 min", "1 d 1 h", "4 d 15 h"]);
        let (zone, now) = (zone("Europe/Stockholm"), "2026-01-15T23:12:04Z".parse().unwrap());
        assert_eq!(wall("2026-01-15T21:12:04Z".parse().unwrap(), now, &zone), "22:12");
        assert_eq!(wall("2026-01-14T21:12:04Z".parse().unwrap(), now, &zone), "2026-01-14 22:12");
    }
}
