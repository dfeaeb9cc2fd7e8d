//! The watch beside the walk: the bed is paused meanwhile, and what was measured is left with the daemon.

use super::mat::Readings;
use crate::cli::Failure;
use crate::cli::wire::{Wire, failure, wall, zone};
use crate::cli::words;
use crate::clock;
use crate::control::{Answer, ClientError, Request};
use crate::detect::calibration::Proof;
use crate::model::BedId;
use crate::model::proof::Calibrated;

/// A walk takes a few minutes; the pause ends by itself after this long, in seconds, whatever becomes of us.
const PAUSED_FOR_S: u32 = 30 * 60;

/// A bed of a running daemon, paused for as long as this lives.
pub(super) struct Paused<'a> {
    wire: &'a Wire,
    bed: BedId,
}

impl<'a> Paused<'a> {
    /// Pauses the bed; `None` where no daemon runs. Fails where it is paused already: the end of our walk would end that
    /// pause, of staff in the room or of another walk.
    pub(super) fn begin(wire: &'a Wire, bed: BedId) -> Result<Option<Self>, Failure> {
        match wire.try_connect()? {
            Err(ClientError::NotRunning { .. }) => Ok(None),
            Err(error) => Err(failure(&error)),
            Ok(mut daemon) => {
                let status = daemon.ask_once(&Request::Status {}).map_err(|error| failure(&error))?;
                if let Some(until) = paused_until(&status, bed) {
                    return Err(Failure::failed(format!(
                        "{bed} is paused already, until {until}: staff or somebody else may be at it. If nobody is: \
                         `{}nattvakt resume {bed}`, then calibrate again",
                        words::sudo()
                    )));
                }
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
    pub(super) fn keep(&self, proof: &Proof) -> Result<Answer, Failure> {
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

/// Returns until when a bed is paused, in the home's time, if it is.
fn paused_until(answer: &Answer, bed: BedId) -> Option<String> {
    let Answer::Status(status) = answer else { return None };
    let until = status.beds.iter().find(|each| each.bed == bed)?.paused_until?;
    Some(wall(until, status.time, &zone(&status.time_zone)))
}

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        // Where the daemon has ended meanwhile, or somebody else has ended the pause, there is nothing left to end.
        drop(self.wire.ask(&Request::Resume { bed: self.bed }));
    }
}
