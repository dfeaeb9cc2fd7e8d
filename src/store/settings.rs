//! Where alerts are kept and for how long: checked settings, made by `config`.

use std::path::PathBuf;
use std::time::Duration;

/// Where alerts, events and states are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The folder; the store itself lies below it.
    pub path: PathBuf,
    /// How long delivered alerts and events are kept.
    pub keep: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { path: PathBuf::from("/var/lib/nattvakt"), keep: Duration::from_secs(35 * 24 * 3600) }
    }
}
