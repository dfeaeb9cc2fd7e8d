//! Makes what the Debian package needs beside the program, from the program itself and from `cargo metadata`: manual
//! pages and completions of every command, the copyright of every crate, the bill of materials, the changelog.
//!
//! An example and not a build script: whoever builds the program pays nothing for it, and the shipped program carries
//! none of it. `systemd/debian/package` runs it: `cargo run --example package-parts -- TARGET FOLDER`. Touches no network.

#![expect(clippy::print_stderr, reason = "a failure is told to who builds the package")]

mod bill;
mod changelog;
mod commands;
mod copyright;
mod crates;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use crates::Crates;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [target, folder] = arguments.as_slice() else {
        eprintln!("usage: package-parts TARGET FOLDER");
        return ExitCode::from(2);
    };
    match make(target, Path::new(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("package-parts: {error}");
            ExitCode::FAILURE
        }
    }
}

fn make(target: &str, folder: &Path) -> Result<(), Box<dyn Error>> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = changelog::built(std::env::var("SOURCE_DATE_EPOCH").ok().as_deref())?;
    let crates = Crates::read(home, target)?;
    fs::create_dir_all(folder)?;
    commands::write(folder)?;
    fs::write(folder.join("copyright"), copyright::text(&crates)?)?;
    fs::write(folder.join("nattvakt.cdx.json"), bill::json(&crates, built)?)?;
    fs::write(folder.join("changelog"), changelog::debian(&fs::read_to_string(home.join("CHANGELOG.md"))?, built)?)?;
    Ok(())
}
