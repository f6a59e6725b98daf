//! What the keys say of one MAC, in both languages.

use core::fmt;

use onecard_wire::{
    key::{KeyType, KeyVersion},
    sam::UsageKind,
    status::StatusWord,
};

use crate::trace::Peer;

/// What is said of one MAC or cryptogram.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The entry of the trace that it stands in, from 0.
    pub entry: usize,
    /// Between whom.
    pub with: Peer,
    /// Its name in the standard.
    pub name: &'static str,
    /// The clause of the specification that fixes it.
    pub clause: &'static str,
    /// What is said.
    pub verdict: Verdict,
}

/// Right, wrong, or neither.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// As the key makes it.
    Right,
    /// As the key makes it, and the card or SAM did not believe it: it has another key.
    Refused(StatusWord),
    /// Not as the key makes it.
    Wrong(Box<Wrong>),
    /// Nothing can be said.
    Unchecked(Unchecked),
}

/// Where it is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrong {
    /// The first wrong byte.
    pub at: Place,
    /// The field it stands in.
    pub field: &'static str,
    /// The whole MAC as it stands in the trace.
    pub got: Vec<u8>,
    /// As the key makes it; empty if the command is not laid out so that one could be made.
    pub expected: Vec<u8>,
    /// If the MAC fits another value of that byte alone: the byte was changed, not the MAC.
    pub fit: Option<Fit>,
    /// What was answered, if the terminal made it.
    pub answered: Option<StatusWord>,
}

/// A byte of the trace.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// The entry, from 0.
    pub entry: usize,
    /// Which half of it.
    pub side: Side,
    /// From 0; in a command CLA is byte 0.
    pub offset: usize,
}

/// Half of an exchange.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Side {
    /// What was sent.
    Command,
    /// What came back.
    Answer,
}

/// A byte that would make a MAC right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fit {
    /// As it stands in the trace.
    pub is: u8,
    /// As the MAC was made over it.
    pub should_be: u8,
}

/// Why nothing can be said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unchecked {
    /// A PIN, a key or the holder.
    #[error("it covers bytes that are not kept in a trace")]
    Hidden,
    /// The key file has no such key, or the trace does not say whose card it is.
    #[error("no key of type {:02X}, id {id:02X}{} is known for this card", .key_type.0, of_version(*.version))]
    NoKey {
        /// Its type.
        key_type: KeyType,
        /// Its id.
        id: u8,
        /// Its version, where the card tells it.
        version: Option<KeyVersion>,
    },
    /// The same of a SAM.
    #[error("no SAM key of kind {:02X}{} is known", .kind.0, of_version(Some(*.version)))]
    NoSamKey {
        /// Its kind.
        kind: UsageKind,
        /// Its version.
        version: KeyVersion,
    },
    /// An 8-byte key makes no session key.
    #[error("the key has 8 bytes, a session key comes from 16")]
    ShortKey,
    /// The challenge is not in the trace.
    #[error("no GET CHALLENGE stands in front of it")]
    NoChallenge,
    /// INITIALIZE is not in the trace.
    #[error("the transaction's INITIALIZE is not in this trace")]
    NoTransaction,
    /// No terminal number.
    #[error("the SAM's terminal number is not in this trace")]
    NoTerminal,
    /// The command is not laid out as its clause says.
    #[error("the bytes are not laid out as this command's")]
    Layout,
}

fn of_version(version: Option<KeyVersion>) -> String {
    version.map_or_else(String::new, |version| format!(", version {:02X}", version.0))
}

impl Verdict {
    /// Wrong, or right and not believed.
    #[must_use]
    pub const fn is_wrong(&self) -> bool {
        matches!(self, Self::Wrong(_) | Self::Refused(_))
    }
}

impl Unchecked {
    /// The same in Chinese.
    #[must_use]
    pub fn chinese(&self) -> String {
        match self {
            Self::Hidden => "涉及记录中不保存的字节".to_owned(),
            Self::NoKey { key_type, id, .. } => format!("没有该卡{:02X}类型{id:02X}号密钥", key_type.0),
            Self::NoSamKey { kind, version } => format!("没有SAM的{:02X}类{:02X}版密钥", kind.0, version.0),
            Self::ShortKey => "密钥为8字节，无法生成过程密钥".to_owned(),
            Self::NoChallenge => "此前没有取随机数".to_owned(),
            Self::NoTransaction => "记录中没有该交易的初始化".to_owned(),
            Self::NoTerminal => "记录中没有SAM的终端编号".to_owned(),
            Self::Layout => "字节不符合本命令的格式".to_owned(),
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Command => "command",
            Self::Answer => "answer",
        })
    }
}

impl fmt::Display for Wrong {
    /// Where, what stands there, and what should.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at: Place { side, offset, .. }, field, got, expected, fit, answered } = self;
        match fit {
            Some(Fit { is, should_be }) => write!(
                f,
                "byte {offset} of the {side} ({field}) is {is:02X}, and the MAC was made over {should_be:02X} there"
            )?,
            None => {
                let (got, expected) = (hex::encode_upper(got), hex::encode_upper(expected));
                write!(f, "byte {offset} of the {side} ({field}): it has {got}, the key makes {expected}")?;
            }
        }
        match answered {
            Some(status) if status.is_ok() => f.write_str("; it was accepted all the same"),
            Some(status) => write!(f, "; it was answered by {:04X}", status.0),
            None => Ok(()),
        }
    }
}
