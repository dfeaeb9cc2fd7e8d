//! The body of a POST: a CloudEvents 1.0 event in structured JSON. PURE.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::time::millis;
use crate::model::{Alert, AlertId, BedId, Event, GatewayId, Priority};

/// The content type of the body.
pub const CONTENT_TYPE: &str = "application/cloudevents+json";

/// The event as it is sent; its keys stand in the order of the contract.
#[derive(Serialize)]
struct Envelope<'a> {
    specversion: &'static str,
    id: &'a AlertId,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a BedId>,
    #[serde(with = "millis")]
    time: Timestamp,
    datacontenttype: &'static str,
    sequence: String,
    data: Data<'a>,
}

/// The event in the words of the journal, with what makes it an alert.
#[derive(Serialize)]
struct Data<'a> {
    #[serde(flatten)]
    event: &'a Event,
    priority: Priority,
    text: &'a str,
    late: bool,
    #[serde(skip_serializing_if = "<[AlertId]>::is_empty")]
    closes: &'a [AlertId],
}

/// Writes the body of one attempt. `priority` may be less than the alert was raised with, `late` changes with time,
/// and so do times that were told before the clock was right; all else is the same in every attempt.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "nothing in an alert lacks a JSON form")]
pub fn write(gateway: GatewayId, alert: &Alert, priority: Priority, late: bool) -> String {
    let envelope = Envelope {
        specversion: "1.0",
        id: &alert.id,
        source: format!("urn:nattvakt:{gateway}"),
        kind: format!("se.nattvakt.{}.v1", alert.event.kind.as_str()),
        subject: alert.event.bed.as_ref(),
        time: alert.event.time,
        datacontenttype: "application/json",
        sequence: alert.sequence.to_string(),
        data: Data { event: &alert.event, priority, text: &alert.text, late, closes: &alert.closes },
    };
    serde_json::to_string(&envelope).expect("ids, times and texts always have a JSON form")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::health::{ClockHealth, Health, MatHealth};
    use crate::model::texts::{Language, text};
    use crate::model::{Kind, MatFault, Sequence};

    fn alert(kind: Kind) -> Alert {
        Alert {
            id: "7K2M9Q4T0XW5B8ZC".parse().unwrap(),
            sequence: Sequence(42),
            priority: kind.priority(),
            text: text(&kind, Language::Sv).to_owned(),
            event: Event {
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
            },
            closes: Vec::new(),
        }
    }

    fn gateway() -> GatewayId {
        "4601234567".parse().unwrap()
    }

    #[test]
    fn a_rise_is_written_to_the_letter_of_the_contract() {
        assert_eq!(
            write(gateway(), &alert(Kind::Rise), Priority::Alarm, false),
            r#"{"specversion":"1.0","id":"7K2M9Q4T0XW5B8ZC","source":"urn:nattvakt:4601234567","type":"se.nattvakt.rise.v1","subject":"bed-1","time":"2026-01-15T23:12:04.120Z","datacontenttype":"application/json","sequence":"0000000000000042","data":{"time":"2026-01-15T23:12:04.120Z","decided":"2026-01-15T23:12:05.020Z","bed":"bed-1","kind":"rise","watched":true,"priority":"alarm","text":"Har lämnat sängen","late":false}}"#
        );
    }

    #[test]
    fn a_late_return_names_what_it_closes() {
        let alert = Alert { closes: vec!["0000000000000001".parse().unwrap()], ..alert(Kind::Return) };
        let body: serde_json::Value = serde_json::from_str(&write(gateway(), &alert, Priority::Info, true)).unwrap();
        assert_eq!(body["data"]["closes"], serde_json::json!(["0000000000000001"]));
        assert_eq!(body["data"]["late"], true);
        assert_eq!(body["data"]["priority"], "info");
    }

    #[test]
    fn a_heartbeat_tells_how_the_mats_are_and_has_no_subject() {
        let mats = [("bed-1", MatHealth::Ok), ("bed-2", MatHealth::Fault(MatFault::Silent))];
        let mats = mats.into_iter().map(|(bed, health)| (bed.parse().unwrap(), health)).collect();
        let health = Health { mats, faults: Vec::new(), outbox: 3, clock: ClockHealth::Trusted, ..Health::default() };
        let mut alert = alert(Kind::Heartbeat(Box::new(health)));
        alert.event.bed = None;
        let body: serde_json::Value = serde_json::from_str(&write(gateway(), &alert, Priority::Info, false)).unwrap();
        assert_eq!(body.get("subject"), None);
        assert_eq!(body["type"], "se.nattvakt.heartbeat.v1");
        assert_eq!(body["data"]["mats"], serde_json::json!({"bed-1": "ok", "bed-2": "silent"}));
        assert_eq!(body["data"]["outbox"], 3);
    }
}
