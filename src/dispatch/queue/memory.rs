//! What is remembered of alerts that have left the queue: who accepted them, and whether their end is known. PURE.

use std::collections::{BTreeMap, VecDeque};

use super::entry::ChannelSet;
use crate::model::{AlertId, Sequence};

/// The most alerts that are remembered, about a megabyte; the oldest are forgotten first. More alerts than that do
/// not wait for their return at one gateway.
const REMEMBERED_MAX: usize = 10_000;

/// What is known of one alert.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    /// Who accepted it.
    pub(super) accepted: ChannelSet,
    /// Whether its end is known.
    pub(super) ended: bool,
    /// The number under which its delivery was told last.
    delivered: Option<Sequence>,
}

/// The alerts that have left the queue.
#[derive(Debug, Default)]
pub(super) struct Memory {
    known: BTreeMap<AlertId, Known>,
    order: VecDeque<AlertId>,
}

impl Memory {
    pub(super) fn get(&self, id: &AlertId) -> Option<Known> {
        self.known.get(id).copied()
    }

    pub(super) fn accept(&mut self, id: AlertId, channel: usize) {
        self.of(id).accepted.insert(channel);
    }

    pub(super) fn end(&mut self, id: AlertId) {
        self.of(id).ended = true;
    }

    pub(super) fn deliver(&mut self, id: AlertId, sequence: Sequence) {
        self.of(id).delivered = Some(sequence);
    }

    /// Tells whether its delivery was told under this number. The store may still hand it over then; under another number
    /// it was raised again, and the store must hear of that one too.
    pub(super) fn is_told(&self, id: &AlertId, sequence: Sequence) -> bool {
        self.get(id).is_some_and(|known| known.delivered == Some(sequence))
    }

    /// Changes who accepted what, because the channels have changed.
    pub(super) fn change(&mut self, change: impl Fn(ChannelSet) -> ChannelSet) {
        self.known.values_mut().for_each(|known| known.accepted = change(known.accepted));
    }

    fn of(&mut self, id: AlertId) -> &mut Known {
        if !self.known.contains_key(&id) {
            if self.order.len() >= REMEMBERED_MAX {
                if let Some(oldest) = self.order.pop_front() {
                    self.known.remove(&oldest);
                }
            }
            self.order.push_back(id);
        }
        self.known.entry(id).or_default()
    }
}
