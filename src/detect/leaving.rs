//! Has she left? The evidence for it against the two other explanations of a load that has gone.
//!
//! A sequential test (Wald, Sequential Analysis, 1947) of three hypotheses: she has **left**; the load is away for a
//! **moment** and comes back (hips lifted, an attempt to stand up, a glitch); or she is **still there** with little load
//! on the mat (sits on the edge, lies half beside it). Evidence counts in nats, the natural logarithm of a likelihood
//! ratio; a rise is told once both others are ruled out. PURE arithmetic: it is told what was seen and when.

use std::time::Duration;

use super::settings::Confirm;
use crate::model::Moment;

/// The latest decision, however thin the evidence: in doubt, alarm.
pub(super) const CONFIRM_MAX: Duration = Duration::from_secs(8);

/// A contact says nothing but that it is open: longer than a lift of the hips (half a second to two).
const CONFIRM_CONTACT: Duration = Duration::from_millis(2_500);

/// The decision where nobody saw the load go and the mat shows life: what reads as nothing may be a zero that was taken
/// anew with her in bed, and only life can tell. Longer than the 37 s within which the breath of a sleeper comes and goes.
const CONFIRM_UNSEEN: Duration = Duration::from_secs(45);

/// How much a quiet time may speak against life there, in nats: breath that goes comes back.
const QUIET_MAX: f64 = 2.0;

/// How sure it must be then that she is there, in nats: 55 to 1, on top of how rarely anybody leaves within a silence.
const LIVES_THERE: f64 = 4.0;

/// Less than this share of a person, all at once after a silence, no empty bed shows: its zero has moved.
pub(super) const BELOW_EMPTY: f64 = -0.3;

/// Load at or below this share of a lying person may be a bag or a foam that comes back; above it somebody's part.
pub(super) const LOW_SHARE: f64 = 0.15;

/// How sure a rise has to be that it is not the other thing, in nats: about 400 to 1.
const MOMENT_RULED_OUT: f64 = 6.0;

/// And that she is not still there, in nats: about 3 to 1, since a fall of the load is rarely anything but leaving.
const STILL_THERE_RULED_OUT: f64 = 1.0;

/// Signs of life count no more than this, in nats, either way: they may be a pet, or a person who holds her breath.
const LIFE_MAX: f64 = 8.0;

/// A load that falls on by this share has not come to rest.
const FALLS_ON: f64 = 0.02;

/// How long an unprepared lift of the hips keeps the load away: the scale of a Weibull distribution with the shape
/// below, so that half last less than 0.95 s and one in 400 more than 2.3 s.
const LIFT_SCALE_S: f64 = 1.1;

/// How long somebody who sits on the edge and tries to stand up is off it before she falls back.
const ATTEMPT_SCALE_S: f64 = 0.5;

/// A fall below this share of a lying person is deep.
const DEEP_SHARE: f64 = 0.10;

/// The shape of both distributions.
const MOMENT_SHAPE: f64 = 2.4;

/// What is known about a load that has gone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Leaving {
    /// When the load fell below what somebody in bed makes.
    pub gone: Moment,
    /// Since when it has been as low as that of an empty bed.
    pub low: Option<Moment>,
    /// How many readings have shown nobody since `gone`.
    pub readings: u32,
    /// Since when the latest readings have been that low, be it a single one.
    first_low: Option<Moment>,
    /// The higher of the last two shares: one low frame proves nothing.
    pub share: f64,
    /// The latest share.
    pub last: f64,
    /// Whether something prepared for leaving: she had sat up or moved to the edge before.
    pub prepared: bool,
    /// Whether she is known to try and fall back: then preparation says nothing about how long the load stays away.
    pub tries: bool,
    /// Whether nobody saw the load go, on a mat whose zero may have moved meanwhile: then the share says nothing.
    pub unseen: bool,
    /// Evidence of life since the load has come to rest, in nats.
    pub life: f64,
    /// The share at which it came to rest.
    rest: f64,
    /// Since when the load has been between the thresholds again.
    pub between: Option<Moment>,
}

impl Leaving {
    /// Begins with the first reading that shows nobody.
    pub(super) fn new(gone: Moment, share: f64, prepared: bool) -> Self {
        let low = (share <= LOW_SHARE).then_some(gone);
        Self {
            gone,
            low,
            first_low: low,
            readings: 1,
            share,
            last: share,
            prepared,
            tries: false,
            unseen: false,
            life: 0.0,
            rest: share,
            between: None,
        }
    }

    /// Takes another reading that shows nobody, with the evidence of life that came with it.
    pub(super) fn take(&mut self, at: Moment, share: f64, life: f64) {
        self.readings = self.readings.saturating_add(1);
        self.share = share.max(self.last);
        self.last = share;
        self.between = None;
        self.first_low = (share <= LOW_SHARE).then(|| self.first_low.unwrap_or(at));
        if self.share > LOW_SHARE {
            self.low = None;
        } else if self.low.is_none() {
            // The step from part of the load to nothing is the leaving; the second low reading has confirmed the first.
            self.low = self.first_low;
            self.gone = self.first_low.unwrap_or(at);
            self.life = 0.0;
        }
        if share < self.rest - FALLS_ON {
            // Whoever leaves pushes and pulls until she has left.
            if self.rest > DEEP_SHARE {
                self.gone = at;
            }
            self.rest = share;
            self.life = 0.0;
        }
        let least = if self.unseen { -QUIET_MAX } else { -LIFE_MAX };
        self.life = (self.life + life).clamp(least, LIFE_MAX);
    }

    /// Tells whether a prepared leaving has left so little that it would be decided at once.
    pub(super) fn looks_like_leaving(&self) -> bool {
        self.prepared && self.low.is_some()
    }

    /// Returns the evidence that she is not still there, in nats.
    pub(super) fn against_still_there(&self) -> f64 {
        if self.unseen { -self.life } else { emptiness(self.share) - self.life }
    }

    /// Tells whether it was not she who went but the zero of the mat that has moved.
    pub(super) fn is_moved_zero(&self) -> bool {
        self.unseen && self.readings >= 2 && (self.life >= LIVES_THERE || self.share <= BELOW_EMPTY)
    }

    /// Tells whether the load has come to rest far below that of the empty bed, which was never right then.
    pub(super) fn is_below_empty(&self) -> bool {
        self.readings >= 2 && self.share <= BELOW_EMPTY && self.share - self.last <= DEEP_SHARE && !self.unseen
    }

    /// Tells whether so little is left that it can be nobody, if nothing else speaks for her.
    pub(super) fn is_little(&self) -> bool {
        emptiness(self.share) > -STILL_THERE_RULED_OUT
    }

    /// Returns when she is known to have left if nothing else is seen.
    /// `chatter`: how long a contact must be open that chatters.
    pub(super) fn due(&self, confirm: Confirm, contact: bool, chatter: Option<Duration>, steady: bool) -> Moment {
        let away = match confirm {
            Confirm::Fixed(time) if time.is_zero() => return self.gone,
            Confirm::Fixed(time) => time.max(chatter.unwrap_or_default()),
            Confirm::Auto if contact => CONFIRM_CONTACT.max(chatter.unwrap_or_default()),
            Confirm::Auto => self.moment_ruled_out_after(),
        };
        // A glitch before a pause of the line is no rise.
        let unconfirmed = steady && self.readings < 2;
        let doubtful = !contact && self.against_still_there() < STILL_THERE_RULED_OUT;
        if self.unseen {
            return self.gone + away.max(CONFIRM_UNSEEN);
        }
        self.gone + if unconfirmed || doubtful { away.max(CONFIRM_MAX) } else { away }
    }

    /// Tells whether even at the latest moment she must be taken to be still there, because something lives there. Where
    /// it has not been seen how the mat moves with nobody there, that is believed for a minute.
    pub(super) fn is_somebody(&self) -> bool {
        let enough = if self.share > LOW_SHARE { STILL_THERE_RULED_OUT } else { 0.0 };
        self.against_still_there() < enough
    }

    fn moment_ruled_out_after(&self) -> Duration {
        let prepared = self.prepared && !self.tries;
        let scale = if prepared { ATTEMPT_SCALE_S } else { LIFT_SCALE_S };
        let missing = (MOMENT_RULED_OUT - depth(self.share, prepared)).max(0.0);
        Duration::from_secs_f64(missing.powf(1.0 / MOMENT_SHAPE) * scale)
    }
}

/// How much a share speaks for leaving against a moment, in nats. Few lifts leave nothing; whoever tries to stand up
/// and falls back hardly ever does, since her hands and half her weight stay.
fn depth(share: f64, prepared: bool) -> f64 {
    if prepared && share < DEEP_SHARE {
        between(share, (0.03, 5.0), (DEEP_SHARE, 2.0))
    } else {
        between(share, (DEEP_SHARE, 2.0), (0.3, 0.0))
    }
}

/// How much a share speaks for an empty bed against somebody who is still there, in nats: nobody sits with a twentieth
/// of herself on the mat, and no bag weighs a third of a person.
fn emptiness(share: f64) -> f64 {
    if share <= LOW_SHARE {
        between(share, (0.05, 7.0), (LOW_SHARE, 2.0))
    } else {
        between(share, (LOW_SHARE, 2.0), (0.35, -4.0))
    }
}

/// The straight line through two points, level beyond them.
fn between(x: f64, (x0, y0): (f64, f64), (x1, y1): (f64, f64)) -> f64 {
    y0 + (y1 - y0) * ((x - x0) / (x1 - x0)).clamp(0.0, 1.0)
}
