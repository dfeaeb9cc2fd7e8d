//! `nattvakt live`: a bed as it is now, on a full screen.
//!
//! Reads the local socket and draws; decides nothing, and stores nothing.

mod curve;
mod scene;
mod screen;
mod terminal;

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::demo::Look;
use super::wire::{Wire, failure};
use super::{Failure, Signals, block_on};
use crate::clock;
use crate::control::{Answer, Client, ClientError, Request};
use crate::model::BedId;
use curve::Dots;
use scene::{Over, Scene};
use screen::Style;
use terminal::Terminal;

/// How often the screen is drawn, where something has changed.
const DRAW_EVERY: Duration = Duration::from_millis(200);

/// How long to wait before a daemon that is gone is looked for again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What waits to be shown; who brings more waits, and the daemon drops the oldest.
const NEWS_MAX: usize = 256;

/// Shows a bed live: its load as a moving curve with its thresholds, its phase, events and their delivery.
///
/// Works in any terminal from 40 by 10, over ssh too. Keys: p pause, m mark, Tab next bed, ? help, q quit. Readings come
/// over the local socket only, are stored nowhere, and need root or the group nattvakt-act.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  nattvakt live bed-1")]
pub(crate) struct Args {
    /// The bed; without it the first one of the configuration.
    #[arg(value_name = "BED")]
    bed: Option<BedId>,

    #[command(flatten)]
    wire: Wire,
}

/// What the screen has to take in.
enum News {
    Said(Answer, u32),
    Lost(String, u32),
    Key(u8),
    /// What was asked for is not done, and why.
    Refused(String),
}

impl Args {
    /// Shows the bed until a key or a signal ends it.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let path = self.wire.path()?;
        // What is wrong at the beginning is told where it stays readable.
        let first = connect(&path, self.bed).map_err(|error| failure(&error))?;
        let terminal = Terminal::take().map_err(Failure::usage)?;
        let ended = block_on(Live::new(terminal, path, self.bed).run(first));
        ended?.map(|()| ExitCode::SUCCESS)
    }
}

/// Connects, and waits for the first answer: a refusal is known then.
fn connect(path: &std::path::Path, bed: Option<BedId>) -> Result<(Client, Answer), ClientError> {
    let mut client = Client::connect(path)?;
    let first = client.ask_once(&Request::Live { bed })?;
    Ok((client, first))
}

struct Live {
    terminal: Terminal,
    style: Style,
    path: PathBuf,
    scene: Scene,
    sender: mpsc::Sender<News>,
    news: mpsc::Receiver<News>,
    /// Which connection counts: what an earlier one still says is passed over.
    turn: u32,
    changed: bool,
}

impl Live {
    fn new(terminal: Terminal, path: PathBuf, bed: Option<BedId>) -> Self {
        let (sender, news) = mpsc::channel(NEWS_MAX);
        let mut scene = Scene::new(clock::utc());
        scene.turn_to(bed);
        let style = Style { look: Look::of_stdout(), dots: dots() };
        Self { terminal, style, path, scene, sender, news, turn: 0, changed: true }
    }

    async fn run(mut self, first: (Client, Answer)) -> Result<(), Failure> {
        let mut signals = Signals::listen()?;
        let mut resized = signal(SignalKind::window_change()).map_err(Failure::failed)?;
        listen_to_keys(self.sender.clone())?;
        self.listen(Some(first))?;
        let mut draw = tokio::time::interval(DRAW_EVERY);
        draw.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // Each of them: a terminal that has hung up too.
                _ = signals.next() => return Ok(()),
                _ = resized.recv() => self.changed = true,
                Some(news) = self.news.recv() => {
                    if self.take(news)? {
                        return Ok(());
                    }
                }
                _ = draw.tick() => self.draw().map_err(Failure::failed)?,
            }
        }
    }

    fn draw(&mut self) -> std::io::Result<()> {
        self.scene.now = clock::utc();
        // The curve moves with the time.
        if self.changed || !self.scene.sights.is_empty() {
            self.changed = false;
            return self.terminal.show(&screen::draw(&self.scene, self.terminal.size(), self.style));
        }
        Ok(())
    }

    /// Takes news in; tells whether it is the end.
    fn take(&mut self, news: News) -> Result<bool, Failure> {
        self.changed = true;
        match news {
            News::Said(answer, turn) if turn == self.turn => self.scene.take(answer),
            News::Lost(words, turn) if turn == self.turn => self.scene.lost = Some(words),
            News::Said(..) | News::Lost(..) => {}
            News::Refused(words) => self.scene.note(&words),
            News::Key(key) => return self.key(key),
        }
        Ok(false)
    }

    fn key(&mut self, key: u8) -> Result<bool, Failure> {
        if self.scene.over == Over::Pause {
            self.scene.over = Over::Nothing;
            self.pause(key)?;
            return Ok(key == 3);
        }
        match key {
            b'q' | 3 => return Ok(true),
            b'?' if self.scene.over == Over::Help => self.scene.over = Over::Nothing,
            b'?' => self.scene.over = Over::Help,
            b'p' => self.scene.over = Over::Pause,
            b'm' => self.scene.mark(),
            b'\t' => {
                if let Some(next) = self.scene.next_bed() {
                    self.scene.turn_to(Some(next));
                    self.turn += 1;
                    self.listen(None)?;
                }
            }
            _ => self.scene.over = Over::Nothing,
        }
        Ok(false)
    }

    fn pause(&self, key: u8) -> Result<(), Failure> {
        let Some(bed) = self.scene.bed else { return Ok(()) };
        let for_s = match key {
            b'1' => 1800,
            b'2' => 3600,
            b'3' => 7200,
            b'r' => return self.ask(Request::Resume { bed }),
            _ => return Ok(()),
        };
        self.ask(Request::Pause { bed, for_s, until_return: false })
    }

    /// Asks beside what is shown, so that nothing stands still meanwhile.
    fn ask(&self, request: Request) -> Result<(), Failure> {
        let (path, sender) = (self.path.clone(), self.sender.clone());
        thread("ask", move || {
            let answer = Client::connect(&path).and_then(|mut client| client.ask_once(&request));
            // What was done comes as an event.
            if let Err(error) = answer {
                sender.blocking_send(News::Refused(error.to_string())).ok();
            }
        })
    }

    /// Listens to the daemon, on a thread of its own; to one that is gone as soon as it is back.
    fn listen(&self, first: Option<(Client, Answer)>) -> Result<(), Failure> {
        let (path, sender, bed, turn) = (self.path.clone(), self.sender.clone(), self.scene.bed, self.turn);
        thread("listen", move || {
            let mut connected = first.map_or_else(|| connect(&path, bed), Ok);
            loop {
                let error = match connected {
                    Ok((client, first)) => {
                        follow(client, first, |answer| sender.blocking_send(News::Said(answer, turn)).is_ok())
                    }
                    Err(error) => Some(error),
                };
                let Some(error) = error else { return };
                if sender.blocking_send(News::Lost(error.to_string(), turn)).is_err() {
                    return;
                }
                std::thread::sleep(AGAIN_AFTER);
                connected = connect(&path, bed);
            }
        })
    }
}

/// Hands on every answer until the connection breaks, and says why; `None` where nobody listens any more.
fn follow(mut client: Client, first: Answer, each: impl Fn(Answer) -> bool) -> Option<ClientError> {
    let mut next = first;
    while each(next) {
        next = match client.answer() {
            Ok(answer) => answer,
            Err(error) => return Some(error),
        };
    }
    None
}

fn listen_to_keys(sender: mpsc::Sender<News>) -> Result<(), Failure> {
    thread("keys", move || {
        // A key that sends several bytes (an arrow) begins with escape; what follows means nothing here.
        let mut keys = std::io::stdin().lock().bytes();
        while let Some(Ok(key)) = keys.next() {
            if sender.blocking_send(News::Key(key)).is_err() {
                return;
            }
        }
    })
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    started.map(drop).map_err(|error| Failure::failed(format!("no thread can be started: {error}")))
}

/// Braille where the locale says that the terminal has it.
fn dots() -> Dots {
    let set = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    if locale.contains("utf-8") || locale.contains("utf8") { Dots::Braille } else { Dots::Plain }
}
