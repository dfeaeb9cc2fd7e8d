//! What only the task itself can show: an attempt that ends by a fault of this program.

use jiff::Timestamp;
use tokio::time::timeout;

use super::*;
use crate::clock::ClockSource;
use crate::dispatch::settings::{HttpsSettings, Way};
use crate::model::{Event, Kind};
use crate::tls;

/// An alert of this text makes its attempt panic.
pub(super) const PANIC: &str = "panic";

fn setup() -> Setup {
    let https = HttpsSettings {
        url: "http://127.0.0.1:1/".to_owned(),
        token_file: None,
        signing_key_file: None,
        tls: tls::Files::default(),
        receipt: false,
    };
    let (_, health) = watch::channel(Health::default());
    Setup {
        settings: Settings {
            gateway: "4601234567".parse().unwrap(),
            language: Language::En,
            delivery: Delivery::default(),
            channels: vec![ChannelSettings { name: "larmcentral".to_owned(), heartbeat: None, way: Way::Https(https) }],
        },
        accepted: Vec::new(),
        returned: Vec::new(),
        health,
        clock: Clock::new(ClockSource::Rtc),
        next_sequence: Arc::new(|| Sequence(1)),
        grace: Duration::from_secs(1),
        spread_until: Moment::default(),
    }
}

#[tokio::test]
async fn an_attempt_that_panics_counts_as_failed_and_is_reported() {
    let (commands, commanded) = mpsc::channel(1);
    let (reported, mut reports) = mpsc::channel(16);
    let now = crate::model::Now { moment: clock::moment(), utc: Timestamp::UNIX_EPOCH, trusted: false };
    let alert = Alert {
        id: AlertId::from_entropy(1),
        sequence: Sequence(1),
        event: Event::of_gateway(Kind::Test, &now),
        priority: Kind::Test.priority(),
        text: PANIC.to_owned(),
        closes: Vec::new(),
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(run(setup(), commanded, reported));
    commands.send(Command::Raise(Box::new(alert))).await.unwrap();
    let mut deaths = 0;
    let mut down = false;
    while deaths < 2 || !down {
        let report = timeout(Duration::from_secs(30), reports.recv()).await.unwrap().unwrap();
        deaths += i32::from(matches!(report, Report::AttemptDied { .. }));
        down |= matches!(report, Report::ChannelDown { wrong: false, .. });
    }
    drop(commands);
    let ended = timeout(Duration::from_secs(30), tasks.join_next()).await.unwrap().unwrap().unwrap();
    assert_eq!(ended, Ended { waiting: 1 });
}
