//! Status words (ISO/IEC 7816-4 clause 5.6; the 9xxx words are JR/T 0025 and FMCOS 2.0).

use core::fmt;

/// The two bytes that end every answer. An unknown word passes through unchanged.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatusWord(pub u16);

macro_rules! status_words {
    ($($name:ident = $value:literal, $meaning:literal;)*) => {
        impl StatusWord {
            $(#[doc = concat!(stringify!($value), ": ", $meaning, ".")]
            pub const $name: Self = Self($value);)*

            /// What the word says in general; a command may give it a narrower meaning.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self.0 {
                    $($value => $meaning,)*
                    0x63C0..=0x63CF => "verification failed, the last digit is the number of tries left",
                    0x6100..=0x61FF => "more bytes can be fetched by GET RESPONSE",
                    0x9100..=0x91FF => "done, and a proactive command can be fetched",
                    0x6C00..=0x6CFF => "wrong Le, the second byte is the right one",
                    _ => "status word unknown to this profile",
                }
            }
        }
    };
}

status_words! {
    OK = 0x9000, "done";
    DATA_LOST = 0x62F1, "done, and the answer's data were too long to be carried";
    FILE_INVALIDATED = 0x6283, "selected file is invalid";
    CRYPTOGRAM_WRONG = 0x6300, "cryptogram wrong";
    MORE_DATA = 0x6310, "more entries can be asked for";
    EXECUTION_ERROR = 0x6400, "nothing changed, execution error";
    MEMORY_FAILURE = 0x6581, "memory failure";
    WRONG_LENGTH = 0x6700, "wrong length";
    CHANNEL_NOT_SUPPORTED = 0x6881, "logical channel not supported or not active";
    SM_NOT_SUPPORTED = 0x6882, "secure messaging not supported";
    NO_TRANSACTION = 0x6901, "command not accepted in this state";
    WRONG_FILE_KIND = 0x6981, "command does not fit the kind of file";
    SECURITY_NOT_SATISFIED = 0x6982, "security status not satisfied";
    AUTHENTICATION_BLOCKED = 0x6983, "key or PIN is blocked";
    NO_CHALLENGE = 0x6984, "no challenge to refer to";
    CONDITIONS_NOT_SATISFIED = 0x6985, "conditions of use not satisfied";
    NO_CURRENT_FILE = 0x6986, "no file selected";
    SM_DATA_MISSING = 0x6987, "secure messaging data missing";
    SM_DATA_WRONG = 0x6988, "secure messaging MAC wrong";
    WRONG_DATA = 0x6A80, "wrong parameters in the data field";
    FUNCTION_NOT_SUPPORTED = 0x6A81, "function not supported, application or card blocked";
    FILE_NOT_FOUND = 0x6A82, "file not found";
    RECORD_NOT_FOUND = 0x6A83, "record not found";
    NOT_ENOUGH_SPACE = 0x6A84, "not enough space";
    WRONG_P1P2 = 0x6A86, "wrong P1 P2";
    KEY_NOT_FOUND = 0x6A88, "no such key or data";
    ALREADY_THERE = 0x6A89, "something of this name is there already";
    WRONG_OFFSET = 0x6B00, "offset outside the file";
    INS_NOT_SUPPORTED = 0x6D00, "instruction not supported";
    CLA_NOT_SUPPORTED = 0x6E00, "class not supported";
    INTERNAL_ERROR = 0x6F00, "internal error, nothing changed";
    TOOLKIT_BUSY = 0x9300, "toolkit busy, send the ENVELOPE again later";
    AMOUNT_NOT_AVAILABLE = 0x9301, "insufficient funds";
    MAC_WRONG = 0x9302, "MAC wrong";
    PERMANENTLY_BLOCKED = 0x9303, "application permanently blocked";
    BALANCE_TOO_LOW = 0x9401, "balance too low";
    COUNTER_AT_MAXIMUM = 0x9402, "transaction counter at its maximum";
    NO_SUCH_KEY = 0x9403, "key index not supported";
    NO_MAC_AVAILABLE = 0x9406, "no such MAC available";
    RECORD_LOCKED = 0x9407, "record is locked";
    GREY_LOCKED = 0x9408, "purse is grey-locked";
}

/// 6100: done, the second byte says how many bytes GET RESPONSE fetches.
pub const MORE_BYTES: StatusWord = StatusWord(0x6100);
/// 9F00: the same to a command of class A0 (TS 51.011 clause 9.4.1).
pub const MORE_2G: StatusWord = StatusWord(0x9F00);

impl StatusWord {
    /// 6984 of a PIN that is disabled (ISO/IEC 7816-4: reference data not usable); of other commands [`Self::NO_CHALLENGE`].
    pub const PIN_DISABLED: Self = Self::NO_CHALLENGE;
    /// 6A88 of an application, a data object, a PIN (ISO/IEC 7816-4: referenced data not found); of keys
    /// [`Self::KEY_NOT_FOUND`].
    pub const DATA_NOT_FOUND: Self = Self::KEY_NOT_FOUND;

    /// 63Cx: a wrong PIN, key or MAC; `tries` are left (15 and more are shown as F).
    #[must_use]
    pub const fn tries_left(tries: u16) -> Self {
        Self(0x63C0 | if tries > 15 { 15 } else { tries })
    }

    /// 6Cxx: Le was wrong, `length` is right.
    #[must_use]
    pub const fn right_length(length: u8) -> Self {
        Self(0x6C00 | length as u16)
    }

    /// How many tries a 63Cx leaves.
    #[must_use]
    pub const fn tries(self) -> Option<u8> {
        match self.0 & 0xFFF0 {
            0x63C0 => Some((self.0 & 0x0F) as u8),
            _ => None,
        }
    }

    /// True for 9000.
    #[must_use]
    pub const fn is_ok(self) -> bool {
        self.0 == Self::OK.0
    }

    /// As on the wire.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X} ({})", self.0, self.meaning())
    }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatusWord({:04X})", self.0)
    }
}
