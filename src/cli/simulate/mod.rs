//! `nattvakt simulate`: nights drawn by seed, as files or live.
//!
//! `files` writes recordings with their truths; `live` plays one night at the pace of life on a pseudo-terminal
//! (`line`) or to a broker (`broker`), and `told` says what the resident does meanwhile. What the seeds make is in
//! [`crate::simulate`].

mod broker;
mod files;
mod line;
mod live;
mod snippet;
mod told;

use std::path::PathBuf;
use std::process::ExitCode;

use super::nights::{self, Level, Mat};
use super::{Failure, block_on};
use crate::clock;
use crate::simulate::Night;
use live::Way;

/// Makes nights of bed-mat readings by seed, with the truth about them: as files, or live.
///
/// The same seed gives the same night, and the night that `score --seeds` draws from it with the same wishes. Live, a
/// night begins now and goes at the pace of life: on a pseudo-terminal that speaks as a serial mat, or on a topic of an
/// MQTT broker. The configuration that reads it goes to stdout, what the resident does meanwhile to stderr, to be
/// compared with what the daemon says. Ctrl-C ends it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  nattvakt simulate --seed 7 nights/                     # nights/s0007-….csv and nights/s0007-….truth.json
  nattvakt simulate --seed 7 --level nasty --count 50 nights/
  nattvakt simulate --seed 7 --hours 0.5 --pty /tmp/mat  # live, as a serial mat
  nattvakt simulate --seed 7 --mqtt mqtt://127.0.0.1:1883 --topic mats/bed-1")]
pub(crate) struct Args {
    /// Decides everything that is left to chance.
    #[arg(long)]
    seed: u64,

    /// How hard the night is; one of several; drawn where it is left out.
    #[arg(long, value_enum, value_name = "LEVEL", value_delimiter = ',')]
    level: Vec<Level>,

    /// The kind of mat; one of several; drawn where it is left out.
    #[arg(long, value_enum, value_name = "KIND", value_delimiter = ',')]
    mat: Vec<Mat>,

    /// How long the night is.
    #[arg(long, value_name = "HOURS", default_value = "11", value_parser = nights::hours)]
    hours: f64,

    /// How many nights, from consecutive seeds.
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with_all = ["pty", "mqtt"],
          value_parser = clap::value_parser!(u64).range(1..=nights::SEEDS_MAX))]
    count: u64,

    /// Play it on a pseudo-terminal that this path will lead to.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["mqtt", "out"])]
    pty: Option<PathBuf>,

    /// Play it to this broker: mqtt://HOST:PORT.
    #[arg(long, value_name = "URL", requires = "topic", conflicts_with = "out")]
    mqtt: Option<String>,

    /// The topic to publish to.
    #[arg(long, requires = "mqtt")]
    topic: Option<String>,

    /// Let the readings, made up as they are, go to a broker on another machine in plain text.
    #[arg(long, requires = "mqtt")]
    allow_plaintext: bool,

    /// How much faster than life a night is played, 1 to 1000. A detector that hears it sees everything as fast.
    #[arg(long, value_name = "TIMES", default_value_t = 1.0, value_parser = speed)]
    speed: f64,

    /// A folder (there, or with a `/` at its end, or for several nights), else the path of the files without ending.
    #[arg(value_name = "OUT", required_unless_present_any = ["pty", "mqtt"])]
    out: Option<PathBuf>,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse::<f64>().ok().filter(|speed| (1.0..=1000.0).contains(speed));
    speed.ok_or_else(|| "a number from 1 to 1000".to_owned())
}

impl Args {
    /// Writes the files, or plays to the end.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let live = match (&self.pty, &self.mqtt, &self.topic) {
            (Some(path), _, _) => Some(Way::Line(path.clone())),
            (None, Some(url), Some(topic)) => {
                Some(Way::Broker { url: url.clone(), topic: topic.clone(), allow_plaintext: self.allow_plaintext })
            }
            (None, _, _) => None,
        };
        match (live, &self.out) {
            (Some(way), _) => self.play(way)?,
            (None, Some(out)) => self.write(out)?,
            (None, None) => return Err(Failure::usage("say where to: OUT, --pty or --mqtt")),
        }
        Ok(ExitCode::SUCCESS)
    }

    fn write(&self, out: &std::path::Path) -> Result<(), Failure> {
        let lot = nights::lot(&self.level, &self.mat, self.hours, nights::usual_start());
        let last = self.seed.checked_add(self.count - 1).ok_or_else(|| Failure::usage("there are no such seeds"))?;
        let place = files::Place::of(out, self.count)?;
        for seed in self.seed..=last {
            files::write(Night::new(nights::draw(&lot, seed)?), &place)?;
        }
        Ok(())
    }

    fn play(&self, way: Way) -> Result<(), Failure> {
        let lot = nights::lot(&self.level, &self.mat, self.hours, clock::utc());
        let night = Night::new(nights::draw(&lot, self.seed)?);
        block_on(live::play(night, way, self.speed))?
    }
}
