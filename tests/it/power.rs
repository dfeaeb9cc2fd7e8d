//! Mains and battery, as Linux would show them: lost, back, at its end.

use std::fs;
use std::path::PathBuf;

use crate::control::wait_status;
use crate::dispatch::Dispatch;
use crate::rig::{Bed, Daemon, Home, Mat, alerts, channel, until_true, wait_for, wait_for_all};
use nix::sys::signal::Signal;

/// What the binary exits with when the battery ends.
const BATTERY_ENDED: i32 = 10;

/// A folder of power supplies: an adapter, and a battery.
struct Supplies(PathBuf);

impl Supplies {
    fn new(home: &Home) -> Self {
        let supplies = Self(home.path("power_supply"));
        fs::create_dir_all(supplies.0.join("ac")).unwrap();
        fs::create_dir_all(supplies.0.join("battery")).unwrap();
        supplies.show("ac/type", "Mains");
        supplies.show("battery/type", "Battery");
        supplies.mains(true, 80);
        supplies
    }

    fn show(&self, property: &str, word: &str) {
        // At once, as a property of the kernel changes.
        let new = self.0.join("new");
        fs::write(&new, format!("{word}\n")).unwrap();
        fs::rename(new, self.0.join(property)).unwrap();
    }

    fn mains(&self, there: bool, charge: u8) {
        self.show("battery/capacity", &charge.to_string());
        self.show("battery/status", if there { "Charging" } else { "Discharging" });
        self.show("ac/online", if there { "1" } else { "0" });
    }
}

fn start(home: &Home, supplies: &Supplies) -> Daemon {
    let mut command = Daemon::command(home);
    command.env("NATTVAKT_POWER_SUPPLIES", &supplies.0);
    let daemon = Daemon::spawn(command);
    daemon.ready();
    daemon
}

#[test]
fn mains_that_is_lost_and_comes_back_is_told_over_a_restart_too() {
    let (home, dispatch, mat) = (Home::new(), Dispatch::plain(), Mat::new());
    let supplies = Supplies::new(&home);
    home.configure(&[Bed::serial("bed-1", mat.port())], &[channel(dispatch.url(), "")]);
    let daemon = start(&home, &supplies);
    daemon.wait_logged("Mains power is there", 1);
    supplies.mains(false, 79);
    let fault = wait_for(&dispatch, "", "gateway-fault");
    assert_eq!((fault.fault(), fault.priority()), ("power", "warning"));
    assert!(fault.detail().contains("a battery at 79 %"), "{:#?}", fault.body);
    wait_status(&home, "status knows it too", |status| status["power"] == "battery");

    // Killed in the outage, it does not tell it again, and knows what the end of it closes.
    until_true("stored", || home.store_holds(fault.id()));
    daemon.kill();
    supplies.mains(true, 70);
    let _daemon = start(&home, &supplies);
    let restored = wait_for(&dispatch, "", "gateway-restored");
    assert_eq!((restored.fault(), restored.closes()), ("power", vec![fault.id()]));
    // It may be sent again under its own id, but is no new one.
    let told = alerts(&dispatch);
    assert!(told.iter().filter(|told| told.kind() == "gateway-fault").all(|told| told.id() == fault.id()));
}

#[test]
fn a_battery_that_ends_has_a_last_word_and_the_watch_ends_in_order() {
    let (home, dispatch, mat) = (Home::new(), Dispatch::plain(), Mat::new());
    let supplies = Supplies::new(&home);
    home.configure(&[Bed::serial("bed-1", mat.port())], &[channel(dispatch.url(), "")]);
    let mut daemon = start(&home, &supplies);
    mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    supplies.mains(false, 30);
    wait_for(&dispatch, "", "gateway-fault");
    supplies.mains(false, 5);
    let told = wait_for_all(&dispatch, "", "gateway-fault", 2);
    assert_eq!((told[1].fault(), told[1].closes()), ("power", vec![told[0].id()]));
    assert!(told[1].detail().contains("nobody is watched until mains power is back"), "{:#?}", told[1].body);
    assert_eq!(daemon.wait().code(), Some(BATTERY_ENDED));
    assert!(daemon.log().iter().any(|line| line.contains("\"Stopped\"")), "the store is closed in order");

    // Where the machine is not switched off it watches on for as long as there is power, and does not end again.
    let daemon = start(&home, &supplies);
    mat.leaves();
    wait_for(&dispatch, "bed-1", "rise");
    supplies.mains(true, 6);
    let restored = wait_for(&dispatch, "", "gateway-restored");
    assert_eq!(restored.closes(), [told[1].id()]);
    drop(daemon);
}

#[test]
fn a_contact_that_cannot_be_read_is_told_and_a_supply_still_counts() {
    let (home, dispatch, mat, other) = (Home::new(), Dispatch::plain(), Mat::new(), Mat::new());
    let supplies = Supplies::new(&home);
    // A pseudo-terminal has no control lines.
    let contact = format!("[power]\nport = {:?}\n", other.port());
    let beds = [Bed::serial("bed-1", mat.port())];
    home.configure(&beds, &[contact, channel(dispatch.url(), "")]);
    let daemon = start(&home, &supplies);
    let fault = wait_for(&dispatch, "", "gateway-fault");
    assert_eq!(fault.fault(), "power");
    assert!(fault.detail().contains("has no control lines"), "{:#?}", fault.body);
    supplies.mains(false, 50);
    let told = wait_for_all(&dispatch, "", "gateway-fault", 2);
    assert!(told[1].detail().contains("mains power is lost"), "{:#?}", told[1].body);
    supplies.mains(true, 50);
    home.configure(&beds, &[channel(dispatch.url(), "")]);
    daemon.signal(Signal::SIGHUP);
    let restored = wait_for(&dispatch, "", "gateway-restored");
    assert_eq!(restored.closes(), [told[1].id()]);
}

#[test]
fn a_machine_that_shows_no_supplies_has_no_fault() {
    let (home, dispatch, mat) = (Home::new(), Dispatch::plain(), Mat::new());
    let supplies = Supplies(home.path("no-such-folder"));
    home.configure(&[Bed::serial("bed-1", mat.port())], &[channel(dispatch.url(), "")]);
    let daemon = start(&home, &supplies);
    mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    mat.leaves();
    wait_for(&dispatch, "bed-1", "rise");
    assert!(alerts(&dispatch).iter().all(|told| told.kind() != "gateway-fault"));
}
