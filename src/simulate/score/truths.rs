//! What the truth says about one moment: where she was, and whether anybody could have told.

use crate::simulate::truth::{Fault, State, Truth};

/// Tells whether two spans touch.
pub(super) fn over(one: (f64, f64), other: (f64, f64)) -> bool {
    one.0 <= other.1 && other.0 <= one.1
}

/// Where she was; outside of the night she was away.
pub(super) fn state(truth: &Truth, at: f64) -> State {
    truth.state_at(at).unwrap_or(State::Absent)
}

/// How long after something that nobody could tell apart an alarm may still come of it, in seconds.
const AFTER_S: f64 = 15.0;

/// The spans in which nobody could say who moved.
pub(super) fn free(truth: &Truth, confirm_s: f64) -> Vec<(f64, f64)> {
    let until = |end: f64| end + confirm_s + AFTER_S;
    let others = truth.loads.iter().filter(|load| matches!(load.what.as_str(), "visitor" | "caregiver"));
    let alone = others.filter(|load| state(truth, load.from) == State::Absent);
    let mut free: Vec<_> = alone.map(|load| (load.from - 2.0, until(load.to))).collect();
    if truth.kind == "cells" {
        let partners = truth.loads.iter().filter(|load| load.what == "partner");
        free.extend(partners.flat_map(|load| &load.moves).map(|at| (at - 5.0, until(*at))));
    }
    let ambiguous = truth.faults.iter().filter(|fault| fault.ambiguous).map(|fault| (fault.from, fault.to));
    let blind = truth.blind.iter().map(|blind| (blind.from, blind.to));
    free.extend(ambiguous.chain(blind).map(|(from, to)| (from - 1.0, until(to))));
    free
}

/// The spans in which the mat could not be trusted or contradicted who was there.
pub(super) fn hiding(truth: &Truth) -> Vec<(f64, f64)> {
    let faults = truth.faults.iter().map(|fault| (fault.from, fault.to));
    faults.chain(truth.blind.iter().map(|blind| (blind.from, blind.to))).collect()
}

/// Says what was going on when an alarm came without a cause, in a word.
pub(super) fn going_on(truth: &Truth, at: f64, confirm_s: f64) -> String {
    let window = (at - confirm_s - 4.0, at);
    let seen = |from: f64, to: f64| over((from, to), window);
    let fault = truth.faults.iter().find(|fault| seen(fault.from, fault.to + 15.0));
    if let Some(Fault { kind, .. }) = fault {
        return format!("fault:{kind}");
    }
    if state(truth, at) == State::Edge {
        return "edge".to_owned();
    }
    if let Some(found) = truth.disturbances.iter().find(|one| seen(one.from, one.to + 2.0)) {
        return found.what.clone();
    }
    if let Some(found) = truth.loads.iter().find(|load| load.what != "partner" && seen(load.from, load.to + 6.0)) {
        return found.what.clone();
    }
    let mut partners = truth.loads.iter().filter(|load| load.what == "partner");
    if partners.any(|load| load.moves.iter().any(|moved| seen(moved - 3.0, moved + 8.0))) {
        return "partner".to_owned();
    }
    if state(truth, at - confirm_s - 1.0) == State::Edge {
        return "edge".to_owned();
    }
    word(state(truth, at)).to_owned()
}

/// The word for where she was.
pub(super) const fn word(state: State) -> &'static str {
    match state {
        State::Bed => "bed",
        State::Edge => "edge",
        State::Absent => "absent",
    }
}
