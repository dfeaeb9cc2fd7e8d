//! Drives the queue and the channels: commands in, attempts out, reports back.
//!
//! One task, one owner of the queue. Each attempt runs as a task of its own in a [`JoinSet`]; a live alert's is spawned
//! in the same poll in which its command arrives. Nothing here waits for the store, for the receiver of reports or for
//! another alert. Reports that nobody takes are kept up to a bound; beyond it the oldest are dropped and counted, and
//! an acceptance that is lost so means only that the alert is sent again, under the same id, after a restart.

mod configuring;
mod heartbeat;
mod line;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{self, JoinError, JoinSet};
use tracing::field::display;
use tracing::{Instrument as _, debug, error, info, info_span, warn};

use self::heartbeat::Heart;
use self::line::Line;
use super::https::Letter;
use super::outcome::Outcome;
use super::policy;
use super::queue::{Attempt, ChannelView, HELD_MAX, Queue, Report, Ticket};
use super::settings::{ChannelSettings, Delivery};
use super::times;
use crate::clock::{self, Clock};
use crate::model::{Alert, AlertId, BedId, GatewayId, Health, Language, Moment, Sequence};

/// The most reports that wait to be taken: a few for each alert that is held.
const REPORTS_HELD_MAX: usize = 4 * HELD_MAX;

/// What the configuration says of the way to dispatch. May change while the task runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// This home, as dispatch knows it.
    pub gateway: GatewayId,
    /// Of the texts of heartbeats.
    pub language: Language,
    /// How alerts are spread over the channels.
    pub delivery: Delivery,
    /// The channels, in the order of the configuration.
    pub channels: Vec<ChannelSettings>,
}

/// What the task needs to know.
pub struct Setup {
    /// What the configuration says.
    pub settings: Settings,
    /// Which channel accepted which alert in an earlier life, as far as something may still close it.
    pub accepted: Vec<(AlertId, String)>,
    /// The last return of each bed, by its number, in whichever life it was.
    pub returned: Vec<(BedId, Sequence)>,
    /// What heartbeats tell.
    pub health: watch::Receiver<Health>,
    /// The gateway's clocks.
    pub clock: Clock,
    /// Gives each heartbeat its number, out of the one counter of the gateway. Must not block.
    pub next_sequence: Arc<dyn Fn() -> Sequence + Send + Sync>,
    /// How long attempts that are on their way at the end may take.
    pub grace: Duration,
    /// Until then the machine counts as just booted, and what a power cut brings about in a whole town is spread.
    pub spread_until: Moment,
}

/// What the task is told.
#[derive(Debug)]
pub enum Command {
    /// A new alert: to be sent now.
    Raise(Box<Alert>),
    /// Alerts that the store holds as undelivered, in order of sequence; none at all: it holds no more.
    Recovered(Vec<Alert>),
    /// What was in an earlier life: said by a store that opened late.
    Remember {
        /// Which channel accepted which alert.
        accepted: Vec<(AlertId, String)>,
        /// The last return of each bed, by its number.
        returned: Vec<(BedId, Sequence)>,
    },
    /// The configuration is another one by now. Secrets and certificates are read anew in any case.
    Configure(Box<Settings>),
    /// Say how each channel is.
    Show(oneshot::Sender<Vec<ChannelView>>),
    /// Come to an end. So does dropping the sender.
    Drain,
}

/// How the task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// How many alerts in memory are not delivered; they are in the store.
    pub waiting: usize,
}

/// Delivers alerts until it is told to end or the sender of commands is dropped; then for the grace at most.
pub async fn run(setup: Setup, mut commands: mpsc::Receiver<Command>, reports: mpsc::Sender<Report>) -> Ended {
    let mut dispatch = Dispatch::new(setup, reports);
    // Secrets and certificates are read before the first alert needs them.
    dispatch.read_files(false);
    let mut until: Option<Moment> = None;
    loop {
        dispatch.pump(until.is_none());
        if until.is_some_and(|until| dispatch.attempts.is_empty() || clock::moment() >= until) {
            return dispatch.end(until.unwrap_or_default()).await;
        }
        let wake = dispatch.next_deadline(until.is_none()).into_iter().chain(until).min();
        let happening = tokio::select! {
            biased;
            command = commands.recv(), if until.is_none() => Happening::Command(command.unwrap_or(Command::Drain)),
            Some(ended) = dispatch.attempts.join_next_with_id() => Happening::Ended(ended),
            Ok(_) = dispatch.reports.reserve(), if !dispatch.unreported.is_empty() => Happening::RoomForReports,
            () = sleep_until(wake) => Happening::Deadline,
        };
        match happening {
            Happening::Command(Command::Raise(alert)) => dispatch.raise(*alert),
            Happening::Command(Command::Recovered(alerts)) => dispatch.recovered(alerts),
            Happening::Command(Command::Remember { accepted, returned }) => dispatch.remember(&accepted, returned),
            Happening::Command(Command::Configure(settings)) => dispatch.configure(*settings),
            // Who asked may have gone.
            Happening::Command(Command::Show(asked)) => drop(asked.send(dispatch.view())),
            Happening::Command(Command::Drain) => until = Some(clock::moment() + dispatch.grace),
            Happening::Ended(ended) => dispatch.on_ended(ended),
            Happening::RoomForReports => dispatch.report_again(),
            Happening::Deadline => {}
        }
    }
}

/// What wakes the task.
enum Happening {
    Command(Command),
    Ended(Result<(task::Id, Outcome), JoinError>),
    RoomForReports,
    Deadline,
}

async fn sleep_until(at: Option<Moment>) {
    match at {
        Some(at) => tokio::time::sleep_until(clock::instant(at)).await,
        None => std::future::pending().await,
    }
}

/// What a spawned task was for.
#[derive(Debug)]
enum Errand {
    /// An attempt of an alert.
    Attempt(Ticket, usize),
    /// A heartbeat over this channel.
    Heartbeat(usize),
    /// Reading the secrets and certificates of this channel.
    Reading(usize),
}

struct Dispatch {
    settings: Settings,
    queue: Queue,
    lines: Vec<Line>,
    hearts: Vec<Heart>,
    attempts: JoinSet<Outcome>,
    errands: HashMap<task::Id, Errand>,
    reports: mpsc::Sender<Report>,
    unreported: VecDeque<Report>,
    dropped: u64,
    clock: Clock,
    grace: Duration,
    /// Whether the machine had just booted at the start.
    booted: bool,
    /// What is no alarm and was undelivered at the start waits until then; after a boot also what is new and no person's.
    calm: Moment,
    heartbeats: heartbeat::Source,
    /// When the files are looked at next.
    look: Moment,
    /// What was said of each channel's files last; `None` until they have been read.
    files: Vec<Option<Result<(), String>>>,
}

impl Dispatch {
    fn new(setup: Setup, reports: mpsc::Sender<Report>) -> Self {
        let Setup { settings, accepted, returned, health, clock, next_sequence, grace, spread_until } = setup;
        let names = settings.channels.iter().map(|channel| channel.name.as_str());
        let (mut queue, now) = (Queue::new(settings.delivery, names), clock::moment());
        for (alert, channel) in &accepted {
            queue.remember(*alert, channel, now);
        }
        queue.recall_returns(returned);
        // All gateways of a town may have booted at this moment.
        let (booted, calm) = (now < spread_until, now + policy::spread(random()));
        let first = if booted { calm } else { now };
        let channels = &settings.channels;
        Self {
            queue,
            hearts: channels.iter().map(|channel| Heart::new(channel.heartbeat, first)).collect(),
            lines: channels.iter().map(|channel| Line::new(settings.gateway, channel.clone(), &clock)).collect(),
            files: vec![None; channels.len()],
            look: now,
            attempts: JoinSet::new(),
            errands: HashMap::new(),
            reports,
            unreported: VecDeque::new(),
            dropped: 0,
            heartbeats: heartbeat::Source::new(health, next_sequence, settings.language),
            clock,
            grace,
            booted,
            calm,
            settings,
        }
    }

    /// Returns how each channel is; where its secrets or certificates cannot be read, that is what is wrong with it.
    fn view(&self) -> Vec<ChannelView> {
        let mut view = self.queue.view();
        for (channel, files) in view.iter_mut().zip(&self.files) {
            if let Some(Err(problem)) = files {
                channel.problem = Some(problem.clone());
            }
        }
        view
    }

    fn raise(&mut self, alert: Alert) {
        let now = self.clock.now();
        if self.booted && now.moment < self.calm && policy::may_be_spread(&alert.event.kind, alert.priority) {
            self.queue.raise_later(alert, &now, self.calm);
        } else {
            self.queue.raise(alert, &now);
        }
    }

    fn recovered(&mut self, alerts: Vec<Alert>) {
        let now = self.clock.now();
        self.queue.recovered(alerts, &now, self.calm.max(now.moment));
    }

    fn remember(&mut self, accepted: &[(AlertId, String)], returned: Vec<(BedId, Sequence)>) {
        self.queue.recall_returns(returned);
        let now = clock::moment();
        for (alert, channel) in accepted {
            self.queue.remember(*alert, channel, now);
        }
    }

    /// Starts whatever is to be started, and passes on what there is to report.
    fn pump(&mut self, with_heartbeats: bool) {
        let now = clock::moment();
        while let Some(attempt) = self.queue.next_attempt(now) {
            self.start(attempt);
        }
        if with_heartbeats {
            self.beat(now);
            if self.look <= now {
                self.read_files(true);
            }
        }
        while let Some(report) = self.queue.next_report() {
            log(&report);
            self.report(report);
        }
    }

    fn start(&mut self, attempt: Attempt) {
        let Attempt { ticket, alert, channel, priority, late, raised, number } = attempt;
        let Some(line) = self.lines.get(channel).cloned() else { return };
        let alert = times::put_right(&alert, raised.as_ref(), &self.clock.now()).map_or(alert, Arc::new);
        let span = info_span!("delivery", alert.id = %alert.id, channel = %line.name(), attempt = number);
        let sending = async move {
            let outcome = line.send(Letter { alert: &alert, priority, late }).await;
            let (bed, kind) = (alert.event.bed.map(display), alert.event.kind.as_str());
            if let Some(problem) = outcome.problem() {
                debug!(error = %problem, "Attempt failed");
            } else {
                info!(bed.id = bed, kind, "Alert accepted");
            }
            outcome
        };
        let id = self.attempts.spawn(sending.instrument(span)).id();
        self.errands.insert(id, Errand::Attempt(ticket, channel));
    }

    /// Sends the heartbeats that are due.
    fn beat(&mut self, now: Moment) {
        for (channel, (heart, line)) in self.hearts.iter_mut().zip(&self.lines).enumerate() {
            if !heart.is_due(now, random()) {
                continue;
            }
            let Some(alert) = self.heartbeats.next(&self.clock.now()) else { continue };
            let line = line.clone();
            let span = info_span!("delivery", alert.id = %alert.id, channel = %line.name(), attempt = 1);
            let sending = async move {
                let letter = Letter { alert: &alert, priority: alert.priority, late: false };
                line.send_within(letter, policy::HEARTBEAT_MAX).await
            };
            let id = self.attempts.spawn(sending.instrument(span)).id();
            self.errands.insert(id, Errand::Heartbeat(channel));
            heart.sent();
        }
    }

    fn on_ended(&mut self, ended: Result<(task::Id, Outcome), JoinError>) {
        let (id, outcome, died) = match ended {
            Ok((id, outcome)) => (id, outcome, false),
            Err(error) => (error.id(), Outcome::try_again("an internal fault ended the attempt"), true),
        };
        let now = self.clock.now();
        match self.errands.remove(&id) {
            Some(Errand::Attempt(ticket, channel)) => {
                if died {
                    self.queue.on_death(channel);
                }
                self.queue.on_outcome(ticket, outcome, &now, random());
            }
            Some(Errand::Heartbeat(channel)) => {
                if died {
                    self.queue.on_death(channel);
                }
                self.queue.on_heartbeat(channel, &outcome, now.moment);
                if let Some(heart) = self.hearts.get_mut(channel) {
                    heart.arrived();
                    // One failure may be a lost packet; the next one tells.
                    if outcome.problem().is_some() && !self.queue.is_down(channel) {
                        heart.failed(now.moment, random());
                    }
                }
            }
            Some(Errand::Reading(channel)) => self.on_read(channel, &outcome),
            None => {}
        }
    }

    /// Passes a report on without ever waiting for its receiver.
    fn report(&mut self, report: Report) {
        let report = match self.unreported.is_empty().then(|| self.reports.try_reserve()) {
            Some(Ok(permit)) => return permit.send(report),
            Some(Err(mpsc::error::TrySendError::Closed(()))) => return,
            Some(Err(mpsc::error::TrySendError::Full(()))) | None => report,
        };
        if self.unreported.len() >= REPORTS_HELD_MAX {
            self.unreported.pop_front();
            self.dropped = self.dropped.saturating_add(1);
            if self.dropped == 1 {
                error!(
                    "Nobody takes the reports of deliveries: what they say was accepted is sent again after a restart"
                );
            }
        }
        self.unreported.push_back(report);
    }

    fn report_again(&mut self) {
        while let Ok(permit) = self.reports.try_reserve() {
            let Some(report) = self.unreported.pop_front() else { break };
            permit.send(report);
        }
        if self.unreported.is_empty() && self.dropped > 0 {
            warn!(count = self.dropped, "Reports of deliveries are taken again; so many were dropped");
            self.dropped = 0;
        }
    }

    fn next_deadline(&self, with_heartbeats: bool) -> Option<Moment> {
        let beats = self.hearts.iter().filter(|_| with_heartbeats).filter_map(Heart::due);
        let look = with_heartbeats.then_some(self.look);
        self.queue.next_deadline(clock::moment()).into_iter().chain(beats).chain(look).min()
    }

    /// Gives up what is still on its way and hands over the last reports, until `until`.
    async fn end(mut self, until: Moment) -> Ended {
        self.attempts.shutdown().await;
        let waiting = self.queue.waiting();
        let rest = async {
            for report in self.unreported {
                if self.reports.send(report).await.is_err() {
                    break;
                }
            }
        };
        // A second at least: what was accepted should be marked.
        let until = until.max(clock::moment() + Duration::from_secs(1));
        if tokio::time::timeout_at(clock::instant(until), rest).await.is_err() {
            warn!("Nobody took the last reports of deliveries in time: what they say was accepted is sent again");
        }
        Ended { waiting }
    }
}

fn log(report: &Report) {
    match report {
        Report::AlarmWaits { alert, bed, kind, channel, waited, count, detail } => {
            let (bed, waited_s) = (bed.map(display), waited.as_secs());
            warn!(
                alert.id = %alert, bed.id = bed, kind, channel = %channel, waited_s, count, error = %detail,
                "An alarm is not accepted yet; it is sent again"
            );
        }
        // Said with the attempt, where more is known of it.
        Report::Accepted { .. } => {}
        Report::Overtaken { alert } => {
            let bed = alert.event.bed.map(display);
            info!(
                alert.id = %alert.id, bed.id = bed, kind = alert.event.kind.as_str(),
                "The end of a fault was accepted before it; it goes out as information"
            );
        }
        Report::Delivered { alert, .. } => debug!(alert.id = %alert, "Alert delivered"),
        Report::ChannelDown { channel, detail, .. } => {
            warn!(channel = %channel, error = %detail, "Dispatch channel does not work");
        }
        Report::ChannelUp { channel, failures } => {
            info!(channel = %channel, count = failures, "Dispatch channel works");
        }
        Report::Refused { alert, bed, kind, channel, detail } => {
            let bed = bed.map(display);
            warn!(
                alert.id = %alert, bed.id = bed, kind, channel = %channel, error = %detail,
                "Dispatch takes others and refuses this alert; it is sent again and again"
            );
        }
        Report::RefusesNone { channel } => info!(channel = %channel, "Dispatch refuses no alert for itself any more"),
        Report::ChannelGone { channel } => info!(channel = %channel, "Dispatch channel is gone"),
        Report::FilesRead { channel, problem: Some(problem) } => {
            warn!(channel = %channel, error = %problem, "Secrets or certificates of a dispatch channel are not sound");
        }
        Report::FilesRead { channel, problem: None } => {
            debug!(channel = %channel, "Secrets and certificates of a dispatch channel are read");
        }
        Report::AttemptDied { channel } => {
            error!(channel = %channel, "An attempt ended by a fault of the program; it is made again: please report it");
        }
        Report::Evicted { count } => debug!(count, "Alerts wait in the store only"),
        Report::Room { count } => debug!(count, "Room for alerts from the store"),
    }
}

/// Draws a number, uniform over all values.
fn random() -> u32 {
    let mut bytes = [0; 4];
    // Without randomness all gateways would come back together, which is better than not coming back.
    getrandom::getrandom(&mut bytes).map_or(u32::MAX / 2, |()| u32::from_ne_bytes(bytes))
}
