//! What happened: the words that replay, the journal and dispatch share.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fault::{GatewayFault, MatFault, words};
use super::health::{ClockHealth, Health, MatHealth};
use super::ids::BedId;
use super::time::{millis, millis_option};

/// One thing that happened, at one bed or at the gateway itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Form", try_from = "Form")]
pub struct Event {
    /// When it happened; for a rise, when the load left the mat for good.
    pub time: Timestamp,
    /// When the detector was sure.
    pub decided: Timestamp,
    /// The last moment seen in bed, where nothing was seen for a while before `time`.
    pub not_before: Option<Timestamp>,
    /// The bed; the gateway's own events have none.
    pub bed: Option<BedId>,
    /// Whether the watch was on.
    pub watched: bool,
    /// Whether the wall clock was trusted.
    pub trusted: bool,
    /// What happened.
    pub kind: Kind,
    /// The zone of the mat that it is about, counted from 1; none: the whole mat.
    pub zone: Option<u8>,
    /// What else a technician should know, in words; never readings.
    pub detail: Option<String>,
    /// Where it stands for several of its bed and kind, because too many waited: which.
    pub folded: Option<Folded>,
}

/// What stands behind an event into which others were folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folded {
    /// How many they are, itself among them.
    pub count: u64,
    /// When the first of them happened.
    #[serde(with = "millis")]
    pub first: Timestamp,
    /// When the last of them happened.
    #[serde(with = "millis")]
    pub last: Timestamp,
}

impl Event {
    /// Makes an event of the gateway itself: it happens when it is decided.
    #[must_use]
    pub fn of_gateway(kind: Kind, now: &super::Now) -> Self {
        Self {
            time: now.utc,
            decided: now.utc,
            not_before: None,
            bed: None,
            watched: true,
            trusted: now.trusted,
            kind,
            zone: None,
            detail: None,
            folded: None,
        }
    }
}

/// The kinds of the contract, with what each has to say.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Someone has lain down, and no absence was open.
    InBed,
    /// Sits on the edge, or most of the load has left.
    Edge,
    /// Has left the bed.
    Rise,
    /// Is back after an absence.
    Return,
    /// Out of bed longer than allowed.
    NotReturned,
    /// Not in bed by the set time, or nothing is known.
    NotInBed(NotInBedReason),
    /// In bed at the time set for being up.
    NotUp,
    /// The mat cannot be trusted.
    SensorFault(MatFault),
    /// The mat can be trusted again.
    SensorRestored(MatFault),
    /// Something is wrong with the gateway.
    GatewayFault(GatewayFault),
    /// That is over.
    GatewayRestored(GatewayFault),
    /// Staff paused the bed.
    Paused {
        /// Until when at most.
        until: Timestamp,
    },
    /// The pause is over.
    Resumed {
        /// What ended it.
        reason: ResumeReason,
        /// Whether someone lay in bed then.
        occupied: bool,
    },
    /// The gateway has started this many times since it last told.
    Started {
        /// Number of starts, at least 1.
        count: u32,
    },
    /// The gateway lives; never stored nor tried again.
    Heartbeat(Box<Health>),
    /// A marked test.
    Test,
}

words! {
    /// Why a bed is reported as empty without a rise.
    NotInBedReason {
        /// The set time has come.
        Time = "time",
        /// Nothing was known before.
        Unknown = "unknown",
    }
}

words! {
    /// What ended a pause.
    ResumeReason {
        /// Its time was over.
        Time = "time",
        /// The resident was back in bed.
        Return = "return",
        /// Staff ended it.
        Command = "command",
    }
}

impl Kind {
    /// Returns the contract's word for this kind.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::InBed => "in-bed",
            Self::Edge => "edge",
            Self::Rise => "rise",
            Self::Return => "return",
            Self::NotReturned => "not-returned",
            Self::NotInBed(_) => "not-in-bed",
            Self::NotUp => "not-up",
            Self::SensorFault(_) => "sensor-fault",
            Self::SensorRestored(_) => "sensor-restored",
            Self::GatewayFault(_) => "gateway-fault",
            Self::GatewayRestored(_) => "gateway-restored",
            Self::Paused { .. } => "paused",
            Self::Resumed { .. } => "resumed",
            Self::Started { .. } => "started",
            Self::Heartbeat(_) => "heartbeat",
            Self::Test => "test",
        }
    }
}

/// The event as it is written: one flat object.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Form {
    #[serde(with = "millis")]
    time: Timestamp,
    #[serde(with = "millis")]
    decided: Timestamp,
    #[serde(with = "millis_option", default, skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bed: Option<BedId>,
    kind: String,
    watched: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    occupied: Option<bool>,
    #[serde(with = "millis_option", default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mats: Option<std::collections::BTreeMap<BedId, MatHealth>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    faults: Option<Vec<GatewayFault>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outbox: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clock: Option<ClockHealth>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folded: Option<Folded>,
}

impl From<Event> for Form {
    fn from(event: Event) -> Self {
        let mut form = Self {
            time: event.time,
            decided: event.decided,
            not_before: event.not_before,
            bed: event.bed,
            kind: event.kind.as_str().to_owned(),
            watched: event.watched,
            fault: None,
            zone: event.zone,
            reason: None,
            occupied: None,
            until: None,
            count: None,
            mats: None,
            faults: None,
            outbox: None,
            clock: (!event.trusted).then_some(ClockHealth::Untrusted),
            detail: event.detail,
            folded: event.folded,
        };
        match event.kind {
            Kind::SensorFault(fault) | Kind::SensorRestored(fault) => form.fault = Some(fault.to_string()),
            Kind::GatewayFault(fault) | Kind::GatewayRestored(fault) => form.fault = Some(fault.to_string()),
            Kind::NotInBed(reason) => form.reason = Some(reason.to_string()),
            Kind::Resumed { reason, occupied } => {
                form.reason = Some(reason.to_string());
                form.occupied = Some(occupied);
            }
            Kind::Paused { until } => form.until = Some(until),
            Kind::Started { count } => form.count = Some(count),
            Kind::Heartbeat(health) => {
                form.mats = Some(health.mats);
                form.faults = Some(health.faults);
                form.outbox = Some(health.outbox);
                form.clock = Some(health.clock);
            }
            Kind::InBed | Kind::Edge | Kind::Rise | Kind::Return | Kind::NotReturned | Kind::NotUp | Kind::Test => {}
        }
        form
    }
}

/// Says what a written event lacks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// No such kind.
    #[error("unknown kind {0:?}")]
    Kind(String),
    /// The kind needs a word that is missing or unknown.
    #[error("{kind} needs a known {key}")]
    Missing {
        /// The event's kind.
        kind: String,
        /// The key that is missing or unknown.
        key: &'static str,
    },
}

impl TryFrom<Form> for Event {
    type Error = FormError;

    fn try_from(form: Form) -> Result<Self, FormError> {
        let lacks = |key| FormError::Missing { kind: form.kind.clone(), key };
        let mat = || form.fault.as_deref().and_then(MatFault::from_word).ok_or_else(|| lacks("fault"));
        let gateway = || form.fault.as_deref().and_then(GatewayFault::from_word).ok_or_else(|| lacks("fault"));
        let reason = form.reason.as_deref().unwrap_or_default();
        let kind = match form.kind.as_str() {
            "in-bed" => Kind::InBed,
            "edge" => Kind::Edge,
            "rise" => Kind::Rise,
            "return" => Kind::Return,
            "not-returned" => Kind::NotReturned,
            "not-in-bed" => Kind::NotInBed(NotInBedReason::from_word(reason).ok_or_else(|| lacks("reason"))?),
            "not-up" => Kind::NotUp,
            "sensor-fault" => Kind::SensorFault(mat()?),
            "sensor-restored" => Kind::SensorRestored(mat()?),
            "gateway-fault" => Kind::GatewayFault(gateway()?),
            "gateway-restored" => Kind::GatewayRestored(gateway()?),
            "paused" => Kind::Paused { until: form.until.ok_or_else(|| lacks("until"))? },
            "resumed" => Kind::Resumed {
                reason: ResumeReason::from_word(reason).ok_or_else(|| lacks("reason"))?,
                occupied: form.occupied.ok_or_else(|| lacks("occupied"))?,
            },
            "started" => Kind::Started { count: form.count.unwrap_or(1) },
            "heartbeat" => Kind::Heartbeat(Box::new(Health {
                mats: form.mats.unwrap_or_default(),
                faults: form.faults.unwrap_or_default(),
                outbox: form.outbox.unwrap_or_default(),
                clock: form.clock.unwrap_or_default(),
                dispatch_lost: false,
                mains: None,
            })),
            "test" => Kind::Test,
            other => return Err(FormError::Kind(other.to_owned())),
        };
        Ok(Self {
            time: form.time,
            decided: form.decided,
            not_before: form.not_before,
            bed: form.bed,
            watched: form.watched,
            trusted: form.clock != Some(ClockHealth::Untrusted),
            kind,
            zone: form.zone,
            detail: form.detail,
            folded: form.folded,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: Kind) -> Event {
        Event {
            time: "2026-01-15T23:12:04.120Z".parse().unwrap(),
            decided: "2026-01-15T23:12:05.020Z".parse().unwrap(),
            not_before: None,
            bed: Some("bed-1".parse().unwrap()),
            watched: true,
            trusted: true,
            kind,
            zone: None,
            detail: None,
            folded: None,
        }
    }

    #[test]
    fn a_rise_is_written_as_the_contract_has_it() {
        assert_eq!(
            serde_json::to_string(&event(Kind::Rise)).unwrap(),
            r#"{"time":"2026-01-15T23:12:04.120Z","decided":"2026-01-15T23:12:05.020Z","bed":"bed-1","kind":"rise","watched":true}"#
        );
    }

    #[test]
    fn every_kind_comes_back_from_its_written_form() {
        let kinds = [
            Kind::InBed,
            Kind::Edge,
            Kind::Rise,
            Kind::Return,
            Kind::NotReturned,
            Kind::NotInBed(NotInBedReason::Unknown),
            Kind::NotUp,
            Kind::SensorFault(MatFault::Silent),
            Kind::SensorRestored(MatFault::OutOfRange),
            Kind::GatewayFault(GatewayFault::Store),
            Kind::GatewayRestored(GatewayFault::Broker),
            Kind::Paused { until: "2026-01-16T01:00:00Z".parse().unwrap() },
            Kind::Resumed { reason: ResumeReason::Return, occupied: true },
            Kind::Started { count: 3 },
            Kind::Heartbeat(Box::default()),
            Kind::Test,
        ];
        for kind in kinds {
            let (first, last) = (event(Kind::Rise).time, event(Kind::Rise).decided);
            let folded = Some(Folded { count: 3, first, last });
            let before = Event { trusted: false, folded, ..event(kind) };
            let text = serde_json::to_string(&before).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), before, "{text}");
        }
    }

    #[test]
    fn an_unknown_kind_or_a_missing_fault_is_refused() {
        let written = |tail: &str| {
            format!(r#"{{"time":"2026-01-15T23:12:04Z","decided":"2026-01-15T23:12:05Z","watched":true,{tail}}}"#)
        };
        assert!(serde_json::from_str::<Event>(&written(r#""kind":"party""#)).is_err());
        assert!(serde_json::from_str::<Event>(&written(r#""kind":"sensor-fault""#)).is_err());
        assert!(serde_json::from_str::<Event>(&written(r#""kind":"gateway-fault","fault":"silent""#)).is_err());
    }
}
