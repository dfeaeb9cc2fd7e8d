//! `nattvakt replay` as a technician runs it: pictures, parts of them, and explanations, by the built binary.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

const EMPTY: f64 = 100.0;
const LYING: f64 = 600.0;

/// What the mat shows, and for how many seconds; nothing arrives where there is no value.
type Scene = [(Option<f64>, i64)];

/// She lies down, lifts her hips, leaves and comes back; the mat is silent for a while; she leaves again.
const NIGHT: [(Option<f64>, i64); 8] = [
    (Some(EMPTY), 600),
    (Some(LYING), 1_200),
    (Some(EMPTY), 1),
    (Some(LYING), 1_200),
    (Some(EMPTY), 300),
    (Some(LYING), 600),
    (None, 300),
    (Some(LYING), 300),
];

const START: &str = "2026-01-15T21:00:00Z";

/// A folder with a configuration and a recording at 10 Hz.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new(language: &str, scene: &Scene) -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        let configuration = format!(
            "[gateway]\nid = \"1\"\ntime-zone = \"Europe/Stockholm\"\nlanguage = \"{language}\"\n\
             [[bed]]\nid = \"bed-1\"\n[bed.mqtt]\ntopic = \"t\"\n[bed.detect]\nconfirm = \"3s\"\n"
        );
        fs::write(home.path("home.toml"), configuration).unwrap();
        fs::write(home.path("night.csv"), recording(scene)).unwrap();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replays the recording with more arguments; `@` stands for the folder.
    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nattvakt"));
        command.arg("replay").arg("--config").arg(self.path("home.toml"));
        command.args(more.iter().map(|arg| arg.replace('@', self.folder.path().to_str().unwrap())));
        command.arg(self.path("night.csv"));
        command
    }

    fn replay(&self, more: &[&str]) -> Answer {
        Answer::of(&self.command(more).output().unwrap())
    }

    /// The texts of a picture, which has to be well-formed.
    fn texts(&self, picture: &str) -> Vec<String> {
        let picture = fs::read_to_string(self.path(picture)).unwrap();
        let document = roxmltree::Document::parse(&picture).unwrap();
        assert!(document.root_element().has_tag_name(("http://www.w3.org/2000/svg", "svg")));
        let texts = document.descendants().filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "text")));
        texts.filter_map(|node| node.text()).map(|text| text.trim().to_owned()).collect()
    }
}

/// What the command answered.
#[derive(Debug)]
struct Answer {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Answer {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code().unwrap(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    #[track_caller]
    fn sound(self) -> Self {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "{self:?}");
        self
    }

    fn json(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Writes a scene with the noise of a mat and the breathing of who lies on it.
fn recording(scene: &Scene) -> String {
    let mut text = "time,pressure\n".to_owned();
    let mut time: Timestamp = START.parse().unwrap();
    let mut noise = 1_u32;
    for (value, seconds) in scene {
        for _ in 0..seconds * 10 {
            // Numerical Recipes' generator: any will do.
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let spread = if value.is_some_and(|value| value > EMPTY) { 8.0 } else { 1.0 };
            if let Some(value) = value {
                writeln!(text, "{time:.3},{:.1}", value + (f64::from(noise >> 16) / 65_536.0 - 0.5) * spread).unwrap();
            }
            time += SignedDuration::from_millis(100);
        }
    }
    text
}

/// What the wall clock in the home shows at the time of an event.
fn local(event: &Value) -> String {
    let time: Timestamp = event["time"].as_str().unwrap().parse().unwrap();
    TimeZone::get("Europe/Stockholm").unwrap().to_datetime(time).strftime("%H:%M:%S").to_string()
}

#[test]
fn a_picture_has_every_event_with_its_local_time_and_the_events_go_to_stdout_as_without_it() {
    let home = Home::new("sv", &NIGHT);
    let without = home.replay(&["--format", "json"]).sound();
    let with = home.replay(&["--format", "json", "--plot", "@/night.svg"]).sound();
    assert_eq!(with.stdout, without.stdout);
    let events = with.json();
    let kinds: Vec<&str> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["in-bed", "rise", "return", "sensor-fault", "sensor-restored"]);
    let texts = home.texts("night.svg");
    for event in &events {
        assert!(texts.contains(&local(event)), "{event} is not in {texts:?}");
    }
    for words in ["Säng bed-1, 2026-01-15", "Har lämnat sängen", "Sängmattan svarar inte", "I sängen", "Fel på mattan"]
    {
        assert!(texts.iter().any(|text| text == words), "no {words:?} in {texts:?}");
    }
}

#[test]
fn a_picture_speaks_the_language_of_the_home() {
    let home = Home::new("en", &NIGHT);
    home.replay(&["--plot", "@/night.svg"]).sound();
    let texts = home.texts("night.svg");
    for words in ["Bed bed-1, 2026-01-15", "Has left the bed", "In bed", "Mat fault", "No readings", "lying"] {
        assert!(texts.iter().any(|text| text == words), "no {words:?} in {texts:?}");
    }
}

#[test]
fn a_restless_recording_of_hours_makes_a_light_picture() {
    let tossing: Vec<(Option<f64>, i64)> =
        (0..360).flat_map(|_| [(Some(LYING), 9), (Some(LYING * 1.3), 6), (Some(LYING * 0.8), 5)]).collect();
    let home = Home::new("sv", &[vec![(Some(EMPTY), 60)], tossing].concat());
    home.replay(&["--plot", "@/night.svg"]).sound();
    let bytes = fs::metadata(home.path("night.svg")).unwrap().len();
    assert!(bytes < 200_000, "{bytes} bytes");
    assert!(!home.texts("night.svg").is_empty());
}

#[test]
fn a_part_of_the_night_shows_what_happened_in_it() {
    let home = Home::new("sv", &NIGHT);
    // The rise is at 22:50:01 local time, the return five minutes later.
    for between in [["22:45", "22:52"], ["2026-01-15T22:45", "22:52"], ["2026-01-15T21:45:00Z", "2026-01-15T21:52:00Z"]]
    {
        home.replay(&["--plot", "@/part.svg", "--from", between[0], "--to", between[1]]).sound();
        let texts = home.texts("part.svg");
        let has = |words: &str| texts.iter().any(|text| text == words);
        assert!(has("2026-01-15 22:45:00 – 22:52:00 (Europe/Stockholm)"), "{texts:?}");
        assert!(has("Har lämnat sängen") && !has("Är tillbaka i sängen") && !has("Har lagt sig"), "{texts:?}");
    }
}

#[test]
fn every_event_is_explained_below_it_and_what_was_not_told_too() {
    let home = Home::new("sv", &NIGHT);
    let plain = home.replay(&[]).sound();
    assert!(!plain.stdout.contains("not told") && !plain.stdout.contains("lying person"), "{plain:?}");
    let explained = home.replay(&["--explain"]).sound();
    let lines: Vec<&str> = explained.stdout.lines().collect();
    assert!(plain.stdout.lines().all(|line| lines.contains(&line)), "{plain:?} {explained:?}");
    for (word, because) in [
        ("  rise ", "      the load left (from "),
        ("  return ", "      a load came (from "),
        ("sensor-fault", "      nothing has arrived for "),
        ("(not told)", "      levels learnt from a swing"),
    ] {
        let place = lines.iter().position(|line| line.contains(word)).unwrap();
        assert!(lines[place + 1].starts_with(because), "{word}: {lines:#?}");
    }
    assert!(lines.iter().any(|line| line.contains("the load was away for only 1.")), "{lines:#?}");
}

#[test]
fn json_has_the_explanation_as_a_field_only_where_it_is_asked_for() {
    let home = Home::new("sv", &NIGHT);
    let plain = home.replay(&["--format", "json"]).sound().json();
    assert!(plain.iter().all(|event| event.get("because").is_none()));
    let mut explained = home.replay(&["--format", "json", "--explain"]).sound().json();
    assert!(explained.iter().all(|event| !event["because"].as_str().unwrap().is_empty()));
    assert!(explained.iter().any(|event| event["kind"] == "remark"));
    explained.retain(|event| event["kind"] != "remark");
    for event in &mut explained {
        event.as_object_mut().unwrap().remove("because");
    }
    assert_eq!(explained, plain);
}

#[test]
fn what_makes_no_sense_is_refused_and_no_file_is_lost() {
    let home = Home::new("sv", &NIGHT);
    let before = fs::read(home.path("night.csv")).unwrap();
    for (args, code, words) in [
        (["--from", "22:45", "--format", "json"], 2, "--plot"),
        (["--plot", "@/p.svg", "--from", "noon"], 2, "23:10"),
        (["--plot", "@/night.csv", "--format", "json"], 2, "would replace"),
        (["--plot", "@/home.toml", "--format", "json"], 2, "would replace"),
        (["--plot", "@/p.svg", "--from", "2027-01-01T00:00"], 1, "no reading"),
        (["--plot", "@/missing/p.svg", "--format", "json"], 1, "missing/p.svg"),
    ] {
        let answer = home.replay(&args);
        assert_eq!(answer.code, code, "{args:?}: {answer:?}");
        assert!(answer.stderr.contains(words), "{args:?}: {answer:?}");
        assert!(!home.path("p.svg").exists(), "{args:?}");
    }
    let backwards = home.replay(&["--plot", "@/p.svg", "--from", "2026-01-15T23:00", "--to", "2026-01-15T22:45"]);
    assert_eq!((backwards.code, backwards.stdout.as_str()), (2, ""), "{backwards:?}");
    assert!(backwards.stderr.contains("--from must lie before --to"), "{backwards:?}");
    assert_eq!(fs::read(home.path("night.csv")).unwrap(), before);
}

#[test]
fn a_picture_is_made_also_where_nobody_reads_the_events() {
    let home = Home::new("sv", &NIGHT);
    let mut replay = home.command(&["--plot", "@/night.svg"]);
    let mut replay = replay.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(replay.stdout.take());
    let answer = Answer::of(&replay.wait_with_output().unwrap()).sound();
    assert_eq!(answer.stdout, "");
    assert!(!home.texts("night.svg").is_empty());
}
