//! Notes when the program was built, in seconds since 1970: no certificate is judged by a clock that is behind it.
//! `SOURCE_DATE_EPOCH` stands for it where builds have to be reproducible.

#![expect(clippy::disallowed_methods, reason = "the clock of the machine that builds, not of the one that watches")]

use std::time::{SystemTime, UNIX_EPOCH};

fn main() {
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    println!("cargo:rerun-if-changed=Cargo.toml");
    println!("cargo:rerun-if-changed=src");
    let given = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse::<u32>().ok());
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    println!("cargo:rustc-env=NATTVAKT_BUILT={}", given.map_or_else(now, u64::from));
}
