//! Keeps the log short: what is done goes, segment by segment, the oldest first.

use super::super::frames::{self, Frame};
use super::super::record::Record;
use super::super::trouble::Trouble;
use super::super::waiting::State;
use super::{Ledger, after, numbered, state_key};

/// The most segments that one batch looks at.
const SEGMENTS_AT_ONCE: usize = 8;

/// What an alert takes in the log without its state, as a rule, in bytes.
const ALERT_BYTES: u64 = 600;

/// The log may have this much that is done, beside as much as waits.
const SLACK_BYTES: u64 = 2 << 20;

/// States are repeated in each segment up to this size in all: half of the first segment.
const STATES_BYTES_MAX: usize = 32 * 1024;

impl Ledger {
    /// Removes the oldest segments while they hold nothing that waits. Where the log is large although little waits, what
    /// does is written behind the rest, without the states that went with it.
    pub(super) fn clean(&mut self) -> Result<(), Trouble> {
        for _ in 0..SEGMENTS_AT_ONCE {
            // The segment that is written has all states; without one those are in the last of these.
            let (Some(_), Some(oldest)) = (self.log.open_segment(), self.log.closed().next()) else { return Ok(()) };
            let waiting = self.waiting_in(oldest)?;
            let is_large = self.log.bytes() > 2 * ALERT_BYTES * self.undelivered() + SLACK_BYTES;
            if !waiting.is_empty() && !is_large {
                return Ok(());
            }
            for (sequence, record) in waiting {
                self.log_alert(sequence, &record)?;
            }
            self.log.sync()?;
            self.log.remove_oldest()?;
        }
        Ok(())
    }

    /// Returns the alerts of a segment that wait, as they are now: one may have been replaced since.
    fn waiting_in(&self, segment: u64) -> Result<Vec<(u64, Vec<u8>)>, Trouble> {
        let mut waiting = Vec::new();
        for (_, frame) in self.log.read(segment).frames {
            if let Frame::Alert { sequence, .. } = frame {
                let key = numbered(b'a', sequence);
                let found = self.medium.scan(&key, &after(&key), 1)?;
                waiting.extend(found.into_iter().map(|(_, record)| (sequence, record)));
            }
        }
        Ok(waiting)
    }

    /// Appends frames, and all states where that begins a segment.
    pub(super) fn append(&mut self, frames: &[u8]) -> Result<(), Trouble> {
        let segment = self.log.open_segment();
        self.log.append(frames)?;
        if self.log.open_segment() == segment { Ok(()) } else { self.repeat_states() }
    }

    /// Appends all states, so that the older segments can go and the log alone knows the states. Large ones lie in the
    /// engine only.
    fn repeat_states(&mut self) -> Result<(), Trouble> {
        let mut states = self.states(&mut Vec::new())?;
        for (key, record) in &self.pending.states {
            if let Ok(payload) = super::payload(record) {
                states.insert(key.clone(), payload.to_vec());
            }
        }
        let bytes: usize = states.iter().map(|(key, value)| state_key(key).len() + value.len()).sum();
        if bytes > STATES_BYTES_MAX {
            return Ok(());
        }
        let mut frames = Vec::new();
        for (key, value) in states {
            if let Ok(record) = Record::of_bytes(&value) {
                frames::state(&mut frames, &State { key, record });
            }
        }
        self.log.append(&frames)
    }
}
