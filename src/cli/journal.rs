//! The journal for commands: from the running daemon, or from the store where none runs.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::stored::{as_owner, settings};
use super::wire::{Wire, failure, zone};
use super::words::say;
use super::{Failure, block_on};
use crate::clock::{Clock, ClockSource};
use crate::config::{self, Config, Looks, accepted};
use crate::control::{Answer, Client, ClientError, Request};
use crate::model::{BedId, Entry};
use crate::store::{self, NotVisited, Visit, erase};

/// The most entries that are read; what a home tells in the longest time that is kept.
const ENTRIES_MAX: usize = 400_000;

/// Where the journal is read.
pub(super) struct Journal {
    from: From,
    /// The home's time zone.
    pub(super) zone: TimeZone,
}

enum From {
    Daemon(Client),
    Store(store::Settings),
}

/// Which entries are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted {
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) bed: Option<BedId>,
}

impl Journal {
    /// Finds the daemon, or the store that it left.
    pub(super) fn find(wire: &Wire) -> Result<Self, Failure> {
        match wire.try_connect()?.and_then(of_daemon) {
            Ok(journal) => Ok(journal),
            Err(ClientError::NotRunning { .. }) => of_store(wire),
            Err(error) => Err(failure(&error)),
        }
    }

    /// Reads what is wanted, in the order in which it happened.
    pub(super) fn read(self, wanted: Wanted) -> Result<Vec<Entry>, Failure> {
        let latest = match self.from {
            From::Daemon(daemon) => ask(daemon, wanted)?,
            From::Store(settings) => block_on(visit(settings, wanted))??,
        };
        if latest.left_out > 0 {
            say(&latest.words());
        }
        Ok(once(latest.sorted()))
    }
}

/// What waits, the latest of the rest, oldest first, and how many older ones there was no room for.
struct Latest {
    waiting: Vec<Entry>,
    done: VecDeque<Entry>,
    most: usize,
    left_out: usize,
}

impl Latest {
    fn new(most: usize) -> Self {
        Self { waiting: Vec::new(), done: VecDeque::new(), most, left_out: 0 }
    }

    /// Takes one; they come oldest first. Of what waits, which has a bound of its own, none is let go for what is done.
    fn take(&mut self, entry: Entry) {
        let waits = entry.id.is_some() && entry.accepted.is_none();
        let is_full = self.waiting.len() + self.done.len() >= self.most;
        if is_full {
            self.left_out += 1;
            drop(self.done.pop_front());
        }
        if !waits {
            self.done.push_back(entry);
        } else if self.waiting.len() < self.most {
            self.waiting.push(entry);
        }
    }

    /// Returns them in the order in which they happened.
    fn sorted(self) -> Vec<Entry> {
        let mut entries = self.waiting;
        entries.extend(self.done);
        entries.sort_by_key(|entry| (entry.event.time, entry.event.decided));
        entries
    }

    fn words(&self) -> String {
        format!(
            "{} older entries are not shown: {} are read at most. Narrow it with --since, --until or --bed of `nattvakt \
             log`.\n",
            self.left_out, self.most
        )
    }
}

fn of_daemon(mut daemon: Client) -> Result<Journal, ClientError> {
    let answer = daemon.ask_once(&Request::Status {})?;
    let Answer::Status(status) = answer else { return Err(ClientError::unexpected(&answer)) };
    Ok(Journal { from: From::Daemon(daemon), zone: zone(&status.time_zone) })
}

fn of_store(wire: &Wire) -> Result<Journal, Failure> {
    let config: Option<Config> = config::load(wire.file(), Looks::Elsewhere).ok().map(|sound| sound.config);
    let settings = config.as_ref().map_or(settings(Some(wire.store()?)), |config| config.store.clone());
    let zone = config.or_else(|| last_accepted(&settings.path)).map(|config| config.gateway.zone);
    let zone = zone.unwrap_or_else(|| {
        say("The configuration cannot be read: times are UTC.\n");
        TimeZone::UTC
    });
    as_owner(&settings.path)?;
    if erase::is_there(&settings.path) {
        return Ok(Journal { from: From::Store(settings), zone });
    }
    Err(Failure::failed(format!(
        "nattvakt is not running, and there is no journal in {}: name the daemon's configuration with --config",
        settings.path.display()
    )))
}

/// The configuration by which the daemon of this store went last, where the file is broken by now.
pub(super) fn last_accepted(store: &Path) -> Option<Config> {
    let folders = accepted::folders(std::env::var_os("STATE_DIRECTORY").as_deref(), store);
    let text = folders.iter().find_map(|folder| accepted::recall(folder).ok().flatten())?;
    config::parse(&text, "the last accepted configuration", Looks::Elsewhere).ok().map(|sound| sound.config)
}

fn ask(mut daemon: Client, Wanted { since, until, bed }: Wanted) -> Result<Latest, Failure> {
    let told = |error: ClientError| failure(&error);
    daemon.ask(&Request::Journal { since, until, bed }).map_err(told)?;
    let mut latest = Latest::new(ENTRIES_MAX);
    loop {
        let answer = daemon.answer().map_err(told)?;
        if matches!(answer, Answer::End {}) {
            return Ok(latest);
        }
        let Answer::Entry(entry) = answer else { return Err(told(ClientError::unexpected(&answer))) };
        latest.take(*entry);
    }
}

async fn visit(settings: store::Settings, wanted: Wanted) -> Result<Latest, Failure> {
    let told = |why: NotVisited| match why {
        NotVisited::InUse(_) => Failure::failed(format!("{why}: name its socket with --socket")),
        NotVisited::Failed(_) => Failure::failed(format!("the journal cannot be read: {why}")),
    };
    let visit = Visit::begin(settings, Clock::new(ClockSource::default())).await.map_err(told)?;
    let mut latest = Latest::new(ENTRIES_MAX);
    let mut take = |entry: Entry| {
        if wanted.holds(&entry) {
            latest.take(entry);
        }
    };
    let waiting = visit.waiting(|alert| take(Entry::waiting(alert))).await;
    let read = match waiting {
        Ok(()) => visit.journal(&mut take).await,
        failed => failed,
    };
    read.and(visit.end().await).map_err(told)?;
    Ok(latest)
}

impl Wanted {
    fn holds(&self, entry: &Entry) -> bool {
        entry.is_of(self.bed.as_ref(), self.since, self.until)
    }
}

/// Leaves out what was read as waiting and is delivered by now, and what was written down twice because the power went.
fn once(entries: Vec<Entry>) -> Vec<Entry> {
    let accepted: BTreeSet<_> = entries.iter().filter(|entry| entry.accepted.is_some()).filter_map(|e| e.id).collect();
    let mut seen = BTreeSet::new();
    let is_first = |entry: &Entry| match entry.id {
        Some(id) if entry.accepted.is_none() && accepted.contains(&id) => false,
        Some(id) => seen.insert(id),
        None => true,
    };
    let mut is_first = is_first;
    entries.into_iter().filter(|entry| is_first(entry)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AlertId, Event, Kind, Now};

    #[test]
    fn of_too_many_the_latest_are_kept_and_what_waits() {
        let mut latest = Latest::new(3);
        let entry = |second: u8| {
            let now = Now::recorded(format!("2026-01-15T23:00:0{second}Z").parse().unwrap());
            Entry::of_event(Event::of_gateway(Kind::Test, &now), None)
        };
        latest.take(Entry { id: Some(AlertId::from_entropy(1)), ..entry(0) });
        (1..6).for_each(|second| latest.take(entry(second)));
        assert!(latest.words().starts_with("3 older entries are not shown: 3 are read at most."), "{}", latest.words());
        let kept: Vec<_> = latest.sorted().iter().map(|kept| kept.event.time.to_string()).collect();
        assert_eq!(kept, ["2026-01-15T23:00:00Z", "2026-01-15T23:00:04Z", "2026-01-15T23:00:05Z"]);
    }
}
