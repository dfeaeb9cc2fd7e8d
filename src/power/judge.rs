//! From what is seen of supplies and contacts to what is told: mains lost, mains back, the battery ends. PURE.

use std::time::Duration;

use crate::model::Moment;

/// Mains must be away, or back, for so long before it is told: a blink of the lights is nobody's business.
const HELD_FOR: Duration = Duration::from_secs(10);

/// The battery ends at this charge, in per cent. Gauges are wrong by a few per cent at that end; the last word, the disk
/// and the system's own shutdown need about two minutes, and 5 % of the smallest pack (5 Wh at 3 W) is five.
pub const BATTERY_ENDS_AT: u8 = 5;

/// A battery that was not above this since the start does not end once more: a program that was started again in the
/// last minutes watches on until the power goes.
const CHARGED_ABOVE: u8 = 10;

/// What a supply is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Mains, USB and the like: power from outside.
    External,
    /// A battery, or a UPS that shows itself as one.
    Battery,
}

/// What a battery says it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// The machine lives on it.
    Discharging,
    /// Something charges it.
    Charging,
    /// It is full, or left alone.
    Resting,
    /// Nothing that is understood.
    Unknown,
}

/// One supply as Linux shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Supply {
    pub(super) kind: Kind,
    pub(super) online: Option<bool>,
    pub(super) status: Status,
    /// In per cent.
    pub(super) charge: Option<u8>,
}

/// What is known of mains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mains {
    /// It is there.
    There,
    /// It is not: the gateway lives on its battery.
    Lost,
    /// No power comes in where Linux looks, and no battery is seen. Boards that are fed through their pins show this all
    /// their life, so it counts only where mains was there before.
    Nowhere,
    /// Nothing is known.
    #[default]
    Unknown,
}

/// What is known of the power at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Whether mains is there.
    pub mains: Mains,
    /// The charge of the fullest battery, in per cent.
    pub charge: Option<u8>,
}

/// What is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Mains is lost.
    Lost {
        /// The charge of the battery, in per cent.
        charge: Option<u8>,
    },
    /// Mains is there: back, or proved for the first time since the start.
    There,
    /// The battery ends, and with it the watch.
    BatteryEnds {
        /// Its charge, in per cent.
        charge: u8,
    },
}

/// Judges all supplies together.
pub(super) fn of_supplies(supplies: &[Supply]) -> Seen {
    let batteries = || supplies.iter().filter(|supply| supply.kind == Kind::Battery);
    let any = |status| batteries().any(|battery| battery.status == status);
    let online = supplies.iter().filter_map(|supply| supply.online).reduce(|one, other| one || other);
    let mains = match online {
        // A load that is more than what comes in makes the battery give as well.
        Some(true) => Mains::There,
        // What charges it comes from somewhere that is not shown.
        _ if any(Status::Charging) => Mains::There,
        Some(false) if batteries().next().is_none() => Mains::Nowhere,
        Some(false) => Mains::Lost,
        None if any(Status::Discharging) => Mains::Lost,
        None if any(Status::Resting) => Mains::There,
        None => Mains::Unknown,
    };
    Seen { mains, charge: batteries().filter_map(|battery| battery.charge).max() }
}

/// Decides what is told, from one look to the next.
#[derive(Debug, Clone, Default)]
pub struct Judge {
    /// Whether mains was there at any time since the start.
    was_there: bool,
    /// Whether the battery was well charged at any time since it ended.
    was_charged: bool,
    /// What was told last.
    told: Option<bool>,
    /// What has been seen since when, where it is not what was told.
    since: Option<(bool, Moment)>,
    /// Since when the battery is at its end.
    low_since: Option<Moment>,
}

impl Judge {
    /// Takes a look at the power, and tells what is to be told.
    pub fn look(&mut self, seen: Seen, now: Moment) -> Option<News> {
        // What is not known changes nothing.
        let there = self.mains(seen)?;
        self.was_there |= there;
        self.was_charged |= seen.charge.is_some_and(|charge| charge > CHARGED_ABOVE);
        self.turned(there, now)
            .map(|there| if there { News::There } else { News::Lost { charge: seen.charge } })
            .or_else(|| {
                let charge = seen.charge.filter(|charge| *charge <= BATTERY_ENDS_AT && !there);
                self.ends(charge, now)
            })
    }

    /// Tells whether mains is there, as far as that can be said.
    #[must_use]
    pub fn mains(&self, seen: Seen) -> Option<bool> {
        match seen.mains {
            Mains::There => Some(true),
            Mains::Lost => Some(false),
            Mains::Nowhere => self.was_there.then_some(false),
            Mains::Unknown => None,
        }
    }

    /// Says what mains does now, where that has been seen for long enough and was not told.
    fn turned(&mut self, there: bool, now: Moment) -> Option<bool> {
        if self.told == Some(there) {
            self.since = None;
            return None;
        }
        let (_, since) = *self.since.insert(self.since.filter(|(seen, _)| *seen == there).unwrap_or((there, now)));
        if now.since(since) < HELD_FOR {
            return None;
        }
        (self.told, self.since) = (Some(there), None);
        Some(there)
    }

    fn ends(&mut self, low: Option<u8>, now: Moment) -> Option<News> {
        let Some(charge) = low.filter(|_| self.was_charged && self.told == Some(false)) else {
            self.low_since = None;
            return None;
        };
        let since = *self.low_since.get_or_insert(now);
        if now.since(since) < HELD_FOR {
            return None;
        }
        self.was_charged = false;
        Some(News::BatteryEnds { charge })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTERNAL: Supply = Supply { kind: Kind::External, online: Some(true), status: Status::Unknown, charge: None };
    const BATTERY: Supply = Supply { kind: Kind::Battery, online: None, status: Status::Resting, charge: Some(100) };

    fn mains(supplies: &[Supply]) -> Mains {
        of_supplies(supplies).mains
    }

    #[test]
    fn power_from_outside_is_believed_before_the_battery() {
        let away = Supply { online: Some(false), ..EXTERNAL };
        let gives = Supply { status: Status::Discharging, ..BATTERY };
        let takes = Supply { status: Status::Charging, ..BATTERY };
        assert_eq!(mains(&[EXTERNAL, gives.clone()]), Mains::There, "the load is more than what comes in");
        assert_eq!(mains(&[away.clone(), EXTERNAL]), Mains::There, "one of two sockets is empty");
        assert_eq!(mains(&[away.clone(), gives.clone()]), Mains::Lost);
        assert_eq!(mains(&[away.clone(), BATTERY]), Mains::Lost, "gauges say full for a while");
        assert_eq!(mains(&[away.clone(), takes.clone()]), Mains::There, "fed from somewhere else");
        assert_eq!(mains(&[away]), Mains::Nowhere);
        assert_eq!((mains(&[gives]), mains(&[takes]), mains(&[BATTERY])), (Mains::Lost, Mains::There, Mains::There));
        assert_eq!(mains(&[Supply { status: Status::Unknown, ..BATTERY }]), Mains::Unknown);
        assert_eq!(mains(&[]), Mains::Unknown);
    }

    #[test]
    fn of_several_batteries_the_fullest_counts() {
        let other = Supply { charge: Some(3), ..BATTERY };
        assert_eq!(of_supplies(&[other.clone(), BATTERY]).charge, Some(100));
        assert_eq!(of_supplies(&[Supply { charge: None, ..BATTERY }, other]).charge, Some(3));
    }

    /// Shows a judge one picture after the other, five seconds apart, and returns what it tells.
    fn told(judge: &mut Judge, from: u64, pictures: &[(Mains, Option<u8>)]) -> Vec<(u64, News)> {
        let look = |(seconds, (mains, charge)): (u64, &(Mains, Option<u8>))| {
            let now = Moment::from_nanos(0) + Duration::from_secs(seconds);
            judge.look(Seen { mains: *mains, charge: *charge }, now).map(|news| (seconds, news))
        };
        (from..).step_by(5).zip(pictures).filter_map(look).collect()
    }

    const THERE: (Mains, Option<u8>) = (Mains::There, None);
    const LOST: (Mains, Option<u8>) = (Mains::Lost, None);
    const NOWHERE: (Mains, Option<u8>) = (Mains::Nowhere, None);

    #[test]
    fn mains_is_told_once_it_is_away_or_back_for_ten_seconds() {
        let mut judge = Judge::default();
        assert_eq!(told(&mut judge, 0, &[THERE; 9]), [(10, News::There)]);
        assert_eq!(told(&mut judge, 60, &[LOST, LOST, THERE, LOST, THERE, THERE]), []);
        assert_eq!(told(&mut judge, 100, &[LOST; 9]), [(110, News::Lost { charge: None })]);
        assert_eq!(told(&mut judge, 200, &[LOST, THERE, THERE, THERE, THERE]), [(215, News::There)]);
    }

    #[test]
    fn a_gap_in_what_is_known_changes_nothing() {
        let mut judge = Judge::default();
        told(&mut judge, 0, &[THERE; 3]);
        let unknown = (Mains::Unknown, None);
        assert_eq!(told(&mut judge, 60, &[unknown; 9]), []);
        assert_eq!(told(&mut judge, 200, &[LOST, unknown, LOST]), [(210, News::Lost { charge: None })]);
    }

    #[test]
    fn a_board_that_never_shows_where_its_power_comes_from_is_not_told_as_lost() {
        let mut judge = Judge::default();
        assert_eq!(told(&mut judge, 0, &[NOWHERE; 20]), []);
        told(&mut judge, 200, &[THERE; 3]);
        assert_eq!(told(&mut judge, 300, &[NOWHERE; 3]), [(310, News::Lost { charge: None })]);
    }

    #[test]
    fn a_battery_ends_once_in_an_outage_and_only_while_mains_is_lost() {
        let mut judge = Judge::default();
        told(&mut judge, 0, &[(Mains::There, Some(90)); 3]);
        assert_eq!(told(&mut judge, 60, &[(Mains::There, Some(4)); 9]), [], "a worn battery on mains");
        let lost = told(&mut judge, 200, &[(Mains::Lost, Some(30)); 3]);
        assert_eq!(lost, [(210, News::Lost { charge: Some(30) })]);
        let low = [(Mains::Lost, Some(6)), (Mains::Lost, Some(5)), (Mains::Lost, Some(6))];
        assert_eq!(told(&mut judge, 300, &low), []);
        let ends = told(&mut judge, 400, &[(Mains::Lost, Some(5)); 9]);
        assert_eq!(ends, [(410, News::BatteryEnds { charge: 5 })]);
    }

    #[test]
    fn a_program_that_starts_at_the_end_of_a_battery_watches_on() {
        let mut judge = Judge::default();
        let lost = told(&mut judge, 0, &[(Mains::Lost, Some(4)); 20]);
        assert_eq!(lost, [(10, News::Lost { charge: Some(4) })]);
        told(&mut judge, 200, &[(Mains::There, Some(50)); 3]);
        let again = told(&mut judge, 300, &[(Mains::Lost, Some(3)); 20]);
        assert_eq!(again, [(310, News::Lost { charge: Some(3) }), (325, News::BatteryEnds { charge: 3 })]);
    }
}
