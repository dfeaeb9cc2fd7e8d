//! PURE. Bytes in, samples and their place in time out.
//!
//! Whatever the bytes are, the answer is a value or a [`Rejection`]: nothing here panics, allocates without a bound,
//! reads a clock or does I/O.

pub mod age;
pub mod line;
pub mod lines;
pub mod payload;
mod scalar;

pub use age::Age;
pub use line::LineDecoder;
pub use lines::Lines;
pub use payload::PayloadDecoder;
pub use scalar::Stamp;

use crate::model::Channels;

/// What one line or message said; when it was so is for [`Age`] to say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// The zones, or the contact.
    pub channels: Channels,
    /// The sensor's own time, where it has one that can be read.
    pub stamp: Option<Stamp>,
}

/// Why a line or message is no reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Longer than a line ([`lines::LINE_BYTES_MAX`]) or payload ([`payload::PAYLOAD_BYTES_MAX`]) may be.
    #[error("longer than allowed")]
    TooLong,
    /// Bytes that are no text.
    #[error("no UTF-8 text")]
    NotUtf8,
    /// Nothing in it.
    #[error("empty")]
    Empty,
    /// No JSON, or nested too deep.
    #[error("no sound JSON")]
    NotJson,
    /// A configured column or pointer leads nowhere.
    #[error("the configured value is missing")]
    Missing,
    /// None of the configured values is a number.
    #[error("the configured value is no number")]
    NotNumber,
    /// The configured contact says neither on nor off.
    #[error("the configured contact is neither on nor off")]
    NotContact,
}

/// Puts zones together: one without a number has failed (`NaN`), but where none has a number it is noise.
fn zones(values: impl Iterator<Item = Option<f64>> + Clone) -> Result<Channels, Rejection> {
    if values.clone().all(|value| value.is_none()) {
        return Err(Rejection::NotNumber);
    }
    Channels::new(values.map(|value| value.unwrap_or(f64::NAN))).ok_or(Rejection::Missing)
}
