//! Sitting on the edge, lying again, and what is neither.

use super::*;

/// Four strips across the bed, the side she gets out on first.
const NOBODY: [f64; 4] = [100.0; 4];
const BACK: [f64; 4] = [250.0, 500.0, 500.0, 250.0];
const LEFT: [f64; 4] = [320.0, 520.0, 250.0, 130.0];
const SITS: [f64; 4] = [1000.0, 160.0, 100.0, 100.0];
const UPRIGHT: [f64; 4] = [220.0, 480.0, 480.0, 220.0];

fn strips() -> Settings {
    let levels = |zones: [f64; 4]| Some(zones.to_vec());
    let alarm = Alarm { edge: true, ..Alarm::default() };
    Settings { zones: 4, empty: levels(NOBODY), occupied: levels(BACK), alarm, ..settings() }
}

impl Bed {
    fn over(settings: Settings) -> Self {
        Self::new(settings, &Start::First, "2026-01-15T21:00:00Z")
    }

    /// The mat shows these loads for a while.
    fn rests(&mut self, zones: [f64; 4], seconds: f64) -> &mut Self {
        for step in 0..(seconds * 10.0) as u64 {
            let breath = 1.0 + 0.003 * (step as f64 * 0.15).sin();
            let now = self.later(PACE);
            let channels = Channels::new(zones.map(|value| 100.0 + (value - 100.0) * breath)).unwrap();
            self.detector.on_reading(&Reading { at: now.moment, channels, quality: Quality::Live }, now);
            self.collect();
        }
        self
    }

    /// She sits down on the edge, lies back and sleeps.
    fn gets_in(&mut self) -> &mut Self {
        self.rests(NOBODY, 30.0).rests(SITS, 4.0).rests(BACK, 300.0)
    }
}

#[test]
fn who_sits_on_the_edge_is_told_once_with_the_moment_it_began() {
    let mut bed = Bed::over(strips());
    bed.gets_in().kinds();
    let began = bed.now.utc;
    bed.rests(SITS, 60.0);
    let edge = bed.events.first().cloned().unwrap();
    assert_eq!(bed.kinds(), ["edge"]);
    assert_eq!(edge.time.duration_since(began).as_millis(), 100);
    assert!((1..=5).contains(&edge.decided.duration_since(began).as_secs()), "{edge:?}");
    assert_eq!(bed.detector.view().phase, ViewPhase::Edge);
}

#[test]
fn lying_again_for_settle_after_an_edge_that_was_told_is_a_return_and_arms_it_again() {
    let mut bed = Bed::over(strips());
    bed.gets_in().rests(SITS, 20.0).kinds();
    let lay = bed.now.utc;
    bed.rests(BACK, 9.0);
    assert_eq!(bed.kinds(), [""; 0], "not before `settle`");
    bed.rests(BACK, 60.0);
    let back = bed.events.first().cloned().unwrap();
    assert!((0..=1).contains(&back.time.duration_since(lay).as_secs()) && back.watched, "{back:?}");
    assert_eq!(bed.kinds(), ["return"]);
    assert_eq!(bed.detector.view().phase, ViewPhase::InBed);
    bed.rests(SITS, 20.0);
    assert_eq!(bed.kinds(), ["edge"]);
}

#[test]
fn an_edge_that_nobody_was_told_of_gives_no_return() {
    let nobody_told = Alarm { edge: false, ..Alarm::default() };
    for settings in
        [Settings { alarm: nobody_told, ..strips() }, Settings { watch: night("02:00", "03:00"), ..strips() }]
    {
        let mut bed = Bed::over(settings);
        bed.gets_in().kinds();
        bed.rests(SITS, 20.0).rests(BACK, 60.0);
        assert_eq!(bed.kinds(), ["edge"]);
    }
}

#[test]
fn after_an_edge_comes_the_rise_and_one_return() {
    let mut bed = Bed::over(strips());
    bed.gets_in().kinds();
    bed.rests(SITS, 15.0).rests(NOBODY, 60.0).rests(SITS, 4.0).rests(BACK, 60.0);
    assert_eq!(bed.kinds(), ["edge", "rise", "return"]);
}

#[test]
fn who_has_just_come_and_still_sits_there_is_no_edge() {
    let mut bed = Bed::over(strips());
    bed.gets_in().rests(NOBODY, 60.0).kinds();
    bed.rests(SITS, 50.0).rests(BACK, 60.0);
    assert_eq!(bed.kinds(), ["return"]);
}

#[test]
fn turning_sitting_up_and_lifting_the_hips_are_no_edge() {
    let mut bed = Bed::over(strips());
    bed.gets_in().kinds();
    let lifted = BACK.map(|value| 100.0 + 0.2 * (value - 100.0));
    bed.rests(LEFT, 300.0).rests(UPRIGHT, 60.0).rests(BACK, 60.0).rests(lifted, 1.5).rests(LEFT, 60.0);
    // On her way over she passes the edge of the mat for a second.
    bed.rests(SITS, 1.0).rests(BACK, 60.0);
    assert_eq!(bed.kinds(), [""; 0]);
}

#[test]
fn it_is_known_by_other_zones_where_the_first_is_dead() {
    let mut bed = Bed::over(strips());
    let dead = |zones: [f64; 4]| [f64::NAN, zones[1], zones[2], zones[3]];
    let sits = [1000.0, 700.0, 100.0, 100.0];
    bed.rests(NOBODY, 30.0).rests(sits, 4.0).rests(BACK, 300.0).rests(dead(BACK), 60.0).kinds();
    bed.rests(dead(sits), 20.0);
    assert!(bed.kinds().contains(&"edge"));
}

#[test]
fn who_joins_a_partner_shows_where_her_edge_is_and_he_did_not() {
    let mut bed = Bed::over(strips());
    let beside_him = |zones: [f64; 4]| [zones[0], zones[1], zones[2], zones[3] + 400.0];
    bed.rests(NOBODY, 30.0).rests(beside_him(NOBODY), 600.0);
    assert!(bed.detector.memory().edge.rim[3] > 0.9, "he came on his side");
    bed.rests(beside_him(SITS), 6.0).rests(beside_him(BACK), 1_200.0).kinds();
    assert!(bed.detector.memory().edge.rim[0] > 0.9, "she came over her edge");
    bed.rests(beside_him(SITS), 20.0);
    assert_eq!(bed.kinds(), ["edge"]);
}

#[test]
fn who_lies_there_after_a_pause_has_not_shown_where_she_came() {
    let mut bed = Bed::over(strips());
    bed.rests(NOBODY, 30.0);
    bed.later(Duration::from_secs(20));
    bed.rests(BACK, 300.0);
    assert!(bed.detector.memory().edge.rim.is_empty());
}

#[test]
fn an_edge_on_the_other_side_than_the_one_that_was_seen_is_told_as_well() {
    let mut bed = Bed::over(strips());
    let other_side = [SITS[3], SITS[2], SITS[1], SITS[0]];
    bed.rests(NOBODY, 30.0).rests(other_side, 4.0).rests(BACK, 3_600.0).kinds();
    bed.rests(SITS.map(|load| 100.0 + 0.7 * (load - 100.0)), 20.0);
    assert_eq!(bed.kinds(), ["edge"]);
}

#[test]
fn who_is_still_moving_is_told_later_than_who_has_come_to_rest() {
    let took = |swing: f64| {
        let mut bed = Bed::over(strips());
        bed.gets_in().kinds();
        let began = bed.now.utc;
        for step in 0..200 {
            let part = if step % 10 < 5 { 1.0 + swing } else { 1.0 - swing };
            bed.rests(SITS.map(|load| 100.0 + part * (load - 100.0)), 0.1);
        }
        bed.events.first().cloned().unwrap().decided.duration_since(began)
    };
    assert!(took(0.2) > took(0.0));
}

#[test]
fn a_scale_tells_it_by_the_load_that_is_gone() {
    let scale = Settings { range: None, empty: Some(vec![0.0]), occupied: Some(vec![70.0]), ..settings() };
    let mut bed = Bed::over(scale);
    let rests = |bed: &mut Bed, kilograms: f64, seconds: f64| {
        for step in 0..(seconds * 10.0) as u64 {
            bed.read(kilograms * (1.0 + 0.002 * (step as f64 * 0.15).sin()));
        }
    };
    rests(&mut bed, 0.0, 30.0);
    rests(&mut bed, 70.0, 4.0 * 3600.0);
    bed.kinds();
    rests(&mut bed, 49.0, 20.0);
    assert_eq!(bed.kinds(), ["edge"]);
}

#[test]
fn a_contact_has_no_edge() {
    let mut bed = Bed::over(contact_mat());
    for step in 0..3_000 {
        bed.read(if step < 200 { 0.0 } else { 1.0 });
    }
    assert_eq!(bed.kinds(), ["in-bed"]);
    assert_eq!(bed.detector.memory().edge, EdgeMemory::default());
}

#[test]
fn low_takes_longer_than_high() {
    let took = |edge_sensitivity| {
        let mut bed = Bed::over(Settings { edge_sensitivity, ..strips() });
        bed.gets_in().kinds();
        let began = bed.now.utc;
        bed.rests([700.0, 140.0, 100.0, 100.0], 60.0);
        bed.events.first().cloned().unwrap().decided.duration_since(began)
    };
    assert!(took(Sensitivity::Low) > took(Sensitivity::Normal) && took(Sensitivity::Normal) > took(Sensitivity::High));
}

#[test]
fn a_restart_forgets_neither_the_edge_nor_that_it_was_told() {
    let mut before = Bed::over(strips());
    before.gets_in().rests(SITS, 15.0).kinds();
    let memory = before.detector.memory();
    let text = serde_json::to_string(&memory).unwrap();
    let memory: Memory = serde_json::from_str(&text).unwrap();
    let mut after = Bed::new(strips(), &Start::Remembered(memory), "2026-01-15T21:10:00Z");
    after.rests(SITS, 20.0);
    assert_eq!(after.kinds(), [""; 0], "she still sits there");
    after.rests(BACK, 30.0);
    assert_eq!(after.kinds(), ["return"]);
}

#[test]
fn a_state_of_before_edges_were_known_is_read() {
    let mut bed = Bed::over(strips());
    bed.gets_in();
    let mut written = serde_json::to_value(bed.detector.memory()).unwrap();
    written.as_object_mut().unwrap().remove("edge");
    let memory: Memory = serde_json::from_value(written).unwrap();
    assert_eq!(memory.edge, EdgeMemory::default());
}

#[test]
fn its_reason_is_told_in_words() {
    let lasted = Duration::from_secs(3);
    let words = |moved, gone| Because::MovedToEdge { lasted, moved, gone }.to_string();
    for (words, expected) in [
        (words(Some(0.9), 0.3), "the load has moved to one side and 30 % of it is gone, for 3.0 s: sits on the edge"),
        (words(Some(0.9), -0.2), "the load has moved to one side, for 3.0 s: sits on the edge"),
        (words(None, 0.4), "40 % of the load is gone and the rest stays, for 3.0 s: sits on the edge"),
        (words(Some(0.1), 0.0), "the load lies where she never lies, for 3.0 s: sits on the edge"),
    ] {
        assert_eq!(words, expected);
    }
}

impl Bed {
    /// The two halves show these loads for a while.
    fn on_halves(&mut self, zones: [f64; 2], seconds: u32) -> &mut Self {
        for step in 0..seconds * 10 {
            let breath = 1.0 + 0.003 * (f64::from(step) * 0.15).sin();
            let now = self.later(PACE);
            let channels = Channels::new(zones.map(|value| 100.0 + (value - 100.0) * breath)).unwrap();
            self.detector.on_reading(&Reading { at: now.moment, channels, quality: Quality::Live }, now);
            self.collect();
        }
        self
    }
}

/// Two halves of a bed, with so much of her on the near one.
fn halves(near: f64, load: f64) -> [f64; 2] {
    [100.0 + near * load, 100.0 + (1.0 - near) * load]
}

/// Somebody who often turns over on two halves, and once in a while to where `far` of her is on the near one.
fn turns_over(far: f64) -> Bed {
    let levels = |zones: [f64; 2]| Some(zones.to_vec());
    let settings = Settings { zones: 2, empty: levels([100.0; 2]), occupied: levels(halves(0.6, 1100.0)), ..strips() };
    let mut bed = Bed::over(settings);
    bed.on_halves([100.0; 2], 30).on_halves(halves(1.0, 800.0), 4).on_halves(halves(0.6, 1100.0), 600);
    for _ in 0..3 {
        for near in [0.45, 0.55, 0.75, far] {
            bed.on_halves(halves(near, 1100.0), 300);
        }
    }
    bed.on_halves(halves(0.6, 1100.0), 600).kinds();
    bed
}

#[test]
fn on_two_halves_all_of_her_on_the_near_one_is_the_edge_and_most_of_her_is_not() {
    let mut bed = turns_over(0.9);
    bed.on_halves(halves(0.9, 950.0), 60).on_halves(halves(0.6, 1100.0), 60);
    assert_eq!(bed.kinds(), [""; 0]);
    bed.on_halves(halves(1.0, 950.0), 20);
    assert_eq!(bed.kinds(), ["edge"]);
}

#[test]
fn whoever_often_lies_wholly_on_the_near_half_is_on_no_edge() {
    let mut bed = turns_over(1.0);
    bed.on_halves(halves(1.0, 1100.0), 60);
    assert_eq!(bed.kinds(), [""; 0]);
}

#[test]
fn sheets_that_are_changed_do_not_hide_where_she_gets_out() {
    // A mat that saturates: who sits on the edge still presses on the strips by the wall.
    let (lies, sits, by_the_wall) =
        ([400.0, 500.0, 500.0, 400.0], [700.0, 450.0, 250.0, 180.0], [150.0, 200.0, 400.0, 500.0]);
    let mut bed = Bed::over(strips());
    bed.rests(NOBODY, 30.0).rests(sits, 4.0).rests(lies, 300.0);
    for _ in 0..3 {
        bed.rests(LEFT, 200.0).rests(BACK, 200.0).rests(lies, 200.0).rests([300.0, 400.0, 550.0, 500.0], 200.0);
    }
    bed.rests(sits, 4.0).rests(NOBODY, 60.0);
    for _ in 0..3 {
        bed.rests(by_the_wall, 4.0).rests(NOBODY, 20.0);
    }
    bed.rests(by_the_wall, 4.0).rests(lies, 300.0).kinds();
    bed.rests(sits, 20.0);
    assert_eq!(bed.kinds(), ["edge"]);
}
