//! A contact mat: closed under a body, more or less.
//!
//! Closes above one load and opens below a lower one, and chatters: between a body that moves and two foils, the
//! contact opens for moments.

use super::pose::Load;
use super::rng::Rng;
use crate::model::Channels;

/// What a contact mat is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContactMat {
    /// Closes at this load, in kilograms.
    pub closes_kg: f64,
    /// Opens below this load, in kilograms; less than `closes_kg`.
    pub opens_kg: f64,
    /// How often it opens for a moment under a load, an hour. 37 and 130 were measured on badly placed mats.
    pub chatter_an_hour: f64,
    /// How long such a moment lasts on average, in seconds.
    pub chatter_s: f64,
}

impl ContactMat {
    /// A mat that never chatters.
    #[must_use]
    pub const fn clean() -> Self {
        Self { closes_kg: 12.0, opens_kg: 8.0, chatter_an_hour: 0.0, chatter_s: 0.3 }
    }

    /// Draws a mat as homes have them: most chatter a little.
    #[must_use]
    pub fn drawn(rng: &mut Rng) -> Self {
        let closes_kg = rng.between(5.0, 20.0);
        Self {
            closes_kg,
            opens_kg: closes_kg * rng.between(0.5, 0.9),
            chatter_an_hour: rng.quantile(&[(0.2, 0.0), (0.8, 10.0), (1.0, 40.0)]),
            chatter_s: 0.3,
        }
    }
}

/// One contact mat with its memory.
#[derive(Debug, Clone)]
pub struct Contact {
    mat: ContactMat,
    closed: bool,
    chatters_s: f64,
    rng: Rng,
}

impl Contact {
    pub(super) const fn new(mat: ContactMat, rng: Rng) -> Self {
        Self { mat, closed: false, chatters_s: 0.0, rng }
    }

    pub(super) fn read(&mut self, loads: &[Load], elapsed_s: f64) -> Channels {
        let limit_kg = if self.closed { self.mat.opens_kg } else { self.mat.closes_kg };
        self.closed = loads.iter().map(Load::felt_kg).sum::<f64>() >= limit_kg;
        self.chatters_s -= elapsed_s;
        let probability = -(-self.mat.chatter_an_hour * elapsed_s / 3600.0).exp_m1();
        if self.closed && self.chatters_s <= 0.0 && self.rng.chance(probability) {
            self.chatters_s = self.rng.wait(self.mat.chatter_s);
        }
        Channels::contact(self.closed && self.chatters_s <= 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::pose::Pose;

    fn pressed(mat: &mut Contact, share: f64, elapsed_s: f64) -> bool {
        mat.read(&[Load { pose: Pose::edge(share), weight_kg: 60.0 }], elapsed_s).zones()[0] > 0.5
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
        let openings = states.windows(2).filter(|pair| pair[0] && !pair[1]).count();
        // Ten hours; some openings fall into another.
        assert!((900..1_100).contains(&openings), "{openings}");
        assert!((0..1_000).all(|_| !pressed(&mut mat, 0.0, 0.1)));
    }
}
