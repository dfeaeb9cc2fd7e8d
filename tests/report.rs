//! `nattvakt report` as staff use it: the built binary, a recorded night through `replay`, every form of output.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A home of one bed in English, and what happened in it.
struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        let text = "[gateway]\nid = \"1\"\nlanguage = \"en\"\n[[bed]]\nid = \"bed-1\"\nwatch = { from = \"22:00\", to = \
                    \"07:00\" }\n[bed.mqtt]\ntopic = \"t\"\n[[dispatch]]\n[dispatch.https]\nurl = \"https://d.example/\"\n";
        fs::write(home.path("home.toml"), text).unwrap();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn report(&self, arguments: &[&str], input: &str) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nattvakt"));
        command.arg("report").arg("--config").arg(self.path("home.toml")).args(["--from", "-"]).args(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

fn event(time: &str, kind: &str, more: &str) -> String {
    format!(
        "{{\"time\":\"{time}Z\",\"decided\":\"{time}Z\",\"bed\":\"bed-1\",\"kind\":\"{kind}\",\"watched\":true{more}}}\n"
    )
}

fn night() -> String {
    [
        event("2026-01-15T20:30:00", "in-bed", ""),
        format!(
            "{{\"id\":\"7K2M9Q4T0XW5B8ZC\",\"event\":{},\"accepted\":{{\"channel\":\"a\",\"at\":\"2026-01-15T23:00:04Z\"}}}}\n",
            event("2026-01-15T23:00:00", "rise", "").trim()
        ),
        event("2026-01-15T23:20:00", "return", ""),
        event("2026-01-16T02:00:00", "sensor-fault", ",\"fault\":\"silent\""),
        event("2026-01-16T02:30:00", "sensor-restored", ",\"fault\":\"silent\""),
        event("2026-01-16T06:30:00", "rise", ""),
    ]
    .concat()
}

const ON: [&str; 2] = ["--night", "2026-01-15"];

#[test]
fn a_night_reads_like_this() {
    let (code, said, errors) = Home::new().report(&ON, &(night() + "rubbish\n"));
    let expected = "\
bed-1  night before 2026-01-16
  In bed      21:30–00:00, 00:20–07:30
  Got up      2
  Away        00:00–00:20 (20 min)
  Alarms      00:00 got up (accepted after 4 s), 07:30 got up
  Faults      silent 03:00–03:30
  Unwatched   30 min

";
    assert_eq!((code, said.as_str()), (0, expected));
    assert_eq!(errors, "-: 1 lines could not be read and were left out\n");
}

#[test]
fn a_program_reads_the_same() {
    let home = Home::new();
    let (code, csv, _) = home.report(&[&ON[..], &["--format", "csv", "--week"]].concat(), &night());
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!((code, rows.len()), (0, 8));
    assert_eq!(rows[7], "bed-1,2026-01-15,580,2,1,20,2,4,1,30");
    assert_eq!(rows[6], "bed-1,2026-01-14,0,0,0,,0,,0,0");
    let (_, json, _) = home.report(&[&ON[..], &["--format", "json"]].concat(), &night());
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["nights"][0]["alarms"][0]["accepted_after_s"], 4);
    assert_eq!(value["nights"][0]["faults"][0]["fault"], "silent");
}

#[test]
fn the_page_is_whole_in_itself_and_its_pictures_are_sound() {
    let home = Home::new();
    let (code, page, _) = home.report(&[&ON[..], &["--format", "html", "--month"]].concat(), &night());
    assert_eq!(code, 0);
    assert_eq!(page.matches("<svg ").count(), 30);
    for outside in ["http:", "https:", "src=", "<script", "@import", "url(\""] {
        assert!(!page.contains(outside), "{outside}");
    }
    for picture in page.split("<svg ").skip(1) {
        let picture = format!("<svg {}</svg>", picture.split("</svg>").next().unwrap());
        roxmltree::Document::parse(&picture).unwrap_or_else(|error| panic!("{error}: {picture}"));
    }
    let last = page.rsplit("<svg ").next().unwrap();
    assert_eq!(last.matches("#7a9cc6").count(), 2, "twice in bed");
    assert_eq!(last.matches("#b00").count(), 2, "two alarms");
    assert_eq!(last.matches("fill=\"url(#s-bed-1-2026-01-15)\"").count(), 1, "one fault");
}

#[test]
fn a_replayed_night_becomes_a_report() {
    let home = Home::new();
    let mut recording = "time,pressure\n".to_owned();
    let start: jiff::Timestamp = "2026-01-15T20:00:00Z".parse().unwrap();
    for second in 0..7200_i64 {
        let at = start + jiff::SignedDuration::from_secs(second);
        let load = if (600..6000).contains(&second) { 600 + second % 3 } else { 100 + second % 3 };
        writeln!(recording, "{at:.3},{load}").unwrap();
    }
    fs::write(home.path("night.csv"), recording).unwrap();
    let mut replay = Command::new(env!("CARGO_BIN_EXE_nattvakt"));
    replay.args(["replay", "--format", "json", "--explain", "--config"]).arg(home.path("home.toml"));
    let events = String::from_utf8(replay.arg(home.path("night.csv")).output().unwrap().stdout).unwrap();
    let (code, said, errors) = home.report(&ON, &events);
    assert_eq!((code, errors.as_str()), (0, ""), "{events}");
    assert!(said.contains("Got up      1\n") && said.contains("–22:40"), "{said}{events}");
}

#[test]
fn wrong_usage_is_2_and_a_missing_file_1() {
    let home = Home::new();
    assert_eq!(home.report(&["--bed", "bed-9"], "").0, 2);
    assert_eq!(home.report(&["--night", "tonight"], "").0, 2);
    assert_eq!(home.report(&["--week", "--month"], "").0, 2);
    let (code, said, _) = home.report(&[], "");
    assert!(code == 0 && said.contains("nothing is known"), "{said}");
    let missing = Command::new(env!("CARGO_BIN_EXE_nattvakt"))
        .args(["report", "--from", "/no/such/file", "--config"])
        .arg(home.path("home.toml"))
        .output()
        .unwrap();
    assert_eq!(missing.status.code(), Some(1));
}
