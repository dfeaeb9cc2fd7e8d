//! What dispatch is told of one bed, or of the gateway itself, and what ends what. PURE.
//!
//! The detector says what happened; the ledger says whether that is sent, how urgent it is, and which alerts it
//! closes. It keeps the ids of open alerts, over restarts too.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::detect::Alarm;
use crate::model::{AlertId, Event, Kind, MatFault, Priority};

/// The most alerts of one absence, or of one other cause, that stay open; a new one beyond it closes the oldest but the
/// first. So each is closed by something, and what is stored with every alert stays small.
const OPEN_MAX: usize = 64;

/// The most that a store which answers late makes of that; beyond it the oldest but the first are forgotten.
const RECALLED_MAX: usize = 8 * OPEN_MAX;

/// An alert that is to be sent, before it has its number and its text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Draft {
    /// Its id.
    pub id: AlertId,
    /// How urgent it is.
    pub priority: Priority,
    /// What it ends.
    pub closes: Vec<AlertId>,
}

/// The open alerts of one bed or of the gateway.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Ledger {
    /// The id of the next rise, drawn when the bed became occupied: a rise raised again after a crash is the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_rise: Option<AlertId>,
    /// Whether that was drawn in this life of the program.
    #[serde(skip)]
    is_fresh: bool,
    /// What a return closes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    absent: Vec<AlertId>,
    /// What the next rise closes.
    #[serde(skip_serializing_if = "Ids::is_empty")]
    not_up: Ids,
    /// What the end of each fault closes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    faults: BTreeMap<String, Ids>,
}

/// Open alerts of one cause, the oldest first. A single one is written as such, as earlier versions wrote and read it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
struct Ids(Vec<AlertId>);

impl Ids {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The written form of [`Ids`].
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    One(AlertId),
    Many(Vec<AlertId>),
}

impl From<Written> for Ids {
    fn from(written: Written) -> Self {
        match written {
            Written::One(id) => Self(vec![id]),
            Written::Many(ids) => Self(ids),
        }
    }
}

impl From<Ids> for Written {
    fn from(Ids(ids): Ids) -> Self {
        match ids.as_slice() {
            [id] => Self::One(*id),
            _ => Self::Many(ids),
        }
    }
}

impl Ledger {
    /// Takes note of an event; returns what is to be sent of it. `draw` makes a new id.
    pub(super) fn enter(&mut self, event: &Event, alarm: &Alarm, mut draw: impl FnMut() -> AlertId) -> Option<Draft> {
        let send = |id, priority, closes| Some(Draft { id, priority, closes });
        let priority = event.kind.priority();
        match &event.kind {
            Kind::InBed => {
                self.draw_next_rise(draw);
                None
            }
            Kind::Return => {
                self.draw_next_rise(&mut draw);
                let closes = std::mem::take(&mut self.absent);
                if closes.is_empty() { None } else { send(draw(), priority, closes) }
            }
            Kind::Rise => {
                let id = self.next_rise.take().unwrap_or_else(&mut draw);
                let mut closes = std::mem::take(&mut self.not_up).0;
                let told = event.watched && alarm.rise;
                if told {
                    closes.extend(open(&mut self.absent, id));
                }
                let priority = if told { priority } else { Priority::Info };
                if told || !closes.is_empty() { send(id, priority, closes) } else { None }
            }
            Kind::Edge if !(event.watched && alarm.edge) => None,
            Kind::NotReturned if !event.watched => None,
            // A not-in-bed that was set is told at its time whatever the window; one of an unknown state where it is
            // watched.
            Kind::Edge | Kind::NotReturned | Kind::NotInBed(_) => {
                let id = draw();
                send(id, priority, open(&mut self.absent, id))
            }
            Kind::NotUp => {
                let id = draw();
                send(id, priority, open(&mut self.not_up.0, id))
            }
            Kind::SensorFault(fault) => {
                let id = draw();
                send(id, priority, self.fault(&of_zone(*fault, event.zone), id))
            }
            Kind::GatewayFault(fault) => {
                let id = draw();
                send(id, priority, self.fault(fault.as_str(), id))
            }
            Kind::SensorRestored(fault) => send(draw(), priority, self.restored(&of_zone(*fault, event.zone))),
            Kind::GatewayRestored(fault) => send(draw(), priority, self.restored(fault.as_str())),
            Kind::Paused { .. } | Kind::Resumed { .. } | Kind::Started { .. } | Kind::Test => {
                send(draw(), priority, Vec::new())
            }
            Kind::Heartbeat(_) => None,
        }
    }

    /// Takes note that she has been seen in bed in this life of the program; tells whether that changes anything. The id
    /// that was stored is for a rise that was under way at the end of the life before. Where the disk had not taken what
    /// came after it, it may have been used, and dispatch would drop the next rise as a repeat of that one.
    pub(super) fn seen_in_bed(&mut self, draw: impl FnMut() -> AlertId) -> bool {
        let stale = !self.is_fresh && self.next_rise.is_some();
        if stale {
            self.draw_next_rise(draw);
        }
        stale
    }

    fn draw_next_rise(&mut self, mut draw: impl FnMut() -> AlertId) {
        (self.next_rise, self.is_fresh) = (Some(draw()), true);
    }

    /// Notes the beginning of a fault; returns what it takes the place of, where it is told again with more urgency.
    fn fault(&mut self, fault: &str, id: AlertId) -> Vec<AlertId> {
        self.faults.insert(fault.to_owned(), Ids(vec![id])).unwrap_or_default().0
    }

    fn restored(&mut self, fault: &str) -> Vec<AlertId> {
        self.faults.remove(fault).unwrap_or_default().0
    }

    /// Takes what was open before the start, learnt only now. What has been told since is the newer; a fault that began
    /// both before and after it is open twice at dispatch.
    pub(super) fn recall(&mut self, earlier: Self) {
        recall(&mut self.absent, earlier.absent);
        recall(&mut self.not_up.0, earlier.not_up.0);
        for (fault, Ids(ids)) in earlier.faults {
            recall(&mut self.faults.entry(fault).or_default().0, ids);
        }
        self.next_rise = self.next_rise.or(earlier.next_rise);
    }

    /// Returns the words of the faults whose end has not been told.
    pub(super) fn open_faults(&self) -> impl Iterator<Item = &str> {
        self.faults.keys().map(String::as_str)
    }
}

/// Adds an alert to those of its cause that are open; returns those of them that it is to close.
fn open(ids: &mut Vec<AlertId>, id: AlertId) -> Vec<AlertId> {
    let surplus = (ids.len() + 1).saturating_sub(OPEN_MAX);
    ids.push(id);
    ids.drain(1..=surplus).collect()
}

/// Puts those from before the start in front.
fn recall(ids: &mut Vec<AlertId>, earlier: Vec<AlertId>) {
    let newer = std::mem::replace(ids, earlier);
    ids.extend(newer);
    if ids.len() > RECALLED_MAX {
        ids.drain(1..=ids.len() - RECALLED_MAX);
    }
}

/// Tells the faults of zones apart from those of the whole mat: the end of one closes no other.
fn of_zone(fault: MatFault, zone: Option<u8>) -> String {
    zone.map_or_else(|| fault.to_string(), |zone| format!("{fault} {zone}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::NotInBedReason;
    use crate::model::{GatewayFault, Now};

    struct Desk {
        ledger: Ledger,
        alarm: Alarm,
        drawn: u128,
    }

    impl Desk {
        fn new() -> Self {
            Self { ledger: Ledger::default(), alarm: Alarm::default(), drawn: 0 }
        }

        /// What a restart makes of it.
        fn restarted(&self) -> Self {
            let ledger = serde_json::from_slice(&serde_json::to_vec(&self.ledger).unwrap()).unwrap();
            Self { ledger, drawn: 1000, ..Self::new() }
        }

        fn enter(&mut self, kind: Kind, watched: bool) -> Option<Draft> {
            let now = Now::recorded("2026-01-15T23:12:05Z".parse().unwrap());
            let event = Event { watched, bed: "bed-1".parse().ok(), ..Event::of_gateway(kind, &now) };
            let drawn = &mut self.drawn;
            self.ledger.enter(&event, &self.alarm, || {
                *drawn += 1;
                AlertId::from_entropy(*drawn)
            })
        }
    }

    #[test]
    fn a_return_closes_all_that_the_absence_has_told() {
        let mut desk = Desk::new();
        assert_eq!(desk.enter(Kind::InBed, true), None);
        let rise = desk.enter(Kind::Rise, true).unwrap();
        let late = desk.enter(Kind::NotReturned, true).unwrap();
        let back = desk.enter(Kind::Return, true).unwrap();
        assert_eq!(back.closes, [rise.id, late.id]);
        assert_eq!((rise.priority, back.priority), (Priority::Alarm, Priority::Info));
    }

    #[test]
    fn what_is_remembered_late_is_closed_as_well() {
        let (mut before, mut desk) = (Desk::new(), Desk { drawn: 1000, ..Desk::new() });
        before.enter(Kind::InBed, true);
        let rise = before.enter(Kind::Rise, true).unwrap();
        let late = desk.enter(Kind::NotReturned, true).unwrap();
        desk.ledger.recall(before.ledger);
        assert_eq!(desk.enter(Kind::Return, true).unwrap().closes, [rise.id, late.id]);
    }

    #[test]
    fn a_return_closes_an_edge_that_was_told_and_the_rise_that_followed_it() {
        let mut desk = Desk::new();
        desk.enter(Kind::InBed, true);
        assert_eq!(desk.enter(Kind::Edge, true), None, "only where it is asked for");
        desk.alarm.edge = true;
        let edge = desk.enter(Kind::Edge, true).unwrap();
        assert_eq!(edge.priority, Priority::Warning);
        assert_eq!(desk.enter(Kind::Return, true).unwrap().closes, [edge.id]);
        let edge = desk.enter(Kind::Edge, true).unwrap();
        let rise = desk.enter(Kind::Rise, true).unwrap();
        assert_eq!(desk.enter(Kind::Return, true).unwrap().closes, [edge.id, rise.id]);
    }

    #[test]
    fn what_nobody_was_told_of_is_not_closed() {
        let mut desk = Desk::new();
        desk.enter(Kind::InBed, false);
        assert_eq!(desk.enter(Kind::Rise, false), None);
        assert_eq!(desk.enter(Kind::Return, false), None);
    }

    #[test]
    fn the_id_of_a_rise_is_drawn_when_the_bed_becomes_occupied() {
        let mut desk = Desk::new();
        desk.enter(Kind::InBed, true);
        let mut after_crash = desk.restarted();
        assert_eq!(desk.enter(Kind::Rise, true).unwrap().id, after_crash.enter(Kind::Rise, true).unwrap().id);
    }

    #[test]
    fn an_id_from_before_a_restart_is_for_a_rise_of_that_time_only() {
        let mut desk = Desk::new();
        desk.enter(Kind::InBed, true);
        assert!(!desk.ledger.seen_in_bed(|| unreachable!("it was drawn just now")));
        let mut restarted = desk.restarted();
        assert!(restarted.ledger.seen_in_bed(|| AlertId::from_entropy(77)), "it must be stored");
        assert!(!restarted.ledger.seen_in_bed(|| unreachable!("once is enough")));
        let told = desk.enter(Kind::Rise, true).unwrap();
        assert_ne!(restarted.enter(Kind::Rise, true).unwrap().id, told.id);
    }

    #[test]
    fn the_rise_after_a_not_up_closes_it_and_is_sent_though_nobody_watches() {
        let mut desk = Desk::new();
        desk.enter(Kind::InBed, true);
        let late = desk.enter(Kind::NotUp, false).unwrap();
        let rise = desk.enter(Kind::Rise, false).unwrap();
        assert_eq!((rise.closes, rise.priority), (vec![late.id], Priority::Info));
    }

    #[test]
    fn where_rises_are_not_told_a_long_absence_still_is() {
        let mut desk = Desk::new();
        desk.alarm.rise = false;
        desk.enter(Kind::InBed, true);
        assert_eq!(desk.enter(Kind::Rise, true), None);
        let late = desk.enter(Kind::NotReturned, true).unwrap();
        assert_eq!(desk.enter(Kind::Return, true).unwrap().closes, [late.id]);
    }

    #[test]
    fn the_end_of_a_fault_closes_its_beginning() {
        let mut desk = Desk::new();
        let fault = desk.enter(Kind::SensorFault(MatFault::Silent), false).unwrap();
        let end = desk.enter(Kind::SensorRestored(MatFault::Silent), false).unwrap();
        assert_eq!(end.closes, [fault.id]);
        assert_eq!(desk.ledger.open_faults().count(), 0);
    }

    #[test]
    fn a_fault_that_is_told_again_closes_what_it_takes_the_place_of() {
        let mut desk = Desk::new();
        let kind = || Kind::GatewayFault(GatewayFault::Certificate);
        let first = desk.enter(kind(), true).unwrap();
        let second = desk.enter(kind(), true).unwrap();
        assert_eq!(second.closes, [first.id]);
        let end = desk.enter(Kind::GatewayRestored(GatewayFault::Certificate), true).unwrap();
        assert_eq!(end.closes, [second.id]);
    }

    #[test]
    fn a_fault_that_began_before_and_after_a_start_is_closed_twice() {
        let kind = || Kind::GatewayFault(GatewayFault::Store);
        let over = || Kind::GatewayRestored(GatewayFault::Store);
        let (mut before, mut desk) = (Desk::new(), Desk { drawn: 1000, ..Desk::new() });
        let first = before.enter(kind(), true).unwrap();
        let second = desk.enter(kind(), true).unwrap();
        desk.ledger.recall(before.ledger);
        let mut restarted = desk.restarted();
        assert_eq!(desk.enter(over(), true).unwrap().closes, [first.id, second.id]);
        let third = restarted.enter(kind(), true).unwrap();
        assert_eq!(third.closes, [first.id, second.id], "told again with more urgency");
        assert_eq!(restarted.enter(over(), true).unwrap().closes, [third.id]);
    }

    #[test]
    fn what_an_earlier_version_wrote_is_read_and_so_the_other_way_round() {
        let written = r#"{"faults":{"broker":"0000000000000007"}}"#;
        let ledger: Ledger = serde_json::from_str(written).unwrap();
        assert_eq!(serde_json::to_string(&ledger).unwrap(), written);
        let mut desk = Desk { ledger, ..Desk::new() };
        let over = desk.enter(Kind::GatewayRestored(GatewayFault::Broker), true).unwrap();
        assert_eq!(over.closes, ["0000000000000007".parse().unwrap()]);
    }

    #[test]
    fn a_rise_closes_the_not_up_of_each_day_before_it() {
        let mut desk = Desk::new();
        desk.enter(Kind::InBed, true);
        let mut days: Vec<_> = (0..2).map(|_| desk.enter(Kind::NotUp, false).unwrap().id).collect();
        let mut restarted = desk.restarted();
        days.push(restarted.enter(Kind::NotUp, false).unwrap().id);
        assert_eq!(restarted.enter(Kind::Rise, false).unwrap().closes, days);
        let ledger: Ledger = serde_json::from_str(r#"{"not-up":"0000000000000007"}"#).unwrap();
        let mut before = Desk { ledger, ..Desk::new() };
        assert_eq!(before.enter(Kind::Rise, false).unwrap().closes.len(), 1, "as an earlier version wrote it");
    }

    #[test]
    fn a_ledger_never_grows_without_bound_and_each_alert_is_closed_by_something() {
        let mut desk = Desk::new();
        let first = desk.enter(Kind::NotInBed(NotInBedReason::Unknown), true).unwrap();
        let (mut opened, mut closed) = (vec![first.id], Vec::new());
        for _ in 0..200 {
            let late = desk.enter(Kind::NotReturned, true).unwrap();
            opened.push(late.id);
            closed.extend(late.closes);
        }
        assert!(!closed.contains(&first.id), "it is the cause of the others");
        let back = desk.enter(Kind::Return, true).unwrap();
        assert_eq!((back.closes.len(), back.closes.first()), (OPEN_MAX, Some(&first.id)));
        closed.extend(back.closes);
        closed.sort();
        opened.sort();
        assert_eq!(closed, opened);
    }

    #[test]
    fn more_than_stay_open_may_be_remembered_late_and_are_closed_with_the_next() {
        let (mut before, mut desk) = (Desk::new(), Desk { drawn: 1000, ..Desk::new() });
        for _ in 0..OPEN_MAX {
            before.enter(Kind::NotReturned, true);
            desk.enter(Kind::NotReturned, true);
        }
        desk.ledger.recall(before.ledger);
        assert_eq!(desk.enter(Kind::NotReturned, true).unwrap().closes.len(), OPEN_MAX + 1);
        assert_eq!(desk.enter(Kind::Return, true).unwrap().closes.len(), OPEN_MAX);
    }
}
