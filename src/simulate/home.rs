//! What else happens on a resident's bed in one night: who comes, when, and for how long.
//!
//! Drawn by seed around her script, so that nobody sits on the empty bed while she lies in it and no sheets are changed
//! under her. Pets and a partner come and go as they like.

use std::time::Duration;

use super::night::Difficulty;
use super::phase::Place;
use super::pose::{Load, Pose};
use super::resident::{Script, Stretch};
use super::rng::Rng;
use super::visitors::{Guest, Visit};

/// All other loads of a night.
#[derive(Debug, Clone, PartialEq)]
pub struct Home {
    /// Who and what comes, in no order.
    pub visits: Vec<Visit>,
    /// What the mat gets of the resident where it lies now, beside what it got on installation day: mats slide.
    pub reach: f64,
}

impl Default for Home {
    fn default() -> Self {
        Self { visits: Vec::new(), reach: 1.0 }
    }
}

/// How often guests come, by difficulty: a chance for each kind, and how many visits at most where it happens.
struct Customs {
    pet: (f64, u32),
    carer: (f64, u32),
    visitor: f64,
    sheets: f64,
    bag: f64,
    partner: f64,
    reach_min: f64,
}

const EASY: Customs =
    Customs { pet: (0.0, 0), carer: (0.1, 1), visitor: 0.0, sheets: 0.0, bag: 0.0, partner: 0.0, reach_min: 1.0 };

const REALISTIC: Customs =
    Customs { pet: (0.45, 3), carer: (0.5, 2), visitor: 0.2, sheets: 0.25, bag: 0.12, partner: 0.4, reach_min: 0.7 };

const NASTY: Customs =
    Customs { pet: (0.85, 6), carer: (0.7, 4), visitor: 0.4, sheets: 0.5, bag: 0.3, partner: 0.7, reach_min: 0.5 };

/// How far guests who sit on the bed keep from her coming and going, in seconds.
const APART_S: f64 = 40.0;

impl Home {
    /// Draws what befalls the bed of a resident with this script; nobody shares a bed that is not wide.
    #[must_use]
    pub fn drawn(difficulty: Difficulty, wide: bool, script: &Script, length: Duration, rng: &mut Rng) -> Self {
        let customs = match difficulty {
            Difficulty::Easy => EASY,
            Difficulty::Realistic => REALISTIC,
            Difficulty::Nasty => NASTY,
        };
        let mut guests =
            Guests { length_s: length.as_secs_f64(), stretches: script.stretches(length), visits: vec![], rng };
        guests.pets(customs.pet);
        guests.carers(customs.carer);
        guests.sit_on_the_empty_bed(customs.visitor);
        guests.change_sheets(customs.sheets);
        guests.leave_a_bag(customs.bag);
        guests.share_the_bed(if wide { customs.partner } else { 0.0 });
        let reach = guests.rng.between(customs.reach_min, 1.0);
        Self { visits: guests.visits, reach }
    }

    /// Returns the resident's load as the mat gets it where it lies now.
    #[must_use]
    pub fn reached(&self, load: Load) -> Load {
        Load { pose: Pose { share: load.pose.share * self.reach, ..load.pose }, ..load }
    }

    /// Adds the loads of a moment to a list.
    pub fn loads_at(&self, at: Duration, loads: &mut Vec<Load>) {
        loads.extend(self.visits.iter().filter_map(|visit| visit.load_at(at)));
    }

    /// Tells whether somebody shares the bed.
    #[must_use]
    pub fn has_partner(&self) -> bool {
        self.visits.iter().any(|visit| visit.guest == Guest::Partner)
    }
}

struct Guests<'a> {
    length_s: f64,
    stretches: Vec<Stretch>,
    visits: Vec<Visit>,
    rng: &'a mut Rng,
}

impl Guests<'_> {
    fn visit(&mut self, guest: Guest, from: f64, to: f64) {
        if to - from >= 8.0 {
            let visit = Visit::drawn(guest, thousandths(from), thousandths(to), self.rng);
            self.visits.push(visit);
        }
    }

    /// Returns how often something happens that may happen up to so many times.
    fn times(&mut self, (chance, most): (f64, u32)) -> u32 {
        let times = if self.rng.chance(chance) { self.rng.between(1.0, f64::from(most) + 1.0).floor() } else { 0.0 };
        (0..most).filter(|one| f64::from(*one) < times).fold(0, |sum, _| sum + 1)
    }

    /// Draws a time that is as likely to be short as long, by its logarithm.
    fn lasts(&mut self, shortest: f64, longest: f64) -> f64 {
        shortest * (longest / shortest).powf(self.rng.uniform())
    }

    /// Picks a stretch of at least `room` seconds inside one in which she is in this place; the longer, the likelier.
    fn room(&mut self, place: Place, room: f64) -> Option<Stretch> {
        let fits = self.stretches.iter().map(|at| Stretch { from: at.from + APART_S, to: at.to - APART_S, ..*at });
        let fits: Vec<(f64, Stretch)> = fits
            .filter(|at| at.place == place && at.to - at.from >= room)
            .map(|at| ((at.to - at.from).min(3600.0), at))
            .collect();
        self.rng.pick(&fits)
    }

    /// One animal: it is on the bed or not.
    fn pets(&mut self, often: (f64, u32)) {
        let times = self.times(often);
        for _ in 0..times {
            let lasts = self.lasts(10.0, 3600.0).min(self.length_s);
            let from = self.rng.between(0.0, self.length_s - lasts);
            self.pet(from, from + lasts);
        }
        // Cats love a bed that has just been left.
        if times > 0 && self.rng.chance(0.35) {
            if let Some(gap) = self.room(Place::Absent, 20.0) {
                let lasts = self.lasts(15.0, 600.0).min(gap.to - gap.from);
                self.pet(gap.from, gap.from + lasts);
            }
        }
    }

    fn pet(&mut self, from: f64, to: f64) {
        if self.visits.iter().all(|other| other.to < from || to < other.from) {
            self.visit(Guest::Pet, from, to);
        }
    }

    fn carers(&mut self, often: (f64, u32)) {
        for _ in 0..self.times(often) {
            let place = if self.rng.chance(0.75) { Place::Bed } else { Place::Absent };
            self.inside(Guest::Carer, place, 60.0, (120.0, 900.0));
        }
    }

    fn sit_on_the_empty_bed(&mut self, chance: f64) {
        if self.rng.chance(chance) {
            self.inside(Guest::Visitor, Place::Absent, 60.0, (60.0, 300.0));
        }
    }

    fn change_sheets(&mut self, chance: f64) {
        for _ in 0..2 {
            if self.rng.chance(chance) {
                self.inside(Guest::Sheets, Place::Absent, 130.0, (130.0, 300.0));
            }
        }
    }

    fn leave_a_bag(&mut self, chance: f64) {
        if self.rng.chance(chance) {
            self.inside(Guest::Bag, Place::Absent, 600.0, (600.0, 4.0 * 3600.0));
        }
    }

    fn share_the_bed(&mut self, chance: f64) {
        if self.rng.chance(chance) {
            let from = self.length_s * self.rng.between(0.0, 0.17);
            let to = self.length_s * self.rng.between(0.75, 1.05).min(1.0);
            self.visit(Guest::Partner, from, to);
        }
    }

    /// Draws a visit inside a stretch of at least `room` seconds, unless there is none or a visit is in the way.
    fn inside(&mut self, guest: Guest, place: Place, room: f64, lasts: (f64, f64)) {
        let Some(gap) = self.room(place, room) else { return };
        let lasts = self.lasts(lasts.0, lasts.1).min(gap.to - gap.from);
        let from = self.rng.between(gap.from, gap.to - lasts);
        let shares_with = |other: &&Visit| !matches!(other.guest, Guest::Pet | Guest::Partner);
        if self.visits.iter().filter(shares_with).all(|other| other.to < from || from + lasts < other.from) {
            self.visit(guest, from, from + lasts);
        }
    }
}

fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{Body, Habits};

    const NIGHT: Duration = Duration::from_secs(11 * 3600);

    fn drawn(seed: u64, difficulty: Difficulty) -> (Script, Home) {
        let mut rng = Rng::stream(seed, "resident");
        let script = Habits::drawn(difficulty, &mut rng).script(Body::drawn(difficulty, &mut rng), NIGHT, &mut rng);
        let home = Home::drawn(difficulty, true, &script, NIGHT, &mut Rng::stream(seed, "home"));
        (script, home)
    }

    #[test]
    fn every_guest_comes_to_some_home_and_hardly_any_to_an_easy_one() {
        let guests = |difficulty| {
            let homes = (0..200).map(move |seed| drawn(seed, difficulty).1);
            homes.flat_map(|home| home.visits).map(|visit| visit.guest).collect::<Vec<_>>()
        };
        let easy = guests(Difficulty::Easy);
        assert!(easy.len() < 40 && easy.iter().all(|guest| *guest == Guest::Carer));
        let (realistic, nasty) = (guests(Difficulty::Realistic), guests(Difficulty::Nasty));
        for guest in [Guest::Pet, Guest::Carer, Guest::Visitor, Guest::Sheets, Guest::Bag, Guest::Partner] {
            let count = |guests: &[Guest]| guests.iter().filter(|one| **one == guest).count();
            assert!(count(&realistic) >= 5 && count(&nasty) > count(&realistic), "{guest:?}");
        }
    }

    #[test]
    fn nobody_uses_the_empty_bed_while_she_is_in_it() {
        for seed in 0..100 {
            let (script, home) = drawn(seed, Difficulty::Nasty);
            let stretches = script.stretches(NIGHT);
            for visit in &home.visits {
                assert!(0.0 <= visit.from && visit.from < visit.to && visit.to <= NIGHT.as_secs_f64());
                let place = match visit.guest {
                    Guest::Visitor | Guest::Sheets | Guest::Bag => Some(Place::Absent),
                    Guest::Pet | Guest::Carer | Guest::Partner => None,
                };
                let around = stretches.iter().find(|at| at.from < visit.from && visit.to < at.to);
                assert!(place.is_none_or(|place| around.is_some_and(|at| at.place == place)), "seed {seed}: {visit:?}");
            }
        }
    }
}
