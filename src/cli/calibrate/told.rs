//! What is told of a mat that was walked through: in words, or as JSON.

use serde_json::json;

use crate::config::Bed;
use crate::detect::calibration::{Proof, Step};
use crate::model::proof::Grade;

/// The result in words; ends with a newline.
pub(super) fn text(bed: &Bed, proof: &Proof) -> String {
    let mut text = format!("\nThe mat of {}: {}\n", bed.id, verdict(proof.grade()));
    let mut line = |words: String| text.extend(["  ", &words, "\n"]);
    if proof.is_contact {
        line("a contact has no levels to be measured".to_owned());
    } else {
        line(format!("lying moves it by {}, {} its noise: {}", moved(proof), times(proof.noises), judged(proof)));
        let steps = Step::ALL.iter().zip(proof.shares).skip(1);
        let shares = steps.map(|(step, share)| format!("{} {:.0} %", short(*step), share * 100.0));
        line(format!("of a lying person it shows: {}", shares.collect::<Vec<_>>().join(", ")));
    }
    for finding in &proof.findings {
        line(format!("! {finding}"));
    }
    if proof.has_levels() {
        line(format!("levels: empty = {}, occupied = {}", list(&proof.empty), list(&proof.occupied)));
    }
    text
}

/// The result as one JSON object, with a newline.
pub(super) fn json(bed: &Bed, proof: &Proof) -> String {
    let shares: Vec<f64> = proof.shares.iter().map(|share| (share * 1e3).round() / 1e3).collect();
    let findings: Vec<String> = proof.findings.iter().map(ToString::to_string).collect();
    let levels = proof.has_levels();
    let object = json!({
        "bed": bed.id.to_string(),
        "grade": proof.grade(),
        "empty": levels.then_some(&proof.empty),
        "occupied": levels.then_some(&proof.occupied),
        "invert": proof.falls,
        "noises": proof.noises.is_finite().then_some(proof.noises.round()),
        "swing": proof.swing_share.map(|share| (share * 1e4).round() / 1e4),
        "shares": shares,
        "findings": findings,
    });
    format!("{object}\n")
}

const fn verdict(grade: Grade) -> &'static str {
    match grade {
        Grade::Good => "good.",
        Grade::Weak => "it can be used, but look at this:",
        Grade::Unfit => "NOT fit to watch with. Put right what follows, and calibrate again.",
    }
}

/// How much lying moves the value, in its own unit and as a share.
fn moved(proof: &Proof) -> String {
    let unit = if proof.swing < 10.0 { format!("{:.2}", proof.swing) } else { format!("{:.0}", proof.swing) };
    match proof.swing_share {
        Some(share) if share < 0.1 => format!("{unit} ({:.1} %)", share * 100.0),
        Some(share) if share <= 1.0 => format!("{unit} ({:.0} %)", share * 100.0),
        // Of an empty bed that reads near nothing it says nothing.
        Some(_) | None => unit,
    }
}

fn times(noises: f64) -> String {
    if noises < 1000.0 { format!("{noises:.0} times") } else { "more than 1000 times".to_owned() }
}

fn judged(proof: &Proof) -> &'static str {
    if proof.is_clear() { "fine" } else { "too little" }
}

const fn short(step: Step) -> &'static str {
    match step {
        Step::Empty => "empty",
        Step::OnBack => "on the back",
        Step::OnLeft => "left side",
        Step::OnRight => "right side",
        Step::OnEdge => "on the edge",
        Step::Left => "after getting up",
    }
}

fn list(levels: &[f64]) -> String {
    match levels {
        [one] => one.to_string(),
        several => format!("{several:?}"),
    }
}
