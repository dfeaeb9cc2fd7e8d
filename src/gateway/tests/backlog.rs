//! An outage with more alerts than delivery holds in memory, over the real store: it takes deliveries out of what it hands
//! over only later, and all that waits goes out all the same.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::action::Actions;
use crate::clock::{Clock, ClockSource};
use crate::dispatch::queue::{HELD_MAX, Queue, Report};
use crate::dispatch::{Command, Delivery, Outcome};
use crate::gateway::backlog::fetch_backlog;
use crate::gateway::outbox::{Outbox, draw_id};
use crate::model::{Acceptance, Alert, Event, Kind, Language, Priority};
use crate::store::{Delivered, Settings, Store};

/// More than two full memories, and the room that is asked for at half of one.
const COUNT: usize = 2 * HELD_MAX;

/// Hands over to a queue whatever the store hands over, and lets everything be accepted at once.
async fn deliver(store: &Store, clock: &Clock, mut commands: mpsc::Receiver<Command>, room: mpsc::Sender<()>) {
    let mut queue = Queue::new(Delivery::default(), ["larmcentral"]);
    let mut sent = BTreeSet::new();
    while sent.len() < COUNT {
        let Some(Command::Recovered(alerts)) = commands.recv().await else { continue };
        let now = clock.now();
        queue.recovered(alerts, &now, now.moment);
        loop {
            while let Some(report) = queue.next_report() {
                if matches!(report, Report::Room { .. }) {
                    // Asked for already is asked for.
                    room.try_send(()).ok();
                }
                if let Report::Delivered { alert: id, sequence, event } = report {
                    let channel = "larmcentral".to_owned();
                    let accepted = Acceptance { channel, reference: None, at: now.utc };
                    store.delivered(Delivered { id, sequence, event: *event, accepted });
                }
            }
            let Some(attempt) = queue.next_attempt(now.moment) else { break };
            assert!(sent.insert(attempt.alert.sequence), "sent twice");
            queue.on_outcome(attempt.ticket, Outcome::Accepted { reference: None }, &now, 0);
            // The owner of the store runs beside this.
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn more_than_the_memory_holds_goes_out_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::new(ClockSource::Rtc);
    let settings = Settings { path: folder.path().to_owned(), ..Settings::default() };
    let (store, _recovered) = Store::start(settings, clock.clone());
    let event = Event::of_gateway(Kind::Test, &clock.now());
    let alert = |_| Alert {
        id: draw_id(),
        sequence: store.next_sequence(),
        event: event.clone(),
        priority: Priority::Info,
        text: String::new(),
        closes: Vec::new(),
    };
    let mut last = None;
    for alert in (0..COUNT).map(alert) {
        // The store lets go of information beyond what it holds in memory itself: it is given no more than it takes.
        last = Some(store.append(&alert, None));
        if alert.sequence.0 % 1_000 == 0 {
            last.take().unwrap().await.unwrap();
        }
    }
    if let Some(last) = last {
        last.await.unwrap();
    }
    let (actions, _jobs) = Actions::new(Vec::new());
    let (outbox, _owed) = Outbox::new(store.clone(), Language::Sv, actions, None);
    let commands = outbox.connect();
    let (room, rooms) = mpsc::channel(1);
    let delivered = async {
        tokio::select! {
            () = deliver(&store, &clock, commands, room) => {}
            () = fetch_backlog(outbox, rooms) => {}
        }
    };
    timeout(Duration::from_secs(120), delivered).await.expect("the rest waits for a restart");
}
