//! From what was decided to what is on its way and in the store, as `bed.rs`, `own.rs` and `outbox.rs` do it.

use super::{Bed, Cue, Night, draw, state};
use crate::detect::Alarm;
use crate::dispatch::policy;
use crate::gateway::bed::{decided, state_key};
use crate::gateway::faults::Told;
use crate::gateway::ledger::Draft;
use crate::gateway::own::STATE_KEY;
use crate::model::{Alert, Event, GatewayFault, Kind, Now, Priority, Sequence};

impl Night {
    pub(super) fn follow_up(&mut self, bed: usize) {
        let Some(life) = &mut self.life else { return };
        let Bed { settings, detector, ledger } = &mut life.beds[bed];
        let ids = &mut self.ids;
        let told = decided(detector, ledger, &settings.alarm, || draw(ids));
        let renewed = detector.sees_somebody() && ledger.seen_in_bed(|| draw(ids));
        let (changed, key) = (detector.take_changed() || renewed, state_key(settings));
        let count = told.len();
        let mut sent = Vec::new();
        for (event, draft, because) in told {
            self.say(|| format!("bed {bed}: {} {because}", event.kind.as_str()));
            let alert = draft.map(|draft| self.begin(Some(bed), event, draft));
            sent.push(alert);
        }
        let Some(life) = &self.life else { return };
        let written = state(&life.beds[bed], &life.returns);
        for (index, alert) in sent.into_iter().enumerate() {
            let state = (index + 1 == count).then(|| written.clone());
            match alert {
                Some(alert) => self.store.append(&alert, state.map(|state| (key.as_str(), state))),
                None => state.into_iter().for_each(|state| self.store.keep(&key, state)),
            }
        }
        if count == 0 && changed {
            self.store.keep(&key, written);
        }
    }

    pub(super) fn tell_own(&mut self, kind: Kind, now: &Now) {
        let event = Event::of_gateway(kind, now);
        let Some(life) = &mut self.life else { return };
        let ids = &mut self.ids;
        let draft = life.ledger.enter(&event, &Alarm::default(), || draw(ids)).unwrap();
        let state = serde_json::to_vec(&life.ledger).unwrap();
        let alert = self.begin(None, event, draft);
        self.store.append(&alert, Some((STATE_KEY, state)));
    }

    pub(super) fn begin_fault(&mut self, fault: GatewayFault, cause: &str) {
        let now = self.now();
        let Some(life) = &mut self.life else { return };
        let told = life.faults.begin(fault, cause, now.moment);
        self.tell_faults(told, &now);
    }

    pub(super) fn end(&mut self, fault: GatewayFault, cause: &str) {
        let now = self.now();
        let Some(life) = &mut self.life else { return };
        let told = life.faults.end(fault, cause, now.moment);
        self.tell_faults(told, &now);
    }

    pub(super) fn tell_faults(&mut self, told: impl IntoIterator<Item = Told>, now: &Now) {
        for told in told {
            let kind = match told {
                Told::Begun(fault) => Kind::GatewayFault(fault),
                Told::Over(fault) => Kind::GatewayRestored(fault),
            };
            self.tell_own(kind, now);
        }
    }

    /// Numbers an alert and hands it to dispatch.
    pub(super) fn begin(&mut self, bed: Option<usize>, event: Event, draft: Draft) -> Alert {
        let now = self.now();
        let life = self.life.as_mut().expect("only a running gateway tells");
        let Draft { id, priority, closes } = draft;
        let alert = Alert { id, sequence: Sequence(life.next), text: String::new(), priority, closes, event };
        life.next += 1;
        life.returns.note(&alert);
        self.say(|| {
            format!(
                "raised {} {} {priority:?} {id} closes {:?}",
                alert.sequence,
                alert.event.kind.as_str(),
                alert.closes
            )
        });
        let is_new = self.truth.raised(bed, &alert, self.now);
        let life = self.life.as_mut().expect("only a running gateway tells");
        let free = life.on_the_way.iter().filter(|one| one.channel == 0).count() < 16;
        if life.booted && now.moment < life.calm && policy::may_be_spread(&alert.event.kind, priority) {
            life.queue.raise_later(alert.clone(), &now, life.calm);
        } else {
            life.queue.raise(alert.clone(), &now);
        }
        self.pump();
        if let Some(life) = self.life.as_ref().filter(|_| is_new && free && priority == Priority::Alarm) {
            assert!(life.on_the_way.iter().any(|one| one.id == id), "a live alarm waits: {alert:?}");
        }
        self.cue(Cue::Raised);
        alert
    }
}
