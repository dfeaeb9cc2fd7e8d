//! Dispatch services that fail in every way, and get well: the alert arrives under the same id.

use std::collections::BTreeSet;

use crate::receiver::{Answer, Authority, Dispatch, Request};
use crate::rig::{Daemon, Home, channel, eventually, rise, serial_bed, wait_until_told};
use nattvakt::sensor::simulated::SimulatedLine;

fn page() -> Answer {
    let header = ("content-type", "text/html; charset=utf-8".to_owned());
    Answer::Send(200, vec![header], "<!doctype html><title>Log in to this network</title>".to_owned())
}

/// Waits until this alert, which was refused before, has come again, and checks that it is the same one.
fn comes_again(dispatch: &Dispatch, first: &Request, from: usize) {
    let again = eventually("the alert comes again", || {
        let later = dispatch.requests().into_iter().skip(from);
        later.into_iter().find(|request| request.header("webhook-id") == first.header("webhook-id"))
    });
    let (first, again) = (first.json(), again.json());
    for key in ["id", "sequence", "time", "subject"] {
        assert_eq!(first[key], again[key], "{key}");
    }
    assert_eq!(first["data"]["decided"], again["data"]["decided"]);
}

/// A bed, and dispatch that answers everything so until the rise has come; then it is well.
fn falls_ill_and_gets_well(answer: Answer, words: &str) -> Vec<String> {
    let (home, dispatch, line) = (Home::new(), Dispatch::plain(), SimulatedLine::open().unwrap());
    dispatch.otherwise(answer);
    let daemon = Daemon::start(&home.configure(&[serial_bed("bed", line.port()), channel("d", dispatch.url(), "")]));
    let first = rise("bed", &line, &dispatch);
    daemon.wait_for_line(&["WARN", "Dispatch channel does not work", words]);
    let from = dispatch.requests().len();
    dispatch.otherwise(Answer::Receipt);
    comes_again(&dispatch, &first, from);
    daemon.wait_for_line(&["Alert accepted", first.header("webhook-id")]);
    daemon.wait_for_line(&["Dispatch channel works"]);
    wait_until_told(&dispatch, "gateway-fault dispatch");
    wait_until_told(&dispatch, "gateway-restored dispatch");
    // Whatever was raised meanwhile has arrived in the end, each under one id and one number.
    let rises = dispatch.requests().into_iter().filter(|request| request.json()["data"]["kind"] == "rise");
    let pairs = rises.map(|request| (request.header("webhook-id").to_owned(), request.json()["sequence"].to_string()));
    let pairs: BTreeSet<_> = pairs.collect();
    let ids: BTreeSet<_> = pairs.iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), pairs.len(), "{pairs:?}");
    let log = daemon.stop_well();
    log.lines().map(str::to_owned).collect()
}

#[test]
fn a_dispatch_that_fails_gets_the_alert_again_under_the_same_id() {
    falls_ill_and_gets_well(Answer::status(500), "failed over the alert (500)");
}

#[test]
fn a_dispatch_that_refuses_the_token_gets_the_alert_again_under_the_same_id() {
    falls_ill_and_gets_well(Answer::status(401), "(401): look at token-file");
}

#[test]
fn a_web_page_in_place_of_dispatch_is_no_acceptance() {
    falls_ill_and_gets_well(page(), "a web page came back");
}

#[test]
fn a_dispatch_that_never_answers_gets_the_alert_again_under_the_same_id() {
    falls_ill_and_gets_well(Answer::Hang, "did not answer in time");
}

#[test]
fn half_an_answer_is_no_acceptance() {
    falls_ill_and_gets_well(Answer::Half, "dispatch");
}

#[test]
fn a_connection_that_is_reset_is_no_acceptance() {
    falls_ill_and_gets_well(Answer::Reset, "broke off");
}

#[test]
fn a_redirect_is_never_followed() {
    let elsewhere = Dispatch::plain();
    let location = ("location", elsewhere.url().to_owned());
    falls_ill_and_gets_well(Answer::Send(302, vec![location], String::new()), "redirects are never followed");
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn a_certificate_that_does_not_verify_is_never_trusted_and_a_good_one_gets_the_alert() {
    let (home, line) = (Home::new(), SimulatedLine::open().unwrap());
    let (authority, other) = (Authority::new(), Authority::new());
    let second = Dispatch::plain();
    for (number, bad) in
        [other.server("localhost"), authority.expired_server("localhost"), authority.server("elsewhere.example")]
            .into_iter()
            .enumerate()
    {
        let first = Dispatch::tls(bad);
        let ca = format!("ca-file = \"{}\"", authority.file().display());
        let tables =
            [serial_bed("bed", line.port()), channel("first", first.url(), &ca), channel("second", second.url(), "")];
        let store = home.path(&format!("store-{number}"));
        let daemon = Daemon::start(&home.configure_with_store(&store, &tables));
        // The next channel at once, and the fault over it.
        rise("bed", &line, &second);
        daemon.wait_for_line(&["Dispatch channel does not work", "first", "certificate does not verify"]);
        let fault = eventually("the fault of this run is told", || {
            let faults =
                second.requests().into_iter().filter(|request| request.json()["data"]["kind"] == "gateway-fault");
            faults.collect::<Vec<_>>().into_iter().nth(number)
        });
        assert!(fault.json()["data"]["detail"].as_str().unwrap().contains("first: "), "{}", fault.body);
        assert_eq!(first.requests().len(), 0, "nothing is said to who cannot prove who they are");

        let address = first.address();
        drop(first);
        let first = Dispatch::tls_at(authority.server("localhost"), address);
        rise("bed", &line, &first);
        daemon.stop_well();
    }
}

#[test]
fn a_channel_that_is_wrong_is_told_over_the_next_one_at_once() {
    let redirect = Answer::Send(307, vec![("location", "http://localhost/".to_owned())], String::new());
    for (answer, words) in [(redirect, "(307)"), (Answer::status(401), "(401)"), (Answer::status(404), "(404)")] {
        let (home, line) = (Home::new(), SimulatedLine::open().unwrap());
        let (first, second) = (Dispatch::plain(), Dispatch::plain());
        first.otherwise(answer);
        let tables =
            [serial_bed("bed", line.port()), channel("first", first.url(), ""), channel("second", second.url(), "")];
        let daemon = Daemon::start(&home.configure(&tables));
        let alert = rise("bed", &line, &second);
        let fault = wait_until_told(&second, "gateway-fault dispatch");
        let detail = fault.json()["data"]["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("first: ") && detail.contains(words), "{detail}");
        let tried = first.wait_until(|requests| {
            requests.iter().any(|request| request.header("webhook-id") == alert.header("webhook-id"))
        });
        assert!(!tried.is_empty());
        first.otherwise(Answer::Receipt);
        rise("bed", &line, &first);
        // It goes where the fault was told.
        wait_until_told(&second, "gateway-restored dispatch");
        daemon.stop_well();
    }
}
