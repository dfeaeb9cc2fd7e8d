//! Looks at what the file names: secrets, certificates, ports. Reads them; changes, opens for writing or sends nothing.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use nix::unistd::{Gid, Group};

use super::finding::{Notes, Span, Thing, ToLook, quoted};
use crate::clock::{self, Clock, ClockSource};
use crate::secret::{Secret, SecretError, SecretErrorKind};
use crate::tls::{self, TlsError};

/// How many bytes a signing key has, by Standard Webhooks.
const SIGNING_KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Looks at everything that was named.
pub(super) fn look(notes: &mut Notes) {
    let mut ports = BTreeMap::new();
    for one in std::mem::take(&mut notes.to_look) {
        match &one.thing {
            Thing::Password => drop(secret(&one, notes)),
            Thing::Token => token(&one, notes),
            Thing::SigningKeys => signing_keys(&one, notes),
            Thing::Ca => ca(&one, notes),
            Thing::Identity { key, key_span } => identity(&one, key, key_span, notes),
            Thing::Port => port(&one, &mut ports, notes),
        }
    }
}

fn secret(one: &ToLook, notes: &mut Notes) -> Option<Secret> {
    match Secret::read(&one.path) {
        Ok(secret) => {
            shared(one.key, &one.span, &one.path, notes);
            Some(secret)
        }
        Err(error) => {
            secret_error(one.key, &one.span, &error, notes);
            None
        }
    }
}

/// The group that is made for the service; whoever else is in a file's group is none of ours.
const OUR_GROUP: &str = "nattvakt";

/// Warns of a secret that a whole group may read, unless the group is the service's own.
fn shared(key: &str, span: &Span, path: &Path, notes: &mut Notes) {
    let Some(meta) = std::fs::metadata(path).ok().filter(|meta| meta.mode() & 0o040 != 0) else { return };
    let group = Group::from_gid(Gid::from_raw(meta.gid())).ok().flatten();
    let name = group.map_or_else(|| meta.gid().to_string(), |group| group.name);
    if name != OUR_GROUP {
        let shown = quoted(&path.display().to_string());
        let message = format!("`{key}`: {shown} may be read by everybody in the group {}", quoted(&name));
        notes.warning(span, message, format!("run `chmod g-r {}`", path.display()));
    }
}

fn secret_error(key: &str, span: &Span, error: &SecretError, notes: &mut Notes) {
    let path = error.path.display().to_string();
    let (what, help) = match &error.kind {
        SecretErrorKind::Io(error) => (format!("{} {}", quoted(&path), unreadable(error)), file_help(error)),
        SecretErrorKind::NoFile => (format!("{} is no plain file", quoted(&path)), "name a file".to_owned()),
        SecretErrorKind::ReadableByAll => {
            (format!("{} may be read by everybody on this machine", quoted(&path)), format!("run `chmod o-r {path}`"))
        }
        SecretErrorKind::TooLarge => {
            (format!("{} is too large to be a secret", quoted(&path)), "name the file with the secret alone".to_owned())
        }
        SecretErrorKind::Empty => {
            (format!("{} is empty", quoted(&path)), "write the secret into it, on one line".to_owned())
        }
    };
    notes.error(span, format!("`{key}`: {what}"), help);
}

fn unreadable(error: &io::Error) -> String {
    let kind = error.kind();
    if kind == io::ErrorKind::NotFound {
        "does not exist".to_owned()
    } else if kind == io::ErrorKind::PermissionDenied {
        "may not be read by this user".to_owned()
    } else if kind == io::ErrorKind::InvalidData {
        "is no text".to_owned()
    } else {
        format!("cannot be read: {error}")
    }
}

fn file_help(error: &io::Error) -> String {
    let help = if error.kind() == io::ErrorKind::NotFound {
        "put the file there; for the file of another machine, check with `--elsewhere`"
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        "let the user of the service read it, and check as that user"
    } else {
        "put a readable text file there"
    };
    help.to_owned()
}

fn token(one: &ToLook, notes: &mut Notes) {
    let Some(secret) = secret(one, notes) else {
        return;
    };
    if !secret.reveal().bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = format!("`{}`: what stands in the file is no bearer token", one.key);
        notes.error(&one.span, message, "a token is one line of visible ASCII characters without blanks");
    }
}

fn signing_keys(one: &ToLook, notes: &mut Notes) {
    let Some(secret) = secret(one, notes) else {
        return;
    };
    let lines = secret.reveal().lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let wrong: Vec<usize> =
        lines.clone().filter(|(_, line)| !is_signing_key(line.trim())).map(|(at, _)| at + 1).collect();
    if lines.count() == 0 || !wrong.is_empty() {
        let line = wrong.first().copied().unwrap_or(1);
        let message = format!("`{}`: line {line} of the file is no signing key", one.key);
        notes.error(&one.span, message, "a key is `whsec_` and the base64 of 24 to 64 bytes, one a line");
    }
}

fn is_signing_key(line: &str) -> bool {
    let bytes = line.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
    bytes.is_some_and(|bytes| SIGNING_KEY_BYTES.contains(&bytes.len()))
}

fn ca(one: &ToLook, notes: &mut Notes) {
    let files = tls::Files { ca: Some(one.path.clone()), ..tls::Files::default() };
    if let Err(error) = tls::client_config(&files, &Clock::new(ClockSource::Rtc)) {
        tls_error((one.key, &one.span), &error, notes);
    }
    ends(one, tls::authorities_end(&one.path).ok().flatten(), notes);
}

/// One that has ended is no mistake of the file, and no reason not to watch.
fn ends(one: &ToLook, until: Option<Timestamp>, notes: &mut Notes) {
    let Some(until) = until else { return };
    let left = until.duration_since(clock::utc());
    if left < tls::WARN_FIRST {
        let (shown, day) = (quoted(&one.path.display().to_string()), until.strftime("%Y-%m-%d"));
        let ends = if left.is_negative() { "has ended on" } else { "ends on" };
        notes.warning(&one.span, format!("`{}`: {shown} {ends} {day}", one.key), "put the next certificate there");
    }
}

fn identity(one: &ToLook, key: &Path, key_span: &Span, notes: &mut Notes) {
    let certificate = tls::certificates(&one.path).map(drop);
    let private = tls::private_key(key).map(drop);
    let both = certificate.is_ok() && private.is_ok();
    if let Err(error) = certificate {
        tls_error((one.key, &one.span), &error, notes);
    }
    ends(one, tls::chain_ends(&one.path).ok().flatten(), notes);
    match private {
        Ok(()) => shared("client-key-file", key_span, key, notes),
        Err(error) => tls_error(("client-key-file", key_span), &error, notes),
    }
    let files =
        tls::Files { client_cert: Some(one.path.clone()), client_key: Some(key.to_owned()), ..tls::Files::default() };
    if let (true, Err(error)) = (both, tls::client_config(&files, &Clock::new(ClockSource::Rtc))) {
        tls_error((one.key, &one.span), &error, notes);
    }
}

fn tls_error((key, span): (&str, &Span), error: &TlsError, notes: &mut Notes) {
    match error {
        TlsError::Key(error) => secret_error(key, span, error, notes),
        TlsError::File { path, error } => {
            let message = format!("`{key}`: {} {}", quoted(&path.display().to_string()), unreadable(error));
            notes.error(span, message, file_help(error));
        }
        TlsError::Pem { path, problem } => {
            let message = format!("`{key}`: {} {problem}", quoted(&path.display().to_string()));
            notes.error(span, message, "put a sound PEM file there");
        }
        TlsError::HalfIdentity | TlsError::Refused(_) => {
            notes.error(span, format!("`{key}`: {error}"), "use certificate and key that were made together");
        }
    }
}

fn port(one: &ToLook, ports: &mut BTreeMap<PathBuf, PathBuf>, notes: &mut Notes) {
    let shown = quoted(&one.path.display().to_string());
    let meta = match std::fs::metadata(&one.path) {
        Ok(meta) => meta,
        Err(error) => {
            let message = format!("`port`: {shown} {}", unreadable(&error));
            notes.warning(&one.span, message, "plug it in, and compare with `ls /dev/serial/by-id`");
            return;
        }
    };
    if !meta.file_type().is_char_device() {
        notes.error(&one.span, format!("`port`: {shown} is no serial port"), "name a port, see /dev/serial/by-id");
        return;
    }
    let Ok(device) = one.path.canonicalize() else {
        return;
    };
    if let Some(other) = ports.insert(device, one.path.clone()) {
        // The same words twice are told where they are read.
        if other != one.path {
            let message = format!("`port`: {shown} is the same port as {}", quoted(&other.display().to_string()));
            notes.error(&one.span, message, "a port carries one mat; name the other one's");
        }
    }
}
