//! Pictures drawn from views made up here: what they show, and that they stay small.

use jiff::SignedDuration;

use super::*;
use crate::detect::ViewPhase;

const START: &str = "2026-01-15T20:00:00Z";

fn subject() -> Subject {
    Subject {
        bed: "bed-1".parse().unwrap(),
        watch: Watch::Always,
        zone: TimeZone::get("Europe/Stockholm").unwrap(),
        contact: false,
        invert: false,
        language: Language::En,
    }
}

fn view(value: f64, phase: ViewPhase) -> View {
    let (empty, occupied) = (Some(100.0), Some(600.0));
    View { value: Some(value), empty, occupied, leave: Some(200.0), enter: Some(275.0), phase }
}

fn plot() -> Plot {
    Plot::new(subject(), (Timestamp::MIN, Timestamp::MAX))
}

/// A reading every `every`, from the second `first` to `last` of the recording.
fn reads(plot: &mut Plot, (first, last): (i64, i64), every: SignedDuration, view: &View) {
    let start: Timestamp = START.parse().unwrap();
    let (mut at, end) = (start + SignedDuration::from_secs(first), start + SignedDuration::from_secs(last));
    while at < end {
        plot.see(at, true, view, MatHealth::Ok);
        at += every;
    }
}

fn event(second: i64, kind: Kind) -> Event {
    let time = START.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second);
    let (bed, watched, trusted) = (Some("bed-1".parse().unwrap()), true, true);
    Event { time, decided: time, not_before: None, bed, watched, trusted, kind, zone: None, detail: None, folded: None }
}

/// The texts of a picture, which has to be well-formed.
fn texts(picture: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(picture).unwrap();
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    texts.filter_map(|node| node.text()).map(|text| text.trim().to_owned()).collect()
}

const SECOND: SignedDuration = SignedDuration::from_secs(1);

#[test]
fn a_picture_names_the_bed_its_night_the_phases_and_each_event_with_its_local_time() {
    let mut plot = plot();
    reads(&mut plot, (0, 3_600), SECOND, &view(100.0, ViewPhase::Empty));
    reads(&mut plot, (3_600, 7_200), SECOND, &view(600.0, ViewPhase::InBed));
    plot.event(&event(3_600, Kind::InBed));
    plot.event(&event(7_199, Kind::Rise));
    let texts = texts(&plot.draw().unwrap());
    for expected in [
        "Bed bed-1, 2026-01-15",
        "Empty bed",
        "In bed",
        "22:00:00",
        "Has gone to bed",
        "22:59:59",
        "Has left the bed",
        "alarm",
    ] {
        assert!(texts.iter().any(|text| text == expected), "no {expected:?} in {texts:?}");
    }
}

#[test]
fn weeks_make_no_larger_picture_than_a_night() {
    let mut plot = plot();
    for day in 0..28 {
        let morning = day * 86_400;
        reads(&mut plot, (morning, morning + 43_200), SignedDuration::from_secs(10), &view(100.0, ViewPhase::Empty));
        reads(
            &mut plot,
            (morning + 43_200, morning + 86_400),
            SignedDuration::from_secs(10),
            &view(600.0, ViewPhase::InBed),
        );
        for hour in 0..24 {
            plot.event(&event(morning + hour * 3_600, Kind::Edge));
        }
        plot.event(&event(morning + 80_000, Kind::Rise));
    }
    let picture = plot.draw().unwrap();
    assert!(picture.len() < 200_000, "{} bytes", picture.len());
    let texts = texts(&picture);
    // 672 edges and 28 rises: the rises are all there, and what is not shown is said.
    assert_eq!(texts.iter().filter(|text| *text == "Has left the bed").count(), 28);
    assert_eq!(texts.iter().filter(|text| text.starts_with("Sits on the edge")).count(), 12);
    assert!(texts.iter().any(|text| text.starts_with("660 more events")), "{texts:?}");
}

#[test]
fn a_silence_of_a_steady_mat_is_a_gap_and_a_fault_is_hatched() {
    let mut plot = plot();
    let lying = view(600.0, ViewPhase::InBed);
    reads(&mut plot, (0, 3_600), SECOND, &lying);
    let without = plot.draw().unwrap();
    let start: Timestamp = START.parse().unwrap();
    let told = start + SignedDuration::from_secs(3_660);
    plot.see(told, false, &lying, MatHealth::Fault(MatFault::Silent));
    plot.event(&Event { decided: told, ..event(3_600, Kind::SensorFault(MatFault::Silent)) });
    reads(&mut plot, (5_400, 7_200), SECOND, &lying);
    let with = plot.draw().unwrap();
    for (fill, name) in [("url(#gap)", "No readings"), ("url(#fault)", "Mat fault")] {
        assert!(!without.contains(fill) && !texts(&without).contains(&name.to_owned()), "{fill}");
        assert!(with.contains(fill) && texts(&with).contains(&name.to_owned()), "{fill}");
    }
}

#[test]
fn a_mat_that_sends_on_change_has_no_gaps_between_its_words() {
    let mut plot = plot();
    for minute in [0, 1, 2, 45, 46, 170, 171, 300] {
        let second = minute * 60;
        reads(&mut plot, (second, second + 1), SECOND, &view(600.0, ViewPhase::InBed));
    }
    assert!(!plot.draw().unwrap().contains(r#"fill="url(#gap)""#));
}

#[test]
fn only_the_time_that_was_asked_for_shows() {
    let start: Timestamp = START.parse().unwrap();
    let (from, to) = (start + SignedDuration::from_secs(1_000), start + SignedDuration::from_secs(1_060));
    let mut plot = Plot::new(subject(), (from, to));
    reads(&mut plot, (0, 3_600), SECOND, &view(600.0, ViewPhase::InBed));
    plot.event(&event(900, Kind::InBed));
    plot.event(&event(1_030, Kind::Rise));
    plot.event(&event(1_100, Kind::Return));
    let picture = plot.draw().unwrap();
    let texts = texts(&picture);
    assert!(texts.contains(&"2026-01-15 21:16:40 – 21:17:40 (Europe/Stockholm)".to_owned()), "{texts:?}");
    assert!(texts.contains(&"Has left the bed".to_owned()));
    assert!(!texts.iter().any(|text| text == "Has gone to bed" || text == "Is back in bed"));
}

#[test]
fn a_fault_long_before_the_time_that_was_asked_for_does_not_show() {
    let start: Timestamp = START.parse().unwrap();
    let mut plot = Plot::new(subject(), (start + SignedDuration::from_secs(600), Timestamp::MAX));
    let lying = view(600.0, ViewPhase::InBed);
    plot.see(start, false, &lying, MatHealth::Fault(MatFault::Silent));
    plot.event(&event(0, Kind::SensorFault(MatFault::Silent)));
    reads(&mut plot, (60, 1_200), SECOND, &lying);
    assert!(!plot.draw().unwrap().contains(r#"fill="url(#fault)""#));
}

#[test]
fn nothing_read_is_no_picture() {
    let mut plot = plot();
    assert!(plot.draw().is_none());
    let unusable = View { value: None, ..view(0.0, ViewPhase::Unknown) };
    reads(&mut plot, (0, 10), SECOND, &unusable);
    assert!(plot.draw().is_none());
}

#[test]
fn marks_never_cover_each_other() {
    let mut plot = plot();
    reads(&mut plot, (0, 36_000), SignedDuration::from_secs(5), &view(600.0, ViewPhase::InBed));
    // All within the same minute, at the very end.
    for second in 0..40 {
        plot.event(&event(35_950 + second, Kind::Rise));
    }
    let picture = plot.draw().unwrap();
    let document = roxmltree::Document::parse(&picture).unwrap();
    let places: Vec<(f64, f64)> = document
        .descendants()
        .filter(|node| node.has_tag_name("polygon"))
        .map(|node| {
            let top = node.attribute("points").unwrap().split(' ').next().unwrap();
            let (x, y) = top.split_once(',').unwrap();
            (x.parse().unwrap(), y.parse().unwrap())
        })
        .collect();
    // Once above the curve, once in the list.
    assert_eq!(places.len(), 80);
    for (at, one) in places.iter().enumerate() {
        assert!((0.0..=sheet::WIDTH).contains(&one.0));
        for two in &places[at + 1..] {
            assert!((one.0 - two.0).abs() > 20.0 || (one.1 - two.1).abs() > 20.0, "{one:?} {two:?}");
        }
    }
}

#[test]
fn a_glitch_does_not_squeeze_the_night() {
    let mut plot = plot();
    reads(&mut plot, (0, 3_600), SECOND, &view(600.0, ViewPhase::InBed));
    reads(&mut plot, (3_600, 3_601), SECOND, &view(65_535.0, ViewPhase::InBed));
    reads(&mut plot, (3_601, 7_200), SECOND, &view(600.0, ViewPhase::InBed));
    let texts = texts(&plot.draw().unwrap());
    assert!(texts.contains(&"400".to_owned()) && !texts.contains(&"20000".to_owned()), "{texts:?}");
    assert!(texts.iter().any(|text| text.starts_with("Single values beyond")), "{texts:?}");
}

#[test]
fn loads_that_no_sensor_says_are_left_out() {
    let mut plot = plot();
    for value in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::MAX, f64::MIN] {
        reads(&mut plot, (0, 60), SECOND, &View { enter: Some(value), ..view(value, ViewPhase::InBed) });
    }
    assert!(plot.draw().is_none());
    reads(&mut plot, (60, 120), SECOND, &view(600.0, ViewPhase::InBed));
    let picture = plot.draw().unwrap();
    assert!(!texts(&picture).is_empty() && !picture.contains("NaN") && !picture.contains("inf"));
}

#[test]
fn even_where_everything_changes_all_the_time_a_picture_is_light() {
    let mut plot = plot();
    // As many columns as there can be, each with another phase, load and level than the one before.
    for second in 0..39_000 {
        let place = second / 32;
        let phase = track::PHASES[usize::try_from(place % 6).unwrap()];
        let shift = float(place % 2) * 300.0;
        let level = |level: f64| Some(level + shift);
        let (empty, leave) = (level(100.0), level(200.0));
        let wild =
            View { empty, leave, enter: level(275.0), occupied: level(600.0), ..view(float(second % 977), phase) };
        reads(&mut plot, (second, second + 1), SECOND, &wild);
    }
    let picture = plot.draw().unwrap();
    assert!((100_000..200_000).contains(&picture.len()), "{} bytes", picture.len());
}

#[test]
fn the_axis_keeps_to_the_wall_clock_where_it_changes() {
    let zone = TimeZone::get("Europe/Stockholm").unwrap();
    let ms = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
    // The night in which 03:00 becomes 02:00.
    let span = (ms("2026-10-24T20:10:00Z"), ms("2026-10-25T06:10:00Z"));
    let (ticks, step) = scale::Across::new(span, 0.0, 600.0).ticks(&zone, 10);
    let hours: Vec<i8> = ticks.iter().map(|(_, shown)| shown.hour()).collect();
    assert_eq!((hours.as_slice(), step), ([23, 0, 1, 2, 2, 3, 4, 5, 6, 7].as_slice(), 3_600));
}

#[test]
fn every_span_of_time_has_a_few_ticks() {
    let zone = TimeZone::get("Europe/Stockholm").unwrap();
    for seconds in [1_i64, 7, 60, 3_601, 40_000, 700_000, 40_000_000, 4_000_000_000] {
        let (ticks, _) = scale::Across::new((0, seconds * 1_000), 0.0, 600.0).ticks(&zone, 10);
        assert!((1..=12).contains(&ticks.len()), "{seconds} s: {} ticks", ticks.len());
        assert!(ticks.is_sorted_by(|one, two| one.0 < two.0));
    }
}
