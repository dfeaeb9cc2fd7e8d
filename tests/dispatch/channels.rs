//! The task: alerts, heartbeats and several channels, with nobody waiting for anybody else.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nattvakt::clock::{Clock, ClockSource};
use nattvakt::dispatch::{Command, Ended, Order, Report, Way};
use nattvakt::model::{Alert, Event, Kind};

use super::alert;
use super::rig::{Rig, alerts, settings};
use super::support::{Answer, Dispatch, Request};

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
async fn the_times_of_an_alert_are_put_right_once_the_clock_can_be_trusted() {
    let dispatch = Dispatch::plain();
    dispatch.otherwise(Answer::status(503));
    let clock = Clock::asking(ClockSource::Ntp, || false);
    let mut rig = Rig::by(clock.clone(), settings(Order::Fallback, &[("larmcentral", dispatch.url())], None));
    let rise = alert(1, Kind::Rise);
    let time = rise.event.time;
    rig.raise(Alert { event: Event { trusted: false, ..rise.event }, ..rise }).await;
    rig.report(|report| matches!(report, Report::ChannelDown { .. })).await;
    clock.set_source(ClockSource::Rtc);
    dispatch.otherwise(Answer::Receipt);
    rig.delivered(1).await;
    let told: Vec<_> = dispatch.requests().iter().map(Request::json).collect();
    let (first, last) = (told.first().unwrap(), told.last().unwrap());
    assert_eq!((&first["data"]["clock"], &last["data"]["clock"]), (&"untrusted".into(), &serde_json::Value::Null));
    assert_eq!((&first["id"], &first["sequence"]), (&last["id"], &last["sequence"]));
    let told: Timestamp = last["time"].as_str().unwrap().parse().unwrap();
    assert!(told.duration_since(time).abs() < SignedDuration::from_secs(1), "{told} and {time}");
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
    let heart: Vec<_> = requests.iter().map(Request::json).collect();
    assert!(heart.iter().all(|body| body["type"] == "se.nattvakt.heartbeat.v1"));
    assert!(heart.windows(2).all(|two| two[0]["sequence"].as_str() < two[1]["sequence"].as_str()));
    assert!(heart.windows(2).all(|two| two[0]["id"] != two[1]["id"]));
    assert_eq!(rig.end().await, Ended { waiting: 0 });
}

#[tokio::test]
async fn heartbeats_that_hang_hold_up_no_alert_and_show_a_dead_channel() {
    let dispatch = Dispatch::plain();
    dispatch.then([Answer::Hang, Answer::Receipt]);
    dispatch.otherwise(Answer::Hang);
    let beat = Some(Duration::from_millis(100));
    let mut rig = Rig::new(Order::Fallback, &[("larmcentral", dispatch.url())], beat);
    dispatch.until(|requests| requests.len() == 1).await;
    rig.raise(alert(1, Kind::Rise)).await;
    rig.delivered(1).await;
    rig.report(|report| matches!(report, Report::ChannelDown { wrong: false, .. })).await;
}

#[tokio::test]
async fn a_dispatch_that_answers_more_slowly_than_heartbeats_are_due_is_not_dead() {
    let dispatch = Dispatch::plain();
    dispatch.otherwise(Answer::Late(Duration::from_millis(300)));
    let beat = Some(Duration::from_millis(50));
    let mut rig = Rig::new(Order::Fallback, &[("larmcentral", dispatch.url())], beat);
    dispatch.until(|requests| requests.len() >= 5).await;
    rig.raise(alert(1, Kind::Rise)).await;
    let first = rig.report(|report| matches!(report, Report::ChannelDown { .. } | Report::Delivered { .. })).await;
    assert!(matches!(first, Report::Delivered { .. }), "{first:?}");
}

#[tokio::test]
async fn a_heartbeat_over_a_channel_that_was_changed_meanwhile_says_nothing_about_it() {
    let dispatch = Dispatch::plain();
    dispatch.then([Answer::Hang, Answer::Hang]);
    let hour = Some(Duration::from_secs(3600));
    let mut configured = settings(Order::Fallback, &[("larmcentral", dispatch.url())], hour);
    let mut rig = Rig::with(configured.clone());
    for count in [1, 2] {
        dispatch.until(|requests| requests.len() == count).await;
        let Way::Https(https) = &mut configured.channels[0].way;
        https.receipt = !https.receipt;
        rig.tell(Command::Configure(Box::new(configured.clone()))).await;
    }
    let up_or_down = |report: &Report| matches!(report, Report::ChannelDown { .. } | Report::ChannelUp { .. });
    let first = rig.report(up_or_down).await;
    assert!(matches!(first, Report::ChannelUp { .. }), "{first:?}");
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

#[tokio::test]
async fn with_all_a_channel_that_hangs_holds_up_none_of_the_others() {
    let (works, hangs) = (Dispatch::plain(), Dispatch::plain());
    hangs.otherwise(Answer::Hang);
    let rig = Rig::new(Order::All, &[("hangs", hangs.url()), ("works", works.url())], None);
    for sequence in 1..=30 {
        rig.raise(alert(sequence, Kind::Rise)).await;
    }
    works.until(|requests| requests.len() == 30).await;
    rig.raise(alert(31, Kind::Edge)).await;
    works.until(|requests| requests.len() == 31).await;
}

#[tokio::test]
async fn a_heartbeat_that_fails_is_soon_followed_by_another_to_know_whether_the_way_out_is_dead() {
    let dispatch = Dispatch::plain();
    dispatch.otherwise(Answer::status(503));
    let hour = Some(Duration::from_secs(3600));
    let mut rig = Rig::new(Order::Fallback, &[("larmcentral", dispatch.url())], hour);
    rig.report(|report| matches!(report, Report::ChannelDown { wrong: false, .. })).await;
    assert_eq!(dispatch.requests().len(), 2);
}

#[tokio::test]
async fn what_waits_for_a_dead_channel_goes_by_one_that_is_configured_meanwhile() {
    let dead = Dispatch::plain().address();
    let mut rig = Rig::new(Order::Fallback, &[("old", &format!("http://{dead}/"))], None);
    let rise = alert(1, Kind::Rise);
    rig.raise(rise.clone()).await;
    rig.report(|report| matches!(report, Report::ChannelDown { .. })).await;
    let dispatch = Dispatch::plain();
    rig.tell(Command::Configure(Box::new(settings(Order::Fallback, &[("new", dispatch.url())], None)))).await;
    rig.report(|report| matches!(report, Report::ChannelGone { channel } if &**channel == "old")).await;
    rig.delivered(1).await;
    assert_eq!(dispatch.requests()[0].header("webhook-id"), rise.id.as_str());
    assert_eq!(rig.end().await, Ended { waiting: 0 });
}

#[tokio::test]
async fn a_channel_that_stays_as_it_was_keeps_its_connection_and_what_is_on_its_way() {
    let (first, second) = (Dispatch::plain(), Dispatch::plain());
    let mut rig = Rig::new(Order::Fallback, &[("first", first.url())], None);
    rig.raise(alert(1, Kind::Rise)).await;
    rig.delivered(1).await;
    first.then([Answer::Late(Duration::from_millis(300))]);
    rig.raise(alert(2, Kind::Rise)).await;
    first.until(|requests| requests.len() == 2).await;
    let both = [("second", second.url()), ("first", first.url())];
    rig.tell(Command::Configure(Box::new(settings(Order::Fallback, &both, None)))).await;
    rig.delivered(2).await;
    rig.tell(Command::Configure(Box::new(settings(Order::Fallback, &[("first", first.url())], None)))).await;
    rig.raise(alert(3, Kind::Rise)).await;
    rig.delivered(3).await;
    assert_eq!(alerts(&first).iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(first.requests().iter().all(|request| request.connection == 0), "connected anew");
}

#[tokio::test]
async fn a_return_finds_its_rise_after_the_channels_have_changed_places() {
    let (first, second) = (Dispatch::plain(), Dispatch::plain());
    let one = [("first", first.url()), ("second", second.url())];
    let mut rig = Rig::new(Order::Fallback, &one, None);
    let rise = alert(1, Kind::Rise);
    rig.raise(rise.clone()).await;
    rig.delivered(1).await;
    let other = [("second", second.url()), ("first", first.url())];
    rig.tell(Command::Configure(Box::new(settings(Order::Fallback, &other, None)))).await;
    rig.raise(Alert { closes: vec![rise.id], ..alert(2, Kind::Return) }).await;
    rig.delivered(2).await;
    assert_eq!(alerts(&first), [(1, "rise".to_owned()), (2, "return".to_owned())]);
}
