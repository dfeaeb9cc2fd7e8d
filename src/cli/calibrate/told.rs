//! What is told of a mat that was walked through: in words, or as JSON.

use serde_json::json;

use super::words::Words;
use crate::cli::words::{columns, indented_to};
use crate::config::Bed;
use crate::detect::calibration::{Proof, Step};

/// The result in words; ends with a newline.
pub(super) fn text(bed: &Bed, proof: &Proof, words: Words) -> String {
    let mut text = format!("\n{}\n", words.verdict(bed.id, proof.grade()));
    let columns = columns(std::io::stdout());
    let mut line = |words: &str| text.push_str(&indented_to(words, "  ", columns));
    if proof.is_contact {
        line(words.no_levels());
    } else {
        line(&words.moved(&moved(proof), &times(proof.noises, words), proof.is_clear()));
        let steps = Step::ALL.iter().zip(proof.shares).skip(1);
        let shares = steps.map(|(step, share)| format!("{} {:.0} %", words.short(*step), share * 100.0));
        line(&words.shares(&shares.collect::<Vec<_>>().join(", ")));
    }
    for finding in &proof.findings {
        line(&format!("! {}", words.finding(finding)));
    }
    if proof.has_levels() {
        line(&words.levels(&list(&proof.empty), &list(&proof.occupied)));
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

fn times(noises: f64, words: Words) -> String {
    if noises < 1000.0 { words.times(noises) } else { words.many_times().to_owned() }
}

fn list(levels: &[f64]) -> String {
    match levels {
        [one] => one.to_string(),
        several => format!("{several:?}"),
    }
}
