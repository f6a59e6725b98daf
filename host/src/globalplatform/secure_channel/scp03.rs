//! SCP03 with AES-128, 192 and 256, in S8 and S16 mode (amendment D).

use onecard_wire::{globalplatform::secure_channel::scp03_constant, status::StatusWord};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    super::keys::{AesKey, KeyTriple},
    level::Level,
    wrapping::{Framed, TooLong, unpadded_len},
};
use crate::{
    apdu::{Command, Response},
    crypto::{
        Aes, Cmac,
        padding::{WIDE_BLOCK_LEN, WideBlock},
    },
};

/// A session's keys, chaining value and counter.
pub(super) struct Scp03 {
    enc: Aes,
    mac: Cmac,
    rmac: Cmac,
    dek: Aes,
    chaining: WideBlock,
    /// Of commands: 1 is the first after EXTERNAL AUTHENTICATE.
    counter: u64,
    /// 8 bytes, in S16 mode 16: of challenges, cryptograms and MACs.
    width: usize,
}

/// Why an answer ends the session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum AnswerDefect {
    Mac,
    Form,
}

impl Scp03 {
    /// Derives the session's keys from both challenges (6.2.1).
    pub(super) fn new(keys: &KeyTriple<AesKey>, host: &[u8], card: &[u8]) -> Self {
        let context = [host, card].concat();
        let session = |key: &AesKey, constant| {
            let derived = derive(&Cmac::new(key), constant, key.expose().len(), &context);
            // As long as the key it is derived from, so it is a key's length.
            AesKey::new(&derived).unwrap_or_else(|_| key.clone())
        };
        Self {
            enc: Aes::new(&session(&keys.enc, scp03_constant::S_ENC)),
            mac: Cmac::new(&session(&keys.mac, scp03_constant::S_MAC)),
            rmac: Cmac::new(&session(&keys.mac, scp03_constant::S_RMAC)),
            dek: Aes::new(&keys.dek),
            chaining: [0; WIDE_BLOCK_LEN],
            counter: 0,
            width: host.len(),
        }
    }

    /// The card's cryptogram or the host's (6.2.2.2, 6.2.2.3).
    pub(super) fn cryptogram(&self, constant: u8, host: &[u8], card: &[u8]) -> Zeroizing<Vec<u8>> {
        derive(&self.mac, constant, self.width, &[host, card].concat())
    }

    /// EXTERNAL AUTHENTICATE: its data are in clear, and it is not counted.
    pub(super) fn authenticate(&mut self, command: &Command) -> Result<Zeroizing<Vec<u8>>, TooLong> {
        let wrapped = self.wrap(command, false);
        self.counter = 0;
        wrapped
    }

    /// A command with its C-MAC (6.2.4), enciphered if it has data (6.2.6). The MAC is over what is sent.
    pub(super) fn wrap(&mut self, command: &Command, encipher: bool) -> Result<Zeroizing<Vec<u8>>, TooLong> {
        let plain = command.data();
        let enciphers = encipher && !plain.is_empty();
        let sent = if enciphers { (plain.len() / WIDE_BLOCK_LEN + 1) * WIDE_BLOCK_LEN } else { plain.len() };
        let framed = Framed::new(command, sent, self.width)?;

        // Every command counts, with data or without.
        self.counter += 1;
        let mut bytes = framed.begin();
        let begun = bytes.len();
        bytes.extend_from_slice(plain);
        if enciphers {
            bytes.push(0x80);
            bytes.resize(begun + sent, 0x00);
            let initial = self.initial(0x00);
            if let Some((_, data)) = bytes.split_at_mut_checked(begun) {
                self.enc.encipher_chained(initial, data.as_chunks_mut().0);
            }
        }
        let mac = self.mac.of(&[&self.chaining, &bytes]);
        self.chaining = mac;
        let (mac, _) = mac.split_at_checked(self.width).unwrap_or((&mac, &[]));
        Ok(framed.end(bytes, mac))
    }

    /// An answer without its R-MAC (6.2.5) and deciphered (6.2.7). Only 9000 and warnings are protected.
    pub(super) fn unwrap(&mut self, answer: Response, level: Level) -> Result<Response, AnswerDefect> {
        let Response { mut data, status } = answer;
        if !level.protects_answers() {
            return Ok(Response { data, status });
        }
        if !is_protected(status) {
            return if data.is_empty() { Ok(Response { data, status }) } else { Err(AnswerDefect::Form) };
        }
        let len = data.len().checked_sub(self.width).ok_or(AnswerDefect::Mac)?;
        let (plain, mac) = data.split_at_checked(len).ok_or(AnswerDefect::Mac)?;
        let expected = self.rmac.of(&[&self.chaining, plain, &status.to_bytes()]);
        let (expected, _) = expected.split_at_checked(self.width).ok_or(AnswerDefect::Mac)?;
        if !bool::from(expected.ct_eq(mac)) {
            return Err(AnswerDefect::Mac);
        }
        data.truncate(len);
        if level.enciphers_answers() && !data.is_empty() {
            let initial = self.initial(0x80);
            let (blocks, []) = data.as_chunks_mut() else { return Err(AnswerDefect::Form) };
            self.enc.decipher_chained(initial, blocks);
            data.truncate(unpadded_len(&data).ok_or(AnswerDefect::Form)?);
        }
        Ok(Response { data, status })
    }

    /// Keys on their way to the card: whole blocks, chained from zeros, under the static DEK (6.2.8).
    pub(super) fn sensitive(&self, mut blocks: Zeroizing<Vec<WideBlock>>) -> Zeroizing<Vec<u8>> {
        self.dek.encipher_chained([0; WIDE_BLOCK_LEN], &mut blocks);
        Zeroizing::new(blocks.as_flattened().to_vec())
    }

    /// The initial chaining value: the counter enciphered; an answer's has 80 in front.
    fn initial(&self, first: u8) -> WideBlock {
        let mut block = u128::from(self.counter).to_be_bytes();
        if let Some(byte) = block.first_mut() {
            *byte |= first;
        }
        self.enc.enciphered(block)
    }
}

/// The pseudo-random card challenge, made with the static Key-ENC (6.2.2.1).
pub(super) fn card_challenge(keys: &KeyTriple<AesKey>, width: usize, sequence: [u8; 3], domain: &[u8]) -> Vec<u8> {
    let context = [&sequence, domain].concat();
    derive(&Cmac::new(&keys.enc), scp03_constant::CARD_CHALLENGE, width, &context).to_vec()
}

/// `len` bytes, at most 32, by the counter mode of NIST SP 800-108 with CMAC (4.1.5).
pub(super) fn derive(cmac: &Cmac, constant: u8, len: usize, context: &[u8]) -> Zeroizing<Vec<u8>> {
    let bits = u16::try_from(len * 8).unwrap_or_default().to_be_bytes();
    let mut derived = Zeroizing::new(Vec::with_capacity(2 * WIDE_BLOCK_LEN));
    for counter in 1..=2 {
        if derived.len() < len {
            let block = Zeroizing::new(cmac.of(&[&[0; 11], &[constant, 0x00], &bits, &[counter], context]));
            derived.extend_from_slice(&*block);
        }
    }
    derived.truncate(len);
    derived
}

/// Whether an answer with this word has an R-MAC: 9000, 62xx and 63xx.
fn is_protected(status: StatusWord) -> bool {
    status.is_ok() || matches!(status.to_bytes(), [0x62 | 0x63, _])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use onecard_vectors::{Vectors, secure_channel::Chain};

    use crate::globalplatform::secure_channel::tests::command;

    fn key(value: &[u8]) -> AesKey {
        AesKey::new(value).unwrap()
    }

    #[test]
    fn published_derivations() {
        let vectors = Vectors::embedded().unwrap().scp03_derivation;
        assert!(vectors.len() >= 17);
        for vector in vectors {
            let it = &vector.body;
            let derived = derive(&Cmac::new(&key(&it.key)), it.constant, it.derived.len(), &it.context);
            assert_eq!(derived[..], it.derived[..], "{}", vector.name);
        }
    }

    #[test]
    fn published_session_keys_and_cryptograms() {
        for vector in Vectors::embedded().unwrap().scp03_keys {
            let it = &vector.body;
            let of = |from: &[u8], constant| derive(&Cmac::new(&key(from)), constant, from.len(), &it.challenges);
            assert_eq!(of(&it.enc, scp03_constant::S_ENC)[..], it.session_enc[..], "{}", vector.name);
            assert_eq!(of(&it.mac, scp03_constant::S_MAC)[..], it.session_mac[..], "{}", vector.name);
            assert_eq!(of(&it.mac, scp03_constant::S_RMAC)[..], it.session_rmac[..], "{}", vector.name);
            let keys = KeyTriple { enc: key(&it.enc), mac: key(&it.mac), dek: key(&it.dek) };
            let (host, card) = it.challenges.split_at(it.challenges.len() / 2);
            let session = Scp03::new(&keys, host, card);
            for (constant, published) in [
                (scp03_constant::CARD_CRYPTOGRAM, &it.card_cryptogram),
                (scp03_constant::HOST_CRYPTOGRAM, &it.host_cryptogram),
            ] {
                let cryptogram = session.cryptogram(constant, host, card);
                assert!(published.as_ref().is_none_or(|it| *it == *cryptogram), "{}", vector.name);
            }
        }
    }

    #[test]
    fn published_card_challenges() {
        for vector in Vectors::embedded().unwrap().scp03_challenge {
            let it = &vector.body;
            let enc = key(it.enc.as_ref().unwrap());
            let keys = KeyTriple { enc: enc.clone(), mac: enc.clone(), dek: enc };
            let sequence = *it.sequence.first_chunk().unwrap();
            assert_eq!(card_challenge(&keys, it.challenge.len(), sequence, &it.domain), it.challenge);
        }
    }

    #[test]
    fn published_chains_of_commands() {
        for vector in Vectors::embedded().unwrap().scp03_chain {
            let Chain { session_enc, session_mac, level, exchange } = &vector.body;
            let (enc, mac) = (key(session_enc), key(session_mac));
            let keys = KeyTriple { enc: enc.clone(), mac: mac.clone(), dek: enc.clone() };
            let mut session =
                Scp03 { enc: Aes::new(&enc), mac: Cmac::new(&mac), ..Scp03::new(&keys, &[0; 8], &[0; 8]) };
            for step in exchange {
                let wrapped = session.wrap(&command(&step.plain), *level == 0x03).unwrap();
                assert_eq!(hex::encode(&wrapped[..]), hex::encode(&step.wrapped), "{}", vector.name);
            }
        }
    }

    #[test]
    fn published_data_under_the_dek() {
        for vector in Vectors::embedded().unwrap().scp03_sensitive_data {
            let dek = key(&vector.body.dek);
            let keys = KeyTriple { enc: dek.clone(), mac: dek.clone(), dek };
            let session = Scp03::new(&keys, &[0; 8], &[0; 8]);
            let blocks = Zeroizing::new(vector.body.plain.as_chunks().0.to_vec());
            assert_eq!(session.sensitive(blocks)[..], vector.body.cipher[..]);
        }
    }
}
