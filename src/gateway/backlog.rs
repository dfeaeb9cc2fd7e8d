//! The backlog: what waits in the store goes to delivery, whenever that can hold it.
//!
//! Never holds up what is raised meanwhile, and never lets a disk that hangs keep what it has already given.

use std::time::Duration;

use tokio::sync::watch::error::RecvError;
use tokio::sync::{mpsc, watch};

use super::outbox::Outbox;
use crate::dispatch::Command;
use crate::dispatch::queue::HELD_MAX;
use crate::model::Alert;
use crate::store::{self, NotKept};

/// Alerts fetched from the store at a time.
const PAGE: usize = 256;

/// How long the disk may take for a further page of the backlog …
const PAGE_WITHIN: Duration = Duration::from_secs(10);

/// … and when it is read again where it did not give all.
const FETCH_AGAIN: Duration = Duration::from_secs(10);

/// Hands to delivery what waits in the store, in order: at the start, whenever there is room again, when it takes alerts
/// again after it took none, and when alerts have come to light in a damaged store.
pub(super) async fn fetch_backlog(outbox: Outbox, mut room: mpsc::Receiver<()>) {
    let mut health = outbox.store().health();
    let mut salvaged = health.borrow().salvaged;
    loop {
        let whole = fetch(&outbox).await;
        tokio::select! {
            // Nothing of what was not read is known to delivery: it would not ask again.
            () = tokio::time::sleep(FETCH_AGAIN), if !whole => {}
            asked = room.recv() => if asked.is_none() {
                return std::future::pending().await;
            },
            () = outbox.takes_again() => {}
            Ok(now) = more_salvaged(&mut health, salvaged) => salvaged = now,
        }
    }
}

async fn more_salvaged(health: &mut watch::Receiver<store::Health>, than: u64) -> Result<u64, RecvError> {
    health.wait_for(|health| health.salvaged > than).await.map(|health| health.salvaged)
}

/// Fetches as much as delivery can hold; what it has already it passes over. Handed over in one piece: an alarm must not
/// go out as one where its end is among the last. Nothing more in the store is said by an empty piece.
/// A store that is not open answers when it is; but what has been read does not wait for a disk that hangs after that.
/// Tells whether all was read that was asked for.
async fn fetch(outbox: &Outbox) -> bool {
    let mut fetched: Vec<Alert> = Vec::new();
    let (all, whole) = loop {
        if fetched.len() > HELD_MAX {
            break (false, true);
        }
        let page = outbox.store().backlog(fetched.last().map(|alert| alert.sequence), PAGE);
        let page = if fetched.is_empty() { Ok(page.await) } else { tokio::time::timeout(PAGE_WITHIN, page).await };
        match page {
            Ok(Ok(page)) if page.is_empty() => break (true, true),
            Ok(Ok(page)) => fetched.extend(page),
            Ok(Err(NotKept::Closed)) => break (false, true),
            Ok(Err(_)) | Err(_) => break (false, false),
        }
    };
    if !fetched.is_empty() {
        outbox.hand_over(|| Command::Recovered(fetched)).await;
    }
    if all {
        outbox.hand_over(|| Command::Recovered(Vec::new())).await;
    }
    whole
}
