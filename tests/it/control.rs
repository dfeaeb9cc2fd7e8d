//! The control socket: what it says, who may ask, and that nothing that comes over it disturbs the watch.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use serde_json::{Value, json};

use crate::dispatch::{Answer, Dispatch};
use crate::names::with_file_over;
use crate::not_tried::not_tried;
use crate::rig::{Bed, Daemon, Home, Mat, PATIENCE, alerts, channel, until, until_true, wait_for};

/// A home with one bed and one channel, and its daemon.
pub(crate) fn home_with(alarm: &'static str) -> (Home, Mat, Dispatch) {
    let (home, mat, dispatch) = (Home::new(), Mat::new(), Dispatch::plain());
    home.configure(&[Bed { alarm, ..Bed::serial("bed-1", mat.port()) }], &[channel(dispatch.url(), "")]);
    (home, mat, dispatch)
}

/// Where the daemon of a home listens that no service manager has started.
pub(crate) fn socket(home: &Home) -> PathBuf {
    home.path("store/control.sock")
}

/// A command that speaks to the daemon of a home.
pub(crate) fn command(home: &Home, name: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattvakt"));
    command.arg(name).arg("--socket").arg(socket(home)).env("NO_COLOR", "1");
    command
}

/// What a command has printed.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What `status --json` says, and its exit code.
pub(crate) fn status(home: &Home) -> (Value, i32) {
    let output = command(home, "status").arg("--json").output().unwrap();
    let text = stdout(&output);
    let said = serde_json::from_str(&text).unwrap_or_else(|_| json!(String::from_utf8_lossy(&output.stderr)));
    (said, output.status.code().unwrap())
}

/// Waits until `status --json` is as wanted, and returns it with the exit code.
#[track_caller]
pub(crate) fn wait_status(home: &Home, what: &str, wanted: impl Fn(&Value) -> bool) -> (Value, i32) {
    until(what, || Some(status(home)).filter(|(status, _)| wanted(status)))
}

fn connect(path: &Path) -> UnixStream {
    let stream = until("a connection", || UnixStream::connect(path).ok());
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Says a line, and returns the first line of the answer; "" where the connection ends.
fn say(stream: &mut BufReader<UnixStream>, line: &[u8]) -> String {
    // Who is refused at the door cannot say anything.
    drop(stream.get_mut().write_all(&[line, b"\n"].concat()));
    let mut answer = String::new();
    drop(stream.read_line(&mut answer));
    answer
}

#[test]
fn status_says_how_bed_mat_dispatch_and_store_are_and_when_all_is_well() {
    let (home, mat, _dispatch) = home_with("");
    let daemon = Daemon::start(&home);
    let lay = mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    let (said, code) = wait_status(&home, "the start is told", |status| status["channels"][0]["state"] == "works");
    assert_eq!((said["well"].clone(), code), (json!(true), 0), "{said:#}");
    let bed = &said["beds"][0];
    assert_eq!((&bed["bed"], &bed["mat"], &bed["phase"]), (&json!("bed-1"), &json!("ok"), &json!("in-bed")));
    let time = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(lay <= time(&bed["since"]) && time(&bed["since"]) <= time(&bed["last-reading"]), "{bed:#}");
    assert_eq!((&bed["watched"], bed.get("watch-changes"), bed.get("paused-until")), (&json!(true), None, None));
    assert_eq!((&said["gateway"], &said["time-zone"]), (&json!("4601234567"), &json!("Europe/Stockholm")));
    assert_eq!((&said["channels"][0]["name"], &said["store"]["state"]), (&json!("larmcentral"), &json!("sound")));

    let screen = stdout(&command(&home, "status").output().unwrap());
    assert!(
        screen.contains("bed-1     in bed since ")
            && screen.contains("\nAll is well.\n\nDue:\n  - bed-1: no test alert"),
        "{screen}"
    );
    assert!(!screen.contains('\x1b'), "colours where nobody sees them");
}

#[test]
fn status_fails_and_says_why_where_a_mat_is_out_dispatch_refuses_or_nobody_runs() {
    let (home, mat, dispatch) = home_with("");
    let nobody = command(&home, "status").output().unwrap();
    assert_eq!(nobody.status.code(), Some(1));
    let words = String::from_utf8(nobody.stderr).unwrap();
    assert!(words.contains("nattvakt is not running") && words.contains("systemctl start"), "{words}");

    dispatch.otherwise(Answer::status(403));
    let _daemon = Daemon::start(&home);
    drop(mat);
    let (said, code) = wait_status(&home, "both are known", |status| {
        status["problems"].as_array().is_some_and(|problems| problems.len() == 2)
    });
    assert_eq!((&said["well"], code), (&json!(false), 1));
    assert_eq!(said["problems"][0], "bed-1: the mat cannot be trusted: unplugged");
    assert!(said["problems"][1].as_str().unwrap().starts_with("larmcentral: "), "{said:#}");
    let screen = stdout(&command(&home, "status").output().unwrap());
    assert!(screen.contains("\nSomething is wrong:\n  - bed-1: "), "{screen}");
}

#[test]
fn a_killed_daemon_leaves_no_socket_in_the_way_and_a_stopped_one_leaves_none() {
    let (home, _mat, _dispatch) = home_with("");
    let daemon = Daemon::start(&home);
    wait_status(&home, "an answer", |status| status["version"].is_string());
    daemon.kill();
    assert!(socket(&home).exists());
    let daemon = Daemon::start(&home);
    wait_status(&home, "an answer", |status| status["version"].is_string());
    assert!(daemon.terminate().success());
    assert!(!socket(&home).exists());
}

#[test]
fn what_is_no_request_is_refused_with_words_and_the_connection_goes_on() {
    let (home, _mat, _dispatch) = home_with("");
    let _daemon = Daemon::start(&home);
    let mut stream = BufReader::new(connect_to(&home));
    for rubbish in [&b"\xff\xfe\x00"[..], b"{}", b"{\"do\":\"dance\"}", b"GET / HTTP/1.1", b"[[[[[[", b""] {
        let answer: Value = serde_json::from_str(&say(&mut stream, rubbish)).unwrap();
        assert_eq!((&answer["is"], &answer["reason"]), (&json!("error"), &json!("request")), "{answer}");
    }
    let answer: Value = serde_json::from_str(&say(&mut stream, br#"{"do":"status"}"#)).unwrap();
    assert_eq!((&answer["is"], &answer["gateway"]), (&json!("status"), &json!("4601234567")));

    // A line without end.
    let mut stream = connect_to(&home);
    drop(stream.write_all(&vec![b'x'; 1 << 20]));
    let mut answer = String::new();
    drop(stream.read_to_string(&mut answer));
    assert!(answer.contains("a request has at most 4096 bytes"), "{answer}");
}

fn connect_to(home: &Home) -> UnixStream {
    connect(&socket(home))
}

#[test]
fn a_rise_is_told_while_a_thousand_connections_rubbish_and_readers_that_do_not_read_come_over_the_socket() {
    let (home, mat, dispatch) = home_with("");
    let daemon = Daemon::start(&home);
    mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    wait_status(&home, "an answer", |status| status["version"].is_string());

    // Half open: they ask as much as they can and never read.
    let mut deaf: Vec<UnixStream> = (0..4).map(|_| connect_to(&home)).collect();
    for stream in &mut deaf {
        stream.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
        let many = br#"{"do":"status"}
"#
        .repeat(20_000);
        drop(stream.write_all(&many));
    }
    // And who watches live, but never looks.
    let mut blind: Vec<UnixStream> = (0..3).map(|_| connect_to(&home)).collect();
    for stream in &mut blind {
        stream.write_all(b"{\"do\":\"live\"}\n").unwrap();
    }
    let path = socket(&home);
    let mobs: Vec<_> = (0..4)
        .map(|_| {
            let path = path.clone();
            std::thread::spawn(move || {
                for number in 0..250 {
                    let Ok(mut stream) = UnixStream::connect(&path) else { continue };
                    stream.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
                    match number % 3 {
                        0 => drop(stream.write_all(b"\x00\xff{{{{\n")),
                        1 => drop(stream.write_all(&[b'['; 8192])),
                        // Gone at once.
                        _ => {}
                    }
                }
            })
        })
        .collect();
    let left = mat.leaves();
    let rise = wait_for(&dispatch, "bed-1", "rise");
    assert!(rise.time() >= left, "{rise:?}");
    for mob in mobs {
        mob.join().unwrap();
    }
    mat.lies();
    assert_eq!(wait_for(&dispatch, "bed-1", "return").closes(), [rise.id()]);
    drop((deaf, blind));
    let (said, code) = wait_status(&home, "an answer again", |status| status["version"].is_string());
    assert_eq!((&said["well"], code), (&json!(true), 0), "{said:#}");
    assert_eq!(alerts(&dispatch).len(), 2, "{:#?}", alerts(&dispatch));
    let of_socket = daemon.log().iter().filter(|line| line.contains("control socket")).count();
    assert!(of_socket <= 3, "the log grows with what strangers do: {of_socket} lines");
}

/// A home whose daemon has its socket in a folder that everybody may enter, as the service manager makes it.
fn open_home() -> (Home, Mat, Dispatch, PathBuf) {
    let (home, mat, dispatch) = home_with("");
    let runtime = home.path("run");
    fs::create_dir(&runtime).unwrap();
    for folder in [runtime.as_path(), runtime.parent().unwrap()] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    (home, mat, dispatch, runtime)
}

/// The status, asked by nobody in these groups.
fn status_as_nobody(runtime: &Path, groups: &str) -> (i32, String) {
    let program = env!("CARGO_BIN_EXE_nattvakt");
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534"]);
    command.args(if groups.is_empty() { ["--clear-groups"].to_vec() } else { ["--groups", groups].to_vec() });
    // Through a descriptor that it inherits: the folder of the program may be closed to others.
    let program = fs::File::open(program).unwrap();
    fcntl(&program, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    command.arg(format!("/proc/self/fd/{}", program.as_raw_fd()));
    let output = command.arg("status").arg("--socket").arg(runtime.join("control.sock")).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn who_is_in_no_group_is_refused_and_told_which_one_it_takes() {
    if !nix::unistd::Uid::effective().is_root() {
        not_tried("only root can become somebody else");
        return;
    }
    let (home, _mat, _dispatch, runtime) = open_home();
    let mut command = Daemon::command(&home);
    command.env("RUNTIME_DIRECTORY", &runtime);
    // The groups of the service, as its package makes them.
    fs::write(home.path("group"), "root:x:0:\nnattvakt-read:x:64001:\nnattvakt-act:x:64002:\n").unwrap();
    let Some(command) = with_file_over(&command, &home.path("group"), "/etc/group") else {
        not_tried("no file can be put over another here");
        return;
    };
    let daemon = Daemon::spawn(command);
    daemon.ready();
    until_true("the socket", || runtime.join("control.sock").exists());

    let (code, words) = status_as_nobody(&runtime, "");
    assert_eq!(code, 1);
    assert!(words.contains("nattvakt-read") && words.contains("usermod"), "{words}");
    let allowed = |groups: &str| {
        until("an answer", || Some(status_as_nobody(&runtime, groups)).filter(|(_, words)| words.is_empty()))
    };
    allowed("64001");
    allowed("64002");
    assert_eq!(status_as_nobody(&runtime, "64003").0, 1);
}
