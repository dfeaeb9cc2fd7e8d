//! What `nattvakt demo` shows: the happenings of one watch, told as a timeline.
//!
//! Only tells. Who makes it happen (resident, serial line, daemon, receiver) hands in [`Happening`]s with their times.

mod alert;
pub mod bar;
mod curve;
pub mod look;
pub mod screen;
mod summary;
pub mod timeline;

pub use look::Look;
pub use screen::Screen;
pub use timeline::{Happening, Timeline};
