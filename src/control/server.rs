//! The daemon's end of the socket: who comes, what they want, and what the gateway answers.
//!
//! Everything has a bound (see the module's table). What is refused is logged when it begins and counted, not each time.

use std::convert::Infallible;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{debug, info, warn};

use super::access::{Access, Rights};
use super::peer;
use super::protocol::{Answer, REQUEST_BYTES_MAX, Reason, Refusal, Request};
use crate::clock;
use crate::model::Moment;

/// The most connections at a time.
const CONNECTIONS_MAX: usize = 16;

/// The most of them of one user who is not root.
const CONNECTIONS_OF_ONE_MAX: usize = 8;

/// The pause after each new connection: at most 100 a second.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// The pause after each request of a connection: at most 10 a second.
const REQUEST_PAUSE: Duration = Duration::from_millis(100);

/// How long a whole request may take to come.
const REQUEST_WITHIN: Duration = Duration::from_secs(30);

/// How long a line of an answer may take to be read.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// Lines of an answer that wait for who reads them.
const ANSWERS_MAX: usize = 16;

/// How long making the socket may take: its folder may be on a disk that hangs.
const BIND_WITHIN: Duration = Duration::from_secs(10);

/// The wait before the socket is tried again …
const BIND_AGAIN_MIN: Duration = Duration::from_secs(1);

/// … doubling up to this.
const BIND_AGAIN_MAX: Duration = Duration::from_secs(60);

/// How often it is logged that somebody was refused, at most.
const REFUSED_TOLD_EVERY: Duration = Duration::from_secs(60);

/// A request that was read and is allowed, on its way to the gateway.
#[derive(Debug)]
pub struct Call {
    /// What is wanted.
    pub request: Request,
    /// Where the answers go, in order. Dropped: it is answered. Closed: nobody listens any more.
    pub answers: mpsc::Sender<Answer>,
}

/// What the server needs to know. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where the socket is to be.
    pub path: PathBuf,
    /// Where requests go.
    pub calls: mpsc::Sender<Call>,
    /// Told each time it begins to listen.
    pub opened: Arc<Notify>,
}

#[expect(clippy::infinite_loop, reason = "`Infallible` says so where `!` cannot be named yet")]
/// Listens for as long as the program runs. Dropped, it takes the file of the socket along.
pub async fn run(setup: Setup) -> Infallible {
    let (mut wait, mut told) = (BIND_AGAIN_MIN, false);
    loop {
        match bind(&setup.path).await {
            Ok((access, socket)) => {
                info!(path = %setup.path.display(), "Control socket is open");
                setup.opened.notify_one();
                match (Server { access, calls: setup.calls, refused: Refused::default() }).serve(&socket).await {}
            }
            Err(error) if !told => {
                warn!(path = %setup.path.display(), error = %error, "Control socket cannot be opened");
                told = true;
            }
            Err(error) => debug!(path = %setup.path.display(), error = %error, "Control socket cannot be opened yet"),
        }
        tokio::time::sleep(wait).await;
        wait = wait.saturating_mul(2).min(BIND_AGAIN_MAX);
    }
}

/// A socket that listens; its file goes when it is dropped.
struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Drop for Socket {
    fn drop(&mut self) {
        // One that is gone already is as wanted.
        drop(fs::remove_file(&self.path));
    }
}

async fn bind(path: &Path) -> io::Result<(Access, Socket)> {
    let path = path.to_owned();
    let made = tokio::task::spawn_blocking(move || {
        let access = Access::of_system();
        make(&path).map(|listener| (access, listener, path))
    });
    let made = timeout(BIND_WITHIN, made).await.map_err(|_| io::Error::other("the disk does not answer"))?;
    let (access, listener, path) = made.map_err(io::Error::other)??;
    Ok((access, Socket { listener: UnixListener::from_std(listener)?, path }))
}

/// Makes the socket, open to everybody: the kernel's word on the caller decides, and who may not is told so. Takes the
/// place of one that a killed daemon has left, never of one on which somebody listens.
fn make(path: &Path) -> io::Result<StdListener> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let left = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    if left {
        if StdStream::connect(path).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another daemon listens there"));
        }
        fs::remove_file(path)?;
    }
    let listener = StdListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o666))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

struct Server {
    access: Access,
    calls: mpsc::Sender<Call>,
    refused: Refused,
}

impl Server {
    /// Takes connections for as long as the program runs.
    async fn serve(mut self, socket: &Socket) -> Infallible {
        let mut users: Vec<(tokio::task::Id, u32)> = Vec::new();
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = socket.listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                    Ok((stream, _)) => {
                        if let Some((user, work)) = self.welcome(stream, &users) {
                            users.push((connections.spawn(work).id(), user));
                        }
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                    // No file is free, or the like.
                    Err(error) => {
                        self.refused.note(&error.to_string());
                        tokio::time::sleep(BIND_AGAIN_MIN).await;
                    }
                },
                Some(ended) = connections.join_next_with_id() => {
                    let id = match &ended {
                        Ok((id, ())) => *id,
                        Err(error) => {
                            warn!(error = %error, "A connection to the control socket failed inside");
                            error.id()
                        }
                    };
                    users.retain(|(task, _)| *task != id);
                }
            }
        }
    }

    /// Looks at who comes; returns the work for it, or tells why not and lets it go.
    fn welcome(
        &mut self,
        stream: UnixStream,
        users: &[(tokio::task::Id, u32)],
    ) -> Option<(u32, impl Future<Output = ()> + use<>)> {
        let peer = match peer::of(&stream) {
            Ok(peer) => peer,
            Err(error) => {
                self.refused.note(&error.to_string());
                return None;
            }
        };
        let rights = self.access.rights(&peer);
        let of_same = users.iter().filter(|(_, user)| *user == peer.uid).count();
        let refusal = if rights == Rights::None {
            Some(Refusal::rights(Rights::Read))
        } else if peer.uid != 0 && of_same >= CONNECTIONS_OF_ONE_MAX {
            Some(Refusal::new(Reason::Busy, "you have too many connections open: end some of them"))
        } else {
            None
        };
        if let Some(refusal) = refusal {
            self.refused.note(&format!("user {}: {refusal}", peer.uid));
            turn_away(stream, refusal);
            return None;
        }
        let calls = self.calls.clone();
        Some((peer.uid, async move { Connection::new(stream, rights, calls).attend().await }))
    }
}

/// Says why, and lets go. The buffer of a new connection has room: nothing is waited for.
fn turn_away(stream: UnixStream, refusal: Refusal) {
    let line = Answer::Error(refusal).line();
    if let Err(error) = stream.into_std().and_then(|mut stream| stream.write_all(&line)) {
        debug!(error = %error, "Who was refused could not be told");
    }
}

/// Counts who is refused, and logs it now and then.
#[derive(Default)]
struct Refused {
    count: u64,
    told: Option<Moment>,
}

impl Refused {
    fn note(&mut self, why: &str) {
        let now = clock::moment();
        self.count += 1;
        if self.told.is_none_or(|told| now.since(told) >= REFUSED_TOLD_EVERY) {
            warn!(count = std::mem::take(&mut self.count), why, "Refused on the control socket");
            self.told = Some(now);
        }
    }
}

/// One connection, of somebody who may at least look.
struct Connection {
    read: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
    rights: Rights,
    calls: mpsc::Sender<Call>,
}

impl Connection {
    fn new(stream: UnixStream, rights: Rights, calls: mpsc::Sender<Call>) -> Self {
        let (read, write) = stream.into_split();
        Self { read: BufReader::with_capacity(1024, read), write, rights, calls }
    }

    /// Answers one request after the other, until one side ends it.
    async fn attend(mut self) {
        loop {
            let request = match timeout(REQUEST_WITHIN, self.request()).await {
                Ok(Ok(Some(line))) => Request::parse(&line),
                Ok(Err(refusal)) => {
                    // What follows is the rest of that line.
                    self.say(&Answer::Error(refusal)).await.ok();
                    return;
                }
                Ok(Ok(None)) | Err(_) => return,
            };
            let answered = match request {
                Ok(request) if self.rights < request.needs() => {
                    self.say(&Answer::Error(Refusal::rights(request.needs()))).await
                }
                Ok(request) => self.answer(request).await,
                Err(refusal) => self.say(&Answer::Error(refusal)).await,
            };
            if answered.is_err() {
                return;
            }
            tokio::time::sleep(REQUEST_PAUSE).await;
        }
    }

    /// Reads a line; `None` at the end. May be dropped only together with the connection.
    async fn request(&mut self) -> Result<Option<Vec<u8>>, Refusal> {
        let mut line = Vec::new();
        let most = REQUEST_BYTES_MAX as u64 + 1;
        let read = (&mut self.read).take(most).read_until(b'\n', &mut line).await;
        if read.is_err() || line.is_empty() {
            return Ok(None);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() > REQUEST_BYTES_MAX {
            let text = format!("a request has at most {REQUEST_BYTES_MAX} bytes");
            return Err(Refusal::new(Reason::Request, text));
        }
        Ok(Some(line))
    }

    /// Hands a request to the gateway, and its answers back.
    async fn answer(&mut self, request: Request) -> io::Result<()> {
        let (answers, mut answered) = mpsc::channel(ANSWERS_MAX);
        if self.calls.try_send(Call { request, answers }).is_err() {
            return self.say(&Answer::refused(Reason::Busy, "the daemon is busy: try again in a moment")).await;
        }
        let mut any = false;
        while let Some(answer) = answered.recv().await {
            any = true;
            self.say(&answer).await?;
        }
        if any {
            return Ok(());
        }
        self.say(&Answer::refused(Reason::Failed, "the daemon could not answer: see its log")).await
    }

    async fn say(&mut self, answer: &Answer) -> io::Result<()> {
        let line = answer.line();
        timeout(READ_WITHIN, self.write.write_all(&line)).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }
}
