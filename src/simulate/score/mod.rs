//! Judges what a detector said about a night by what really happened.
//!
//! PURE. The truth and the events in, figures out; what made the events is not known here. The rules:
//!
//! - A **rise** is to be told from 2 s before the body was off until the confirmation time and 10 s after the last load
//!   had gone. Sooner, while she still sits on the edge, is a miss and a false alarm. Not required: rises after less than
//!   60 s in bed, absences shorter than the confirmation time and 5 s, and what the recording cuts off (`optional`);
//!   rises in a fault or while a contact contradicts who is there (`hidden`).
//! - Latency is counted from the confirmation time after the last load had gone.
//! - A **return** is due within the confirmation time and 60 s, unless a fault is near or she leaves again within 60 s.
//! - A **fault** of 120 s or more is due until 30 s after its end; one told elsewhere than in a fault, or in the 90 s
//!   after it, is false. Not asked for: what reads as an empty bed does, and restarts.
//! - Sitting on the **edge** for 8 s or more after lying is to be told meanwhile, on mats with zones.
//! - Nothing counts, for or against, while nobody could say who moved: another person on the bed of somebody away, a
//!   partner who moves on load cells, faults that read as an empty bed.
//!
//! [`night`] judges one night, [`figures`] sums nights up, [`compare`] finds what got worse.

pub mod compare;
pub mod figures;
pub mod night;
#[cfg(test)]
mod tests;
mod truths;

pub use compare::{Worse, worse};
pub use figures::{Figures, Report};
pub use night::{Failure, Heard, NightScore, What, score};
