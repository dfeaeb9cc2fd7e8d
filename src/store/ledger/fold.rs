//! Beyond the bound of what may wait the oldest are folded: those of one bed and kind become one, which keeps the oldest's
//! id and says how many it stands for. What is open is never folded.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::super::frames;
use super::super::medium::Changes;
use super::super::record::Record;
use super::super::trouble::Trouble;
use super::{Ledger, Meta, after, numbered};
use crate::model::event::Folded;
use crate::model::{Alert, AlertId, Event, Priority};

/// The oldest so many are left as they are: delivery may hold them in memory, and would tell one where many are meant.
pub(super) const OLDEST_LEFT: usize = 8_192;

/// The alerts that are folded at a time.
const WINDOW: usize = 2_048;

/// The most windows that are looked at in one batch.
const WINDOWS_MAX: usize = 4;

/// The most that one alert closes: its record stays far below the largest one.
const CLOSES_MAX: usize = 512;

/// Where the next window begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cursor(Option<Vec<u8>>);

impl Ledger {
    /// Folds what is beyond the bound, as far as one batch may.
    pub(super) fn fold(&mut self) -> Result<(), Trouble> {
        for _ in 0..WINDOWS_MAX {
            if self.meta.undelivered <= self.undelivered_max {
                return Ok(());
            }
            let from = match self.fold_from.0.take() {
                Some(from) => Some(from),
                None => self.behind_the_oldest()?,
            };
            let Some(from) = from else { return Ok(()) };
            let (alerts, next) = self.window(&from)?;
            // What closes an alert may stand in the window behind it.
            let (behind, _) = next.as_ref().map_or_else(|| Ok((Vec::new(), None)), |next| self.window(next))?;
            let closed = alerts.iter().chain(&behind).flat_map(|alert| alert.closes.iter().copied()).collect();
            self.fold_window(alerts, &closed)?;
            // At the end from the beginning again, with the next batch.
            let at_end = next.is_none();
            self.fold_from = Cursor(next);
            if at_end {
                return Ok(());
            }
        }
        Ok(())
    }

    fn behind_the_oldest(&self) -> Result<Option<Vec<u8>>, Trouble> {
        let (mut left, mut behind) = (self.oldest_left, None);
        self.medium.walk(b"a", b"b", super::super::medium::Direction::Forward, |key, _| {
            left = left.saturating_sub(1);
            behind = (left == 0).then(|| after(key));
            left > 0
        })?;
        Ok(behind)
    }

    fn window(&mut self, from: &[u8]) -> Result<(Vec<Alert>, Option<Vec<u8>>), Trouble> {
        let (mut alerts, mut last) = (Vec::new(), None);
        let mut next = from.to_vec();
        while alerts.len() < WINDOW {
            let entries = self.medium.scan(&next, b"b", super::PAGE)?;
            let Some((key, _)) = entries.last() else { return Ok((alerts, None)) };
            next = after(key);
            last = Some(next.clone());
            alerts.extend(entries.iter().filter_map(|(key, record)| super::read_alert(key, record).ok()));
        }
        Ok((alerts, last))
    }

    fn fold_window(&mut self, alerts: Vec<Alert>, closed: &BTreeSet<AlertId>) -> Result<(), Trouble> {
        let (kept, gone) = folded(alerts, closed);
        if kept.is_empty() {
            return Ok(());
        }
        let (mut frames, mut changes) = (Vec::new(), Changes::default());
        for alert in &kept {
            // One that does not fit cannot be, for it is no larger than it was but for a count and what it closes.
            let Ok(record) = Record::of_json(alert) else { return Ok(()) };
            frames::alert(&mut frames, alert.sequence.0, record.as_bytes(), None);
            changes.put(numbered(b'a', alert.sequence.0), record.as_bytes());
        }
        if !gone.is_empty() {
            frames::done(&mut frames, &gone);
        }
        self.append(&frames)?;
        self.log.sync()?;
        let meta = Meta { undelivered: self.meta.undelivered.saturating_sub(gone.len() as u64), ..self.meta };
        for sequence in &gone {
            changes.remove(numbered(b'a', *sequence));
        }
        self.write(changes, meta)?;
        self.folded += gone.len() as u64;
        Ok(())
    }

    /// Folds from fewer alerts on, so that a test need not have as many.
    #[cfg(test)]
    pub(in super::super) fn fold_beyond(&mut self, undelivered_max: u64, oldest_left: usize) {
        (self.undelivered_max, self.oldest_left) = (undelivered_max, oldest_left);
    }

    /// Returns how many alerts were folded into others since this was last asked.
    pub(in super::super) fn take_folded(&mut self) -> u64 {
        std::mem::take(&mut self.folded)
    }
}

/// Those of one bed and kind as they become one.
struct Group {
    alert: Alert,
    all: Folded,
    /// Whether it is another alert by now than the one that is stored.
    is_changed: bool,
}

impl Group {
    fn of(alert: Alert, is_changed: bool) -> Self {
        Self { all: own_count(&alert), alert, is_changed }
    }

    fn takes(&self, alert: &Alert) -> bool {
        self.alert.closes.len() + alert.closes.len() <= CLOSES_MAX
    }

    fn add(&mut self, alert: Alert) {
        let own = own_count(&alert);
        self.all.count += own.count;
        (self.all.first, self.all.last) = (self.all.first.min(own.first), self.all.last.max(own.last));
        self.alert.closes.extend(alert.closes);
        self.is_changed = true;
    }

    fn whole(self) -> Option<Alert> {
        let folded = Some(self.all).filter(|all| all.count > 1);
        let event = Event { folded, ..self.alert.event };
        self.is_changed.then_some(Alert { event, ..self.alert })
    }
}

fn own_count(alert: &Alert) -> Folded {
    alert.event.folded.unwrap_or(Folded { count: 1, first: alert.event.time, last: alert.event.time })
}

/// Returns what is another alert by now, for others were folded into it or its end is known, and the sequences of those
/// others. What they close is closed by the one that is left, unless it goes with them.
fn folded(alerts: Vec<Alert>, closed: &BTreeSet<AlertId>) -> (Vec<Alert>, Vec<u64>) {
    let is_open = |alert: &Alert| alert.priority == Priority::Alarm && !closed.contains(&alert.id);
    let (mut kinds, mut going) = (BTreeSet::new(), BTreeSet::new());
    for alert in alerts.iter().filter(|alert| !is_open(alert)) {
        if !kinds.insert((alert.event.bed, alert.event.kind.as_str())) {
            going.insert(alert.id);
        }
    }
    let mut groups: BTreeMap<_, Group> = BTreeMap::new();
    let (mut kept, mut gone) = (Vec::new(), Vec::new());
    for mut alert in alerts.into_iter().filter(|alert| !is_open(alert)) {
        alert.closes.retain(|id| !going.contains(id));
        let is_over = closed.contains(&alert.id) && alert.event.kind.is_ended_by_return();
        let is_less = is_over && alert.priority > Priority::Info;
        if is_less {
            alert.priority = Priority::Info;
        }
        match groups.entry((alert.event.bed, alert.event.kind.as_str())) {
            Entry::Vacant(entry) => drop(entry.insert(Group::of(alert, is_less))),
            Entry::Occupied(mut entry) if entry.get().takes(&alert) => {
                gone.push(alert.sequence.0);
                entry.get_mut().add(alert);
            }
            Entry::Occupied(mut entry) => kept.extend(entry.insert(Group::of(alert, is_less)).whole()),
        }
    }
    kept.extend(groups.into_values().filter_map(Group::whole));
    (kept, gone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Kind, Now, Sequence};

    fn alert(sequence: u64, bed: &str, kind: Kind, closes: &[u64]) -> Alert {
        let time = format!("2026-12-24T23:{:02}:00Z", sequence % 60).parse().unwrap();
        let event = Event { bed: bed.parse().ok(), time, ..Event::of_gateway(kind, &Now::recorded(time)) };
        let id = |sequence: &u64| AlertId::from_entropy(u128::from(*sequence));
        let (priority, closes) = (event.kind.priority(), closes.iter().map(id).collect());
        Alert { id: id(&sequence), sequence: Sequence(sequence), event, priority, text: String::new(), closes }
    }

    #[test]
    fn those_of_a_bed_and_kind_become_one_and_what_is_open_stays() {
        let alerts = vec![
            alert(1, "bed-1", Kind::Rise, &[]),
            alert(2, "bed-1", Kind::Return, &[1]),
            alert(3, "bed-2", Kind::Rise, &[]),
            alert(4, "bed-1", Kind::Rise, &[]),
            alert(5, "bed-1", Kind::Return, &[4]),
            alert(6, "bed-1", Kind::Rise, &[]),
            alert(7, "bed-1", Kind::Rise, &[]),
        ];
        let closed: BTreeSet<_> = alerts.iter().flat_map(|alert| alert.closes.clone()).collect();
        let (kept, gone) = folded(alerts.clone(), &closed);
        assert_eq!(gone, [4, 5]);
        let [rises, returns] = [&alerts[0], &alerts[1]].map(|alert| (alert.id, alert.event.time));
        let of = |index: usize| alerts[index].event.time;
        assert_eq!(kept.iter().map(|alert| alert.id).collect::<Vec<_>>(), [returns.0, rises.0]);
        assert_eq!(kept[1].event.folded, Some(Folded { count: 2, first: of(0), last: of(3) }));
        assert_eq!((kept[1].priority, kept[0].closes.clone()), (Priority::Info, vec![rises.0]));
        let (again, more) = folded([kept.clone(), vec![alert(8, "bed-1", Kind::Return, &[7])]].concat(), &closed);
        assert_eq!((again.len(), again[0].event.folded.map(|all| all.count), more), (1, Some(3), vec![8]));
    }

    #[test]
    fn what_was_folded_closes_all_that_is_still_there() {
        let returns = |numbers: std::ops::RangeInclusive<u64>| {
            numbers.map(|number| alert(10_000 + number, "bed-1", Kind::Return, &[number])).collect::<Vec<_>>()
        };
        let (kept, gone) = folded(returns(1..=3), &BTreeSet::new());
        assert_eq!((kept.len(), gone), (1, vec![10_002, 10_003]));
        assert_eq!(kept[0].closes, [1, 2, 3].map(AlertId::from_entropy));
        let (kept, gone) = folded(returns(1..=600), &BTreeSet::new());
        let closes: Vec<_> = kept.iter().map(|alert| alert.closes.len()).collect();
        assert_eq!((closes, gone.len()), (vec![512, 88], 598), "bounded, and none is forgotten");
    }

    #[test]
    fn the_end_of_an_alarm_is_known_though_it_is_alone_of_its_kind() {
        let alerts = vec![alert(1, "bed-1", Kind::Rise, &[]), alert(2, "bed-1", Kind::Return, &[1])];
        let closed = BTreeSet::from([alerts[0].id]);
        let (kept, gone) = folded(alerts.clone(), &closed);
        assert_eq!((kept.len(), gone.len()), (1, 0));
        assert_eq!((kept[0].id, kept[0].priority, kept[0].event.folded), (alerts[0].id, Priority::Info, None));
        let again = folded(vec![kept[0].clone(), alerts[1].clone()], &closed);
        assert_eq!(again, (vec![], vec![]), "written once");
    }
}
