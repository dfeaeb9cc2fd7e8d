//! The files for systemd, read by systemd's own tools; no systemd has to be at work.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::home;
use super::not_tried::not_tried;

/// The most exposure that the unit may have, in tenths.
const EXPOSURE_MAX: u32 = 20;

/// What is left open; the unit says why. The words are those of `systemd-analyze security`.
const LEFT_OPEN: [&str; 12] = [
    "DeviceAllow",
    "IPAddressDeny",
    "PrivateDevices",
    "PrivateNetwork",
    "PrivateUsers",
    "ProtectClock",
    "RestrictAddressFamilies_AF_INET_INET6",
    "RestrictAddressFamilies_AF_UNIX",
    "RootDirectoryOrRootImage",
    "SupplementaryGroups",
    "SystemCallFilter_clock",
    "SystemCallFilter_privileged",
];

fn analyze(arguments: &[&str], unit_path: Option<&Path>) -> Output {
    let mut command = Command::new("systemd-analyze");
    if let Some(path) = unit_path {
        command.env("SYSTEMD_UNIT_PATH", format!("{}:", path.display()));
    }
    command.args(arguments).output().expect("tests/run installs systemd's tools")
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// A folder with the unit, whose program is the one that was built.
fn folder_with_unit() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let unit = fs::read_to_string(home().join("systemd/nattvakt.service")).unwrap();
    let unit = unit.replace("/usr/bin/nattvakt", env!("CARGO_BIN_EXE_nattvakt"));
    fs::write(folder.path().join("nattvakt.service"), unit).unwrap();
    folder
}

#[test]
fn systemd_reads_the_unit_without_a_word() {
    let folder = folder_with_unit();
    let unit = folder.path().join("nattvakt.service");
    let output = analyze(&["verify", "--man=no", unit.to_str().unwrap()], None);
    let of_ours = said(&output).lines().filter(|line| line.contains("nattvakt")).collect::<Vec<_>>().join("\n");
    assert!(output.status.success() && of_ours.is_empty(), "{}", said(&output));
}

#[test]
fn systemd_reads_the_unit_with_the_example_of_credentials() {
    let folder = folder_with_unit();
    let drop_ins = folder.path().join("nattvakt.service.d");
    fs::create_dir(&drop_ins).unwrap();
    fs::copy(home().join("systemd/credentials.conf"), drop_ins.join("credentials.conf")).unwrap();
    let output = analyze(&["verify", "--man=no", "nattvakt.service"], Some(folder.path()));
    let of_ours = said(&output).lines().filter(|line| line.contains("nattvakt")).collect::<Vec<_>>().join("\n");
    assert!(output.status.success() && of_ours.is_empty(), "{}", said(&output));
}

#[test]
fn the_unit_is_hardened_and_open_only_where_it_says_why() {
    let unit = home().join("systemd/nattvakt.service");
    let threshold = format!("--threshold={EXPOSURE_MAX}");
    let output = analyze(&["security", "--offline=true", "--no-pager", &threshold, unit.to_str().unwrap()], None);
    assert!(output.status.success(), "{}", said(&output));

    let output = analyze(&["security", "--offline=true", "--json=short", unit.to_str().unwrap()], None);
    let switches: Value = serde_json::from_slice(&output.stdout).unwrap();
    let is_open = |switch: &&Value| switch["exposure"].as_str().is_some_and(|exposure| exposure != "0.0");
    let open: BTreeSet<&str> = switches
        .as_array()
        .unwrap()
        .iter()
        .filter(is_open)
        .map(|switch| switch["json_field"].as_str().unwrap())
        .collect();
    assert_eq!(open, BTreeSet::from(LEFT_OPEN));
}

#[test]
fn the_clock_can_be_read() {
    // The last line about a call decides: @clock is part of @privileged, and glibc reads by clock_adjtime.
    let unit = fs::read_to_string(home().join("systemd/nattvakt.service")).unwrap();
    let filters: Vec<&str> = unit.lines().filter_map(|line| line.strip_prefix("SystemCallFilter=")).collect();
    let taken = filters.iter().position(|filter| filter.contains("@privileged")).unwrap();
    let given = filters.iter().position(|filter| filter.split(' ').any(|call| call == "clock_adjtime")).unwrap();
    assert!(given > taken && !filters[given].starts_with('~'), "{filters:?}");
}

#[test]
fn user_and_folders_come_out_as_the_service_needs_them() {
    if !nix::unistd::geteuid().is_root() {
        not_tried("only root can give a folder to somebody");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    for folder in ["etc", "var/lib"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    fs::write(root.path().join("etc/group"), "root:x:0:\ndialout:x:20:\n").unwrap();
    fs::write(root.path().join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n").unwrap();
    let run = |tool: &str, arguments: &[&str], file: &str| {
        let mut command = Command::new(tool);
        command.arg(format!("--root={}", root.path().display())).args(arguments).arg(home().join(file));
        let output = command.output().expect("tests/run installs systemd's tools");
        assert!(output.status.success(), "{}", said(&output));
    };
    run("systemd-sysusers", &[], "systemd/nattvakt.sysusers");
    run("systemd-tmpfiles", &["--create"], "systemd/nattvakt.tmpfiles");

    let group = fs::read_to_string(root.path().join("etc/group")).unwrap();
    assert!(group.lines().any(|line| line == "dialout:x:20:nattvakt"), "{group}");
    for name in ["nattvakt-read:", "nattvakt-act:"] {
        assert!(group.lines().any(|line| line.starts_with(name)), "{group}");
    }
    assert_eq!(mode(root.path(), "etc/nattvakt"), 0o2750);
    assert_eq!(mode(root.path(), "var/lib/nattvakt"), 0o700);
}

fn mode(root: &Path, folder: &str) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&fs::metadata(root.join(folder)).unwrap().permissions()) & 0o7777
}
