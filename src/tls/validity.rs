//! When a certificate begins and ends: as much of X.509 (RFC 5280) as that takes. PURE.
//!
//! Never decides whether a certificate is to be trusted: that is rustls's matter.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The span in which a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// From then on.
    pub from: Timestamp,
    /// Until then.
    pub until: Timestamp,
}

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Reads the span out of a certificate in DER form; `None` where it is none.
#[must_use]
pub fn of(certificate: &[u8]) -> Option<Validity> {
    let (certificate, _) = element(certificate, SEQUENCE)?;
    let (signed, _) = element(certificate, SEQUENCE)?;
    // Version 1 certificates do not say so.
    let rest = element(signed, VERSION).map_or(signed, |(_, rest)| rest);
    let (_serial, rest) = any(rest).map(|(_, content, rest)| (content, rest))?;
    let (_algorithm, rest) = element(rest, SEQUENCE)?;
    let (_issuer, rest) = element(rest, SEQUENCE)?;
    let (span, _) = element(rest, SEQUENCE)?;
    let (from, rest) = time(span)?;
    let (until, _) = time(rest)?;
    Some(Validity { from, until })
}

/// Takes an element of this tag: its content, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    any(bytes).filter(|(found, _, _)| *found == tag).map(|(_, content, rest)| (content, rest))
}

/// Takes an element: its tag, its content, and what follows it. Lengths are definite in DER, and short here.
fn any(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// Takes a time of either form: `YYMMDDHHMMSSZ` for 1950 to 2049, `YYYYMMDDHHMMSSZ` for all others.
fn time(bytes: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (tag, content, rest) = any(bytes)?;
    let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    let (year, text) = match tag {
        UTC_TIME => {
            let year = number(text.get(..2)?)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, text.get(2..)?)
        }
        GENERALIZED_TIME => (number(text.get(..4)?)?, text.get(4..)?),
        _ => return None,
    };
    let two = |at: usize| number(text.get(at..at + 2)?).and_then(|number| i8::try_from(number).ok());
    let civil = DateTime::new(year, two(0)?, two(2)?, two(4)?, two(6)?, two(8)?, 0).ok()?;
    // The last day of the year 9999 says "for ever", and is beyond what jiff counts.
    let time = civil.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |zoned| zoned.timestamp());
    Some((time, rest))
}

fn number(digits: &str) -> Option<i16> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(from: i32, until: i32) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["larmcentral.example".to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 3, 1);
        params.not_after = date_time_ymd(until, 11, 30);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn both_forms_of_time_are_read() {
        for (from, until) in [(2019, 2020), (1975, 2049), (2026, 2050), (2051, 4096)] {
            let read = of(&certificate(from, until)).unwrap();
            assert_eq!(read.from, format!("{from}-03-01T00:00:00Z").parse().unwrap());
            assert_eq!(read.until, format!("{until}-11-30T00:00:00Z").parse().unwrap());
        }
    }

    #[test]
    fn the_end_of_all_days_is_read_too() {
        let ever = [&[GENERALIZED_TIME, 15][..], b"99991231235959Z"].concat();
        assert_eq!(time(&ever).unwrap().0, Timestamp::MAX);
    }

    #[test]
    fn half_a_certificate_is_none() {
        let whole = certificate(2025, 2027);
        for length in 0..whole.len() {
            assert_eq!(of(&whole[..length]), None, "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_upset_it(at in 0_usize..600, byte: u8, noise in proptest::collection::vec(0..=u8::MAX, 0..200)) {
            let mut changed = certificate(2025, 2027);
            let place = at % changed.len();
            changed[place] = byte;
            let _either = (of(&changed), of(&noise));
        }
    }
}
