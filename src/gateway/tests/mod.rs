//! Whole nights under a virtual clock, with faults by seed: whatever befalls a gateway, each rise that it could see
//! arrives under exactly one id and its end after it, no live alarm waits for a backlog, and nothing that was safe is lost.
//!
//! Real are the detector, what is told of what it decides, the queue, its policy, and what waits for the disk and gives
//! way there. Modelled are the mats (one with a level at a port, a contact behind a broker that keeps its last message),
//! the disk (an outbox that keeps what a write has brought to its end, and of the one that is cut off the first pieces),
//! dispatch, and the wall clock. Not covered: a store that opens late, is damaged, or folds; those have tests of their own.
//!
//! `NATTVAKT_NIGHTS` sets how many nights; `NATTVAKT_NIGHT` plays the night of one seed and prints what happens in it.
//! In full: `tests/long nights-with-faults`.

mod backlog;
mod night;
mod script;
mod truth;

use std::panic::{AssertUnwindSafe, catch_unwind};

use night::Night;

/// Plays the night of a seed. Where it fails, plays it again with its log, and says how to have it alone.
#[expect(clippy::print_stderr, reason = "a night that fails must be found again")]
fn play(seed: u64) -> (usize, usize) {
    catch_unwind(|| Night::new(seed, false).pass()).unwrap_or_else(|_| {
        let mut night = Night::new(seed, true);
        drop(catch_unwind(AssertUnwindSafe(|| night.pass())));
        let log = night.log();
        let last: Vec<&str> = log.lines().rev().take(60).collect();
        for line in last.into_iter().rev() {
            eprintln!("{line}");
        }
        panic!(
            "the night of seed {seed} went wrong: NATTVAKT_NIGHT={seed} plays it alone, with all that happens in it"
        );
    })
}

#[test]
#[expect(clippy::print_stderr, reason = "who reads the test's output must know what was tried")]
fn each_rise_of_a_night_with_faults_arrives_under_one_id_and_no_live_alarm_waits() {
    if let Ok(seed) = std::env::var("NATTVAKT_NIGHT") {
        let mut night = Night::new(seed.parse().unwrap(), true);
        let passed = catch_unwind(AssertUnwindSafe(|| night.pass()));
        eprintln!("{}", night.log());
        passed.unwrap();
        return;
    }
    let nights = std::env::var("NATTVAKT_NIGHTS").map_or(60, |count| count.parse().unwrap());
    let (rises, alerts) = (0..nights).map(play).fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
    eprintln!("{nights} nights: {rises} rises that had to arrive, {alerts} alerts in all");
    assert!(rises as u64 > nights, "the nights are too quiet to show anything");
}
