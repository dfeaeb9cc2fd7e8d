//! The folder around the store: its lock, its leftovers, its syncs, and where a damaged store goes.
//!
//! Never touches anything inside the store before the lock is held, and never deletes a damaged store that it has not
//! put aside twice over.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::fcntl::{AT_FDCWD, Flock, FlockArg, RenameFlags, renameat2};

use super::aside::Aside;
use super::sequence::Numbers;
use super::trouble::Trouble;

/// The folder below `[store] path` that the storage engine has to itself.
const STORE: &str = "store";

/// The log of the outbox beside the store.
const OUTBOX: &str = "outbox";

/// A smaller copy of the store, while it is being made; the old store once they have changed places.
const COPY: &str = "store.new";

/// A copy of a store that was put aside, while it is being read.
const SCRATCH: &str = "salvage";

/// A copy of the sequence mark beside the store, for when the store is lost.
const SEQUENCE: &str = "sequence";

/// The version of the folder's form, and a checksum of it.
const FORMAT: &str = "format";

/// The version that is written, and the newest that is read. One that another program must not read takes a new one.
const FORMAT_VERSION: u32 = 1;

/// Lies there from a wipe to the next opening, which is a first start though there is a mark.
const WIPED: &str = "wiped";

/// Who owns the folder: nobody else looks at what people do at night.
const MODE: u32 = 0o700;

/// The path from the settings, ours as long as this or a clone of it lives.
#[derive(Clone)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: Arc<Flock<File>>,
}

/// Returns the mark that lies beside a store; nothing where it cannot be read.
pub(super) fn mark(path: &Path) -> Option<u64> {
    let mut text = String::new();
    File::open(path.join(SEQUENCE)).ok()?.take(32).read_to_string(&mut text).ok()?;
    text.trim_end().parse().ok()
}

impl Folder {
    /// Makes the folder if it is missing, and takes it for this process. Refuses what a later program wrote.
    pub(super) fn take(path: &Path) -> Result<Self, Trouble> {
        let folder = Self::lock(path)?;
        folder.check_format()?;
        Ok(folder)
    }

    /// Makes the folder if it is missing, and takes it for this process, whatever lies there.
    pub(super) fn lock(path: &Path) -> Result<Self, Trouble> {
        let make = || {
            if !path.exists() {
                DirBuilder::new().recursive(true).mode(MODE).create(path)?;
                sync(parent_of(path))?;
            }
            if !path.is_dir() {
                return Err(ErrorKind::NotADirectory.into());
            }
            File::open(path)
        };
        let folder = make().map_err(|error| Trouble::of_io(path, &error))?;
        let lock = Flock::lock(folder, FlockArg::LockExclusiveNonblock);
        let lock = lock.map_err(|(_, errno)| Trouble::of_io(path, &errno.into()))?;
        Ok(Self { path: path.to_owned(), _lock: Arc::new(lock) })
    }

    /// Looks whether this program may read what lies here. A line that was damaged proves nothing, and is written anew.
    fn check_format(&self) -> Result<(), Trouble> {
        let failed = |error: io::Error| Trouble::of_io(&self.path, &error);
        let mut line = String::new();
        match File::open(self.path.join(FORMAT)) {
            Ok(file) => drop(file.take(32).read_to_string(&mut line)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let number = line.split_whitespace().next().and_then(|number| number.parse::<u32>().ok());
        match number.filter(|number| line.trim_end() == format_line(*number)) {
            Some(FORMAT_VERSION) => Ok(()),
            Some(format) if format > FORMAT_VERSION => Err(Trouble::Newer { path: self.path.clone(), format }),
            Some(_) | None => self.replace(FORMAT, &format_line(FORMAT_VERSION)).map_err(failed),
        }
    }

    /// Notes that all is wiped, until the next opening.
    pub(super) fn note_wiped(&self) -> Result<(), Trouble> {
        self.replace(WIPED, "").map_err(|error| Trouble::of_io(&self.path, &error))
    }

    /// Tells whether all was wiped since the last opening. Says so once.
    pub(super) fn take_wiped(&self) -> bool {
        fs::remove_file(self.path.join(WIPED)).is_ok()
    }

    /// Tells whether what has this name stays when all is wiped.
    pub(super) fn stays(name: &str) -> bool {
        name == SEQUENCE || name == WIPED
    }

    /// Puts one line of text into a file, on the medium on return: a power cut leaves the old one or the new one.
    fn replace(&self, name: &str, line: &str) -> io::Result<()> {
        let new = self.path.join(format!("{name}.new"));
        let mut file = File::create(&new)?;
        writeln!(file, "{line}")?;
        file.sync_all()?;
        fs::rename(&new, self.path.join(name))?;
        sync(&self.path)
    }

    /// Returns where the storage engine's files lie.
    pub(super) fn store(&self) -> PathBuf {
        self.path.join(STORE)
    }

    /// Returns where the segments of the outbox's log lie.
    pub(super) fn outbox(&self) -> PathBuf {
        self.path.join(OUTBOX)
    }

    /// Returns where a copy of a damaged store may lie while it is being read.
    pub(super) fn scratch(&self) -> PathBuf {
        self.path.join(SCRATCH)
    }

    /// Tells whether there is anything of a store here: data, or the engine's summary of it.
    ///
    /// # Errors
    ///
    /// Fails where the disk does not say: one that cannot be looked at for a moment is not gone.
    pub(super) fn has_store(&self) -> Result<bool, Trouble> {
        holds_store(&self.store()).map_err(|error| Trouble::of_io(&self.store(), &error))
    }

    /// Makes the store's folder, and tells whether it had to; it holds nothing then.
    pub(super) fn make_store(&self) -> Result<bool, Trouble> {
        let store = self.store();
        match DirBuilder::new().mode(MODE).create(&store) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(Trouble::of_io(&store, &error)),
        }
    }

    /// Mends what a power cut leaves behind in the store's folder and the storage engine cannot open.
    pub(super) fn prepare(&self) -> Result<Vec<String>, Trouble> {
        let store = self.store();
        let mut notes = Vec::new();
        let mut prepare = || {
            if !store.is_dir() {
                return Err(ErrorKind::NotADirectory.into());
            }
            remove_folder(&self.path.join(COPY))?;
            remove_leftovers(&store, &mut notes)?;
            remove_broken_conf(&store, &mut notes)?;
            // The engine writes a synced summary that may speak of log that is not synced yet.
            match File::open(store.join("db")) {
                Ok(data) => data.sync_all(),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                Err(error) => Err(error),
            }
        };
        prepare().map_err(|error| Trouble::of_io(&store, &error))?;
        Ok(notes)
    }

    /// Makes an empty folder for a copy of the store.
    pub(super) fn begin_copy(&self) -> Result<PathBuf, Trouble> {
        let copy = self.path.join(COPY);
        let make = || remove_folder(&copy).and_then(|()| DirBuilder::new().mode(MODE).create(&copy));
        make().map_err(|error| Trouble::of_io(&copy, &error))?;
        Ok(copy)
    }

    /// Syncs all of the copy that the engine does not.
    pub(super) fn sync_copy(&self) -> Result<(), Trouble> {
        let copy = self.path.join(COPY);
        let files = ["conf", "db", "blobs"].map(|name| copy.join(name));
        let all = files.iter().chain([&copy, &self.path]).try_for_each(|path| sync(path));
        all.map_err(|error| Trouble::of_io(&copy, &error))
    }

    /// Lets store and copy change places, in one move: a power cut finds either the one or the other.
    pub(super) fn swap_copy(&self) -> Result<(), Trouble> {
        let (copy, store) = (self.path.join(COPY), self.store());
        let swap = || {
            renameat2(AT_FDCWD, &copy, AT_FDCWD, &store, RenameFlags::RENAME_EXCHANGE).map_err(io::Error::from)?;
            sync(&self.path)
        };
        swap().map_err(|error| Trouble::of_io(&store, &error))
    }

    /// Removes what lies in the place of the copy.
    pub(super) fn remove_copy(&self) {
        if let Err(error) = remove_folder(&self.path.join(COPY)) {
            tracing::debug!(error = %error, "Copy of the store is left behind");
        }
    }

    /// Syncs what the engine never does: its `conf`, and the folders, so that a new store is found after a power cut.
    pub(super) fn sync_all(&self) -> Result<(), Trouble> {
        let store = self.store();
        let files = ["conf", "db", "blobs"].map(|name| store.join(name));
        let all = files.iter().map(PathBuf::as_path).chain([store.as_path(), self.path.as_path()]);
        all.into_iter().try_for_each(sync).map_err(|error| Trouble::of_io(&self.path, &error))
    }

    /// Puts a damaged store aside and returns where; the two newest ones are kept.
    pub(super) fn put_aside(&self) -> Result<PathBuf, Trouble> {
        let [newest, oldest] = [1, 2].map(|number| self.aside(number));
        let shift = || {
            if newest.exists() {
                remove_folder(&oldest)?;
                fs::rename(&newest, &oldest)?;
            }
            // Before it goes there: whatever comes next, it will be read.
            Aside::note_unread(&self.store())?;
            fs::rename(self.store(), &newest)?;
            sync(&self.path)
        };
        shift().map_err(|error| Trouble::of_io(&self.path, &error))?;
        Ok(newest)
    }

    /// Returns the newest store that was put aside and has not been read to its end.
    pub(super) fn unread(&self) -> Option<Aside> {
        [1, 2].into_iter().find_map(|number| Aside::unread(&self.aside(number)))
    }

    fn aside(&self, number: u8) -> PathBuf {
        self.path.join(format!("{STORE}.corrupt-{number}"))
    }

    /// Removes a store whose folder was made just now: it holds nothing.
    pub(super) fn discard(&self) {
        if let Err(error) = remove_folder(&self.store()) {
            tracing::debug!(error = %error, "Unfinished store is left behind");
        }
    }

    /// Returns the mark that lies beside the store; nothing where it cannot be read.
    pub(super) fn mark(&self) -> Option<u64> {
        mark(&self.path)
    }

    /// Raises the mark that lies beside the store where that is due; on return it is on the medium.
    pub(super) fn raise_mark(&self, numbers: &Numbers) -> Result<(), Trouble> {
        let Some(mark) = numbers.due_mark() else { return Ok(()) };
        let new = self.path.join("sequence.new");
        let write = || {
            let mut file = File::create(&new)?;
            writeln!(file, "{mark}")?;
            file.sync_all()?;
            fs::rename(&new, self.path.join(SEQUENCE))?;
            sync(&self.path)
        };
        write().map_err(|error| Trouble::of_io(&self.path, &error))?;
        numbers.marked(mark);
        Ok(())
    }
}

fn holds_store(folder: &Path) -> io::Result<bool> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let is_summary = entry.file_name().to_string_lossy().starts_with("snap.");
        if is_summary || entry.file_name() == "db" && entry.metadata()?.len() > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the version of a form with a checksum: a flipped bit must not pass for a later program.
pub(super) fn format_line(format: u32) -> String {
    format!("{format} {:08x}", crc32fast::hash(format!("format {format}").as_bytes()))
}

fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// A crash while opening leaves a half-made summary, and the engine takes it for the store: all is in the log still.
fn remove_leftovers(store: &Path, notes: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(store)? {
        let name = entry?.file_name();
        let text = name.to_string_lossy();
        if text.starts_with("snap.") && text.ends_with(".generating") {
            fs::remove_file(store.join(&name))?;
            notes.push(format!("{text}, left by a crash while opening, was removed; nothing was lost"));
        }
    }
    Ok(())
}

/// A `conf` that a power cut or a bad sector has hurt says nothing that we do not know: our settings are fixed. One that
/// is sound and says something else is not ours to remove.
fn remove_broken_conf(store: &Path, notes: &mut Vec<String>) -> io::Result<()> {
    let conf = store.join("conf");
    let mut bytes = Vec::new();
    match File::open(&conf) {
        Ok(file) => file.take(4096).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let sound = bytes.split_last_chunk().is_some_and(|(text, crc)| crc32fast::hash(text) == u32::from_le_bytes(*crc));
    if sound {
        return Ok(());
    }
    fs::remove_file(&conf)?;
    notes.push("conf was damaged and is written anew; nothing was lost".to_owned());
    Ok(())
}
