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
    /// Alerts taken over since the start from a damaged store, beside those of the backlog that was read before.
    pub salvaged: u64,
    /// Size of the data file and the log, in bytes.
    pub bytes_on_disk: u64,
    /// Whether alerts are being let go, because memory or outbox is full.
    pub letting_go: bool,
    /// What was lost or mended since the start, in words: the last sixteen, the newest at the end.
    pub notes: Vec<String>,
    /// How many such notes there have been.
    pub noted: u64,
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
    /// Returns the notes since there were `seen`, as far as they are still here.
    #[must_use]
    pub fn notes_since(&self, seen: u64) -> &[String] {
        let new = usize::try_from(self.noted.saturating_sub(seen)).unwrap_or(usize::MAX).min(self.notes.len());
        self.notes.get(self.notes.len() - new..).unwrap_or_default()
    }

    pub(super) fn note(&mut self, notes: &[String]) {
        self.noted += notes.len() as u64;
        self.notes.extend_from_slice(notes);
        let surplus = self.notes.len().saturating_sub(NOTES_MAX);
        self.notes.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_bounded_and_each_is_new_once() {
        let mut health = Health::default();
        let notes: Vec<String> = (0..20).map(|number| number.to_string()).collect();
        health.note(&notes[..3]);
        assert_eq!(health.notes_since(0), &notes[..3]);
        assert_eq!(health.notes_since(2), &notes[2..3]);
        health.note(&notes[3..]);
        assert_eq!(health.notes_since(3), &notes[4..], "the sixteen newest");
        assert_eq!(health.notes_since(20), [""; 0]);
    }
}
