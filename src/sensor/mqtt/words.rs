//! What keeps the connection down, in words for the technician.

use std::fmt;
use std::io;
use std::time::Duration;

use rumqttc::{ConnectReturnCode, ConnectionError, StateError, TlsError, mqttbytes};

use super::options::{CONNECT_LIMIT, PACKET_BYTES_MAX};
use crate::sensor::settings::Backoff;

/// Between attempts that only a person can make succeed: slow enough not to fill the broker's log with refusals,
/// soon enough to find the mistake corrected.
const CORRECTION: Backoff = Backoff { first: Duration::from_secs(5), last: Duration::from_secs(30) };

/// Why there is no connection.
#[derive(Debug)]
pub(super) struct Trouble {
    /// Why, and what to do.
    pub(super) words: String,
    /// How long to wait.
    pub(super) backoff: Backoff,
}

impl Trouble {
    /// Passes by itself, as far as one can know.
    pub(super) fn new(words: impl fmt::Display) -> Self {
        Self { words: words.to_string(), backoff: Backoff::REOPEN }
    }

    /// Somebody must correct something.
    pub(super) fn lasting(words: impl fmt::Display) -> Self {
        Self { words: words.to_string(), backoff: CORRECTION }
    }
}

/// Says what an error of the connection means.
pub(super) fn of(error: &ConnectionError) -> Trouble {
    match error {
        ConnectionError::ConnectionRefused(code) => refused(*code),
        ConnectionError::Tls(TlsError::Io(error)) => io(error),
        ConnectionError::Tls(error) => Trouble::lasting(format!("TLS: {error}")),
        ConnectionError::Io(error) => io(error),
        ConnectionError::MqttState(error) => state(error),
        ConnectionError::NetworkTimeout => {
            Trouble::new(format!("no answer within {} s; is the host up?", CONNECT_LIMIT.as_secs()))
        }
        ConnectionError::FlushTimeout => Trouble::new("the broker takes nothing any more"),
        ConnectionError::NotConnAck(_) => Trouble::lasting("what answers there is no MQTT broker"),
        ConnectionError::RequestsDone => Trouble::new("the connection was given up inside the program"),
    }
}

fn refused(code: ConnectReturnCode) -> Trouble {
    match code {
        // Mosquitto says "not authorised" to a wrong password too.
        ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized => Trouble::lasting(
            "the broker refuses the user or the password; check `user` and `password-file`, and the broker's users",
        ),
        ConnectReturnCode::BadClientId => Trouble::lasting("the broker refuses our client id"),
        ConnectReturnCode::RefusedProtocolVersion => Trouble::lasting("the broker does not speak MQTT 3.1.1"),
        ConnectReturnCode::ServiceUnavailable => Trouble::new("the broker says that it cannot serve now"),
        ConnectReturnCode::Success => Trouble::new("the broker both took and refused us"),
    }
}

fn state(error: &StateError) -> Trouble {
    match error {
        StateError::Io(error) | StateError::Deserialization(mqttbytes::Error::Io(error)) => io(error),
        StateError::Deserialization(mqttbytes::Error::PayloadSizeLimitExceeded(_)) => Trouble::new(format!(
            "a message of more than {} KiB came on a mat's topic; if it is retained, clear it \
             (`mosquitto_pub --retain --null-message --topic TOPIC`)",
            PACKET_BYTES_MAX / 1_024
        )),
        StateError::ConnectionAborted => Trouble::new("the broker has closed the connection"),
        StateError::AwaitPingResp => Trouble::new("the broker does not answer pings"),
        StateError::Deserialization(error) => Trouble::new(format!("what the broker sends is no sound MQTT: {error}")),
        StateError::InvalidState
        | StateError::Unsolicited(_)
        | StateError::WrongPacket
        | StateError::CollisionTimeout
        | StateError::EmptySubscription => Trouble::new(format!("what the broker sends is no sound MQTT: {error}")),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the system has many errors, and a technician can mend few")]
fn io(error: &io::Error) -> Trouble {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            Trouble::new("nothing listens there; is the broker running, and is `url` in [mqtt] right?")
        }
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::UnexpectedEof => {
            Trouble::new("the broker has closed the connection")
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::TimedOut => {
            Trouble::new("the broker's host cannot be reached; check the network")
        }
        // rustls reports what it does not accept in this way.
        io::ErrorKind::InvalidData => {
            Trouble::lasting(format!("TLS: {error}; check `ca-file` and the client certificate in [mqtt]"))
        }
        // The standard library has no kind for a name that does not resolve.
        _ if error.to_string().contains("lookup address") => {
            Trouble::new("the broker's host name is not known; check `url` in [mqtt] and the name server")
        }
        // Nor has the reader of packets for a connection that ends within one.
        _ if error.to_string() == "bytes remaining on stream" => {
            Trouble::new("the connection ended in the middle of a message; is it an MQTT broker that answers there?")
        }
        _ => Trouble::new(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_say_what_to_do() {
        let io = |kind| of(&ConnectionError::Io(io::Error::from(kind))).words;
        assert!(io(io::ErrorKind::ConnectionRefused).contains("is the broker running"));
        let refused = of(&ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized));
        assert!(refused.words.contains("password-file"));
        assert_eq!(refused.backoff, CORRECTION);
        let size = mqttbytes::Error::PayloadSizeLimitExceeded(300_000);
        let oversize = of(&ConnectionError::MqttState(StateError::Deserialization(size)));
        assert!(oversize.words.contains("256 KiB"));
        let name = io::Error::other("failed to lookup address information: Name or service not known");
        assert!(of(&ConnectionError::Io(name)).words.contains("name"));
        let cut = io::Error::other("bytes remaining on stream");
        assert!(of(&ConnectionError::Io(cut)).words.contains("is it an MQTT broker"));
    }
}
