//! Gets the text of a configuration file, within bounds. Nothing larger than [`FILE_BYTES_MAX`] is ever held.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::finding::Notes;

/// The largest configuration file, in bytes. A home's is a few KiB; 256 beds are 100 KiB. The worst TOML of this size
/// takes 150 MB while it is read, which is what a small gateway can spare.
pub const FILE_BYTES_MAX: usize = 256 * 1024;

/// Reads a file, to one byte beyond [`FILE_BYTES_MAX`] at most.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Asked before opening: to open a pipe that nobody writes to would wait for ever.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "is no plain file"));
    }
    let mut bytes = Vec::new();
    let most = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns the text of a file's bytes, or notes why it is none. What can be shown of it comes back either way.
pub(super) fn text(bytes: Vec<u8>, notes: &mut Notes) -> String {
    if bytes.len() > FILE_BYTES_MAX {
        let message = format!("the file is larger than {} KiB, so it is no configuration", FILE_BYTES_MAX / 1024);
        notes.error(&(0..0), message, "name the right file; a home's configuration is a few KiB");
        return String::new();
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let help = "save the file as UTF-8; letters like å, ä and ö are what an old editor writes otherwise";
            notes.error(&(at..at + 1), "this byte is no UTF-8 text", help);
            return text;
        }
    };
    // An editor's byte order mark is no part of the text, nor of the columns.
    let text = text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned);
    if let Some(at) = text.find('\0') {
        let help = "the file is damaged or no text; write it anew or put a copy back";
        notes.error(&(at..at + 1), "a NUL byte stands here", help);
    }
    text
}
