//! `kill -9` at any instant: nothing lost, nothing told as two.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::dispatch::{Answer, Dispatch};
use crate::rig::{Bed, Daemon, Home, Mat, Told, alerts, channel, until_true, wait_for, wait_for_all};

/// A home with one serial mat on which somebody lies, which the store knows by now.
struct InBed {
    home: Home,
    mat: Mat,
    dispatch: Dispatch,
    daemon: Daemon,
}

impl InBed {
    fn new() -> Self {
        let (home, mat, dispatch) = (Home::new(), Mat::new(), Dispatch::plain());
        home.configure(&[Bed::serial("bed-1", mat.port())], &[channel(dispatch.url(), "")]);
        let daemon = Daemon::start(&home);
        mat.lies();
        daemon.wait_decided("bed-1", "in-bed");
        until_true("the store knows", || home.store_holds(r#""state":"in-bed""#));
        Self { home, mat, dispatch, daemon }
    }
}

#[test]
fn a_rise_that_hangs_on_its_way_at_a_kill_is_delivered_after_the_restart_under_the_same_id() {
    for meanwhile in [Answer::Hang, Answer::Reset, Answer::status(503)] {
        let InBed { home, mat, dispatch, daemon } = InBed::new();
        dispatch.otherwise(meanwhile);
        mat.leaves();
        let first = wait_for(&dispatch, "bed-1", "rise");
        until_true("the store has it", || home.store_holds(&format!(r#"{{"id":"{}""#, first.id())));
        daemon.kill();

        dispatch.otherwise(Answer::Receipt);
        let before = wait_for_all(&dispatch, "bed-1", "rise", 1).len();
        let _daemon = Daemon::start(&home);
        let rises = wait_for_all(&dispatch, "bed-1", "rise", before + 1);
        for again in &rises {
            assert_eq!((again.id(), again.sequence()), (first.id(), first.sequence()));
            assert_eq!(again.body["data"], first.body["data"]);
        }
    }
}

/// When the kill comes.
#[derive(Debug, Clone, Copy)]
enum Instant {
    /// While she is in bed; she leaves while nobody watches.
    BeforeSheLeaves,
    /// So long after the first low reading was written.
    AfterTheReading(Duration),
    /// As soon as the rise is decided.
    Decided,
    /// As soon as dispatch has the rise, and before it answers.
    BeforeTheAnswer,
    /// As soon as dispatch has accepted it.
    Accepted,
    /// As soon as dispatch has the return, and before it answers.
    ReturnBeforeTheAnswer,
    /// As soon as dispatch has accepted the return.
    ReturnAccepted,
}

const INSTANTS: [Instant; 13] = [
    Instant::BeforeSheLeaves,
    Instant::AfterTheReading(Duration::ZERO),
    Instant::AfterTheReading(Duration::from_micros(300)),
    Instant::AfterTheReading(Duration::from_micros(600)),
    Instant::AfterTheReading(Duration::from_millis(1)),
    Instant::AfterTheReading(Duration::from_millis(3)),
    Instant::AfterTheReading(Duration::from_millis(10)),
    Instant::AfterTheReading(Duration::from_millis(30)),
    Instant::Decided,
    Instant::BeforeTheAnswer,
    Instant::Accepted,
    Instant::ReturnBeforeTheAnswer,
    Instant::ReturnAccepted,
];

/// Lets her leave and come back, with a kill and a restart at one instant; returns the POSTs.
fn leave_and_return_with_a_kill(instant: Instant) -> Vec<Told> {
    let InBed { home, mat, dispatch, daemon } = InBed::new();
    match instant {
        Instant::BeforeSheLeaves => {
            daemon.kill();
            mat.leaves();
        }
        Instant::AfterTheReading(wait) => {
            mat.leaves();
            std::thread::sleep(wait);
            daemon.kill();
        }
        Instant::Decided => {
            mat.leaves();
            daemon.wait_decided("bed-1", "rise");
            daemon.kill();
        }
        Instant::BeforeTheAnswer => {
            dispatch.otherwise(Answer::Hang);
            mat.leaves();
            wait_for(&dispatch, "bed-1", "rise");
            daemon.kill();
        }
        Instant::Accepted => {
            mat.leaves();
            wait_for(&dispatch, "bed-1", "rise");
            daemon.kill();
        }
        Instant::ReturnBeforeTheAnswer | Instant::ReturnAccepted => {
            mat.leaves();
            wait_for(&dispatch, "bed-1", "rise");
            if matches!(instant, Instant::ReturnBeforeTheAnswer) {
                dispatch.otherwise(Answer::Hang);
            }
            mat.lies();
            wait_for(&dispatch, "bed-1", "return");
            daemon.kill();
        }
    }
    dispatch.otherwise(Answer::Receipt);
    let daemon = Daemon::start(&home);
    mat.wait_read(&daemon);
    wait_for(&dispatch, "bed-1", "rise");
    mat.lies();
    wait_for(&dispatch, "bed-1", "return");
    alerts(&dispatch)
}

#[test]
fn each_rise_has_exactly_one_id_whenever_the_kill_comes() {
    for instant in INSTANTS {
        let all = leave_and_return_with_a_kill(instant);
        let ids: BTreeSet<&str> = all.iter().filter(|told| told.kind() == "rise").map(Told::id).collect();
        assert_eq!(ids.len(), 1, "{instant:?}: {all:#?}");
        assert!(all.iter().all(|told| ["rise", "return"].contains(&told.kind())), "{instant:?}: {all:#?}");
        let first = ids.first().unwrap();
        let closed = all.iter().filter(|told| told.kind() == "return").all(|told| told.closes() == [*first]);
        assert!(closed, "{instant:?}: {all:#?}");
    }
}
