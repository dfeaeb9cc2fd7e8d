//! Keeps the last accepted configuration, so that a broken edit does not end a watch that has run before.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::finding::Notes;
use super::{source, syntax, tables};
use crate::{store, whole};

/// The name of the file.
const NAME: &str = "accepted.toml";

/// Returns the folder where the last accepted configuration is kept: the first of `$STATE_DIRECTORY`, else the
/// store's path, else the default one. A file that is broken is asked with [`store_path_of_broken`].
#[must_use]
pub fn folder(state_directory: Option<&OsStr>, store_path: Option<&Path>) -> PathBuf {
    let of_service = state_directory.and_then(|list| std::env::split_paths(list).next());
    of_service
        .filter(|path| path.is_absolute())
        .or_else(|| store_path.map(Path::to_owned))
        .unwrap_or_else(|| store::Settings::default().path)
}

/// Returns every folder where the daemon of this store may keep one, for who does not know its `$STATE_DIRECTORY`: the
/// store's, and the default one where what is kept there names this store.
#[must_use]
pub fn folders(state_directory: Option<&OsStr>, store_path: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder(state_directory, Some(store_path)), store_path.to_owned()];
    let default = folder(None, None);
    let kept = recall(&default).ok().flatten();
    let store_of_kept = kept.map(|text| store_path_of_broken(&text).unwrap_or_else(|| default.clone()));
    folders.extend(store_of_kept.filter(|store| store == store_path).map(|_| default));
    folders.sort();
    folders.dedup();
    folders
}

/// Returns the store's path as far as a broken file can still be read.
#[must_use]
pub fn store_path_of_broken(text: &str) -> Option<PathBuf> {
    let readable = syntax::read(text, &mut Notes::default());
    let (tree, _) = DeTable::parse_recoverable(&readable.text);
    tables::store_path(tree.get_ref())
}

/// Keeps a configuration that was accepted. Writes only where it differs from the one kept; a power cut leaves the
/// old one or the new one.
///
/// # Errors
///
/// Fails where the folder cannot be made or written; what was kept before is still there then.
pub fn remember(text: &str, folder: &Path) -> io::Result<()> {
    if recall(folder).ok().flatten().as_deref() == Some(text) {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    whole::write(&folder.join(NAME), text, |_| Ok(()))
}

/// Removes the configuration that was accepted last, where there is one: the next start is a first start. Tells whether
/// there was one.
///
/// # Errors
///
/// Fails where it cannot be removed.
pub fn forget(folder: &Path) -> io::Result<bool> {
    let mut was_there = false;
    for name in [format!("{NAME}.new"), NAME.to_owned()] {
        was_there = match fs::remove_file(folder.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            removed => removed.map(|()| true)?,
        };
    }
    Ok(was_there)
}

/// Tells whether a file of this name is one that is kept here.
#[must_use]
pub fn is_ours(name: &str) -> bool {
    name.trim_end_matches(".new") == NAME
}

/// Returns the configuration that was accepted last, where there is one.
///
/// # Errors
///
/// Fails where there is one that cannot be read.
pub fn recall(folder: &Path) -> io::Result<Option<String>> {
    match source::read(&folder.join(NAME)) {
        Ok(bytes) => {
            String::from_utf8(bytes).map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    #[test]
    fn what_was_accepted_comes_back_and_is_for_us_alone() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("state/nattvakt");
        assert_eq!(recall(&folder).unwrap(), None);
        remember("a = 1\n", &folder).unwrap();
        assert_eq!(recall(&folder).unwrap().as_deref(), Some("a = 1\n"));
        remember("a = 2\n", &folder).unwrap();
        assert_eq!(recall(&folder).unwrap().as_deref(), Some("a = 2\n"));
        let mode = fs::metadata(folder.join(NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn nothing_is_written_where_nothing_differs() {
        let folder = tempfile::tempdir().unwrap();
        remember("a = 1\n", folder.path()).unwrap();
        let inode = || fs::metadata(folder.path().join(NAME)).unwrap().ino();
        let before = inode();
        remember("a = 1\n", folder.path()).unwrap();
        assert_eq!(inode(), before);
        remember("a = 2\n", folder.path()).unwrap();
        assert_ne!(inode(), before);
    }

    #[test]
    fn what_a_power_cut_left_behind_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("accepted.toml.new"), "half a fi").unwrap();
        remember("a = 1\n", folder.path()).unwrap();
        assert_eq!(recall(folder.path()).unwrap().as_deref(), Some("a = 1\n"));
    }

    #[test]
    fn a_folder_that_is_a_file_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(remember("a = 1\n", file.path()).is_err());
    }

    #[test]
    fn the_folder_is_that_of_the_service_then_the_store_then_the_default() {
        let store = Path::new("/srv/store");
        assert_eq!(folder(Some(OsStr::new("/var/lib/a:/var/lib/b")), Some(store)), Path::new("/var/lib/a"));
        assert_eq!(folder(Some(OsStr::new("")), Some(store)), store);
        assert_eq!(folder(None, Some(store)), store);
        assert_eq!(folder(None, None), Path::new("/var/lib/nattvakt"));
    }

    #[test]
    fn the_store_of_a_broken_file_is_still_found() {
        for text in [
            "[store]\npath = \"/srv/store\"\n[gateway\nid = ",
            "[gateway]\nid \"46\"\n[store]\npath = \"/srv/store\"\nkeep = 5\n",
            "[[bed]]\nvalue = [\"/a\"\n[store\npath = \"/srv/store\"",
        ] {
            assert_eq!(store_path_of_broken(text).as_deref(), Some(Path::new("/srv/store")), "{text}");
        }
        assert_eq!(store_path_of_broken("[store]\npath = 5\n"), None);
        assert_eq!(store_path_of_broken(""), None);
    }
}
