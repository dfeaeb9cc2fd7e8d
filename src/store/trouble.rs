//! What keeps the store from the disk, in words for who can mend it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Why the disk cannot be used now. Only [`Trouble::Damaged`] is ever a reason to put the store aside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// Another process holds the lock. Nothing was touched.
    #[error("{} is in use by another program: stop it, or give each gateway a store of its own", .0.display())]
    Taken(PathBuf),
    /// A file lies where a folder must be. Nothing was touched.
    #[error("{} is, or lies below, a file where a folder must be: move it away, or set another `path` in [store]", .0.display())]
    NoFolder(PathBuf),
    /// We may not read or write there.
    #[error("{} may not be read and written: give it to the user that nattvakt runs as", .0.display())]
    Forbidden(PathBuf),
    /// Mounted for reading only.
    #[error("{} lies on a disk that takes no writes: mount it for writing; a worn card stays like this, replace it", .0.display())]
    ReadOnly(PathBuf),
    /// No space.
    #[error("the disk of {} is full: free some space", .0.display())]
    Full(PathBuf),
    /// Some other failure of the disk.
    #[error("the disk of {} fails: check or replace it ({error})", path.display())]
    Disk {
        /// The store's folder.
        path: PathBuf,
        /// What the system said.
        error: String,
    },
    /// Reading the store did not come to an end in time.
    #[error("the store in {} takes too long to read: the disk is slow or hangs; if it stays so the store is put aside", .0.display())]
    TooSlow(PathBuf),
    /// Reading the store was ended by the kernel.
    #[error("the store in {} cannot be read in the memory that there is; if it stays so the store is put aside", .0.display())]
    TooMuch(PathBuf),
    /// The content makes no sense.
    #[error("the store in {} is damaged, and put aside if it stays so: replace the card soon ({what})", path.display())]
    Damaged {
        /// The store's folder.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// A later version of the program wrote it. Nothing was touched.
    #[error(
        "{} was written by a later version of nattvakt (format {format}): install that version again; to begin without \
         what it holds, `nattvakt wipe`", path.display()
    )]
    Newer {
        /// The store's folder.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
    /// The storage engine's threads have died; only a new process gets new ones.
    #[error("the storage engine has failed inside the program: restart nattvakt ({0})")]
    Engine(String),
}

impl Trouble {
    /// Names what the system said about a path.
    pub(super) fn of_io(path: &Path, error: &io::Error) -> Self {
        let path = path.to_owned();
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the rest has no cure but the disk's own, and new kinds have none"
        )]
        match error.kind() {
            ErrorKind::WouldBlock => Self::Taken(path),
            ErrorKind::NotADirectory | ErrorKind::AlreadyExists => Self::NoFolder(path),
            ErrorKind::PermissionDenied => Self::Forbidden(path),
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly(path),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full(path),
            // The engine says so of a data file that ends too early.
            ErrorKind::UnexpectedEof | ErrorKind::InvalidData => Self::Damaged { path, what: error.to_string() },
            _ => Self::Disk { path, error: error.to_string() },
        }
    }
}
