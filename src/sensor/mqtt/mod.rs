//! Messages from the broker: one connection for all mats, subscribed anew on every connection.
//!
//! Publishes nothing: that has a connection of its own ([`publisher`]). Sessions are clean: what a broker kept for us
//! while we were away would look live. A connection that failed is thrown away whole, for rumqttc carries stale requests
//! over into the next one, forgets the subscriptions, and does not wait between attempts. Mats may come and go while the
//! connection stands: only their own topics are subscribed or left then.

mod listening;
mod options;
pub mod publisher;
mod routes;
mod words;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use rumqttc::{AsyncClient, Event, EventLoop, Packet, Publish, QoS, SubAck};
use rumqttc::{SubscribeFilter, SubscribeReasonCode};
use tokio::sync::watch;
use tokio::time::{interval_at, sleep, timeout};

pub use self::listening::{Message, listen};
use self::options::{POLL_LIMIT, Reading, connect, options};
use self::routes::Routes;
use self::words::Trouble;
use super::outage::Outage;
use super::settings::{BrokerSettings, MqttSettings};
use super::{Feed, Link, Signal, random, tell};
use crate::clock::{self, Clock};
use crate::model::{BedId, Moment};

/// How long the broker may take to confirm the subscriptions.
const SUBSCRIBE_LIMIT: Duration = Duration::from_secs(10);

/// How often a topic is asked for again that the broker has refused.
const REFUSED_AGAIN: Duration = Duration::from_secs(60);

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

/// What the connection is made of.
#[derive(Debug)]
pub struct Setup {
    /// The broker.
    pub broker: BrokerSettings,
    /// Our name there; a second client of the same name throws us out.
    pub client_id: String,
    /// The mats by now. They may change at any time.
    pub mats: watch::Receiver<Vec<Mat>>,
    /// By which certificates are judged.
    pub clock: Clock,
    /// Tells how the connection is; up only once every topic is confirmed.
    pub link: watch::Sender<Link>,
}

/// Keeps one connection to the broker for ever and hands its messages to the beds.
///
/// The beds hear [`Signal::Away`] when it is lost and [`Signal::Back`] when it is up again. A topic that the broker refuses
/// is the matter of its own beds, which hear [`Signal::Lost`], unless all are refused; it is asked for again every minute.
/// Secrets and certificates are
/// read anew for each connection, so that a corrected file needs no restart. Without mats it connects to nothing.
#[expect(clippy::infinite_loop, reason = "`Infallible` says so where `!` cannot be named yet")]
pub async fn run(setup: Setup) -> Infallible {
    let Setup { broker, client_id, mut mats, clock, link } = setup;
    let routes = Routes::new(mats.borrow_and_update().clone());
    let address = format!("{}:{}", broker.host, broker.port);
    let outage = Outage::default();
    let (reading, asked) = (Reading::default(), VecDeque::new());
    let (heard, refused) = (false, Vec::new());
    let mut way = Way { broker, client_id, address, routes, mats, clock, reading, link, outage, asked, heard, refused };
    way.routes.away();
    loop {
        while way.routes.is_empty() {
            changed(&mut way.mats).await;
            way.rewire();
        }
        let (trouble, worked) = way.connection().await;
        way.asked.clear();
        way.refused.clear();
        if std::mem::take(&mut way.heard) {
            way.routes.away();
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
    mats: watch::Receiver<Vec<Mat>>,
    clock: Clock,
    reading: Reading,
    link: watch::Sender<Link>,
    outage: Outage,
    /// The subscriptions that are not confirmed yet, in the order in which they were asked for.
    asked: VecDeque<Asked>,
    /// Whether a bed has been told that its mat can be heard.
    heard: bool,
    /// Topics that the broker has refused on this connection.
    refused: Vec<String>,
}

/// A subscription on its way.
struct Asked {
    topics: Vec<String>,
    /// Whether the beds know that they cannot be heard: a topic that was refused before is no news.
    again: bool,
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
        let options = match options(&self.broker, &self.client_id, &self.clock, &mut self.reading).await {
            Ok(options) => options,
            Err(trouble) => return (trouble, None),
        };
        let (client, mut events) = connect(options);
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
        let mut again = interval_at(clock::instant(clock::moment() + REFUSED_AGAIN), REFUSED_AGAIN);
        loop {
            // Cutting a poll off may lose what it was at; that is no loss here, for the connection ends with it.
            let polled = {
                let poll = timeout(phase.limit(), events.poll());
                tokio::pin!(poll);
                loop {
                    tokio::select! {
                        biased;
                        polled = poll.as_mut() => break polled,
                        () = changed(&mut self.mats) => {
                            if let Err(trouble) = self.change_mats(client, *phase) {
                                return trouble;
                            }
                        }
                        _ = again.tick(), if !self.refused.is_empty() => {
                            let refused = std::mem::take(&mut self.refused);
                            if let Err(trouble) = self.subscribe(client, refused, true) {
                                return trouble;
                            }
                        }
                    }
                }
            };
            match polled {
                Ok(Ok(Event::Incoming(Packet::Publish(publish)))) => self.take(&publish),
                Ok(Ok(Event::Incoming(Packet::ConnAck(_)))) => match self.subscribe_all(client) {
                    Ok(()) if self.asked.is_empty() => *phase = self.up(),
                    Ok(()) => *phase = Phase::Subscribing(clock::moment()),
                    Err(trouble) => return trouble,
                },
                Ok(Ok(Event::Incoming(Packet::SubAck(ack)))) => match self.subscribed(&ack) {
                    Ok(()) if self.asked.is_empty() && !matches!(phase, Phase::Up(_)) => *phase = self.up(),
                    Ok(()) => {}
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

    /// Takes the mats as they are by now; those that are new hear that they cannot be heard yet.
    fn rewire(&mut self) -> routes::Change {
        let change = self.routes.change(self.mats.borrow_and_update().clone());
        for feed in &change.new {
            tell(feed, Signal::Away);
        }
        change
    }

    /// Subscribes the topics of new mats, and leaves those that no mat reads any more.
    fn change_mats(&mut self, client: &AsyncClient, phase: Phase) -> Result<(), Trouble> {
        let change = self.rewire();
        if matches!(phase, Phase::Connecting) {
            return Ok(());
        }
        for topic in &change.left {
            client.try_unsubscribe(topic).map_err(|_| busy())?;
        }
        self.refused.retain(|topic| !change.left.contains(topic));
        if change.topics.is_empty() { Ok(()) } else { self.subscribe(client, change.topics, false) }
    }

    fn take(&mut self, publish: &Publish) {
        self.routes.take(&publish.topic, &publish.payload, publish.retain, clock::moment());
    }

    fn subscribe_all(&mut self, client: &AsyncClient) -> Result<(), Trouble> {
        let topics: Vec<String> = self.routes.topics().map(str::to_owned).collect();
        if topics.is_empty() { Ok(()) } else { self.subscribe(client, topics, false) }
    }

    fn subscribe(&mut self, client: &AsyncClient, topics: Vec<String>, again: bool) -> Result<(), Trouble> {
        let filters = topics.iter().map(|topic| SubscribeFilter::new(topic.clone(), QoS::AtLeastOnce));
        // Waiting for room would wait for ever: this very task is the one that makes room.
        client.try_subscribe_many(filters).map_err(|_| Trouble::lasting("a topic is none that can be subscribed"))?;
        self.asked.push_back(Asked { topics, again });
        Ok(())
    }

    fn subscribed(&mut self, ack: &SubAck) -> Result<(), Trouble> {
        let Some(Asked { topics, again }) = self.asked.pop_front() else { return Ok(()) };
        if ack.return_codes.len() < topics.len() {
            return Err(Trouble::new("the broker has confirmed only some of the subscriptions"));
        }
        for (topic, code) in topics.into_iter().zip(&ack.return_codes) {
            if !matches!(code, SubscribeReasonCode::Failure) {
                self.heard = true;
                self.routes.open(&topic);
                continue;
            }
            if !again {
                tracing::warn!(topic, "The broker refuses to let us read a topic: check its access rules");
                self.routes.refused(&topic);
            }
            self.refused.push(topic);
        }
        match self.refused.first() {
            Some(topic) if self.refused.len() >= self.routes.topics().count() => Err(Trouble::lasting(format!(
                "the broker refuses to let us read the topic {topic:?}; check the broker's access rules"
            ))),
            Some(_) | None => Ok(()),
        }
    }

    fn up(&mut self) -> Phase {
        if let Some(failures) = self.outage.opened() {
            let topics = self.routes.topics().count();
            tracing::info!(broker = %self.address, topics, count = failures, "Connected to the broker");
        }
        self.link.send_replace(Link::Up);
        Phase::Up(clock::moment())
    }
}

/// Waits until the mats are others.
async fn changed(mats: &mut watch::Receiver<Vec<Mat>>) {
    if mats.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn busy() -> Trouble {
    Trouble::new("the broker does not take what is asked of it")
}
