//! Why no answer came, told apart by what a technician can do about it. PURE.

use std::error::Error;
use std::io;

use crate::dispatch::outcome::Outcome;

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The host's name has no address just now.
    NoName,
    /// Nobody can be reached at that address.
    Unreachable(String),
    /// Nothing came in time.
    Silent,
    /// Secrets and certificates could not be read in time.
    Unread,
    /// The connection ended before the answer.
    Broken(String),
    /// The certificate of dispatch does not verify.
    Certificate(String),
    /// Dispatch does not take our certificate, or wants one.
    OurCertificate(String),
}

impl Trouble {
    /// Finds out what an error of the HTTP client was.
    pub(super) fn from_error(error: &reqwest::Error) -> Self {
        match find_tls(error) {
            Some(tls @ rustls::Error::InvalidCertificate(_)) => return Self::Certificate(tls.to_string()),
            Some(rustls::Error::AlertReceived(alert)) if is_about_our_certificate(*alert) => {
                return Self::OurCertificate(format!("{alert:?}"));
            }
            Some(_) | None => {}
        }
        if error.is_dns() {
            Self::NoName
        } else if error.is_timeout() {
            Self::Silent
        } else if error.is_connect() {
            Self::Unreachable(innermost(error))
        } else {
            Self::Broken(innermost(error))
        }
    }

    /// Says what it means for the alert.
    pub(super) fn into_outcome(self) -> Outcome {
        match self {
            Self::NoName => Outcome::try_again("dispatch's name cannot be resolved: look at the network and at url"),
            Self::Unreachable(detail) => Outcome::try_again(format!("dispatch cannot be reached: {detail}")),
            Self::Silent => Outcome::try_again("dispatch did not answer in time"),
            Self::Unread => Outcome::try_again(
                "the disk does not give the secrets and certificates of this channel: dispatch was not asked",
            ),
            Self::Broken(detail) => Outcome::try_again(format!("the connection to dispatch broke off: {detail}")),
            Self::Certificate(detail) => Outcome::wrong(format!(
                "dispatch's certificate does not verify ({detail}): look at ca-file, url and the clock"
            )),
            Self::OurCertificate(detail) => Outcome::wrong(format!(
                "dispatch does not take our certificate ({detail}): look at client-cert-file and client-key-file"
            )),
        }
    }
}

/// Finds the TLS error under all that is wrapped around it. An `io::Error` hides its content from `source`.
fn find_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn is_about_our_certificate(alert: rustls::AlertDescription) -> bool {
    use rustls::AlertDescription as Alert;
    matches!(
        alert,
        Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::CertificateRequired
    )
}

/// The text of the cause; what stands around it repeats the address, which may hold a secret.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);

    #[test]
    fn a_tls_error_is_found_under_what_hides_it() {
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        let hidden = Outer(io::Error::other(io::Error::new(io::ErrorKind::InvalidData, tls.clone())));
        assert_eq!(find_tls(&hidden), Some(&tls));
        assert_eq!(find_tls(&Outer(io::Error::other("reset"))), None);
    }

    #[test]
    fn only_certificates_make_a_channel_wrong() {
        let wrong = |trouble: Trouble| matches!(trouble.into_outcome(), Outcome::ChannelWrong { .. });
        assert!(wrong(Trouble::Certificate("expired".to_owned())));
        assert!(wrong(Trouble::OurCertificate("unknown CA".to_owned())));
        for passing in [
            Trouble::NoName,
            Trouble::Silent,
            Trouble::Unread,
            Trouble::Unreachable("refused".to_owned()),
            Trouble::Broken("reset".to_owned()),
        ] {
            assert!(!wrong(passing.clone()), "{passing:?}");
        }
    }
}
