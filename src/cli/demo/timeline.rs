//! The timeline: happenings in, lines out. Formats only; writes nowhere.
//!
//! Every line has its time, who speaks, and what is said. Where the look allows, the last line is drawn anew with each
//! reading; elsewhere only notable changes of the load get a line.

use std::time::Duration;

use serde_json::Value;

use super::alert::{Told, millis};
use super::bar::bar;
use super::curve::Curve;
use super::look::{Ink, Look};
use super::summary::Tally;
use crate::model::Priority;
use crate::simulate::script::Deed;

/// Something that can be told.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// A part of the chain is ready: where the mat speaks, where the receiver listens.
    Ready {
        /// A sentence.
        text: String,
    },
    /// The resident does something.
    Said {
        /// A sentence about her.
        text: String,
        /// What it asks of the watch.
        deed: Deed,
    },
    /// The mat was read.
    Reading {
        /// Share of the resident's usual load that it shows.
        share: f64,
    },
    /// The daemon sees the bed in another state.
    State {
        /// The state in words.
        text: String,
    },
    /// Dispatch got an alert.
    Alert {
        /// The line that the receiver writes about a POST.
        received: Value,
        /// From the write of the first low reading to the complete POST, where it was measured.
        latency: Option<Duration>,
    },
}

/// Tells happenings in order, and counts them for the summary.
#[derive(Debug, Clone)]
pub struct Timeline {
    look: Look,
    curve: Curve,
    tally: Tally,
    /// The line that is drawn anew, without a line end; empty where there is none.
    live: String,
}

/// Where the text of a line begins: behind its time and its speaker.
const TEXT_COLUMN: usize = 20;

/// Draws over the last line: back to its start, and erased to its end.
const REDRAW: &str = "\r\x1b[K";

impl Timeline {
    /// Starts a timeline of this look.
    #[must_use]
    pub fn new(look: Look) -> Self {
        Self { look, curve: Curve::default(), tally: Tally::default(), live: String::new() }
    }

    /// Returns what is to be written about a happening, this long after the start; often nothing.
    #[must_use]
    pub fn tell(&mut self, at: Duration, happening: &Happening) -> String {
        self.tally.count(at, happening);
        let mut lines = String::new();
        if let Happening::Reading { share } = happening {
            let told = self.curve.follow(at, *share);
            lines.extend(told.map(|(at, share)| self.load(at, share) + "\n"));
            if self.look.live {
                let live = self.load(at, *share);
                return format!("{}{lines}{live}", self.over_live(&live));
            }
            return lines;
        }
        let said = self.said(at, happening);
        if said.is_empty() {
            return said;
        }
        lines.extend(self.curve.close().map(|(at, share)| self.load(at, share) + "\n"));
        let live = self.live.clone();
        format!("{}{lines}{said}{live}", self.over_live(&live))
    }

    /// Returns the closing summary.
    #[must_use]
    pub fn summary(&mut self) -> String {
        let lines = self.curve.close().map(|(at, share)| self.load(at, share) + "\n").unwrap_or_default();
        format!("{}{lines}\n{}", self.over_live(""), self.tally.summary(self.look))
    }

    /// Returns what erases the live line that is up, and notes the one that comes next.
    fn over_live(&mut self, next: &str) -> &'static str {
        let erases = if self.live.is_empty() { "" } else { REDRAW };
        next.clone_into(&mut self.live);
        erases
    }

    fn said(&self, at: Duration, happening: &Happening) -> String {
        match happening {
            Happening::Ready { text } => self.line(at, ("demo", Ink::Dim), text),
            Happening::Said { text, .. } => self.line(at, ("resident", Ink::Resident), text),
            Happening::State { text } => self.line(at, ("nattvakt", Ink::Nattvakt), text),
            Happening::Alert { received, latency } => self.alert(at, &Told::read(received), *latency),
            Happening::Reading { .. } => String::new(),
        }
    }

    fn load(&self, at: Duration, share: f64) -> String {
        let bar = self.look.paint(Ink::Mat, &bar(share));
        self.line(at, ("mat", Ink::Mat), &bar).trim_end_matches('\n').to_owned()
    }

    fn alert(&self, at: Duration, told: &Told, latency: Option<Duration>) -> String {
        if told.kind == "heartbeat" {
            return String::new();
        }
        let words = match told.priority {
            Some(Priority::Alarm) => self.look.paint(Ink::Alarm, &format!("ALARM  {}", told.text)),
            Some(Priority::Warning) => self.look.paint(Ink::Warning, &format!("WARNING  {}", told.text)),
            Some(Priority::Info) => self.look.paint(Ink::Good, &format!("info  {}", told.text)),
            None => told.text.clone(),
        };
        let bed = told.bed.as_deref().map(|bed| format!("{bed}, ")).unwrap_or_default();
        let mut lines = self.line(at, ("dispatch", Ink::Dispatch), &format!("{words}  {bed}{}", self.outcome(told)));
        if let Some(latency) = latency {
            let took = self.look.paint(Ink::Bold, &duration_of(told, latency));
            lines.extend([&" ".repeat(TEXT_COLUMN), took.as_str(), "\n"]);
        }
        lines
    }

    fn outcome(&self, told: &Told) -> String {
        let repeat = if told.repeat { ", a repeat" } else { "" };
        match (told.accepted, told.verified) {
            (true, true) => format!("signed and verified{repeat}"),
            (true, false) => self.look.paint(Ink::Warning, &format!("accepted without a signature{repeat}")),
            (false, _) => self.look.paint(Ink::Warning, "refused"),
        }
    }

    /// Writes a line; what may be painted is padded before, since the codes have no width.
    fn line(&self, at: Duration, speaker: (&str, Ink), text: &str) -> String {
        let time = self.look.paint(Ink::Dim, &offset(at));
        let name = self.look.paint(speaker.1, &format!("{:<8}", speaker.0));
        let line = format!("{time}  {name}  {text}");
        format!("{}\n", line.trim_end())
    }
}

/// Says how long an alert took, and what of it went into being sure.
fn duration_of(told: &Told, latency: Duration) -> String {
    let all = millis(latency);
    match told.to_be_sure.filter(|sure| *sure <= latency) {
        Some(sure) => {
            let told_in = latency.saturating_sub(sure);
            format!("{all} after the load left: {} to be sure, {} to tell", sure.as_millis(), told_in.as_millis())
        }
        None => format!("{all} after the load left"),
    }
}

/// Writes a time after the start: seconds at first, later hours, minutes and seconds. Always 8 wide.
fn offset(at: Duration) -> String {
    let seconds = at.as_secs();
    if seconds < 600 {
        return format!("{:>6.1} s", at.as_secs_f64());
    }
    format!("{:>2}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests;
