//! The tasks beside the beds: the ways in, the way out, and those that keep an eye on store, clock and broker.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::field::display;
use tracing::{debug, error, info, warn};

use super::backlog::fetch_backlog;
use super::board::{Board, status_line};
use super::noting::{ACCEPTED_KEY, Noting, Remembered};
use super::outbox::{Outbox, Owed};
use super::own::Own;
use super::proofs::Proofs;
use super::service::notify;
use super::{Broker, Gateway, States, Tap, accepted, bed_states, certificates, good_time, own_state, power, returned};
use crate::action;
use crate::clock::{self, Clock};
use crate::config::Bed;
use crate::dispatch::policy::AFTER_BOOT;
use crate::dispatch::{self, Command};
use crate::model::{GatewayFault, Health, Moment};
use crate::sensor::mqtt::publisher;
use crate::sensor::{self, BrokerSettings, Feed, Link, SerialSettings};
use crate::store::{self, Condition, Recovered};

/// How often the service manager is told how everything is, at most.
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// How often what time alone brings is looked after.
const LOOK_AFTER_EVERY: Duration = Duration::from_secs(30);

/// A broker that is away this long is told: its restart takes seconds, and a silent mat is told after a minute.
const BROKER_AWAY_AFTER: Duration = Duration::from_secs(30);

/// A broker that stays for this long is back.
const BROKER_STAYS_FOR: Duration = Duration::from_secs(10);

/// How long the store may be opening before it is a fault.
const STORE_OPENS_WITHIN: Duration = Duration::from_secs(10);

/// How long the disk may take to answer.
pub(super) const DISK_ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// What is told of a disk that does not.
pub(super) const DISK_HANGS: &str =
    "the disk takes alerts but does not answer: they are in memory and on their way to dispatch";

/// How long attempts on their way may take at the end.
const DRAIN_GRACE: Duration = Duration::from_secs(4);

/// Reports that wait for the task that notes them; the delivery task keeps what does not fit.
const REPORTS_MAX: usize = 256;

/// What tells the connection of actions to the broker from that of the mats.
pub(super) const PUBLISHER: &str = "actions";

impl Gateway {
    pub(super) fn start_serial(&mut self, bed: &Bed, settings: &SerialSettings, feed: Feed) {
        let span = tracing::info_span!("mat", mat.id = %bed.id, port = %settings.port.display());
        let settings = settings.clone();
        self.supervisor.keep(&format!("port of {}", bed.id), span, move || {
            let (settings, feed) = (settings.clone(), feed.clone());
            async move { match sensor::serial::run(settings, feed).await {} }
        });
    }

    /// Starts the connection of the mats to the broker; which mats these are may change while it stands.
    pub(super) fn start_broker(&mut self, settings: BrokerSettings, client_id: String, mats: Vec<sensor::mqtt::Mat>) {
        let (link, state) = watch::channel(Link::Connecting);
        let mats = watch::Sender::new(mats);
        let (broker, name) = (settings.clone(), client_id.clone());
        let (clock, watched) = (self.clock.clone(), mats.clone());
        self.supervisor.keep("broker", tracing::info_span!("broker"), move || {
            let setup = sensor::mqtt::Setup {
                broker: broker.clone(),
                client_id: name.clone(),
                mats: watched.subscribe(),
                clock: clock.clone(),
                link: link.clone(),
            };
            async move { match sensor::mqtt::run(setup).await {} }
        });
        let own = self.own.clone();
        self.supervisor.keep("link", tracing::Span::none(), move || watch_link("broker", state.clone(), own.clone()));
        self.broker = Some(Broker { settings, client_id, mats });
    }

    /// Starts the connection over which actions publish.
    pub(super) fn start_publisher(&mut self, settings: BrokerSettings, client_id: String) {
        let (link, state) = watch::channel(Link::Connecting);
        let (broker, name, publications) = (settings.clone(), client_id.clone(), self.publications.clone());
        let clock = self.clock.clone();
        self.supervisor.keep("publisher", tracing::info_span!("publisher"), move || {
            let setup = publisher::Setup {
                broker: broker.clone(),
                client_id: name.clone(),
                publications: publications.subscribe(),
                clock: clock.clone(),
                link: link.clone(),
            };
            async move { match publisher::run(setup).await {} }
        });
        let own = self.own.clone();
        let watch = move || watch_link(PUBLISHER, state.clone(), own.clone());
        self.supervisor.keep("publisher's link", tracing::Span::none(), watch);
        self.publisher = Some((settings, client_id));
    }

    /// Starts what carries out actions.
    pub(super) fn start_actions(&mut self, waiting: mpsc::Receiver<action::Job>) {
        let (waiting, publications) = (Arc::new(tokio::sync::Mutex::new(waiting)), self.publications.clone());
        let publish: action::Publish = Arc::new(move |topic, payload| {
            let (topic, payload) = (topic.to_owned(), payload.to_owned());
            let publication = publisher::Publication { topic, payload, at: clock::moment() };
            if let Err(unsent) = publications.send(publication) {
                warn!(topic = unsent.0.topic, "A message of an action was not published: its configuration is gone");
            }
        });
        self.supervisor.keep("actions", tracing::Span::none(), move || {
            let (waiting, publish) = (Arc::clone(&waiting), Arc::clone(&publish));
            async move { action::run(&mut *waiting.lock().await, publish).await }
        });
    }

    /// Starts the delivery task and the one that notes what it reports. Started again, it fetches what waits anew.
    pub(super) fn start_delivery(&mut self, remembered: Arc<Mutex<Remembered>>) {
        let (outbox, own, health) = (self.outbox.clone(), self.own.clone(), self.board.follow());
        let (settings, clock) = (Arc::clone(&self.delivery), self.clock.clone());
        own.channels(lock(&settings).channels.iter().map(|channel| channel.name.clone()));
        self.supervisor.watch("delivery", tracing::Span::none(), move |mut beat| {
            let (reports, reported) = mpsc::channel(REPORTS_MAX);
            let commands = outbox.connect();
            let numbers = outbox.store().clone();
            let setup = dispatch::Setup {
                settings: lock(&settings).clone(),
                accepted: lock(&remembered).all(),
                returned: outbox.returns(),
                health: health.clone(),
                clock: clock.clone(),
                next_sequence: Arc::new(move || numbers.next_sequence()),
                grace: DRAIN_GRACE,
                // The origin of the monotonic clock is the boot.
                spread_until: Moment::default() + AFTER_BOOT,
            };
            let (room, rooms) = mpsc::channel(1);
            let (outbox, own, clock) = (outbox.clone(), own.clone(), clock.clone());
            let fetching = fetch_backlog(outbox.clone(), rooms);
            let (remembered, settings) = (Arc::clone(&remembered), Arc::clone(&settings));
            let noting = Noting::new(outbox, own, clock, settings, remembered, room);
            async move {
                // Each of them ends only when the program does, or by a panic, which takes all along.
                let deliver = dispatch::run(setup, commands, reports);
                let note = async { tokio::join!(deliver, noting.note(reported)).0 };
                tokio::select! {
                    ended = note => debug!(waiting = ended.waiting, "Delivery has ended"),
                    () = fetching => {}
                    // One that is stuck in here answers no more.
                    () = async { loop { beat.next().await } } => {}
                }
            }
        });
    }

    /// Starts the task that looks after the ends of certificates.
    pub(super) fn start_certificates(&mut self) {
        let (files, own, clock) = (certificates::Files::of(&self.config), self.own.clone(), self.clock.clone());
        let watch = move || certificates::watch(files.clone(), own.clone(), clock.clone());
        self.supervisor.keep("certificates", tracing::Span::none(), watch);
    }

    /// Starts the task that looks at the power.
    pub(super) fn start_power(&mut self) {
        let Some(supplies) = self.supplies.clone() else { return };
        let (settings, own, ends) = (self.config.power.clone(), self.own.clone(), Arc::clone(&self.battery_ends));
        let watch = move || power::watch(supplies.clone(), settings.clone(), own.clone(), Arc::clone(&ends));
        self.supervisor.keep("power", tracing::Span::none(), watch);
    }

    /// Starts the tasks that keep an eye on the rest.
    pub(super) fn start_keepers(&mut self, tap: Option<Tap>) {
        let (store, own) = (self.outbox.store().health(), self.own.clone());
        let watched = store.clone();
        self.supervisor.keep("store", tracing::Span::none(), move || watch_store(watched.clone(), own.clone()));
        let (counted, counts) = (self.board.clone(), store);
        self.supervisor.keep("count", tracing::Span::none(), move || count_waiting(counts.clone(), counted.clone()));
        let own = self.own.clone();
        self.supervisor.keep("clock", tracing::Span::none(), move || look_after(own.clone()));
        let health = self.board.follow();
        self.supervisor.keep("status", tracing::Span::none(), move || tell_status(health.clone(), tap.clone()));
    }

    /// Starts the tasks that wait for the disk.
    pub(super) fn start_disk_watch(
        &mut self,
        late: Option<(oneshot::Receiver<Recovered>, watch::Sender<Option<States>>)>,
        owed: mpsc::Receiver<Owed>,
        remembered: Arc<Mutex<Remembered>>,
    ) {
        let (own, owed) = (self.own.clone(), Arc::new(tokio::sync::Mutex::new(owed)));
        self.supervisor.keep("disk", tracing::Span::none(), move || watch_disk(Arc::clone(&owed), own.clone()));
        if let Some((late, states)) = late {
            let (outbox, own, clock) = (self.outbox.clone(), self.own.clone(), self.clock.clone());
            let proofs = self.proofs.clone();
            let late = Arc::new(Mutex::new(Some(late)));
            self.supervisor.keep("late store", tracing::Span::none(), move || {
                let knowing = Knowing {
                    states: states.clone(),
                    outbox: outbox.clone(),
                    own: own.clone(),
                    remembered: Arc::clone(&remembered),
                    proofs: proofs.clone(),
                    clock: clock.clone(),
                };
                fetch_late(Arc::clone(&late), knowing)
            });
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells when the broker is away for long, and when it is there. `whose` tells its two connections apart.
async fn watch_link(whose: &str, link: watch::Receiver<Link>, own: Own) {
    follow_link(link, |away| match away {
        Some(detail) => own.begin(GatewayFault::Broker, whose, &detail),
        None => own.end(GatewayFault::Broker, whose),
    })
    .await;
}

/// Tells what is wrong where the link is not there to stay for too long, and `None` where it is. One that comes and goes
/// (two gateways of one name throw each other out) is not there.
async fn follow_link(mut link: watch::Receiver<Link>, mut tell: impl FnMut(Option<String>)) {
    loop {
        let stays = stays_up(link.clone());
        tokio::pin!(stays);
        let stayed = if let Ok(stayed) = tokio::time::timeout(BROKER_AWAY_AFTER, &mut stays).await {
            stayed
        } else {
            let detail = words(&link.borrow());
            tell(Some(detail));
            stays.await
        };
        if stayed.is_none() {
            return;
        }
        tell(None);
        if link.wait_for(|link| *link != Link::Up).await.is_err() {
            return;
        }
    }
}

/// Waits until the link has stayed up for a while. `None` where nobody tells any more.
async fn stays_up(mut link: watch::Receiver<Link>) -> Option<()> {
    loop {
        link.wait_for(|link| *link == Link::Up).await.ok()?;
        let breaks = link.wait_for(|link| *link != Link::Up);
        match tokio::time::timeout(BROKER_STAYS_FOR, breaks).await {
            Err(_) => return Some(()),
            Ok(broken) => drop(broken.ok()?),
        }
    }
}

fn words(link: &Link) -> String {
    match link {
        Link::Down(words) => words.clone(),
        Link::Up => "the broker ends each connection soon: does another gateway use the same [gateway] id?".to_owned(),
        Link::Connecting => "the broker does not answer: is it running, and is [mqtt] url right?".to_owned(),
    }
}

/// Tells when alerts do not reach the disk, and when they do.
async fn watch_store(mut health: watch::Receiver<store::Health>, own: Own) {
    let opened = health.wait_for(|health| health.condition != Condition::Opening);
    if tokio::time::timeout(STORE_OPENS_WITHIN, opened).await.is_err() {
        own.begin(GatewayFault::Store, "disk", "the disk does not answer: the store cannot be opened");
    }
    let mut noted = 0;
    loop {
        let seen = health.borrow_and_update().clone();
        match &seen.condition {
            Condition::Opening => {}
            Condition::Sound => own.end(GatewayFault::Store, "disk"),
            Condition::Faulty(detail) => own.begin(GatewayFault::Store, "disk", detail),
        }
        own.mended(seen.notes_since(noted));
        noted = seen.noted;
        if seen.letting_go {
            own.begin(GatewayFault::Store, "full", &words_of_full(&seen));
        } else {
            own.end(GatewayFault::Store, "full");
        }
        if health.changed().await.is_err() {
            own.begin(GatewayFault::Store, "disk", "the store has failed: nothing reaches the disk until a restart");
            return;
        }
    }
}

fn words_of_full(health: &store::Health) -> String {
    format!(
        "too many alerts wait and the oldest or least urgent are let go: see why dispatch or the disk takes none ({} on \
         disk, {} in memory, {} let go since the start)",
        health.undelivered, health.in_memory, health.let_go
    )
}

/// Tells when the disk hangs: what is kept stays without an answer.
async fn watch_disk(owed: Arc<tokio::sync::Mutex<mpsc::Receiver<Owed>>>, own: Own) {
    let mut owed = owed.lock().await;
    while let Some(Owed { alert, bed, mut receipt }) = owed.recv().await {
        let answer = if let Ok(answer) = tokio::time::timeout(DISK_ANSWERS_WITHIN, &mut receipt).await {
            answer
        } else {
            own.begin(GatewayFault::Store, "hangs", DISK_HANGS);
            receipt.await
        };
        own.look_at_disk();
        match answer {
            Ok(()) => {}
            Err(error) => {
                let bed = bed.map(display);
                error!(
                    alert.id = %alert, bed.id = bed, error = %error,
                    "An alert is not on disk; it is on its way to dispatch, and waits in memory"
                );
            }
        }
    }
}

/// Shows how many alerts wait.
async fn count_waiting(mut health: watch::Receiver<store::Health>, board: Board) {
    loop {
        let waiting = {
            let health = health.borrow_and_update();
            health.undelivered.saturating_add(health.in_memory)
        };
        board.outbox(waiting);
        if health.changed().await.is_err() {
            return;
        }
    }
}

#[expect(clippy::infinite_loop, reason = "the supervisor drops the task at the end")]
/// Looks after what time alone brings: the clock's trust, ends of faults that were held back, starts not told yet.
async fn look_after(own: Own) {
    loop {
        own.look_after();
        tokio::time::sleep(LOOK_AFTER_EVERY).await;
    }
}

/// Tells the service manager, and whoever listens, how everything is.
async fn tell_status(mut health: watch::Receiver<Health>, tap: Option<Tap>) {
    loop {
        let picture = health.borrow_and_update().clone();
        notify(&[NotifyState::Status(&status_line(&picture))]);
        if let Some(tap) = &tap {
            tap.health.send_replace(picture);
        }
        if health.changed().await.is_err() {
            return;
        }
        if tap.is_none() {
            tokio::time::sleep(STATUS_EVERY).await;
        }
    }
}

type Late = Mutex<Option<oneshot::Receiver<Recovered>>>;

/// Whom it concerns what a store knew.
struct Knowing {
    states: watch::Sender<Option<States>>,
    outbox: Outbox,
    own: Own,
    remembered: Arc<Mutex<Remembered>>,
    proofs: Proofs,
    clock: Clock,
}

/// A store that was too late for the start: what it knew is told to whom it concerns.
async fn fetch_late(late: Arc<Late>, knowing: Knowing) {
    let late = lock(&late).take();
    let Some(Ok(recovered)) = (match late {
        Some(late) => Some(late.await),
        None => None,
    }) else {
        return;
    };
    info!("The store is open now; what it knew counts from here on");
    if let Some(known) = good_time(&recovered) {
        knowing.clock.raise_floor(known);
    }
    let accepted = accepted(&recovered);
    let written = {
        let mut remembered = lock(&knowing.remembered);
        remembered.recall(accepted.clone());
        remembered.written()
    };
    // Before anything that may close what was accepted then.
    let states = bed_states(&recovered);
    knowing.outbox.recall_returns(returned(&states));
    // As they count here: numbers that have gone back since are left out.
    let returned = knowing.outbox.returns();
    let remember = || Command::Remember { accepted: accepted.clone(), returned: returned.clone() };
    let told = knowing.outbox.send(remember());
    knowing.states.send_replace(Some(Arc::new(states)));
    knowing.own.recall(own_state(&recovered));
    knowing.proofs.recall(&recovered);
    if let Some(written) = written {
        drop(knowing.outbox.store().keep(ACCEPTED_KEY, written));
    }
    if !told {
        knowing.outbox.hand_over(remember).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of a link that is, one after the other, so for so many seconds.
    async fn told(turns: impl IntoIterator<Item = (Link, u64)>) -> Vec<bool> {
        let (state, link) = watch::channel(Link::Connecting);
        let mut told = Vec::new();
        let turn = async move {
            for (link, seconds) in turns {
                state.send_replace(link);
                tokio::time::sleep(Duration::from_secs(seconds)).await;
            }
        };
        tokio::join!(follow_link(link, |away| told.push(away.is_some())), turn);
        told
    }

    fn down() -> Link {
        Link::Down("refused".to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_link_that_comes_and_goes_is_told_as_away_until_it_stays() {
        let flaps = || (0..40).flat_map(|_| [(Link::Up, 1), (down(), 1)]);
        assert_eq!(told(flaps()).await, [true]);
        assert_eq!(told(flaps().chain([(Link::Up, 11)])).await, [true, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_link_that_is_away_for_a_moment_is_not_told() {
        assert_eq!(told([(Link::Up, 60), (down(), 15), (Link::Up, 60)]).await, [false, false]);
        assert_eq!(told([(Link::Up, 60), (down(), 31), (Link::Up, 60)]).await, [false, true, false]);
    }
}
