//! Guesses from what a mat sends where its values stand. PURE. A guess is shown to the technician, never taken in silence.

use serde_json::Value;

use super::home::Reads;
use crate::model::reading::ZONES_MAX;

/// What may stand between columns, the surest first.
const SEPARATORS: [&str; 4] = [";", ",", "\t", " "];

/// A number that is this large and does not fall is a time.
const TIME_MIN: f64 = 1e8;

/// Lines that are enough to tell a counter from a value.
const COUNTER_LINES_MIN: usize = 5;

/// What the lines of a mat look like.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Guess {
    pub(super) separator: String,
    pub(super) reads: Reads<usize>,
}

/// Looks at lines of text; the first may be half of one and is passed over by the caller.
pub(super) fn lines(lines: &[String]) -> Option<Guess> {
    let separator = SEPARATORS.into_iter().find(|separator| is_regular(&cut(lines, separator))).unwrap_or(",");
    let rows = cut(lines, separator);
    let width = rows.first()?.len();
    let column = |at: usize| -> Vec<&str> { rows.iter().filter_map(|row| row.get(at).copied()).collect() };
    let of_kind = |kind: Kind| (0..width).filter(|at| kind_of(&column(*at)) == kind).collect::<Vec<_>>();
    let (numbers, contacts) = (of_kind(Kind::Number), of_kind(Kind::Contact));
    let reads = match (numbers.as_slice(), contacts.as_slice()) {
        ([], [one, ..]) => Reads::Contact(*one),
        ([], []) => return None,
        (numbers, _) => Reads::Zones(numbers.iter().copied().take(ZONES_MAX).collect()),
    };
    Some(Guess { separator: separator.to_owned(), reads })
}

fn cut<'a>(lines: &'a [String], separator: &str) -> Vec<Vec<&'a str>> {
    lines.iter().map(|line| columns(line, separator)).collect()
}

fn columns<'a>(line: &'a str, separator: &str) -> Vec<&'a str> {
    if separator == " " {
        line.split([' ', '\t']).filter(|column| !column.is_empty()).collect()
    } else {
        line.split(separator).map(str::trim).collect()
    }
}

/// Tells whether every line has the same number of columns, and more than one.
fn is_regular(rows: &[Vec<&str>]) -> bool {
    rows.first().is_some_and(|row| row.len() > 1 && rows.iter().all(|one| one.len() == row.len()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Contact,
    Other,
}

fn kind_of(column: &[&str]) -> Kind {
    let numbers: Vec<f64> = column.iter().filter_map(|text| text.parse().ok()).collect();
    if !column.is_empty() && numbers.len() == column.len() {
        return if is_time(&numbers) || is_counter(&numbers) { Kind::Other } else { Kind::Number };
    }
    if !column.is_empty() && column.iter().all(|text| is_contact(text)) { Kind::Contact } else { Kind::Other }
}

fn pairs(numbers: &[f64]) -> impl Iterator<Item = f64> + '_ {
    numbers.windows(2).filter_map(|pair| Some(pair.get(1)? - pair.first()?))
}

fn is_time(numbers: &[f64]) -> bool {
    numbers.iter().all(|number| *number >= TIME_MIN) && pairs(numbers).all(|step| step >= 0.0)
}

fn is_counter(numbers: &[f64]) -> bool {
    numbers.len() >= COUNTER_LINES_MIN && pairs(numbers).all(|step| (step - 1.0).abs() < 1e-9)
}

fn is_contact(text: &str) -> bool {
    ["on", "off", "true", "false"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Names of values that a mat measures, the surest first.
const MEASURED: [&str; 9] = ["pressure", "load", "weight", "force", "value", "raw", "analog", "adc", "mat"];

/// Names of contacts.
const CONTACTS: [&str; 6] = ["occupancy", "occupied", "presence", "contact", "bed", "state"];

/// The most that a message may nest.
const DEPTH_MAX: usize = 5;

/// Looks at the payloads of a topic; `None` where no value of a mat can be seen in them.
pub(super) fn payload(text: &str) -> Option<Reads<String>> {
    let text = text.trim();
    if text.parse::<f64>().is_ok() {
        return Some(Reads::Default);
    }
    if is_contact(text) {
        return Some(Reads::Contact(String::new()));
    }
    let message: Value = serde_json::from_str(text).ok()?;
    let mut leaves = Vec::new();
    walk(&message, &mut String::new(), 0, &mut leaves);
    let find = |names: &[&str], fits: fn(&Value) -> bool| {
        names.iter().find_map(|name| {
            leaves.iter().find(|(pointer, value)| last(pointer).eq_ignore_ascii_case(name) && fits(value))
        })
    };
    let measured = find(&MEASURED, is_number).map(|(pointer, _)| Reads::Zones(vec![pointer.clone()]));
    measured.or_else(|| find(&CONTACTS, is_switch).map(|(pointer, _)| Reads::Contact(pointer.clone())))
}

fn last(pointer: &str) -> &str {
    pointer.rsplit('/').next().unwrap_or_default()
}

fn is_number(value: &Value) -> bool {
    value.is_number() || value.as_str().is_some_and(|text| text.parse::<f64>().is_ok())
}

fn is_switch(value: &Value) -> bool {
    value.is_boolean() || value.as_str().is_some_and(is_contact)
}

fn walk<'v>(value: &'v Value, path: &mut String, depth: usize, leaves: &mut Vec<(String, &'v Value)>) {
    match value {
        Value::Object(fields) if depth < DEPTH_MAX => {
            for (name, inner) in fields {
                let before = path.len();
                path.push('/');
                path.push_str(&name.replace('~', "~0").replace('/', "~1"));
                walk(inner, path, depth + 1, leaves);
                path.truncate(before);
            }
        }
        Value::Object(_) | Value::Array(_) | Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => leaves.push((path.clone(), value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Guess> {
        lines(&text.lines().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn columns_of_values_are_found_and_times_and_counters_are_not_values() {
        let zones = |separator: &str, columns: &[usize]| {
            Some(Guess { separator: separator.to_owned(), reads: Reads::Zones(columns.to_vec()) })
        };
        assert_eq!(of("501\n502\n"), zones(",", &[0]));
        assert_eq!(of("1,812,790\n2,811,790\n3,810,789\n4,812,791\n5,812,790\n"), zones(",", &[1, 2]));
        assert_eq!(of("1718040000123 812 790\n1718040000223 811 791\n"), zones(" ", &[1, 2]));
        assert_eq!(of("mat;12,5;7\nmat;12,6;7\n"), zones(";", &[2]));
        assert_eq!(of("bed\tOFF\nbed\tON\n"), Some(Guess { separator: "\t".to_owned(), reads: Reads::Contact(1) }));
        assert_eq!(of("hello world\nhello there\n"), None);
        assert_eq!(of(""), None);
    }

    #[test]
    fn values_in_messages_of_real_mats_are_found() {
        let zones = |pointer: &str| Some(Reads::Zones(vec![pointer.to_owned()]));
        let contact = |pointer: &str| Some(Reads::Contact(pointer.to_owned()));
        assert_eq!(payload("512"), Some(Reads::Default));
        assert_eq!(payload("ON"), contact(""));
        assert_eq!(payload(r#"{"ts":1768518724,"pressure":503}"#), zones("/pressure"));
        assert_eq!(payload(r#"{"weight":71.32,"raw":1822466.00}"#), zones("/weight"));
        assert_eq!(payload(r#"{"occupancy":true,"battery":100,"linkquality":132}"#), contact("/occupancy"));
        assert_eq!(payload(r#"{"ANALOG":{"A0":512},"Switch1":"ON"}"#), None);
        assert_eq!(payload(r#"{"object":{"occupied":false,"batV":3.02}}"#), contact("/object/occupied"));
        assert_eq!(payload("{\"a/b\":{\"load\":\"55.2\"}}"), zones("/a~1b/load"));
        assert_eq!(payload("<html>"), None);
    }
}
