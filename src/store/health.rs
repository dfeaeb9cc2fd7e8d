//! How the store is, for status, heartbeats and the gateway's own faults.

/// How the store is. Counters are those of the last time it was looked at; reading them touches no disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// Whether alerts reach the disk.
    pub condition: Condition,
    /// Alerts on disk that no dispatch has accepted.
    pub undelivered: u64,
    /// Alerts that are in memory only, waiting for the disk.
    pub in_memory: u64,
    /// Alerts let go since the start because memory or outbox was full.
    pub let_go: u64,
    /// Size of the data file, in bytes.
    pub bytes_on_disk: u64,
    /// What was lost or mended since the start, in words: the last sixteen, the newest at the end.
    pub notes: Vec<String>,
}

/// Whether alerts reach the disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Condition {
    /// Not open yet; no failure so far.
    #[default]
    Opening,
    /// What is appended reaches the disk.
    Sound,
    /// Nothing reaches the disk: what is wrong and what to do. Tried again without end.
    Faulty(String),
}

/// The most notes that health carries.
const NOTES_MAX: usize = 16;

impl Health {
    pub(super) fn note(&mut self, notes: &[String]) {
        self.notes.extend_from_slice(notes);
        let surplus = self.notes.len().saturating_sub(NOTES_MAX);
        self.notes.drain(..surplus);
    }
}
