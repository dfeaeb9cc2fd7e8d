//! Verifies servers as webpki does, by a clock that may have started in the past.
//!
//! A box without a battery-backed clock boots months or decades ago, and must reach dispatch before anything has set
//! its clock. So the time by which certificates are judged is never before the floor of [`crate::clock`]; and while the
//! clock is not sure, a certificate that is not valid *yet* is judged at the first moment at which it is. Whoever would
//! abuse that needs the key of a certificate that was issued after the floor and has run out since. One that ended
//! before the floor, is for another name or of another authority is refused whatever the clock says.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use crate::clock::Clock;

/// A chain has an end, an authority in between or two, and a root: each may begin later than the one before.
const CHAIN_MAX: usize = 4;

/// Tells rustls the time, never before the floor.
#[derive(Debug)]
pub(super) struct Floored(pub(super) Clock);

impl TimeProvider for Floored {
    fn current_time(&self) -> Option<UnixTime> {
        let time = self.0.for_certificates().utc;
        // A negative one is before 1970, and so before the floor.
        u64::try_from(time.as_second())
            .ok()
            .map(|seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)))
    }
}

/// Where the certificate is noted that a server has shown.
pub(super) type Shown = Arc<Mutex<Option<CertificateDer<'static>>>>;

/// webpki's verifier with patience for clocks that are behind.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) strict: Arc<WebPkiServerVerifier>,
    pub(super) clock: Clock,
    /// Notes what is shown, for a technician; it has no say in the verdict.
    pub(super) shown: Option<Shown>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(shown) = &self.shown {
            *shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(end_entity.clone().into_owned());
        }
        let verify = |now| self.strict.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let mut verdict = verify(now);
        if self.clock.for_certificates().sure {
            return verdict;
        }
        for _ in 0..CHAIN_MAX {
            let Err(Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })) = verdict
            else {
                break;
            };
            tracing::debug!("A certificate is younger than the clock, which is not sure; judged at its first moment");
            verdict = verify(not_before);
        }
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.strict.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.strict.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.strict.supported_verify_schemes()
    }
}
