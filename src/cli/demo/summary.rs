//! What the demonstration says at its end: what was seen, and what to try next.

use std::time::Duration;

use super::alert::{Told, millis};
use super::look::{Ink, Look};
use super::timeline::Happening;
use crate::simulate::script::Deed;

/// Counts what happened.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    lasted: Duration,
    readings: u64,
    disturbances: u32,
    rises: u32,
    alarms: u32,
    latencies: Vec<Duration>,
    delivered: u32,
    verified: u32,
    refused: u32,
}

/// How many latencies are kept for the summary: more rises than a night has.
const LATENCIES_MAX: usize = 64;

impl Tally {
    pub(super) fn count(&mut self, at: Duration, happening: &Happening) {
        self.lasted = self.lasted.max(at);
        match happening {
            Happening::Reading { .. } => self.readings += 1,
            Happening::Said { deed: Deed::Disturbs, .. } => self.disturbances += 1,
            Happening::Said { deed: Deed::Rises, .. } => self.rises += 1,
            Happening::Said { deed: Deed::Rests, .. } => {}
            Happening::Alert { received, latency } => self.count_alert(&Told::read(received), *latency),
            Happening::Ready { .. } | Happening::State { .. } => {}
        }
    }

    fn count_alert(&mut self, told: &Told, latency: Option<Duration>) {
        if told.kind == "heartbeat" {
            return;
        }
        self.alarms += u32::from(told.is_rise());
        self.delivered += u32::from(told.accepted);
        self.verified += u32::from(told.accepted && told.verified);
        self.refused += u32::from(!told.accepted);
        if self.latencies.len() < LATENCIES_MAX {
            self.latencies.extend(latency.filter(|_| told.is_rise()));
        }
    }

    pub(super) fn summary(&self, look: Look) -> String {
        let mut lines = vec![look.paint(Ink::Bold, "What you saw")];
        lines.push(format!("  {} readings in {:.0} s", self.readings, self.lasted.as_secs_f64()));
        lines.push(format!("  {}", self.watched(look)));
        lines.extend(self.took());
        lines.push(format!("  {}", self.told(look)));
        lines.push(String::new());
        lines.push(look.paint(Ink::Bold, "What to try next"));
        for (command, what) in NEXT {
            lines.push(format!("  {}{what}", look.paint(Ink::Resident, &format!("{command:<37}"))));
        }
        lines.join("\n") + "\n"
    }

    /// Says whether the watch did what it is for.
    fn watched(&self, look: Look) -> String {
        let (rises, alarms) = (times(self.rises, "rise"), times(self.alarms, "alarm"));
        match self.alarms.cmp(&self.rises) {
            std::cmp::Ordering::Equal if self.disturbances == 0 => look.paint(Ink::Good, &format!("{rises}, {alarms}")),
            std::cmp::Ordering::Equal => {
                let calm = format!("{rises}, {alarms}; turning over and lifting the hips: no alarm");
                look.paint(Ink::Good, &calm)
            }
            std::cmp::Ordering::Less => {
                look.paint(Ink::Warning, &format!("{rises}, but only {alarms}: one was missed"))
            }
            std::cmp::Ordering::Greater => {
                look.paint(Ink::Warning, &format!("{rises}, but {alarms}: not each had a cause"))
            }
        }
    }

    /// Says how long the alarms took; the longest where there were several.
    fn took(&self) -> Option<String> {
        let longest = self.latencies.iter().max()?;
        let most = if self.latencies.len() > 1 { "at most " } else { "" };
        Some(format!("  {most}{} from the first low reading to dispatch", millis(*longest)))
    }

    fn told(&self, look: Look) -> String {
        let delivered = times(self.delivered, "alert");
        let verified = if self.verified == self.delivered {
            "each signed and verified".to_owned()
        } else {
            look.paint(Ink::Warning, &format!("{} of them signed and verified", self.verified))
        };
        let refused = match self.refused {
            0 => String::new(),
            refused => look.paint(Ink::Warning, &format!("; {refused} refused")),
        };
        format!("{delivered} delivered, {verified}{refused}")
    }
}

const NEXT: [(&str, &str); 4] = [
    ("nattvakt check config/nattvakt.toml", "every mistake of a configuration at once"),
    ("nattvakt replay --help", "a recorded night through the detector"),
    ("nattvakt receive --help", "a dispatch receiver to send alerts to"),
    ("README.md", "how it fits together, where to read on"),
];

fn times(count: u32, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
