//! Secrets come from files, stay out of logs and `Debug`, and are refused where everybody may read them.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The longest secret or certificate file that is read, in bytes.
pub const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// A password, token or key. Its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret that is known already.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Reads a secret file: text, with the end of the last line cut off.
    ///
    /// # Errors
    ///
    /// Fails where the file is missing, too large, empty, no text, or may be read by everybody on the machine.
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        let fail = |kind| SecretError { path: path.to_owned(), kind };
        let file = File::open(path).map_err(|error| fail(SecretErrorKind::Io(error)))?;
        let meta = file.metadata().map_err(|error| fail(SecretErrorKind::Io(error)))?;
        if !meta.is_file() {
            return Err(fail(SecretErrorKind::NoFile));
        }
        if meta.mode() & 0o004 != 0 {
            return Err(fail(SecretErrorKind::ReadableByAll));
        }
        if meta.len() > SECRET_BYTES_MAX {
            return Err(fail(SecretErrorKind::TooLarge));
        }
        let mut text = String::new();
        file.take(SECRET_BYTES_MAX).read_to_string(&mut text).map_err(|error| fail(SecretErrorKind::Io(error)))?;
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(fail(SecretErrorKind::Empty));
        }
        Ok(Self(text.to_owned()))
    }

    /// Hands the secret out. Only for the call that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Says why a secret file cannot be used, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{}: {kind}", path.display())]
pub struct SecretError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub kind: SecretErrorKind,
}

/// What is wrong with a secret file.
#[derive(Debug, thiserror::Error)]
pub enum SecretErrorKind {
    /// It cannot be opened or read.
    #[error("cannot be read: {0}")]
    Io(io::Error),
    /// It is a folder or a device.
    #[error("is no plain file")]
    NoFile,
    /// Its mode lets everybody read it.
    #[error("may be read by everybody on this machine; take that right away with `chmod o-r`")]
    ReadableByAll,
    /// It is larger than any secret.
    #[error("is larger than {SECRET_BYTES_MAX} bytes and so no secret")]
    TooLarge,
    /// Nothing stands in it.
    #[error("is empty")]
    Empty,
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(content: &[u8], mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), content).unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
        file
    }

    #[test]
    fn the_end_of_the_line_is_no_part_of_a_secret() {
        assert_eq!(Secret::read(file(b"s3cret\r\n", 0o640).path()).unwrap().reveal(), "s3cret");
    }

    #[test]
    fn a_secret_that_everybody_may_read_is_refused() {
        let error = Secret::read(file(b"s3cret", 0o644).path()).unwrap_err();
        assert!(matches!(error.kind, SecretErrorKind::ReadableByAll));
    }

    #[test]
    fn empty_binary_and_huge_files_are_refused() {
        assert!(Secret::read(file(b"\n", 0o600).path()).is_err());
        assert!(Secret::read(file(b"\xff\xfe", 0o600).path()).is_err());
        assert!(Secret::read(file(&vec![b'a'; 70_000], 0o600).path()).is_err());
    }

    #[test]
    fn debug_tells_nothing() {
        assert!(!format!("{:?}", Secret::new("s3cret")).contains("s3cret"));
    }
}
