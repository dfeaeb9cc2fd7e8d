//! Finds the addresses of a channel's host, also while the name service fails or hangs.
//!
//! Asks one question at a time, however many attempts wait for the answer: a question to a name service that hangs
//! holds a thread, and cannot be called back. What was answered last stands in for an answer that does not come; who
//! is met there is proved by the certificate, not by the name service.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{info, warn};

/// How long the name service may take before the last known addresses are used in its stead.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// The most addresses of a host that are kept.
const ADDRESSES_MAX: usize = 16;

/// What the name service said.
type Answer = Result<Vec<SocketAddr>, String>;

/// Asks for the addresses of a host. Blocks; may hang.
type Ask = fn(&str) -> io::Result<Vec<SocketAddr>>;

/// The addresses of one channel. Cheap to clone.
#[derive(Clone)]
pub(super) struct Names {
    ask: Ask,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// What was answered last.
    known: Vec<SocketAddr>,
    /// The question that is on its way.
    asked: Option<watch::Receiver<Option<Answer>>>,
    /// Whether the last known addresses are in use.
    failing: bool,
}

impl Names {
    /// Asks the system.
    pub(super) fn of_system() -> Self {
        Self::new(|host| (host, 0).to_socket_addrs().map(|found| found.take(ADDRESSES_MAX).collect()))
    }

    fn new(ask: Ask) -> Self {
        Self { ask, state: Arc::default() }
    }

    async fn find(&self, host: String) -> Answer {
        let mut asked = self.asked(host);
        let answer = timeout(ANSWERS_WITHIN, answered(&mut asked)).await.ok();
        if let Some(Ok(_)) = answer {
            self.works();
        }
        match (answer, self.fall_back()) {
            (Some(Ok(found)), _) => Ok(found),
            (_, Some(known)) => Ok(known),
            (Some(Err(problem)), None) => Err(problem),
            // Nothing to fall back on: the attempt itself sets the limit.
            (None, None) => answered(&mut asked).await,
        }
    }

    /// Returns the question that is on its way, or sends one.
    fn asked(&self, host: String) -> watch::Receiver<Option<Answer>> {
        let mut state = self.lock();
        if let Some(asked) =
            state.asked.as_ref().filter(|asked| asked.borrow().is_none() && asked.has_changed().is_ok())
        {
            return asked.clone();
        }
        let (answer, asked) = watch::channel(None);
        state.asked = Some(asked.clone());
        let (ask, names) = (self.ask, self.clone());
        // Not waited for: a question that hangs is left behind, and its answer still counts when it comes.
        drop(tokio::task::spawn_blocking(move || {
            let found = ask(&host).map_err(|error| error.to_string());
            let found = found.and_then(|found| if found.is_empty() { Err("no address".to_owned()) } else { Ok(found) });
            if let Ok(found) = &found {
                names.lock().known.clone_from(found);
            }
            answer.send_replace(Some(found));
        }));
        asked
    }

    fn works(&self) {
        if std::mem::take(&mut self.lock().failing) {
            info!("The name service answers again");
        }
    }

    fn fall_back(&self) -> Option<Vec<SocketAddr>> {
        let mut state = self.lock();
        if state.known.is_empty() {
            return None;
        }
        let known = state.known.clone();
        if state.asked.as_ref().is_some_and(|asked| !matches!(&*asked.borrow(), Some(Ok(_)))) && !state.failing {
            state.failing = true;
            warn!("The name service does not answer; the addresses known last are used");
        }
        Some(known)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answered(asked: &mut watch::Receiver<Option<Answer>>) -> Answer {
    let failed = || Err("the question to the name service has failed".to_owned());
    match asked.wait_for(Option::is_some).await {
        Ok(answer) => answer.clone().unwrap_or_else(failed),
        Err(_) => failed(),
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let (names, host) = (self.clone(), name.as_str().to_owned());
        Box::pin(async move {
            let found = names.find(host).await.map_err(io::Error::other)?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::RwLock;

    use super::*;

    fn address() -> SocketAddr {
        "127.0.0.1:0".parse().unwrap()
    }

    #[tokio::test]
    async fn an_answer_that_fails_leaves_the_addresses_known_last() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let names = Names::new(|_| match ASKED.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(vec![address()]),
            1 => Err(io::Error::other("SERVFAIL")),
            _ => Ok(Vec::new()),
        });
        for _ in 0..3 {
            assert_eq!(names.find("larmcentral.example".to_owned()).await, Ok(vec![address()]));
        }
        assert_eq!(ASKED.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn a_name_that_was_never_found_is_an_error() {
        let names = Names::new(|_| Err(io::Error::other("NXDOMAIN")));
        assert_eq!(names.find("larmcentral.example".to_owned()).await, Err("NXDOMAIN".to_owned()));
    }

    #[tokio::test]
    async fn while_the_name_service_hangs_one_question_waits_and_the_known_addresses_are_used() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        static HANGS: RwLock<()> = RwLock::const_new(());
        let names = Names::new(|_| {
            if ASKED.fetch_add(1, Ordering::Relaxed) > 0 {
                drop(HANGS.blocking_read());
            }
            Ok(vec![address()])
        });
        let host = || "larmcentral.example".to_owned();
        assert_eq!(names.find(host()).await, Ok(vec![address()]));
        let held = HANGS.write().await;
        let (one, other) = tokio::join!(names.find(host()), names.find(host()));
        assert_eq!((one, other), (Ok(vec![address()]), Ok(vec![address()])));
        assert_eq!(names.find(host()).await, Ok(vec![address()]));
        assert_eq!(ASKED.load(Ordering::Relaxed), 2, "a question hangs; another would hang too");
        drop(held);
    }
}
