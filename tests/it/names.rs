//! A name service that fails or hangs, for the daemon alone: in a mount namespace with a resolv.conf of its own.

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;

use crate::dispatch::Dispatch;
use crate::not_tried::not_tried;
use crate::rig::{Bed, Daemon, Home, Mat, channel, until_true, wait_for};

/// A loopback address on which no name service listens.
const ABSENT: &str = "127.9.9.8";

/// One on which a test listens and never answers.
const SILENT: &str = "127.9.9.9";

/// Runs a command where this file stands in the place of the system's resolv.conf; `None` where the kernel does not let
/// us, which is said aloud.
fn with_resolv_conf(command: &Command, file: &Path) -> Option<Command> {
    let unshared = with_file_over(command, file, "/etc/resolv.conf");
    if unshared.is_none() {
        not_tried("no mount namespace can be made here: the name service of the system answers in the place of ours");
    }
    unshared
}

/// Runs a command where this file stands in the place of another; `None` where the kernel does not let us.
pub(crate) fn with_file_over(command: &Command, file: &Path, over: &str) -> Option<Command> {
    let script = format!("mount --bind \"$0\" {over} && exec \"$@\"");
    let allowed = Command::new("unshare").args(["--mount", "sh", "-c", &script]).arg(file).arg("true").status();
    if !allowed.is_ok_and(|status| status.success()) {
        return None;
    }
    let mut unshared = Command::new("unshare");
    unshared.args(["--mount", "sh", "-c", &script]).arg(file).arg(command.get_program()).args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => unshared.env(key, value),
            None => unshared.env_remove(key),
        };
    }
    Some(unshared)
}

/// An alarm reaches the second channel while the name service at this address finds no address for the first.
fn the_second_channel_is_told(name_server: &str) {
    let (home, mat, dispatch) = (Home::new(), Mat::new(), Dispatch::plain());
    fs::write(home.path("resolv.conf"), format!("nameserver {name_server}\n")).unwrap();
    let first =
        channel("http://larmcentral.invalid/alerts", "allow-plaintext = true").replace("\"larmcentral\"", "\"first\"");
    home.configure(&[Bed::serial("bed-1", mat.port())], &[first, channel(dispatch.url(), "")]);
    let command = Daemon::command(&home);
    let unshared = with_resolv_conf(&command, &home.path("resolv.conf"));
    let daemon = Daemon::spawn(unshared.unwrap_or(command));
    daemon.ready();
    mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    mat.leaves();
    let rise = wait_for(&dispatch, "bed-1", "rise");
    assert_eq!(rise.priority(), "alarm");
    until_true("the first channel is told as down", || {
        daemon.log().iter().any(|line| line.contains("Dispatch channel does not work") && line.contains("first"))
    });
    mat.lies();
    wait_for(&dispatch, "bed-1", "return");
    assert!(daemon.terminate().success());
}

#[test]
fn a_name_service_that_fails_holds_nobody_up() {
    the_second_channel_is_told(ABSENT);
}

#[test]
fn a_name_service_that_hangs_holds_nobody_up() {
    // It takes every question and never answers.
    let silent = UdpSocket::bind((SILENT, 53));
    if let Err(error) = &silent {
        not_tried(&format!("nobody can listen on port 53 here ({error}): the name service fails instead of hanging"));
    }
    the_second_channel_is_told(SILENT);
    drop(silent);
}
