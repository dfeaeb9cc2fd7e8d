//! Notes what the delivery task reports: in the store what is delivered, in the gateway's own events what does not work.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;
use tracing::warn;

use super::outbox::{News, Outbox};
use super::own::Own;
use super::tasks::lock;
use crate::clock::Clock;
use crate::dispatch::queue::HELD_MAX;
use crate::dispatch::{self, Report};
use crate::model::{Acceptance, AlertId, GatewayFault, Sequence};
use crate::store::Delivered;

/// The store's key of which channel accepted which alert; kept only where there are several channels.
pub(super) const ACCEPTED_KEY: &str = "accepted";

/// Acceptances that are remembered for what may close them later.
const ACCEPTED_MAX: usize = 256;

/// Which channel accepted which alert, so that a return goes to the same one, over a restart too.
#[derive(Debug)]
pub(super) struct Remembered {
    accepted: VecDeque<(AlertId, String)>,
    /// Whether the store has said what it knew. Until then nothing is written over it.
    answered: bool,
}

impl Remembered {
    /// Starts with what the store knew; `None` where it has not answered yet, and will by [`Remembered::recall`].
    pub(super) fn new(known: Option<Vec<(AlertId, String)>>) -> Self {
        Self { answered: known.is_some(), accepted: known.unwrap_or_default().into() }
    }

    /// Takes what a store that answers late knew, before what was accepted since.
    pub(super) fn recall(&mut self, known: Vec<(AlertId, String)>) {
        self.answered = true;
        for accepted in known.into_iter().rev() {
            self.accepted.push_front(accepted);
        }
        self.accepted.drain(..self.accepted.len().saturating_sub(ACCEPTED_MAX));
    }

    /// Returns all of it, the oldest first.
    pub(super) fn all(&self) -> Vec<(AlertId, String)> {
        self.accepted.iter().cloned().collect()
    }

    /// Returns what the store is to keep under [`ACCEPTED_KEY`], where it may.
    pub(super) fn written(&self) -> Option<Vec<u8>> {
        let write = || serde_json::to_vec(&self.accepted).expect("ids and names have nothing that JSON cannot say");
        self.answered.then(write)
    }

    fn add(&mut self, alert: AlertId, channel: &str) {
        self.accepted.push_back((alert, channel.to_owned()));
        self.accepted.drain(..self.accepted.len().saturating_sub(ACCEPTED_MAX));
    }

    fn channel_of(&self, alert: AlertId) -> Option<String> {
        self.accepted.iter().find(|(accepted, _)| *accepted == alert).map(|(_, channel)| channel.clone())
    }
}

/// Notes what the delivery task reports.
pub(super) struct Noting {
    outbox: Outbox,
    own: Own,
    clock: Clock,
    /// What a channel has said of an alert that is not delivered everywhere yet. At its bound the oldest go: an acceptance
    /// that came after the delivery is asked for by nobody.
    waiting: BTreeMap<Sequence, Acceptance>,
    /// What the channels are by now.
    settings: Arc<Mutex<dispatch::Settings>>,
    remembered: Arc<Mutex<Remembered>>,
    /// Asks for what waits in the store.
    room: mpsc::Sender<()>,
    /// Whether alerts leave the memory; told once until there is room again.
    evicting: bool,
}

impl Noting {
    pub(super) fn new(
        outbox: Outbox,
        own: Own,
        clock: Clock,
        settings: Arc<Mutex<dispatch::Settings>>,
        remembered: Arc<Mutex<Remembered>>,
        room: mpsc::Sender<()>,
    ) -> Self {
        Self { outbox, own, clock, waiting: BTreeMap::new(), settings, remembered, room, evicting: false }
    }

    pub(super) async fn note(mut self, mut reports: mpsc::Receiver<Report>) {
        while let Some(report) = reports.recv().await {
            match report {
                Report::Accepted { alert, sequence, channel, reference, at, attempt: _ } => {
                    let channel = channel.to_string();
                    self.remember(alert, &channel);
                    let accepted = Acceptance { channel, reference, at };
                    self.outbox.tell(|| News::Accepted(alert, accepted.clone()));
                    self.waiting.insert(sequence, accepted);
                    if self.waiting.len() > HELD_MAX {
                        self.waiting.pop_first();
                    }
                }
                Report::Delivered { alert, sequence, event } => {
                    self.outbox.tell(|| News::Delivered(alert));
                    let accepted = self.waiting.remove(&sequence).unwrap_or_else(|| self.accepted_earlier(alert));
                    self.outbox.store().delivered(Delivered { id: alert, sequence, event: *event, accepted });
                }
                // In place of the one that the store has; what becomes of it is told of the next alert.
                Report::Overtaken { alert } => drop(self.outbox.store().append(&alert, None)),
                Report::ChannelDown { channel, detail, wrong: _ } => {
                    self.own.channel_fails(&channel, &detail);
                }
                Report::ChannelUp { channel, failures: _ } => {
                    self.own.channel_works(&channel);
                }
                Report::Refused { alert, bed, kind, channel, detail } => {
                    let of = bed.map_or_else(String::new, |bed| format!(" of {bed}"));
                    let detail =
                        format!("{channel}: refuses the alert {alert} ({kind}{of}) and takes others: {detail}");
                    self.own.begin(GatewayFault::Dispatch, &refusals_of(&channel), &detail);
                }
                Report::RefusesNone { channel } => {
                    self.own.end_begun(GatewayFault::Dispatch, &refusals_of(&channel));
                }
                Report::ChannelGone { channel } => {
                    self.files_are_sound(&channel);
                    self.own.end_begun(GatewayFault::Dispatch, &refusals_of(&channel));
                    // Where its name is another channel's by now, that one is heard of by itself.
                    self.own.channel_gone(&channel);
                }
                Report::FilesRead { channel, problem: Some(problem) } => {
                    let detail = format!("{channel}: {problem}");
                    self.own.begin(GatewayFault::Dispatch, &files_of(&channel), &detail);
                }
                Report::FilesRead { channel, problem: None } => self.files_are_sound(&channel),
                Report::AlarmWaits { .. } | Report::AttemptDied { .. } => {}
                Report::Evicted { count } => {
                    if !std::mem::replace(&mut self.evicting, true) {
                        warn!(count, "Too many alerts wait for the memory: the others wait in the store");
                    }
                }
                Report::Room { .. } => {
                    self.evicting = false;
                    let _asked_for_already_is_asked_for = self.room.try_send(());
                }
            }
        }
    }

    /// Ends what was told of a channel's files. Where nothing was, that they are sound proves nothing: a fault from
    /// before a restart ends when the channel works.
    fn files_are_sound(&self, channel: &str) {
        self.own.end_begun(GatewayFault::Dispatch, &files_of(channel));
    }

    /// An alert that was accepted in an earlier life of the program and was still in the store: it must leave it now.
    fn accepted_earlier(&self, id: AlertId) -> Acceptance {
        let channel = lock(&self.remembered).channel_of(id);
        let channel = channel.unwrap_or_else(|| "earlier".to_owned());
        Acceptance { channel, reference: None, at: self.clock.now().utc }
    }

    fn remember(&self, alert: AlertId, channel: &str) {
        let mut remembered = lock(&self.remembered);
        remembered.add(alert, channel);
        let written = if lock(&self.settings).channels.len() < 2 { None } else { remembered.written() };
        if let Some(written) = written {
            drop(self.outbox.store().keep(ACCEPTED_KEY, written));
        }
    }
}

/// Tells what is wrong with a channel's files from what is wrong with the channel.
fn files_of(channel: &str) -> String {
    format!("files of {channel}")
}

/// Tells what is wrong with an alert, in the eyes of a channel, from what is wrong with the channel.
fn refusals_of(channel: &str) -> String {
    format!("alerts refused by {channel}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::action::{Actions, Trigger, Way};
    use crate::clock::ClockSource;
    use crate::gateway::board::Board;
    use crate::model::{Alert, Event, Kind, Language, Priority};
    use crate::store::{Settings, Store};

    /// What takes note over a real store, with the board on which faults are shown and the actions that are to be done.
    struct Rig {
        noting: Noting,
        own: Own,
        board: Board,
        jobs: mpsc::Receiver<crate::action::Job>,
        _folder: tempfile::TempDir,
    }

    fn rig() -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::new(ClockSource::Rtc);
        let keep = Duration::from_secs(24 * 3600);
        let (store, _) = Store::start(Settings { path: folder.path().to_owned(), keep }, clock.clone());
        let way = Way::Command(vec!["/bin/true".to_owned()]);
        let on = vec![Trigger::DispatchLost, Trigger::DispatchBack];
        let (actions, jobs) = Actions::new(vec![crate::action::Settings { on, bed: None, way }]);
        let (outbox, _) = Outbox::new(store, Language::En, actions, None);
        let board = Board::new([]);
        let own = Own::new(clock.clone(), outbox.clone(), board.clone(), None);
        let settings = dispatch::Settings {
            gateway: "4601234567".parse().unwrap(),
            language: Language::En,
            delivery: dispatch::Delivery::default(),
            channels: Vec::new(),
        };
        let (settings, (room, _)) = (Arc::new(Mutex::new(settings)), mpsc::channel(1));
        let accepted = Arc::new(Mutex::new(Remembered::new(Some(Vec::new()))));
        let noting = Noting::new(outbox, own.clone(), clock, settings, accepted, room);
        Rig { noting, own, board, jobs, _folder: folder }
    }

    fn channels(own: &Own, names: &[&str]) {
        own.channels(names.iter().map(|name| (*name).to_owned()));
    }

    fn down(channel: &str) -> Report {
        Report::ChannelDown { channel: channel.into(), detail: "refused".to_owned(), wrong: false }
    }

    async fn note(noting: Noting, told: impl IntoIterator<Item = Report>) {
        let (reports, reported) = mpsc::channel(16);
        for report in told {
            reports.send(report).await.unwrap();
        }
        drop(reports);
        noting.note(reported).await;
    }

    #[tokio::test]
    async fn a_channel_that_failed_while_it_was_taken_out_leaves_no_fault_behind() {
        let Rig { noting, own, board, .. } = rig();
        channels(&own, &["old"]);
        channels(&own, &["new"]);
        note(noting, [down("old"), Report::ChannelGone { channel: "old".into() }]).await;
        assert_eq!(board.follow().borrow().faults, []);
    }

    #[tokio::test]
    async fn an_alert_that_is_refused_for_itself_is_a_fault_until_none_is() {
        let refused = || Report::Refused {
            alert: "7K2M9Q4T0XW5B8ZC".parse().unwrap(),
            bed: "bed-1".parse().ok(),
            kind: "edge",
            channel: "larmcentral".into(),
            detail: "answered 422".to_owned(),
        };
        let Rig { noting, own, board, .. } = rig();
        channels(&own, &["larmcentral"]);
        note(noting, [refused(), Report::ChannelUp { channel: "larmcentral".into(), failures: 1 }]).await;
        assert_eq!(board.follow().borrow().faults, [GatewayFault::Dispatch], "that it takes others ends nothing");
        let (_, told) = own.open().remove(0);
        let words = "larmcentral: refuses the alert 7K2M9Q4T0XW5B8ZC (edge of bed-1) and takes others: answered 422";
        assert_eq!(told.unwrap().1, words);
        let Rig { noting, own, board, .. } = rig();
        channels(&own, &["larmcentral"]);
        note(noting, [refused(), Report::RefusesNone { channel: "larmcentral".into() }]).await;
        assert_eq!(board.follow().borrow().faults, []);
    }

    #[tokio::test]
    async fn a_fault_whose_end_went_out_before_it_is_kept_as_information() {
        let Rig { noting, _folder, .. } = rig();
        let store = noting.outbox.store().clone();
        let event = Event::of_gateway(Kind::GatewayFault(GatewayFault::Broker), &noting.clock.now());
        let alert = |priority| Alert {
            id: "7K2M9Q4T0XW5B8ZC".parse().unwrap(),
            sequence: Sequence(7),
            event: event.clone(),
            priority,
            text: String::new(),
            closes: Vec::new(),
        };
        store.append(&alert(Priority::Warning), None).await.unwrap();
        note(noting, [Report::Overtaken { alert: Box::new(alert(Priority::Info)) }]).await;
        let kept = store.backlog(None, 9).await.unwrap();
        let kept: Vec<_> = kept.iter().map(|alert| (alert.sequence, alert.priority)).collect();
        assert_eq!(kept, [(Sequence(7), Priority::Info)]);
    }

    #[tokio::test]
    async fn another_channel_in_the_place_of_a_dead_one_is_no_way_back_until_it_works() {
        let Rig { noting, own, board, mut jobs, .. } = rig();
        channels(&own, &["old"]);
        own.channel_fails("old", "refused");
        channels(&own, &["new"]);
        assert!(board.follow().borrow().dispatch_lost);
        assert!(jobs.try_recv().is_ok() && jobs.try_recv().is_err(), "lost, and not back");
        note(noting, [down("new"), Report::ChannelUp { channel: "new".into(), failures: 2 }]).await;
        assert!(!board.follow().borrow().dispatch_lost);
        assert!(jobs.try_recv().is_ok() && jobs.try_recv().is_err(), "back, once");
    }
}
