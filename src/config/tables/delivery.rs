//! `[delivery]`: how alerts are spread over the channels.

use std::time::Duration;

use crate::config::finding::Notes;
use crate::config::tree::Table;
use crate::dispatch::{Delivery, Order};

/// The longest wait for one channel before the next is tried as well.
const GIVE_UP_AFTER_MAX: Duration = Duration::from_secs(600);

pub(super) fn read(root: &mut Table<'_>, notes: &mut Notes) -> Delivery {
    let mut table = root.table("delivery", "[delivery]", notes);
    let default = Delivery::default();
    let order = table.word("order", &[("fallback", Order::Fallback), ("all", Order::All)], notes);
    let give_up_after = table.duration("give-up-after", Duration::ZERO..=GIVE_UP_AFTER_MAX, notes);
    table.close(notes);
    Delivery { order: order.unwrap_or(default.order), give_up_after: give_up_after.unwrap_or(default.give_up_after) }
}
