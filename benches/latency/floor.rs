//! The bare program: a reading in, a comparison, a POST out. No store, no TLS, no detector, no second attempt.
//!
//! The executable of the benchmark starts itself again as this. It uses the same libraries as the gateway, on a runtime
//! with one thread, and says `READY=1` as the gateway does.

use std::collections::HashMap;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;

use nattvakt::clock;
use reqwest::Client;
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio_serial::SerialPortBuilderExt;

use crate::Result;

/// Below this someone has left.
const THRESHOLD: f64 = 365.0;

/// Runs until it is told to stop. `from` is the port of the broker or the path of the serial line.
pub(crate) fn main(way: &str, from: &str, url: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let alerts = Alerts { client: client()?, url: url.to_owned() };
    match way {
        "mqtt" => runtime.block_on(mqtt(from.parse()?, alerts)),
        "serial" => runtime.block_on(serial(from, alerts)),
        _ => Err("the floor knows mqtt and serial".into()),
    }
}

#[derive(Deserialize)]
struct Message {
    pressure: f64,
}

async fn mqtt(port: u16, alerts: Alerts) -> Result<()> {
    let (client, mut events) = AsyncClient::new(MqttOptions::new("floor", "127.0.0.1", port), 10);
    let mut network = events.network_options();
    network.set_tcp_nodelay(true);
    events.set_network_options(network);
    client.subscribe("floor/+/pressure", QoS::AtLeastOnce).await?;
    let mut lies = HashMap::new();
    loop {
        match events.poll().await? {
            Event::Incoming(Packet::SubAck(_)) => ready()?,
            Event::Incoming(Packet::Publish(publish)) => {
                let message: Message = serde_json::from_slice(&publish.payload)?;
                let now = message.pressure >= THRESHOLD;
                let before = lies.insert(publish.topic.clone(), now);
                if before == Some(true) && !now {
                    let bed = publish.topic.split('/').nth(1).unwrap_or_default();
                    alerts.post(bed).await?;
                }
            }
            Event::Incoming(_) | Event::Outgoing(_) => {}
        }
    }
}

async fn serial(port: &str, alerts: Alerts) -> Result<()> {
    let mut stream = tokio_serial::new(port, 115_200).open_native_async()?;
    ready()?;
    let mut lies = false;
    let mut text = Vec::new();
    let mut buffer = [0; 512];
    loop {
        let length = stream.read(&mut buffer).await?;
        text.extend(buffer.iter().take(length));
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = text.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let value: f64 = line.trim().rsplit(',').next().unwrap_or_default().parse()?;
            let now = value >= THRESHOLD;
            if std::mem::replace(&mut lies, now) && !now {
                alerts.post("bed-0").await?;
            }
        }
    }
}

struct Alerts {
    client: Client,
    url: String,
}

impl Alerts {
    /// Sends a body of the size and shape that the gateway's has.
    async fn post(&self, bed: &str) -> Result<()> {
        let time = format!("{:.3}", clock::utc());
        let body = format!(
            r#"{{"specversion":"1.0","id":"7K2M9Q4T0XW5B8ZC","source":"urn:nattvakt:4601234567","type":"se.nattvakt.rise.v1","subject":"{bed}","time":"{time}","datacontenttype":"application/json","sequence":"0000000000000042","data":{{"time":"{time}","decided":"{time}","bed":"{bed}","kind":"rise","watched":true,"priority":"alarm","text":"Har lämnat sängen","late":false}}}}"#
        );
        let answer = self.client.post(&self.url).body(body).send().await?;
        // Read to its end, so that the connection can be used again.
        answer.bytes().await?;
        Ok(())
    }
}

/// Makes a client that keeps its connection. It wants a TLS configuration, which plain HTTP never uses.
fn client() -> Result<Client> {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Ok(Client::builder().tls_backend_preconfigured(tls).no_proxy().build()?)
}

fn ready() -> Result<()> {
    if let Some(socket) = std::env::var_os("NOTIFY_SOCKET") {
        UnixDatagram::unbound()?.send_to(b"READY=1", socket)?;
    }
    Ok(())
}
