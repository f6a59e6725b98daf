//! PUT KEY (11.8; amendment D, 7.2).

use onecard_wire::{
    globalplatform::{PUT_KEY, put_key},
    layout::Reader,
};
use zeroize::Zeroizing;

use super::{ManagementCommand, ManagementError, command, done};
use crate::{
    crypto::padding::{WIDE_BLOCK_LEN, WideBlock},
    globalplatform::{keys::DomainKey, secure_channel::Session},
    keys::CheckValue,
    transport::Transport,
};

/// Keys for the domain, of one version and with ids one after another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewKeys<'a> {
    /// Version of the key set that these replace, `None` for a further one.
    pub replaces: Option<u8>,
    /// Version of the new key set.
    pub version: u8,
    /// Id of the first key: 01 is ENC.
    pub first_id: u8,
    /// ENC, MAC, DEK; or one key alone.
    pub keys: &'a [DomainKey],
    /// How AES keys stand in the command; triple DES keys stand by themselves.
    pub form: KeyForm,
}

/// How an AES key stands in the command. Cards that conform take both.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum KeyForm {
    /// The key's length in front, what is enciphered padded to whole blocks (table 11-70, amendment D): for keys of every
    /// length.
    #[default]
    WithLength,
    /// The enciphered key alone (table 11-71): 16 and 32 bytes. Those of 24 have their length in front all the same.
    Plain,
}

/// Adds or replaces keys, and checks that the card has got them: it answers with their check values.
///
/// # Errors
/// [`ManagementError`]; after [`ManagementError::CheckValue`] the card has keys, and not these.
pub fn put_key<T: Transport>(
    session: &mut Session<T>,
    order: &NewKeys<'_>,
) -> Result<Vec<CheckValue>, ManagementError> {
    let data = key_data(order, |blocks| session.channel().sensitive(blocks).map_err(ManagementError::from))?;
    let several = if order.keys.len() > 1 { put_key::SEVERAL } else { 0x00 };
    let p1 = order.replaces.unwrap_or(put_key::NEW_SET);
    let command = command(PUT_KEY, p1, several | order.first_id, &data)?;
    let answer = done(session, ManagementCommand::PutKey, &command)?;
    check(order, &answer)
}

/// The data field: the version, and a block for each key.
fn key_data(
    order: &NewKeys<'_>,
    mut encipher: impl FnMut(Zeroizing<Vec<WideBlock>>) -> Result<Zeroizing<Vec<u8>>, ManagementError>,
) -> Result<Zeroizing<Vec<u8>>, ManagementError> {
    let mut data = Zeroizing::new(vec![order.version]);
    for key in order.keys {
        let value = key.expose();
        let mut blocks = Zeroizing::new(vec![[0; WIDE_BLOCK_LEN]; value.len().div_ceil(WIDE_BLOCK_LEN)]);
        for (to, from) in blocks.as_flattened_mut().iter_mut().zip(value) {
            *to = *from;
        }
        let enciphered = encipher(blocks)?;
        let with_length = match key {
            DomainKey::TripleDes(_) => false,
            // 24 bytes are never whole wide blocks.
            DomainKey::TripleDes3(_) => true,
            DomainKey::Aes(_) => order.form == KeyForm::WithLength || value.len() != enciphered.len(),
        };
        data.push(key.kind().0);
        if with_length {
            data.extend_from_slice(&[enciphered.len() as u8 + 1, value.len() as u8]);
        } else {
            data.push(enciphered.len() as u8);
        }
        data.extend_from_slice(&enciphered);
        data.push(put_key::CHECK_VALUE_LEN as u8);
        data.extend_from_slice(&key.check_value().0);
    }
    Ok(data)
}

/// Version ‖ check values, without lengths (11.8.3.1).
fn check(order: &NewKeys<'_>, answer: &[u8]) -> Result<Vec<CheckValue>, ManagementError> {
    let unreadable = ManagementError::Unreadable(ManagementCommand::PutKey);
    let mut reader = Reader::new(answer);
    if reader.u8() != Some(order.version) {
        return Err(unreadable);
    }
    let mut answered = Vec::new();
    for (key, id) in order.keys.iter().zip(order.first_id..) {
        let value = CheckValue(reader.array().ok_or_else(|| unreadable.clone())?);
        let expected = key.check_value();
        if value != expected {
            return Err(ManagementError::CheckValue { id, expected, answered: value });
        }
        answered.push(value);
    }
    reader.end(answered).ok_or(unreadable)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::{
        crypto::{Key, TripleLengthKey},
        globalplatform::{AesKey, ChannelKeys, KeyTriple, secure_channel::fixed_channel},
    };
    use onecard_vectors::{
        Vectors,
        secure_channel::{KeyForm as Form, PutKey},
    };

    fn made(vector: &PutKey, keys: &[DomainKey], static_keys: &ChannelKeys) -> Vec<u8> {
        let form = match vector.form {
            Form::Plain => KeyForm::Plain,
            Form::WithLength => KeyForm::WithLength,
        };
        let order = NewKeys { replaces: None, version: vector.new_version, first_id: 1, keys, form };
        let mut channel = fixed_channel(static_keys, vector.sequence.unwrap_or_default());
        key_data(&order, |blocks| Ok(channel.sensitive(blocks)?)).unwrap().to_vec()
    }

    #[test]
    fn published_commands() {
        let vectors = Vectors::embedded().unwrap();
        assert_eq!((vectors.scp02_put_key.len(), vectors.scp03_put_key.len()), (1, 2));
        for vector in vectors.scp02_put_key.iter().chain(&vectors.scp03_put_key) {
            let body = &vector.body;
            let (keys, static_keys): (Vec<_>, _) = if body.sequence.is_some() {
                let key = |value: &[u8]| Key::from_bytes(*value.first_chunk().unwrap());
                let [enc, mac, dek] = [&body.dek, &body.dek, &body.dek].map(|it| key(it));
                let triple = KeyTriple { enc, mac, dek };
                let keys = body.keys.iter().map(|value| DomainKey::TripleDes(key(value))).collect();
                (keys, ChannelKeys::scp02(0x20, triple).unwrap())
            } else {
                let key = |value: &[u8]| AesKey::new(value).unwrap();
                let [enc, mac, dek] = [&body.dek, &body.dek, &body.dek].map(|it| key(it));
                let triple = KeyTriple { enc, mac, dek };
                let keys = body.keys.iter().map(|value| DomainKey::Aes(key(value))).collect();
                (keys, ChannelKeys::scp03(0x30, triple).unwrap())
            };
            let data = made(body, &keys, &static_keys);
            assert_eq!(hex::encode(&data), hex::encode(&body.put_key[5..5 + data.len()]), "{}", vector.name);
            assert_eq!(usize::from(body.put_key[4]), data.len());
        }
    }

    #[test]
    fn a_three_key_set_has_its_length_in_front() {
        let key = DomainKey::TripleDes3(TripleLengthKey::from_bytes(*b"three different DES keys"));
        let keys = [key.clone()];
        let order = NewKeys { replaces: None, version: 0x01, first_id: 1, keys: &keys, form: KeyForm::Plain };
        let data = key_data(&order, |blocks| Ok(Zeroizing::new(blocks.as_flattened().to_vec()))).unwrap();
        assert_eq!(data[..4], [0x01, 0x80, 33, 24]);
        assert_eq!((&data[4..28], &data[28..36], data[36]), (key.expose(), &[0; 8][..], 3));
    }

    #[test]
    fn a_card_with_another_key_is_noticed() {
        let keys: Vec<_> = [1, 2].map(|byte| DomainKey::Aes(AesKey::new(&[byte; 16]).unwrap())).into();
        let order = NewKeys { replaces: None, version: 0x31, first_id: 1, keys: &keys, form: KeyForm::default() };
        let values: Vec<u8> = keys.iter().flat_map(|key| key.check_value().0).collect();
        let good = [&[0x31], &values[..]].concat();
        assert_eq!(check(&order, &good).unwrap().len(), 2);
        let mut other = good.clone();
        *other.last_mut().unwrap() ^= 1;
        assert!(matches!(check(&order, &other), Err(ManagementError::CheckValue { id: 2, .. })));
        for wrong in [&good[..6], &[&good[..], &[0]].concat(), &[&[0x30], &good[1..]].concat(), &[]] {
            assert_eq!(check(&order, wrong), Err(ManagementError::Unreadable(ManagementCommand::PutKey)));
        }
    }
}
