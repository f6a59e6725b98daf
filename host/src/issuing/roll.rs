//! Rolling a key of an issued application (profile §3.2, §3.4).

use onecard_wire::key::KeyVersion;

use super::{
    Cause, IssuingError, Step, Target,
    records::{ADD, place_of, record_of},
    script::Script,
};
use crate::{
    card::Selected,
    crypto::Key,
    keys::{CardKeys, Purpose},
    transport::Transport,
};

/// One key that goes onto a card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyRoll {
    /// What it is for.
    pub purpose: Purpose,
    /// Its id, the key index of INITIALIZE.
    pub id: u8,
    /// Its version.
    pub version: KeyVersion,
    /// Whether a key stands there that it replaces. The [key list](crate::card::key_list) tells; a card without one, the
    /// records.
    pub replaces: bool,
}

/// Adds or replaces one key of the selected application: WRITE KEY, enciphered and MACed by the application's control key as
/// the card has it now, whose version is `control`. Value and cipher are those of `keys` for `roll`'s purpose and version;
/// a key 36 to 39 keeps the cipher of the control key.
///
/// # Errors
/// [`IssuingError`]; if the answer was lost, the key list tells which key the card has.
pub fn roll_key<T: Transport + ?Sized>(
    transport: &mut T,
    card: &Selected,
    keys: &CardKeys,
    control: KeyVersion,
    roll: &KeyRoll,
) -> Result<(), IssuingError> {
    let KeyRoll { purpose, id, version, replaces } = *roll;
    let mut script = Script { transport, target: Target::Card(card.serial()) };
    let step = Step::RollKey(purpose);
    let find = |purpose, version| keys.keys().key(purpose, version).cloned();
    let control: Key = find(Purpose::Control, control).map_err(|missing| script.failed(step, missing))?;
    let value = find(purpose, version).map_err(|missing| script.failed(step, missing))?;
    let place = place_of(purpose, id).ok_or_else(|| script.failed(step, Cause::NoSuchPlace(purpose, id)))?;
    if purpose.follows_key_file() && value.algorithm() != control.algorithm() {
        return Err(script.failed(step, Cause::MixedAlgorithms(Purpose::Control, purpose)));
    }
    let record = record_of(purpose, place.key_type, version, &value);
    let p1 = if replaces { place.key_type.0 } else { ADD };
    script.write_enciphered(step, [p1, id], &record.emit(), &control.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::{card::sample, issuing::script::tests::Recorder, keys::KeySet};
    use hex_literal::hex;
    use onecard_wire::{ins, key::Algorithm};

    const OLD: KeyVersion = KeyVersion(1);
    const NEW: KeyVersion = KeyVersion(2);

    fn keys() -> CardKeys {
        let keys = KeySet::default()
            .with(Purpose::Control, OLD, Key::from_bytes([0xC1; 16]))
            .with(Purpose::Control, NEW, Key::from_bytes([0xC2; 16]))
            .with(Purpose::Purchase, NEW, Key::new(Algorithm::Aes, [0xAE; 16]))
            .with(Purpose::Maintenance, NEW, Key::new(Algorithm::Aes, [0xAE; 16]));
        CardKeys::new(sample().serial(), keys)
    }

    fn rolled(purpose: Purpose, id: u8, replaces: bool) -> Result<(String, Vec<u8>), Cause> {
        let mut card = Recorder::with_challenge([1, 2, 3, 4]);
        let roll = KeyRoll { purpose, id, version: NEW, replaces };
        roll_key(&mut card, &sample(), &keys(), OLD, &roll).map_err(|error| error.cause)?;
        let command = card.sent().last().unwrap();
        let cipher = hex::decode(&command[10..command.len() - 8]).unwrap();
        Ok((command[..10].to_owned(), Key::from_bytes([0xC1; 16]).decipher(&cipher).unwrap().to_vec()))
    }

    #[test]
    fn a_key_is_added_or_replaced_under_the_control_key_the_card_has() {
        let (header, record) = rolled(Purpose::Purchase, 0x02, false).unwrap();
        assert_eq!((header.as_str(), &record[..7]), ("84D401021C", &hex!("15 FEF0F00206 AE")[..]));
        let (header, record) = rolled(Purpose::Purchase, 0x01, true).unwrap();
        assert_eq!((header.as_str(), &record[..7]), ("84D43E011C", &hex!("15 FEF0F00206 AE")[..]));
        let (header, record) = rolled(Purpose::Control, 0x00, true).unwrap();
        assert_eq!((header.as_str(), &record[..7]), ("84D439001C", &hex!("15 F9F0F00FFF C2")[..]));
    }

    #[test]
    fn what_cannot_stand_is_not_sent() {
        let mixed = Cause::MixedAlgorithms(Purpose::Control, Purpose::Maintenance);
        assert_eq!(rolled(Purpose::Maintenance, 0x00, true), Err(mixed));
        assert_eq!(rolled(Purpose::Control, 0x01, true), Err(Cause::NoSuchPlace(Purpose::Control, 0x01)));
    }

    #[test]
    fn a_refusal_sends_the_station_to_the_key_list() {
        let mut card = Recorder::with_challenge([0; 4]).refusing(ins::WRITE_KEY, hex!("9302"));
        let roll = KeyRoll { purpose: Purpose::Purchase, id: 0x02, version: NEW, replaces: false };
        let error = roll_key(&mut card, &sample(), &keys(), OLD, &roll).unwrap_err();
        assert_eq!(error.step, Step::RollKey(Purpose::Purchase));
        assert!(error.to_string().contains("read its key list"), "{error}");
    }
}
