//! A small dispatch receiver: takes signed CloudEvents over plain HTTP, says what it thinks of them, forgets them.
//!
//! For trying, showing and testing; it raises no case, calls nobody and keeps nothing but the ids it has seen. What
//! comes in is bounded in size, time and number, and is never believed before it has been checked.

mod judge;
mod post;
mod server;

pub use judge::{Checks, Reason, SignatureState};
pub use post::Post;
pub use server::Receiver;
