//! Draws a whole night from nothing but a seed: how hard it is, the mat, the resident, the faults.
//!
//! What is wished for narrows the draw and changes nothing else: a night that fits the wish anyway stays the same.

use std::time::Duration;

use jiff::Timestamp;

use super::mat::MatKind;
use super::night::{Difficulty, NightSettings};
use super::rng::Rng;

/// How often each level is drawn.
const LEVELS: [(f64, Difficulty); 3] =
    [(1.0, Difficulty::Easy), (2.0, Difficulty::Realistic), (1.0, Difficulty::Nasty)];

/// How often a mat is drawn until it is one of those wished for. Five kinds are drawn about equally often.
const DRAWS_MAX: usize = 1_000;

/// What is asked of a night that is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lot {
    /// One of these levels; any where there is none.
    pub levels: Vec<Difficulty>,
    /// One of these kinds of mats, by their words; any where there is none.
    pub kinds: Vec<String>,
    /// When it begins; only written down.
    pub start: Timestamp,
    /// How long it is.
    pub duration: Duration,
}

impl Lot {
    /// Draws the night of a seed; `None` where no mat of the kinds wished for is ever drawn.
    #[must_use]
    pub fn draw(&self, seed: u64) -> Option<NightSettings> {
        let mut rng = Rng::stream(seed, "lot");
        let level = std::iter::repeat_with(|| rng.pick(&LEVELS).unwrap_or(Difficulty::Realistic))
            .take(DRAWS_MAX)
            .find(|level| self.levels.is_empty() || self.levels.contains(level))?;
        let mut rng = Rng::stream(seed, "kind");
        let mat = std::iter::repeat_with(|| MatKind::drawn(&mut rng, level))
            .take(DRAWS_MAX)
            .find(|mat| self.kinds.is_empty() || self.kinds.iter().any(|kind| kind == mat.as_str()))?;
        Some(NightSettings::drawn_on(mat, seed, level, self.start, self.duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lot(levels: &[Difficulty], kinds: &[&str]) -> Lot {
        let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let start = "2026-01-15T20:00:00Z".parse().unwrap();
        Lot { levels: levels.to_vec(), kinds, start, duration: Duration::from_secs(3600) }
    }

    #[test]
    fn the_same_seed_draws_the_same_night_and_a_wish_that_it_fits_changes_nothing() {
        for seed in 0..30 {
            let night = lot(&[], &[]).draw(seed).unwrap();
            assert_eq!(lot(&[], &[]).draw(seed), Some(night.clone()));
            let fits = lot(&[night.difficulty], &[night.mat.as_str()]).draw(seed);
            assert_eq!(fits, Some(night));
        }
    }

    #[test]
    fn every_wish_for_levels_and_kinds_is_met() {
        for seed in 0..30 {
            let night = lot(&[Difficulty::Nasty, Difficulty::Easy], &["contact"]).draw(seed).unwrap();
            assert!(night.difficulty != Difficulty::Realistic && night.mat.as_str() == "contact");
        }
        assert_eq!(lot(&[], &["carpet"]).draw(1), None);
    }

    #[test]
    fn seeds_draw_all_levels() {
        let count = |level| (0..200).filter(|seed| lot(&[], &[]).draw(*seed).unwrap().difficulty == level).count();
        for level in [Difficulty::Easy, Difficulty::Realistic, Difficulty::Nasty] {
            assert!(count(level) > 25, "{level:?}");
        }
    }
}
