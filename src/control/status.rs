//! How everything is, at one moment: what `status` shows, and what monitoring reads. PURE.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::health::ClockHealth;
use crate::model::time::{millis, millis_option};
use crate::model::{BedId, GatewayFault, GatewayId, MatHealth};

/// How everything is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Status {
    /// Whether nothing is wrong; else see `problems`.
    pub well: bool,
    /// What is wrong, each in words for a technician.
    pub problems: Vec<String>,
    /// Of the program.
    pub version: String,
    /// This home, as dispatch knows it.
    pub gateway: GatewayId,
    /// The home's time zone, by its name.
    pub time_zone: String,
    /// When this was asked.
    #[serde(with = "millis")]
    pub time: Timestamp,
    /// When the program started.
    #[serde(with = "millis")]
    pub started: Timestamp,
    /// For how long it has run, in seconds.
    pub uptime_s: u64,
    /// Whether the wall clock is trusted.
    pub clock: ClockHealth,
    /// Where the power comes from; none where the machine cannot tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<Power>,
    /// Each bed, in the order of the configuration.
    pub beds: Vec<Bed>,
    /// Each channel to dispatch, in the order of the configuration.
    pub channels: Vec<Channel>,
    /// Where alerts are kept.
    pub store: Store,
    /// Open faults of the gateway itself.
    pub faults: Vec<Fault>,
    /// Beds whose way to dispatch should be tested. Nothing is wrong with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests_due: Vec<TestDue>,
}

/// A bed whose way to dispatch should be tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TestDue {
    /// Its id.
    pub bed: BedId,
    /// When dispatch accepted a test of it last; none: never.
    #[serde(default, with = "millis_option", skip_serializing_if = "Option::is_none")]
    pub tested: Option<Timestamp>,
}

/// Where the power comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Power {
    /// The mains.
    Mains,
    /// A battery: the mains are away.
    Battery,
}

/// How one bed is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::struct_field_names, reason = "the words of the contract")]
pub struct Bed {
    /// Its id.
    pub bed: BedId,
    /// How its mat is.
    pub mat: MatHealth,
    /// What the bed is doing.
    pub phase: Phase,
    /// Since when, where that is known.
    #[serde(default, with = "millis_option", skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When the mat was last read; none: not since the start.
    #[serde(default, with = "millis_option", skip_serializing_if = "Option::is_none")]
    pub last_reading: Option<Timestamp>,
    /// Whether a rise would be told now.
    pub watched: bool,
    /// When that changes by the clock; none: never.
    #[serde(default, with = "millis_option", skip_serializing_if = "Option::is_none")]
    pub watch_changes: Option<Timestamp>,
    /// Until when at most it is paused; none: it is not.
    #[serde(default, with = "millis_option", skip_serializing_if = "Option::is_none")]
    pub paused_until: Option<Timestamp>,
}

/// What a bed is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Nothing is known, or the levels are being learnt.
    Unknown,
    /// Nobody is in bed.
    Empty,
    /// Somebody is lying down.
    Settling,
    /// Somebody is in bed.
    InBed,
    /// Somebody sits on the edge.
    Edge,
    /// The load has gone and may come back.
    Leaving,
    /// The bed's task does not answer.
    NoAnswer,
}

impl Phase {
    /// Returns what people read.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unknown => "not known yet",
            Self::Empty => "empty",
            Self::Settling => "lying down",
            Self::InBed => "in bed",
            Self::Edge => "on the edge",
            Self::Leaving => "leaving",
            Self::NoAnswer => "no answer",
        }
    }
}

/// How one channel to dispatch is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// Whether it works.
    pub state: ChannelState,
    /// When it accepted something last, be it a heartbeat; none: not since the start.
    #[serde(default, with = "millis_option", skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Timestamp>,
    /// How many alerts wait for it.
    pub waiting: u64,
    /// Since when the first of them has waited, as far as this life of the program goes.
    #[serde(default, with = "millis_option", skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    /// What is wrong and what to look at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Whether a channel works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelState {
    /// It has accepted what it was given last.
    Works,
    /// Nothing was given to it since the start.
    Untried,
    /// It does not work.
    Down,
}

/// How the store is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Store {
    /// Whether alerts reach the disk.
    pub state: StoreState,
    /// Alerts on disk that no dispatch has accepted; up to a minute behind.
    pub undelivered: u64,
    /// Alerts that are in memory only.
    pub in_memory: u64,
    /// Its size on disk.
    pub bytes: u64,
    /// What is wrong and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Whether alerts reach the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreState {
    /// It is being opened.
    Opening,
    /// They do.
    Sound,
    /// They do not.
    Faulty,
}

/// An open fault of the gateway itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::struct_field_names, reason = "the words of the contract")]
pub struct Fault {
    /// Which.
    pub fault: GatewayFault,
    /// Since when; none: from before the start.
    #[serde(default, with = "millis_option", skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What is wrong and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Status {
    /// Fills in what is wrong, from the rest.
    #[must_use]
    pub fn judged(mut self) -> Self {
        let beds = self.beds.iter().filter_map(Bed::problem);
        let channels = self.channels.iter().filter_map(Channel::problem);
        // What the channels say needs no telling twice.
        let told = self.channels.iter().any(|channel| channel.state == ChannelState::Down);
        // Nor does what the fault says: why they wait.
        let silent = !told && self.faults.iter().all(|fault| fault.fault != GatewayFault::Dispatch);
        let waits = self.channels.iter().filter(|_| silent).filter_map(|channel| channel.waits_long(self.time));
        let faults = self.faults.iter().filter(|fault| !(told && fault.fault == GatewayFault::Dispatch));
        let power = (self.power == Some(Power::Battery)).then(|| "the mains are away: it runs on a battery".to_owned());
        self.problems = beds
            .chain(channels)
            .chain(waits)
            .chain(faults.map(Fault::problem))
            .chain(self.store.problem())
            .chain(power)
            .collect();
        self.problems.dedup();
        self.well = self.problems.is_empty();
        self
    }
}

impl Bed {
    fn problem(&self) -> Option<String> {
        let bed = self.bed;
        match (self.phase, self.mat) {
            (Phase::NoAnswer, _) => Some(format!("{bed}: its task does not answer: restart nattvakt, and report this")),
            (_, MatHealth::Fault(fault)) => Some(format!("{bed}: the mat cannot be trusted: {fault}")),
            (_, MatHealth::Ok | MatHealth::Learning | MatHealth::Paused) => None,
        }
    }
}

/// Alerts that wait for longer than this for a channel that works: something is wrong with them, or with it.
const WAITS_LONG: SignedDuration = SignedDuration::from_mins(10);

impl Channel {
    fn waits_long(&self, now: Timestamp) -> Option<String> {
        let long = self.waiting_since.is_some_and(|since| now.duration_since(since) > WAITS_LONG);
        let some = match self.waiting {
            0 | 1 => "an alert has waited".to_owned(),
            count => format!("{count} alerts wait, the first"),
        };
        let words = || format!("{}: {some} for more than 10 min: the log says what it answers", self.name);
        (long && self.state != ChannelState::Down).then(words)
    }

    fn problem(&self) -> Option<String> {
        let error = self.error.as_deref().unwrap_or("does not work");
        (self.state == ChannelState::Down).then(|| format!("{}: {error}", self.name))
    }
}

impl Fault {
    fn problem(&self) -> String {
        match &self.detail {
            Some(detail) => format!("{}: {detail}", self.fault),
            None => format!("{}: from before the last start, not proved well yet", self.fault),
        }
    }
}

impl Store {
    fn problem(&self) -> Option<String> {
        let error = self.error.as_deref().unwrap_or("alerts do not reach the disk");
        (self.state == StoreState::Faulty).then(|| format!("store: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MatFault;

    fn status() -> Status {
        let time: Timestamp = "2026-01-15T23:12:04.120Z".parse().unwrap();
        let bed = Bed {
            bed: "bed-1".parse().unwrap(),
            mat: MatHealth::Ok,
            phase: Phase::InBed,
            since: Some(time),
            last_reading: Some(time),
            watched: true,
            watch_changes: None,
            paused_until: None,
        };
        let channel = Channel {
            name: "larmcentral".to_owned(),
            state: ChannelState::Works,
            accepted: Some(time),
            waiting: 0,
            waiting_since: None,
            error: None,
        };
        Status {
            well: false,
            problems: Vec::new(),
            version: "0.1.0".to_owned(),
            gateway: "4601234567".parse().unwrap(),
            time_zone: "Europe/Stockholm".to_owned(),
            time,
            started: time,
            uptime_s: 0,
            clock: ClockHealth::Trusted,
            power: None,
            beds: vec![bed],
            channels: vec![channel],
            store: Store { state: StoreState::Sound, undelivered: 0, in_memory: 0, bytes: 0, error: None },
            faults: Vec::new(),
            tests_due: Vec::new(),
        }
    }

    #[test]
    fn all_is_well_where_nothing_is_wrong_and_a_pause_is_nothing_wrong() {
        let mut well = status();
        assert!(well.clone().judged().well);
        well.beds[0].mat = MatHealth::Paused;
        well.channels[0].state = ChannelState::Untried;
        // A reminder is nothing wrong either.
        well.tests_due = vec![TestDue { bed: "bed-1".parse().unwrap(), tested: None }];
        assert!(well.judged().well);
    }

    #[test]
    fn each_thing_that_is_wrong_is_said_once() {
        let mut bad = status();
        bad.beds[0].mat = MatHealth::Fault(MatFault::Silent);
        bad.channels[0].state = ChannelState::Down;
        bad.channels[0].error = Some("connection refused".to_owned());
        let fault = |fault, detail: Option<&str>| Fault { fault, since: None, detail: detail.map(str::to_owned) };
        bad.faults = vec![
            fault(GatewayFault::Dispatch, Some("larmcentral: connection refused")),
            fault(GatewayFault::Clock, None),
        ];
        let bad = bad.judged();
        assert!(!bad.well);
        assert_eq!(
            bad.problems,
            [
                "bed-1: the mat cannot be trusted: silent",
                "larmcentral: connection refused",
                "clock: from before the last start, not proved well yet",
            ]
        );
    }

    #[test]
    fn alerts_that_wait_for_long_are_a_problem_though_the_channel_works() {
        let waits = |minutes: i64| {
            let mut status = status();
            status.channels[0].waiting = 1;
            status.channels[0].waiting_since = Some(status.time - SignedDuration::from_mins(minutes));
            status
        };
        assert!(waits(10).judged().well);
        let words = "larmcentral: an alert has waited for more than 10 min: the log says what it answers";
        assert_eq!(waits(11).judged().problems, [words]);
        let mut refused = waits(11);
        let detail = Some("larmcentral: refuses the alert".to_owned());
        refused.faults = vec![Fault { fault: GatewayFault::Dispatch, since: None, detail }];
        assert_eq!(refused.judged().problems, ["dispatch: larmcentral: refuses the alert"], "said once");
    }

    #[test]
    fn it_comes_back_from_its_written_form() {
        let before = status().judged();
        let text = serde_json::to_string(&before).unwrap();
        assert_eq!(serde_json::from_str::<Status>(&text).unwrap(), before);
    }
}
