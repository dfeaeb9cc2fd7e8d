//! What an answer means: the contract's table. PURE.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::dispatch::outcome::Outcome;
use crate::model::AlertId;

/// The most of an answer's body that is read, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// The longest reference of the receiver that is kept, in characters.
const REFERENCE_CHARS_MAX: usize = 64;

/// How far the answer's clock may be from ours before it is believed more.
const CLOCK_OFF_MAX: Duration = Duration::from_secs(120);

/// As much of an answer as its meaning depends on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header `Content-Type`.
    pub content_type: Option<String>,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
    /// The header `Date`.
    pub date: Option<String>,
    /// The body, as much as was read.
    pub body: Vec<u8>,
    /// Whether that is all of it.
    pub whole: bool,
}

/// Says what an answer means. `receipt`: only a body that names `id` is an acceptance. `now` is our wall clock.
#[must_use]
pub fn classify(answer: &Answer, id: &AlertId, receipt: bool, now: Timestamp) -> Outcome {
    let status = answer.status;
    match status {
        200..=299 => accepted(answer, id, receipt),
        408 | 425 | 429 | 500..=599 => Outcome::TryAgain {
            retry_after: answer.retry_after.as_deref().and_then(|text| retry_after(text, now)),
            problem: busy(status),
        },
        _ => Outcome::wrong(wrong(status)),
    }
}

/// Returns the wall clock of an answer where it is more than two minutes off ours. Only worth something over verified
/// TLS, and only where the answer was a refusal.
#[must_use]
pub fn better_time(answer: &Answer, now: Timestamp) -> Option<Timestamp> {
    let theirs = http_date(answer.date.as_deref()?)?;
    (theirs.duration_since(now).unsigned_abs() > CLOCK_OFF_MAX).then_some(theirs)
}

fn accepted(answer: &Answer, id: &AlertId, receipt: bool) -> Outcome {
    let status = answer.status;
    if is_web_page(answer) {
        return Outcome::try_again(format!(
            "a web page came back instead of dispatch's answer ({status}): look whether a network log-in page is in \
             between, and at url"
        ));
    }
    if !answer.whole && answer.body.len() < BODY_BYTES_MAX {
        return Outcome::try_again(format!("dispatch broke off in the middle of its answer ({status})"));
    }
    let body = serde_json::from_slice::<Value>(&answer.body).ok();
    let named = body
        .as_ref()
        .and_then(Value::as_object)
        .is_some_and(|object| object.values().any(|value| value.as_str() == Some(id.as_str())));
    if receipt && !named {
        return Outcome::try_again(format!(
            "dispatch's answer ({status}) does not name the alert's id; without that it is no acceptance while \
             receipt = true"
        ));
    }
    Outcome::Accepted { reference: body.as_ref().and_then(reference) }
}

/// A captive portal says 200 to everything, and means a page for people.
fn is_web_page(answer: &Answer) -> bool {
    let content_type = answer.content_type.as_deref().unwrap_or_default().trim_start().to_ascii_lowercase();
    let is_html = ["text/html", "application/xhtml"].iter().any(|html| content_type.starts_with(html));
    let body = answer.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&answer.body);
    is_html || body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

/// The receiver's own reference, where its answer holds one that can be shown.
fn reference(body: &Value) -> Option<String> {
    let text = ["reference", "ref", "receipt"].iter().find_map(|key| body.get(key)?.as_str())?;
    let printable = text.chars().all(|c| !c.is_control()) && !text.is_empty();
    (printable && text.chars().count() <= REFERENCE_CHARS_MAX).then(|| text.to_owned())
}

/// Reads seconds or a date.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    Duration::try_from(http_date(text)?.duration_since(now)).ok()
}

fn http_date(text: &str) -> Option<Timestamp> {
    httpdate::parse_http_date(text).ok().and_then(|time| Timestamp::try_from(time).ok())
}

fn busy(status: u16) -> String {
    match status {
        408 | 504 => format!("dispatch took too long ({status})"),
        425 => "dispatch wants the alert again a little later (425)".to_owned(),
        429 => "dispatch gets too much at once (429)".to_owned(),
        502 | 503 => format!("dispatch is not in service just now ({status})"),
        _ => format!("dispatch failed over the alert ({status})"),
    }
}

fn wrong(status: u16) -> String {
    match status {
        300..=399 => format!("dispatch sends us elsewhere ({status}), and redirects are never followed: look at url"),
        400 => "dispatch does not understand the alert (400): ask whether it takes CloudEvents 1.0 as JSON".to_owned(),
        401 => "dispatch refused the token or the signature (401): look at token-file and signing-key-file".to_owned(),
        403 => "dispatch does not let this gateway in (403): look at token-file, client-cert-file and gateway.id"
            .to_owned(),
        404 | 405 | 410 => format!("dispatch takes no alerts at this address ({status}): look at url"),
        413 => "the alert is too large for dispatch (413): ask what it takes".to_owned(),
        415 => "dispatch refuses the format (415): ask whether it takes CloudEvents 1.0 as JSON".to_owned(),
        _ => format!("dispatch refused the alert ({status}): ask why"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "7K2M9Q4T0XW5B8ZC";

    fn now() -> Timestamp {
        "2026-01-15T23:12:04Z".parse().unwrap()
    }

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, body: body.as_bytes().to_vec(), whole: true, ..Answer::default() }
    }

    fn meaning(answer: &Answer, receipt: bool) -> &'static str {
        match classify(answer, &ID.parse().unwrap(), receipt, now()) {
            Outcome::Accepted { .. } => "accepted",
            Outcome::TryAgain { .. } => "try again",
            Outcome::ChannelWrong { .. } => "wrong",
        }
    }

    #[test]
    fn every_status_has_the_meaning_of_the_table() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(meaning(&answer(status, ""), false), "accepted", "{status}");
        }
        for status in [408, 425, 429, 500, 501, 502, 503, 504, 599] {
            assert_eq!(meaning(&answer(status, ""), false), "try again", "{status}");
        }
        for status in [300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 451] {
            assert_eq!(meaning(&answer(status, ""), false), "wrong", "{status}");
        }
    }

    #[test]
    fn a_web_page_is_no_acceptance_by_type_or_by_its_first_character() {
        for body in ["<html>", "  \r\n<!DOCTYPE html>", "\u{feff}<p>", "<?xml?>"] {
            assert_eq!(meaning(&answer(200, body), false), "try again", "{body:?}");
        }
        for content_type in ["text/html", "Text/HTML; charset=utf-8", "application/xhtml+xml"] {
            let page = Answer { content_type: Some(content_type.to_owned()), ..answer(200, "log in") };
            assert_eq!(meaning(&page, false), "try again", "{content_type}");
        }
        let plain = Answer { content_type: Some("text/plain".to_owned()), ..answer(200, "ok") };
        assert_eq!(meaning(&plain, false), "accepted");
    }

    #[test]
    fn half_an_answer_is_no_acceptance() {
        assert_eq!(meaning(&Answer { whole: false, ..answer(200, r#"{"id":"#) }, false), "try again");
        let long = Answer { whole: false, ..answer(200, &"x".repeat(BODY_BYTES_MAX)) };
        assert_eq!(meaning(&long, false), "accepted", "we broke off, not they");
    }

    #[test]
    fn with_receipt_only_a_body_that_names_the_id_is_an_acceptance() {
        let named = format!(r#"{{"taken":true,"alert":"{ID}"}}"#);
        assert_eq!(meaning(&answer(200, &named), true), "accepted");
        for other in ["", "ok", ID, r#"{"id":"0000000000000000"}"#, r#"["7K2M9Q4T0XW5B8ZC"]"#, "{\"id\":"] {
            assert_eq!(meaning(&answer(200, other), true), "try again", "{other:?}");
        }
        let deep = "[".repeat(BODY_BYTES_MAX);
        assert_eq!(meaning(&answer(200, &deep), true), "try again");
    }

    #[test]
    fn the_receivers_reference_is_kept_where_it_can_be_shown() {
        let of = |body: &str| {
            let outcome = classify(&answer(200, body), &ID.parse().unwrap(), false, now());
            let Outcome::Accepted { reference } = outcome else { panic!("{outcome:?}") };
            reference
        };
        assert_eq!(of(r#"{"reference":"LC-2026-17"}"#), Some("LC-2026-17".to_owned()));
        assert_eq!(of(r#"{"reference":"\u0007"}"#), None);
        assert_eq!(of(&format!(r#"{{"ref":"{}"}}"#, "x".repeat(65))), None);
        assert_eq!(of(r#"{"reference":17}"#), None);
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let after = |text: &str| {
            let answer = Answer { retry_after: Some(text.to_owned()), ..answer(503, "") };
            let outcome = classify(&answer, &ID.parse().unwrap(), false, now());
            let Outcome::TryAgain { retry_after, .. } = outcome else { panic!("{outcome:?}") };
            retry_after
        };
        assert_eq!(after("17"), Some(Duration::from_secs(17)));
        assert_eq!(after("99999999999999999999999"), Some(Duration::from_secs(u64::MAX)));
        assert_eq!(after("Thu, 15 Jan 2026 23:12:34 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(after("Thu, 15 Jan 2026 23:00:00 GMT"), None);
        for nonsense in ["", "-1", "soon", "1e9"] {
            assert_eq!(after(nonsense), None, "{nonsense:?}");
        }
    }

    #[test]
    fn an_answers_clock_is_believed_more_from_two_minutes_on() {
        let time = |date: &str| better_time(&Answer { date: Some(date.to_owned()), ..answer(401, "") }, now());
        assert_eq!(time("Thu, 15 Jan 2026 23:13:00 GMT"), None);
        assert_eq!(time("Thu, 15 Jan 2026 23:20:00 GMT"), Some("2026-01-15T23:20:00Z".parse().unwrap()));
        assert_eq!(time("Thu, 15 Jan 2026 23:00:00 GMT"), Some("2026-01-15T23:00:00Z".parse().unwrap()));
        assert_eq!(time("yesterday"), None);
        assert_eq!(better_time(&answer(401, ""), now()), None);
    }

    #[test]
    fn a_problem_says_what_to_look_at() {
        let refused = classify(&answer(401, ""), &ID.parse().unwrap(), false, now());
        assert!(refused.problem().unwrap().contains("token-file"));
        let moved = classify(&answer(302, ""), &ID.parse().unwrap(), false, now());
        assert!(moved.problem().unwrap().contains("url"));
    }
}
