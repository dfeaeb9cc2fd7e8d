//! Messages to the broker, for local actions: over a connection of its own, which a broker that forbids one of them may
//! cut without taking the mats along.
//!
//! Reads nothing. What cannot go out soon is let go.

use std::convert::Infallible;
use std::time::Duration;

use rumqttc::{AsyncClient, Event, EventLoop, Packet, QoS};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::{sleep, timeout};

use super::options::{POLL_LIMIT, Reading, connect, options};
use super::words::{self, Trouble};
use crate::clock::{self, Clock};
use crate::model::Moment;
use crate::sensor::outage::Outage;
use crate::sensor::settings::BrokerSettings;
use crate::sensor::{Link, random};

/// How many messages wait to be published; beyond it the oldest go.
pub const PUBLICATIONS_MAX: usize = 16;

/// A message that could not be published by then is let go: a night light that goes on an hour later helps nobody.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(10);

/// A message to be published once, at least once as MQTT has it, and not kept by the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Where.
    pub topic: String,
    /// What.
    pub payload: String,
    /// When it was asked for.
    pub at: Moment,
}

/// What the connection is made of.
#[derive(Debug)]
pub struct Setup {
    /// The broker.
    pub broker: BrokerSettings,
    /// Our name there, another one than that of the connection of the mats.
    pub client_id: String,
    /// What is to be published.
    pub publications: broadcast::Receiver<Publication>,
    /// By which certificates are judged.
    pub clock: Clock,
    /// Tells how the connection is.
    pub link: watch::Sender<Link>,
}

/// Keeps one connection to the broker for ever and publishes what is asked for.
#[expect(clippy::infinite_loop, reason = "`Infallible` says so where `!` cannot be named yet")]
pub async fn run(setup: Setup) -> Infallible {
    let address = format!("{}:{}", setup.broker.host, setup.broker.port);
    let (reading, outage, unconfirmed) = (Reading::default(), Outage::default(), None);
    let mut way = Way { setup, address, reading, outage, unconfirmed };
    loop {
        let (trouble, worked) = way.connection().await;
        let words = way.with_suspicion(trouble.words);
        if way.outage.is_new(&words, worked) {
            tracing::warn!(broker = %way.address, error = %words, "Connection to the broker for actions is lost");
        }
        let wait = way.outage.failed(trouble.backoff, worked, random());
        way.setup.link.send_replace(Link::Down(words));
        sleep(wait).await;
    }
}

/// What is kept while connections come and go.
struct Way {
    setup: Setup,
    address: String,
    reading: Reading,
    outage: Outage,
    /// The topic of the last message that the broker has not confirmed.
    unconfirmed: Option<String>,
}

impl Way {
    /// Lives through one connection, and returns why it ended and how long it had worked.
    async fn connection(&mut self) -> (Trouble, Option<Duration>) {
        let Setup { broker, client_id, clock, .. } = &self.setup;
        let options = match options(broker, client_id, clock, &mut self.reading).await {
            Ok(options) => options,
            Err(trouble) => return (trouble, None),
        };
        let (client, mut events) = connect(options);
        let mut up: Option<Moment> = None;
        let trouble = loop {
            match self.poll(&client, &mut events, up.is_some()).await {
                Ok(Packet::ConnAck(_)) => up = Some(self.up()),
                Ok(Packet::PubAck(_)) => self.unconfirmed = None,
                Ok(_) => {}
                Err(trouble) => break trouble,
            }
        };
        (trouble, up.map(|since| clock::moment().since(since)))
    }

    /// Waits for what the broker says next, and publishes meanwhile what is asked for.
    async fn poll(&mut self, client: &AsyncClient, events: &mut EventLoop, up: bool) -> Result<Packet, Trouble> {
        loop {
            let poll = timeout(POLL_LIMIT, events.poll());
            tokio::pin!(poll);
            let polled = loop {
                tokio::select! {
                    biased;
                    polled = poll.as_mut() => break polled,
                    publication = next(&mut self.setup.publications), if up => {
                        self.unconfirmed = publish(client, publication).or(self.unconfirmed.take());
                    }
                }
            };
            match polled {
                Ok(Ok(Event::Incoming(packet))) => return Ok(packet),
                Ok(Ok(Event::Outgoing(_))) => {}
                Ok(Err(error)) => return Err(words::of(&error)),
                Err(_) => return Err(Trouble::new("the broker has fallen silent")),
            }
        }
    }

    fn up(&mut self) -> Moment {
        if let Some(failures) = self.outage.opened() {
            tracing::info!(broker = %self.address, count = failures, "Connected to the broker for actions");
        }
        self.setup.link.send_replace(Link::Up);
        clock::moment()
    }

    /// Adds what may be the cause where the connection ended before the broker had confirmed a message.
    fn with_suspicion(&mut self, words: String) -> String {
        match self.unconfirmed.take() {
            Some(topic) => format!("{words}; may we publish on {topic:?}? check the broker's access rules"),
            None => words,
        }
    }
}

/// Waits for something to publish. What was dropped because too much waited is logged.
async fn next(publications: &mut broadcast::Receiver<Publication>) -> Publication {
    loop {
        match publications.recv().await {
            Ok(publication) => return publication,
            Err(RecvError::Lagged(count)) => {
                tracing::warn!(count, "Messages of actions were not published: too many waited for the broker");
            }
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Hands a message to the connection; returns its topic where it is on its way.
fn publish(client: &AsyncClient, publication: Publication) -> Option<String> {
    let Publication { topic, payload, at } = publication;
    if clock::moment().since(at) > PUBLISHED_WITHIN {
        tracing::warn!(topic, "A message of an action was not published: the broker was away for too long");
        return None;
    }
    if client.try_publish(&topic, QoS::AtLeastOnce, false, payload).is_err() {
        tracing::warn!(topic, "A message of an action was not published: the broker takes none; is it overloaded?");
        return None;
    }
    Some(topic)
}
