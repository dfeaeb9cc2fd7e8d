//! From an event to an alert on its way: numbered, sent and stored, both started together.
//!
//! Never waits, neither for the disk nor for the network.

use std::sync::{Arc, Mutex};

use tokio::sync::{Notify, broadcast, mpsc, oneshot};
use tracing::field::display;

use super::ledger::Draft;
use super::streak::Streak;
use super::tasks::lock;
use crate::action::{Actions, Trigger};
use crate::detect::Because;
use crate::dispatch::{ChannelView, Command};
use crate::model::{Acceptance, Alert, AlertId, BedId, Event, Kind, Language, Returns, Sequence, texts};
use crate::store::{Receipt, Store};

/// Commands that wait for the delivery task at most. Beyond it an alert waits in the store and is fetched from there.
const COMMANDS_MAX: usize = 4096;

/// Answers of the store that are waited for.
const OWED_MAX: usize = 64;

/// Where every alert goes. Cheap to clone.
#[derive(Clone)]
pub(super) struct Outbox(Arc<Inner>);

struct Inner {
    store: Store,
    dispatch: Mutex<Way>,
    /// Told when the delivery task has refused something.
    refused: Notify,
    owed: mpsc::Sender<Owed>,
    language: Mutex<Language>,
    /// The last return of each bed, over restarts of the program and of the delivery task.
    returns: Mutex<Returns>,
    actions: Actions,
    tap: Option<broadcast::Sender<Event>>,
    news: broadcast::Sender<News>,
}

/// An alert that was given to the store, and what that will answer.
pub(super) struct Owed {
    /// The alert.
    pub(super) alert: AlertId,
    /// The bed that it is of.
    pub(super) bed: Option<BedId>,
    /// Whether it is on disk.
    pub(super) receipt: Receipt,
}

/// The way to the delivery task.
struct Way {
    sender: mpsc::Sender<Command>,
    /// What it refused in a row.
    refused: Streak,
}

/// What happens, for people who watch. Each of them may miss the oldest; nobody waits for them.
#[derive(Debug, Clone)]
pub(super) enum News {
    /// An event was decided.
    Decided {
        /// The event.
        event: Event,
        /// The alert that is sent of it.
        alert: Option<AlertId>,
    },
    /// A channel has accepted an alert.
    Accepted(AlertId, Acceptance),
    /// An alert has been accepted by all that it must reach.
    Delivered(AlertId),
}

/// News that wait for one who watches.
const NEWS_MAX: usize = 64;

impl Outbox {
    /// Makes the outbox, and what the store owes an answer for. Nothing is sent before [`Outbox::connect`], but all is stored.
    pub(super) fn new(
        store: Store,
        language: Language,
        actions: Actions,
        tap: Option<broadcast::Sender<Event>>,
    ) -> (Self, mpsc::Receiver<Owed>) {
        let (dispatch, _) = mpsc::channel(1);
        let (owed, given) = mpsc::channel(OWED_MAX);
        let (dispatch, refused) = (Mutex::new(Way { sender: dispatch, refused: Streak::default() }), Notify::new());
        let (language, news) = (Mutex::new(language), broadcast::Sender::new(NEWS_MAX));
        let returns = Mutex::default();
        let inner = Inner { store, dispatch, refused, owed, language, returns, actions, tap, news };
        (Self(Arc::new(inner)), given)
    }

    /// Makes a new way to the delivery task, which has started or started again.
    pub(super) fn connect(&self) -> mpsc::Receiver<Command> {
        let (sender, receiver) = mpsc::channel(COMMANDS_MAX);
        lock(&self.0.dispatch).sender = sender;
        receiver
    }

    /// Closes the way to the delivery task, which then comes to an end.
    pub(super) fn disconnect(&self) {
        let (closed, _) = mpsc::channel(1);
        lock(&self.0.dispatch).sender = closed;
    }

    /// Returns the store.
    pub(super) fn store(&self) -> &Store {
        &self.0.store
    }

    /// Returns what takes note of what happens, for local actions.
    pub(super) fn actions(&self) -> &Actions {
        &self.0.actions
    }

    /// Writes texts in this language from now on.
    pub(super) fn speak(&self, language: Language) {
        *lock(&self.0.language) = language;
    }

    /// Takes an event: sends and stores what is told of it, and notes the rest in the journal. `state` gives what a
    /// restart must know together with it, under `key`; it is asked for only after the sending has begun. `None` leaves
    /// what the store has.
    pub(super) fn take(&self, event: Event, draft: Option<Draft>, key: &str, state: impl FnOnce() -> Option<Vec<u8>>) {
        let taken = self.begin(event, draft);
        self.keep(taken, None, key, state);
    }

    /// The first half of [`Outbox::take`]: begins to send what is told of an event.
    pub(super) fn begin(&self, event: Event, draft: Option<Draft>) -> Taken {
        let Some(draft) = draft else { return Taken::Noted(event) };
        let alert = self.alert(event, draft);
        self.send(Command::Raise(Box::new(alert.clone())));
        Taken::Sent(alert)
    }

    /// The second half: shows it, logs it with its reason where there is one, and hands it to the store.
    pub(super) fn keep(
        &self,
        taken: Taken,
        because: Option<Because>,
        key: &str,
        state: impl FnOnce() -> Option<Vec<u8>>,
    ) {
        let (event, sent) = match &taken {
            Taken::Sent(alert) => (&alert.event, true),
            Taken::Noted(event) => (event, false),
        };
        let because = because.map(display);
        let alert = match &taken {
            Taken::Sent(alert) => Some(alert),
            Taken::Noted(_) => None,
        };
        tracing::info!(
            kind = event.kind.as_str(),
            watched = event.watched,
            sent,
            alert.id = alert.map(|alert| display(alert.id)),
            sequence = alert.map(|alert| display(alert.sequence)),
            closes = alert.map(|alert| alert.closes.len()).filter(|count| *count > 0),
            because,
            "Event decided"
        );
        // By now the alert is on its way.
        if let Some(trigger) = Trigger::of(&event.kind).filter(|_| sent || event.watched) {
            self.0.actions.happened(trigger, event.bed);
        }
        if let Some(tap) = &self.0.tap {
            // Nobody listening is no error.
            drop(tap.send(event.clone()));
        }
        self.tell(|| match &taken {
            Taken::Sent(alert) => News::Decided { event: alert.event.clone(), alert: Some(alert.id) },
            Taken::Noted(event) => News::Decided { event: event.clone(), alert: None },
        });
        match taken {
            Taken::Sent(alert) => {
                let receipt = self.0.store.append(&alert, state().map(|state| (key, state)));
                let owed = Owed { alert: alert.id, bed: alert.event.bed, receipt };
                // Where they pile up, those before this one tell already that the disk hangs.
                drop(self.0.owed.try_send(owed));
            }
            Taken::Noted(event) => {
                self.0.store.journal(&event);
                if let Some(state) = state() {
                    drop(self.0.store.keep(key, state));
                }
            }
        }
    }

    /// Sends and stores a marked test as any alert; returns it, and what the store will say.
    pub(super) fn test(&self, event: Event) -> (Alert, Receipt) {
        let alert = self.alert(event, Draft { id: draw_id(), priority: Kind::Test.priority(), closes: Vec::new() });
        self.send(Command::Raise(Box::new(alert.clone())));
        tracing::info!(kind = alert.event.kind.as_str(), alert.id = %alert.id, "Test alert raised");
        self.tell(|| News::Decided { event: alert.event.clone(), alert: Some(alert.id) });
        let receipt = self.0.store.append(&alert, None);
        (alert, receipt)
    }

    /// Follows what happens from now on.
    pub(super) fn news(&self) -> broadcast::Receiver<News> {
        self.0.news.subscribe()
    }

    /// Tells those who watch; makes the news only where somebody does.
    pub(super) fn tell(&self, news: impl FnOnce() -> News) {
        if self.0.news.receiver_count() > 0 {
            drop(self.0.news.send(news()));
        }
    }

    fn alert(&self, event: Event, draft: Draft) -> Alert {
        let alert = Alert {
            id: draft.id,
            sequence: self.0.store.next_sequence(),
            text: texts::text(&event.kind, *lock(&self.0.language)).to_owned(),
            priority: draft.priority,
            closes: draft.closes,
            event,
        };
        lock(&self.0.returns).note(&alert);
        alert
    }

    /// Takes the last return of each bed as the store knew it.
    pub(super) fn recall_returns(&self, earlier: impl IntoIterator<Item = (BedId, Sequence)>) {
        lock(&self.0.returns).recall(earlier);
    }

    /// Returns the last return of each bed, by its number.
    pub(super) fn returns(&self) -> Vec<(BedId, Sequence)> {
        lock(&self.0.returns).all().collect()
    }

    /// Returns the number of the last return of one bed.
    pub(super) fn last_return(&self, bed: &BedId) -> Option<Sequence> {
        lock(&self.0.returns).of(bed)
    }

    /// Asks the delivery task how each channel is. Dropped unanswered where it takes nothing.
    pub(super) fn ask_channels(&self) -> oneshot::Receiver<Vec<ChannelView>> {
        let (asked, answer) = oneshot::channel();
        drop(lock(&self.0.dispatch).sender.try_send(Command::Show(asked)));
        answer
    }

    /// Hands a command to the delivery task at once, or not at all: an alert that it does not take waits in the store, and
    /// is fetched from there once it takes something again ([`Outbox::takes_again`]). Tells whether it was taken.
    pub(super) fn send(&self, command: Command) -> bool {
        let mut way = lock(&self.0.dispatch);
        let taken = way.sender.try_send(command).is_ok();
        if taken {
            way.worked();
        } else {
            if way.refused.failed() {
                tracing::warn!("The delivery task takes nothing at the moment: alerts wait in the store");
            }
            self.0.refused.notify_one();
        }
        taken
    }

    /// Hands a command to the delivery task as soon as it takes one; `make` makes it then. Where the task has ended there
    /// is nobody to take it: the next one starts with what is known by then.
    pub(super) async fn hand_over(&self, make: impl FnOnce() -> Command) {
        let sender = lock(&self.0.dispatch).sender.clone();
        if let Ok(permit) = sender.reserve().await {
            permit.send(make());
            lock(&self.0.dispatch).worked();
        }
    }

    /// Waits until the delivery task takes commands again after it has refused one. Never ends otherwise.
    pub(super) async fn takes_again(&self) {
        self.0.refused.notified().await;
        let sender = lock(&self.0.dispatch).sender.clone();
        // One that has ended fetches what waits when it starts again.
        drop(sender.reserve().await);
    }
}

impl Way {
    fn worked(&mut self) {
        if let Some(count) = self.refused.worked() {
            tracing::info!(count, "The delivery task takes commands again");
        }
    }
}

/// An event of which the first half is done.
#[must_use = "what is not kept is lost at a restart"]
pub(super) enum Taken {
    /// On its way to dispatch.
    Sent(Alert),
    /// Not told; for the journal only.
    Noted(Event),
}

/// Draws the id of a new alert.
pub(super) fn draw_id() -> AlertId {
    let mut bytes = [0; 16];
    // The kernel's source is ready long before a daemon starts; without it ids would repeat, so it must not go on.
    getrandom::getrandom(&mut bytes).expect("the kernel gives random bytes");
    AlertId::from_entropy(u128::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::clock::{Clock, ClockSource};
    use crate::store::Settings;

    fn outbox() -> (Outbox, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { path: folder.path().to_owned(), ..Settings::default() };
        let (store, _) = Store::start(settings, Clock::new(ClockSource::Rtc));
        let (actions, _) = Actions::new(Vec::new());
        (Outbox::new(store, Language::En, actions, None).0, folder)
    }

    #[tokio::test]
    async fn what_the_delivery_task_does_not_take_is_asked_for_once_it_takes_something_again() {
        let (outbox, _folder) = outbox();
        let mut commands = outbox.connect();
        let filled = (0..=COMMANDS_MAX).take_while(|_| outbox.send(Command::Drain)).count();
        assert_eq!(filled, COMMANDS_MAX);
        assert!(!outbox.send(Command::Drain));
        let (mut again, mut late) = (Box::pin(outbox.takes_again()), Box::pin(outbox.hand_over(|| Command::Drain)));
        for waits in [&mut again as &mut (dyn Future<Output = ()> + Unpin), &mut late] {
            assert!(timeout(Duration::ZERO, waits).await.is_err(), "it takes nothing");
        }
        for _ in 0..2 {
            commands.recv().await.unwrap();
        }
        tokio::join!(again, late);
        let waiting = std::iter::from_fn(|| commands.try_recv().ok()).count();
        assert_eq!(waiting, COMMANDS_MAX - 1, "what was handed over late is among them");
    }

    #[tokio::test]
    async fn a_delivery_task_that_has_ended_holds_nobody() {
        let (outbox, _folder) = outbox();
        drop(outbox.connect());
        assert!(!outbox.send(Command::Drain));
        outbox.hand_over(|| unreachable!("nobody takes it")).await;
        outbox.takes_again().await;
    }
}
