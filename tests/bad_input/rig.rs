//! A home to spoil: configuration, mats, the built daemon and its log. Every wait polls for a condition, with a bound.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nattvakt::sensor::simulated::SimulatedLine;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::mosquitto::Mosquitto;
use crate::receiver::{Dispatch, Request};

/// Longer than any wait of the program under test; a test that needs it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// What a mat says with nobody on it; odd, to be found again where it must not be.
pub(crate) const EMPTY: &str = "113.75";

/// What a mat says with somebody on it.
pub(crate) const LYING: &str = "617.25";

/// The gateway's id.
pub(crate) const GATEWAY: &str = "4609182736";

/// Polls until there is something.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "not in {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A folder with everything of one home.
pub(crate) struct Home(tempfile::TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file with these rights.
    pub(crate) fn put(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// Writes the configuration: a gateway with its store below this folder, and these tables.
    pub(crate) fn configure(&self, tables: &[String]) -> PathBuf {
        self.configure_with_store(&self.path("store"), tables)
    }

    pub(crate) fn configure_with_store(&self, store: &Path, tables: &[String]) -> PathBuf {
        let store = store.display();
        let head = format!("[gateway]\nid = \"{GATEWAY}\"\nclock = \"rtc\"\n[store]\npath = \"{store}\"\n");
        self.put("nattvakt.toml", head + &tables.concat(), 0o644)
    }
}

const DETECT: &str = "[bed.detect]\nconfirm = \"0s\"\nsettle = \"0s\"\nempty = 113.75\noccupied = 617.25\n";

/// A bed whose mat writes `x,VALUE` to a serial port.
pub(crate) fn serial_bed(bed: &str, port: &Path) -> String {
    let port = port.display();
    format!("[[bed]]\nid = \"{bed}\"\n[bed.serial]\nport = \"{port}\"\nseparator = \",\"\nvalue = 1\n{DETECT}")
}

/// A bed whose mat publishes `{"pressure":VALUE}` on the topic `mats/BED`.
pub(crate) fn mqtt_bed(bed: &str) -> String {
    format!("[[bed]]\nid = \"{bed}\"\n[bed.mqtt]\ntopic = \"mats/{bed}\"\nvalue = \"/pressure\"\n{DETECT}")
}

/// The broker, with further keys.
pub(crate) fn broker(port: u16, keys: &str) -> String {
    format!("[mqtt]\nurl = \"mqtt://127.0.0.1:{port}\"\n{keys}\n")
}

/// A channel without heartbeats, with further keys.
pub(crate) fn channel(name: &str, url: &str, keys: &str) -> String {
    let head = format!("[[dispatch]]\nname = \"{name}\"\nheartbeat = \"off\"\n");
    head + &format!("[dispatch.https]\nurl = \"{url}\"\n{keys}\n")
}

/// What a mat can say.
pub(crate) trait Mat {
    /// Says one value, as text.
    fn say(&self, value: &str);
}

impl Mat for SimulatedLine {
    fn say(&self, value: &str) {
        // The first end of line brings a port that was just opened into step.
        self.send_bytes(format!("\nx,{value}\n").as_bytes()).unwrap();
    }
}

/// A mat at a broker.
pub(crate) struct Topic<'a>(pub(crate) &'a Mosquitto, pub(crate) &'a str);

impl Mat for Topic<'_> {
    fn say(&self, value: &str) {
        self.0.publish(&format!("mats/{}", self.1), format!("{{\"pressure\":{value}}}"), false);
    }
}

/// Sends all of it, however slowly it is read.
pub(crate) fn pour(line: &SimulatedLine, mut bytes: &[u8]) {
    eventually("all is read", || {
        bytes = &bytes[line.send_bytes(bytes).unwrap()..];
        bytes.is_empty().then_some(())
    });
}

/// She rises again after so many looks that have not found her rise: the mat's line may have been lost among rubbish.
const LOOKS_A_RISE: u32 = 60;

/// Lets somebody lie down and rise until dispatch hears of a rise of this bed that it had not heard of before.
#[track_caller]
pub(crate) fn rise(bed: &str, mat: &dyn Mat, dispatch: &Dispatch) -> Request {
    let rises = || dispatch.requests().into_iter().filter(|request| is_rise_of(&request.json(), bed));
    let known: Vec<String> = rises().map(|request| request.header("webhook-id").to_owned()).collect();
    let mut looks = (0..LOOKS_A_RISE).cycle();
    eventually(&format!("a rise of {bed} at dispatch"), || {
        if looks.next() == Some(0) {
            mat.say(LYING);
            mat.say(EMPTY);
        }
        rises().find(|request| !known.iter().any(|id| id == request.header("webhook-id")))
    })
}

fn is_rise_of(body: &Value, bed: &str) -> bool {
    body["data"]["kind"] == "rise" && body["subject"] == bed
}

/// Everything that dispatch has been told, as `kind`, `kind fault` or `kind fault bed`.
pub(crate) fn told(dispatch: &Dispatch) -> Vec<String> {
    let words = |request: Request| {
        let data = request.json()["data"].clone();
        let word = |key: &str| data[key].as_str().map(str::to_owned);
        [word("kind"), word("fault"), word("bed")].into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    dispatch.requests().into_iter().map(words).collect()
}

/// Waits until dispatch has been told this.
#[track_caller]
pub(crate) fn wait_until_told(dispatch: &Dispatch, words: &str) -> Request {
    eventually(&format!("dispatch is told `{words}`"), || {
        let place = told(dispatch).iter().position(|told| told == words)?;
        Some(dispatch.requests().remove(place))
    })
}

/// A running daemon. Killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    log: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Daemon {
    pub(crate) fn start(config: &Path) -> Self {
        Self::start_with(config, |_| {})
    }

    /// Starts it with further arguments or another environment, and collects what it says on stderr.
    pub(crate) fn start_with(config: &Path, adjust: impl FnOnce(&mut Command)) -> Self {
        let mut command = program(&["run", "--config"]);
        command.arg(config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        adjust(&mut command);
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let reader = child.stderr.take().map(|mut stderr| {
            let log = Arc::clone(&log);
            std::thread::spawn(move || {
                let mut chunk = [0; 4096];
                while let Ok(length @ 1..) = stderr.read(&mut chunk) {
                    log.lock().unwrap().extend_from_slice(&chunk[..length]);
                }
            })
        });
        Self { child, log, reader }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has said on stderr so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8(self.log.lock().unwrap().clone()).unwrap()
    }

    /// Waits for a line that holds all these words, and returns it.
    #[track_caller]
    pub(crate) fn wait_for_line(&self, words: &[&str]) -> String {
        eventually(&format!("a line with {words:?}"), || {
            let log = self.log();
            let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
            whole.lines().find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned)
        })
    }

    /// Asks it to end, and returns how it did, with its whole log.
    #[track_caller]
    pub(crate) fn stop(mut self) -> (ExitStatus, String) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        let status = eventually("the daemon ends", || self.child.try_wait().unwrap());
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        (status, self.log())
    }

    /// Asks it to end, and returns its whole log; it must end well.
    #[track_caller]
    pub(crate) fn stop_well(self) -> String {
        let (status, log) = self.stop();
        assert!(status.success(), "{status}\n{log}");
        assert!(!log.contains("panicked") && !log.contains("A part of the program failed"), "{log}");
        log
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            eprintln!("the log of the daemon:\n{}", self.log());
        }
    }
}

/// The built program, without what the environment of the tests would tell it.
pub(crate) fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattvakt"));
    command.args(args);
    for name in ["RUST_LOG", "NOTIFY_SOCKET", "WATCHDOG_USEC", "STATE_DIRECTORY", "JOURNAL_STREAM"] {
        command.env_remove(name);
    }
    command
}

/// Runs a command that has to end by itself.
#[track_caller]
pub(crate) fn ended(mut command: Command) -> Ended {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // What is said fits into the pipes: these commands say a page at most.
    eventually("the command ends", || child.try_wait().unwrap());
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
}

/// What a command left.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}
