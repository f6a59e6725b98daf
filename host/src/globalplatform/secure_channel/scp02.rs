//! SCP02 with explicit initiation, three keys, C-MAC on the modified command and an enciphered chaining value: i 15 and 55
//! (annex E).

use onecard_wire::{globalplatform::secure_channel::scp02_constant, layout::Writer};
use zeroize::Zeroizing;

use super::{
    super::keys::KeyTriple,
    wrapping::{Framed, TooLong},
};
use crate::{
    apdu::Command,
    crypto::{
        Key, encipher_chained,
        padding::{Block, method_2},
        retail_mac, triple_des_mac,
    },
};

/// Length of a C-MAC.
const MAC_LEN: usize = 8;

/// A session's keys and chaining value.
pub(super) struct Scp02 {
    enc: Key,
    mac: Key,
    dek: Key,
    chaining: Block,
}

impl Scp02 {
    /// Derives the session's keys (E.4.1).
    pub(super) fn new(keys: &KeyTriple<Key>, sequence: [u8; 2]) -> Self {
        Self {
            enc: session_key(&keys.enc, scp02_constant::S_ENC, sequence),
            mac: session_key(&keys.mac, scp02_constant::C_MAC, sequence),
            dek: session_key(&keys.dek, scp02_constant::DEK, sequence),
            chaining: [0; 8],
        }
    }

    /// Of the host's challenge, the counter and the card's challenge (E.4.2.1).
    pub(super) fn card_cryptogram(&self, host: &[u8], sequence: [u8; 2], card: &[u8]) -> Block {
        triple_des_mac(&self.enc, &[host, &sequence, card].concat())
    }

    /// Of the counter, the card's challenge and the host's (E.4.2.2).
    pub(super) fn host_cryptogram(&self, host: &[u8], sequence: [u8; 2], card: &[u8]) -> Block {
        triple_des_mac(&self.enc, &[&sequence, card, host].concat())
    }

    /// The card challenge of i 55: 6 bytes (E.4.2.3).
    pub(super) fn card_challenge(&self, domain: &[u8]) -> [u8; 6] {
        let [a, b, c, d, e, f, ..] = retail_mac(&self.mac, [0; 8], domain);
        [a, b, c, d, e, f]
    }

    /// A command with its C-MAC (E.4.4), enciphered if it has data (E.4.6). The MAC is over the plain data.
    pub(super) fn wrap(&mut self, command: &Command, encipher: bool) -> Result<Zeroizing<Vec<u8>>, TooLong> {
        let plain = command.data();
        let padded = method_2(plain);
        let enciphers = encipher && !plain.is_empty();
        let sent = if enciphers { padded.as_flattened().len() } else { plain.len() };
        let framed = Framed::new(command, sent, MAC_LEN)?;

        let modified = Framed::new(command, plain.len(), MAC_LEN)?;
        let message = Zeroizing::new([&modified.authenticated()[..], plain].concat());
        let mac = retail_mac(&self.mac, self.chaining, &message);
        let chaining = self.mac.left_half().encipher(&mac);
        self.chaining = chaining.first_chunk().copied().unwrap_or_default();
        let mut bytes = framed.begin();
        if enciphers {
            bytes.extend_from_slice(&encipher_chained(&self.enc, &padded));
        } else {
            bytes.extend_from_slice(plain);
        }
        Ok(framed.end(bytes, &mac))
    }

    /// Keys on their way to the card: whole blocks, each by itself (E.4.7).
    pub(super) fn sensitive(&self, plain: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.dek.encipher(plain))
    }
}

fn session_key(key: &Key, constant: [u8; 2], sequence: [u8; 2]) -> Key {
    let derivation: [u8; 16] = Writer::new().put(&constant).put(&sequence).put(&[0; 12]).finish();
    let derived = encipher_chained(key, derivation.as_chunks().0);
    Key::from_bytes(derived.first_chunk().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use onecard_vectors::{Vectors, secure_channel::Chain};

    use crate::globalplatform::secure_channel::tests::command;

    fn triple(enc: [u8; 16], mac: [u8; 16], dek: [u8; 16]) -> KeyTriple<Key> {
        KeyTriple { enc: Key::from_bytes(enc), mac: Key::from_bytes(mac), dek: Key::from_bytes(dek) }
    }

    #[test]
    fn published_session_keys() {
        for vector in Vectors::embedded().unwrap().scp02_keys {
            let keys = &vector.body;
            let session = Scp02::new(&triple(keys.enc, keys.mac, keys.dek), keys.sequence);
            for (key, published) in [
                (&session.enc, Some(&keys.session_enc)),
                (&session.mac, keys.session_mac.as_ref()),
                (&session.dek, keys.session_dek.as_ref()),
            ] {
                assert!(published.is_none_or(|it| it == key.expose()), "{}", vector.name);
            }
        }
    }

    #[test]
    fn published_card_challenges() {
        let vectors = Vectors::embedded().unwrap().scp02_challenge;
        assert_eq!(vectors.len(), 3);
        for vector in vectors {
            let mac = vector.body.mac.unwrap();
            let session = Scp02::new(&triple(mac, mac, mac), *vector.body.sequence.first_chunk().unwrap());
            assert_eq!(session.card_challenge(&vector.body.domain), vector.body.challenge[..], "{}", vector.name);
        }
    }

    #[test]
    fn published_chains_of_commands() {
        for vector in Vectors::embedded().unwrap().scp02_chain {
            let Chain { session_enc, session_mac, level, exchange } = &vector.body;
            let triple = triple(*session_enc, *session_mac, *session_enc);
            let mut session = Scp02 { enc: triple.enc, mac: triple.mac, dek: triple.dek, chaining: [0; 8] };
            for step in exchange {
                let wrapped = session.wrap(&command(&step.plain), *level == 0x03).unwrap();
                assert_eq!(hex::encode(&wrapped[..]), hex::encode(&step.wrapped), "{}", vector.name);
            }
        }
    }

    #[test]
    fn published_data_under_the_session_dek() {
        for vector in Vectors::embedded().unwrap().scp02_sensitive_data {
            let dek = *vector.body.dek.first_chunk().unwrap();
            let session = Scp02::new(&triple(dek, dek, dek), vector.body.sequence.unwrap());
            assert_eq!(session.sensitive(&vector.body.plain)[..], vector.body.cipher[..]);
        }
    }
}
