//! The ways to dispatch: checked settings, made by `config`.

use std::path::PathBuf;
use std::time::Duration;

use crate::tls;

/// How alerts are spread over the channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// Which channels an alert takes.
    pub order: Order,
    /// After this long without acceptance the next channel is tried as well.
    pub give_up_after: Duration,
}

impl Default for Delivery {
    fn default() -> Self {
        Self { order: Order::Fallback, give_up_after: Duration::from_secs(10) }
    }
}

/// Which channels an alert takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The channels in turn, until one has accepted.
    #[default]
    Fallback,
    /// Every channel.
    All,
}

/// One way to dispatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelSettings {
    /// Its name in logs and status, unique.
    pub name: String,
    /// How often a heartbeat is sent; `None`: never.
    pub heartbeat: Option<Duration>,
    /// How alerts are sent.
    pub way: Way,
}

/// How alerts are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// A signed CloudEvent by POST.
    Https(HttpsSettings),
}

/// A dispatch service that takes CloudEvents over HTTPS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpsSettings {
    /// Where to POST.
    pub url: String,
    /// File with the bearer token.
    pub token_file: Option<PathBuf>,
    /// File with the signing keys (`whsec_…`), one a line.
    pub signing_key_file: Option<PathBuf>,
    /// CA and client certificate.
    pub tls: tls::Files,
    /// Whether only an answer that names the alert's id counts as acceptance.
    pub receipt: bool,
}
