//! The dispatch room against a real HTTP and TLS server: every row of the table of answers, and the way there.
#![expect(clippy::unwrap_used, reason = "test code")]
#![expect(clippy::disallowed_methods, reason = "tests read clocks to know when to give up")]
#![expect(clippy::indexing_slicing, reason = "test code")]

#[path = "support/dispatch.rs"]
#[expect(dead_code, reason = "shared with the whole-program tests")]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use nattvakt::clock::{Clock, ClockSource};
use nattvakt::dispatch::https::signature::Keys;
use nattvakt::dispatch::https::{Channel, Letter};
use nattvakt::dispatch::settings::HttpsSettings;
use nattvakt::dispatch::{ChannelSettings, Command, Delivery, Ended, Order, Outcome, Report, Setup, Way, run};
use nattvakt::model::{Alert, AlertId, Event, Health, Kind, Language, Sequence};
use nattvakt::tls;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use support::{Answer, Authority, Dispatch, write_secret};

const KEY: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

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

/// What each answer of a real server comes to, with a new connection for each.
#[tokio::test]
async fn every_answer_has_the_outcome_of_the_table() {
    let html = || vec![("content-type", "text/html; charset=utf-8".to_owned())];
    let json = || vec![("content-type", "application/json".to_owned())];
    let rows: [(Answer, Expected); 20] = [
        (Answer::status(200), is_accepted),
        (Answer::status(204), is_accepted),
        (Answer::Send(202, json(), r#"{"queued":true}"#.to_owned()), is_accepted),
        (Answer::Send(200, html(), "please log in".to_owned()), is_try_again),
        (Answer::Send(200, Vec::new(), "\n<!DOCTYPE html><title>Wi-Fi</title>".to_owned()), is_try_again),
        (Answer::status(408), is_try_again),
        (Answer::status(425), is_try_again),
        (Answer::status(429), is_try_again),
        (Answer::status(500), is_try_again),
        (Answer::status(503), is_try_again),
        (Answer::Send(302, vec![("location", "https://elsewhere.example/".to_owned())], String::new()), is_wrong),
        (Answer::status(307), is_wrong),
        (Answer::status(400), is_wrong),
        (Answer::status(401), is_wrong),
        (Answer::status(403), is_wrong),
        (Answer::status(404), is_wrong),
        (Answer::status(410), is_wrong),
        (Answer::status(415), is_wrong),
        (Answer::Half, is_try_again),
        (Answer::Reset, is_try_again),
    ];
    for (answer, expected) in rows {
        let dispatch = Dispatch::plain();
        dispatch.then([answer.clone()]);
        let outcome = send(&channel(https(dispatch.url()))).await;
        assert!(expected(&outcome), "{answer:?} came to {outcome:?}");
        assert_eq!(dispatch.requests().len(), 1, "{answer:?} was followed or tried again at once");
    }
}

#[tokio::test]
async fn retry_after_comes_through() {
    let dispatch = Dispatch::plain();
    dispatch.then([Answer::Send(503, vec![("retry-after", "17".to_owned())], String::new())]);
    let outcome = send(&channel(https(dispatch.url()))).await;
    assert!(matches!(outcome, Outcome::TryAgain { retry_after: Some(after), .. } if after == Duration::from_secs(17)));
}

#[tokio::test]
async fn nobody_there_no_name_and_no_answer_are_tried_again() {
    let gone = Dispatch::plain().address();
    let refused = send(&channel(https(&format!("http://{gone}/")))).await;
    assert!(is_try_again(&refused), "{refused:?}");
    let no_name = send(&channel(https("http://nowhere.invalid/"))).await;
    assert!(is_try_again(&no_name), "{no_name:?}");
    let dispatch = Dispatch::plain();
    dispatch.otherwise(Answer::Hang);
    let silent = send(&channel(https(dispatch.url()))).await;
    assert!(is_try_again(&silent) && silent.problem().unwrap().contains("in time"), "{silent:?}");
}

#[tokio::test]
async fn what_is_sent_is_the_contract_signed_and_with_the_token() {
    let dispatch = Dispatch::plain();
    let folder = tempfile::tempdir().unwrap();
    let (token, keys) = (folder.path().join("token"), folder.path().join("key"));
    write_secret(&token, "s3cret\n");
    write_secret(&keys, &format!("{KEY}\nwhsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"));
    let settings =
        HttpsSettings { token_file: Some(token), signing_key_file: Some(keys), receipt: true, ..https(dispatch.url()) };
    let outcome = send(&channel(settings)).await;
    let id = AlertId::from_entropy(1);
    assert_eq!(outcome, Outcome::Accepted { reference: Some(format!("ref-{id}")) });
    let request = &dispatch.requests()[0];
    assert_eq!(request.header("content-type"), "application/cloudevents+json");
    assert_eq!(request.header("authorization"), "Bearer s3cret");
    assert_eq!(request.header("webhook-id"), id.as_str());
    assert!(request.header("user-agent").starts_with("nattvakt/"));
    let (timestamp, signature) = (request.header("webhook-timestamp"), request.header("webhook-signature"));
    let signed = Timestamp::from_second(timestamp.parse().unwrap()).unwrap();
    assert!(signed.duration_since(nattvakt::clock::utc()).abs() < SignedDuration::from_secs(60));
    assert_eq!(signature.split(' ').count(), 2, "every key signs while keys rotate");
    for key in [KEY, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
        assert!(Keys::parse(key).unwrap().verify(id.as_str(), timestamp, request.body.as_bytes(), signature));
    }
    let body = request.json();
    assert_eq!(body["type"], "se.nattvakt.rise.v1");
    assert_eq!(body["data"]["priority"], "alarm");
}

#[tokio::test]
async fn without_secrets_id_and_time_are_sent_all_the_same() {
    let dispatch = Dispatch::plain();
    send(&channel(https(dispatch.url()))).await;
    let request = &dispatch.requests()[0];
    assert_eq!(request.header("webhook-id").len(), 16);
    assert!(!request.header("webhook-timestamp").is_empty());
    assert_eq!((request.header("webhook-signature"), request.header("authorization")), ("", ""));
}

#[tokio::test]
async fn with_receipt_an_answer_must_name_the_id() {
    let dispatch = Dispatch::plain();
    dispatch.then([Answer::status(200), Answer::Send(200, Vec::new(), r#"{"ok":true}"#.to_owned())]);
    let channel = channel(HttpsSettings { receipt: true, ..https(dispatch.url()) });
    assert!(is_try_again(&send(&channel).await));
    assert!(is_try_again(&send(&channel).await));
    assert!(is_accepted(&send(&channel).await));
}

#[tokio::test]
async fn only_certificates_of_a_known_authority_for_that_name_and_this_day_are_taken() {
    let (ours, foreign) = (Authority::new(), Authority::new());
    let with_ca = |dispatch: &Dispatch| {
        let tls = tls::Files { ca: Some(ours.file()), ..tls::Files::default() };
        channel(HttpsSettings { tls, ..https(dispatch.url()) })
    };
    let good = Dispatch::tls(ours.server("localhost"));
    assert!(is_accepted(&send(&with_ca(&good)).await));
    assert!(is_wrong(&send(&channel(https(good.url()))).await), "not of the system's authorities");
    for config in [ours.server("elsewhere"), ours.expired_server("localhost"), foreign.server("localhost")] {
        let bad = Dispatch::tls(config);
        let outcome = send(&with_ca(&bad)).await;
        assert!(is_wrong(&outcome), "{outcome:?}");
        assert!(outcome.problem().unwrap().contains("certificate"), "{outcome:?}");
        assert!(bad.requests().is_empty(), "the alert went to somebody else");
    }
}

#[tokio::test]
async fn our_own_certificate_is_shown_and_its_lack_is_told() {
    let authority = Authority::new();
    let dispatch = Dispatch::tls(authority.server_for_clients("localhost"));
    let ca = Some(authority.file());
    let without = tls::Files { ca: ca.clone(), ..tls::Files::default() };
    let outcome = send(&channel(HttpsSettings { tls: without, ..https(dispatch.url()) })).await;
    assert!(is_wrong(&outcome) && outcome.problem().unwrap().contains("client-cert-file"), "{outcome:?}");
    let (certificate, key) = authority.client();
    let with = tls::Files { ca, client_cert: Some(certificate), client_key: Some(key) };
    assert!(is_accepted(&send(&channel(HttpsSettings { tls: with, ..https(dispatch.url()) })).await));
}

#[tokio::test]
async fn a_missing_secret_makes_the_channel_wrong_until_it_is_there() {
    let dispatch = Dispatch::plain();
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    let channel = channel(HttpsSettings { token_file: Some(token.clone()), ..https(dispatch.url()) });
    let outcome = send(&channel).await;
    assert!(is_wrong(&outcome) && outcome.problem().unwrap().contains("token-file"), "{outcome:?}");
    write_secret(&token, "s3cret");
    assert!(is_accepted(&send(&channel).await));
}

#[tokio::test]
async fn a_token_that_was_changed_on_disk_is_used_within_the_same_attempt() {
    let dispatch = Dispatch::plain();
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    write_secret(&token, "old");
    let channel = channel(HttpsSettings { token_file: Some(token.clone()), ..https(dispatch.url()) });
    assert!(is_accepted(&send(&channel).await));
    write_secret(&token, "new");
    dispatch.then([Answer::status(401)]);
    assert!(is_accepted(&send(&channel).await));
    let tokens: Vec<_> = dispatch.requests().iter().map(|request| request.header("authorization").to_owned()).collect();
    assert_eq!(tokens, ["Bearer old", "Bearer old", "Bearer new"]);
    dispatch.then([Answer::status(401)]);
    assert!(is_wrong(&send(&channel).await), "nothing has changed since");
    assert_eq!(dispatch.requests().len(), 4);
}

#[tokio::test]
async fn dispatch_time_is_used_after_a_refusal_and_only_over_verified_tls() {
    let authority = Authority::new();
    let theirs = SystemTime::now() + Duration::from_secs(3600);
    let refusal = || Answer::Send(401, vec![("date", httpdate::fmt_http_date(theirs))], String::new());
    let dispatch = Dispatch::tls(authority.server("localhost"));
    dispatch.then([refusal()]);
    let tls = tls::Files { ca: Some(authority.file()), ..tls::Files::default() };
    assert!(is_accepted(&send(&channel(HttpsSettings { tls, ..https(dispatch.url()) })).await));
    let requests = dispatch.requests();
    let time = |number: usize| requests[number].header("webhook-timestamp").parse::<u64>().unwrap();
    assert_eq!(requests.len(), 2);
    assert_eq!(time(1), theirs.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs());
    assert!(time(1) > time(0) + 3000);
    assert_eq!(requests[0].body, requests[1].body);

    let plain = Dispatch::plain();
    plain.then([refusal()]);
    assert!(is_wrong(&send(&channel(https(plain.url()))).await));
    assert_eq!(plain.requests().len(), 1);
}

#[tokio::test]
async fn a_connection_is_kept_and_a_dead_one_costs_no_alarm() {
    for ending in [Answer::ReceiptAndClose, Answer::ReceiptAndPlayDead] {
        let dispatch = Dispatch::plain();
        dispatch.then([Answer::Receipt, ending.clone()]);
        let channel = channel(https(dispatch.url()));
        for number in 0..3 {
            let outcome = send(&channel).await;
            assert!(is_accepted(&outcome), "{ending:?}, alert {number}: {outcome:?}");
        }
        let connections: Vec<_> = dispatch.requests().iter().map(|request| request.connection).collect();
        assert_eq!(connections[..2], [0, 0], "the connection was not kept");
        assert_eq!(connections.last(), Some(&1), "{ending:?}");
    }
}

#[tokio::test]
async fn a_kept_connection_that_is_reset_costs_no_alarm() {
    let dispatch = Dispatch::plain();
    dispatch.then([Answer::Receipt, Answer::Reset]);
    let channel = channel(https(dispatch.url()));
    assert!(is_accepted(&send(&channel).await));
    assert!(is_accepted(&send(&channel).await));
    let ids: Vec<_> = dispatch.requests().iter().map(|request| request.header("webhook-id").to_owned()).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| *id == ids[0]));
}

/// The task with its ends.
struct Rig {
    commands: Option<mpsc::Sender<Command>>,
    reports: mpsc::Receiver<Report>,
    health: watch::Sender<Health>,
    task: JoinHandle<Ended>,
}

impl Rig {
    fn new(order: Order, channels: &[(&str, &str)], heartbeat: Option<Duration>) -> Self {
        let (commands, commanded) = mpsc::channel(16);
        let (reported, reports) = mpsc::channel(16);
        let (health, watched) = watch::channel(Health::default());
        let counter = AtomicU64::new(1_000);
        let channel = |(name, url): &(&str, &str)| ChannelSettings {
            name: (*name).to_owned(),
            heartbeat,
            way: Way::Https(https(url)),
        };
        let setup = Setup {
            gateway: "4601234567".parse().unwrap(),
            language: Language::Sv,
            delivery: Delivery { order, give_up_after: Duration::from_millis(300) },
            channels: channels.iter().map(channel).collect(),
            accepted: Vec::new(),
            health: watched,
            clock: clock(),
            next_sequence: Arc::new(move || Sequence(counter.fetch_add(1, Ordering::Relaxed))),
            grace: Duration::from_secs(5),
        };
        Self { commands: Some(commands), reports, health, task: tokio::spawn(run(setup, commanded, reported)) }
    }

    async fn tell(&self, command: Command) {
        self.commands.as_ref().unwrap().send(command).await.unwrap();
    }

    async fn raise(&self, alert: Alert) {
        self.tell(Command::Raise(Box::new(alert))).await;
    }

    /// Waits for a report that is wanted, and returns it.
    async fn report(&mut self, wanted: impl Fn(&Report) -> bool) -> Report {
        let waiting = async {
            loop {
                let report = self.reports.recv().await.expect("the task runs");
                if wanted(&report) {
                    return report;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("reported in 30 s")
    }

    async fn delivered(&mut self, sequence: u64) {
        self.report(|report| matches!(report, Report::Delivered { sequence: Sequence(n), .. } if *n == sequence)).await;
    }

    async fn end(mut self) -> Ended {
        drop(self.commands.take());
        tokio::time::timeout(Duration::from_secs(30), self.task).await.expect("ended in 30 s").unwrap()
    }
}

/// The requests that are no heartbeats: sequence and kind.
fn alerts(dispatch: &Dispatch) -> Vec<(u64, String)> {
    let of = |request: &support::Request| {
        let body = request.json();
        (body["sequence"].as_str().unwrap().parse().unwrap(), body["data"]["kind"].as_str().unwrap().to_owned())
    };
    dispatch.requests().iter().map(of).filter(|(_, kind)| kind != "heartbeat").collect()
}

#[tokio::test]
async fn an_alert_is_sent_accepted_and_reported_with_the_receivers_reference() {
    let dispatch = Dispatch::plain();
    let mut rig = Rig::new(Order::Fallback, &[("larmcentral", dispatch.url())], None);
    let rise = alert(1, Kind::Rise);
    rig.raise(rise.clone()).await;
    let report = rig.report(|report| matches!(report, Report::Accepted { .. })).await;
    let Report::Accepted { alert, channel, reference, attempt, .. } = report else { unreachable!() };
    assert_eq!((alert, &*channel, attempt), (rise.id, "larmcentral", 1));
    assert_eq!(reference, Some(format!("ref-{alert}")));
    rig.delivered(1).await;
    assert_eq!(rig.end().await, Ended { waiting: 0 });
}

#[tokio::test]
async fn a_second_alert_does_not_wait_for_the_first_ones_retries() {
    let dispatch = Dispatch::plain();
    dispatch.then([Answer::Hang]);
    let mut rig = Rig::new(Order::Fallback, &[("larmcentral", dispatch.url())], None);
    rig.raise(alert(1, Kind::Rise)).await;
    dispatch.until(|requests| requests.len() == 1).await;
    rig.raise(alert(2, Kind::NotReturned)).await;
    rig.delivered(2).await;
    assert_eq!(alerts(&dispatch).iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn after_an_outage_every_alert_arrives_once_each_and_the_return_last() {
    let address = Dispatch::plain().address();
    let url = format!("http://{address}/");
    let mut rig = Rig::new(Order::Fallback, &[("larmcentral", &url)], None);
    let rise = alert(1, Kind::Rise);
    rig.raise(rise.clone()).await;
    rig.report(|report| matches!(report, Report::ChannelDown { wrong: false, .. })).await;
    rig.raise(Alert { closes: vec![rise.id], ..alert(2, Kind::Return) }).await;
    rig.raise(alert(3, Kind::Test)).await;
    let dispatch = Dispatch::plain_at(address);
    for _ in 0..3 {
        rig.report(|report| matches!(report, Report::Delivered { .. })).await;
    }
    let mut order: Vec<_> = alerts(&dispatch).iter().map(|(sequence, _)| *sequence).collect();
    assert!(order.iter().position(|n| *n == 1) < order.iter().position(|n| *n == 2), "{order:?}");
    order.sort_unstable();
    assert_eq!(order, [1, 2, 3]);
    let rise = dispatch.requests().into_iter().find(|request| request.json()["data"]["kind"] == "rise").unwrap();
    assert_eq!(rise.json()["data"]["priority"], "info");
    assert_eq!(rig.end().await, Ended { waiting: 0 });
}

#[tokio::test]
async fn the_next_channel_takes_over_and_the_first_one_comes_back() {
    let (first, second) = (Dispatch::plain(), Dispatch::plain());
    first.otherwise(Answer::status(401));
    let mut rig = Rig::new(Order::Fallback, &[("first", first.url()), ("second", second.url())], None);
    rig.raise(alert(1, Kind::Rise)).await;
    rig.report(|report| matches!(report, Report::ChannelDown { wrong: true, .. })).await;
    rig.delivered(1).await;
    first.otherwise(Answer::Receipt);
    rig.raise(alert(2, Kind::Rise)).await;
    rig.report(|report| matches!(report, Report::ChannelUp { channel, .. } if &**channel == "first")).await;
    rig.raise(alert(3, Kind::Rise)).await;
    rig.delivered(3).await;
    assert!(!alerts(&second).contains(&(3, "rise".to_owned())), "the first channel works again");
}

#[tokio::test]
async fn heartbeats_come_at_once_tell_the_latest_health_and_show_a_dead_channel() {
    let dispatch = Dispatch::plain();
    dispatch.then([Answer::Receipt, Answer::status(500), Answer::status(500)]);
    let beat = Some(Duration::from_millis(100));
    let mut rig = Rig::new(Order::Fallback, &[("larmcentral", dispatch.url())], beat);
    dispatch.until(|requests| !requests.is_empty()).await;
    rig.health.send_modify(|health| health.outbox = 7);
    rig.report(|report| matches!(report, Report::ChannelDown { wrong: false, .. })).await;
    rig.report(|report| matches!(report, Report::ChannelUp { failures: 2, .. })).await;
    let requests = dispatch.until(|requests| requests.iter().any(|r| r.json()["data"]["outbox"] == 7)).await;
    let heart: Vec<_> = requests.iter().map(support::Request::json).collect();
    assert!(heart.iter().all(|body| body["type"] == "se.nattvakt.heartbeat.v1"));
    assert!(heart.windows(2).all(|two| two[0]["sequence"].as_str() < two[1]["sequence"].as_str()));
    assert!(heart.windows(2).all(|two| two[0]["id"] != two[1]["id"]));
    assert_eq!(rig.end().await, Ended { waiting: 0 });
}

#[tokio::test]
async fn a_heartbeat_is_replaced_by_the_next_and_holds_up_no_alert() {
    let dispatch = Dispatch::plain();
    dispatch.then([Answer::Hang, Answer::Hang, Answer::Hang]);
    let beat = Some(Duration::from_millis(100));
    let mut rig = Rig::new(Order::Fallback, &[("larmcentral", dispatch.url())], beat);
    dispatch.until(|requests| requests.len() >= 3).await;
    rig.report(|report| matches!(report, Report::ChannelDown { .. })).await;
    rig.raise(alert(1, Kind::Rise)).await;
    rig.delivered(1).await;
}

#[tokio::test]
async fn at_the_end_what_is_on_its_way_arrives_and_the_rest_is_counted() {
    let (works, hangs) = (Dispatch::plain(), Dispatch::plain());
    hangs.otherwise(Answer::status(503));
    let mut rig = Rig::new(Order::All, &[("works", works.url()), ("hangs", hangs.url())], None);
    rig.raise(alert(1, Kind::Rise)).await;
    rig.tell(Command::Drain).await;
    rig.report(|report| matches!(report, Report::Accepted { .. })).await;
    assert_eq!(rig.end().await, Ended { waiting: 1 });
    assert_eq!(alerts(&works).len(), 1);
}

#[tokio::test]
async fn a_receiver_of_reports_that_sleeps_holds_up_no_alert() {
    let dispatch = Dispatch::plain();
    let mut rig = Rig::new(Order::Fallback, &[("larmcentral", dispatch.url())], None);
    // The channel of reports holds sixteen; nobody reads it until all have arrived.
    for sequence in 1..=50 {
        rig.raise(alert(sequence, Kind::Rise)).await;
    }
    dispatch.until(|requests| requests.len() >= 50).await;
    for _ in 1..=50 {
        rig.report(|report| matches!(report, Report::Delivered { .. })).await;
    }
    assert_eq!(rig.end().await, Ended { waiting: 0 });
}
