//! A contact mat: closed under a body, more or less.
//!
//! Closes above one load and opens below a lower one, bounces when it does, feels only what lies where it lies, and
//! chatters: between a body that moves and two foils, the contact opens for moments.

use super::night::Difficulty;
use super::pose::Load;
use super::rng::Rng;
use super::sending::Sending;
use crate::model::Channels;

/// What a contact mat is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContactMat {
    /// Closes at this load, in kilograms.
    pub closes_kg: f64,
    /// Opens below this load, in kilograms; less than `closes_kg`.
    pub opens_kg: f64,
    /// Where its middle is across the bed, 0 to 1.
    pub across: f64,
    /// How far it feels to either side: a standard deviation as a share of the place. Infinite: everywhere.
    pub reach: f64,
    /// How unevenly a body presses: a deviation as a share of its load. Chatters where the load is near its limits.
    pub flutter: f64,
    /// How long it bounces when it closes or opens, in seconds.
    pub bounce_s: f64,
    /// How long it sticks before it opens, in seconds.
    pub sticks_s: f64,
    /// How often it opens for a moment under a load, an hour. 37 and 130 were measured on badly placed mats.
    pub chatter_an_hour: f64,
    /// How long such a moment lasts on average, in seconds.
    pub chatter_s: f64,
    /// When it sends.
    pub sending: Sending,
}

impl ContactMat {
    /// A mat that never chatters.
    #[must_use]
    pub const fn clean() -> Self {
        Self {
            closes_kg: 12.0,
            opens_kg: 8.0,
            across: 0.5,
            reach: f64::INFINITY,
            flutter: 0.0,
            bounce_s: 0.0,
            sticks_s: 0.0,
            chatter_an_hour: 0.0,
            chatter_s: 0.3,
            sending: Sending::Always,
        }
    }

    /// Draws a mat as homes of this difficulty have them: most chatter a little, some are badly placed.
    #[must_use]
    pub fn drawn(difficulty: Difficulty, rng: &mut Rng) -> Self {
        let closes_kg = match difficulty {
            Difficulty::Easy => rng.between(8.0, 16.0),
            Difficulty::Realistic => rng.between(5.0, 20.0),
            Difficulty::Nasty => rng.between(3.0, 32.0),
        };
        let usual = Self {
            closes_kg,
            opens_kg: closes_kg * rng.between(0.5, 0.9),
            bounce_s: rng.between(0.0, 0.3),
            sending: if rng.chance(0.3) { Sending::ZIGBEE } else { Sending::Always },
            ..Self::clean()
        };
        match difficulty {
            Difficulty::Easy => usual,
            Difficulty::Realistic => Self {
                flutter: rng.between(0.0, 0.08),
                sticks_s: rng.between(0.0, 1.0),
                chatter_an_hour: rng.quantile(&[(0.4, 0.0), (0.9, 5.0), (1.0, 20.0)]),
                ..usual
            },
            Difficulty::Nasty => Self {
                across: rng.between(0.15, 0.95),
                reach: rng.between(0.2, 0.6),
                flutter: rng.between(0.02, 0.15),
                sticks_s: rng.between(0.0, 3.0),
                chatter_an_hour: rng.quantile(&[(0.2, 0.0), (0.7, 20.0), (0.9, 37.0), (1.0, 130.0)]),
                chatter_s: rng.between(0.2, 2.0),
                ..usual
            },
        }
    }

    /// Returns the kilograms that it feels.
    fn felt_kg(&self, loads: &[Load]) -> f64 {
        let part = |load: &Load| {
            let away = (load.pose.across - self.across) / self.reach.hypot(load.pose.across_spread);
            load.felt_kg() * (-0.5 * away * away).exp()
        };
        loads.iter().map(part).sum()
    }
}

/// One contact mat with its memory.
#[derive(Debug, Clone)]
pub struct Contact {
    mat: ContactMat,
    closed: bool,
    opens_in_s: f64,
    bounces_s: f64,
    chatters_s: f64,
    rng: Rng,
}

impl Contact {
    pub(super) const fn new(mat: ContactMat, rng: Rng) -> Self {
        Self { mat, closed: false, opens_in_s: mat.sticks_s, bounces_s: 0.0, chatters_s: 0.0, rng }
    }

    pub(super) fn read(&mut self, loads: &[Load], elapsed_s: f64) -> Channels {
        self.bounces_s -= elapsed_s;
        self.chatters_s -= elapsed_s;
        let before = self.closed;
        self.press(self.mat.felt_kg(loads), elapsed_s);
        if self.closed != before {
            self.bounces_s = self.mat.bounce_s;
        }
        let probability = -(-self.mat.chatter_an_hour * elapsed_s / 3600.0).exp_m1();
        if self.closed && self.chatters_s <= 0.0 && self.rng.chance(probability) {
            self.chatters_s = self.rng.wait(self.mat.chatter_s);
        }
        let bounces = self.bounces_s > 0.0 && self.rng.chance(0.4);
        Channels::contact((self.closed && self.chatters_s <= 0.0) != bounces)
    }

    /// Closes or opens under a load, and opens only when it has stuck long enough.
    fn press(&mut self, felt_kg: f64, elapsed_s: f64) {
        let load_kg = felt_kg * (1.0 + self.mat.flutter * self.rng.normal());
        if self.closed && load_kg < self.mat.opens_kg {
            self.opens_in_s -= elapsed_s;
            self.closed = self.opens_in_s > 0.0;
        } else {
            self.opens_in_s = self.mat.sticks_s;
            self.closed |= load_kg >= self.mat.closes_kg;
        }
    }

    /// Returns what it says on installation day under these loads.
    pub(super) fn settled(&self, loads: &[Load]) -> Vec<f64> {
        vec![f64::from(u8::from(self.mat.felt_kg(loads) >= self.mat.closes_kg))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::pose::{Pose, Posture};

    fn pressed(mat: &mut Contact, share: f64, elapsed_s: f64) -> bool {
        mat.read(&[Load { pose: Pose::edge(share), weight_kg: 60.0 }], elapsed_s).zones()[0] > 0.5
    }

    fn openings(states: &[bool]) -> usize {
        states.windows(2).filter(|pair| pair[0] && !pair[1]).count()
    }

    #[test]
    fn closes_at_one_load_and_opens_at_a_lower_one() {
        let mut mat = Contact::new(ContactMat::clean(), Rng::new(1));
        assert!(!pressed(&mut mat, 10.0 / 60.0, 0.1));
        assert!(pressed(&mut mat, 13.0 / 60.0, 0.1));
        assert!(pressed(&mut mat, 10.0 / 60.0, 0.1));
        assert!(!pressed(&mut mat, 7.0 / 60.0, 0.1));
    }

    #[test]
    fn chatters_as_often_as_it_is_told_and_never_closes_by_itself() {
        let chatter = ContactMat { chatter_an_hour: 100.0, ..ContactMat::clean() };
        let mut mat = Contact::new(chatter, Rng::new(2));
        let states: Vec<bool> = (0..360_000).map(|_| pressed(&mut mat, 1.0, 0.1)).collect();
        // Ten hours; some openings fall into another.
        assert!((900..1_100).contains(&openings(&states)), "{}", openings(&states));
        assert!((0..1_000).all(|_| !pressed(&mut mat, 0.0, 0.1)));
    }

    #[test]
    fn a_load_near_its_limits_flutters_and_a_heavy_one_does_not() {
        let flutters = |share| {
            let mat = ContactMat { flutter: 0.2, ..ContactMat::clean() };
            let mut mat = Contact::new(mat, Rng::new(3));
            let states: Vec<bool> = (0..1_000).map(|_| pressed(&mut mat, share, 0.1)).collect();
            openings(&states)
        };
        assert!(flutters(10.0 / 60.0) > 20, "{}", flutters(10.0 / 60.0));
        assert_eq!(flutters(0.9), 0);
    }

    #[test]
    fn a_badly_placed_one_loses_who_lies_on_the_other_side() {
        let mat = ContactMat { across: 0.05, reach: 0.15, ..ContactMat::clean() };
        let closes =
            |pose: Pose, weight_kg| Contact::new(mat, Rng::new(4)).settled(&[Load { pose, weight_kg }])[0] > 0.5;
        assert!(closes(Pose::edge(0.7), 50.0));
        assert!(!closes(Pose { across: 0.7, ..Pose::lying(Posture::Left) }, 50.0));
    }

    #[test]
    fn bounces_for_a_moment_and_sticks_for_another() {
        let mut mat = Contact::new(ContactMat { bounce_s: 1.0, ..ContactMat::clean() }, Rng::new(5));
        let states: Vec<bool> = (0..1_000).map(|_| pressed(&mut mat, 1.0, 0.05)).collect();
        assert!(states[..20].iter().any(|closed| !closed) && states[21..].iter().all(|closed| *closed));
        let mut mat = Contact::new(ContactMat { sticks_s: 2.0, ..ContactMat::clean() }, Rng::new(5));
        assert!(pressed(&mut mat, 1.0, 0.1));
        let held = (0..100).take_while(|_| pressed(&mut mat, 0.0, 0.1)).count();
        assert!((18..=21).contains(&held), "{held}");
    }
}
