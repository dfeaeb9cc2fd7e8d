//! Tells the service manager how everything is, on a thread of its own: its socket blocks where it does not read, as when
//! the disk of the system hangs, and nothing of the watch may wait for that.

use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use sd_notify::NotifyState;
use tracing::{info, warn};

use super::streak::Streak;

/// Messages that wait; beyond it they are let go: a service manager that reads nothing misses nothing.
const WAITING_MAX: usize = 16;

/// The way to the thread, one for the whole program; none where it could not be started.
static WAY: OnceLock<Option<SyncSender<String>>> = OnceLock::new();

/// Tells the service manager; one that does not listen is no reason to stop. Never waits.
pub(super) fn notify(states: &[NotifyState<'_>]) {
    let Some(way) = WAY.get_or_init(start) else { return };
    let message: Vec<String> = states.iter().map(ToString::to_string).collect();
    drop(way.try_send(message.join("\n")));
}

fn start() -> Option<SyncSender<String>> {
    let (way, messages) = sync_channel(WAITING_MAX);
    let started = std::thread::Builder::new().name("notify".to_owned()).spawn(move || pass_on(&messages));
    started.inspect_err(|error| warn!(error = %error, "The service manager cannot be told anything")).ok()?;
    Some(way)
}

fn pass_on(messages: &Receiver<String>) {
    let mut failures = Streak::default();
    for message in messages {
        match sd_notify::notify(&[NotifyState::Custom(&message)]) {
            Ok(()) => {
                if let Some(count) = failures.worked() {
                    info!(count, "The service manager can be told again");
                }
            }
            Err(error) => {
                if failures.failed() {
                    warn!(error = %error, "The service manager could not be told");
                }
            }
        }
    }
}
