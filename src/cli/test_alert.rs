//! `nattvakt test-alert`: a marked test through the real chain, step by step.

use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Failure;
use super::wire::{Wire, failure, zone};
use super::words::{fit, json_line, print};
use crate::config::duration;
use crate::control::protocol::{Step, TestStep};
use crate::control::{Answer, ClientError, Request};
use crate::model::BedId;

/// Sends a marked test alert through the real chain, and waits until dispatch has accepted it.
///
/// It is stored and sent like any alert, as kind `test` with priority `info`, and the text says that there is nothing to
/// do. Each step is printed with its time. Not accepted in time, it stays on its way, and the exit code is 1. Needs root or
/// the group nattvakt-act.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 if dispatch has accepted it, 1 if not, 2 for wrong usage.

Example:
  nattvakt test-alert bed-1")]
pub(crate) struct Args {
    /// The bed that the test names; without it the gateway.
    #[arg(value_name = "BED")]
    bed: Option<BedId>,

    /// How long to wait for the acceptance, 10min at most.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = within)]
    within: Duration,

    /// Print each step as a line of JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    wire: Wire,
}

fn within(text: &str) -> Result<Duration, String> {
    let within = duration::parse(text)?;
    let sound = within.subsec_nanos() == 0 && (1..=600).contains(&within.as_secs());
    if sound { Ok(within) } else { Err("whole seconds, from 1s to 10min".to_owned()) }
}

impl Args {
    /// Follows the test to its end.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let within_s = u32::try_from(self.within.as_secs()).unwrap_or(u32::MAX);
        let mut daemon = self.wire.try_connect()?.map_err(|error| failure(&error))?;
        daemon.ask(&Request::TestAlert { bed: self.bed, within_s }).map_err(|error| failure(&error))?;
        let mut steps = Steps { zone: TimeZone::UTC, raised: None };
        loop {
            let answer = daemon.answer().map_err(|error| failure(&error))?;
            let Answer::Test(step) = &answer else { return Err(failure(&ClientError::unexpected(&answer))) };
            print(&if self.json { json_line(&answer) } else { fit(&steps.line(step)) })?;
            match step.step {
                Step::Delivered {} => return Ok(ExitCode::SUCCESS),
                Step::NotDelivered { .. } => return Ok(ExitCode::FAILURE),
                Step::Raised { .. }
                | Step::Stored {}
                | Step::NotStored { .. }
                | Step::Accepted { .. }
                | Step::Waiting { .. } => {}
            }
        }
    }
}

/// What is told of the steps so far.
struct Steps {
    zone: TimeZone,
    raised: Option<Timestamp>,
}

impl Steps {
    /// Writes a step with its time and how long after the beginning it was.
    fn line(&mut self, TestStep { at, step }: &TestStep) -> String {
        match step {
            Step::Raised { alert, sequence, text, time_zone } => {
                (self.zone, self.raised) = (zone(time_zone), Some(*at));
                format!(
                    "Test alert {alert}, number {sequence}: \"{text}\" (times in {time_zone})\n{}",
                    self.timed(*at, "raised, on its way")
                )
            }
            Step::Stored {} => self.timed(*at, "on disk"),
            Step::NotStored { error } => self.timed(*at, &format!("NOT on disk: {error}")),
            Step::Accepted { channel, reference } => {
                let reference =
                    reference.as_ref().map_or(String::new(), |reference| format!(", reference {reference}"));
                self.timed(*at, &format!("accepted by {channel}{reference}"))
            }
            Step::Waiting { problems } => self.timed(*at, &format!("waiting{}", listed(problems))),
            Step::Delivered {} => "Dispatch has it.\n".to_owned(),
            Step::NotDelivered { problems } => format!(
                "NOT accepted in time{}\nIt stays on its way, and is delivered as soon as dispatch takes it.\n",
                listed(problems)
            ),
        }
    }

    fn timed(&self, at: Timestamp, words: &str) -> String {
        let time = at.to_zoned(self.zone.clone()).strftime("%H:%M:%S%.3f");
        let after = self.raised.map_or(0, |raised| at.duration_since(raised).as_millis().max(0));
        format!("  {time}  after {after:>5} ms  {words}\n")
    }
}

/// Writes what is wrong behind a colon, or nothing.
fn listed(problems: &[String]) -> String {
    if problems.is_empty() { String::new() } else { format!(": {}", problems.join("; ")) }
}
