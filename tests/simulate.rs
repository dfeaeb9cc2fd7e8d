//! `nattvakt simulate`, the built program: nights as files, on a real pseudo-terminal, through a real broker.

#![expect(clippy::unwrap_used, reason = "test code")]

#[path = "support/mosquitto.rs"]
#[expect(dead_code, reason = "these tests need but a broker that takes everybody")]
mod mosquitto;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use nattvakt::clock::{Clock, ClockSource};
use nattvakt::config::{self, Looks};
use nattvakt::model::Channels;
use nattvakt::sensor::recording::Recording;
use nattvakt::sensor::{FEED_SIGNALS_MAX, Link, Sensor, Signal, mqtt, serial};
use nix::sys::signal::{SIGINT, kill};
use nix::unistd::Pid;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use mosquitto::{Access, Mosquitto};

/// Longer than any wait of the program under test; a test that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A night with several zones and no troubles, fast enough for a test and long enough never to end in one.
const NIGHT: [&str; 8] = ["--seed", "7", "--level", "easy", "--mat", "zones", "--hours", "1"];

fn simulate(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nattvakt")).arg("simulate").args(args).output().unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn write(args: &[&str], out: &Path) -> Output {
    simulate(&[args, &[out.to_str().unwrap()]].concat())
}

/// The files of a folder with what is in them.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<_> = names.map(|name| (name.clone(), fs::read(folder.join(name)).unwrap())).collect();
    files.sort();
    files
}

#[test]
fn the_same_seeds_give_the_same_bytes_and_others_give_others() {
    let home = tempfile::tempdir().unwrap();
    let folders = ["one", "two", "other"].map(|name| home.path().join(name));
    for (folder, seed) in folders.iter().zip(["5", "5", "6"]) {
        let output = write(&["--seed", seed, "--count", "3", "--hours", "0.5"], folder);
        assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    }
    let [one, two, other] = folders.map(|folder| files(&folder));
    assert_eq!((one.len(), &one), (6, &two));
    // Seeds 5 to 7 and 6 to 8 have two nights in common.
    assert_eq!(one.iter().filter(|file| other.contains(file)).count(), 4);
}

#[test]
fn a_path_that_is_no_folder_names_the_files_and_nothing_is_written_over() {
    let home = tempfile::tempdir().unwrap();
    let stem = home.path().join("night");
    assert_eq!(write(&NIGHT, &stem).status.code(), Some(0));
    let before = files(home.path());
    assert_eq!(before.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["night.csv", "night.truth.json"]);
    let again = write(&["--seed", "8"], &stem);
    assert_eq!(again.status.code(), Some(1));
    assert!(errors(&again).contains("is there already"), "{}", errors(&again));
    fs::remove_file(home.path().join("night.truth.json")).unwrap();
    assert_eq!(write(&["--seed", "8"], &stem).status.code(), Some(1));
    assert_eq!(files(home.path()), before[..1]);
}

#[test]
fn replay_reads_every_row_of_every_kind_and_level() {
    let home = tempfile::tempdir().unwrap();
    let folder = format!("{}/", home.path().display());
    let output = simulate(&["--seed", "1", "--count", "12", "--hours", "0.2", &folder]);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/minimal.toml");
    let names = files(home.path()).into_iter().map(|(name, _)| name);
    for name in names.filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "csv")) {
        let mut replay = Command::new(env!("CARGO_BIN_EXE_nattvakt"));
        let output = replay.args(["replay", "--config"]).arg(&config).arg(home.path().join(&name)).output().unwrap();
        assert_eq!((output.status.code(), errors(&output)), (Some(0), String::new()), "{name}");
    }
}

/// The readings of [`NIGHT`], from a file.
fn readings() -> Vec<Channels> {
    let home = tempfile::tempdir().unwrap();
    let stem = home.path().join("night");
    assert_eq!(write(&NIGHT, &stem).status.code(), Some(0));
    let file = fs::File::open(home.path().join("night.csv")).unwrap();
    Recording::open(BufReader::new(file)).unwrap().map(|row| row.unwrap().channels).collect()
}

/// A night that is being played. Killed when dropped.
struct Live {
    child: Child,
    /// The configuration that it printed.
    sensor: Sensor,
}

impl Live {
    fn start(way: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nattvakt"));
        command.arg("simulate").args(NIGHT).args(["--speed", "20"]).args(way);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut text = "[gateway]\nid = \"1\"\n".to_owned();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            text.extend([&line, "\n"]);
            if line.starts_with("range") {
                break;
            }
        }
        let sound = config::parse(&text, "what simulate printed", Looks::Replay);
        let sensor = sound.unwrap_or_else(|error| panic!("{error}\n{text}")).config.beds.remove(0).sensor;
        Self { child, sensor }
    }

    /// Ends it as Ctrl-C does; returns how it ended and what it told.
    fn interrupt(mut self) -> (Option<i32>, String) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), SIGINT).unwrap();
        let mut told = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        (self.child.wait().unwrap().code(), told)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The next readings that a bed hears.
async fn hear(bed: &mut broadcast::Receiver<Signal>, count: usize) -> Vec<Channels> {
    let mut heard = Vec::new();
    while heard.len() < count {
        if let Signal::Reading(reading) = timeout(PATIENCE, bed.recv()).await.expect("nothing comes").unwrap() {
            heard.push(reading.channels);
        }
    }
    heard
}

#[tokio::test]
async fn the_serial_reader_reads_a_night_that_is_played_on_a_pseudo_terminal() {
    let readings = readings();
    let home = tempfile::tempdir().unwrap();
    let port = home.path().join("mat");
    // What a run that was killed leaves behind.
    std::os::unix::fs::symlink("/dev/pts/nobody", &port).unwrap();
    let live = Live::start(&["--pty", port.to_str().unwrap()]);
    let Sensor::Serial(settings) = &live.sensor else { panic!("{:?}", live.sensor) };
    assert_eq!(settings.port, port);
    let (feed, mut bed) = broadcast::channel(FEED_SIGNALS_MAX);
    let mut tasks = JoinSet::new();
    tasks.spawn(serial::run(settings.clone(), feed));
    let heard = hear(&mut bed, 100).await;
    assert!(readings.windows(heard.len()).any(|part| part == heard), "other readings than those of the file");
    let (code, told) = live.interrupt();
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("is out of bed") || told.contains("lies in bed"), "{told}");
    assert!(told.contains("the mat is gone"), "{told}");
    assert!(!port.is_symlink(), "the link stays behind");
}

#[tokio::test]
async fn the_broker_hands_on_a_night_that_is_published_without_loss() {
    let readings = readings();
    let broker = Mosquitto::start(Access::Open);
    let url = format!("mqtt://127.0.0.1:{}", broker.port());
    let payload = (1..=readings[0].len()).map(|zone| format!("/zone{zone}")).collect();
    let settings = nattvakt::sensor::MqttSettings {
        topic: "mats/bed-1".to_owned(),
        payload: nattvakt::sensor::Payload::Zones(payload),
        time: None,
    };
    let (feed, mut bed) = broadcast::channel(FEED_SIGNALS_MAX);
    let (link, mut up) = watch::channel(Link::Connecting);
    let mats = vec![mqtt::Mat { bed: "bed-1".parse().unwrap(), settings: settings.clone(), feed }];
    let address = nattvakt::sensor::BrokerSettings { port: broker.port(), ..Default::default() };
    let mut tasks = JoinSet::new();
    let mats = watch::Sender::new(mats);
    tasks.spawn(mqtt::run(mqtt::Setup {
        broker: address,
        client_id: "nattvakt-test".to_owned(),
        mats: mats.subscribe(),
        clock: Clock::new(ClockSource::Rtc),
        link,
    }));
    timeout(PATIENCE, up.wait_for(|link| *link == Link::Up)).await.unwrap().unwrap();
    let live = tokio::task::spawn_blocking(move || Live::start(&["--mqtt", &url, "--topic", "mats/bed-1"]));
    let heard = hear(&mut bed, 100).await;
    assert_eq!(heard, readings[..100]);
    let live = live.await.unwrap();
    assert_eq!(live.sensor, Sensor::Mqtt(settings));
    let (code, told) = live.interrupt();
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains(", 0 of them read by nobody"), "{told}");
}

#[test]
fn brokers_elsewhere_or_away_and_paths_that_are_taken_are_told() {
    let topic = ["--topic", "mats/bed-1"];
    for url in ["mqtt://192.0.2.1", "http://127.0.0.1", "mqtts://127.0.0.1"] {
        let output = simulate(&[&NIGHT[..], &["--mqtt", url], &topic].concat());
        assert_eq!(output.status.code(), Some(2), "{url}: {}", errors(&output));
    }
    // Nobody listens on the port of a broker that is gone.
    let mut broker = Mosquitto::start(Access::Open);
    let url = format!("mqtt://127.0.0.1:{}", broker.port());
    broker.stop();
    let output = simulate(&[&NIGHT[..], &["--mqtt", &url], &topic].concat());
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    assert!(errors(&output).contains("the broker at 127.0.0.1"), "{}", errors(&output));
    let taken: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let output = simulate(&[&NIGHT[..], &["--pty", taken.to_str().unwrap()]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    assert_eq!(simulate(&["--seed", "7"]).status.code(), Some(2));
}
