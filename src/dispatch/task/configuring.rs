//! Other settings while the task runs, and secrets and certificates that are read anew.

use std::time::Duration;

use tracing::{Instrument as _, info_span};

use super::heartbeat::Heart;
use super::line::Line;
use super::{Dispatch, Errand, Settings};
use crate::clock;
use crate::dispatch::outcome::Outcome;
use crate::dispatch::queue::Moved;
use crate::dispatch::settings::ChannelSettings;

/// How often it is looked whether secrets and certificates have changed on disk; two looks make it sure.
const FILES_LOOKED_AT_EVERY: Duration = Duration::from_secs(20);

impl Dispatch {
    /// Goes on with other settings. Channels that have not changed keep connections, rhythm and what is on its way.
    pub(super) fn configure(&mut self, settings: Settings) {
        let now = clock::moment();
        let before = std::mem::replace(&mut self.settings, settings);
        let settings = &self.settings;
        let same_sender = before.gateway == settings.gateway;
        let same = |channel: &ChannelSettings| same_sender && before.channels.contains(channel);
        let wanted = settings.channels.iter().map(|channel| (channel.name.as_str(), !same(channel)));
        let moved = self.queue.rechannel(settings.delivery, wanted, now);
        let place = |name: &str| before.channels.iter().position(|channel| channel.name == name);
        let mut hearts: Vec<Option<Heart>> = std::mem::take(&mut self.hearts).into_iter().map(Some).collect();
        let lines = std::mem::take(&mut self.lines);
        for channel in &settings.channels {
            let known = place(&channel.name);
            let line = known.filter(|_| same(channel)).and_then(|known| lines.get(known).cloned());
            self.lines.push(line.unwrap_or_else(|| Line::new(settings.gateway, channel.clone(), &self.clock)));
            let heart = known.and_then(|known| hearts.get_mut(known)?.take());
            let heart = heart.filter(|_| same(channel));
            self.hearts.push(heart.unwrap_or_else(|| Heart::new(channel.heartbeat, now)));
        }
        let changed: Vec<bool> = settings.channels.iter().map(|channel| !same(channel)).collect();
        self.files = vec![None; settings.channels.len()];
        self.heartbeats.speak(settings.language);
        self.errands = std::mem::take(&mut self.errands)
            .into_iter()
            .filter_map(|(id, errand)| Some((id, errand.moved(&moved, &changed)?)))
            .collect();
        self.read_files(false);
    }

    /// Reads secrets and certificates of each channel, or only of those whose files have changed. A reading that hangs
    /// is not doubled.
    pub(super) fn read_files(&mut self, only_changed: bool) {
        self.look = clock::moment() + FILES_LOOKED_AT_EVERY;
        for (channel, line) in self.lines.iter().enumerate() {
            let same = |errand: &Errand| matches!(errand, Errand::Reading(reading) if *reading == channel);
            if only_changed && self.errands.values().any(same) {
                continue;
            }
            let line = line.clone();
            let span = info_span!("files", channel = %line.name());
            let reading = async move {
                match line.read(only_changed).await {
                    Ok(()) => Outcome::Accepted { reference: None },
                    Err(problem) => Outcome::wrong(problem),
                }
            };
            let id = self.attempts.spawn(reading.instrument(span)).id();
            self.errands.insert(id, Errand::Reading(channel));
        }
    }

    pub(super) fn on_read(&mut self, channel: usize, outcome: &Outcome) {
        let state = outcome.problem().map_or(Ok(()), |problem| Err(problem.to_owned()));
        if let Some(known) = self.files.get_mut(channel) {
            if known.as_ref() != Some(&state) {
                *known = Some(state.clone());
                self.queue.on_files(channel, state.err());
            }
        }
    }
}

impl Errand {
    /// Returns it as it counts after the channels have changed; `None` where it counts no more.
    fn moved(self, moved: &Moved, changed: &[bool]) -> Option<Self> {
        match self {
            Self::Attempt(ticket, channel) => Some(Self::Attempt(moved.ticket(ticket)?, moved.place(channel)?)),
            // What becomes of it says nothing about the channel as it is now.
            Self::Heartbeat(channel) => {
                let unchanged = |place: &usize| changed.get(*place) == Some(&false);
                moved.place(channel).filter(unchanged).map(Self::Heartbeat)
            }
            // They are all read anew.
            Self::Reading(_) => None,
        }
    }
}
