//! Records as they lie on disk: version, checksum, payload. PURE.
//!
//! ```text
//! version (1)  crc32 of version and payload (4, big-endian)  payload
//! ```
//!
//! Every version begins like this. The payload of alerts, journal and meta is JSON whose unknown fields are skipped, so
//! the program before can read what the one after wrote; a change that it must not misread takes a new version.
//!
//! | reader | data | outcome |
//! | --- | --- | --- |
//! | old | new fields, same version | read, the new fields skipped |
//! | old | newer version | [`BadRecord::Newer`]: left where it is for the newer program |
//! | new | older version | read; there is no older one yet |

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::NotKept;

/// The version that is written.
const VERSION: u8 = 1;

/// The bytes before the payload.
const HEAD_BYTES: usize = 5;

/// The largest record, head included, in bytes.
pub(super) const RECORD_BYTES_MAX: usize = 64 * 1024;

/// A whole record, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record(Vec<u8>);

impl Record {
    /// Wraps bytes that mean something to the caller only.
    pub(super) fn of_bytes(payload: &[u8]) -> Result<Self, NotKept> {
        let bytes = HEAD_BYTES + payload.len();
        if bytes > RECORD_BYTES_MAX {
            return Err(NotKept::TooLarge { bytes, max: RECORD_BYTES_MAX });
        }
        let mut record = Vec::with_capacity(bytes);
        record.push(VERSION);
        record.extend_from_slice(&checksum(VERSION, payload).to_be_bytes());
        record.extend_from_slice(payload);
        Ok(Self(record))
    }

    /// Writes a value as JSON.
    pub(super) fn of_json<T: Serialize>(value: &T) -> Result<Self, NotKept> {
        Self::of_bytes(&json(value))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("what is stored has text keys only, and no part whose writing can fail")
}

/// Why a record cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadRecord {
    /// Too short, or the payload is not what was expected.
    #[error("malformed: {0}")]
    Malformed(String),
    /// Not what was written.
    #[error("checksum wrong")]
    Checksum,
    /// Written by a later program, and sound.
    #[error("written by a newer version of the program (format {0})")]
    Newer(u8),
}

/// Checks a record and returns its payload.
pub(super) fn payload(record: &[u8]) -> Result<&[u8], BadRecord> {
    let (head, payload) =
        record.split_first_chunk::<HEAD_BYTES>().ok_or_else(|| BadRecord::Malformed("too short".to_owned()))?;
    let [version, crc @ ..] = *head;
    if u32::from_be_bytes(crc) != checksum(version, payload) {
        return Err(BadRecord::Checksum);
    }
    match version {
        VERSION => Ok(payload),
        0 => Err(BadRecord::Malformed("format 0".to_owned())),
        newer => Err(BadRecord::Newer(newer)),
    }
}

/// Checks a record and reads its JSON.
pub(super) fn parse<T: DeserializeOwned>(record: &[u8]) -> Result<T, BadRecord> {
    serde_json::from_slice(payload(record)?).map_err(|error| BadRecord::Malformed(error.to_string()))
}

fn checksum(version: u8, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[version]);
    hasher.update(payload);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with_version(version: u8, payload: &[u8]) -> Vec<u8> {
        let mut record = vec![version];
        record.extend_from_slice(&checksum(version, payload).to_be_bytes());
        record.extend_from_slice(payload);
        record
    }

    #[test]
    fn a_newer_version_is_told_from_damage() {
        assert_eq!(payload(&with_version(2, b"{}")), Err(BadRecord::Newer(2)));
        assert_eq!(payload(&[]), Err(BadRecord::Malformed("too short".to_owned())));
        assert_eq!(payload(&[2, 0, 0, 0, 0, 7]), Err(BadRecord::Checksum));
        assert!(matches!(parse::<u8>(&with_version(1, b"{")), Err(BadRecord::Malformed(_))));
    }

    #[test]
    fn a_record_beyond_the_limit_is_refused_and_one_at_the_limit_is_not() {
        let most = RECORD_BYTES_MAX - HEAD_BYTES;
        assert!(Record::of_bytes(&vec![0; most]).is_ok());
        let bytes = RECORD_BYTES_MAX + 1;
        assert_eq!(Record::of_bytes(&vec![0; most + 1]), Err(NotKept::TooLarge { bytes, max: RECORD_BYTES_MAX }));
    }

    proptest! {
        #[test]
        fn a_payload_comes_back_and_no_flipped_bit_goes_unseen(
            written in proptest::collection::vec(any::<u8>(), 0..300), at in any::<prop::sample::Index>(), bit in 0..8u8,
        ) {
            let record = Record::of_bytes(&written).unwrap();
            prop_assert_eq!(payload(record.as_bytes()), Ok(written.as_slice()));
            let mut damaged = record.as_bytes().to_vec();
            let index = at.index(damaged.len());
            damaged[index] ^= 1 << bit;
            prop_assert_eq!(payload(&damaged), Err(BadRecord::Checksum));
        }
    }
}
