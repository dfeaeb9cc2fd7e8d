//! Many drawn nights, counted.

use super::*;
use crate::simulate::phase::{Place, Style};

const NIGHT: Duration = Duration::from_secs(11 * 3600);
const LEVELS: [Difficulty; 3] = [Difficulty::Easy, Difficulty::Realistic, Difficulty::Nasty];

fn drawn(seed: u64, difficulty: Difficulty, length: Duration) -> Script {
    let mut rng = Rng::stream(seed, "resident");
    let body = Body::drawn(difficulty, &mut rng);
    Habits::drawn(difficulty, &mut rng).script(body, length, &mut rng)
}

fn count(script: &Script, is: impl Fn(&Phase) -> bool) -> usize {
    script.steps().iter().filter(|step| is(&step.phase)).count()
}

#[test]
fn residents_move_and_rise_as_often_as_was_measured() {
    let nights: Vec<Script> = (0..200).map(|seed| drawn(seed, Difficulty::Easy, NIGHT)).collect();
    let a_night = |is: fn(&Phase) -> bool| {
        f64::from(u32::try_from(nights.iter().map(|night| count(night, is)).sum::<usize>()).unwrap()) / 200.0
    };
    let turns = a_night(|phase| matches!(phase, Phase::Turning { .. }));
    assert!((22.0..38.0).contains(&turns), "{turns} turns and shifts a night");
    let rises = a_night(|phase| matches!(phase, Phase::Rising { .. }));
    // 1.75 absences and the morning, but for absences that fell too close together.
    assert!((2.3..2.9).contains(&rises), "{rises} rises a night");
    let stirs = a_night(|phase| matches!(phase, Phase::Stirring { .. }));
    assert!((95.0..150.0).contains(&stirs), "{stirs} small movements a night");
}

#[test]
fn people_sit_before_they_walk_for_as_long_as_was_measured() {
    let mut seconds = Vec::new();
    for night in (0..300).map(|seed| drawn(seed, Difficulty::Realistic, NIGHT)) {
        let mut sits_from = Duration::ZERO;
        for step in night.steps() {
            if matches!(step.phase, Phase::ToEdge { .. }) {
                sits_from = step.ends;
            }
            if matches!(step.phase, Phase::Rising { .. }) {
                seconds.push(step.begins.abs_diff(sits_from).as_secs_f64());
            }
        }
    }
    seconds.sort_by(f64::total_cmp);
    let quantile = |per_cent: usize| seconds[seconds.len() * per_cent / 100];
    assert!((0.1..1.0).contains(&quantile(10)), "{}", quantile(10));
    assert!((8.0..15.0).contains(&quantile(50)), "{}", quantile(50));
    assert!((80.0..150.0).contains(&quantile(95)), "{}", quantile(95));
}

type Is = fn(&Phase) -> bool;

#[test]
fn every_kind_of_doing_occurs_where_it_should() {
    let nights = |difficulty| -> Vec<Script> { (0..150).map(|seed| drawn(seed, difficulty, NIGHT)).collect() };
    let (realistic, nasty) = (nights(Difficulty::Realistic), nights(Difficulty::Nasty));
    let kinds: [(&str, Is); 9] = [
        ("attempt", |phase| matches!(phase, Phase::Attempting { .. })),
        ("legs", |phase| matches!(phase, Phase::Kicking { .. })),
        ("bridge", |phase| matches!(phase, Phase::Lifting { .. })),
        ("situp", |phase| matches!(phase, Phase::Upright)),
        ("hand", |phase| matches!(phase, Phase::Leaning)),
        ("quick", |phase| matches!(phase, Phase::Rising { style: Style::Quick, .. })),
        ("fall", |phase| matches!(phase, Phase::Rising { why: Why::Fall, .. })),
        ("more left", |phase| matches!(phase, Phase::Rising { leaves_kg, .. } if *leaves_kg > 0.5)),
        ("less left", |phase| matches!(phase, Phase::Rising { leaves_kg, .. } if *leaves_kg < -0.5)),
    ];
    for (name, is) in kinds {
        let sum = |nights: &[Script]| nights.iter().map(|night| count(night, is)).sum::<usize>();
        assert!(sum(&realistic) >= 1 && sum(&nasty) >= 5, "{name}: {} and {}", sum(&realistic), sum(&nasty));
    }
    let first = |night: &Script| night.stretches(NIGHT)[0];
    assert!(realistic.iter().any(|night| first(night).place == Place::Bed), "none starts in bed");
    assert!(nasty.iter().any(|night| night.stretches(NIGHT).len() == 1), "none without anybody");
    let in_bed = nasty.iter().chain(&realistic).flat_map(|night| night.stretches(NIGHT));
    let lengths: Vec<f64> = in_bed.filter(|at| at.place == Place::Bed).map(|at| at.to - at.from).collect();
    assert!(lengths.iter().any(|s| *s < 240.0) && lengths.iter().any(|s| *s > 7.0 * 3600.0));
}

#[test]
fn easy_nights_end_out_of_bed_within_their_length() {
    for seed in 0..100 {
        let night = drawn(seed, Difficulty::Easy, NIGHT);
        assert!(matches!(night.steps().last().unwrap().phase, Phase::Rising { .. } | Phase::Leaning), "seed {seed}");
        assert!(night.ends() < NIGHT, "seed {seed}");
        assert_eq!(count(&night, |phase| matches!(phase, Phase::Rising { why: Why::Morning, .. })), 1, "seed {seed}");
    }
}

#[test]
fn a_night_too_short_for_anything_still_has_a_script() {
    for (length, level) in
        [0, 1, 60, 600].iter().flat_map(|length| LEVELS.map(|level| (Duration::from_secs(*length), level)))
    {
        for seed in 0..20 {
            let stretches = drawn(seed, level, length).stretches(length);
            assert!(
                stretches.is_empty() == length.is_zero() && stretches.iter().all(|at| at.from <= at.to),
                "{stretches:?}"
            );
        }
    }
}
