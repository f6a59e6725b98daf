//! Someone between card and terminal who lets every command through and changes one answer.

use onecard_host::transport::{Transport, TransportError};
use onecard_wire::ins;

/// Words that a card answers to a DEBIT or CREDIT it did not execute.
pub const REFUSALS: [u16; 6] = [0x9302, 0x9401, 0x6700, 0x6982, 0x6985, 0x6A81];

/// A card whose executed DEBIT or CREDIT is told as refused.
pub struct Relay<'a> {
    /// The card.
    pub transport: &'a mut dyn Transport,
    /// The word to tell, once.
    pub refusal: Option<u16>,
}

impl Transport for Relay<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let answer = self.transport.transmit(command)?;
        let moves_money = matches!(command, [ins::CLA_PBOC, ins::DEBIT | ins::CREDIT_FOR_LOAD, ..]);
        let refusal = if moves_money && answer.ends_with(&[0x90, 0x00]) { self.refusal.take() } else { None };
        Ok(refusal.map_or(answer, |word| word.to_be_bytes().to_vec()))
    }
}
