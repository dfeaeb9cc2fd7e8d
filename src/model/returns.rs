//! The last `return` of each bed, by its number: what was told of the bed before it has ended, delivered or not.
//!
//! The return itself may have been delivered long ago, and closes only the newest of many reminders: without this an older
//! one that waits would go out as an alarm after a restart.

use std::collections::BTreeMap;

use super::alert::{Alert, Sequence};
use super::event::Kind;
use super::ids::BedId;

/// The last return of each bed. In doubt it knows of none: then an alarm stays one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Returns {
    last: BTreeMap<BedId, Sequence>,
    /// The first number of this life of the program.
    first: Option<Sequence>,
}

impl Returns {
    /// Takes what an earlier life of the program noted. Numbers that do not lie below all of this life have gone back since,
    /// for a mark was lost: nothing follows from them.
    pub fn recall(&mut self, earlier: impl IntoIterator<Item = (BedId, Sequence)>) {
        for (bed, sequence) in earlier {
            if self.first.is_none_or(|first| sequence < first) {
                self.last.entry(bed).or_insert(sequence);
            }
        }
    }

    /// Takes note of an alert that is raised now. Within one life of the program numbers never go back.
    pub fn note(&mut self, alert: &Alert) {
        if self.first.is_none() {
            self.first = Some(alert.sequence);
            self.last.retain(|_, sequence| *sequence < alert.sequence);
        }
        if let (Kind::Return, Some(bed)) = (&alert.event.kind, alert.event.bed) {
            self.last.insert(bed, alert.sequence);
        }
    }

    /// Tells whether its bed has had a return since this alert was raised, and that ends it.
    #[must_use]
    pub fn have_ended(&self, alert: &Alert) -> bool {
        let returned = alert.event.bed.and_then(|bed| self.of(&bed));
        alert.event.kind.is_ended_by_return() && returned.is_some_and(|returned| alert.sequence < returned)
    }

    /// Returns all of them, for who begins anew.
    pub fn all(&self) -> impl Iterator<Item = (BedId, Sequence)> + '_ {
        self.last.iter().map(|(bed, sequence)| (*bed, *sequence))
    }

    /// Returns the number of the last return of a bed.
    #[must_use]
    pub fn of(&self, bed: &BedId) -> Option<Sequence> {
        self.last.get(bed).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AlertId, Event, Now};

    fn alert(sequence: u64, kind: Kind) -> Alert {
        let now = Now::recorded("2026-01-15T23:12:05Z".parse().unwrap());
        Alert {
            id: AlertId::from_entropy(u128::from(sequence)),
            sequence: Sequence(sequence),
            priority: kind.priority(),
            event: Event { bed: "bed-1".parse().ok(), ..Event::of_gateway(kind, &now) },
            text: String::new(),
            closes: Vec::new(),
        }
    }

    fn bed(sequence: u64) -> [(BedId, Sequence); 1] {
        [("bed-1".parse().unwrap(), Sequence(sequence))]
    }

    #[test]
    fn a_return_has_ended_what_was_told_of_its_bed_before_it() {
        let mut returns = Returns::default();
        assert!(!returns.have_ended(&alert(4, Kind::Rise)));
        returns.note(&alert(5, Kind::Return));
        assert!(returns.have_ended(&alert(4, Kind::NotReturned)));
        assert!(!returns.have_ended(&alert(6, Kind::Rise)) && !returns.have_ended(&alert(4, Kind::NotUp)));
        let other =
            Alert { event: Event { bed: "bed-2".parse().ok(), ..alert(4, Kind::Rise).event }, ..alert(4, Kind::Rise) };
        assert!(!returns.have_ended(&other));
    }

    #[test]
    fn what_an_earlier_life_noted_counts_where_numbers_have_gone_on_above_it() {
        for noted_late in [false, true] {
            for (first, counts) in [(6, true), (5, false), (2, false)] {
                let mut returns = Returns::default();
                if noted_late {
                    returns.note(&alert(first, Kind::Rise));
                    returns.recall(bed(5));
                } else {
                    returns.recall(bed(5));
                    returns.note(&alert(first, Kind::Rise));
                }
                assert_eq!(returns.have_ended(&alert(3, Kind::NotReturned)), counts, "{first} {noted_late}");
            }
        }
    }

    #[test]
    fn a_return_of_this_life_counts_before_one_that_is_recalled_late() {
        let mut returns = Returns::default();
        returns.note(&alert(9, Kind::Return));
        returns.recall(bed(5));
        assert_eq!(returns.of(&"bed-1".parse().unwrap()), Some(Sequence(9)));
    }
}
