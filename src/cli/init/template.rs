//! Writes a configuration from answers, with the comments of the annotated one. PURE.

use toml::Value;

use super::home::{Channel, Home, NewBed, Reads, Source};

/// The annotated configuration: what its comments say, `init` says too.
const ANNOTATED: &str = include_str!("../../../config/nattvakt.toml");

/// What stands above all.
const HEAD: &str = "\
# This home's configuration, written by `nattvakt init`. `nattvakt check` shows mistakes and what it means; after an edit
# `systemctl reload nattvakt` takes it up.
# A line that begins with `# key =` shows a key that is not set; where it has a default, that is what stands there.
# Durations are whole numbers with a unit: \"500ms\", \"10s\", \"15min\", \"12h\", \"35d\". Keys that do not exist are mistakes.
";

/// Writes the whole file.
pub(super) fn write(home: &Home) -> String {
    let sections = sections();
    let take = |header: &str, at: usize| {
        let found = sections.iter().filter(|section| section.header() == header).nth(at);
        found.cloned().unwrap_or_else(|| Section { lines: vec![header.to_owned()] })
    };
    let mut file = vec![gateway(take("[gateway]", 0), home), take("[store]", 0)];
    if home.beds.iter().any(|bed| matches!(bed.source, Source::Topic { .. })) {
        file.push(broker(take("[mqtt]", 0), home));
    }
    let (mut serial, mut topic) = (0, 0);
    for (at, bed) in home.beds.iter().enumerate() {
        let sensor = match &bed.source {
            Source::Port { .. } => (take("[bed.serial]", 0), &mut serial),
            Source::Topic { .. } => (take("[bed.mqtt]", 0), &mut topic),
        };
        // What is said of the first of a kind need not be said again.
        let said = std::mem::replace(sensor.1, 1) > 0;
        file.push(of_bed(take("[[bed]]", 0), bed).short(at > 0));
        file.push(of_sensor(sensor.0, &bed.source).short(said));
        file.push(take("[bed.detect]", 0).short(at > 0));
        file.push(of_alarm(take("[bed.alarm]", 0), bed).short(at > 0));
    }
    file.push(take("[delivery]", 0));
    for (at, channel) in home.channels.iter().enumerate() {
        file.push(of_channel(take("[[dispatch]]", 0), channel).short(at > 0));
        file.push(of_way(take("[dispatch.https]", 0), channel).short(at > 0));
    }
    let texts: Vec<String> = file.iter().map(Section::text).collect();
    format!("{HEAD}\n{}", texts.join("\n"))
}

fn gateway(section: Section, home: &Home) -> Section {
    section.set("id", &home.id).set("time-zone", &home.time_zone).set("language", &home.language)
}

fn broker(section: Section, home: &Home) -> Section {
    let section = section.set("url", &home.broker.url);
    let section = section.set_some("user", home.broker.user.as_deref());
    section.set_some("password-file", home.broker.password_file.as_deref())
}

fn of_bed(section: Section, bed: &NewBed) -> Section {
    let section = section.set("id", &bed.id);
    match &bed.watch {
        Some((from, to)) => section.line("watch", &format!("watch = {{ from = \"{from}\", to = \"{to}\" }}")),
        None => section.set("watch", "always"),
    }
}

fn of_sensor(section: Section, source: &Source) -> Section {
    let (section, reads) = match source {
        Source::Port { port, baud, separator, reads } => {
            let section = section.set("port", port).set_number("baud", *baud).set("separator", separator);
            (section, reads.clone().map(|column| Value::Integer(i64::try_from(*column).unwrap_or(0))))
        }
        Source::Topic { topic, reads } => {
            let section = section.set("topic", topic).unset("time").unset("range").unset("invert");
            (section, reads.clone().map(|pointer| Value::String(pointer.clone())))
        }
    };
    match reads {
        Reads::Default => section.unset("value"),
        Reads::Contact(place) => section.unset("value").line("contact", &format!("contact = {place}")),
        Reads::Zones(places) => match places.as_slice() {
            [one] => section.line("value", &format!("value = {one}")),
            several => section.line("value", &format!("value = {}", Value::Array(several.to_vec()))),
        },
    }
}

fn of_alarm(section: Section, bed: &NewBed) -> Section {
    section.set("not-in-bed", bed.not_in_bed.as_deref().unwrap_or("off"))
}

fn of_channel(section: Section, channel: &Channel) -> Section {
    section.set("name", &channel.name)
}

fn of_way(section: Section, channel: &Channel) -> Section {
    let section = section.set("url", &channel.url).unset("ca-file");
    let files = [("token-file", &channel.token_file), ("signing-key-file", &channel.signing_key_file)];
    files.into_iter().fold(section, |section, (key, file)| match file {
        Some(file) => section.set(key, file),
        None => section.unset(key),
    })
}

/// A table of the file with the comments above it and within it.
#[derive(Debug, Clone)]
struct Section {
    lines: Vec<String>,
}

impl Section {
    fn header(&self) -> &str {
        self.lines.iter().find(|line| line.starts_with('[')).map_or("", String::as_str)
    }

    fn text(&self) -> String {
        let mut text = self.lines.join("\n");
        text.push('\n');
        text
    }

    /// Gives a key a text, also one that is only shown.
    fn set(self, key: &str, value: &str) -> Self {
        let line = format!("{key} = {}", Value::String(value.to_owned()));
        self.line(key, &line)
    }

    fn set_some(self, key: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.set(key, value),
            None => self,
        }
    }

    fn set_number(self, key: &str, value: u32) -> Self {
        self.line(key, &format!("{key} = {value}"))
    }

    /// Shows a key without setting it.
    fn unset(mut self, key: &str) -> Self {
        for line in &mut self.lines {
            if line.starts_with(&format!("{key} = ")) {
                line.insert_str(0, "# ");
            }
        }
        self
    }

    /// Puts a line in the place of a key's.
    fn line(mut self, key: &str, text: &str) -> Self {
        let is_key = |line: &String| line.strip_prefix("# ").unwrap_or(line).starts_with(&format!("{key} = "));
        match self.lines.iter_mut().find(|line| is_key(line)) {
            Some(line) => text.clone_into(line),
            None => self.lines.push(text.to_owned()),
        }
        self
    }

    /// Leaves out what was said before: comments, and keys that are only shown.
    fn short(mut self, yes: bool) -> Self {
        if yes {
            self.lines.retain(|line| !line.starts_with('#'));
        }
        self
    }
}

/// Cuts the annotated file into its tables. Comments right above a table are its own.
fn sections() -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for paragraph in ANNOTATED.split("\n\n") {
        let lines: Vec<String> = paragraph.trim_end().lines().map(str::to_owned).collect();
        if lines.iter().any(|line| line.starts_with('[')) {
            sections.push(Section { lines });
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::super::home::Broker;
    use super::*;
    use crate::config::{self, Looks};
    use crate::sensor::{Columns, Payload, Sensor};

    fn home() -> Home {
        let bed = |id: &str, watch: Option<(&str, &str)>, source| NewBed {
            id: id.to_owned(),
            watch: watch.map(|(from, to)| (from.to_owned(), to.to_owned())),
            not_in_bed: watch.map(|_| "23:45".to_owned()),
            source,
        };
        let port =
            |port: &str, reads| Source::Port { port: port.to_owned(), baud: 9_600, separator: " ".to_owned(), reads };
        let topic = |topic: &str, reads| Source::Topic { topic: topic.to_owned(), reads };
        let night = Some(("21:30", "07:15"));
        Home {
            id: "4601234599".to_owned(),
            time_zone: "Europe/Helsinki".to_owned(),
            language: "en".to_owned(),
            broker: Broker { url: "mqtt://127.0.0.1:1884".to_owned(), user: None, password_file: None },
            beds: vec![
                bed("bed-1", night, port("/dev/serial/by-id/usb-\"x\"", Reads::Zones(vec![1, 2]))),
                bed("bed-2", None, topic("mats/b", Reads::Contact("/occupancy".to_owned()))),
                bed("bed-3", None, port("/dev/ttyAMA0", Reads::Default)),
            ],
            channels: vec![
                Channel { name: "larmcentral".to_owned(), url: "https://a.example/x".to_owned(), ..Channel::default() },
                Channel {
                    name: "nattpatrull".to_owned(),
                    url: "https://b.example/".to_owned(),
                    token_file: Some("/etc/nattvakt/patrol.token".to_owned()),
                    signing_key_file: Some("/etc/nattvakt/patrol.key".to_owned()),
                },
            ],
        }
    }

    #[test]
    fn what_is_written_is_sound_and_says_what_was_answered() {
        let text = write(&home());
        let sound = config::parse(&text, "f", Looks::Elsewhere).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(sound.report.warnings(), 0, "{}", sound.report);
        let config = sound.config;
        assert_eq!(config.gateway.zone.iana_name(), Some("Europe/Helsinki"));
        assert_eq!(config.broker.as_ref().unwrap().port, 1884);
        let sensors: Vec<&Sensor> = config.beds.iter().map(|bed| &bed.sensor).collect();
        let [Sensor::Serial(one), Sensor::Mqtt(two), Sensor::Serial(three)] = sensors.as_slice() else {
            panic!("{sensors:?}")
        };
        assert_eq!((one.baud, one.separator.as_str(), &one.columns), (9_600, " ", &Columns::Zones(vec![1, 2])));
        assert_eq!(one.port.to_str(), Some("/dev/serial/by-id/usb-\"x\""));
        assert_eq!((&two.payload, &two.time), (&Payload::Contact("/occupancy".to_owned()), &None));
        assert_eq!(three.columns, Columns::Zones(vec![0]));
        assert_eq!(config.beds[0].detect.alarm.not_in_bed, "23:45".parse().ok());
        assert_eq!(config.beds[0].detect.range, None);
        assert_eq!(config.channels[1].name, "nattpatrull");
        assert!(config.actions.is_empty());
    }

    #[test]
    fn the_comments_are_those_of_the_annotated_file_and_stand_once() {
        let text = write(&home());
        let comments: Vec<&str> =
            text.lines().skip(HEAD.lines().count()).filter(|line| line.starts_with('#')).collect();
        assert!(comments.len() > 60, "{text}");
        let unknown = comments.iter().filter(|line| {
            let shown = line.trim_start_matches("# ");
            !ANNOTATED.lines().any(|known| known.trim_start_matches("# ") == shown)
        });
        assert_eq!(unknown.collect::<Vec<_>>(), Vec::<&&str>::new());
        for words in ["How sure to be.", "Its speed.", "Where alerts are posted"] {
            assert_eq!(text.matches(words).count(), 1, "{words}");
        }
    }
}
