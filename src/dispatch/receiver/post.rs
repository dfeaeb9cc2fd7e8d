//! One POST as the receiver tells of it: a JSON object a line, or a line of a table. PURE.

use jiff::Timestamp;
use serde_json::Value;

use super::judge::{Reason, SignatureState};
use crate::model::Moment;
use crate::model::time::rfc3339;

/// One POST and what was thought of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    /// When its last byte had come, by the wall clock.
    pub received: Timestamp,
    /// The same by the monotonic clock.
    pub moment: Moment,
    /// Why it was refused; `None` where it was accepted.
    pub refused: Option<Reason>,
    /// Whether an event of this id was accepted before.
    pub repeat: bool,
    /// What was found out about its signature.
    pub signature: SignatureState,
    /// The body, where it is JSON.
    pub event: Option<Value>,
    /// The body as it came, on one line, where it is JSON.
    pub(super) text: Option<String>,
}

impl Post {
    /// Returns the status code of the answer.
    #[must_use]
    pub fn answer(&self) -> u16 {
        self.refused.map_or(200, Reason::status)
    }

    /// Writes it as one JSON object, without the end of the line.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut line = format!(r#"{{"received":"{}","answer":{}"#, rfc3339(self.received), self.answer());
        match self.refused {
            None => line.push_str(r#","outcome":"accepted""#),
            Some(reason) => line.extend([r#","outcome":"refused","reason":""#, reason.as_str(), "\""]),
        }
        line.extend([r#","repeat":"#, if self.repeat { "true" } else { "false" }]);
        line.extend([r#","signature":""#, self.signature.as_str(), "\""]);
        if let Some(text) = &self.text {
            line.extend([r#","event":"#, text]);
        }
        line.push('}');
        line
    }

    /// Writes it as one line of a table, without the end of the line: time, answer, what, bed, priority, text, remarks.
    #[must_use]
    pub fn to_row(&self) -> String {
        let outcome = self.refused.map_or("accepted".to_owned(), |reason| format!("refused: {}", reason.as_str()));
        let mut row = format!("{}  {:<18} ", rfc3339(self.received), outcome);
        for (key, width) in [("kind", 16), ("bed", 8), ("priority", 8), ("text", 32)] {
            let column = format!("{:<width$}", self.word(key));
            row.extend([" ", &column]);
        }
        let late = self.event.as_ref().is_some_and(|event| event.pointer("/data/late") == Some(&Value::Bool(true)));
        let remarks = [(self.repeat, "repeat"), (late, "late")];
        remarks.into_iter().filter(|(is, _)| *is).for_each(|(_, remark)| row.extend([" ", remark]));
        if self.signature != SignatureState::Unchecked {
            row.extend([" signature ", self.signature.as_str()]);
        }
        row.truncate(row.trim_end().len());
        row
    }

    /// A word of the event's data, safe for a terminal: whoever can reach the port can send anything.
    fn word(&self, key: &str) -> String {
        let data = self.event.as_ref().and_then(|event| event.get("data"));
        let text = data.and_then(|data| data.get(key)).and_then(Value::as_str).unwrap_or("-");
        text.chars().take(40).map(|c| if c.is_control() { '?' } else { c }).collect()
    }
}

/// Returns JSON text on one line. Inside of strings JSON knows no raw ends of lines, so those that there are lie between.
pub(super) fn on_one_line(json: &str) -> String {
    json.replace(['\r', '\n'], " ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(text: &str) -> Post {
        Post {
            received: "2026-01-15T23:12:05.130Z".parse().unwrap(),
            moment: Moment::default(),
            refused: None,
            repeat: false,
            signature: SignatureState::Valid,
            event: serde_json::from_str(text).ok(),
            text: Some(on_one_line(text)),
        }
    }

    const RISE: &str = "{\n\"id\":\"a\",\r\n\"data\":{\"kind\":\"rise\",\"bed\":\"bed-1\",\"priority\":\"alarm\",\"text\":\"\\u001b[2JUr\",\"late\":true}}\n";

    #[test]
    fn an_accepted_post_is_one_line_of_json_with_the_body_as_it_came() {
        let line = post(RISE).to_json();
        assert!(!line.contains('\n'));
        assert!(line.starts_with(
            r#"{"received":"2026-01-15T23:12:05.130Z","answer":200,"outcome":"accepted","repeat":false,"signature":"valid","event":{"#
        ));
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["event"]["data"]["kind"], "rise");
    }

    #[test]
    fn a_refused_post_says_why() {
        let refused = Post { refused: Some(Reason::Timestamp), text: None, event: None, ..post("") };
        assert_eq!(
            refused.to_json(),
            r#"{"received":"2026-01-15T23:12:05.130Z","answer":401,"outcome":"refused","reason":"timestamp","repeat":false,"signature":"valid"}"#
        );
    }

    #[test]
    fn a_row_tells_what_matters_and_never_steers_the_terminal() {
        let row = Post { repeat: true, ..post(RISE) }.to_row();
        for part in
            ["23:12:05.130Z", "accepted", "rise", "bed-1", "alarm", "?[2JUr", "repeat", "late", "signature valid"]
        {
            assert!(row.contains(part), "{part} is missing in {row}");
        }
        assert!(!row.contains('\u{1b}'));
        assert!(post("{}").to_row().contains("accepted"));
    }
}
