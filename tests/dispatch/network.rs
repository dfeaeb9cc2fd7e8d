//! A fault proxy between gateway and receiver: refused, swallowed, half open, reset in mid-body, a byte a second.
//!
//! Whatever the fault, an alarm reaches the second channel; alone, it arrives once the fault is over; and every attempt
//! of it carries the same id.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nattvakt::dispatch::{Ended, Order, Report, Way};
use nattvakt::model::Kind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::alert;
use super::rig::{Rig, alerts, settings};
use super::support::{Authority, Dispatch};

/// What the proxy does to a connection that comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nothing: it passes on what comes.
    None,
    /// It takes the connection and whatever comes over it, and nothing goes anywhere.
    Swallow,
    /// What is sent arrives, and no answer ever comes back.
    HalfOpen,
    /// The answer is reset in the middle of its body.
    ResetInBody,
    /// The answer comes at a byte a second.
    Trickle,
    /// The connection is reset at once.
    Reset,
}

/// A proxy before a receiver. Ends when it is dropped.
struct Proxy {
    url: String,
    fault: Arc<Mutex<Fault>>,
    taken: watch::Receiver<usize>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    async fn before(receiver: &Dispatch, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/alerts", listener.local_addr().unwrap());
        let fault = Arc::new(Mutex::new(fault));
        let (count, taken) = watch::channel(0);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, receiver.address(), Arc::clone(&fault), count));
        Self { url, fault, taken, _tasks: tasks }
    }

    /// Waits until a connection has met the fault.
    async fn met(&self) {
        let mut taken = self.taken.clone();
        let met = taken.wait_for(|taken| *taken > 0);
        tokio::time::timeout(Duration::from_secs(30), met).await.expect("nobody comes").unwrap();
    }

    fn heal(&self) {
        *self.fault.lock().unwrap() = Fault::None;
    }
}

#[expect(clippy::infinite_loop, reason = "dropped with the proxy")]
async fn accept(listener: TcpListener, receiver: SocketAddr, fault: Arc<Mutex<Fault>>, taken: watch::Sender<usize>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let fault = *fault.lock().unwrap();
        taken.send_modify(|taken| *taken += 1);
        connections.spawn(pass(stream, receiver, fault));
    }
}

async fn pass(stream: TcpStream, receiver: SocketAddr, fault: Fault) {
    if fault == Fault::Reset {
        stream.set_zero_linger().unwrap();
        return;
    }
    let (mut from, to) = stream.into_split();
    if fault == Fault::Swallow {
        // Both halves stay open.
        drain(&mut from).await;
        drop(to);
        return std::future::pending().await;
    }
    let (mut answers, mut requests) = TcpStream::connect(receiver).await.unwrap().into_split();
    let there = async {
        drop(tokio::io::copy(&mut from, &mut requests).await);
        // Its end is not passed on: that would be an answer.
        std::future::pending::<()>().await;
    };
    tokio::select! { () = there => {}, () = back(&mut answers, to, fault) => {} }
}

async fn back(answers: &mut OwnedReadHalf, mut to: OwnedWriteHalf, fault: Fault) {
    let mut answer = [0; 4096];
    while let Ok(length @ 1..) = answers.read(&mut answer).await {
        let answer = &answer[..length];
        let body = answer.windows(4).position(|window| window == b"\r\n\r\n").map_or(length, |end| end + 4);
        let passed = match fault {
            Fault::None => to.write_all(answer).await,
            Fault::ResetInBody => {
                drop(to.write_all(&answer[..body + 5]).await);
                to.as_ref().set_zero_linger().unwrap();
                return;
            }
            Fault::Trickle => trickle(&mut to, answer).await,
            Fault::HalfOpen | Fault::Swallow | Fault::Reset => Ok(()),
        };
        if passed.is_err() {
            return;
        }
    }
}

async fn trickle(to: &mut OwnedWriteHalf, answer: &[u8]) -> std::io::Result<()> {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    for byte in answer {
        second.tick().await;
        to.write_all(&[*byte]).await?;
    }
    Ok(())
}

async fn drain(from: &mut OwnedReadHalf) {
    let mut nothing = [0; 4096];
    while matches!(from.read(&mut nothing).await, Ok(1..)) {}
}

/// Every attempt of alert 1 that reached a receiver carried one id.
fn assert_one_id(receivers: &[&Dispatch]) {
    let requests = receivers.iter().flat_map(|receiver| receiver.requests());
    let mut ids: Vec<String> = requests.map(|request| request.header("webhook-id").to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
}

async fn over_the_second_channel(fault: Fault) {
    let (first, second) = (Dispatch::plain(), Dispatch::plain());
    let proxy = Proxy::before(&first, fault).await;
    let mut rig = Rig::new(Order::Fallback, &[("first", &proxy.url), ("second", second.url())], None);
    rig.raise(alert(1, Kind::Rise)).await;
    let report = rig.report(|report| matches!(report, Report::Accepted { .. })).await;
    assert!(matches!(report, Report::Accepted { channel, .. } if &*channel == "second"), "{fault:?}");
    rig.delivered(1).await;
    assert_one_id(&[&first, &second]);
    // Back to the first channel once it works.
    proxy.heal();
    rig.raise(alert(2, Kind::Rise)).await;
    rig.report(|report| matches!(report, Report::Accepted { channel, .. } if &**channel == "first")).await;
    assert!(matches!(rig.end().await, Ended { waiting: 0 }));
}

async fn alone_once_it_is_over(fault: Fault) {
    let receiver = Dispatch::plain();
    let proxy = Proxy::before(&receiver, fault).await;
    let mut rig = Rig::new(Order::Fallback, &[("only", &proxy.url)], None);
    rig.raise(alert(1, Kind::Rise)).await;
    proxy.met().await;
    // A second alarm does not wait for the first one's fault.
    proxy.heal();
    rig.raise(alert(2, Kind::Rise)).await;
    rig.delivered_all(&[1, 2]).await;
    let arrived = alerts(&receiver);
    assert!([1, 2].iter().all(|n| arrived.iter().any(|(sequence, _)| sequence == n)), "{fault:?}: {arrived:?}");
    let requests = receiver.requests();
    for sequence in [1_u64, 2] {
        let is = |body: serde_json::Value| body["sequence"].as_str().unwrap().parse() == Ok(sequence);
        let of = requests.iter().filter(|request| is(request.json()));
        let ids: BTreeSet<&str> = of.map(|request| request.header("webhook-id")).collect();
        assert_eq!(ids.len(), 1, "{fault:?}");
    }
    assert!(matches!(rig.end().await, Ended { waiting: 0 }));
}

macro_rules! faults {
    ($($name:ident: $fault:ident,)+) => { $(
        mod $name {
            use super::{Fault, alone_once_it_is_over, over_the_second_channel};

            #[tokio::test]
            async fn an_alarm_arrives_over_the_second_channel_and_the_first_is_used_again() {
                over_the_second_channel(Fault::$fault).await;
            }

            #[tokio::test]
            async fn an_alarm_arrives_once_it_is_over_and_the_next_one_does_not_wait_for_it() {
                alone_once_it_is_over(Fault::$fault).await;
            }
        }
    )+ };
}

faults! {
    swallowed: Swallow,
    half_open: HalfOpen,
    reset: Reset,
    reset_in_mid_body: ResetInBody,
    a_byte_a_second: Trickle,
}

#[tokio::test]
async fn a_host_that_drops_every_packet_does_not_hold_up_the_second_channel() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    // Its queue of connections is full, and nobody takes one: what else comes is dropped without an answer.
    let full = socket.listen(1).unwrap();
    let address = full.local_addr().unwrap();
    let mut taken = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(Duration::from_millis(500), TcpStream::connect(address)).await {
        taken.push(stream);
    }
    let second = Dispatch::plain();
    let url = format!("http://{address}/alerts");
    let mut rig = Rig::new(Order::Fallback, &[("first", &url), ("second", second.url())], None);
    rig.raise(alert(1, Kind::Rise)).await;
    rig.delivered(1).await;
    assert_eq!(second.requests().len(), 1);
    // Two attempts of 5 s, then it is known.
    rig.raise(alert(2, Kind::Rise)).await;
    rig.delivered(2).await;
    rig.report(|report| matches!(report, Report::ChannelDown { channel, .. } if &**channel == "first")).await;
}

#[tokio::test]
async fn a_certificate_that_has_ended_or_is_foreign_sends_the_alarm_over_the_second_channel_at_once() {
    let (ours, foreign) = (Authority::new(), Authority::new());
    for config in [ours.expired_server("localhost"), foreign.server("localhost"), ours.server("elsewhere")] {
        let (first, second) = (Dispatch::tls(config), Dispatch::plain());
        let both = [("first", first.url()), ("second", second.url())];
        let mut settings = settings(Order::Fallback, &both, None);
        let Way::Https(https) = &mut settings.channels[0].way;
        https.tls.ca = Some(ours.file());
        // Waiting would be too long for any test.
        settings.delivery.give_up_after = Duration::from_secs(600);
        let mut rig = Rig::with(settings);
        rig.raise(alert(1, Kind::Rise)).await;
        rig.report(
            |report| matches!(report, Report::ChannelDown { wrong: true, detail, .. } if detail.contains("verify")),
        )
        .await;
        rig.delivered(1).await;
        assert_eq!((first.requests().len(), second.requests().len()), (0, 1));
    }
}
