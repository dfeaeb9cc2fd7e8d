//! `nattvakt run` as a child process: what it tells the service manager, what it logs, how it ends.

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use super::{Home, until, until_true};

type Lines = Arc<Mutex<Vec<String>>>;

/// A running daemon. Killed when dropped; where the test has failed, its log is shown.
pub(crate) struct Daemon {
    child: Child,
    log: Lines,
    notes: Lines,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    _socket: TempDir,
}

impl Daemon {
    /// Starts one on a home and waits until it is ready.
    pub(crate) fn start(home: &Home) -> Self {
        let daemon = Self::spawn(Self::command(home));
        daemon.ready();
        daemon
    }

    /// The command that runs one on a home.
    pub(crate) fn command(home: &Home) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nattvakt"));
        command.args(["run", "--log", "json", "--config"]).arg(home.configuration());
        command.env("TMPDIR", home.path("tmp"));
        for name in
            ["STATE_DIRECTORY", "RUNTIME_DIRECTORY", "WATCHDOG_USEC", "WATCHDOG_PID", "RUST_LOG", "JOURNAL_STREAM"]
        {
            command.env_remove(name);
        }
        command
    }

    /// Starts a command and listens to what it says.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        command.env("NOTIFY_SOCKET", &path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        // A group of its own tells what it leaves behind.
        let mut child = command.process_group(0).spawn().unwrap();
        let (log, notes, stop) = (Lines::default(), Lines::default(), Arc::new(AtomicBool::new(false)));
        let errors = BufReader::new(child.stderr.take().unwrap());
        let lines = Arc::clone(&log);
        let reads_log = std::thread::spawn(move || {
            errors.lines().map_while(Result::ok).for_each(|line| lines.lock().unwrap().push(line));
        });
        let (told, stopped) = (Arc::clone(&notes), Arc::clone(&stop));
        let reads_notes = std::thread::spawn(move || listen(&socket, &told, &stopped));
        Self { child, log, notes, stop, threads: vec![reads_log, reads_notes], _socket: folder }
    }

    /// Waits until the service manager has been told that it is ready.
    pub(crate) fn ready(&self) {
        until_true("READY=1", || self.notes().iter().any(|note| note == "READY=1"));
    }

    /// What the service manager has been told, in order.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap().clone()
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// How many lines of its log hold these words.
    pub(crate) fn logged(&self, words: &str) -> usize {
        self.log().iter().filter(|line| line.contains(words)).count()
    }

    /// Waits until the log holds these words so often, and no more: it is written beside everything else.
    #[track_caller]
    pub(crate) fn wait_logged(&self, words: &str, times: usize) {
        until_true(&format!("`{words}` in the log, {times} times"), || self.logged(words) >= times);
        assert_eq!(self.logged(words), times, "{words}");
    }

    /// The kinds of what was decided about a bed so far, each with whether it was watched.
    pub(crate) fn decided(&self, bed: &str) -> Vec<(String, bool)> {
        let lines = self.log();
        let lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let decided = lines.filter(|line| line["message"] == "Event decided" && line["span"]["bed.id"] == bed);
        decided.map(|line| (line["kind"].as_str().unwrap().to_owned(), line["watched"] == true)).collect()
    }

    /// Waits until this was decided about a bed.
    #[track_caller]
    pub(crate) fn wait_decided(&self, bed: &str, kind: &str) {
        self.wait_decided_times(bed, kind, 1);
    }

    /// Waits until this was decided so often about a bed.
    #[track_caller]
    pub(crate) fn wait_decided_times(&self, bed: &str, kind: &str, times: usize) {
        until_true(&format!("{times} {kind} of {bed} decided"), || {
            self.decided(bed).iter().filter(|(decided, _)| decided == kind).count() >= times
        });
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a power cut would, as far as a process can tell.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal. Not by the system's `kill`, which a small system does not have.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid().try_into().unwrap()), signal).unwrap();
    }

    /// Asks it to end, and returns how it did.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.wait()
    }

    /// Waits until it ends by itself; its log and its notes are whole then.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let status = until("the end of the daemon", || self.child.try_wait().unwrap());
        self.read_to_the_end();
        status
    }

    fn read_to_the_end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        self.read_to_the_end();
        if std::thread::panicking() {
            let (log, notes) = (self.log().join("\n"), self.notes().join("\n"));
            eprintln!("--- log of {}\n{log}\n--- told to the service manager\n{notes}\n---", self.pid());
        }
    }
}

fn listen(socket: &UnixDatagram, notes: &Lines, stop: &AtomicBool) {
    socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut buffer = [0; 4096];
    loop {
        // What was sent before the end is read first.
        let ends = stop.load(Ordering::Relaxed);
        if let Ok(length) = socket.recv(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            notes.lock().unwrap().extend(text.lines().map(str::to_owned));
        } else if ends {
            return;
        }
    }
}
