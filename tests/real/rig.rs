//! Runs recordings through the built binary, in all the ways in which a bed can be set up, and collects what is wrong.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::SignedDuration;
use nattvakt::model::Event;

use crate::film::{Film, Pace, Sheet, seconds};

/// The sheet under the mattress: as a mat with one zone, the same without its loose cell, and as mats with several.
pub(crate) const UNDER: [&str; 5] = ["under-sum", "under-sound", "under-strips", "under-quarters", "under-rows"];

/// The sheet over the mattress.
pub(crate) const OVER: [&str; 4] = ["over-sum", "over-strips", "over-quarters", "over-rows"];

const PACES: [Pace; 3] = [Pace::Recorded, Pace::Hz(1.0), Pace::Hz(5.0)];

/// How many failures are shown; the number of all stands above them.
const SHOWN_MAX: usize = 200;

/// How a bed is set up.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bed {
    /// Levels of the empty bed and with somebody in it, a number a zone; learnt where there are none.
    pub(crate) levels: Option<(Vec<f64>, Vec<f64>)>,
    /// As soon as the evidence allows; else after 3 s.
    pub(crate) auto: bool,
}

impl Bed {
    /// Returns by when after the load has left a rise is decided at the latest: 8 s with `auto`, else the confirmation
    /// time and 2 s; and two readings, as the last before and the first after may be all there is to see.
    pub(crate) fn limit(&self, period: SignedDuration) -> SignedDuration {
        seconds(if self.auto { 8.0 } else { 3.0 + 2.0 }) + period * 2
    }

    /// Replays a recording of this bed, and returns every event.
    pub(crate) fn replay(&self, folder: &Path, recording: &Path) -> Vec<Event> {
        let mut program = Command::new(env!("CARGO_BIN_EXE_nattvakt"));
        program.args(["replay", "--format", "json", "--config"]).arg(self.configure(folder)).arg(recording);
        let output = program.output().unwrap();
        let (out, error) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success() && error.is_empty(), "replay failed: {error}");
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn configure(&self, folder: &Path) -> PathBuf {
        let mut text =
            "[gateway]\nid = \"1\"\n[[bed]]\nid = \"bed-1\"\n[bed.mqtt]\ntopic = \"t\"\n[bed.detect]\n".to_owned();
        writeln!(text, "confirm = \"{}\"", if self.auto { "auto" } else { "3s" }).unwrap();
        if let Some((empty, occupied)) = &self.levels {
            writeln!(text, "empty = {}\noccupied = {}", level(empty), level(occupied)).unwrap();
        }
        let path = folder.join("nattvakt.toml");
        fs::write(&path, text).unwrap();
        path
    }
}

fn level(zones: &[f64]) -> String {
    match zones {
        [one] => one.to_string(),
        several => format!("{several:?}"),
    }
}

/// One way to play a sheet.
#[derive(Debug)]
pub(crate) struct Case<'a> {
    pub(crate) sheet: &'a Sheet,
    pub(crate) bed: Bed,
    pub(crate) pace: Pace,
}

impl Case<'_> {
    /// Replays a film of this sheet.
    pub(crate) fn replay(&self, film: &Film) -> Vec<Event> {
        let folder = tempfile::tempdir().unwrap();
        self.bed.replay(folder.path(), &film.write(folder.path()))
    }

    fn name(&self) -> String {
        let levels = if self.bed.levels.is_some() { "measured" } else { "learnt" };
        let confirm = if self.bed.auto { "auto" } else { "3s" };
        format!("{} {levels} {confirm} {:?}", self.sheet.name, self.pace)
    }
}

/// Tries every pace, levels learnt and measured, with both ways to confirm, and fails with all that was wrong.
pub(crate) fn try_all(sheets: &[&'static str], check: impl Fn(&Case<'_>) -> Vec<String>) {
    failures(sheets, check).none();
}

/// The same, and returns what was wrong.
pub(crate) fn failures(sheets: &[&'static str], check: impl Fn(&Case<'_>) -> Vec<String>) -> Failures {
    let mut failures = Failures::default();
    for sheet in sheets.iter().map(|name| Sheet::open(name)) {
        for pace in PACES {
            for levels in [None, Some(sheet.levels())] {
                for auto in [false, true] {
                    let case = Case { sheet: &sheet, bed: Bed { levels: levels.clone(), auto }, pace };
                    failures.add(&case.name(), check(&case));
                }
            }
        }
    }
    failures
}

/// What was wrong, of how many tries.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    tried: usize,
    failed: usize,
    lines: Vec<String>,
}

impl Failures {
    pub(crate) fn add(&mut self, name: &str, wrong: Vec<String>) {
        self.tried += 1;
        self.failed += usize::from(!wrong.is_empty());
        self.lines.extend(wrong.into_iter().map(|wrong| format!("{name}: {wrong}")));
    }

    pub(crate) fn none(&self) {
        self.at_most(0);
    }

    /// Holds what is reached where not everything can be: no more than so many may fail.
    pub(crate) fn at_most(&self, most: usize) {
        let shown = self.lines.iter().take(SHOWN_MAX).cloned().collect::<Vec<_>>().join("\n");
        assert!(self.failed <= most, "{} of {} failed, {most} may:\n{shown}", self.failed, self.tried);
    }
}

/// Writes events shortly.
pub(crate) fn show<'a>(events: impl IntoIterator<Item = &'a Event>) -> String {
    let words = events.into_iter().map(|event| {
        let after = event.decided.duration_since(event.time).as_secs_f64();
        format!("{} {:.3} +{after:.1} s", event.kind.as_str(), event.time)
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Leaves out what this sheet may say beside the matter: that he may be about to get up, and, where a zone is so small
/// that the loose cell takes five times what a person brings, that the zone cannot be trusted, which is true.
pub(crate) fn matters(sheet: &Sheet, events: Vec<Event>) -> Vec<Event> {
    let aside = |event: &Event| match event.kind.as_str() {
        "edge" => true,
        "sensor-fault" | "sensor-restored" => sheet.name == "under-rows",
        _ => false,
    };
    events.into_iter().filter(|event| !aside(event)).collect()
}
