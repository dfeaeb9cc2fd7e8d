//! What a mat said at one moment: its time, its channels, its quality.

use super::time::Moment;

/// The most zones that one mat can have.
pub const ZONES_MAX: usize = 16;

/// The values of a mat's zones, in the sensor's own unit; 1 to [`ZONES_MAX`] of them.
///
/// A zone that could not be read is `NaN`. Kept in place: a reading costs no allocation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Channels {
    // Zero beyond `len`: a NaN there would make every reading unequal to itself.
    values: [f64; ZONES_MAX],
    len: u8,
}

impl Channels {
    /// Takes the zones in order; `None` where there is none or more than [`ZONES_MAX`].
    ///
    /// What is not finite becomes `NaN`, and `-0` becomes `0`.
    #[must_use]
    pub fn new(zones: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values = [0.0; ZONES_MAX];
        let mut len = 0;
        for zone in zones {
            *values.get_mut(len)? = if zone.is_finite() { zone + 0.0 } else { f64::NAN };
            len += 1;
        }
        let len = u8::try_from(len).ok().filter(|len| *len > 0)?;
        Some(Self { values, len })
    }

    /// Makes the one channel of a contact mat: 1 = someone lies on it.
    #[must_use]
    pub fn contact(pressed: bool) -> Self {
        let mut values = [0.0; ZONES_MAX];
        if let Some(first) = values.first_mut() {
            *first = f64::from(u8::from(pressed));
        }
        Self { values, len: 1 }
    }

    /// Returns the zones in order.
    #[must_use]
    pub fn zones(&self) -> &[f64] {
        self.values.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Returns how many zones there are.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Tells that there are no zones, which never happens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// How far a reading can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    /// Fresh from the mat.
    Live,
    /// Retained by the broker, or older than this mat's messages usually are: may set the state, raises nothing.
    Old,
}

/// One reading of one mat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// When the mat was in this state, on the gateway's monotonic clock.
    pub at: Moment,
    /// What it said.
    pub channels: Channels,
    /// How far it can be relied on.
    pub quality: Quality,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finite_is_a_failed_zone_and_minus_zero_is_zero() {
        let channels = Channels::new([f64::INFINITY, -0.0, 3.5]).unwrap();
        assert!(channels.zones()[0].is_nan());
        assert!(channels.zones()[1].is_sign_positive());
        assert_eq!(channels.len(), 3);
    }

    #[test]
    fn channels_without_a_failed_zone_equal_themselves() {
        assert_eq!(Channels::new([1.0, 2.0]), Channels::new([1.0, 2.0]));
        assert_eq!(Channels::contact(true), Channels::contact(true));
        assert_ne!(Channels::new([1.0]), Channels::new([1.0, 0.0]));
    }

    #[test]
    fn a_mat_has_one_to_sixteen_zones() {
        assert!(Channels::new([]).is_none());
        assert!(Channels::new([0.0; 16]).is_some());
        assert!(Channels::new([0.0; 17]).is_none());
    }
}
