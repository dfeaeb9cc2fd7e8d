//! A damaged store that was put aside: whether it has been read to its end, and a copy of it for who reads it.
//!
//! It lies there as it was found but for the note `unread`, which says that it has not been read to its end and how often
//! that was tried. The note goes with the folder, wherever that is moved; only its removal ends the trying. Never touches
//! the store's own files.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// The note beside the store's own files.
const UNREAD: &str = "unread";

/// How often it is tried: a store that takes the program along each time must not do so for ever.
const TRIES_MAX: u32 = 3;

/// A store that was put aside and has not been read to its end.
#[derive(Debug)]
pub(super) struct Aside(File);

impl Aside {
    /// Notes that the store in this folder, which is about to be put aside, has not been read; on return that is on the
    /// medium.
    pub(super) fn note_unread(folder: &Path) -> io::Result<()> {
        write_tries(folder, 0)?;
        File::open(folder)?.sync_all()
    }

    /// Looks whether the store that was put aside in this folder, if there is one, has been read to its end.
    pub(super) fn unread(folder: &Path) -> Option<Self> {
        let aside = Self(File::open(folder).ok()?);
        aside.path().join(UNREAD).exists().then_some(aside)
    }

    /// Copies its files, with or without the engine's summary, into a folder that is made anew.
    pub(super) fn copy(&self, to: &Path, with_summary: bool) -> io::Result<()> {
        if to.exists() {
            fs::remove_dir_all(to)?;
        }
        fs::create_dir(to)?;
        for entry in fs::read_dir(self.path())? {
            let entry = entry?;
            let name = entry.file_name();
            let is_summary = name.to_string_lossy().starts_with("snap.");
            if entry.file_type()?.is_file() && name != UNREAD && (with_summary || !is_summary) {
                fs::copy(entry.path(), to.join(name))?;
            }
        }
        Ok(())
    }

    /// Counts a try; false where there have been enough.
    pub(super) fn may_try(&self) -> io::Result<bool> {
        let tries = fs::read_to_string(self.path().join(UNREAD))?.trim_end().parse().unwrap_or(0);
        if tries < TRIES_MAX {
            write_tries(&self.path(), tries + 1)?;
        }
        Ok(tries < TRIES_MAX)
    }

    /// Takes the news that it has been read to its end, or never will be.
    pub(super) fn is_read(&self) -> io::Result<()> {
        match fs::remove_file(self.path().join(UNREAD)) {
            // Two more were put aside since, and this one is gone.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// By its handle: it may be moved meanwhile, and another take its name.
    fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.0.as_raw_fd()))
    }
}

fn write_tries(folder: &Path, tries: u32) -> io::Result<()> {
    let mut note = File::create(folder.join(UNREAD))?;
    writeln!(note, "{tries}")?;
    note.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_tried_so_often_and_known_by_its_handle_wherever_it_is_moved() {
        let folder = tempfile::tempdir().unwrap();
        let [before, after] = ["store.corrupt-1", "store.corrupt-2"].map(|name| folder.path().join(name));
        fs::create_dir(&before).unwrap();
        fs::write(before.join("db"), "old").unwrap();
        assert!(Aside::unread(&before).is_none());
        Aside::note_unread(&before).unwrap();
        let aside = Aside::unread(&before).unwrap();

        fs::rename(&before, &after).unwrap();
        fs::create_dir(&before).unwrap();
        fs::write(before.join("db"), "new").unwrap();
        Aside::note_unread(&before).unwrap();
        let copy = folder.path().join("copy");
        aside.copy(&copy, true).unwrap();
        assert_eq!(fs::read_to_string(copy.join("db")).unwrap(), "old");
        assert_eq!(fs::read_dir(copy).unwrap().count(), 1, "the note is not the store's");

        let tries = [(); 4].map(|()| aside.may_try().unwrap());
        assert_eq!(tries, [true, true, true, false]);
        aside.is_read().unwrap();
        assert!(Aside::unread(&after).is_none() && Aside::unread(&before).is_some());
        aside.is_read().unwrap();
    }
}
