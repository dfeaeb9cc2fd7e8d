//! What was known before the start, learnt only after something has been decided without it: the store opened late.
//!
//! What has been decided stands. An absence from before goes on, or has ended with who has lain down meanwhile.

use super::evidence::Because;
use super::memory::Memory;
use super::occupancy::Phase;
use super::rules::Rules;
use super::settings::Settings;
use super::{Detector, Start};
use crate::model::{Event, Kind, Moment, Now};

impl Detector {
    /// Takes what was known before the start. Where nothing has been decided yet, start with it instead: it knows more.
    pub fn recall(&mut self, memory: &Memory, now: Now) {
        self.on_deadline(now);
        self.changed = true;
        self.recall_mat(memory);
        let in_bed_since = match self.occupancy.phase() {
            // Only a retained message says so.
            Phase::InBed { .. } if self.retained_occupied.is_some() => None,
            Phase::InBed { since, .. } | Phase::Leaving { since, .. } => Some(since),
            Phase::Unknown | Phase::Empty | Phase::Settling { .. } => None,
        };
        if let Some(back) = self.rules.recall(&self.settings, memory, in_bed_since, &self.now) {
            let lasted = self.now.moment.since(in_bed_since.unwrap_or(self.now.moment));
            self.tell(back, Because::LoadCame { lasted, before: None, after: self.load.share });
            self.end_pause_at_return();
        }
    }
}

impl Detector {
    /// Takes what was learnt of the mat, where nothing has been learnt since, and the faults that were told of it.
    fn recall_mat(&mut self, memory: &Memory) {
        let known = Self::new(self.settings.clone(), &Start::Remembered(memory.clone()), self.now);
        if self.faults.recall(&known.faults) {
            self.plausible.was_stuck();
        }
        if self.levels.pair().is_none() && known.levels.pair().is_some() {
            (self.signal, self.turned_round, self.proven) = (known.signal, known.turned_round, known.proven);
            (self.levels, self.learning, self.life, self.drift) =
                (known.levels, known.learning, known.life, known.drift);
        }
    }
}

impl Rules {
    /// Takes what was known before the start; returns the return of who is in bed by now.
    fn recall(
        &mut self,
        settings: &Settings,
        memory: &Memory,
        in_bed_since: Option<Moment>,
        now: &Now,
    ) -> Option<Event> {
        self.recall_rise(memory.last_rise_by(now));
        self.pause = self.pause.or_else(|| Some(memory.pause?.restore(&memory.present(now))));
        let absence = memory.absence.map(|absence| absence.restore(&memory.present(now)));
        let Some(since) = in_bed_since else {
            self.absence = self.absence.or(absence);
            return None;
        };
        if absence.is_none() && !memory.edge.told {
            return None;
        }
        let back = self.event(settings, Kind::Return, now.utc_of(since), None, now);
        Some(Event { watched: back.watched || absence.is_none_or(|absence| absence.watched), ..back })
    }
}
