//! One marked test message: by the daemon where it runs, which numbers its alerts itself, else to each way out.

use std::time::Duration;

use super::daemon;
use super::line::Line;
use super::progress::Progress;
use crate::clock::{self, Clock};
use crate::config::Config;
use crate::dispatch::https::{Channel, Letter};
use crate::dispatch::{ChannelSettings, Outcome, Way};
use crate::model::{Alert, AlertId, Event, Kind, Priority, texts};
use crate::store;

/// An attempt ends by itself within 15 s.
const SENT_WITHIN: Duration = Duration::from_secs(20);

/// Sends a test to each channel, and says what came of it.
pub(super) async fn send(config: &Config, clock: &Clock, progress: Progress, mut each: impl FnMut(Line)) {
    let Ok(alert) = test(config, clock) else {
        return each(Line::wrong("test", "the system gives no random numbers", "restart the gateway"));
    };
    for channel in &config.channels {
        each(to_one(config, channel, &alert, clock, progress).await.about(channel.name.as_str()));
    }
}

async fn to_one(config: &Config, channel: &ChannelSettings, alert: &Alert, clock: &Clock, progress: Progress) -> Line {
    let Way::Https(https) = &channel.way;
    let way = Channel::new(config.gateway.id, https.clone(), None, clock.clone());
    let start = clock::moment();
    let letter = Letter { alert, priority: Priority::Info, late: false };
    let what = format!("sending a test to {}", channel.name);
    let outcome = progress.during(&what, SENT_WITHIN, way.send(letter)).await;
    let took = clock::moment().since(start).as_millis();
    match outcome {
        Some(Outcome::Accepted { reference }) => {
            let reference = reference.map(|reference| format!(", reference {reference}")).unwrap_or_default();
            Line::good("test", format!("accepted in {took} ms{reference}; its id is {}", alert.id.as_str()))
        }
        Some(Outcome::TryAgain { problem, .. } | Outcome::ChannelWrong { problem }) => Line::wrong(
            "test",
            format!("not accepted: {problem}"),
            "mend what this and the lines above say; if nothing is wrong here, ask dispatch what they see",
        ),
        None => Line::wrong("test", "no answer", "ask dispatch what they see, with the time of this test"),
    }
}

/// Has the daemon send a test, the way that an alarm goes.
pub(super) async fn by_daemon(config: &Config, progress: Progress) -> Line {
    let store = config.store.path.clone();
    let within_s = u32::try_from(SENT_WITHIN.as_secs()).unwrap_or(u32::MAX);
    let send = move || daemon::test(&store, within_s);
    match progress.blocking("having the daemon send a test", SENT_WITHIN * 2, send).await {
        Some(Ok(tested)) => judge(&tested),
        Some(Err(error)) => Line::wrong("test", format!("not sent: {error}"), "`sudo nattvakt test-alert` sends one"),
        None => Line::wrong("test", "the daemon does not answer", "`sudo systemctl restart nattvakt`, and report this"),
    }
}

/// Judges what came of it. PURE.
fn judge(tested: &daemon::Tested) -> Line {
    let id = tested.id.as_ref().map(|id| format!("; its id is {}", id.as_str())).unwrap_or_default();
    let who = tested.accepted.join(" and ");
    if !tested.delivered {
        let problems = if tested.problems.is_empty() { "no answer yet".to_owned() } else { tested.problems.join("; ") };
        let says = format!("sent by the daemon, and not accepted in {} s: {problems}", SENT_WITHIN.as_secs());
        return Line::wrong("test", says, "mend what this and the lines above say; it stays on its way until then");
    }
    Line::good("test", format!("sent by the daemon, and accepted by {who} in {} ms{id}", tested.took_ms))
}

fn test(config: &Config, clock: &Clock) -> Result<Alert, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::getrandom(&mut bytes)?;
    let now = clock.now();
    let event = Event::of_gateway(Kind::Test, &now);
    Ok(Alert {
        id: AlertId::from_entropy(u128::from_le_bytes(bytes)),
        sequence: store::number_beside(&config.store.path, now.utc),
        text: texts::text(&event.kind, config.gateway.language).to_owned(),
        priority: event.kind.priority(),
        closes: Vec::new(),
        event,
    })
}

#[cfg(test)]
mod tests {
    use super::super::line::Verdict;
    use super::*;

    #[test]
    fn what_the_daemon_tells_of_its_test_is_judged() {
        let tested = daemon::Tested {
            id: Some(AlertId::from_entropy(7)),
            took_ms: 84,
            accepted: vec!["larmcentral".to_owned()],
            delivered: true,
            problems: Vec::new(),
        };
        let line = judge(&tested);
        assert_eq!(line.verdict, Verdict::Good);
        assert!(
            line.says.starts_with("sent by the daemon, and accepted by larmcentral in 84 ms; its id is "),
            "{line:?}"
        );
        // With `order = "all"` one may have accepted it and another not.
        let waits = daemon::Tested { delivered: false, ..tested };
        let line = judge(&waits);
        assert_eq!(line.verdict, Verdict::Wrong);
        assert!(line.says.ends_with("no answer yet"), "{line:?}");
        let line = judge(&daemon::Tested { problems: vec!["reserv: connection refused".to_owned()], ..waits });
        assert_eq!(line.verdict, Verdict::Wrong);
        assert!(line.says.ends_with("reserv: connection refused"), "{line:?}");
    }
}
