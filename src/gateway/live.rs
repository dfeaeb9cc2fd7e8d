//! A bed as people watch it live: what it sees, what is decided, what dispatch takes. Over the local socket only.
//!
//! Who does not read in time misses the oldest, and is told how many; neither the bed nor anybody else waits.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::time::{Instant, MissedTickBehavior};

use super::Gateway;
use super::bed::Sight;
use super::calls::{Look, phase};
use super::outbox::News;
use crate::clock::{self, Clock};
use crate::control::protocol;
use crate::control::{Answer, Reason};
use crate::model::{Acceptance, BedId};

/// Sights at most this often: nobody sees more.
const SIGHT_EVERY: Duration = Duration::from_millis(50);

/// How often it is told how everything is.
const STATUS_EVERY: Duration = Duration::from_secs(2);

impl Gateway {
    /// Shows a bed for as long as somebody listens.
    pub(super) fn live(&mut self, bed: Option<BedId>, answers: mpsc::Sender<Answer>) {
        let bed = bed.or_else(|| self.config.beds.first().map(|bed| bed.id));
        let running = bed.and_then(|bed| Some((bed, self.beds.get(&bed)?)));
        let Some((bed, running)) = running else {
            let refusal = match bed {
                Some(bed) => self.no_bed(bed),
                None => Answer::refused(Reason::Request, "there is no bed"),
            };
            return self.reply(answers, std::future::ready(refusal));
        };
        let (sights, news) = (running.sights.subscribe(), self.outbox.news());
        let now = clock::instant(clock::moment());
        let live =
            Live { bed, sights, news, look: self.look(), clock: self.clock.clone(), answers, held: None, shown: now };
        self.errands.spawn(async move {
            // Who asked has gone, or the bed has.
            live.show().await.ok();
        });
    }
}

/// What one who watches is shown.
struct Live {
    bed: BedId,
    sights: broadcast::Receiver<Sight>,
    news: broadcast::Receiver<News>,
    look: Look,
    clock: Clock,
    answers: mpsc::Sender<Answer>,
    /// The latest sight, where it came too soon after the one before.
    held: Option<Sight>,
    /// When the next one may be shown.
    shown: Instant,
}

/// Nobody listens any more, or there is nothing to show any more.
struct Over;

impl Live {
    async fn show(mut self) -> Result<(), Over> {
        let mut status = tokio::time::interval(STATUS_EVERY);
        status.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                sight = self.sights.recv() => match sight {
                    Ok(sight) => {
                        self.held = Some(sight);
                        if clock::instant(clock::moment()) >= self.shown {
                            self.show_held().await?;
                        }
                    }
                    Err(RecvError::Lagged(count)) => self.say(Answer::Missed { count }).await?,
                    // Its settings have changed, or it is gone.
                    Err(RecvError::Closed) => return Err(Over),
                },
                () = tokio::time::sleep_until(self.shown), if self.held.is_some() => self.show_held().await?,
                news = self.news.recv() => match news {
                    Ok(news) => self.tell(news).await?,
                    Err(RecvError::Lagged(count)) => self.say(Answer::Missed { count }).await?,
                    Err(RecvError::Closed) => return Err(Over),
                },
                _ = status.tick() => {
                    let status = self.look.status().await;
                    self.say(Answer::Status(Box::new(status))).await?;
                }
            }
        }
    }

    async fn show_held(&mut self) -> Result<(), Over> {
        let Some((moment, view)) = self.held.take() else { return Ok(()) };
        let now = self.clock.now();
        self.shown = clock::instant(now.moment) + SIGHT_EVERY;
        let sight = protocol::Sight {
            bed: self.bed,
            time: now.utc_of(moment),
            value: view.value,
            empty: view.empty,
            occupied: view.occupied,
            leave: view.leave,
            enter: view.enter,
            phase: phase(view.phase),
        };
        self.say(Answer::Sight(sight)).await
    }

    async fn tell(&self, news: News) -> Result<(), Over> {
        match news {
            News::Decided { event, alert } if event.bed.is_none_or(|bed| bed == self.bed) => {
                self.say(Answer::Event { event, alert }).await
            }
            News::Accepted(alert, Acceptance { channel, at, .. }) => {
                self.say(Answer::Accepted { alert, channel, at }).await
            }
            News::Decided { .. } | News::Delivered(_) => Ok(()),
        }
    }

    async fn say(&self, answer: Answer) -> Result<(), Over> {
        self.answers.send(answer).await.map_err(|_| Over)
    }
}
