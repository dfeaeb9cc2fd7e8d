//! Dispatch away for a while: all arrives, the open alarm first, what has ended as information.

use crate::dispatch::{Answer, Dispatch};
use crate::rig::{Bed, Daemon, Home, Mat, Told, alerts, channel, in_bed, told_since, until, until_true, wait_for};

const BEDS: [&str; 3] = ["bed-1", "bed-2", "bed-3"];

/// Three beds with somebody in each, and a dispatch that has taken what there was.
fn three_in_bed(home: &Home, url: &str) -> ([Mat; 3], Daemon) {
    let mats = BEDS.map(|_| Mat::new());
    let beds: Vec<Bed> = BEDS.iter().zip(&mats).map(|(bed, mat)| Bed::serial(bed, mat.port())).collect();
    home.configure(&beds, &[channel(url, "")]);
    let daemon = Daemon::start(home);
    for mat in &mats {
        mat.lies();
    }
    for bed in BEDS {
        daemon.wait_decided(bed, "in-bed");
    }
    (mats, daemon)
}

/// Bed 1 rises and returns, then beds 2 and 3 rise, in this order.
fn rise_and_return_and_two_rises(mats: &[Mat; 3], daemon: &Daemon) {
    mats[0].leaves();
    daemon.wait_decided("bed-1", "rise");
    mats[0].lies();
    daemon.wait_decided("bed-1", "return");
    mats[1].leaves();
    daemon.wait_decided("bed-2", "rise");
    mats[2].leaves();
    daemon.wait_decided("bed-3", "rise");
}

/// Asserts what came of [`rise_and_return_and_two_rises`]: each once, in the right order for each bed.
fn assert_all_arrived(all: &[Told]) {
    let of = |bed: &str| -> Vec<&Told> { all.iter().filter(|told| told.bed() == bed).collect() };
    let kinds = |bed: &str| -> Vec<(String, String)> {
        of(bed).iter().map(|told| (told.kind().to_owned(), told.priority().to_owned())).collect()
    };
    let pair = |kind: &str, priority: &str| (kind.to_owned(), priority.to_owned());
    // Her return is known: the rise is information now, goes out all the same, and ahead of the return.
    assert_eq!(kinds("bed-1"), [pair("rise", "info"), pair("return", "info")]);
    assert_eq!(of("bed-1")[1].closes(), [of("bed-1")[0].id()]);
    for bed in ["bed-2", "bed-3"] {
        assert_eq!(kinds(bed), [pair("rise", "alarm")]);
    }
}

#[test]
fn what_is_raised_while_dispatch_is_away_all_arrives_when_it_is_back() {
    let (home, dispatch) = (Home::new(), Dispatch::plain());
    let address = dispatch.address();
    let (mats, daemon) = three_in_bed(&home, dispatch.url());
    until_true("the start is told", || !dispatch.requests().is_empty());
    drop(dispatch);

    rise_and_return_and_two_rises(&mats, &daemon);
    until_true("the outage is noticed", || daemon.notes().iter().any(|note| note.contains("fault: dispatch")));
    let dispatch = Dispatch::plain_at(address);
    let restored = wait_for(&dispatch, "", "gateway-restored");
    let fault = wait_for(&dispatch, "", "gateway-fault");
    assert_eq!((fault.fault(), restored.closes()), ("dispatch", vec![fault.id()]));
    until_true("all have arrived", || alerts(&dispatch).len() >= 6);
    assert_all_arrived(&alerts(&dispatch));
    assert_eq!(alerts(&dispatch).len(), 6, "{:#?}", alerts(&dispatch));
}

#[test]
fn what_waits_over_a_restart_all_arrives_and_the_open_alarms_go_first() {
    let (home, dispatch) = (Home::new(), Dispatch::plain());
    let address = dispatch.address();
    let (mats, daemon) = three_in_bed(&home, dispatch.url());
    until_true("the start is told", || !dispatch.requests().is_empty());
    drop(dispatch);
    rise_and_return_and_two_rises(&mats, &daemon);
    until_true("the outage is noticed", || daemon.notes().iter().any(|note| note.contains("fault: dispatch")));
    assert!(daemon.terminate().success());

    let dispatch = Dispatch::plain_at(address);
    let _daemon = Daemon::start(&home);
    until_true("all have arrived", || alerts(&dispatch).len() >= 5);
    let all = alerts(&dispatch);
    // The two, and the first of the rest behind them, go at the same time over a connection each: any may be there first.
    assert_eq!(all[..3].iter().filter(|told| told.priority() == "alarm").count(), 2, "{all:#?}");
    wait_for(&dispatch, "", "gateway-restored");
    assert_all_arrived(&alerts(&dispatch));
}

#[test]
fn what_a_return_has_ended_is_no_alarm_after_a_restart_though_the_return_has_gone_out_before_it() {
    let (home, mat, dispatch, daemon) = in_bed("");
    dispatch.otherwise(Answer::status(503));
    mat.leaves();
    daemon.wait_decided("bed-1", "rise");
    mat.lies();
    daemon.wait_decided("bed-1", "return");
    dispatch.otherwise(Answer::Refuse("se.nattvakt.rise.v1"));
    let back = wait_for(&dispatch, "bed-1", "return");
    assert!(daemon.terminate().success());

    let before = dispatch.requests().len();
    dispatch.otherwise(Answer::Receipt);
    let _daemon = Daemon::start(&home);
    let is_rise = |told: &Told| told.kind() == "rise";
    let rise = until("the rise arrives", || told_since(&dispatch, before).into_iter().find(is_rise));
    assert_eq!((rise.priority(), back.closes()), ("info", vec![rise.id()]));
}

#[test]
fn a_new_alarm_does_not_wait_for_one_that_hangs() {
    let (home, dispatch) = (Home::new(), Dispatch::plain());
    let (mats, _daemon) = three_in_bed(&home, dispatch.url());
    until_true("the start is told", || !dispatch.requests().is_empty());
    dispatch.then([Answer::Hang]);
    mats[0].leaves();
    let hangs = wait_for(&dispatch, "bed-1", "rise");
    mats[1].leaves();
    let other = wait_for(&dispatch, "bed-2", "rise");
    assert_ne!(hangs.request.connection, other.request.connection);
    assert_eq!(alerts(&dispatch).len(), 2, "the first one still hangs");
}
