//! SCP03, i = 70: pseudo-random card challenge, R-MAC and R-ENCRYPTION; S8 and S16 (GlobalPlatform Card Specification 2.3
//! amendment D 1.2).

use onecard_wire::{
    globalplatform::secure_channel::{length, level, scp03_constant as constant},
    layout::Writer,
    status::StatusWord,
};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{Header, PlainData, StaticKeys, unpad};
use crate::{
    apdu::{Response, put},
    crypto::{DOMAIN_KEY_LEN_MAX, DomainKey, InitialBlock, ZERO_BLOCK, pad, same},
};

/// Longest challenge, cryptogram and MAC: those of S16 mode.
const FIELD_LEN_MAX: usize = length::S16;
/// Of a counter block: what it enciphers is an answer.
const OF_ANSWERS: u8 = 0x80;

/// A challenge, cryptogram or MAC of 8 or 16 bytes.
pub(super) type Field = heapless::Vec<u8, FIELD_LEN_MAX>;

/// A pseudo-random card challenge: derived from the static Key-ENC, the sequence counter and the domain's AID (6.2.2.1).
pub(super) fn card_challenge(enc: &DomainKey, sequence: [u8; 3], aid: &[u8], length: usize) -> Field {
    let mut challenge = [0; FIELD_LEN_MAX];
    let challenge = challenge.get_mut(..length).unwrap_or_default();
    derive(enc, constant::CARD_CHALLENGE, &[&sequence, aid], challenge);
    Field::from_slice(challenge).unwrap_or_default()
}

/// After INITIALIZE UPDATE: everything EXTERNAL AUTHENTICATE needs.
pub(super) struct Challenged {
    enc: DomainKey,
    mac: DomainKey,
    rmac: DomainKey,
    dek: DomainKey,
    pub(super) card_cryptogram: Field,
    host_cryptogram: Field,
}

impl Challenged {
    /// Session keys and both cryptograms; the challenges are as long as the mode says.
    pub(super) fn new(keys: &StaticKeys, host_challenge: &[u8], card_challenge: &[u8]) -> Option<Self> {
        let context = [host_challenge, card_challenge];
        let mac = session_key(&keys.mac, constant::S_MAC, &context)?;
        let cryptogram = |of: u8| {
            let mut cryptogram = [0; FIELD_LEN_MAX];
            let cryptogram = cryptogram.get_mut(..host_challenge.len())?;
            derive(&mac, of, &context, cryptogram);
            Field::from_slice(cryptogram).ok()
        };
        Some(Self {
            enc: session_key(&keys.enc, constant::S_ENC, &context)?,
            rmac: session_key(&keys.mac, constant::S_RMAC, &context)?,
            dek: keys.dek.clone(),
            card_cryptogram: cryptogram(constant::CARD_CRYPTOGRAM)?,
            host_cryptogram: cryptogram(constant::HOST_CRYPTOGRAM)?,
            mac,
        })
    }

    /// EXTERNAL AUTHENTICATE.
    ///
    /// # Errors
    /// 6700; 6300 for a wrong cryptogram, 6982 for a wrong MAC.
    pub(super) fn authenticate(self, header: Header, data: &[u8]) -> Result<Session, StatusWord> {
        let mac_len = self.host_cryptogram.len();
        let (cryptogram, mac) = data.split_at_checked(mac_len).ok_or(StatusWord::WRONG_LENGTH)?;
        if mac.len() != mac_len {
            return Err(StatusWord::WRONG_LENGTH);
        }
        if !same(cryptogram, &self.host_cryptogram) {
            return Err(StatusWord::CRYPTOGRAM_WRONG);
        }
        let Self { enc, mac: mac_key, rmac, dek, .. } = self;
        let level = header.p1;
        let mut session = Session { enc, mac: mac_key, rmac, dek, level, mac_len, chaining: ZERO_BLOCK, counter: 0 };
        session.verify(header, cryptogram, mac)?;
        Ok(session)
    }
}

/// An open session; its keys are erased when dropped.
#[derive(ZeroizeOnDrop)]
pub(super) struct Session {
    enc: DomainKey,
    mac: DomainKey,
    rmac: DomainKey,
    /// Static (6.2.8).
    pub(super) dek: DomainKey,
    pub(super) level: u8,
    mac_len: usize,
    /// The whole of the last C-MAC.
    chaining: InitialBlock,
    /// Commands after EXTERNAL AUTHENTICATE, this one included.
    counter: u32,
}

impl Session {
    /// The plain data of a command, its MAC checked (6.2.4, 6.2.6).
    ///
    /// # Errors
    /// 6982: nothing may be done by this session any more.
    pub(super) fn unwrap(&mut self, header: Header, data: &[u8]) -> Result<PlainData, StatusWord> {
        self.counter = self.counter.checked_add(1).ok_or(StatusWord::SECURITY_NOT_SATISFIED)?;
        let body_len = data.len().checked_sub(self.mac_len).ok_or(StatusWord::SECURITY_NOT_SATISFIED)?;
        let (body, mac) = data.split_at(body_len);
        self.verify(header, body, mac)?;
        let mut plain = PlainData::from_slice(body)?;
        // Hosts differ in whether they encipher an empty data field: both forms are taken.
        if self.level & level::C_DECRYPTION != 0 && !body.is_empty() {
            if !body.len().is_multiple_of(self.enc.block_len()) {
                return Err(StatusWord::SECURITY_NOT_SATISFIED);
            }
            self.enc.decipher_cbc(self.counter_block(0x00), &mut plain);
            unpad(&mut plain).ok_or(StatusWord::SECURITY_NOT_SATISFIED)?;
        }
        Ok(plain)
    }

    /// Enciphers an answer and puts its R-MAC behind it, as the level says (6.2.5, 6.2.7).
    ///
    /// # Errors
    /// 6F00 if it does not fit: a fault of this program.
    pub(super) fn wrap(&self, answer: &mut Response, status: StatusWord) -> Result<(), StatusWord> {
        if self.level & level::R_MAC == 0 {
            return Ok(());
        }
        if self.level & level::R_ENCRYPTION != 0 && !answer.is_empty() {
            pad(answer, self.enc.block_len()).map_err(|_| StatusWord::INTERNAL_ERROR)?;
            self.enc.encipher_cbc(self.counter_block(OF_ANSWERS), answer);
        }
        let mac = self.rmac.mac([&self.chaining[..], answer, &status.to_bytes()]);
        put(answer, mac.get(..self.mac_len).unwrap_or_default())
    }

    fn verify(&mut self, header: Header, body: &[u8], mac: &[u8]) -> Result<(), StatusWord> {
        let header = header.with_length((body.len() + self.mac_len) as u8);
        let expected = self.mac.mac([&self.chaining[..], &header, body]);
        if !same(expected.get(..self.mac_len).unwrap_or_default(), mac) {
            return Err(StatusWord::SECURITY_NOT_SATISFIED);
        }
        self.chaining = expected;
        Ok(())
    }

    /// The enciphered counter, which is the IV.
    fn counter_block(&self, first: u8) -> InitialBlock {
        let counter = self.counter.to_be_bytes();
        let mut block: InitialBlock = Writer::new().u8(first).put(&[0; 11]).put(&counter).finish();
        self.enc.encipher(&mut block);
        block
    }
}

/// A session key as long as the static one.
fn session_key(key: &DomainKey, constant: u8, context: &[&[u8]; 2]) -> Option<DomainKey> {
    let mut derived = Zeroizing::new([0; DOMAIN_KEY_LEN_MAX]);
    let derived = derived.get_mut(..key.value().len())?;
    derive(key, constant, context, derived);
    DomainKey::from_value(key.cipher(), derived)
}

/// Data derivation (4.1.5): NIST SP 800-108 in counter mode with CMAC.
pub(super) fn derive(key: &DomainKey, constant: u8, context: &[&[u8]; 2], into: &mut [u8]) {
    let bits = (into.len() * 8) as u16;
    for (block, number) in into.chunks_mut(key.block_len()).zip(1..) {
        let label: [u8; 16] = Writer::new().put(&[0; 11]).u8(constant).u8(0x00).u16(bits).u8(number).finish();
        let [first, second] = *context;
        let mut derived = key.mac([&label[..], first, second]);
        block.iter_mut().zip(derived).for_each(|(to, from)| *to = from);
        derived.zeroize();
    }
}

#[cfg(test)]
mod for_vectors {
    use super::*;

    impl Challenged {
        /// S-ENC, S-MAC, S-RMAC.
        pub(in super::super) fn session_keys(&self) -> [&[u8]; 3] {
            [self.enc.value(), self.mac.value(), self.rmac.value()]
        }
    }

    impl Session {
        /// Open, in S8 mode, with these session keys.
        pub(in super::super) fn begun(enc: DomainKey, mac: DomainKey, level: u8) -> Self {
            let (rmac, dek) = (mac.clone(), mac.clone());
            Self { enc, mac, rmac, dek, level, mac_len: length::S8, chaining: ZERO_BLOCK, counter: 0 }
        }
    }
}
