//! The dispatch room against real HTTP and TLS servers: every row of the table of answers, and the way there.
#![expect(clippy::unwrap_used, reason = "test code")]
#![expect(clippy::disallowed_methods, reason = "tests read clocks to know when to give up")]
#![expect(clippy::indexing_slicing, reason = "test code")]

#[path = "../support/dispatch.rs"]
#[expect(dead_code, reason = "shared with the whole-program tests")]
mod support;

mod answers;
mod channels;
mod files;
mod network;
mod rig;

use nattvakt::clock::{Clock, ClockSource};
use nattvakt::dispatch::Outcome;
use nattvakt::dispatch::https::{Channel, Letter};
use nattvakt::dispatch::settings::HttpsSettings;
use nattvakt::model::{Alert, AlertId, Event, Kind, Sequence};
use nattvakt::tls;

fn https(url: &str) -> HttpsSettings {
    let (token_file, signing_key_file, tls) = (None, None, tls::Files::default());
    HttpsSettings { url: url.to_owned(), token_file, signing_key_file, tls, receipt: false }
}

fn clock() -> Clock {
    Clock::new(ClockSource::Rtc)
}

fn channel(settings: HttpsSettings) -> Channel {
    Channel::new("4601234567".parse().unwrap(), settings, None, clock())
}

fn alert(sequence: u64, kind: Kind) -> Alert {
    let priority = kind.priority();
    let event = Event { bed: Some("bed-1".parse().unwrap()), ..Event::of_gateway(kind, &clock().now()) };
    let id = AlertId::from_entropy(u128::from(sequence));
    Alert {
        id,
        sequence: Sequence(sequence),
        event,
        priority,
        text: "Har lämnat sängen".to_owned(),
        closes: Vec::new(),
    }
}

async fn send(channel: &Channel) -> Outcome {
    let alert = alert(1, Kind::Rise);
    channel.send(Letter { alert: &alert, priority: alert.priority, late: false }).await
}

fn is_try_again(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::TryAgain { .. })
}

fn is_wrong(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::ChannelWrong { .. })
}

/// Tells whether an outcome is the one that is wanted.
type Expected = fn(&Outcome) -> bool;

fn is_accepted(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Accepted { .. })
}
