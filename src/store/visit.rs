//! Opens a store that no daemon uses, as the daemon does, and hands out what it holds. For commands.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::timeout;

use super::folder::Folder;
use super::trouble::Trouble;
use super::{Condition, Settings, Store};
use crate::clock::Clock;
use crate::model::{Alert, Entry, Sequence};

/// The key under which is left what had to be mended at the opening: the next daemon tells dispatch.
pub(super) const VISIT_KEY: &str = "mended-in-a-visit";

/// Entries read at a time.
pub(super) const PAGE: usize = 256;

/// How long a store may take to open and to say what it holds: it may have to be read twice, and salvaged.
const WITHIN: Duration = Duration::from_secs(300);

/// Why a store could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotVisited {
    /// The daemon holds the lock.
    #[error("{} is in use, so the watch runs", .0.display())]
    InUse(PathBuf),
    /// The disk, or what lies on it.
    #[error("{0}")]
    Failed(String),
}

/// A store that was opened for a look.
pub struct Visit(Store);

impl Visit {
    /// Opens the store.
    ///
    /// # Errors
    ///
    /// Fails where a daemon runs, and where the store cannot be used now.
    pub async fn begin(settings: Settings, clock: Clock) -> Result<Self, NotVisited> {
        let path = settings.path.clone();
        drop(Folder::take(&path).map_err(of_trouble)?);
        let (store, recovered) = Store::start(settings, clock);
        let opened = async {
            tokio::select! {
                recovered = recovered => recovered.map(drop).map_err(|_| "the store has ended".to_owned()),
                words = until_faulty(&store) => Err(words),
            }
        };
        let opened = timeout(WITHIN, opened).await;
        opened.unwrap_or_else(|_| Err(format!("{} does not answer", path.display()))).map_err(NotVisited::Failed)?;
        Ok(Self(store))
    }

    /// Hands on every alert that waits, in order of sequence.
    ///
    /// # Errors
    ///
    /// Fails where the disk does.
    pub async fn waiting(&self, mut hand_on: impl FnMut(Alert)) -> Result<(), NotVisited> {
        let mut last: Option<Sequence> = None;
        loop {
            let page = timeout(WITHIN, self.0.backlog(last, PAGE)).await.map_err(|_| slow())?;
            let page = page.map_err(failed)?;
            let Some(alert) = page.last() else { return Ok(()) };
            last = Some(alert.sequence);
            page.into_iter().for_each(&mut hand_on);
        }
    }

    /// Hands on the journal, oldest first.
    ///
    /// # Errors
    ///
    /// Fails where the disk does.
    pub async fn journal(&self, mut hand_on: impl FnMut(Entry)) -> Result<(), NotVisited> {
        let mut last = None;
        loop {
            let page = timeout(WITHIN, self.0.entries(last, PAGE)).await.map_err(|_| slow())?;
            let page = page.map_err(failed)?;
            let Some(number) = page.last else { return Ok(()) };
            last = Some(number);
            page.entries.into_iter().for_each(&mut hand_on);
        }
    }

    /// Closes the store. What had to be mended is left for the next daemon to tell.
    ///
    /// # Errors
    ///
    /// Fails where something did not reach the disk.
    pub async fn end(self) -> Result<(), NotVisited> {
        let notes = self.0.health().borrow().notes.clone();
        if !notes.is_empty() {
            let notes = serde_json::to_vec(&notes).map_err(failed)?;
            timeout(WITHIN, self.0.keep(VISIT_KEY, notes)).await.map_err(|_| slow())?.map_err(failed)?;
        }
        self.0.close(WITHIN).await.map_err(failed)
    }
}

fn of_trouble(trouble: Trouble) -> NotVisited {
    if let Trouble::Taken(path) = trouble { NotVisited::InUse(path) } else { failed(trouble) }
}

fn failed(error: impl std::fmt::Display) -> NotVisited {
    NotVisited::Failed(error.to_string())
}

fn slow() -> NotVisited {
    failed("the disk does not answer")
}

async fn until_faulty(store: &Store) -> String {
    let mut health = store.health();
    loop {
        if let Condition::Faulty(words) = &health.borrow_and_update().condition {
            return words.clone();
        }
        if health.changed().await.is_err() {
            return "the store has ended".to_owned();
        }
    }
}
