//! The one rustls configuration of the program: ring, verified, system roots plus the home's own.
//!
//! Serves the MQTT link and the dispatch channels alike. Verification cannot be turned off.

pub mod meeting;
pub mod validity;
mod verifier;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use self::verifier::{Floored, Shown, Verifier};
use crate::clock::Clock;
use crate::secret::{SECRET_BYTES_MAX, Secret, SecretError};

/// How long before its end a certificate is first warned of.
pub const WARN_FIRST: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The files of a TLS connection; all optional.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Files {
    /// Certificates to trust beside the system's (PEM).
    pub ca: Option<PathBuf>,
    /// Our own certificate chain (PEM); goes with `client_key`.
    pub client_cert: Option<PathBuf>,
    /// Its private key (PEM).
    pub client_key: Option<PathBuf>,
}

/// Says why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The key file cannot be used.
    #[error(transparent)]
    Key(#[from] SecretError),
    /// A file holds no certificate or key in PEM form.
    #[error("{}: {problem}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// One of certificate and key is there without the other.
    #[error("a client certificate and its key go together")]
    HalfIdentity,
    /// rustls refuses what the files hold.
    #[error("the TLS files do not fit: {0}")]
    Refused(#[from] rustls::Error),
}

/// Builds a client configuration from files, with the system's roots beside them. Reads files; blocks.
///
/// Certificates are judged by [`Clock::for_certificates`], at each handshake anew.
///
/// # Errors
///
/// Fails where a file is missing, is no PEM, or where certificate and key do not fit. A system without any root
/// certificates is no error: servers of the home's own CA can still be verified.
pub fn client_config(files: &Files, clock: &Clock) -> Result<Arc<ClientConfig>, TlsError> {
    config_with(files, clock, None)
}

/// As [`client_config`]; notes what a server shows.
fn config_with(files: &Files, clock: &Clock, shown: Option<Shown>) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let floored = Arc::new(Floored(clock.clone()));
    let builder = ClientConfig::builder_with_details(provider, floored).with_safe_default_protocol_versions()?;
    let builder = match verifier_of(files, clock, shown)? {
        // "Dangerous" is any verifier of one's own; this one leaves the judgement to webpki.
        Some(verifier) => builder.dangerous().with_custom_certificate_verifier(verifier),
        // Without any root nobody can be verified, and nobody is.
        None => builder.with_root_certificates(RootCertStore::empty()),
    };
    let config = match (&files.client_cert, &files.client_key) {
        (Some(certificate), Some(key)) => {
            builder.with_client_auth_cert(certificates(certificate)?, private_key(key)?)?
        }
        (None, None) => builder.with_no_client_auth(),
        _ => return Err(TlsError::HalfIdentity),
    };
    Ok(Arc::new(config))
}

/// Builds what verifies servers; nothing where nobody at all is trusted. Reads files; blocks.
fn verifier_of(
    files: &Files,
    clock: &Clock,
    shown: Option<Shown>,
) -> Result<Option<Arc<dyn ServerCertVerifier>>, TlsError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    if let Some(path) = &files.ca {
        for certificate in certificates(path)? {
            roots.add(certificate)?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let strict = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    let clock = clock.clone();
    Ok(strict.ok().map(|strict| Arc::new(Verifier { strict, clock, shown }) as Arc<dyn ServerCertVerifier>))
}

/// Returns when our own certificate ends: the first of its chain to do so. Reads the file; blocks.
///
/// # Errors
///
/// Fails as [`certificates`] does.
pub fn chain_ends(path: &Path) -> Result<Option<Timestamp>, TlsError> {
    Ok(ends(path)?.into_iter().min())
}

/// Returns when a file of authorities ends: the last of them, for an old one stays beside the new while they change.
/// Reads the file; blocks.
///
/// # Errors
///
/// Fails as [`certificates`] does.
pub fn authorities_end(path: &Path) -> Result<Option<Timestamp>, TlsError> {
    Ok(ends(path)?.into_iter().max())
}

fn ends(path: &Path) -> Result<Vec<Timestamp>, TlsError> {
    Ok(certificates(path)?.iter().filter_map(|one| validity::of(one)).map(|validity| validity.until).collect())
}

/// Reads the certificates of a PEM file; at least one.
///
/// # Errors
///
/// Fails where the file cannot be read, is larger than 64 KiB or holds no certificate.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let file = |error| TlsError::File { path: path.to_owned(), error };
    let pem = |problem: String| TlsError::Pem { path: path.to_owned(), problem };
    if std::fs::metadata(path).map_err(file)?.len() > SECRET_BYTES_MAX {
        return Err(pem(format!("is larger than {SECRET_BYTES_MAX} bytes")));
    }
    let text = std::fs::read(path).map_err(file)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(pem("holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)".to_owned())),
        Err(error) => Err(pem(format!("is not sound PEM: {error}"))),
    }
}

/// Reads the private key of a PEM file; it must not be readable by everybody.
///
/// # Errors
///
/// Fails as [`Secret::read`] does, and where the file holds no private key.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = Secret::read(path)?;
    PrivateKeyDer::from_pem_slice(text.reveal().as_bytes()).map_err(|error| TlsError::Pem {
        path: path.to_owned(),
        problem: format!("holds no private key in PEM form: {error}"),
    })
}
