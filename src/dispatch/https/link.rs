//! The HTTP client of a channel with its secrets, as they were on disk when it was built. Never tries anything again.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hyper::body::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use sha2::{Digest, Sha256};

use super::answer::{Answer, BODY_BYTES_MAX};
use super::body;
use super::names::Names;
use super::signature::Keys;
use super::trouble::Trouble;
use crate::clock::{self, Clock};
use crate::dispatch::settings::HttpsSettings;
use crate::model::Moment;
use crate::secret::Secret;
use crate::tls;

/// The longest that name, TCP and TLS may take together.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Probes that keep address translations open between heartbeats, and notice a peer that has gone.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// A client, ready to send.
pub(super) struct Link {
    /// When it was built.
    pub(super) built: Moment,
    /// Tells apart what the files held; says nothing about it.
    pub(super) fingerprint: [u8; 32],
    client: Client,
    url: Url,
    token: Option<HeaderValue>,
    keys: Option<Keys>,
    /// When an answer last came, in nanoseconds of the monotonic clock: from then on a connection may be kept.
    answered: AtomicI64,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("built", &self.built).finish_non_exhaustive()
    }
}

/// What is sent, the same bytes in every repeat of one attempt.
pub(super) struct Post<'a> {
    id: &'a str,
    timestamp: String,
    body: Bytes,
}

impl<'a> Post<'a> {
    pub(super) fn new(id: &'a str, timestamp: String, body: &str) -> Self {
        Self { id, timestamp, body: Bytes::copy_from_slice(body.as_bytes()) }
    }
}

impl Link {
    /// Reads the files and sets up the client. Blocks.
    pub(super) fn build(
        settings: &HttpsSettings,
        keep_idle: Duration,
        names: Names,
        clock: &Clock,
    ) -> Result<Self, String> {
        // Before they are read: what changes meanwhile differs from this at the next look.
        let fingerprint = fingerprint(settings);
        let url = Url::parse(&settings.url).map_err(|error| format!("url is none: {error}"))?;
        let token = settings.token_file.as_deref().map(read_token).transpose()?;
        let keys = settings.signing_key_file.as_deref().map(read_keys).transpose()?;
        let mut tls = tls::client_config(&settings.tls, clock).map_err(|error| error.to_string())?.as_ref().clone();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(names))
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_MAX)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(keep_idle)
            .tcp_nodelay(true)
            .tcp_keepalive(KEEPALIVE)
            .user_agent(concat!("nattvakt/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("the HTTP client cannot be set up: {error}"))?;
        Ok(Self { built: clock::moment(), fingerprint, client, url, token, keys, answered: AtomicI64::new(i64::MIN) })
    }

    /// Tells whether a request may meet a connection that was kept from an earlier one.
    pub(super) fn may_hold_a_kept_connection(&self, now: Moment, keep_idle: Duration) -> bool {
        let answered = self.answered.load(Ordering::Relaxed);
        answered != i64::MIN && now.since(Moment::from_nanos(answered)) <= keep_idle
    }

    /// Sends once and reads the answer. The caller limits the time.
    pub(super) async fn send(&self, post: &Post<'_>) -> Result<Answer, Trouble> {
        let request = self.client.post(self.url.clone()).headers(self.headers(post)?).body(post.body.clone());
        let response = request.send().await.map_err(|error| Trouble::from_error(&error))?;
        let answer = read(response).await;
        self.answered.store(clock::moment().as_nanos(), Ordering::Relaxed);
        Ok(answer)
    }

    fn headers(&self, post: &Post<'_>) -> Result<HeaderMap, Trouble> {
        let value = |text: &str| HeaderValue::from_str(text).map_err(|_| Trouble::Broken("no header".to_owned()));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(body::CONTENT_TYPE));
        headers.insert(HeaderName::from_static("webhook-id"), value(post.id)?);
        headers.insert(HeaderName::from_static("webhook-timestamp"), value(&post.timestamp)?);
        if let Some(keys) = &self.keys {
            let signature = keys.sign(post.id, &post.timestamp, &post.body);
            headers.insert(HeaderName::from_static("webhook-signature"), value(&signature)?);
        }
        if let Some(token) = &self.token {
            headers.insert(AUTHORIZATION, token.clone());
        }
        Ok(headers)
    }
}

/// Reads an answer, its body up to the bound. What cannot be read of it is missing, and `whole` says so.
async fn read(mut response: Response) -> Answer {
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut answer = Answer {
        status: response.status().as_u16(),
        content_type: header(CONTENT_TYPE),
        retry_after: header(RETRY_AFTER),
        date: header(DATE),
        body: Vec::new(),
        whole: false,
    };
    while answer.body.len() < BODY_BYTES_MAX {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let room = BODY_BYTES_MAX - answer.body.len();
                answer.body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            }
            Ok(None) => {
                answer.whole = true;
                break;
            }
            Err(_) => break,
        }
    }
    answer
}

fn read_token(path: &Path) -> Result<HeaderValue, String> {
    let secret = Secret::read(path).map_err(|error| format!("token-file {error}"))?;
    let mut value = HeaderValue::from_str(&format!("Bearer {}", secret.reveal()))
        .map_err(|_| format!("token-file {}: holds more than one line, or characters no token has", path.display()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn read_keys(path: &Path) -> Result<Keys, String> {
    let secret = Secret::read(path).map_err(|error| format!("signing-key-file {error}"))?;
    Keys::parse(secret.reveal()).map_err(|error| format!("signing-key-file {}: {error}", path.display()))
}

/// Hashes all that was read, so that a change can be told without keeping or comparing secrets.
fn fingerprint(settings: &HttpsSettings) -> [u8; 32] {
    let mut hash = Sha256::new();
    for path in files(settings) {
        let content = std::fs::read(path).unwrap_or_default();
        hash.update(content.len().to_be_bytes());
        hash.update(content);
    }
    hash.finalize().into()
}

/// As much of a file as changes with it: device, inode, size, and when it was changed; nothing where it is missing.
pub(super) type Stamp = Vec<Option<(u64, u64, u64, i64, i64)>>;

/// Looks at the files without reading them. Blocks.
pub(super) fn stamp(settings: &HttpsSettings) -> Stamp {
    let of = |path: &Path| {
        let meta = std::fs::metadata(path).ok()?;
        Some((meta.dev(), meta.ino(), meta.size(), meta.ctime(), meta.ctime_nsec()))
    };
    files(settings).map(of).collect()
}

fn files(settings: &HttpsSettings) -> impl Iterator<Item = &Path> {
    let tls = &settings.tls;
    let files = [&settings.token_file, &settings.signing_key_file, &tls.ca, &tls.client_cert, &tls.client_key];
    files.into_iter().flatten().map(PathBuf::as_path)
}
