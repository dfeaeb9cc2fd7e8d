//! `nattvakt demo`: the whole chain on this computer.
//!
//! A simulated resident on a real pseudo-terminal serial line, the real daemon, a small dispatch receiver on loopback.
//! Everything else is as in a home; nothing is left behind.

use std::collections::VecDeque;
use std::io::{self, Stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, broadcast, mpsc, watch};

use super::home::Home;
use super::{Happening, Look, Screen, Timeline};
use crate::cli::{Failure, Signals, block_on};
use crate::clock::{self, Clock, ClockSource};
use crate::dispatch::https::signature::Keys;
use crate::dispatch::receiver::{Checks, Post, Receiver};
use crate::gateway::{self, Setup, Tap};
use crate::model::{Event, Health, Kind, Moment};
use crate::secret::Secret;
use crate::sensor::simulated::SimulatedLine;
use crate::simulate::faults::Row;
use crate::simulate::night::Night;
use crate::simulate::script::{self, Caption, Scene};

/// How long the night of `--keep` is.
const NIGHT: Duration = Duration::from_secs(10 * 3600);

/// The seed of the resident: the same demonstration every time.
const SEED: u64 = 1;

/// A load below this share of her usual one has left the mat.
const LEFT_SHARE: f64 = 0.2;

/// How long the last alert may take after the last reading.
const LAST_ALERT_WITHIN: Duration = Duration::from_secs(3);

/// Shows the whole chain at work on this computer, in half a minute and with nothing to set up.
///
/// A simulated resident lies on a mat that speaks over a real serial line (a pseudo-terminal). The daemon reads it,
/// notices that she rises, keeps the alert on disk and sends it, signed, to a small dispatch receiver on this computer.
/// Nothing leaves the computer, and nothing is left behind.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  nattvakt demo")]
pub(crate) struct Args {
    /// Go on all night: after the half minute a whole night, at the pace of life. Ctrl-C ends it.
    #[arg(long)]
    keep: bool,
}

impl Args {
    /// Runs the scene, and prints what happens to stdout.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let start = clock::utc();
        let scene = if self.keep { script::whole_night(SEED, start, NIGHT) } else { script::half_minute(SEED, start) };
        match block_on(play(scene))? {
            // Whoever reads has seen enough, as `head` does.
            Err(Ended::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
            Err(Ended::Output(error)) => Err(Failure::failed(error)),
            Err(Ended::Failed(failure)) => Err(failure),
            Ok(()) => Ok(ExitCode::SUCCESS),
        }
    }
}

/// Why a demonstration ended early.
enum Ended {
    Output(io::Error),
    Failed(Failure),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Puts the parts together and lets them run until the scene is over.
async fn play(scene: Scene) -> Result<(), Ended> {
    let home = Home::new().map_err(Failure::failed)?;
    let mut signals = Signals::listen()?;
    let line = SimulatedLine::open().map_err(Failure::failed)?;
    let keys = Keys::parse(home.key()).map_err(Failure::failed)?;
    let checks = Checks { token: Some(Secret::new(home.token())), keys: Some(keys) };
    let receiver = Receiver::bind(([127, 0, 0, 1], 0).into(), checks).await.map_err(Failure::failed)?;
    let address = receiver.address().map_err(Failure::failed)?;
    let config = home.configure(line.port(), address)?;

    let tap = Tap { events: broadcast::Sender::new(64), health: Arc::new(watch::Sender::new(Health::default())) };
    let (posted, posts) = mpsc::unbounded_channel();
    let mut stage = Stage::new(scene, line, tap.events.subscribe(), posts);
    stage
        .show(&Happening::Ready { text: format!("The mat speaks on {}, 115200 baud.", stage.line.port().display()) })?;
    stage.show(&Happening::Ready { text: format!("Dispatch listens on http://{address}.") })?;

    let clock = Clock::new(ClockSource::Rtc);
    let (broken_file, first_start, load, supplies, control, tap) = (None, true, None, None, None, Some(tap));
    let text = String::new();
    let setup = Setup { config, text, broken_file, first_start, load, clock, supplies, control, tap };
    let (orders, asked) = mpsc::channel(1);
    let over = Arc::new(Notify::new());
    let ended = Arc::clone(&over);
    let dispatch = receiver.run(move |post| drop(posted.send(post.clone())), async move { ended.notified().await });
    let show = async {
        let shown = tokio::select! {
            shown = stage.perform() => shown,
            _ = signals.next() => Ok(()),
        };
        drop(orders);
        shown
    };
    let watch = async {
        let (shown, _) = tokio::join!(show, gateway::run(setup, asked));
        over.notify_one();
        shown
    };
    let (shown, ()) = tokio::join!(watch, dispatch);
    shown?;
    stage.screen.finish()?;
    Ok(())
}

/// Plays the resident, and shows what comes of it.
struct Stage {
    rows: Night,
    captions: VecDeque<Caption>,
    line: SimulatedLine,
    events: broadcast::Receiver<Event>,
    posts: mpsc::UnboundedReceiver<Post>,
    screen: Screen<Stdout>,
    begun: Moment,
    /// When the first reading was written that shows that the load has left.
    left: Option<Moment>,
    /// Alerts that dispatch has not got yet.
    on_their_way: i32,
}

impl Stage {
    fn new(
        scene: Scene,
        line: SimulatedLine,
        events: broadcast::Receiver<Event>,
        posts: mpsc::UnboundedReceiver<Post>,
    ) -> Self {
        Self {
            rows: Night::new(scene.night),
            captions: scene.captions.into(),
            line,
            events,
            posts,
            screen: Screen::new(Timeline::new(Look::of_stdout()), io::stdout()),
            begun: clock::moment(),
            left: None,
            on_their_way: 0,
        }
    }

    fn show(&mut self, happening: &Happening) -> io::Result<()> {
        self.screen.show(clock::moment().since(self.begun), happening)
    }

    /// Writes each reading at its time, and shows what happens meanwhile.
    async fn perform(&mut self) -> io::Result<()> {
        self.begun = clock::moment();
        while let Some(row) = self.rows.next() {
            let due = tokio::time::sleep_until(clock::instant(self.begun + row.arrives));
            self.show_until(due).await?;
            self.write(&row)?;
        }
        let patience = tokio::time::sleep(LAST_ALERT_WITHIN);
        tokio::pin!(patience);
        while self.on_their_way > 0 && !patience.is_elapsed() {
            tokio::select! {
                Some(post) = self.posts.recv() => self.show_post(&post)?,
                () = &mut patience => {}
            }
        }
        Ok(())
    }

    async fn show_until(&mut self, due: impl Future<Output = ()>) -> io::Result<()> {
        tokio::pin!(due);
        loop {
            tokio::select! {
                biased;
                () = &mut due => return Ok(()),
                Ok(event) = self.events.recv() => self.show_event(&event)?,
                Some(post) = self.posts.recv() => self.show_post(&post)?,
            }
        }
    }

    fn write(&mut self, row: &Row) -> io::Result<()> {
        while self.captions.front().is_some_and(|caption| caption.at <= row.at) {
            let Some(caption) = self.captions.pop_front() else { break };
            self.show(&Happening::Said { text: caption.text.to_owned(), deed: caption.deed })?;
        }
        let share = script::share(&row.channels);
        let written = clock::moment();
        self.line.send(&row.channels, ",")?;
        self.left = if share < LEFT_SHARE { self.left.or(Some(written)) } else { None };
        self.show(&Happening::Reading { share })
    }

    fn show_event(&mut self, event: &Event) -> io::Result<()> {
        let text = match event.kind.as_str() {
            "in-bed" => "in bed: the watch is on",
            "rise" => "has left the bed",
            "return" => "in bed again",
            _ => return Ok(()),
        };
        self.on_their_way += i32::from(event.kind != Kind::InBed);
        self.show(&Happening::State { text: text.to_owned() })
    }

    fn show_post(&mut self, post: &Post) -> io::Result<()> {
        let received: serde_json::Value = serde_json::from_str(&post.to_json())?;
        let kind = received.pointer("/event/data/kind").and_then(serde_json::Value::as_str).unwrap_or_default();
        let latency = self.left.filter(|_| kind == "rise").map(|left| post.moment.since(left));
        self.on_their_way -= i32::from(kind == "rise" || kind == "return");
        self.show(&Happening::Alert { received, latency })
    }
}
