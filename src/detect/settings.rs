//! What the detector of one bed is told: checked settings, made by `config`.

use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::model::{BedId, Watch};

/// Everything about one bed that decisions depend on.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The bed.
    pub bed: BedId,
    /// When it is watched.
    pub watch: Watch,
    /// The home's time zone, for `not_in_bed` and `not_up`.
    pub zone: TimeZone,
    /// Whether the mat is a contact: 1 = someone lies on it.
    pub contact: bool,
    /// Number of zones: 1 to 16.
    pub zones: usize,
    /// What the sensor can say, of each zone, in its own unit.
    pub range: Option<(f64, f64)>,
    /// Whether load makes the value fall.
    pub invert: bool,
    /// How sure to be before a rise is told.
    pub confirm: Confirm,
    /// Lying this long arms the bed.
    pub settle: Duration,
    /// How soon somebody is taken to sit on the edge.
    pub edge_sensitivity: Sensitivity,
    /// Level of each zone of the empty bed, where it was measured; in the sensor's own unit.
    pub empty: Option<Vec<f64>>,
    /// Level of each zone with someone lying, where it was measured; in the sensor's own unit.
    pub occupied: Option<Vec<f64>>,
    /// Silence of this length is a fault; `None`: learnt from the mat's own period.
    pub silent_after: Option<Duration>,
    /// What is told.
    pub alarm: Alarm,
}

/// When a rise is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Confirm {
    /// As soon as the evidence allows.
    #[default]
    Auto,
    /// After the load has been away this long; zero: at the first reading in range.
    Fixed(Duration),
}

/// How much evidence it takes that somebody sits on the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sensitivity {
    /// Told later, and less often without a cause.
    Low,
    /// Told after some three seconds.
    #[default]
    Normal,
    /// Told sooner, and more often without a cause.
    High,
}

/// Which alerts a bed has.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    /// Told at once when the resident rises.
    pub rise: bool,
    /// Told when she is not back by then; `None`: never.
    pub not_returned: Option<Duration>,
    /// And again after each such span.
    pub repeat: Duration,
    /// Told when she sits on the edge.
    pub edge: bool,
    /// Told when she is not in bed by this time of the wall clock.
    pub not_in_bed: Option<Time>,
    /// Told when she is still in bed at this time of the wall clock.
    pub not_up: Option<Time>,
}

impl Default for Alarm {
    fn default() -> Self {
        Self {
            rise: true,
            not_returned: Some(Duration::from_secs(15 * 60)),
            repeat: Duration::from_secs(30 * 60),
            edge: false,
            not_in_bed: None,
            not_up: None,
        }
    }
}

/// The default of [`Settings::settle`]: longer than a carer leans on the bed or a cat jumps over it.
pub const SETTLE_DEFAULT: Duration = Duration::from_secs(10);
