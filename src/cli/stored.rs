//! What `wipe` and `forget` share: where the store lies, as whom it is touched, and the question before it is.

use std::io::{self, BufRead};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Uid, geteuid, setgid, setgroups, setuid};

use super::doctor::daemon;
use super::words::say;
use super::{Failure, block_on};
use crate::clock::{Clock, ClockSource};
use crate::config::{self, Config, ConfigError, Looks, accepted};
use crate::model::BedId;
use crate::store::{self, erase};

/// The store that a configuration names, and how it is to be asked.
#[derive(Debug, clap::Args)]
pub(super) struct Stored {
    /// The configuration that says where the store lies; one that is broken or gone will do.
    #[arg(long, value_name = "FILE", default_value = config::DEFAULT_FILE)]
    config: PathBuf,

    /// Go on although alerts have not been delivered: nobody will get them.
    #[arg(long)]
    also_undelivered: bool,

    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

/// A store that was found, and may be touched.
pub(super) struct Found {
    pub(super) settings: store::Settings,
    /// The configuration, where it is sound.
    pub(super) config: Option<Config>,
}

impl Stored {
    /// Finds the store and takes on its owner's rights, so that no file of root's is left where the service must write.
    pub(super) fn find(&self) -> Result<Found, Failure> {
        let (settings, config) = match config::load(&self.config, Looks::Elsewhere) {
            Ok(sound) => (sound.config.store.clone(), Some(sound.config)),
            Err(ConfigError::Unsound { text, .. }) => (settings(accepted::store_path_of_broken(&text)), None),
            Err(ConfigError::Missing { .. }) => (settings(None), None),
            Err(error @ ConfigError::Unreadable { .. }) => return Err(Failure::usage(error)),
        };
        // A daemon whose disk fails has let its store go, and would make a new one at once.
        if daemon::find(&settings.path).is_some() {
            return Err(Failure::failed(erase::NotErased::InUse(settings.path)));
        }
        as_owner(&settings.path)?;
        Ok(Found { settings, config })
    }

    /// Refuses where alerts wait that would be lost, unless they were given up. A store that cannot be read is refused too:
    /// nobody knows what waits in it.
    pub(super) fn look(&self, found: &Found, bed: Option<&BedId>) -> Result<(), Failure> {
        let clock = Clock::new(found.config.as_ref().map_or(ClockSource::default(), |config| config.gateway.clock));
        let looked = block_on(erase::undelivered(found.settings.clone(), clock, bed))?;
        let waits = match looked {
            Ok(undelivered) => in_words(undelivered),
            Err(error @ erase::NotErased::InUse(_)) => return Err(Failure::failed(error)),
            Err(error) => Some(format!("what has not been delivered cannot be told: {error}")),
        };
        match waits {
            Some(words) if !self.also_undelivered => Err(Failure::failed(format!(
                "{words}\nNothing was removed. Start nattvakt and wait until all is delivered, or add --also-undelivered."
            ))),
            Some(words) => {
                say(&format!("{words}: given up, as you say.\n"));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Asks whether to go on, unless that was said already. Only `word` is a yes.
    pub(super) fn confirm(&self, question: &str, word: &str) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        say(&format!("{question}\nThere is no way back. Type {word} to go on: "));
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).map_err(Failure::failed)?;
        if answer.trim() == word {
            Ok(())
        } else {
            Err(Failure::failed(format!("nothing was removed: that was not {word}. (Scripts say --yes.)")))
        }
    }
}

/// Returns how a store at this place is opened; `None` is the default one.
pub(super) fn settings(path: Option<PathBuf>) -> store::Settings {
    let settings = store::Settings::default();
    store::Settings { path: path.unwrap_or(settings.path), ..settings }
}

fn in_words(undelivered: erase::Undelivered) -> Option<String> {
    let erase::Undelivered { alerts, unread } = undelivered;
    let alerts = match alerts {
        0 if unread => "there may be alerts",
        0 => return None,
        1 => "1 alert has not been delivered",
        _ => &format!("{alerts} alerts have not been delivered"),
    };
    let unread = if unread { ", in a damaged store that has not been read to its end" } else { "" };
    Some(format!("{alerts}{unread}"))
}

/// Gives up root's rights for those of the folder's owner, where root calls.
pub(super) fn as_owner(path: &Path) -> Result<(), Failure> {
    let Ok(folder) = path.metadata() else { return Ok(()) };
    if !geteuid().is_root() || folder.uid() == 0 {
        return Ok(());
    }
    let (user, group) = (Uid::from_raw(folder.uid()), Gid::from_raw(folder.gid()));
    let given_up = setgroups(&[group]).and_then(|()| setgid(group)).and_then(|()| setuid(user));
    given_up.map_err(|error| Failure::failed(format!("cannot act as the owner of {}: {error}", path.display())))
}
