//! What one bed's night was: from noon to noon by the home's clock. PURE. Knows beds, and nothing of people.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::input::Story;
use crate::model::{AlertId, BedId, Event, GatewayFault, Kind, Priority, Watch};

/// A span of time; an end that is not known is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Span {
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
}

/// An alarm of the night.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Alarm {
    pub(super) time: Timestamp,
    pub(super) kind: &'static str,
    /// From when it was decided until dispatch had accepted it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) accepted_after_s: Option<i64>,
}

/// A fault of the mat or of what lies before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Fault {
    pub(super) fault: String,
    #[serde(flatten)]
    pub(super) span: Span,
}

/// One bed's night.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Night {
    pub(super) bed: BedId,
    /// The date of its evening.
    #[serde(rename = "night")]
    pub(super) evening: Date,
    #[serde(skip)]
    pub(super) bounds: (Timestamp, Timestamp),
    /// When somebody lay in it.
    pub(super) in_bed: Vec<Span>,
    /// How often the bed was left.
    pub(super) rises: usize,
    /// Out of bed between two times in it.
    pub(super) absences: Vec<Span>,
    pub(super) alarms: Vec<Alarm>,
    pub(super) faults: Vec<Fault>,
    pub(super) paused: Vec<Span>,
    /// How much of the time in which it should have been watched it was not, in minutes.
    pub(super) not_watched_min: i64,
}

/// From noon to noon of the night that begins on this date.
pub(super) fn bounds(date: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    let noon = |date: Date| zone.to_ambiguous_timestamp(date.at(12, 0, 0, 0)).compatible().ok();
    Some((noon(date)?, noon(date.tomorrow().ok()?)?))
}

/// Tells a bed's night. What is known of the time before it says how it began.
pub(super) fn tell(story: &Story, bed: BedId, watch: &Watch, date: Date, bounds: (Timestamp, Timestamp)) -> Night {
    let (from, to) = bounds;
    let of_bed = |event: &Event| event.bed == Some(bed) && event.time < to;
    let events: Vec<&(Option<AlertId>, Event)> = story.events.iter().filter(|(_, event)| of_bed(event)).collect();
    let tonight = || events.iter().filter(|(_, event)| event.time >= from);
    let in_bed = clipped(&in_bed(events.iter().map(|(_, event)| event)), bounds);
    let paused = clipped(&paused(events.iter().map(|(_, event)| event)), bounds);
    let gateway = story.events.iter().map(|(_, event)| event).filter(|event| event.bed.is_none() && event.time < to);
    let faults = faults(&events.iter().map(|(_, event)| event).chain(gateway).collect::<Vec<_>>(), bounds);
    let lost: Vec<Span> = faults.iter().map(|fault| fault.span).chain(paused.iter().copied()).collect();
    let alarm = |(id, event): &&&(Option<AlertId>, Event)| Alarm {
        time: event.time,
        kind: event.kind.as_str(),
        accepted_after_s: id.and_then(|id| accepted_after(story, id, event.decided)),
    };
    let is_alarm = |event: &Event| event.watched && event.kind.priority() == Priority::Alarm;
    Night {
        bed,
        evening: date,
        bounds,
        rises: tonight().filter(|(_, event)| event.kind == Kind::Rise).count(),
        absences: absences(&in_bed),
        alarms: tonight().filter(|(_, event)| is_alarm(event)).map(|entry| alarm(&entry)).collect(),
        not_watched_min: lost_minutes(&lost, watch, bounds),
        in_bed,
        faults,
        paused,
    }
}

fn accepted_after(story: &Story, id: AlertId, decided: Timestamp) -> Option<i64> {
    let (_, at) = story.accepted.iter().find(|(accepted, _)| *accepted == id)?;
    Some(at.duration_since(decided).as_secs().max(0))
}

/// Joins beginnings and ends; an end without a beginning began before anything is known.
fn spans(edges: impl Iterator<Item = (bool, Timestamp)>) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for (begins, at) in edges {
        let open = spans.last().is_some_and(|span| span.to.is_none());
        match (begins, open) {
            (true, false) => spans.push(Span { from: Some(at), to: None }),
            (false, true) => spans.iter_mut().rev().take(1).for_each(|span| span.to = Some(at)),
            (false, false) if spans.is_empty() => spans.push(Span { from: None, to: Some(at) }),
            // Already so.
            (true, true) | (false, false) => {}
        }
    }
    spans
}

fn in_bed<'e>(events: impl Iterator<Item = &'e Event>) -> Vec<Span> {
    spans(events.filter_map(|event| match event.kind {
        Kind::InBed | Kind::Return => Some((true, event.time)),
        Kind::Rise | Kind::NotInBed(_) => Some((false, event.time)),
        Kind::Edge
        | Kind::NotReturned
        | Kind::NotUp
        | Kind::SensorFault(_)
        | Kind::SensorRestored(_)
        | Kind::GatewayFault(_)
        | Kind::GatewayRestored(_)
        | Kind::Paused { .. }
        | Kind::Resumed { .. }
        | Kind::Started { .. }
        | Kind::Heartbeat(_)
        | Kind::Test => None,
    }))
}

/// Pauses end by themselves, also where nothing tells of their end.
fn paused<'e>(events: impl Iterator<Item = &'e Event>) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for event in events {
        if let Kind::Paused { until } = event.kind {
            spans.push(Span { from: Some(event.time), to: Some(until) });
        } else if matches!(event.kind, Kind::Resumed { .. }) {
            match spans.last_mut() {
                Some(span) => span.to = span.to.min(Some(event.time)),
                None => spans.push(Span { from: None, to: Some(event.time) }),
            }
        }
    }
    spans
}

/// The faults in which a bed was not watched: of its whole mat, and of the broker.
fn faults(events: &[&Event], bounds: (Timestamp, Timestamp)) -> Vec<Fault> {
    let name = |event: &Event| {
        if event.zone.is_some() {
            return None;
        }
        if let Kind::SensorFault(fault) | Kind::SensorRestored(fault) = event.kind {
            return Some(fault.to_string());
        }
        let broker = Kind::GatewayFault(GatewayFault::Broker) == event.kind
            || Kind::GatewayRestored(GatewayFault::Broker) == event.kind;
        broker.then(|| GatewayFault::Broker.to_string())
    };
    let mut names: Vec<String> = events.iter().copied().filter_map(name).collect();
    names.sort();
    names.dedup();
    let mut faults: Vec<Fault> = Vec::new();
    for fault in names {
        let of_this = events.iter().copied().filter(|event| name(event).as_ref() == Some(&fault));
        let begins = |event: &Event| matches!(event.kind, Kind::SensorFault(_) | Kind::GatewayFault(_));
        let spans = clipped(&spans(of_this.map(|event| (begins(event), event.time))), bounds);
        faults.extend(spans.into_iter().map(|span| Fault { fault: fault.clone(), span }));
    }
    faults.sort_by_key(|fault| fault.span.from);
    faults
}

/// Keeps what lies within the night. What began before it, or ends after it, has no such end here.
fn clipped(spans: &[Span], (from, to): (Timestamp, Timestamp)) -> Vec<Span> {
    let touches = |span: &&Span| span.from.is_none_or(|begun| begun < to) && span.to.is_none_or(|ended| ended > from);
    let clip =
        |span: &Span| Span { from: span.from.filter(|begun| *begun >= from), to: span.to.filter(|ended| *ended < to) };
    spans.iter().filter(touches).map(clip).collect()
}

fn absences(in_bed: &[Span]) -> Vec<Span> {
    let between = in_bed.windows(2).filter_map(|pair| Some((pair.first()?.to?, pair.get(1)?.from?)));
    between.map(|(from, to)| Span { from: Some(from), to: Some(to) }).collect()
}

/// Counts the minutes of the watch in which any of these spans lay, each minute once.
fn lost_minutes(lost: &[Span], watch: &Watch, (from, to): (Timestamp, Timestamp)) -> i64 {
    const MINUTE: SignedDuration = SignedDuration::from_secs(60);
    let within = |at: Timestamp| {
        lost.iter().any(|span| span.from.is_none_or(|begun| begun <= at) && span.to.is_none_or(|ended| ended > at))
    };
    if lost.is_empty() {
        return 0;
    }
    let minutes = std::iter::successors(Some(from), |at| at.checked_add(MINUTE).ok()).take_while(|at| *at < to);
    i64::try_from(minutes.filter(|at| within(*at) && watch.is_on(*at)).count()).unwrap_or(i64::MAX)
}

impl Span {
    /// Returns its length within the night.
    pub(super) fn length(&self, (from, to): (Timestamp, Timestamp)) -> SignedDuration {
        self.to.unwrap_or(to).duration_since(self.from.unwrap_or(from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schedule::Window;

    fn story(lines: &[(&str, &str, &str)]) -> Story {
        let mut story = Story::default();
        for (time, kind, more) in lines {
            let bed = if kind.starts_with("gateway") { "" } else { "\"bed\":\"b\"," };
            story.take(&format!(
                "{{\"time\":\"2026-01-{time}Z\",\"decided\":\"2026-01-{time}Z\",{bed}\"kind\":\"{kind}\",\"watched\":true{more}}}"
            ));
        }
        assert_eq!(story.bad, 0);
        story.sorted()
    }

    fn night(story: &Story) -> Night {
        let zone = TimeZone::get("Europe/Stockholm").unwrap();
        let window = Window::new("22:00".parse().unwrap(), "07:00".parse().unwrap(), zone.clone()).unwrap();
        let date = "2026-01-15".parse().unwrap();
        tell(story, "b".parse().unwrap(), &Watch::Window(window), date, bounds(date, &zone).unwrap())
    }

    #[test]
    fn a_night_is_told_with_its_rises_and_absences() {
        let told = night(&story(&[
            ("15T20:30:00", "in-bed", ""),
            ("15T23:00:00", "rise", ",\"id\":\"7K2M9Q4T0XW5B8ZC\""),
            ("15T23:15:00", "not-returned", ""),
            ("15T23:20:00", "return", ""),
            ("16T06:30:00", "rise", ""),
            ("16T20:00:00", "in-bed", ""),
        ]));
        assert_eq!((told.in_bed.len(), told.rises, told.absences.len()), (2, 2, 1));
        assert_eq!(told.absences[0].length(told.bounds), SignedDuration::from_mins(20));
        assert_eq!(told.alarms.iter().map(|alarm| alarm.kind).collect::<Vec<_>>(), ["rise", "not-returned", "rise"]);
        assert_eq!(told.not_watched_min, 0);
    }

    #[test]
    fn what_began_before_the_night_is_known_and_has_no_beginning_in_it() {
        let told = night(&story(&[("14T20:00:00", "in-bed", ""), ("15T23:00:00", "rise", "")]));
        let end = "2026-01-15T23:00:00Z".parse().ok();
        assert_eq!(told.in_bed, [Span { from: None, to: end }]);
        assert_eq!(night(&story(&[("15T23:00:00", "rise", "")])).in_bed, [Span { from: None, to: end }]);
        assert_eq!(night(&story(&[("14T20:00:00", "in-bed", "")])).in_bed, [Span { from: None, to: None }]);
        assert!(night(&story(&[("13T20:00:00", "in-bed", ""), ("14T06:00:00", "rise", "")])).in_bed.is_empty());
    }

    #[test]
    fn time_in_which_nobody_watched_counts_once_and_only_within_the_watch() {
        let told = night(&story(&[
            // From an hour before the watch until an hour into it; a pause within it counts no second time.
            ("15T20:00:00", "sensor-fault", ",\"fault\":\"silent\""),
            ("15T21:30:00", "paused", ",\"until\":\"2026-01-15T23:30:00.000Z\""),
            ("15T21:50:00", "resumed", ",\"reason\":\"command\",\"occupied\":true"),
            ("15T22:00:00", "sensor-restored", ",\"fault\":\"silent\""),
            ("16T05:30:00", "gateway-fault", ",\"fault\":\"broker\""),
            // One dead zone of several: the others watch on.
            ("16T01:00:00", "sensor-fault", ",\"fault\":\"stuck\",\"zone\":2"),
        ]));
        assert_eq!(told.faults.iter().map(|fault| fault.fault.as_str()).collect::<Vec<_>>(), ["silent", "broker"]);
        assert_eq!(told.paused.len(), 1);
        assert_eq!(told.not_watched_min, 60 + 30);
    }

    #[test]
    fn a_pause_ends_by_itself_where_nothing_tells_of_its_end() {
        let until = |until: &str| format!(",\"until\":\"2026-01-{until}.000Z\"");
        let told = night(&story(&[("15T22:00:00", "paused", &until("15T23:00:00"))]));
        assert_eq!((told.paused.len(), told.not_watched_min), (1, 60));
        let resumed = ("15T22:20:00", "resumed", ",\"reason\":\"return\",\"occupied\":true");
        assert_eq!(night(&story(&[("15T22:00:00", "paused", &until("15T23:00:00")), resumed])).not_watched_min, 20);
    }

    #[test]
    fn the_time_to_acceptance_is_found_by_the_alerts_id() {
        let mut story = story(&[]);
        story.take(
            r#"{"id":"7K2M9Q4T0XW5B8ZC","event":{"time":"2026-01-15T23:00:00Z","decided":"2026-01-15T23:00:00Z","bed":"b","kind":"rise","watched":true},"accepted":{"channel":"a","at":"2026-01-15T23:00:07Z"}}"#,
        );
        assert_eq!(night(&story).alarms[0].accepted_after_s, Some(7));
    }
}
