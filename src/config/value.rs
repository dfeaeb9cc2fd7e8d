//! Reads one value: its kind, its bounds, and the way out where it is wrong.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::civil::Time;
use toml::de::{DeInteger, DeValue};

use super::duration;
use super::finding::{Notes, Span, quoted};

/// The value of a key.
#[derive(Debug, Clone)]
pub(super) struct Value<'t> {
    pub(super) key: &'static str,
    pub(super) span: Span,
    pub(super) toml: &'t DeValue<'t>,
}

impl<'t> Value<'t> {
    /// Returns the kind of the value in words.
    pub(super) fn kind(&self) -> &'static str {
        match self.toml {
            DeValue::String(_) => "text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        }
    }

    /// Notes that the value is of the wrong kind.
    pub(super) fn wrong(&self, wanted: &str, help: impl Into<String>, notes: &mut Notes) {
        notes.error(&self.span, format!("`{}` must be {wanted}, not {}", self.key, self.kind()), help);
    }

    /// Returns the text, which has no control character but the tab.
    pub(super) fn text(&self, notes: &mut Notes) -> Option<&'t str> {
        let Some(text) = self.toml.as_str() else {
            let bare = self.toml.as_integer().map(|number| shown(number.as_str()));
            let bare = bare.or_else(|| self.toml.as_datetime().map(ToString::to_string));
            let help =
                bare.map_or_else(|| "write it in quotes".into(), |bare| format!("write it in quotes: \"{bare}\""));
            self.wrong("text", help, notes);
            return None;
        };
        if text.chars().any(|c| c.is_control() && c != '\t') {
            let message = format!("`{}` has a control character in it: {}", self.key, quoted(text));
            notes.error(
                &self.span,
                message,
                "take it away; a backslash is written `\\\\`, or the text in single quotes",
            );
            return None;
        }
        Some(text)
    }

    /// Returns true or false.
    pub(super) fn flag(&self, notes: &mut Notes) -> Option<bool> {
        if self.toml.as_bool().is_none() {
            self.wrong("true or false", format!("write `{} = true` or `{} = false`", self.key, self.key), notes);
        }
        self.toml.as_bool()
    }

    /// Returns a whole number within bounds.
    pub(super) fn integer(&self, bounds: RangeInclusive<u32>, notes: &mut Notes) -> Option<u32> {
        let (least, most) = (*bounds.start(), *bounds.end());
        let Some(integer) = self.toml.as_integer() else {
            self.wrong("a whole number", format!("write `{} = {least}`, without quotes", self.key), notes);
            return None;
        };
        let number = whole(integer).and_then(|number| u32::try_from(number).ok()).filter(|n| bounds.contains(n));
        if number.is_none() {
            let message = format!("`{}` must be from {least} to {most}, not {}", self.key, shown(integer.as_str()));
            notes.error(&self.span, message, format!("write a number from {least} to {most}"));
        }
        number
    }

    /// Returns a number, whole or not, that a sensor could say.
    pub(super) fn number(&self, notes: &mut Notes) -> Option<f64> {
        let number = match self.toml {
            DeValue::Integer(integer) => whole(integer).map(float),
            DeValue::Float(float) => float.as_str().parse().ok(),
            DeValue::String(_) | DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
                self.wrong("a number", "write it without quotes, in the sensor's own unit", notes);
                return None;
            }
        };
        let number = number.filter(|number: &f64| number.is_finite());
        if number.is_none() {
            let message = format!("`{}` must be a number that a sensor can say", self.key);
            notes.error(&self.span, message, "write what the mat sends, in its own unit");
        }
        number
    }

    /// Returns the parts of a list, or the one value that stands for a list of one.
    pub(super) fn parts(&self) -> Vec<Self> {
        let Some(list) = self.toml.as_array() else {
            return vec![self.clone()];
        };
        list.iter().map(|part| Self { key: self.key, span: part.span(), toml: part.get_ref() }).collect()
    }

    /// Returns a duration within bounds; `word` is what may stand in its place, for messages.
    pub(super) fn duration(
        &self,
        bounds: &RangeInclusive<Duration>,
        word: Option<&str>,
        notes: &mut Notes,
    ) -> Option<Duration> {
        let or = word.map_or_else(String::new, |word| format!(", or \"{word}\""));
        if let Some(number) = self.toml.as_integer() {
            let number = shown(number.as_str());
            let help = format!("add the unit, in quotes: \"{number}s\" or \"{number}min\"{or}");
            self.wrong("text with a unit", help, notes);
            return None;
        }
        let text = self.text(notes)?;
        match duration::parse(text) {
            Err(help) => {
                let message = format!("`{}` is {}{or}, not {}", self.key, duration::FORM, quoted(text));
                notes.error(&self.span, message, help);
                None
            }
            Ok(duration) if !bounds.contains(&duration) => {
                let (least, most) = (duration::show(*bounds.start()), duration::show(*bounds.end()));
                let message =
                    format!("`{}` must be from \"{least}\" to \"{most}\"{or}, not {}", self.key, quoted(text));
                let near = if duration < *bounds.start() { least } else { most };
                notes.error(&self.span, message, format!("the nearest is \"{near}\""));
                None
            }
            Ok(duration) => Some(duration),
        }
    }

    /// Returns a time of the wall clock, `"HH:MM"`.
    pub(super) fn time(&self, notes: &mut Notes) -> Option<Time> {
        let text = self.text(notes)?;
        let time = time_of_day(text);
        if time.is_none() {
            let help = match text {
                "24:00" => "midnight is \"00:00\"".to_owned(),
                _ => {
                    match time_of_day(&format!("0{}", text.replace('.', ":"))).or(time_of_day(&text.replace('.', ":")))
                    {
                        Some(time) => format!("write \"{}\"", show_time(time)),
                        None => "write hours and minutes, each with two digits: \"22:00\"".to_owned(),
                    }
                }
            };
            notes.error(&self.span, format!("`{}` must be a time of day, not {}", self.key, quoted(text)), help);
        }
        time
    }
}

/// Writes a time of day as the file has it.
pub(super) fn show_time(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let two = |text: &str| {
        let fits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| text.parse::<i8>().ok()).flatten()
    };
    Time::new(two(hour)?, two(minute)?, 0, 0).ok()
}

fn whole(integer: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

#[expect(clippy::cast_precision_loss, reason = "no sensor says 2^53; what is lost there is the last digit")]
fn float(integer: i64) -> f64 {
    integer as f64
}

fn shown(number: &str) -> String {
    number.chars().take(20).collect()
}
