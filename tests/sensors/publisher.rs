//! What actions publish: soon or never, and never at the cost of the mats.

use std::convert::Infallible;

use nattvakt::clock::{self, Clock, ClockSource};
use nattvakt::sensor::mqtt::publisher::{self, Publication};
use nattvakt::sensor::{BrokerSettings, Link};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;

use super::mosquitto::{Access, Mosquitto};
use super::mqtt::{Watch, at, packet, scripted_broker, welcome};
use super::*;

/// The program under test.
struct Publisher {
    link: watch::Receiver<Link>,
    publications: broadcast::Sender<Publication>,
    _tasks: JoinSet<Infallible>,
}

impl Publisher {
    fn start(broker: BrokerSettings) -> Self {
        let (link_end, link) = watch::channel(Link::Connecting);
        let publications = broadcast::Sender::new(publisher::PUBLICATIONS_MAX);
        let mut tasks = JoinSet::new();
        tasks.spawn(publisher::run(publisher::Setup {
            broker,
            client_id: "nattvakt-test-act".to_owned(),
            publications: publications.subscribe(),
            clock: Clock::new(ClockSource::Rtc),
            link: link_end,
        }));
        Self { link, publications, _tasks: tasks }
    }

    /// Asks for a message that was wanted so long ago.
    fn publish(&self, topic: &str, payload: &str, ago: Duration) {
        let (topic, payload, at) = (topic.to_owned(), payload.to_owned(), clock::moment() - ago);
        self.publications.send(Publication { topic, payload, at }).unwrap();
    }

    /// Waits for a state of the link, and returns it.
    async fn link(&mut self, is: fn(&Link) -> bool) -> Link {
        timeout(PATIENCE, self.link.wait_for(is)).await.expect("it comes").unwrap().clone()
    }
}

fn is_down(link: &Link) -> bool {
    matches!(link, Link::Down(_))
}

#[tokio::test]
async fn what_is_asked_for_while_the_broker_is_away_is_published_soon_or_never() {
    let (listener, port) = scripted_broker().await;
    let publisher = Publisher::start(at(port));
    let mut stream = knocks(&listener).await;
    publisher.publish("lamps/1", "1", Duration::from_secs(60));
    publisher.publish("lamps/1", "2", Duration::ZERO);
    stream.write_all(&WELCOME).await.unwrap();
    let (_, body) = packet(&mut stream).await;
    // Topic, packet id, payload.
    assert_eq!(body, [&[0, 7], &b"lamps/1"[..], &[0, 1], &b"2"[..]].concat());
}

#[tokio::test]
async fn a_real_broker_takes_it() {
    let broker = Mosquitto::start(Access::Open);
    let mut watch = Watch::start(at(broker.port()), &["lamps/1"]);
    watch.up().await;
    let mut publisher = Publisher::start(at(broker.port()));
    publisher.link(|link| *link == Link::Up).await;
    publisher.publish("lamps/1", "7", Duration::ZERO);
    watch.beds[0].value(7.0).await;
}

#[tokio::test]
async fn a_broker_that_cuts_whoever_publishes_leaves_the_mats_alone() {
    let (listener, port) = scripted_broker().await;
    let mut watch = Watch::start(at(port), &["mats/one"]);
    let (mut mats, id) = welcome(&listener).await;
    mats.write_all(&[0x90, 3, id[0], id[1], 1]).await.unwrap();
    watch.up().await;

    let mut publisher = Publisher::start(at(port));
    let mut actions = knocks(&listener).await;
    actions.write_all(&WELCOME).await.unwrap();
    publisher.link(|link| *link == Link::Up).await;
    publisher.publish("lamps/1", "ON", Duration::ZERO);
    let (first, _) = packet(&mut actions).await;
    assert_eq!(first & 0xf0, 0x30, "a message");
    drop(actions);
    let Link::Down(words) = publisher.link(is_down).await else { unreachable!() };
    assert!(words.contains("lamps/1") && words.contains("access rules"), "{words}");

    mats.write_all(&[0x30, 11, 0, 8, b'm', b'a', b't', b's', b'/', b'o', b'n', b'e', b'5']).await.unwrap();
    watch.beds[0].value(5.0).await;
    assert_eq!(*watch.link.borrow(), Link::Up);
    // It comes back, without the message.
    let mut again = knocks(&listener).await;
    again.write_all(&WELCOME).await.unwrap();
    publisher.link(|link| *link == Link::Up).await;
}

/// The broker lets us in.
const WELCOME: [u8; 4] = [0x20, 2, 0, 0];

/// Takes a connection that asks to be let in.
async fn knocks(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    assert_eq!(packet(&mut stream).await.0, 0x10);
    stream
}
