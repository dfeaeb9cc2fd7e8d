//! `live` on a real terminal: what it shows, what its keys do, and that the terminal is put back whatever ends it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;

use crate::control::{command, home_with, wait_status};
use crate::rig::{Daemon, Home, until, until_true, wait_for};

/// What puts the terminal back.
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// `nattvakt live` on a terminal of 80 by 24.
struct Screen {
    child: Child,
    keys: File,
    /// The program's end of the terminal, kept to see how it was left.
    terminal: File,
    shown: Arc<Mutex<String>>,
}

impl Screen {
    fn open(home: &Home) -> Self {
        wait_status(home, "it listens", |status| status["version"].is_string());
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(Some(&size), None).unwrap();
        for end in [&master, &slave] {
            // Not for the programs of other tests.
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
        }
        let end = || slave.try_clone().unwrap();
        let mut live = command(home, "live");
        live.env("LANG", "C.UTF-8").env("TERM", "xterm").stdin(end()).stdout(end()).stderr(end());
        let child = live.spawn().unwrap();
        let (keys, mut screen) = (File::from(master.try_clone().unwrap()), File::from(master));
        let shown = Arc::new(Mutex::new(String::new()));
        let collected = Arc::clone(&shown);
        // Ends with the terminal.
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = screen.read(&mut buffer) {
                collected.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
        });
        Self { child, keys, terminal: File::from(slave), shown }
    }

    fn shown(&self) -> String {
        self.shown.lock().unwrap().clone()
    }

    #[track_caller]
    fn wait_shown(&self, words: &str) {
        until_true(&format!("{words:?} on the screen"), || self.shown().contains(words));
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    fn is_raw(&self) -> bool {
        !tcgetattr(self.terminal.as_fd()).unwrap().local_flags.contains(LocalFlags::ICANON)
    }

    /// Waits for the end; the terminal must be as it was.
    fn ended(mut self) -> ExitStatus {
        let status = until("the end of live", || self.child.try_wait().unwrap());
        self.wait_shown(LEAVE);
        assert!(!self.is_raw(), "the terminal stays raw");
        status
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn it_shows_the_curve_and_what_happens_and_a_key_ends_it() {
    let (home, mat, dispatch) = home_with("");
    let _daemon = Daemon::start(&home);
    let mut screen = Screen::open(&home);
    screen.wait_shown("bed-1  ");
    screen.wait_shown("enter 275.0");
    assert!(screen.is_raw());
    mat.lies();
    screen.wait_shown("in bed since ");
    mat.leaves();
    wait_for(&dispatch, "bed-1", "rise");
    screen.wait_shown("larmcentral has it after ");
    assert!(screen.shown().chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c)), "no curve");
    screen.press("m");
    screen.wait_shown("mark 1");
    screen.press("?");
    screen.wait_shown("pause this bed while staff are in the room");
    screen.press("?q");
    assert!(screen.ended().success());
}

#[test]
fn its_key_pauses_the_bed_and_ends_the_pause() {
    let (home, mat, dispatch) = home_with("");
    let daemon = Daemon::start(&home);
    mat.lies();
    daemon.wait_decided("bed-1", "in-bed");
    let mut screen = Screen::open(&home);
    screen.wait_shown("bed-1  ");
    screen.press("p");
    screen.wait_shown("Pause for:");
    screen.press("1");
    wait_for(&dispatch, "bed-1", "paused");
    screen.wait_shown("PAUSED until ");
    screen.press("p");
    screen.wait_shown("r  end the pause");
    screen.press("r");
    assert_eq!(wait_for(&dispatch, "bed-1", "resumed").body["data"]["reason"], "command");
    // Ctrl-C, which is a key like any other here.
    screen.press("\x03");
    assert!(screen.ended().success());
}

#[test]
fn a_signal_puts_the_terminal_back_and_a_daemon_that_goes_is_said_and_found_again() {
    let (home, _mat, _dispatch) = home_with("");
    let daemon = Daemon::start(&home);
    let screen = Screen::open(&home);
    screen.wait_shown("enter 275.0");
    daemon.kill();
    screen.wait_shown("; trying again");
    let _daemon = Daemon::start(&home);
    let before = screen.shown().len();
    until_true("it is found again", || screen.shown()[before..].contains("Dispatch: larmcentral"));
    kill(Pid::from_raw(screen.child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert!(screen.ended().success());
}

#[test]
fn without_a_terminal_or_a_daemon_it_says_so() {
    let (home, _mat, _dispatch) = home_with("");
    let nobody = command(&home, "live").output().unwrap();
    assert_eq!(nobody.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("nattvakt is not running"));
    let _daemon = Daemon::start(&home);
    wait_status(&home, "it listens", |status| status["version"].is_string());
    let piped = command(&home, "live").output().unwrap();
    assert_eq!(piped.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&piped.stderr).contains("this needs a terminal"));
    assert!(!String::from_utf8_lossy(&piped.stdout).contains('\x1b'));
}
