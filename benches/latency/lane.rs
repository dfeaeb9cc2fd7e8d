//! One program of a case with its mats on one side and its receiver on the other.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File};
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nattvakt::clock;
use nattvakt::model::Moment;
use serde::Deserialize;
use tempfile::TempDir;

use crate::broker::Broker;
use crate::feed::{EMPTY, Feed, LYING};
use crate::process::Process;
use crate::receiver::Receiver;
use crate::{Case, Result, commands};

/// How long a program may take until it is ready, and how often it is looked after meanwhile.
const READY_LOOKS: u32 = 200;
const READY_LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Which program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    /// The bare one.
    Floor,
    /// `nattvakt run`.
    Daemon,
}

impl Program {
    /// Returns its name in the table; also the first level of its mats' topics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Daemon => "nattvakt",
        }
    }
}

/// A program that runs, with everything around it.
pub(crate) struct Lane {
    pub(crate) process: Process,
    /// From its start until it said that it is ready.
    pub(crate) ready_after: Duration,
    /// From write to receipt, of each rise that arrived.
    pub(crate) latencies: Vec<Duration>,
    /// Share of one processor that it took while nobody rose, 0 to 1.
    pub(crate) busy_share: f64,
    feed: Feed,
    receiver: Receiver,
    log: PathBuf,
    /// When the low readings that have not arrived yet were written, for each bed.
    waiting: HashMap<String, VecDeque<Moment>>,
    /// The reading that comes next, counted over all mats.
    next: u32,
}

/// What is looked at in an alert.
#[derive(Deserialize)]
struct Alert {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    kind: String,
    bed: Option<String>,
}

impl Lane {
    /// Starts a program and waits until it is ready. What it keeps stays in `folder`.
    pub(crate) fn start(case: &Case, program: Program, broker: Option<&Broker>, folder: &TempDir) -> Result<Self> {
        let feed = match broker {
            Some(broker) => Feed::mqtt(broker, program.as_str())?,
            None => Feed::serial()?,
        };
        let receiver = Receiver::start()?;
        let command = match program {
            Program::Floor => commands::floor(case, broker, &feed, &receiver)?,
            Program::Daemon => commands::daemon(case, broker, &feed, &receiver, folder.path())?,
        };
        let (process, ready_after) = start(command, folder.path())?;
        Ok(Self {
            process,
            ready_after,
            latencies: Vec::new(),
            busy_share: 0.0,
            feed,
            receiver,
            log: log(folder.path()),
            waiting: HashMap::new(),
            next: 0,
        })
    }

    /// Writes the next reading: of a mat with someone on it, or the first low one.
    pub(crate) fn send(&mut self, mats: u32, rise: bool) -> Result<()> {
        let mat = self.next % mats;
        self.next += 1;
        let at = self.feed.send(mat, if rise { EMPTY } else { LYING })?;
        if rise {
            self.waiting.entry(format!("bed-{mat}")).or_default().push_back(at);
        }
        Ok(())
    }

    /// Takes what has arrived.
    pub(crate) fn collect(&mut self) -> Result<()> {
        while let Ok(arrival) = self.receiver.arrivals.try_recv() {
            let Alert { data } = serde_json::from_slice(&arrival.body)?;
            let Some(bed) = data.bed.filter(|_| data.kind == "rise") else { continue };
            if let Some(written) = self.waiting.get_mut(&bed).and_then(VecDeque::pop_front) {
                self.latencies.push(arrival.at.since(written));
            }
        }
        Ok(())
    }

    /// Returns how many rises have not arrived.
    pub(crate) fn missing(&self) -> usize {
        self.waiting.values().map(VecDeque::len).sum()
    }

    /// Returns what the program has written to stderr.
    pub(crate) fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }

    /// Forgets every rise so far.
    pub(crate) fn forget(&mut self) {
        self.waiting.clear();
        self.latencies.clear();
    }
}

/// Starts a process and waits for its `READY=1`; returns how long that took.
fn start(mut command: Command, folder: &Path) -> Result<(Process, Duration)> {
    let socket = folder.join("notify");
    if socket.exists() {
        fs::remove_file(&socket)?;
    }
    let notified = UnixDatagram::bind(&socket)?;
    notified.set_read_timeout(Some(READY_LOOK_AGAIN))?;
    let log = log(folder);
    command.env("NOTIFY_SOCKET", &socket).stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?);
    let began = clock::moment();
    let mut process = Process::spawn(command)?;
    let mut message = [0; 4_096];
    for _ in 0..READY_LOOKS {
        match notified.recv(&mut message) {
            Ok(length) if message.get(..length).is_some_and(says_ready) => {
                return Ok((process, clock::moment().since(began)));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !process.has_ended()? => {}
            Err(_) => break,
        }
    }
    Err(format!("a program does not get ready; it says:\n{}", fs::read_to_string(log)?).into())
}

fn log(folder: &Path) -> PathBuf {
    folder.join("log")
}

fn says_ready(message: &[u8]) -> bool {
    message.split(|byte| *byte == b'\n').any(|line| line == b"READY=1")
}
