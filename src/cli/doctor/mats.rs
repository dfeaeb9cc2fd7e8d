//! From the plug to the reading: ports with what comes from them, the broker with what it has.
//!
//! A port that a running daemon may need is never opened: while two read, each gets half.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::bytes::{self, Look};
use super::line::Line;
use super::ports::{self, Holder};
use super::progress::Progress;
use crate::clock::Clock;
use crate::config::{Bed, Config};
use crate::model::BedId;
use crate::sensor::decode::{PayloadDecoder, Rejection};
use crate::sensor::mqtt::{self, Message};
use crate::sensor::{BrokerSettings, MqttSettings, Sensor, SerialSettings, serial};

/// How long the look at a port's file and at who holds it may take.
const LOOK_WITHIN: Duration = Duration::from_secs(5);

/// How long opening a port may take beside the listening.
const OPEN_WITHIN: Duration = Duration::from_secs(12);

/// The speeds that are tried where rubbish comes, the usual ones first.
const BAUDS: [u32; 7] = [9_600, 115_200, 57_600, 38_400, 19_200, 230_400, 4_800];

/// How long each of them is listened to.
const BAUD_LISTEN: Duration = Duration::from_secs(1);

/// How long a broker may take to let us in, beside the listening.
const BROKER_WITHIN: Duration = Duration::from_secs(25);

/// The most topics that are told of when a mat's own says nothing.
const TOPICS_MAX: usize = 5;

/// What the checks of the mats go by.
pub(super) struct Mats<'a> {
    pub(super) config: &'a Config,
    pub(super) clock: &'a Clock,
    pub(super) progress: Progress,
    pub(super) listen: Duration,
    /// The process of the daemon that runs, if one does.
    pub(super) daemon: Option<u32>,
}

impl Mats<'_> {
    /// Looks at each mat on a serial line.
    pub(super) async fn serial(&self, mut each: impl FnMut(Line)) {
        for bed in &self.config.beds {
            if let Sensor::Serial(settings) = &bed.sensor {
                self.port(bed, settings, &mut each).await;
            }
        }
    }

    async fn port(&self, bed: &Bed, settings: &SerialSettings, each: &mut impl FnMut(Line)) {
        let (path, id) = (settings.port.clone(), bed.id);
        let looked = self.progress.blocking("looking at the port", LOOK_WITHIN, move || look_at(&path)).await;
        let Some(port) = looked else {
            let help = "unplug the adapter and plug it in; its driver hangs";
            return each(Line::wrong("port", format!("{} does not answer", settings.port.display()), help).about(id));
        };
        let (line, free) = port.line(&settings.port, self.daemon);
        each(line.about(id));
        if free && self.daemon.is_none() {
            each(self.bytes(bed, settings).await.about(id));
        } else if free {
            let says = "not listened to: the daemon runs and may take this port at any moment";
            each(Line::skipped("bytes", says).about(id));
        }
    }

    async fn bytes(&self, bed: &Bed, settings: &SerialSettings) -> Line {
        let what = format!("listening to {}", settings.port.display());
        let heard = serial::listen(settings, self.listen);
        let heard = match self.progress.during(&what, self.listen + OPEN_WITHIN, heard).await {
            None => return Line::wrong("bytes", "the port does not open in time", "unplug the adapter and plug it in"),
            Some(Err(problem)) => return Line::wrong("bytes", problem.clone(), way_to_open(&problem)),
            Some(Ok(heard)) => heard,
        };
        let look = bytes::look(&heard.bytes, heard.took, settings, bed.detect.range);
        let better = if matches!(look, Look::Rubbish { .. }) { self.better_baud(settings).await } else { None };
        judge_bytes(&look, settings, bed, self.listen, better)
    }

    /// Finds a speed at which lines come.
    async fn better_baud(&self, settings: &SerialSettings) -> Option<u32> {
        for baud in BAUDS.into_iter().filter(|baud| *baud != settings.baud) {
            let other = SerialSettings { baud, ..settings.clone() };
            let heard = serial::listen(&other, BAUD_LISTEN);
            let what = format!("trying {baud} baud");
            let heard = self.progress.during(&what, BAUD_LISTEN + OPEN_WITHIN, heard).await?.ok()?;
            if bytes::is_text(&heard.bytes) && !bytes::lines(&heard.bytes).is_empty() {
                return Some(baud);
            }
        }
        None
    }

    /// Looks at the broker and at what comes on each mat's topic.
    pub(super) async fn mqtt(&self, broker: &BrokerSettings, mut each: impl FnMut(Line)) {
        let of_bed = |bed: &'_ Bed| match &bed.sensor {
            Sensor::Mqtt(settings) => Some((bed.id, settings.clone())),
            Sensor::Serial(_) => None,
        };
        let mats: Vec<(BedId, MqttSettings)> = self.config.beds.iter().filter_map(of_bed).collect();
        let address = format!("{}:{}", broker.host, broker.port);
        let topics: Vec<String> = mats.iter().map(|(_, mat)| mat.topic.clone()).collect();
        let mut heard = Heard::new(&mats);
        let listening = mqtt::listen(broker, &topics, self.listen, self.clock, |message| heard.take(&message));
        let what = format!("listening to the broker at {address}");
        match self.progress.during(&what, self.listen + BROKER_WITHIN, listening).await {
            None => {
                let help = "is the broker running, and is `url` in [mqtt] right?";
                return each(Line::wrong("broker", format!("{address} does not answer"), help));
            }
            Some(Err(problem)) => {
                let help = "look at [mqtt], and at the broker with `systemctl status mosquitto`";
                return each(Line::wrong("broker", format!("{address}: {problem}"), help));
            }
            Some(Ok(())) => {
                each(Line::good("broker", format!("{address} lets us in and lets us read the mats' topics")));
            }
        }
        let silent = mats.iter().any(|(bed, _)| heard.of(*bed).is_none());
        let others = if silent { self.other_topics(broker, &topics).await } else { Vec::new() };
        for (bed, mat) in &mats {
            each(judge_topic(mat, heard.of(*bed), self.listen, &others).about(*bed));
        }
    }

    /// Hears which other topics talk, where the broker lets us.
    async fn other_topics(&self, broker: &BrokerSettings, known: &[String]) -> Vec<String> {
        let mut found = BTreeSet::new();
        let all = ["#".to_owned()];
        let listening = mqtt::listen(broker, &all, self.listen, self.clock, |message| {
            found.insert(message.topic);
            found.len() >= 100
        });
        // A broker that lets us read our own topics only has refused, and tells nothing.
        let _refused = self.progress.during("listening to all topics", self.listen + BROKER_WITHIN, listening).await;
        found.into_iter().filter(|topic| !known.contains(topic)).collect()
    }
}

/// A port's file and who holds it.
struct Port {
    problem: Option<(&'static str, &'static str)>,
    driver: Option<String>,
    holders: Vec<Holder>,
}

fn look_at(path: &Path) -> Port {
    use std::os::unix::fs::FileTypeExt as _;
    let problem = match std::fs::metadata(path) {
        Err(_) => Some(("is not there", "plug the mat in, and compare with `ls -l /dev/serial/by-id`")),
        Ok(meta) if !meta.file_type().is_char_device() => Some(("is no serial port", "name one of /dev/serial/by-id")),
        Ok(_) => None,
    };
    Port { problem, driver: ports::driver(path), holders: ports::holders(path) }
}

impl Port {
    /// Says how it is, and whether nobody holds it.
    fn line(&self, path: &Path, daemon: Option<u32>) -> (Line, bool) {
        let shown = path.display();
        if let Some((problem, help)) = self.problem {
            return (Line::wrong("port", format!("{shown} {problem}"), help), false);
        }
        let driver = self.driver.as_deref().map(|driver| format!(", driver {driver}")).unwrap_or_default();
        match self.holders.as_slice() {
            [] => (Line::good("port", format!("{shown} is there, and nobody holds it{driver}")), true),
            [one] if Some(one.pid) == daemon => {
                (Line::good("port", format!("{shown} is held by the daemon, process {}{driver}", one.pid)), false)
            }
            holders => {
                let stranger = holders.iter().find(|holder| Some(holder.pid) != daemon);
                let (name, pid) = stranger.map_or(("?", 0), |holder| (holder.name.as_str(), holder.pid));
                let says = format!("{shown} is held by {name}, process {pid}");
                (Line::wrong("port", says, way_to_free(name, pid)), false)
            }
        }
    }
}

fn way_to_free(name: &str, pid: u32) -> String {
    match name {
        "ModemManager" => {
            "it takes every serial port for a modem: `sudo systemctl disable --now ModemManager`".to_owned()
        }
        "brltty" => "it takes adapters for a Braille display: `apt-get remove brltty`".to_owned(),
        _ => format!("end it, or let it read another port; `ps -p {pid} -f` shows what it is"),
    }
}

fn way_to_open(problem: &str) -> String {
    if problem.contains("permission") {
        "run it as root: `sudo nattvakt doctor`".to_owned()
    } else if problem.contains("in use") {
        "run it as root to see by whom: `sudo nattvakt doctor`".to_owned()
    } else {
        "look at cable and adapter; `sudo dmesg | tail` shows what the system says of them".to_owned()
    }
}

/// Judges what came from a port. PURE.
fn judge_bytes(look: &Look, settings: &SerialSettings, bed: &Bed, listened: Duration, better: Option<u32>) -> Line {
    let (baud, seconds) = (settings.baud, listened.as_secs());
    match look {
        Look::Nothing => {
            let help = "is the mat powered, and is it this cable? Mats that send on change only: sit down on the bed \
                        and run it again, with a longer `--listen 30s`";
            Line::wrong("bytes", format!("nothing came within {seconds} s at {baud} baud"), help)
        }
        Look::Rubbish { bytes, shown } => {
            let says = format!("{bytes} bytes came at {baud} baud and are no text ({shown} …): the speed is wrong");
            let help = match better {
                Some(better) => format!("at {better} baud lines of text come: set `baud = {better}` in [bed.serial]"),
                None => "no usual speed gives text either: look up the mat's speed, and whether it sends text at all"
                    .to_owned(),
            };
            Line::wrong("bytes", says, help)
        }
        Look::NoLines { shown } => {
            let help = "the mat must end each reading with a line feed; does it send anything more?";
            Line::wrong("bytes", format!("text comes at {baud} baud and no end of a line: {shown:?}"), help)
        }
        Look::Lines(seen) if seen.read == 0 => {
            let says = format!("{} lines came, none is a reading, such as {:?}", seen.refused, seen.last);
            Line::wrong("bytes", says, seen.way_out(settings))
        }
        Look::Lines(seen) if seen.outside => {
            let (low, high) = bed.detect.range.unwrap_or_default();
            let says =
                format!("readings come that lie outside of the range from {low} to {high}, such as {:?}", seen.last);
            Line::warning("bytes", says, "mend `range`: it is what the sensor can say, not what it usually says")
        }
        Look::Lines(seen) if seen.refused > seen.read => {
            let says = format!("of {} lines only {} are readings", seen.read + seen.refused, seen.read);
            Line::warning("bytes", says, seen.way_out(settings))
        }
        Look::Lines(seen) => {
            let says = format!("{:.1} lines a second at {baud} baud, all readings, such as {:?}", seen.rate, seen.last);
            let some = format!("{says}; {} were none", seen.refused);
            Line::good("bytes", if seen.refused == 0 { says } else { some.replace(", all readings", "") })
        }
    }
}

/// What came on one mat's topic.
#[derive(Debug, Clone, Default)]
struct OfTopic {
    live: usize,
    retained: usize,
    read: usize,
    reason: Option<Rejection>,
    last: String,
}

/// What came on all topics.
struct Heard {
    mats: Vec<(BedId, String, PayloadDecoder, OfTopic)>,
}

impl Heard {
    fn new(mats: &[(BedId, MqttSettings)]) -> Self {
        let mats =
            mats.iter().map(|(bed, mat)| (*bed, mat.topic.clone(), PayloadDecoder::new(mat), OfTopic::default()));
        Self { mats: mats.collect() }
    }

    /// Takes a message, and tells whether every mat has been heard live.
    fn take(&mut self, message: &Message) -> bool {
        for (_, topic, decoder, seen) in &mut self.mats {
            if *topic == message.topic {
                seen.live += usize::from(!message.retained);
                seen.retained += usize::from(message.retained);
                match decoder.decode(&message.payload) {
                    Ok(_) => seen.read += 1,
                    Err(reason) => seen.reason = Some(reason),
                }
                seen.last = bytes::shown(&message.payload);
            }
        }
        self.mats.iter().all(|(_, _, _, seen)| seen.live >= 3)
    }

    /// Returns what came of a mat; nothing where nothing did.
    fn of(&self, bed: BedId) -> Option<&OfTopic> {
        let seen = self.mats.iter().find(|(id, ..)| *id == bed).map(|(.., seen)| seen);
        seen.filter(|seen| seen.live + seen.retained > 0)
    }
}

/// Judges what came on a mat's topic. PURE.
fn judge_topic(mat: &MqttSettings, seen: Option<&OfTopic>, listened: Duration, others: &[String]) -> Line {
    let (topic, seconds) = (&mat.topic, listened.as_secs());
    let Some(seen) = seen else {
        let help = if others.is_empty() {
            "is the mat powered and in reach? One that sends on change only: sit down on the bed and run it again, with \
             a longer `--listen 30s`"
                .to_owned()
        } else {
            let some: Vec<String> = others.iter().take(TOPICS_MAX).map(|topic| format!("{topic:?}")).collect();
            format!("these topics talk: {}; is one of them the mat's? Then mend `topic` in [bed.mqtt]", some.join(", "))
        };
        return Line::wrong("topic", format!("nothing came on {topic:?} within {seconds} s"), help);
    };
    match (seen.read, seen.reason) {
        (0, Some(reason)) => {
            let says = format!("what comes on {topic:?} is no reading ({reason}), such as {:?}", seen.last);
            Line::wrong(
                "topic",
                says,
                "mend `value` (or `contact`) in [bed.mqtt]: it must lead to the number in the message",
            )
        }
        _ if seen.live == 0 => {
            let says = format!("only an old, retained message came on {topic:?} within {seconds} s: {:?}", seen.last);
            let help = "the mat itself has not been heard: sit down on the bed, or wait for its next sign of life";
            Line::warning("topic", says, help)
        }
        _ => Line::good("topic", format!("{topic:?} gives readings, such as {:?}", seen.last)),
    }
}
