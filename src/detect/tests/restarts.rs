//! What outlives a restart or a gap, and what is never made of one.

use super::*;

#[test]
fn gone_after_a_gap_is_a_rise_with_the_last_moment_seen_in_bed() {
    let mut bed = evening();
    bed.goes_to_bed().kinds();
    let seen = bed.now.utc;
    bed.silent(120).shows(EMPTY, 5.0);
    let rise = bed.events.iter().find(|event| event.kind == Kind::Rise).cloned().unwrap();
    assert_eq!(rise.not_before, Some(seen));
    assert!(rise.time > seen);
}

#[test]
fn a_restart_with_somebody_in_bed_raises_nothing_and_gone_after_it_is_a_rise() {
    let mut bed = evening();
    bed.goes_to_bed();
    let memory = bed.detector.memory();
    let written = serde_json::to_string(&memory).unwrap();
    let start = Start::Remembered(serde_json::from_str(&written).unwrap());
    let mut still = Bed::new(settings(), &start, "2026-01-15T22:00:00Z");
    still.shows(LYING, 60.0);
    assert_eq!(still.kinds(), [""; 0]);
    let mut gone = Bed::new(settings(), &start, "2026-01-15T22:00:00Z");
    gone.shows(EMPTY, 10.0);
    let rise = gone.events.first().cloned().unwrap();
    assert_eq!((rise.kind, rise.not_before.is_some()), (Kind::Rise, true));
}

#[test]
fn a_fault_that_lasts_over_a_restart_is_told_once_and_ends_once() {
    let mut bed = evening();
    bed.goes_to_bed().silent(90);
    let start = Start::Remembered(bed.detector.memory());
    let mut after = Bed::new(settings(), &start, "2026-01-15T21:10:00Z");
    after.silent(600);
    assert_eq!(after.kinds(), [""; 0]);
    after.shows(LYING, 5.0);
    assert_eq!(after.kinds(), ["sensor-restored"]);
}

#[test]
fn an_absence_goes_on_over_a_restart() {
    let mut bed = evening();
    bed.goes_to_bed().shows(EMPTY, 60.0);
    let start = Start::Remembered(bed.detector.memory());
    let mut after = Bed::new(settings(), &start, "2026-01-15T21:10:00Z");
    after.shows(EMPTY, 600.0);
    let told = after.events.first().cloned().unwrap();
    assert_eq!((told.kind, told.time.duration_since(bed.now.utc).as_mins()), (Kind::NotReturned, 14));
    after.shows(LYING, 20.0);
    assert_eq!(after.kinds(), ["not-returned", "return"]);
}

#[test]
fn nothing_known_and_an_empty_bed_is_told_once_and_later_on_the_first_start() {
    for (start, seconds) in [(Start::First, 900), (Start::Lost, 8)] {
        let mut bed = Bed::new(settings(), &start, "2026-01-15T21:00:00Z");
        bed.shows(EMPTY, 2000.0);
        let told = bed.events.first().cloned().unwrap();
        assert_eq!(told.kind, Kind::NotInBed(crate::model::event::NotInBedReason::Unknown));
        let begun: Timestamp = "2026-01-15T21:00:00Z".parse().unwrap();
        assert_eq!(told.decided.duration_since(begun).as_secs(), seconds);
        bed.shows(LYING, 30.0);
        assert_eq!(bed.kinds(), ["not-in-bed", "not-returned", "return"]);
    }
}

#[test]
fn retained_messages_set_the_state_and_raise_nothing() {
    let contact = Settings { contact: true, range: None, empty: None, occupied: None, ..settings() };
    let mut bed = Bed::new(contact.clone(), &Start::First, "2026-01-15T21:00:00Z");
    let now = bed.later(PACE);
    bed.detector.on_reading(&reading(now.moment, 1.0, Quality::Old), now);
    bed.silent(30);
    assert_eq!(bed.kinds(), [""; 0], "the bed is armed, and nothing raised");
    bed.read(0.0);
    bed.silent(10);
    assert_eq!(bed.kinds(), ["rise"]);
    let now = bed.later(PACE);
    bed.detector.on_reading(&reading(now.moment, 1.0, Quality::Old), now);
    bed.silent(60);
    assert_eq!(bed.kinds(), [""; 0], "a retained message does not close an absence");
}

#[test]
fn retained_empty_after_a_gap_is_a_rise_once_nothing_live_speaks_against_it() {
    let contact = Settings { contact: true, range: None, empty: None, occupied: None, ..settings() };
    let in_bed = || {
        let mut bed = Bed::new(contact.clone(), &Start::First, "2026-01-15T21:00:00Z");
        bed.read(1.0);
        bed.silent(30).kinds();
        let now = bed.later(PACE);
        bed.detector.on_away(now);
        let now = bed.later(Duration::from_secs(300));
        bed.detector.on_back(now);
        bed.detector.on_reading(&reading(now.moment, 0.0, Quality::Old), now);
        bed
    };
    let mut left = in_bed();
    left.silent(59);
    assert_eq!(left.kinds(), [""; 0]);
    left.silent(2);
    let rise = left.events.first().cloned().unwrap();
    assert_eq!((rise.kind, rise.not_before.is_some()), (Kind::Rise, true));
    let mut still = in_bed();
    still.silent(30).read(1.0);
    still.silent(120);
    assert_eq!(still.kinds(), [""; 0]);
}

#[test]
fn who_lay_down_while_the_broker_was_away_is_seen_when_she_rises() {
    let mut bed = Bed::new(contact_mat(), &Start::First, "2026-01-15T21:00:00Z");
    bed.read(1.0);
    bed.silent(60).read(0.0);
    bed.silent(60);
    assert_eq!(bed.kinds(), ["in-bed", "rise"]);
    let now = bed.later(PACE);
    bed.detector.on_away(now);
    let now = bed.later(Duration::from_secs(60));
    bed.detector.on_back(now);
    bed.detector.on_reading(&reading(now.moment, 1.0, Quality::Old), now);
    bed.silent(600);
    assert_eq!(bed.kinds(), [""; 0], "a retained message ends no absence");
    bed.read(0.0);
    bed.silent(30);
    assert_eq!(bed.kinds(), ["rise"]);
}

#[test]
fn a_live_reading_after_a_retained_one_ends_the_absence() {
    let absence = AbsenceMemory {
        since: "2026-01-15T22:30:00Z".parse().unwrap(),
        watched: true,
        told: true,
        reminders: 0,
        due: None,
    };
    let memory = Memory { absence: Some(absence), ..remembered(BedMemory::Unknown, "2026-01-15T22:30:05Z") };
    let mut bed = Bed::new(contact_mat(), &Start::Remembered(memory), "2026-01-15T23:00:00Z");
    let now = bed.later(PACE);
    bed.detector.on_reading(&reading(now.moment, 1.0, Quality::Old), now);
    bed.silent(60);
    assert_eq!(bed.kinds(), [""; 0]);
    bed.read(1.0);
    bed.silent(60);
    assert_eq!(bed.kinds(), ["return"]);
}

#[test]
fn an_old_occupied_takes_an_old_empty_back() {
    let since = "2026-01-15T20:00:00Z".parse().unwrap();
    let memory = remembered(BedMemory::InBed { since, seen: since }, "2026-01-15T20:00:10Z");
    let mut bed = Bed::new(contact_mat(), &Start::Remembered(memory), "2026-01-15T21:00:00Z");
    for value in [0.0, 1.0] {
        let now = bed.later(PACE);
        bed.detector.on_reading(&reading(now.moment, value, Quality::Old), now);
    }
    bed.silent(120);
    assert_eq!(bed.kinds(), [""; 0]);
}

#[test]
fn remembered_levels_of_another_mat_are_worth_nothing() {
    let other = Settings { empty: Some(vec![1800.0]), occupied: Some(vec![2600.0]), ..settings() };
    let memory = remembered(BedMemory::Empty, "2026-01-15T20:00:00Z");
    let mut bed = Bed::new(other, &Start::Remembered(memory), "2026-01-15T21:00:00Z");
    bed.shows(1800.0, 60.0).shows(2600.0, 60.0).shows(1800.0, 10.0);
    assert_eq!(bed.kinds(), ["in-bed", "rise"]);
}

#[test]
fn reminders_that_a_power_cut_has_missed_are_told_once() {
    let time = |text: &str| text.parse().unwrap();
    let absence = AbsenceMemory {
        since: time("2026-01-15T22:30:00Z"),
        watched: true,
        told: true,
        reminders: 0,
        due: Some(time("2026-01-15T22:45:00Z")),
    };
    let memory = Memory { absence: Some(absence), ..remembered(BedMemory::Empty, "2026-01-15T22:30:05Z") };
    let mut bed = Bed::new(settings(), &Start::Remembered(memory), "2026-01-16T05:30:00Z");
    bed.shows(EMPTY, 60.0);
    assert_eq!(bed.kinds(), ["not-returned"]);
}

#[test]
fn one_low_frame_after_a_lost_start_is_no_empty_bed() {
    let mut bed = Bed::new(settings(), &Start::Lost, "2026-01-15T21:00:00Z");
    bed.read(EMPTY);
    bed.shows(LYING, 60.0);
    assert_eq!(bed.kinds(), ["in-bed"]);
}

#[test]
fn a_clock_that_is_behind_at_the_boot_hides_no_rise() {
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    let bed = BedMemory::InBed { since: time("2026-01-15T21:10:00Z"), seen: time("2026-01-16T05:30:00Z") };
    let memory = remembered(bed, "2026-01-16T05:30:00Z");
    let at = |seconds, utc, trusted| Now { moment: Moment::from_nanos(seconds * 1_000_000_000), utc, trusted };
    let watch = Settings { watch: night("22:00", "07:00"), ..settings() };
    let start = at(20, time("2026-01-16T04:40:00Z"), false);
    let mut detector = Detector::new(watch, &Start::Remembered(memory), start);
    for second in 0..10 {
        let now = at(30 + second, time("2026-01-16T05:35:00Z") + jiff::SignedDuration::from_secs(second), true);
        detector.on_reading(&reading(now.moment, EMPTY, Quality::Live), now);
    }
    let rise = detector.next_event().unwrap();
    assert!(rise.kind == Kind::Rise && rise.watched && rise.not_before <= Some(rise.time), "{rise:?}");
}

#[test]
fn not_in_bed_is_made_up_for_after_a_restart_and_waits_for_who_only_leans_on_the_bed() {
    let alarm = Alarm { not_in_bed: Some("23:30".parse().unwrap()), ..Alarm::default() };
    let rules = Settings { alarm, watch: night("22:00", "07:00"), ..settings() };
    let start = || Start::Remembered(remembered(BedMemory::Empty, "2026-01-15T22:25:00Z"));
    let told = |bed: &mut Bed| bed.events.iter().filter(|event| event.kind.as_str() == "not-in-bed").count();
    let mut bed = Bed::new(rules.clone(), &start(), "2026-01-15T22:35:00Z");
    bed.shows(EMPTY, 60.0);
    assert_eq!(told(&mut bed), 1);
    let mut bed = Bed::new(rules, &start(), "2026-01-15T22:29:57Z");
    bed.shows(LYING, 6.0).shows(EMPTY, 60.0);
    assert_eq!(told(&mut bed), 1);
}

#[test]
fn who_lies_in_bed_is_remembered_twice_an_hour() {
    let mut bed = evening();
    bed.goes_to_bed();
    assert!(bed.detector.take_changed() && !bed.detector.take_changed());
    bed.shows(LYING, 1790.0);
    assert!(!bed.detector.take_changed());
    bed.shows(LYING, 20.0);
    assert!(bed.detector.take_changed());
}

/// She lies there, and the mat has stuck; `times` readings more say the same.
fn stuck(bed: &mut Bed, times: u32) {
    (0..times).for_each(|_| bed.read(LYING));
}

#[test]
fn a_mat_that_was_stuck_before_a_restart_is_so_until_it_moves() {
    let mut bed = evening();
    bed.goes_to_bed().shows(LYING, 60.0);
    stuck(&mut bed, 900);
    assert_eq!(bed.kinds(), ["in-bed", "sensor-fault"]);
    let mut after = bed.restarts(settings(), 60);
    stuck(&mut after, 100);
    after.read(LYING + 40.0);
    stuck(&mut after, 200);
    assert_eq!((after.kinds(), after.detector.health()), (vec![], MatHealth::Fault(MatFault::Stuck)));
    let mut again = after.restarts(settings(), 5);
    again.shows(LYING, 20.0);
    let over = again.events.first().cloned().unwrap();
    assert_eq!(over.kind, Kind::SensorRestored(MatFault::Stuck));
    assert!(over.time < again.now.utc - jiff::SignedDuration::from_secs(19), "as soon as it moves");
    assert_eq!((again.kinds(), again.detector.health()), (vec!["sensor-restored"], MatHealth::Ok));
    again.shows(LYING, 60.0);
    stuck(&mut again, 900);
    assert_eq!(again.kinds(), ["sensor-fault"], "a second time is told");
}

#[test]
fn a_mat_that_was_stuck_and_sends_only_on_change_by_now_is_right_once_it_moves() {
    let memory = Memory { faults: vec![MatFault::Stuck], ..remembered(BedMemory::Empty, "2026-01-15T20:59:00Z") };
    let mut bed = Bed::new(settings(), &Start::Remembered(memory), "2026-01-15T21:00:00Z");
    bed.read(EMPTY);
    bed.silent(40).read(EMPTY);
    assert_eq!(bed.kinds(), [""; 0]);
    for value in [EMPTY + 1.0, EMPTY, EMPTY + 2.0] {
        bed.silent(3).read(value);
    }
    assert_eq!(bed.kinds(), ["sensor-restored"]);
}

#[test]
fn the_first_good_reading_of_another_mat_ends_the_faults_of_the_one_before() {
    let faults = vec![MatFault::Stuck, MatFault::Chatter, MatFault::Drifted, MatFault::LowBattery];
    let zones = vec![(0, MatFault::Stuck), (3, MatFault::Unplugged)];
    let before = remembered(BedMemory::Unknown, "2026-01-15T20:59:00Z");
    let memory = Memory { faults, zones, learnt: None, replaced: true, ..before };
    let silent = Bed::new(settings(), &Start::Remembered(memory), "2026-01-15T21:00:00Z");
    assert_eq!(silent.detector.health(), MatHealth::Fault(MatFault::Stuck), "nothing good was heard yet");
    let mut bed = silent.restarts(settings(), 5);
    bed.read(EMPTY);
    let told: Vec<_> = bed.events.iter().map(|event| (event.kind.clone(), event.zone)).collect();
    let over = |fault, zone| (Kind::SensorRestored(fault), zone);
    let whole = [MatFault::Stuck, MatFault::Chatter, MatFault::Drifted, MatFault::LowBattery];
    let mut expected: Vec<_> = whole.into_iter().map(|fault| over(fault, None)).collect();
    expected.extend([over(MatFault::Stuck, Some(1)), over(MatFault::Unplugged, Some(4))]);
    assert_eq!(told, expected);
    assert!(bed.detector.take_changed());
    let memory = bed.detector.memory();
    assert!(memory.faults.is_empty() && memory.zones.is_empty() && !memory.replaced, "{memory:?}");
    assert_eq!(bed.detector.health(), MatHealth::Ok);
}

#[test]
fn a_fault_of_another_mat_is_not_taken_for_one_of_this() {
    let mut memory = remembered(BedMemory::Unknown, "2026-01-15T20:59:00Z");
    (memory.faults, memory.replaced) = (vec![MatFault::Chatter], true);
    let mut bed = Bed::new(contact_mat(), &Start::Remembered(memory), "2026-01-15T21:00:00Z");
    bed.read(1.0);
    bed.silent(30).read(0.0);
    bed.silent(5);
    assert_eq!(bed.kinds(), ["sensor-restored", "in-bed", "rise"], "the contact before opened by itself, not this one");
}

#[test]
fn a_fault_of_a_zone_that_the_mat_does_not_have_ends() {
    for (zones, zone) in [(1, 0), (1, 3), (4, 4)] {
        let mut memory = remembered(BedMemory::Empty, "2026-01-15T20:59:00Z");
        memory.zones = vec![(zone, MatFault::Unplugged)];
        let (empty, occupied) = (Some(vec![EMPTY; zones]), Some(vec![LYING; zones]));
        let settings = Settings { zones, empty, occupied, ..settings() };
        let mut bed = Bed::new(settings, &Start::Remembered(memory), "2026-01-15T21:00:00Z");
        let now = bed.later(PACE);
        let channels = Channels::new(vec![EMPTY; zones]).unwrap();
        bed.detector.on_reading(&Reading { at: now.moment, channels, quality: Quality::Live }, now);
        bed.collect();
        assert_eq!(bed.kinds(), ["sensor-restored"], "zone {zone} of {zones}");
    }
}

#[test]
fn what_an_earlier_version_wrote_is_read_and_what_a_later_one_adds_is_passed_over() {
    let earlier = r#"{"saved":"2026-01-15T20:59:00.000Z","mat":"","bed":{"state":"in-bed",
        "since":"2026-01-15T20:00:00.000Z","seen":"2026-01-15T20:58:59.000Z"},
        "absence":{"since":"2026-01-15T20:30:00.000Z","watched":true,"reminders":1},
        "pause":{"from":"2026-01-15T20:31:00.000Z","until":"2026-01-15T22:00:00.000Z"},
        "learnt":{"empty":[102.5],"occupied":[690.0]},"edge":{"told":true,"lies":[580.0],"rim":[1.0]},
        "faults":["stuck","drifted"],"zones":[[1,"unplugged"]],"last-rise":"2026-01-15T20:30:00.000Z",
        "later":{"than":["this"]}}"#;
    let memory: Memory = serde_json::from_str(earlier).unwrap();
    assert_eq!(memory.faults, [MatFault::Stuck, MatFault::Drifted]);
    assert_eq!(memory.zones, [(1, MatFault::Unplugged)]);
    assert_eq!(memory.learnt.and_then(|learnt| learnt.first_empty()), None);
    let least: Memory =
        serde_json::from_str(r#"{"saved":"2026-01-15T20:59:00.000Z","bed":{"state":"empty"}}"#).unwrap();
    let nothing = Memory { mat: String::new(), learnt: None, ..remembered(BedMemory::Empty, "2026-01-15T20:59:00Z") };
    assert_eq!(least, nothing);
}

/// The empty level creeps up to there, as slowly as it is followed.
fn creeps(bed: &mut Bed, from: f64, to: f64) {
    let mut value = from;
    while value < to {
        bed.shows(value, 10.0);
        value += 4.0;
    }
}

#[test]
fn a_level_that_creeps_from_restart_to_restart_has_drifted_in_the_end_and_stays_so() {
    let learnt = Settings { empty: None, occupied: None, ..settings() };
    for settings in [settings(), learnt] {
        let mut bed = Bed::new(settings.clone(), &Start::First, "2026-01-15T21:00:00Z");
        bed.shows(EMPTY, 60.0).shows(LYING, 300.0).shows(EMPTY, 60.0);
        for (from, to) in [(EMPTY, 1_200.0), (1_200.0, 2_200.0), (2_200.0, 3_000.0)] {
            bed = bed.restarts(settings.clone(), 5);
            assert_eq!(bed.detector.health(), MatHealth::Ok, "at {from}");
            creeps(&mut bed, from, to);
        }
        bed.shows(3_000.0, 600.0);
        assert_eq!(bed.detector.health(), MatHealth::Fault(MatFault::Drifted));
        let mut after = bed.restarts(settings.clone(), 5);
        after.shows(3_000.0, 60.0);
        assert_eq!((after.kinds(), after.detector.health()), (vec![], MatHealth::Fault(MatFault::Drifted)));
        after.shows(EMPTY, 300.0);
        let told = after.kinds();
        assert!(told.contains(&"sensor-restored") && !told.contains(&"sensor-fault"), "{told:?}");
        assert_eq!(after.detector.health(), MatHealth::Ok);
    }
}

/// Crept to the end of its range and told as drifted, by a version that did not say from where.
fn drifted() -> Memory {
    let load = |value: f64| 4095.0 * 1.2 * (value / 4095.0) / (1.2 - value / 4095.0);
    let (empty, occupied) = (vec![load(3_200.0)], vec![load(3_200.0) + load(LYING) - load(EMPTY)]);
    let learnt = Some(Learnt { empty, occupied, first_empty: Vec::new(), falls: false, proven: true, lain_s: 3600 });
    Memory { learnt, faults: vec![MatFault::Drifted], ..remembered(BedMemory::Empty, "2026-01-15T20:59:00Z") }
}

#[test]
fn measured_levels_tell_that_a_mat_has_drifted_whatever_was_remembered() {
    let mut bed = Bed::new(settings(), &Start::Remembered(drifted()), "2026-01-15T21:00:00Z");
    bed.shows(3_200.0, 60.0);
    assert_eq!((bed.kinds(), bed.detector.health()), (vec![], MatHealth::Fault(MatFault::Drifted)));
}

#[test]
fn a_drifted_mat_that_was_measured_anew_is_right_again() {
    let (empty, occupied) = (Some(vec![3_200.0]), Some(vec![3_700.0]));
    let anew = Settings { empty, occupied, ..settings() };
    let mut bed = Bed::new(anew, &Start::Remembered(drifted()), "2026-01-15T21:00:00Z");
    bed.shows(3_200.0, 60.0);
    assert_eq!((bed.kinds(), bed.detector.health()), (vec!["sensor-restored"], MatHealth::Ok));
}

#[test]
fn who_lies_there_by_a_retained_message_only_is_back_with_the_first_live_one_over_a_restart_too() {
    let mut before = Bed::new(contact_mat(), &Start::First, "2026-01-15T21:00:00Z");
    before.read(1.0);
    before.silent(60).read(0.0);
    before.silent(60);
    assert_eq!(before.kinds(), ["in-bed", "rise"]);
    let after =
        |bed: &mut Bed| Bed::new(contact_mat(), &Start::Remembered(bed.detector.memory()), "2026-01-15T21:10:00Z");
    let mut armed = after(&mut before);
    let now = armed.later(PACE);
    armed.detector.on_reading(&reading(now.moment, 1.0, Quality::Old), now);
    let mut again = after(&mut armed);
    again.silent(120);
    assert_eq!(again.kinds(), [""; 0], "a retained message does not close an absence");
    again.read(1.0);
    again.silent(30).read(1.0);
    assert_eq!(again.kinds(), ["return"]);
}

#[test]
fn an_absence_from_a_time_without_a_clock_is_not_fifty_years_long() {
    let mut before = Bed::new(settings(), &Start::First, "1970-01-01T00:10:00Z");
    before.goes_to_bed();
    let now = Now { trusted: false, ..before.later(PACE) };
    before.detector.on_reading(&reading(now.moment, EMPTY, Quality::Live), now);
    let now = Now { trusted: false, ..before.later(Duration::from_secs(10)) };
    before.detector.on_reading(&reading(now.moment, EMPTY, Quality::Live), now);
    before.collect();
    assert_eq!(before.kinds(), ["in-bed", "rise"]);
    let start = Start::Remembered(before.detector.memory());
    let mut after = Bed::new(settings(), &start, "2026-01-15T21:10:00Z");
    let begun = after.now.utc;
    after.shows(EMPTY, 1000.0);
    let told = after.events.first().cloned().unwrap();
    assert_eq!((told.kind, told.time.duration_since(begun).as_secs() / 60), (Kind::NotReturned, 14));
    after.shows(LYING, 20.0);
    assert_eq!(after.kinds(), ["not-returned", "return"]);
}
