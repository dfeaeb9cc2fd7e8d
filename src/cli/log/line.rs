//! The timeline as text and as CSV. PURE.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::cli::demo::{Ink, Look};
use crate::cli::words::{COLUMNS_TABLE, about};
use crate::model::time::rfc3339;
use crate::model::{Entry, Kind, Priority};

/// Writes a line an entry, under the date of each day; on a phone what is told of it stands below.
pub(super) fn timeline(entries: &[Entry], since: Timestamp, zone: &TimeZone, look: Look, columns: usize) -> String {
    let name = zone.iana_name().unwrap_or("UTC");
    if entries.is_empty() {
        let since = since.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M");
        return format!("Nothing since {since} ({name}).\n");
    }
    let mut text = look.paint(Ink::Dim, &format!("Times of {name}\n"));
    let mut day: Option<Date> = None;
    for entry in entries {
        let time = entry.event.time.to_zoned(zone.clone());
        if day.replace(time.date()) != Some(time.date()) {
            text += &look.paint(Ink::Bold, &time.strftime("%A %Y-%m-%d\n").to_string());
        }
        let bed = entry.event.bed.as_ref().map_or("gateway", |bed| bed.as_str());
        let (kind, narrow) = (entry.event.kind.as_str(), columns < COLUMNS_TABLE);
        let kind = look.paint_if(ink(entry), &if narrow { kind.to_owned() } else { format!("{kind:16}") });
        let words = [about(&entry.event, zone), delivery(entry)];
        let words = words.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
        let time = time.strftime("%H:%M:%S");
        text += if narrow {
            format!("{time} {bed} {kind}\n  {words}")
        } else {
            format!("{time}  {bed:8}  {kind}  {words}")
        }
        .trim_end();
        text.push('\n');
    }
    text
}

fn ink(entry: &Entry) -> Option<Ink> {
    let told = entry.id.is_some();
    match entry.event.kind.priority() {
        Priority::Alarm if told => Some(Ink::Alarm),
        Priority::Warning if told => Some(Ink::Warning),
        Priority::Alarm | Priority::Warning | Priority::Info => None,
    }
}

/// Says what became of the alert.
fn delivery(entry: &Entry) -> String {
    match (&entry.accepted, entry.id) {
        (Some(accepted), _) => {
            let after = accepted.at.duration_since(entry.event.decided).as_millis();
            // With a clock that was put right meanwhile there is no saying.
            let after = if after < 0 { String::new() } else { format!(" after {}", seconds(after)) };
            format!("{} has it{after}", accepted.channel)
        }
        (None, Some(_)) => "not accepted yet".to_owned(),
        (None, None) if entry.event.kind == Kind::InBed => String::new(),
        (None, None) if entry.event.watched => "not told".to_owned(),
        (None, None) => "not told: not watched".to_owned(),
    }
}

fn seconds(millis: i128) -> String {
    match millis {
        0..10_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        10_000..120_000 => format!("{} s", millis / 1000),
        _ => format!("{} min", millis / 60_000),
    }
}

/// The columns of the CSV.
const HEADER: &str = "time,decided,bed,kind,watched,about,alert,channel,accepted,reference\n";

/// Writes a row an entry, times in UTC; what is not known is empty.
pub(super) fn csv(entries: &[Entry]) -> String {
    let mut text = HEADER.to_owned();
    for Entry { event, id, accepted, .. } in entries {
        let by = accepted.as_ref();
        let row = [
            rfc3339(event.time),
            rfc3339(event.decided),
            event.bed.map_or(String::new(), |bed| bed.to_string()),
            event.kind.as_str().to_owned(),
            event.watched.to_string(),
            about(event, &TimeZone::UTC),
            id.map_or(String::new(), |id| id.to_string()),
            by.map_or(String::new(), |by| by.channel.clone()),
            by.map_or(String::new(), |by| rfc3339(by.at)),
            by.and_then(|by| by.reference.clone()).unwrap_or_default(),
        ];
        text += &row.map(|field| quoted(&field)).join(",");
        text.push('\n');
    }
    text
}

/// Puts a field into quotes where it needs them (RFC 4180). What a spreadsheet would take for a formula is told as text.
fn quoted(field: &str) -> String {
    let field = if field.starts_with(['=', '+', '-', '@']) { format!("'{field}") } else { field.to_owned() };
    if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Acceptance, AlertId, Event, GatewayFault, Now};

    fn entry(kind: Kind, time: &str) -> Entry {
        let now = Now::recorded(time.parse().unwrap());
        Entry::of_event(Event { bed: "bed-1".parse().ok(), ..Event::of_gateway(kind, &now) }, None)
    }

    fn told(entry: Entry, after: Option<&str>) -> Entry {
        let accepted = after.map(|at| Acceptance {
            channel: "larmcentral".to_owned(),
            reference: Some("=1,\"2\"".to_owned()),
            at: at.parse().unwrap(),
        });
        Entry { id: Some(AlertId::from_entropy(1)), accepted, ..entry }
    }

    #[test]
    fn a_night_reads_like_this() {
        let fault = entry(Kind::GatewayFault(GatewayFault::Broker), "2026-01-15T23:30:00Z");
        let fault = Event { bed: None, detail: Some("broker.local: refused".to_owned()), ..fault.event };
        let entries = [
            entry(Kind::InBed, "2026-01-15T21:00:00Z"),
            told(entry(Kind::Rise, "2026-01-15T22:59:00Z"), Some("2026-01-15T22:59:01.340Z")),
            told(entry(Kind::Return, "2026-01-15T23:10:00Z"), Some("2026-01-15T23:13:00Z")),
            told(Entry::of_event(fault, None), None),
            Entry {
                event: Event { watched: false, ..entry(Kind::Rise, "2026-01-16T07:00:00Z").event },
                ..entry(Kind::Rise, "2026-01-16T07:00:00Z")
            },
        ];
        let zone = TimeZone::get("Europe/Stockholm").unwrap();
        let expected = "\
Times of Europe/Stockholm
Thursday 2026-01-15
22:00:00  bed-1     in-bed
23:59:00  bed-1     rise              larmcentral has it after 1.3 s
Friday 2026-01-16
00:10:00  bed-1     return            larmcentral has it after 3 min
00:30:00  gateway   gateway-fault     broker: broker.local: refused; not accepted yet
08:00:00  bed-1     rise              not told: not watched
";
        assert_eq!(timeline(&entries, entries[0].event.time, &zone, Look::default(), 80), expected);
        let narrow = timeline(&entries, entries[0].event.time, &zone, Look::default(), 40);
        let expected = "\
Times of Europe/Stockholm
Thursday 2026-01-15
22:00:00 bed-1 in-bed
23:59:00 bed-1 rise
  larmcentral has it after 1.3 s
";
        assert!(narrow.starts_with(expected), "{narrow}");
        let nothing = timeline(&[], entries[0].event.time, &zone, Look::default(), 80);
        assert_eq!(nothing, "Nothing since 2026-01-15 22:00 (Europe/Stockholm).\n");
    }

    #[test]
    fn a_spreadsheet_reads_a_row_an_entry_and_runs_none() {
        let csv = csv(&[told(entry(Kind::Rise, "2026-01-15T22:59:00Z"), Some("2026-01-15T22:59:01.340Z"))]);
        let row = csv.lines().nth(1).unwrap();
        assert!(row.starts_with("2026-01-15T22:59:00.000Z,2026-01-15T22:59:00.000Z,bed-1,rise,true,,"), "{row}");
        assert!(row.ends_with(",larmcentral,2026-01-15T22:59:01.340Z,\"'=1,\"\"2\"\"\""), "{row}");
        assert_eq!(csv.lines().next().unwrap().split(',').count(), 10);
    }
}
