//! One channel: what each answer means, what is sent, and over which connection.

use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use nattvakt::dispatch::Outcome;
use nattvakt::dispatch::https::signature::Keys;
use nattvakt::dispatch::settings::HttpsSettings;
use nattvakt::model::AlertId;
use nattvakt::tls;

use super::rig::with_token;
use super::support::{Answer, Authority, Dispatch, write_secret};
use super::{Expected, channel, https, is_accepted, is_try_again, is_wrong, send};

const KEY: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

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
    let (channel, token, _folder) = with_token(&dispatch, "old");
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
