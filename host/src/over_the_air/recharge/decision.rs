//! How a recharge over the air ends.

use core::fmt;

use onecard_wire::{amount::Amount, status::StatusWord};

use super::Recharge;
use crate::over_the_air::PacketStatus;

/// How a recharge ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// The card has the money, once.
    Credited {
        /// The card's TAC for the issuer, if it is known.
        tac: Option<[u8; 4]>,
        /// Balance behind it, which the TAC is over if nothing was paid in between; if it is known.
        balance: Option<Amount>,
    },
    /// The card has not got it and never will: the money may be given back.
    NotCredited(Obstacle),
    /// Not known yet, and nothing may be given back: sending the token's script goes on where it stopped.
    Unknown {
        /// To be kept.
        token: Recharge,
        /// What stood in the way.
        obstacle: Obstacle,
    },
}

/// What stood in the way of a recharge.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Obstacle {
    /// No packet of a step was answered in time.
    NoProof,
    /// The card refused the packet.
    Packet(PacketStatus),
    /// A command was answered so.
    Refused {
        /// 1 SELECT, 2 the step's own.
        command: usize,
        /// The status word.
        status: StatusWord,
    },
    /// A proof whose data are not those of the step.
    Unreadable,
    /// The desk did not approve it.
    NotApproved,
    /// The pending load was ended before it was credited.
    Ended,
    /// Another load took the online sequence, so that this one can be credited no more.
    OtherLoad,
    /// The online sequence has moved and the card no longer has the proof of what moved it: the issuer's books decide.
    SequenceMoved,
    /// Nobody could check the TAC.
    Unchecked,
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
            Self::NotApproved => f.write_str("the desk did not approve it 未获授权"),
            Self::Ended => f.write_str("the pending load was ended 待完成圈存已终止"),
            Self::OtherLoad => f.write_str("another load took its place 已被另一笔圈存取代"),
            Self::SequenceMoved => f.write_str(
                "the card made other loads since and cannot prove this one: look into the issuer's books 需核对账目",
            ),
            Self::Unchecked => f.write_str("nobody could check the TAC TAC未验证"),
        }
    }
}
