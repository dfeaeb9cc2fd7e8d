//! What a connection to the broker is made with; reads the password and the certificates.

use std::time::Duration;

use rumqttc::{MqttOptions, TlsConfiguration, Transport};
use tokio::time::timeout;

use super::words::Trouble;
use crate::clock::Clock;
use crate::secret::Secret;
use crate::sensor::settings::BrokerSettings;
use crate::tls;

/// How often the broker is asked whether it is there. A dead link is noticed after two of these at most.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long a connection may take, from the name to the broker's welcome.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(20);

/// The largest packet either way, in bytes; a larger one ends the connection.
pub(super) const PACKET_BYTES_MAX: usize = 256 * 1_024;

/// How long reading the files may take: a stuck disk must not look like a broker that is away.
const FILES_LIMIT: Duration = Duration::from_secs(10);

/// How many published messages may be on their way; rumqttc keeps a table of this size.
const INFLIGHT: u16 = 20;

/// Puts the options together.
pub(super) async fn options(broker: &BrokerSettings, client_id: &str, clock: &Clock) -> Result<MqttOptions, Trouble> {
    // rumqttc takes the host as it is for the TLS name, which has no brackets around an address.
    let host = broker.host.trim_start_matches('[').trim_end_matches(']');
    let mut options = MqttOptions::new(client_id, host, broker.port);
    options.set_clean_session(true);
    options.set_keep_alive(KEEP_ALIVE);
    options.set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX);
    options.set_inflight(INFLIGHT);
    if broker.tls.is_some() || broker.password_file.is_some() {
        let (files, clock) = (broker.clone(), clock.clone());
        let read = tokio::task::spawn_blocking(move || read_blocking(&files, &clock));
        let (transport, password) = match timeout(FILES_LIMIT, read).await {
            Ok(Ok(read)) => read?,
            Ok(Err(_)) => return Err(Trouble::new("reading the TLS files failed inside the program")),
            Err(_) => return Err(Trouble::new("the disk does not answer; the password and TLS files cannot be read")),
        };
        options.set_transport(transport);
        set_login(&mut options, broker, password.as_ref());
    } else {
        set_login(&mut options, broker, None);
    }
    Ok(options)
}

fn set_login(options: &mut MqttOptions, broker: &BrokerSettings, password: Option<&Secret>) {
    if let Some(user) = &broker.user {
        options.set_credentials(user, password.map_or("", Secret::reveal));
    }
}

fn read_blocking(broker: &BrokerSettings, clock: &Clock) -> Result<(Transport, Option<Secret>), Trouble> {
    let transport = match &broker.tls {
        Some(files) => {
            let config = tls::client_config(files, clock).map_err(Trouble::lasting)?;
            Transport::tls_with_config(TlsConfiguration::Rustls(config))
        }
        None => Transport::tcp(),
    };
    let password = broker.password_file.as_deref().map(Secret::read).transpose().map_err(Trouble::lasting)?;
    Ok((transport, password))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ClockSource;

    #[tokio::test]
    async fn an_ipv6_address_is_taken_with_its_brackets_and_still_resolves() {
        let broker = BrokerSettings { host: "[::1]".to_owned(), ..BrokerSettings::default() };
        let (host, port) = options(&broker, "nattvakt", &Clock::new(ClockSource::Rtc)).await.unwrap().broker_address();
        assert_eq!(host, "::1");
        // rumqttc joins them so.
        let found: Vec<_> = tokio::net::lookup_host(format!("{host}:{port}")).await.unwrap().collect();
        assert_eq!(found, ["[::1]:1883".parse().unwrap()]);
    }

    #[tokio::test]
    async fn a_missing_password_file_is_named() {
        let password_file = Some("/nonexistent/mqtt.password".into());
        let broker = BrokerSettings { user: Some("mats".to_owned()), password_file, ..BrokerSettings::default() };
        let trouble = options(&broker, "nattvakt", &Clock::new(ClockSource::Rtc)).await.err().unwrap();
        assert!(trouble.words.contains("/nonexistent/mqtt.password"), "{}", trouble.words);
    }
}
