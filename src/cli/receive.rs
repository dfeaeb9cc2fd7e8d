//! `nattvakt receive`: a small dispatch receiver for trying and testing. Never forwards or stores what it gets.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use clap::ValueEnum;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

use super::Failure;
use super::words::say;
use crate::dispatch::https::signature::Keys;
use crate::dispatch::receiver::{Checks, Post, Receiver};
use crate::secret::Secret;

/// Receives alerts as a dispatch service would, checks them, and prints a line for each.
///
/// Speaks plain HTTP, takes POSTs on any path, and answers as the contract has it: 200 with the id, 401 for a wrong
/// token, signature or time, 400 for what is no CloudEvent. It is for trying and testing: nobody is called.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: let the gateway's alerts come to this terminal.
    nattvakt receive --listen 127.0.0.1:8080 --format table
with, in nattvakt.toml,
    [[dispatch]]
    name = \"here\"
    [dispatch.https]
    url = \"http://127.0.0.1:8080/\"
")]
pub(crate) struct Args {
    /// Where to listen; port 0 takes a free one. The first line on stderr says which.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// File with the bearer token that every alert must carry.
    #[arg(long, value_name = "F")]
    token_file: Option<PathBuf>,

    /// File with the signing keys (whsec_…), one a line, of which one must have signed.
    #[arg(long, value_name = "F")]
    signing_key_file: Option<PathBuf>,

    /// A table for people, or a JSON object a line for programs.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

impl Args {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let token = self.token_file.as_deref().map(Secret::read).transpose();
        let token = token.map_err(|error| Failure::usage(format_args!("--token-file {error}")))?;
        let keys = self.signing_key_file.as_deref().map(read_keys).transpose()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::failed(format_args!("cannot start: {error}")))?;
        runtime.block_on(receive(self.listen, Checks { token, keys }, self.format))
    }
}

fn read_keys(path: &Path) -> Result<Keys, Failure> {
    let secret = Secret::read(path).map_err(|error| Failure::usage(format_args!("--signing-key-file {error}")))?;
    Keys::parse(secret.reveal())
        .map_err(|error| Failure::usage(format_args!("--signing-key-file {}: {error}", path.display())))
}

async fn receive(listen: SocketAddr, checks: Checks, format: Format) -> Result<ExitCode, Failure> {
    // Before the address is told: whoever reads it may send a signal at once.
    let (mut interrupt, mut terminate) = (on(SignalKind::interrupt())?, on(SignalKind::terminate())?);
    let receiver = Receiver::bind(listen, checks).await;
    let receiver = receiver.map_err(|error| Failure::failed(format_args!("cannot listen on {listen}: {error}")))?;
    let address = receiver.address().map_err(Failure::failed)?;
    tell(&format!("listening on http://{address}"));
    if !address.ip().is_loopback() {
        tell("others can reach this port, and what it gets is not encrypted: for trying only");
    }
    let output = Arc::new(Output::default());
    let lines = Arc::clone(&output);
    let stop = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = output.broken.notified() => {}
        }
    };
    receiver.run(move |post| lines.write(post, format), stop).await;
    output.result()
}

fn on(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::failed(format_args!("cannot wait for signals: {error}")))
}

fn tell(text: &str) {
    say(&format!("{text}\n"));
}

/// stdout, a flushed line a POST; ends the receiver once nobody reads it.
#[derive(Default)]
struct Output {
    broken: Notify,
    error: Mutex<Option<io::Error>>,
}

impl Output {
    fn write(&self, post: &Post, format: Format) {
        let mut line = match format {
            Format::Table => post.to_row(),
            Format::Json => post.to_json(),
        };
        line.push('\n');
        let mut stdout = io::stdout().lock();
        if let Err(error) = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()) {
            *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            self.broken.notify_one();
        }
    }

    fn result(&self) -> Result<ExitCode, Failure> {
        match self.error.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // Whoever read has seen enough.
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
            Some(error) => Err(Failure::failed(format_args!("cannot write to stdout: {error}"))),
            None => Ok(ExitCode::SUCCESS),
        }
    }
}
