//! One message payload in, one sample out: a plain value, or JSON by RFC 6901 pointers.

use serde_json::Value;

use super::{Rejection, Sample, Stamp, scalar, zones};
use crate::model::Channels;
use crate::sensor::settings::{MqttSettings, Payload};

/// The longest payload that is read, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1_024;

/// Reads the messages of one mat.
#[derive(Debug, Clone)]
pub struct PayloadDecoder {
    values: Vec<Pointer>,
    contact: bool,
    time: Option<Pointer>,
}

impl PayloadDecoder {
    /// Makes the decoder of a mat's settings.
    #[must_use]
    pub fn new(settings: &MqttSettings) -> Self {
        let (values, contact) = match &settings.payload {
            Payload::Zones(pointers) => (pointers.iter().map(|text| Pointer::new(text)).collect(), false),
            Payload::Contact(pointer) => (vec![Pointer::new(pointer)], true),
        };
        Self { values, contact, time: settings.time.as_deref().map(Pointer::new) }
    }

    /// Reads one payload.
    ///
    /// Numbers may stand as text (`"55.20"`): real mats send them so. `null` is a zone that has failed. A time that
    /// cannot be read is as none: what the mat says about the bed counts more.
    ///
    /// # Errors
    ///
    /// Rejects what is empty, too long, no text, no JSON of the configured shape, or without any number in it.
    pub fn decode(&self, payload: &[u8]) -> Result<Sample, Rejection> {
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(Rejection::TooLong);
        }
        let text = std::str::from_utf8(payload).map_err(|_| Rejection::NotUtf8)?.trim_ascii();
        if text.is_empty() {
            return Err(Rejection::Empty);
        }
        match self.plain(text) {
            Some(channels) => Ok(Sample { channels, stamp: None }),
            None => self.json(text),
        }
    }

    /// Reads a plain value without the detour over JSON.
    fn plain(&self, text: &str) -> Option<Channels> {
        if !self.is_plain() {
            None
        } else if self.contact {
            scalar::contact(text).map(Channels::contact)
        } else {
            Channels::new([scalar::number(text)?])
        }
    }

    fn is_plain(&self) -> bool {
        matches!(self.values.as_slice(), [Pointer { tokens }] if tokens.is_empty())
    }

    fn json(&self, text: &str) -> Result<Sample, Rejection> {
        let payload: Value = serde_json::from_str(text).map_err(|_| self.other_text())?;
        let mut values = self.values.iter().map(|pointer| pointer.of(&payload));
        if values.clone().all(|value| value.is_none()) {
            return Err(Rejection::Missing);
        }
        let channels = if self.contact {
            let pressed = values.next().flatten().and_then(contact).ok_or(Rejection::NotContact)?;
            Channels::contact(pressed)
        } else {
            zones(values.map(|value| value.and_then(number)))?
        };
        let stamp = self.time.as_ref().and_then(|time| time.of(&payload)).and_then(stamp);
        Ok(Sample { channels, stamp })
    }

    /// Says what is wrong with text that is neither the plain value nor JSON.
    fn other_text(&self) -> Rejection {
        match (self.is_plain(), self.contact) {
            (true, true) => Rejection::NotContact,
            (true, false) => Rejection::NotNumber,
            (false, _) => Rejection::NotJson,
        }
    }
}

/// An RFC 6901 pointer, taken apart once.
#[derive(Debug, Clone)]
struct Pointer {
    tokens: Vec<String>,
}

impl Pointer {
    fn new(text: &str) -> Self {
        let unescape = |token: &str| token.replace("~1", "/").replace("~0", "~");
        Self { tokens: text.split('/').skip(1).map(unescape).collect() }
    }

    fn of<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        self.tokens.iter().try_fold(value, |value, token| match value {
            Value::Object(members) => members.get(token),
            Value::Array(items) => items.get(index(token)?),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        })
    }
}

/// Reads an array index; RFC 6901 allows neither a sign nor leading zeros.
fn index(token: &str) -> Option<usize> {
    let canonical = token == "0" || !token.starts_with(['0', '+']);
    token.parse().ok().filter(|_| canonical)
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => scalar::number(text.trim_ascii()),
        Value::Null => Some(f64::NAN),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn contact(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(pressed) => Some(*pressed),
        Value::Number(number) => number.as_f64().and_then(scalar::contact_number),
        Value::String(text) => scalar::contact(text.trim_ascii()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn stamp(value: &Value) -> Option<Stamp> {
    match value {
        Value::Number(number) => number.as_f64().and_then(Stamp::from_unix),
        Value::String(text) => Stamp::from_text(text),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zones_at(pointers: &[&str]) -> PayloadDecoder {
        let pointers = pointers.iter().map(ToString::to_string).collect();
        decoder(Payload::Zones(pointers), Some("/ts"))
    }

    fn contact_at(pointer: &str) -> PayloadDecoder {
        decoder(Payload::Contact(pointer.to_owned()), None)
    }

    fn decoder(payload: Payload, time: Option<&str>) -> PayloadDecoder {
        PayloadDecoder::new(&MqttSettings { topic: "t".to_owned(), payload, time: time.map(str::to_owned) })
    }

    fn values(decoder: &PayloadDecoder, payload: &str) -> Result<Vec<f64>, Rejection> {
        decoder.decode(payload.as_bytes()).map(|sample| sample.channels.zones().to_vec())
    }

    #[test]
    fn a_plain_number_is_read_with_and_without_quotes() {
        let plain = zones_at(&[""]);
        for payload in ["83.4", " 83.4\r\n", "\"83.4\"", "8.34e1"] {
            assert_eq!(values(&plain, payload), Ok(vec![83.4]), "{payload}");
        }
        assert!(values(&plain, "nan").unwrap()[0].is_nan());
        assert_eq!(values(&plain, "{\"pressure\":1}"), Err(Rejection::NotNumber));
        assert_eq!(values(&plain, "SENSOR_FAULT"), Err(Rejection::NotNumber));
        assert_eq!(values(&contact_at(""), "SENSOR_FAULT"), Err(Rejection::NotContact));
    }

    #[test]
    fn pointers_reach_into_json_as_real_mats_send_it() {
        let sleep2mqtt = r#"{"delta":22,"avg_off":"55.20","occupancy":false,"pressure":"55.22","zones":[1,2.5]}"#;
        assert_eq!(values(&zones_at(&["/pressure"]), sleep2mqtt), Ok(vec![55.22]));
        assert_eq!(values(&zones_at(&["/zones/1", "/zones/0"]), sleep2mqtt), Ok(vec![2.5, 1.0]));
        assert_eq!(values(&contact_at("/occupancy"), sleep2mqtt), Ok(vec![0.0]));
        assert_eq!(values(&zones_at(&["/a~1b/~0c"]), r#"{"a/b":{"~c":3}}"#), Ok(vec![3.0]));
    }

    #[test]
    fn a_contact_is_on_or_off_in_every_way_of_writing_it() {
        for payload in ["ON", "on", "true", "1", "\"ON\"", " True "] {
            assert_eq!(values(&contact_at(""), payload), Ok(vec![1.0]), "{payload}");
        }
        for payload in [r#"{"c":false}"#, r#"{"c":"OFF"}"#, r#"{"c":0}"#] {
            assert_eq!(values(&contact_at("/c"), payload), Ok(vec![0.0]), "{payload}");
        }
        for payload in [r#"{"c":null}"#, r#"{"c":2}"#, r#"{"c":[]}"#, r#"{"c":"maybe"}"#] {
            assert_eq!(values(&contact_at("/c"), payload), Err(Rejection::NotContact), "{payload}");
        }
    }

    #[test]
    fn a_zone_that_is_missing_or_null_has_failed() {
        let zones = values(&zones_at(&["/a", "/b", "/c"]), r#"{"a":1,"b":null}"#).unwrap();
        assert!(zones[0] > 0.9 && zones[1].is_nan() && zones[2].is_nan());
        // The HX711 scales leave the weight out when the cell does not answer.
        assert_eq!(values(&zones_at(&["/weight"]), r#"{"ip":"10.0.0.7"}"#), Err(Rejection::Missing));
    }

    #[test]
    fn what_is_no_message_of_this_mat_is_rejected_with_its_reason() {
        let decoder = zones_at(&["/pressure"]);
        assert_eq!(values(&decoder, ""), Err(Rejection::Empty));
        assert_eq!(values(&decoder, " \n"), Err(Rejection::Empty));
        assert_eq!(values(&decoder, "{"), Err(Rejection::NotJson));
        assert_eq!(values(&decoder, "{\"pressure\":1e999}"), Err(Rejection::NotJson));
        assert_eq!(values(&decoder, "[1]"), Err(Rejection::Missing));
        assert_eq!(values(&decoder, r#"{"pressure":[1]}"#), Err(Rejection::NotNumber));
        assert_eq!(values(&decoder, &"[".repeat(10_000)), Err(Rejection::NotJson));
        assert_eq!(values(&decoder, &" ".repeat(PAYLOAD_BYTES_MAX + 1)), Err(Rejection::TooLong));
        assert_eq!(decoder.decode(b"\xff\xfe"), Err(Rejection::NotUtf8));
    }

    #[test]
    fn the_sensors_own_time_is_a_number_or_text() {
        let decoder = zones_at(&["/p"]);
        let stamp = |payload: &str| decoder.decode(payload.as_bytes()).unwrap().stamp;
        let expected = Some(Stamp::from_nanos(1_768_518_725_000_000_000));
        assert_eq!(stamp(r#"{"p":1,"ts":"2026-01-15T23:12:05Z"}"#), expected);
        assert_eq!(stamp(r#"{"p":1,"ts":1768518725}"#), expected);
        assert_eq!(stamp(r#"{"p":1,"ts":"1768518725000"}"#), expected);
        assert_eq!(stamp(r#"{"p":1,"ts":null}"#), None);
        assert_eq!(stamp(r#"{"p":1}"#), None);
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_value_or_a_rejection(
            payload in proptest::collection::vec(any::<u8>(), 0..300),
            pointer in "(/[a-c0-9~]{0,3}){0,3}",
        ) {
            if let Ok(sample) = zones_at(&[&pointer]).decode(&payload) {
                prop_assert_eq!(sample.channels.len(), 1);
            }
            if let Ok(sample) = contact_at(&pointer).decode(&payload) {
                prop_assert!(matches!(sample.channels.zones(), [0.0 | 1.0]));
            }
        }

        #[test]
        fn any_text_that_looks_like_json_gives_a_value_or_a_rejection(
            payload in r#"[\[\]{}":,a0-9eE.+\-ntrufls ]{0,60}"#,
        ) {
            if let Ok(sample) = zones_at(&["/a", ""]).decode(payload.as_bytes()) {
                prop_assert!(sample.channels.zones().iter().all(|zone| !zone.is_infinite()));
            }
        }

        #[test]
        fn a_pointer_finds_what_serde_json_finds(
            pointer in "(/([ab]|0|1|01|~0|~1)){0,4}",
            json in r#"(\[1,\{"a":2,"~":3\}\]|\{"a":\{"b":\[4,5\]\},"/":6,"0":7\})"#,
        ) {
            let value: Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(Pointer::new(&pointer).of(&value), value.pointer(&pointer));
        }
    }
}
