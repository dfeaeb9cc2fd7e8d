//! Nattvakt (Swedish: night watch): one daemon on one small gateway in one home. It reads the mats in the beds, knows
//! within a moment that someone who must not walk alone has got up at night, and makes sure that the people who can
//! help are told, whatever happens to the network, the power or the disk.
//!
//! # Promises
//!
//! Every question is settled by the first of these that applies.
//!
//! 1. **Nobody gets up unseen.** In doubt, alarm. Whatever keeps the gateway from watching is told.
//! 2. **No alert is lost.** Delivery is at least once; every attempt of one alert carries the same id.
//! 3. **Nothing waits that need not wait.** Storing an alert and first sending it start together.
//! 4. **No alarm without a cause.** Turning over, a glitch, a restart, a replayed message: none of them is a rise.
//! 5. **What happens in the bedroom stays there.** Readings never leave the process; beds go by ids, people by no name.
//! 6. **Frugal for years.** Flat memory, idle processor, few writes.
//!
//! # The house
//!
//! The code lies the way the data runs:
//!
//! | room | what it is for |
//! |---|---|
//! | [`sensor`] | bytes to readings: one file a way in; decoders are PURE |
//! | [`detect`] | PURE: readings and time in, events out |
//! | [`store`] | the only place that names sled: outbox, journal, state over restarts |
//! | [`dispatch`] | alerts to the dispatch service; the retry policy is PURE |
//! | [`action`] | what the gateway does by itself: a light, a command |
//! | [`power`] | mains or battery, and when that ends |
//! | [`control`] | the local socket that the technician's commands speak to |
//! | [`gateway`] | wiring: tasks, readiness, drain, watchdog, health |
//! | [`model`] | ground floor: ids, time, readings, events, alerts, the night, texts |
//! | [`config`] | a TOML file to checked settings, or every mistake at once |
//! | [`simulate`] | PURE: residents, mats and faults by seed |
//! | [`cli`] | one file a command |
//!
//! `sensor`, `detect`, `store`, `dispatch`, `action`, `power` and `control` never name each other: `gateway` joins them.
//! PURE means no I/O, no async, no clock, no randomness: time and seeds are handed in. `tests/house.rs` and `.clippy.toml`
//! hold both rules.
//! [`blocking`], [`clock`], [`secret`], [`tls`], [`telemetry`] and [`whole`] stand beside the rooms.
//!
//! # Where to begin reading
//!
//! [`model::event`] for the words, [`detect`] for the reason of it all, [`gateway`] for how it hangs together, then
//! [`store`] and [`dispatch::queue`] for why nothing is lost.

pub mod action;
pub mod blocking;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod detect;
pub mod dispatch;
pub mod gateway;
pub mod model;
pub mod power;
pub mod secret;
pub mod sensor;
pub mod simulate;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod whole;
