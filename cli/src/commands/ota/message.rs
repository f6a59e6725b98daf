//! Packets as they are handed in: bare, as user data, or as TPDUs.

use anyhow::{Context, bail, ensure};
use onecard_host::over_the_air::message::{Assembly, Deliver, PacketKind, Submit, UserData};

use super::fields::{Row, user_data_row};

/// A packet, and what it was in.
#[derive(Debug)]
pub(super) struct Received {
    /// Which; `None` for a bare packet, which does not say.
    pub(super) kind: Option<PacketKind>,
    /// CPL or RPL to padding.
    pub(super) packet: Vec<u8>,
    /// What it was in.
    pub(super) carriage: Vec<Row>,
}

/// Bytes in hexadecimal digits, with or without spaces between them.
pub(super) fn hexadecimal(text: &str) -> Result<Vec<u8>, String> {
    let digits: String = text.split_whitespace().collect();
    let bytes = hex::decode(digits).ok().filter(|bytes| !bytes.is_empty());
    bytes.ok_or_else(|| "expected hexadecimal digits, two a byte".to_owned())
}

impl Received {
    /// Of one packet: bare or in a message, or of every part of a message.
    pub(super) fn of(messages: &[Vec<u8>]) -> anyhow::Result<Self> {
        let mut carriage = Vec::new();
        let mut assembly: Option<Assembly> = None;
        for (bytes, number) in messages.iter().zip(1..) {
            let place = || format!("message {number} of {}", messages.len());
            let Some(part) = user_data(bytes, &mut carriage).with_context(place)? else {
                ensure!(
                    messages.len() == 1,
                    "message {number} is neither user data nor a TPDU: a bare packet stands alone"
                );
                return Ok(Self { kind: None, packet: bytes.clone(), carriage });
            };
            if part.concatenation.is_none() {
                ensure!(messages.len() == 1, "message {number} is whole: it is explained by itself");
                return Ok(Self { kind: part.packet, packet: part.body, carriage });
            }
            match &mut assembly {
                Some(assembly) => assembly.add(part).with_context(place)?,
                None => assembly = Assembly::begin(part),
            }
        }
        match assembly.and_then(|assembly| assembly.packet()) {
            Some((kind, packet)) => Ok(Self { kind: Some(kind), packet, carriage }),
            None => bail!("parts of the message are missing: give every part 分段不全"),
        }
    }
}

/// The user data, unless the bytes are a packet by themselves: CPL or RPL counts what is behind it, which no TPDU begins with.
fn user_data(bytes: &[u8], carriage: &mut Vec<Row>) -> anyhow::Result<Option<UserData>> {
    let counted = bytes
        .split_first_chunk::<2>()
        .is_some_and(|(length, rest)| usize::from(u16::from_be_bytes(*length)) == rest.len());
    if counted {
        return Ok(None);
    }
    let first = bytes.first().copied().unwrap_or_default();
    let user_data = match first {
        0x02 | 0x05..=0x0C => UserData::parse(bytes)?,
        _ if first & 0x43 == 0x40 => {
            let message = Deliver::parse(bytes)?;
            let coding = format!("PID {:02X}, DCS {:02X}", message.pid, message.dcs);
            carriage.push(Row::new(
                "SMS-DELIVER",
                "下行短信",
                &message.time.0,
                format!("from {}, {coding}", message.originator),
            ));
            message.user_data
        }
        _ if first & 0x43 == 0x41 => {
            let message = Submit::parse(bytes)?;
            let coding = format!("PID {:02X}, DCS {:02X}", message.pid, message.dcs);
            carriage.push(Row::new(
                "SMS-SUBMIT",
                "上行短信",
                &[message.reference],
                format!("to {}, {coding}", message.destination),
            ));
            message.user_data
        }
        _ => bail!(
            "neither a packet (its first two bytes count the others) nor user data, SMS-DELIVER or SMS-SUBMIT with a header"
        ),
    };
    carriage.push(user_data_row(&user_data));
    Ok(Some(user_data))
}
