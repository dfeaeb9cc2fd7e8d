//! Where a mat's readings come from and how they are read: checked settings, made by `config`.

use std::path::PathBuf;
use std::time::Duration;

use crate::tls;

/// One mat's way in.
#[derive(Debug, Clone, PartialEq)]
pub enum Sensor {
    /// Text lines from a serial port.
    Serial(SerialSettings),
    /// Messages from the broker.
    Mqtt(MqttSettings),
}

/// A mat that sends text lines over a serial port.
#[derive(Debug, Clone, PartialEq)]
pub struct SerialSettings {
    /// The port, best by `/dev/serial/by-id/…`; opened anew by this path after every loss.
    pub port: PathBuf,
    /// Baud rate, such as 115200.
    pub baud: u32,
    /// What stands between columns; a blank means any run of blanks and tabs.
    pub separator: String,
    /// What the columns are.
    pub columns: Columns,
    /// The column of the sensor's own time, if it has one.
    pub time: Option<usize>,
}

/// The columns of a serial line, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Columns {
    /// One a zone; 1 to 16.
    Zones(Vec<usize>),
    /// The one of a contact.
    Contact(usize),
}

/// A mat that publishes messages.
#[derive(Debug, Clone, PartialEq)]
pub struct MqttSettings {
    /// The topic, without wildcards.
    pub topic: String,
    /// Where the value stands in the payload.
    pub payload: Payload,
    /// RFC 6901 pointer to the sensor's own time.
    pub time: Option<String>,
}

/// What a message holds. Pointers are RFC 6901; the empty one means the whole payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// A pointer a zone; 1 to 16. A single empty one is a plain number.
    Zones(Vec<String>),
    /// The pointer of a contact: `ON`/`OFF`, `true`/`false`, 1/0.
    Contact(String),
}

/// The broker that MQTT mats talk to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerSettings {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// TLS, with these files; `None` for plain MQTT.
    pub tls: Option<tls::Files>,
    /// User name.
    pub user: Option<String>,
    /// File with the password.
    pub password_file: Option<PathBuf>,
}

impl Default for BrokerSettings {
    fn default() -> Self {
        Self { host: "127.0.0.1".to_owned(), port: 1883, tls: None, user: None, password_file: None }
    }
}

/// How long a way in waits before it tries again: doubling from first to last, with full jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The longest first wait.
    pub first: Duration,
    /// The longest wait of all.
    pub last: Duration,
}

impl Backoff {
    /// Half a second to 30 s: a replugged cable is back at once, a dead one costs nothing.
    pub const REOPEN: Self = Self { first: Duration::from_millis(500), last: Duration::from_secs(30) };

    /// Returns the wait before attempt `attempt` (from 0); `random` is uniform over all its values.
    #[must_use]
    pub fn wait(&self, attempt: u32, random: u32) -> Duration {
        let cap = self.first.saturating_mul(2_u32.saturating_pow(attempt.min(16))).min(self.last);
        cap.mul_f64(f64::from(random) / f64::from(u32::MAX)).max(self.first / 10)
    }
}
