//! One channel of whatever kind, shared by the attempts over it.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::dispatch::https::{Channel, Letter};
use crate::dispatch::outcome::Outcome;
use crate::dispatch::settings::{ChannelSettings, Way};
use crate::model::GatewayId;

/// A way out. Cheap to clone; all clones share connections and secrets.
#[derive(Debug, Clone)]
pub(super) struct Line {
    name: Arc<str>,
    way: Arc<Channel>,
}

impl Line {
    pub(super) fn new(gateway: GatewayId, settings: ChannelSettings, clock: &Clock) -> Self {
        let Way::Https(https) = settings.way;
        let way = Channel::new(gateway, https, settings.heartbeat, clock.clone());
        Self { name: settings.name.into(), way: Arc::new(way) }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) async fn send(&self, letter: Letter<'_>) -> Outcome {
        #[cfg(test)]
        assert_ne!(letter.alert.text, super::tests::PANIC, "as the test asks");
        self.way.send(letter).await
    }

    /// Sends one that may not take as long as others.
    pub(super) async fn send_within(&self, letter: Letter<'_>, limit: Duration) -> Outcome {
        self.way.send_within(letter, limit).await
    }

    /// Reads secrets and certificates anew, or only where they have changed; says what is wrong with them.
    pub(super) async fn read(&self, only_changed: bool) -> Result<(), String> {
        if only_changed { self.way.refresh().await } else { self.way.reload().await }
    }
}
