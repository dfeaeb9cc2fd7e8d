//! Single values as sensors write them: numbers, contacts, times.

use std::time::Duration;

use jiff::Timestamp;

/// The largest number taken for seconds: year 2255. In milliseconds it would be April 1970.
const SECONDS_MAX: u64 = 9_000_000_000;

/// A time on a sensor's own clock, in nanoseconds since 1970 by that clock.
///
/// Sensor clocks are wrong: only differences mean anything, and only for one mat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(i64);

impl Stamp {
    /// Reads RFC 3339, or Unix seconds or milliseconds; `None` where it is neither.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim_ascii();
        match text.parse() {
            Ok(number) => Self::from_unix(number),
            Err(_) => i64::try_from(text.parse::<Timestamp>().ok()?.as_nanosecond()).ok().map(Self),
        }
    }

    /// Takes Unix seconds, or milliseconds where that many seconds would lie beyond the year 2255.
    #[must_use]
    pub fn from_unix(number: f64) -> Option<Self> {
        let size = Duration::try_from_secs_f64(number.abs()).ok()?;
        let size = if size.as_secs() > SECONDS_MAX { size / 1_000 } else { size };
        let nanos = i64::try_from(size.as_nanos()).ok()?;
        Some(Self(if number < 0.0 { -nanos } else { nanos }))
    }

    /// Makes a stamp from nanoseconds since 1970.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Returns the nanoseconds since 1970.
    #[must_use]
    pub const fn as_nanos(self) -> i64 {
        self.0
    }
}

/// Reads a number with a decimal point. `NaN` where the sensor says itself that it has none (`nan`, `inf`) or where
/// it is beyond all numbers (`1e999`); `None` where it is other text.
pub(super) fn number(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    Some(if number.is_finite() { number } else { f64::NAN })
}

/// Reads a contact: `ON`/`OFF`, `true`/`false`, 1/0, in any case.
pub(super) fn contact(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("on") || text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("off") || text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        contact_number(text.parse().ok()?)
    }
}

/// Reads a contact that is a number: 1 or 0, nothing else.
#[expect(clippy::float_cmp, reason = "exactly 1 and 0 are the words")]
pub(super) fn contact_number(number: f64) -> Option<bool> {
    (number == 1.0 || number == 0.0).then_some(number == 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal_and_what_is_beyond_them_has_failed() {
        assert_eq!(number("83.4"), Some(83.4));
        assert_eq!(number("-1e-3"), Some(-0.001));
        for failed in ["1e999", "-1e999", "inf", "-Infinity", "nan", "NaN"] {
            assert!(number(failed).is_some_and(f64::is_nan), "{failed}");
        }
        for text in ["", "0x1F", "1,5", "1_000", "12kg", "½", "--1", "1 2"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn a_contact_is_one_of_six_words_in_any_case() {
        for on in ["ON", "on", "True", "1", "1.0"] {
            assert_eq!(contact(on), Some(true), "{on}");
        }
        for off in ["OFF", "false", "0", "-0"] {
            assert_eq!(contact(off), Some(false), "{off}");
        }
        for other in ["", "yes", "2", "0.5", "onn", "nan"] {
            assert_eq!(contact(other), None, "{other}");
        }
    }

    #[test]
    fn a_time_is_rfc_3339_or_unix_seconds_or_milliseconds() {
        let expected = Some(Stamp(1_768_518_725_500_000_000));
        assert_eq!(Stamp::from_text("2026-01-15T23:12:05.500Z"), expected);
        assert_eq!(Stamp::from_text("2026-01-16T00:12:05.5+01:00"), expected);
        assert_eq!(Stamp::from_text("1768518725.5"), expected);
        assert_eq!(Stamp::from_text(" 1768518725500 "), expected);
        assert_eq!(Stamp::from_text("0"), Some(Stamp(0)));
        assert_eq!(Stamp::from_text("-1"), Some(Stamp(-1_000_000_000)));
        // sleep2mqtt writes such an offset; Tasmota leaves the zone out; the rest is noise.
        for wrong in ["2026-01-02T03:04:05-5:00", "2026-01-02T03:04:05", "", "noon", "nan", "1e300"] {
            assert_eq!(Stamp::from_text(wrong), None, "{wrong}");
        }
    }
}
