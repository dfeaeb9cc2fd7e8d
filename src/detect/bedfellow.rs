//! Two in one bed, on a sensor that weighs the whole of it: when the second one has come to stay, what lay there before
//! is no more to be waited for than the bed itself.
//!
//! Load cells under the legs count whoever lies there in full. The resident who gets up from beside her husband then
//! leaves his weight behind. Only a step between two long, steady stays counts: on mats, posture and creep move the
//! level within minutes, so nothing here ever happens to them.

use std::time::Duration;

use super::levels::Pair;
use super::signal::{Frame, Zones};
use crate::model::Moment;

/// How long the first one must have lain there alone, and steadily: longer than anybody sits on the edge.
const FIRST_STAYS: Duration = Duration::from_secs(10 * 60);

/// How long both must have lain there to be a couple: longer than a carer sits on a bed.
const BOTH_STAY: Duration = Duration::from_secs(20 * 60);

/// The second one's load as a share of the first one's: above what posture makes of one person (1.25, `PoPu`).
const SECOND_SHARE_MIN: f64 = 0.55;

/// A level within this share of the load is the same: a scale keeps it, a mat moves with each posture and creeps by 10 %
/// for each tenfold of the time.
const STEADY_SHARE: f64 = 0.01;

/// A level that is left for less than this was only moved on.
const MOVED_MAX: Duration = Duration::from_secs(60);

/// The mean over this long smooths a turn in bed away.
const SMOOTH: Duration = Duration::from_secs(20);

/// Watches for a second one.
#[derive(Debug, Clone, Default)]
pub(super) struct Bedfellow {
    stay: Option<Stay>,
    /// What lay there before the second one came.
    first: Option<Zones>,
}

/// A stay at one level.
#[derive(Debug, Clone, Copy)]
struct Stay {
    since: Moment,
    level: f64,
    loads: Zones,
    smooth: Zones,
    seen: Moment,
    away: Option<Moment>,
}

impl Bedfellow {
    /// Takes the loads of an occupied bed; tells, once, what must be taken for the empty bed from now on.
    pub(super) fn take(&mut self, at: Moment, frame: &Frame, pair: &Pair) -> Option<Zones> {
        let Some(stay) = &mut self.stay else {
            self.stay = Some(Stay::new(at, frame.loads));
            return None;
        };
        let empty: f64 = pair.empty.iter().sum();
        let level = stay.follow(at, &frame.loads);
        let load = (stay.level - empty).max(f64::MIN_POSITIVE);
        if (level - stay.level).abs() <= STEADY_SHARE * load {
            stay.away = None;
            let ripe = at.since(stay.since) >= BOTH_STAY;
            return if ripe { self.first.take() } else { None };
        }
        let away = *stay.away.get_or_insert(at);
        if at.since(away) < MOVED_MAX {
            return None;
        }
        let (before, stayed) = (*stay, at.since(stay.since));
        self.stay = Some(Stay::new(at, before.smooth));
        if level - before.level >= SECOND_SHARE_MIN * load && stayed >= FIRST_STAYS {
            self.first = Some(before.loads);
        } else if self.first.is_some_and(|first| level <= first.iter().sum::<f64>() + 0.5 * SECOND_SHARE_MIN * load) {
            self.first = None;
        }
        None
    }

    /// Nobody is there any more.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Stay {
    fn new(at: Moment, loads: Zones) -> Self {
        Self { since: at, level: loads.iter().sum(), loads, smooth: loads, seen: at, away: None }
    }

    /// Follows the loads; returns their smoothed sum. The level itself is the mean of the first minute.
    fn follow(&mut self, at: Moment, loads: &Zones) -> f64 {
        let part = (at.since(self.seen).as_secs_f64() / SMOOTH.as_secs_f64()).min(1.0);
        self.seen = at;
        for (smooth, load) in self.smooth.iter_mut().zip(loads) {
            *smooth += (load - *smooth) * part;
        }
        if at.since(self.since) < MOVED_MAX {
            self.loads = self.smooth;
            self.level = self.smooth.iter().sum();
        }
        self.smooth.iter().sum()
    }
}
