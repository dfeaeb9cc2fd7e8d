//! Everything but the resident that weighs on a bed: pets, carers, visitors, fresh sheets, bags, a partner.
//!
//! Each [`Visit`] is a course of knots, drawn once: how many kilograms press where, and straight lines between. What
//! lives also sways and breathes; a bag does not. No measurement of such loads is known: figures are weights of cats,
//! dogs and people, and what carers do.

use std::f64::consts::TAU;
use std::time::Duration;

use super::pose::{Load, Pose};
use super::rng::Rng;

/// Who or what weighs on the bed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guest {
    /// A cat or a small dog: 4 to 12 kg, wherever it likes.
    Pet,
    /// A carer who sits on the edge: 40 to 70 kg, little of it on the mat.
    Carer,
    /// Somebody who sits on the empty bed.
    Visitor,
    /// Hands, knees and linen while the sheets are changed: up to 20 kg, never for long.
    Sheets,
    /// A heavy bag on the empty bed: 3 to 15 kg, still.
    Bag,
    /// Somebody who shares a wide bed: hardly on the mat.
    Partner,
}

impl Guest {
    /// Returns the word that truth files use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pet => "pet",
            Self::Carer => "caregiver",
            Self::Visitor => "visitor",
            Self::Sheets => "sheets",
            Self::Bag => "bag",
            Self::Partner => "partner",
        }
    }
}

/// One load for a while.
#[derive(Debug, Clone, PartialEq)]
pub struct Visit {
    /// Whose.
    pub guest: Guest,
    /// From when, in seconds after the start of the night.
    pub from: f64,
    /// Until when, in seconds.
    pub to: f64,
    /// Share that a mat feels, 0 to 1.
    pub mat_share: f64,
    /// When a partner comes, goes or turns over, in seconds.
    pub moves: Vec<f64>,
    knots: Vec<Knot>,
    sway: Sway,
}

/// What presses at a moment, and where.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Knot {
    at: f64,
    kg: f64,
    across: f64,
    along: f64,
}

/// How what lives moves while it rests: a breath, as a share of the load, and how fast.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sway {
    share: f64,
    hz: f64,
}

impl Visit {
    /// Draws a visit that lasts from one time to another, in seconds after the start of the night.
    #[must_use]
    pub fn drawn(guest: Guest, from: f64, to: f64, rng: &mut Rng) -> Self {
        let mut path = Path::new(from, to.max(from + 4.0), rng);
        let (mat_share, sway) = match guest {
            Guest::Pet => path.pet(),
            Guest::Carer => path.sits(0.14, 0.25),
            Guest::Visitor => path.sits(0.18, 0.35),
            Guest::Sheets => path.sheets(),
            Guest::Bag => path.bag(),
            Guest::Partner => path.partner(),
        };
        let Path { from, to, knots, moves, .. } = path;
        Self { guest, from, to, mat_share, moves, knots, sway }
    }

    /// Returns the most that it weighs, in kilograms.
    #[must_use]
    pub fn max_kg(&self) -> f64 {
        self.knots.iter().map(|knot| knot.kg).fold(0.0, f64::max)
    }

    /// Returns its load at a time; `None` where there is none.
    #[must_use]
    pub fn load_at(&self, at: Duration) -> Option<Load> {
        let seconds = at.as_secs_f64();
        if seconds < self.from || seconds >= self.to {
            return None;
        }
        let next = self.knots.partition_point(|knot| knot.at <= seconds);
        let (before, after) = (self.knots.get(next.checked_sub(1)?)?, self.knots.get(next)?);
        let span = after.at - before.at;
        let part = if span > 0.0 { (seconds - before.at) / span } else { 1.0 };
        let mix = |from: f64, to: f64| from + (to - from) * part;
        let turn = TAU * self.sway.hz * seconds;
        let sway = 1.0 + self.sway.share * (turn.sin() + 0.6 * (0.37 * turn).sin());
        let place = Pose { share: self.mat_share, across_spread: 0.12, along_spread: 0.12, ..Pose::edge(0.0) };
        let pose = Pose { across: mix(before.across, after.across), along: mix(before.along, after.along), ..place };
        Some(Load { pose, weight_kg: mix(before.kg, after.kg) * sway })
    }
}

/// Draws the knots of one visit.
struct Path<'a> {
    from: f64,
    to: f64,
    knots: Vec<Knot>,
    moves: Vec<f64>,
    rng: &'a mut Rng,
}

impl<'a> Path<'a> {
    const fn new(from: f64, to: f64, rng: &'a mut Rng) -> Self {
        Self { from, to, knots: Vec::new(), moves: Vec::new(), rng }
    }

    /// Adds a knot: `kg` at a place, at a time that is held within the visit and after the last knot.
    fn knot(&mut self, at: f64, kg: f64, across: f64, along: f64) {
        let after = self.knots.last().map_or(self.from, |knot| knot.at);
        self.knots.push(Knot { at: at.clamp(after, self.to), kg, across, along });
    }

    /// Jumps up, lies, moves on every minute or two, jumps down.
    fn pet(&mut self) -> (f64, Sway) {
        let kg = self.rng.between(4.0, 12.0);
        let (mut across, mut along) = (self.rng.between(0.1, 0.9), self.rng.between(0.1, 0.9));
        self.knot(self.from, 0.0, across, along);
        // Lands with more than its weight.
        self.knot(self.from + 0.2, 1.5 * kg, across, along);
        self.knot(self.from + 0.5, kg, across, along);
        let mut at = self.from + 0.5;
        loop {
            at += self.rng.wait(90.0).max(2.0);
            if at > self.to - 2.0 {
                break;
            }
            self.knot(at, kg, across, along);
            (across, along) = (self.rng.between(0.1, 0.9), self.rng.between(0.1, 0.9));
            self.knot(at + 0.6, 0.6 * kg, across, along);
            self.knot(at + 1.2, kg, across, along);
        }
        self.knot(self.to - 0.4, kg, across, along);
        self.knot(self.to - 0.2, 1.2 * kg, across, along);
        self.knot(self.to, 0.0, across, along);
        (self.rng.between(0.3, 0.8), Sway { share: 0.006, hz: self.rng.between(0.4, 0.7) })
    }

    /// Sits down on the edge, shifts a little now and then, stands up.
    fn sits(&mut self, least: f64, most: f64) -> (f64, Sway) {
        let (kg, along) = (self.rng.between(40.0, 70.0), self.rng.between(0.2, 0.7));
        self.knot(self.from, 0.0, 0.05, along);
        self.knot(self.from + 1.2, kg, 0.05, along);
        let mut at = self.from + 1.2;
        loop {
            at += self.rng.wait(25.0).max(1.0);
            if at > self.to - 3.0 {
                break;
            }
            let leans = self.rng.between(0.85, 1.1);
            self.knot(at, kg, 0.05, along);
            self.knot(at + 0.5, kg * leans, 0.08, along);
            self.knot(at + 1.0, kg, 0.05, along);
        }
        self.knot(self.to - 1.0, kg, 0.05, along);
        self.knot(self.to, 0.0, 0.05, along);
        (self.rng.between(least, most), Sway { share: 0.004, hz: 0.3 })
    }

    /// Leans on the bed with hands and knees, here and there, for moments.
    fn sheets(&mut self) -> (f64, Sway) {
        let mut at = self.from;
        self.knot(at, 0.0, 0.2, 0.5);
        loop {
            at += self.rng.between(1.0, 9.0);
            let presses = self.rng.between(0.5, 3.5);
            if at + presses > self.to - 1.0 {
                break;
            }
            let (across, along) = (self.rng.between(0.05, 0.9), self.rng.between(0.1, 0.9));
            let (kg, falls) = (self.rng.between(4.0, 20.0), self.rng.between(0.5, 1.0));
            self.knot(at, 0.0, across, along);
            self.knot(at + 0.25 * presses, kg, across, along);
            self.knot(at + 0.75 * presses, kg * falls, across, along);
            self.knot(at + presses, 0.0, across, along);
            at += presses;
        }
        self.knot(self.to, 0.0, 0.5, 0.5);
        (self.rng.between(0.3, 0.75), Sway { share: 0.0, hz: 0.0 })
    }

    /// Is put down and taken away.
    fn bag(&mut self) -> (f64, Sway) {
        let kg = self.rng.between(3.0, 15.0);
        let (across, along) = (self.rng.between(0.2, 0.8), self.rng.between(0.2, 0.8));
        for (at, share) in [(self.from, 0.0), (self.from + 0.6, 1.0), (self.to - 0.6, 1.0), (self.to, 0.0)] {
            self.knot(at, kg * share, across, along);
        }
        (self.rng.between(0.3, 1.0), Sway { share: 0.0, hz: 0.0 })
    }

    /// Gets in beside the mat, turns over now and then, is up once or never, gets up.
    fn partner(&mut self) -> (f64, Sway) {
        let kg = self.rng.between(55.0, 95.0);
        let away = (self.rng.chance(0.6) && self.to - self.from > 7200.0).then(|| {
            let leaves = self.rng.between(self.from + 3600.0, self.to - 2400.0);
            (leaves, leaves + self.rng.between(90.0, 1200.0))
        });
        self.partner_gets_in(self.from, kg);
        if let Some((leaves, back)) = away {
            self.partner_lies(leaves, kg);
            self.partner_gets_out(leaves, kg);
            self.partner_gets_in(back, kg);
        }
        self.partner_lies(self.to - 2.0, kg);
        self.partner_gets_out(self.to - 2.0, kg);
        (self.rng.between(0.03, 0.1), Sway { share: 0.003, hz: self.rng.between(0.2, 0.35) })
    }

    fn partner_gets_in(&mut self, at: f64, kg: f64) {
        for (after, share, across) in [(0.0, 0.0, 1.7), (1.0, 0.75, 1.7), (3.0, 1.0, 1.3)] {
            self.knot(at + after, kg * share, across, 0.5);
        }
        self.moves.extend([at, at + 3.0]);
    }

    fn partner_gets_out(&mut self, at: f64, kg: f64) {
        for (after, share) in [(0.0, 1.0), (1.0, 0.75), (2.0, 0.0)] {
            self.knot(at + after, kg * share, 1.5, 0.5);
        }
        self.moves.extend([at, at + 2.0]);
    }

    /// Turns over about twice an hour until a time.
    fn partner_lies(&mut self, until: f64, kg: f64) {
        let mut at = self.knots.last().map_or(self.from, |knot| knot.at);
        loop {
            at += self.rng.wait(1800.0).max(10.0);
            if at + 10.0 > until {
                return;
            }
            let across = self.rng.between(1.2, 1.5);
            let before = self.knots.last().map_or(across, |knot| knot.across);
            self.knot(at, kg, before, 0.5);
            self.knot(at + 0.8, 0.9 * kg, across, 0.5);
            self.knot(at + 1.6, 1.08 * kg, across, 0.5);
            self.knot(at + 2.4, kg, across, 0.5);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUESTS: [Guest; 6] = [Guest::Pet, Guest::Carer, Guest::Visitor, Guest::Sheets, Guest::Bag, Guest::Partner];

    fn kg(visit: &Visit, at: f64) -> f64 {
        visit.load_at(Duration::from_secs_f64(at)).map_or(0.0, |load| load.weight_kg)
    }

    #[test]
    fn every_guest_comes_and_goes_in_time_and_weighs_what_it_should() {
        for (guest, seed) in GUESTS.iter().flat_map(|guest| (0..20).map(move |seed| (*guest, seed))) {
            let visit = Visit::drawn(guest, 1000.0, 11_000.0, &mut Rng::new(seed));
            let allowed = match guest {
                Guest::Pet => 4.0..18.1,
                Guest::Carer | Guest::Visitor => 40.0..77.1,
                Guest::Sheets => 4.0..20.1,
                Guest::Bag => 3.0..15.1,
                Guest::Partner => 55.0..103.0,
            };
            assert!(allowed.contains(&visit.max_kg()), "{guest:?}: {} kg", visit.max_kg());
            assert!((visit.from - 1000.0).abs() < 1e-9 && (visit.to - 11_000.0).abs() < 1e-9);
            assert!(visit.load_at(Duration::from_secs(999)).is_none());
            assert!(visit.load_at(Duration::from_secs(11_000)).is_none());
            assert!(kg(&visit, 1000.0) < 0.1 && kg(&visit, 10_999.999) < 1.0, "{guest:?}");
            assert!(visit.knots.windows(2).all(|pair| pair[0].at <= pair[1].at), "{guest:?}");
            assert!(visit.moves.is_empty() || guest == Guest::Partner);
        }
    }

    #[test]
    fn a_bag_lies_still_and_a_pet_breathes() {
        let spread = |guest| {
            let visit = Visit::drawn(guest, 0.0, 600.0, &mut Rng::new(4));
            let rest: Vec<f64> = (20..60).map(|tenth| kg(&visit, f64::from(tenth) / 10.0)).collect();
            rest.iter().copied().fold(0.0, f64::max) - rest.iter().copied().fold(99.0, f64::min)
        };
        assert!(spread(Guest::Bag).abs() < 1e-9);
        assert!(spread(Guest::Pet) > 0.01);
    }

    #[test]
    fn sheets_weigh_for_moments_only() {
        let visit = Visit::drawn(Guest::Sheets, 0.0, 240.0, &mut Rng::new(5));
        let times = (0..2400).map(|tenth| kg(&visit, f64::from(tenth) / 10.0));
        let mut run = 0;
        let longest = times
            .map(|kg| {
                if kg > 1.0 {
                    run += 1;
                    run
                } else {
                    run = 0;
                    0
                }
            })
            .max()
            .unwrap();
        assert!((5..40).contains(&longest), "{longest} tenths of a second");
    }
}
