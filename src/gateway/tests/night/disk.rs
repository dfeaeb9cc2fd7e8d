//! The disk, and what time alone brings.

use super::{BROKER_AWAY_AFTER, Cue, DISK_ANSWERS_WITHIN, Disk, LOOK_AFTER_EVERY, Night, SECOND};
use crate::model::GatewayFault;

impl Night {
    pub(super) fn work_disk(&mut self) {
        let Some((_, sound)) = self.write.filter(|(due, _)| *due <= self.now) else { return };
        self.write = None;
        if sound {
            self.store.written();
            self.retry = None;
            let store = &self.store;
            self.truth.written(|sequence| store.holds(sequence));
            self.cue(Cue::Written);
        } else {
            self.store.failed(self.now);
            let failures = self.retry.map_or(0, |(_, failures)| failures);
            self.retry = Some((self.now + SECOND * (1 << failures.min(5)), failures + 1));
        }
    }

    pub(super) fn work_store(&mut self) {
        let resting = self.retry.is_some_and(|(due, _)| due > self.now);
        if self.life.is_none() || self.store.is_writing() || resting {
            return;
        }
        if !self.store.begin_writing(self.now) {
            self.clean = self.now;
            return;
        }
        let random = self.rng.uniform();
        let after = match self.disk {
            Disk::Sound => SECOND.mul_f64(0.002 + 0.03 * random),
            Disk::Slow => SECOND.mul_f64(0.3 + 6.0 * random),
            Disk::Hangs => SECOND * 1_000_000,
            Disk::Fails => SECOND.mul_f64(0.005),
        };
        self.write = Some((self.now + after, self.disk != Disk::Fails));
        if let Some(life) = &mut self.life {
            life.busy.get_or_insert(self.now);
        }
        self.cue(Cue::Writing);
    }

    /// Hands to delivery what waits in the store, in one piece, as `tasks.rs` does.
    pub(super) fn fetch(&mut self) {
        let usable = matches!(self.disk, Disk::Sound | Disk::Slow) && !self.store.is_writing() && self.retry.is_none();
        let wanted = self.life.as_mut().is_some_and(|life| usable && std::mem::take(&mut life.fetch));
        if !wanted {
            return;
        }
        let most = self.script.held_max + 1;
        let fetched = self.store.backlog(None, most);
        let all = fetched.len() < most;
        self.say(|| format!("fetched {} alerts, all: {all}", fetched.len()));
        let now = self.now();
        let Some(life) = &mut self.life else { return };
        let calm = life.calm.max(now.moment);
        life.fetched = true;
        if !fetched.is_empty() {
            life.queue.recovered(fetched, &now, calm);
        }
        if all {
            life.queue.recovered(Vec::new(), &now, calm);
        }
        self.pump();
    }

    pub(super) fn look_after(&mut self) {
        let now = self.now();
        let Some(life) = &mut self.life else { return };
        if life.look > self.now {
            return;
        }
        life.look = self.now + LOOK_AFTER_EVERY;
        let over = life.faults.pass(self.now);
        if !self.store.is_writing() {
            life.busy = None;
        }
        let hangs = life.busy.is_some_and(|since| self.now.since(since) >= DISK_ANSWERS_WITHIN);
        let broker = life.broker_away.is_some_and(|since| self.now.since(since) >= BROKER_AWAY_AFTER);
        self.tell_faults(over, &now);
        if hangs {
            self.begin_fault(GatewayFault::Store, "hangs");
        } else {
            self.end(GatewayFault::Store, "hangs");
        }
        if broker {
            self.begin_fault(GatewayFault::Broker, "broker");
        }
        let (alerts, let_go) = self.store.in_memory();
        assert!(alerts < 2_000 && let_go == 0, "{alerts} in memory, {let_go} let go");
    }
}
