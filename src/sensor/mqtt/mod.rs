//! Messages from the broker: one connection for all mats, subscribed anew on every connection.
//!
//! Publishes nothing. Sessions are clean: what a broker kept for us while we were away would look live. A connection
//! that failed is thrown away whole, for rumqttc carries stale requests over into the next one, forgets the
//! subscriptions, and does not wait between attempts.

mod options;
mod routes;
mod words;

use std::convert::Infallible;
use std::time::Duration;

use rumqttc::{AsyncClient, Event, EventLoop, NetworkOptions, Packet, Publish, QoS, SubAck};
use rumqttc::{SubscribeFilter, SubscribeReasonCode};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use self::options::{CONNECT_LIMIT, KEEP_ALIVE, options};
use self::routes::Routes;
use self::words::Trouble;
use super::outage::Outage;
use super::settings::{BrokerSettings, MqttSettings};
use super::{Feed, Link, Signal, random};
use crate::clock;
use crate::model::{BedId, Moment};

/// How long the broker may take to confirm the subscriptions.
const SUBSCRIBE_LIMIT: Duration = Duration::from_secs(10);

/// How long the connection may do nothing at all, pings included: two keep-alives and some patience.
const POLL_LIMIT: Duration = Duration::from_secs(2 * KEEP_ALIVE.as_secs() + 30);

/// How many requests wait for the connection: one subscription is all that we ever ask.
const REQUESTS_MAX: usize = 4;

/// A mat that publishes, and the bed that hears of it. Several may share a topic.
#[derive(Debug, Clone)]
pub struct Mat {
    /// The bed.
    pub bed: BedId,
    /// Topic and payload.
    pub settings: MqttSettings,
    /// The way to the bed.
    pub feed: Feed,
}

/// Keeps one connection to the broker for ever and hands its messages to the beds.
///
/// `link` tells how the connection is; it is up only once every topic is confirmed. The beds hear [`Signal::Away`] when
/// it is lost and [`Signal::Back`] when it is up again. Secrets and certificates are read
/// anew for each connection, so that a corrected file needs no restart. Without mats it connects to nothing.
#[expect(clippy::infinite_loop, reason = "`Infallible` says so where `!` cannot be named yet")]
pub async fn run(broker: BrokerSettings, client_id: String, mats: Vec<Mat>, link: watch::Sender<Link>) -> Infallible {
    let routes = Routes::new(mats);
    if routes.is_empty() {
        return std::future::pending().await;
    }
    let address = format!("{}:{}", broker.host, broker.port);
    let mut way = Way { broker, client_id, address, routes, link, outage: Outage::default() };
    way.routes.tell_all(Signal::Away);
    loop {
        let (trouble, worked) = way.connection().await;
        if worked.is_some() {
            way.routes.tell_all(Signal::Away);
        }
        if way.outage.is_new(&trouble.words, worked) {
            tracing::warn!(broker = %way.address, error = %trouble.words, "Connection to the broker is lost");
        }
        let wait = way.outage.failed(trouble.backoff, worked, random());
        way.link.send_replace(Link::Down(trouble.words));
        sleep(wait).await;
    }
}

/// What is kept while connections come and go.
struct Way {
    broker: BrokerSettings,
    client_id: String,
    address: String,
    routes: Routes,
    link: watch::Sender<Link>,
    outage: Outage,
}

/// How far one connection has come.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Waiting for the broker to take us.
    Connecting,
    /// Waiting since then for the confirmation of all topics.
    Subscribing(Moment),
    /// Working since then.
    Up(Moment),
}

impl Phase {
    /// Returns how long the next step may take.
    fn limit(self) -> Duration {
        match self {
            Self::Connecting | Self::Up(_) => POLL_LIMIT,
            Self::Subscribing(since) => SUBSCRIBE_LIMIT.saturating_sub(clock::moment().since(since)),
        }
    }

    /// Returns how long the connection has worked.
    fn worked(self) -> Option<Duration> {
        match self {
            Self::Connecting | Self::Subscribing(_) => None,
            Self::Up(since) => Some(clock::moment().since(since)),
        }
    }

    /// Says what it means that nothing came within the limit.
    fn silence(self) -> Trouble {
        match self {
            Self::Connecting | Self::Up(_) => Trouble::new("the broker has fallen silent"),
            Self::Subscribing(_) => Trouble::new("the broker does not confirm the subscriptions"),
        }
    }
}

impl Way {
    /// Lives through one connection, and returns why it ended and how long it had worked.
    async fn connection(&mut self) -> (Trouble, Option<Duration>) {
        let options = match options(&self.broker, &self.client_id).await {
            Ok(options) => options,
            Err(trouble) => return (trouble, None),
        };
        let (client, mut events) = AsyncClient::new(options, REQUESTS_MAX);
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        network.set_connection_timeout(CONNECT_LIMIT.as_secs());
        events.set_network_options(network);

        let mut phase = Phase::Connecting;
        let trouble = self.follow(&client, &mut events, &mut phase).await;
        // What came in one piece with the end of the connection is still news.
        for event in std::mem::take(&mut events.state.events) {
            if let Event::Incoming(Packet::Publish(publish)) = event {
                self.take(&publish);
            }
        }
        (trouble, phase.worked())
    }

    async fn follow(&mut self, client: &AsyncClient, events: &mut EventLoop, phase: &mut Phase) -> Trouble {
        loop {
            // Cutting a poll off may lose what it was at; that is no loss here, for the connection ends with it.
            match timeout(phase.limit(), events.poll()).await {
                Ok(Ok(Event::Incoming(Packet::Publish(publish)))) => self.take(&publish),
                Ok(Ok(Event::Incoming(Packet::ConnAck(_)))) => match self.subscribe(client) {
                    Ok(()) => *phase = Phase::Subscribing(clock::moment()),
                    Err(trouble) => return trouble,
                },
                Ok(Ok(Event::Incoming(Packet::SubAck(ack)))) => match self.subscribed(&ack) {
                    Ok(()) => *phase = Phase::Up(clock::moment()),
                    Err(trouble) => return trouble,
                },
                Ok(Ok(Event::Incoming(_) | Event::Outgoing(_))) => {}
                Ok(Err(error)) => return words::of(&error),
                Err(_) => return phase.silence(),
            }
            if events.state.events.is_empty() {
                // A piece of up to ten messages is handed out: the beds have their turn before the next is read.
                tokio::task::yield_now().await;
            }
        }
    }

    fn take(&mut self, publish: &Publish) {
        self.routes.take(&publish.topic, &publish.payload, publish.retain, clock::moment());
    }

    fn subscribe(&self, client: &AsyncClient) -> Result<(), Trouble> {
        let filters = self.routes.topics().map(|topic| SubscribeFilter::new(topic.to_owned(), QoS::AtLeastOnce));
        // Waiting for room would wait for ever: this very task is the one that makes room.
        client.try_subscribe_many(filters).map_err(|_| Trouble::lasting("a topic is none that can be subscribed"))
    }

    fn subscribed(&mut self, ack: &SubAck) -> Result<(), Trouble> {
        let refused = |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Failure);
        let answers = self.routes.topics().zip(&ack.return_codes);
        if let Some((topic, _)) = answers.clone().find(|(_, code)| refused(code)) {
            return Err(Trouble::lasting(format!(
                "the broker refuses to let us read the topic {topic:?}; check the broker's access rules"
            )));
        }
        if answers.count() < self.routes.topics().count() {
            return Err(Trouble::new("the broker has confirmed only some of the subscriptions"));
        }
        if let Some(failures) = self.outage.opened() {
            let topics = self.routes.topics().count();
            tracing::info!(broker = %self.address, topics, count = failures, "Connected to the broker");
        }
        self.routes.tell_all(Signal::Back);
        self.link.send_replace(Link::Up);
        Ok(())
    }
}
