//! Nattvakt: night watch for beds.
pub mod cli;
pub mod clock;
pub mod config;
pub mod detect;
pub mod dispatch;
pub mod model;
pub mod secret;
pub mod sensor;
pub mod simulate;
pub mod store;
pub mod tls;
