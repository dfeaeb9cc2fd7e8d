//! The configuration file with the levels in it: checked before it replaces the old one, which is kept.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::cli::Failure;
use crate::config::levels::{self, Levels};
use crate::config::{self, Bed, Looks};
use crate::detect::calibration::Proof;
use crate::whole;

/// Puts what was measured into the text of a configuration. Fails where that would not be sound.
pub(super) fn with_levels(file: &Path, text: &str, bed: &Bed, proof: &Proof) -> Result<String, Failure> {
    let measured = Levels { empty: proof.empty.clone(), occupied: proof.occupied.clone() };
    let new = levels::with_levels(text, &bed.id, &measured).map_err(Failure::failed)?;
    let name = format!("{} with these levels", file.display());
    config::check(&new, &name, Looks::Here).map_err(|error| Failure::failed(format!("nothing is written: {error}")))?;
    Ok(new)
}

/// Replaces the file, unless somebody else has changed it since `old` was read. Owner and rights stay. Returns where the
/// file as it was is kept.
pub(super) fn replace(file: &Path, old: &str, new: &str) -> Result<PathBuf, Failure> {
    let told = |error: io::Error| Failure::failed(format!("{}: nothing is written: {error}", file.display()));
    if fs::read_to_string(file).map_err(told)? != old {
        return Err(Failure::failed(format!(
            "{}: nothing is written: the file was changed meanwhile; calibrate again",
            file.display()
        )));
    }
    // Where a link stands in the folder of the service, what it leads to is the file.
    let file = fs::canonicalize(file).map_err(told)?;
    let rights = whole::as_it_is(&file).map_err(told)?;
    let kept = whole::keep(&file, ".before-calibration").map_err(told)?;
    whole::write(&file, new, rights).map_err(told)?;
    Ok(kept.unwrap_or(file))
}
