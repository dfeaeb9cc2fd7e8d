//! What is plugged in and what talks: the serial ports with what comes from them, the topics of the broker.
//!
//! A port that somebody holds is listed and not opened.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::guess;
use super::home::{BAUD_DEFAULT, Broker, Reads, Source};
use crate::cli::doctor::progress::Progress;
use crate::cli::doctor::{bytes, ports};
use crate::clock::{Clock, ClockSource};
use crate::sensor::{BrokerSettings, Columns, SerialSettings, mqtt, serial};

/// Where the system names ports by what is plugged in.
const BY_ID: &str = "/dev/serial/by-id";

/// Names of ports that have no better one: of adapters, and of a board's own lines.
const NAMES: &[&str] = &["ttyUSB", "ttyACM", "ttyAMA", "ttyS"];

/// The most ports that are listened to.
const PORTS_MAX: usize = 16;

/// How long opening a port or reaching the broker may take, beside the listening.
const OPEN_WITHIN: Duration = Duration::from_secs(25);

/// The speeds that are tried where the first gives rubbish, for a second each.
const BAUDS: [u32; 5] = [9_600, 57_600, 38_400, 19_200, 230_400];

/// The most topics that are shown.
const TOPICS_MAX: usize = 20;

/// Something that could be a mat.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    /// How it would be read.
    pub(super) source: Source,
    /// What comes from it, in words.
    pub(super) says: String,
    /// Whether it looks like a mat.
    pub(super) likely: bool,
}

/// Looks at every port.
pub(super) async fn ports(listen: Duration, progress: Progress) -> Vec<Candidate> {
    let plugged = progress.blocking("looking for ports", OPEN_WITHIN, list).await.unwrap_or_default();
    let mut found = Vec::new();
    for port in plugged.into_iter().take(PORTS_MAX) {
        found.push(port_at(&port, listen, progress).await);
    }
    found
}

/// Looks at one port.
pub(super) async fn port_at(port: &Path, listen: Duration, progress: Progress) -> Candidate {
    let name = port.display().to_string();
    let path = port.to_owned();
    let holders = progress.blocking("looking who holds it", OPEN_WITHIN, move || ports::holders(&path)).await;
    if let Some(holder) = holders.unwrap_or_default().first() {
        let says = format!("held by {}, process {}; not listened to", holder.name, holder.pid);
        return Candidate { source: Source::of_name(&name), says, likely: false };
    }
    let mut said = None;
    for baud in std::iter::once(BAUD_DEFAULT).chain(BAUDS) {
        let length = if baud == BAUD_DEFAULT { listen } else { Duration::from_secs(1).min(listen) };
        let settings = settings(port, baud);
        let heard = serial::listen(&settings, length);
        let what = format!("listening to {name} at {baud} baud");
        let heard = match progress.during(&what, length + OPEN_WITHIN, heard).await {
            Some(Ok(heard)) => heard,
            Some(Err(problem)) => return Candidate { source: Source::of_name(&name), says: problem, likely: false },
            None => break,
        };
        let says = match judge(&name, baud, &heard.bytes, heard.took) {
            Ok(candidate) => return candidate,
            Err(says) => says,
        };
        said.get_or_insert(says);
        // Silence is the same at every speed.
        if heard.bytes.is_empty() {
            break;
        }
    }
    let says = said.unwrap_or_else(|| "does not open in time".to_owned());
    Candidate { source: Source::of_name(&name), says, likely: false }
}

/// Judges what came at one speed; the error says what it is if it is nothing better at another. PURE.
fn judge(name: &str, baud: u32, heard: &[u8], took: Duration) -> Result<Candidate, String> {
    match bytes::look(heard, took, &settings(Path::new(name), baud), None) {
        bytes::Look::Nothing => Err("nothing comes".to_owned()),
        bytes::Look::Rubbish { .. } => Err(format!("something that is no text at {baud} baud")),
        bytes::Look::NoLines { shown } => Err(format!("text without an end of line: {shown:?}")),
        bytes::Look::Lines(seen) => {
            let lines = bytes::lines(heard);
            let texts: Vec<String> =
                lines.iter().filter_map(|line| std::str::from_utf8(line).ok()).map(str::to_owned).collect();
            let guess = guess::lines(&texts);
            let says = format!("{:.1} lines a second at {baud} baud, such as {:?}", seen.rate, seen.last);
            let likely = guess.is_some();
            let (separator, reads) =
                guess.map_or_else(|| (",".to_owned(), Reads::Default), |guess| (guess.separator, guess.reads));
            let source = Source::Port { port: name.to_owned(), baud, separator, reads };
            Ok(Candidate { source, says, likely })
        }
    }
}

fn settings(port: &Path, baud: u32) -> SerialSettings {
    let columns = Columns::Zones(vec![0]);
    SerialSettings { port: port.to_owned(), baud, separator: ",".to_owned(), columns, time: None }
}

/// Looks at every topic of a broker that is on this machine or in plain reach.
///
/// # Errors
///
/// Says why the broker lets us hear nothing.
pub(super) async fn topics(
    settings: &BrokerSettings,
    listen: Duration,
    progress: Progress,
) -> Result<Vec<Candidate>, String> {
    let mut heard: BTreeMap<String, (usize, Vec<u8>)> = BTreeMap::new();
    let clock = Clock::new(ClockSource::Ntp);
    let all = ["#".to_owned()];
    let listening = mqtt::listen(settings, &all, listen, &clock, |message| {
        if heard.len() < TOPICS_MAX || heard.contains_key(&message.topic) {
            let seen = heard.entry(message.topic).or_default();
            *seen = (seen.0 + 1, message.payload);
        }
        false
    });
    let what = format!("listening to the broker at {}:{}", settings.host, settings.port);
    progress.during(&what, listen + OPEN_WITHIN, listening).await.unwrap_or_else(|| Err("no answer".to_owned()))?;
    Ok(heard.into_iter().map(|(topic, (count, payload))| of_topic(topic, count, &payload)).collect())
}

/// Judges what came on a topic. PURE.
fn of_topic(topic: String, count: usize, payload: &[u8]) -> Candidate {
    let reads = std::str::from_utf8(payload).ok().and_then(guess::payload);
    let says = format!("{}, such as {:?}", crate::cli::many(count, "message"), bytes::shown(payload));
    Candidate { likely: reads.is_some(), source: Source::Topic { topic, reads: reads.unwrap_or(Reads::Default) }, says }
}

/// Returns the settings of a broker; nothing where its address is not sound.
pub(super) fn broker_settings(broker: &Broker) -> Option<BrokerSettings> {
    let (tls, usual, rest) = match broker.url.split_once("://")? {
        ("mqtt", rest) => (None, "1883", rest),
        ("mqtts", rest) => (Some(crate::tls::Files::default()), "8883", rest),
        _ => return None,
    };
    let rest = rest.trim_end_matches('/');
    let (host, port) = rest.rsplit_once(':').unwrap_or((rest, usual));
    Some(BrokerSettings {
        host: host.to_owned(),
        port: port.parse().ok()?,
        tls,
        user: broker.user.clone(),
        password_file: broker.password_file.as_ref().map(PathBuf::from),
    })
}

/// Lists the ports that are plugged in, each by its best name.
fn list() -> Vec<PathBuf> {
    let entries = |folder: &str| -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        paths
    };
    let mut ports = entries(BY_ID);
    let known: Vec<PathBuf> = ports.iter().filter_map(|port| port.canonicalize().ok()).collect();
    let is_port = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        NAMES.iter().any(|start| name.starts_with(start)) && !known.contains(path) && is_there(&name)
    };
    ports.extend(entries("/dev").into_iter().filter(is_port));
    ports
}

/// The kernel makes ttyS0 to ttyS3 whether there is hardware behind them or not.
fn is_there(name: &str) -> bool {
    !name.starts_with("ttyS")
        || fs::read_to_string(format!("/sys/class/tty/{name}/type")).is_ok_and(|kind| kind.trim() != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_is_judged_as_a_mat_or_not() {
        let second = Duration::from_secs(1);
        let mat = judge("/dev/x", 9_600, b"\n812 790\n811 791\n", second).unwrap();
        assert!(mat.likely, "{mat:?}");
        let reads = Reads::Zones(vec![0, 1]);
        let expected = Source::Port { port: "/dev/x".to_owned(), baud: 9_600, separator: " ".to_owned(), reads };
        assert_eq!(mat.source, expected);
        assert!(!judge("/dev/x", 9_600, b"\nlogin:\nlogin:\n", second).unwrap().likely);
        assert_eq!(judge("/dev/x", 9_600, b"", second), Err("nothing comes".to_owned()));
        let lamp = of_topic("lamp/state".to_owned(), 1, b"{\"brightness\":3}");
        assert!(!lamp.likely && lamp.says.starts_with("1 message, such as"));
    }

    #[test]
    fn a_broker_is_taken_apart_into_host_and_port() {
        let settings = |url: &str| {
            let broker = Broker { url: url.to_owned(), user: None, password_file: None };
            broker_settings(&broker).map(|broker| (broker.host, broker.port, broker.tls.is_some()))
        };
        assert_eq!(settings("mqtt://127.0.0.1:1884/"), Some(("127.0.0.1".to_owned(), 1884, false)));
        assert_eq!(settings("mqtt://localhost"), Some(("localhost".to_owned(), 1883, false)));
        assert_eq!(settings("mqtts://localhost/"), Some(("localhost".to_owned(), 8883, true)));
        assert_eq!(settings("http://x"), None);
    }
}
