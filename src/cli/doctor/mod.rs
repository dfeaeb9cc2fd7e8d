//! `sudo nattvakt doctor`: goes through everything from the plug to dispatch, in order. Changes nothing, and takes nothing from
//! a daemon that runs: not its bytes, nor its name at the broker, nor its store.

pub(super) mod bytes;
pub(super) mod daemon;
mod files;
mod line;
mod machine;
mod mats;
pub(super) mod ports;
pub(super) mod progress;
mod send;
mod service;
mod way;

use std::io::stdout;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::demo::Look;
use super::wire::reminders;
use super::words::columns;
use super::{Failure, block_on, fit, json_line, print};
use crate::clock::{self, Clock, ClockSource};
use crate::config::{self, Config, ConfigError, Looks, Sound};
use crate::control::Status;
use crate::control::status::Bed;
use crate::model::{MatFault, MatHealth};
use daemon::Daemon;
use line::{Findings, Line};
use mats::Mats;
use progress::Progress;
use way::Ways;

/// How long disks and the kernel's lists may take.
const DISK_WITHIN: Duration = Duration::from_secs(10);

/// Goes through everything from the plug to dispatch, and says what is wrong and what to do.
///
/// Each line has a tick (good), a warning (!), a cross (wrong) or a dash (not looked at). It may run beside the daemon:
/// a port that the daemon reads, or may want to, is not opened; the broker is asked under another name; the store is
/// looked at from outside. Run it as root to see everything: `sudo nattvakt doctor`.
///
/// Time limits: disk, memory and who holds what 10 s each; a port and a broker `--listen` and 25 s; where the speed of a
/// port seems wrong, 1 s for each of seven others; the name service 5 s, a connection 10 s, a handshake 12 s; systemd 5 s;
/// a test 20 s.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 no cross (there may be warnings), 1 a cross, 2 the configuration is missing or not sound.

Example:
  sudo nattvakt doctor
  sudo nattvakt doctor --listen 30s          # for mats that send on change only
  sudo nattvakt doctor --json | jq '.checks[] | select(.verdict == \"wrong\")'")]
pub(crate) struct Args {
    /// The configuration.
    #[arg(value_name = "FILE", default_value = config::DEFAULT_FILE)]
    file: PathBuf,

    /// How long each port and the broker are listened to: "1s" to "10min".
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = listen)]
    listen: Duration,

    /// Send a marked test message: by the daemon, the way that an alarm goes; where none runs to each way to dispatch.
    #[arg(long)]
    send: bool,

    /// One JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

/// Reads how long is listened.
pub(super) fn listen(text: &str) -> Result<Duration, String> {
    let length = config::duration::parse(text)?;
    let bounds = Duration::from_secs(1)..=Duration::from_secs(600);
    bounds.contains(&length).then_some(length).ok_or_else(|| "write from \"1s\" to \"10min\"".to_owned())
}

impl Args {
    /// Prints what is found to stdout.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let json = self.json;
        let (lines, unsound) = block_on(Doctor::new(self).examine())??;
        let findings = Findings::of(lines);
        if json {
            print(&json_line(&findings))?;
        } else {
            print(&fit(&format!("\n{}\n", findings.summary())))?;
        }
        Ok(match (unsound, findings.well) {
            (true, _) => ExitCode::from(2),
            (false, true) => ExitCode::SUCCESS,
            (false, false) => ExitCode::FAILURE,
        })
    }
}

struct Doctor {
    args: Args,
    look: Look,
    progress: Progress,
    lines: Vec<Line>,
    /// Why nothing more can be printed.
    broken: Option<Failure>,
}

impl Doctor {
    fn new(args: Args) -> Self {
        Self { args, look: Look::of_stdout(), progress: Progress::of_stderr(), lines: Vec::new(), broken: None }
    }

    /// Shows a line at once: whoever waits sees how far it is.
    fn tell(&mut self, line: Line) {
        if !self.args.json && self.broken.is_none() {
            self.broken = print(&line.text(self.look, columns(stdout()))).err();
        }
        self.lines.push(line);
    }

    fn tell_all(&mut self, lines: impl IntoIterator<Item = Line>) {
        lines.into_iter().for_each(|line| self.tell(line));
    }

    /// Goes through everything; tells also whether the configuration is not sound.
    async fn examine(mut self) -> Result<(Vec<Line>, bool), Failure> {
        let file = self.args.file.clone();
        let loaded =
            self.progress.blocking("reading the configuration", DISK_WITHIN, move || config::load(&file, Looks::Here));
        match loaded.await {
            None => {
                let help = "the disk does not answer: `sudo dmesg | tail`; replace the card";
                self.tell(Line::wrong("config", "cannot be read in time", help));
                self.without().await;
            }
            Some(loaded) => self.with(&loaded).await,
        }
        let unsound = self.lines.first().is_some_and(|line| line.verdict == line::Verdict::Wrong);
        self.broken.map_or(Ok((self.lines, unsound)), Err)
    }

    async fn with(&mut self, loaded: &Result<Sound, ConfigError>) {
        let line = files::configuration(loaded, &self.args.file);
        self.tell(line);
        match loaded {
            Ok(sound) => self.all(sound).await,
            Err(_) => self.without().await,
        }
    }

    /// What can be looked at without a configuration.
    async fn without(&mut self) {
        let store = crate::store::Settings::default().path;
        let (daemon, said) = self.daemon(&store).await;
        let clock = Clock::new(ClockSource::Ntp);
        self.tell(machine::clock(ClockSource::Ntp, &TimeZone::system(), &clock, said.as_ref()));
        self.store(&store, daemon.as_ref(), said.as_ref()).await;
        self.service(daemon.as_ref()).await;
        self.tell(Line::skipped("rest", "mats and dispatch are looked at once the configuration is sound"));
    }

    async fn all(&mut self, sound: &Sound) {
        let config = &sound.config;
        let (daemon, said) = self.daemon(&config.store.path).await;
        let clock = Clock::new(config.gateway.clock);
        self.files(sound, daemon.as_ref()).await;
        self.mats(config, &clock, daemon.as_ref()).await;
        self.last_readings(daemon.as_ref(), said.as_ref());
        self.tell(machine::clock(config.gateway.clock, &config.gateway.zone, &clock, said.as_ref()));
        self.store(&config.store.path, daemon.as_ref(), said.as_ref()).await;
        self.ways(config, &clock).await;
        self.service(daemon.as_ref()).await;
        self.said(said.as_ref());
        if self.args.send {
            self.send(config, &clock, daemon.as_ref()).await;
        }
    }

    async fn daemon(&self, store: &Path) -> (Option<Daemon>, Option<Status>) {
        let store = store.to_owned();
        let find = move || {
            let daemon = daemon::find(&store);
            let said = daemon.as_ref().and_then(|_| daemon::ask(&store));
            (daemon, said)
        };
        self.progress.blocking("looking for the daemon", DISK_WITHIN, find).await.unwrap_or_default()
    }

    async fn files(&mut self, sound: &Sound, daemon: Option<&Daemon>) {
        let (file, config, who) = (self.args.file.clone(), sound.config.clone(), daemon.cloned());
        let rights = move || files::rights(&file, &config, who.as_ref());
        let rights = self.progress.blocking("looking at rights", DISK_WITHIN, rights).await;
        if daemon.is_some() {
            let sound = sound.clone();
            let in_use = move || files::in_use(&sound);
            let in_use = self.progress.blocking("comparing with what is in use", DISK_WITHIN, in_use).await;
            self.tell_all(in_use.flatten());
        }
        self.tell_all(rights);
    }

    async fn mats(&mut self, config: &Config, clock: &Clock, daemon: Option<&Daemon>) {
        let (progress, listen) = (self.progress, self.args.listen);
        let mats = Mats { config, clock, progress, listen, daemon: daemon.map(|daemon| daemon.pid) };
        mats.serial(|line| self.tell(line)).await;
        if let Some(broker) = &config.broker {
            mats.mqtt(broker, |line| self.tell(line)).await;
        }
    }

    /// What the daemon last read of each bed, if it says so.
    fn last_readings(&mut self, daemon: Option<&Daemon>, said: Option<&Status>) {
        match (daemon, said) {
            (None, _) => self.tell(Line::skipped("daemon", "none runs on this configuration's store")),
            (Some(daemon), None) => {
                let says = format!("runs as process {}; its socket does not answer you", daemon.pid);
                self.tell(Line::skipped("daemon", says));
            }
            (Some(_), Some(said)) => {
                let now = clock::utc();
                self.tell_all(said.beds.iter().map(|bed| last_reading(bed, now)).collect::<Vec<_>>());
            }
        }
    }

    async fn store(&mut self, path: &Path, daemon: Option<&Daemon>, said: Option<&Status>) {
        let (path, daemon, said) = (path.to_owned(), daemon.cloned(), said.cloned());
        let shown = path.display().to_string();
        let look = move || [machine::disk(&path), machine::store(&path, daemon.as_ref(), said.as_ref())];
        if let Some(lines) = self.progress.blocking("looking at the disk", DISK_WITHIN, look).await {
            self.tell_all(lines);
        } else {
            let help = "`sudo dmesg | tail` shows what the system says of it; replace the card";
            self.tell(Line::wrong("disk", format!("{shown}: the disk does not answer"), help));
        }
    }

    async fn ways(&mut self, config: &Config, clock: &Clock) {
        let ways = Ways { zone: &config.gateway.zone, clock, progress: self.progress };
        for channel in &config.channels {
            ways.channel(channel, &mut |line| self.tell(line)).await;
        }
    }

    async fn service(&mut self, daemon: Option<&Daemon>) {
        let asked = self.progress.blocking("asking systemd", service::ANSWER_WITHIN * 2, service::ask).await;
        let asked = asked.unwrap_or_else(|| Err("systemd does not answer".to_owned()));
        self.tell_all(service::judge(&asked, daemon.map(|daemon| daemon.pid)));
        self.tell(machine::memory(daemon));
    }

    /// What the daemon itself says is wrong.
    fn said(&mut self, said: Option<&Status>) {
        for problem in said.map(|said| said.problems.as_slice()).unwrap_or_default() {
            self.tell(Line::wrong("daemon", format!("it says: {problem}"), "`sudo nattvakt status` shows it whole"));
        }
        // One that is sent now is told of in its own line.
        for due in said.filter(|_| !self.args.send).map(reminders).unwrap_or_default() {
            let (due, help) = due.split_once("; ").unwrap_or((&due, ""));
            self.tell(Line::warning("proof", due, help));
        }
    }

    async fn send(&mut self, config: &Config, clock: &Clock, daemon: Option<&Daemon>) {
        let progress = self.progress;
        if daemon.is_some() {
            return self.tell(send::by_daemon(config, progress).await);
        }
        send::send(config, clock, progress, |line| self.tell(line)).await;
    }
}

/// Says what to do about a fault of a mat that can be read, or could be. PURE.
fn help_of(fault: MatFault, bed: &Bed) -> String {
    let bed = bed.bed;
    match fault {
        MatFault::Silent | MatFault::Unplugged | MatFault::Offline => "see the port or topic above".to_owned(),
        MatFault::Stuck => format!(
            "does its load change when somebody sits down? `sudo nattvakt live {bed}` shows it; lay it flat, take things off, \
             else a new mat"
        ),
        MatFault::OutOfRange | MatFault::Implausible => {
            "see the topic above; of a port the doctor shows what comes while the service is stopped: `sudo systemctl stop \
             nattvakt`, and start it again afterwards"
                .to_owned()
        }
        MatFault::Chatter => "its plug, its cable; plug it in again, else a new mat".to_owned(),
        MatFault::Drifted => format!("lay the mat as it was, then `sudo nattvakt calibrate {bed}`"),
        MatFault::LowBattery => "change its battery this week; the bed is still watched".to_owned(),
    }
}

/// Judges what the daemon says of one bed. PURE.
fn last_reading(bed: &Bed, now: Timestamp) -> Line {
    const HELP: &str = "see the port or topic above";
    let (id, mat) = (bed.bed, bed.mat);
    let line = match (bed.last_reading.map(|last| machine::ago(last, now)), mat) {
        (Some(ago), MatHealth::Fault(fault)) => {
            Line::wrong("reading", format!("the daemon last read it {ago}; fault: {fault}"), help_of(fault, bed))
        }
        (Some(ago), MatHealth::Ok | MatHealth::Learning | MatHealth::Paused) => {
            Line::good("reading", format!("the daemon last read it {ago}; mat {mat}"))
        }
        (None, MatHealth::Fault(fault)) => Line::wrong(
            "reading",
            format!("the daemon has not read it since it started; fault: {fault}"),
            help_of(fault, bed),
        ),
        (None, MatHealth::Ok | MatHealth::Learning | MatHealth::Paused) => {
            Line::wrong("reading", format!("the daemon has not read it since it started; mat {mat}"), HELP)
        }
    };
    line.about(id)
}
