//! What the owner thread answers, as futures: never blocking, never lost without a word.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

/// Why something was not kept, or could not be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    /// The record does not fit; nothing was stored.
    #[error("the record has {bytes} bytes, and the store takes at most {max}: shorten what it carries")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The largest size.
        max: usize,
    },
    /// The key is empty, too long, or has a NUL character; nothing was stored.
    #[error("{0:?} is no key of the store: a key has 1 to 64 bytes and no NUL")]
    Key(String),
    /// The disk takes nothing and more urgent things fill the memory; it was let go.
    #[error("the disk takes nothing, and the memory is full of what is more urgent")]
    Crowded,
    /// Too many alerts wait for dispatch, and this one is no alarm; it was not stored.
    #[error("too many alerts wait for dispatch: only alarms are stored until some are delivered")]
    Full,
    /// The owner thread is gone; nothing was stored.
    #[error("the store has been closed")]
    Closed,
}

/// What the owner thread will say. Dropping it changes nothing: the work is done all the same.
///
/// An answer takes as long as the disk does, and while the disk is away for ever: whoever waits sets a limit.
#[derive(Debug)]
#[must_use = "whether it was kept is known only to who awaits the answer"]
pub struct Answer<T>(oneshot::Receiver<Result<T, NotKept>>);

/// Resolves when what was given is on the medium, or needs no keeping any more because it was delivered.
pub type Receipt = Answer<()>;

/// The other end of an [`Answer`].
pub(super) type Reply<T> = oneshot::Sender<Result<T, NotKept>>;

impl<T> Answer<T> {
    pub(super) fn pair() -> (Reply<T>, Self) {
        let (reply, receiver) = oneshot::channel();
        (reply, Self(receiver))
    }
}

impl<T> Future for Answer<T> {
    type Output = Result<T, NotKept>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or(Err(NotKept::Closed)))
    }
}

/// Answers; who asked may have gone.
pub(super) fn answer<T>(reply: Reply<T>, result: Result<T, NotKept>) {
    drop(reply.send(result));
}
