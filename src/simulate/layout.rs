//! How the zones of a mat lie, and how loads spread over them.
//!
//! Geometry only: what a zone makes of its kilograms is in [`super::pressure`].

use super::pose::{Load, Pose};
use crate::model::reading::ZONES_MAX;

/// How the zones of a mat lie: so many beside each other across the bed, so many along it. At most 16 in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    across: u8,
    along: u8,
}

impl Layout {
    /// One zone.
    pub const ONE: Self = Self { across: 1, along: 1 };

    /// Four strips beside each other across the bed.
    pub const FOUR: Self = Self { across: 4, along: 1 };

    /// Takes the number of zones each way; `None` where there are none or more than 16 in all.
    #[must_use]
    pub fn new(across: u8, along: u8) -> Option<Self> {
        let zones = usize::from(across) * usize::from(along);
        (1..=ZONES_MAX).contains(&zones).then_some(Self { across, along })
    }

    /// Returns how many zones there are.
    #[must_use]
    pub const fn zones(self) -> u8 {
        self.across * self.along
    }

    /// Returns the kilograms on each zone, row by row from the feet.
    pub(super) fn weigh(self, loads: &[Load]) -> [f64; ZONES_MAX] {
        let mut kilograms = [0.0; ZONES_MAX];
        for load in loads.iter().filter(|load| load.felt_kg() > 0.0) {
            for (zone, share) in kilograms.iter_mut().zip(self.spread(&load.pose)) {
                *zone += share * load.felt_kg();
            }
        }
        kilograms
    }

    /// Returns each zone's share of a load, row by row from the feet.
    fn spread(self, pose: &Pose) -> [f64; ZONES_MAX] {
        let across = shares(self.across, pose.across, pose.across_spread);
        let along = shares(self.along, pose.along, pose.along_spread);
        let mut cells = along
            .iter()
            .take(usize::from(self.along))
            .flat_map(|row| across.iter().take(usize::from(self.across)).map(move |column| row * column));
        std::array::from_fn(|_| cells.next().unwrap_or_default())
    }
}

/// Splits a load with this centre and spread over zones of equal width; the shares add up to 1.
fn shares(zones: u8, centre: f64, spread: f64) -> [f64; ZONES_MAX] {
    let mut shares = [0.0; ZONES_MAX];
    if let (1, Some(all)) = (zones, shares.first_mut()) {
        *all = 1.0;
        return shares;
    }
    for (zone, share) in (0..zones).zip(&mut shares) {
        let away = ((f64::from(zone) + 0.5) / f64::from(zones) - centre) / spread.max(0.05);
        *share = (-0.5 * away * away).exp();
    }
    let total: f64 = shares.iter().sum();
    shares.map(|share| if total > 0.0 { share / total } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::pose::Posture;

    #[test]
    fn layouts_hold_one_to_sixteen_zones() {
        assert!(Layout::new(0, 4).is_none() && Layout::new(5, 4).is_none() && Layout::new(255, 255).is_none());
        assert_eq!(Layout::new(8, 2).unwrap().zones(), 16);
    }

    #[test]
    fn the_load_goes_where_the_body_is_and_none_is_lost() {
        let on = |pose| Load { pose, weight_kg: 70.0 };
        let edge = Layout::FOUR.weigh(&[on(Pose::edge(1.0))]);
        assert!(edge[0] > edge[1] && edge[1] > edge[2], "{edge:?}");
        let both = Layout::new(4, 4).unwrap().weigh(&[on(Pose::lying(Posture::Back)), on(Pose::edge(0.5))]);
        assert!((both.iter().sum::<f64>() - 105.0).abs() < 1e-9);
        assert!(Layout::ONE.weigh(&[]).iter().sum::<f64>().abs() < f64::EPSILON);
    }
}
