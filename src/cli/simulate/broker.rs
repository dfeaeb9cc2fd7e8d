//! A mat that publishes: each reading a message to one topic of a real broker, at least once.
//!
//! The connection has a task of its own. A broker that is not there at the beginning ends the command; one that goes
//! later is tried again, and what could not wait for it (256 readings) is lost and counted, as with a real mat.

use std::time::Duration;

use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::cli::Failure;
use crate::model::Channels;
use crate::sensor::BrokerSettings;

/// How many readings wait for the connection.
const WAITING_MAX: usize = 256;

/// How long the broker may take to let us in.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);

/// How long the last readings may take.
const LAST_WITHIN: Duration = Duration::from_secs(5);

/// How long to wait before a lost broker is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How the connection is.
#[derive(Debug, Clone, Default)]
struct State {
    connected: bool,
    /// Why it is not.
    trouble: Option<String>,
    /// Messages that the broker has confirmed.
    confirmed: u64,
}

/// A mat on a topic.
pub(super) struct Publisher {
    client: AsyncClient,
    topic: String,
    contact: bool,
    state: watch::Receiver<State>,
    sent: u64,
    _connection: JoinSet<()>,
}

impl Publisher {
    /// Connects, and waits until the broker has let us in.
    pub(super) async fn connect(broker: &BrokerSettings, topic: &str, contact: bool) -> Result<Self, Failure> {
        let host = broker.host.trim_start_matches('[').trim_end_matches(']');
        let mut options = MqttOptions::new(format!("nattvakt-simulate-{}", std::process::id()), host, broker.port);
        options.set_clean_session(true);
        let (client, events) = AsyncClient::new(options, WAITING_MAX);
        let (told, mut state) = watch::channel(State::default());
        let mut connection = JoinSet::new();
        connection.spawn(keep(events, told));
        let first = state.wait_for(|state| state.connected || state.trouble.is_some());
        let trouble = match timeout(CONNECT_LIMIT, first).await {
            Ok(Ok(state)) => state.trouble.clone(),
            Ok(Err(_)) => Some("the connection has ended".to_owned()),
            Err(_) => Some("no answer".to_owned()),
        };
        if let Some(trouble) = trouble {
            return Err(Failure::failed(format!("the broker at {}:{}: {trouble}", broker.host, broker.port)));
        }
        Ok(Self { client, topic: topic.to_owned(), contact, state, sent: 0, _connection: connection })
    }

    /// Publishes a reading; tells whether it could be.
    pub(super) fn send(&mut self, channels: &Channels) -> bool {
        let payload = payload(channels, self.contact);
        let taken = self.client.try_publish(self.topic.as_str(), QoS::AtLeastOnce, false, payload).is_ok();
        self.sent += u64::from(taken);
        taken
    }

    /// Waits until the broker has everything, and takes leave.
    pub(super) async fn close(mut self) {
        let sent = self.sent;
        // Readings that a lost broker never got are of no use to anybody later.
        drop(timeout(LAST_WITHIN, self.state.wait_for(|state| state.confirmed >= sent)).await);
        drop(timeout(LAST_WITHIN, self.client.disconnect()).await);
        drop(timeout(LAST_WITHIN, self.state.wait_for(|state| !state.connected)).await);
    }
}

/// Keeps the connection, and tells how it is, for as long as anybody wants to know.
async fn keep(mut events: EventLoop, told: watch::Sender<State>) {
    while !told.is_closed() {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => told.send_modify(|state| {
                state.connected = true;
                state.trouble = None;
            }),
            Ok(Event::Incoming(Packet::PubAck(_))) => told.send_modify(|state| state.confirmed += 1),
            Ok(Event::Incoming(_) | Event::Outgoing(_)) => {}
            Err(error) => {
                told.send_modify(|state| {
                    state.connected = false;
                    state.trouble = Some(error.to_string());
                });
                sleep(AGAIN_AFTER).await;
            }
        }
    }
}

/// What a mat says: a number, 1 or 0, or JSON with a member a zone. What failed is `NaN`, or `null`.
fn payload(channels: &Channels, contact: bool) -> String {
    match channels.zones() {
        [pressed] if contact && !pressed.is_nan() => (if *pressed > 0.5 { "1" } else { "0" }).to_owned(),
        [one] => one.to_string(),
        zones => {
            let member = |(number, zone): (usize, &f64)| {
                let value = if zone.is_nan() { "null".to_owned() } else { zone.to_string() };
                format!("\"zone{number}\":{value}")
            };
            format!("{{{}}}", (1..).zip(zones).map(member).collect::<Vec<_>>().join(","))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mat_says_a_number_a_switch_or_a_member_a_zone() {
        let zones = |zones: &[f64]| payload(&Channels::new(zones.iter().copied()).unwrap(), false);
        assert_eq!(zones(&[112.5]), "112.5");
        assert_eq!(zones(&[f64::NAN]), "NaN");
        assert_eq!(zones(&[1.0, f64::NAN, 3.0]), r#"{"zone1":1,"zone2":null,"zone3":3}"#);
        assert_eq!(payload(&Channels::contact(true), true), "1");
        assert_eq!(payload(&Channels::contact(false), true), "0");
    }
}
