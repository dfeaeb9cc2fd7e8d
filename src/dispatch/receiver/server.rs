//! The HTTP side of the receiver: connections bounded in number, headers and bodies in size and time.

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming as Body};
use hyper::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::debug;

use super::judge::{BODY_BYTES_MAX, Checks, Incoming, Verdict, judge};
use super::post::{Post, on_one_line};
use crate::clock;

/// The most connections at a time; more wait to be accepted.
const CONNECTIONS_MAX: usize = 64;

/// How long a connection may take for the head of a request, or lie idle: longer than a gateway's heartbeats are apart.
const HEAD_MAX: Duration = Duration::from_secs(75);

/// How long a body may take.
const BODY_MAX: Duration = Duration::from_secs(10);

/// How many ids are remembered, to know a repeat; the oldest are forgotten first.
const IDS_MAX: usize = 10_000;

/// How long to wait where the system has no connection to give.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// A dispatch receiver with a port of its own.
#[derive(Debug)]
pub struct Receiver {
    listener: TcpListener,
    checks: Checks,
}

impl Receiver {
    /// Takes the port; 0 takes a free one.
    ///
    /// # Errors
    ///
    /// Fails where the port is taken or the address is not ours.
    pub async fn bind(address: SocketAddr, checks: Checks) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await?, checks })
    }

    /// Returns the address that it listens on.
    ///
    /// # Errors
    ///
    /// Fails only where the system does.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Takes POSTs until `stop`. `on_post` is called for each, before it is answered; it must not block for long.
    pub async fn run(self, on_post: impl Fn(&Post) + Send + Sync + 'static, stop: impl Future<Output = ()>) {
        let desk = Arc::new(Desk { checks: self.checks, seen: Mutex::default(), on_post: Box::new(on_post) });
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        tokio::pin!(stop);
        loop {
            let next = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (self.listener.accept().await, place)
            };
            tokio::select! {
                biased;
                () = stop.as_mut() => break,
                Some(_) = connections.join_next() => {}
                (accepted, place) = next => match accepted {
                    Ok((stream, _)) => {
                        let desk = Arc::clone(&desk);
                        connections.spawn(async move {
                            serve(stream, desk).await;
                            drop(place);
                        });
                    }
                    Err(error) => {
                        debug!(error = %error, "Connection not accepted");
                        tokio::time::sleep(ACCEPT_AGAIN).await;
                    }
                },
            }
        }
        connections.shutdown().await;
    }
}

async fn serve(stream: TcpStream, desk: Arc<Desk>) {
    let answering = service_fn(move |request| {
        let desk = Arc::clone(&desk);
        async move { Ok::<_, Infallible>(desk.answer(request).await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_MAX).max_buf_size(BODY_BYTES_MAX);
    if let Err(error) = stream.set_nodelay(true) {
        debug!(error = %error, "Connection without TCP_NODELAY");
    }
    if let Err(error) = server.serve_connection(TokioIo::new(stream), answering).await {
        debug!(error = %error, "Connection broke off");
    }
}

/// What all connections share.
struct Desk {
    checks: Checks,
    seen: Mutex<Seen>,
    on_post: Box<dyn Fn(&Post) + Send + Sync>,
}

impl Desk {
    async fn answer(&self, request: Request<Body>) -> Response<Full<Bytes>> {
        if request.method() != Method::POST {
            let mut response = say(StatusCode::METHOD_NOT_ALLOWED, r#"{"error":"only POST"}"#.to_owned());
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return response;
        }
        let (head, body) = request.into_parts();
        let Ok(read) = timeout(BODY_MAX, Limited::new(body, BODY_BYTES_MAX).collect()).await else {
            return say(StatusCode::REQUEST_TIMEOUT, r#"{"error":"the body took too long"}"#.to_owned());
        };
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let bytes = match read {
            Ok(body) => Some(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => None,
            // Broken off: that was no POST, and nobody is there to be answered.
            Err(_) => return say(StatusCode::BAD_REQUEST, r#"{"error":"the body broke off"}"#.to_owned()),
        };
        let incoming = Incoming {
            authorization: header(AUTHORIZATION.as_str()),
            content_type: header(CONTENT_TYPE.as_str()),
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp"),
            signature: header("webhook-signature"),
            body: bytes.as_deref(),
        };
        self.take(&incoming)
    }

    fn take(&self, incoming: &Incoming<'_>) -> Response<Full<Bytes>> {
        let received = clock::utc();
        let moment = clock::moment();
        let Verdict { signature, outcome, event } = judge(incoming, &self.checks, received);
        let repeat = outcome.as_ref().is_ok_and(|id| !self.seen.lock().unwrap_or_else(PoisonError::into_inner).add(id));
        let text = incoming.body.filter(|_| event.is_some()).and_then(|body| std::str::from_utf8(body).ok());
        let refused = outcome.as_ref().err().copied();
        let post = Post { received, moment, refused, repeat, signature, event, text: text.map(on_one_line) };
        (self.on_post)(&post);
        match outcome {
            Ok(id) => say(StatusCode::OK, serde_json::json!({ "id": id }).to_string()),
            Err(reason) => {
                let status = StatusCode::from_u16(reason.status()).unwrap_or(StatusCode::BAD_REQUEST);
                say(status, format!(r#"{{"error":"{}"}}"#, reason.as_str()))
            }
        }
    }
}

fn say(status: StatusCode, json: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(json));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The ids that have been accepted, as far as remembered.
#[derive(Default)]
struct Seen {
    ids: BTreeSet<Arc<str>>,
    order: VecDeque<Arc<str>>,
}

impl Seen {
    /// Adds an id; `false` where it is a repeat.
    fn add(&mut self, id: &str) -> bool {
        let id: Arc<str> = id.into();
        if !self.ids.insert(Arc::clone(&id)) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > IDS_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.ids.remove(&oldest);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_remembered_up_to_the_bound() {
        let mut seen = Seen::default();
        assert!(seen.add("first"));
        assert!(!seen.add("first"));
        for number in 0..IDS_MAX {
            assert!(seen.add(&number.to_string()));
        }
        assert_eq!((seen.ids.len(), seen.order.len()), (IDS_MAX, IDS_MAX));
        assert!(seen.add("first"), "forgotten");
    }
}
