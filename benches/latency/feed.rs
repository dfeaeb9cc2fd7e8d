//! The mats of one program: writes their readings, and knows the moment before each write.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;

use nattvakt::clock;
use nattvakt::model::Moment;
use nattvakt::sensor::simulated::SimulatedLine;

use crate::Result;
use crate::broker::Broker;

/// Counts of a mat with someone lying on it, and with nobody.
pub(crate) const LYING: u32 = 620;
pub(crate) const EMPTY: u32 = 110;

/// Where readings are written.
pub(crate) enum Feed {
    /// To a broker, each mat under a topic of its own.
    Mqtt { stream: TcpStream, root: &'static str },
    /// To a pseudo-terminal, for the only mat.
    Serial(SimulatedLine),
}

impl Feed {
    /// Connects to a broker; topics are `ROOT/bed-N/pressure`.
    pub(crate) fn mqtt(broker: &Broker, root: &'static str) -> Result<Self> {
        Ok(Self::Mqtt { stream: broker.connect()?, root })
    }

    /// Makes a pseudo-terminal.
    pub(crate) fn serial() -> Result<Self> {
        Ok(Self::Serial(SimulatedLine::open()?))
    }

    /// Returns the port that the program reads, where it is one.
    pub(crate) fn port(&self) -> Option<&Path> {
        match self {
            Self::Mqtt { .. } => None,
            Self::Serial(line) => Some(line.port()),
        }
    }

    /// Writes one reading and returns the moment before the write.
    pub(crate) fn send(&mut self, mat: u32, value: u32) -> Result<Moment> {
        let milliseconds = clock::utc().as_millisecond();
        match self {
            Self::Mqtt { stream, root } => {
                let topic = format!("{root}/bed-{mat}/pressure");
                let packet = publish(&topic, &format!("{{\"pressure\":{value},\"ts\":{milliseconds}}}"))?;
                let written = clock::moment();
                stream.write_all(&packet)?;
                Ok(written)
            }
            Self::Serial(line) => {
                let text = format!("{milliseconds},{value}\n");
                let written = clock::moment();
                line.send_bytes(text.as_bytes())?;
                Ok(written)
            }
        }
    }
}

/// PUBLISH of MQTT 3.1.1, at most once, as mats send that speak ten times a second.
fn publish(topic: &str, payload: &str) -> Result<Vec<u8>> {
    let length = u8::try_from(2 + topic.len() + payload.len())?;
    assert!(length < 128, "a longer packet has its length in two bytes");
    let topic_length = u16::try_from(topic.len())?.to_be_bytes();
    Ok([&[0x30, length], &topic_length[..], topic.as_bytes(), payload.as_bytes()].concat())
}
