//! What was proven of each bed when it was set up: kept by the store, given to whoever asks. Decides nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::read;
use super::tasks::lock;
use crate::model::BedId;
use crate::model::proof::Proof;
use crate::store::{Recovered, Store};

/// What the keys of the store begin with; a bed's id follows.
const KEY: &str = "proof/";

/// All that was proven. Clones share it.
#[derive(Clone)]
pub(super) struct Proofs {
    store: Store,
    known: Arc<Mutex<BTreeMap<BedId, Proof>>>,
}

impl Proofs {
    /// Starts with nothing.
    pub(super) fn new(store: Store) -> Self {
        Self { store, known: Arc::default() }
    }

    /// Takes what the store knew. What was proven since stands.
    pub(super) fn recall(&self, recovered: &Recovered) {
        let mut known = lock(&self.known);
        for (key, state) in recovered.states.iter().filter(|(key, _)| key.starts_with(KEY)) {
            let bed = key.strip_prefix(KEY).and_then(|bed| bed.parse().ok());
            if let (Some(bed), Some(Proof { calibrated, tested })) = (bed, read::<Proof>(key, state)) {
                let proof = known.entry(bed).or_default();
                let news = *proof != Proof::default();
                proof.calibrated = proof.calibrated.take().or(calibrated);
                proof.tested = proof.tested.take().or(tested);
                if news {
                    self.keep(bed, proof);
                }
            }
        }
    }

    /// Returns what was proven of a bed.
    pub(super) fn of(&self, bed: BedId) -> Proof {
        lock(&self.known).get(&bed).cloned().unwrap_or_default()
    }

    /// Notes something more, and has it kept.
    pub(super) fn note(&self, bed: BedId, add: impl FnOnce(&mut Proof)) {
        let mut known = lock(&self.known);
        let proof = known.entry(bed).or_default();
        add(proof);
        self.keep(bed, proof);
    }

    fn keep(&self, bed: BedId, proof: &Proof) {
        let written = serde_json::to_vec(proof).expect("times, numbers and names always have a JSON form");
        // Whether the disk has it is the store's matter: it tells what it cannot do.
        drop(self.store.keep(&format!("{KEY}{bed}"), written));
    }
}
