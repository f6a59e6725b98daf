//! MACs for places in secured packets (19.4.4): the SAM enciphers the place, and goes on from that block.

use onecard_wire::{
    ins,
    key::{Algorithm, KeyVersion},
    sam::UsageKind,
};

use super::{PsamCard, fixed, send};
use crate::{
    apdu::Command,
    crypto::padding,
    sam::{CardFactors, SamError},
    transport::Transport,
};

impl<T: Transport> PsamCard<T> {
    /// One working key for both commands.
    pub(super) fn mac_from_enciphered(
        &mut self,
        card: CardFactors,
        key: (UsageKind, KeyVersion),
        place: [u8; 8],
        message: &[u8],
    ) -> Result<[u8; 4], SamError> {
        /// P1 of DES CRYPT: encipher whole blocks.
        const ENCIPHER: u8 = 0x00;
        /// P1 of DES CRYPT: a MAC whose IV is the first block of the data.
        const MAC_WITH_IV: u8 = 0x05;
        let algorithm = self.algorithm_of(key.0);
        self.prepare(card, key)?;
        let encipher = Command::new(ins::CLA_PBOC, ins::DES_CRYPT, ENCIPHER, 0x00);
        let encipher = match algorithm {
            Algorithm::Des => encipher.with_data(&place),
            Algorithm::Sm4 | Algorithm::Aes => encipher.with_data(&padding::widened(place)),
        };
        let initial = send(&mut self.transport, &encipher.expecting(0))?;
        if initial.len() != algorithm.block_len() {
            return Err(SamError::Malformed(initial.len()));
        }
        let data = padding::for_des_crypt_from(algorithm, &initial, message);
        let mac = Command::new(ins::CLA_PBOC, ins::DES_CRYPT, MAC_WITH_IV, 0x00).with_bytes(&data);
        let mac = mac.map_err(|_| SamError::MessageTooLong(message.len()))?;
        fixed(&send(&mut self.transport, &mac.expecting(4))?)
    }
}
