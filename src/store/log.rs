//! The log of the outbox: what was given to the store, appended and synced, in a folder beside the storage engine.
//!
//! An alert is safe once it lies here; the engine gets it with the next batch. The two hold the same alerts, so that
//! what damages one of them loses none.
//!
//! The log is a row of segments, `<path>/outbox/<number>`, written through with zeros when they are begun: appending
//! then changes no length and no map of blocks, and one block is all that reaches the device. Each opening begins a
//! segment, so that nothing is ever written behind what a power cut left torn. Segments go oldest first, and only as
//! a whole: that an alert is done stands behind it, and so never goes before it.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::frames::{self, Frame};
use super::trouble::Trouble;

/// The size of the first segment after an opening, in bytes: most nights need no second one.
const FIRST_BYTES: usize = 64 * 1024;

/// The size of the others, unless a frame is larger.
const SEGMENT_BYTES: usize = 256 * 1024;

/// More is never read of a segment, whatever its length says.
const SEGMENT_BYTES_MAX: u64 = 1 << 20;

/// Unreadable bytes are passed over in pieces of this size.
const BLOCK_BYTES: usize = 4096;

/// How often the disk is asked for a segment, with pauses in between, before something of it is passed over.
const READ_TRIES: u32 = 4;
const READ_PAUSE: Duration = Duration::from_millis(100);

/// What the name of a segment ends with that was put aside because the disk does not give it. The newest two are kept.
const UNREAD: &str = ".unread";
const UNREAD_MAX: usize = 2;

/// Who owns the folder.
const MODE: u32 = 0o700;

/// A place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub(super) struct Position {
    segment: u64,
    offset: u64,
}

/// What a segment holds, each frame with its place.
pub(super) struct Segment {
    pub(super) frames: Vec<(Position, Frame)>,
    /// What of it makes no sense, in bytes.
    pub(super) damaged: usize,
    /// What at its end is not whole, in bytes.
    pub(super) torn: usize,
    /// What of it the disk does not give, in bytes: for now, or for ever.
    pub(super) unread: usize,
}

/// What the log says as a whole.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// The alerts that are done, and where that stands.
    pub(super) done: BTreeMap<u64, Position>,
    /// The largest sequence number of an alert.
    pub(super) last: Option<u64>,
    /// What makes no sense, in bytes.
    pub(super) damaged: usize,
    /// What at the ends of segments is not whole, in bytes.
    pub(super) torn: usize,
    /// Segments of which the disk does not give all, and how much it does not, in bytes.
    pub(super) unread: BTreeMap<u64, usize>,
}

struct Open {
    number: u64,
    file: File,
    at: usize,
    size: usize,
    dirty: bool,
}

/// The open log.
pub(super) struct Log {
    folder: PathBuf,
    /// The segments that take nothing more, the oldest first, with their sizes in bytes.
    closed: VecDeque<(u64, u64)>,
    open: Option<Open>,
    next: u64,
}

impl Log {
    /// Opens the log in a folder, which is made if need be.
    pub(super) fn open(folder: PathBuf) -> Result<Self, Trouble> {
        let closed = list(&folder).map_err(|error| Trouble::of_io(&folder, &error))?;
        let next = closed.back().map_or(1, |(last, _)| last + 1);
        Ok(Self { folder, closed, open: None, next })
    }

    /// Goes on behind a place that was in use, also where the segments up to it are lost.
    pub(super) fn go_on_behind(&mut self, known: Position) {
        self.next = self.next.max(known.segment.saturating_add(1));
    }

    /// Appends frames; they are safe only after [`Log::sync`].
    pub(super) fn append(&mut self, frames: &[u8]) -> Result<(), Trouble> {
        if frames.is_empty() {
            return Ok(());
        }
        self.write(frames).map_err(|error| Trouble::of_io(&self.folder, &error))
    }

    /// Returns once all that was appended is on the medium.
    pub(super) fn sync(&mut self) -> Result<(), Trouble> {
        let Some(open) = self.open.as_mut().filter(|open| open.dirty) else { return Ok(()) };
        open.file.sync_data().map_err(|error| Trouble::of_io(&self.folder, &error))?;
        open.dirty = false;
        Ok(())
    }

    /// Returns the end of what was appended.
    pub(super) fn position(&self) -> Position {
        let open = self.open.as_ref().map(|open| Position { segment: open.number, offset: open.at as u64 });
        open.unwrap_or(Position { segment: self.next - 1, offset: u64::MAX })
    }

    /// Returns the segments that take nothing more, the oldest first.
    pub(super) fn closed(&self) -> impl DoubleEndedIterator<Item = u64> + use<> {
        self.closed.iter().map(|(number, _)| *number).collect::<Vec<_>>().into_iter()
    }

    /// Returns the number of the segment that takes what is appended, where one was begun.
    pub(super) fn open_segment(&self) -> Option<u64> {
        self.open.as_ref().map(|open| open.number)
    }

    /// Returns the size of all segments, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        let closed: u64 = self.closed.iter().map(|(_, bytes)| bytes).sum();
        closed + self.open.as_ref().map_or(0, |open| open.size as u64)
    }

    /// Reads a segment; what the disk does not give is passed over. One that is gone is empty.
    pub(super) fn read(&self, number: u64) -> Segment {
        let (bytes, unread) = read_what_can_be(&self.path(number));
        // Each was begun with at least this many: what is shorter was cut off.
        let cut = FIRST_BYTES.saturating_sub(bytes.len());
        let frames::Read { frames, damaged, torn } = frames::read(&bytes);
        let placed = |(end, frame)| (Position { segment: number, offset: end as u64 }, frame);
        // What was not read lies as zeros between the frames, or is all that there is.
        let damaged = if unread == 0 { damaged.max(cut) } else { 0 };
        Segment { frames: frames.into_iter().map(placed).collect(), damaged, torn, unread }
    }

    /// Reads through all segments that take nothing more.
    pub(super) fn survey(&self) -> Survey {
        let mut survey = Survey::default();
        for number in self.closed() {
            let Segment { frames, damaged, torn, unread } = self.read(number);
            survey.damaged += damaged;
            survey.torn += torn;
            if unread > 0 {
                survey.unread.insert(number, unread);
            }
            for (position, frame) in frames {
                match frame {
                    Frame::Alert { sequence, .. } => {
                        survey.last = survey.last.max(Some(sequence));
                        // Given again after it was done: whoever does that wants it kept.
                        survey.done.remove(&sequence);
                    }
                    Frame::Done(all) => survey.done.extend(all.into_iter().map(|sequence| (sequence, position))),
                    Frame::State { .. } => {}
                }
            }
        }
        survey
    }

    /// Removes the oldest segment.
    pub(super) fn remove_oldest(&mut self) -> Result<(), Trouble> {
        let Some((number, _)) = self.closed.front().copied() else { return Ok(()) };
        match fs::remove_file(self.path(number)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(Trouble::of_io(&self.folder, &error)),
            Ok(()) | Err(_) => self.closed.pop_front(),
        };
        Ok(())
    }

    /// Puts the oldest segment aside, for the disk does not give it; of those before it one is kept.
    pub(super) fn put_oldest_aside(&mut self) -> Result<(), Trouble> {
        let Some((number, _)) = self.closed.front().copied() else { return Ok(()) };
        let shift = || {
            let mut aside = unread(&self.folder)?;
            while aside.len() >= UNREAD_MAX {
                drop(fs::remove_file(aside.remove(0)));
            }
            fs::rename(self.path(number), self.folder.join(format!("{number:010}{UNREAD}")))
        };
        shift().map_err(|error| Trouble::of_io(&self.folder, &error))?;
        self.closed.pop_front();
        Ok(())
    }

    fn write(&mut self, frames: &[u8]) -> io::Result<()> {
        if self.open.as_ref().is_none_or(|open| open.size - open.at < frames.len()) {
            self.begin_segment(frames.len())?;
        }
        let open = self.open.as_mut().expect("it was begun just now");
        open.file.write_all_at(frames, open.at as u64)?;
        (open.at, open.dirty) = (open.at + frames.len(), true);
        Ok(())
    }

    fn begin_segment(&mut self, least: usize) -> io::Result<()> {
        let size = if self.open.is_none() { FIRST_BYTES } else { SEGMENT_BYTES }.max(least);
        if let Some(open) = self.open.take() {
            self.closed.push_back((open.number, open.size as u64));
            if open.dirty {
                open.file.sync_data()?;
            }
        }
        let number = self.next;
        match make(&self.folder, &self.path(number), size) {
            Ok(file) => self.open = Some(Open { number, file, at: 0, size, dirty: false }),
            Err(error) => {
                // It holds nothing; on a full disk it would be in the way.
                drop(fs::remove_file(self.path(number)));
                return Err(error);
            }
        }
        self.next += 1;
        Ok(())
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:010}"))
    }
}

fn make(folder: &Path, path: &Path, size: usize) -> io::Result<File> {
    let file = File::options().write(true).create(true).truncate(true).open(path)?;
    file.write_all_at(&vec![0; size], 0)?;
    file.sync_all()?;
    File::open(folder)?.sync_all()?;
    Ok(file)
}

fn list(folder: &Path) -> io::Result<VecDeque<(u64, u64)>> {
    if !folder.exists() {
        DirBuilder::new().mode(MODE).create(folder)?;
    }
    let mut segments = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let number = entry.file_name().to_str().and_then(|name| name.parse::<u64>().ok());
        // The largest numbers are no number of ours, and must not be counted on from.
        if let Some(number) = number.filter(|number| *number < u64::MAX / 2) {
            segments.push((number, entry.metadata()?.len()));
        }
    }
    segments.sort_unstable();
    Ok(segments.into())
}

/// Returns the segments that were put aside, the oldest first.
fn unread(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let paths = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    let mut aside: Vec<_> = paths.into_iter().filter(|path| path.to_string_lossy().ends_with(UNREAD)).collect();
    aside.sort();
    Ok(aside)
}

/// Returns what the disk gives of a file, zeros in place of the rest, and how many bytes that rest has.
fn read_what_can_be(path: &Path) -> (Vec<u8>, usize) {
    for _ in 1..READ_TRIES {
        match read_whole(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => std::thread::sleep(READ_PAUSE),
            whole => return (whole.unwrap_or_default(), 0),
        }
    }
    let opened = File::open(path).and_then(|file| Ok((size_of(&file)?, file)));
    let Ok((size, file)) = opened else { return (Vec::new(), FIRST_BYTES) };
    let (mut bytes, mut unread) = (vec![0; size], 0);
    for (index, block) in bytes.chunks_mut(BLOCK_BYTES).enumerate() {
        if file.read_exact_at(block, (index * BLOCK_BYTES) as u64).is_err() {
            block.fill(0);
            unread += block.len();
        }
    }
    (bytes, unread)
}

fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let mut bytes = vec![0; size_of(&file)?];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

fn size_of(file: &File) -> io::Result<usize> {
    Ok(usize::try_from(file.metadata()?.len().min(SEGMENT_BYTES_MAX)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reopened(folder: &Path) -> Log {
        Log::open(folder.join("outbox")).unwrap()
    }

    fn frame(sequence: u64, bytes: usize) -> Vec<u8> {
        let mut frame = Vec::new();
        frames::alert(&mut frame, sequence, &vec![1; bytes], None);
        frame
    }

    fn sequences(log: &Log) -> Vec<u64> {
        let frames = log.closed().flat_map(|number| log.read(number).frames);
        let sequence = |(_, frame)| match frame {
            Frame::Alert { sequence, .. } => Some(sequence),
            Frame::State { .. } | Frame::Done(_) => None,
        };
        frames.filter_map(sequence).collect()
    }

    #[test]
    fn what_was_appended_comes_back_in_order_over_segments_and_openings() {
        let folder = tempfile::tempdir().unwrap();
        for opening in 0..3 {
            let mut log = reopened(folder.path());
            for index in 0..6 {
                log.append(&frame(opening * 6 + index, 60_000)).unwrap();
            }
            log.sync().unwrap();
        }
        let mut log = reopened(folder.path());
        assert_eq!(sequences(&log), (0..18).collect::<Vec<_>>());
        assert_eq!(log.closed().count(), 9, "the first of each opening takes one, the second four, the third the last");
        log.remove_oldest().unwrap();
        assert_eq!(sequences(&reopened(folder.path())), (1..18).collect::<Vec<_>>());
    }

    #[test]
    fn nothing_is_written_behind_what_a_power_cut_left_torn() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = reopened(folder.path());
        log.append(&frame(1, 100)).unwrap();
        log.append(&frame(2, 100)[..50]).unwrap();
        drop(log);
        let mut log = reopened(folder.path());
        log.append(&frame(3, 100)).unwrap();
        assert!(log.position() > Position { segment: 2, offset: 0 });
        drop(log);
        let log = reopened(folder.path());
        assert_eq!(sequences(&log), [1, 3]);
        assert_eq!(log.closed().map(|number| log.read(number).damaged).sum::<usize>(), 0);
    }

    #[test]
    fn a_frame_larger_than_a_segment_gets_one_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = reopened(folder.path());
        log.append(&frame(1, 120_000)).unwrap();
        drop(log);
        assert_eq!(sequences(&reopened(folder.path())), [1]);
    }

    #[test]
    fn it_is_known_which_alerts_are_done_unless_they_were_given_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = reopened(folder.path());
        let mut done = |sequences: &[u64]| {
            let mut bytes = Vec::new();
            frames::done(&mut bytes, sequences);
            log.append(&bytes).unwrap();
            log.position()
        };
        let first = done(&[1, 2, 3]);
        let second = done(&[2]);
        log.append(&frame(3, 10)).unwrap();
        drop(log);
        assert_eq!(reopened(folder.path()).survey().done, BTreeMap::from([(1, first), (2, second)]));
    }
}
