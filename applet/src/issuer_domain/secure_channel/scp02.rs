//! SCP02, i = 55: explicit initiation, C-MAC on the modified command, its chaining value enciphered, pseudo-random card
//! challenge, no R-MAC (GlobalPlatform Card Specification 2.3 annex E).

use onecard_wire::{
    globalplatform::secure_channel::{length, level, scp02_constant as constant},
    layout::Writer,
    status::StatusWord,
};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::{Header, PlainData, StaticKeys, unpad};
use crate::{
    crypto::{DomainKey, Key, ZERO_BLOCK, retail_mac, same},
    rfid_sim::KeySetCipher,
};

const MAC_LEN: usize = 8;
const CRYPTOGRAM_LEN: usize = 8;
const SEQUENCE_LEN: usize = length::SCP02_SEQUENCE;

/// After INITIALIZE UPDATE: everything EXTERNAL AUTHENTICATE needs.
pub(super) struct Challenged {
    enc: DomainKey,
    mac: MacKey,
    dek: DomainKey,
    pub(super) sequence: [u8; SEQUENCE_LEN],
    pub(super) card_challenge: [u8; length::SCP02_CHALLENGE],
    pub(super) card_cryptogram: [u8; CRYPTOGRAM_LEN],
    host_cryptogram: [u8; CRYPTOGRAM_LEN],
}

/// The C-MAC session key, erased when dropped.
#[derive(Clone, ZeroizeOnDrop)]
struct MacKey([u8; 16]);

impl Challenged {
    /// Session keys and both cryptograms, the card challenge made of the domain's AID (annex E.4.2.3).
    pub(super) fn new(
        keys: &StaticKeys,
        host_challenge: &[u8],
        sequence: [u8; SEQUENCE_LEN],
        aid: &[u8],
    ) -> Option<Self> {
        let mac = MacKey(*session_key(&keys.mac, constant::C_MAC, sequence)?);
        let [a, b, c, d, e, f, ..] = retail_mac(mac.0, [0; 8], &[aid]);
        Self::with_card_challenge(keys, host_challenge, sequence, [a, b, c, d, e, f])
    }

    /// With a card challenge that is given.
    pub(super) fn with_card_challenge(
        keys: &StaticKeys,
        host_challenge: &[u8],
        sequence: [u8; SEQUENCE_LEN],
        card_challenge: [u8; length::SCP02_CHALLENGE],
    ) -> Option<Self> {
        let key =
            |of: &DomainKey, constant| DomainKey::from_value(KeySetCipher::Des, &*session_key(of, constant, sequence)?);
        let enc = key(&keys.enc, constant::S_ENC)?;
        let cryptogram = |parts: [&[u8]; 3]| {
            let [a, b, c, d, e, f, g, h, ..] = enc.mac(parts);
            [a, b, c, d, e, f, g, h]
        };
        Some(Self {
            card_cryptogram: cryptogram([host_challenge, &sequence, &card_challenge]),
            host_cryptogram: cryptogram([&sequence, &card_challenge, host_challenge]),
            mac: MacKey(*session_key(&keys.mac, constant::C_MAC, sequence)?),
            dek: key(&keys.dek, constant::DEK)?,
            enc,
            sequence,
            card_challenge,
        })
    }

    /// EXTERNAL AUTHENTICATE.
    ///
    /// # Errors
    /// 6700; 6300 for a wrong cryptogram, 6982 for a wrong MAC.
    pub(super) fn authenticate(self, header: Header, data: &[u8]) -> Result<Session, StatusWord> {
        let (cryptogram, mac) = data.split_at_checked(CRYPTOGRAM_LEN).ok_or(StatusWord::WRONG_LENGTH)?;
        if mac.len() != MAC_LEN {
            return Err(StatusWord::WRONG_LENGTH);
        }
        if !same(cryptogram, &self.host_cryptogram) {
            return Err(StatusWord::CRYPTOGRAM_WRONG);
        }
        let Self { enc, mac: mac_key, dek, .. } = self;
        let mut session = Session { enc, mac: mac_key, dek, level: header.p1, last_mac: None };
        if !session.verify(header, cryptogram, mac) {
            return Err(StatusWord::SECURITY_NOT_SATISFIED);
        }
        Ok(session)
    }
}

/// An open session; its keys are erased when dropped.
#[derive(ZeroizeOnDrop)]
pub(super) struct Session {
    enc: DomainKey,
    mac: MacKey,
    /// Of the session (annex E.4.7).
    pub(super) dek: DomainKey,
    pub(super) level: u8,
    /// `None` before EXTERNAL AUTHENTICATE, whose chaining value is zero and not enciphered.
    last_mac: Option<[u8; MAC_LEN]>,
}

impl Session {
    /// The plain data of a command, its MAC checked (annex E.4.4, E.4.6).
    ///
    /// # Errors
    /// 6982: nothing may be done by this session any more.
    pub(super) fn unwrap(&mut self, header: Header, data: &[u8]) -> Result<PlainData, StatusWord> {
        let (body, mac) = data.split_last_chunk::<MAC_LEN>().ok_or(StatusWord::SECURITY_NOT_SATISFIED)?;
        let mut plain = PlainData::from_slice(body)?;
        let mut well_formed = true;
        // Hosts differ in whether they encipher an empty data field: both forms are taken.
        if self.level & level::C_DECRYPTION != 0 && !body.is_empty() {
            let whole_blocks = body.len().is_multiple_of(self.enc.block_len());
            self.enc.decipher_cbc(ZERO_BLOCK, &mut plain);
            // The MAC is over the plain data. Wrong padding must cost what a wrong MAC costs, or whoever has a wrapped
            // command learns its text by trying: so it is found out here and told below.
            well_formed = whole_blocks & unpad(&mut plain).is_some();
        }
        if self.verify(header, &plain, mac) & well_formed { Ok(plain) } else { Err(StatusWord::SECURITY_NOT_SATISFIED) }
    }

    fn verify(&mut self, header: Header, plain: &[u8], mac: &[u8]) -> bool {
        let initial = self.last_mac.map_or([0; MAC_LEN], |mut last| {
            self.mac.first_half().cipher().encipher_all(&mut last);
            last
        });
        let header = header.with_length((plain.len() + MAC_LEN) as u8);
        let expected = retail_mac(self.mac.0, initial, &[&header, plain]);
        self.last_mac = Some(expected);
        same(&expected, mac)
    }
}

impl MacKey {
    fn first_half(&self) -> Key {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        Key::Des([a, b, c, d, e, f, g, h])
    }
}

/// Annex E.4.1; `None` for a key that is not two-key triple DES.
fn session_key(key: &DomainKey, constant: [u8; 2], sequence: [u8; SEQUENCE_LEN]) -> Option<Zeroizing<[u8; 16]>> {
    if !matches!(key, DomainKey::TripleDes2(_)) {
        return None;
    }
    let mut derived: Zeroizing<[u8; 16]> = Zeroizing::new(Writer::new().put(&constant).put(&sequence).finish());
    key.encipher_cbc(ZERO_BLOCK, &mut *derived);
    Some(derived)
}

#[cfg(test)]
mod for_vectors {
    use super::*;

    impl Challenged {
        /// S-ENC, the C-MAC session key, the session DEK.
        pub(in super::super) fn session_keys(&self) -> [&[u8]; 3] {
            [self.enc.value(), &self.mac.0, self.dek.value()]
        }
    }

    impl Session {
        /// Open with these session keys.
        pub(in super::super) fn begun(enc: DomainKey, mac: [u8; 16], level: u8) -> Self {
            Self { dek: enc.clone(), enc, mac: MacKey(mac), level, last_mac: None }
        }
    }
}
