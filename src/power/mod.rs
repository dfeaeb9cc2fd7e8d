//! Whether the gateway runs on mains or on a battery, and when the battery ends.
//!
//! `supply` reads what Linux shows under `/sys/class/power_supply`, `contact` a control line of a serial port; both are
//! thin, and both block. `judge` decides, and is PURE. Nothing here switches anything off: that is the system's.

mod contact;
mod judge;
mod supply;

use std::path::PathBuf;

pub use judge::{BATTERY_ENDS_AT, Judge, Mains, News, Seen};

/// Where Linux shows power supplies.
pub const SUPPLIES: &str = "/sys/class/power_supply";

/// What is known of the power beside what Linux shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// A contact that tells whether mains is there; it is believed before anything else.
    pub contact: Option<Contact>,
}

/// A contact on a control line of a serial port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The port.
    pub port: PathBuf,
    /// Its line.
    pub line: Line,
    /// Whether the line is on while mains is lost. Where it is off then, a pulled cable counts as lost too.
    pub on_when_lost: bool,
}

/// A control line that is an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Line {
    /// Data carrier detect.
    #[default]
    Dcd,
    /// Clear to send.
    Cts,
    /// Data set ready.
    Dsr,
    /// Ring indicator.
    Ri,
}

/// Looks at the power; keeps the contact's port open between two looks.
pub struct Reader {
    supplies: PathBuf,
    contact: Option<contact::Reader>,
}

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// What is known of the power.
    pub seen: Seen,
    /// Whether there is anything to look at: a supply that Linux shows, or a contact.
    pub anything: bool,
    /// Why the contact cannot be read, where it cannot.
    pub blind: Option<String>,
}

impl Reader {
    /// Makes one for this folder of supplies; opens nothing yet.
    #[must_use]
    pub fn new(supplies: PathBuf, settings: &Settings) -> Self {
        Self { supplies, contact: settings.contact.clone().map(contact::Reader::new) }
    }

    /// Looks. Blocks on the file system and on drivers.
    pub fn look(&mut self) -> Look {
        let supplies = supply::read(&self.supplies);
        let mut seen = judge::of_supplies(&supplies);
        let contact = self.contact.as_mut().map(contact::Reader::mains);
        let anything = contact.is_some() || !supplies.is_empty();
        let blind = match contact {
            Some(Ok(mains)) => {
                seen.mains = if mains { Mains::There } else { Mains::Lost };
                None
            }
            Some(Err(words)) => Some(words),
            None => None,
        };
        Look { seen, anything, blind }
    }
}
