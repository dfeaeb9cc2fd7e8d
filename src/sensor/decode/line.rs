//! One text line in, one sample out: columns after the configured separator.

use super::{Rejection, Sample, Stamp, scalar, zones};
use crate::model::{Channels, reading::ZONES_MAX};
use crate::sensor::settings::{Columns, SerialSettings};

/// Reads the lines of one mat.
#[derive(Debug, Clone)]
pub struct LineDecoder {
    separator: Separator,
    values: Vec<usize>,
    contact: bool,
    time: Option<usize>,
}

#[derive(Debug, Clone)]
enum Separator {
    /// Runs of blanks and tabs.
    Blanks,
    /// This text, with blanks around columns allowed.
    Exact(String),
}

impl LineDecoder {
    /// Makes the decoder of a mat's settings.
    #[must_use]
    pub fn new(settings: &SerialSettings) -> Self {
        let separator = if settings.separator.chars().all(|char| char == ' ') {
            Separator::Blanks
        } else {
            Separator::Exact(settings.separator.clone())
        };
        let (values, contact) = match &settings.columns {
            Columns::Zones(columns) => (columns.clone(), false),
            Columns::Contact(column) => (vec![*column], true),
        };
        Self { separator, values, contact, time: settings.time }
    }

    /// Reads one line.
    ///
    /// A time that cannot be read is as none: what the mat says about the bed counts more.
    ///
    /// # Errors
    ///
    /// Rejects what is no text, lacks a configured column, or has no number in any of them.
    pub fn decode(&self, line: &[u8]) -> Result<Sample, Rejection> {
        let text = std::str::from_utf8(line).map_err(|_| Rejection::NotUtf8)?;
        match &self.separator {
            Separator::Blanks => self.pick(text.split([' ', '\t']).filter(|column| !column.is_empty())),
            Separator::Exact(separator) => {
                self.pick(text.split(separator.as_str()).map(|column| column.trim_matches([' ', '\t'])))
            }
        }
    }

    fn pick<'a>(&self, columns: impl Iterator<Item = &'a str>) -> Result<Sample, Rejection> {
        let mut fields: [Option<&str>; ZONES_MAX] = [None; ZONES_MAX];
        let mut stamp = None;
        for (index, column) in columns.enumerate() {
            let wanted = fields.iter_mut().zip(&self.values).filter(|(_, value)| **value == index);
            wanted.for_each(|(field, _)| *field = Some(column));
            if self.time == Some(index) {
                stamp = Stamp::from_text(column);
            }
        }
        let fields = fields.get(..self.values.len()).unwrap_or_default();
        if fields.iter().any(Option::is_none) {
            return Err(Rejection::Missing);
        }
        Ok(Sample { channels: self.channels(fields.iter().flatten().copied())?, stamp })
    }

    fn channels<'a>(&self, mut fields: impl Iterator<Item = &'a str> + Clone) -> Result<Channels, Rejection> {
        if self.contact {
            let pressed = fields.next().and_then(scalar::contact).ok_or(Rejection::NotContact)?;
            Ok(Channels::contact(pressed))
        } else {
            zones(fields.map(scalar::number))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoder(separator: &str, columns: Columns, time: Option<usize>) -> LineDecoder {
        let port = "/dev/null".into();
        LineDecoder::new(&SerialSettings { port, baud: 115_200, separator: separator.to_owned(), columns, time })
    }

    fn values(decoder: &LineDecoder, line: &str) -> Result<Vec<f64>, Rejection> {
        decoder.decode(line.as_bytes()).map(|sample| sample.channels.zones().to_vec())
    }

    #[test]
    fn columns_are_picked_after_any_separator() {
        for (separator, line) in [
            (",", "7,112,ok"),
            (",", " 7 , 112 , ok"),
            (";", "7;112;ok"),
            ("\t", "7\t112\tok"),
            (" | ", "7 | 112 | ok"),
            (" ", "7   112 \t ok"),
            (" ", "  7 112 ok  "),
        ] {
            let decoder = decoder(separator, Columns::Zones(vec![1]), None);
            assert_eq!(values(&decoder, line), Ok(vec![112.0]), "{separator:?} {line:?}");
        }
    }

    #[test]
    fn zones_come_in_the_configured_order() {
        let decoder = decoder(",", Columns::Zones(vec![2, 0]), None);
        assert_eq!(values(&decoder, "1,2,3"), Ok(vec![3.0, 1.0]));
    }

    #[test]
    fn a_zone_without_a_number_has_failed_and_a_line_without_one_is_noise() {
        let decoder = decoder(",", Columns::Zones(vec![0, 1]), None);
        for line in ["5,", "5,NaN", "5,text", "5,1e999", "5,-inf"] {
            let zones = values(&decoder, line).unwrap();
            assert!(zones[0] > 4.9 && zones[1].is_nan(), "{line}");
        }
        assert_eq!(values(&decoder, ","), Err(Rejection::NotNumber));
        assert_eq!(values(&decoder, "boot,ok"), Err(Rejection::NotNumber));
        // Here the sensor itself says that it has no value.
        assert!(values(&decoder, "nan,nan").unwrap().iter().all(|zone| zone.is_nan()));
    }

    #[test]
    fn a_line_that_lacks_a_column_is_rejected() {
        let decoder = decoder(",", Columns::Zones(vec![0, 2]), None);
        assert_eq!(values(&decoder, "1,2"), Err(Rejection::Missing));
        assert_eq!(values(&decoder, ""), Err(Rejection::Missing));
        assert_eq!(decoder.decode(b"1,2,\xff"), Err(Rejection::NotUtf8));
    }

    #[test]
    fn minus_zero_is_zero() {
        let decoder = decoder(",", Columns::Zones(vec![0]), None);
        assert!(values(&decoder, "-0").unwrap()[0].is_sign_positive());
    }

    #[test]
    fn a_contact_column_is_on_or_off() {
        let decoder = decoder(",", Columns::Contact(1), None);
        assert_eq!(values(&decoder, "x,ON"), Ok(vec![1.0]));
        assert_eq!(values(&decoder, "x,0"), Ok(vec![0.0]));
        assert_eq!(values(&decoder, "x,7"), Err(Rejection::NotContact));
    }

    #[test]
    fn the_sensors_own_time_is_read_where_it_can_be() {
        let decoder = decoder(",", Columns::Zones(vec![1]), Some(0));
        assert_eq!(decoder.decode(b"1.5,112").unwrap().stamp, Some(Stamp::from_nanos(1_500_000_000)));
        assert_eq!(decoder.decode(b"noon,112").unwrap().stamp, None);
    }

    #[test]
    fn the_line_of_a_real_hospital_bed_is_read() {
        let decoder = decoder(" ", Columns::Zones(vec![0, 1, 2, 3]), None);
        assert_eq!(
            values(&decoder, "279    224   226    271    785     2:51:07/ 203"),
            Ok(vec![279., 224., 226., 271.])
        );
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_value_or_a_rejection(
            line in proptest::collection::vec(any::<u8>(), 0..200),
            separator in "[ ,;\t|x]{0,2}",
            columns in proptest::collection::vec(0_usize..40, 1..=16),
        ) {
            let zones = columns.len();
            let decoder = decoder(&separator, Columns::Zones(columns), Some(0));
            if let Ok(sample) = decoder.decode(&line) {
                prop_assert_eq!(sample.channels.len(), zones);
                prop_assert!(sample.channels.zones().iter().all(|zone| !zone.is_infinite()));
            }
        }

        #[test]
        fn numbers_come_back_as_they_were_written(values in proptest::collection::vec(-1e9_f64..1e9, 1..=16)) {
            let line: Vec<String> = values.iter().map(f64::to_string).collect();
            let decoder = decoder(";", Columns::Zones((0..values.len()).collect()), None);
            let sample = decoder.decode(line.join(";").as_bytes()).unwrap();
            prop_assert_eq!(sample.channels, Channels::new(values).unwrap());
        }
    }
}
