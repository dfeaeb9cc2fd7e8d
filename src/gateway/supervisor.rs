//! Keeps the tasks alive: one that panics is reported and started again, and takes no other along.
//!
//! Also answers the watchdog: each task echoes a beat within an interval, or is taken for hung.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tracing::Instrument;

use crate::clock;
use crate::model::Moment;

/// The shortest wait before a failed task starts again; each failure in a row doubles it …
const RESTART_WAIT_MIN: Duration = Duration::from_millis(100);

/// … up to this.
const RESTART_WAIT_MAX: Duration = Duration::from_secs(30);

/// A task that has run this long has recovered: its next failure is a first one.
const RECOVERED_AFTER: Duration = Duration::from_secs(600);

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;
type Make = Box<dyn FnMut(Beat) -> Work + Send>;

/// A task's side of the watchdog: [`Beat::next`] wakes it, and so tells that it is not hung.
#[derive(Debug, Clone)]
pub(super) struct Beat {
    asked: watch::Receiver<u64>,
    answered: Arc<AtomicU64>,
}

impl Beat {
    /// Waits for the supervisor's next question and answers it. Never ends otherwise; may be dropped at any time.
    pub(super) async fn next(&mut self) {
        if self.asked.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        let asked = *self.asked.borrow_and_update();
        self.answered.store(asked, Ordering::Relaxed);
    }
}

/// What the supervisor has to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A task failed and will be started again.
    Failed {
        /// The task's name.
        task: String,
    },
    /// A task ended of itself: it is done.
    Ended,
}

struct Task {
    name: String,
    span: tracing::Span,
    make: Make,
    /// Its last answer, where it is asked; such a task ends by itself when the program does.
    beat: Option<Arc<AtomicU64>>,
    abort: Option<AbortHandle>,
    failures: u32,
    /// When it started, or will start again.
    started: Moment,
}

impl Task {
    fn new(name: &str, span: tracing::Span, make: Make, beat: Option<Arc<AtomicU64>>) -> Self {
        Self { name: name.to_owned(), span, make, beat, abort: None, failures: 0, started: clock::moment() }
    }
}

/// Owns the tasks.
pub(super) struct Supervisor {
    running: JoinSet<()>,
    tasks: BTreeMap<Id, Task>,
    ask: watch::Sender<u64>,
}

impl Supervisor {
    pub(super) fn new() -> Self {
        Self { running: JoinSet::new(), tasks: BTreeMap::new(), ask: watch::Sender::new(0) }
    }

    /// Starts a task, and again whenever it panics. It must answer its beat, and end by itself when the program does.
    pub(super) fn watch<W>(&mut self, name: &str, span: tracing::Span, mut make: impl FnMut(Beat) -> W + Send + 'static)
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let make: Make = Box::new(move |beat| Box::pin(make(beat)));
        let answered = Arc::new(AtomicU64::new(*self.ask.borrow()));
        self.start(Task::new(name, span, make, Some(answered)), Duration::ZERO);
    }

    /// Starts a task, and again whenever it panics. It answers no beat, and is dropped when the program ends.
    pub(super) fn keep<W>(&mut self, name: &str, span: tracing::Span, mut make: impl FnMut() -> W + Send + 'static)
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let make: Make = Box::new(move |_| Box::pin(make()));
        self.start(Task::new(name, span, make, None), Duration::ZERO);
    }

    fn start(&mut self, mut task: Task, wait: Duration) {
        let (answered, asked) = (task.beat.clone().unwrap_or_default(), self.ask.subscribe());
        let work = (task.make)(Beat { asked: asked.clone(), answered: Arc::clone(&answered) });
        let handle = self.running.spawn(
            async move {
                tokio::time::sleep(wait).await;
                answered.store(*asked.borrow(), Ordering::Relaxed);
                work.await;
            }
            .instrument(task.span.clone()),
        );
        let id = handle.id();
        task.abort = Some(handle);
        self.tasks.insert(id, task);
    }

    /// Waits until a task ends, and starts it again if it failed. Never ends while there is no task.
    pub(super) async fn next(&mut self) -> Verdict {
        match self.running.join_next_with_id().await {
            None => std::future::pending().await,
            Some(Ok((id, ()))) => {
                self.tasks.remove(&id);
                Verdict::Ended
            }
            Some(Err(error)) => self.restart(&error),
        }
    }

    fn restart(&mut self, error: &JoinError) -> Verdict {
        let Some(mut task) = self.tasks.remove(&error.id()) else { return Verdict::Ended };
        if error.is_cancelled() {
            return Verdict::Ended;
        }
        let now = clock::moment();
        task.failures = if now.since(task.started) >= RECOVERED_AFTER { 0 } else { task.failures.saturating_add(1) };
        let wait = RESTART_WAIT_MIN.saturating_mul(2_u32.saturating_pow(task.failures.min(16))).min(RESTART_WAIT_MAX);
        task.started = now + wait;
        let verdict = Verdict::Failed { task: task.name.clone() };
        // What it said when it panicked may hold what a mat said; where that was has been logged.
        tracing::error!(
            task = task.name,
            panicked = error.is_panic(),
            retry_in_s = wait.as_secs_f64(),
            "A task failed and is started again"
        );
        self.start(task, wait);
        verdict
    }

    /// Drops a task that does not end by itself.
    pub(super) fn drop_task(&mut self, name: &str) {
        self.tasks.retain(|_, task| {
            let other = task.name != name;
            if !other {
                task.abort.iter().for_each(AbortHandle::abort);
            }
            other
        });
    }

    /// Waits until a task that was told to end has ended, at most `grace`; then it is dropped. Returns what befell
    /// others meanwhile.
    pub(super) async fn ended(&mut self, name: &str, grace: Duration) -> Vec<Verdict> {
        let mut others = Vec::new();
        let waiting = async {
            while self.tasks.values().any(|task| task.name == name) {
                let verdict = self.next().await;
                others.extend((verdict != Verdict::Ended).then_some(verdict));
            }
        };
        if tokio::time::timeout(grace, waiting).await.is_err() {
            tracing::warn!(task = name, "A task did not end in time and was dropped");
            self.drop_task(name);
        }
        others
    }

    /// Asks every task for a beat; returns the names of those that have not answered the last question. One that waits
    /// to be started again is not asked: it must not look hung, or the watchdog would take the others along.
    pub(super) fn ask(&mut self) -> Vec<String> {
        let (asked, now) = (*self.ask.borrow(), clock::moment());
        let silent = |task: &Task| task.beat.as_ref().is_some_and(|beat| beat.load(Ordering::Relaxed) < asked);
        let late = |task: &&Task| task.started <= now && silent(task);
        let hung = self.tasks.values().filter(late).map(|task| task.name.clone()).collect();
        self.ask.send_modify(|asked| *asked += 1);
        hung
    }

    /// Drops the tasks that do not end by themselves, and waits for the others, at most `grace`. True where all ended.
    pub(super) async fn finish(&mut self, grace: Duration) -> bool {
        let dropped = self.tasks.values().filter(|task| task.beat.is_none());
        dropped.filter_map(|task| task.abort.as_ref()).for_each(AbortHandle::abort);
        let all = async { while self.running.join_next().await.is_some() {} };
        let done = tokio::time::timeout(grace, all).await.is_ok();
        self.running.shutdown().await;
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_is_started_again_and_takes_no_other_along() {
        let mut supervisor = Supervisor::new();
        let runs = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&runs);
        supervisor.keep("steady", tracing::Span::none(), std::future::pending::<()>);
        supervisor.keep("shaky", tracing::Span::none(), move || {
            let run = counted.fetch_add(1, Ordering::Relaxed);
            async move {
                assert!(run >= 2, "not yet");
            }
        });
        for _ in 0..2 {
            assert!(matches!(supervisor.next().await, Verdict::Failed { task, .. } if task == "shaky"));
        }
        assert_eq!(supervisor.next().await, Verdict::Ended);
        assert_eq!((runs.load(Ordering::Relaxed), supervisor.tasks.len()), (3, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_is_told_to_end_is_waited_for_and_dropped_when_it_does_not() {
        let mut supervisor = Supervisor::new();
        supervisor.watch("obeys", tracing::Span::none(), |_beat| tokio::time::sleep(Duration::from_secs(1)));
        supervisor.watch("stays", tracing::Span::none(), |_beat| std::future::pending());
        supervisor.keep("kept", tracing::Span::none(), std::future::pending::<()>);
        assert_eq!(supervisor.ended("obeys", Duration::from_secs(5)).await, []);
        assert_eq!(supervisor.ended("stays", Duration::from_secs(5)).await, []);
        assert_eq!(supervisor.tasks.len(), 1);
        supervisor.drop_task("kept");
        assert_eq!((supervisor.tasks.len(), supervisor.ask().len()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_answer_is_named() {
        let mut supervisor = Supervisor::new();
        supervisor.watch("alive", tracing::Span::none(), |mut beat| async move {
            loop {
                beat.next().await;
            }
        });
        supervisor.watch("hung", tracing::Span::none(), |_beat| std::future::pending());
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(supervisor.ask(), [""; 0], "nothing was asked yet");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(supervisor.ask(), ["hung"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_waits_to_be_started_again_is_not_taken_for_hung() {
        let mut supervisor = Supervisor::new();
        supervisor.watch("shaky", tracing::Span::none(), |_beat| async { panic!("always") });
        for _ in 0..3 {
            assert!(matches!(supervisor.next().await, Verdict::Failed { .. }));
            supervisor.ask();
            assert_eq!(supervisor.ask(), [""; 0]);
        }
    }
}
