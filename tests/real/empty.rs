//! The empty bed, whose sheet is not at rest: a cell that rises by 11 counts, and falls by 58 and comes back.

use crate::film::{EMPTY, Film};
use crate::rig::{Case, OVER, UNDER, matters, show, try_all};

/// Longer than any of the films: after 15 min a new bed that was never lain in is told as unknown.
const FILMS_S: f64 = 600.0;

fn nothing_happens(case: &Case<'_>) -> Vec<String> {
    let mut film = Film::new(case.pace);
    film.show_for(&case.sheet.frames[EMPTY], FILMS_S);
    let events = matters(case.sheet, case.replay(&film));
    if events.is_empty() { vec![] } else { vec![show(&events)] }
}

#[test]
fn the_empty_bed_is_empty_through_jumps_of_its_baseline_under_the_mattress() {
    try_all(&UNDER, nothing_happens);
}

#[test]
fn the_empty_bed_is_empty_over_the_mattress() {
    try_all(&OVER, nothing_happens);
}
