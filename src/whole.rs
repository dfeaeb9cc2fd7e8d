//! Files that are written whole or not at all: beside their place first, synced, then put into it. A power cut at any
//! instant leaves the old file or the new one, and never none.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};

/// Writes `text` to `path`; `rights` may open the file, which is for its owner alone, to others before it is in its place.
///
/// # Errors
///
/// Fails where the folder or the disk takes no file; what was there is as it was.
pub fn write(path: &Path, text: impl AsRef<[u8]>, rights: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let new = beside(path, ".new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    let written = file.write_all(text.as_ref()).and_then(|()| rights(&file)).and_then(|()| file.sync_all());
    if let Err(error) = written.and_then(|()| fs::rename(&new, path)) {
        drop(fs::remove_file(&new));
        return Err(error);
    }
    sync_folder(path)
}

/// Copies what lies at `path` to a file beside it, with its owner and rights; returns where, or none where nothing lies
/// there.
///
/// # Errors
///
/// Fails where it cannot be read, or the copy not be written.
pub fn keep(path: &Path, ending: &str) -> io::Result<Option<PathBuf>> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    let copy = beside(path, ending);
    write(&copy, &text, as_it_is(path)?)?;
    Ok(Some(copy))
}

/// Gives a new file the owner and rights of the one at `path`.
///
/// # Errors
///
/// Fails where there is none, or it may not be looked at.
pub fn as_it_is(path: &Path) -> io::Result<impl FnOnce(&File) -> io::Result<()> + use<>> {
    let old = fs::metadata(path)?;
    Ok(move |new: &File| {
        new.set_permissions(old.permissions())?;
        fchown(new, Some(old.uid()), Some(old.gid()))
    })
}

/// Returns the name of a file beside another.
#[must_use]
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_what_a_power_cut_left_behind_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("home.toml");
        fs::write(beside(&path, ".new"), "half a fi").unwrap();
        write(&path, "a", |_| Ok(())).unwrap();
        assert_eq!(keep(&folder.path().join("none"), ".old").unwrap(), None);
        let rights = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(rights(&path), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        fs::write(&path, b"sn\xe4ll").unwrap();
        let kept = keep(&path, ".old").unwrap().unwrap();
        assert_eq!(fs::read(kept).unwrap(), b"sn\xe4ll", "whatever lies there");
        fs::write(&path, "a").unwrap();
        let kept = keep(&path, ".old").unwrap().unwrap();
        write(&path, "b", as_it_is(&path).unwrap()).unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap(), fs::read_to_string(&kept).unwrap()), ("b".into(), "a".into()));
        assert_eq!((rights(&path), rights(&kept)), (0o640, 0o640));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_cannot_be_written_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("home.toml");
        write(&path, "a", |_| Ok(())).unwrap();
        let refused = write(&path, "b", |_| Err(io::Error::other("no")));
        assert!(refused.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "a");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
