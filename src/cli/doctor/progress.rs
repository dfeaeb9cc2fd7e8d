//! Bounds every check in time, and shows on a terminal what is being waited for.

use std::io::{IsTerminal, Write as _, stderr};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::cli::words::columns;

/// Nothing is shown of what is quicker.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

/// Waits, and says for what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    shown: bool,
}

impl Progress {
    /// Shows it where somebody looks at stderr.
    pub(crate) fn of_stderr() -> Self {
        Self { shown: stderr().is_terminal() }
    }

    /// Waits for something for `limit` at most; nothing comes of what takes longer.
    pub(crate) async fn during<T>(self, what: &str, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let work = timeout(limit, work);
        tokio::pin!(work);
        for second in 1_u64.. {
            tokio::select! {
                done = work.as_mut() => {
                    self.wipe(second > 1);
                    return done.ok();
                }
                () = sleep(SHOWN_AFTER) => self.show(&format!("  … {what} ({second} s of {} at most)", limit.as_secs())),
            }
        }
        None
    }

    /// As [`Progress::during`], for a call that blocks. One that hangs is left behind.
    pub(crate) async fn blocking<T: Send + 'static>(
        self,
        what: &str,
        limit: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        self.during(what, limit, tokio::task::spawn_blocking(work)).await?.ok()
    }

    fn show(self, line: &str) {
        if self.shown {
            // One more column, and it could not be wiped.
            let cut: String = line.chars().take(columns(stderr()) - 1).collect();
            // Only decoration; where it cannot be shown nothing is lost.
            let _shown = write!(stderr(), "\r\x1b[K{cut}").and_then(|()| stderr().flush());
        }
    }

    fn wipe(self, shown: bool) {
        if self.shown && shown {
            let _wiped = write!(stderr(), "\r\x1b[K").and_then(|()| stderr().flush());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_is_left_and_what_is_quick_is_not() {
        let progress = Progress { shown: false };
        let limit = Duration::from_secs(10);
        assert_eq!(progress.during("a name", limit, std::future::pending::<u8>()).await, None);
        assert_eq!(progress.during("a name", limit, async { 7 }).await, Some(7));
        assert_eq!(progress.during("a name", limit, async { sleep(limit / 2).await }).await, Some(()));
    }
}
