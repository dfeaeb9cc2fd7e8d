//! A night at the pace of life: each reading at its time, and each deed told when it is done.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::broker::Publisher;
use super::line::Line;
use super::snippet;
use super::told::{Told, tell};
use crate::cli::{Failure, Signals, words};
use crate::clock;
use crate::model::{Channels, Moment};
use crate::simulate::{Night, Truth};

/// Which way the readings go.
pub(super) enum Way {
    /// Over a pseudo-terminal, linked to from here.
    Line(PathBuf),
    /// Over a broker.
    Broker { url: String, topic: String, allow_plaintext: bool },
}

/// Somebody who takes readings.
enum Mat {
    Line(Line),
    Broker(Publisher),
}

/// Plays a night until it is over or somebody ends it.
pub(super) async fn play(night: Night, way: Way, speed: f64) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let mat = open(&way, night.truth()).await?;
    let mut stage = Stage { told: tell(night.truth()).into(), begun: clock::moment(), speed, mat, sent: 0, lost: 0 };
    say(&format!("night {}, {} readings a second", night.truth().id, night.truth().rate_hz));
    let played = tokio::select! {
        played = stage.perform(night) => played,
        _ = signals.next() => Ok(()),
    };
    stage.end().await;
    played.map_err(Failure::failed)
}

/// Opens the way, and prints to stdout the configuration that reads it.
async fn open(way: &Way, truth: &Truth) -> Result<Mat, Failure> {
    let (text, mat) = match way {
        Way::Line(path) => {
            let path = std::path::absolute(path).map_err(Failure::usage)?;
            let text = snippet::serial(&path, truth)?;
            let line = Line::open(&path)?;
            say(&format!("the mat speaks on {}, which is {}", path.display(), line.port().display()));
            (text, Mat::Line(line))
        }
        Way::Broker { url, topic, allow_plaintext } => {
            let (text, config) = snippet::mqtt(url, topic, *allow_plaintext, truth)?;
            let broker = config.broker.unwrap_or_default();
            if broker.tls.is_some() {
                return Err(Failure::usage("--mqtt: a simulated mat speaks plain MQTT only: mqtt://HOST:PORT"));
            }
            let mat = Publisher::connect(&broker, topic, truth.kind == "contact").await?;
            say(&format!("the mat publishes to {topic} on {}:{}", broker.host, broker.port));
            (text, Mat::Broker(mat))
        }
    };
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever reads has seen enough, as `head` does; the mat speaks on.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::failed(error)),
        Err(_) | Ok(()) => Ok(mat),
    }
}

/// A night that is being played.
struct Stage {
    told: VecDeque<Told>,
    begun: Moment,
    speed: f64,
    mat: Mat,
    sent: u64,
    lost: u64,
}

impl Stage {
    async fn perform(&mut self, night: Night) -> io::Result<()> {
        let end = night.truth().duration_s;
        for row in night {
            self.tell_until(row.arrives.as_secs_f64()).await;
            self.wait(row.arrives.as_secs_f64()).await;
            if !self.send(&row.channels)? {
                self.lost += 1;
            }
            self.sent += 1;
        }
        self.tell_until(end).await;
        self.wait(end).await;
        Ok(())
    }

    fn send(&mut self, channels: &Channels) -> io::Result<bool> {
        match &mut self.mat {
            Mat::Line(line) => line.send(channels),
            Mat::Broker(publisher) => Ok(publisher.send(channels)),
        }
    }

    /// Tells each deed up to a time of the night, when it is done.
    async fn tell_until(&mut self, end: f64) {
        while self.told.front().is_some_and(|told| told.at <= end) {
            let Some(told) = self.told.pop_front() else { return };
            self.wait(told.at).await;
            say(&told.text);
        }
    }

    /// Waits until a time of the night, in seconds.
    async fn wait(&self, at: f64) {
        let after = Duration::try_from_secs_f64(at / self.speed).unwrap_or_default();
        tokio::time::sleep_until(clock::instant(self.begun + after)).await;
    }

    async fn end(self) {
        say(&format!("the mat is gone; {} readings, {} of them read by nobody", self.sent, self.lost));
        match self.mat {
            Mat::Line(line) => drop(line),
            Mat::Broker(publisher) => publisher.close().await,
        }
    }
}

/// Writes a line to stderr, with the time as the daemon's log has it.
fn say(text: &str) {
    let now: Timestamp = clock::utc();
    words::say(&format!("{now:.3}  {text}\n"));
}
