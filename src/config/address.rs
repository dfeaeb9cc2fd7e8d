//! Addresses of brokers and dispatch services, and the rule that nothing goes out in plain text by accident.
//!
//! Messages never repeat an address: a password or key may have been put into it, and messages reach the log.

use std::net::IpAddr;

use reqwest::Url;

use super::finding::Notes;
use super::tree::Placed;

/// The longest address, in bytes.
const URL_BYTES_MAX: usize = 2048;

/// The longest host name, in bytes: what DNS takes.
const HOST_BYTES_MAX: usize = 253;

/// A checked address of a broker.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broker {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: bool,
}

/// Checks the address of a broker: `mqtt://HOST:PORT` or `mqtts://HOST:PORT`.
pub(super) fn broker(url: &Placed<&str>, allow_plaintext: bool, notes: &mut Notes) -> Option<Broker> {
    const FORM: &str = "write \"mqtt://HOST:PORT\" or, with TLS, \"mqtts://HOST:PORT\"";
    let wrong = |notes: &mut Notes, what: &str, help: &str| {
        notes.error(&url.span, format!("`url` {what}"), help);
        None
    };
    let (tls, rest) = match url.value.split_once("://") {
        Some(("mqtt", rest)) => (false, rest),
        Some(("mqtts", rest)) => (true, rest),
        _ => return wrong(notes, "is no address of an MQTT broker", FORM),
    };
    if rest.contains('@') {
        return wrong(notes, "must not hold a user or password", "use `user` and `password-file`");
    }
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let Some((host, port)) = host_and_port(rest, if tls { 8883 } else { 1883 }) else {
        return wrong(notes, "has no sound host and port", FORM);
    };
    if !tls {
        plaintext(url, &host, "mqtts://", allow_plaintext, notes)?;
    }
    Some(Broker { host, port, tls })
}

fn host_and_port(text: &str, default: u16) -> Option<(String, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok()?,
        Some(_) => return None,
        None => default,
    };
    let named = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':');
    let sound = !host.is_empty() && host.len() <= HOST_BYTES_MAX && host.bytes().all(named) && port != 0;
    sound.then(|| (host.to_owned(), port))
}

/// Checks the address of a dispatch service. Returns it as it is to be used, and whether it is over TLS.
pub(super) fn https(url: &Placed<&str>, allow_plaintext: bool, notes: &mut Notes) -> Option<(String, bool)> {
    const FORM: &str = "write \"https://HOST/PATH\"";
    let wrong = |notes: &mut Notes, what: &str, help: &str| {
        notes.error(&url.span, format!("`url` {what}"), help);
        None
    };
    if url.value.len() > URL_BYTES_MAX {
        return wrong(notes, "is longer than 2048 bytes", FORM);
    }
    let Ok(parsed) = Url::parse(url.value) else {
        return wrong(notes, "is no web address", FORM);
    };
    let (tls, Some(host)) = (parsed.scheme() == "https", parsed.host_str()) else {
        return wrong(notes, "is no web address", FORM);
    };
    if !matches!(parsed.scheme(), "https" | "http") {
        return wrong(notes, "is no web address", FORM);
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return wrong(notes, "must not hold a user or password", "put a token into a file and name it in `token-file`");
    }
    if parsed.fragment().is_some() {
        return wrong(notes, "must not have a part behind `#`", "take it away; it would never be sent");
    }
    if parsed.port() == Some(0) {
        return wrong(notes, "has the port 0, where nobody answers", FORM);
    }
    if !tls {
        plaintext(url, host.trim_matches(['[', ']']), "https://", allow_plaintext, notes)?;
    }
    Some((parsed.to_string(), tls))
}

/// Plain text is for this machine only, unless somebody has said otherwise beside it.
fn plaintext(url: &Placed<&str>, host: &str, instead: &str, allowed: bool, notes: &mut Notes) -> Option<()> {
    if allowed || is_loopback(host) {
        return Some(());
    }
    let message = "`url` goes to another machine in plain text";
    let help = format!("use {instead}; only where the network is known to be private, add `allow-plaintext = true`");
    notes.error(&url.span, message, help);
    None
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn try_broker(url: &str, allowed: bool) -> Option<Broker> {
        broker(&Placed { value: url, span: 0..1 }, allowed, &mut Notes::default())
    }

    fn try_https(url: &str, allowed: bool) -> Option<(String, bool)> {
        https(&Placed { value: url, span: 0..1 }, allowed, &mut Notes::default())
    }

    #[test]
    fn a_broker_is_a_host_and_a_port() {
        let found = try_broker("mqtts://broker.example", false).unwrap();
        assert_eq!(found, Broker { host: "broker.example".into(), port: 8883, tls: true });
        assert_eq!(try_broker("mqtt://[::1]:1884", false).unwrap().port, 1884);
        assert_eq!(try_broker("mqtt://127.0.0.1/", false).unwrap().port, 1883);
        for wrong in [
            "",
            "mqtt://",
            "http://127.0.0.1",
            "127.0.0.1:1883",
            "mqtt://127.0.0.1:0",
            "mqtt://127.0.0.1:99999",
            "mqtt://127.0.0.1:+1",
            "mqtt://::1:1883",
            "mqtt://[::1",
            "mqtt://[x]:1",
            "mqtt://a b:1",
            "mqtt://anna:secret@127.0.0.1:1883",
            "mqtt://127.0.0.1:1883/path",
        ] {
            assert_eq!(try_broker(wrong, true), None, "{wrong}");
        }
    }

    #[test]
    fn plain_text_stays_on_this_machine_unless_allowed() {
        for url in ["mqtt://127.0.0.1:1883", "mqtt://127.9.9.9:1883", "mqtt://[::1]:1883", "mqtt://localhost:1883"] {
            assert!(try_broker(url, false).is_some(), "{url}");
        }
        for url in ["mqtt://192.168.1.2:1883", "mqtt://localhost.example:1883", "mqtt://127.0.0.1.example:1883"] {
            assert!(try_broker(url, false).is_none(), "{url}");
            assert!(try_broker(url, true).is_some(), "{url}");
        }
        for url in ["http://127.0.0.1:8080/a", "http://[::1]/a", "http://localhost/a"] {
            assert!(try_https(url, false).is_some(), "{url}");
        }
        for url in ["http://dispatch.example/a", "http://127.0.0.1@evil.example/a", "http://localhost.evil.example/"] {
            assert!(try_https(url, false).is_none(), "{url}");
        }
        assert!(try_https("http://dispatch.example/a", true).is_some());
    }

    #[test]
    fn what_was_put_into_an_address_does_not_reach_the_log() {
        let mut notes = Notes::default();
        broker(&Placed { value: "mqtt://anna:s3cret@127.0.0.1", span: 0..1 }, false, &mut notes);
        https(&Placed { value: "https://anna:s3cret@d.example/", span: 0..1 }, false, &mut notes);
        https(&Placed { value: "http://d.example/?key=s3cret", span: 0..1 }, false, &mut notes);
        assert_eq!(notes.findings.len(), 3);
        assert!(notes.findings.iter().all(|one| !format!("{one:?}").contains("s3cret")));
    }

    #[test]
    fn a_dispatch_address_is_a_web_address_without_secrets() {
        assert!(try_https("https://dispatch.example/alerts?home=1", false).unwrap().1);
        for wrong in ["", "dispatch.example", "ftp://x/", "https://", "https://a:b@x/", "https://x/#y", "file:///etc"] {
            assert_eq!(try_https(wrong, true), None, "{wrong}");
        }
    }
}
