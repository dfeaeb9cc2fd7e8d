//! Secrets and certificates that change on disk, and clocks that are behind.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use jiff::SignedDuration;
use nattvakt::clock::{self, Clock, ClockSource};
use nattvakt::dispatch::https::Channel;
use nattvakt::dispatch::settings::HttpsSettings;
use nattvakt::dispatch::{Command, Order, Report, Way};
use nattvakt::model::Kind;
use nattvakt::tls;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::rig::{Rig, settings, with_token};
use super::support::{Authority, Dispatch, write_secret};
use super::{alert, channel, https, is_accepted, is_try_again, is_wrong, send};

/// Looks as often as it takes to be sure that nobody is about to change more.
async fn look_twice(channel: &Channel) -> Result<(), String> {
    drop(channel.refresh().await);
    channel.refresh().await
}

#[tokio::test]
async fn a_token_that_was_changed_on_disk_is_used_before_the_old_one_is_refused() {
    let dispatch = Dispatch::plain();
    let (channel, token, _folder) = with_token(&dispatch, "old");
    assert!(is_accepted(&send(&channel).await));
    look_twice(&channel).await.unwrap();
    assert!(is_accepted(&send(&channel).await));
    write_secret(&token, "new");
    look_twice(&channel).await.unwrap();
    assert!(is_accepted(&send(&channel).await));
    let used: Vec<_> =
        dispatch.requests().iter().map(|r| (r.header("authorization").to_owned(), r.connection)).collect();
    let [old, new] = ["Bearer old", "Bearer new"].map(str::to_owned);
    assert_eq!(used, [(old.clone(), 0), (old, 0), (new, 1)], "what has not changed keeps its connection");
}

#[tokio::test]
async fn files_that_are_not_sound_are_told_and_those_before_stay_in_use() {
    let dispatch = Dispatch::plain();
    let (channel, token, _folder) = with_token(&dispatch, "old");
    look_twice(&channel).await.unwrap();
    fs::remove_file(&token).unwrap();
    for _ in 0..2 {
        assert!(look_twice(&channel).await.unwrap_err().contains("token-file"));
        assert!(is_accepted(&send(&channel).await));
    }
    write_secret(&token, "new");
    look_twice(&channel).await.unwrap();
    assert!(is_accepted(&send(&channel).await));
    assert_eq!(dispatch.requests().last().unwrap().header("authorization"), "Bearer new");
}

#[tokio::test]
async fn the_task_tells_what_is_wrong_with_the_files_once_and_that_they_are_sound_again() {
    let dispatch = Dispatch::plain();
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    let mut configured = settings(Order::Fallback, &[("larmcentral", dispatch.url())], None);
    let Way::Https(way) = &mut configured.channels[0].way;
    way.token_file = Some(token.clone());
    let mut rig = Rig::with(configured.clone());
    rig.report(
        |report| matches!(report, Report::FilesRead { problem: Some(problem), .. } if problem.contains("token")),
    )
    .await;
    write_secret(&token, "s3cret");
    rig.tell(Command::Configure(Box::new(configured))).await;
    rig.report(|report| matches!(report, Report::FilesRead { problem: None, .. })).await;
    rig.raise(alert(1, Kind::Rise)).await;
    rig.delivered(1).await;
    assert_eq!(dispatch.requests()[0].header("authorization"), "Bearer s3cret");
}

#[tokio::test]
async fn a_certificate_of_ours_that_was_replaced_on_disk_is_shown() {
    let authority = Authority::new();
    let dispatch = Dispatch::tls(authority.server_for_clients("localhost"));
    let (certificate, key) = authority.client_until(-1);
    let tls = tls::Files { ca: Some(authority.file()), client_cert: Some(certificate), client_key: Some(key) };
    let channel = channel(HttpsSettings { tls, ..https(dispatch.url()) });
    let outcome = send(&channel).await;
    assert!(is_wrong(&outcome) && outcome.problem().unwrap().contains("client-cert-file"), "{outcome:?}");
    authority.client_until(30);
    look_twice(&channel).await.unwrap();
    assert!(is_accepted(&send(&channel).await));
}

/// A channel to a server whose certificate is valid from and until so many days from now, by a clock that no time
/// service keeps and whose floor lies so many days ahead.
async fn sent_by(source: ClockSource, floor_days: i64, valid: (i64, i64)) -> nattvakt::dispatch::Outcome {
    let authority = Authority::new();
    let dispatch = Dispatch::tls(authority.server_valid("localhost", valid));
    let clock = Clock::asking(source, || false);
    clock.raise_floor(clock::utc() + SignedDuration::from_hours(24 * floor_days));
    let tls = tls::Files { ca: Some(authority.file()), ..tls::Files::default() };
    let settings = HttpsSettings { tls, ..https(dispatch.url()) };
    send(&Channel::new("4601234567".parse().unwrap(), settings, None, clock)).await
}

#[tokio::test]
async fn by_a_clock_that_is_sure_a_certificate_of_tomorrow_and_one_of_yesterday_are_refused() {
    assert!(is_wrong(&sent_by(ClockSource::Rtc, -1, (1, 90)).await));
    assert!(is_wrong(&sent_by(ClockSource::Rtc, -1, (-90, -1)).await));
    assert!(is_accepted(&sent_by(ClockSource::Rtc, -1, (-1, 90)).await));
}

#[tokio::test]
async fn a_clock_that_is_behind_the_floor_takes_what_is_valid_there_and_refuses_what_has_ended_by_then() {
    for source in [ClockSource::Rtc, ClockSource::Ntp] {
        assert!(is_accepted(&sent_by(source, 300, (200, 400)).await));
        assert!(is_wrong(&sent_by(source, 300, (-90, 200)).await), "ended before the floor");
    }
}

#[tokio::test]
async fn a_clock_that_is_not_sure_takes_what_was_issued_since_the_floor_and_nothing_that_has_ended() {
    assert!(is_accepted(&sent_by(ClockSource::Ntp, -1, (200, 300)).await));
    assert!(is_wrong(&sent_by(ClockSource::Ntp, -1, (-90, -1)).await));
}

#[tokio::test]
async fn a_clock_that_is_not_sure_refuses_a_foreign_certificate_and_one_for_another_name() {
    let (ours, foreign) = (Authority::new(), Authority::new());
    for config in [foreign.server_valid("localhost", (200, 300)), ours.server_valid("elsewhere", (200, 300))] {
        let dispatch = Dispatch::tls(config);
        let tls = tls::Files { ca: Some(ours.file()), ..tls::Files::default() };
        let settings = HttpsSettings { tls, ..https(dispatch.url()) };
        let clock = Clock::asking(ClockSource::Ntp, || false);
        let outcome = send(&Channel::new("4601234567".parse().unwrap(), settings, None, clock)).await;
        assert!(is_wrong(&outcome) && outcome.problem().unwrap().contains("certificate"), "{outcome:?}");
        assert!(dispatch.requests().is_empty());
    }
}

#[tokio::test]
async fn a_certificate_whose_key_is_still_to_come_is_no_fault() {
    let authority = Authority::new();
    let dispatch = Dispatch::tls(authority.server_for_clients("localhost"));
    let (certificate, key) = authority.client_until(30);
    let next_key = fs::read(&key).unwrap();
    let next = fs::read(&certificate).unwrap();
    authority.client_until(30);
    let tls = tls::Files {
        ca: Some(authority.file()),
        client_cert: Some(certificate.clone()),
        client_key: Some(key.clone()),
    };
    let channel = channel(HttpsSettings { tls, ..https(dispatch.url()) });
    assert!(is_accepted(&send(&channel).await));
    fs::write(&certificate, next).unwrap();
    channel.refresh().await.unwrap();
    fs::write(&key, next_key).unwrap();
    look_twice(&channel).await.unwrap();
    assert!(is_accepted(&send(&channel).await));
}

#[tokio::test]
async fn a_token_that_changes_while_the_files_are_read_is_used_from_the_next_look_on() {
    let (dispatch, authority) = (Dispatch::plain(), Authority::new());
    let (_, token, folder) = with_token(&dispatch, "old");
    let (ca, pem) = (folder.path().join("ca.pem"), fs::read(authority.file()).unwrap());
    // Whoever reads the authority, after the token, waits for somebody who writes it.
    mkfifo(&ca, Mode::S_IRWXU).unwrap();
    let tls = tls::Files { ca: Some(ca.clone()), ..tls::Files::default() };
    let channel = channel(HttpsSettings { token_file: Some(token.clone()), tls, ..https(dispatch.url()) });
    let mut changed = false;
    let feed = async {
        let mut look = tokio::time::interval(Duration::from_millis(20));
        loop {
            look.tick().await;
            if let Ok(mut pipe) = OpenOptions::new().write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&ca) {
                if !std::mem::replace(&mut changed, true) {
                    write_secret(&token, "new");
                }
                drop(pipe.write_all(&pem));
            }
        }
    };
    tokio::select! { read = channel.reload() => read.unwrap(), () = feed => {} }
    fs::remove_file(&ca).unwrap();
    fs::write(&ca, &pem).unwrap();
    look_twice(&channel).await.unwrap();
    assert!(is_accepted(&send(&channel).await));
    assert_eq!(dispatch.requests()[0].header("authorization"), "Bearer new");
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_does_not_give_the_files_is_not_told_as_a_silent_dispatch() {
    let (dispatch, folder) = (Dispatch::plain(), tempfile::tempdir().unwrap());
    let ca = folder.path().join("ca.pem");
    mkfifo(&ca, Mode::S_IRWXU).unwrap();
    let tls = tls::Files { ca: Some(ca.clone()), ..tls::Files::default() };
    let channel = channel(HttpsSettings { tls, ..https(dispatch.url()) });
    let time_passes = async {
        loop {
            tokio::time::advance(Duration::from_millis(100)).await;
        }
    };
    let outcome = tokio::select! { outcome = send(&channel) => outcome, () = time_passes => unreachable!() };
    assert!(outcome.problem().unwrap().contains("the disk does not give the secrets"), "{outcome:?}");
    assert!(is_try_again(&outcome));
    assert_eq!(dispatch.requests().len(), 0);
    // Lets go the thread that reads, for good.
    let written = || OpenOptions::new().write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&ca);
    let pipe = loop {
        match written() {
            Ok(pipe) => break pipe,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    fs::remove_file(&ca).unwrap();
    drop(pipe);
}
