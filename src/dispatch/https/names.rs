//! Finds the addresses of a channel's host, also while the name service fails or hangs.
//!
//! Asks one question at a time, however many attempts wait for the answer: a question to a name service that hangs
//! holds a thread, and cannot be called back. What was answered last stands in for an answer that does not come, and from
//! then on at once until one comes; who is met there is proved by the certificate, not by the name service.

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
pub(crate) const ADDRESSES_MAX: usize = 16;

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
        let mut asked = self.asked(&host);
        if let Some(known) = self.known_while_failing() {
            return Ok(known);
        }
        match timeout(ANSWERS_WITHIN, answered(&mut asked)).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(problem)) => self.fall_back(&host).ok_or(problem),
            Err(_) => match self.fall_back(&host) {
                Some(known) => Ok(known),
                // The attempt itself sets the limit.
                None => answered(&mut asked).await,
            },
        }
    }

    /// Returns the question that is on its way, or sends one.
    fn asked(&self, host: &str) -> watch::Receiver<Option<Answer>> {
        let mut state = self.lock();
        if let Some(asked) =
            state.asked.as_ref().filter(|asked| asked.borrow().is_none() && asked.has_changed().is_ok())
        {
            return asked.clone();
        }
        let (answer, asked) = watch::channel(None);
        state.asked = Some(asked.clone());
        let (ask, names, host) = (self.ask, self.clone(), host.to_owned());
        // Not waited for: a question that hangs is left behind, and its answer still counts when it comes.
        drop(tokio::task::spawn_blocking(move || {
            let found = ask(&host).map_err(|error| error.to_string());
            let found = found.and_then(|found| if found.is_empty() { Err("no address".to_owned()) } else { Ok(found) });
            if let Ok(found) = &found {
                names.works(&host, found);
            }
            answer.send_replace(Some(found));
        }));
        asked
    }

    fn works(&self, host: &str, found: &[SocketAddr]) {
        let mut state = self.lock();
        state.known = found.to_vec();
        if std::mem::take(&mut state.failing) {
            info!(host, "The name service answers again");
        }
    }

    /// Where the name service is known to fail nobody waits for it; the question on its way tells when it works again.
    fn known_while_failing(&self) -> Option<Vec<SocketAddr>> {
        let state = self.lock();
        state.failing.then(|| state.known.clone())
    }

    /// Returns the addresses known last, where there are any.
    fn fall_back(&self, host: &str) -> Option<Vec<SocketAddr>> {
        let mut state = self.lock();
        if state.known.is_empty() {
            return None;
        }
        let answered = state.asked.as_ref().is_some_and(|asked| matches!(&*asked.borrow(), Some(Ok(_))));
        if !answered && !std::mem::replace(&mut state.failing, true) {
            warn!(host, "The name service does not answer; the addresses known last are used: check the name server");
        }
        Some(state.known.clone())
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
        for asked in 1..=3 {
            assert_eq!(names.find("larmcentral.example".to_owned()).await, Ok(vec![address()]));
            while ASKED.load(Ordering::Relaxed) < asked {
                tokio::task::yield_now().await;
            }
        }
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
        let at_once = timeout(Duration::ZERO, names.find(host())).await;
        assert_eq!(at_once, Ok(Ok(vec![address()])), "known to hang: nobody waits for it again");
        assert_eq!(ASKED.load(Ordering::Relaxed), 2, "a question hangs; another would hang too");
        drop(held);
        while names.lock().failing {
            tokio::task::yield_now().await;
        }
    }
}
