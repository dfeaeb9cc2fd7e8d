//! Bad input, and what reaches the log: the built program on real parts that lie, break, refuse, hang and flood.
//!
//! Each test shows a clear error or a counted rejection, and that the watch goes on: a rise afterwards reaches dispatch.

#![expect(clippy::print_stderr, reason = "a failed test shows the log of the program")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]
#![expect(clippy::print_stdout, reason = "what cannot be shown here is said aloud, and the memory of the flood")]
#![expect(clippy::disallowed_methods, reason = "tests read clocks to know when to give up")]

mod broker;
mod brokers;
mod configuration;
mod dispatch;
mod flood;
mod logs;
#[expect(dead_code, reason = "these tests need only some of it")]
#[path = "../support/mosquitto.rs"]
mod mosquitto;
#[path = "../support/not_tried.rs"]
mod not_tried;
mod payloads;
mod ports;
mod privacy;
#[expect(dead_code, reason = "these tests need only some of it")]
#[path = "../support/dispatch.rs"]
mod receiver;
mod recording;
mod rig;
mod secrets;
mod serial;
mod store;
