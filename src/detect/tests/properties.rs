//! Properties of any input.

use proptest::prelude::*;

use super::*;

fn any_reading() -> impl Strategy<Value = (u64, f64, bool)> {
    let value = prop_oneof![
        4 => Just(EMPTY), 6 => Just(LYING), 2 => 0.0..1000.0, 1 => Just(0.0), 1 => Just(4095.0),
        1 => Just(f64::NAN), 1 => -1e9..1e9
    ];
    (prop_oneof![20 => 1_u64..500, 3 => 500_u64..20_000, 1 => 60_000_u64..7_200_000], value, prop::bool::weighted(0.05))
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let confirm =
        prop_oneof![Just(Confirm::Auto), (0_u64..5000).prop_map(|ms| Confirm::Fixed(Duration::from_millis(ms)))];
    (confirm, 0_u64..15, any::<bool>(), any::<bool>()).prop_map(|(confirm, settle, known, always)| Settings {
        confirm,
        settle: Duration::from_secs(settle),
        empty: known.then(|| vec![EMPTY]),
        occupied: known.then(|| vec![LYING]),
        watch: if always { Watch::Always } else { night("22:00", "07:00") },
        ..settings()
    })
}

fn run(settings: &Settings, readings: &[(u64, f64, bool)]) -> Vec<Event> {
    let mut bed = Bed::new(settings.clone(), &Start::First, "2026-01-15T20:00:00Z");
    for (millis, value, old) in readings {
        let now = bed.later(Duration::from_millis(*millis));
        let quality = if *old { Quality::Old } else { Quality::Live };
        bed.detector.on_reading(&reading(now.moment, *value, quality), now);
        bed.collect();
    }
    bed.events
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_rise_without_somebody_in_bed_before(
        settings in any_settings(), readings in prop::collection::vec(any_reading(), 1..400)
    ) {
        let mut in_bed = false;
        // What a retained message has set is a state without an event.
        let live: Vec<_> = readings.iter().map(|(millis, value, _)| (*millis, *value, false)).collect();
        for event in run(&settings, &live) {
            match event.kind.as_str() {
                "in-bed" | "return" => { prop_assert!(!in_bed); in_bed = true; }
                "rise" => { prop_assert!(in_bed); in_bed = false; }
                _ => {}
            }
        }
    }

    #[test]
    fn times_never_go_back_and_nothing_is_decided_before_it_happens(
        settings in any_settings(), readings in prop::collection::vec(any_reading(), 1..400)
    ) {
        let mut last = Timestamp::MIN;
        for event in run(&settings, &readings) {
            prop_assert!(event.decided >= last, "{event:?}");
            prop_assert!(event.time <= event.decided, "{event:?}");
            prop_assert!(event.not_before.is_none_or(|before| before <= event.time), "{event:?}");
            last = event.decided;
        }
    }

    #[test]
    fn the_same_input_gives_the_same_output(
        settings in any_settings(), readings in prop::collection::vec(any_reading(), 1..400)
    ) {
        prop_assert_eq!(run(&settings, &readings), run(&settings, &readings));
    }

    #[test]
    fn a_restart_at_any_instant_never_makes_a_rise_of_somebody_in_bed(
        readings in prop::collection::vec((1_u64..20_000, prop_oneof![Just(EMPTY), Just(LYING)]), 1..200)
    ) {
        let mut bed = Bed::new(settings(), &Start::First, "2026-01-15T20:00:00Z");
        for (millis, value) in &readings {
            let now = bed.later(Duration::from_millis(*millis));
            bed.detector.on_reading(&reading(now.moment, *value, Quality::Live), now);
        }
        let start = Start::Remembered(bed.detector.memory());
        let mut after = Bed::new(settings(), &start, &bed.now.utc.to_string());
        after.shows(LYING, 30.0);
        prop_assert!(after.events.iter().all(|event| event.kind != Kind::Rise), "{:?}", after.events);
    }
}
