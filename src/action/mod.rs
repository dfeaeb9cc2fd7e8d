//! What the gateway does by itself, beside telling dispatch: a night light that goes on when she sits up, a buzzer when
//! nobody can be told.
//!
//! Bounded in time and number, and never in the way of an alert: whoever says that something has happened hands it over
//! and goes on. An action that cannot be carried out now is let go, counted and logged; it is never made up for, for a
//! light that goes on an hour later helps nobody. No alert depends on any of this.

mod command;
mod settings;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::field::display;
use tracing::{debug, info, warn};

pub use settings::{Settings, Trigger, Way};

use crate::clock;
use crate::model::{BedId, Moment};

/// The most actions that wait to be carried out; beyond it new ones are let go.
const WAITING_MAX: usize = 16;

/// The most commands that run at a time; beyond it new ones are let go.
const RUNNING_MAX: usize = 4;

/// An action that has waited for so long is let go.
const WAITED_MAX: Duration = Duration::from_secs(10);

/// The longest that a command may run; then it and all that it started are killed.
pub const COMMAND_MAX: Duration = Duration::from_secs(10);

/// Publishes a payload on a topic; never blocks.
pub type Publish = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// Takes note of what happens. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Actions(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Mutex<Arc<[Settings]>>,
    jobs: mpsc::Sender<Job>,
    dropped: Mutex<u64>,
}

/// One action to be carried out.
#[derive(Debug, Clone)]
pub struct Job {
    way: Way,
    trigger: Trigger,
    bed: Option<BedId>,
    at: Moment,
}

impl Actions {
    /// Makes the one that takes note, and what [`run`] carries out.
    #[must_use]
    pub fn new(settings: Vec<Settings>) -> (Self, mpsc::Receiver<Job>) {
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        let inner = Inner { settings: Mutex::new(settings.into()), jobs, dropped: Mutex::default() };
        (Self(Arc::new(inner)), waiting)
    }

    /// Goes by other settings from now on.
    pub fn configure(&self, settings: Vec<Settings>) {
        *lock(&self.0.settings) = settings.into();
    }

    /// Something has happened, at a bed or at the gateway itself. Never waits.
    pub fn happened(&self, trigger: Trigger, bed: Option<BedId>) {
        let settings = Arc::clone(&lock(&self.0.settings));
        for action in settings.iter().filter(|action| action.is_for(trigger, bed)) {
            let job = Job { way: action.way.clone(), trigger, bed, at: clock::moment() };
            let mut dropped = lock(&self.0.dropped);
            if self.0.jobs.try_send(job).is_err() {
                *dropped += 1;
                if *dropped == 1 {
                    let (trigger, bed) = (trigger.as_str(), bed.map(display));
                    warn!(trigger, bed.id = bed, "Actions are let go: too many wait, this one first");
                }
            } else if std::mem::take(&mut *dropped) > 0 {
                info!("Actions are carried out again");
            }
        }
    }
}

/// Carries out actions for as long as there is anybody who takes note.
pub async fn run(waiting: &mut mpsc::Receiver<Job>, publish: Publish) {
    let mut running: JoinSet<(Vec<String>, Result<(), String>)> = JoinSet::new();
    let mut failing: BTreeMap<Vec<String>, u64> = BTreeMap::new();
    loop {
        tokio::select! {
            job = waiting.recv() => match job {
                Some(job) => carry_out(job, &publish, &mut running),
                None => return,
            },
            Some(Ok((command, ended))) = running.join_next() => note(command, ended, &mut failing),
        }
    }
}

fn carry_out(job: Job, publish: &Publish, running: &mut JoinSet<(Vec<String>, Result<(), String>)>) {
    let Job { way, trigger, bed, at } = job;
    let (word, place) = (trigger.as_str(), bed.map(display));
    if clock::moment().since(at) > WAITED_MAX {
        warn!(
            trigger = word,
            bed.id = place,
            "An action was let go: it had waited for too long; is the machine overloaded?"
        );
        return;
    }
    debug!(trigger = word, bed.id = place, "Action");
    match way {
        Way::Mqtt { topic, payload } => publish(&topic, &payload),
        Way::Command(command) if running.len() >= RUNNING_MAX => {
            let program = command.first();
            warn!(
                program,
                trigger = word,
                bed.id = place,
                "A command was not run: too many are running; do they hang?"
            );
        }
        Way::Command(command) => {
            running.spawn(async move {
                let ended = command::run(command.clone(), trigger, bed, COMMAND_MAX).await;
                (command, ended)
            });
        }
    }
}

/// Logs a command that fails when it begins to, and when it works again.
fn note(command: Vec<String>, ended: Result<(), String>, failing: &mut BTreeMap<Vec<String>, u64>) {
    let program = command.first().cloned().unwrap_or_default();
    match ended {
        Ok(()) => {
            if let Some(count) = failing.remove(&command) {
                info!(program, count, "The command of an action works again");
            }
        }
        Err(error) => {
            let count = failing.entry(command).or_insert(0);
            *count += 1;
            if *count == 1 {
                warn!(program, error, "The command of an action has failed; try it by hand as the user of the service");
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn light(bed: Option<&str>) -> Settings {
        let way = Way::Mqtt { topic: "lamps/1".to_owned(), payload: "ON".to_owned() };
        Settings { on: vec![Trigger::Edge, Trigger::Rise], bed: bed.map(|bed| bed.parse().unwrap()), way }
    }

    #[tokio::test]
    async fn what_happens_is_published_for_the_bed_it_is_for() {
        let (actions, mut waiting) = Actions::new(vec![light(Some("bed-1"))]);
        let bed = |bed: &str| bed.parse().ok();
        actions.happened(Trigger::Edge, bed("bed-2"));
        actions.happened(Trigger::Return, bed("bed-1"));
        actions.happened(Trigger::Rise, bed("bed-1"));
        actions.configure(Vec::new());
        actions.happened(Trigger::Edge, bed("bed-1"));
        drop(actions);
        let published = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&published);
        let publish: Publish = Arc::new(move |topic, payload| lock(&noted).push(format!("{topic} {payload}")));
        run(&mut waiting, publish).await;
        assert_eq!(*lock(&published), ["lamps/1 ON"]);
    }

    #[tokio::test]
    async fn whoever_takes_note_never_waits_and_too_many_are_let_go() {
        let (actions, mut waiting) = Actions::new(vec![light(None)]);
        for _ in 0..1000 {
            actions.happened(Trigger::Edge, None);
        }
        let mut count = 0;
        while waiting.try_recv().is_ok() {
            count += 1;
        }
        assert_eq!(count, WAITING_MAX);
        assert_eq!(*lock(&actions.0.dropped), 1000 - u64::try_from(WAITING_MAX).unwrap());
    }
}
