//! The whole program on real parts: the built binary, pseudo-terminals for serial ports, a real mosquitto, HTTPS with an
//! authority of its own. One module a promise; what they share is in `rig`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]
#![expect(clippy::unwrap_in_result, reason = "test code: what cannot be is a failed test")]
#![expect(clippy::print_stderr, reason = "a failed test shows the log of the program")]
#![expect(clippy::unnecessary_debug_formatting, reason = "the quoted form of a path is its form in TOML")]
#![expect(clippy::disallowed_methods, reason = "tests read clocks to compare times and to know when to give up")]

#[path = "../support/dispatch.rs"]
#[expect(dead_code, reason = "these tests need only some of it")]
mod dispatch;
#[path = "../support/ext4.rs"]
mod ext4;
#[path = "../support/mosquitto.rs"]
#[expect(dead_code, reason = "these tests need only some of it")]
mod mosquitto;
#[path = "../support/not_tried.rs"]
mod not_tried;
mod rig;

mod broker;
mod calibrate;
mod chain;
mod commands;
mod configuration;
mod control;
mod disk;
mod doctor;
mod edge;
mod handover;
mod init;
mod killed;
mod kills;
mod live;
mod log;
mod names;
mod night;
mod outage;
mod pause;
mod power;
mod record;
mod reload;
mod restart;
mod start;
mod test_alert;
mod ways;
mod wear;
