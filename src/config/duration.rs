//! Durations as they stand in the file: a whole number with its unit, `"500ms"`, `"10s"`, `"15min"`, `"12h"`, `"35d"`.

use std::time::Duration;

/// The units and their length in milliseconds.
const UNITS: &[(&str, u64)] = &[("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000), ("d", 24 * 3_600_000)];

/// What a duration may look like; for messages.
pub(super) const FORM: &str = "a whole number with its unit: ms, s, min, h or d";

/// Reads a duration; the error is the way out.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(format!("write {FORM}"));
    }
    let Some((_, millis)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(way_out(number, unit));
    };
    let total = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*millis));
    total.map(Duration::from_millis).ok_or_else(|| "this is longer than any duration here may be".to_owned())
}

fn way_out(number: &str, unit: &str) -> String {
    match unit.trim().to_ascii_lowercase().as_str() {
        "" => format!("add the unit: \"{number}s\" or \"{number}min\""),
        "m" | "mins" | "minute" | "minutes" => format!("minutes are \"{number}min\""),
        "ms" | "msec" | "millis" | "milliseconds" => format!("milliseconds are \"{number}ms\""),
        "s" | "sec" | "secs" | "second" | "seconds" => format!("seconds are \"{number}s\""),
        "h" | "hr" | "hrs" | "hour" | "hours" => format!("hours are \"{number}h\""),
        "d" | "day" | "days" => format!("days are \"{number}d\""),
        "min" => format!("minutes are \"{number}min\", without a blank"),
        fraction if fraction.starts_with(['.', ',']) => {
            "whole numbers only: \"1500ms\" is one second and a half".into()
        }
        _ => format!("write {FORM}"),
    }
}

/// Writes a duration as the file has it.
pub(crate) fn show(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis == 0 {
        return "0s".to_owned();
    }
    let fits = UNITS.iter().rev().find(|(_, unit)| millis % u128::from(*unit) == 0);
    fits.map_or_else(|| format!("{millis}ms"), |(name, unit)| format!("{}{name}", millis / u128::from(*unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_numbers_with_a_unit() {
        let good = [("0s", 0), ("500ms", 500), ("10s", 10_000), ("15min", 900_000), ("1h", 3_600_000)];
        for (text, millis) in good {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "10", "1.5s", "-1s", "1m", "1 s", "1e3s", "+1s", "99999999999999999999s", "213503982335d"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_way_out_fits_the_mistake() {
        assert_eq!(parse("15m").unwrap_err(), "minutes are \"15min\"");
        assert_eq!(parse("15 min").unwrap_err(), "minutes are \"15min\", without a blank");
        assert_eq!(parse("10").unwrap_err(), "add the unit: \"10s\" or \"10min\"");
        assert!(parse("1.5s").unwrap_err().contains("1500ms"));
    }

    #[test]
    fn durations_are_shown_as_they_are_written() {
        for text in ["0s", "1500ms", "10s", "15min", "1h", "35d"] {
            assert_eq!(show(parse(text).unwrap()), text);
        }
        assert_eq!(show(parse("60s").unwrap()), "1min");
    }
}
