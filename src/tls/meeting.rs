//! Meets a server once and tells what it showed: for a technician. Verifies as every connection does, sends nothing
//! beyond the handshake, and keeps nothing.

use std::io::{self, Read as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConnection, Error};

use super::validity::{self, Validity};
use super::verifier::Shown;
use super::{Files, config_with};
use crate::clock::Clock;

/// How long a server may take to refuse us after the handshake: with TLS 1.3 it does so only then.
const REFUSAL_WITHIN: Duration = Duration::from_millis(300);

/// What a server showed, and what came of it.
#[derive(Debug)]
pub struct Met {
    /// When its certificate begins and ends; none where it showed none, or one that cannot be read.
    pub validity: Option<Validity>,
    /// Whether we may speak with it.
    pub verdict: Result<(), Refused>,
}

/// Why we may not speak with a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Our own files are not sound.
    #[error("{0}")]
    OurFiles(String),
    /// Nobody takes the connection, or it broke off.
    #[error("{0}")]
    Connection(String),
    /// Its certificate has run out.
    #[error("its certificate has ended")]
    Ended,
    /// Its certificate does not begin before some later day.
    #[error("its certificate is not valid yet")]
    NotYet,
    /// Its certificate is for somebody else.
    #[error("its certificate is for another name")]
    OtherName,
    /// Nobody whom we trust has signed it.
    #[error("nobody whom this gateway trusts has signed its certificate")]
    Stranger,
    /// It does not take our certificate, or wants one.
    #[error("it does not take our certificate, or wants one ({0})")]
    OurCertificate(String),
    /// Anything else.
    #[error("{0}")]
    Tls(String),
}

/// Connects to `address`, shakes hands with `host`, and goes. Blocks, at most some `limit` for each step.
#[must_use]
pub fn meet(host: &str, address: SocketAddr, files: &Files, limit: Duration, clock: &Clock) -> Met {
    let shown = Shown::default();
    let verdict = shake_hands(host, address, files, limit, clock, &shown);
    let seen = shown.lock().unwrap_or_else(PoisonError::into_inner).take();
    Met { validity: seen.as_deref().and_then(validity::of), verdict }
}

fn shake_hands(
    host: &str,
    address: SocketAddr,
    files: &Files,
    limit: Duration,
    clock: &Clock,
    shown: &Shown,
) -> Result<(), Refused> {
    let config = config_with(files, clock, Some(Arc::clone(shown)));
    let config = config.map_err(|error| Refused::OurFiles(error.to_string()))?;
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
        .map_err(|_| Refused::Tls(format!("{host:?} is no name that a certificate can have")))?;
    let connection = |error: io::Error| Refused::Connection(error.to_string());
    let mut stream = TcpStream::connect_timeout(&address, limit).map_err(connection)?;
    stream.set_read_timeout(Some(limit)).and_then(|()| stream.set_write_timeout(Some(limit))).map_err(connection)?;
    let mut tls = ClientConnection::new(config, name).map_err(|error| of_tls(&error))?;
    while tls.is_handshaking() {
        tls.complete_io(&mut stream).map_err(|error| of_io(&error))?;
    }
    if files.client_cert.is_some() || tls.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3) {
        stream.set_read_timeout(Some(REFUSAL_WITHIN)).map_err(connection)?;
        match rustls::Stream::new(&mut tls, &mut stream).read(&mut [0; 16]) {
            Err(error) if tls_in(&error).is_some() => return Err(of_io(&error)),
            // Silence is what a server that waits for a request does.
            Ok(_) | Err(_) => {}
        }
    }
    tls.send_close_notify();
    // Politeness; whether it arrives changes nothing.
    drop(tls.complete_io(&mut stream));
    Ok(())
}

fn tls_in(error: &io::Error) -> Option<&Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

fn of_io(error: &io::Error) -> Refused {
    match tls_in(error) {
        Some(error) => of_tls(error),
        None if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            Refused::Connection("it does not answer in time".to_owned())
        }
        None => Refused::Connection(error.to_string()),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "rustls has many errors, and a technician can mend few")]
fn of_tls(error: &Error) -> Refused {
    match error {
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            Refused::Ended
        }
        Error::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
            Refused::NotYet
        }
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => Refused::OtherName,
        // A stranger that calls itself as somebody whom we trust.
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            Refused::Stranger
        }
        Error::AlertReceived(alert) => Refused::OurCertificate(format!("{alert:?}")),
        other => Refused::Tls(other.to_string()),
    }
}
