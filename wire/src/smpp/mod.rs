//! SMPP 3.4 (Short Message Peer to Peer, SMPP Developers Forum, 12-Oct-1999), as far as messages for cards and from them need it:
//! names and numbers here, layouts in [`pdu`], times in [`validity`].

pub mod pdu;
pub mod validity;

/// Length of a header in bytes: command_length, command_id, command_status, sequence_number (clause 3.2).
pub const HEADER_LEN: usize = 16;
/// Most bytes of a PDU that is read (own): a message_payload has up to 65,535 (clause 4.8.4.36), and room for the rest.
pub const PDU_LEN_MAX: usize = 0x1_1000;
/// interface_version of 3.4.
pub const VERSION: u8 = 0x34;
/// The registered port.
pub const PORT: u16 = 2_775;
/// sequence_number begins at 1 and ends here (clause 3.2).
pub const SEQUENCE_MAX: u32 = 0x7FFF_FFFF;
/// Most characters of a password (clause 5.2.2).
pub const PASSWORD_LEN_MAX: usize = 8;
/// Most characters of a system_id (clause 5.2.1).
pub const SYSTEM_ID_LEN_MAX: usize = 15;

/// command_id (clause 5.1.2.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CommandId(pub u32);

impl CommandId {
    /// Bit 31: an answer.
    const RESPONSE: u32 = 0x8000_0000;
    /// generic_nack: neither a request nor the answer to one.
    pub const GENERIC_NACK: Self = Self(0x8000_0000);
    /// bind_receiver.
    pub const BIND_RECEIVER: Self = Self(0x0000_0001);
    /// bind_transmitter.
    pub const BIND_TRANSMITTER: Self = Self(0x0000_0002);
    /// submit_sm.
    pub const SUBMIT_SM: Self = Self(0x0000_0004);
    /// deliver_sm.
    pub const DELIVER_SM: Self = Self(0x0000_0005);
    /// unbind.
    pub const UNBIND: Self = Self(0x0000_0006);
    /// bind_transceiver.
    pub const BIND_TRANSCEIVER: Self = Self(0x0000_0009);
    /// outbind: has no answer.
    pub const OUTBIND: Self = Self(0x0000_000B);
    /// enquire_link.
    pub const ENQUIRE_LINK: Self = Self(0x0000_0015);
    /// alert_notification: has no answer.
    pub const ALERT_NOTIFICATION: Self = Self(0x0000_0102);

    /// Whether it is an answer.
    #[must_use]
    pub const fn is_response(self) -> bool {
        self.0 & Self::RESPONSE != 0
    }

    /// The answer to this request.
    #[must_use]
    pub const fn response(self) -> Self {
        Self(self.0 | Self::RESPONSE)
    }
}

/// command_status (clause 5.1.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CommandStatus(pub u32);

macro_rules! statuses {
    ($($constant:ident = $value:literal, $name:literal, $text:literal;)*) => {
        impl CommandStatus {
            $(#[doc = concat!($name, ": ", $text, ".")]
            pub const $constant: Self = Self($value);)*

            /// What the standard calls it; `None` if it has no name here.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$constant => Some($name),)*
                    _ => None,
                }
            }

            /// What it means; `None` if it has no name here.
            #[must_use]
            pub const fn meaning(self) -> Option<&'static str> {
                match self {
                    $(Self::$constant => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    OK = 0x00, "ESME_ROK", "no error";
    INVALID_MESSAGE_LENGTH = 0x01, "ESME_RINVMSGLEN", "the message's length is wrong";
    INVALID_COMMAND_LENGTH = 0x02, "ESME_RINVCMDLEN", "the command's length is wrong";
    INVALID_COMMAND_ID = 0x03, "ESME_RINVCMDID", "no such command";
    WRONG_BIND_STATE = 0x04, "ESME_RINVBNDSTS", "not in this bind state";
    ALREADY_BOUND = 0x05, "ESME_RALYBND", "already bound";
    SYSTEM_ERROR = 0x08, "ESME_RSYSERR", "system error";
    INVALID_SOURCE = 0x0A, "ESME_RINVSRCADR", "the source address is wrong";
    INVALID_DESTINATION = 0x0B, "ESME_RINVDSTADR", "the destination address is wrong";
    BIND_FAILED = 0x0D, "ESME_RBINDFAIL", "the bind failed";
    INVALID_PASSWORD = 0x0E, "ESME_RINVPASWD", "the password is wrong";
    INVALID_SYSTEM_ID = 0x0F, "ESME_RINVSYSID", "the system_id is wrong";
    QUEUE_FULL = 0x14, "ESME_RMSGQFUL", "the message queue is full";
    SUBMIT_FAILED = 0x45, "ESME_RSUBMITFAIL", "the submit failed";
    THROTTLED = 0x58, "ESME_RTHROTTLED", "too many messages: throttled";
    INVALID_EXPIRY = 0x62, "ESME_RINVEXPIRY", "the validity period is wrong";
    TEMPORARY_APPLICATION_ERROR = 0x64, "ESME_RX_T_APPN", "the receiver cannot take it now";
    PERMANENT_APPLICATION_ERROR = 0x65, "ESME_RX_P_APPN", "the receiver can never take it";
    REJECTED = 0x66, "ESME_RX_R_APPN", "the receiver rejects it";
    UNKNOWN_ERROR = 0xFF, "ESME_RUNKNOWNERR", "unknown error";
}

impl core::fmt::Display for CommandStatus {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match (self.name(), self.meaning()) {
            (Some(name), Some(meaning)) => write!(f, "{:08X} {name}: {meaning}", self.0),
            _ => write!(f, "{:08X}", self.0),
        }
    }
}

/// esm_class (clause 5.2.12).
pub mod esm_class {
    /// Bits 5 to 2: what a deliver_sm is.
    pub const MESSAGE_TYPE: u8 = 0x3C;
    /// A short message.
    pub const DEFAULT: u8 = 0x00;
    /// A delivery receipt of the message centre.
    pub const DELIVERY_RECEIPT: u8 = 0x04;
    /// An acknowledgement of the phone or its card.
    pub const DELIVERY_ACKNOWLEDGEMENT: u8 = 0x08;
    /// An acknowledgement of the phone's user.
    pub const USER_ACKNOWLEDGEMENT: u8 = 0x10;
    /// An intermediate notification.
    pub const INTERMEDIATE_NOTIFICATION: u8 = 0x20;
    /// The message begins with a user data header.
    pub const HEADER: u8 = 0x40;
}

/// registered_delivery (clause 5.2.17): a receipt, delivered or not.
pub const RECEIPT_WANTED: u8 = 0x01;
/// Bits 1 and 0 of registered_delivery: whether a receipt is wanted.
pub const RECEIPT: u8 = 0x03;

/// Tags of optional parameters (clause 5.3.2).
pub mod tag {
    /// receipted_message_id.
    pub const RECEIPTED_MESSAGE_ID: u16 = 0x001E;
    /// sc_interface_version.
    pub const INTERFACE_VERSION: u16 = 0x0210;
    /// message_payload.
    pub const MESSAGE_PAYLOAD: u16 = 0x0424;
    /// message_state.
    pub const MESSAGE_STATE: u16 = 0x0427;
}

/// message_state (clause 5.2.28).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MessageState(pub u8);

impl MessageState {
    /// On its way.
    pub const ENROUTE: Self = Self(1);
    /// The phone has it.
    pub const DELIVERED: Self = Self(2);
    /// Its time is over.
    pub const EXPIRED: Self = Self(3);
    /// Deleted.
    pub const DELETED: Self = Self(4);
    /// It cannot be delivered.
    pub const UNDELIVERABLE: Self = Self(5);
    /// Accepted by somebody for the phone's user.
    pub const ACCEPTED: Self = Self(6);
    /// Nobody knows.
    pub const UNKNOWN: Self = Self(7);
    /// Rejected.
    pub const REJECTED: Self = Self(8);

    const TEXTS: [(Self, &'static str); 8] = [
        (Self::ENROUTE, "ENROUTE"),
        (Self::DELIVERED, "DELIVRD"),
        (Self::EXPIRED, "EXPIRED"),
        (Self::DELETED, "DELETED"),
        (Self::UNDELIVERABLE, "UNDELIV"),
        (Self::ACCEPTED, "ACCEPTD"),
        (Self::UNKNOWN, "UNKNOWN"),
        (Self::REJECTED, "REJECTD"),
    ];

    /// As the text of a receipt has it (appendix B).
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::TEXTS.iter().find(|(_, named)| *named == text).map(|(state, _)| *state)
    }

    /// The same; `None` of a state that the standard does not have.
    #[must_use]
    pub fn text(self) -> Option<&'static str> {
        Self::TEXTS.iter().find(|(state, _)| *state == self).map(|(_, text)| *text)
    }

    /// Whether the phone has it, or the centre has given it up; `None` if neither is decided.
    #[must_use]
    pub const fn is_delivered(self) -> Option<bool> {
        match self {
            Self::DELIVERED => Some(true),
            Self::EXPIRED | Self::DELETED | Self::UNDELIVERABLE | Self::REJECTED => Some(false),
            _ => None,
        }
    }
}
