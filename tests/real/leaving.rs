//! He leaves. Nobody recorded that: real frames of him in bed are followed by real frames of the empty bed.

use nattvakt::model::Event;

use crate::film::{EMPTY, EMPTY_JUMPED, EMPTY_QUIET, Film, GETTING_IN, Pace, Shown};
use crate::rig::{Bed, Case, OVER, UNDER, matters, show, try_all};

/// How long he stays in bed and out of it, at the least: visits and absences of less need not be told.
const STAYS_S: f64 = 90.0;
const AWAY_S: f64 = 60.0;

/// How long the first visit lasts that a mat has ever seen, which must tell him from a cat.
const STAYS_FIRST_S: f64 = 300.0;

/// How he leaves: the frames with his load and those without, in one film.
#[derive(Debug, Clone, Copy)]
struct Leaving {
    lies: Shown,
    away: Shown,
    /// When he came back, where he did.
    back: Option<Shown>,
}

impl Leaving {
    /// Says what is wrong with the events of a leaving, which are a rise, and a return where he came back.
    fn wrong(&self, bed: &Bed, pace: Pace, events: &[Event]) -> Option<String> {
        let period = pace.period();
        let rise_in_time = |rise: &Event| {
            let left = self.lies.last - period..=self.away.first + period;
            let decided = self.away.first..=self.away.first + bed.limit(period);
            rise.kind.as_str() == "rise" && left.contains(&rise.time) && decided.contains(&rise.decided)
        };
        let return_in_time = |event: &Event, back: Shown| {
            let came = back.first - period..=back.last + period;
            event.kind.as_str() == "return" && came.contains(&event.time)
        };
        let right = match (events, self.back) {
            ([rise], None) => rise_in_time(rise),
            ([rise, back], Some(came)) => rise_in_time(rise) && return_in_time(back, came),
            _ => false,
        };
        (!right).then(|| format!("left {:.3} to {:.3}, told: {}", self.lies.last, self.away.first, show(events)))
    }
}

/// Each posture in turn: he gets in, lies in it, and is gone with the next frame.
fn from_every_posture(case: &Case<'_>) -> Vec<String> {
    let frames = &case.sheet.frames;
    let postures = case.sheet.postures();
    let mut film = Film::new(case.pace);
    film.show(&frames[EMPTY]);
    let mut leavings: Vec<Leaving> = Vec::new();
    for (_, posture) in &postures {
        let back = film.show(&frames[GETTING_IN]);
        if let Some(last) = leavings.last_mut() {
            last.back = Some(back);
        }
        let stays_s = if leavings.is_empty() { STAYS_FIRST_S } else { STAYS_S };
        let lies = film.show_for(posture, stays_s);
        let away = film.show_for(&frames[EMPTY_QUIET], AWAY_S);
        leavings.push(Leaving { lies, away, back: None });
    }
    let events = matters(case.sheet, case.replay(&film));
    let mut wrong = Vec::new();
    let first = leavings[0].lies.last;
    let before: Vec<&Event> = events.iter().filter(|event| event.decided <= first).collect();
    if !matches!(before[..], [in_bed] if in_bed.kind.as_str() == "in-bed") {
        wrong.push(format!("before he first left: {}", show(before)));
    }
    for (index, (leaving, (posture, _))) in leavings.iter().zip(&postures).enumerate() {
        let next = leavings.get(index + 1).map(|next| next.lies.last);
        let of_this =
            |event: &&Event| event.decided > leaving.lies.last && next.is_none_or(|next| event.decided <= next);
        let told: Vec<Event> = events.iter().filter(of_this).cloned().collect();
        wrong.extend(leaving.wrong(&case.bed, case.pace, &told).map(|wrong| format!("{posture}: {wrong}")));
    }
    wrong
}

#[test]
fn leaving_is_found_from_each_of_the_28_postures_under_the_mattress() {
    try_all(&UNDER, from_every_posture);
}

#[test]
fn leaving_is_found_from_each_of_the_28_postures_over_the_mattress() {
    try_all(&OVER, from_every_posture);
}

/// The whole recording, and at its end the empty bed.
fn at_the_end(case: &Case<'_>) -> Vec<String> {
    let frames = &case.sheet.frames;
    let mut film = Film::new(case.pace);
    let lies = film.show(frames);
    let away = film.show_for(&frames[EMPTY_QUIET], AWAY_S);
    only_this_leaving(case, &film, Leaving { lies, away, back: None })
}

#[test]
fn leaving_is_found_at_the_end_of_the_whole_recording() {
    try_all(&[&UNDER[..], &OVER[..]].concat(), at_the_end);
}

/// He leaves as he came: the getting-in backwards. In the last but one frame, for two seconds, he sits: half of his load
/// is on the sheet over the mattress and a twelfth on the one under it. Nothing is told before.
fn as_he_came(case: &Case<'_>) -> Vec<String> {
    let frames = &case.sheet.frames;
    let mut film = Film::new(case.pace);
    film.show(&frames[EMPTY]);
    film.show(&frames[GETTING_IN]);
    film.show_for(&case.sheet.postures()[0].1, STAYS_FIRST_S);
    film.show_backwards(&frames[GETTING_IN]);
    let times = film.times();
    let (goes, sits, gone) = (times[times.len() - 5], times[times.len() - 2], times[times.len() - 1]);
    film.show_for(&frames[EMPTY_QUIET], AWAY_S);
    let events = matters(case.sheet, case.replay(&film));
    let right = matches!(&events[..], [in_bed, rise]
        if in_bed.kind.as_str() == "in-bed" && rise.kind.as_str() == "rise"
            && (goes..=gone + case.pace.period()).contains(&rise.time)
            && (sits..=gone + case.bed.limit(case.pace.period())).contains(&rise.decided));
    let wrong = (!right).then(|| format!("went {goes:.3}, sat {sits:.3}, gone {gone:.3}, told: {}", show(&events)));
    wrong.into_iter().collect()
}

#[test]
fn leaving_is_found_when_he_goes_as_he_came() {
    try_all(&[&UNDER[..], &OVER[..]].concat(), as_he_came);
}

/// He leaves an empty bed whose baseline jumps, there and back, and nobody is back.
fn to_a_baseline_that_jumps(case: &Case<'_>) -> Vec<String> {
    let frames = &case.sheet.frames;
    let mut film = Film::new(case.pace);
    film.show(&frames[EMPTY]);
    film.show(&frames[GETTING_IN]);
    let lies = film.show_for(&case.sheet.postures()[0].1, STAYS_FIRST_S);
    let away = film.show_for(&frames[EMPTY], AWAY_S);
    only_this_leaving(case, &film, Leaving { lies, away, back: None })
}

#[test]
fn nobody_is_back_when_the_baseline_of_the_bed_jumps_after_he_has_left() {
    try_all(&UNDER, to_a_baseline_that_jumps);
}

/// The baseline jumps at the very moment when he leaves.
fn into_the_jump(case: &Case<'_>) -> Vec<String> {
    let frames = &case.sheet.frames;
    let mut film = Film::new(case.pace);
    film.show(&frames[EMPTY]);
    film.show(&frames[GETTING_IN]);
    let lies = film.show_for(&case.sheet.postures()[0].1, STAYS_FIRST_S);
    let away = film.show_for(&frames[EMPTY_JUMPED], AWAY_S);
    film.show_for(&frames[EMPTY_QUIET], AWAY_S);
    only_this_leaving(case, &film, Leaving { lies, away, back: None })
}

#[test]
fn leaving_is_found_when_the_baseline_jumps_with_it() {
    try_all(&UNDER, into_the_jump);
}

fn only_this_leaving(case: &Case<'_>, film: &Film, leaving: Leaving) -> Vec<String> {
    let events = matters(case.sheet, case.replay(film));
    let wrong = match &events[..] {
        [in_bed, rest @ ..] if in_bed.kind.as_str() == "in-bed" => leaving.wrong(&case.bed, case.pace, rest),
        other => Some(format!("told: {}", show(other))),
    };
    wrong.into_iter().collect()
}
