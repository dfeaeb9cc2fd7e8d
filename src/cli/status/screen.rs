//! The one screen of `status`: 80 columns wide but for what is wrong in words, or narrow for a phone. PURE.

use jiff::tz::TimeZone;

use crate::cli::demo::{Ink, Look};
use crate::cli::wire::{reminders, span, wall};
use crate::control::Status;
use crate::control::status::{Bed, Channel, ChannelState, Phase, Power, Store, StoreState};
use crate::model::MatHealth;
use crate::model::health::ClockHealth;

/// A mat that was read within these seconds is read now; contacts and the like say something seldom.
const READ_NOW_S: u64 = 10;

/// A terminal with fewer columns gets no table.
const TABLE_COLUMNS: usize = 72;

/// Draws the screen.
pub(super) fn screen(status: &Status, zone: &TimeZone, look: Look, columns: usize) -> String {
    let narrow = columns < TABLE_COLUMNS;
    let mut text = head(status, zone);
    if narrow {
        text = text.replace(", ", "\n").replace(": ", ":\n  ");
    } else {
        text += &look.paint(Ink::Dim, "\nBED       STATE                      MAT                    WATCH\n");
    }
    for bed in &status.beds {
        text += &line_of_bed(bed, status, zone, look, narrow);
    }
    if !narrow {
        text += &look.paint(Ink::Dim, "\nDISPATCH          STATE            LAST ACCEPTED         WAITING\n");
    }
    for channel in &status.channels {
        text += &line_of_channel(channel, status, zone, look, narrow);
    }
    text += &["\nStore: ", &words_of_store(&status.store), "\n"].concat();
    if let Some(power) = status.power {
        text += match power {
            Power::Mains => "Power: mains\n",
            Power::Battery => "Power: battery, the mains are away\n",
        };
    }
    text += &verdict(status, look);
    let due = reminders(status);
    if !due.is_empty() {
        text += &["\n", &look.paint(Ink::Warning, "Due:"), "\n"].concat();
    }
    for reminder in due {
        text += &["  - ", &reminder, "\n"].concat();
    }
    text
}

fn head(status: &Status, zone: &TimeZone) -> String {
    let Status { version, gateway, time_zone, clock, .. } = status;
    let time = status.time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S");
    let clock = match clock {
        ClockHealth::Trusted => "the clock is trusted",
        ClockHealth::Untrusted => "the clock is NOT trusted: every bed is watched",
    };
    format!(
        "nattvakt {version}, gateway {gateway}, running for {}\n{time} ({time_zone}), {clock}\n",
        span(status.uptime_s)
    )
}

fn line_of_bed(bed: &Bed, status: &Status, zone: &TimeZone, look: Look, narrow: bool) -> String {
    let since = bed.since.map_or(String::new(), |since| format!(" since {}", wall(since, status.time, zone)));
    let state = format!("{}{since}", bed.phase.words());
    let mat = pad(&words_of_mat(bed, status), if narrow { 0 } else { 23 });
    let mat = match bed.mat {
        _ if bed.phase == Phase::NoAnswer => mat,
        MatHealth::Ok => look.paint(Ink::Good, &mat),
        MatHealth::Learning | MatHealth::Paused => look.paint(Ink::Warning, &mat),
        MatHealth::Fault(_) => look.paint(Ink::Alarm, &mat),
    };
    let watch = words_of_watch(bed, status, zone);
    if narrow {
        return format!("\n{}: {state}\n  mat: {}\n  watch: {watch}\n", bed.bed, mat.trim_end());
    }
    format!("{}{}{mat}{watch}\n", pad(bed.bed.as_str(), 10), pad(&state, 27))
}

fn words_of_mat(bed: &Bed, status: &Status) -> String {
    if bed.phase == Phase::NoAnswer {
        return "?".to_owned();
    }
    let read = bed.last_reading.map(|read| status.time.duration_since(read).as_secs().try_into().unwrap_or(0_u64));
    match read {
        Some(ago) if ago < READ_NOW_S => bed.mat.to_string(),
        Some(ago) => format!("{}, read {} ago", bed.mat, span(ago)),
        None => format!("{}, never read", bed.mat),
    }
}

fn words_of_watch(bed: &Bed, status: &Status, zone: &TimeZone) -> String {
    if let Some(until) = bed.paused_until {
        return format!("paused until {}", wall(until, status.time, zone));
    }
    let word = if bed.watched { "on" } else { "off" };
    bed.watch_changes.map_or(word.to_owned(), |until| format!("{word} until {}", wall(until, status.time, zone)))
}

fn line_of_channel(channel: &Channel, status: &Status, zone: &TimeZone, look: Look, narrow: bool) -> String {
    let (state, ink) = match channel.state {
        ChannelState::Works => ("works", Ink::Good),
        ChannelState::Untried => ("not tried yet", Ink::Warning),
        ChannelState::Down => ("does not work", Ink::Alarm),
    };
    let accepted = channel.accepted.map_or("not since the start".to_owned(), |accepted| {
        let ago = status.time.duration_since(accepted).as_secs().try_into().unwrap_or(0);
        if ago < 3600 { format!("{} ago", span(ago)) } else { wall(accepted, status.time, zone) }
    });
    let (name, waiting) = (&channel.name, channel.waiting);
    let mut line = if narrow {
        format!("\n{name}: {}\n  last accepted: {accepted}\n  waiting: {waiting}\n", look.paint(ink, state))
    } else {
        let state = look.paint(ink, &pad(state, 16));
        format!("{}{state} {}{waiting}\n", pad(name, 18), pad(&accepted, 22))
    };
    if let (ChannelState::Works | ChannelState::Untried, Some(error)) = (channel.state, &channel.error) {
        line += &["  last error: ", error, "\n"].concat();
    }
    line
}

fn words_of_store(store: &Store) -> String {
    let memory = match store.in_memory {
        0 => String::new(),
        1 => ", 1 alert in memory only".to_owned(),
        count => format!(", {count} alerts in memory only"),
    };
    let state = match store.state {
        StoreState::Opening => "being opened",
        StoreState::Sound => "sound",
        StoreState::Faulty => "alerts do NOT reach the disk",
    };
    let tenths = store.bytes.div_ceil(100_000);
    format!("{state}{memory}, {}.{} MB on disk", tenths / 10, tenths % 10)
}

fn verdict(status: &Status, look: Look) -> String {
    if status.well {
        return format!("\n{}\n", look.paint(Ink::Good, "All is well."));
    }
    let mut text = format!("\n{}\n", look.paint(Ink::Alarm, "Something is wrong:"));
    for problem in &status.problems {
        text += &["  - ", problem, "\n"].concat();
    }
    text
}

/// Fills up with spaces, by characters; at least one.
fn pad(text: &str, width: usize) -> String {
    format!("{text:<width$}{}", if text.chars().count() < width { "" } else { " " })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(json: serde_json::Value) -> Status {
        serde_json::from_value(json).unwrap()
    }

    fn home() -> serde_json::Value {
        serde_json::json!({
            "well": true, "problems": [], "version": "0.1.0", "gateway": "4601234567", "time-zone": "Europe/Stockholm",
            "time": "2026-01-15T23:12:04.120Z", "started": "2026-01-12T19:00:00Z", "uptime-s": 274_324,
            "clock": "trusted", "power": "mains",
            "beds": [
                {"bed": "bed-1", "mat": "ok", "phase": "in-bed", "since": "2026-01-15T21:14:00Z",
                 "last-reading": "2026-01-15T23:12:04.100Z", "watched": true, "watch-changes": "2026-01-16T06:00:00Z"},
                {"bed": "bed-2", "mat": "paused", "phase": "empty", "since": "2026-01-15T22:12:00Z",
                 "last-reading": "2026-01-15T23:10:04.100Z", "watched": false, "paused-until": "2026-01-16T00:30:00Z"},
            ],
            "channels": [
                {"name": "larmcentral", "state": "works", "accepted": "2026-01-15T23:11:44Z", "waiting": 0},
                {"name": "reserv", "state": "untried", "waiting": 2},
            ],
            "store": {"state": "sound", "undelivered": 2, "in-memory": 0, "bytes": 1_150_000}, "faults": [],
        })
    }

    const PLAIN: Look = Look { colour: false, live: false };

    #[test]
    fn a_home_fits_on_one_screen() {
        let status = status(home());
        let drawn = screen(&status, &crate::cli::wire::zone(&status.time_zone), PLAIN, 80);
        let expected = "\
nattvakt 0.1.0, gateway 4601234567, running for 3 d 4 h
2026-01-16 00:12:04 (Europe/Stockholm), the clock is trusted

BED       STATE                      MAT                    WATCH
bed-1     in bed since 22:14         ok                     on until 07:00
bed-2     empty since 23:12          paused, read 2 min ago paused until 01:30

DISPATCH          STATE            LAST ACCEPTED         WAITING
larmcentral       works            20 s ago              0
reserv            not tried yet    not since the start   2

Store: sound, 1.2 MB on disk
Power: mains

All is well.
";
        assert_eq!(drawn, expected);
        assert!(drawn.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn what_is_wrong_is_said_last_and_plainly() {
        let mut json = home();
        json["beds"][0]["mat"] = "silent".into();
        let status = status(json).judged();
        let drawn = screen(&status, &TimeZone::UTC, PLAIN, 80);
        assert!(drawn.ends_with("\nSomething is wrong:\n  - bed-1: the mat cannot be trusted: silent\n"), "{drawn}");
    }

    #[test]
    fn a_phone_gets_no_table() {
        let drawn = screen(&status(home()), &TimeZone::UTC, PLAIN, 40);
        assert!(
            drawn.contains("\nbed-2: empty since 22:12\n  mat: paused, read 2 min ago\n  watch: paused until 00:30\n")
        );
        assert!(drawn.contains("\nreserv: not tried yet\n  last accepted: not since the start\n  waiting: 2\n"));
        assert!(drawn.lines().all(|line| line.chars().count() <= 40), "{drawn}");
    }

    #[test]
    fn what_is_due_is_said_beneath_and_is_nothing_wrong() {
        let mut json = home();
        json["tests-due"] = serde_json::json!([{"bed": "bed-1"}, {"bed": "bed-2", "tested": "2025-09-01T10:00:00Z"}]);
        let drawn = screen(&status(json).judged(), &TimeZone::UTC, PLAIN, 80);
        let expected = "\nAll is well.\n\nDue:\n  \
            - bed-1: no test alert has been accepted yet; `sudo nattvakt test-alert bed-1`\n  \
            - bed-2: the last test alert is from 2025-09-01; `sudo nattvakt test-alert bed-2`\n";
        assert!(drawn.ends_with(expected), "{drawn}");
    }
}
