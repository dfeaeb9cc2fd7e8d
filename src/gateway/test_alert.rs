//! A test alert on its way: the real chain, followed step by step for who has asked for it.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::time::{Instant, timeout};

use super::Gateway;
use super::outbox::{News, Outbox};
use super::proofs::Proofs;
use crate::clock::{self, Clock};
use crate::control::protocol::{Step, TestStep};
use crate::control::{Answer, Reason};
use crate::model::proof::Tested;
use crate::model::{Acceptance, AlertId, BedId, Event, Kind};
use crate::store::Receipt;

/// A test at most this often: each is seen by people.
const TEST_EVERY: Duration = Duration::from_secs(10);

/// The longest wait for the acceptance.
const WITHIN_MAX: Duration = Duration::from_secs(600);

/// How often it is said that it is waited for.
const WAITING_EVERY: Duration = Duration::from_secs(3);

/// How long what follows the delivery may take: the disk's answer, the channels' state.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(2);

impl Gateway {
    /// Sends a marked test, and tells each step of it.
    pub(super) fn test_alert(&mut self, bed: Option<BedId>, within_s: u32, answers: mpsc::Sender<Answer>) {
        let (now, within) = (self.clock.now(), Duration::from_secs(within_s.into()));
        let lately = self.tested.is_some_and(|tested| now.moment.since(tested) < TEST_EVERY);
        let refusal = match bed.filter(|bed| !self.beds.contains_key(bed)) {
            Some(bed) => Some(self.no_bed(bed)),
            None if within.is_zero() || within > WITHIN_MAX => {
                Some(Answer::refused(Reason::Request, "wait for 1 s to 600 s"))
            }
            None => lately.then(|| Answer::refused(Reason::Busy, "a test was sent a moment ago: wait ten seconds")),
        };
        if let Some(refusal) = refusal {
            return self.reply(answers, std::future::ready(refusal));
        }
        self.tested = Some(now.moment);
        // Before it is sent: the answer may be there in a moment.
        let news = self.outbox.news();
        let (alert, receipt) = self.outbox.test(Event { bed, ..Event::of_gateway(Kind::Test, &now) });
        let (sequence, time_zone) = (alert.sequence, self.time_zone());
        let raised = Step::Raised { alert: alert.id, sequence, text: alert.text, time_zone };
        let beds: Vec<BedId> = bed.map_or_else(|| self.beds.keys().copied().collect(), |bed| vec![bed]);
        let proves = Proves { proofs: self.proofs.clone(), beds, time: now.utc };
        let test = Test { id: alert.id, news, answers, clock: self.clock.clone(), outbox: self.outbox.clone(), proves };
        self.errands.spawn(async move {
            // Who asked may have gone.
            test.follow(raised, now.utc, receipt, clock::instant(now.moment + within)).await.ok();
        });
    }
}

/// A test on its way.
struct Test {
    id: AlertId,
    news: broadcast::Receiver<News>,
    answers: mpsc::Sender<Answer>,
    clock: Clock,
    outbox: Outbox,
    proves: Proves,
}

/// The beds whose way out an acceptance proves.
struct Proves {
    proofs: Proofs,
    beds: Vec<BedId>,
    /// When the test was raised.
    time: Timestamp,
}

impl Proves {
    fn accepted(&self, by: &Acceptance) {
        let tested = Tested { time: self.time, accepted: by.at, channel: by.channel.clone() };
        for bed in &self.beds {
            self.proofs.note(*bed, |proof| proof.tested = Some(tested.clone()));
        }
    }
}

/// Nobody listens any more.
struct Gone;

impl Test {
    async fn follow(mut self, raised: Step, at: Timestamp, mut receipt: Receipt, until: Instant) -> Result<(), Gone> {
        self.say(raised, at).await?;
        let mut waiting = tokio::time::interval_at(clock::instant(clock::moment() + WAITING_EVERY), WAITING_EVERY);
        let mut kept = false;
        loop {
            tokio::select! {
                biased;
                result = &mut receipt, if !kept => {
                    kept = true;
                    self.say_now(stored(result)).await?;
                }
                news = self.news.recv() => match news {
                    Ok(News::Accepted(id, by)) if id == self.id => {
                        self.proves.accepted(&by);
                        self.say(Step::Accepted { channel: by.channel, reference: by.reference }, by.at).await?;
                    }
                    Ok(News::Delivered(id)) if id == self.id => break,
                    Ok(News::Decided { .. } | News::Accepted(..) | News::Delivered(_)) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Err(Gone),
                },
                () = tokio::time::sleep_until(until) => {
                    let problems = self.problems().await;
                    return self.say_now(Step::NotDelivered { problems }).await;
                }
                _ = waiting.tick() => {
                    let problems = self.problems().await;
                    self.say_now(Step::Waiting { problems }).await?;
                }
            }
        }
        if !kept {
            if let Ok(result) = timeout(LAST_WORDS_WITHIN, receipt).await {
                self.say_now(stored(result)).await?;
            }
        }
        self.say_now(Step::Delivered {}).await
    }

    /// Says what is wrong with each channel.
    async fn problems(&self) -> Vec<String> {
        let channels = timeout(LAST_WORDS_WITHIN, self.outbox.ask_channels()).await.ok().and_then(Result::ok);
        let Some(channels) = channels else { return vec!["the delivery task does not answer".to_owned()] };
        let problem = |channel: crate::dispatch::ChannelView| Some(format!("{}: {}", channel.name, channel.problem?));
        channels.into_iter().filter_map(problem).collect()
    }

    async fn say_now(&self, step: Step) -> Result<(), Gone> {
        self.say(step, self.clock.now().utc).await
    }

    async fn say(&self, step: Step, at: Timestamp) -> Result<(), Gone> {
        self.answers.send(Answer::Test(TestStep { at, step })).await.map_err(|_| Gone)
    }
}

fn stored(result: Result<(), crate::store::NotKept>) -> Step {
    match result {
        Ok(()) => Step::Stored {},
        Err(error) => Step::NotStored { error: error.to_string() },
    }
}
