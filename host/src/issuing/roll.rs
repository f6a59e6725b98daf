//! Rolling a key of an issued application (profile §3.2, §3.4).

use onecard_wire::key::KeyVersion;

use super::{IssuingError, Step, Target, script::Script};
use crate::{
    card::Selected,
    key_store::{Freshness, KeyStore, KeyTarget, Manner, NamedKey, Payload, StoreError, WrapperKey, WriteKeyOrder},
    keys::Purpose,
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
    /// Whether a key stands there that it replaces: the [key list](crate::card::key_list) tells.
    pub replaces: bool,
}

/// Adds or replaces one key of the selected application: WRITE KEY, enciphered and MACed by the application's control key as
/// the card has it now, whose version is `control`. Its body comes from `store`, one export, and no key from it: value and cipher
/// are those of `roll`'s purpose and version; a key 36 to 39 keeps the cipher of the control key.
///
/// # Errors
/// [`IssuingError`], [`Cause::Store`](super::Cause::Store) before anything is written; if the answer was lost, the key list tells
/// which key the card has.
pub fn roll_key<T, K>(
    transport: &mut T,
    card: &Selected,
    store: &mut K,
    control: KeyVersion,
    roll: &KeyRoll,
) -> Result<(), IssuingError>
where
    T: Transport + ?Sized,
    K: KeyStore + ?Sized,
{
    let KeyRoll { purpose, id, version, replaces } = *roll;
    let mut script = Script { transport, target: Target::Card(card.serial()) };
    let step = Step::RollKey(purpose);
    let enterprise = store.enterprise();
    if enterprise != card.public_data.enterprise {
        return Err(script.failed(step, StoreError::OtherEnterprise(enterprise)));
    }
    let manner = if replaces { Manner::Replace } else { Manner::Add };
    let payload = Payload::CardKey { name: NamedKey { purpose, version }, id, manner };
    let (target, under) = (KeyTarget::Application(card.serial()), WrapperKey::Control(control));
    let fresh = Freshness::Challenge(script.challenge(step)?);
    let order = WriteKeyOrder { target, payload, under, fresh };
    let body = store.write_key(&order).map_err(|error| script.failed(step, error))?;
    let command = order.command(&body).map_err(|error| script.failed(step, error))?;
    script.send(step, &command).map(drop)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::{
        card::sample,
        crypto::Key,
        issuing::{Cause, script::tests::Recorder},
        key_store::SoftwareStore,
        keys::{EnterpriseKeys, KeySet, diversify},
    };
    use hex_literal::hex;
    use onecard_wire::{ins, key::Algorithm};

    const OLD: KeyVersion = KeyVersion(1);
    const NEW: KeyVersion = KeyVersion(2);

    fn store() -> SoftwareStore {
        let keys = KeySet::default()
            .with(Purpose::Control, OLD, Key::from_bytes([0xC1; 16]))
            .with(Purpose::Control, NEW, Key::from_bytes([0xC2; 16]))
            .with(Purpose::Purchase, NEW, Key::new(Algorithm::Aes, [0xAE; 16]))
            .with(Purpose::Maintenance, NEW, Key::new(Algorithm::Aes, [0xAE; 16]));
        SoftwareStore::new(EnterpriseKeys::new(sample().public_data.enterprise, keys))
    }

    /// A master key as the card has it.
    fn of_card(master: [u8; 16], algorithm: Algorithm) -> Key {
        diversify(&Key::new(algorithm, master), sample().serial().to_bytes())
    }

    fn rolled(purpose: Purpose, id: u8, replaces: bool) -> Result<(String, Vec<u8>), Cause> {
        let mut card = Recorder::with_challenge([1, 2, 3, 4]);
        let roll = KeyRoll { purpose, id, version: NEW, replaces };
        roll_key(&mut card, &sample(), &mut store(), OLD, &roll).map_err(|error| error.cause)?;
        let command = card.sent().last().unwrap();
        let cipher = hex::decode(&command[10..command.len() - 8]).unwrap();
        let control = of_card([0xC1; 16], Algorithm::Des);
        Ok((command[..10].to_owned(), control.decipher(&cipher).unwrap().to_vec()))
    }

    #[test]
    fn a_key_is_added_or_replaced_under_the_control_key_the_card_has() {
        let purchase = of_card([0xAE; 16], Algorithm::Aes);
        for (id, replaces, header) in [(0x02, false, "84D401021C"), (0x01, true, "84D43E011C")] {
            let (sent, record) = rolled(Purpose::Purchase, id, replaces).unwrap();
            assert_eq!((sent.as_str(), &record[..6]), (header, &hex!("15 FEF0F00206")[..]));
            assert_eq!(&record[6..22], purchase.expose());
        }
        let (header, record) = rolled(Purpose::Control, 0x00, true).unwrap();
        assert_eq!((header.as_str(), &record[..6]), ("84D439001C", &hex!("15 F9F0F00FFF")[..]));
        assert_eq!(&record[6..22], of_card([0xC2; 16], Algorithm::Des).expose());
    }

    #[test]
    fn what_cannot_stand_is_not_sent() {
        let mixed = StoreError::MixedAlgorithms {
            purpose: Purpose::Maintenance,
            payload: Algorithm::Aes,
            control: Algorithm::Des,
        };
        assert_eq!(rolled(Purpose::Maintenance, 0x00, true), Err(Cause::Store(mixed)));
        let nowhere = StoreError::NoSuchPlace(Purpose::Control, 0x01);
        assert_eq!(rolled(Purpose::Control, 0x01, true), Err(Cause::Store(nowhere)));
        assert_eq!(rolled(Purpose::Control, 0x00, false), Err(Cause::Store(StoreError::ControlKeyAdded)));
        let mut card = Recorder::with_challenge([0; 4]);
        let other = "1000000000000009".parse().unwrap();
        let mut others = SoftwareStore::new(EnterpriseKeys::new(other, KeySet::default()));
        let roll = KeyRoll { purpose: Purpose::Purchase, id: 0x01, version: NEW, replaces: true };
        let refused = roll_key(&mut card, &sample(), &mut others, OLD, &roll).unwrap_err();
        assert_eq!(refused.cause, Cause::Store(StoreError::OtherEnterprise(other)));
        assert!(refused.to_string().ends_with("nothing was written"), "{refused}");
        assert!(card.sent().is_empty());
    }

    #[test]
    fn a_refusal_sends_the_station_to_the_key_list() {
        let mut card = Recorder::with_challenge([0; 4]).refusing(ins::WRITE_KEY, hex!("9302"));
        let roll = KeyRoll { purpose: Purpose::Purchase, id: 0x02, version: NEW, replaces: false };
        let error = roll_key(&mut card, &sample(), &mut store(), OLD, &roll).unwrap_err();
        assert_eq!(error.step, Step::RollKey(Purpose::Purchase));
        assert!(error.to_string().contains("read its key list"), "{error}");
    }
}
