//! The watch beside the walk: the bed is paused meanwhile, and what was measured is left with the daemon.

use super::mat::Readings;
use crate::cli::Failure;
use crate::cli::wire::{Wire, failure};
use crate::control::{ClientError, Request};
use crate::detect::calibration::Proof;
use crate::model::BedId;
use crate::model::proof::Calibrated;
use crate::{clock, control};

/// A walk takes a few minutes; the pause ends by itself after this long, in seconds, whatever becomes of us.
const PAUSED_FOR_S: u32 = 30 * 60;

/// A bed of a running daemon, paused for as long as this lives.
pub(super) struct Paused<'a> {
    wire: &'a Wire,
    bed: BedId,
}

impl<'a> Paused<'a> {
    /// Pauses the bed; `None` where no daemon runs.
    pub(super) fn begin(wire: &'a Wire, bed: BedId) -> Result<Option<Self>, Failure> {
        match wire.try_connect()? {
            Err(ClientError::NotRunning { .. }) => Ok(None),
            Err(error) => Err(failure(&error)),
            Ok(mut daemon) => {
                let pause = Request::Pause { bed, for_s: PAUSED_FOR_S, until_return: false };
                daemon.ask_once(&pause).map_err(|error| failure(&error))?;
                Ok(Some(Self { wire, bed }))
            }
        }
    }

    /// Hears the mat through the daemon.
    pub(super) fn readings(&self) -> Result<Readings, Failure> {
        self.wire.readings(self.bed).map(Readings::Daemon)
    }

    /// Leaves the result with the daemon, for `handover`.
    pub(super) fn keep(&self, proof: &Proof) -> Result<control::Answer, Failure> {
        let levels = |levels: &[f64]| if proof.has_levels() { levels.to_vec() } else { Vec::new() };
        let result = Calibrated {
            time: clock::utc(),
            grade: proof.grade(),
            empty: levels(&proof.empty),
            occupied: levels(&proof.occupied),
            noises: Some(proof.noises).filter(|noises| noises.is_finite()).map(f64::round),
        };
        self.wire.ask(&Request::Calibrated { bed: self.bed, result })
    }
}

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        // Where the daemon has ended meanwhile, or somebody else has ended the pause, there is nothing left to end.
        drop(self.wire.ask(&Request::Resume { bed: self.bed }));
    }
}
