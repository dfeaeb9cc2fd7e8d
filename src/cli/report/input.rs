//! Reads what happened: a JSON object a line, as `replay --format json` and the journal write them. PURE.

use jiff::Timestamp;
use serde_json::Value;

use crate::model::{AlertId, Entry, Event};

/// The longest line, in bytes; a longer one is none of ours.
pub(super) const LINE_BYTES_MAX: usize = 64 * 1024;

/// Everything that happened, as far as it was told.
#[derive(Debug, Default)]
pub(super) struct Story {
    /// Events, each with its alert's id where it was told under one; in order of time once [`Story::sorted`].
    pub(super) events: Vec<(Option<AlertId>, Event)>,
    /// When dispatch accepted which alert.
    pub(super) accepted: Vec<(AlertId, Timestamp)>,
    /// Lines that could not be read.
    pub(super) bad: usize,
}

impl Story {
    /// Takes an entry of the journal.
    pub(super) fn add(&mut self, Entry { id, event, accepted, .. }: Entry) {
        self.accepted.extend(id.zip(accepted.map(|accepted| accepted.at)));
        self.events.push((id, event));
    }

    /// Takes a line.
    pub(super) fn take(&mut self, line: &str) {
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        let known = line.len() <= LINE_BYTES_MAX && self.understand(line);
        self.bad += usize::from(!known);
    }

    fn understand(&mut self, line: &str) -> bool {
        let Ok(value) = serde_json::from_str::<Value>(line) else { return false };
        // What was seen and not told is for `--explain`.
        if value.get("kind").and_then(Value::as_str) == Some("remark") {
            return true;
        }
        if value.get("kind").is_some() {
            let id = value.get("id").and_then(|id| serde_json::from_value(id.clone()).ok());
            return serde_json::from_value(value).map(|event| self.events.push((id, event))).is_ok();
        }
        serde_json::from_value(value).map(|entry| self.add(entry)).is_ok()
    }

    /// Puts everything into the order in which it happened.
    pub(super) fn sorted(mut self) -> Self {
        self.events.sort_by_key(|(_, event)| (event.time, event.decided));
        self.accepted.sort_by_key(|(_, at)| *at);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_entries_and_rubbish_are_told_apart() {
        let event = r#"{"time":"2026-01-15T23:12:04.120Z","decided":"2026-01-15T23:12:05.020Z","bed":"bed-1","kind":"rise","watched":true}"#;
        let mut story = Story::default();
        story.take(event);
        story.take(&format!(
            "{{\"id\":\"7K2M9Q4T0XW5B8ZC\",\"event\":{event},\"accepted\":{{\"channel\":\"a\",\"at\":\"2026-01-15T23:12:06Z\"}}}}"
        ));
        story.take(r#"{"kind":"remark","time":"x"}"#);
        story.take("");
        for rubbish in ["x", "{}", "[1]", r#"{"kind":"dance"}"#, &"x".repeat(LINE_BYTES_MAX + 1)] {
            story.take(rubbish);
        }
        assert_eq!((story.events.len(), story.accepted.len(), story.bad), (2, 1, 5));
        assert_eq!(story.events[1].0.map(|id| id.as_str().to_owned()).as_deref(), Some("7K2M9Q4T0XW5B8ZC"));
    }
}
