//! `[bed.alarm]`: which alerts a bed has.

use std::time::Duration;

use crate::config::finding::{Notes, Span};
use crate::config::tree::{Choice, Table};
use crate::detect::Alarm;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The table as read.
pub(super) struct Read {
    pub(super) alarm: Alarm,
    /// Whether `not-in-bed` is given, be it as "off".
    pub(super) not_in_bed_given: bool,
    pub(super) span: Span,
    /// Where `rise` stands, or the table.
    pub(super) rise_place: Span,
}

pub(super) fn read(bed: &mut Table<'_>, notes: &mut Notes) -> Read {
    let mut table = bed.table("alarm", "[bed.alarm]", notes);
    let default = Alarm::default();
    let rise_place = table.place("rise");
    let rise = table.flag("rise", default.rise, notes);
    let not_returned = table.duration_or("not-returned", "off", SECOND..=DAY, notes);
    let repeat = table.duration("repeat", SECOND..=DAY, notes);
    let edge = table.flag("edge", default.edge, notes);
    let not_in_bed = table.time_or("not-in-bed", "off", notes);
    let not_up = table.time_or("not-up", "off", notes);
    let span = table.span.clone();
    table.close(notes);
    Read {
        alarm: Alarm {
            rise,
            not_returned: not_returned.or(default.not_returned),
            repeat: repeat.unwrap_or(default.repeat),
            edge,
            not_in_bed: not_in_bed.or(default.not_in_bed),
            not_up: not_up.or(default.not_up),
        },
        not_in_bed_given: not_in_bed != Choice::NotGiven,
        span,
        rise_place,
    }
}
