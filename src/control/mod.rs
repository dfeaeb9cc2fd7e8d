//! The local socket: what the technician's commands ask of the running daemon, and what it answers.
//!
//! One JSON request a line, one or more JSON answers a line ([`protocol`]). Who may do what is decided by the kernel's
//! word on the caller ([`access`]). The [`server`] knows no bed: each request goes on as a [`Call`] to the gateway.
//! Nothing that arrives here, however much of it, holds up the watch.
//!
//! # Limits
//!
//! | what | bound | at the bound |
//! | --- | --- | --- |
//! | a request | 4 KiB, within 30 s | refused, the connection ends |
//! | connections | 16, 8 of one user who is not root | the next ones wait in the kernel; those of one user are refused as `busy` |
//! | new connections | 100 a second | the next ones wait in the kernel |
//! | requests | 10 a second and connection | the next one is read later |
//! | an answer that nobody reads | 5 s | the connection ends |
//! | requests that the gateway has not taken | 16 | refused as `busy` |

pub mod access;
mod client;
mod peer;
pub mod protocol;
mod server;
pub mod status;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

pub use access::{ACT_GROUP, Access, READ_GROUP, Rights};
pub use client::{Client, ClientError};
pub use protocol::{Answer, Reason, Refusal, Request};
pub use server::{Call, Setup, run};
pub use status::Status;

/// The name of the socket.
pub const NAME: &str = "control.sock";

/// Where the socket of the service is.
pub const SERVICE_SOCKET: &str = "/run/nattvakt/control.sock";

/// Returns where a daemon has its socket: in the first folder of `$RUNTIME_DIRECTORY`, which the service manager gives,
/// else in the store's.
#[must_use]
pub fn path(runtime_directory: Option<&OsStr>, store: &Path) -> PathBuf {
    let of_service = runtime_directory.and_then(|list| std::env::split_paths(list).next());
    of_service.filter(|path| path.is_absolute()).unwrap_or_else(|| store.to_owned()).join(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_where_the_service_manager_says_else_beside_the_store() {
        let at = |folder: Option<&str>| path(folder.map(OsStr::new), Path::new("/var/lib/nattvakt"));
        assert_eq!(at(Some("/run/nattvakt:/run/other")), Path::new(SERVICE_SOCKET));
        assert_eq!(at(Some("relative")), Path::new("/var/lib/nattvakt/control.sock"));
        assert_eq!(at(None), Path::new("/var/lib/nattvakt/control.sock"));
    }
}
