//! The detector on what was measured on people: a real sheet under a mattress and one over it, real times of getting up.
//!
//! Everything goes through the built binary, `nattvakt replay`. What the data are, where they come from and what is put
//! together here because nobody recorded it is said in `tests/data/real/README.md`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

mod durations;
mod empty;
mod film;
mod leaving;
mod lying;
mod rig;
