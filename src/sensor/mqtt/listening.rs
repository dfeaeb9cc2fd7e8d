//! Listens to the broker for a while, for a technician. Publishes nothing, and never takes the daemon's name there.

use std::time::Duration;

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS, SubscribeFilter, SubscribeReasonCode};
use tokio::time::timeout_at;

use super::options::{CONNECT_LIMIT, Reading, connect, options};
use super::words;
use crate::clock::{self, Clock};
use crate::sensor::settings::BrokerSettings;

/// A message that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: Vec<u8>,
    /// Whether the broker had kept it: then it may be old.
    pub retained: bool,
}

/// Connects under a name of its own, and hands over what comes on these filters until `length` has passed since the
/// broker has confirmed them, or until `each` says that it has heard enough.
///
/// # Errors
///
/// Says why the broker cannot be reached or lets us read nothing, and what to do.
pub async fn listen(
    broker: &BrokerSettings,
    filters: &[String],
    length: Duration,
    clock: &Clock,
    mut each: impl FnMut(Message) -> bool,
) -> Result<(), String> {
    let options = options(broker, &name(), clock, &mut Reading::default()).await.map_err(|trouble| trouble.words)?;
    let mut link = Listening::with(options, filters);
    let mut end = clock::instant(clock::moment() + CONNECT_LIMIT + length);
    loop {
        match timeout_at(end, link.events.poll()).await {
            Err(_) if link.confirmed => return Ok(()),
            Err(_) => return Err("the broker does not confirm that we may read".to_owned()),
            Ok(Ok(Event::Incoming(Packet::Publish(publish)))) => {
                let message =
                    Message { topic: publish.topic, payload: publish.payload.to_vec(), retained: publish.retain };
                if each(message) {
                    return Ok(());
                }
            }
            // Being let in is all that was asked for.
            Ok(Ok(Event::Incoming(Packet::ConnAck(_)))) if filters.is_empty() => return Ok(()),
            Ok(Ok(Event::Incoming(Packet::ConnAck(_)))) => link.subscribe()?,
            Ok(Ok(Event::Incoming(Packet::SubAck(ack)))) => {
                if let Some(at) = ack.return_codes.iter().position(|code| *code == SubscribeReasonCode::Failure) {
                    let filter = filters.get(at).map_or("", String::as_str);
                    return Err(format!(
                        "the broker refuses to let us read the topic {filter:?}; check its access rules"
                    ));
                }
                link.confirmed = true;
                end = clock::instant(clock::moment() + length);
            }
            Ok(Ok(Event::Incoming(_) | Event::Outgoing(_))) => {}
            Ok(Err(error)) => return Err(words::of(&error).words),
        }
    }
}

/// One connection, thrown away with its end.
struct Listening<'a> {
    client: AsyncClient,
    events: rumqttc::EventLoop,
    filters: &'a [String],
    confirmed: bool,
}

impl<'a> Listening<'a> {
    fn with(options: MqttOptions, filters: &'a [String]) -> Self {
        let (client, events) = connect(options);
        Self { client, events, filters, confirmed: false }
    }

    fn subscribe(&self) -> Result<(), String> {
        let filters = self.filters.iter().map(|filter| SubscribeFilter::new(filter.clone(), QoS::AtMostOnce));
        self.client.try_subscribe_many(filters).map_err(|_| "a topic is none that can be subscribed".to_owned())
    }
}

/// A second client of the daemon's name would throw it out.
fn name() -> String {
    format!("nattvakt-look-{}-{:08x}", std::process::id(), crate::sensor::random())
}
