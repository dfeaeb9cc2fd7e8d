//! When our own certificates and the authorities that we trust end: told 30, 7 and 1 days before, and once it is so.
//!
//! Reads files; judges only while the clock is trusted. The certificate of dispatch itself is dispatch's to look after.

use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tracing::{error, warn};

use super::own::Own;
use crate::blocking::{Blocking, NoResult};
use crate::clock::Clock;
use crate::config::Config;
use crate::dispatch::Way;
use crate::tls::{self, WARN_FIRST};

/// How often the files are read.
const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// How often it is asked whether the clock is trusted by now.
const ASK_EVERY: Duration = Duration::from_secs(30);

/// How long reading may take.
const READ_WITHIN: Duration = Duration::from_secs(10);

/// How far a certificate is from its end, as it is told. Fewer days are more urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Step {
    /// 30 days or less.
    Month,
    /// 7 days or less.
    Week,
    /// A day or less.
    Day,
    /// It has ended.
    Over,
}

/// Tells how far a certificate is from its end; `None` where that is far away. PURE.
pub(super) fn step(left: SignedDuration) -> Option<Step> {
    let days = |days: i64| SignedDuration::from_hours(24 * days);
    match left {
        left if left <= SignedDuration::ZERO => Some(Step::Over),
        left if left <= days(1) => Some(Step::Day),
        left if left <= days(7) => Some(Step::Week),
        left if left <= WARN_FIRST => Some(Step::Month),
        _ => None,
    }
}

/// A file with certificates, and when it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ends {
    /// The file, as it is told.
    pub(super) file: String,
    /// When.
    pub(super) at: Timestamp,
}

/// What was found in the files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Found {
    pub(super) ends: Vec<Ends>,
    /// The files that could not be read: of their certificates nothing new is known.
    pub(super) unread: Vec<String>,
}

/// The files whose ends are looked after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Files {
    chains: Vec<PathBuf>,
    authorities: Vec<PathBuf>,
}

impl Files {
    /// Returns those that a configuration names.
    pub(super) fn of(config: &Config) -> Self {
        let https = config.channels.iter().map(|channel| {
            let Way::Https(https) = &channel.way;
            &https.tls
        });
        let mqtt = config.broker.iter().filter_map(|broker| broker.tls.as_ref());
        let all: Vec<&tls::Files> = https.chain(mqtt).collect();
        let sorted = |mut paths: Vec<PathBuf>| {
            paths.sort();
            paths.dedup();
            paths
        };
        Self {
            chains: sorted(all.iter().filter_map(|files| files.client_cert.clone()).collect()),
            authorities: sorted(all.iter().filter_map(|files| files.ca.clone()).collect()),
        }
    }

    fn read(&self) -> Found {
        let chains = self.chains.iter().map(|path| (path, tls::chain_ends(path)));
        let authorities = self.authorities.iter().map(|path| (path, tls::authorities_end(path)));
        let mut found = Found::default();
        for (path, end) in chains.chain(authorities) {
            let file = path.display().to_string();
            match end {
                Ok(Some(at)) => found.ends.push(Ends { file, at }),
                // Whoever needs the file tells what is wrong with it.
                Ok(None) | Err(_) => found.unread.push(file),
            }
        }
        found
    }
}

/// Looks after the ends of certificates for ever.
#[expect(clippy::infinite_loop, reason = "the supervisor drops the task at the end")]
pub(super) async fn watch(files: Files, own: Own, clock: Clock) {
    let mut reading = Blocking::default();
    loop {
        if !clock.now().trusted {
            tokio::time::sleep(ASK_EVERY).await;
            continue;
        }
        let wanted = files.clone();
        match reading.call(READ_WITHIN, move || wanted.read()).await {
            Ok(found) => own.certificates(&found),
            Err(NoResult::Hangs) => {
                warn!("The disk does not answer: when our certificates end is not known; look at the disk");
            }
            Err(NoResult::Failed) => error!(
                "When our certificates end is not known: reading them failed inside the program; please report it"
            ),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_told_of_at_thirty_seven_and_one_days_and_at_its_end() {
        let after = |hours| step(SignedDuration::from_hours(hours));
        assert_eq!(after(24 * 31), None);
        assert_eq!((after(24 * 30), after(24 * 7 + 1)), (Some(Step::Month), Some(Step::Month)));
        assert_eq!((after(24 * 7), after(25)), (Some(Step::Week), Some(Step::Week)));
        assert_eq!((after(24), after(1)), (Some(Step::Day), Some(Step::Day)));
        assert_eq!((after(0), after(-1)), (Some(Step::Over), Some(Step::Over)));
    }
}
