//! Whether a POST is taken: token, signature, time and body, in this order. PURE.

use std::time::Duration;

use hmac::{Hmac, Mac};
use jiff::Timestamp;
use serde_json::Value;
use sha2::Sha256;

use crate::dispatch::https::body::CONTENT_TYPE;
use crate::dispatch::https::signature::Keys;
use crate::secret::Secret;

/// The most bytes of a body: what CloudEvents asks every receiver to take.
pub(super) const BODY_BYTES_MAX: usize = 64 * 1024;

/// How far a signature's time may be from ours: the tolerance of the Standard Webhooks libraries.
const TIMESTAMP_OFF_MAX: Duration = Duration::from_secs(5 * 60);

/// The longest id; ours have 16 characters. Ids are remembered, so they are bounded.
const ID_CHARS_MAX: usize = 128;

/// What is checked beside the form.
#[derive(Debug, Default)]
pub struct Checks {
    /// The bearer token that every POST must carry.
    pub token: Option<Secret>,
    /// The keys of which one must have signed.
    pub keys: Option<Keys>,
}

/// What the receiver has found out about a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureState {
    /// One of the keys has signed.
    Valid,
    /// None of the keys has.
    Invalid,
    /// There is none.
    Missing,
    /// No key to check it with.
    Unchecked,
}

impl SignatureState {
    /// Returns the word of the receiver's lines.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Missing => "missing",
            Self::Unchecked => "unchecked",
        }
    }
}

/// Why a POST is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Not the token: 401.
    Token,
    /// Not the signature: 401.
    Signature,
    /// Signed at another time: 401.
    Timestamp,
    /// Not a CloudEvent: 400.
    Body,
}

impl Reason {
    /// Returns the word of the receiver's lines.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Signature => "signature",
            Self::Timestamp => "timestamp",
            Self::Body => "body",
        }
    }

    /// Returns the status code of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Token | Self::Signature | Self::Timestamp => 401,
            Self::Body => 400,
        }
    }
}

/// What came in. `body` is `None` where it was too large.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Incoming<'a> {
    pub(super) authorization: Option<&'a str>,
    pub(super) content_type: Option<&'a str>,
    pub(super) id: Option<&'a str>,
    pub(super) timestamp: Option<&'a str>,
    pub(super) signature: Option<&'a str>,
    pub(super) body: Option<&'a [u8]>,
}

/// What the receiver thinks of it.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) signature: SignatureState,
    /// The event's id, or why it is refused.
    pub(super) outcome: Result<String, Reason>,
    /// The body, where it is JSON.
    pub(super) event: Option<Value>,
}

pub(super) fn judge(incoming: &Incoming<'_>, checks: &Checks, now: Timestamp) -> Verdict {
    let signature = check_signature(incoming, checks.keys.as_ref());
    let event = incoming.body.and_then(|body| serde_json::from_slice::<Value>(body).ok());
    let outcome = if !has_token(incoming, checks.token.as_ref()) {
        Err(Reason::Token)
    } else if matches!(signature, SignatureState::Invalid | SignatureState::Missing) {
        Err(Reason::Signature)
    } else if signature == SignatureState::Valid && !is_of_now(incoming, now) {
        Err(Reason::Timestamp)
    } else {
        event_id(incoming, event.as_ref()).ok_or(Reason::Body)
    };
    Verdict { signature, outcome, event }
}

/// Compares in constant time: what is compared are two tags, by the rules of the HMAC crate.
fn has_token(incoming: &Incoming<'_>, token: Option<&Secret>) -> bool {
    let Some(token) = token else { return true };
    let given = incoming.authorization.and_then(|value| value.split_once(' '));
    let Some((_, given)) = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else { return false };
    let tag = |text: &str| {
        let mac = Hmac::<Sha256>::new_from_slice(b"token").expect("HMAC takes a key of any length");
        mac.chain_update(text)
    };
    tag(token.reveal()).verify(&tag(given.trim()).finalize().into_bytes()).is_ok()
}

fn check_signature(incoming: &Incoming<'_>, keys: Option<&Keys>) -> SignatureState {
    let Some(keys) = keys else { return SignatureState::Unchecked };
    let Some(signature) = incoming.signature else { return SignatureState::Missing };
    let (Some(id), Some(timestamp), Some(body)) = (incoming.id, incoming.timestamp, incoming.body) else {
        return SignatureState::Invalid;
    };
    if keys.verify(id, timestamp, body, signature) { SignatureState::Valid } else { SignatureState::Invalid }
}

fn is_of_now(incoming: &Incoming<'_>, now: Timestamp) -> bool {
    let signed = incoming.timestamp.and_then(|text| text.parse().ok());
    let signed = signed.and_then(|seconds| Timestamp::from_second(seconds).ok());
    signed.is_some_and(|signed| now.duration_since(signed).unsigned_abs() <= TIMESTAMP_OFF_MAX)
}

/// Returns the id of a CloudEvent 1.0 that is what its headers say.
fn event_id(incoming: &Incoming<'_>, event: Option<&Value>) -> Option<String> {
    let content_type = incoming.content_type?.split(';').next()?.trim();
    let event = event?.as_object()?;
    let text = |key: &str| event.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let id = text("id").filter(|id| id.chars().count() <= ID_CHARS_MAX)?;
    let is_event = content_type.eq_ignore_ascii_case(CONTENT_TYPE)
        && text("specversion") == Some("1.0")
        && text("source").is_some()
        && text("type").is_some()
        && incoming.id.is_none_or(|header| header == id);
    is_event.then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
    const BODY: &str = r#"{"specversion":"1.0","id":"evt-1","source":"urn:x","type":"se.nattvakt.test.v1"}"#;

    fn now() -> Timestamp {
        Timestamp::from_second(1_700_000_000).unwrap()
    }

    fn incoming(body: &str) -> Incoming<'_> {
        let (content_type, id, timestamp) = (Some(CONTENT_TYPE), Some("evt-1"), Some("1700000000"));
        Incoming { content_type, id, timestamp, body: Some(body.as_bytes()), ..Incoming::default() }
    }

    fn keys() -> Checks {
        Checks { token: None, keys: Some(Keys::parse(KEY).unwrap()) }
    }

    fn signed(timestamp: &str) -> String {
        Keys::parse(KEY).unwrap().sign("evt-1", timestamp, BODY.as_bytes())
    }

    fn outcome(incoming: &Incoming<'_>, checks: &Checks) -> Result<String, Reason> {
        judge(incoming, checks, now()).outcome
    }

    #[test]
    fn a_cloud_event_is_taken_and_anything_else_is_refused_as_body() {
        assert_eq!(outcome(&incoming(BODY), &Checks::default()), Ok("evt-1".to_owned()));
        let deep = "[".repeat(10_000);
        for body in ["", "{}", "[]", "evt-1", BODY.trim_end_matches('}'), &BODY.replace("1.0", "0.3"), &deep] {
            assert_eq!(outcome(&incoming(body), &Checks::default()), Err(Reason::Body), "{body:.80}");
        }
        let other_type = Incoming { content_type: Some("application/json"), ..incoming(BODY) };
        assert_eq!(outcome(&other_type, &Checks::default()), Err(Reason::Body));
        let other_id = Incoming { id: Some("evt-2"), ..incoming(BODY) };
        assert_eq!(outcome(&other_id, &Checks::default()), Err(Reason::Body));
        let too_large = Incoming { body: None, ..incoming(BODY) };
        assert_eq!(outcome(&too_large, &Checks::default()), Err(Reason::Body));
    }

    #[test]
    fn only_the_right_token_is_let_in() {
        let checks = Checks { token: Some(Secret::new("s3cret")), keys: None };
        let with = |authorization| outcome(&Incoming { authorization, ..incoming(BODY) }, &checks);
        assert!(with(Some("Bearer s3cret")).is_ok());
        assert!(with(Some("bearer  s3cret")).is_ok());
        for wrong in [None, Some(""), Some("s3cret"), Some("Bearer s3cre"), Some("Basic s3cret"), Some("Bearer ")] {
            assert_eq!(with(wrong), Err(Reason::Token), "{wrong:?}");
        }
    }

    #[test]
    fn a_signature_is_missing_invalid_valid_or_unchecked() {
        let state = |incoming: &Incoming<'_>, checks: &Checks| {
            let verdict = judge(incoming, checks, now());
            (verdict.signature, verdict.outcome.err())
        };
        let good = signed("1700000000");
        let with = |signature| Incoming { signature, ..incoming(BODY) };
        assert_eq!(state(&with(Some(&good)), &Checks::default()), (SignatureState::Unchecked, None));
        assert_eq!(state(&with(Some(&good)), &keys()), (SignatureState::Valid, None));
        assert_eq!(state(&with(None), &keys()), (SignatureState::Missing, Some(Reason::Signature)));
        let other = with(Some("v1,AAAA"));
        assert_eq!(state(&other, &keys()), (SignatureState::Invalid, Some(Reason::Signature)));
    }

    #[test]
    fn a_signature_of_another_time_is_refused() {
        for (timestamp, reason) in [("1700000300", None), ("1699999700", None), ("1700000301", Some(Reason::Timestamp))]
        {
            let good = signed(timestamp);
            let posted = Incoming { signature: Some(&good), timestamp: Some(timestamp), ..incoming(BODY) };
            assert_eq!(outcome(&posted, &keys()).err(), reason, "{timestamp}");
        }
        let good = signed("soon");
        let posted = Incoming { signature: Some(&good), timestamp: Some("soon"), ..incoming(BODY) };
        assert_eq!(outcome(&posted, &keys()), Err(Reason::Timestamp));
    }
}
