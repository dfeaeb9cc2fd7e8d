//! A mat with zones: who sits on the edge of the bed is told before she has left it.

use crate::dispatch::Dispatch;
use crate::rig::{Bed, Daemon, Home, Mat, alerts, channel, wait_for};

/// Four strips across the bed, the side she gets out on first.
const NOBODY: [f64; 4] = [100.0; 4];
const LIES: [f64; 4] = [250.0, 500.0, 500.0, 250.0];
const SITS: [f64; 4] = [1000.0, 160.0, 100.0, 100.0];

/// More readings than the bed must have been seen empty for, and than she takes to lie down.
const SEEN: usize = 30;

#[test]
fn who_sits_on_the_edge_is_told_as_a_warning_before_the_alarm_of_her_rise_and_one_return_closes_both() {
    let (home, mat, dispatch) = (Home::new(), Mat::zoned(&NOBODY), Dispatch::plain());
    let sensor = format!("[bed.serial]\nport = {:?}\nvalue = [0, 1, 2, 3]\n", mat.port());
    let bed = Bed { sensor, levels: (&NOBODY, &LIES), confirm: "500ms", ..Bed::serial("bed-1", mat.port()) };
    home.configure(&[Bed { alarm: "edge = true", ..bed }], &[channel(dispatch.url(), "")]);
    let daemon = Daemon::start(&home);
    mat.wait_read(&daemon);
    mat.wait_sent(SEEN);

    // She gets in over the edge, which shows where it is.
    mat.shows(&SITS);
    daemon.wait_decided("bed-1", "in-bed");
    mat.wait_sent(2 * SEEN);
    mat.shows(&LIES);
    mat.wait_sent(SEEN);
    assert_eq!(alerts(&dispatch).len(), 0, "nobody is told that she has gone to bed");

    let sat = mat.shows(&SITS);
    let edge = wait_for(&dispatch, "bed-1", "edge");
    assert_eq!((edge.priority(), edge.body["data"]["text"].as_str()), ("warning", Some("Sitter på sängkanten")));
    assert!(edge.body["data"]["watched"] == true && sat <= edge.time() && edge.time() <= edge.decided());
    assert!(alerts(&dispatch).iter().all(|told| told.kind() != "rise"), "she still sits there");

    let left = mat.shows(&NOBODY);
    let rise = wait_for(&dispatch, "bed-1", "rise");
    assert_eq!(rise.priority(), "alarm");
    assert!(left <= rise.time() && edge.decided() < rise.decided() && edge.sequence() < rise.sequence());

    mat.shows(&LIES);
    let back = wait_for(&dispatch, "bed-1", "return");
    assert_eq!(back.closes(), [edge.id(), rise.id()]);
    let kinds: Vec<String> = alerts(&dispatch).iter().map(|told| told.kind().to_owned()).collect();
    assert_eq!(kinds, ["edge", "rise", "return"], "each was told once, in order");
}
