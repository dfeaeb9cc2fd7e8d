//! Puts the times of an alert right that was raised before the clock could be trusted: a box without a clock of its own
//! boots in 1970, and the network, with it the time, may come after the alert. PURE.

use jiff::Timestamp;

use crate::model::{Alert, Event, Kind, Now};

/// Returns the alert with the times that a clock which can be trusted would have shown; `None` where they are right, or
/// cannot be put right: the clock still cannot be trusted, or it is not known any more when the alert was raised.
pub(super) fn put_right(alert: &Alert, raised: Option<&Now>, now: &Now) -> Option<Alert> {
    let raised = raised.filter(|raised| now.trusted && !raised.trusted && !alert.event.trusted)?;
    let off = now.utc_of(raised.moment).duration_since(raised.utc);
    let right = |time: Timestamp| time.saturating_add(off).unwrap_or(time);
    let Event { time, decided, not_before, kind, .. } = alert.event.clone();
    let (time, decided, not_before) = (right(time), right(decided), not_before.map(right));
    let kind = if let Kind::Paused { until } = kind { Kind::Paused { until: right(until) } } else { kind };
    let event = Event { time, decided, not_before, kind, trusted: true, ..alert.event.clone() };
    Some(Alert { event, ..alert.clone() })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{AlertId, Moment, Priority, Sequence};

    const BOOT: Moment = Moment::from_nanos(0);

    fn at(seconds: u64, clock: &str, trusted: bool) -> Now {
        Now { moment: BOOT + Duration::from_secs(seconds), utc: clock.parse().unwrap(), trusted }
    }

    /// Raised five minutes after the boot of a box that begins in 1970, two seconds after she left.
    fn raised() -> (Alert, Now) {
        let now = at(300, "1970-01-01T00:05:00Z", false);
        let time = now.utc_of(BOOT + Duration::from_secs(298));
        let until = now.utc_of(BOOT + Duration::from_secs(600));
        let event = Event { time, not_before: Some(time), ..Event::of_gateway(Kind::Paused { until }, &now) };
        let (id, priority) = (AlertId::from_entropy(1), Priority::Alarm);
        (Alert { id, sequence: Sequence(1), event, priority, text: String::new(), closes: Vec::new() }, now)
    }

    #[test]
    fn an_alert_from_before_the_clock_was_set_tells_when_it_was() {
        let (alert, then) = raised();
        let right = put_right(&alert, Some(&then), &at(900, "2026-01-15T23:15:00Z", true)).unwrap();
        let Event { time, decided, not_before, kind, trusted, .. } = right.event;
        assert_eq!((time.to_string().as_str(), not_before, trusted), ("2026-01-15T23:04:58Z", Some(time), true));
        assert_eq!(decided.to_string(), "2026-01-15T23:05:00Z");
        assert_eq!(kind, Kind::Paused { until: "2026-01-15T23:10:00Z".parse().unwrap() });
        assert_eq!((right.id, right.sequence), (alert.id, alert.sequence));
    }

    #[test]
    fn what_is_not_known_to_be_right_stays_marked_and_what_is_right_stays() {
        let (alert, then) = raised();
        assert_eq!(put_right(&alert, Some(&then), &at(900, "1970-01-01T00:15:00Z", false)), None);
        let later = at(900, "2026-01-15T23:15:00Z", true);
        assert_eq!(put_right(&alert, None, &later), None, "of an earlier life");
        let sure = Alert { event: Event { trusted: true, ..alert.event.clone() }, ..alert.clone() };
        assert_eq!(put_right(&sure, Some(&then), &later), None);
        assert_eq!(
            put_right(&alert, Some(&Now { trusted: true, ..then }), &later),
            None,
            "the clock was set meanwhile"
        );
    }
}
