//! SMS-SUBMIT with a command packet (3GPP TS 23.040 clause 9.2.2.2; TS 31.115 clause 4).

use heapless::Vec;
use onecard_wire::{
    ota::{COMMAND_HEADER, DCS_DATA_CLASS_2, PID_DOWNLOAD, SUBMIT_WITH_HEADER, USER_DATA_MAX},
    status::StatusWord,
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
    let user_data_len = COMMAND_HEADER.len() + packet.len();
    if user_data_len > USER_DATA_MAX {
        return Err(StatusWord::INTERNAL_ERROR);
    }
    let mut message = Vec::new();
    for part in [
        &[SUBMIT_WITH_HEADER, 0x00, digits as u8][..],
        destination,
        &[PID_DOWNLOAD, DCS_DATA_CLASS_2, user_data_len as u8],
        &COMMAND_HEADER,
        packet,
    ] {
        message.extend_from_slice(part).map_err(|_| StatusWord::INTERNAL_ERROR)?;
    }
    Ok(message)
}
