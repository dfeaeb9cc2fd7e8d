//! `nattvakt log`: what happened and what dispatch was told of it, as a timeline. Knows beds, and nothing about staff.

mod line;

use std::process::ExitCode;
use std::time::Duration;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::Failure;
use super::demo::Look;
use super::journal::{Journal, Wanted};
use super::wire::Wire;
use super::words::{columns, fit, json_line, print};
use crate::clock;
use crate::config::duration;
use crate::model::BedId;

/// Shows what happened, and when dispatch had what it was told of it.
///
/// Everything that was decided in the days that are kept: what was told, what was not, and what still waits to be accepted.
/// Asks the running daemon, which needs root or a member of the group nattvakt-read or nattvakt-act; where none runs it
/// reads the store. Times are those of the home.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  nattvakt log --since 22:00 --bed bed-1
  nattvakt log --since 7d --csv > week.csv")]
pub(crate) struct Args {
    /// From when on: for how long back (12h, 7d), a time of day, a date, or both (2026-11-20T22:00).
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = When::parse)]
    since: When,

    /// Until when, in the same forms.
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    until: Option<When>,

    /// Only this bed.
    #[arg(long, value_name = "ID")]
    bed: Option<BedId>,

    /// An entry a line, as JSON; `nattvakt report --from` reads it.
    #[arg(long)]
    json: bool,

    /// As CSV, with a header.
    #[arg(long, conflicts_with = "json")]
    csv: bool,

    #[command(flatten)]
    wire: Wire,
}

impl Args {
    /// Prints the timeline to stdout.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let journal = Journal::find(&self.wire)?;
        let (zone, now) = (journal.zone.clone(), clock::utc());
        let since = self.since.before(now, &zone)?;
        let until = self.until.map(|until| until.before(now, &zone)).transpose()?;
        let entries = journal.read(Wanted { since: Some(since), until, bed: self.bed })?;
        print(&if self.json {
            entries.iter().map(json_line).collect::<String>()
        } else if self.csv {
            line::csv(&entries)
        } else {
            fit(&line::timeline(&entries, since, &zone, Look::of_stdout(), columns(std::io::stdout())))
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A time as a technician gives it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum When {
    /// So long ago.
    Ago(Duration),
    /// The last time when the home's clock showed this.
    OfDay(Time),
    /// By the home's clock.
    Wall(DateTime),
    /// With its offset.
    At(Timestamp),
}

impl When {
    fn parse(text: &str) -> Result<Self, String> {
        let ago = duration::parse(text).map(Self::Ago);
        let or = |parsed: Option<Self>| move |_: String| parsed.ok_or_else(String::new);
        let text = text.trim();
        ago.or_else(or(text.parse().ok().map(Self::At)))
            .or_else(or(text.parse().ok().map(Self::Wall)))
            .or_else(or(text.parse().ok().map(Self::OfDay)))
            .map_err(|_| "write 12h or 7d, 22:00, 2026-11-20 or 2026-11-20T22:00".to_owned())
    }

    fn before(self, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, Failure> {
        let beyond = || Failure::usage("that time is beyond the calendar");
        let at = |wall: DateTime| zone.to_ambiguous_timestamp(wall).compatible().map_err(|_| beyond());
        match self {
            Self::At(time) => Ok(time),
            Self::Wall(wall) => at(wall),
            Self::Ago(length) => {
                let length = SignedDuration::try_from(length).map_err(|_| beyond())?;
                now.checked_sub(length).map_err(|_| beyond())
            }
            Self::OfDay(time) => {
                let today = now.to_zoned(zone.clone()).date();
                let last = at(today.to_datetime(time))?;
                if last <= now { Ok(last) } else { at(today.yesterday().map_err(|_| beyond())?.to_datetime(time)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_given_as_people_give_them() {
        let (zone, now) = (TimeZone::get("Europe/Stockholm").unwrap(), "2026-11-22T09:30:00Z".parse().unwrap());
        let before = |text: &str| When::parse(text).unwrap().before(now, &zone).unwrap().to_string();
        assert_eq!(before("12h"), "2026-11-21T21:30:00Z");
        assert_eq!(before("7d"), "2026-11-15T09:30:00Z");
        assert_eq!(before("22:00"), "2026-11-21T21:00:00Z");
        assert_eq!(before("10:15"), "2026-11-22T09:15:00Z");
        assert_eq!(before("2026-11-20"), "2026-11-19T23:00:00Z");
        assert_eq!(before("2026-11-20T22:00"), "2026-11-20T21:00:00Z");
        assert_eq!(before("2026-11-20 22:00"), "2026-11-20T21:00:00Z");
        assert_eq!(before("2026-11-20T22:00:00Z"), "2026-11-20T22:00:00Z");
        for wrong in ["yesterday", "", "25:00", "7 days"] {
            assert!(When::parse(wrong).is_err(), "{wrong}");
        }
        let far = When::Ago(Duration::MAX).before(now, &zone);
        assert!(far.is_err());
    }
}
