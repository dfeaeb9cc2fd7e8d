//! What came of one attempt, whatever the channel: the three things that a caller can do about it.

use std::time::Duration;

/// What came of one attempt to send one alert over one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Dispatch has taken the alert on.
    Accepted {
        /// The receiver's own reference, where its answer holds one; at most 64 printable characters.
        reference: Option<String>,
    },
    /// Dispatch has not taken it; the same may work later.
    TryAgain {
        /// How long dispatch asks us to stay away; not limited yet.
        retry_after: Option<Duration>,
        /// What happened, for a technician.
        problem: String,
    },
    /// The same will not work until somebody changes something, here or there.
    ChannelWrong {
        /// What is wrong and what to look at, for a technician.
        problem: String,
    },
}

impl Outcome {
    /// Makes the outcome of an attempt that may work later.
    #[must_use]
    pub fn try_again(problem: impl Into<String>) -> Self {
        Self::TryAgain { retry_after: None, problem: problem.into() }
    }

    /// Makes the outcome of an attempt that somebody must do something about.
    #[must_use]
    pub fn wrong(problem: impl Into<String>) -> Self {
        Self::ChannelWrong { problem: problem.into() }
    }

    /// Returns what happened, for a technician; `None` where the alert was accepted.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        match self {
            Self::Accepted { .. } => None,
            Self::TryAgain { problem, .. } | Self::ChannelWrong { problem } => Some(problem),
        }
    }
}
