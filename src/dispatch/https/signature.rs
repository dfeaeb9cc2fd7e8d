//! Standard Webhooks signatures: HMAC-SHA256 over `id.timestamp.body`. PURE.
//!
//! While keys rotate every key signs, and one that fits is enough for the receiver.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_PAD_INDIFFERENT};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The fewest and most bytes of a key.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The most keys of a file: two while they rotate, and some to spare.
const KEYS_MAX: usize = 8;

/// The keys that sign; at least one. Its `Debug` says nothing of them.
#[derive(Clone)]
pub struct Keys(Vec<Hmac<Sha256>>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}

/// Says what is wrong with a key file; never what stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A line does not begin as a key does.
    #[error("line {0} is no key: a key begins with whsec_")]
    Prefix(usize),
    /// What follows is no base64.
    #[error("line {0} is no key: what follows whsec_ must be base64")]
    Base64(usize),
    /// It is too short or too long.
    #[error("the key in line {0} must have 24 to 64 bytes, such as `echo whsec_$(openssl rand -base64 32)` makes")]
    Length(usize),
    /// There is none.
    #[error("holds no key")]
    None,
    /// There are too many.
    #[error("holds more than {KEYS_MAX} keys; take the old ones out")]
    TooMany,
}

impl Keys {
    /// Reads keys, one a line; blank lines are skipped.
    ///
    /// # Errors
    ///
    /// Fails at the first line that is no key, and where there is none or more than eight.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let lines = text.lines().map(str::trim).zip(1..).filter(|(line, _)| !line.is_empty());
        let keys = lines.map(|(line, number)| parse_key(line, number)).collect::<Result<Vec<_>, _>>()?;
        match keys.len() {
            0 => Err(KeyError::None),
            1..=KEYS_MAX => Ok(Self(keys)),
            _ => Err(KeyError::TooMany),
        }
    }

    /// Returns the value of `webhook-signature`: one signature a key, separated by a blank.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let sign = |key: &Hmac<Sha256>| {
            let tag = over(key, id, timestamp, body).finalize().into_bytes();
            format!("v1,{}", STANDARD.encode(tag))
        };
        self.0.iter().map(sign).collect::<Vec<_>>().join(" ")
    }

    /// Tells whether any of the signatures in `header` was made with any of the keys. Compares in constant time.
    #[must_use]
    pub fn verify(&self, id: &str, timestamp: &str, body: &[u8], header: &str) -> bool {
        let tags = header.split(' ').filter_map(|signature| signature.strip_prefix("v1,"));
        let tags = tags.filter_map(|tag| STANDARD.decode(tag).ok()).take(KEYS_MAX);
        tags.into_iter().any(|tag| self.0.iter().any(|key| over(key, id, timestamp, body).verify_slice(&tag).is_ok()))
    }
}

fn parse_key(line: &str, number: usize) -> Result<Hmac<Sha256>, KeyError> {
    let text = line.strip_prefix("whsec_").ok_or(KeyError::Prefix(number))?;
    let bytes = STANDARD_PAD_INDIFFERENT.decode(text).map_err(|_| KeyError::Base64(number))?;
    if !KEY_BYTES.contains(&bytes.len()) {
        return Err(KeyError::Length(number));
    }
    Hmac::new_from_slice(&bytes).map_err(|_| KeyError::Length(number))
}

fn over(key: &Hmac<Sha256>, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = key.clone();
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SECOND: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

    #[test]
    fn signs_the_published_example() {
        let signature =
            Keys::parse(FIRST).unwrap().sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn signs_a_cloud_event() {
        let signature =
            Keys::parse(SECOND).unwrap().sign("evt-1", "1700000000", br#"{"specversion":"1.0","id":"evt-1"}"#);
        assert_eq!(signature, "v1,f3TGT6291g+0TUjILSsQrzSdJ1Di3f+xG/q9GmRs0AM=");
    }

    #[test]
    fn while_keys_rotate_all_sign_and_either_verifies() {
        let both = Keys::parse(&format!("{FIRST}\r\n\n{SECOND}\n")).unwrap();
        let signature = both.sign("a", "1", b"{}");
        assert_eq!(signature.split(' ').count(), 2);
        for key in [FIRST, SECOND] {
            let key = Keys::parse(key).unwrap();
            assert!(key.verify("a", "1", b"{}", &signature));
            assert!(!key.verify("b", "1", b"{}", &signature));
            assert!(!key.verify("a", "2", b"{}", &signature));
            assert!(!key.verify("a", "1", b"{ }", &signature));
        }
        assert!(!both.verify("a", "1", b"{}", "v1, v1,AAAA v2,AAAA"));
    }

    #[test]
    fn a_key_file_that_holds_no_key_is_refused_with_its_line_and_without_its_content() {
        assert_eq!(Keys::parse("\n").unwrap_err(), KeyError::None);
        assert_eq!(Keys::parse("secret").unwrap_err(), KeyError::Prefix(1));
        assert_eq!(Keys::parse(&format!("{FIRST}\nwhsec_*")).unwrap_err(), KeyError::Base64(2));
        assert_eq!(Keys::parse("whsec_AAECAwQF").unwrap_err(), KeyError::Length(1));
        assert_eq!(Keys::parse(&format!("{FIRST}\n").repeat(9)).unwrap_err(), KeyError::TooMany);
        assert!(!format!("{:?}", Keys::parse(FIRST).unwrap()).contains("MfKQ"));
    }
}
