//! Log and engine complete each other: at the opening the engine gets what only the log has.

use super::super::frames::Frame;
use super::super::log::{Position, Survey};
use super::super::trouble::Trouble;
use super::{Ledger, numbered};

/// What the opening took from the log.
#[derive(Debug, Default)]
struct Taken {
    /// Alerts that the engine should have had.
    missing: u64,
}

impl Ledger {
    /// Gives the engine what the log has and it has not.
    pub(super) fn replay(&mut self, survey: &Survey, notes: &mut Vec<String>) -> Result<(), Trouble> {
        let (known, mut taken) = (self.meta.position, Taken::default());
        for number in self.log.closed() {
            for (position, frame) in self.log.read(number).frames {
                self.replay_frame(position, frame, known, survey, &mut taken)?;
                self.position = self.position.max(position);
                if self.pending.is_full() {
                    self.absorb(&[], &[])?;
                }
            }
        }
        if !self.pending.is_empty() {
            self.absorb(&[], &[])?;
        }
        if survey.damaged > 0 {
            notes.push(format!(
                "{} bytes of the outbox's log were damaged; what they held is taken from the store where it has it",
                survey.damaged
            ));
        }
        if !survey.unread.is_empty() {
            notes.push(format!(
                "{} bytes of the outbox's log cannot be read: the disk fails, replace it soon; what they held is taken from \
                 the store where it has it, and they are read again later",
                survey.unread.values().sum::<usize>()
            ));
        }
        if survey.torn > 0 {
            notes.push(format!(
                "{} bytes at the end of the outbox's log are not whole: what was being written when the power went was \
                 not kept",
                survey.torn
            ));
        }
        if taken.missing > 0 {
            let Taken { missing } = taken;
            notes.push(format!("{missing} alerts that wait were missing in the store and were taken from its log"));
        }
        Ok(())
    }

    fn replay_frame(
        &mut self,
        at: Position,
        frame: Frame,
        known: Position,
        survey: &Survey,
        taken: &mut Taken,
    ) -> Result<(), Trouble> {
        match frame {
            Frame::Alert { sequence, record, state } => {
                let is_new = at > known;
                let waits = !survey.done.contains_key(&sequence);
                // What is new may replace what the engine has.
                if waits && (is_new || !self.medium.holds(&numbered(b'a', sequence))?) {
                    taken.missing += u64::from(!is_new && !self.pending.alerts.contains_key(&sequence));
                    self.pending.alert(sequence, record);
                }
                if let Some((key, record)) = state.filter(|_| is_new) {
                    self.pending.state(key, record);
                }
            }
            Frame::State { key, record } if at > known => self.pending.state(key, record),
            Frame::State { .. } => {}
            Frame::Done(sequences) => {
                for sequence in sequences {
                    // A power cut came between the log and the engine.
                    let is_done = survey.done.get(&sequence) == Some(&at);
                    if is_done && self.medium.holds(&numbered(b'a', sequence))? {
                        self.pending.done.push(sequence);
                    }
                }
            }
        }
        Ok(())
    }
}
