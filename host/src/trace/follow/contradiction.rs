//! Answers that cannot be, after what went before.

use core::fmt;

use onecard_wire::{
    amount::Amount,
    wallet::{Purse, TransactionType},
};

use crate::trace::command::{purse_name, transaction_type, yuan};

/// An answer that contradicts what went before it: a byte was changed on the way or in the file, exchanges are missing, or
/// the card or SAM is not as specified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Contradiction {
    /// 9000 to a second command that no INITIALIZE stands in front of.
    NotBegun,
    /// 9000 to a command that needs a challenge, and the command in front of it was no GET CHALLENGE.
    NoChallenge,
    /// 9000 from an application that is blocked.
    Blocked,
    /// 9000, and the data are not laid out as this command's.
    Layout,
    /// INITIALIZE or GET BALANCE tells another balance than the transactions in front of it leave.
    Balance {
        /// Whose.
        purse: Purse,
        /// By what went before.
        expected: Amount,
        /// By the answer.
        found: Amount,
    },
    /// INITIALIZE tells another sequence than the transactions in front of it leave.
    Sequence {
        /// The online one, or the offline one.
        online: bool,
        /// By what went before.
        expected: u16,
        /// By the answer.
        found: u16,
    },
    /// 9000 to a transaction of more than there is.
    AboveBalance,
    /// 9000 to GET TRANSACTION PROVE for a transaction that has not happened yet.
    ProofOfNothing {
        /// Asked for.
        transaction_type: TransactionType,
        /// Asked for.
        sequence: u16,
    },
    /// 9406 to GET TRANSACTION PROVE for a transaction that was answered in this trace.
    ProofMissing,
    /// GET TRANSACTION PROVE answers other bytes than the transaction was answered with.
    ProofDiffers,
    /// Log record 01 is not of the last transaction.
    Log,
    /// The terminal sends another MAC1 or sequence than its SAM made.
    NotTheSams,
    /// The SAM gives another terminal sequence than its transactions leave.
    TerminalSequence {
        /// By what went before.
        expected: u32,
        /// By the answer.
        found: u32,
    },
}

impl Contradiction {
    /// Clause of the specification that the answer is against.
    #[must_use]
    pub const fn clause(&self) -> &'static str {
        match self {
            Self::NotBegun => "6.2.1",
            Self::NoChallenge => "4.6.2",
            Self::Blocked => "5.13.2",
            Self::Layout => "5.1.1",
            Self::Balance { .. } => "6.1.2",
            Self::Sequence { .. } => "6.1.4",
            Self::AboveBalance => "6.5.1",
            Self::ProofOfNothing { .. } | Self::ProofDiffers => "6.8.1",
            Self::ProofMissing => "6.1.3",
            Self::Log => "3.7.1",
            Self::NotTheSams => "7.5.1",
            Self::TerminalSequence { .. } => "7.5.2",
        }
    }

    /// The same in Chinese.
    #[must_use]
    pub fn chinese(&self) -> String {
        match self {
            Self::NotBegun => "此前没有初始化命令，本交易不可能成功".to_owned(),
            Self::NoChallenge => "紧邻的前一条命令不是取随机数，本命令不可能成功".to_owned(),
            Self::Blocked => "应用已锁定，本命令不可能成功".to_owned(),
            Self::Layout => "应答数据不符合本命令的格式".to_owned(),
            Self::Balance { purse, expected, found } => {
                format!("{}余额应为{expected}元，应答为{found}元", purse_name(*purse))
            }
            Self::Sequence { online, expected, found } => {
                let which = if *online { "联机" } else { "脱机" };
                format!("{which}交易序号应为{expected}，应答为{found}")
            }
            Self::AboveBalance => "金额大于余额，本命令不可能成功".to_owned(),
            Self::ProofOfNothing { sequence, .. } => format!("序号{sequence}的交易尚未发生，不可能有交易认证"),
            Self::ProofMissing => "该交易在本记录中已成功，应有交易认证".to_owned(),
            Self::ProofDiffers => "交易认证与该交易的应答不一致".to_owned(),
            Self::Log => "01号明细不是最后一笔交易".to_owned(),
            Self::NotTheSams => "终端发出的MAC1或终端交易序号不是SAM所给".to_owned(),
            Self::TerminalSequence { expected, found } => format!("终端交易序号应为{expected}，应答为{found}"),
        }
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBegun => f.write_str("done, though no INITIALIZE for it stands in front of it"),
            Self::NoChallenge => f.write_str("done, though the command in front of it was no GET CHALLENGE"),
            Self::Blocked => f.write_str("done, though the application is blocked"),
            Self::Layout => f.write_str("the data are not laid out as this command's"),
            Self::Balance { purse, expected, found } => {
                let purse = purse_name(*purse);
                write!(f, "the {purse} should have {}, and the answer says {}", yuan(*expected), yuan(*found))
            }
            Self::Sequence { online, expected, found } => {
                let which = if *online { "online" } else { "offline" };
                write!(f, "the {which} sequence should be {expected}, and the answer says {found}")
            }
            Self::AboveBalance => f.write_str("done, though the amount is above the balance"),
            Self::ProofOfNothing { transaction_type: asked, sequence } => {
                let asked = transaction_type(*asked);
                write!(f, "a proof of {asked}, sequence {sequence}, which has not happened yet")
            }
            Self::ProofMissing => f.write_str("no proof of a transaction that was done in this trace"),
            Self::ProofDiffers => f.write_str("the proof is not what the transaction itself was answered with"),
            Self::Log => f.write_str("log record 01 is not of the last transaction"),
            Self::NotTheSams => f.write_str("the terminal sends another MAC1 or terminal sequence than its SAM made"),
            Self::TerminalSequence { expected, found } => {
                write!(f, "the terminal sequence should be {expected}, and the answer says {found}")
            }
        }
    }
}
