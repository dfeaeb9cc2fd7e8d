//! The ids that leave the house: of a gateway, of a bed, of an alert.
//!
//! All are short, printable and copied by value. None of them is a name of a person.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Says which rule an id breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not a gateway id.
    #[error("a gateway id is 1 to 16 digits, such as \"4601234567\"")]
    Gateway,
    /// Not a bed id.
    #[error("a bed id is 1 to 8 characters of a-z, 0-9 and -, such as \"bed-1\"")]
    Bed,
    /// Not an alert id.
    #[error("an alert id is 16 characters of 0-9 and A-Z")]
    Alert,
}

/// Up to `N` ASCII characters, kept in place so that ids are `Copy` and cost no allocation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Short<const N: usize> {
    bytes: [u8; N],
    len: u8,
}

impl<const N: usize> Short<N> {
    fn new(text: &str, allowed: fn(u8) -> bool) -> Option<Self> {
        let mut bytes = [0; N];
        let len = u8::try_from(text.len()).ok().filter(|len| *len > 0)?;
        if !text.bytes().all(allowed) {
            return None;
        }
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { bytes, len })
    }

    fn as_str(&self) -> &str {
        let text = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default()
    }
}

/// Gives an id its text form everywhere: `Display`, `Debug`, `FromStr` and serde.
macro_rules! text_id {
    ($name:ident, $error:expr) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text).ok_or($error)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

/// Names this home to dispatch: 1 to 16 digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GatewayId(Short<16>);

impl GatewayId {
    fn parse(text: &str) -> Option<Self> {
        Short::new(text, |byte| byte.is_ascii_digit()).map(Self)
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

text_id!(GatewayId, IdError::Gateway);

/// Names a bed within the home: 1 to 8 characters of `a-z0-9-`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BedId(Short<8>);

impl BedId {
    fn parse(text: &str) -> Option<Self> {
        Short::new(text, |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')).map(Self)
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

text_id!(BedId, IdError::Bed);

/// Names an alert for ever: 16 characters of `0-9A-Z`, random, never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertId(Short<16>);

impl AlertId {
    const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    /// Makes an id from 128 random bits; the sixteen digits of base 36 keep 82 of them.
    #[must_use]
    pub fn from_entropy(entropy: u128) -> Self {
        let mut rest = entropy;
        let mut bytes = [b'0'; 16];
        for byte in &mut bytes {
            let digit = usize::try_from(rest % 36).unwrap_or_default();
            *byte = Self::DIGITS.get(digit).copied().unwrap_or(b'0');
            rest /= 36;
        }
        Self(Short { bytes, len: 16 })
    }

    fn parse(text: &str) -> Option<Self> {
        let short = Short::new(text, |byte| matches!(byte, b'0'..=b'9' | b'A'..=b'Z'))?;
        (short.len == 16).then_some(Self(short))
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

text_id!(AlertId, IdError::Alert);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bed_ids_take_small_letters_digits_and_hyphens_only() {
        assert_eq!("bed-1".parse::<BedId>().unwrap().as_str(), "bed-1");
        for wrong in ["", "Bed-1", "bed 1", "bed-12345", "säng", "bed_1"] {
            assert_eq!(wrong.parse::<BedId>(), Err(IdError::Bed), "{wrong:?}");
        }
    }

    #[test]
    fn gateway_ids_take_up_to_sixteen_digits() {
        assert!("4601234567".parse::<GatewayId>().is_ok());
        assert!("12345678901234567".parse::<GatewayId>().is_err());
        assert!("46-1".parse::<GatewayId>().is_err());
    }

    #[test]
    fn alert_ids_are_sixteen_base_36_digits_and_come_back_from_text() {
        for entropy in [0, 1, u128::MAX, 0x1234_5678_9abc_def0_1234] {
            let id = AlertId::from_entropy(entropy);
            assert_eq!(id.as_str().len(), 16);
            assert_eq!(id.as_str().parse::<AlertId>(), Ok(id));
        }
    }
}
