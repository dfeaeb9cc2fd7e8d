//! A contact on a control line of a serial port, such as that of a UPS: read, never written to.
//!
//! Opening a port raises DTR and RTS, and one of them feeds the contact. Blocks on the driver.

use tokio_serial::{Result, SerialPort};

use super::{Contact, Line};

/// The speed, which no control line has, but opening a port wants one.
const BAUD: u32 = 9600;

/// Reads one contact; its port is opened anew whenever it is gone.
pub(super) struct Reader {
    contact: Contact,
    port: Option<Box<dyn SerialPort>>,
}

impl Reader {
    pub(super) fn new(contact: Contact) -> Self {
        Self { contact, port: None }
    }

    /// Tells whether mains is there, or why that cannot be read.
    pub(super) fn mains(&mut self) -> std::result::Result<bool, String> {
        let read = self.read();
        if read.is_err() {
            self.port = None;
        }
        let port = self.contact.port.display();
        read.map(|on| on != self.contact.on_when_lost).map_err(|error| {
            let error = if error.description == "Not a typewriter" {
                "this port has no control lines".to_owned()
            } else {
                error.to_string()
            };
            format!("the contact at {port} cannot be read: {error}")
        })
    }

    fn read(&mut self) -> Result<bool> {
        let port = match self.port.take() {
            Some(port) => self.port.insert(port),
            None => self.port.insert(tokio_serial::new(self.contact.port.to_string_lossy(), BAUD).open()?),
        };
        match self.contact.line {
            Line::Dcd => port.read_carrier_detect(),
            Line::Cts => port.read_clear_to_send(),
            Line::Dsr => port.read_data_set_ready(),
            Line::Ri => port.read_ring_indicator(),
        }
    }
}
