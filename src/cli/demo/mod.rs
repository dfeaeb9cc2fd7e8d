//! `nattvakt demo`: the whole chain on this computer, told as a timeline.
//!
//! `command` puts the parts together (resident, serial line, daemon, receiver) and hands [`Happening`]s with their times
//! to the [`Timeline`], which only tells.

mod alert;
pub mod bar;
mod command;
mod curve;
mod home;
pub mod look;
pub mod screen;
mod summary;
pub mod timeline;

pub(super) use command::Args;
pub(crate) use look::Ink;
pub use look::Look;
pub use screen::Screen;
pub use timeline::{Happening, Timeline};
