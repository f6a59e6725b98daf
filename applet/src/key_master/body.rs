//! The data field of WRITE KEY, enciphered and MACed under the target's control key (4.6, 5.17, 7.3.6; over the air
//! profile §8).

use onecard_wire::{
    ins::{CLA_PBOC_SM, WRITE_KEY},
    key_master::Freshness,
    layout::Writer,
    status::StatusWord,
};
use zeroize::Zeroize;

use super::record::Record;
use crate::crypto::{InitialBlock, Key, line_mac, pad};

/// Longest body: `LD ‖ record of 21` in blocks of 16, and the MAC.
const BODY_LEN_MAX: usize = 32 + MAC_LEN;
const MAC_LEN: usize = 4;

/// A body.
pub(super) type Body = heapless::Vec<u8, BODY_LEN_MAX>;

/// Enciphers `record` and `value` under `control` and adds the MAC.
///
/// # Errors
/// 6F00 if it does not fit: a fault of this program.
pub(super) fn seal(record: &Record, value: &[u8], control: &Key, freshness: Freshness) -> Result<Body, StatusWord> {
    let mut body = Body::new();
    let filled = fill(&mut body, record, value, control.block_len());
    if filled.is_err() {
        body.as_mut_slice().zeroize();
        return Err(StatusWord::INTERNAL_ERROR);
    }
    control.cipher().encipher_all(&mut body);
    let header = [CLA_PBOC_SM, WRITE_KEY, record.p1, record.p2, (body.len() + MAC_LEN) as u8];
    let mac = line_mac(control, initial_block(control, freshness), &[&header, &body]);
    body.extend_from_slice(&mac).map_err(|_| StatusWord::INTERNAL_ERROR)?;
    Ok(body)
}

/// `LD ‖ record ‖ value`, padded only if needed.
fn fill(body: &mut Body, record: &Record, value: &[u8], block_len: usize) -> Result<(), ()> {
    body.push((record.head().len() + value.len()) as u8).map_err(drop)?;
    body.extend_from_slice(record.head()).map_err(drop)?;
    body.extend_from_slice(value).map_err(drop)?;
    if body.len().is_multiple_of(block_len) { Ok(()) } else { pad(body, block_len).map_err(drop) }
}

/// The challenge and zeros. Over the air the place in the packet and zeros, enciphered: whoever picks the counter does not
/// pick the IV.
fn initial_block(control: &Key, freshness: Freshness) -> InitialBlock {
    let mut block = Writer::new().put(&freshness.to_bytes()).finish();
    if let Freshness::OverTheAir { .. } = freshness {
        control.cipher().encipher_all(block.get_mut(..control.block_len()).unwrap_or_default());
    }
    block
}
