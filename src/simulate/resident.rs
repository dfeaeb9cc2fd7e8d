//! What a resident does, step by step: a script, and the loads it gives at any moment.
//!
//! A script is either written by hand ([`super::script`]) or drawn by seed ([`super::habits`]). It holds a few hundred
//! steps a night, never samples.

use std::time::Duration;

use super::phase::{Course, Phase, Place};
use super::pose::{Body, Load, Pose, Posture, Stance};

/// A phase with its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// What she does.
    pub phase: Phase,
    /// When it begins, from the start of the script.
    pub begins: Duration,
    /// When it ends.
    pub ends: Duration,
    from: Stance,
    to: Stance,
    left_kg: f64,
}

/// All that a resident does, without gaps. After the last step she stays as she is.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    body: Body,
    first: Stance,
    steps: Vec<Step>,
}

impl Script {
    /// Starts the script of a resident who is out of bed.
    #[must_use]
    pub const fn new(body: Body) -> Self {
        Self { body, first: Stance::AWAY, steps: Vec::new() }
    }

    /// Starts the script of a resident who lies in bed.
    #[must_use]
    pub fn lying(body: Body, posture: Posture, shift: f64) -> Self {
        Self { body, first: Stance::lying(posture, shift), steps: Vec::new() }
    }

    /// Adds what she does next, and for how long (counted in whole milliseconds).
    pub fn then(&mut self, phase: Phase, lasts: Duration) -> &mut Self {
        let from = self.steps.last().map_or(self.first, |step| step.to);
        let left_kg = self.steps.last().map_or(0.0, Step::leaves_kg);
        let begins = self.ends();
        let lasts = Duration::from_millis(u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX));
        let ends = begins.saturating_add(lasts);
        self.steps.push(Step { phase, begins, ends, from, to: phase.ends_in(from), left_kg });
        self
    }

    /// Returns whose script this is.
    #[must_use]
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// Returns the steps in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns when the last step ends.
    #[must_use]
    pub fn ends(&self) -> Duration {
        self.steps.last().map_or(Duration::ZERO, |step| step.ends)
    }

    /// Returns the step at a time after the start; `None` after the last.
    pub(super) fn step_at(&self, at: Duration) -> Option<&Step> {
        self.steps.get(self.steps.partition_point(|step| step.ends <= at))
    }

    /// Tells whether the bed ought to show a body after the last step.
    pub(super) fn shows_after(&self) -> bool {
        self.place_after() != Place::Absent
    }

    /// Returns where she is from when to when, in seconds, without gaps up to the end of a night of this length.
    #[must_use]
    pub fn stretches(&self, length: Duration) -> Vec<Stretch> {
        let end = length.as_secs_f64();
        let mut stretches: Vec<Stretch> = Vec::new();
        for step in self.steps.iter().take_while(|step| step.begins < length) {
            let to = step.ends.as_secs_f64().min(end);
            push(&mut stretches, Stretch { place: step.phase.place(), from: step.begins.as_secs_f64(), to });
        }
        let from = self.ends().as_secs_f64();
        if from < end {
            push(&mut stretches, Stretch { place: self.place_after(), from, to: end });
        }
        stretches
    }

    /// Returns where she is when the script has ended: who has stood up is gone.
    fn place_after(&self) -> Place {
        match self.steps.last().map(|step| step.phase) {
            Some(Phase::Leaning | Phase::Rising { .. }) => Place::Absent,
            Some(phase) => phase.place(),
            None if self.first.on_bed > 0.0 => Place::Bed,
            None => Place::Absent,
        }
    }

    /// Returns the resident's load at a time after the start, breath included.
    #[must_use]
    pub fn load_at(&self, at: Duration) -> Load {
        let (stance, course) = match self.step_at(at) {
            Some(step) => step.stance_at(at),
            None => (self.steps.last().map_or(self.first, |step| step.to), Course::way(0.0)),
        };
        let pose = stance.pose.breathing(&self.body, at.as_secs_f64());
        let (on_bed, on_mat) = (stance.on_bed * course.bed, pose.share * course.mat);
        let share = if on_bed > 0.0 { on_mat / on_bed } else { 0.0 };
        Load { pose: Pose { share, ..pose }, weight_kg: self.body.weight_kg * on_bed }
    }

    /// Returns by how much the bedding has changed since the first evening, in kilograms, at a time after the start.
    #[must_use]
    pub fn left_kg_at(&self, at: Duration) -> f64 {
        match self.step_at(at) {
            Some(step) => step.left_kg,
            None => self.steps.last().map_or(0.0, Step::leaves_kg),
        }
    }
}

/// A time in one place, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Where.
    pub place: Place,
    /// From when.
    pub from: f64,
    /// Until when.
    pub to: f64,
}

fn push(stretches: &mut Vec<Stretch>, next: Stretch) {
    match stretches.last_mut().filter(|last| last.place == next.place) {
        Some(last) => last.to = next.to,
        None => stretches.push(next),
    }
}

impl Step {
    /// Returns what is left on the bed after this step.
    const fn leaves_kg(&self) -> f64 {
        if let Phase::Rising { leaves_kg, .. } = self.phase { leaves_kg } else { self.left_kg }
    }

    fn stance_at(&self, at: Duration) -> (Stance, Course) {
        let lasts = self.ends.saturating_sub(self.begins).as_secs_f64();
        let since = at.saturating_sub(self.begins).as_secs_f64();
        let part = if lasts > 0.0 { since / lasts } else { 1.0 };
        let course = self.phase.course(part.min(1.0), since);
        (self.from.toward(self.to, course.way), course)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::phase::{Style, Why};

    const BODY: Body =
        Body { weight_kg: 60.0, breath_hz: 0.25, breath_depth: 0.0, breath_wave: 0.0, restlessness: 1.0 };

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn share(script: &Script, at: f64) -> f64 {
        script.load_at(seconds(at)).felt_kg() / 60.0
    }

    #[test]
    fn the_load_follows_the_script() {
        let mut script = Script::new(BODY);
        script
            .then(Phase::Away, seconds(1.0))
            .then(Phase::SittingDown { share: 0.7 }, seconds(1.0))
            .then(Phase::LyingDown { posture: Posture::Back, shift: 0.0 }, seconds(1.0))
            .then(Phase::Turning { to: Posture::Right, shift: 0.0, dip: 0.35, swing: 0.0 }, seconds(2.0))
            .then(Phase::Lifting { dip: 0.95 }, seconds(1.0))
            .then(Phase::ToEdge { share: 0.7 }, seconds(1.0))
            .then(Phase::Rising { why: Why::Toilet, style: Style::Normal, hand: 0.1, leaves_kg: 1.5 }, seconds(1.0))
            .then(Phase::Leaning, seconds(2.0));
        for (at, expected) in [
            (0.5, 0.0),
            (2.0, 0.7),
            (3.0, 1.0),
            (4.0, 0.93 * 0.65),
            (5.5, 0.86 * 0.05),
            (7.0, 0.7),
            (8.0, 0.1),
            (9.0, 0.1),
        ] {
            assert!((share(&script, at) - expected).abs() < 0.001, "{at} s: {} for {expected}", share(&script, at));
        }
        assert_eq!(script.ends(), seconds(10.0));
        assert!(share(&script, 10.0).abs() < f64::EPSILON && share(&script, 99.0).abs() < f64::EPSILON);
        assert!(script.left_kg_at(seconds(7.5)).abs() < f64::EPSILON);
        assert!((script.left_kg_at(seconds(8.5)) - 1.5).abs() < f64::EPSILON);
    }

    #[test]
    fn the_legs_of_the_bed_feel_what_a_mat_does_not() {
        let mut script = Script::lying(BODY, Posture::Left, 0.0);
        script.then(Phase::Lying, seconds(1.0)).then(Phase::Lifting { dip: 0.95 }, seconds(2.0));
        script.then(Phase::ToEdge { share: 0.5 }, seconds(1.0)).then(Phase::Attempting { dip: 0.9 }, seconds(2.0));
        let weight = |at: f64| script.load_at(seconds(at)).weight_kg;
        assert!((weight(0.5) - 60.0).abs() < 1e-9 && (share(&script, 0.5) - 0.86).abs() < 1e-9);
        assert!((weight(2.0) - 60.0).abs() < 2.0 && share(&script, 2.0) < 0.05, "hips lifted");
        assert!((0.6..0.9).contains(&(weight(4.0) / 60.0)), "feet on the floor");
        assert!(weight(5.0) < 0.1 * 60.0, "nearly standing");
        assert_eq!(script.stretches(seconds(9.0)).len(), 2);
    }

    #[test]
    fn restless_legs_kick_for_moments_and_rest_between() {
        let mut script = Script::lying(BODY, Posture::Back, 0.0);
        script.then(Phase::Kicking { every_s: 25.0, swing: 0.3 }, seconds(100.0));
        let moved = (0..1_000).filter(|tenth| (share(&script, f64::from(*tenth) / 10.0) - 1.0).abs() > 0.02).count();
        assert!((20..=36).contains(&moved), "{moved} tenths of a second");
    }

    #[test]
    fn an_empty_script_is_an_empty_bed() {
        assert!(share(&Script::new(BODY), 5.0).abs() < f64::EPSILON);
    }
}
