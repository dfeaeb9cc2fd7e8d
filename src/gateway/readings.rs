//! The readings of one mat, for a technician who has asked for them over the control socket, as they come.
//!
//! Listens beside the bed and never holds it up: who reads too slowly loses the oldest, and is told how many.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::time::{Instant, timeout_at};

use super::Gateway;
use crate::clock::{self, Clock};
use crate::control::{Answer, Reason};
use crate::model::{BedId, Quality, Reading};
use crate::sensor::Signal;

/// Silence of the mat is said this often, so that who listens knows that the daemon is there.
const SILENCE_EVERY: Duration = Duration::from_secs(5);

impl Gateway {
    /// Hands on the readings of a bed until who asked is gone.
    pub(super) fn readings(&mut self, bed: BedId, answers: mpsc::Sender<Answer>) {
        let Some(running) = self.beds.get(&bed) else {
            let refusal = self.no_bed(bed);
            return self.reply(answers, std::future::ready(refusal));
        };
        let (feed, clock) = (running.feed.subscribe(), self.clock.clone());
        self.errands.spawn(hand_on(feed, clock, answers));
    }
}

async fn hand_on(mut feed: broadcast::Receiver<Signal>, clock: Clock, answers: mpsc::Sender<Answer>) {
    let mut silent_at = silent_from_now();
    loop {
        // What is passed over does not put it off: only by an answer is it noticed that nobody listens any more.
        let answer = match timeout_at(silent_at, feed.recv()).await {
            Ok(Ok(Signal::Reading(reading))) => match reading.quality {
                Quality::Live => told(&reading, &clock),
                Quality::Old => continue,
            },
            Ok(Ok(Signal::Rejected)) => Answer::Unreadable { time: clock.now().utc },
            Ok(Ok(Signal::Lost(_) | Signal::Away | Signal::Back)) => continue,
            Ok(Err(RecvError::Lagged(count))) => Answer::Missed { count },
            Ok(Err(RecvError::Closed)) => Answer::refused(Reason::Failed, "the mat of this bed has changed: ask again"),
            Err(_) => Answer::Silence {},
        };
        let last = matches!(answer, Answer::Error(_));
        if answers.send(answer).await.is_err() || last {
            return;
        }
        silent_at = silent_from_now();
    }
}

fn silent_from_now() -> Instant {
    clock::instant(clock::moment() + SILENCE_EVERY)
}

fn told(reading: &Reading, clock: &Clock) -> Answer {
    let zones = reading.channels.zones().iter().map(|zone| Some(*zone).filter(|zone| zone.is_finite()));
    Answer::Reading { time: clock.now().utc_of(reading.at), zones: zones.collect() }
}
