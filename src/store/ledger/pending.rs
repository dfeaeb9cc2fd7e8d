//! What lies in the log and not yet in the engine. PURE.

use std::collections::BTreeMap;

use super::super::waiting::{Held, State, Write};

/// From this many alerts on the engine gets them without waiting longer …
const ALERTS_MAX: usize = 256;

/// … and from this many bytes on.
const BYTES_MAX: usize = 1 << 20;

/// What lies in the log and not yet in the engine.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Records of alerts by sequence.
    pub(super) alerts: BTreeMap<u64, Vec<u8>>,
    /// Records of states by key, the last of each.
    pub(super) states: BTreeMap<String, Vec<u8>>,
    /// Alerts that the log says are done and the engine still has.
    pub(super) done: Vec<u64>,
    bytes: usize,
}

impl Pending {
    pub(super) fn write(&mut self, write: &Write) {
        match write {
            Write::Alert(Held { sequence, record, state, .. }) => {
                self.alert(sequence.0, record.as_bytes().to_vec());
                if let Some(State { key, record }) = state {
                    self.state(key.clone(), record.as_bytes().to_vec());
                }
            }
            Write::State { state: State { key, record }, .. } => self.state(key.clone(), record.as_bytes().to_vec()),
        }
    }

    pub(super) fn alert(&mut self, sequence: u64, record: Vec<u8>) {
        self.bytes += record.len();
        self.alerts.insert(sequence, record);
    }

    pub(super) fn state(&mut self, key: String, record: Vec<u8>) {
        self.bytes += record.len();
        self.states.insert(key, record);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.alerts.is_empty() && self.states.is_empty() && self.done.is_empty()
    }

    /// Tells whether the memory should hold no more of it.
    pub(super) fn is_full(&self) -> bool {
        self.alerts.len() >= ALERTS_MAX || self.done.len() >= ALERTS_MAX || self.bytes >= BYTES_MAX
    }
}
