//! The gateway's own faults: told once when they begin, once when they end, and shown while they last.
//!
//! A fault may have several causes at a time (two channels, two mats' broker users); it lasts as long as one does.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Flap, GatewayFault, Moment};

/// The beginning or the end of a fault, to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// The fault is there.
    Begun(GatewayFault),
    /// The fault is over.
    Over(GatewayFault),
}

#[derive(Debug, Clone, Default)]
struct Fault {
    flap: Flap,
    causes: BTreeSet<String>,
}

/// The faults of the gateway. PURE.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults {
    faults: BTreeMap<GatewayFault, Fault>,
}

impl Faults {
    /// Starts with faults whose end has not been told before a restart: they end as soon as their cause proves well.
    pub(super) fn remembered(open: impl IntoIterator<Item = GatewayFault>) -> Self {
        let known = |fault| (fault, Fault { flap: Flap::Open, causes: BTreeSet::new() });
        Self { faults: open.into_iter().map(known).collect() }
    }

    /// Takes faults that were open before the start, learnt only now. Those that have proved well since are over.
    pub(super) fn recall(&mut self, open: impl IntoIterator<Item = GatewayFault>, now: Moment) -> Vec<Told> {
        let mut over = Vec::new();
        for fault in open {
            let proved = self.faults.contains_key(&fault);
            let entry = self.faults.entry(fault).or_default();
            if entry.flap == Flap::Clear {
                entry.flap = Flap::Open;
                over.extend((proved && entry.flap.end(now)).then_some(Told::Over(fault)));
            }
        }
        over
    }

    /// A cause is there.
    pub(super) fn begin(&mut self, fault: GatewayFault, cause: &str, now: Moment) -> Option<Told> {
        let entry = self.faults.entry(fault).or_default();
        entry.causes.insert(cause.to_owned());
        entry.flap.begin(now).then_some(Told::Begun(fault))
    }

    /// A cause is away, or proves well.
    pub(super) fn end(&mut self, fault: GatewayFault, cause: &str, now: Moment) -> Option<Told> {
        // Noted also where it was never there: it has proved well.
        let entry = self.faults.entry(fault).or_default();
        entry.causes.remove(cause);
        (entry.causes.is_empty() && entry.flap.end(now)).then_some(Told::Over(fault))
    }

    /// Tells whether a cause is there.
    pub(super) fn has(&self, fault: GatewayFault, cause: &str) -> bool {
        self.faults.get(&fault).is_some_and(|entry| entry.causes.contains(cause))
    }

    /// Lets time pass; ends that were held back come out.
    pub(super) fn pass(&mut self, now: Moment) -> Vec<Told> {
        let due = |(fault, entry): (&GatewayFault, &mut Fault)| entry.flap.pass(now).map(|_| Told::Over(*fault));
        self.faults.iter_mut().filter_map(due).collect()
    }

    /// Returns the faults that are there.
    pub(super) fn open(&self) -> Vec<GatewayFault> {
        self.faults.iter().filter(|(_, entry)| entry.flap.is_open()).map(|(fault, _)| *fault).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_fault_with_two_causes_lasts_until_both_are_away() {
        let mut faults = Faults::default();
        let now = Moment::from_nanos(0);
        assert_eq!(faults.begin(GatewayFault::Dispatch, "a", now), Some(Told::Begun(GatewayFault::Dispatch)));
        assert_eq!(faults.begin(GatewayFault::Dispatch, "b", now), None);
        assert_eq!(faults.end(GatewayFault::Dispatch, "a", now), None);
        assert_eq!(faults.open(), [GatewayFault::Dispatch]);
        let later = now + Duration::from_secs(1);
        assert_eq!(faults.end(GatewayFault::Dispatch, "b", later), Some(Told::Over(GatewayFault::Dispatch)));
    }

    #[test]
    fn what_is_remembered_late_ends_at_once_where_it_has_proved_well() {
        let (mut faults, now) = (Faults::default(), Moment::from_nanos(0));
        assert_eq!(faults.end(GatewayFault::Dispatch, "a", now), None);
        faults.begin(GatewayFault::Store, "disk", now);
        let open = [GatewayFault::Dispatch, GatewayFault::Store, GatewayFault::Broker];
        assert_eq!(faults.recall(open, now), [Told::Over(GatewayFault::Dispatch)]);
        assert_eq!(faults.open().len(), 2);
        assert_eq!(faults.end(GatewayFault::Broker, "broker", now), Some(Told::Over(GatewayFault::Broker)));
    }

    #[test]
    fn a_cause_from_before_a_restart_is_not_known_to_be_there() {
        let mut faults = Faults::remembered([GatewayFault::Dispatch]);
        assert!(!faults.has(GatewayFault::Dispatch, "files"));
        assert_eq!(faults.begin(GatewayFault::Dispatch, "files", Moment::from_nanos(0)), None);
        assert!(faults.has(GatewayFault::Dispatch, "files"));
    }

    #[test]
    fn what_was_never_there_does_not_end() {
        let mut faults = Faults::default();
        assert_eq!(faults.end(GatewayFault::Broker, "broker", Moment::from_nanos(0)), None);
    }

    #[test]
    fn a_fault_from_before_a_restart_ends_when_its_cause_proves_well() {
        let mut faults = Faults::remembered([GatewayFault::Broker]);
        let told = faults.end(GatewayFault::Broker, "broker", Moment::from_nanos(0));
        assert_eq!(told, Some(Told::Over(GatewayFault::Broker)));
    }
}
