//! `record` takes what the daemon hears into a file that `replay` reads, and ends by itself.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nattvakt::sensor::simulated::SimulatedLine;

use crate::dispatch::Dispatch;
use crate::rig::{Bed, Daemon, Home, Mat, channel, until_true};

fn record(home: &Home, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattvakt"));
    command.args(["record", "bed-1", "--config"]).arg(home.configuration()).args(more);
    command.env_remove("RUNTIME_DIRECTORY").output().unwrap()
}

#[test]
fn readings_go_to_a_file_of_the_owners_alone_for_as_long_as_was_said() {
    let (home, mat, dispatch) = (Home::new(), Mat::zoned(&[100.0, 90.5]), Dispatch::plain());
    let bed = Bed {
        sensor: format!("[bed.serial]\nport = {:?}\nvalue = [0, 1]\n", mat.port()),
        levels: (&[100.0, 90.0], &[600.0, 500.0]),
        ..Bed::serial("bed-1", mat.port())
    };
    home.configure(&[bed], &[channel(dispatch.url(), "")]);
    let daemon = Daemon::start(&home);
    mat.wait_read(&daemon);
    let file = home.path("night.csv");
    let file_name = file.to_str().unwrap();
    let recorded = record(&home, &["--for", "2s", file_name]);
    assert!(recorded.status.success(), "{recorded:?}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    let mut rows = text.lines();
    assert_eq!(rows.next(), Some("time,zone1,zone2"));
    assert!(rows.clone().count() > 5 && rows.all(|row| row.ends_with("Z,100,90.5")), "{text}");

    let again = record(&home, &["--for", "2s", file_name]);
    assert_eq!(again.status.code(), Some(2), "no recording is written over: {again:?}");
    let replayed = Command::new(env!("CARGO_BIN_EXE_nattvakt"))
        .args(["replay", "--config"])
        .args([home.configuration(), file])
        .output()
        .unwrap();
    assert!(replayed.status.success(), "{replayed:?}");
}

#[test]
fn a_mat_that_says_rubbish_is_recorded_as_such_and_keeps_nobody_from_the_socket() {
    let (home, dispatch, line) = (Home::new(), Dispatch::plain(), SimulatedLine::open().unwrap());
    home.configure(&[Bed::serial("bed-1", line.port())], &[channel(dispatch.url(), "")]);
    let daemon = Daemon::start(&home);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0_u32.. {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let said: &[u8] = if number % 3 == 0 { b"100\n" } else { b"not a number\n" };
                line.send_bytes(said).unwrap();
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        until_true("the socket is open", || daemon.log().iter().any(|line| line.contains("Control socket is open")));
        for _ in 0..20 {
            let mut gone = UnixStream::connect(home.path("store/control.sock")).unwrap();
            gone.write_all(b"{\"do\":\"readings\",\"bed\":\"bed-1\"}\n").unwrap();
        }
        let file = home.path("night.csv");
        let recorded = record(&home, &["--for", "1s", file.to_str().unwrap()]);
        over.store(true, Ordering::Relaxed);
        assert!(recorded.status.success(), "{recorded:?}");
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            text.lines().any(|row| row.ends_with("Z,100")) && text.lines().any(|row| row.ends_with("Z,")),
            "{text}"
        );
    });
}

#[test]
fn without_a_daemon_there_is_nothing_to_record_and_no_file() {
    let (home, mat) = (Home::new(), Mat::new());
    home.configure(&[Bed::serial("bed-1", mat.port())], &[channel("http://127.0.0.1:9/alerts", "")]);
    let file = home.path("night.csv");
    let recorded = record(&home, &["--for", "1h", file.to_str().unwrap()]);
    assert_eq!(recorded.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&recorded.stderr).contains("is not running"), "{recorded:?}");
    assert!(!file.exists());
}
