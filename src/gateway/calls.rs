//! What is asked over the control socket, and who answers it.
//!
//! Only asks and passes on: a bed, the delivery task and the store are asked by message and waited for with a bound, in a
//! task of its own, so that nothing here holds up the watch.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, broadcast, mpsc, watch};
use tokio::time::{Instant, timeout, timeout_at};

use super::bed::Wish;
use super::history::Wanted;
use super::outbox::Outbox;
use super::own::Own;
use super::proofs::Proofs;
use super::{Gateway, Started};
use crate::clock::{self, Clock};
use crate::control::status::{self, ChannelState, Phase, Power, Status, StoreState, TestDue};
use crate::control::{self, Answer, Call, Reason, Request};
use crate::detect::{PAUSE_MAX, Standing, ViewPhase};
use crate::dispatch::ChannelView;
use crate::model::health::ClockHealth;
use crate::model::proof::Calibrated;
use crate::model::{BedId, GatewayId, Health, MatHealth, Now, Watch};
use crate::store::{self, Condition};

/// How long a bed or the delivery task may take to say how it is.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// How long the start waits for the control socket: its folder may be on a disk that hangs.
const CONTROL_OPENS_WITHIN: Duration = Duration::from_secs(1);

/// Requests that wait for the gateway at most.
const CALLS_MAX: usize = 16;

impl Gateway {
    /// Starts the control socket, where there is to be one; what is asked comes out of the receiver. Waits a moment for
    /// it to be open: whoever asks once the service has started is answered.
    pub(super) async fn start_control(&mut self, path: Option<PathBuf>) -> mpsc::Receiver<Call> {
        let (calls, called) = mpsc::channel(CALLS_MAX);
        if let Some(path) = path {
            let opened = Arc::new(Notify::new());
            let setup = control::Setup { path, calls, opened: Arc::clone(&opened) };
            self.supervisor.keep("control", tracing::info_span!("control"), move || {
                let setup = setup.clone();
                async move { match control::run(setup).await {} }
            });
            // One that cannot be opened is logged there, and holds up nothing.
            drop(timeout(CONTROL_OPENS_WITHIN, opened.notified()).await);
        }
        called
    }

    /// Begins to answer.
    pub(super) fn answer(&mut self, call: Call) {
        let Call { request, answers } = call;
        match request {
            Request::Status {} => {
                let look = self.look();
                self.reply(answers, async move { Answer::Status(Box::new(look.status().await)) });
            }
            Request::Pause { bed, for_s, until_return } => {
                let answer = self.pause(bed, for_s, until_return);
                self.reply(answers, answer);
            }
            Request::Resume { bed } => {
                let answer = self.resume(bed);
                self.reply(answers, answer);
            }
            Request::Live { bed } => self.live(bed, answers),
            Request::TestAlert { bed, within_s } => self.test_alert(bed, within_s, answers),
            Request::Readings { bed } => self.readings(bed, answers),
            Request::Configuration {} => {
                let answer = Answer::Configuration { text: self.text.clone() };
                self.reply(answers, std::future::ready(answer));
            }
            Request::Journal { since, until, bed } => self.journal(Wanted { since, until, bed }, answers),
            Request::Proof { bed } => {
                let answer = self.proof(bed);
                self.reply(answers, std::future::ready(answer));
            }
            Request::Calibrated { bed, result } => {
                let answer = self.calibrated(bed, result);
                self.reply(answers, std::future::ready(answer));
            }
        }
    }

    /// Gives the one answer once it is known. Who asked may have gone.
    pub(super) fn reply(
        &mut self,
        answers: mpsc::Sender<Answer>,
        answer: impl Future<Output = Answer> + Send + 'static,
    ) {
        self.errands.spawn(async move { drop(answers.send(answer.await).await) });
    }

    /// Pauses a bed; dispatch is told by the bed itself.
    fn pause(&self, bed: BedId, for_s: u32, until_return: bool) -> impl Future<Output = Answer> + use<> {
        let (asked, mut answer) = mpsc::channel(1);
        let length = Duration::from_secs(for_s.into());
        let refusal = if length.is_zero() || length > PAUSE_MAX {
            Some(Answer::refused(Reason::Request, "a pause lasts from 1 s to 12 h"))
        } else {
            self.wish(bed, Wish::Pause { length, until_return, asked })
        };
        let (clock, time_zone) = (self.clock.clone(), self.time_zone());
        async move {
            if let Some(refusal) = refusal {
                return refusal;
            }
            match timeout(ANSWERS_WITHIN, answer.recv()).await.ok().flatten() {
                Some(until) => Answer::Paused { bed, until: clock.now().utc_of(until), until_return, time_zone },
                None => no_answer(bed),
            }
        }
    }

    /// Ends the pause of a bed.
    fn resume(&self, bed: BedId) -> impl Future<Output = Answer> + use<> {
        let (asked, mut answer) = mpsc::channel(1);
        let refusal = self.wish(bed, Wish::Resume(asked));
        let clock = self.clock.clone();
        async move {
            if let Some(refusal) = refusal {
                return refusal;
            }
            match timeout(ANSWERS_WITHIN, answer.recv()).await.ok().flatten() {
                Some((true, standing)) => {
                    let told_at = standing.reminder.map(|at| clock.now().utc_of(at));
                    Answer::Resumed { bed, phase: phase(standing.phase), told_at }
                }
                Some((false, _)) => Answer::refused(Reason::Request, format!("{bed} is not paused")),
                None => no_answer(bed),
            }
        }
    }

    /// Returns what was proven of a bed.
    fn proof(&self, bed: BedId) -> Answer {
        if self.beds.contains_key(&bed) { Answer::Proof { bed, proof: self.proofs.of(bed) } } else { self.no_bed(bed) }
    }

    /// Keeps what a walk through the postures has shown.
    fn calibrated(&self, bed: BedId, result: Calibrated) -> Answer {
        if self.beds.contains_key(&bed) {
            self.proofs.note(bed, |proof| proof.calibrated = Some(result));
        }
        self.proof(bed)
    }

    /// Hands a wish to a bed; returns the refusal where there is none of this name.
    fn wish(&self, bed: BedId, wish: Wish) -> Option<Answer> {
        let Some(running) = self.beds.get(&bed) else { return Some(self.no_bed(bed)) };
        // Nobody listens while its task waits to be started again; that is no answer then.
        drop(running.wishes.send(wish));
        None
    }

    pub(super) fn no_bed(&self, bed: BedId) -> Answer {
        let beds: Vec<_> = self.beds.keys().map(BedId::as_str).collect();
        Answer::refused(Reason::Request, format!("there is no bed {bed}; there are: {}", beds.join(", ")))
    }

    pub(super) fn time_zone(&self) -> String {
        self.config.gateway.zone.iana_name().unwrap_or("UTC").to_owned()
    }

    pub(super) fn look(&self) -> Look {
        let bed = |bed: &crate::config::Bed| {
            let running = self.beds.get(&bed.id)?;
            Some(BedLook { bed: bed.id, watch: bed.detect.watch.clone(), wishes: running.wishes.clone() })
        };
        Look {
            gateway: self.config.gateway.id,
            zone: self.time_zone(),
            beds: self.config.beds.iter().filter_map(bed).collect(),
            channels: self.config.channels.iter().map(|channel| channel.name.clone()).collect(),
            clock: self.clock.clone(),
            started: self.started,
            outbox: self.outbox.clone(),
            store: self.outbox.store().health(),
            own: self.own.clone(),
            health: self.board.follow(),
            proofs: self.proofs.clone(),
            test_every: self.config.gateway.test_every,
        }
    }
}

fn no_answer(bed: BedId) -> Answer {
    Answer::refused(Reason::Failed, format!("the task of {bed} does not answer: see the log, and restart nattvakt"))
}

/// Everything that has to be asked to know how everything is.
pub(super) struct Look {
    gateway: GatewayId,
    zone: String,
    beds: Vec<BedLook>,
    channels: Vec<String>,
    clock: Clock,
    started: Started,
    outbox: Outbox,
    store: watch::Receiver<store::Health>,
    own: Own,
    health: watch::Receiver<Health>,
    proofs: Proofs,
    test_every: Option<Duration>,
}

/// A bed that has to be asked.
struct BedLook {
    bed: BedId,
    watch: Watch,
    wishes: broadcast::Sender<Wish>,
}

impl Look {
    /// Asks everybody; who does not answer in time is shown so.
    pub(super) async fn status(&self) -> Status {
        let asked = self.beds.iter().map(BedLook::ask).collect::<Vec<_>>();
        // Of one deadline for all: who asks does not wait longer for many that hang.
        let until = clock::instant(clock::moment() + ANSWERS_WITHIN);
        let channels = timeout_at(until, self.outbox.ask_channels()).await.ok().and_then(Result::ok);
        let mut standings = Vec::new();
        for answer in asked {
            standings.push(answered(answer, until).await);
        }
        let power = self.health.borrow().mains.map(|mains| if mains { Power::Mains } else { Power::Battery });
        let now = self.clock.now();
        let beds = self.beds.iter().zip(standings).map(|(bed, standing)| bed.status(standing, &now)).collect();
        let fault = |(fault, detail): (_, Option<(Timestamp, String)>)| {
            let (since, detail) = detail.unzip();
            status::Fault { fault, since, detail }
        };
        let store = store(&self.store.borrow());
        let status = Status {
            well: false,
            problems: Vec::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            gateway: self.gateway,
            time_zone: self.zone.clone(),
            time: now.utc,
            started: self.started.utc,
            uptime_s: now.moment.since(self.started.moment).as_secs(),
            clock: if now.trusted { ClockHealth::Trusted } else { ClockHealth::Untrusted },
            power,
            beds,
            channels: self
                .channels
                .iter()
                .map(|name| channel(name.clone(), channels.as_deref(), &store, &now))
                .collect(),
            store,
            faults: self.own.open().into_iter().map(fault).collect(),
            tests_due: self.tests_due(now.utc),
        };
        status.judged()
    }

    /// Finds the beds that should be tested. What was proven may not have been read yet while the store is being opened.
    fn tests_due(&self, now: Timestamp) -> Vec<TestDue> {
        let opening = self.store.borrow().condition == Condition::Opening;
        let Some(every) = self.test_every.filter(|_| !opening) else { return Vec::new() };
        let proofs = self.beds.iter().map(|bed| (bed.bed, self.proofs.of(bed.bed)));
        let due = proofs.filter(|(_, proof)| proof.is_test_due(every, now));
        due.map(|(bed, proof)| TestDue { bed, tested: proof.tested.map(|tested| tested.accepted) }).collect()
    }
}

type Asked = mpsc::Receiver<(Standing, MatHealth)>;

/// Waits for a bed's answer.
async fn answered(mut answer: Asked, until: Instant) -> Option<(Standing, MatHealth)> {
    timeout_at(until, answer.recv()).await.ok().flatten()
}

impl BedLook {
    fn ask(&self) -> Asked {
        let (asked, answer) = mpsc::channel(1);
        // Nobody listens while its task waits to be started again; that is no answer then.
        drop(self.wishes.send(Wish::Look(asked)));
        answer
    }

    fn status(&self, standing: Option<(Standing, MatHealth)>, now: &Now) -> status::Bed {
        let changes =
            if self.watch.is_on(now.utc) { self.watch.closing(now.utc) } else { self.watch.next_opening(now.utc) };
        let bed = status::Bed {
            bed: self.bed,
            mat: MatHealth::Learning,
            phase: Phase::NoAnswer,
            since: None,
            last_reading: None,
            watched: !now.trusted || self.watch.is_on(now.utc),
            watch_changes: changes.filter(|_| now.trusted),
            paused_until: None,
        };
        let Some((standing, mat)) = standing else { return bed };
        let utc = |moment| now.utc_of(moment);
        status::Bed {
            mat,
            phase: phase(standing.phase),
            since: standing.since.map(utc),
            last_reading: standing.read.map(utc),
            watched: bed.watched && standing.paused_until.is_none(),
            paused_until: standing.paused_until.map(utc),
            ..bed
        }
    }
}

pub(super) fn phase(phase: ViewPhase) -> Phase {
    match phase {
        ViewPhase::Unknown => Phase::Unknown,
        ViewPhase::Empty => Phase::Empty,
        ViewPhase::Settling => Phase::Settling,
        ViewPhase::InBed => Phase::InBed,
        ViewPhase::Edge => Phase::Edge,
        ViewPhase::Leaving => Phase::Leaving,
    }
}

fn channel(name: String, views: Option<&[ChannelView]>, store: &status::Store, now: &Now) -> status::Channel {
    let Some(view) = views.map(|views| views.iter().find(|view| *view.name == *name)) else {
        let error = Some("the delivery task does not answer: restart nattvakt, and report this".to_owned());
        let (accepted, waiting_since) = (None, None);
        return status::Channel { name, state: ChannelState::Down, accepted, waiting: 0, waiting_since, error };
    };
    // Not there: it has just come into the configuration.
    let state = match view {
        Some(view) if view.down => ChannelState::Down,
        Some(view) if view.accepted.is_some() => ChannelState::Works,
        Some(_) | None => ChannelState::Untried,
    };
    status::Channel {
        name,
        state,
        accepted: view.and_then(|view| view.accepted).map(|accepted| now.utc_of(accepted)),
        waiting: view.map_or(0, |view| waiting(view, store)),
        waiting_since: view.and_then(|view| view.waiting_since).map(|since| now.utc_of(since)),
        error: view.and_then(|view| view.problem.clone()),
    }
}

/// Where the store holds more than delivery has in memory, as many wait as it has.
fn waiting(view: &ChannelView, store: &status::Store) -> u64 {
    let in_store = if view.more { store.undelivered.saturating_add(store.in_memory) } else { 0 };
    view.waiting.max(in_store)
}

fn store(health: &store::Health) -> status::Store {
    let (state, error) = match &health.condition {
        Condition::Opening => (StoreState::Opening, None),
        Condition::Sound => (StoreState::Sound, None),
        Condition::Faulty(detail) => (StoreState::Faulty, Some(detail.clone())),
    };
    let store::Health { undelivered, in_memory, bytes_on_disk: bytes, .. } = *health;
    status::Store { state, undelivered, in_memory, bytes, error }
}
