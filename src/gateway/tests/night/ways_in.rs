//! The ways in: what the mats say, and what lies between.

use std::time::Duration;

use super::{Night, Way};
use crate::model::{Channels, GatewayFault, MatFault, Quality, Reading};

impl Night {
    pub(super) fn mat(&mut self, bed: usize, way: Way) {
        let before = std::mem::replace(&mut self.mats[bed].way, way);
        self.truth.unheard(bed);
        let now = self.now();
        let Some(life) = &mut self.life else { return };
        let detector = &mut life.beds[bed].detector;
        match way {
            Way::Unplugged => detector.on_lost(MatFault::Unplugged, now),
            Way::Heard if before == Way::Unplugged => detector.on_back(now),
            Way::Heard | Way::Silent => {}
        }
        self.follow_up(bed);
    }

    /// The broker is between the gateway and the second bed's mat; it keeps what that mat said last.
    pub(super) fn broker(&mut self, there: bool) {
        self.broker = there;
        self.truth.unheard(1);
        let now = self.now();
        let Some(life) = &mut self.life else { return };
        let detector = &mut life.beds[1].detector;
        if there {
            if life.broker_away.take().is_some() {
                detector.on_back(now);
            }
            if let Some(lies) = self.retained {
                detector.on_reading(
                    &Reading { at: now.moment, channels: Channels::contact(lies), quality: Quality::Old },
                    now,
                );
            }
        } else if life.broker_away.is_none() {
            life.broker_away = Some(self.now);
            detector.on_away(now);
        }
        self.follow_up(1);
        if there {
            self.end(GatewayFault::Broker, "broker");
        }
    }

    /// The mat says what it sees, if anybody hears it.
    pub(super) fn read(&mut self, bed: usize) {
        let (lies, way) = (self.mats[bed].lies, self.mats[bed].way);
        let noise = self.rng.normal();
        if way != Way::Heard || (bed == 1 && !self.broker) {
            return;
        }
        let channels = if bed == 1 {
            self.retained = Some(lies);
            Channels::contact(lies)
        } else {
            Channels::new([if lies { 600.0 + 6.0 * noise } else { 100.0 + noise }]).unwrap()
        };
        let now = self.now();
        let Some(life) = &mut self.life else { return };
        life.beds[bed].detector.on_reading(&Reading { at: now.moment, channels, quality: Quality::Live }, now);
        self.follow_up(bed);
        self.truth.heard(bed, self.now);
    }

    pub(super) fn work_bed(&mut self, bed: usize) {
        if self.mats[bed].next <= self.now {
            self.read(bed);
            let period = if bed == 1 { 30.0 } else { 10.0 };
            self.mats[bed].next = self.now + Duration::from_secs_f64(period * self.rng.between(0.95, 1.05));
        }
        let now = self.now();
        let Some(life) = &mut self.life else { return };
        let detector = &mut life.beds[bed].detector;
        if detector.next_deadline().is_some_and(|due| due <= now.moment) {
            detector.on_deadline(now);
            self.follow_up(bed);
        }
    }
}
