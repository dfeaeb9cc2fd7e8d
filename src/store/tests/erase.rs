//! The end of use: what is wiped is gone from every file, and what stays is whole; and what a later program wrote.

use std::fs;

use super::super::erase::{Forgotten, NotErased, Undelivered, forget, is_there, undelivered, wipe};
use super::super::folder::format_line;
use super::*;
use crate::model::BedId;

/// In every record of the bed that is forgotten, and in none of the others.
const TRACE: &[u8] = b"bed-one";

fn alert_of(sequence: u64, bed: &str) -> Alert {
    let event = Event { bed: bed.parse().ok(), ..alert(sequence).event };
    Alert { event, ..alert(sequence) }
}

/// A store of two beds: 30 alerts wait, of each second one a bed; states, events and deliveries of both.
async fn filled(path: &Path) {
    let (store, _) = open(path).await;
    for sequence in 1..=40 {
        let bed = if sequence % 2 == 0 { "bed-one" } else { "bed-two" };
        let alert = alert_of(sequence, bed);
        let learnt = format!("what {bed} was learnt to be {}", "x".repeat(2000)).into_bytes();
        within(store.append(&alert, Some((&format!("bed/{bed}"), learnt)))).await.unwrap();
        store.journal(&alert.event);
        if sequence <= 10 {
            store.delivered(Delivered { event: alert.event, ..delivered(sequence) });
        }
    }
    within(store.keep("gateway", b"its own".to_vec())).await.unwrap();
    close(store).await;
}

/// Tells whether a trace of the bed stands in any file below.
fn has_trace(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            has_trace(&path)
        } else {
            fs::read(path).unwrap().windows(TRACE.len()).any(|at| at == TRACE)
        }
    })
}

fn settings(path: &Path) -> Settings {
    Settings { path: path.to_owned(), ..Settings::default() }
}

async fn waits(path: &Path, bed: Option<&str>) -> u64 {
    let bed = bed.map(|bed| bed.parse::<BedId>().unwrap());
    let clock = Clock::new(ClockSource::Rtc);
    let Undelivered { alerts, unread } = within(undelivered(settings(path), clock, bed.as_ref())).await.unwrap();
    assert!(!unread);
    alerts
}

fn odd(from: u64) -> Vec<u64> {
    (from..=40).filter(|sequence| sequence % 2 == 1).collect()
}

#[tokio::test]
async fn nothing_is_left_of_a_bed_that_is_forgotten_and_the_others_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    assert!(has_trace(folder.path()));
    assert_eq!((waits(folder.path(), None).await, waits(folder.path(), Some("bed-one")).await), (30, 15));

    let forgotten = forget(folder.path(), &"bed-one".parse().unwrap()).unwrap();
    let expected = Forgotten { learnt: true, events: 25, alerts: 15, unreadable: 0 };
    assert_eq!(forgotten, expected);
    assert!(!has_trace(folder.path()));

    let (store, recovered) = open(folder.path()).await;
    assert_eq!(sequences(&recovered.alerts), odd(11));
    assert_eq!((recovered.found, recovered.notes), (Found::Known, vec![]));
    assert_eq!(recovered.states.keys().collect::<Vec<_>>(), ["bed/bed-two", "gateway"]);
    assert_eq!(store.health().borrow().undelivered, 15);
    close(store).await;
    let again = forget(folder.path(), &"bed-one".parse().unwrap()).unwrap();
    assert_eq!(again, Forgotten::default(), "and of the others nothing went");
}

#[tokio::test]
async fn the_log_alone_still_knows_what_waits_of_the_others() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    forget(folder.path(), &"bed-one".parse().unwrap()).unwrap();
    fs::remove_dir_all(folder.path().join("store")).unwrap();
    let (store, recovered) = open(folder.path()).await;
    assert_eq!(sequences(&recovered.alerts), odd(11));
    assert_eq!(recovered.states.keys().collect::<Vec<_>>(), ["bed/bed-two", "gateway"]);
    close(store).await;
}

#[tokio::test]
async fn stores_that_were_put_aside_go_too() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    fs::create_dir(folder.path().join("store.corrupt-1")).unwrap();
    fs::write(folder.path().join("store.corrupt-1/db"), TRACE).unwrap();
    let forgotten = forget(folder.path(), &"bed-one".parse().unwrap()).unwrap();
    assert_eq!(forgotten.unreadable, 1);
    assert!(!has_trace(folder.path()));
}

#[tokio::test]
async fn after_a_wipe_comes_a_first_start_whose_numbers_go_on() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let (store, before) = open(folder.path()).await;
    close(store).await;
    fs::write(folder.path().join("a-recording.csv"), "time,pressure\n").unwrap();

    assert_eq!(wipe(folder.path()).unwrap(), ["a-recording.csv"]);
    assert!(!has_trace(folder.path()) && !is_there(folder.path()));

    let (store, after) = open(folder.path()).await;
    assert_eq!((after.found, after.alerts.len(), after.states.len()), (Found::New, 0, 0));
    assert_eq!(after.notes, [""; 0]);
    assert!(after.sequence > before.sequence);
    close(store).await;
    assert_eq!(open(folder.path()).await.1.found, Found::Known);
}

#[tokio::test]
async fn nothing_is_removed_while_the_watch_runs() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let (store, _) = open(folder.path()).await;
    let in_use = NotErased::InUse(folder.path().to_owned());
    assert_eq!(wipe(folder.path()), Err(in_use.clone()));
    assert_eq!(forget(folder.path(), &"bed-one".parse().unwrap()), Err(in_use.clone()));
    assert_eq!(undelivered(settings(folder.path()), Clock::new(ClockSource::Rtc), None).await, Err(in_use));
    close(store).await;
    assert_eq!(waits(folder.path(), None).await, 30);
}

#[tokio::test]
async fn what_a_later_program_wrote_is_refused_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let later = format!("{}\n", format_line(2));
    fs::write(folder.path().join("format"), &later).unwrap();
    let db = || fs::read(folder.path().join("store/db")).unwrap();
    let before = db();
    let (store, _recovered) = start(folder.path());
    let words = until_faulty(&store).await;
    assert!(words.contains("later version") && words.contains("format 2"), "{words}");
    assert!(store.close(LIMIT).await.is_ok(), "nothing was given, so nothing is lost");
    assert_eq!((db() == before, fs::read_to_string(folder.path().join("format")).unwrap()), (true, later));
    assert!(matches!(forget(folder.path(), &"bed-one".parse().unwrap()), Err(NotErased::Failed(_))));
    assert_eq!(wipe(folder.path()), Ok(vec![]), "the way out that is named");
}

#[tokio::test]
async fn a_mark_of_the_format_that_was_damaged_is_no_reason_to_refuse() {
    for damaged in [&b""[..], b"\0\0\0\0", b"\xff\xfe", b"2\n", b"3 83dcefb7\n"] {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path()).await;
        fs::write(folder.path().join("format"), damaged).unwrap();
        let (store, recovered) = open(folder.path()).await;
        assert_eq!(recovered.found, Found::Known);
        close(store).await;
        assert_eq!(fs::read_to_string(folder.path().join("format")).unwrap(), format!("{}\n", format_line(1)));
    }
}

#[tokio::test]
async fn what_a_look_had_to_mend_is_told_by_the_next_daemon_once() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    fs::write(folder.path().join("store/db"), [0xa5; 8_192].repeat(12)).unwrap();
    let clock = Clock::new(ClockSource::Rtc);
    let visit = within(Visit::begin(settings(folder.path()), clock)).await.unwrap();
    within(visit.journal(|_| ())).await.unwrap();
    within(visit.end()).await.unwrap();

    let (store, recovered) = open(folder.path()).await;
    let told = until(&store, |health| health.noted > 0).await;
    assert!(told.notes.iter().any(|note| note.contains("damaged") || note.contains("put aside")), "{:?}", told.notes);
    assert!(!recovered.states.keys().any(|key| key.contains("visit")));
    close(store).await;
    let (store, _) = open(folder.path()).await;
    assert_eq!(store.health().borrow().noted, 0);
    close(store).await;
}
