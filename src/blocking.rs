//! Calls that block, each on a thread of its own for a limited time, and never one beside another that hangs.
//!
//! A call that hangs (on a sick disk, a USB bridge) cannot be called back: its thread stays until it ends, and threads
//! are few. So whoever asks again waits for that very call.

use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

/// One kind of call, made again and again.
#[derive(Debug)]
pub struct Blocking<T> {
    /// The call that is on its way.
    pending: Option<JoinHandle<T>>,
}

/// Why a call has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoResult {
    /// It has not ended in time; the next one waits for it.
    Hangs,
    /// It panicked.
    Failed,
}

impl<T> Default for Blocking<T> {
    fn default() -> Self {
        Self { pending: None }
    }
}

impl<T: Send + 'static> Blocking<T> {
    /// Makes a call and waits for its result, at most for `limit`; where an earlier one hangs, for that one's result. May
    /// be dropped at any time.
    ///
    /// # Errors
    ///
    /// Says why there is no result.
    pub async fn call(&mut self, limit: Duration, call: impl FnOnce() -> T + Send + 'static) -> Result<T, NoResult> {
        let pending = self.pending.get_or_insert_with(|| spawn_blocking(call));
        let ended = timeout(limit, pending).await.map_err(|_| NoResult::Hangs)?;
        self.pending = None;
        ended.map_err(|_| NoResult::Failed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_call_that_hangs_is_waited_for_and_no_other_is_made_beside_it() {
        let (release, held) = mpsc::channel();
        let mut calls = Blocking::default();
        let hangs = calls.call(Duration::ZERO, move || held.recv().map_or(0, |()| 1)).await;
        assert_eq!(hangs, Err(NoResult::Hangs));
        for _ in 0..10 {
            assert_eq!(calls.call(Duration::ZERO, || unreachable!("one hangs")).await, Err(NoResult::Hangs));
        }
        release.send(()).unwrap();
        assert_eq!(calls.call(PATIENCE, || unreachable!("its result is still to come")).await, Ok(1));
        assert_eq!(calls.call(PATIENCE, || 2).await, Ok(2));
    }

    #[tokio::test]
    async fn a_call_that_panics_costs_its_own_result_only() {
        let mut calls = Blocking::default();
        assert_eq!(calls.call(PATIENCE, || panic!("as the test asks")).await, Err::<(), _>(NoResult::Failed));
        assert_eq!(calls.call(PATIENCE, || ()).await, Ok(()));
    }
}
