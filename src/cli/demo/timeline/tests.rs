//! A whole demonstration told from made-up happenings, beside the text that people shall see.

use serde_json::json;

use super::*;
use crate::cli::demo::Screen;
use crate::simulate::Night;
use crate::simulate::script::{half_minute, share};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn received(kind: &str, priority: &str, text: &str, times: (&str, &str)) -> Value {
    json!({
        "received": "2026-01-15T20:00:21.643Z", "answer": 200, "outcome": "accepted", "repeat": false,
        "signature": "valid",
        "event": {"id": "7K2M9Q4T0XW5B8ZC", "data": {
            "time": times.0, "decided": times.1, "bed": "bed-1", "kind": kind, "watched": true,
            "priority": priority, "text": text, "late": false,
        }},
    })
}

fn rise() -> Value {
    received("rise", "alarm", "Has left the bed", ("2026-01-15T20:00:19.900Z", "2026-01-15T20:00:21.400Z"))
}

fn state(text: &str) -> Happening {
    Happening::State { text: text.to_owned() }
}

fn alert(received: Value, latency: Option<Duration>) -> Happening {
    Happening::Alert { received, latency }
}

/// The half minute as the resident and the mat make it, with what the daemon would say.
fn happenings() -> Vec<(Duration, Happening)> {
    let scene = half_minute(1, "2026-01-15T20:00:00Z".parse().unwrap());
    let said = |caption: &crate::simulate::script::Caption| {
        (caption.at, Happening::Said { text: caption.text.to_owned(), deed: caption.deed })
    };
    let back = received("return", "info", "Is back in bed", ("2026-01-15T20:00:23.600Z", "2026-01-15T20:00:26.000Z"));
    let mut all: Vec<_> = vec![
        (ms(0), Happening::Ready { text: "The mat speaks on /dev/pts/5, 115200 baud.".to_owned() }),
        (ms(0), Happening::Ready { text: "Dispatch listens on http://127.0.0.1:40123.".to_owned() }),
        (ms(5000), state("in bed: the watch is on")),
        (ms(21_402), state("has left the bed")),
        (ms(21_407), alert(rise(), Some(ms(1507)))),
        (ms(26_001), state("in bed again")),
        (ms(26_004), alert(back, None)),
    ];
    all.extend(scene.captions.iter().map(said));
    all.extend(Night::new(scene.night).map(|row| (row.at, Happening::Reading { share: share(&row.channels) })));
    all.sort_by_key(|(at, _)| *at);
    all
}

fn told(look: Look, happenings: &[(Duration, Happening)]) -> String {
    let mut screen = Screen::new(Timeline::new(look), Vec::new());
    for (at, happening) in happenings {
        screen.show(*at, happening).unwrap();
    }
    String::from_utf8(screen.finish().unwrap()).unwrap()
}

/// What a terminal shows in the end: codes left out, and of each line what was drawn last.
fn as_seen(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap().to_owned();
    plain.extend(parts.map(|part| part.split_once(|c: char| c.is_ascii_alphabetic()).unwrap().1));
    let lines = plain.split('\n').map(|line| line.rsplit('\r').next().unwrap().trim_end());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_demonstration_reads_as_it_should() {
    let text = told(Look::default(), &happenings());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/demo/timeline/expected.txt");
    if std::env::var_os("REWRITE_EXPECTED").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(path).unwrap(), "set REWRITE_EXPECTED to rewrite {path}");
    assert!(text.lines().all(|line| line.chars().count() < 80), "fits 80 columns");
}

#[test]
fn a_terminal_shows_the_same_lines_with_colours_and_a_live_bar() {
    let happenings = happenings();
    let plain = told(Look::default(), &happenings);
    let coloured = told(Look { colour: true, live: false }, &happenings);
    assert!(coloured.contains("\x1b[1;97;41mALARM  Has left the bed\x1b[0m"));
    assert_eq!(as_seen(&coloured), plain);
    let live = told(Look { colour: true, live: true }, &happenings);
    assert_eq!(as_seen(&live), plain);
    assert!(live.matches(REDRAW).count() > 500);
    assert!(!told(Look { colour: false, live: true }, &happenings).replace(REDRAW, "").contains('\x1b'));
}

#[test]
fn an_alarm_says_what_of_its_time_went_into_being_sure() {
    let tell = |received: Value, latency| Timeline::new(Look::default()).tell(ms(21_407), &alert(received, latency));
    assert_eq!(
        tell(rise(), Some(ms(1507))),
        "  21.4 s  dispatch  ALARM  Has left the bed  bed-1, signed and verified\n                    \
         1507 ms after the load left: 1500 to be sure, 7 to tell\n"
    );
    // Clocks that disagree: no claim is made.
    assert!(tell(rise(), Some(ms(20))).ends_with("20 ms after the load left\n"));
    assert_eq!(tell(json!({"event": {"data": {"kind": "heartbeat"}}}), None), "");
}

#[test]
fn what_went_wrong_is_said() {
    let mut forged = rise();
    forged["signature"] = "none".into();
    let mut refused = rise();
    refused["outcome"] = "refused".into();
    let said = |happenings: &[Happening]| {
        let mut timeline = Timeline::new(Look::default());
        let lines: String = happenings.iter().map(|happening| timeline.tell(ms(1), happening)).collect();
        lines + &timeline.summary()
    };
    assert!(said(&[alert(forged.clone(), None)]).contains("accepted without a signature"));
    assert!(said(&[alert(forged, None)]).contains("0 of them signed and verified"));
    assert!(said(&[alert(refused, None)]).contains("1 refused"));
    assert!(said(&[alert(rise(), None)]).contains("0 rises, but 1 alarm: not each had a cause"));
    let rises = Happening::Said { text: "Stands up.".to_owned(), deed: Deed::Rises };
    assert!(said(&[rises]).contains("1 rise, but only 0 alarms: one was missed"));
    assert!(said(&[alert(json!({}), None), alert(json!([1]), None), alert(json!(null), None)]).contains("3 refused"));
}

#[test]
fn only_the_alarm_of_a_rise_needs_a_rise() {
    let mut timeline = Timeline::new(Look::default());
    let late = received("not-returned", "alarm", "Not back in bed", ("2026-01-15T20:15:00Z", "2026-01-15T20:15:00Z"));
    assert!(timeline.tell(ms(1), &alert(late, None)).contains("ALARM  Not back in bed"));
    assert!(timeline.summary().contains("0 rises, 0 alarms\n"));
}

#[test]
fn times_stay_in_their_column_all_night() {
    for (at, text) in [(0, "   0.0 s"), (599_940, " 599.9 s"), (600_000, " 0:10:00"), (39_600_000, "11:00:00")] {
        assert_eq!(offset(ms(at)), text);
    }
}
