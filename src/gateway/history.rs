//! The journal, for who has asked for it over the control socket, with the alerts that still wait behind it.
//!
//! Read page by page between what the store has to write: no alert waits for it.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Gateway;
use crate::control::{Answer, Reason};
use crate::model::{BedId, Entry};
use crate::store::{self, Store};

/// Entries that are read at a time.
const PAGE: usize = 64;

/// How long the disk may take for a page.
const PAGE_WITHIN: Duration = Duration::from_secs(10);

/// Which entries are wanted.
pub(super) struct Wanted {
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) bed: Option<BedId>,
}

impl Wanted {
    fn holds(&self, entry: &Entry) -> bool {
        entry.is_of(self.bed.as_ref(), self.since, self.until)
    }
}

impl Gateway {
    /// Tells what the journal has.
    pub(super) fn journal(&mut self, wanted: Wanted, answers: mpsc::Sender<Answer>) {
        let store = self.outbox.store().clone();
        self.errands.spawn(async move {
            let telling = Telling { store, wanted, answers };
            let end = match telling.all().await {
                Ok(()) => Answer::End {},
                Err(Broken::Store(words)) => Answer::refused(Reason::Failed, words),
                Err(Broken::Gone) => return,
            };
            drop(telling.answers.send(end).await);
        });
    }
}

struct Telling {
    store: Store,
    wanted: Wanted,
    answers: mpsc::Sender<Answer>,
}

/// Why the telling came to no end.
enum Broken {
    /// The disk gives nothing.
    Store(String),
    /// Nobody listens any more.
    Gone,
}

impl Telling {
    async fn all(&self) -> Result<(), Broken> {
        // What waits comes first: what is delivered meanwhile is then told twice, and never not at all.
        let mut last = None;
        loop {
            let alerts = page(self.store.backlog(last, PAGE)).await?;
            let Some(alert) = alerts.last() else { break };
            last = Some(alert.sequence);
            self.tell(alerts.into_iter().map(Entry::waiting)).await?;
        }
        let mut last = None;
        loop {
            let entries = page(self.store.entries(last, PAGE)).await?;
            if entries.last.is_none() {
                return Ok(());
            }
            last = entries.last;
            self.tell(entries.entries.into_iter()).await?;
        }
    }

    async fn tell(&self, entries: impl Iterator<Item = Entry>) -> Result<(), Broken> {
        for entry in entries.filter(|entry| self.wanted.holds(entry)) {
            self.answers.send(Answer::Entry(Box::new(entry))).await.map_err(|_| Broken::Gone)?;
        }
        Ok(())
    }
}

async fn page<T>(answer: store::Answer<T>) -> Result<T, Broken> {
    let silent = |_| Broken::Store("the store gives nothing now: see `nattvakt status`".to_owned());
    let page = timeout(PAGE_WITHIN, answer).await.map_err(silent)?;
    page.map_err(|error| Broken::Store(error.to_string()))
}
