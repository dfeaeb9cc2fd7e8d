//! The configuration file with the levels in it: checked before it replaces the old one, which is kept.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use crate::cli::Failure;
use crate::config::levels::{self, Levels};
use crate::config::{self, Bed, Looks};
use crate::detect::calibration::Proof;

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
    let (fresh, kept) = (beside(&file, "new"), beside(&file, "before-calibration"));
    let rights = fs::metadata(&file).map_err(told)?;
    write(&fresh, new, &rights).and_then(|()| fs::copy(&file, &kept)).map_err(told)?;
    chown(&kept, Some(rights.uid()), Some(rights.gid())).map_err(told)?;
    fs::rename(&fresh, &file).map_err(told)?;
    let folder = file.parent().unwrap_or(Path::new("/"));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(told)?;
    Ok(kept)
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn write(file: &Path, text: &str, rights: &fs::Metadata) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    out.write_all(text.as_bytes())?;
    out.set_permissions(rights.permissions())?;
    chown(file, Some(rights.uid()), Some(rights.gid()))?;
    out.sync_all()
}
