//! Brokers that come and go, refuse us, verify us, or send what no mat would.

use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nattvakt::clock::{Clock, ClockSource};
use nattvakt::sensor::mqtt::{self, Mat};
use nattvakt::sensor::{BrokerSettings, Link, MqttSettings, Payload, Signal};
use nattvakt::tls;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::mosquitto::{Access, Mosquitto};
use super::*;

/// The program under test, with one bed a topic.
pub(super) struct Watch {
    pub(super) link: watch::Receiver<Link>,
    pub(super) beds: Vec<Bed>,
    mats: watch::Sender<Vec<Mat>>,
    _tasks: JoinSet<Infallible>,
}

impl Watch {
    pub(super) fn start(broker: BrokerSettings, topics: &[&str]) -> Self {
        let (link_end, link) = watch::channel(Link::Connecting);
        let (mats, beds) = topics.iter().enumerate().map(|(index, topic)| mat(index, topic)).unzip();
        let mut tasks = JoinSet::new();
        let mats = watch::Sender::new(mats);
        tasks.spawn(mqtt::run(mqtt::Setup {
            broker,
            client_id: "nattvakt-test".to_owned(),
            mats: mats.subscribe(),
            clock: Clock::new(ClockSource::Rtc),
            link: link_end,
        }));
        Self { link, beds, mats, _tasks: tasks }
    }

    pub(super) async fn up(&mut self) {
        let up = timeout(PATIENCE, self.link.wait_for(|link| *link == Link::Up)).await;
        up.unwrap_or_else(|_| panic!("not up")).unwrap();
    }

    /// Waits until the connection is down and returns the words.
    async fn down(&mut self) -> String {
        let down = timeout(PATIENCE, self.link.wait_for(|link| matches!(link, Link::Down(_)))).await;
        match &*down.expect("not down").unwrap() {
            Link::Down(words) => words.clone(),
            Link::Connecting | Link::Up => unreachable!(),
        }
    }
}

fn mat(index: usize, topic: &str) -> (Mat, Bed) {
    let (feed, bed) = Bed::new();
    let payload = Payload::Zones(vec![String::new()]);
    let settings = MqttSettings { topic: topic.to_owned(), payload, time: None };
    (Mat { bed: format!("bed-{index}").parse().unwrap(), settings, feed }, bed)
}

pub(super) fn at(port: u16) -> BrokerSettings {
    BrokerSettings { port, ..BrokerSettings::default() }
}

#[tokio::test]
async fn live_messages_are_live_and_retained_ones_are_old() {
    let broker = Mosquitto::start(Access::Open);
    broker.publish("mats/one", "620", true);
    let mut watch = Watch::start(at(broker.port()), &["mats/one", "mats/two"]);
    watch.up().await;
    assert!(!is_live(&watch.beds[0].value(620.0).await));
    // Retained for those who come later, live for those who are here.
    broker.publish("mats/one", "5", true);
    assert!(is_live(&watch.beds[0].value(5.0).await));
    broker.publish("mats/two", "112.5", false);
    assert!(is_live(&watch.beds[1].value(112.5).await));
    assert_eq!(watch.beds[0].heard(), []);
}

#[tokio::test]
async fn a_broker_that_restarts_again_and_again_finds_every_subscription_back() {
    let mut broker = Mosquitto::start(Access::Open);
    let topics: Vec<String> = (0..20).map(|n| format!("mats/{n}")).collect();
    let mut watch = Watch::start(at(broker.port()), &topics.iter().map(String::as_str).collect::<Vec<_>>());
    watch.up().await;
    for round in 0..5 {
        broker.stop();
        watch.down().await;
        broker.start_again();
        watch.up().await;
        for (topic, bed) in topics.iter().zip(&mut watch.beds) {
            broker.publish(topic, round.to_string(), false);
            assert!(is_live(&bed.value(f64::from(round)).await));
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_and_a_corrected_file_needs_no_restart() {
    let broker = Mosquitto::start(Access::Password { user: "mats", password: "right" });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    let password = |text: &str| {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    };
    password("wrong\n");
    let settings =
        BrokerSettings { user: Some("mats".to_owned()), password_file: Some(file.clone()), ..at(broker.port()) };
    let mut watch = Watch::start(settings, &["mats/one"]);
    let words = watch.down().await;
    assert!(words.contains("password-file") && !words.contains("wrong"), "{words}");
    password("right\n");
    watch.up().await;
    broker.publish("mats/one", "7", false);
    watch.beds[0].value(7.0).await;
}

#[tokio::test]
async fn tls_works_both_ways_and_a_stranger_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let home = Authority::new(folder.path(), "home");
    let (cert, key) = home.issue("127.0.0.1");
    let broker = Mosquitto::start(Access::Certificate { ca: home.file.clone(), cert, key });
    let (client_cert, client_key) = home.issue("gateway");
    let files = tls::Files { ca: Some(home.file), client_cert: Some(client_cert), client_key: Some(client_key) };
    let settings = |files: tls::Files| BrokerSettings { tls: Some(files), ..at(broker.port()) };

    let mut watch = Watch::start(settings(files.clone()), &["mats/one"]);
    watch.up().await;
    broker.publish("mats/one", "7", false);
    watch.beds[0].value(7.0).await;

    let nameless = tls::Files { client_cert: None, client_key: None, ..files.clone() };
    let words = Watch::start(settings(nameless), &["mats/one"]).down().await;
    assert!(words.contains("client certificate") || words.contains("closed the connection"), "{words}");

    let stranger = Authority::new(folder.path(), "stranger");
    let words = Watch::start(settings(tls::Files { ca: Some(stranger.file), ..files }), &["mats/one"]).down().await;
    assert!(words.contains("ca-file"), "{words}");
}

#[tokio::test]
async fn messages_that_no_mat_sends_are_rejected_and_the_rest_goes_on() {
    let broker = Mosquitto::start(Access::Open);
    let mut watch = Watch::start(at(broker.port()), &["mats/one"]);
    watch.up().await;
    assert_eq!(watch.beds[0].heard(), [Signal::Away, Signal::Back]);
    broker.publish("mats/nobody", "1", false);
    broker.publish("mats/one", "", false);
    assert_eq!(watch.beds[0].next().await, Signal::Rejected);
    broker.publish("mats/one", vec![b'1'; 100_000], false);
    broker.publish("mats/one", b"\xff\xfe\x00", false);
    broker.publish("mats/one", "2", false);
    watch.beds[0].value(2.0).await;
    assert_eq!(*watch.link.borrow(), Link::Up);
}

#[tokio::test]
async fn a_message_too_large_for_any_packet_costs_the_connection_and_no_more() {
    let broker = Mosquitto::start(Access::Open);
    let mut watch = Watch::start(at(broker.port()), &["mats/one"]);
    watch.up().await;
    broker.publish("mats/one", vec![b'1'; 300_000], false);
    let words = watch.down().await;
    assert!(words.contains("256 KiB"), "{words}");
    watch.up().await;
    broker.publish("mats/one", "2", false);
    watch.beds[0].value(2.0).await;
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let words = Watch::start(at(port), &["mats/one"]).down().await;
    assert!(words.contains("is the broker running"), "{words}");
}

#[tokio::test]
async fn a_refused_topic_is_the_matter_of_its_own_bed_and_asked_for_again() {
    let (listener, port) = scripted_broker().await;
    let mut watch = Watch::start(at(port), &["mats/one", "mats/two"]);
    let (mut stream, id) = welcome(&listener).await;
    stream.write_all(&[0x90, 4, id[0], id[1], 1, 0x80]).await.unwrap();
    watch.up().await;
    assert_eq!((watch.beds[0].next().await, watch.beds[0].next().await), (Signal::Away, Signal::Back));
    let refused = Signal::Lost(MatFault::Offline);
    assert_eq!((watch.beds[1].next().await, watch.beds[1].next().await), (Signal::Away, refused));

    for answer in [0x80, 1] {
        let asked = asked_again(&mut stream).await;
        stream.write_all(&[0x90, 3, asked[0], asked[1], answer]).await.unwrap();
    }
    assert_eq!(watch.beds[1].next().await, Signal::Back, "and was told once that it is refused");
    assert_eq!(watch.beds[0].heard(), [], "the other hears nothing of it");
}

#[tokio::test]
async fn where_all_topics_are_refused_that_is_the_brokers_fault_and_one_is_named() {
    let (listener, port) = scripted_broker().await;
    let mut watch = Watch::start(at(port), &["mats/one", "mats/two"]);
    let (mut stream, id) = welcome(&listener).await;
    stream.write_all(&[0x90, 4, id[0], id[1], 0x80, 0x80]).await.unwrap();
    let words = watch.down().await;
    assert!(words.contains("\"mats/one\""), "{words}");
}

#[tokio::test]
async fn a_broker_that_never_confirms_the_subscriptions_is_given_up() {
    let (listener, port) = scripted_broker().await;
    let mut watch = Watch::start(at(port), &["mats/one"]);
    let (stream, _) = welcome(&listener).await;
    assert_eq!(*watch.link.borrow(), Link::Connecting);
    // From here nothing happens but the limit.
    tokio::time::pause();
    let words = watch.down().await;
    assert!(words.contains("does not confirm"), "{words}");
    drop(stream);
}

#[tokio::test]
async fn what_comes_in_one_piece_with_the_end_of_the_connection_is_still_read() {
    let (listener, port) = scripted_broker().await;
    let mut watch = Watch::start(at(port), &["t"]);
    let (mut stream, id) = welcome(&listener).await;
    let mut last_words = vec![0x90, 3, id[0], id[1], 1];
    last_words.extend([0x30, 4, 0, 1, b't', b'5']);
    stream.write_all(&last_words).await.unwrap();
    drop(stream);
    assert!(is_live(&watch.beds[0].value(5.0).await));
    watch.down().await;
}

#[tokio::test]
async fn a_burst_from_many_mats_overruns_no_bed() {
    let (listener, port) = scripted_broker().await;
    let mut watch = Watch::start(at(port), &["t"]);
    let (mut stream, id) = welcome(&listener).await;
    stream.write_all(&[0x90, 3, id[0], id[1], 1]).await.unwrap();
    watch.up().await;
    let burst = [0x30, 6, 0, 1, b't', b'5', b'.', b'5'].repeat(5_000);
    let bed = &mut watch.beds[0];
    let reader = async {
        for _ in 0..5_000 {
            // Fails where the bed was overrun.
            bed.value(5.5).await;
        }
    };
    let (written, ()) = tokio::join!(stream.write_all(&burst), reader);
    written.unwrap();
}

/// A broker whose every word is the test's.
pub(super) async fn scripted_broker() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Takes a connection up to its subscription, and returns that one's packet id.
pub(super) async fn welcome(listener: &TcpListener) -> (TcpStream, [u8; 2]) {
    let (mut stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    assert_eq!(packet(&mut stream).await.0, 0x10);
    stream.write_all(&[0x20, 2, 0, 0]).await.unwrap();
    let (first, body) = packet(&mut stream).await;
    assert_eq!(first, 0x82);
    (stream, [body[0], body[1]])
}

/// Lets time pass, answering pings, until a subscription is asked for; returns its number.
async fn asked_again(stream: &mut TcpStream) -> [u8; 2] {
    for _ in 0..30 {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(5)).await;
        tokio::time::resume();
        while let Ok((first, body)) = timeout(Duration::from_millis(50), packet(stream)).await {
            match first {
                0x82 => return [body[0], body[1]],
                0xc0 => stream.write_all(&[0xd0, 0]).await.unwrap(),
                other => panic!("a packet of kind {other:#x} is not expected"),
            }
        }
    }
    panic!("nobody asks again");
}

pub(super) async fn packet(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let first = stream.read_u8().await.unwrap();
    let length = stream.read_u8().await.unwrap();
    assert!(length < 128, "longer than these tests need");
    let mut body = vec![0; usize::from(length)];
    stream.read_exact(&mut body).await.unwrap();
    (first, body)
}

/// A certificate authority of the home.
struct Authority {
    folder: PathBuf,
    file: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(folder: &Path, name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let file = folder.join(format!("{name}.pem"));
        fs::write(&file, params.self_signed(&key).unwrap().pem()).unwrap();
        Self { folder: folder.to_owned(), file, issuer: Issuer::new(params, key) }
    }

    /// Returns the files of a certificate and its key.
    fn issue(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let files = ["crt", "key"].map(|end| self.folder.join(format!("{name}.{end}")));
        fs::write(&files[0], params.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        fs::write(&files[1], key.serialize_pem()).unwrap();
        fs::set_permissions(&files[1], fs::Permissions::from_mode(0o600)).unwrap();
        files.into()
    }
}

#[tokio::test]
async fn mats_come_and_go_on_one_connection_and_the_others_go_on() {
    let broker = Mosquitto::start(Access::Open);
    let mut watch = Watch::start(at(broker.port()), &["mats/stays", "mats/goes"]);
    watch.up().await;
    let (new, mut new_bed) = mat(2, "mats/comes");
    let mats = watch.mats.borrow().clone();
    let stays = mats[0].clone();
    watch.mats.send_replace(vec![stays, new]);
    assert_eq!(new_bed.next().await, Signal::Away);
    assert_eq!(new_bed.next().await, Signal::Back);
    broker.publish("mats/comes", "7", false);
    broker.publish("mats/goes", "8", false);
    broker.publish("mats/stays", "9", false);
    new_bed.value(7.0).await;
    // Published last: whatever went before has come by now.
    watch.beds[0].value(9.0).await;
    assert_eq!(watch.beds[0].heard(), [], "nothing befell it meanwhile");
    assert!(!watch.beds[1].heard().iter().any(|signal| matches!(signal, Signal::Reading(_))), "left");
}
