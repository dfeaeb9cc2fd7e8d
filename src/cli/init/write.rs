//! Puts the new file into its place: whole or not at all, and what was there is kept.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, fchown};
use std::path::Path;

use nix::unistd::{Group, Uid};

use crate::whole;

/// The group of the service: it reads the file, and others need not.
const GROUP: &str = "nattvakt";

/// Writes the file. One that is there stays as `FILE.old` beside it.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    // Where a link stands there, what it leads to is the file.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    whole::keep(path, ".old")?;
    whole::write(path, text, share)
}

/// For the service alone where the package has made its group; no secret stands in it, so else for everybody.
fn share(file: &File) -> io::Result<()> {
    match Group::from_name(GROUP).ok().flatten().filter(|_| Uid::effective().is_root()) {
        Some(group) => {
            fchown(file, None, Some(group.gid.as_raw()))?;
            file.set_permissions(Permissions::from_mode(0o640))
        }
        None => file.set_permissions(Permissions::from_mode(0o644)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_is_kept_and_only_the_owner_may_change_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("etc/home.toml");
        write(&path, "a").unwrap();
        write(&path, "b").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "b");
        assert_eq!(fs::read_to_string(folder.path().join("etc/home.toml.old")).unwrap(), "a");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o033, 0);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 2);
    }
}
