//! Keeps the log short: what is done goes, segment by segment, the oldest first.

use super::super::frames::{self, Frame};
use super::super::log::Segment;
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
            let segment = self.log.read(oldest);
            let (is_whole, alerts) = (segment.unread == 0, alerts_of(segment));
            let waiting = self.waiting(&alerts)?;
            if !waiting.is_empty() && !self.is_large(oldest) {
                return Ok(());
            }
            for (sequence, record) in waiting {
                self.log_alert(sequence, &record)?;
            }
            if self.unread.remove(&oldest) {
                self.find_late(alerts)?;
            }
            self.log.sync()?;
            if is_whole {
                self.log.remove_oldest()?;
            } else {
                self.log.put_oldest_aside()?;
            }
        }
        Ok(())
    }

    /// Tells whether the log is far larger than what waits, and this segment is to be written anew for that. Where all of it
    /// was and it became no smaller, for the alerts are large, only one that is twice as large again is.
    fn is_large(&mut self, oldest: u64) -> bool {
        let large = (2 * ALERT_BYTES * self.undelivered() + SLACK_BYTES).max(2 * self.cleaned_to);
        if self.log.bytes() <= large {
            self.clean_below = None;
            return false;
        }
        let below = *self.clean_below.get_or_insert(self.log.open_segment().unwrap_or(oldest));
        if oldest >= below {
            (self.clean_below, self.cleaned_to) = (None, self.log.bytes());
        }
        oldest < below
    }

    /// Takes up what the disk did not give of a segment at the opening and gives now.
    fn find_late(&mut self, alerts: Vec<(u64, Vec<u8>)>) -> Result<(), Trouble> {
        for (sequence, record) in alerts {
            let is_known =
                self.pending.alerts.contains_key(&sequence) || self.medium.holds(&numbered(b'a', sequence))?;
            if !is_known && !self.is_done(sequence) {
                self.log_alert(sequence, &record)?;
                self.pending.alert(sequence, record);
                self.found_late += 1;
            }
        }
        Ok(())
    }

    /// Returns how many alerts have come to light in the log since this was last asked.
    pub(in super::super) fn take_found_late(&mut self) -> u64 {
        std::mem::take(&mut self.found_late)
    }

    /// Returns those alerts that wait, as they are now: one may have been replaced since.
    fn waiting(&self, alerts: &[(u64, Vec<u8>)]) -> Result<Vec<(u64, Vec<u8>)>, Trouble> {
        let mut waiting = Vec::new();
        for (sequence, _) in alerts {
            let key = numbered(b'a', *sequence);
            let found = self.medium.scan(&key, &after(&key), 1)?;
            waiting.extend(found.into_iter().map(|(_, record)| (*sequence, record)));
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

fn alerts_of(segment: Segment) -> Vec<(u64, Vec<u8>)> {
    let alert = |(_, frame)| match frame {
        Frame::Alert { sequence, record, .. } => Some((sequence, record)),
        Frame::State { .. } | Frame::Done(_) => None,
    };
    segment.frames.into_iter().filter_map(alert).collect()
}
