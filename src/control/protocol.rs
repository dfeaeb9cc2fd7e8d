//! What is said over the socket. PURE.
//!
//! A request is one JSON object on one line, `do` says what is wanted. Each answer is one JSON object on one line, `is`
//! says what it is. Fields that a reader does not know are to be passed over: later versions add some.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::access::{ACT_GROUP, READ_GROUP, Rights};
use super::status::{Phase, Status};
use crate::model::proof::{Calibrated, Proof};
use crate::model::time::{millis, millis_option};
use crate::model::{AlertId, BedId, Entry, Event, Sequence};

/// The longest request, in bytes, without the end of the line.
pub const REQUEST_BYTES_MAX: usize = 4096;

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// How everything is.
    Status {},
    /// Staff are in the room: the bed is not watched for a while.
    Pause {
        /// The bed.
        bed: BedId,
        /// For how long at most, in seconds, 1 to 43,200.
        for_s: u32,
        /// Whether it ends as soon as the resident has lain down again.
        #[serde(default)]
        until_return: bool,
    },
    /// The pause is over.
    Resume {
        /// The bed.
        bed: BedId,
    },
    /// What a bed sees and what happens, from now on until the connection ends.
    Live {
        /// The bed; none: the first one.
        #[serde(default)]
        bed: Option<BedId>,
    },
    /// A marked test alert goes the way of all alerts.
    TestAlert {
        /// The bed that it names; none: the gateway.
        #[serde(default)]
        bed: Option<BedId>,
        /// How long its acceptance is waited for, in seconds, 1 to 600.
        within_s: u32,
    },
    /// The readings of a bed's mat as they come, until the connection ends.
    Readings {
        /// The bed.
        bed: BedId,
    },
    /// What was proven of a bed when it was set up.
    Proof {
        /// The bed.
        bed: BedId,
    },
    /// The configuration in use, which may be another than the file by now.
    Configuration {},
    /// The journal: what happened, and what dispatch was told of it and when it had it.
    Journal {
        /// From when on.
        #[serde(with = "millis_option", default)]
        since: Option<Timestamp>,
        /// Until when.
        #[serde(with = "millis_option", default)]
        until: Option<Timestamp>,
        /// Of which bed; none: of all, and of the gateway itself.
        #[serde(default)]
        bed: Option<BedId>,
    },
    /// A mat was walked through, with this result; it is kept.
    Calibrated {
        /// The bed.
        bed: BedId,
        /// The result.
        result: Calibrated,
    },
}

impl Request {
    /// Reads a line.
    ///
    /// # Errors
    ///
    /// Fails where it is no request, with words for who wrote it.
    pub fn parse(line: &[u8]) -> Result<Self, Refusal> {
        let not_understood = |error| Refusal::new(Reason::Request, format!("this is no request: {error}"));
        serde_json::from_slice(line).map_err(not_understood)
    }

    /// Says what it takes to ask this.
    #[must_use]
    pub const fn needs(&self) -> Rights {
        match self {
            Self::Status {} | Self::Configuration {} | Self::Proof { .. } | Self::Journal { .. } => Rights::Read,
            Self::Pause { .. }
            | Self::Resume { .. }
            | Self::TestAlert { .. }
            | Self::Readings { .. }
            | Self::Calibrated { .. }
            | Self::Live { .. } => Rights::Act,
        }
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Answer {
    /// How everything is; the only answer.
    Status(Box<Status>),
    /// The bed is paused; the only answer.
    #[serde(rename_all = "kebab-case")]
    Paused {
        /// The bed.
        bed: BedId,
        /// Until when at most.
        #[serde(with = "millis")]
        until: Timestamp,
        /// Whether it ends as soon as the resident has lain down again.
        until_return: bool,
        /// The home's time zone, by its name.
        time_zone: String,
    },
    /// The pause is over; the only answer.
    #[serde(rename_all = "kebab-case")]
    Resumed {
        /// The bed.
        bed: BedId,
        /// What the bed is doing.
        phase: Phase,
        /// When dispatch is told that the resident is not back, where she is away and that is to be told.
        #[serde(with = "millis_option", default, skip_serializing_if = "Option::is_none")]
        told_at: Option<Timestamp>,
    },
    /// What a mat has said.
    Reading {
        /// When.
        #[serde(with = "millis")]
        time: Timestamp,
        /// Each zone, in the sensor's own unit; none: it could not be read.
        zones: Vec<Option<f64>>,
    },
    /// The mat has said something that cannot be read.
    Unreadable {
        /// When.
        #[serde(with = "millis")]
        time: Timestamp,
    },
    /// No reading has come from the mat for a while.
    Silence {},
    /// So many of the oldest were dropped, as they were not read in time.
    Missed {
        /// How many.
        count: u64,
    },
    /// What was proven of a bed; the only answer.
    #[serde(rename_all = "kebab-case")]
    Proof {
        /// The bed.
        bed: BedId,
        /// The latest of each proof.
        proof: Proof,
    },
    /// What a bed sees at a moment.
    Sight(Sight),
    /// Something was decided, about the bed or the gateway.
    Event {
        /// What.
        event: Event,
        /// The alert that is sent of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alert: Option<AlertId>,
    },
    /// A channel has accepted an alert.
    Accepted {
        /// The alert.
        alert: AlertId,
        /// The channel's name.
        channel: String,
        /// When.
        #[serde(with = "millis")]
        at: Timestamp,
    },
    /// The configuration in use; the only answer.
    Configuration {
        /// As it stood in the file. Secrets are in files of their own.
        text: String,
    },
    /// An entry of the journal, or an alert that still waits.
    Entry(Box<Entry>),
    /// That was all; the last answer.
    End {},
    /// A step of a test alert; the last one is `delivered` or `not-delivered`.
    Test(TestStep),
    /// It is not done, and why; the last answer.
    Error(Refusal),
}

/// What a bed sees at a moment. Levels are in the sensor's own unit, summed over the zones, load counted upwards.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sight {
    /// The bed.
    pub bed: BedId,
    /// When.
    #[serde(with = "millis")]
    pub time: Timestamp,
    /// The load; none: the reading could not be used.
    pub value: Option<f64>,
    /// The level of the empty bed, where it is known.
    pub empty: Option<f64>,
    /// The level with somebody lying in it, where it is known.
    pub occupied: Option<f64>,
    /// The load at or below which nobody lies there.
    pub leave: Option<f64>,
    /// The load at or above which somebody does.
    pub enter: Option<f64>,
    /// What the bed is doing.
    pub phase: Phase,
}

/// A step of a test alert on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestStep {
    /// When it was made.
    #[serde(with = "millis")]
    pub at: Timestamp,
    /// Which.
    #[serde(flatten)]
    pub step: Step,
}

/// Which step of a test alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Step {
    /// It is made and on its way.
    Raised {
        /// Its id.
        alert: AlertId,
        /// Its number.
        sequence: Sequence,
        /// What staff read.
        text: String,
        /// The home's time zone, by its name.
        time_zone: String,
    },
    /// It is on the disk, or needs it no more.
    Stored {},
    /// It is not on the disk.
    NotStored {
        /// Why.
        error: String,
    },
    /// A channel has accepted it.
    Accepted {
        /// The channel's name.
        channel: String,
        /// The receiver's own reference.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    /// It is waited for; told every few seconds.
    Waiting {
        /// What is wrong with each channel, in words.
        problems: Vec<String>,
    },
    /// It has reached all that it must.
    Delivered {},
    /// It has not, in the time given; it stays on its way.
    NotDelivered {
        /// What is wrong with each channel, in words.
        problems: Vec<String>,
    },
}

impl Answer {
    /// Makes the answer that refuses.
    #[must_use]
    pub fn refused(reason: Reason, text: impl Into<String>) -> Self {
        Self::Error(Refusal::new(reason, text))
    }

    /// Writes it as a line, with its end.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "nothing in an answer lacks a JSON form")]
    pub fn line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("ids, times and texts always have a JSON form");
        line.push(b'\n');
        line
    }
}

/// Says why something is not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    /// For programs.
    pub reason: Reason,
    /// For people: what is wrong and what to do.
    pub text: String,
}

/// Why something is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The caller may not.
    Rights,
    /// The line is no request, or asks for what is not there or not allowed.
    Request,
    /// Too many ask at a time.
    Busy,
    /// The daemon could not.
    Failed,
}

impl Refusal {
    pub(super) fn new(reason: Reason, text: impl Into<String>) -> Self {
        Self { reason, text: text.into() }
    }

    /// Refuses for want of rights.
    pub(super) fn rights(needed: Rights) -> Self {
        let groups = match needed {
            Rights::Act => format!("group {ACT_GROUP}"),
            Rights::Read | Rights::None => format!("group {READ_GROUP} (to look) or {ACT_GROUP} (to act)"),
        };
        let text = format!(
            "this needs root or the {groups}: use sudo, or have the administrator run `usermod --append --groups {} \
             USER`, then log in again",
            if needed == Rights::Act { ACT_GROUP } else { READ_GROUP }
        );
        Self::new(Reason::Rights, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_something_needs_the_right_to_act() {
        let needs = |line: &str| Request::parse(line.as_bytes()).unwrap().needs();
        assert_eq!(needs(r#"{"do":"status"}"#), Rights::Read);
        assert_eq!(needs(r#"{"do":"pause","bed":"bed-1","for-s":60}"#), Rights::Act);
        assert_eq!(needs(r#"{"do":"pause","bed":"bed-1","for-s":60,"until-return":true}"#), Rights::Act);
        assert_eq!(needs(r#"{"do":"resume","bed":"bed-1"}"#), Rights::Act);
        assert_eq!(needs(r#"{"do":"test-alert","within-s":60}"#), Rights::Act);
        assert_eq!(needs(r#"{"do":"live"}"#), Rights::Act, "readings are for few");
        assert_eq!(needs(r#"{"do":"journal","since":"2026-01-15T20:00:00Z"}"#), Rights::Read);
    }

    #[test]
    fn a_request_is_read_and_rubbish_is_refused_with_words() {
        assert_eq!(Request::parse(br#"{"do":"status"}"#), Ok(Request::Status {}));
        for rubbish in [&b""[..], b"status", b"{}", br#"{"do":"dance"}"#, br#"{"do":"status","x":1}"#, b"\xff\x00[[["] {
            let refusal = Request::parse(rubbish).unwrap_err();
            assert_eq!(refusal.reason, Reason::Request);
            assert!(refusal.text.starts_with("this is no request: "), "{}", refusal.text);
        }
    }

    #[test]
    fn an_answer_is_one_line_and_comes_back() {
        let answer = Answer::refused(Reason::Busy, "two\nlines");
        let line = answer.line();
        assert_eq!(line.split(|byte| *byte == b'\n').count(), 2, "one end of a line");
        assert_eq!(serde_json::from_slice::<Answer>(&line).unwrap(), answer);
        assert!(line.starts_with(br#"{"is":"error","reason":"busy","#));
    }
}
