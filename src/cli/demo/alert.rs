//! What the receiver got, read for people.
//!
//! Takes any JSON: what is missing is left out, never guessed.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::model::Priority;

/// What the timeline needs of one line of the receiver.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    pub(super) kind: String,
    pub(super) priority: Option<Priority>,
    pub(super) text: String,
    pub(super) bed: Option<String>,
    pub(super) verified: bool,
    pub(super) accepted: bool,
    pub(super) repeat: bool,
    /// From when it happened to when the detector was sure.
    pub(super) to_be_sure: Option<Duration>,
}

impl Told {
    /// Reads what `nattvakt receive` writes about one POST.
    pub(super) fn read(received: &Value) -> Self {
        let words = |pointer: &str| received.pointer(pointer).and_then(Value::as_str);
        let time = |pointer: &str| words(pointer).and_then(|text| text.parse::<Timestamp>().ok());
        let data = |key: &str| format!("/event/data/{key}");
        let (happened, decided) = (time(&data("time")), time(&data("decided")));
        Self {
            kind: words(&data("kind")).unwrap_or("?").to_owned(),
            priority: words(&data("priority")).and_then(priority),
            text: words(&data("text")).unwrap_or_default().to_owned(),
            bed: words(&data("bed")).map(str::to_owned),
            verified: words("/signature") == Some("valid"),
            accepted: words("/outcome") == Some("accepted"),
            repeat: received.get("repeat").and_then(Value::as_bool).unwrap_or_default(),
            to_be_sure: happened.zip(decided).map(|(from, to)| to.duration_since(from).unsigned_abs()),
        }
    }

    /// Tells whether this is the alarm of a rise, and not the repeat of one. Late in coming back is another matter.
    pub(super) fn is_rise(&self) -> bool {
        self.kind == "rise" && self.accepted && !self.repeat
    }
}

fn priority(word: &str) -> Option<Priority> {
    serde_json::from_value(Value::from(word)).ok()
}

/// Writes a time in milliseconds.
pub(super) fn millis(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}
