//! The commands' end of the socket. Blocks: for programs that do nothing else meanwhile.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;

use super::access::ACT_GROUP;
use super::protocol::{Answer, Reason, Refusal, Request};

/// How long one line of an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// The longest line of an answer, in bytes.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// Why the daemon was not asked, or has not answered.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("nattvakt is not running: nobody answers on {}", path.display())]
    NotRunning {
        /// Where was looked.
        path: PathBuf,
    },
    /// The folder or socket is closed to us.
    #[error("{} is closed to you: use sudo, or become a member of the group {ACT_GROUP}", path.display())]
    NoRights {
        /// Where was looked.
        path: PathBuf,
    },
    /// The daemon has refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It is there and does not answer.
    #[error("nattvakt does not answer within {} s: see `systemctl status nattvakt`", ANSWER_WITHIN.as_secs())]
    Silent,
    /// It has ended, or the connection has.
    #[error("the connection to nattvakt has ended: {0}")]
    Ended(io::Error),
}

impl ClientError {
    /// Says that the daemon has said something that fits no question: it is of another version.
    #[must_use]
    pub fn unexpected(answer: &Answer) -> Self {
        let word = serde_json::to_value(answer).ok().and_then(|answer| Some(answer.get("is")?.as_str()?.to_owned()));
        Self::Ended(io::Error::other(format!("it says {:?}, which was not asked", word.unwrap_or_default())))
    }

    /// Tells whether the caller's rights are what is missing.
    #[must_use]
    pub fn is_about_rights(&self) -> bool {
        match self {
            Self::NoRights { .. } => true,
            Self::Refused(refusal) => refusal.reason == Reason::Rights,
            Self::NotRunning { .. } | Self::Silent | Self::Ended(_) => false,
        }
    }
}

/// A connection to a running daemon.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    ///
    /// Fails where nobody listens, or we may not.
    pub fn connect(path: &Path) -> Result<Self, ClientError> {
        let stream = UnixStream::connect(path).map_err(|error| {
            let (path, kind) = (path.to_owned(), error.kind());
            if kind == io::ErrorKind::PermissionDenied {
                ClientError::NoRights { path }
            } else if matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) {
                ClientError::NotRunning { path }
            } else {
                ClientError::Ended(error)
            }
        })?;
        for limit in [UnixStream::set_read_timeout, UnixStream::set_write_timeout] {
            limit(&stream, Some(ANSWER_WITHIN)).map_err(ClientError::Ended)?;
        }
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Returns the process that listens, as the kernel knows it.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        let peer = getsockopt(self.stream.get_ref(), PeerCredentials).ok()?;
        u32::try_from(peer.pid()).ok().filter(|pid| *pid > 0)
    }

    /// Asks; the answers come by [`Client::answer`].
    ///
    /// # Errors
    ///
    /// Those of the connection.
    pub fn ask(&mut self, request: &Request) -> Result<(), ClientError> {
        let mut line = serde_json::to_vec(request).map_err(|error| ClientError::Ended(error.into()))?;
        line.push(b'\n');
        match self.stream.get_mut().write_all(&line) {
            // Who is refused at the door is told so before the question was read.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(of_io),
        }
    }

    /// Asks what has one answer, and waits for it.
    ///
    /// # Errors
    ///
    /// Those of the connection, and what the daemon refuses.
    pub fn ask_once(&mut self, request: &Request) -> Result<Answer, ClientError> {
        self.ask(request)?;
        self.answer()
    }

    /// Waits for the next answer.
    ///
    /// # Errors
    ///
    /// Those of the connection, and what the daemon refuses.
    pub fn answer(&mut self) -> Result<Answer, ClientError> {
        let mut line = Vec::new();
        let read = (&mut self.stream).take(ANSWER_BYTES_MAX).read_until(b'\n', &mut line).map_err(of_io)?;
        if read == 0 {
            return Err(ClientError::Ended(io::ErrorKind::UnexpectedEof.into()));
        }
        match serde_json::from_slice(&line) {
            Ok(Answer::Error(refusal)) => Err(refusal.into()),
            Ok(answer) => Ok(answer),
            Err(error) => Err(ClientError::Ended(error.into())),
        }
    }
}

fn of_io(error: io::Error) -> ClientError {
    let silent = matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
    if silent { ClientError::Silent } else { ClientError::Ended(error) }
}
