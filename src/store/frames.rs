//! Frames of the outbox's log: what was given to the store, in the order in which it was given. PURE.
//!
//! ```text
//! mark (4)  length of the body (4)  crc32 of length and body (4)  body
//! body: 'a' sequence (8)  length (4)  record  [state]      an alert, and the state that goes with it
//!       's' state                                          a state by itself
//!       'd' sequence (8) …                                 alerts that need no sending any more
//! state: length of the key (1)  key  record, to the end
//! ```
//!
//! Numbers are big-endian, records those of `record.rs`. Each frame stands for itself: one that was damaged takes no
//! other along, for the reader looks for the next mark. Never touches a disk.

use super::record::{RECORD_BYTES_MAX, Record};
use super::waiting::State;

/// What a frame begins with. No record begins like this, and text has no such byte.
const MARK: [u8; 4] = [0xf5, b'n', b'v', 1];

const HEAD_BYTES: usize = 12;

/// The largest body: an alert and its state, both as large as records get.
const BODY_BYTES_MAX: usize = 2 * RECORD_BYTES_MAX + 512;

/// One frame as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// An alert, with the state that goes with it.
    Alert { sequence: u64, record: Vec<u8>, state: Option<(String, Vec<u8>)> },
    /// A state by itself.
    State { key: String, record: Vec<u8> },
    /// Alerts that need no sending any more.
    Done(Vec<u64>),
}

/// Frames that were written one after the other, and how much between them cannot be read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Read {
    /// Each with the offset of its end.
    pub(super) frames: Vec<(usize, Frame)>,
    /// Bytes that make no sense, and have a sound frame behind them.
    pub(super) damaged: usize,
    /// Bytes that make no sense behind the last sound frame, up to the zeros: what was being written when the power went,
    /// or damage.
    pub(super) torn: usize,
}

/// Writes an alert with its state.
pub(super) fn alert(into: &mut Vec<u8>, sequence: u64, record: &[u8], state: Option<&State>) {
    frame(into, |body| {
        body.push(b'a');
        body.extend_from_slice(&sequence.to_be_bytes());
        body.extend_from_slice(&length(record.len()));
        body.extend_from_slice(record);
        if let Some(State { key, record }) = state {
            put_state(body, key, record);
        }
    });
}

/// Writes a state.
pub(super) fn state(into: &mut Vec<u8>, state: &State) {
    frame(into, |body| {
        body.push(b's');
        put_state(body, &state.key, &state.record);
    });
}

/// Writes that alerts need no sending any more.
pub(super) fn done(into: &mut Vec<u8>, sequences: &[u64]) {
    frame(into, |body| {
        body.push(b'd');
        for sequence in sequences {
            body.extend_from_slice(&sequence.to_be_bytes());
        }
    });
}

/// Reads all frames of a file.
pub(super) fn read(bytes: &[u8]) -> Read {
    let (mut read, mut at, mut unread) = (Read::default(), 0, 0);
    while let Some(found) = next_mark(bytes, at) {
        let Some((frame, end)) = sound_frame(bytes, found) else {
            at = found + 1;
            continue;
        };
        read.damaged += found - unread;
        read.frames.push((end, frame));
        (at, unread) = (end, end);
    }
    let rest = bytes.get(unread..).unwrap_or_default();
    read.torn = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    read
}

fn frame(into: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let mut body = Vec::new();
    write(&mut body);
    let length = length(body.len());
    into.extend_from_slice(&MARK);
    into.extend_from_slice(&length);
    into.extend_from_slice(&checksum(&length, &body).to_be_bytes());
    into.append(&mut body);
}

fn put_state(body: &mut Vec<u8>, key: &str, record: &Record) {
    body.push(u8::try_from(key.len()).expect("a key of the store has 64 bytes at most"));
    body.extend_from_slice(key.as_bytes());
    body.extend_from_slice(record.as_bytes());
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).expect("a frame holds two records at most").to_be_bytes()
}

fn checksum(length: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(length);
    hasher.update(body);
    hasher.finalize()
}

fn next_mark(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(MARK.len()).position(|window| window == MARK).map(|at| from + at)
}

fn sound_frame(bytes: &[u8], at: usize) -> Option<(Frame, usize)> {
    let (head, rest) = bytes.get(at + MARK.len()..)?.split_first_chunk::<8>()?;
    let (length, crc) = head.split_first_chunk::<4>()?;
    let bytes = usize::try_from(u32::from_be_bytes(*length)).ok().filter(|bytes| *bytes <= BODY_BYTES_MAX)?;
    let body = rest.get(..bytes)?;
    if checksum(length, body).to_be_bytes() != crc {
        return None;
    }
    Some((parse(body)?, at + HEAD_BYTES + bytes))
}

fn parse(body: &[u8]) -> Option<Frame> {
    let (kind, rest) = body.split_first()?;
    match kind {
        b'a' => {
            let (sequence, rest) = rest.split_first_chunk::<8>()?;
            let (length, rest) = rest.split_first_chunk::<4>()?;
            let (record, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
            let state = if rest.is_empty() { None } else { Some(parse_state(rest)?) };
            Some(Frame::Alert { sequence: u64::from_be_bytes(*sequence), record: record.to_vec(), state })
        }
        b's' => parse_state(rest).map(|(key, record)| Frame::State { key, record }),
        b'd' => Some(Frame::Done(rest.chunks_exact(8).filter_map(number).collect())),
        _ => None,
    }
}

fn parse_state(bytes: &[u8]) -> Option<(String, Vec<u8>)> {
    let (length, rest) = bytes.split_first()?;
    let (key, record) = rest.split_at_checked(usize::from(*length))?;
    Some((String::from_utf8(key.to_vec()).ok()?, record.to_vec()))
}

fn number(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn some_frames() -> (Vec<u8>, Vec<Frame>) {
        let (mut bytes, record) = (Vec::new(), Record::of_bytes(b"{\"id\":1}").unwrap());
        let with = State { key: "bed/bed-1".to_owned(), record: Record::of_bytes(b"in bed").unwrap() };
        alert(&mut bytes, 7, record.as_bytes(), Some(&with));
        alert(&mut bytes, 8, record.as_bytes(), None);
        state(&mut bytes, &with);
        done(&mut bytes, &[7, 8]);
        let kept = (with.key.clone(), with.record.as_bytes().to_vec());
        let frames = vec![
            Frame::Alert { sequence: 7, record: record.as_bytes().to_vec(), state: Some(kept.clone()) },
            Frame::Alert { sequence: 8, record: record.as_bytes().to_vec(), state: None },
            Frame::State { key: kept.0, record: kept.1 },
            Frame::Done(vec![7, 8]),
        ];
        (bytes, frames)
    }

    fn frames_of(bytes: &[u8]) -> Vec<Frame> {
        read(bytes).frames.into_iter().map(|(_, frame)| frame).collect()
    }

    #[test]
    fn frames_come_back_in_order_whatever_lies_behind_them() {
        let (bytes, frames) = some_frames();
        for tail in [vec![], vec![0; 5000], MARK.to_vec(), bytes[..30].to_vec()] {
            let torn = if tail.len() == 5000 { 0 } else { tail.len() };
            let bytes = [bytes.clone(), tail].concat();
            assert_eq!(frames_of(&bytes), frames);
            assert_eq!((read(&bytes).damaged, read(&bytes).torn), (0, torn));
        }
    }

    #[test]
    fn a_damaged_frame_takes_no_other_along_and_is_counted() {
        let (mut bytes, frames) = some_frames();
        bytes[20] ^= 1;
        assert_eq!(frames_of(&bytes), frames[1..]);
        assert!(read(&bytes).damaged > HEAD_BYTES);
    }

    proptest! {
        #[test]
        fn no_damage_makes_a_frame_that_was_not_written(
            at in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 1..40),
        ) {
            let (mut damaged, frames) = some_frames();
            let at = at.index(damaged.len());
            for (offset, byte) in bytes.into_iter().enumerate() {
                if let Some(place) = damaged.get_mut(at + offset) {
                    *place = byte;
                }
            }
            for frame in frames_of(&damaged) {
                prop_assert!(frames.contains(&frame));
            }
        }
    }
}
