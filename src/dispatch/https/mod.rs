//! The HTTPS channel: a signed CloudEvent by POST, over TLS that we set up ourselves.
//!
//! Verification is never turned off, redirects are never followed, no proxy is looked for, and nothing is tried again
//! here that could wait: that is the queue's matter. Repeated at once, within the 15 s of the attempt, is what waiting
//! would not make better:
//!
//! - a kept connection turns out to be closed: once more over a new one;
//! - a kept connection does not answer for [`HEDGE_AFTER`], as one whose peer or address translation has gone:
//!   once more over a new one beside it, and the first answer counts. Both carry the same id;
//! - refused or not verified, and the secrets, certificates or roots on disk are others by now: once more with them;
//! - refused, and dispatch's clock is more than two minutes off ours: once more with its time in `webhook-timestamp`.

pub mod answer;
pub mod body;
mod link;
pub(crate) mod names;
pub mod signature;
mod trouble;

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{timeout, timeout_at};
use tracing::{debug, warn};

use self::answer::Answer;
use self::link::{Link, Post, Stamp};
use self::names::Names;
use self::trouble::Trouble;
use super::outcome::Outcome;
use super::settings::HttpsSettings;
use crate::clock::{self, Clock};
use crate::model::{Alert, GatewayId, Moment, Priority};

/// The longest that one attempt takes, its repeats included.
const ATTEMPT_MAX: Duration = Duration::from_secs(15);

/// A kept connection that has not answered for so long is taken for dead. Dispatch answers in well under a second.
const HEDGE_AFTER: Duration = Duration::from_secs(3);

/// The shortest span between two looks at the files because of a refusal.
const LOOK_AGAIN_MIN: Duration = Duration::from_secs(60);

/// After this long roots and certificates are read again whatever happens: a gateway runs for years.
const LINK_AGE_MAX: Duration = Duration::from_secs(24 * 3600);

/// One alert as one attempt sends it.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'a> {
    /// The alert.
    pub alert: &'a Alert,
    /// Its priority by now.
    pub priority: Priority,
    /// Whether more than 60 s have passed since it was decided.
    pub late: bool,
}

/// A dispatch service that takes CloudEvents over HTTPS.
pub struct Channel {
    gateway: GatewayId,
    settings: HttpsSettings,
    keep_idle: Duration,
    clock: Clock,
    names: Names,
    link: Mutex<Option<Arc<Link>>>,
    /// The files as they were when they were read last, sound or not, and what was wrong with them.
    read: Mutex<Option<(Stamp, Result<(), String>)>>,
    /// The files as they were at the last look.
    seen: Mutex<Option<Stamp>>,
    looked: AtomicI64,
    looking: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What one POST came to: an answer, or none.
type Exchange = Result<Answer, Trouble>;

impl Channel {
    /// Makes a channel; reads no file and opens no connection yet. Where heartbeats keep the connection warm, it is
    /// kept for one and a half of their interval.
    #[must_use]
    pub fn new(gateway: GatewayId, settings: HttpsSettings, heartbeat: Option<Duration>, clock: Clock) -> Self {
        let keep_idle = heartbeat.map_or(Duration::from_secs(30), |interval| interval + interval / 2);
        Self {
            gateway,
            settings,
            keep_idle: keep_idle.clamp(Duration::from_secs(30), Duration::from_secs(300)),
            clock,
            names: Names::of_system(),
            link: Mutex::new(None),
            read: Mutex::new(None),
            seen: Mutex::new(None),
            looked: AtomicI64::new(i64::MIN),
            looking: tokio::sync::Mutex::new(()),
        }
    }

    /// Reads secrets and certificates anew. Where they are not sound the ones in use stay; where they are the same, the
    /// connection stays too.
    ///
    /// # Errors
    ///
    /// Says what is wrong with them.
    pub async fn reload(&self) -> Result<(), String> {
        self.look(None, true).await.map(drop)
    }

    /// Reads secrets and certificates anew where the files have changed since they were last read, and are the same at
    /// two looks in a row: of a certificate and its key, one may be the next already.
    ///
    /// # Errors
    ///
    /// Says what is wrong with them, also where that is no news.
    pub async fn refresh(&self) -> Result<(), String> {
        let settings = self.settings.clone();
        let looking = tokio::task::spawn_blocking(move || link::stamp(&settings));
        let stamp = looking.await.map_err(|error| format!("looking at the files failed: {error}"))?;
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let settled = {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.replace(stamp.clone()).as_ref() == Some(&stamp)
        };
        match read {
            Some((before, state)) if before == stamp || !settled => {
                self.renew().await;
                state
            }
            Some(_) | None => self.reload().await,
        }
    }

    /// Begins afresh with a link that is old: an attempt must not wait for a disk that hangs, so it is done here.
    async fn renew(&self) {
        if self.current().is_some_and(|link| clock::moment().since(link.built) > LINK_AGE_MAX) {
            if let Err(problem) = self.look(None, false).await {
                warn!(error = %problem, "Secrets or certificates are not sound; those in use stay");
            }
        }
    }

    /// Sends one alert; takes at most 15 s.
    pub async fn send(&self, letter: Letter<'_>) -> Outcome {
        self.send_within(letter, ATTEMPT_MAX).await
    }

    /// Sends one alert; takes no longer than the limit.
    pub async fn send_within(&self, letter: Letter<'_>, limit: Duration) -> Outcome {
        let until = clock::instant(clock::moment() + limit);
        let link = match timeout_at(until, self.link()).await {
            Ok(Ok(link)) => link,
            Ok(Err(problem)) => return Outcome::wrong(problem),
            // Dispatch was not even asked.
            Err(_) => return Trouble::Unread.into_outcome(),
        };
        let body = body::write(self.gateway, letter.alert, letter.priority, letter.late);
        let sending = self.send_body(link, letter, &body);
        timeout_at(until, sending).await.unwrap_or_else(|_| Trouble::Silent.into_outcome())
    }

    async fn send_body(&self, link: Arc<Link>, letter: Letter<'_>, body: &str) -> Outcome {
        let first = self.exchange(&link, letter, body, None).await;
        let outcome = self.judge(letter, &first);
        if !matches!(outcome, Outcome::ChannelWrong { .. }) {
            return outcome;
        }
        let link = match self.link_after_refusal(&link, &first).await {
            Some(fresh) => {
                debug!("Secrets or certificates have changed; sent again at once");
                let second = self.exchange(&fresh, letter, body, None).await;
                let outcome = self.judge(letter, &second);
                if !matches!(outcome, Outcome::ChannelWrong { .. }) {
                    return outcome;
                }
                fresh
            }
            None => link,
        };
        let Some(time) = first.as_ref().ok().and_then(|answer| self.better_time(answer)) else { return outcome };
        warn!(theirs = %time, "Dispatch refused, and its clock is far off ours: is ours right? Sent again with its time");
        let second = self.exchange(&link, letter, body, Some(time)).await;
        self.judge(letter, &second)
    }

    fn judge(&self, letter: Letter<'_>, exchange: &Exchange) -> Outcome {
        match exchange {
            Ok(answer) => answer::classify(answer, &letter.alert.id, self.settings.receipt, clock::utc()),
            Err(trouble) => trouble.clone().into_outcome(),
        }
    }

    fn better_time(&self, answer: &Answer) -> Option<Timestamp> {
        // Over plain HTTP anybody could make us sign any time.
        let verified = self.settings.url.starts_with("https:");
        answer::better_time(answer, clock::utc()).filter(|_| verified)
    }

    /// Sends the body once, and once more over a new connection where a kept one proves dead.
    async fn exchange(&self, link: &Link, letter: Letter<'_>, body: &str, time: Option<Timestamp>) -> Exchange {
        let timestamp = time.unwrap_or_else(|| self.clock.now().utc).as_second().to_string();
        let post = Post::new(letter.alert.id.as_str(), timestamp, body);
        let may_be_dead = link.may_hold_a_kept_connection(clock::moment(), self.keep_idle);
        let first = link.send(&post);
        tokio::pin!(first);
        let early =
            if may_be_dead { timeout(HEDGE_AFTER, first.as_mut()).await.ok() } else { Some(first.as_mut().await) };
        match early {
            Some(Err(Trouble::Broken(_))) if may_be_dead => link.send(&post).await,
            Some(exchange) => exchange,
            None => {
                debug!("No answer over a kept connection; sent again over a new one beside it");
                let second = link.send(&post);
                tokio::pin!(second);
                tokio::select! {
                    answer = first.as_mut() => match answer { Ok(answer) => Ok(answer), Err(_) => second.await },
                    answer = second.as_mut() => match answer { Ok(answer) => Ok(answer), Err(_) => first.await },
                }
            }
        }
    }

    fn current(&self) -> Option<Arc<Link>> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the link, built at the first call.
    async fn link(&self) -> Result<Arc<Link>, String> {
        match self.current() {
            Some(link) => Ok(link),
            None => self.look(None, false).await,
        }
    }

    /// Returns a link with what lies on disk now, where that is worth another attempt. Looks at most once a minute.
    async fn link_after_refusal(&self, used: &Arc<Link>, exchange: &Exchange) -> Option<Arc<Link>> {
        let unverified = matches!(exchange, Err(Trouble::Certificate(_) | Trouble::OurCertificate(_)));
        let refused = exchange.as_ref().is_ok_and(|answer| matches!(answer.status, 401 | 403));
        if !unverified && !refused {
            return None;
        }
        if let Some(newer) = self.current().filter(|current| !Arc::ptr_eq(current, used)) {
            return Some(newer);
        }
        let looked = Moment::from_nanos(self.looked.load(Ordering::Relaxed));
        if clock::moment().since(looked) < LOOK_AGAIN_MIN {
            return None;
        }
        self.looked.store(clock::moment().as_nanos(), Ordering::Relaxed);
        // The system's roots are no part of the fingerprint: an unverified certificate is always worth a second look.
        let fresh = self.look(Some(used), false).await.ok()?;
        (unverified || fresh.fingerprint != used.fingerprint).then_some(fresh)
    }

    /// Builds the link from what lies on disk, unless another attempt has just done so instead of `used`. `keep_same`:
    /// the one in use stays where nothing in the files differs.
    async fn look(&self, used: Option<&Arc<Link>>, keep_same: bool) -> Result<Arc<Link>, String> {
        let _one_at_a_time = self.looking.lock().await;
        if let Some(newer) = self.current().filter(|current| used.is_some_and(|used| !Arc::ptr_eq(current, used))) {
            return Ok(newer);
        }
        let (settings, keep_idle) = (self.settings.clone(), self.keep_idle);
        let (names, clock) = (self.names.clone(), self.clock.clone());
        // The stamp first: what changes while it is read is read once more.
        let building = tokio::task::spawn_blocking(move || {
            (link::stamp(&settings), Link::build(&settings, keep_idle, names, &clock))
        });
        let (stamp, built) = building.await.map_err(|error| format!("setting up the channel failed: {error}"))?;
        let state = built.as_ref().map(drop).map_err(Clone::clone);
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some((stamp, state));
        let link = Arc::new(built?);
        if let Some(same) = self.current().filter(|current| keep_same && current.fingerprint == link.fingerprint) {
            return Ok(same);
        }
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&link));
        Ok(link)
    }
}
