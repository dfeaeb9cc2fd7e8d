//! Writes the timeline as it happens.

use std::io::{self, Write};
use std::time::Duration;

use super::timeline::{Happening, Timeline};

/// A timeline and the place where it appears.
#[derive(Debug)]
pub struct Screen<W> {
    timeline: Timeline,
    out: W,
}

impl<W: Write> Screen<W> {
    /// Starts to write a timeline.
    pub const fn new(timeline: Timeline, out: W) -> Self {
        Self { timeline, out }
    }

    /// Tells a happening, this long after the start, and flushes.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn show(&mut self, at: Duration, happening: &Happening) -> io::Result<()> {
        let text = self.timeline.tell(at, happening);
        self.write(&text)
    }

    /// Writes the summary, and gives the writer back.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn finish(mut self) -> io::Result<W> {
        let text = self.timeline.summary();
        self.write(&text)?;
        Ok(self.out)
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}
