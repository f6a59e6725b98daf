//! PUT KEY (GlobalPlatform Card Specification 2.3 clause 11.8), and the key sets a card is made with.

use onecard_wire::{
    globalplatform::{KeyKind, put_key as parameters},
    layout::Reader,
    status::StatusWord,
};
use zeroize::Zeroizing;

use super::{
    IssuerDomain, commit_and_forget,
    key_sets::{self, Place, Protocol, Set},
    secure_channel::Dek,
    tlv,
};
use crate::{
    apdu::{Command, Response, put},
    crypto::{CHECK_VALUE_LEN, DOMAIN_KEY_LEN_MAX, DomainKey, same},
    failure::{Failure, refuse},
    nvm::{Journal, Memory, Transaction},
    platform::Platform,
    rfid_sim::{KeySet, KeySetCipher},
};

/// Most keys in one command: a set.
const KEYS_MAX: usize = 3;

/// What a command brings: a version, and keys from an id on.
pub(super) struct NewKeys {
    pub(super) version: u8,
    protocol: Protocol,
    first_id: u8,
    keys: heapless::Vec<DomainKey, KEYS_MAX>,
}

impl<P: Platform> IssuerDomain<'_, P> {
    /// PUT KEY: adds keys (P1 00) or replaces those of a version. All of them or none; answers version and check values.
    pub(super) fn put_key(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        let new = NewKeys::parse(command, &self.session.channel.dek()?)?;
        match command.p1 & !parameters::MORE {
            parameters::NEW_SET => self.add_keys(&new)?,
            old => self.replace_keys(old, &new)?,
        }
        self.session.changed_keys = true;
        put(answer, &[new.version])?;
        for key in &new.keys {
            put(answer, &key.check_value())?;
        }
        Ok(())
    }

    /// # Errors
    /// 6A80 if one of them is there already, or of another cipher than the set; 6A84 if there is no room for a set; 6985 if it
    /// would be worn from the beginning.
    fn add_keys(&mut self, new: &NewKeys) -> Result<(), Failure> {
        let (place, mut set) = match key_sets::find(self.nvm, new.version) {
            Some(there) => there,
            None => new.empty_set(self.nvm)?,
        };
        if new.ids().any(|(id, _)| set.key(id).is_some()) {
            return refuse(StatusWord::WRONG_DATA);
        }
        // What was counted in this place may have been another protocol's.
        let counted = if set.keys().next().is_some() { place.counter(self.nvm) } else { 0 };
        let begin = new.begin(self.nvm, counted)?;
        new.put_into(&mut set)?;
        let mut transaction = Transaction::new();
        place.stage(&set, &mut transaction)?;
        place.stage_counter(self.nvm, begin, &mut transaction)?;
        Ok(self.nvm.commit(transaction)?)
    }

    /// # Errors
    /// 6A88 if one of them is not there; 6A80 for another version unless all keys of the set go there, and it is free; 6985 if
    /// it would be worn from the beginning, or nothing would open a channel any more.
    fn replace_keys(&mut self, old_version: u8, new: &NewKeys) -> Result<(), Failure> {
        let (place, mut set) = key_sets::find(self.nvm, old_version).ok_or(StatusWord::KEY_NOT_FOUND)?;
        if new.ids().any(|(id, _)| set.key(id).is_none()) {
            return refuse(StatusWord::KEY_NOT_FOUND);
        }
        let whole = set.keys().count() == new.keys.len();
        if new.version != old_version && (!whole || key_sets::find(self.nvm, new.version).is_some()) {
            return refuse(StatusWord::WRONG_DATA);
        }
        // A counter that began anew would let a session of before be said again, should its keys ever come back.
        let old_protocol = Protocol::of_version(old_version).ok_or(StatusWord::INTERNAL_ERROR)?;
        let counted = if new.protocol == old_protocol { place.counter(self.nvm) } else { 0 };
        let begin = new.begin(self.nvm, counted)?;
        if whole {
            set = Set::new(new.version, new.cipher());
        }
        new.put_into(&mut set)?;
        self.require_channel_without(place, set.opens_channels(begin))?;
        let mut transaction = Transaction::new();
        place.stage(&set, &mut transaction)?;
        place.stage_past(self.nvm, old_protocol, &mut transaction)?;
        place.stage_counter(self.nvm, begin, &mut transaction)?;
        commit_and_forget(self.nvm, transaction)
    }

    /// A card that no key set opens any more could never be managed again.
    ///
    /// # Errors
    /// 6985 unless a set in another place opens channels, or what comes into this one does.
    pub(super) fn require_channel_without(&self, place: Place, instead: bool) -> Result<(), StatusWord> {
        if instead || key_sets::opening(self.nvm).any(|(other, _)| other != place) {
            Ok(())
        } else {
            Err(StatusWord::CONDITIONS_NOT_SATISFIED)
        }
    }
}

impl NewKeys {
    /// `version ‖ {type ‖ length ‖ enciphered key ‖ 03 ‖ check value}*`.
    ///
    /// # Errors
    /// 6A86, 6A80; 6982 for a wrong check value.
    pub(super) fn parse(command: &Command<'_>, dek: &Dek) -> Result<Self, StatusWord> {
        let first_id = command.p2 & !parameters::SEVERAL;
        let mut reader = Reader::new(command.data);
        let version = reader.u8().ok_or(StatusWord::WRONG_DATA)?;
        let protocol = Protocol::of_version(version).ok_or(StatusWord::WRONG_DATA)?;
        let mut new = Self { version, protocol, first_id, keys: heapless::Vec::new() };
        while !reader.rest().is_empty() {
            let key = key_field(&mut reader, dek)?;
            let one_cipher = new.keys.first().is_none_or(|first| first.cipher() == key.cipher());
            if !protocol.takes(&key) || !one_cipher {
                return Err(StatusWord::WRONG_DATA);
            }
            new.keys.push(key).map_err(|_| StatusWord::WRONG_DATA)?;
        }
        let several = command.p2 & parameters::SEVERAL != 0;
        if new.keys.is_empty() || (!several && new.keys.len() != 1) {
            return Err(StatusWord::WRONG_DATA);
        }
        if new.ids().any(|(id, _)| !key_sets::KEY_IDS.contains(&id)) {
            return Err(StatusWord::WRONG_P1P2);
        }
        Ok(new)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = (u8, &DomainKey)> {
        (self.first_id..=u8::MAX).zip(&self.keys)
    }

    fn cipher(&self) -> KeySetCipher {
        self.keys.first().map_or(KeySetCipher::Aes, DomainKey::cipher)
    }

    /// Where the counter of the set begins.
    ///
    /// # Errors
    /// 6985 if no channel would ever be opened by it.
    fn begin<M: Memory>(&self, nvm: &Journal<M>, counted: u64) -> Result<u64, StatusWord> {
        let begin = counted.max(self.protocol.past_counter(nvm));
        match self.protocol.worn_at() {
            Some(worn_at) if begin >= worn_at => Err(StatusWord::CONDITIONS_NOT_SATISFIED),
            _ => Ok(begin),
        }
    }

    fn empty_set<M: Memory>(&self, nvm: &Journal<M>) -> Result<(Place, Set), StatusWord> {
        let place = key_sets::free_place(nvm).ok_or(StatusWord::NOT_ENOUGH_SPACE)?;
        Ok((place, Set::new(self.version, self.cipher())))
    }

    fn put_into(&self, set: &mut Set) -> Result<(), StatusWord> {
        if set.cipher != self.cipher() {
            return Err(StatusWord::WRONG_DATA);
        }
        self.ids().try_for_each(|(id, key)| set.set_key(id, Some(key.clone())))
    }
}

/// A key's data field: `type ‖ length ‖ key ‖ 03 ‖ check value` (tables 11-70, 11-71).
fn key_field(reader: &mut Reader<'_>, dek: &Dek) -> Result<DomainKey, StatusWord> {
    let fields = (|| Some((KeyKind(reader.u8()?), tlv::value(reader)?, tlv::value(reader)?)))();
    let (kind, field, check_value) = fields.ok_or(StatusWord::WRONG_DATA)?;
    let cipher = match kind {
        KeyKind::DES => KeySetCipher::Des,
        KeyKind::AES => KeySetCipher::Aes,
        _ => return Err(StatusWord::WRONG_DATA),
    };
    let mut text = Zeroizing::new([0; DOMAIN_KEY_LEN_MAX]);
    let value = decipher(field, dek, &mut text)?;
    let key = DomainKey::from_value(cipher, value).ok_or(StatusWord::WRONG_DATA)?;
    check(check_value, &key.check_value())?;
    Ok(key)
}

/// Whole blocks are the key alone; else its length in clear stands in front, and behind it what fills its last block.
fn decipher<'t>(field: &[u8], dek: &Dek, text: &'t mut [u8; DOMAIN_KEY_LEN_MAX]) -> Result<&'t [u8], StatusWord> {
    let block_len = dek.block_len();
    let (length, enciphered) = match field.split_first() {
        Some((length, enciphered)) if !field.len().is_multiple_of(block_len) => (usize::from(*length), enciphered),
        _ => (field.len(), field),
    };
    if enciphered.is_empty() || enciphered.len() != length.next_multiple_of(block_len) {
        return Err(StatusWord::WRONG_DATA);
    }
    let text = text.get_mut(..enciphered.len()).ok_or(StatusWord::WRONG_DATA)?;
    text.copy_from_slice(enciphered);
    dek.decipher(text);
    text.get(..length).ok_or(StatusWord::WRONG_DATA)
}

/// A key without a check value is not taken: one deciphered wrongly would lock its owner out.
///
/// # Errors
/// 6A80 without one, 6982 for a wrong one.
pub(super) fn check(sent: &[u8], own: &[u8; CHECK_VALUE_LEN]) -> Result<(), StatusWord> {
    if sent.len() != own.len() {
        return Err(StatusWord::WRONG_DATA);
    }
    if same(sent, own) { Ok(()) } else { Err(StatusWord::SECURITY_NOT_SATISFIED) }
}

/// Manufacture of a key set.
///
/// # Errors
/// 6A80 if a key is not what its version has, or the version is there already; 6A84 if there is no room.
pub(super) fn manufacture<M: Memory>(nvm: &mut Journal<M>, set: &KeySet<'_>) -> Result<(), Failure> {
    let protocol = Protocol::of_version(set.version).ok_or(StatusWord::WRONG_DATA)?;
    if key_sets::find(nvm, set.version).is_some() {
        return refuse(StatusWord::WRONG_DATA);
    }
    let place = key_sets::free_place(nvm).ok_or(StatusWord::NOT_ENOUGH_SPACE)?;
    let mut made = Set::new(set.version, set.cipher);
    for (id, value) in key_sets::KEY_IDS.zip([set.enc, set.mac, set.dek]) {
        let key = DomainKey::from_value(set.cipher, value).filter(|key| protocol.takes(key));
        made.set_key(id, Some(key.ok_or(StatusWord::WRONG_DATA)?))?;
    }
    let mut transaction = Transaction::new();
    place.stage(&made, &mut transaction)?;
    Ok(nvm.commit(transaction)?)
}
