//! What happens in a night, in words, in order of time: from the truth alone, so that it says what scorers judge by.

use crate::simulate::Truth;
use crate::simulate::truth::{Fault, OtherLoad, Rise, State};

/// Something that happens, in seconds after the start.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    pub(super) at: f64,
    pub(super) text: String,
}

/// Tells a night.
pub(super) fn tell(truth: &Truth) -> Vec<Told> {
    let mut told = Vec::new();
    let mut tell = |at: f64, text: String| told.push(Told { at, text });
    for interval in &truth.intervals {
        let rises = truth.rises.iter().any(|rise| rise.time.total_cmp(&interval.from).is_eq());
        match interval.state {
            State::Bed => tell(interval.from, "lies in bed".to_owned()),
            State::Edge => tell(interval.from, "is on the edge of the bed".to_owned()),
            State::Absent if rises => {}
            State::Absent => tell(interval.from, "is out of bed".to_owned()),
        }
    }
    for Rise { time, why, style, edge_s, .. } in &truth.rises {
        tell(*time, format!("HAS LEFT THE BED ({why}, {style}, sat on the edge for {edge_s} s)"));
    }
    for one in &truth.disturbances {
        tell(one.from, format!("{} ({:.1} s)", deed(&one.what), one.to - one.from));
    }
    for OtherLoad { what, from, to, max_kg, moves, .. } in &truth.loads {
        tell(*from, format!("on the bed comes: {what}, {max_kg} kg at most"));
        for at in moves {
            tell(*at, format!("{what} moves"));
        }
        tell(*to, format!("from the bed goes: {what}"));
    }
    for fault in &truth.faults {
        tell(fault.from, format!("the mat is at fault: {}", fault_words(fault)));
        tell(fault.to, format!("the mat works again after {}", fault.kind));
    }
    for blind in &truth.blind {
        tell(blind.from, "the contact contradicts who is there".to_owned());
        tell(blind.to, "the contact is right again".to_owned());
    }
    told.sort_by(|one, other| one.at.total_cmp(&other.at));
    told
}

fn deed(what: &str) -> &str {
    match what {
        "turn" => "turns over",
        "bridge" => "lifts the hips",
        "situp" => "sits up",
        "legs" => "moves the legs",
        "attempt" => "tries to stand up in vain",
        other => other,
    }
}

fn fault_words(fault: &Fault) -> String {
    let how = fault.how.as_ref().map(|how| format!(" ({how})")).unwrap_or_default();
    let one = if fault.one_channel == Some(true) { ", one channel" } else { "" };
    format!("{}{how}{one} for {:.0} s", fault.kind, fault.to - fault.from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::nights::{Level, draw, lot, usual_start};
    use crate::simulate::Night;

    #[test]
    fn everything_in_the_truth_is_told_in_order_of_time() {
        for seed in 0..10 {
            let lot = lot(&[Level::Nasty], &[], 8.0, usual_start());
            let night = Night::new(draw(&lot, seed).unwrap_or_else(|_| panic!("no such night")));
            let (truth, told) = (night.truth(), tell(night.truth()));
            assert!(told.windows(2).all(|pair| pair[0].at <= pair[1].at), "seed {seed}");
            let count = |words: &str| told.iter().filter(|told| told.text.contains(words)).count();
            assert_eq!(count("HAS LEFT THE BED"), truth.rises.len());
            assert_eq!(count("the mat is at fault"), truth.faults.len());
            assert_eq!(count("on the bed comes"), truth.loads.len());
            assert_eq!(count("turns over"), truth.disturbances.iter().filter(|one| one.what == "turn").count());
            let left = truth.rises.iter().zip(told.iter().filter(|told| told.text.contains("HAS LEFT")));
            assert!(left.into_iter().all(|(rise, told)| rise.time.total_cmp(&told.at).is_eq()));
        }
    }
}
