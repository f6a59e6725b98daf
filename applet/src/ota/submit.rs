//! SMS-SUBMIT with a command packet (3GPP TS 23.040 clause 9.2.2.2; TS 31.115 clause 4).

use heapless::Vec;
use onecard_wire::{
    ota::{
        COMMAND_HEADER, DCS_DATA_CLASS_2, PID_DOWNLOAD, RESPONSE_HEADER, SUBMIT_WITH_HEADER, USER_DATA_MAX, element,
    },
    status::StatusWord,
};

use super::{
    deliver::Originator,
    proof::{ONE_MESSAGE_MAX, Proof},
};

/// Longest message: first byte, reference, address of 12 bytes, PID, DCS, length, user data.
pub(crate) const SUBMIT_MAX: usize = 2 + 12 + 3 + USER_DATA_MAX;

/// The message, to `destination`: TON and NPI, then swapped digits. Its reference is the phone's to set.
///
/// # Errors
/// 6F00 if it does not fit.
pub(crate) fn submit(destination: &[u8], packet: &[u8]) -> Result<Vec<u8, SUBMIT_MAX>, StatusWord> {
    let digits = match destination.last() {
        Some(last) if last >> 4 == 0x0F => 2 * (destination.len() - 1) - 1,
        Some(_) => 2 * (destination.len() - 1),
        None => return Err(StatusWord::INTERNAL_ERROR),
    };
    let protocol = [PID_DOWNLOAD, DCS_DATA_CLASS_2];
    message(&[&[digits as u8], destination], protocol, &[&COMMAND_HEADER, packet])
}

/// The address, with its number of digits in front; PID and DCS; header and text of the user data.
fn message(address: &[&[u8]], protocol: [u8; 2], user_data: &[&[u8]]) -> Result<Vec<u8, SUBMIT_MAX>, StatusWord> {
    let user_data_len = user_data.iter().map(|part| part.len()).sum::<usize>();
    if user_data_len > USER_DATA_MAX {
        return Err(StatusWord::INTERNAL_ERROR);
    }
    let mut message = Vec::new();
    let head: [&[u8]; 1] = [&[SUBMIT_WITH_HEADER, 0x00]];
    let middle: [&[u8]; 2] = [&protocol, &[user_data_len as u8]];
    for part in head.iter().chain(address).chain(&middle).chain(user_data) {
        message.extend_from_slice(part).map_err(|_| StatusWord::INTERNAL_ERROR)?;
    }
    Ok(message)
}

/// Where a proof goes: back to whom the command came from.
#[derive(Clone)]
pub(crate) struct ReturnAddress {
    pub(crate) originator: Originator,
    /// PID and DCS of the command.
    pub(crate) protocol: [u8; 2],
    /// TON and NPI, then swapped digits; `None`: the phone's own.
    pub(crate) service_centre: Option<Vec<u8, SERVICE_CENTRE_MAX>>,
}

/// Longest address of a service centre in bytes: TON and NPI, then 20 digits.
pub(crate) const SERVICE_CENTRE_MAX: usize = 11;

/// A proof that goes by short message, in parts if it is long.
pub(crate) struct SentProof {
    pub(crate) to: ReturnAddress,
    proof: Proof,
    /// The same in all its parts.
    reference: u8,
    /// Messages made so far.
    made: u8,
    /// Bytes in them.
    sent: usize,
}

impl SentProof {
    /// `reference` tells its parts from those of the last.
    pub(crate) const fn new(to: ReturnAddress, proof: Proof, reference: u8) -> Self {
        Self { to, proof, reference, made: 0, sent: 0 }
    }

    /// The next message; `None` behind the last.
    ///
    /// # Errors
    /// 6F00 if it does not fit: a fault of this program.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8, SUBMIT_MAX>>, StatusWord> {
        let packet = self.proof.packet();
        let rest = packet.get(self.sent..).filter(|rest| !rest.is_empty());
        let Some(rest) = rest else { return Ok(None) };
        let part_max = USER_DATA_MAX - 6;
        let parts = (packet.len() + 2).div_ceil(part_max) as u8;
        let number = self.made + 1;
        let continued = [0x05, element::CONCATENATED, 3, self.reference, parts, number];
        let first = [0x07, element::CONCATENATED, 3, self.reference, parts, number, element::RESPONSE_PACKET, 0];
        let header: &[u8] = match number {
            1 if packet.len() <= ONE_MESSAGE_MAX => &RESPONSE_HEADER,
            1 => &first,
            _ => &continued,
        };
        let (now, _) = rest.split_at(rest.len().min(USER_DATA_MAX - header.len()));
        let message = message(&[&self.to.originator], self.to.protocol, &[header, now])?;
        self.sent += now.len();
        self.made = number;
        Ok(Some(message))
    }
}
