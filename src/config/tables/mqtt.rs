//! `[mqtt]`: the broker that MQTT mats talk to.

use crate::config::address::{self, Broker};
use crate::config::finding::{Notes, Span, Thing};
use crate::config::tree::{Placed, Table};
use crate::sensor::BrokerSettings;
use crate::tls;

/// The longest user name, in bytes: what an MQTT packet takes.
const USER_BYTES_MAX: usize = 65_535;

/// Reads the table. Nothing is returned where neither bed nor action needs a broker.
pub(super) fn read(mut table: Table<'_>, needed: bool, notes: &mut Notes) -> Option<BrokerSettings> {
    if table.is_given() && !needed {
        let help = "take the table away, or give a bed `[bed.mqtt]`";
        notes.missing_warning(
            &table.span,
            "no bed is read over MQTT and no action publishes, so `[mqtt]` is not used",
            help,
        );
    }
    let default = BrokerSettings::default();
    let allow_plaintext = table.flag("allow-plaintext", false, notes);
    let url = table.text("url", notes);
    let broker = url.as_ref().and_then(|url| address::broker(url, allow_plaintext, notes));
    let user = table.text("user", notes);
    let password_file = table.file("password-file", Thing::Password, notes);
    if let (None, Some(password)) = (&user, &password_file) {
        notes.error(&password.span, "a password needs a `user` beside it", "add `user = \"…\"`");
    }
    if let Some(user) = user.as_ref().filter(|user| user.value.is_empty() || user.value.len() > USER_BYTES_MAX) {
        notes.error(&user.span, "`user` must be 1 to 65535 bytes", "write the name, or take the key away");
    }
    let tls = tls_files(&mut table, notes);
    table.close(notes);
    let broker = broker.unwrap_or(Broker { host: default.host, port: default.port, tls: false });
    if url.is_none() || !broker.tls {
        no_tls(&tls, "mqtts://", notes);
    }
    needed.then(|| BrokerSettings {
        host: broker.host,
        port: broker.port,
        tls: broker.tls.then_some(tls.files),
        user: user.map(|user| user.value.to_owned()),
        password_file: password_file.map(|file| file.value),
    })
}

/// The files of a TLS connection, and where the first of them is named.
pub(super) struct TlsFiles {
    pub(super) files: tls::Files,
    pub(super) first: Option<Span>,
}

/// Takes the keys that every TLS connection has.
pub(super) fn tls_files(table: &mut Table<'_>, notes: &mut Notes) -> TlsFiles {
    let ca = table.file("ca-file", Thing::Ca, notes);
    let key = table.path("client-key-file", notes);
    let certificate = match &key {
        Some(Placed { value, span }) => {
            let thing = Thing::Identity { key: value.clone(), key_span: span.clone() };
            table.file("client-cert-file", thing, notes)
        }
        None => table.path("client-cert-file", notes),
    };
    match (&certificate, &key) {
        (Some(one), None) => notes.missing(&one.span, "a client certificate needs its key", "add `client-key-file`"),
        (None, Some(one)) => notes.missing(&one.span, "a client key needs its certificate", "add `client-cert-file`"),
        (None, None) | (Some(_), Some(_)) => {}
    }
    let first = [&ca, &certificate, &key].into_iter().flatten().map(|file| file.span.clone()).next();
    let value = |file: Option<Placed<_>>| file.map(|file| file.value);
    TlsFiles { files: tls::Files { ca: value(ca), client_cert: value(certificate), client_key: value(key) }, first }
}

/// Certificates beside an address without TLS: somebody believes in a protection that is not there.
pub(super) fn no_tls(tls: &TlsFiles, scheme: &str, notes: &mut Notes) {
    if let Some(span) = &tls.first {
        let message = "certificates are of no use without TLS";
        notes.error(span, message, format!("begin `url` with {scheme}, or take the certificate keys away"));
    }
}
