//! The texts that staff read, in Swedish and English: at most 32 characters each, ready to read out.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::event::{Kind, NotInBedReason};
use super::fault::{GatewayFault, MatFault};

/// The most characters of a text: what a social-alarm receiver shows.
pub const TEXT_CHARS_MAX: usize = 32;

/// The language of the texts that staff get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Swedish.
    #[default]
    Sv,
    /// English.
    En,
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sv => "sv",
            Self::En => "en",
        })
    }
}

/// Returns what staff read about an event of this kind.
#[must_use]
pub fn text(kind: &Kind, language: Language) -> &'static str {
    let (sv, en) = both(kind);
    match language {
        Language::Sv => sv,
        Language::En => en,
    }
}

const fn both(kind: &Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::InBed => ("Har lagt sig", "Has gone to bed"),
        Kind::Edge => ("Sitter på sängkanten", "Sits on the edge of the bed"),
        Kind::Rise => ("Har lämnat sängen", "Has left the bed"),
        Kind::Return => ("Är tillbaka i sängen", "Is back in bed"),
        Kind::NotReturned => ("Har inte kommit tillbaka", "Has not come back to bed"),
        Kind::NotInBed(NotInBedReason::Time) => ("Har inte lagt sig", "Has not gone to bed"),
        Kind::NotInBed(NotInBedReason::Unknown) => ("Sängen är tom, läget okänt", "Bed is empty, state unknown"),
        Kind::NotUp => ("Har inte stigit upp", "Has not got up"),
        Kind::SensorFault(fault) => mat_fault(*fault),
        Kind::SensorRestored(_) => ("Sängmattan fungerar igen", "Bed mat works again"),
        Kind::GatewayFault(fault) => gateway_fault(*fault),
        Kind::GatewayRestored(_) => ("Larmdosan fungerar igen", "Gateway works again"),
        Kind::Paused { .. } => ("Bevakningen är pausad", "The watch is paused"),
        Kind::Resumed { occupied: true, .. } => ("Bevakning igång, i sängen", "Watch resumed, in bed"),
        Kind::Resumed { occupied: false, .. } => ("Bevakning igång, sängen är tom", "Watch resumed, bed is empty"),
        Kind::Started { .. } => ("Larmdosan har startat", "Gateway has started"),
        Kind::Heartbeat(_) => ("Larmdosan är igång", "Gateway is running"),
        Kind::Test => ("Provlarm, ingen åtgärd", "Test alert, nothing to do"),
    }
}

const fn mat_fault(fault: MatFault) -> (&'static str, &'static str) {
    match fault {
        MatFault::Silent => ("Sängmattan svarar inte", "Bed mat is silent"),
        MatFault::Stuck => ("Sängmattan har fastnat", "Bed mat is stuck"),
        MatFault::OutOfRange => ("Sängmattan visar orimligt värde", "Bed mat is out of range"),
        MatFault::Implausible => ("Sängmattan går inte att läsa", "Bed mat cannot be read"),
        MatFault::Chatter => ("Sängmattan glappar", "Bed mat contact chatters"),
        MatFault::Drifted => ("Sängmattan behöver ställas in", "Bed mat needs calibration"),
        MatFault::Unplugged => ("Sängmattan är urkopplad", "Bed mat is unplugged"),
        MatFault::Offline => ("Sängmattan är frånkopplad", "Bed mat is offline"),
        MatFault::LowBattery => ("Sängmattan har lågt batteri", "Bed mat battery is low"),
    }
}

const fn gateway_fault(fault: GatewayFault) -> (&'static str, &'static str) {
    match fault {
        GatewayFault::Store => ("Larmdosan: fel på lagringen", "Gateway: storage fault"),
        GatewayFault::Clock => ("Larmdosan: klockan är osäker", "Gateway: clock not trusted"),
        GatewayFault::Broker => ("Larmdosan når inte mattorna", "Gateway cannot reach the mats"),
        GatewayFault::Dispatch => ("Larmdosan: fel på larmvägen", "Gateway: dispatch channel fault"),
        GatewayFault::Configuration => ("Larmdosan: fel i inställningar", "Gateway: configuration fault"),
        GatewayFault::Certificate => ("Larmdosan: certifikat går ut", "Gateway: certificate ends soon"),
        GatewayFault::Power => ("Larmdosan: strömavbrott", "Gateway: mains power lost"),
        GatewayFault::Program => ("Larmdosan: internt fel", "Gateway: internal fault"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::ResumeReason;
    use super::*;

    #[test]
    fn no_text_is_longer_than_a_receiver_shows() {
        let mut kinds = vec![
            Kind::InBed,
            Kind::Edge,
            Kind::Rise,
            Kind::Return,
            Kind::NotReturned,
            Kind::NotInBed(NotInBedReason::Time),
            Kind::NotInBed(NotInBedReason::Unknown),
            Kind::NotUp,
            Kind::Paused { until: jiff::Timestamp::UNIX_EPOCH },
            Kind::Resumed { reason: ResumeReason::Time, occupied: true },
            Kind::Resumed { reason: ResumeReason::Time, occupied: false },
            Kind::Started { count: 1 },
            Kind::Heartbeat(Box::default()),
            Kind::Test,
        ];
        kinds.extend(MatFault::ALL.iter().flat_map(|f| [Kind::SensorFault(*f), Kind::SensorRestored(*f)]));
        kinds.extend(GatewayFault::ALL.iter().flat_map(|f| [Kind::GatewayFault(*f), Kind::GatewayRestored(*f)]));
        for kind in kinds {
            for language in [Language::Sv, Language::En] {
                let text = text(&kind, language);
                assert!(!text.is_empty() && text.chars().count() <= TEXT_CHARS_MAX, "{text:?} is too long");
            }
        }
    }
}
