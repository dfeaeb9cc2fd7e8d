//! One marked test message to each way out, without the daemon. With it, the daemon sends tests itself.

use std::time::Duration;

use super::line::Line;
use super::progress::Progress;
use crate::clock::{self, Clock};
use crate::config::Config;
use crate::dispatch::https::{Channel, Letter};
use crate::dispatch::{ChannelSettings, Outcome, Way};
use crate::model::{Alert, AlertId, Event, Kind, Priority, texts};
use crate::store;

/// An attempt ends by itself within 15 s.
const SENT_WITHIN: Duration = Duration::from_secs(20);

/// Sends a test to each channel, and says what came of it.
pub(super) async fn send(config: &Config, clock: &Clock, progress: Progress, mut each: impl FnMut(Line)) {
    let Ok(alert) = test(config, clock) else {
        return each(Line::wrong("test", "the system gives no random numbers", "restart the gateway"));
    };
    for channel in &config.channels {
        each(to_one(config, channel, &alert, clock, progress).await.about(channel.name.as_str()));
    }
}

async fn to_one(config: &Config, channel: &ChannelSettings, alert: &Alert, clock: &Clock, progress: Progress) -> Line {
    let Way::Https(https) = &channel.way;
    let way = Channel::new(config.gateway.id, https.clone(), None, clock.clone());
    let start = clock::moment();
    let letter = Letter { alert, priority: Priority::Info, late: false };
    let what = format!("sending a test to {}", channel.name);
    let outcome = progress.during(&what, SENT_WITHIN, way.send(letter)).await;
    let took = clock::moment().since(start).as_millis();
    match outcome {
        Some(Outcome::Accepted { reference }) => {
            let reference = reference.map(|reference| format!(", reference {reference}")).unwrap_or_default();
            Line::good("test", format!("accepted in {took} ms{reference}; its id is {}", alert.id.as_str()))
        }
        Some(Outcome::TryAgain { problem, .. } | Outcome::ChannelWrong { problem }) => Line::wrong(
            "test",
            format!("not accepted: {problem}"),
            "ask dispatch what they see, with the time of this test",
        ),
        None => Line::wrong("test", "no answer", "ask dispatch what they see, with the time of this test"),
    }
}

fn test(config: &Config, clock: &Clock) -> Result<Alert, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::getrandom(&mut bytes)?;
    let now = clock.now();
    let event = Event::of_gateway(Kind::Test, &now);
    Ok(Alert {
        id: AlertId::from_entropy(u128::from_le_bytes(bytes)),
        sequence: store::number_beside(&config.store.path, now.utc),
        text: texts::text(&event.kind, config.gateway.language).to_owned(),
        priority: event.kind.priority(),
        closes: Vec::new(),
        event,
    })
}
