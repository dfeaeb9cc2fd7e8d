//! What the bytes of a serial line look like: lines of text, rubbish of a wrong speed, or nothing. PURE.

use std::time::Duration;

use crate::sensor::decode::{LineDecoder, Lines, Rejection};
use crate::sensor::{Columns, SerialSettings};

/// A line at the right speed is text but for a byte or two at the beginning; at a wrong one about half of it is none.
const TEXT_SHARE_MIN: f64 = 0.9;

/// Fewer bytes say nothing about the speed.
const BYTES_MIN: usize = 8;

/// The longest piece of a line that is shown.
const SHOWN_CHARS: usize = 60;

/// What came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Look {
    /// Nothing at all.
    Nothing,
    /// Bytes that are no text.
    Rubbish {
        /// How many came.
        bytes: usize,
        /// The first of them.
        shown: String,
    },
    /// Text without an end of line.
    NoLines {
        /// How it begins.
        shown: String,
    },
    /// Lines of text.
    Lines(LinesSeen),
}

/// Lines of text, as the configured decoder reads them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LinesSeen {
    /// Lines that are readings.
    pub(crate) read: usize,
    /// Lines that are none.
    pub(crate) refused: usize,
    /// Why the last one of those is none.
    pub(crate) reason: Option<Rejection>,
    /// The last line.
    pub(crate) last: String,
    /// Lines a second.
    pub(crate) rate: f64,
    /// Whether a value lay outside of the range.
    pub(crate) outside: bool,
}

/// Looks at what came within a time.
pub(crate) fn look(bytes: &[u8], took: Duration, settings: &SerialSettings, range: Option<(f64, f64)>) -> Look {
    if bytes.is_empty() {
        return Look::Nothing;
    }
    // A board that was reset by the opening speaks at another speed while it starts: what came last counts.
    let late = bytes.get(bytes.len() / 2..).unwrap_or_default();
    if bytes.len() >= BYTES_MIN && !is_text(late) {
        return Look::Rubbish { bytes: bytes.len(), shown: hex(late) };
    }
    let texts = lines(bytes);
    let Some(last) = texts.last() else { return Look::NoLines { shown: shown(bytes) } };
    let decoder = LineDecoder::new(settings);
    let mut seen = LinesSeen {
        read: 0,
        refused: 0,
        reason: None,
        last: shown(last),
        rate: rate(texts.len(), took),
        outside: false,
    };
    for line in &texts {
        match decoder.decode(line) {
            Ok(sample) => {
                seen.read += 1;
                let outside = |value: &f64| range.is_some_and(|(low, high)| *value < low || *value > high);
                seen.outside |= sample.channels.zones().iter().any(outside);
            }
            Err(reason) => {
                seen.refused += 1;
                seen.reason = Some(reason);
            }
        }
    }
    Look::Lines(seen)
}

/// Tells whether bytes are text: what a person could have typed, blanks and ends of lines.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    let good = bytes.iter().filter(|byte| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    #[expect(clippy::cast_precision_loss, reason = "a share of some kilobytes")]
    let share = good.count() as f64 / bytes.len().max(1) as f64;
    share >= TEXT_SHARE_MIN
}

/// Cuts bytes into whole lines, as the sensor does. It leaves out the first one, which it may have missed the beginning of;
/// where that is all there is, as of a mat that sends on change only, it has to do.
pub(crate) fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = cut(Lines::new(), bytes);
    if found.is_empty() {
        let mut lines = Lines::new();
        lines.push(b"\n", |_| {});
        found = cut(lines, bytes);
    }
    found
}

fn cut(mut lines: Lines, bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    lines.push(bytes, |line| found.extend(line.ok().map(<[u8]>::to_vec)));
    found
}

/// Shows bytes as one line that cannot move a cursor.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let plain = |c: char| if c.is_control() || c == '\u{fffd}' { '·' } else { c };
    let mut short: String = text.trim_end().chars().take(SHOWN_CHARS).map(plain).collect();
    if text.trim_end().chars().nth(SHOWN_CHARS).is_some() {
        short.push('…');
    }
    short
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(12).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

fn rate(count: usize, took: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "some thousand lines")]
    let count = count as f64;
    count / took.as_secs_f64().max(0.001)
}

impl LinesSeen {
    /// Says what to change where lines come and are no readings.
    pub(crate) fn way_out(&self, settings: &SerialSettings) -> String {
        let columns = self.last.split(settings.separator.as_str()).count();
        let wanted = match &settings.columns {
            Columns::Zones(columns) => columns.iter().copied().max().unwrap_or(0),
            Columns::Contact(column) => *column,
        };
        let parts = format!("cut at `separator = {:?}` the line has {columns} columns", settings.separator);
        match self.reason {
            Some(Rejection::Missing) => {
                format!("{parts}, and column {wanted} (counted from 0) is wanted: mend `separator` or `value`")
            }
            Some(Rejection::NotNumber) => format!("{parts}, and column {wanted} is no number: mend `value`"),
            Some(Rejection::NotContact) => {
                format!("{parts}, and column {wanted} is neither on nor off: mend `contact`, or use `value`")
            }
            Some(Rejection::TooLong) => "the line is too long to be a reading: is this the mat's port?".to_owned(),
            Some(Rejection::NotUtf8 | Rejection::Empty | Rejection::NotJson) | None => {
                "compare the line with `separator` and `value` in [bed.serial]".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(separator: &str, value: usize) -> SerialSettings {
        let columns = Columns::Zones(vec![value]);
        SerialSettings { port: "/dev/x".into(), baud: 115_200, separator: separator.to_owned(), columns, time: None }
    }

    fn lines_of(bytes: &[u8], settings: &SerialSettings) -> LinesSeen {
        let look = look(bytes, Duration::from_secs(2), settings, Some((0.0, 1023.0)));
        let Look::Lines(seen) = look else { panic!("{look:?}") };
        seen
    }

    #[test]
    fn lines_of_a_mat_are_read_and_counted() {
        let seen = lines_of(b"12\n1,500\n2,501\n3,502\n4,503\n", &settings(",", 1));
        assert_eq!((seen.read, seen.refused, seen.outside), (4, 0, false));
        assert_eq!(seen.last, "4,503");
        assert!((seen.rate - 2.0).abs() < 1e-9);
        assert!(lines_of(b"\n1,9999\n", &settings(",", 1)).outside);
    }

    #[test]
    fn a_line_cut_at_the_wrong_place_tells_what_to_mend() {
        let seen = lines_of(b"\n1 500\n2 501\n", &settings(",", 1));
        assert_eq!((seen.read, seen.refused), (0, 2));
        let help = seen.way_out(&settings(",", 1));
        assert!(help.contains("1 columns") && help.contains("column 1") && help.contains("`separator`"), "{help}");
        let seen = lines_of(b"\nmat,on\n", &settings(",", 1));
        assert!(seen.way_out(&settings(",", 1)).contains("no number"));
    }

    #[test]
    fn what_a_wrong_speed_makes_of_text_is_rubbish() {
        let garbled: Vec<u8> = (0..200_u8).map(|n| n.wrapping_mul(73) ^ 0x9c).collect();
        assert!(matches!(look(&garbled, Duration::from_secs(1), &settings(",", 0), None), Look::Rubbish { .. }));
        // A board that was reset says rubbish first and is well then.
        let mut started = garbled[..20].to_vec();
        started.extend(b"\n500\n501\n502\n503\n504\n505\n506\n");
        assert!(matches!(look(&started, Duration::from_secs(1), &settings(",", 0), None), Look::Lines(_)));
    }

    #[test]
    fn the_one_line_of_a_mat_that_sends_on_change_is_a_line() {
        let seen = lines_of(b"19\n", &settings(",", 0));
        assert_eq!((seen.read, seen.refused, seen.last.as_str()), (1, 0, "19"));
        assert_eq!(lines_of(b"20\r\n21\r\n", &settings(",", 0)).last, "21");
    }

    #[test]
    fn silence_and_text_without_an_end_are_told_apart() {
        assert_eq!(look(b"", Duration::from_secs(1), &settings(",", 0), None), Look::Nothing);
        let endless = look(b"500 501 502 503", Duration::from_secs(1), &settings(",", 0), None);
        assert_eq!(endless, Look::NoLines { shown: "500 501 502 503".to_owned() });
        assert_eq!(shown(b"\x1b[2J500"), "·[2J500");
    }
}
