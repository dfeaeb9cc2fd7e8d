//! The one picture of how everything is: for heartbeats, for the service manager, later for status.

use std::sync::Arc;

use tokio::sync::watch;

use crate::model::health::ClockHealth;
use crate::model::{BedId, GatewayFault, Health, MatHealth};

/// Where each part writes how it is. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Board(Arc<watch::Sender<Health>>);

impl Board {
    pub(super) fn new(beds: impl IntoIterator<Item = BedId>) -> Self {
        let mats = beds.into_iter().map(|bed| (bed, MatHealth::Learning)).collect();
        Self(Arc::new(watch::Sender::new(Health { mats, ..Health::default() })))
    }

    /// Follows the picture.
    pub(super) fn follow(&self) -> watch::Receiver<Health> {
        self.0.subscribe()
    }

    pub(super) fn mat(&self, bed: BedId, health: MatHealth) {
        self.change(|picture| picture.mats.insert(bed, health) != Some(health));
    }

    pub(super) fn faults(&self, faults: &[GatewayFault]) {
        self.change(|picture| std::mem::replace(&mut picture.faults, faults.to_vec()) != faults);
    }

    pub(super) fn outbox(&self, waiting: u64) {
        self.change(|picture| std::mem::replace(&mut picture.outbox, waiting) != waiting);
    }

    /// A bed is gone from the configuration.
    pub(super) fn remove(&self, bed: BedId) {
        self.change(|picture| picture.mats.remove(&bed).is_some());
    }

    pub(super) fn dispatch_lost(&self, lost: bool) {
        self.change(|picture| std::mem::replace(&mut picture.dispatch_lost, lost) != lost);
    }

    pub(super) fn clock(&self, trusted: bool) {
        let clock = if trusted { ClockHealth::Trusted } else { ClockHealth::Untrusted };
        self.change(|picture| std::mem::replace(&mut picture.clock, clock) != clock);
    }

    /// Whether mains is there; `None` where the machine cannot tell.
    pub(super) fn mains(&self, mains: Option<bool>) {
        self.change(|picture| std::mem::replace(&mut picture.mains, mains) != mains);
    }

    fn change(&self, change: impl FnOnce(&mut Health) -> bool) {
        self.0.send_if_modified(change);
    }
}

/// Says in one line how everything is, for the service manager.
pub(super) fn status_line(health: &Health) -> String {
    let beds = health.mats.len();
    let mut line = format!("Watching {beds} {}", if beds == 1 { "bed" } else { "beds" });
    for (bed, mat) in health.mats.iter().filter(|(_, mat)| **mat != MatHealth::Ok) {
        line += &["; ", bed.as_str(), ": ", mat.as_str()].concat();
    }
    for fault in &health.faults {
        line += &["; fault: ", fault.as_str()].concat();
    }
    if health.dispatch_lost {
        line += "; nobody can be told: no dispatch channel works";
    }
    match health.outbox {
        0 => {}
        1 => line += "; 1 alert waits",
        count => line += &["; ", &count.to_string(), " alerts wait"].concat(),
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MatFault;

    #[test]
    fn the_status_line_names_what_is_not_well() {
        let board = Board::new(["bed-1".parse().unwrap(), "bed-2".parse().unwrap()]);
        board.mat("bed-1".parse().unwrap(), MatHealth::Ok);
        board.mat("bed-2".parse().unwrap(), MatHealth::Fault(MatFault::Silent));
        board.faults(&[GatewayFault::Store]);
        board.outbox(3);
        let line = status_line(&board.follow().borrow());
        assert_eq!(line, "Watching 2 beds; bed-2: silent; fault: store; 3 alerts wait");
    }
}
