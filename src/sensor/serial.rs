//! Text lines from a serial port: opened by path, read straight to the bed, opened again whenever it is gone.
//!
//! Writes nothing to the port, and never flushes it: that call blocks the whole program while hardware is stuck.
//! A port that is open while its mat is silent is not noticed here; silence is for the detector.

use std::convert::Infallible;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use nix::sys::termios::{ControlFlags, SetArg, tcgetattr, tcsetattr};
use tokio::io::AsyncReadExt;
use tokio::runtime::Handle;
use tokio::time::sleep;
use tokio_serial::{ClearBuffer, ErrorKind, SerialPort, SerialStream};

use super::decode::{Age, LineDecoder, Lines, Rejection};
use super::outage::Outage;
use super::rejections::Rejections;
use super::settings::{Backoff, SerialSettings};
use super::{FEED_SIGNALS_MAX, Feed, Signal, random, tell};
use crate::blocking::{Blocking, NoResult};
use crate::clock;
use crate::model::{MatFault, Moment, Reading};

/// How long opening may take; a sick USB bridge can hold it up for ever.
const OPEN_LIMIT: Duration = Duration::from_secs(10);

/// How much is read at once. A line has two bytes at least, so one read never overruns the bed's feed.
const READ_BYTES: usize = 2 * FEED_SIGNALS_MAX;

/// A port that is quiet this long after it was opened is between two lines: the bytes of one come back to back.
const QUIET: Duration = Duration::from_secs(1);

/// Reads one mat for ever.
///
/// The bed hears [`Signal::Lost`] once when the port is gone or cannot be opened, and [`Signal::Back`] when it is open
/// again.
#[expect(clippy::infinite_loop, reason = "`Infallible` says so where `!` cannot be named yet")]
pub async fn run(settings: SerialSettings, feed: Feed) -> Infallible {
    let mut mat = Mat::new(&settings, feed);
    let mut opening = Blocking::default();
    let mut outage = Outage::default();
    let port = settings.port.display();
    let mut lost = false;
    loop {
        let (words, worked) = match open(&settings, &mut opening).await {
            Ok(stream) => {
                if let Some(failures) = outage.opened() {
                    tracing::info!(%port, count = failures, "Serial port is open");
                }
                if std::mem::take(&mut lost) {
                    tell(&mat.feed, Signal::Back);
                }
                let opened = clock::moment();
                let ended = mat.read(stream).await;
                (ended.words, ended.any_bytes.then(|| clock::moment().since(opened)))
            }
            Err(words) => (words, None),
        };
        if !std::mem::replace(&mut lost, true) {
            tell(&mat.feed, Signal::Lost(MatFault::Unplugged));
        }
        if outage.is_new(&words, worked) {
            tracing::warn!(%port, error = %words, "Serial port is lost");
        }
        sleep(outage.failed(Backoff::REOPEN, worked, random())).await;
    }
}

/// What is kept of a mat while its port comes and goes.
struct Mat<'a> {
    settings: &'a SerialSettings,
    decoder: LineDecoder,
    age: Age,
    rejections: Rejections,
    feed: Feed,
}

/// How the reading of a port ended.
struct Ended {
    words: String,
    any_bytes: bool,
}

impl<'a> Mat<'a> {
    fn new(settings: &'a SerialSettings, feed: Feed) -> Self {
        let decoder = LineDecoder::new(settings);
        Self { settings, decoder, age: Age::new(), rejections: Rejections::default(), feed }
    }

    async fn read(&mut self, mut stream: SerialStream) -> Ended {
        let mut lines = Lines::new();
        let mut buffer = [0; READ_BYTES];
        let mut any_bytes = false;
        let opened = clock::moment();
        loop {
            let bytes = match stream.read(&mut buffer).await {
                // Linux says so for ever once the device behind a port is gone.
                Ok(0) => return Ended { words: "the port is gone; unplugged?".to_owned(), any_bytes },
                Ok(length) => buffer.get(..length).unwrap_or_default(),
                Err(error) => return Ended { words: error.to_string(), any_bytes },
            };
            let now = clock::moment();
            if !std::mem::replace(&mut any_bytes, true) && now.since(opened) >= QUIET {
                lines.begins();
            }
            lines.push(bytes, |line| self.take(line, now));
            // The bed has its turn before the next read, also under a flood.
            tokio::task::yield_now().await;
        }
    }

    fn take(&mut self, line: Result<&[u8], Rejection>, now: Moment) {
        match line.and_then(|line| self.decoder.decode(line)) {
            Ok(sample) => {
                let (at, quality) = self.age.place(now, &sample);
                tell(&self.feed, Signal::Reading(Reading { at, channels: sample.channels, quality }));
            }
            Err(rejection) => self.reject(rejection, now),
        }
    }

    fn reject(&mut self, rejection: Rejection, now: Moment) {
        let due = self.rejections.note(now);
        if due.signal {
            tell(&self.feed, Signal::Rejected);
        }
        if let Some(count) = due.line {
            let port = self.settings.port.display();
            tracing::info!(%port, count, error = %rejection, "Serial lines rejected");
        }
    }
}

/// What came from a port in a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The bytes, at most [`HEARD_BYTES_MAX`].
    pub bytes: Vec<u8>,
    /// How long was listened.
    pub took: Duration,
}

/// The most that is listened to.
pub const HEARD_BYTES_MAX: usize = 64 * 1024;

/// Listens to a port for a while, for a technician. Takes the port for itself meanwhile, as [`run`] does.
///
/// # Errors
///
/// Says why it cannot be opened or read, and what to do.
pub async fn listen(settings: &SerialSettings, length: Duration) -> Result<Heard, String> {
    let mut stream = open(settings, &mut Opening::default()).await?;
    let (start, mut bytes) = (clock::moment(), Vec::new());
    let end = clock::instant(start + length);
    let mut buffer = [0; READ_BYTES];
    while bytes.len() < HEARD_BYTES_MAX {
        let read = match tokio::time::timeout_at(end, stream.read(&mut buffer)).await {
            Err(_) => break,
            Ok(Ok(0)) => return Err("the port is gone; unplugged?".to_owned()),
            Ok(Ok(read)) => read,
            Ok(Err(error)) => return Err(error.to_string()),
        };
        bytes.extend_from_slice(buffer.get(..read).unwrap_or_default());
    }
    bytes.truncate(HEARD_BYTES_MAX);
    Ok(Heard { bytes, took: clock::moment().since(start) })
}

type Opening = Blocking<Result<SerialStream, String>>;

/// Opens the port: no second thread is spent on one that holds one up already.
async fn open(settings: &SerialSettings, opening: &mut Opening) -> Result<SerialStream, String> {
    let (settings, runtime) = (settings.clone(), Handle::current());
    let opened = opening.call(OPEN_LIMIT, move || open_blocking(&settings, &runtime)).await;
    opened.unwrap_or_else(|why| match why {
        NoResult::Failed => Err("opening the port failed inside the program".to_owned()),
        NoResult::Hangs => {
            let limit = OPEN_LIMIT.as_secs();
            Err(format!("opening hangs for more than {limit} s; unplug the adapter and plug it in"))
        }
    })
}

fn open_blocking(settings: &SerialSettings, runtime: &Handle) -> Result<SerialStream, String> {
    // The stream registers with the runtime's reactor as it is made.
    let _runtime = runtime.enter();
    let builder = tokio_serial::new(settings.port.to_string_lossy(), settings.baud);
    let stream = SerialStream::open(&builder).map_err(|error| words(&error))?;
    // What lay in the buffer before is from another time.
    stream.clear(ClearBuffer::Input).map_err(|error| words(&error))?;
    keep_lines_up_on_close(&stream).map_err(|error| error.desc().to_owned())?;
    Ok(stream)
}

/// Clears HUPCL, so that closing does not drop DTR: many boards reboot at that and are away for seconds.
fn keep_lines_up_on_close(stream: &SerialStream) -> nix::Result<()> {
    #[expect(unsafe_code, reason = "tokio-serial only lends its raw descriptor; the stream outlives this call")]
    let port = unsafe { BorrowedFd::borrow_raw(stream.as_raw_fd()) };
    let mut termios = tcgetattr(port)?;
    termios.control_flags.remove(ControlFlags::HUPCL);
    tcsetattr(port, SetArg::TCSANOW, &termios)
}

/// Says why a port does not open, and what to do.
fn words(error: &tokio_serial::Error) -> String {
    use std::io::ErrorKind as Io;
    match error.kind() {
        ErrorKind::Io(Io::NotFound) => "there is no such port; is the mat plugged in?".to_owned(),
        ErrorKind::Io(Io::PermissionDenied) => {
            "no permission; add the user of this service to the group dialout (`usermod -aG dialout nattvakt`)"
                .to_owned()
        }
        // A second opener is told "no device", though the device is there.
        ErrorKind::NoDevice => {
            "in use by another program; `fuser -v PORT` shows which (ModemManager and brltty take ports too)".to_owned()
        }
        ErrorKind::Unknown if error.description == "Not a typewriter" => {
            "this is no serial port but another file or device".to_owned()
        }
        ErrorKind::Unknown | ErrorKind::InvalidInput | ErrorKind::Io(_) => error.description.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn the_words_say_what_to_do() {
        let said = |kind, text: &str| words(&tokio_serial::Error::new(kind, text));
        assert!(said(ErrorKind::Io(io::ErrorKind::NotFound), "").contains("plugged in"));
        assert!(said(ErrorKind::Io(io::ErrorKind::PermissionDenied), "").contains("dialout"));
        assert!(said(ErrorKind::NoDevice, "Unable to acquire exclusive lock on serial port").contains("in use"));
        assert!(said(ErrorKind::Unknown, "Not a typewriter").contains("no serial port"));
        assert_eq!(said(ErrorKind::Unknown, "I/O error"), "I/O error");
    }

    fn refusal(port: &std::path::Path) -> String {
        let separator = ",".to_owned();
        let columns = crate::sensor::Columns::Zones(vec![0]);
        let settings = SerialSettings { port: port.to_owned(), baud: 115_200, separator, columns, time: None };
        open_blocking(&settings, &Handle::current()).unwrap_err()
    }

    #[tokio::test]
    async fn real_ports_that_do_not_open_get_those_words() {
        assert!(refusal("/dev/serial/by-id/no-such-mat".as_ref()).contains("plugged in"));
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(refusal(file.path()).contains("no serial port"));
        let line = crate::sensor::simulated::SimulatedLine::open().unwrap();
        let name = line.port().to_str().unwrap();
        let other = SerialStream::open(&tokio_serial::new(name, 9_600)).unwrap();
        assert!(refusal(line.port()).contains("in use"));
        drop(other);
    }
}
