//! What a connection to the broker is made with; reads the password and the certificates.

use std::time::Duration;

use super::words::Trouble;
use crate::blocking::{Blocking, NoResult};
use crate::clock::Clock;
use crate::secret::Secret;
use crate::sensor::settings::BrokerSettings;
use crate::tls;
use rumqttc::{AsyncClient, EventLoop, MqttOptions, NetworkOptions, TlsConfiguration, Transport};

/// How often the broker is asked whether it is there. A dead link is noticed after two of these at most.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long a connection may do nothing at all, pings included: two keep-alives and some patience.
pub(super) const POLL_LIMIT: Duration = Duration::from_secs(2 * KEEP_ALIVE.as_secs() + 30);

/// How many requests wait for a connection: a few subscriptions, or what is published.
const REQUESTS_MAX: usize = 32;

/// How long a connection may take, from the name to the broker's welcome.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(20);

/// The largest packet either way, in bytes; a larger one ends the connection.
pub(super) const PACKET_BYTES_MAX: usize = 256 * 1_024;

/// How long reading the files may take: a stuck disk must not look like a broker that is away.
const FILES_LIMIT: Duration = Duration::from_secs(10);

/// How many published messages may be on their way; rumqttc keeps a table of this size.
const INFLIGHT: u16 = 20;

/// Reading the files of the broker, which may hang.
pub(super) type Reading = Blocking<Result<(Transport, Option<Secret>), Trouble>>;

/// Puts the options together.
pub(super) async fn options(
    broker: &BrokerSettings,
    client_id: &str,
    clock: &Clock,
    reading: &mut Reading,
) -> Result<MqttOptions, Trouble> {
    // rumqttc takes the host as it is for the TLS name, which has no brackets around an address.
    let host = broker.host.trim_start_matches('[').trim_end_matches(']');
    let mut options = MqttOptions::new(client_id, host, broker.port);
    options.set_clean_session(true);
    options.set_keep_alive(KEEP_ALIVE);
    options.set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX);
    options.set_inflight(INFLIGHT);
    if broker.tls.is_some() || broker.password_file.is_some() {
        let (files, clock) = (broker.clone(), clock.clone());
        let read = reading.call(FILES_LIMIT, move || read_blocking(&files, &clock)).await;
        let (transport, password) = read.unwrap_or_else(|why| match why {
            NoResult::Failed => Err(Trouble::new("reading the TLS files failed inside the program")),
            NoResult::Hangs => Err(Trouble::new("the disk does not answer; the password and TLS files cannot be read")),
        })?;
        options.set_transport(transport);
        set_login(&mut options, broker, password.as_ref());
    } else {
        set_login(&mut options, broker, None);
    }
    Ok(options)
}

/// Makes a connection with them; it opens when it is polled first.
pub(super) fn connect(options: MqttOptions) -> (AsyncClient, EventLoop) {
    let (client, mut events) = AsyncClient::new(options, REQUESTS_MAX);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(CONNECT_LIMIT.as_secs());
    events.set_network_options(network);
    (client, events)
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
        let mut reading = Reading::default();
        let options = options(&broker, "nattvakt", &Clock::new(ClockSource::Rtc), &mut reading).await;
        let (host, port) = options.unwrap().broker_address();
        assert_eq!(host, "::1");
        // rumqttc joins them so.
        let found: Vec<_> = tokio::net::lookup_host(format!("{host}:{port}")).await.unwrap().collect();
        assert_eq!(found, ["[::1]:1883".parse().unwrap()]);
    }

    #[tokio::test]
    async fn a_missing_password_file_is_named() {
        let password_file = Some("/nonexistent/mqtt.password".into());
        let broker = BrokerSettings { user: Some("mats".to_owned()), password_file, ..BrokerSettings::default() };
        let mut reading = Reading::default();
        let trouble = options(&broker, "nattvakt", &Clock::new(ClockSource::Rtc), &mut reading).await.err().unwrap();
        assert!(trouble.words.contains("/nonexistent/mqtt.password"), "{}", trouble.words);
    }
}
