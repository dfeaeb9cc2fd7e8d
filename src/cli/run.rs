//! `nattvakt run`: the daemon.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tokio::sync::mpsc;
use tracing::{debug, info, warn};

use super::{Failure, Signals, Told, block_on};
use crate::clock::Clock;
use crate::config::{self, Config, ConfigError, Looks, Severity, Sound, accepted};
use crate::gateway::{self, Ended, Load, Order, Setup};
use crate::{control, power, telemetry};

/// The exit code when the battery ends: the unit switches the machine off on it.
const BATTERY_ENDED: u8 = 10;

/// Watches the beds of this home until it is told to stop.
///
/// The configuration is checked whole before any device is touched. A file that is not sound ends the very first start;
/// a gateway that has run before goes on with the configuration that it accepted last, and tells dispatch so. What is
/// missing (a port, the broker, dispatch, the disk) is told as a fault and does not keep the watch from starting.
///
/// SIGTERM and SIGINT end it in order, within about ten seconds. So does a battery that ends while mains is away: dispatch
/// gets a last word, and the exit code is 10. SIGHUP makes it read the configuration, secrets and
/// certificates again: a file that is sound is used at once, and only what changed is started anew; else the one in
/// use stays, and dispatch is told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The level of the log comes from RUST_LOG, such as RUST_LOG=debug; it goes to stderr.

Example:
  nattvakt run --config /etc/nattvakt/nattvakt.toml")]
pub(crate) struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = config::DEFAULT_FILE)]
    config: PathBuf,

    /// The shape of log lines.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log: telemetry::Format,
}

impl Args {
    /// Runs until a signal says stop.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        // Debian's arm64 kernel backs every program with huge pages, which costs a small one a dozen megabytes.
        let small_pages = nix::sys::prctl::set_thp_disable(true);
        let chosen = choose(&self.config)?;
        let _writes_out_at_the_end = telemetry::start(self.log);
        info!(version = env!("CARGO_PKG_VERSION"), beds = chosen.config.beds.len(), "Starting");
        if let Some(broken) = &chosen.broken {
            warn!(error = broken, "The configuration file is not sound; the last accepted one is used");
        }
        if let Err(error) = small_pages {
            debug!(error = %error, "Transparent huge pages stay as they are");
        }
        chosen.remember();
        let clock = Clock::new(chosen.config.gateway.clock);
        let load = Some(Load::new(move || load(&self.config)));
        let (config, text, broken_file, first_start) = (chosen.config, chosen.text, chosen.broken, chosen.first);
        let (supplies, runtime) = (Some(supplies()), std::env::var_os("RUNTIME_DIRECTORY"));
        let control = Some(control::path(runtime.as_deref(), &config.store.path));
        let setup = Setup { config, text, broken_file, first_start, load, clock, supplies, control, tap: None };
        block_on(async {
            let signals = Signals::listen()?;
            let (orders, received) = mpsc::channel(4);
            tokio::select! {
                ended = gateway::run(setup, received) => Ok(match ended {
                    Ended::Told => ExitCode::SUCCESS,
                    Ended::Battery => ExitCode::from(BATTERY_ENDED),
                }),
                never = pass_on(signals, orders) => match never {},
            }
        })?
    }
}

/// Reads the file again while the gateway runs; what is sound is kept for a start with a broken file.
fn load(file: &Path) -> Result<Sound, String> {
    let sound = config::load(file, Looks::Here).map_err(|error| in_short(&error))?;
    let folder = folder(Some(&sound.config.store.path));
    if let Err(error) = accepted::remember(&sound.text, &folder) {
        warn!(error = %error, "The accepted configuration could not be kept for a start with a broken file");
    }
    Ok(sound)
}

/// Where Linux shows power supplies; tests show others.
fn supplies() -> PathBuf {
    std::env::var_os("NATTVAKT_POWER_SUPPLIES").map_or_else(|| power::SUPPLIES.into(), PathBuf::from)
}

/// Turns signals into orders, also while the gateway drains: a second one changes nothing then.
#[expect(clippy::infinite_loop, reason = "`Infallible` says so where `!` cannot be named yet")]
async fn pass_on(mut signals: Signals, orders: mpsc::Sender<Order>) -> Infallible {
    loop {
        pass(signals.next().await, &orders).await;
    }
}

/// An order to reload is let go where others wait already; one to stop waits for its turn.
async fn pass(told: Told, orders: &mpsc::Sender<Order>) {
    match told {
        Told::Reload if orders.try_send(Order::Reload).is_err() => info!("A reload waits already, or it ends"),
        Told::Reload => {}
        Told::Stop if orders.send(Order::Stop).await.is_err() => info!("It ends already"),
        Told::Stop => {}
    }
}

/// The configuration to run with.
struct Chosen {
    config: Config,
    /// What it was read from.
    text: String,
    /// What is wrong with the file, where it is not the file's.
    broken: Option<String>,
    /// Whether no configuration was ever accepted.
    first: bool,
    /// Where to keep it for a start with a broken file.
    keep: Option<PathBuf>,
}

impl Chosen {
    /// Keeps the accepted configuration beside the start, so that a slow disk does not hold it up.
    fn remember(&self) {
        let Some(folder) = self.keep.clone() else { return };
        let text = self.text.clone();
        let keeper = std::thread::Builder::new().name("accepted".to_owned()).spawn(move || {
            if let Err(error) = accepted::remember(&text, &folder) {
                warn!(error = %error, "The accepted configuration could not be kept for a start with a broken file");
            }
        });
        if let Err(error) = keeper {
            warn!(error = %error, "The accepted configuration could not be kept for a start with a broken file");
        }
    }
}

fn folder(store: Option<&Path>) -> PathBuf {
    accepted::folder(std::env::var_os("STATE_DIRECTORY").as_deref(), store)
}

/// Takes the file where it is sound, else the configuration that was accepted last. A missing file is wrong usage.
fn choose(file: &Path) -> Result<Chosen, Failure> {
    match config::load(file, Looks::Here) {
        Ok(sound) => {
            let folder = folder(Some(&sound.config.store.path));
            // One that is there and cannot be read was accepted once: the gateway has run before.
            let first = matches!(accepted::recall(&folder), Ok(None));
            Ok(Chosen { config: sound.config, text: sound.text, broken: None, first, keep: Some(folder) })
        }
        Err(error @ ConfigError::Missing { .. }) => Err(Failure::usage(error)),
        Err(error) => {
            let store = match &error {
                ConfigError::Unsound { text, .. } => accepted::store_path_of_broken(text),
                ConfigError::Missing { .. } | ConfigError::Unreadable { .. } => None,
            };
            last_accepted(&folder(store.as_deref()), &error).ok_or_else(|| Failure::usage(error))
        }
    }
}

fn last_accepted(folder: &Path, error: &ConfigError) -> Option<Chosen> {
    let text = accepted::recall(folder).ok().flatten()?;
    // What it names was looked at when it was accepted; a secret that is missing now is dispatch's fault to tell.
    let sound = config::parse(&text, "the last accepted configuration", Looks::Elsewhere).ok()?;
    Some(Chosen { config: sound.config, text, broken: Some(in_short(error)), first: false, keep: None })
}

/// The first mistake in one line, and how many more there are.
fn in_short(error: &ConfigError) -> String {
    let ConfigError::Unsound { report, .. } = error else { return error.to_string() };
    let mistakes = report.findings().iter().filter(|finding| finding.severity == Severity::Error);
    let first = mistakes.clone().next().map(|finding| report.line(finding)).unwrap_or_default();
    match mistakes.count() {
        0 | 1 => first,
        count => format!("{first} (and {} more)", count - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_order_to_stop_is_not_lost_behind_reloads() {
        let (orders, mut received) = mpsc::channel(4);
        for _ in 0..10 {
            pass(Told::Reload, &orders).await;
        }
        let received = async {
            let mut count = 0;
            while received.recv().await != Some(Order::Stop) {
                count += 1;
            }
            count
        };
        let (waiting, ()) = tokio::join!(received, pass(Told::Stop, &orders));
        assert_eq!(waiting, 4);
    }
}
