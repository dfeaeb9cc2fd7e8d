//! What can keep the gateway from watching, in the words that dispatch, log and status share.

/// Makes an enum whose variants are the contract's words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Returns the word that dispatch and logs use.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// Returns the fault that a word names.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Why a mat cannot be trusted.
    MatFault {
        /// Nothing arrives.
        Silent = "silent",
        /// The value does not move at all, though it should.
        Stuck = "stuck",
        /// Values that the sensor cannot say.
        OutOfRange = "out-of-range",
        /// What arrives is no reading, or none that a bed could cause.
        Implausible = "implausible",
        /// A contact that opens and closes all the time.
        Chatter = "chatter",
        /// The empty level has moved too far from what was learnt.
        Drifted = "drifted",
        /// The cable or adapter is out.
        Unplugged = "unplugged",
        /// The mat itself, or its bridge, says that it is away.
        Offline = "offline",
        /// The mat asks for a battery.
        LowBattery = "low-battery",
    }
}

words! {
    /// What is wrong with the gateway itself.
    GatewayFault {
        /// Alerts cannot be kept on disk.
        Store = "store",
        /// The wall clock cannot be trusted.
        Clock = "clock",
        /// The MQTT broker is away or refuses us.
        Broker = "broker",
        /// A dispatch channel is wrong or does not take alerts.
        Dispatch = "dispatch",
        /// The configuration file is not sound; the last accepted one is in use.
        Configuration = "configuration",
        /// One of our own certificates, or of the authorities that we trust, ends soon or has ended.
        Certificate = "certificate",
        /// Mains power is lost.
        Power = "power",
        /// A part of the program failed and was started again.
        Program = "program",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_and_are_what_serde_writes() {
        for fault in MatFault::ALL {
            assert_eq!(MatFault::from_word(fault.as_str()), Some(*fault));
            assert_eq!(serde_json::to_value(fault).unwrap(), fault.as_str());
        }
        for fault in GatewayFault::ALL {
            assert_eq!(GatewayFault::from_word(fault.as_str()), Some(*fault));
            assert_eq!(serde_json::to_value(fault).unwrap(), fault.as_str());
        }
    }
}
