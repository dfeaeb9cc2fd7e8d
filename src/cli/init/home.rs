//! What a new home's configuration is made of, before it is written. PURE.

/// A home as it was answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Home {
    pub(super) id: String,
    pub(super) time_zone: String,
    pub(super) language: String,
    pub(super) broker: Broker,
    pub(super) beds: Vec<NewBed>,
    pub(super) channels: Vec<Channel>,
}

/// The broker of the mats that publish.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Broker {
    pub(super) url: String,
    pub(super) user: Option<String>,
    pub(super) password_file: Option<String>,
}

/// A bed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NewBed {
    pub(super) id: String,
    /// The night; none: always.
    pub(super) watch: Option<(String, String)>,
    pub(super) not_in_bed: Option<String>,
    pub(super) source: Source,
}

/// Where a mat's readings come from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Source {
    Port { port: String, baud: u32, separator: String, reads: Reads<usize> },
    Topic { topic: String, reads: Reads<String> },
}

impl Source {
    /// Returns the port or the topic.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Port { port, .. } => port,
            Self::Topic { topic, .. } => topic,
        }
    }

    /// Makes what a name alone tells: a path is a port, anything else a topic.
    pub(super) fn of_name(name: &str) -> Self {
        if name.starts_with('/') {
            let separator = ",".to_owned();
            Self::Port { port: name.to_owned(), baud: BAUD_DEFAULT, separator, reads: Reads::Default }
        } else {
            Self::Topic { topic: name.to_owned(), reads: Reads::Default }
        }
    }
}

/// The speed that is tried first.
pub(super) const BAUD_DEFAULT: u32 = 115_200;

/// Where the values stand: columns of a line, or pointers into a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reads<T> {
    /// Nothing better is known than the default.
    Default,
    Contact(T),
    Zones(Vec<T>),
}

impl<T> Reads<T> {
    /// Writes the places otherwise.
    pub(super) fn map<U>(self, write: impl Fn(&T) -> U) -> Reads<U> {
        match self {
            Self::Default => Reads::Default,
            Self::Contact(place) => Reads::Contact(write(&place)),
            Self::Zones(places) => Reads::Zones(places.iter().map(write).collect()),
        }
    }
}

/// A way to dispatch.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Channel {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) token_file: Option<String>,
    /// File with its signing key.
    pub(super) signing_key_file: Option<String>,
}
