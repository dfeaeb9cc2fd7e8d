//! From the gateway to dispatch: name, route, connection, certificate. Sends nothing to dispatch.

use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use reqwest::Url;

use super::line::Line;
use super::progress::Progress;
use crate::clock::{self, Clock};
use crate::dispatch::https::names::ADDRESSES_MAX;
use crate::dispatch::{ChannelSettings, HttpsSettings, Way};
use crate::tls::meeting::{self, Met, Refused};
use crate::tls::validity::Validity;
use crate::tls::{self, Files};

/// How long the name service may take.
const NAME_WITHIN: Duration = Duration::from_secs(5);

/// How long each step of a connection may take.
const STEP_WITHIN: Duration = Duration::from_secs(5);

/// How long connection and handshake may take together.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(12);

/// Looks at ways out.
pub(super) struct Ways<'a> {
    pub(super) zone: &'a TimeZone,
    pub(super) clock: &'a Clock,
    pub(super) progress: Progress,
}

impl Ways<'_> {
    /// Looks at the way to one channel, step by step; a step that fails ends it.
    pub(super) async fn channel(&self, channel: &ChannelSettings, each: &mut impl FnMut(Line)) {
        let Way::Https(https) = &channel.way;
        let name = channel.name.as_str();
        let Some((host, port, over_tls)) = target(https) else {
            return each(Line::wrong("dns", "`url` is no address", "run `sudo nattvakt check`").about(name));
        };
        let addresses = self.addresses(&host, port, name, each).await;
        let Some(address) = self.connect_any(&addresses, name, each).await else { return };
        if over_tls {
            each(self.certificate(&host, address, &https.tls, name).await);
            self.own_certificates(&https.tls, name, each).await;
        } else {
            let help = "use https:// wherever the network is not known to be private";
            let line = if address.ip().is_loopback() {
                Line::good("tls", "none: the service is on this machine")
            } else {
                Line::warning("tls", "alerts go in plain text: everybody on the way can read and forge them", help)
            };
            each(line.about(name));
        }
    }

    /// Looks at the certificate of a broker or dispatch.
    pub(super) async fn certificate(&self, host: &str, address: SocketAddr, files: &Files, name: &str) -> Line {
        let (host, files, clock) = (host.to_owned(), files.clone(), self.clock.clone());
        let met = move || meeting::meet(&host, address, &files, STEP_WITHIN, &clock);
        match self.progress.blocking(&format!("shaking hands with {name}"), HANDSHAKE_WITHIN, met).await {
            Some(met) => judge_meeting(&met, clock::utc(), self.zone),
            None => Line::wrong("tls", "the handshake does not end", "is it a web server with TLS that answers there?"),
        }
        .about(name)
    }

    /// Returns the addresses of a name, the first ones; none where that is wrong, which is told.
    async fn addresses(&self, host: &str, port: u16, name: &str, each: &mut impl FnMut(Line)) -> Vec<SocketAddr> {
        if let Ok(ip) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            each(Line::good("dns", format!("{ip} needs no name service")).about(name));
            return vec![SocketAddr::new(ip, port)];
        }
        let asked = host.to_owned();
        let ask =
            move || (asked.as_str(), port).to_socket_addrs().map(|found| found.take(ADDRESSES_MAX).collect::<Vec<_>>());
        let found = self.progress.blocking(&format!("asking for {host}"), NAME_WITHIN, ask).await;
        let help =
            "is the network up (`ip route`), and which name service is asked (`cat /etc/resolv.conf`)? Is `url` right?";
        let line = match &found {
            None => Line::wrong("dns", format!("no answer about {host} within {} s", NAME_WITHIN.as_secs()), help),
            Some(Err(error)) => Line::wrong("dns", format!("{host} is not known ({error})"), help),
            Some(Ok(found)) => {
                let shown: Vec<String> = found.iter().map(|address| address.ip().to_string()).collect();
                Line::good("dns", format!("{host} is {}", shown.join(", ")))
            }
        };
        each(line.about(name));
        found.and_then(Result::ok).unwrap_or_default()
    }

    /// Connects to the first address that answers, as sending does, and returns it; tells of that one, or of the first
    /// where none does. A home may have IPv6 in its names only.
    async fn connect_any(
        &self,
        addresses: &[SocketAddr],
        name: &str,
        each: &mut impl FnMut(Line),
    ) -> Option<SocketAddr> {
        let mut first = Vec::new();
        for address in addresses {
            let mut lines = Vec::new();
            if self.connect(*address, name, &mut |line| lines.push(line)).await {
                lines.into_iter().for_each(each);
                return Some(*address);
            }
            if first.is_empty() {
                first = lines;
            }
        }
        first.into_iter().for_each(each);
        None
    }

    /// Looks at the route and connects; tells whether that worked.
    async fn connect(&self, address: SocketAddr, name: &str, each: &mut impl FnMut(Line)) -> bool {
        match route(address) {
            Err(error) => {
                let help = "no way out: `ip route` must show a `default` line; look at cable, modem and its SIM card";
                each(Line::wrong("route", format!("no route to {} ({error})", address.ip()), help).about(name));
                return false;
            }
            Ok(own) => each(Line::good("route", format!("{} goes out as {own}", address.ip())).about(name)),
        }
        let start = clock::moment();
        let connect = move || TcpStream::connect_timeout(&address, STEP_WITHIN).map(drop);
        let done = self.progress.blocking(&format!("connecting to {address}"), STEP_WITHIN * 2, connect).await;
        let took = clock::moment().since(start).as_millis();
        let help =
            "does a firewall stand between, is `url` right, and does dispatch run? Ask them with time and address";
        let line = match &done {
            Some(Ok(())) => Line::good("connect", format!("{address} answers in {took} ms")),
            Some(Err(error)) => Line::wrong("connect", format!("{address}: {error}"), help),
            None => Line::wrong("connect", format!("{address} does not answer"), help),
        };
        each(line.about(name));
        matches!(done, Some(Ok(())))
    }

    /// Looks at when our own files end; what is wrong with them otherwise is `check`'s to say.
    async fn own_certificates(&self, files: &Files, name: &str, each: &mut impl FnMut(Line)) {
        let files = files.clone();
        let read = move || {
            let of = |path: &Option<std::path::PathBuf>, end: fn(&std::path::Path) -> Result<Option<Timestamp>, _>| {
                path.as_deref().and_then(|path| Some((path.display().to_string(), end(path).ok()??)))
            };
            [of(&files.client_cert, tls::chain_ends), of(&files.ca, tls::authorities_end)]
        };
        let ends = self.progress.blocking("reading certificates", STEP_WITHIN, read).await.unwrap_or_default();
        for (path, until) in ends.into_iter().flatten() {
            each(judge_end(&path, until, clock::utc(), self.zone).about(name));
        }
    }
}

/// Returns host, port, and whether it is over TLS.
fn target(https: &HttpsSettings) -> Option<(String, u16, bool)> {
    let url = Url::parse(&https.url).ok()?;
    Some((url.host_str()?.to_owned(), url.port_or_known_default()?, url.scheme() == "https"))
}

/// Returns the address that we would go out with. Sends nothing.
fn route(address: SocketAddr) -> std::io::Result<IpAddr> {
    let any: SocketAddr = if address.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(any)?;
    socket.connect(address)?;
    Ok(socket.local_addr()?.ip())
}

fn day(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d").to_string()
}

/// Judges what a server showed. PURE.
fn judge_meeting(met: &Met, now: Timestamp, zone: &TimeZone) -> Line {
    let dates = met.validity.map_or(String::new(), |Validity { from, until }| {
        format!(" (valid from {} to {})", day(from, zone), day(until, zone))
    });
    match &met.verdict {
        Ok(()) => {
            let Some(validity) = met.validity else { return Line::good("tls", "its certificate is sound") };
            let left = validity.until.duration_since(now);
            let says =
                format!("its certificate is sound until {}, {} days", day(validity.until, zone), left.as_hours() / 24);
            if left < tls::WARN_FIRST {
                Line::warning("tls", says, "tell dispatch that theirs must be renewed soon")
            } else {
                Line::good("tls", says)
            }
        }
        Err(refused) => Line::wrong("tls", format!("{refused}{dates}"), way_out(refused)),
    }
}

fn way_out(refused: &Refused) -> &'static str {
    match refused {
        Refused::OurFiles(_) => "run `sudo nattvakt check`: it shows where",
        Refused::Connection(_) => "is it a web server with TLS that answers there? Is `url` right?",
        Refused::Ended => "is the clock of this gateway right (see above)? If it is, tell dispatch to renew theirs",
        Refused::NotYet => "the clock of this gateway is behind, or dispatch's certificate was made too early",
        Refused::OtherName => "is `url` right, and does a portal or proxy answer in dispatch's place?",
        Refused::Stranger => {
            "does dispatch have an authority of its own? Then get its certificate from them, put it on this gateway and \
             name it in `ca-file`; a portal or proxy that answers in dispatch's place looks the same"
        }
        Refused::OurCertificate(_) => {
            "look at `client-cert-file` and `client-key-file`, and ask dispatch whether they know it"
        }
        Refused::Tls(_) => "ask dispatch whether their server speaks TLS 1.2 or 1.3",
    }
}

/// Judges when one of our own files ends. PURE.
fn judge_end(path: &str, until: Timestamp, now: Timestamp, zone: &TimeZone) -> Line {
    let left = until.duration_since(now);
    let shown = day(until, zone);
    if left.is_negative() {
        Line::wrong("own-cert", format!("{path} has ended on {shown}"), "put the next one there; no restart is needed")
    } else if left < tls::WARN_FIRST {
        let says = format!("{path} ends on {shown}, in {} days", left.as_hours() / 24);
        Line::warning("own-cert", says, "put the next one there; no restart is needed")
    } else {
        Line::good("own-cert", format!("{path} is good until {shown}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::Verdict;
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_certificate_that_soon_ends_is_a_warning_and_one_that_has_ended_a_cross() {
        let validity = Validity { from: at("2026-01-01T00:00:00Z"), until: at("2026-06-01T00:00:00Z") };
        let met = |verdict| Met { validity: Some(validity), verdict };
        let judge = |verdict, now| judge_meeting(&met(verdict), at(now), &TimeZone::UTC);
        assert_eq!(judge(Ok(()), "2026-02-01T00:00:00Z").verdict, Verdict::Good);
        assert_eq!(judge(Ok(()), "2026-05-20T00:00:00Z").verdict, Verdict::Warning);
        let ended = judge(Err(Refused::Ended), "2026-07-01T00:00:00Z");
        assert!(ended.verdict == Verdict::Wrong && ended.says.contains("to 2026-06-01"), "{ended:?}");
        let own = |now| judge_end("/etc/c.pem", validity.until, at(now), &TimeZone::UTC).verdict;
        assert_eq!(own("2026-02-01T00:00:00Z"), Verdict::Good);
        assert_eq!(own("2026-05-20T00:00:00Z"), Verdict::Warning);
        assert_eq!(own("2026-06-02T00:00:00Z"), Verdict::Wrong);
    }

    #[test]
    fn the_way_to_this_machine_has_a_route() {
        assert!(route("127.0.0.1:443".parse().unwrap()).unwrap().is_loopback());
    }

    #[tokio::test]
    async fn a_name_whose_first_address_does_not_answer_is_reached_by_the_next() {
        let open = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let clock = Clock::new(clock::ClockSource::default());
        let ways = Ways { zone: &TimeZone::UTC, clock: &clock, progress: Progress::of_stderr() };
        let mut lines = Vec::new();
        let addresses = [closed, open.local_addr().unwrap()];
        let reached = ways.connect_any(&addresses, "primary", &mut |line| lines.push(line)).await;
        assert_eq!(reached, Some(addresses[1]));
        assert!(lines.len() == 2 && lines.iter().all(|line| line.verdict == Verdict::Good), "{lines:?}");
        lines.clear();
        assert_eq!(ways.connect_any(&addresses[..1], "primary", &mut |line| lines.push(line)).await, None);
        assert_eq!(lines.last().map(|line| line.verdict), Some(Verdict::Wrong));
    }
}
