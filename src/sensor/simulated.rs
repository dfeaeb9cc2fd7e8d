//! The line end of a simulated mat: a real pseudo-terminal that the gateway reads like any serial port.
//!
//! Writes never wait: what nobody reads is lost, at the latest when the line's few kilobytes are full. The gateway
//! drops what lay there before it opened the port.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};

use crate::clock;
use crate::model::Channels;

/// A pseudo-terminal whose other end is a serial port for whoever opens its path. Dropping it unplugs the port.
#[derive(Debug)]
pub struct SimulatedLine {
    master: PtyMaster,
    port: PathBuf,
    text: String,
}

impl SimulatedLine {
    /// Makes the pair.
    ///
    /// # Errors
    ///
    /// Fails where the system has no pseudo-terminals left, or no `/dev/pts`.
    pub fn open() -> io::Result<Self> {
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let port = PathBuf::from(ptsname_r(&master)?);
        make_raw(&port)?;
        Ok(Self { master, port, text: String::new() })
    }

    /// Returns the path of the port.
    #[must_use]
    pub fn port(&self) -> &Path {
        &self.port
    }

    /// Writes one reading as a line of text, and tells whether somebody got it whole. A zone that failed is `NaN`.
    ///
    /// # Errors
    ///
    /// Those of the pseudo-terminal; that nobody reads is none.
    pub fn send(&mut self, channels: &Channels, separator: &str) -> io::Result<bool> {
        self.text.clear();
        for (index, zone) in channels.zones().iter().enumerate() {
            let between = if index == 0 { "" } else { separator };
            write!(self.text, "{between}{zone}").map_err(io::Error::other)?;
        }
        self.text.push('\n');
        Ok(self.send_bytes(self.text.as_bytes())? == self.text.len())
    }

    /// Writes bytes as they are, and returns how many somebody got.
    ///
    /// # Errors
    ///
    /// Those of the pseudo-terminal; that nobody reads is none.
    pub fn send_bytes(&self, bytes: &[u8]) -> io::Result<usize> {
        match nix::unistd::write(&self.master, bytes) {
            Ok(written) => Ok(written),
            // No reader, or one that does not keep up.
            Err(Errno::EIO | Errno::EAGAIN) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes readings at the pace of life, each at its time after the beginning of the play, and returns how many
    /// were lost because nobody read them.
    ///
    /// # Errors
    ///
    /// Those of the pseudo-terminal.
    pub async fn play(
        &mut self,
        rows: impl IntoIterator<Item = (Duration, Channels)>,
        separator: &str,
    ) -> io::Result<u64> {
        let start = clock::moment();
        let mut lost = 0;
        for (after, channels) in rows {
            tokio::time::sleep_until(clock::instant(start + after)).await;
            if !self.send(&channels, separator)? {
                lost += 1;
            }
        }
        Ok(lost)
    }
}

/// Turns the echo and the line editing of a terminal off. The setting stays with the pair.
fn make_raw(port: &Path) -> io::Result<()> {
    let flags = OFlag::O_NOCTTY | OFlag::O_NONBLOCK;
    let port = OpenOptions::new().read(true).write(true).custom_flags(flags.bits()).open(port)?;
    let mut termios = tcgetattr(&port)?;
    cfmakeraw(&mut termios);
    Ok(tcsetattr(&port, SetArg::TCSANOW, &termios)?)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{BufRead, BufReader};

    use super::*;

    #[test]
    fn lines_arrive_at_the_port_as_text() {
        let mut line = SimulatedLine::open().unwrap();
        let mut reader = BufReader::new(File::open(line.port()).unwrap());
        assert!(line.send(&Channels::new([112.0, f64::NAN, 3.25]).unwrap(), ";").unwrap());
        let mut text = String::new();
        reader.read_line(&mut text).unwrap();
        assert_eq!(text, "112;NaN;3.25\n");
    }

    #[test]
    fn what_nobody_reads_is_lost_and_never_waited_for() {
        let mut line = SimulatedLine::open().unwrap();
        let channels = Channels::new([1.0]).unwrap();
        let reader = File::open(line.port()).unwrap();
        let sent = (0..100_000).take_while(|_| line.send(&channels, ",").unwrap()).count();
        assert!((1..100_000).contains(&sent), "{sent}");
        drop(reader);
    }

    #[tokio::test]
    async fn a_play_loses_nothing_while_somebody_reads() {
        let mut line = SimulatedLine::open().unwrap();
        let mut reader = BufReader::new(File::open(line.port()).unwrap());
        let rows = (0..5_u32).map(|n| (Duration::from_millis(u64::from(n)), Channels::new([f64::from(n)]).unwrap()));
        assert_eq!(line.play(rows, ",").await.unwrap(), 0);
        let mut text = String::new();
        (0..5).for_each(|_| assert!(reader.read_line(&mut text).unwrap() > 0));
        assert_eq!(text, "0\n1\n2\n3\n4\n");
    }
}
