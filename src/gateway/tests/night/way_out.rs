//! The way out: the queue as the delivery task drives it, dispatch at its other end, and what is noted of both.

use std::time::Duration;

use super::{Cue, HEARTBEAT, Night, OnTheWay, SECOND, Service, draw};
use crate::dispatch::queue::{Attempt, Report, Ticket};
use crate::dispatch::{Outcome, policy};
use crate::gateway::noting::ACCEPTED_KEY;
use crate::model::{AlertId, GatewayFault, Priority, Sequence};

impl Night {
    pub(super) fn pump(&mut self) {
        while let Some(attempt) = self.life.as_mut().and_then(|life| life.queue.next_attempt(self.now)) {
            let Attempt { ticket, alert, channel, priority, number, .. } = attempt;
            self.say(|| format!("attempt {number} of {} over {channel} as {priority:?}", alert.sequence));
            self.truth.departs(&alert, priority, channel, self.now);
            self.depart(Some(ticket), alert.id, channel, priority);
            self.cue(Cue::Departed);
        }
        let Some(life) = &self.life else { return };
        assert!(life.queue.waiting() <= self.script.held_max.max(64), "the queue grows");
        self.report();
    }

    pub(super) fn depart(&mut self, ticket: Option<Ticket>, id: AlertId, channel: usize, priority: Priority) {
        let (service, random) = (self.services[channel], self.rng.uniform());
        let millis = |low: f64, high: f64| Duration::from_secs_f64((low + (high - low) * random) / 1_000.0);
        let taken = || Outcome::Accepted { reference: None };
        let again = Outcome::try_again;
        let picky = id.as_str().as_bytes()[0] % 3 == 0;
        let lost = random < 0.03;
        let (arrives, after, outcome) = match service {
            Service::Well if lost => (true, millis(20.0, 300.0), again("reset")),
            Service::Well => (true, millis(20.0, 300.0), taken()),
            Service::Slow => (true, millis(3_000.0, 14_900.0), taken()),
            Service::Refuses => (false, millis(1.0, 30.0), again("refused")),
            Service::BlackHole => (false, SECOND * 15, again("no answer in time")),
            Service::Busy => {
                let retry_after = (random > 0.5).then(|| SECOND.mul_f64(240.0 * (random - 0.5)));
                (false, millis(20.0, 300.0), Outcome::TryAgain { retry_after, problem: "503".to_owned() })
            }
            Service::WebPage => (false, millis(20.0, 300.0), again("a web page")),
            Service::Wrong => (false, millis(20.0, 300.0), Outcome::wrong("401")),
            Service::Deaf => (true, SECOND * 15, again("no answer in time")),
            Service::Picky if picky && priority != Priority::Alarm => {
                (false, millis(20.0, 300.0), Outcome::wrong("400"))
            }
            Service::Picky => (true, millis(20.0, 300.0), taken()),
        };
        let (answers, arrives) = (self.now + after, arrives.then(|| self.now + after.mul_f64(0.5 * random)));
        let life = self.life.as_mut().expect("only a running gateway tries");
        life.on_the_way.push(OnTheWay { ticket, id, channel, arrives, answers, outcome });
    }

    pub(super) fn work_dispatch(&mut self) {
        let Some(life) = &mut self.life else { return };
        let mut arrived = Vec::new();
        for one in &mut life.on_the_way {
            if let Some(due) = one.arrives.take_if(|due| *due <= self.now) {
                arrived.extend(one.ticket.is_some().then_some((one.id, one.channel, due)));
            }
        }
        for (id, channel, _) in arrived {
            self.truth.arrives(id, channel);
            self.cue(Cue::Arrived);
        }
        self.answers();
        self.beat();
        self.pump();
    }

    pub(super) fn answers(&mut self) {
        loop {
            let (now, random) = (self.now(), self.random());
            let Some(life) = &mut self.life else { return };
            let Some(place) = life.on_the_way.iter().position(|one| one.answers <= self.now) else { return };
            let OnTheWay { ticket, id, channel, outcome, .. } = life.on_the_way.swap_remove(place);
            let problem = outcome.problem().is_some();
            if matches!(outcome, Outcome::ChannelWrong { .. }) && ticket.is_some() {
                self.truth.refuses(id, channel);
            }
            if let Some(ticket) = ticket {
                life.queue.on_outcome(ticket, outcome, &now, random);
            } else {
                life.queue.on_heartbeat(channel, &outcome, now.moment);
                if problem && !life.queue.is_down(channel) {
                    let soon = now.moment + policy::heartbeat_again(HEARTBEAT, random);
                    life.beats[channel] = life.beats[channel].min(soon);
                }
            }
            if !problem {
                self.cue(Cue::Answered);
            }
            self.report();
        }
    }

    pub(super) fn beat(&mut self) {
        for channel in 0..self.script.channels {
            let random = self.random();
            let Some(life) = &mut self.life else { return };
            if life.beats[channel] > self.now {
                continue;
            }
            life.beats[channel] = self.now + policy::heartbeat(HEARTBEAT, random);
            self.truth.number(Sequence(life.next));
            life.next += 1;
            let id = draw(&mut self.ids);
            self.depart(None, id, channel, Priority::Info);
        }
    }

    /// Notes what the queue reports, as `noting.rs` does.
    pub(super) fn report(&mut self) {
        while let Some(report) = self.life.as_mut().and_then(|life| life.queue.next_report()) {
            match report {
                Report::Accepted { alert, channel, sequence, .. } => {
                    self.say(|| format!("accepted {sequence} by {channel}"));
                    self.remember(alert, &channel);
                }
                Report::Delivered { sequence, .. } => self.store.delivered(sequence, self.now),
                Report::Overtaken { alert } => self.store.append(&alert, None),
                Report::ChannelDown { channel, .. } => self.begin_fault(GatewayFault::Dispatch, &channel),
                Report::ChannelUp { channel, .. } => self.end(GatewayFault::Dispatch, &channel),
                Report::Refused { channel, .. } => self.begin_fault(GatewayFault::Dispatch, &format!("by {channel}")),
                Report::RefusesNone { channel } => self.end(GatewayFault::Dispatch, &format!("by {channel}")),
                Report::Room { .. } => self.life.as_mut().expect("it reports").fetch = true,
                Report::AlarmWaits { .. } | Report::Evicted { .. } | Report::AttemptDied { .. } => {}
                Report::ChannelGone { .. } | Report::FilesRead { .. } => {}
            }
        }
    }

    pub(super) fn remember(&mut self, alert: AlertId, channel: &str) {
        let life = self.life.as_mut().expect("it reports");
        if life.accepted.len() >= 256 {
            life.accepted.remove(0);
        }
        life.accepted.push((alert, channel.to_owned()));
        if self.script.channels > 1 {
            let written = serde_json::to_vec(&life.accepted).unwrap();
            self.store.keep(ACCEPTED_KEY, written);
        }
    }
}
