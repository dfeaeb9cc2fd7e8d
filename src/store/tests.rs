//! The store on the real engine, in folders of its own: what a restart finds, whatever happened before.

mod away;
mod backlog;
pub(super) mod by_hand;
mod crashes;
mod damage;
mod erase;
#[path = "../../tests/support/ext4.rs"]
mod ext4;
mod limits;
mod model;
#[path = "../../tests/support/not_tried.rs"]
#[expect(clippy::print_stderr, reason = "who reads the test's output must know what was not tried")]
mod not_tried;
mod numbers;
mod power;
mod restarts;
mod salvage;
mod wrecks;

use std::path::Path;
use std::time::Duration;

use super::ledger::Ledger;
use super::*;
use crate::clock::ClockSource;
use crate::model::{Kind, Now, Priority};

/// Not a test of its own: what `child.rs` starts in place of the program's own command.
#[test]
fn reads_a_store_as_a_child() {
    let Some(folder) = std::env::var_os("NATTVAKT_READ_STORE") else { return };
    let wanted = std::env::var("NATTVAKT_READ_WANTED").unwrap();
    let wanted = if wanted == "Proof" { Wanted::Proof } else { Wanted::Entries };
    let seconds = std::env::var("NATTVAKT_READ_SECONDS").unwrap().parse().unwrap();
    read(Path::new(&folder), wanted, seconds, &mut std::io::stdout()).unwrap();
}

/// What no test waits longer for.
const LIMIT: Duration = Duration::from_secs(60);

fn start(path: &Path) -> (Store, oneshot::Receiver<Recovered>) {
    let settings = Settings { path: path.to_owned(), ..Settings::default() };
    Store::start(settings, Clock::new(ClockSource::Rtc))
}

async fn open(path: &Path) -> (Store, Recovered) {
    let (store, recovered) = start(path);
    let recovered = within(recovered).await.unwrap();
    (store, recovered)
}

/// Opens what the store's owner works with.
fn open_ledger(path: &Path) -> Ledger {
    open_ledger_with(path, &Arc::new(Numbers::by_clock(now().utc)))
}

fn open_ledger_with(path: &Path, numbers: &Arc<Numbers>) -> Ledger {
    let settings = Settings { path: path.to_owned(), ..Settings::default() };
    opening::open(&settings, now().utc, opening::Before::default(), numbers).unwrap().ledger
}

fn keep(ledger: &mut Ledger, alert: &Alert) {
    let (reply, _receipt) = Answer::pair();
    let record = Record::of_json(alert).unwrap();
    let held = Held { sequence: alert.sequence, priority: alert.priority, record, state: None, reply };
    ledger.keep(&[waiting::Write::Alert(held)], &[]).unwrap();
}

async fn close(store: Store) {
    store.close(LIMIT).await.unwrap();
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.expect("the store did not answer")
}

/// Waits until health is as wished for.
async fn until(store: &Store, wished: impl FnMut(&Health) -> bool) -> Health {
    let mut health = store.health();
    within(health.wait_for(wished)).await.unwrap().clone()
}

async fn until_faulty(store: &Store) -> String {
    match until(store, |health| matches!(health.condition, Condition::Faulty(_))).await.condition {
        Condition::Faulty(words) => words,
        Condition::Opening | Condition::Sound => unreachable!("waited for a fault"),
    }
}

fn now() -> Now {
    Now::recorded("2026-12-24T23:12:05Z".parse().unwrap())
}

fn alert(sequence: u64) -> Alert {
    Alert {
        id: AlertId::from_entropy(u128::from(sequence)),
        sequence: Sequence(sequence),
        event: Event { bed: "bed-1".parse().ok(), ..Event::of_gateway(Kind::Rise, &now()) },
        priority: Priority::Alarm,
        text: "Har lämnat sängen".to_owned(),
        closes: Vec::new(),
    }
}

fn delivered(sequence: u64) -> Delivered {
    Delivered {
        id: AlertId::from_entropy(u128::from(sequence)),
        sequence: Sequence(sequence),
        event: alert(sequence).event,
        accepted: Acceptance { channel: "larmcentral".to_owned(), reference: Some("4711".to_owned()), at: now().utc },
    }
}

fn sequences(alerts: &[Alert]) -> Vec<u64> {
    alerts.iter().map(|alert| alert.sequence.0).collect()
}

/// Reads the whole backlog in pages.
async fn backlog(store: &Store, limit: usize) -> Vec<u64> {
    let mut found = Vec::new();
    loop {
        let page = within(store.backlog(found.last().copied().map(Sequence), limit)).await.unwrap();
        assert!(page.len() <= limit);
        if page.is_empty() {
            return found;
        }
        found.extend(sequences(&page));
    }
}
