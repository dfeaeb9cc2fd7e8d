//! A dispatch service whose every answer is scripted, over plain TCP or TLS, with certificates of its own authority.
//!
//! It speaks HTTP by hand, so that it can also hang, break off in the middle, or reset. It runs in a thread of its own
//! and ends when it is dropped. Include it with `#[path]`; it needs nothing else of the tests.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime};

use rcgen::{BasicConstraints, Certificate, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// How long [`Dispatch::wait_until`] waits before it gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What happens to one request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// This status, with these headers and this body.
    Send(u16, Vec<(&'static str, String)>, String),
    /// 200, with the id that was sent.
    Receipt,
    /// The same after a while.
    Late(Duration),
    /// Nothing, until the other side gives up.
    Hang,
    /// 200 and half of the body that was promised, then the end of the connection.
    Half,
    /// The connection is reset.
    Reset,
    /// 200, then the connection is dead: it stays open and nothing on it is ever answered again.
    ReceiptAndPlayDead,
    /// 200, then the connection is closed without having said so.
    ReceiptAndClose,
    /// 422 to what has these words in its body, a receipt to everything else.
    Refuse(&'static str),
}

impl Answer {
    /// This status, and nothing else.
    pub(crate) fn status(status: u16) -> Self {
        Self::Send(status, Vec::new(), String::new())
    }
}

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Which connection it came over, from 0.
    pub(crate) connection: usize,
    /// The headers, names in small letters.
    pub(crate) headers: BTreeMap<String, String>,
    /// The body.
    pub(crate) body: String,
    /// When its last byte had come.
    pub(crate) at: Instant,
}

impl Request {
    /// The value of a header; empty where it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    script: VecDeque<Answer>,
    otherwise: Option<Answer>,
    connections: usize,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// A scripted dispatch service.
pub(crate) struct Dispatch {
    shared: Arc<Shared>,
    address: SocketAddr,
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Dispatch {
    /// Starts one over plain HTTP that answers everything with a receipt.
    pub(crate) fn plain() -> Self {
        Self::start(None, "127.0.0.1:0".parse().unwrap())
    }

    /// Starts one over TLS that answers everything with a receipt.
    pub(crate) fn tls(config: ServerConfig) -> Self {
        Self::start(Some(config), "127.0.0.1:0".parse().unwrap())
    }

    /// Starts one over plain HTTP at an address that was free before.
    pub(crate) fn plain_at(address: SocketAddr) -> Self {
        Self::start(None, address)
    }

    /// Starts one over TLS at an address that was free before.
    pub(crate) fn tls_at(config: ServerConfig, address: SocketAddr) -> Self {
        Self::start(Some(config), address)
    }

    fn start(tls: Option<ServerConfig>, address: SocketAddr) -> Self {
        let shared = Arc::new(Shared::default());
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let server = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("dispatch".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind(address).await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let acceptor = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
                tokio::select! { _ = stopped => {}, () = accept(listener, acceptor, server) => {} }
            });
        });
        let address: SocketAddr = told.recv().unwrap();
        let url = format!("{scheme}://localhost:{}/alerts", address.port());
        Self { shared, address, url, stop: Some(stop), thread: Some(thread.unwrap()) }
    }

    /// Where alerts are to be sent.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers the next requests so, in this order.
    pub(crate) fn then(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared.state.lock().unwrap().script.extend(answers);
    }

    /// Answers all requests so for which nothing else is scripted.
    pub(crate) fn otherwise(&self, answer: Answer) {
        self.shared.state.lock().unwrap().otherwise = Some(answer);
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.state.lock().unwrap().requests.clone()
    }

    /// The requests behind the first so many.
    pub(crate) fn requests_from(&self, count: usize) -> Vec<Request> {
        self.shared.state.lock().unwrap().requests[count..].to_vec()
    }

    /// Number of connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.state.lock().unwrap().connections
    }

    /// As [`Dispatch::wait_until`], without blocking the runtime of the test.
    pub(crate) async fn until(&self, wanted: impl Fn(&[Request]) -> bool) -> Vec<Request> {
        let end = Instant::now() + PATIENCE;
        loop {
            let requests = self.requests();
            if wanted(&requests) {
                return requests;
            }
            assert!(Instant::now() < end, "not in {PATIENCE:?}; came so far: {requests:#?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the requests so far are as wanted, and returns them. Blocks.
    pub(crate) fn wait_until(&self, wanted: impl Fn(&[Request]) -> bool) -> Vec<Request> {
        let end = Instant::now() + PATIENCE;
        let mut state = self.shared.state.lock().unwrap();
        while !wanted(&state.requests) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not in {PATIENCE:?}; came so far: {:#?}", state.requests);
            state = self.shared.changed.wait_timeout(state, left).unwrap().0;
        }
        state.requests.clone()
    }
}

impl Drop for Dispatch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

#[expect(clippy::infinite_loop, reason = "dropped when the server ends")]
async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let number = {
            let mut state = shared.state.lock().unwrap();
            state.connections += 1;
            state.connections - 1
        };
        let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
        connections.spawn(async move {
            match acceptor {
                None => serve(stream, number, &shared).await,
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, number, &shared).await;
                    }
                }
            }
        });
    }
}

/// A stream that can be reset.
trait Stream: AsyncRead + AsyncWrite + Unpin {
    fn tcp(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Stream for tokio_rustls::server::TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

async fn serve(mut stream: impl Stream, connection: usize, shared: &Shared) {
    let mut buffer = Vec::new();
    while let Some(request) = read(&mut stream, &mut buffer, connection).await {
        let id = request.header("webhook-id").to_owned();
        let answer = {
            let mut state = shared.state.lock().unwrap();
            let scripted = state.script.pop_front().or_else(|| state.otherwise.clone()).unwrap_or(Answer::Receipt);
            let refused = matches!(&scripted, Answer::Refuse(words) if request.body.contains(words));
            state.requests.push(request);
            if refused { Answer::status(422) } else { scripted }
        };
        shared.changed.notify_all();
        let receipt = format!(r#"{{"id":"{id}","reference":"ref-{id}"}}"#);
        let written = match answer {
            Answer::Send(status, headers, body) => write(&mut stream, status, &headers, &body).await,
            Answer::Receipt | Answer::Refuse(_) => write(&mut stream, 200, &[], &receipt).await,
            Answer::Late(after) => {
                tokio::time::sleep(after).await;
                write(&mut stream, 200, &[], &receipt).await
            }
            Answer::Hang => std::future::pending().await,
            Answer::Half => {
                let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":";
                drop(stream.write_all(half).await);
                drop(stream.flush().await);
                return;
            }
            Answer::Reset => {
                stream.tcp().set_zero_linger().unwrap();
                return;
            }
            Answer::ReceiptAndPlayDead => {
                drop(write(&mut stream, 200, &[], &receipt).await);
                // Read on, as the other side's kernel would for a while, and never answer.
                while read(&mut stream, &mut buffer, connection).await.is_some() {}
                return std::future::pending().await;
            }
            Answer::ReceiptAndClose => {
                drop(write(&mut stream, 200, &[], &receipt).await);
                return;
            }
        };
        if written.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut impl Stream, buffer: &mut Vec<u8>, connection: usize) -> Option<Request> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(buffer[..end].to_vec()).unwrap();
            let lines = head.lines().skip(1).filter_map(|line| line.split_once(": "));
            let headers: BTreeMap<_, _> =
                lines.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
            let length = headers.get("content-length").map_or(0, |length| length.parse::<usize>().unwrap());
            if buffer.len() >= end + 4 + length {
                let body = String::from_utf8(buffer[end + 4..end + 4 + length].to_vec()).unwrap();
                buffer.drain(..end + 4 + length);
                return Some(Request { connection, headers, body, at: Instant::now() });
            }
        }
        let mut chunk = [0; 1024];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => buffer.extend_from_slice(&chunk[..count]),
        }
    }
}

async fn write(
    stream: &mut impl Stream,
    status: u16,
    headers: &[(&'static str, String)],
    body: &str,
) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).await?;
    stream.flush().await
}

/// A certificate authority of the test's own, with its files in a folder of its own.
pub(crate) struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    /// Makes one.
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        Self { certificate, issuer: Issuer::new(params, key), folder }
    }

    /// Its certificate as a PEM file.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A server's configuration with a certificate for this name.
    pub(crate) fn server(&self, name: &str) -> ServerConfig {
        let (certificate, key) = self.issue(name, false);
        builder().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], der(&key)).unwrap()
    }

    /// The same with a certificate that ended in 2020.
    pub(crate) fn expired_server(&self, name: &str) -> ServerConfig {
        let (certificate, key) = self.issue(name, true);
        builder().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], der(&key)).unwrap()
    }

    /// The same with a certificate that is valid from and until so many days from now.
    pub(crate) fn server_valid(&self, name: &str, days: (i64, i64)) -> ServerConfig {
        let (certificate, key) = self.issue_valid(name, Some(days));
        builder().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], der(&key)).unwrap()
    }

    /// A server's configuration that wants a certificate of this authority from its clients.
    pub(crate) fn server_for_clients(&self, name: &str) -> ServerConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let (certificate, key) = self.issue(name, false);
        let builder = builder().with_client_cert_verifier(verifier);
        builder.with_single_cert(vec![certificate.der().clone()], der(&key)).unwrap()
    }

    /// A client's certificate and key as PEM files; the key is readable by its owner only.
    pub(crate) fn client(&self) -> (PathBuf, PathBuf) {
        let (certificate, key) = self.issue("gateway", false);
        let (certificate_file, key_file) =
            (self.folder.path().join("client.pem"), self.folder.path().join("client.key"));
        std::fs::write(&certificate_file, certificate.pem()).unwrap();
        write_secret(&key_file, &key.serialize_pem());
        (certificate_file, key_file)
    }

    /// The same with a certificate that is valid until so many days from now.
    pub(crate) fn client_until(&self, days: i64) -> (PathBuf, PathBuf) {
        let (certificate, key) = self.issue_valid("gateway", Some((-1000, days)));
        let (certificate_file, key_file) =
            (self.folder.path().join("client.pem"), self.folder.path().join("client.key"));
        std::fs::write(&certificate_file, certificate.pem()).unwrap();
        write_secret(&key_file, &key.serialize_pem());
        (certificate_file, key_file)
    }

    fn issue_valid(&self, name: &str, days: Option<(i64, i64)>) -> (Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        if let Some((from, until)) = days {
            let today = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
            let at = |days: i64| {
                let seconds = i64::try_from(today).unwrap() + days * 86_400;
                rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(seconds).unwrap())
            };
            (params.not_before, params.not_after) = (at(from), at(until));
        }
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    fn issue(&self, name: &str, expired: bool) -> (Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        if expired {
            params.not_before = rcgen::date_time_ymd(2019, 1, 1);
            params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

fn builder() -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap()
}

fn der(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(key.serialize_der()).into()
}

/// Writes a file that only its owner may read.
pub(crate) fn write_secret(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
