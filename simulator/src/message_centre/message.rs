//! What platforms hand over to a message centre, and what it hands over to them.

use std::{fmt, str::FromStr, time::Duration};

use onecard_host::over_the_air::message::Address;
use onecard_wire::{date::Moment, ota::PID_DOWNLOAD};

/// A platform's link, as the message centre tells them apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LinkId(pub u64);

/// The centre's name of a message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MessageId(pub u64);

/// The centre's name of what it hands over to a platform.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DeliveryId(pub u64);

/// A message as a platform hands it over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Submission {
    /// The platform's number.
    pub originator: Address,
    /// The phone's.
    pub phone: Address,
    /// TP-PID.
    pub protocol: u8,
    /// TP-DCS.
    pub coding: u8,
    /// Whether the user data begin with a header.
    pub header: bool,
    /// TP-UD.
    pub user_data: Vec<u8>,
    /// How long it is kept while it cannot be delivered; `None`: until the tries for it are used up.
    pub validity: Option<Duration>,
    /// Whether a delivery receipt is wanted.
    pub receipt: bool,
}

/// Why a message was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotTaken {
    /// Later.
    #[error("the message centre throttles: too much is being sent")]
    Throttled,
    /// Later.
    #[error("the message centre's queue is full")]
    QueueFull,
    /// Never.
    #[error("no phone of the network has that number")]
    NoSuchPhone,
    /// Never.
    #[error("a message has at most 140 bytes of user data")]
    TooLong,
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// The phone took it.
    Delivered,
    /// All tries were in vain.
    GivenUp,
    /// It was no longer valid.
    Expired,
}

/// What goes to a platform.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ToPlatform {
    /// A message of a phone: of its card, or what its delivery report carries.
    Message {
        /// The phone.
        phone: Address,
        /// The platform's number.
        to: Address,
        /// TP-PID.
        protocol: u8,
        /// TP-DCS.
        coding: u8,
        /// Whether the user data begin with a header.
        header: bool,
        /// TP-UD.
        user_data: Vec<u8>,
    },
    /// A delivery receipt.
    Receipt {
        /// Of which message.
        id: MessageId,
        /// The phone.
        phone: Address,
        /// The platform's number.
        to: Address,
        /// What became of the message.
        fate: Fate,
        /// When it was taken, and when this was decided.
        times: [Moment; 2],
    },
}

impl ToPlatform {
    /// Whose phone it is about.
    #[must_use]
    pub const fn phone(&self) -> &Address {
        match self {
            Self::Message { phone, .. } | Self::Receipt { phone, .. } => phone,
        }
    }
}

impl Submission {
    /// Data download (3GPP TS 31.111 clause 7.1.1): the phone hands it on to its card.
    pub(super) const fn is_for_card(&self) -> bool {
        let has_class = self.coding & 0xF0 == 0xF0 || self.coding & 0xD0 == 0x10;
        self.protocol == PID_DOWNLOAD && has_class && self.coding & 0x03 == 0x02
    }

    /// SMS-DELIVER (3GPP TS 23.040 clause 9.2.2.1), by the centre's clock.
    pub(super) fn to_deliver(&self, now: Moment) -> Vec<u8> {
        /// TP-MMS: no more messages wait.
        const NO_MORE: u8 = 0x04;
        const HEADER: u8 = 0x40;
        /// 32 quarters of an hour, digits swapped: China.
        const TIME_ZONE: u8 = 0x23;
        let [_century, stamp @ ..] = now.to_bytes().map(|byte| byte.rotate_left(4));
        let mut tpdu = vec![NO_MORE | if self.header { HEADER } else { 0 }];
        tpdu.extend(self.originator.to_bytes());
        tpdu.extend([self.protocol, self.coding]);
        tpdu.extend(stamp);
        tpdu.push(TIME_ZONE);
        tpdu.push(u8::try_from(self.user_data.len()).unwrap_or(u8::MAX));
        tpdu.extend_from_slice(&self.user_data);
        tpdu
    }
}

/// Hexadecimal, eight digits or more.
impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08X}", self.0)
    }
}

impl FromStr for MessageId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}
