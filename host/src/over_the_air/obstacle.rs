//! What stands in the way of a flow over the air, and how long it is gone on with.

use core::fmt;

use onecard_wire::{number::ApplicationSerial, status::StatusWord};
use serde::{Deserialize, Serialize};

use super::PacketStatus;
use crate::{keys::CheckValue, terminal::stored::status_word};

/// How long a flow goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tries {
    /// Packets of one question, each with its own counter, before nobody can say: 1 or more.
    pub packets: u8,
    /// How often what changes the card is made anew, once it is shown not to have been done: 1 or more.
    pub attempts: u8,
}

/// What stood in the way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Obstacle {
    /// No packet of a step was answered in time.
    NoProof,
    /// The card refused the packet.
    Packet(PacketStatus),
    /// A command was answered so.
    Refused {
        /// From 1.
        command: usize,
        /// The status word.
        #[serde(with = "status_word")]
        status: StatusWord,
    },
    /// A proof whose data are not those of the step.
    Unreadable,
    /// The card has no such application, or the operator has locked it.
    Absent,
    /// The application is not issued yet.
    Unissued,
    /// The enterprise's application on the card is another.
    Other(#[serde(with = "crate::as_text")] ApplicationSerial),
    /// The operator has locked the application.
    Locked,
    /// EF 0017 says that, which is not for this flow to change.
    Status(u8),
    /// Nobody made what the packet needs: bodies, or a MAC.
    NotMade,
    /// What was read is not what was written.
    Different,
    /// The balance was not refunded.
    NotSettled,
    /// The balance is not what was refunded any more, or it can be spent again.
    Moved,
    /// The desk did not approve the load.
    NotApproved,
    /// The pending load was ended before it was credited.
    Ended,
    /// Another load took the online sequence, so that this one can be credited no more.
    OtherLoad,
    /// The online sequence has moved and the card no longer has the proof of what moved it: the issuer's books decide.
    SequenceMoved,
    /// Nobody could check the TAC.
    Unchecked,
    /// The card's log says it, and opens by the maintenance key of that check value, which nobody has.
    NoMaintenanceKey(#[serde(with = "crate::as_text")] CheckValue),
    /// The application is not on the card; it may have been, whole, until somebody deleted it.
    Gone,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProof => f.write_str("no proof of receipt came 未收到响应"),
            Self::Packet(status) => write!(f, "the card refused the packet: {status}"),
            Self::Refused { command, status } => {
                write!(f, "command {command} was answered {:04X} 命令被拒绝", status.0)
            }
            Self::Unreadable => f.write_str("the card's answer cannot be read 响应无法解析"),
            Self::Absent => f.write_str("the application is not on the card, or locked 卡上无此应用或已被锁定"),
            Self::Unissued => f.write_str("the application is not issued yet 应用未启用"),
            Self::Other(serial) => write!(f, "the card has another application, {serial} 卡上是另一张应用"),
            Self::Locked => f.write_str("the operator has locked the application: unlock it first 应用已被运营商锁定"),
            Self::Status(status) => write!(f, "the application's status is {status:02X} 应用状态不符"),
            Self::NotMade => f.write_str("the key store made no packet 密钥库未生成报文"),
            Self::Different => {
                f.write_str("what was read is not what was written: look at it at the desk 回读不符，请到服务点核查")
            }
            Self::NotSettled => f.write_str("the balance was not refunded 余额未退"),
            Self::Moved => {
                f.write_str("the balance is not what was refunded: look into the issuer's books 余额有变，需核对账目")
            }
            Self::NotApproved => f.write_str("the desk did not approve it 未获授权"),
            Self::Ended => f.write_str("the pending load was ended 待完成圈存已终止"),
            Self::OtherLoad => f.write_str("another load took its place 已被另一笔圈存取代"),
            Self::SequenceMoved => f.write_str(
                "the card made other loads since and cannot prove this one: look into the issuer's books 需核对账目",
            ),
            Self::Unchecked => f.write_str("nobody could check the TAC TAC未验证"),
            Self::NoMaintenanceKey(check_value) => write!(
                f,
                "the card's log says it, and opens by the maintenance key with the check value {check_value}, of a version that is \
                 not at hand: give --keys of that version and resume, or look into the issuer's books \
                 缺少该版本维护密钥，补齐后恢复，或核对账目"
            ),
            Self::Gone => f.write_str(
                "the application is not on the card: it may have been there, and been deleted since. Order it anew under another serial \
                 应用已不在卡上，请换新序列号重新下单",
            ),
        }
    }
}
