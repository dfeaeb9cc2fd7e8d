//! Mains and battery: what `power` finds is told to dispatch, and a battery that ends ends the watch in order.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::own::Own;
use crate::clock;
use crate::model::GatewayFault;
use crate::power::{Judge, Look, News, Reader, Settings};

/// How often the power is looked at where there is anything to look at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How often it is looked whether a supply has been plugged in meanwhile.
const LOOK_FOR_SUPPLIES_EVERY: Duration = Duration::from_secs(60);

/// How long a look may take; a fuel gauge that is stuck can hold it up for ever.
const LOOK_WITHIN: Duration = Duration::from_secs(10);

/// A contact that cannot be read is told after so many looks, half a minute: ports come and go at a restart of their hub.
const BLIND_LOOKS: u32 = 6;

/// Looks at the power for ever. `ends` is told when the battery ends.
#[expect(clippy::infinite_loop, reason = "the supervisor drops the task at the end")]
pub(super) async fn watch(supplies: PathBuf, settings: Settings, own: Own, ends: Arc<Notify>) {
    let mut looks = Looks::new(Reader::new(supplies, &settings));
    let (mut judge, mut blind) = (Judge::default(), 0_u32);
    if settings.contact.is_none() {
        // One of an earlier configuration is no fault any more.
        own.end_begun(GatewayFault::Power, "contact");
    }
    loop {
        let mut every = LOOK_EVERY;
        if let Some(look) = looks.next().await {
            if !look.anything {
                every = LOOK_FOR_SUPPLIES_EVERY;
                if settings.contact.is_none() {
                    // One from before a restart, told by what is gone by now: nobody can say that it lasts.
                    own.end(GatewayFault::Power, "contact");
                }
            }
            if let Some(detail) = &look.blind {
                blind = blind.saturating_add(1);
                if blind == BLIND_LOOKS {
                    own.begin(GatewayFault::Power, "contact", detail);
                }
            } else if std::mem::take(&mut blind) >= BLIND_LOOKS {
                own.end(GatewayFault::Power, "contact");
            }
            own.mains(judge.mains(look.seen));
            if let Some(news) = judge.look(look.seen, clock::moment()) {
                tell(news, blind >= BLIND_LOOKS, &own, &ends);
            }
        }
        tokio::time::sleep(every).await;
    }
}

/// `blind`: the fault is open already, because of the contact.
fn tell(news: News, blind: bool, own: &Own, ends: &Notify) {
    match news {
        News::There => {
            info!("Mains power is there");
            own.end(GatewayFault::Power, "mains");
        }
        News::Lost { charge } if blind => own.tell_again(GatewayFault::Power, "mains", &words_of_lost(charge)),
        News::Lost { charge } => own.begin(GatewayFault::Power, "mains", &words_of_lost(charge)),
        News::BatteryEnds { charge } => {
            own.tell_again(GatewayFault::Power, "mains", &words_of_end(charge));
            ends.notify_one();
        }
    }
}

fn words_of_lost(charge: Option<u8>) -> String {
    let battery = charge.map_or_else(|| "a battery".to_owned(), |charge| format!("a battery at {charge} %"));
    format!("mains power is lost, the gateway runs on {battery}: see to plug, adapter and fuse")
}

fn words_of_end(charge: u8) -> String {
    format!("the battery ends ({charge} %) and the gateway stops: nobody is watched until mains power is back")
}

/// Looks one at a time, each on a thread that may block.
struct Looks {
    reader: Option<Reader>,
    /// A look that hangs: no second thread is spent on a driver that holds one up already.
    pending: Option<JoinHandle<(Reader, Look)>>,
    hangs: bool,
}

impl Looks {
    fn new(reader: Reader) -> Self {
        Self { reader: Some(reader), pending: None, hangs: false }
    }

    /// Looks, or goes on waiting for a look that hangs. `None` where nothing came of it.
    async fn next(&mut self) -> Option<Look> {
        if let Some(mut reader) = self.reader.take() {
            self.pending = Some(tokio::task::spawn_blocking(move || {
                let look = reader.look();
                (reader, look)
            }));
        }
        let looked = tokio::time::timeout(LOOK_WITHIN, self.pending.as_mut()?).await;
        if looked.is_err() && !std::mem::replace(&mut self.hangs, true) {
            warn!("The power cannot be looked at: a power supply's driver or the contact's port does not answer");
        }
        let (reader, look) = looked.ok()?.expect("a look that panics is begun anew by the supervisor");
        self.hangs = false;
        (self.reader, self.pending) = (Some(reader), None);
        Some(look)
    }
}
