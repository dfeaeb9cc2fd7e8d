//! Recordings: CSV with a header, one row a reading, as a technician makes them and `replay` reads them.
//!
//! A recording may be broken anywhere but in its header: rows that are no readings are counted and passed over. Rows
//! come out in the order in which they stand. Memory stays at one line, however long the recording is.

use std::io::{self, BufRead, Read, Write};

use jiff::Timestamp;

use crate::model::Channels;
use crate::model::reading::ZONES_MAX;

/// The longest line that is read, in bytes, its end included.
pub const LINE_BYTES_MAX: usize = 64 * 1_024;

/// What a recording holds in each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A contact: 1 = someone lies on it.
    Contact,
    /// This many zones, 1 to 16.
    Zones(usize),
}

/// One reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// When it was taken.
    pub time: Timestamp,
    /// What it said; a value that failed is `NaN`.
    pub channels: Channels,
}

/// Says what is wrong with a header, and what one looks like.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The file is empty.
    #[error("is empty; {EXPECTED}")]
    Empty,
    /// The first line is endless or no text.
    #[error("does not begin with a line of text; {EXPECTED}")]
    NoText,
    /// The first line is no header.
    #[error("begins with {0:?}; {EXPECTED}")]
    Columns(String),
}

const EXPECTED: &str = "expected is a header `time,pressure`, `time,zone1,zone2` (up to zone16) or `time,contact`";

/// How much of a broken header is quoted.
const QUOTED_CHARS_MAX: usize = 60;

/// A recording that is being read: an iterator over its rows, which ends early only where the file cannot be read.
#[derive(Debug)]
pub struct Recording<R> {
    lines: BoundedLines<R>,
    layout: Layout,
    rows_bad: u64,
    first_bad: Option<u64>,
}

impl<R: BufRead> Recording<R> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// Fails where the file cannot be read or begins with no header of a recording.
    pub fn open(reader: R) -> Result<Self, HeaderError> {
        let mut lines = BoundedLines { reader, line: Vec::new(), number: 0 };
        let layout = match lines.next()? {
            Found::End => return Err(HeaderError::Empty),
            Found::TooLong => return Err(HeaderError::NoText),
            Found::Line(line) => layout(line)?,
        };
        Ok(Self { lines, layout, rows_bad: 0, first_bad: None })
    }

    /// Says what each row holds.
    pub const fn channels(&self) -> Layout {
        self.layout
    }

    /// Returns how many rows so far were no readings.
    pub const fn rows_bad(&self) -> u64 {
        self.rows_bad
    }

    /// Returns the line number, from 1, of the first row that was no reading.
    pub const fn first_bad(&self) -> Option<u64> {
        self.first_bad
    }
}

impl<R: BufRead> Iterator for Recording<R> {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.lines.next() {
                Ok(Found::End) => return None,
                Ok(Found::Line([])) => {}
                Ok(Found::Line(line)) => match row(line, self.layout) {
                    Some(row) => return Some(Ok(row)),
                    None => self.note_bad(),
                },
                Ok(Found::TooLong) => self.note_bad(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<R> Recording<R> {
    fn note_bad(&mut self) {
        self.rows_bad += 1;
        self.first_bad.get_or_insert(self.lines.number);
    }
}

fn layout(line: &[u8]) -> Result<Layout, HeaderError> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let text = std::str::from_utf8(line).map_err(|_| HeaderError::NoText)?;
    let mut columns = text.split(',').map(str::trim_ascii);
    let unexpected = || HeaderError::Columns(text.chars().take(QUOTED_CHARS_MAX).collect());
    if columns.next() != Some("time") {
        return Err(unexpected());
    }
    let columns: Vec<&str> = columns.take(ZONES_MAX + 1).collect();
    match columns.as_slice() {
        ["contact"] => Ok(Layout::Contact),
        ["pressure"] => Ok(Layout::Zones(1)),
        zones if !zones.is_empty() && zones.len() <= ZONES_MAX => {
            let in_order = zones.iter().zip(1..).all(|(name, number)| *name == format!("zone{number}"));
            if in_order { Ok(Layout::Zones(zones.len())) } else { Err(unexpected()) }
        }
        _ => Err(unexpected()),
    }
}

/// Reads a row; `None` where it has no time or not as many columns as the header.
fn row(line: &[u8], layout: Layout) -> Option<Row> {
    let mut cells = std::str::from_utf8(line).ok()?.split(',').map(str::trim_ascii);
    let time = time(cells.next()?)?;
    let mut values = [f64::NAN; ZONES_MAX];
    let values = match layout {
        Layout::Contact => values.get_mut(..1)?,
        Layout::Zones(zones) => values.get_mut(..zones)?,
    };
    for value in values.iter_mut() {
        // A cell without a number is a reading that failed.
        *value = cells.next()?.parse().unwrap_or(f64::NAN);
    }
    if cells.next().is_some() {
        return None;
    }
    if layout == Layout::Contact {
        values.iter_mut().filter(|value| !matches!(**value, 0.0 | 1.0)).for_each(|value| *value = f64::NAN);
    }
    Some(Row { time, channels: Channels::new(values.iter().copied())? })
}

/// Reads an RFC 3339 time; the form that recordings have takes a shortcut.
fn time(text: &str) -> Option<Timestamp> {
    usual_time(text.as_bytes()).or_else(|| text.parse().ok())
}

/// Reads `2026-01-15T20:00:00.000Z` and nothing else.
fn usual_time(text: &[u8]) -> Option<Timestamp> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', i1, i2, b':', s1, s2, b'.', f1, f2, f3, b'Z'] =
        text
    else {
        return None;
    };
    let number = |digits: &[&u8]| {
        digits
            .iter()
            .try_fold(0_i64, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(**digit - b'0')))
    };
    let day = days_since_1970(number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?)?;
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[i1, i2])?, number(&[s1, s2])?);
    // Leap seconds and hour 24 are for the full parser to judge.
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = ((day * 24 + hour) * 60 + minute) * 60 + second;
    Timestamp::from_millisecond(seconds * 1_000 + number(&[f1, f2, f3])?).ok()
}

/// Counts days in the Gregorian calendar, for years from 1 on; `None` for a day that does not exist.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if year < 1 || day < 1 || day > length {
        return None;
    }
    // Years that begin in March have the leap day at their end, and months before it repeat 153 days in five.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468)
}

/// Reads lines into one buffer, and passes over those that are too long.
#[derive(Debug)]
struct BoundedLines<R> {
    reader: R,
    line: Vec<u8>,
    number: u64,
}

enum Found<'a> {
    /// Without its end, LF or CRLF.
    Line(&'a [u8]),
    TooLong,
    End,
}

impl<R: BufRead> BoundedLines<R> {
    fn next(&mut self) -> io::Result<Found<'_>> {
        self.line.clear();
        let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
        if self.reader.by_ref().take(limit).read_until(b'\n', &mut self.line)? == 0 {
            return Ok(Found::End);
        }
        self.number += 1;
        if self.line.len() == LINE_BYTES_MAX && !self.line.ends_with(b"\n") {
            self.reader.skip_until(b'\n')?;
            return Ok(Found::TooLong);
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        Ok(Found::Line(line.strip_suffix(b"\r").unwrap_or(line)))
    }
}

/// Writes the header of a recording.
///
/// # Errors
///
/// Those of the writer.
pub fn write_header(writer: &mut impl Write, layout: Layout) -> io::Result<()> {
    match layout {
        Layout::Contact => writeln!(writer, "time,contact"),
        Layout::Zones(1) => writeln!(writer, "time,pressure"),
        Layout::Zones(zones) => {
            write!(writer, "time")?;
            (1..=zones).try_for_each(|zone| write!(writer, ",zone{zone}"))?;
            writeln!(writer)
        }
    }
}

/// Writes one row; a value that failed is an empty cell.
///
/// # Errors
///
/// Those of the writer.
pub fn write_row(writer: &mut impl Write, row: &Row) -> io::Result<()> {
    write!(writer, "{:.3}", row.time)?;
    for zone in row.channels.zones() {
        if zone.is_nan() {
            write!(writer, ",")?;
        } else {
            write!(writer, ",{zone}")?;
        }
    }
    writeln!(writer)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn open(text: &[u8]) -> Recording<&[u8]> {
        Recording::open(text).unwrap()
    }

    fn rows(text: &str) -> (Vec<Row>, u64) {
        let mut recording = open(text.as_bytes());
        let rows = recording.by_ref().map(Result::unwrap).collect();
        (rows, recording.rows_bad())
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn headers_say_what_the_rows_hold() {
        for (header, layout) in [
            ("time,pressure\n", Layout::Zones(1)),
            ("time,contact", Layout::Contact),
            ("time,zone1\n", Layout::Zones(1)),
            ("\u{feff}time, zone1, zone2, zone3\r\n", Layout::Zones(3)),
        ] {
            assert_eq!(open(header.as_bytes()).channels(), layout, "{header:?}");
        }
    }

    #[test]
    fn a_broken_header_is_told_with_what_is_expected() {
        let seventeen = (1..=17).fold("time".to_owned(), |header, zone| format!("{header},zone{zone}"));
        let endless = vec![b'x'; 1_000_000];
        let headers = ["", "time", "time,", "pressure,time", "time,load", "time,zone2,zone1", "zeit,pressure", "\u{1}"];
        let headers = headers.map(str::as_bytes).into_iter();
        for header in headers.chain([seventeen.as_bytes(), b"\xff\n", &endless]) {
            let error = Recording::open(header).unwrap_err().to_string();
            assert!(error.contains("time,pressure") && error.len() < 300, "{error}");
        }
    }

    #[test]
    fn rows_are_read_with_failed_cells_as_failed_readings() {
        let (rows, bad) = rows(
            "time,zone1,zone2\n\
             2026-01-15T20:00:00.000Z,112,-0\n\
             2026-01-15T21:00:00.1+01:00,NaN,1e999\r\n\
             \n\
             2026-01-15T20:00:00.200Z,,text",
        );
        assert_eq!((rows.len(), bad), (3, 0));
        assert_eq!(rows[0], Row { time: at("2026-01-15T20:00:00Z"), channels: Channels::new([112.0, 0.0]).unwrap() });
        assert_eq!(rows[1].time, at("2026-01-15T20:00:00.100Z"));
        assert!(rows[1..].iter().flat_map(|row| row.channels.zones()).all(|zone| zone.is_nan()));
    }

    #[test]
    fn bad_rows_are_counted_and_cost_no_other() {
        let long = "9".repeat(1_000_000);
        let text = format!(
            "time,pressure\n2026-01-15T20:00:00.000Z,1\nnoon,1\n2026-01-15T20:00:00.000Z\n\
             2026-01-15T20:00:00.000Z,1,2\n2026-02-30T20:00:00.000Z,1\n{long}\n2026-01-15T20:00:01.000Z,2\n"
        );
        let (rows, bad) = rows(&text);
        assert_eq!((rows.len(), bad), (2, 5));
        let mut not_text = open(b"time,pressure\n\xff\xfe,1\n2026-01-15T20:00:00.000Z,1\n");
        assert_eq!((not_text.by_ref().count(), not_text.rows_bad(), not_text.first_bad()), (1, 1, Some(2)));
    }

    #[test]
    fn a_contact_is_one_or_zero() {
        let (rows, bad) =
            rows("time,contact\n2026-01-15T20:00:00Z,1\n2026-01-15T20:00:01Z,0\n2026-01-15T20:00:02Z,7\n");
        assert_eq!(bad, 0);
        assert_eq!(rows[0].channels, Channels::contact(true));
        assert_eq!(rows[1].channels, Channels::contact(false));
        assert!(rows[2].channels.zones()[0].is_nan());
    }

    #[test]
    fn days_that_do_not_exist_are_no_times() {
        for wrong in ["2026-02-29", "2100-02-29", "2026-04-31", "2026-13-01", "2026-00-01", "2026-01-00", "2026-01-32"]
        {
            assert_eq!(time(&format!("{wrong}T20:00:00.000Z")), None, "{wrong}");
        }
        assert_eq!(time("2024-02-29T23:59:60.000Z"), "2024-02-29T23:59:60.000Z".parse().ok());
    }

    #[test]
    fn a_file_that_cannot_be_read_any_further_says_so() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("bad sector"))
            }
        }
        let text = b"time,pressure\n2026-01-15T20:00:00.000Z,1\n";
        let reader = io::BufReader::new(text.as_slice().chain(Broken));
        let outcomes: Vec<bool> = Recording::open(reader).unwrap().take(2).map(|row| row.is_ok()).collect();
        assert_eq!(outcomes, [true, false]);
    }

    proptest! {
        #[test]
        fn the_shortcut_reads_times_as_the_full_parser_does(millis in -62_135_596_800_000_i64..=253_402_207_199_000) {
            let time = Timestamp::from_millisecond(millis).unwrap();
            prop_assert_eq!(usual_time(format!("{time:.3}").as_bytes()), Some(time));
        }

        #[test]
        fn what_the_shortcut_takes_the_full_parser_takes_too(
            text in "[0-2][0-9]{3}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\\.[0-9]{3}Z",
        ) {
            if let Some(time) = usual_time(text.as_bytes()) {
                prop_assert_eq!(text.parse::<Timestamp>().ok(), Some(time));
            }
        }

        #[test]
        fn what_is_written_is_read_again(
            zones in 1_usize..=16,
            values in proptest::collection::vec((0_i64..4_000_000_000_000, proptest::collection::vec(-1e6_f64..1e6, 16)), 0..20),
        ) {
            let rows: Vec<Row> = values.iter().map(|(millis, values)| Row {
                time: Timestamp::from_millisecond(*millis).unwrap(),
                channels: Channels::new(values[..zones].iter().copied()).unwrap(),
            }).collect();
            let mut text = Vec::new();
            write_header(&mut text, Layout::Zones(zones)).unwrap();
            for row in &rows {
                write_row(&mut text, row).unwrap();
            }
            let mut recording = open(&text);
            prop_assert_eq!(recording.channels(), Layout::Zones(zones));
            prop_assert_eq!(recording.by_ref().map(Result::unwrap).collect::<Vec<_>>(), rows);
            prop_assert_eq!(recording.rows_bad(), 0);
        }

        #[test]
        fn any_bytes_after_the_header_are_rows_or_counted(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            let text = [b"time,zone1,zone2\n".to_vec(), bytes].concat();
            let mut recording = open(&text);
            prop_assert!(recording.by_ref().all(|row| row.is_ok()));
        }
    }
}
