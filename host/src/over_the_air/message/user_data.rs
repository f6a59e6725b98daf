//! User data with a header (3GPP TS 23.040 clause 9.2.3.24; TS 31.115 clause 4).

use onecard_wire::{layout::Reader, ota::element};

/// What is in one message: its header's elements as far as they matter here, and what is behind the header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserData {
    /// Which part of a longer message it is; `None` for a whole one.
    pub concatenation: Option<Concatenation>,
    /// Which packet begins here; further parts do not say it.
    pub packet: Option<PacketKind>,
    /// A packet, or a part of one.
    pub body: Vec<u8>,
}

/// Which part of a longer message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Concatenation {
    /// Whether the reference has two bytes.
    pub wide: bool,
    /// Which message.
    pub reference: u16,
    /// How many parts it has.
    pub parts: u8,
    /// Which one this is, from 1.
    pub part: u8,
}

/// Command or response.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PacketKind {
    /// Element 70.
    Command,
    /// Element 71.
    Response,
}

/// User data that are none of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UserDataError {
    /// The header's length or an element's goes beyond it.
    #[error("the user data header is cut, or longer than the user data")]
    Header,
    /// An element with another length than the standard gives it, twice, or a part that cannot be.
    #[error("information element {0:02X} of the user data header is not as the standard has it")]
    Element(u8),
    /// Neither a packet nor a part of one.
    #[error(
        "the message carries no secured packet: its header has neither element 70 nor 71, and it is no further part"
    )]
    NoPacket,
}

impl PacketKind {
    const fn element(self) -> u8 {
        match self {
            Self::Command => element::COMMAND_PACKET,
            Self::Response => element::RESPONSE_PACKET,
        }
    }
}

impl Concatenation {
    fn parse(id: u8, data: &[u8]) -> Option<Self> {
        let (reference, parts, part) = match (id, data) {
            (element::CONCATENATED, [reference, parts, part]) => (u16::from(*reference), *parts, *part),
            (element::CONCATENATED_WIDE, [high, low, parts, part]) => {
                (u16::from_be_bytes([*high, *low]), *parts, *part)
            }
            _ => return None,
        };
        let wide = id == element::CONCATENATED_WIDE;
        (1..=parts).contains(&part).then_some(Self { wide, reference, parts, part })
    }
}

impl UserData {
    /// Reads user data whose message says that there is a header.
    ///
    /// # Errors
    /// [`UserDataError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, UserDataError> {
        let mut reader = Reader::new(bytes);
        let length = reader.u8().ok_or(UserDataError::Header)?;
        let mut elements = Reader::new(reader.slice(usize::from(length)).ok_or(UserDataError::Header)?);
        let (mut concatenation, mut packet) = (None, None);
        while let Some(id) = elements.u8() {
            let data = elements.u8().and_then(|length| elements.slice(usize::from(length)));
            let data = data.ok_or(UserDataError::Header)?;
            let kind = match id {
                element::CONCATENATED | element::CONCATENATED_WIDE => {
                    let read = Concatenation::parse(id, data).ok_or(UserDataError::Element(id))?;
                    if concatenation.replace(read).is_some() {
                        return Err(UserDataError::Element(id));
                    }
                    continue;
                }
                element::COMMAND_PACKET => PacketKind::Command,
                element::RESPONSE_PACKET => PacketKind::Response,
                _ => continue,
            };
            if !data.is_empty() || packet.replace(kind).is_some() {
                return Err(UserDataError::Element(id));
            }
        }
        let first = concatenation.is_none_or(|it: Concatenation| it.part == 1);
        if first && packet.is_none() {
            return Err(UserDataError::NoPacket);
        }
        Ok(Self { concatenation, packet, body: reader.rest().to_vec() })
    }

    /// Its bytes: the element of concatenation first, as TS 31.115 has it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut header = Vec::with_capacity(8);
        if let Some(Concatenation { wide, reference, parts, part }) = self.concatenation {
            let [high, low] = reference.to_be_bytes();
            if wide {
                header.extend_from_slice(&[element::CONCATENATED_WIDE, 4, high, low, parts, part]);
            } else {
                header.extend_from_slice(&[element::CONCATENATED, 3, low, parts, part]);
            }
        }
        if let Some(kind) = self.packet {
            header.extend_from_slice(&[kind.element(), 0]);
        }
        [&[header.len() as u8][..], &header, &self.body].concat()
    }
}
