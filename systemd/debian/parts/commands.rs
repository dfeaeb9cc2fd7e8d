//! Manual pages and completions, made from the command line as clap knows it: a new command is in them by itself.

use std::fs;
use std::io;
use std::path::Path;

use clap::Command;
use clap_complete::{Shell, generate_to};

/// Writes `man/nattvakt.1`, `man/nattvakt-COMMAND.1` and the completions of bash, zsh and fish. Hidden commands are left
/// out: nobody types them.
pub(crate) fn write(folder: &Path) -> io::Result<()> {
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    for folder in [&man, &completions] {
        // A command that is gone leaves no page behind.
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => fs::create_dir_all(folder)?,
        }
    }
    // The word `help` is clap's own and needs no page.
    clap_mangen::generate_to(visible().disable_help_subcommand(true), &man)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut visible(), "nattvakt", &completions)?;
    }
    Ok(())
}

/// Returns the command line without its hidden commands, which the completions would offer.
pub(crate) fn visible() -> Command {
    let whole = nattvakt::cli::command();
    let about = whole.get_about().cloned().unwrap_or_default();
    let commands = whole.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect::<Vec<_>>();
    Command::new("nattvakt").version(env!("CARGO_PKG_VERSION")).about(about).subcommands(commands)
}
