//! Puts the new file into its place: whole or not at all, and what was there is kept.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::{Group, Uid, chown};

/// The group of the service: it reads the file, and others need not.
const GROUP: &str = "nattvakt";

/// Writes the file. One that is there becomes `FILE.old`.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let new = beside(path, ".new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    share(&new)?;
    file.sync_all()?;
    if path.symlink_metadata().is_ok() {
        fs::rename(path, beside(path, ".old"))?;
    }
    fs::rename(&new, path)
}

/// For the service alone where the package has made its group; no secret stands in it, so else for everybody.
fn share(path: &Path) -> io::Result<()> {
    let group = Group::from_name(GROUP).ok().flatten().filter(|_| Uid::effective().is_root());
    match group {
        Some(group) => {
            chown(path, None, Some(group.gid))?;
            fs::set_permissions(path, Permissions::from_mode(0o640))
        }
        None => fs::set_permissions(path, Permissions::from_mode(0o644)),
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
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
