//! Takes a TOML table apart key by key, and at the end reports the keys that nobody asked for.
//!
//! Every getter notes what is wrong and returns nothing then, so that all mistakes come up in one go.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::Time;
use toml::de::{DeTable, DeValue};

use super::finding::{Notes, Span, Thing, ToLook, named, nearest, quoted};
use super::value::Value;

/// The longest path, in bytes: what Linux takes.
const PATH_BYTES_MAX: usize = 4095;

/// Keys that are often written one table too high or too low, and where they belong.
pub(super) const HOMES: &[(&str, &[&str])] = &[
    ("[gateway]", &["time-zone", "language", "clock", "test-every"]),
    ("[store]", &["keep"]),
    ("[mqtt]", &["user", "password-file"]),
    ("[bed]", &["watch"]),
    ("[bed.mqtt]", &["topic"]),
    ("[bed.serial]", &["port", "baud", "separator"]),
    ("[bed.detect]", &["confirm", "settle", "edge-sensitivity", "empty", "occupied", "silent-after"]),
    ("[bed.alarm]", &["rise", "not-returned", "repeat", "edge", "not-in-bed", "not-up"]),
    ("[power]", &["line", "lost"]),
    ("[delivery]", &["order", "give-up-after"]),
    ("[dispatch]", &["heartbeat"]),
    ("[dispatch.https]", &["token-file", "signing-key-file", "receipt"]),
    ("[action]", &["on"]),
    ("[action.mqtt]", &["payload"]),
    ("[action.command]", &["run"]),
];

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) span: Span,
}

/// A value in whose place a word may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice<T> {
    NotGiven,
    /// Given, and not sound; that was noted.
    Wrong,
    Word,
    Value(T),
}

impl<T> Choice<T> {
    /// Returns the value, nothing for the word, and the default where nothing sound is given.
    pub(super) fn or(self, default: Option<T>) -> Option<T> {
        match self {
            Self::NotGiven | Self::Wrong => default,
            Self::Word => None,
            Self::Value(value) => Some(value),
        }
    }
}

/// A table of the file, or one that is not there.
#[derive(Debug)]
pub(super) struct Table<'t> {
    /// Its name as it is written, such as `[bed.mqtt]`.
    pub(super) name: String,
    /// Where it begins; where its parent does, if it is not there.
    pub(super) span: Span,
    given: bool,
    entries: Option<&'t DeTable<'t>>,
    asked: Vec<&'static str>,
}

impl<'t> Table<'t> {
    /// Takes the whole file.
    pub(super) fn root(entries: &'t DeTable<'t>) -> Self {
        Self { name: "the file".to_owned(), span: 0..0, given: true, entries: Some(entries), asked: Vec::new() }
    }

    /// Takes a table that is the value of a key.
    pub(super) fn inline(name: &str, span: Span, entries: &'t DeTable<'t>) -> Self {
        Self { name: name.to_owned(), span, given: true, entries: Some(entries), asked: Vec::new() }
    }

    /// Tells whether the table stands in the file, sound or not.
    pub(super) fn is_given(&self) -> bool {
        self.given
    }

    /// Tells whether a key stands in the table.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.is_some_and(|entries| entries.contains_key(key))
    }

    /// Returns where the value of a key stands; where the table begins, if it is not given.
    pub(super) fn place(&self, key: &str) -> Span {
        self.entries.and_then(|entries| entries.get(key)).map_or_else(|| self.span.clone(), toml::Spanned::span)
    }

    /// Takes the value of a key, whatever it is.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Value<'t>> {
        self.asked.push(key);
        let (_, value) = self.entries?.get_key_value(key)?;
        Some(Value { key, span: value.span(), toml: value.get_ref() })
    }

    /// Takes a text.
    pub(super) fn text(&mut self, key: &'static str, notes: &mut Notes) -> Option<Placed<&'t str>> {
        let value = self.take(key)?;
        Some(Placed { value: value.text(notes)?, span: value.span })
    }

    /// Takes a text that has to be there. `example` is a whole line.
    pub(super) fn text_needed(
        &mut self,
        key: &'static str,
        example: &str,
        notes: &mut Notes,
    ) -> Option<Placed<&'t str>> {
        if self.entries.is_some() && !self.has(key) {
            notes.missing(&self.span, format!("`{key}` is missing in {}", self.name), format!("add `{example}`"));
        }
        self.text(key, notes)
    }

    /// Takes true or false.
    pub(super) fn flag(&mut self, key: &'static str, default: bool, notes: &mut Notes) -> bool {
        self.take(key).and_then(|value| value.flag(notes)).unwrap_or(default)
    }

    /// Takes one of a few words.
    pub(super) fn word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
        notes: &mut Notes,
    ) -> Option<T> {
        let Placed { value, span } = self.text(key, notes)?;
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == value) {
            return Some(*meaning);
        }
        let all: Vec<String> = words.iter().map(|(word, _)| quoted(word)).collect();
        let help = match nearest(value, words.iter().map(|(word, _)| *word)) {
            Some(near) => format!("did you mean {}?", quoted(near)),
            None => format!("write {}", all.join(" or ")),
        };
        notes.error(&span, format!("`{key}` is {}, not {}", all.join(" or "), quoted(value)), help);
        None
    }

    /// Takes a list of a few words, or one of them; `None` where anything is wrong with it.
    pub(super) fn words<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
        notes: &mut Notes,
    ) -> Option<Vec<T>> {
        let value = self.take(key)?;
        let mut meanings = Vec::new();
        let parts = value.parts();
        for part in &parts {
            let Some(text) = part.text(notes) else { continue };
            if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
                meanings.push(*meaning);
                continue;
            }
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let help = match nearest(text, all.iter().copied()) {
                Some(near) => format!("did you mean {}?", quoted(near)),
                None => format!("write one of {}", all.join(", ")),
            };
            notes.error(&part.span, format!("`{key}` does not know {}", quoted(text)), help);
        }
        if parts.is_empty() {
            notes.error(&value.span, format!("`{key}` is an empty list"), "name at least one");
        }
        (meanings.len() == parts.len()).then_some(meanings)
    }

    /// Takes a duration within bounds.
    pub(super) fn duration(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<Duration>,
        notes: &mut Notes,
    ) -> Option<Duration> {
        self.take(key)?.duration(&bounds, None, notes)
    }

    /// Takes a duration within bounds, or a word in its place.
    pub(super) fn duration_or(
        &mut self,
        key: &'static str,
        word: &str,
        bounds: RangeInclusive<Duration>,
        notes: &mut Notes,
    ) -> Choice<Duration> {
        self.choice(key, word, |value| value.duration(&bounds, Some(word), notes))
    }

    /// Takes a time of the wall clock, or a word in its place.
    pub(super) fn time_or(&mut self, key: &'static str, word: &str, notes: &mut Notes) -> Choice<Time> {
        self.choice(key, word, |value| value.time(notes))
    }

    fn choice<T>(&mut self, key: &'static str, word: &str, read: impl FnOnce(&Value<'t>) -> Option<T>) -> Choice<T> {
        match self.take(key) {
            None => Choice::NotGiven,
            Some(value) if value.toml.as_str() == Some(word) => Choice::Word,
            Some(value) => read(&value).map_or(Choice::Wrong, Choice::Value),
        }
    }

    /// Takes a time of the wall clock.
    pub(super) fn time(&mut self, key: &'static str, notes: &mut Notes) -> Option<Placed<Time>> {
        let value = self.take(key)?;
        Some(Placed { value: value.time(notes)?, span: value.span })
    }

    /// Takes a path. One that is relative counts from the folder in which the daemon is started, and is warned of.
    pub(super) fn path(&mut self, key: &'static str, notes: &mut Notes) -> Option<Placed<PathBuf>> {
        let Placed { value, span } = self.text(key, notes)?;
        if value.is_empty() {
            notes.error(&span, format!("`{key}` is empty"), "give the path of the file");
            return None;
        }
        if !value.starts_with('/') {
            let help = "write it from the root: \"/etc/nattvakt/…\"; a service starts in no folder of its own";
            notes.warning(&span, format!("`{key}` counts from wherever nattvakt is started: {}", quoted(value)), help);
        }
        if value.len() > PATH_BYTES_MAX {
            notes.error(&span, format!("`{key}` is longer than a path can be"), "give the path of the file");
            return None;
        }
        Some(Placed { value: PathBuf::from(value), span })
    }

    /// Takes the path of a file that is to be looked at.
    pub(super) fn file(&mut self, key: &'static str, thing: Thing, notes: &mut Notes) -> Option<Placed<PathBuf>> {
        let path = self.path(key, notes)?;
        notes.to_look.push(ToLook { key, span: path.span.clone(), path: path.value.clone(), thing });
        Some(path)
    }

    /// Takes a table within this one; `name` is how it is written.
    pub(super) fn table(&mut self, key: &'static str, name: &str, notes: &mut Notes) -> Self {
        let value = self.take(key);
        let mut table = Self {
            name: name.to_owned(),
            span: self.span.clone(),
            given: value.is_some(),
            entries: None,
            asked: Vec::new(),
        };
        if let Some(value) = value {
            if let DeValue::Table(entries) = value.toml {
                (table.entries, table.span) = (Some(entries), value.span);
            } else {
                let message = format!("`{key}` must be a table, not {}", value.kind());
                notes.error(&value.span, message, format!("write {name} on a line of its own, and its keys below"));
            }
        }
        table
    }

    /// Takes the tables of a list, such as all `[[bed]]`.
    pub(super) fn tables(&mut self, key: &'static str, most: usize, notes: &mut Notes) -> Vec<Self> {
        let Some(value) = self.take(key) else {
            return Vec::new();
        };
        let element = |span: Span, entries| Self {
            name: format!("[[{key}]]"),
            span,
            given: true,
            entries: Some(entries),
            asked: Vec::new(),
        };
        let help = format!("write [[{key}]], with two brackets, above each {key} and its own tables");
        match value.toml {
            DeValue::Table(entries) => {
                notes.error(&value.span, format!("`{key}` must be a list of tables"), help);
                vec![element(value.span, entries)]
            }
            DeValue::Array(list) if list.is_empty() => {
                notes.error(&value.span, format!("`{key}` is an empty list"), help);
                Vec::new()
            }
            DeValue::Array(list) if list.len() > most => {
                let message = format!("{} of [[{key}]] are more than the {most} that one gateway takes", list.len());
                notes.error(&value.span, message, "share them out over several gateways");
                Vec::new()
            }
            DeValue::Array(list) => {
                let mut tables = Vec::new();
                for one in list {
                    if let DeValue::Table(entries) = one.get_ref() {
                        tables.push(element(one.span(), entries));
                    } else {
                        notes.error(&one.span(), format!("`{key}` must be a list of tables"), help.as_str());
                    }
                }
                tables
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {
                notes.error(&value.span, format!("`{key}` must be a list of tables, not {}", value.kind()), help);
                Vec::new()
            }
        }
    }

    /// Reports the keys that nobody has asked for.
    pub(super) fn close(self, notes: &mut Notes) {
        for (key, _) in self.entries.into_iter().flatten() {
            let word = key.get_ref().as_ref();
            if !self.asked.contains(&word) {
                notes.error(&key.span(), format!("unknown key {} in {}", named(word), self.name), self.way_out(word));
            }
        }
    }

    fn way_out(&self, word: &str) -> String {
        let home = HOMES.iter().find(|(table, keys)| *table != self.plain_name() && keys.contains(&word));
        if let Some((table, _)) = home {
            return format!("`{word}` belongs in {table}");
        }
        if let Some(near) = nearest(word, self.asked.iter().copied()) {
            return format!("did you mean `{near}`?");
        }
        format!("{} has: {}", self.name, self.asked.join(", "))
    }

    fn plain_name(&self) -> String {
        self.name.replace("[[", "[").replace("]]", "]")
    }
}
