//! Mats at 20 Hz that say the same until they are told to say something else.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use nattvakt::model::Channels;
use nattvakt::sensor::simulated::SimulatedLine;

use super::{Daemon, now_floor, until_true};

/// The reading of a mat on which nobody lies.
pub(crate) const EMPTY: f64 = 100.0;

/// The reading of a mat on which somebody lies.
pub(crate) const OCCUPIED: f64 = 600.0;

/// The time between two readings.
const PERIOD: Duration = Duration::from_millis(50);

/// A mat on a pseudo-terminal. Dropping it unplugs it.
pub(crate) struct Mat {
    port: PathBuf,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

struct State {
    line: SimulatedLine,
    /// What each zone says.
    loads: Vec<f64>,
    sent: usize,
    stop: bool,
}

impl State {
    fn send(&mut self) {
        self.line.send(&Channels::new(self.loads.iter().copied()).unwrap(), ",").unwrap();
        self.sent += 1;
    }
}

impl Mat {
    /// Plugs one with one zone in on which nobody lies.
    pub(crate) fn new() -> Self {
        Self::zoned(&[EMPTY])
    }

    /// Plugs one in whose zones say this.
    pub(crate) fn zoned(loads: &[f64]) -> Self {
        let line = SimulatedLine::open().unwrap();
        let port = line.port().to_owned();
        let state = Arc::new(Mutex::new(State { line, loads: loads.to_vec(), sent: 0, stop: false }));
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            loop {
                std::thread::sleep(PERIOD);
                let mut state = shared.lock().unwrap();
                if state.stop {
                    return;
                }
                state.send();
            }
        });
        Self { port, state, thread: Some(thread) }
    }

    /// The path of its port.
    pub(crate) fn port(&self) -> &Path {
        &self.port
    }

    /// Somebody lies down on it. Returns when, just before the first such reading is written.
    pub(crate) fn lies(&self) -> Timestamp {
        self.shows(&[OCCUPIED])
    }

    /// Nobody lies on it any more. Returns when, just before the first such reading is written.
    pub(crate) fn leaves(&self) -> Timestamp {
        self.shows(&[EMPTY])
    }

    /// Waits until a daemon has read what the mat says now. A line that is no reading, which it logs, comes after it.
    /// Once a daemon: it does not log every such line.
    pub(crate) fn wait_read(&self, daemon: &Daemon) {
        let logged = |words: &str| daemon.log().iter().any(|line| line.contains(words));
        until_true("the port is open", || logged("Serial port is open"));
        {
            let mut state = self.state.lock().unwrap();
            // The first line of a port that was just opened may be half of one, and is passed over.
            state.send();
            state.send();
            state.line.send_bytes(b"no reading\n").unwrap();
        }
        until_true("the mat is read", || logged("Serial lines rejected"));
    }

    /// Its zones say this from now on. Returns when, just before the first such reading is written.
    pub(crate) fn shows(&self, loads: &[f64]) -> Timestamp {
        let mut state = self.state.lock().unwrap();
        let before = now_floor();
        state.loads = loads.to_vec();
        state.send();
        before
    }

    /// Waits until it has said so for so many readings more.
    pub(crate) fn wait_sent(&self, readings: usize) {
        let sent = || self.state.lock().unwrap().sent;
        let before = sent();
        until_true(&format!("{readings} readings more"), || sent() >= before + readings);
    }
}

impl Drop for Mat {
    fn drop(&mut self) {
        self.state.lock().unwrap().stop = true;
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// A mat that publishes plain numbers to a broker, also to one that comes and goes.
pub(crate) struct Stream {
    load: Arc<Mutex<Option<f64>>>,
    thread: Option<JoinHandle<()>>,
}

impl Stream {
    /// Starts one on which nobody lies.
    pub(crate) fn new(port: u16, topic: &str) -> Self {
        let load = Arc::new(Mutex::new(Some(EMPTY)));
        let (shared, topic) = (Arc::clone(&load), topic.to_owned());
        let thread = std::thread::spawn(move || {
            let mut broker = None;
            while let Some(load) = { *shared.lock().unwrap() } {
                broker = broker.or_else(|| connect(port).ok());
                let sent = broker.as_mut().map(|stream| publish(stream, &topic, load));
                if sent.is_none_or(|sent| sent.is_err()) {
                    broker = None;
                }
                std::thread::sleep(PERIOD);
            }
        });
        Self { load, thread: Some(thread) }
    }

    /// Somebody lies down on it.
    pub(crate) fn lies(&self) {
        self.set(OCCUPIED);
    }

    /// Nobody lies on it any more.
    pub(crate) fn leaves(&self) {
        self.set(EMPTY);
    }

    fn set(&self, load: f64) {
        *self.load.lock().unwrap() = Some(load);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        *self.load.lock().unwrap() = None;
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn connect(port: u16) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    // MQTT 3.1.1, clean session, no keep-alive, no client id.
    stream.write_all(&[0x10, 12, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, 0])?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer)?;
    if answer == [0x20, 2, 0, 0] { Ok(stream) } else { Err(io::Error::other("refused")) }
}

fn publish(stream: &mut TcpStream, topic: &str, load: f64) -> io::Result<()> {
    let payload = load.to_string();
    let (topic_bytes, length) = (u8::try_from(topic.len()).unwrap(), 2 + topic.len() + payload.len());
    let mut packet = vec![0x30, u8::try_from(length).unwrap(), 0, topic_bytes];
    packet.extend_from_slice(topic.as_bytes());
    packet.extend_from_slice(payload.as_bytes());
    stream.write_all(&packet)
}
