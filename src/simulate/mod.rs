//! Residents, mats and faults by seed: readings, and the truth about them.
//!
//! PURE. A [`Script`] says what a resident does, a [`Home`] what else lies on her bed; a [`MatKind`] turns the weight
//! into what a mat would send; [`Faults`]
//! do to the rows what cables and radio do; [`Truth`] says what really happened, in the words that scorers read. The
//! same seed gives the same bytes. Sources of the figures: measurements on public data and data sheets, named where
//! they stand. Nothing here knows the detector, so [`score`] can judge it. A
//! [`Lot`] draws all of a night from one seed.

pub mod air;
pub mod cells;
pub mod contact;
mod drift;
pub mod faults;
pub mod habits;
pub mod home;
pub mod layout;
pub mod lot;
pub mod mat;
pub mod night;
pub mod phase;
pub mod pose;
pub mod pressure;
pub mod resident;
pub mod rng;
pub mod score;
pub mod script;
pub mod sending;
pub mod truth;
pub mod visitors;
mod wire;

pub use faults::{FaultKind, FaultSpan, Faults, Row};
pub use habits::Habits;
pub use home::Home;
pub use lot::Lot;
pub use mat::MatKind;
pub use night::{Difficulty, Night, NightSettings};
pub use phase::Phase;
pub use pose::{Body, Load, Pose, Posture};
pub use resident::Script;
pub use script::Scene;
pub use truth::Truth;
