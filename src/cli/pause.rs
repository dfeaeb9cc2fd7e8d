//! `nattvakt pause` and `nattvakt resume`: staff are in the room.

use std::process::ExitCode;
use std::time::Duration;

use super::Failure;
use super::wire::{Wire, failure, wall, zone};
use super::words::{fit, json_line, print};
use crate::clock;
use crate::config::duration;
use crate::control::status::Phase;
use crate::control::{Answer, ClientError, Request};
use crate::model::BedId;

/// Pauses the watch of a bed while staff are in the room.
///
/// It ends by itself: at its time, after 12 hours at most, or sooner when the resident is back in bed. Dispatch is told of
/// the beginning and of the end. Faults of the mat are told as ever. Where the bed is empty at the end of it and the watch is on, the time
/// that she may be away begins then. A restart does not end it. No name is kept. Needs root or the group nattvakt-act.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  nattvakt pause bed-1 --for 2h
  nattvakt pause bed-1 --for 45min --until-return")]
pub(crate) struct Args {
    /// The bed.
    #[arg(value_name = "BED")]
    bed: BedId,

    /// For how long at most: such as 30min or 2h, up to 12h.
    #[arg(long = "for", value_name = "TIME", value_parser = length)]
    length: Duration,

    /// End it as soon as the resident has lain down again.
    #[arg(long)]
    until_return: bool,

    /// Print the daemon's answer as JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    wire: Wire,
}

/// Ends the pause of a bed before its time.
///
/// Dispatch is told. Where the bed is empty and the watch is on, the time that the resident may be away begins now. Needs root or the group
/// nattvakt-act.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  nattvakt resume bed-1")]
pub(crate) struct ResumeArgs {
    /// The bed.
    #[arg(value_name = "BED")]
    bed: BedId,

    /// Print the daemon's answer as JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    wire: Wire,
}

/// Reads a length of whole seconds, up to what a pause may last; the daemon has the last word on it.
fn length(text: &str) -> Result<Duration, String> {
    let length = duration::parse(text)?;
    let sound = length.subsec_nanos() == 0 && (1..=12 * 3600).contains(&length.as_secs());
    if sound { Ok(length) } else { Err("a pause lasts from 1s to 12h".to_owned()) }
}

impl Args {
    /// Asks for the pause, and says until when it lasts.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let for_s = u32::try_from(self.length.as_secs()).unwrap_or(u32::MAX);
        let request = Request::Pause { bed: self.bed, for_s, until_return: self.until_return };
        let answer = self.wire.ask(&request)?;
        if self.json {
            return print(&json_line(&answer)).map(|()| ExitCode::SUCCESS);
        }
        let Answer::Paused { bed, until, until_return, time_zone } = &answer else {
            return Err(failure(&ClientError::unexpected(&answer)));
        };
        let at = wall(*until, clock::utc(), &zone(time_zone));
        let sooner = if *until_return { ", or until the resident is back in bed" } else { "" };
        print(&fit(&format!(
            "{bed} is paused until {at} ({time_zone}){sooner}. Dispatch is told.\n\
             To end it sooner: {}nattvakt resume {bed}\n",
            super::words::sudo()
        )))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl ResumeArgs {
    /// Asks for the end, and says how the bed is.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let answer = self.wire.ask(&Request::Resume { bed: self.bed })?;
        if self.json {
            return print(&json_line(&answer)).map(|()| ExitCode::SUCCESS);
        }
        let Answer::Resumed { bed, phase, told_at } = &answer else {
            return Err(failure(&ClientError::unexpected(&answer)));
        };
        let follows = match (phase, told_at) {
            (Phase::Empty | Phase::Settling, Some(at)) => {
                let minutes = at.duration_since(clock::utc()).as_secs().max(0).div_euclid(60);
                &format!(": dispatch is told if nobody is back in {minutes} min")
            }
            (Phase::Empty | Phase::Settling, None) => ": nobody is told how long she stays away",
            (Phase::Unknown | Phase::InBed | Phase::Edge | Phase::Leaving | Phase::NoAnswer, _) => "",
        };
        let words = phase.words();
        print(&fit(&format!("The pause of {bed} is over. The bed: {words}{follows}. Dispatch is told.\n")))?;
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_has_a_length_that_it_may_have() {
        assert_eq!(length("2h"), Ok(Duration::from_secs(7200)));
        assert_eq!(length("12h"), Ok(Duration::from_secs(43_200)));
        for wrong in ["13h", "0s", "500ms", "2", "two hours", ""] {
            assert!(length(wrong).is_err(), "{wrong}");
        }
    }
}
