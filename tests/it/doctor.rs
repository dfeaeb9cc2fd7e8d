//! `doctor` finds what is wrong between plug and dispatch, and takes nothing from a daemon that runs.

use std::fs;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use nattvakt::sensor::simulated::SimulatedLine;
use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use serde_json::Value;

use crate::dispatch::{Answer, Authority, Dispatch};
use crate::ext4::Disk;
use crate::mosquitto::{Access, Mosquitto};
use crate::rig::{Bed, Daemon, Home, Mat, Stream, broker, channel, until_true, wait_for};

/// What the doctor said.
struct Visit {
    code: i32,
    checks: Vec<Value>,
}

impl Visit {
    /// Lets it look at a home.
    fn to(home: &Home, arguments: &[&str]) -> Self {
        let output = doctor(home, &[&["--json"], arguments].concat());
        let said = String::from_utf8(output.stdout).unwrap();
        let value: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
        Self { code: output.status.code().unwrap(), checks: value["checks"].as_array().unwrap().clone() }
    }

    /// The first line of a check, as verdict, what was found, and what to do.
    #[track_caller]
    fn line(&self, check: &str) -> (&str, &str, &str) {
        let line = self.checks.iter().find(|line| line["check"] == check);
        let line = line.unwrap_or_else(|| panic!("no {check} in {:#?}", self.checks));
        let text = |key: &str| line[key].as_str().unwrap_or_default();
        (text("verdict"), text("says"), text("help"))
    }

    #[track_caller]
    fn assert(&self, check: &str, verdict: &str, says: &str) {
        let line = self.line(check);
        assert!(line.0 == verdict && line.1.contains(says), "{check} {verdict} {says:?}: {line:?}");
    }
}

fn doctor(home: &Home, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattvakt"));
    // What the system's own services are is not for these tests.
    command.arg("doctor").args(["--listen", "1s"]).args(arguments).arg(home.configuration()).env("PATH", "/nowhere");
    command.output().unwrap()
}

/// A mat on a pseudo-terminal that writes the same bytes over and over, as far as the reader's speed is its own.
struct Talker {
    port: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What a mat's text is at a wrong speed.
const RUBBISH: &[u8] = b"\x00\xfe\x80\xe0\x1c\x98\x00\xf8\xff\x06\x80\xc0\x00\xfe\x9c\xe6";

impl Talker {
    fn new(text: &'static [u8], speed: Option<u32>) -> Self {
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let port = PathBuf::from(ptsname_r(&master).unwrap());
        let mut termios = tcgetattr(&master).unwrap();
        cfmakeraw(&mut termios);
        tcsetattr(&master, SetArg::TCSANOW, &termios).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || talk(&master, text, speed, &told));
        Self { port, stop, thread: Some(thread) }
    }
}

fn talk(mut master: &PtyMaster, text: &[u8], speed: Option<u32>, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        // The master of a pair sees the settings of the other end.
        let right = speed.is_none_or(|speed| speed_of(master) == speed);
        // That nobody reads is no failure.
        drop(master.write_all(if right { text } else { RUBBISH }));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The speed at which the other end reads, whatever number that is.
fn speed_of(master: &PtyMaster) -> u32 {
    nix::ioctl_read_bad!(tcgets2, libc::TCGETS2, libc::termios2);
    #[expect(
        unsafe_code,
        reason = "no safe call tells an unusual speed; the struct is ours, zeroed, and outlives the call"
    )]
    unsafe {
        let mut termios: libc::termios2 = std::mem::zeroed();
        tcgets2(master.as_raw_fd(), &raw mut termios).unwrap();
        termios.c_ospeed
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// What the doctor says of a port.
fn look_at(port: &Path) -> Visit {
    let (home, dispatch) = (Home::new(), Dispatch::plain());
    home.configure(&[Bed::serial("bed-1", port)], &[channel(dispatch.url(), "")]);
    Visit::to(&home, &[])
}

#[test]
fn a_home_in_order_has_no_cross_and_a_test_is_accepted() {
    let (home, authority, mosquitto) = (Home::new(), Authority::new(), Mosquitto::start(Access::Open));
    let dispatch = Dispatch::tls(authority.server("localhost"));
    let (mat, stream) = (Mat::new(), Stream::new(mosquitto.port(), "mats/bed-2"));
    let ca = format!("ca-file = {:?}", authority.file());
    let beds = [Bed::serial("bed-1", mat.port()), Bed::mqtt("bed-2", "mats/bed-2")];
    home.configure(&beds, &[broker(mosquitto.port()), channel(dispatch.url(), &ca)]);
    let visit = Visit::to(&home, &["--send"]);
    assert_eq!(visit.code, 0, "{:#?}", visit.checks);
    for (check, says) in [
        ("port", "nobody holds it"),
        ("bytes", "all readings, such as \"100\""),
        ("broker", "lets us in"),
        ("topic", "gives readings"),
        ("clock", ""),
        ("disk", "MiB are free"),
        ("store", "not there yet"),
        ("route", "127.0.0.1"),
        ("connect", "answers in"),
        ("tls", "sound until"),
        ("own-cert", "good until"),
        ("memory", "MiB are free"),
        ("test", "accepted in"),
    ] {
        visit.assert(check, "good", says);
    }
    let sent = dispatch.requests();
    assert_eq!(sent.len(), 1);
    let event = sent[0].json();
    assert_eq!((&event["type"], &event["data"]["priority"]), (&"se.nattvakt.test.v1".into(), &"info".into()));
    assert!(!home.path("store").exists(), "the store is the daemon's");
    drop(stream);
}

#[test]
fn beside_a_daemon_it_takes_neither_bytes_nor_name_nor_store() {
    let (home, dispatch, mosquitto) = (Home::new(), Dispatch::plain(), Mosquitto::start(Access::Open));
    let (mat, stream) = (Mat::new(), Stream::new(mosquitto.port(), "mats/bed-2"));
    let beds = [Bed::serial("bed-1", mat.port()), Bed::mqtt("bed-2", "mats/bed-2")];
    home.configure(&beds, &[broker(mosquitto.port()), channel(dispatch.url(), "")]);
    let daemon = Daemon::start(&home);
    mat.lies();
    stream.lies();
    daemon.wait_decided("bed-1", "in-bed");
    daemon.wait_decided("bed-2", "in-bed");
    until_true("the store is the daemon's", || home.path("store/store").exists());

    let visit = Visit::to(&home, &["--send"]);
    assert_eq!(visit.code, 0, "{:#?}", visit.checks);
    visit.assert("port", "good", &format!("held by the daemon, process {}", daemon.pid()));
    assert!(!visit.checks.iter().any(|line| line["check"] == "bytes"), "{:#?}", visit.checks);
    visit.assert("topic", "good", "gives readings");
    visit.assert("reading", "good", "the daemon last read it");
    visit.assert("store", "good", &format!("in use by the daemon, process {}; alerts that wait", daemon.pid()));
    visit.assert("test", "good", "sent by the daemon, and accepted by ");
    mat.leaves();
    stream.leaves();
    wait_for(&dispatch, "bed-1", "rise");
    wait_for(&dispatch, "bed-2", "rise");
    let log = daemon.log().join("\n");
    assert!(!log.contains("is lost") && !log.contains("\"level\":\"WARN\""), "{log}");
    assert!(daemon.terminate().success());
}

#[test]
fn what_comes_from_a_port_is_told_apart() {
    let speaks = Talker::new(b"501\n502\n", None);
    let visit = look_at(&speaks.port);
    visit.assert("bytes", "good", "lines a second at 115200 baud");
    let rubbish = Talker::new(RUBBISH, None);
    let visit = look_at(&rubbish.port);
    visit.assert("bytes", "wrong", "are no text");
    assert_eq!(visit.code, 1);
    let slow = Talker::new(b"501\n502\n", Some(9_600));
    let visit = look_at(&slow.port);
    visit.assert("bytes", "wrong", "the speed is wrong");
    assert!(visit.line("bytes").2.contains("set `baud = 9600`"), "{:?}", visit.line("bytes"));
    let words = Talker::new(b"load;501\nload;502\n", None);
    let visit = look_at(&words.port);
    visit.assert("bytes", "wrong", "none is a reading, such as \"load;50");
    let silent = SimulatedLine::open().unwrap();
    look_at(silent.port()).assert("bytes", "wrong", "nothing came within 1 s");
}

#[test]
fn a_port_that_is_missing_or_held_by_a_stranger_is_told() {
    look_at(Path::new("/dev/serial/by-id/no-such-mat")).assert("port", "wrong", "is not there");
    let line = SimulatedLine::open().unwrap();
    let mut stranger =
        Command::new("/bin/sleep").arg("1000").stdin(fs::File::open(line.port()).unwrap()).spawn().unwrap();
    let visit = look_at(line.port());
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    visit.assert("port", "wrong", &format!("is held by sleep, process {}", stranger.id()));
}

#[test]
fn a_silent_topic_a_wrong_value_and_a_broker_that_is_away_are_told_apart() {
    let (home, dispatch, mut mosquitto) = (Home::new(), Dispatch::plain(), Mosquitto::start(Access::Open));
    let _stream = Stream::new(mosquitto.port(), "mats/left");
    mosquitto.publish("mats/old", "500", true);
    mosquitto.publish("mats/json", "{\"pressure\":500}", true);
    let visit = |topic| {
        home.configure(&[Bed::mqtt("bed-1", topic)], &[broker(mosquitto.port()), channel(dispatch.url(), "")]);
        Visit::to(&home, &[])
    };
    let silent = visit("mats/lfet");
    silent.assert("topic", "wrong", "nothing came on \"mats/lfet\"");
    assert!(silent.line("topic").2.contains("\"mats/left\""), "{:?}", silent.line("topic"));
    visit("mats/old").assert("topic", "warning", "only an old, retained message");
    visit("mats/json").assert("topic", "wrong", "is no reading");
    mosquitto.stop();
    let away = Visit::to(&home, &[]);
    away.assert("broker", "wrong", "nothing listens there");
    assert_eq!(away.code, 1);
}

#[test]
fn certificates_that_have_ended_end_soon_or_are_foreign_are_told_apart() {
    let (home, authority, stranger) = (Home::new(), Authority::new(), Authority::new());
    let mat = Mat::new();
    let visit = |dispatch: &Dispatch, ca: &Authority| {
        let ca = format!("ca-file = {:?}", ca.file());
        home.configure(&[Bed::serial("bed-1", mat.port())], &[channel(dispatch.url(), &ca)]);
        Visit::to(&home, &[])
    };
    let ended = Dispatch::tls(authority.expired_server("localhost"));
    let told = visit(&ended, &authority);
    told.assert("tls", "wrong", "has ended (valid from 2019-01-01 to 2020-01-01)");
    assert_eq!(told.code, 1);
    let soon = Dispatch::tls(authority.server_valid("localhost", (-10, 10)));
    visit(&soon, &authority).assert("tls", "warning", "is sound until");
    let foreign = Dispatch::tls(stranger.server("localhost"));
    let told = visit(&foreign, &authority);
    told.assert("tls", "wrong", "nobody whom this gateway trusts");
    assert!(told.line("tls").2.contains("`ca-file`"));
    let other = Dispatch::tls(authority.server("larmcentral.example"));
    visit(&other, &authority).assert("tls", "wrong", "for another name");
    let strict = Dispatch::tls(authority.server_for_clients("localhost"));
    visit(&strict, &authority).assert("tls", "wrong", "wants one");
    for dispatch in [ended, soon, foreign, other, strict] {
        assert_eq!(dispatch.requests().len(), 0, "nothing is sent");
    }
}

#[test]
fn a_dispatch_that_refuses_the_test_is_a_cross() {
    let (home, dispatch, mat) = (Home::new(), Dispatch::plain(), Mat::new());
    dispatch.otherwise(Answer::status(401));
    home.configure(&[Bed::serial("bed-1", mat.port())], &[channel(dispatch.url(), "")]);
    let visit = Visit::to(&home, &["--send"]);
    visit.assert("test", "wrong", "not accepted");
    assert_eq!(visit.code, 1);
}

#[test]
fn a_full_disk_is_a_cross() {
    let (home, dispatch, mat) = (Home::new(), Dispatch::plain(), Mat::new());
    let Some(disk) = Disk::make(&home.path("")) else { return };
    std::os::unix::fs::symlink(disk.path(), home.path("store")).unwrap();
    home.configure(&[Bed::serial("bed-1", mat.port())], &[channel(dispatch.url(), "")]);
    Visit::to(&home, &[]).assert("disk", "good", "MiB are free");
    let mut filler = fs::File::create(disk.path().join("filler")).unwrap();
    while filler.write_all(&[7; 1 << 12]).is_ok() {}
    let visit = Visit::to(&home, &[]);
    visit.assert("disk", "wrong", "only 0 MiB");
    assert_eq!(visit.code, 1);
}

#[test]
fn a_configuration_that_is_missing_or_broken_is_2_and_the_rest_is_still_looked_at() {
    let home = Home::new();
    let visit = Visit::to(&home, &[]);
    assert_eq!(visit.code, 2);
    visit.assert("config", "wrong", "is not there");
    assert!(visit.line("config").2.contains("nattvakt init"));
    visit.assert("memory", "good", "MiB are free");
    fs::write(home.configuration(), "[gateway]\nid = 1\n").unwrap();
    let visit = Visit::to(&home, &[]);
    assert_eq!(visit.code, 2);
    visit.assert("config", "wrong", "nattvakt.toml:1:1: error: there is no bed (and 2 more)");
}

#[test]
fn a_person_reads_a_line_a_check_and_what_to_do() {
    let (home, dispatch) = (Home::new(), Dispatch::plain());
    home.configure(&[Bed::serial("bed-1", Path::new("/dev/serial/by-id/mat"))], &[channel(dispatch.url(), "")]);
    let said = String::from_utf8(doctor(&home, &[]).stdout).unwrap();
    let port = "\n✗ port      bed-1: /dev/serial/by-id/mat is not there\n            -> plug the mat in, and compare with \
                `ls -l /dev/serial/by-id`\n";
    assert!(said.contains(port), "{said}");
    assert!(said.ends_with("Begin with the first cross: what follows may come of it.\n"), "{said}");
    assert!(said.lines().all(|line| line.chars().count() <= 80 || line.contains("/tmp/")), "{said}");
    assert!(!said.contains('\x1b'), "no colour in a pipe");
}
