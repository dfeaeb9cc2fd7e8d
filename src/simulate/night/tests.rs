//! Whole nights looked at as data: rates, levels, residuals, noise, and the way through a recording.

use std::collections::BTreeSet;

use super::*;
use crate::model::time::rfc3339;
use crate::simulate::cells::CellsMat;
use crate::simulate::contact::ContactMat;
use crate::simulate::faults::{FaultKind, FaultSpan};
use crate::simulate::pressure::{Layout, PressureMat};
use crate::simulate::truth::State;

const NIGHT: Duration = Duration::from_secs(8 * 3600);

fn start() -> Timestamp {
    "2026-01-15T20:00:00Z".parse().unwrap()
}

fn drawn(seed: u64, mat: MatKind, difficulty: Difficulty) -> NightSettings {
    NightSettings { rate_hz: 5.0, ..NightSettings::drawn_on(mat, seed, difficulty, start(), NIGHT) }
}

fn mats(seed: u64) -> [MatKind; 3] {
    let mut rng = Rng::stream(seed, "kind");
    [
        MatKind::Pressure(PressureMat::drawn(Layout::ONE, Difficulty::Easy, &mut rng)),
        MatKind::Pressure(PressureMat::drawn(Layout::FOUR, Difficulty::Easy, &mut rng)),
        MatKind::Contact(ContactMat::drawn(Difficulty::Easy, &mut rng)),
    ]
}

fn sum(row: &Row) -> f64 {
    row.channels.zones().iter().sum()
}

fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (total, count) = values.into_iter().fold((0.0, 0.0), |(total, count), value| (total + value, count + 1.0));
    total / count
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_another_night() {
    for mat in mats(1) {
        let settings = drawn(1, mat.clone(), Difficulty::Nasty);
        let rows = |settings: &NightSettings| {
            Night::new(settings.clone()).take(20_000).map(|row| csv(&row)).collect::<String>()
        };
        assert_eq!(rows(&settings), rows(&settings));
        assert_eq!(Night::new(settings.clone()).truth(), Night::new(settings.clone()).truth());
        assert_ne!(Night::new(settings).truth(), Night::new(drawn(2, mat, Difficulty::Nasty)).truth());
    }
}

#[test]
fn rows_keep_their_rate_and_stay_within_the_night() {
    for mat in mats(2) {
        let settings = drawn(2, mat, Difficulty::Easy);
        let channels = settings.mat.channels().len();
        let rows: Vec<Row> = Night::new(settings).collect();
        assert_eq!(rows.len(), 5 * 8 * 3600);
        assert!(rows.windows(2).all(|pair| pair[0].at < pair[1].at));
        assert!(rows.iter().all(|row| row.at < NIGHT && row.channels.len() == channels));
    }
}

#[test]
fn a_rate_that_is_none_becomes_one_a_second() {
    for (rate_hz, rows) in [(f64::NAN, 60), (0.0, 60), (-3.0, 60), (1e9, 3000), (1e-300, 60), (0.1, 6)] {
        let settings = NightSettings {
            rate_hz,
            duration: Duration::from_secs(60),
            ..drawn(2, mats(2)[0].clone(), Difficulty::Easy)
        };
        assert_eq!(Night::new(settings).count(), rows, "{rate_hz}");
    }
}

#[test]
fn realistic_nights_lose_only_what_their_faults_take() {
    let settings = drawn(3, mats(3)[0].clone(), Difficulty::Realistic);
    let silent = |span: &&FaultSpan| span.kind.is_silent();
    let silence: Duration = settings.faults.spans.iter().filter(silent).map(|span| span.to.abs_diff(span.from)).sum();
    let expected = 5.0 * NIGHT.abs_diff(silence).as_secs_f64();
    let rows = f64::from(u32::try_from(Night::new(settings).count()).unwrap());
    assert!((rows / expected - 1.0).abs() < 0.005, "{rows} rows for {expected}");
}

#[test]
fn the_load_leaves_with_the_resident_and_leaves_a_dent_behind() {
    for seed in 0..4 {
        for mat in mats(seed).into_iter().take(2) {
            let night = Night::new(drawn(seed, mat, Difficulty::Easy));
            let truth = night.truth().clone();
            let empty: f64 = truth.commission.empty.iter().sum();
            let lying = truth.commission.lying_75kg.iter().sum::<f64>() - empty;
            let rows: Vec<Row> = night.collect();
            let level = |from: f64, to: f64| {
                let inside = rows.iter().filter(|row| (from..to).contains(&row.at.as_secs_f64()));
                (mean(inside.map(sum)) - empty) / (lying * truth.weight_kg / 75.0)
            };
            assert!(!truth.rises.is_empty());
            for rise in truth.rises.iter().filter(|rise| rise.occupied_s > 40.0) {
                let before = level(rise.edge_from - 30.0, rise.edge_from - 5.0);
                assert!((0.6..1.5).contains(&before), "seed {seed}, {rise:?}: {before} of the load before");
                let after = level(rise.time + 0.5, rise.time + 5.0);
                assert!((-0.02..0.10).contains(&after), "seed {seed}, {rise:?}: {after} of the load after");
                let returned = rise.returned.unwrap_or(truth.duration_s);
                if returned > rise.time + 400.0 {
                    assert!(
                        level(rise.time + 300.0, rise.time + 400.0) < after.max(0.01),
                        "seed {seed}: the dent stays"
                    );
                }
            }
        }
    }
}

#[test]
fn an_empty_mat_is_as_quiet_as_its_noise_and_a_sleeper_is_not() {
    let mat = PressureMat { noise: 1.5, signal_noise: 0.0, ..PressureMat::zones(Layout::ONE) };
    let night = Night::new(drawn(5, MatKind::Pressure(mat), Difficulty::Easy));
    let truth = night.truth().clone();
    let rows: Vec<Row> = night.collect();
    let spread = |state: State| {
        let interval = truth.intervals.iter().find(|i| i.state == state && i.to - i.from > 120.0).unwrap();
        let (from, to) = (interval.from + 20.0, interval.from + 40.0);
        let values: Vec<f64> = rows.iter().filter(|row| (from..to).contains(&row.at.as_secs_f64())).map(sum).collect();
        let centre = mean(values.iter().copied());
        mean(values.iter().map(|value| (value - centre).powi(2))).sqrt()
    };
    let (empty, lying) = (spread(State::Absent), spread(State::Bed));
    // Rounding to counts adds a little.
    assert!((1.2..1.9).contains(&empty), "{empty} counts");
    assert!(lying > 2.0 * empty, "breathing: {lying} counts");
}

#[test]
fn a_contact_mat_is_closed_in_bed_and_open_without_anybody() {
    let mat = MatKind::Contact(ContactMat::clean());
    let night = Night::new(drawn(6, mat, Difficulty::Easy));
    let truth = night.truth().clone();
    let rows: Vec<Row> = night.collect();
    let closed = |state| mean(rows.iter().filter(|row| truth.state_at(row.at.as_secs_f64()) == Some(state)).map(sum));
    assert!(closed(State::Absent).abs() < f64::EPSILON);
    // Not all the time: lifted hips open it.
    assert!(closed(State::Bed) > 0.999, "{}", closed(State::Bed));
}

#[test]
fn cells_that_start_with_her_in_bed_take_her_for_the_bed_from_then_on() {
    let mat = CellsMat { each: false, retares: true, ..CellsMat::good() };
    let usual = drawn(6, MatKind::Cells(mat), Difficulty::Easy);
    let script = Night::new(usual.clone()).truth().clone();
    let bed = script.intervals.iter().find(|i| i.state == State::Bed && i.to - i.from > 1800.0).unwrap();
    let [from, to] = [600.0, 630.0].map(|after| Duration::from_secs_f64(bed.from + after));
    let spans = vec![FaultSpan { kind: FaultKind::Restart, from, to }];
    let night = Night::new(NightSettings { faults: Faults { spans, ..Faults::default() }, ..usual });
    assert_eq!(night.truth().faults[0].retare, Some(true));
    let rows: Vec<Row> = night.collect();
    assert!(!rows.iter().any(|row| (from..to).contains(&row.at)));
    let level = |from: f64, to: f64| mean(rows.iter().filter(|r| (from..to).contains(&r.at.as_secs_f64())).map(sum));
    let weight_kg = script.weight_kg;
    assert!((level(bed.from + 500.0, bed.from + 600.0) - weight_kg).abs() < 1.0);
    assert!(level(bed.from + 630.0, bed.from + 700.0).abs() < 1.0);
    let gone = script.intervals.iter().find(|i| i.state == State::Absent && i.from > bed.from).unwrap();
    assert!((level(gone.from + 1.0, gone.to - 1.0) + weight_kg).abs() < 1.5);
}

#[test]
fn drawn_nights_of_every_kind_and_level_are_played_to_their_end() {
    let mut kinds = BTreeSet::new();
    for seed in 0..40 {
        let difficulty =
            [Difficulty::Easy, Difficulty::Realistic, Difficulty::Nasty][usize::try_from(seed % 3).unwrap()];
        let mat = MatKind::drawn(&mut Rng::stream(seed, "kind"), difficulty);
        let length = Duration::from_secs(3600);
        let settings =
            NightSettings { rate_hz: 2.0, ..NightSettings::drawn_on(mat, seed, difficulty, start(), length) };
        kinds.insert(settings.mat.as_str());
        let rows: Vec<String> = Night::new(settings.clone()).map(|row| csv(&row)).collect();
        assert!(!rows.is_empty() && rows.len() <= 2 * 3600 * 2, "seed {seed}: {} rows", rows.len());
        assert_eq!(rows, Night::new(settings).map(|row| csv(&row)).collect::<Vec<_>>(), "seed {seed}");
    }
    assert_eq!(kinds.len(), 5, "{kinds:?}");
}

#[test]
fn a_night_comes_back_from_a_recording() {
    for mat in mats(7) {
        let settings = NightSettings { duration: Duration::from_secs(1800), ..drawn(7, mat, Difficulty::Nasty) };
        let night = Night::new(settings);
        let header = format!("time,{}\n", night.truth().channels.join(","));
        let rows: Vec<Row> = night.collect();
        let text = header + &rows.iter().map(csv).collect::<String>();
        let read: Vec<(Duration, Channels)> = text.lines().skip(1).map(parse).collect();
        assert_eq!(read.len(), rows.len());
        for (row, (at, channels)) in rows.iter().zip(read) {
            assert_eq!(row.at, at);
            let same = row.channels.zones().iter().zip(channels.zones()).all(|(a, b)| a.to_bits() == b.to_bits());
            assert!(same && row.channels.len() == channels.len(), "{row:?} came back as {channels:?}");
        }
    }
}

/// Writes a row as the contract has it.
fn csv(row: &Row) -> String {
    let mut line = rfc3339(start() + row.at);
    for zone in row.channels.zones() {
        let cell = if zone.is_nan() { String::new() } else { zone.to_string() };
        line.extend([",", &cell]);
    }
    line + "\n"
}

fn parse(line: &str) -> (Duration, Channels) {
    let mut cells = line.split(',');
    let time: Timestamp = cells.next().unwrap().parse().unwrap();
    let zones = cells.map(|cell| if cell.is_empty() { f64::NAN } else { cell.parse().unwrap() });
    (time.duration_since(start()).unsigned_abs(), Channels::new(zones).unwrap())
}
