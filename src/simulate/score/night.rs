//! One night judged: which rises, returns, edges and faults were told, and what was told without a cause.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::truths::{free, going_on, hiding, over, state, word};
use crate::simulate::night::Difficulty;
use crate::simulate::truth::{Fault, Rise, State, Truth};

/// An alarm may come this long before the body was off, in seconds.
const EARLY_S: f64 = 2.0;
/// And this long after the confirmation time.
const SLACK_S: f64 = 10.0;
/// And this long after a fault that hid the rise.
const HIDDEN_SLACK_S: f64 = 60.0;
/// A return may be told this long after the confirmation time.
const RETURN_SLACK_S: f64 = 60.0;
/// Shorter stays in bed, and shorter absences after a return, are not counted.
const OCCUPIED_S_MIN: f64 = 60.0;
/// An absence is counted that lasts this much longer than the confirmation time.
const ABSENCE_S_MIN: f64 = 5.0;
/// Shorter faults need not be told.
const FAULT_S_MIN: f64 = 120.0;
/// A fault may be told this long after its end and still be no false one.
const FAULT_MARGIN_S: f64 = 90.0;
/// A fault is found that is told until this long after its end.
const FAULT_FOUND_S: f64 = 30.0;
/// Faults need not be told of mats that are silent longer than this while all is well.
const HEARTBEAT_S_MAX: f64 = 20.0;
/// A contact that opens for a moment this often, an hour, may be said to chatter: good ones do so a few times a night,
/// bad ones 37 to 130 times an hour (van Kasteren, houses B and C).
const CHATTERS_AN_HOUR: f64 = 20.0;
/// Sitting on the edge for this long is to be told.
const EDGE_S_MIN: f64 = 8.0;

/// What a detector can say that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// She has left the bed.
    Rise,
    /// She is back.
    Return,
    /// She sits on the edge.
    Edge,
    /// The mat cannot be trusted.
    Fault,
    /// It cannot be trusted because it chatters, which truths have as a property of the mat.
    Chatter,
}

/// Something that a detector said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heard {
    /// When it was decided, in seconds after the start of the night.
    pub at: f64,
    /// What.
    pub what: What,
}

/// What went wrong in one place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The night.
    pub night: String,
    /// When.
    #[serde(with = "crate::model::time::millis")]
    pub time: Timestamp,
    /// The same in seconds after the start of the night.
    pub second: f64,
    /// `missed rise`, `false alarm`, `missed return`, `false return`, `missed fault`, `false fault`.
    pub what: String,
    /// What is known about it.
    pub note: String,
}

/// How many there were to find, and how many were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// To find.
    pub of: u32,
    /// Found.
    pub found: u32,
}

impl Tally {
    /// Counts one more.
    pub(super) fn count(&mut self, found: bool) {
        self.of += 1;
        self.found += u32::from(found);
    }

    /// Adds another count.
    pub(super) fn add(&mut self, other: Self) {
        self.of += other.of;
        self.found += other.found;
    }
}

/// How a detector did in one night.
#[derive(Debug, Clone, PartialEq)]
pub struct NightScore {
    /// The night.
    pub id: String,
    /// Its kind of mat.
    pub kind: String,
    /// How hard it was meant to be.
    pub level: Difficulty,
    /// Rises that had to be told.
    pub rises: Tally,
    /// Rises that need not be told.
    pub optional: Tally,
    /// Rises that a fault or a blind contact hid.
    pub hidden: Tally,
    /// Missed because the alarm came while she still sat there.
    pub early: u32,
    /// Missed because it came too late.
    pub late: u32,
    /// Alarms without a cause, by what was going on.
    pub false_alarms: BTreeMap<String, u32>,
    /// Seconds beyond the confirmation time, of each rise that had to be told and was.
    pub latencies: Vec<f64>,
    /// Returns that had to be told.
    pub returns: Tally,
    /// Returns told while she was away.
    pub false_returns: u32,
    /// Whether the detector told of any edge.
    pub tells_edges: bool,
    /// Sittings on the edge that had to be told.
    pub edges: Tally,
    /// Edges told where nobody sat on one.
    pub false_edges: u32,
    /// Faults that had to be told, by kind.
    pub faults: BTreeMap<String, Tally>,
    /// Faults told while the mat was sound.
    pub false_faults: u32,
    /// Each failure with its time, in order.
    pub failures: Vec<Failure>,
}

/// Judges a night. `confirm_s` is the confirmation time that the detector was given; 0 where it chose itself.
#[must_use]
pub fn score(truth: &Truth, heard: &[Heard], confirm_s: f64) -> NightScore {
    let mut judge = Judge::new(truth, heard, confirm_s);
    judge.rises();
    judge.returns();
    judge.edges();
    judge.faults();
    let mut score = judge.score;
    score.failures.sort_by(|one, other| one.second.total_cmp(&other.second));
    score
}

struct Judge<'a> {
    truth: &'a Truth,
    heard: &'a [Heard],
    confirm_s: f64,
    free: Vec<(f64, f64)>,
    score: NightScore,
}

/// What is asked of a rise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Required,
    Optional,
    Hidden,
}

/// A rise and when it may be told.
struct Due<'a> {
    rise: &'a Rise,
    need: Need,
    from: f64,
    to: f64,
    back: f64,
}

/// Times at which something was said; each may answer for one thing only.
struct Said {
    times: Vec<f64>,
    used: BTreeSet<usize>,
}

impl Said {
    /// Finds the first between two times that has not answered for anything yet.
    fn first(&self, from: f64, to: f64) -> Option<usize> {
        let inside = |at: f64| from <= at && at <= to;
        self.times.iter().enumerate().position(|(index, at)| inside(*at) && !self.used.contains(&index))
    }

    fn at(&self, index: usize) -> f64 {
        self.times.get(index).copied().unwrap_or_default()
    }

    /// Those that have answered for nothing.
    fn left(&self) -> Vec<f64> {
        let unused = self.times.iter().enumerate().filter(|(index, _)| !self.used.contains(index));
        unused.map(|(_, at)| *at).collect()
    }
}

impl<'a> Judge<'a> {
    fn new(truth: &'a Truth, heard: &'a [Heard], confirm_s: f64) -> Self {
        let score = NightScore {
            id: truth.id.clone(),
            kind: truth.kind.clone(),
            level: truth.difficulty,
            rises: Tally::default(),
            optional: Tally::default(),
            hidden: Tally::default(),
            early: 0,
            late: 0,
            false_alarms: BTreeMap::new(),
            latencies: Vec::new(),
            returns: Tally::default(),
            false_returns: 0,
            tells_edges: false,
            edges: Tally::default(),
            false_edges: 0,
            faults: BTreeMap::new(),
            false_faults: 0,
            failures: Vec::new(),
        };
        Self { truth, heard, confirm_s, free: free(truth, confirm_s), score }
    }

    fn said(&self, what: What) -> Said {
        let mut times: Vec<f64> = self.heard.iter().filter(|heard| heard.what == what).map(|heard| heard.at).collect();
        times.sort_by(f64::total_cmp);
        Said { times, used: BTreeSet::new() }
    }

    fn is_free(&self, at: f64) -> bool {
        self.free.iter().any(|(from, to)| *from <= at && at <= *to)
    }

    fn fail(&mut self, second: f64, what: &str, note: String) {
        let after = SignedDuration::try_from_secs_f64((second * 1000.0).round() / 1000.0).unwrap_or_default();
        let time = self.truth.start.saturating_add(after).unwrap_or(self.truth.start);
        let (night, what) = (self.truth.id.clone(), what.to_owned());
        self.score.failures.push(Failure { night, time, second: tenths(second), what, note });
    }

    fn rises(&mut self) {
        let mut said = self.said(What::Rise);
        let truth = self.truth;
        let due: Vec<Due<'_>> = truth.rises.iter().map(|rise| self.due(rise)).collect();
        for due in &due {
            self.rise(due, &mut said);
        }
        for at in said.left() {
            if !self.is_free(at) {
                let note = going_on(truth, at, self.confirm_s);
                *self.score.false_alarms.entry(note.clone()).or_default() += 1;
                self.fail(at, "false alarm", note);
            }
        }
    }

    fn due<'r>(&self, rise: &'r Rise) -> Due<'r> {
        let (end, confirm_s) = (self.truth.duration_s, self.confirm_s);
        let back = rise.returned.unwrap_or(end);
        let (from, to) = (rise.body_off - EARLY_S, rise.time + confirm_s + SLACK_S);
        let around = (rise.body_off - 5.0, rise.time + confirm_s);
        let hid: Vec<_> = hiding(self.truth).into_iter().filter(|span| over(*span, around)).collect();
        if !hid.is_empty() {
            let from = hid.iter().map(|span| span.0 - 2.0).fold(from, f64::min);
            let to = hid.iter().map(|span| span.1).fold(rise.time, f64::max) + confirm_s + HIDDEN_SLACK_S;
            return Due { rise, need: Need::Hidden, from, to, back };
        }
        let short = rise.occupied_s < OCCUPIED_S_MIN || back - rise.time < confirm_s + ABSENCE_S_MIN;
        let need = if short || to > end || self.is_free(rise.time) { Need::Optional } else { Need::Required };
        Due { rise, need, from, to, back }
    }

    fn rise(&mut self, due: &Due<'_>, said: &mut Said) {
        let found = said.first(due.from, due.to);
        let tally = match due.need {
            Need::Required => &mut self.score.rises,
            Need::Optional => &mut self.score.optional,
            Need::Hidden => &mut self.score.hidden,
        };
        tally.count(found.is_some());
        if let Some(index) = found {
            said.used.insert(index);
            if due.need == Need::Required {
                self.score.latencies.push(said.at(index) - due.rise.time - self.confirm_s);
            }
            return;
        }
        let late = said.first(due.to, due.back);
        let early = said.first(due.rise.edge_from - 3.0, due.from);
        said.used.extend(late);
        if due.need == Need::Required {
            self.score.early += u32::from(early.is_some());
            self.score.late += u32::from(late.is_some() && early.is_none());
            let how = match (early, late) {
                (Some(_), _) => "early".to_owned(),
                (None, Some(late)) => format!("late {:.0} s", said.at(late) - due.rise.time),
                (None, None) => "no event".to_owned(),
            };
            self.fail(due.rise.time, "missed rise", format!("{how}; {}", about(due.rise)));
        }
    }

    fn returns(&mut self) {
        let mut said = self.said(What::Return);
        let truth = self.truth;
        for back in truth.returns.iter().copied() {
            let due = (back - 2.0, back + self.confirm_s + RETURN_SLACK_S);
            let found = said.first(due.0, due.1);
            said.used.extend(found);
            if self.return_counts(back, due.1) {
                self.score.returns.count(found.is_some());
                if found.is_none() {
                    self.fail(back, "missed return", String::new());
                }
            }
        }
        for at in said.left() {
            let near_fault = truth.faults.iter().any(|fault| fault.from <= at && at <= fault.to + 60.0);
            if !self.is_free(at) && state(truth, at) == State::Absent && !near_fault {
                let mut others = truth.loads.iter().filter(|load| load.what != "partner");
                let other = others.find(|load| load.from <= at && at <= load.to + 10.0);
                self.score.false_returns += 1;
                self.fail(at, "false return", other.map_or_else(|| "absent".to_owned(), |load| load.what.clone()));
            }
        }
    }

    /// Tells whether a return has to be told: she was seen in bed before, stays, and nothing hides it.
    fn return_counts(&self, back: f64, to: f64) -> bool {
        let truth = self.truth;
        let leaves = truth.rises.iter().map(|rise| rise.time).find(|leaves| *leaves > back).unwrap_or(truth.duration_s);
        let first =
            !truth.rises.iter().filter_map(|rise| rise.returned).any(|returned| returned.total_cmp(&back).is_eq());
        let faulty = truth.faults.iter().any(|fault| over((fault.from, fault.to), (back - 30.0, to)));
        !first && leaves - back >= OCCUPIED_S_MIN && to <= truth.duration_s && !faulty && !self.is_free(back)
    }

    fn edges(&mut self) {
        let times = self.said(What::Edge).times;
        self.score.tells_edges = !times.is_empty();
        // A single zone cannot be held to it.
        if self.truth.channels.len() <= 1 {
            return;
        }
        let intervals = &self.truth.intervals;
        for (before, edge) in intervals.iter().zip(intervals.iter().skip(1)) {
            let sits = before.state == State::Bed && edge.state == State::Edge;
            if sits && edge.to - edge.from >= EDGE_S_MIN {
                self.score.edges.count(times.iter().any(|at| edge.from - 2.0 <= *at && *at <= edge.to));
            }
        }
        for at in times {
            let mut edges = intervals.iter().filter(|interval| interval.state == State::Edge);
            let sat = edges.any(|edge| edge.from - 2.0 <= at && at <= edge.to + 10.0);
            self.score.false_edges += u32::from(!sat && !self.is_free(at));
        }
    }

    /// Tells whether a fault has to be told: nobody can hear that a mat is silent which is silent when all is well, or
    /// until the last row of a recording.
    fn fault_counts(&self, fault: &Fault) -> bool {
        let sparse = self.truth.heartbeat_s.is_some_and(|heartbeat| heartbeat > HEARTBEAT_S_MAX);
        let silent = fault.kind == "dropout" || fault.how.as_deref() == Some("nodata");
        let to_the_end = silent && fault.one_channel != Some(true) && fault.to >= self.truth.duration_s;
        let known = !fault.ambiguous && fault.kind != "restart" && fault.to - fault.from >= FAULT_S_MIN;
        known && !sparse && !to_the_end
    }

    fn faults(&mut self) {
        let mut times = self.said(What::Fault).times;
        if self.truth.chatter_an_hour.is_none_or(|openings| openings < CHATTERS_AN_HOUR) {
            times.extend(self.said(What::Chatter).times);
            times.sort_by(f64::total_cmp);
        }
        for fault in &self.truth.faults {
            let lasts = fault.to - fault.from;
            if !self.fault_counts(fault) {
                continue;
            }
            let found = times.iter().any(|at| fault.from - 1.0 <= *at && *at <= fault.to + FAULT_FOUND_S);
            self.score.faults.entry(fault.kind.clone()).or_default().count(found);
            if !found {
                let how = fault.how.as_ref().map(|how| format!(" {how}")).unwrap_or_default();
                let one = if fault.one_channel == Some(true) { ", one channel" } else { "" };
                self.fail(fault.from, "missed fault", format!("{}{how} {lasts:.0} s{one}", fault.kind));
            }
        }
        for at in times {
            let mut faults = self.truth.faults.iter();
            if !faults.any(|fault| fault.from - 1.0 <= at && at <= fault.to + FAULT_MARGIN_S) {
                self.score.false_faults += 1;
                self.fail(at, "false fault", word(state(self.truth, at)).to_owned());
            }
        }
    }
}

fn about(rise: &Rise) -> String {
    let Rise { why, style, edge_s, residual_kg, .. } = rise;
    format!("{why} {style}, edge {edge_s} s, residual {residual_kg} kg")
}

/// Rounds to tenths, as a person looks a time up.
fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
