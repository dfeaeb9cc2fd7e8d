//! SIGHUP: what is sound is used at once and only what changed starts anew; what is not changes nothing.

use std::fs;

use crate::dispatch::Dispatch;
use crate::mosquitto::{Access, Mosquitto};
use crate::rig::{
    Bed, Daemon, EMPTY, Home, Mat, OCCUPIED, Stream, alerts, broker, channel, until_true, wait_for, wait_for_all,
};
use nix::sys::signal::Signal;

fn reload(daemon: &Daemon) {
    let over = || daemon.notes().iter().filter(|note| *note == "READY=1").count();
    let before = over();
    daemon.signal(Signal::SIGHUP);
    until_true("the reload is over", || over() > before);
}

#[test]
fn a_bed_that_changes_keeps_what_it_knows_and_the_other_goes_on_without_a_gap() {
    let (home, dispatch, mats) = (Home::new(), Dispatch::plain(), [Mat::new(), Mat::new()]);
    let beds = |alarm| [Bed::serial("bed-1", mats[0].port()), Bed { alarm, ..Bed::serial("bed-2", mats[1].port()) }];
    home.configure(&beds(""), &[channel(dispatch.url(), "")]);
    let daemon = Daemon::start(&home);
    for (mat, bed) in mats.iter().zip(["bed-1", "bed-2"]) {
        mat.lies();
        daemon.wait_decided(bed, "in-bed");
    }

    home.configure(&beds("rise = false\nnot-returned = \"1s\""), &[channel(dispatch.url(), "")]);
    reload(&daemon);
    daemon.wait_logged("Bed has changed", 1);
    mats[1].leaves();
    // In bed by what was known before; told as the new configuration has it.
    daemon.wait_decided("bed-2", "rise");
    wait_for(&dispatch, "bed-2", "not-returned");
    mats[0].leaves();
    wait_for(&dispatch, "bed-1", "rise");
    daemon.wait_decided("bed-1", "rise");
    let of_bed_2 = alerts(&dispatch).into_iter().filter(|told| told.bed() == "bed-2");
    assert!(of_bed_2.into_iter().all(|told| told.kind() != "rise"));
    // No port was closed, nor told as lost.
    assert_eq!(daemon.logged("Serial port is open"), 2);
    assert_eq!(daemon.decided("bed-1").len(), 2, "in bed, then risen: {:?}", daemon.decided("bed-1"));
    let notes = daemon.notes();
    let reloading = notes.iter().position(|note| note == "RELOADING=1").unwrap();
    assert!(notes[reloading + 1].starts_with("MONOTONIC_USEC="), "{notes:?}");
}

#[test]
fn a_file_that_is_not_sound_changes_nothing_and_is_told_until_it_is_mended() {
    let (home, dispatch, mat) = (Home::new(), Dispatch::plain(), Mat::new());
    home.configure(&[Bed::serial("bed-1", mat.port())], &[channel(dispatch.url(), "")]);
    let daemon = Daemon::start(&home);
    mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    let sound = fs::read_to_string(home.configuration()).unwrap();
    fs::write(home.configuration(), sound.replace("settle =", "settel =")).unwrap();
    reload(&daemon);
    let fault = wait_for(&dispatch, "", "gateway-fault");
    assert_eq!(fault.fault(), "configuration");
    assert!(fault.body["data"]["detail"].as_str().unwrap().contains("settel"), "{:#?}", fault.body);
    mat.leaves();
    wait_for(&dispatch, "bed-1", "rise");
    fs::write(home.configuration(), sound).unwrap();
    reload(&daemon);
    assert_eq!(wait_for(&dispatch, "", "gateway-restored").closes(), [fault.id()]);
    assert_eq!(daemon.logged("Bed has changed"), 0);
    assert_eq!(daemon.logged("Serial port is open"), 1);
}

#[test]
fn what_was_accepted_by_a_reload_runs_after_a_start_with_a_broken_file() {
    let (home, old, new, mat) = (Home::new(), Dispatch::plain(), Dispatch::plain(), Mat::new());
    let bed = || [Bed::serial("bed-1", mat.port())];
    home.configure(&bed(), &[channel(old.url(), "")]);
    let daemon = Daemon::start(&home);
    home.configure(&bed(), &[channel(new.url(), "")]);
    reload(&daemon);
    let sound = fs::read_to_string(home.configuration()).unwrap();
    fs::write(home.configuration(), sound.replace("settle =", "settel =")).unwrap();
    assert!(daemon.terminate().success());
    let _daemon = Daemon::start(&home);
    assert_eq!(wait_for(&new, "", "gateway-fault").fault(), "configuration");
}

#[test]
fn an_alarm_that_waits_for_a_dead_channel_goes_to_the_one_that_is_put_in_its_place() {
    let (home, mat, dead) = (Home::new(), Mat::new(), Dispatch::plain());
    let url = dead.url().to_owned();
    drop(dead);
    home.configure(&[Bed::serial("bed-1", mat.port())], &[channel(&url, "")]);
    let daemon = Daemon::start(&home);
    mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    mat.leaves();
    daemon.wait_decided("bed-1", "rise");
    until_true("the outage is noticed", || daemon.notes().iter().any(|note| note.contains("nobody can be told")));
    let dispatch = Dispatch::plain();
    let other = channel(dispatch.url(), "").replace("larmcentral", "reserv");
    home.configure(&[Bed::serial("bed-1", mat.port())], &[other]);
    reload(&daemon);
    wait_for(&dispatch, "bed-1", "rise");
    // What was wrong with a channel that is gone is over.
    assert_eq!(wait_for(&dispatch, "", "gateway-restored").fault(), "dispatch");
}

#[test]
fn mqtt_beds_come_and_go_while_the_connection_of_the_others_stands() {
    let (home, dispatch, mosquitto) = (Home::new(), Dispatch::plain(), Mosquitto::start(Access::Open));
    let mqtt = |bed: &str| Bed::mqtt(bed, &format!("mats/{bed}"));
    let rest = [broker(mosquitto.port()), channel(dispatch.url(), "")];
    let streams = ["bed-1", "bed-2"].map(|bed| Stream::new(mosquitto.port(), &format!("mats/{bed}")));
    home.configure(&[mqtt("bed-1")], &rest);
    let daemon = Daemon::start(&home);
    streams.iter().for_each(Stream::lies);
    daemon.wait_decided("bed-1", "in-bed");
    home.configure(&[mqtt("bed-1"), mqtt("bed-2")], &rest);
    reload(&daemon);
    daemon.wait_decided("bed-2", "in-bed");
    streams.iter().for_each(Stream::leaves);
    wait_for(&dispatch, "bed-1", "rise");
    wait_for(&dispatch, "bed-2", "rise");
    home.configure(&[mqtt("bed-2")], &rest);
    reload(&daemon);
    streams.iter().for_each(Stream::lies);
    wait_for(&dispatch, "bed-2", "return");
    daemon.wait_decided("bed-2", "return");
    assert_eq!(daemon.decided("bed-1").len(), 2, "gone: {:?}", daemon.decided("bed-1"));
    assert_eq!(daemon.logged("Connected to the broker"), 1);
    until_true("status knows one bed", || {
        daemon
            .notes()
            .iter()
            .rfind(|note| note.starts_with("STATUS="))
            .is_some_and(|note| note.contains("Watching 1 bed"))
    });
}

/// A mat that says something only when it changes, read by a bed that takes its time and by one that decides at once: what
/// that one has decided the other has heard.
struct OnChange {
    home: Home,
    dispatch: Dispatch,
    mosquitto: Mosquitto,
}

impl OnChange {
    fn new() -> Self {
        Self { home: Home::new(), dispatch: Dispatch::plain(), mosquitto: Mosquitto::start(Access::Open) }
    }

    fn configure(&self, alarm: &'static str) {
        let mqtt = |bed: &str| Bed {
            sensor: format!("[bed.mqtt]\ntopic = \"mats/both\"\nvalue = \"/{bed}\"\n"),
            ..Bed::mqtt(bed, "")
        };
        let slow = Bed { settle: "3s", confirm: "3s", alarm, ..mqtt("slow") };
        self.home.configure(&[slow, mqtt("quick")], &[broker(self.mosquitto.port()), channel(self.dispatch.url(), "")]);
    }

    fn says(&self, daemon: &Daemon, load: f64, decided: &str) {
        self.mosquitto.publish("mats/both", format!("{{\"slow\":{load},\"quick\":{load}}}"), false);
        daemon.wait_decided("quick", decided);
    }
}

#[test]
fn what_a_mat_that_says_it_only_once_said_before_a_reload_counts_after_it() {
    let mat = OnChange::new();
    mat.configure("");
    let daemon = Daemon::start(&mat.home);
    daemon.wait_logged("Connected to the broker", 1);
    mat.says(&daemon, OCCUPIED, "in-bed");
    mat.configure("repeat = \"1h\"");
    reload(&daemon);
    daemon.wait_decided("slow", "in-bed");
    mat.says(&daemon, EMPTY, "rise");
    mat.configure("repeat = \"2h\"");
    reload(&daemon);
    let rise = wait_for(&mat.dispatch, "slow", "rise");
    assert_eq!(rise.not_before(), None, "nothing was missed");
    daemon.wait_logged("Bed has changed", 2);
}

#[test]
fn a_bed_that_changes_while_the_broker_is_away_is_not_told_as_silent() {
    let (home, dispatch, mut mosquitto) = (Home::new(), Dispatch::plain(), Mosquitto::start(Access::Open));
    let stream = Stream::new(mosquitto.port(), "mats/bed-1");
    let configure = |alarm| {
        let bed = Bed { detect: "silent-after = \"1s\"", alarm, ..Bed::mqtt("bed-1", "mats/bed-1") };
        home.configure(&[bed], &[broker(mosquitto.port()), channel(dispatch.url(), "")]);
    };
    configure("not-returned = \"2s\"\nrepeat = \"1s\"");
    let daemon = Daemon::start(&home);
    stream.lies();
    daemon.wait_decided("bed-1", "in-bed");
    stream.leaves();
    wait_for(&dispatch, "bed-1", "rise");
    configure("not-returned = \"2s\"\nrepeat = \"2s\"");
    mosquitto.stop();
    until_true("the broker is away", || daemon.logged("Connection to the broker is lost") > 0);
    reload(&daemon);
    // Longer than the silence that would be told.
    let so_far = alerts(&dispatch).iter().filter(|told| told.kind() == "not-returned").count();
    wait_for_all(&dispatch, "bed-1", "not-returned", so_far + 3);
    assert!(alerts(&dispatch).iter().all(|told| told.kind() != "sensor-fault"), "{:#?}", alerts(&dispatch));
}

#[test]
fn another_mat_in_a_bed_is_not_taken_for_the_one_before() {
    let (home, dispatch, mats) = (Home::new(), Dispatch::plain(), [Mat::new(), Mat::new()]);
    let configure = |mat: &Mat| home.configure(&[Bed::serial("bed-1", mat.port())], &[channel(dispatch.url(), "")]);
    configure(&mats[0]);
    let daemon = Daemon::start(&home);
    mats[0].lies();
    daemon.wait_decided("bed-1", "in-bed");
    configure(&mats[1]);
    reload(&daemon);
    // What the new one says is no rise from the old one; that nobody is there is told as unknown.
    let told = wait_for(&dispatch, "bed-1", "not-in-bed");
    assert_eq!(told.body["data"]["reason"], "unknown");
    assert!(alerts(&dispatch).iter().all(|told| told.kind() != "rise"), "{:#?}", alerts(&dispatch));
}

#[test]
fn a_bed_that_this_gateway_never_watched_is_left_in_peace_for_a_while() {
    let (home, dispatch, mats) = (Home::new(), Dispatch::plain(), [Mat::new(), Mat::new()]);
    let known = || Bed { alarm: "not-returned = \"3s\"\nrepeat = \"3s\"", ..Bed::serial("bed-1", mats[0].port()) };
    let rest = [channel(dispatch.url(), "")];
    home.configure(&[known()], &rest);
    assert!(Daemon::start(&home).terminate().success());
    let daemon = Daemon::start(&home);
    mats[0].lies();
    daemon.wait_decided("bed-1", "in-bed");
    home.configure(&[known(), Bed::serial("bed-2", mats[1].port())], &rest);
    reload(&daemon);
    // Longer than a bed that was known waits until it is told as empty for no known reason.
    mats[0].leaves();
    wait_for_all(&dispatch, "bed-1", "not-returned", 4);
    assert!(alerts(&dispatch).iter().all(|told| told.bed() != "bed-2"), "{:#?}", alerts(&dispatch));
}
